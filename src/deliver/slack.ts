// Slack client: posts once, to a webhook or to the Web API. Every outcome is a value. None of them contains the URL of a webhook or
// the token of an app, which are secrets.
import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, request } from 'undici'
import type { Reply } from './answer.ts'
import { textOf } from './coding.ts'
import { withoutEcho } from './echo.ts'
import { createWayOut } from './way-out.ts'

/** Slack answers in well under a second; this is for the days when it does not. */
const timeoutMs = 15_000

/** The most bytes that are read of an answer: a word, a small JSON object, or the message as Discord repeats it. */
const maxAnswer = 16 * 1024
/** The same for the Web API, which repeats the whole message, with `\\u…` for each letter outside ASCII, around the place of the post. */
const maxApiAnswer = 512 * 1024
/** So many times that size is read and dropped to keep the connection; whoever sends more loses it. */
const readTimes = 4

export interface Slack {
  /**
   * Posts `body` (JSON, or fields of a form) to `url`, which is of the Web API if there is a `token` of an app. Never rejects. `signal`
   * ends the wait for the answer; the message may still arrive.
   */
  post(url: string, body: string | URLSearchParams, signal: AbortSignal, token?: string): Promise<Reply>
  close(): Promise<void>
}

/** Throws BAD_CONFIG like {@link createWayOut}. The client makes exactly one request: retries are the lane's business. */
export function createSlack(): Slack {
  const wayOut = createWayOut({ keepAliveTimeout: 30_000 })
  return {
    post: (url, body, signal, token) => post(wayOut.to(url), { url, body, token }, signal),
    close: wayOut.close
  }
}

async function post(
  dispatcher: Dispatcher,
  { url, body, token }: { url: string; body: string | URLSearchParams; token: string | undefined },
  signal: AbortSignal
): Promise<Reply> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    const asked = request(url, {
      dispatcher,
      method: 'POST',
      headers: {
        'content-type': `application/${typeof body === 'string' ? 'json' : 'x-www-form-urlencoded'}; charset=utf-8`,
        'user-agent': 'flux-relay',
        ...(token !== undefined && { authorization: `Bearer ${token}` })
      },
      body: String(body),
      signal: until
    })
    const response = await Promise.race([asked, endOf(until)])
    const { statusCode: status, headers } = response
    const start = await readStart(response.body, token === undefined ? maxAnswer : maxApiAnswer)
    // Some gateways repeat the request, and a word of it would be taken for their own.
    const text = withoutEcho(textOf(start, headers['content-encoding']).trim(), { url, token })
    const redirectsTo = status >= 300 && status < 400 ? hostOf(headers.location, url) : undefined
    return { is: 'answer', status, body: text, retryAfterMs: retryAfterMs(headers, text), redirectsTo }
  } catch (error) {
    const status = statusOfProxy(error)
    return status === undefined ? { is: 'failure', code: codeOf(error) } : { is: 'proxy', status }
  }
}

/** Rejects when `signal` is aborted: undici heeds it only once it has a connection. A request that still waits for one is never sent. */
function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** Reads the first `most` bytes. The rest is read and dropped, within bounds, so that the connection can be used again. */
async function readStart(body: Dispatcher.ResponseData['body'], most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (size < most) chunks.push(chunk)
    size += chunk.length
    if (size > readTimes * most) break
  }
  return Buffer.concat(chunks).subarray(0, most)
}

/** The host that a redirect names, alone, because the rest may repeat the request. */
function hostOf(location: string | string[] | undefined, url: string): string | undefined {
  const [to] = [location].flat()
  return to !== undefined && URL.canParse(to, url) ? new URL(to, url).hostname : undefined
}

// undici throws the answer of a proxy to CONNECT, or to a request that it forwards, with the status only in the message:
// "Proxy response (407) !== 200 when HTTP Tunneling", "Proxy Authentication Required (407)".
function statusOfProxy(error: unknown): number | undefined {
  const { message, cause } = error as { message?: unknown; cause?: { message?: unknown } }
  for (const text of [message, cause?.message]) {
    const status = /^Proxy [^()]*\((\d{3})\)/.exec(String(text))?.[1]
    if (status !== undefined) return Number(status)
  }
  return undefined
}

/** The wait that was asked for: seconds, or a date as HTTP allows, or the `retry_after` that Slack repeats in the body. */
function retryAfterMs(headers: IncomingHttpHeaders, body: string): number | undefined {
  const [value] = [headers['retry-after']].flat()
  if (value !== undefined) {
    // Not every gateway sends whole seconds, and Date.parse takes a number for a year. A date is by the clock of whoever answers.
    const sentAt = Date.parse(headers.date ?? '') || Date.now()
    const ms = /^\d+(\.\d+)?$/.test(value) ? Math.ceil(Number(value) * 1000) : Date.parse(value) - sentAt
    if (ms > 0) return ms
  }
  const inBody = /"retry_after"\s*:\s*(\d{1,6}(?:\.\d+)?)/.exec(body)?.[1]
  return inBody === undefined ? undefined : Math.ceil(Number(inBody) * 1000)
}

/** A code such as `ECONNREFUSED`, `TimeoutError`, `ERR_SSL_SSL/TLS_ALERT_…`; never the message, which may contain the address. */
function codeOf(error: unknown): string {
  const { code, name, cause } = error as { code?: unknown; name?: unknown; cause?: { code?: unknown } }
  const found = [code, cause?.code, name].find((value) => typeof value === 'string' && /^[\w/]{2,60}$/.test(value))
  return String(found ?? 'unknown')
}
