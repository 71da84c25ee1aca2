// How an attempt ended and what follows from it: sent, again, blocked or dead. Pure.
import type { LaneState, Message, Settlement } from '../store/store.ts'

/** What came of one HTTP request. It holds nothing of the URL. */
export type Reply =
  | { is: 'answer'; status: number; body: string; retryAfterMs: number | undefined }
  /** No answer, or half of one: whether Slack took the message is not known. */
  | { is: 'failure'; code: string }

/** After this, what could not be delivered becomes a dead letter. */
export const maxAgeMs = 24 * 60 * 60 * 1000

const maxBackoffMs = 10_000
const firstProbeMs = 5 * 60 * 1000
const lastProbeMs = 60 * 60 * 1000

/** The metric label and the log word of a settlement. */
export const outcomes = ['sent', 'rate_limited', 'retry', 'refused', 'blocked', 'dead'] as const
export type Outcome = (typeof outcomes)[number]

// Webhooks answer an error with one plain-text word; statuses vary, so the word counts first.
// https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks, and reports of what is seen.
const destinationGone = new Set([
  'action_prohibited',
  'channel_is_archived',
  'channel_not_found',
  'invalid_token',
  'no_active_hooks',
  'no_service',
  'no_service_id',
  'no_team',
  'posting_to_general_channel_denied',
  'team_disabled',
  'user_not_found'
])
const payloadRefused = new Set([
  'invalid_attachments',
  'invalid_blocks',
  'invalid_blocks_format',
  'invalid_payload',
  'missing_text_or_fallback_or_attachments',
  'msg_blocks_too_long',
  'msg_too_long',
  'no_text',
  'too_many_attachments'
])

type Kind = 'ok' | 'odd' | 'rate limit' | 'transient' | 'refused' | 'gone'

/** The word Slack answered with; empty where the body is something else, such as a proxy's page. */
function word(body: string): string {
  return /^[a-z][a-z0-9_]{1,63}$/.test(body) ? body : ''
}

function kindOf(reply: Reply, isStrict: boolean): Kind {
  if (reply.is === 'failure') return 'transient'
  const { status, body } = reply
  const code = word(body)
  if (status >= 200 && status < 300) return !isStrict || body === 'ok' ? 'ok' : 'odd'
  if (status === 429) return 'rate limit'
  if (destinationGone.has(code)) return 'gone'
  if (payloadRefused.has(code)) return 'refused'
  if (status >= 500 || status === 408) return 'transient'
  // A redirect is how Slack answers a URL that is none of its webhooks.
  if (status < 400 || [401, 403, 404, 410].includes(status)) return 'gone'
  return 'refused'
}

/** What to record of a reply: no payload, no address. */
export function sayReply(reply: Reply): string {
  return reply.is === 'failure' ? reply.code : [reply.status, word(reply.body)].filter(Boolean).join(' ')
}

/** Whether `reply` means that a message was taken, and what an operator should make of it where not. */
export function judge(reply: Reply, isStrict: boolean): { isTaken: boolean; because: string } {
  const kind = kindOf(reply, isStrict)
  return { isTaken: kind === 'ok', because: advice[kind] }
}

const advice: Record<Kind, string> = {
  ok: '',
  odd: 'that is not Slack\'s "ok": is there a proxy or a login page in between?',
  'rate limit': 'too many messages have just been posted there; try again in a minute',
  transient: 'it cannot be reached, or has trouble of its own',
  refused: 'it does not take this form of message; is `dialect` right?',
  gone: 'the webhook is not valid any more, or its channel is archived; make a new one'
}

/**
 * What follows from `reply` to an attempt at `message`. `block` is the lane's block where this was a probe; `random`
 * is in [0, 1). `isStrict`: only the body `ok` means that the message was taken. What was accepted before `oldest` is given
 * up on.
 */
export function settle(
  message: Message,
  reply: Reply,
  {
    now,
    oldest = now - maxAgeMs,
    random,
    block,
    isStrict
  }: { now: number; oldest?: number; random: number; block: LaneState['block']; isStrict: boolean }
): { outcome: Outcome; settlement: Settlement } {
  const { failures, isPlain } = message
  const said = sayReply(reply)
  const isTooOld = message.newestAt <= oldest
  const dead = (reason: string, lane: Settlement['lane'] = { notBefore: 0 }): ReturnType<typeof settle> => ({
    outcome: 'dead',
    settlement: { message: { state: 'dead', reason }, lane }
  })

  switch (kindOf(reply, isStrict)) {
    case 'ok':
      return { outcome: 'sent', settlement: { message: { state: 'sent' }, lane: { notBefore: 0 } } }
    case 'odd':
      // Not tried again: if it was Slack after all, every try would be one more message in the channel.
      return dead(`answered ${said} without Slack's "ok": is there a proxy or a login page in between?`)
    case 'rate limit': {
      if (isTooOld) return dead('not delivered within 24 hours; Slack limits the rate of this webhook')
      const asked = (reply.is === 'answer' && reply.retryAfterMs) || 0
      const waitMs = Math.min(Math.max(1000, asked), maxAgeMs)
      return {
        outcome: 'rate_limited',
        settlement: { message: { state: 'open', failures, isPlain }, lane: { notBefore: now + waitMs, block } }
      }
    }
    case 'transient': {
      if (isTooOld) return dead(`not delivered within 24 hours; the last answer was ${said}`, { notBefore: 0, block })
      const waitMs = Math.round(random * Math.min(maxBackoffMs, 1000 * 2 ** Math.min(failures, 10)))
      return {
        outcome: 'retry',
        settlement: {
          message: { state: 'open', failures: failures + 1, isPlain },
          lane: { notBefore: now + waitMs, block }
        }
      }
    }
    case 'refused':
      if (isPlain) return dead(`Slack refuses it, also as plain text: ${said}`)
      return {
        outcome: 'refused',
        settlement: { message: { state: 'open', failures: failures + 1, isPlain: true }, lane: { notBefore: 0 } }
      }
    case 'gone': {
      const probes = block?.probes ?? 0
      const lane = {
        notBefore: now + Math.min(firstProbeMs * 2 ** probes, lastProbeMs),
        block: { reason: said, since: block?.since ?? now, probes: probes + 1 }
      }
      if (isTooOld) return dead(`not delivered within 24 hours; the destination answers ${said}`, lane)
      return { outcome: 'blocked', settlement: { message: { state: 'open', failures: failures + 1, isPlain }, lane } }
    }
  }
}
