// Post: sends one message in the form and to the address that its destination has now.
import type { Logger } from 'pino'
import { bodyFor, emptyBodyFor } from '../render/receivers/dialect.ts'
import { withoutBlocks } from '../render/slack/payload.ts'
import { toText } from '../render/slack/terminal.ts'
import type { Message } from '../store/kept-lanes.ts'
import { moved, type Reply, removed } from './answer.ts'
import type { Destination } from './destination.ts'
import { metadataOf } from './look-before.ts'
import type { Slack } from './slack.ts'

function replyOf({ thread }: Message) {
  if (thread === undefined) return {}
  return { thread_ts: thread.ts, ...(thread.isBroadcast && { reply_broadcast: true }) }
}

export function createPost(slack: Slack, log: Logger) {
  return {
    /** Posts the message itself. */
    async message(destination: Destination | undefined, message: Message, signal: AbortSignal): Promise<Reply> {
      const payload = message.isPlain ? withoutBlocks(message.payload) : message.payload
      // The destination was removed from the config a moment ago: what waits for it is becoming dead letters.
      if (destination === undefined) return removed
      // The message is being moved, or waits in a lane that a replica with another config file knows: a post from here would go
      // beside those from its own lane to the same address.
      if (destination.lane !== message.lane) return moved
      if (destination.slack === undefined) {
        log.info({ destination: message.destination, message: toText(payload) }, 'message previewed')
        return { is: 'answer', status: 200, body: 'ok', retryAfterMs: undefined }
      }
      const { url, dialect, sender, app } = destination.slack
      return slack.post(
        url,
        JSON.stringify({
          ...bodyFor(payload, dialect, sender),
          ...replyOf(message),
          ...(app?.hasHistory && { metadata: metadataOf(message) })
        }),
        signal,
        app?.token
      )
    },

    /** Posts an empty message, to see whether the way is open. */
    async empty({ slack: place }: Destination, signal: AbortSignal): Promise<Reply | undefined> {
      if (place === undefined) return undefined
      const { url, dialect, sender, app } = place
      // Without a channel, Slack would answer that the channel is missing.
      const body = { ...emptyBodyFor(dialect), ...(app !== undefined && sender) }
      return slack.post(url, JSON.stringify(body), signal, app?.token)
    }
  }
}
