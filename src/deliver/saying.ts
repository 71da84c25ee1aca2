// Answers in words: says what a receiver answered and what to make of it, without the webhook's address or the app's token.
import { readApiAnswer } from '../slack-api/answer.ts'
import type { SlackApp } from '../slack-api/app.ts'
import { meanings } from '../slack-api/words.ts'
import { type Kind, type Reply, read } from './answer.ts'
import { adviceOnCode } from './unreached.ts'

/** The words in which a reply is recorded: `200 ok`, `404 no_service`, `403 and a web page`, `proxy 407`, `ECONNRESET`. */
export function sayReply(reply: Reply): string {
  if (reply.is === 'failure') return reply.code
  if (reply.is === 'proxy') return `proxy ${reply.status}`
  const { status, body, redirectsTo } = reply
  if (redirectsTo !== undefined) return `${status} to ${redirectsTo}`
  const { is, word, verdict } = read(body)
  if (word !== '') return `${status} ${word}`
  if (is === 'page') return `${status} and a web page`
  if (verdict === 'yes') return `${status} ok`
  if (verdict === 'no' && status < 300) return `${status} and a no`
  return is === 'nothing' && status !== 204 && status < 300 ? `${status} and nothing` : String(status)
}

/** What the Web API adds to its word, such as which part of which block is wrong; for the log. */
export function detailsOf(reply: Reply): string[] {
  return reply.is === 'answer' ? (readApiAnswer(reply.body)?.details ?? []) : []
}

const maxQuote = 80

/** Like {@link sayReply}, with the first words of an answer that has no word of its own; for somebody who tries a destination by hand. */
export function quoteReply(reply: Reply): string {
  const said = sayReply(reply)
  if (reply.is !== 'answer') return said
  const { is, word, verdict } = read(reply.body)
  if (is === 'nothing' || word !== '' || verdict === 'yes') return said
  const quoted = firstWords(reply.body)
  return quoted === '' ? said : `${said}: "${quoted}"`
}

function firstWords(body: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(body)?.[1]?.trim()
  const text = (title || body.replace(/<(script|style)\b[\s\S]*?(<\/\1>|$)/gi, ' ').replace(/<[^>]*>?/g, ' '))
    .replace(/[\p{C}\s]+/gu, ' ')
    .replace(/https?:\/\/\S+/gi, '…')
    .trim()
  return text.length > maxQuote ? `${text.slice(0, maxQuote).trimEnd()}…` : text
}

/** Advice to an operator on an answer. `invited` is the name by which people invite the app, if that is known. */
export function adviceOn(kind: Kind, reply: Reply, { app }: { app?: SlackApp } = {}, invited?: string): string {
  if (kind === 'proxy') {
    const status = reply.is === 'failure' ? '' : ` ${reply.status}`
    return reply.is !== 'failure' && reply.status === 407
      ? `the proxy answers${status}: it requires a user and a password, as in HTTPS_PROXY=http://user:password@proxy:3128`
      : `the proxy answers${status} and does not let the relay through: check HTTPS_PROXY, NO_PROXY and what the proxy allows`
  }
  if (reply.is === 'failure') return adviceOnCode(reply.code) || advice[kind]
  if (app === undefined) return advice[kind]
  const word = reply.is === 'answer' ? read(reply.body).word : ''
  return meanings.get(word)?.advice(invited) || adviceOfApps[kind] || advice[kind]
}

const advice: Record<Exclude<Kind, 'proxy'>, string> = {
  taken: '',
  unclear: 'that is not the "ok" of the receiver: does a proxy or a gateway in between answer by itself?',
  doubtful:
    'that answer is not from the receiver: a proxy, a firewall or a login page in between answers, or the address is not that of a webhook',
  'rate limit': 'too many messages were posted there just now; try again in a minute',
  transient: 'it cannot be reached, or has trouble itself',
  untrusted: 'no encrypted connection comes about',
  refused: 'it does not take this form of message; is `dialect` right?',
  gone: 'the webhook is no longer valid, or its channel is archived; make a new one'
}

/** Advice about an app instead of a webhook, where the word of the answer has none of its own. */
const adviceOfApps: Partial<Record<Kind, string>> = {
  unclear:
    'that is not the answer of Slack to a message it took: is there a proxy or a gateway in between that answers by itself?',
  doubtful:
    'that does not come from Slack: a proxy, a firewall or a login page in between answers, or `apiUrl` is not the address of the Web API',
  refused: 'Slack does not take this message; details say which part of it',
  gone: 'Slack takes nothing there: is the app still installed, and in the channel?'
}
