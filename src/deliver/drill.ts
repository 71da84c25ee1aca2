// A drill: one marked test message to each destination, and what the receiver says to it.
import { setTimeout as sleep } from 'node:timers/promises'
import { context, section } from '../render/blocks.ts'
import { bodyFor } from '../render/dialect.ts'
import type { Payload } from '../render/payload.ts'
import type { Destination } from './destination.ts'
import { judge, sayReply } from './outcome.ts'
import type { Slack } from './slack.ts'

export interface DrillResult {
  destination: string
  isTaken: boolean
  /** The status and Slack's word, or why there is none. */
  answer: string
  /** What to make of it; empty where it was taken. */
  because: string
}

/** Slack allows one message a second for each webhook, and destinations may share one. */
const apartMs = 1100

/** Posts to every destination that is not a preview. Lanes are tried side by side, each at its pace. */
export async function drill(
  destinations: readonly Destination[],
  slack: Slack,
  now: number,
  waitMs = apartMs
): Promise<DrillResult[]> {
  const lanes = Map.groupBy(
    destinations.filter((destination) => destination.slack !== undefined),
    ({ lane }) => lane
  )
  const results = await Promise.all(
    [...lanes.values()].map(async (lane) => {
      const results: DrillResult[] = []
      for (const destination of lane) {
        if (results.length > 0) await sleep(waitMs)
        results.push(await tryOne(destination, slack, now))
      }
      return results
    })
  )
  const order = destinations.map(({ name }) => name)
  return results.flat().sort((a, b) => order.indexOf(a.destination) - order.indexOf(b.destination))
}

async function tryOne({ name, slack: webhook }: Destination, slack: Slack, now: number): Promise<DrillResult> {
  if (webhook === undefined) return { destination: name, isTaken: true, answer: '', because: '' }
  const body = JSON.stringify(bodyFor(testMessage(name, now), webhook.dialect, webhook.sender))
  const reply = await slack.post(webhook.url, body, new AbortController().signal)
  return { destination: name, answer: sayReply(reply), ...judge(reply, webhook.isStrict) }
}

function testMessage(destination: string, now: number): Payload {
  const text = `This is a test of flux-relay. The destination "${destination}" works; nothing has happened.`
  const sent = `\`flux-relay check --drill\` · ${new Date(now).toISOString()}`
  return { text, blocks: [section(`🧪 ${text}`), context(sent)], unfurl_links: false, unfurl_media: false }
}
