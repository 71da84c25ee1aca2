// API client: talks to a running relay.
import { userInfo } from 'node:os'
import { request } from 'undici'
import { RelayError } from '../errors.ts'
import { percentDecoded } from '../percent.ts'
import { whyUnanswered } from './unanswered.ts'

export interface ClientOptions {
  url: string
  token?: string
  /** True if the relay's answer is printed as it is. */
  json?: boolean
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API's schema says of this path
  body: any
}

export type Query = Record<string, string | undefined>

// A page of stored events with their bodies takes a database its time.
const answerWithinMs = 60_000

/** Advice on a 401. */
const whereTokenIs =
  'give it as --token or in the variable ADMIN_TOKEN; the relay has it in its environment (its Secret), or, where none is ' +
  'set, behind "?token=" in its log since the start'

const ifOtherVersion = 'where the relay is of another version, use the command line of that version'

/**
 * Sends a request, and resolves to the answer if its status is one of `expected`. Otherwise throws NO_ANSWER with what the relay, or
 * the network, said instead.
 */
export async function ask(
  { url, token }: ClientOptions,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  query: Query = {},
  expected: readonly number[] = [200],
  content?: object
): Promise<Answer> {
  if (!isHttp(url)) throw new RelayError('NO_ANSWER', '--url must be of the form http://localhost:8080')
  const { origin, pathname, searchParams, username, password } = new URL(url)
  const target = new URL(origin + pathname.replace(/\/+$/, '') + path)
  for (const [key, value] of Object.entries(query)) if (value !== undefined) target.searchParams.set(key, value)
  const secret = token ?? (percentDecoded(password) || (searchParams.get('token') ?? ''))
  const headers = {
    authorization: `Basic ${Buffer.from(`${percentDecoded(username) || person()}:${secret}`).toString('base64')}`,
    'user-agent': 'flux-relay-cli',
    ...(content && { 'content-type': 'application/json' })
  }
  const sent = content === undefined ? null : JSON.stringify(content)
  const signal = AbortSignal.timeout(answerWithinMs)
  const { status, text, location } = await request(target, { method, headers, signal, body: sent })
    // The relay may end, or stand still, in the middle of its answer.
    .then(async ({ statusCode, body, headers }) => ({
      status: statusCode,
      text: await body.text(),
      location: headers['location']
    }))
    .catch((error: unknown) => {
      throw new RelayError('NO_ANSWER', `no answer from ${target.origin}: ${whyUnanswered(error, answerWithinMs)}`)
    })
  const body = parse(text)
  if (expected.includes(status) && hasPart(body, partOf(method, path, status))) return { status, body }
  const said =
    status >= 300 && status < 400
      ? redirection(String(location), target)
      : ((body as { message?: unknown } | undefined)?.message ?? 'is that a flux-relay?')
  throw new RelayError('NO_ANSWER', `${target.origin} answers ${status}: ${said}${adviceOn(method, path, status)}`)
}

/** Says where a redirect leads. It is not followed, because the token would go along. */
function redirection(location: string, target: URL): string {
  const to = URL.parse(location, target.href)
  if (to === null || to.origin === target.origin) return 'it redirects to another page: is that a flux-relay?'
  return `it redirects to ${to.origin}: if that is the relay, give that address as --url or in the variable RELAY_URL`
}

function adviceOn(method: string, path: string, status: number): string {
  if (status === 401) return `; ${whereTokenIs}`
  // A list exists even if nothing is in it: a relay that answers 404 is of another version.
  return status === 404 && method === 'GET' && isList(path) ? `; ${ifOtherVersion}` : ''
}

/** The fault of an answer that cannot be read, because the relay at `url` does not send what this version counts on. */
export function sayUnreadable(url: string): string {
  return `${URL.parse(url)?.origin} answers in a form that this command line cannot read; ${ifOtherVersion}`
}

/**
 * The cursor of the page after `page`, or null. Throws NO_ANSWER if the page says neither: without a cursor, the relay would begin
 * anew, for ever.
 */
export function nextOf(page: { next?: string | null }, { url }: ClientOptions): string | null {
  if (page.next === undefined) throw new RelayError('NO_ANSWER', `${sayUnreadable(url)} ("next" is missing)`)
  return page.next
}

function isList(path: string): boolean {
  return path.split('/').length === 3
}

function hasPart(body: unknown, part: string): boolean {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, part)
}

/** A field that relays of every version have in their answer. JSON alone is no proof: other programs answer everything with it, too. */
function partOf(method: string, path: string, status: number): string {
  if (status >= 400) return 'message'
  // The parts behind "/api/".
  const [list = '', which] = path.split('/').slice(2)
  if (method === 'GET') return which === undefined ? list : 'id'
  if (list === 'acknowledgements') return 'object'
  if (list === 'lanes') return 'lane'
  return which === 'retry' ? 'retried' : 'id'
}

export function isHttp(url: string): boolean {
  return /^https?:$/.test(URL.parse(url)?.protocol ?? '')
}

/** The name of whoever runs this, for the audit log. */
function person(): string {
  try {
    return userInfo().username.replaceAll(':', ' ')
  } catch {
    // A user id may have no name, as in a container.
    return ''
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
