// An envelope: reads what Slack sends over a socket, as far as it is in Slack's form. Pure.
// docs.slack.dev/apis/events-api/using-socket-mode
import { isText, readFields } from './fields.ts'

export type Envelope =
  | { is: 'hello' }
  /** `warning` and `refresh_requested` come some seconds before it; after `link_disabled`, Socket Mode is switched off. */
  | { is: 'disconnect'; reason: string }
  /** To be acknowledged within three seconds; otherwise, Slack shows an error to the clicker. */
  | { is: 'payload'; id: string; type: string; payload: unknown }

/** Slack's ids have 36 characters; longer ones are not Slack's. */
const maxId = 200

/** Reads an envelope. Undefined if `text` is nothing that Slack is known to send. */
export function readEnvelope(text: string): Envelope | undefined {
  const { type, reason, envelope_id: id, payload } = readFields(text)
  if (type === 'hello') return { is: 'hello' }
  if (type === 'disconnect') return { is: 'disconnect', reason: wordOf(reason) }
  if (!isText(id) || id.length > maxId) return undefined
  return { is: 'payload', id, type: wordOf(type), payload }
}

function wordOf(value: unknown): string {
  return typeof value === 'string' && /^[a-z][a-z_]{1,40}$/.test(value) ? value : 'unknown'
}
