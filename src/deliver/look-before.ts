// Look before: before a message whose answer was lost is posted again, looks for it in its channel by its metadata.
import type { Logger } from 'pino'
import { readApiAnswer } from '../slack-api/answer.ts'
import { isChannelId, urlOf } from '../slack-api/app.ts'
import { readHistory } from '../slack-api/history.ts'
import type { Message } from '../store/kept-lanes.ts'
import { kindOf, type Reply } from './answer.ts'
import type { Place } from './destination.ts'
import { sayReply } from './saying.ts'
import type { Slack } from './slack.ts'

/** Messages per page. An answer has to be read whole, and one message may have 15 kB. */
const pageSize = 20
const maxPages = 10
/** The most by which Slack's clock and the store's may differ. */
const apartMs = 2 * 60_000
/** After so many failures a message is posted without a look: people must get their messages even if Slack's history does not answer. */
const maxFailures = 5

/** The metadata by which a message is found: docs.slack.dev/messaging/message-metadata. */
export function metadataOf({ id, newestAt }: Message) {
  return { event_type: 'flux_relay_message', event_payload: { message: id, newest_at: newestAt } }
}

export interface LookBefore {
  /**
   * Slack's answer to `message`, if it was posted before; or the answer to the question, if that has to be asked again. Undefined if
   * `message` is to be posted.
   */
  answerTo(place: Place, message: Message, signal: AbortSignal): Promise<Reply | undefined>
  /** Learns from the answer to `message` whether Slack may have it, and which channel it is in. */
  learn(message: Message, reply: Reply, isOver: boolean): void
}

/** Creates a look into the history of channels, for messages that an earlier attempt or process may have posted. */
export function createLookBefore(slack: Slack, log: Logger): LookBefore {
  /** The IDs of messages that Slack is known not to have. */
  const untaken = new Set<string>()
  /** The IDs of channels, by lane: Slack's history takes no names. */
  const channels = new Map<string, string>()

  async function ask(place: Place, message: Message, channel: string, signal: AbortSignal): Promise<Reply | undefined> {
    const { app } = place
    if (app === undefined) return undefined
    const { thread } = message
    const url = urlOf(app, thread === undefined ? 'conversations.history' : 'conversations.replies')
    const { event_type, event_payload } = metadataOf(message)
    let cursor: string | undefined
    for (let page = 0; page < maxPages; page++) {
      const asked = new URLSearchParams({
        ...{ channel, limit: String(pageSize), include_all_metadata: 'true' },
        oldest: ((message.newestAt - apartMs) / 1000).toFixed(6),
        ...(thread && { ts: thread.ts }),
        ...(cursor !== undefined && { cursor })
      })
      const reply = await slack.post(url, asked, signal, app.token)
      const read = reply.is === 'answer' && reply.status === 200 ? readHistory(reply.body) : undefined
      if (read === undefined) return reply
      const found = read.messages.find(
        ({ metadata }) =>
          metadata?.event_type === event_type &&
          metadata.event_payload['message'] === event_payload.message &&
          metadata.event_payload['newest_at'] === event_payload.newest_at
      )
      if (found !== undefined)
        return {
          ...{ is: 'answer', status: 200, retryAfterMs: undefined },
          body: JSON.stringify({ ok: true, channel, ts: found.ts })
        }
      cursor = read.next
      if (cursor === undefined) return undefined
    }
    return undefined
  }

  return {
    async answerTo(place, message, signal) {
      if (!place.app?.hasHistory || untaken.has(message.id)) return undefined
      const named = place.sender.channel ?? ''
      const channel = message.thread?.channel ?? (isChannelId(named) ? named : channels.get(message.lane))
      if (channel === undefined) return undefined
      const reply = await ask(place, message, channel, signal)
      if (reply === undefined) return undefined
      const kind = kindOf(reply, 'web-api')
      if (kind === 'taken' || kind === 'rate limit') return reply
      if ((kind === 'transient' || kind === 'untrusted') && message.failures < maxFailures) return reply
      log.warn(
        { message: message.id, answer: sayReply(reply) },
        'cannot check whether a message was posted; posting it again'
      )
      return undefined
    },

    learn({ id, lane }, reply, isOver) {
      const kind = kindOf(reply, 'web-api')
      if (isOver) untaken.delete(id)
      else if (kind === 'rate limit' || kind === 'refused' || kind === 'gone') untaken.add(id)
      const channel = reply.is === 'answer' && kind === 'taken' ? readApiAnswer(reply.body)?.posted?.channel : undefined
      if (channel !== undefined) channels.set(lane, channel)
    }
  }
}
