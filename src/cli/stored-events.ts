// Stored events: fetches them from a running relay page by page, with never more than one page in memory.
import { Ajv } from 'ajv'
import { type Static, Type } from 'typebox'
import { RelayError } from '../errors.ts'
import type { Transition } from '../objects.ts'
import type { StoredEvent } from '../rehearsal/replay.ts'
import { ask, type ClientOptions } from './client.ts'

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

/** Every event received after `since` (ms), oldest first. Throws NO_ANSWER where the relay does not answer with them. */
export async function* storedEvents(relay: ClientOptions, since: number): AsyncGenerator<StoredEvent> {
  let cursor: string | null = null
  do {
    const page: Page = await pageOf(relay, since, cursor)
    for (const { receivedAt, ...event } of page.events) {
      yield { ...event, receivedAt: new Date(receivedAt).getTime() }
    }
    cursor = page.next
  } while (cursor !== null)
}

async function pageOf(relay: ClientOptions, since: number, cursor: string | null): Promise<Page> {
  const query = { since: String(since), order: 'asc', limit: String(pageSize), body: 'true' }
  const { body } = await ask(relay, 'GET', '/api/events', { ...query, ...(cursor !== null && { cursor }) })
  if (isPage(body)) return body
  const fault = ajv.errorsText(isPage.errors, { dataVar: 'answer' })
  throw new RelayError('NO_ANSWER', `${relay.url} does not answer with stored events: ${fault}; is that a flux-relay?`)
}
