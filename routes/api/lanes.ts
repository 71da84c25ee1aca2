// GET /api/lanes and /api/preview/:destination: what waits for each webhook, and what was said where there is none.
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { createPace, tokensAt } from '../../src/deliver/pace.ts'
import { RelayError } from '../../src/errors.ts'
import { toText } from '../../src/render/text.ts'
import type { LaneRecord } from '../../src/store/records.ts'
import type { ApiOptions } from '../api.ts'
import { iso, isoOrNull, TextOrNull } from './query.ts'

const time = Type.String({ format: 'date-time' })

const LanesReply = Type.Object({
  lanes: Type.Array(
    Type.Object({
      lane: Type.String(),
      destinations: Type.Array(Type.String(), { description: 'None where the webhook has gone from the config file.' }),
      backlog: Type.Integer({ description: 'Notifications that wait.' }),
      oldest: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'When the oldest was accepted.' }),
      block: Type.Union([Type.Object({ reason: Type.String(), since: time, probes: Type.Integer() }), Type.Null()], {
        description: 'The webhook refuses everything; it is tried again now and then.'
      }),
      notBefore: TextOrNull,
      tokens: Type.Number({ description: 'Messages that may go at once.' })
    })
  )
})

const PreviewQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.String({
        pattern: '^([1-9][0-9]?|1[0-9]{2}|200)$',
        patternErrorMessage: 'must be a number from 1 to 200',
        description: 'A number from 1 to 200; 20 if left out.'
      })
    )
  },
  { additionalProperties: false }
)

const PreviewReply = Type.Object({
  messages: Type.Array(
    Type.Object({
      id: Type.String(),
      at: time,
      state: Type.String(),
      text: Type.Array(Type.String()),
      payload: Type.Unknown()
    })
  )
})

export function lanes(app: FastifyInstance, { store, config, clock }: ApiOptions): void {
  app.get(
    '/api/lanes',
    { schema: { summary: 'The queue of each webhook', response: { 200: LanesReply } } },
    async () => {
      const byLane = Map.groupBy(config().destinations.values(), ({ lane }) => lane)
      const known = new Map((await store.records.lanes()).map((record) => [record.lane, record]))
      const now = clock.now()
      const keys = new Set([...byLane.keys(), ...known.keys()])
      return {
        lanes: [...keys].sort().flatMap((lane) => {
          const destinations = byLane.get(lane) ?? []
          const record = known.get(lane) ?? { ...unused, lane }
          // Of a webhook that has gone, and nothing waits for it.
          if (destinations.length === 0 && record.backlog === 0) return []
          const { backlog, oldest, block, notBefore, bucket } = record
          return {
            lane,
            destinations: destinations.map(({ name }) => name),
            backlog,
            oldest: isoOrNull(oldest),
            block: block && { ...block, since: iso(block.since) },
            notBefore: notBefore > now ? iso(notBefore) : null,
            tokens: Math.floor(tokensAt(bucket ?? undefined, destinations[0]?.pace ?? createPace(), now) * 10) / 10
          }
        })
      }
    }
  )

  app.get<{ Params: { destination: string }; Querystring: Static<typeof PreviewQuery> }>(
    '/api/preview/:destination',
    {
      schema: {
        summary: 'The newest messages of a preview destination: as text, and as Slack would get them',
        params: Type.Object({ destination: Type.String({ minLength: 1 }) }),
        querystring: PreviewQuery,
        response: { 200: PreviewReply }
      }
    },
    async ({ params, query }) => {
      const destination = config().destinations.get(params.destination)
      if (destination === undefined || destination.slack !== undefined) {
        throw new RelayError('NOT_FOUND', 'there is no such preview destination in the config file')
      }
      const messages = await store.messages(destination.name, Number(query.limit ?? '20'))
      return {
        messages: messages.map(({ id, at, state, payload }) => ({
          id,
          at: iso(at),
          state,
          text: toText(payload).split('\n'),
          payload
        }))
      }
    }
  )
}

const unused: Omit<LaneRecord, 'lane'> = { backlog: 0, oldest: null, block: null, notBefore: 0, bucket: null }
