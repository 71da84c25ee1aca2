// An answer of Slack's Web API: reads it as far as it is in Slack's form. Pure.
import { fieldsOf, isText, readFields } from './fields.ts'

export interface ApiAnswer {
  isOk: boolean
  /** The word of an error; empty if there is none. */
  word: string
  /** Where and when a message was posted; undefined unless both are there. */
  posted: { channel: string; ts: string } | undefined
  /** True if the posted message is a reply; undefined if the answer does not repeat the message. */
  isReply: boolean | undefined
  /** The name by which people invite the app, from `auth.test`. */
  user: string | undefined
  team: string | undefined
  /** The address to connect to, which is a secret, from `apps.connections.open`. */
  url: string | undefined
  /** The IDs of the members, from `usergroups.users.list`. Only they prove that Slack answered: a gateway says `{"ok":true}`, too. */
  users: readonly string[] | undefined
  /** What Slack adds to its word: what is wrong at which place, which scope is missing. At most {@link maxDetails}. */
  details: string[]
}

const maxDetails = 5
const maxDetail = 200

/** Reads an answer. Undefined if `body` is not in Slack's form, such as a page, half of an answer, or a word without JSON. */
export function readApiAnswer(body: string): ApiAnswer | undefined {
  const fields = readFields(body)
  const { ok, error, channel, ts, message, user, team, url, users } = fields
  if (typeof ok !== 'boolean') return undefined
  return {
    isOk: ok,
    word: typeof error === 'string' && /^[a-z][a-z0-9_]{1,63}$/.test(error) ? error : '',
    posted: isText(channel) && isText(ts) ? { channel, ts } : undefined,
    isReply: isReply(message),
    user: nameOf(user),
    team: nameOf(team),
    url: isText(url) ? url : undefined,
    users: Array.isArray(users) ? users.filter(isText) : undefined,
    details: ok ? [] : detailsOf(fields)
  }
}

function isReply(message: unknown): boolean | undefined {
  const { ts, thread_ts } = fieldsOf(message)
  return isText(ts) ? isText(thread_ts) : undefined
}

// `errors` and `response_metadata.messages` say the same, the latter with `[ERROR]` before it.
function detailsOf({ errors, response_metadata: more, needed, provided }: Record<string, unknown>): string[] {
  const { messages } = fieldsOf(more)
  const all = [Array.isArray(messages) ? messages : errors].flat().filter(isText)
  const scopes = isText(needed) ? [`needs ${needed}, and has ${isText(provided) ? provided : 'nothing'}`] : []
  return [...all.map((text) => text.replace(/^\[ERROR\]\s*/, '')), ...scopes].slice(0, maxDetails).map(inOneLine)
}

function inOneLine(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return line.length > maxDetail ? `${line.slice(0, maxDetail).trimEnd()}…` : line
}

function nameOf(value: unknown): string | undefined {
  return isText(value) ? inOneLine(value).slice(0, 80) : undefined
}
