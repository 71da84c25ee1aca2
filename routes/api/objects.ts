// Object routes: list Flux objects at /api/objects, each in the state that its events show.
import type { FastifyInstance } from 'fastify'
import { closedObject } from '../../src/about.ts'
import { finderOf } from '../../src/dashboard/board.ts'
import { RelayError } from '../../src/errors.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import { compileNames, objectSearchFields, parseSearch } from '../../src/search.ts'
import type { OperatorOptions } from '../options.ts'
import { refuseUnknown } from './names.ts'
import { cursorOf, describe, Next, objectFields, PageFields, pageOf } from './query.ts'
import { createStandings, ObjectState, StandingReply } from './standing.ts'

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

const ObjectsReply = Type.Object({ objects: Type.Array(StandingReply), next: Next })

export function objects(app: FastifyInstance, options: OperatorOptions): void {
  const { store, clock } = options
  const standings = createStandings(options)

  app.get<{ Querystring: Static<typeof ObjectsQuery> }>(
    '/api/objects',
    describe(
      'Objects by their names; where `state` asks for failing or stale ones, the newest failure first',
      ObjectsReply,
      {
        querystring: ObjectsQuery
      }
    ),
    async ({ query }) => {
      const { limit, cursor, order, q = '', ...filter } = query
      const page = pageOf({ limit, cursor, order })
      const search = parseSearch(q, objectSearchFields)
      if (typeof search === 'string') throw new RelayError('BAD_REQUEST', `q: ${search}`)
      const now = clock.now()
      const { ownerOf, replyOf } = await standings(now)
      const finds = { isNamed: compileNames(search), isWanted: finderOf(search, ownerOf) }
      const { items, next } = await store.records.objects({ ...filter, ...finds }, page, now)
      if (items.length === 0) await refuseUnknown({ cluster: filter.cluster, kind: filter.kind }, options)
      return { objects: items.map(replyOf), next }
    }
  )
}
