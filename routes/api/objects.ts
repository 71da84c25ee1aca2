// Object routes: list Flux objects at /api/objects, with their states as their events show them.
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { closedObject } from '../../src/about.ts'
import { RelayError } from '../../src/errors.ts'
import { objectSearchFields, parseSearch } from '../../src/search.ts'
import { type ObjectRecord, objectStates } from '../../src/store/records.ts'
import type { OperatorOptions } from '../options.ts'
import { refuseUnknown } from './names.ts'
import {
  AcknowledgementReply,
  cursorOf,
  describe,
  iso,
  Next,
  ObjectReply,
  objectFields,
  PageFields,
  pageOf,
  Time,
  takenOn
} from './query.ts'

const ObjectState = Type.Enum([...objectStates], {
  description: 'stale: it was failing at its last event, and has been silent at least twice as long as ever before.'
})

const ObjectsQuery = closedObject({
  ...objectFields,
  state: Type.Optional(ObjectState),
  q: Type.Optional(
    Type.String({
      maxLength: 500,
      description: `As in the search box of the dashboard: cluster:prod-eu name:ledg* "deadline exceeded". Before a colon: ${objectSearchFields.join(', ')}.`
    })
  ),
  ...PageFields,
  cursor: cursorOf('^-?[0-9]{1,15}:')
})

const ObjectsReply = Type.Object({
  objects: Type.Array(
    Type.Object({
      object: ObjectReply,
      state: ObjectState,
      failure: Type.Optional(
        Type.Object({
          since: Time,
          count: Type.Integer(),
          severity: Type.String(),
          reason: Type.String(),
          text: Type.String(),
          acknowledged: Type.Optional(AcknowledgementReply)
        })
      ),
      since: Time,
      revision: Type.String(),
      notified: Type.Array(
        Type.Object({ rule: Type.String(), destination: Type.String(), at: Time, reminders: Type.Integer() }),
        { description: 'The rules and destinations notified of its failure.' }
      ),
      seenAt: Time
    })
  ),
  next: Next
})

export type ListedObject = Static<typeof ObjectsReply>['objects'][number]

export function objects(app: FastifyInstance, { store, config, clock }: OperatorOptions): void {
  app.get<{ Querystring: Static<typeof ObjectsQuery> }>(
    '/api/objects',
    describe('Objects: failing and stale ones with the newest failure first, others by their names', ObjectsReply, {
      querystring: ObjectsQuery
    }),
    async ({ query }) => {
      const { limit, cursor, order, q = '', ...filter } = query
      const page = pageOf({ limit, cursor, order })
      const search = parseSearch(q, objectSearchFields)
      if (typeof search === 'string') throw new RelayError('BAD_REQUEST', `q: ${search}`)
      const { items, next } = await store.records.objects({ ...filter, search }, page, clock.now())
      if (items.length === 0)
        await refuseUnknown({ cluster: filter.cluster, kind: filter.kind }, config(), store.records)
      return { objects: items.map(replyOf), next }
    }
  )
}

function replyOf({ failure, notified, ...object }: ObjectRecord) {
  return {
    ...object,
    ...(failure && { failure: { ...failure, since: iso(failure.since), ...takenOn(failure.acknowledged) } }),
    since: iso(object.since),
    notified: notified.map((entry) => ({ ...entry, at: iso(entry.at) })),
    seenAt: iso(object.seenAt)
  }
}
