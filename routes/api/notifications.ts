// Notification routes: list notifications at /api/notifications, and retry or discard dead letters.
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { RelayError } from '../../src/errors.ts'
import { refuseUnknown } from './names.ts'
import type { ApiOptions } from './options.ts'
import {
  Filter,
  Id,
  iso,
  Moment,
  momentOf,
  Next,
  ObjectReply,
  objectFields,
  PageFields,
  pageOf,
  State,
  TextOrNull
} from './query.ts'

const filterFields = { ...objectFields, rule: Filter, destination: Filter, lane: Filter, since: Moment }

const NotificationsQuery = Type.Object(
  { ...filterFields, state: Type.Optional(State), ...PageFields },
  { additionalProperties: false }
)

const RetryQuery = Type.Object(
  { ...filterFields, limit: PageFields.limit, cursor: PageFields.cursor },
  { additionalProperties: false }
)

const NotificationsReply = Type.Object({
  notifications: Type.Array(
    Type.Object({
      id: Type.String(),
      event: TextOrNull,
      rule: Type.String(),
      destination: Type.String(),
      lane: Type.String(),
      state: State,
      reason: TextOrNull,
      says: Type.String(),
      object: ObjectReply,
      summary: Type.String(),
      createdAt: Type.String({ format: 'date-time' })
    })
  ),
  next: Next
})

const Retried = Type.Object({ id: Type.String(), destination: Type.String(), lane: Type.String() })
const RetryReply = Type.Object({ retried: Type.Array(Retried), next: Next })

const notDead = 'there is no such dead letter: it was already retried or discarded, or its destination is gone'

export function notifications(app: FastifyInstance, { store, config, clock, actions }: ApiOptions): void {
  const { records } = store

  app.get<{ Querystring: Static<typeof NotificationsQuery> }>(
    '/api/notifications',
    { schema: { summary: 'Notifications', querystring: NotificationsQuery, response: { 200: NotificationsReply } } },
    async ({ query }) => {
      const { since, limit, cursor, order, ...fields } = query
      const page = pageOf({ limit, cursor, order })
      const filter = { ...fields, since: momentOf(since, clock.now()) }
      const { items, next } = await records.notifications(filter, page)
      if (items.length === 0) await refuseUnknown(fields, config(), records)
      return { notifications: items.map((item) => ({ ...item, createdAt: iso(item.createdAt) })), next }
    }
  )

  app.post<{ Params: Static<typeof Id> }>(
    '/api/notifications/:id/retry',
    { schema: { summary: 'Retries a dead letter', params: Id, response: { 200: Retried } } },
    async ({ params }) => {
      const retried = await actions.retry(params.id)
      if (retried === undefined) throw new RelayError('NOT_FOUND', notDead)
      return retried
    }
  )

  app.post<{ Querystring: Static<typeof RetryQuery> }>(
    '/api/notifications/retry',
    {
      schema: {
        summary: 'Retries dead letters, oldest first; repeat with the cursor until `next` is null',
        querystring: RetryQuery,
        response: { 200: RetryReply }
      }
    },
    async ({ query }) => {
      const { since, limit, cursor, ...fields } = query
      const page = pageOf({ limit, cursor })
      const filter = { ...fields, since: momentOf(since, clock.now()) }
      const { items, next } = await actions.retryAll(filter, page)
      if (items.length === 0) await refuseUnknown(fields, config(), records)
      return { retried: items, next }
    }
  )

  app.post<{ Params: Static<typeof Id> }>(
    '/api/notifications/:id/discard',
    {
      schema: {
        summary: 'Discards a dead letter',
        params: Id,
        response: { 200: Type.Object({ id: Type.String(), state: State }) }
      }
    },
    async ({ params: { id } }) => {
      if (!(await actions.discard(id))) throw new RelayError('NOT_FOUND', notDead)
      return { id, state: 'muted' as const }
    }
  )
}
