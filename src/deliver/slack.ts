// Slack client: posts once, to a webhook or to the Web API. Every outcome is a value; the URL of a webhook and the token of
// an app, which are secrets, are in none of them.
import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, request } from 'undici'
import type { Reply } from './answer.ts'
import { textOf } from './coding.ts'
import { withoutEcho } from './echo.ts'
import { createWayOut } from './way-out.ts'

/** Slack answers in well under a second; this is for the days it does not. */
const timeoutMs = 15_000

/** The most that is read of an answer: a word, a small JSON object, or the message as Discord repeats it. */
const maxAnswer = 16 * 1024
/** The Web API repeats the whole message, each letter that is not ASCII as `\\u…`, and says anywhere when it was posted. */
const maxApiAnswer = 512 * 1024
/** How many times that much is read and dropped to keep the connection; whoever sends more loses it. */
const readTimes = 4

export interface Slack {
  /**
   * Posts `body` (JSON, or fields of a form) to `url`, which is the Web API where there is a `token` of an app. Never rejects. `signal` stops
   * waiting for the answer; the message may still arrive.
   */
  post(url: string, body: string | URLSearchParams, signal: AbortSignal, token?: string): Promise<Reply>
  close(): Promise<void>
}

/** Throws BAD_CONFIG as {@link createWayOut}. Retries are the lane's business: the client makes exactly one request. */
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
    // Some gateways repeat what they were asked, and one word of it would be taken for theirs.
    const text = withoutEcho(textOf(start, headers['content-encoding']).trim(), { url, token })
    const redirectsTo = status >= 300 && status < 400 ? hostOf(headers.location, url) : undefined
    return { is: 'answer', status, body: text, retryAfterMs: retryAfterMs(headers, text), redirectsTo }
  } catch (error) {
    const status = statusOfProxy(error)
    return status === undefined ? { is: 'failure', code: codeOf(error) } : { is: 'proxy', status }
  }
}

/** Rejects when `signal` is aborted: undici heeds one only once it has a connection. What waits for one then is not sent. */
function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** The first `most` bytes; the rest is read and dropped, within bounds, so that the connection can be used again. */
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

/** Where a redirect leads: the host alone, because the rest may repeat what was asked for. */
function hostOf(location: string | string[] | undefined, url: string): string | undefined {
  const [to] = [location].flat()
  return to !== undefined && URL.canParse(to, url) ? new URL(to, url).hostname : undefined
}

// undici throws what a proxy answers to CONNECT, and to a request it forwards, with the status in the message only:
// "Proxy response (407) !== 200 when HTTP Tunneling", "Proxy Authentication Required (407)".
function statusOfProxy(error: unknown): number | undefined {
  const { message, cause } = error as { message?: unknown; cause?: { message?: unknown } }
  for (const text of [message, cause?.message]) {
    const status = /^Proxy [^()]*\((\d{3})\)/.exec(String(text))?.[1]
    if (status !== undefined) return Number(status)
  }
  return undefined
}

/** Seconds, or a date as HTTP allows, or the `retry_after` that Slack repeats in the body. */
function retryAfterMs(headers: IncomingHttpHeaders, body: string): number | undefined {
  const [value] = [headers['retry-after']].flat()
  if (value !== undefined) {
    // Not every gateway keeps to whole seconds, and a number is a year to Date.parse. A date is by the clock of whoever answers.
    const sentAt = Date.parse(headers.date ?? '') || Date.now()
    const ms = /^\d+(\.\d+)?$/.test(value) ? Math.ceil(Number(value) * 1000) : Date.parse(value) - sentAt
    if (ms > 0) return ms
  }
  const inBody = /"retry_after"\s*:\s*(\d{1,6}(?:\.\d+)?)/.exec(body)?.[1]
  return inBody === undefined ? undefined : Math.ceil(Number(inBody) * 1000)
}

/** `ECONNREFUSED`, `TimeoutError`, `ERR_SSL_SSL/TLS_ALERT_…`: never the message, which may contain the address. */
function codeOf(error: unknown): string {
  const { code, name, cause } = error as { code?: unknown; name?: unknown; cause?: { code?: unknown } }
  const found = [code, cause?.code, name].find((value) => typeof value === 'string' && /^[\w/]{2,60}$/.test(value))
  return String(found ?? 'unknown')
}
