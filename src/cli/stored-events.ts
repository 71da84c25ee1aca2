// Stored events: are fetched from a running relay page by page, with never more than one page in memory.
import { Ajv } from 'ajv'
import { type Static, Type } from 'typebox'
import { request } from 'undici'
import { RelayError } from '../errors.ts'
import type { Transition } from '../objects.ts'
import type { StoredEvent } from '../rehearsal/replay.ts'
import { whereTokenIs } from './client.ts'

const PageSchema = Type.Object({
  events: Type.Array(
    Type.Object({
      id: Type.String(),
      receivedAt: Type.Unsafe<number | string>({ type: ['number', 'string'] }),
      source: Type.String(),
      body: Type.String(),
      transition: Type.Optional(Type.Unsafe<Transition>({ type: 'string' })),
      notifications: Type.Array(
        Type.Object({ rule: Type.String(), destination: Type.String(), state: Type.Optional(Type.String()) })
      )
    })
  ),
  next: Type.Unsafe<string | null>({ type: ['string', 'null'] })
})

type Page = Static<typeof PageSchema>

const ajv = new Ajv({ allowUnionTypes: true })
const isPage = ajv.compile<Page>(PageSchema)

const pageSize = 500
const timeoutMs = 60_000

/** Every event received after `since` (ms), oldest first. Throws a RelayError where the relay does not answer with them. */
export async function* storedEvents(
  url: string,
  since: number,
  token: string | undefined
): AsyncGenerator<StoredEvent> {
  let cursor: string | null = null
  do {
    const page: Page = await getPage(pageUrl(url, since, cursor), token)
    for (const { receivedAt, ...event } of page.events) {
      yield { ...event, receivedAt: new Date(receivedAt).getTime() }
    }
    cursor = page.next
  } while (cursor !== null)
}

function pageUrl(url: string, since: number, cursor: string | null): URL {
  // The relay may live below a path of its host.
  const page = new URL('api/events', url.endsWith('/') ? url : `${url}/`)
  page.search = new URLSearchParams({
    since: String(since),
    order: 'asc',
    limit: String(pageSize),
    body: 'true',
    ...(cursor !== null && { cursor })
  }).toString()
  return page
}

async function getPage(url: URL, token: string | undefined): Promise<Page> {
  const { statusCode, text } = await get(url, token)
  if (statusCode === 401) {
    throw new RelayError('UNAUTHORIZED', `${url.origin} wants its ADMIN_TOKEN (401): ${whereTokenIs}`)
  }
  if (statusCode === 403) {
    const why =
      'it is open to its own machine only, and not through a proxy; set ADMIN_TOKEN for it and give that as --token'
    throw new RelayError('FORBIDDEN', `${url.origin} refuses (403): ${why}`)
  }
  if (statusCode !== 200) throw new RelayError('BAD_REQUEST', `${url.origin}${url.pathname} answered ${statusCode}`)
  let page: unknown
  try {
    page = JSON.parse(text)
  } catch {
    throw new RelayError('BAD_JSON', `${url.origin}${url.pathname} did not answer with JSON; is that a relay?`)
  }
  if (isPage(page)) return page
  const fault = ajv.errorsText(isPage.errors, { dataVar: 'answer' })
  throw new RelayError('BAD_JSON', `${url.origin}${url.pathname} did not answer with stored events: ${fault}`)
}

async function get(url: URL, token: string | undefined): Promise<{ statusCode: number; text: string }> {
  try {
    const { statusCode, body } = await request(url, {
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(timeoutMs)
    })
    return { statusCode, text: await body.text() }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new RelayError('INTERNAL', `${url.origin} does not answer: ${code ?? message}`)
  }
}
