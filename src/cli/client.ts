// API client: talks to a running relay.
import { userInfo } from 'node:os'
import { request } from 'undici'
import { RelayError } from '../errors.ts'

export interface ClientOptions {
  url: string
  token?: string
  /** Whether its answer is printed as it is. */
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

/** The advice for a 401. */
const whereTokenIs =
  'give it as --token or in the variable ADMIN_TOKEN; the relay has it in its environment (its Secret), or, where none is ' +
  'set, behind "?token=" in its log since the start'

/**
 * Asks and resolves to the answer, if it is one of `expected`; throws NO_ANSWER with what the relay, or the network, said
 * instead.
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
  const target = new URL(url.replace(/\/+$/, '') + path)
  for (const [key, value] of Object.entries(query)) if (value !== undefined) target.searchParams.set(key, value)
  const headers = {
    authorization: `Basic ${Buffer.from(`${person()}:${token ?? ''}`).toString('base64')}`,
    'user-agent': 'flux-relay-cli',
    ...(content && { 'content-type': 'application/json' })
  }
  const sent = content === undefined ? null : JSON.stringify(content)
  const signal = AbortSignal.timeout(answerWithinMs)
  const response = await request(target, { method, headers, signal, body: sent }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new RelayError('NO_ANSWER', `no answer from ${target.origin}: ${error.code || error.message}`)
    }
  )
  const text = await response.body.text()
  const status = response.statusCode
  const body = parse(text)
  if (expected.includes(status) && isOurs(body, { method, path, status })) return { status, body }
  const said = (body as { message?: unknown } | undefined)?.message ?? 'is that a flux-relay?'
  const next = status === 401 ? `; ${whereTokenIs}` : ''
  throw new RelayError('NO_ANSWER', `${target.origin} answers ${status}: ${said}${next}`)
}

export function isHttp(url: string): boolean {
  return /^https?:$/.test(URL.parse(url)?.protocol ?? '')
}

/** Who runs this: the audit log names them. */
function person(): string {
  try {
    return userInfo().username.replaceAll(':', ' ')
  } catch {
    // A user id without a name, as in a container.
    return ''
  }
}

/** Whether the relay answers so: others say 200 or 404 in JSON, too. A list stands under its name; what is about one thing names it. */
function isOurs(body: unknown, { method, path, status }: { method: string; path: string; status: number }): boolean {
  const fields = new Map(Object.entries(body ?? {}))
  if (status >= 400) return typeof fields.get('message') === 'string'
  const [, list] = /^\/api\/(\w+)$/.exec(path) ?? []
  if (method === 'GET' && list !== undefined) return Array.isArray(fields.get(list))
  return ['id', 'lane', 'object', 'retried'].some((name) => fields.has(name))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
