// /api/notifications: list notifications, and retry or discard dead letters.
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

const notDead = 'there is no such dead letter: it was tried again or discarded already, or its destination is gone'

export function notifications(app: FastifyInstance, { store, config, clock, wake }: ApiOptions): void {
  const { records } = store
  const lanes = () => new Map([...config().destinations.values()].map(({ name, lane }) => [name, lane]))

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
    { schema: { summary: 'Tries a dead letter again', params: Id, response: { 200: Retried } } },
    async ({ params, log }) => {
      const [retried] = await records.retry([params.id], lanes(), clock.now())
      if (retried === undefined) throw new RelayError('NOT_FOUND', notDead)
      wake([retried.lane])
      log.info({ notification: retried.id, destination: retried.destination }, 'dead letter waits again')
      return retried
    }
  )

  app.post<{ Querystring: Static<typeof RetryQuery> }>(
    '/api/notifications/retry',
    {
      schema: {
        summary: 'Tries dead letters again, the oldest first: repeat with the cursor until there is no next',
        querystring: RetryQuery,
        response: { 200: RetryReply }
      }
    },
    async ({ query, log }) => {
      const { since, limit, cursor, ...fields } = query
      const page = pageOf({ limit, cursor })
      const filter = { ...fields, since: momentOf(since, clock.now()) }
      const { items, next } = await records.retryAll(filter, page, lanes(), clock.now())
      if (items.length === 0) await refuseUnknown(fields, config(), records)
      wake(new Set(items.map(({ lane }) => lane)))
      log.info({ notifications: items.length }, 'dead letters wait again')
      return { retried: items, next }
    }
  )

  app.post<{ Params: Static<typeof Id> }>(
    '/api/notifications/:id/discard',
    {
      schema: {
        summary: 'Puts a dead letter away',
        params: Id,
        response: { 200: Type.Object({ id: Type.String(), state: State }) }
      }
    },
    async ({ params, log }) => {
      const [id] = await records.discard([params.id])
      if (id === undefined) throw new RelayError('NOT_FOUND', notDead)
      log.info({ notification: id }, 'dead letter discarded')
      return { id, state: 'muted' as const }
    }
  )
}
