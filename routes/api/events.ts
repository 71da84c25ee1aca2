// Event routes: list events at /api/events, and show one with its whole history at /api/events/:id.
import type { FastifyInstance } from 'fastify'
import { closedObject } from '../../src/about.ts'
import { RelayError } from '../../src/errors.ts'
import { gistOf } from '../../src/events/gist.ts'
import { severityNames } from '../../src/events/severity.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import { transitionNames } from '../../src/objects.ts'
import { eventSearchFields, parseSearch } from '../../src/search.ts'
import type { Trace } from '../../src/store/kept.ts'
import type { EventRecord } from '../../src/store/records.ts'
import type { OperatorOptions } from '../options.ts'
import { refuseUnknown } from './names.ts'
import {
  AcknowledgementReply,
  Because,
  describe,
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
  startOf,
  Time,
  takenOn
} from './query.ts'
import { createStandings, StandingReply } from './standing.ts'

const EventsQuery = closedObject({
  ...objectFields,
  source: Filter,
  reason: Filter,
  severity: Type.Optional(Type.Enum([...severityNames])),
  transition: Type.Optional(Type.Enum([...transitionNames])),
  rule: Filter,
  destination: Filter,
  state: Type.Optional(State),
  since: Moment,
  until: Moment,
  q: Type.Optional(
    Type.String({
      maxLength: 500,
      description: `As in the search box of the dashboard, such as a revision or "deadline exceeded". Before a colon: ${eventSearchFields.join(', ')}.`
    })
  ),
  body: Type.Optional(Type.Enum(['true', 'false'], { description: 'With the raw texts, as received.' })),
  ...PageFields
})

const eventFields = {
  id: Type.String(),
  receivedAt: Time,
  source: Type.String(),
  object: ObjectReply,
  severity: Type.String(),
  reason: Type.String(),
  transition: Type.String(),
  message: Type.String(),
  gist: Type.String({ description: 'What the message says in one line, its cause first.' })
}

const notification = { id: Type.String(), rule: Type.String(), destination: Type.String(), state: State }

const EventsReply = Type.Object({
  events: Type.Array(
    Type.Object({
      ...eventFields,
      notifications: Type.Array(Type.Object(notification)),
      body: Type.Optional(
        Type.String({ description: 'The text that was posted, without what is internal to a controller.' })
      )
    })
  ),
  next: Next
})

export type ListedEvent = Static<typeof EventsReply>['events'][number]

const Verdict = Type.Object({
  rule: Type.String(),
  fired: Type.Boolean(),
  because: Type.Optional(Type.String()),
  wanted: Type.Optional(Type.String()),
  got: Type.Optional(Type.String()),
  isError: Type.Optional(Type.Boolean())
})

const MessageReply = Type.Object(
  {
    id: Type.String(),
    state: Type.String(),
    failures: Type.Integer(),
    payload: Type.Unknown({ description: 'What is posted, for Slack.' }),
    attempts: Type.Array(Type.Object({ at: Time, answer: Type.String() }))
  },
  { description: 'The post that carries it.' }
)

const EventReply = Type.Object({
  ...eventFields,
  body: Type.String(),
  trace: Type.Object({
    verdicts: Type.Array(Verdict),
    quiet: Type.Array(Type.Object({ rule: Type.String(), destination: Type.String(), because: Type.String() })),
    acknowledged: Type.Optional(AcknowledgementReply),
    owner: Type.Optional(
      Type.Object(
        {
          entry: Type.Integer({ description: 'Its place under `owners`, from 1.' }),
          match: Type.String({ description: 'What it asks for; empty where it takes everything.' }),
          send: Type.Array(Type.String()),
          mention: Type.Optional(Type.String()),
          passed: Type.Optional(
            Type.Array(
              Type.Object({
                entry: Type.Integer(),
                app: Type.String(),
                channel: Type.String(),
                because: Type.String()
              }),
              { description: 'Channels that the event named and did not get, and why.' }
            )
          )
        },
        { description: 'Whom the event belonged to, where a rule sends to the owner.' }
      )
    )
  }),
  notifications: Type.Array(
    Type.Object({ ...notification, reason: Because, message: Type.Union([MessageReply, Type.Null()]) })
  ),
  standing: Type.Union([StandingReply, Type.Null()], {
    description: 'How the object stands now; null where nothing is remembered of it.'
  })
})

export type OneEvent = Static<typeof EventReply>

export function events(app: FastifyInstance, options: OperatorOptions): void {
  const { store, clock } = options
  const standings = createStandings(options)

  app.get<{ Querystring: Static<typeof EventsQuery> }>(
    '/api/events',
    describe('Events', EventsReply, { querystring: EventsQuery }),
    async ({ query }) => {
      const { since, until, q = '', body, limit, cursor, order, ...fields } = query
      const now = clock.now()
      const search = parseSearch(q, eventSearchFields)
      if (typeof search === 'string') throw new RelayError('BAD_REQUEST', `q: ${search}`)
      const filter = { ...fields, since: startOf(since, now), until: momentOf(until, now), search }
      // An empty range would look as if all were quiet.
      if (filter.since !== undefined && filter.until !== undefined && filter.until <= filter.since)
        throw new RelayError('BAD_REQUEST', `until, ${iso(filter.until)}, is not after since, ${iso(filter.since)}`)
      const page = pageOf({ limit, cursor, order })
      const { items, next } = await store.records.events(filter, page, { withBody: body === 'true' })
      if (items.length === 0) await refuseUnknown(fields, options)
      return { events: items.map(replyOf), next }
    }
  )

  app.get<{ Params: { id: string } }>(
    '/api/events/:id',
    describe('One event: what each rule decided, its notifications, and every answer to its messages', EventReply, {
      params: Id
    }),
    async ({ params }) => {
      const event = await store.records.event(params.id)
      if (event === undefined)
        throw new RelayError('NOT_FOUND', 'there is no such event; it may be older than the retention')
      const notifications = event.notifications.map(({ message, ...rest }) => ({
        ...rest,
        message: message && {
          ...message,
          attempts: message.attempts.map(({ at, answer }) => ({ at: iso(at), answer }))
        }
      }))
      const now = clock.now()
      const [{ replyOf: standingOf }, { items }] = await Promise.all([
        standings(now),
        store.records.objects(event.object, { limit: 1 }, now)
      ])
      return {
        ...replyOf(event),
        trace: traceOf(event.trace),
        notifications,
        standing: items.map(standingOf)[0] ?? null
      }
    }
  )
}

function replyOf<T extends Pick<EventRecord, 'receivedAt' | 'object' | 'reason' | 'message'>>(event: T) {
  const { object, reason, message } = event
  return { ...event, gist: gistOf(object, reason, message).what, receivedAt: iso(event.receivedAt) }
}

function traceOf({ acknowledged, ...trace }: Trace) {
  return { ...trace, ...takenOn(acknowledged) }
}
