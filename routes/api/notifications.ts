// Notification routes: list notifications at /api/notifications, and retry or discard dead letters.
import type { FastifyInstance } from 'fastify'
import { closedObject } from '../../src/about.ts'
import { RelayError } from '../../src/errors.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import { actorOf } from '../actor.ts'
import type { OperatorOptions } from '../options.ts'
import { refuseUnknown } from './names.ts'
import {
  Because,
  describe,
  Filter,
  Id,
  iso,
  Moment,
  Next,
  ObjectReply,
  objectFields,
  PageFields,
  pageOf,
  State,
  startOf,
  Time,
  textOrNull
} from './query.ts'

const filterFields = { ...objectFields, rule: Filter, destination: Filter, lane: Filter, since: Moment }

const NotificationsQuery = closedObject({ ...filterFields, state: Type.Optional(State), ...PageFields })

const RetryQuery = closedObject({ ...filterFields, limit: PageFields.limit, cursor: PageFields.cursor })

const NotificationsReply = Type.Object({
  notifications: Type.Array(
    Type.Object({
      id: Type.String(),
      event: textOrNull(),
      rule: Type.String(),
      destination: Type.String(),
      lane: Type.String(),
      state: State,
      reason: Because,
      says: Type.String(),
      object: ObjectReply,
      summary: Type.String(),
      createdAt: Time
    })
  ),
  next: Next
})

export type ListedNotification = Static<typeof NotificationsReply>['notifications'][number]

const Retried = Type.Object({ id: Type.String(), destination: Type.String(), lane: Type.String() })
export type RetriedNotification = Static<typeof Retried>

const RetryReply = Type.Object({ retried: Type.Array(Retried), next: Next })

const notDead =
  'there is no such dead letter: the id is of something else, it was already retried or discarded, or its destination is gone'

export function notifications(app: FastifyInstance, options: OperatorOptions): void {
  const { store, clock, actions } = options

  app.get<{ Querystring: Static<typeof NotificationsQuery> }>(
    '/api/notifications',
    describe('Notifications', NotificationsReply, { querystring: NotificationsQuery }),
    async ({ query }) => {
      const { since, limit, cursor, order, ...fields } = query
      const page = pageOf({ limit, cursor, order })
      const filter = { ...fields, since: startOf(since, clock.now()) }
      const { items, next } = await store.records.notifications(filter, page)
      if (items.length === 0) await refuseUnknown(fields, options)
      return { notifications: items.map((item) => ({ ...item, createdAt: iso(item.createdAt) })), next }
    }
  )

  app.post<{ Params: Static<typeof Id> }>(
    '/api/notifications/:id/retry',
    describe('Retries a dead letter', Retried, { params: Id }),
    async (request) => {
      const retried = await actions.retry(request.params.id, actorOf(request, 'api'))
      if (retried === undefined) throw new RelayError('NOT_FOUND', notDead)
      return retried
    }
  )

  app.post<{ Querystring: Static<typeof RetryQuery> }>(
    '/api/notifications/retry',
    describe('Retries dead letters, oldest first; repeat with the cursor until `next` is null', RetryReply, {
      querystring: RetryQuery
    }),
    async (request) => {
      const { since, limit, cursor, ...fields } = request.query
      const page = pageOf({ limit, cursor })
      const filter = { ...fields, since: startOf(since, clock.now()) }
      const { items, next } = await actions.retryAll(filter, page, actorOf(request, 'api'))
      if (items.length === 0) await refuseUnknown(fields, options)
      return { retried: items, next }
    }
  )

  app.post<{ Params: Static<typeof Id> }>(
    '/api/notifications/:id/discard',
    describe('Discards a dead letter', Type.Object({ id: Type.String(), state: State }), { params: Id }),
    async (request) => {
      const { id } = request.params
      if (!(await actions.discard(id, actorOf(request, 'api')))) throw new RelayError('NOT_FOUND', notDead)
      return { id, state: 'discarded' as const }
    }
  )
}
