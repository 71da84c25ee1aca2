// Pace: limits a lane's speed by a token bucket. Pure. Slack allows one message a second per webhook and short bursts
// (docs.slack.dev/apis/web-api/rate-limits), and may disable an app that goes on after a 429.

import { closedObject, option } from '../about.ts'
import { type Static, Type } from '../json-schema.ts'
import { apartMs, type Bucket } from '../store/kept-lanes.ts'

export const PaceSchema = closedObject({
  perSecond: option(
    Type.Number({ exclusiveMinimum: 0, maximum: 50 }),
    'Messages a second',
    'How many messages a second are posted in the long run. 1 by default, which is what Slack allows.',
    1,
    0.5
  ),
  burst: option(
    Type.Integer({ minimum: 1, maximum: 100 }),
    'Burst',
    'How many messages may be posted at once after a quiet time. 3 by default.',
    3
  )
})

export interface Pace {
  perSecond: number
  burst: number
}

export function createPace({ perSecond = 1, burst = 3 }: Static<typeof PaceSchema> = {}): Pace {
  return { perSecond, burst }
}

// Clocks differ and requests take time to arrive: a bucket that is refilled at exactly the limit meets a 429 now and then.
const margin = 0.98

/** Takes a token at `now` (ms), or returns when there will be one. A lane without a bucket has not posted yet: its bucket is full. */
export function take(bucket: Bucket | undefined, pace: Pace, now: number): { bucket: Bucket } | { until: number } {
  const tokens = tokensAt(bucket, pace, now)
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, at: now } }
  return { until: now + Math.ceil((1 - tokens) / perMs(pace)) }
}

/** The tokens in a bucket at `now` (ms). */
export function tokensAt(bucket: Bucket | undefined, pace: Pace, now: number): number {
  const known = bucket ?? { tokens: pace.burst, at: now }
  // The clock was set back: nobody knows how long ago the bucket was written, and that must not stop the lane.
  if (known.at - now > apartMs) return Math.max(1, known.tokens)
  const elapsed = Math.max(0, now - known.at)
  return Math.min(pace.burst, known.tokens + elapsed * perMs(pace))
}

const perMs = ({ perSecond }: Pace) => (perSecond * margin) / 1000
