// Act routes: list what operators did at /api/acts.
import type { FastifyInstance } from 'fastify'
import { closedObject } from '../../src/about.ts'
import { actWays } from '../../src/actor.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import { objectOf } from '../../src/objects/name.ts'
import { actNames } from '../../src/store/kept.ts'
import type { OperatorOptions } from '../options.ts'
import { describe, Filter, iso, Moment, Next, ObjectReply, PageFields, pageOf, startOf, Time } from './query.ts'

const ActsQuery = closedObject({
  name: Filter,
  via: Type.Optional(Type.Enum([...actWays])),
  did: Type.Optional(Type.Enum([...actNames])),
  since: Moment,
  ...PageFields
})

const ActsReply = Type.Object({
  acts: Type.Array(
    Type.Object({
      id: Type.String(),
      at: Time,
      name: Type.String({ description: 'Who, as they signed in or as Slack knows them.' }),
      via: Type.Enum([...actWays]),
      did: Type.Enum([...actNames]),
      about: Type.Object(
        {
          incidents: Type.Optional(Type.Array(Type.Object({ object: ObjectReply, since: Time }))),
          silence: Type.Optional(Type.String({ description: 'The id of a silence.' })),
          match: Type.Optional(Type.Record(Type.Unknown())),
          comment: Type.Optional(Type.String()),
          endsAt: Type.Optional(Time),
          notifications: Type.Optional(Type.Array(Type.String(), { description: 'Their ids.' })),
          lane: Type.Optional(Type.String())
        },
        { description: 'The parts that what was done has.' }
      )
    })
  ),
  next: Next
})

export type ListedAct = Static<typeof ActsReply>['acts'][number]

export function acts(app: FastifyInstance, { store, clock }: OperatorOptions): void {
  app.get<{ Querystring: Static<typeof ActsQuery> }>(
    '/api/acts',
    describe('The audit log: what operators did, by whom, when, through what', ActsReply, { querystring: ActsQuery }),
    async ({ query }) => {
      const { since, limit, cursor, order, ...wanted } = query
      const filter = { ...wanted, since: startOf(since, clock.now()) }
      const { items, next } = await store.records.acts(filter, pageOf({ limit, cursor, order }))
      return {
        acts: items.map(({ about: { incidents, endsAt, ...about }, ...act }) => ({
          ...act,
          at: iso(act.at),
          about: {
            ...about,
            ...(endsAt !== undefined && { endsAt: iso(endsAt) }),
            ...(incidents && {
              incidents: incidents.map(({ object, since }) => ({ object: objectOf(object), since: iso(since) }))
            })
          }
        })),
        next
      }
    }
  )
}
