// Answers in words: says what a receiver answered and what to make of it, without the webhook's address.
import { type Kind, type Reply, read } from './answer.ts'

/** What to record of a reply: `200 ok`, `404 no_service`, `403 and a web page`, `proxy 407`, `ECONNRESET`. */
export function sayReply(reply: Reply): string {
  if (reply.is === 'failure') return reply.code
  if (reply.is === 'proxy') return `proxy ${reply.status}`
  const { status, body, redirectsTo } = reply
  if (redirectsTo !== undefined) return `${status} to ${redirectsTo}`
  const { is, word, verdict } = read(body)
  if (word !== '') return `${status} ${word}`
  if (is === 'page') return `${status} and a web page`
  if (verdict === 'yes') return `${status} ok`
  if (verdict === 'no') return `${status} and a no`
  return is === 'nothing' && status !== 204 && status < 300 ? `${status} and nothing` : String(status)
}

const maxQuote = 80

/**
 * As {@link sayReply}, with the first words of what has no word of its own, for who tries a webhook by hand. `url` is the
 * webhook's: some proxies repeat what they were asked for.
 */
export function quoteReply(reply: Reply, url: string): string {
  const said = sayReply(reply)
  if (reply.is !== 'answer') return said
  const { is, word, verdict } = read(reply.body)
  if (is === 'nothing' || word !== '' || verdict === 'yes') return said
  const quoted = firstWords(reply.body, secretsOf(url))
  return quoted === '' ? said : `${said}: "${quoted}"`
}

function firstWords(body: string, secrets: readonly string[]): string {
  const title = /<title[^>]*>([^<]*)/i.exec(body)?.[1]?.trim()
  const text = (title || body.replace(/<(script|style)\b[\s\S]*?(<\/\1>|$)/gi, ' ').replace(/<[^>]*>?/g, ' '))
    .replace(/[\p{C}\s]+/gu, ' ')
    .replace(/https?:\/\/\S+/gi, '…')
    .trim()
  const masked = secrets.reduce((left, secret) => left.replaceAll(secret, '…'), text)
  return masked.length > maxQuote ? `${masked.slice(0, maxQuote).trimEnd()}…` : masked
}

/** The secret parts of a webhook's address: path and query, and each part of them that is not a word. */
function secretsOf(url: string): string[] {
  if (!URL.canParse(url)) return [url]
  const { pathname, search } = new URL(url)
  const parts = `${pathname}${search}`.split(/[/?&=]/).filter((part) => part.length >= 6 && !/^[a-z_]+$/.test(part))
  return [`${pathname}${search}`, pathname, ...parts, ...parts.map(decoded)].filter((part) => part.length > 1)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What an operator should make of it. */
export function adviceOn(kind: Kind, reply: Reply): string {
  if (kind === 'proxy') {
    const status = reply.is === 'failure' ? '' : ` ${reply.status}`
    return reply.is !== 'failure' && reply.status === 407
      ? `the proxy answers${status}: it requires a user and a password, as in HTTPS_PROXY=http://user:password@proxy:3128`
      : `the proxy answers${status} and does not let the relay through: check HTTPS_PROXY, NO_PROXY and what the proxy allows`
  }
  return advice[kind]
}

const advice: Record<Exclude<Kind, 'proxy'>, string> = {
  taken: '',
  unclear: 'that is not the "ok" of the receiver: does a proxy or a gateway in between answer by itself?',
  doubtful:
    'that answer is not from the receiver: a proxy, a firewall or a login page in between answers, or the address is not that of a webhook',
  'rate limit': 'too many messages were posted there just now; try again in a minute',
  transient: 'it cannot be reached, or has trouble itself',
  refused: 'it does not take this form of message; is `dialect` right?',
  gone: 'the webhook is no longer valid, or its channel is archived; make a new one'
}
