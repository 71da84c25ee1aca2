// Lane routes: list lanes at /api/lanes, try one now, and show a destination's newest messages at /api/preview/:destination.
import type { FastifyInstance } from 'fastify'
import { closedObject } from '../../src/about.ts'
import { createPace, tokensAt } from '../../src/deliver/pace.ts'
import { RelayError } from '../../src/errors.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import { toText } from '../../src/render/slack/terminal.ts'
import { unknownName } from '../../src/spelling.ts'
import type { LaneRecord } from '../../src/store/records.ts'
import { actorOf } from '../actor.ts'
import type { OperatorOptions } from '../options.ts'
import { describe, iso, isoOrNull, Time, textOrNull } from './query.ts'

const LanesReply = Type.Object({
  lanes: Type.Array(
    Type.Object({
      lane: Type.String(),
      destinations: Type.Array(Type.String(), {
        description:
          'Empty for a channel that events name, and where the config file no longer has a destination for it.'
      }),
      backlog: Type.Integer({ description: 'Notifications waiting.' }),
      oldest: textOrNull('When the oldest was accepted. Not of what is held to see whether it lasts.'),
      block: Type.Union([Type.Object({ reason: Type.String(), since: Time, probes: Type.Integer() }), Type.Null()], {
        description: 'Nothing can be posted there: `reason` is the answer. It is tried again from time to time.'
      }),
      notBefore: textOrNull(),
      tokens: Type.Number({ description: 'Messages that may go at once.' })
    })
  )
})

export type ListedLane = Static<typeof LanesReply>['lanes'][number]

const TryParams = Type.Object({
  lane: Type.String({ description: 'A lane as listed by `GET /api/lanes`, or a destination.' })
})

const TryReply = Type.Object({
  lane: Type.String(),
  destinations: Type.Array(Type.String()),
  backlog: Type.Integer({ description: 'Notifications waiting.' }),
  isTried: Type.Boolean({ description: 'False where nothing is waiting, or a rate limit still applies.' }),
  notBefore: textOrNull('When the wait that Slack asked for with a 429 ends; it still applies.')
})

const PreviewQuery = closedObject({
  limit: Type.Optional(
    Type.String({
      pattern: '^([1-9][0-9]?|1[0-9]{2}|200)$',
      patternErrorMessage: 'must be a number from 1 to 200',
      description: 'A number from 1 to 200; 20 if left out.'
    })
  )
})

const PreviewReply = Type.Object({
  messages: Type.Array(
    Type.Object({
      id: Type.String(),
      at: Time,
      state: Type.String(),
      text: Type.Array(Type.String()),
      payload: Type.Unknown()
    })
  )
})

export function lanes(app: FastifyInstance, { store, config, clock, actions }: OperatorOptions): void {
  app.get('/api/lanes', describe('The queue of each channel', LanesReply), async () => {
    const byLane = Map.groupBy(config().destinations.values(), ({ lane }) => lane)
    const known = new Map((await store.records.lanes()).map((record) => [record.lane, record]))
    const now = clock.now()
    const keys = new Set([...byLane.keys(), ...known.keys()])
    return {
      lanes: [...keys].sort().flatMap((lane) => {
        const destinations = byLane.get(lane) ?? []
        const record = known.get(lane) ?? { ...unused, lane }
        // The lane's destination is gone from the config file, and nothing waits in it.
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
  })

  app.post<{ Params: Static<typeof TryParams> }>(
    '/api/lanes/:lane/try',
    describe('Tries a waiting or blocked lane now; a rate limit still applies', TryReply, { params: TryParams }),
    async (request) => {
      const actor = actorOf(request, 'api')
      const { lane, destinations, backlog, limitedUntil } = await actions.tryLane(request.params.lane, actor)
      const notBefore = limitedUntil === undefined ? null : iso(limitedUntil)
      return { lane, destinations, backlog, isTried: backlog > 0 && limitedUntil === undefined, notBefore }
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
      const { destinations } = config()
      const destination = destinations.get(params.destination)
      if (destination === undefined || destination.slack !== undefined) {
        const previews = [...destinations.values()].filter(({ slack }) => slack === undefined).map(({ name }) => name)
        throw new RelayError('NOT_FOUND', unknownName('preview destination', params.destination, previews))
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

const unused: Omit<LaneRecord, 'lane'> = {
  backlog: 0,
  oldest: null,
  block: null,
  openSince: null,
  notBefore: 0,
  bucket: null
}
