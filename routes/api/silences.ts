// Silence routes: list, add and end silences at /api/silences.
import type { FastifyInstance } from 'fastify'
import { closedObject } from '../../src/about.ts'
import { RelayError } from '../../src/errors.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import { type Silence, silenceLimits } from '../../src/mutes/silence.ts'
import { actorOf } from '../actor.ts'
import type { OperatorOptions } from '../options.ts'
import { describe, Id, iso, Time } from './query.ts'

const SilenceReply = Type.Object({
  id: Type.String(),
  match: Type.Record(Type.Unknown(), { description: 'As `match:` of a rule in the config file.' }),
  comment: Type.String(),
  author: Type.String({ description: 'Who made it; empty where that is not known.' }),
  createdAt: Time,
  startsAt: Type.Optional(Time),
  endsAt: Time,
  untilRecovered: Type.Optional(
    Type.Literal(true, { description: 'It ends before that when nothing that it matches fails any more.' })
  )
})

export type ListedSilence = Static<typeof SilenceReply>

const SilenceAdded = Type.Object({
  ...SilenceReply.properties,
  warnings: Type.Array(Type.String(), {
    description: 'The parts of `match` that no event can match, and what was probably meant.'
  })
})

const NewSilence = closedObject({
  match: Type.Record(Type.Unknown(), {
    description: 'As `match:` of a rule in the config file, with one matcher at least.'
  }),
  for: Type.Optional(Type.String({ description: `How long, such as 30m or 2h; up to ${silenceLimits.longestDays}d.` })),
  until: Type.Optional(Type.String({ description: 'Or until when, such as 2036-12-01T06:00:00Z.' })),
  starts: Type.Optional(
    Type.String({ description: 'When it begins, where that is later: a time, or in how long, such as 2h.' })
  ),
  untilRecovered: Type.Optional(
    Type.Boolean({
      description: `Or until no object that it matches fails any more, up to ${silenceLimits.untilRecoveredDays}d; then \`match\` has cluster, kind, namespace and name alone.`
    })
  ),
  comment: Type.Optional(
    Type.String({
      description: `The reason, shown with the silence and in its summary; up to ${silenceLimits.commentCharacters} characters.`
    })
  )
})

export function silences(app: FastifyInstance, { store, clock, actions }: OperatorOptions): void {
  app.get(
    '/api/silences',
    describe('Silences in effect, and those that begin later', Type.Object({ silences: Type.Array(SilenceReply) })),
    async () => ({ silences: (await store.silences(clock.now())).map(replyOf) })
  )

  app.post<{ Body: Static<typeof NewSilence> }>(
    '/api/silences',
    { schema: { summary: 'Silences what matches', body: NewSilence, response: { 201: SilenceAdded } } },
    async (request, reply) => {
      const { silence, warnings } = await actions.silence(request.body, actorOf(request, 'api'))
      reply.code(201)
      return { ...replyOf(silence), warnings }
    }
  )

  app.delete<{ Params: Static<typeof Id> }>(
    '/api/silences/:id',
    describe(
      'Ends a silence; what it withheld is posted as a summary',
      Type.Object({ id: SilenceReply.properties.id }),
      {
        params: Id
      }
    ),
    async (request) => {
      const { id } = request.params
      if (!(await actions.endSilence(id, actorOf(request, 'api')))) {
        throw new RelayError('NOT_FOUND', `there is no silence ${id} in effect`)
      }
      return { id }
    }
  )
}

function replyOf({ createdAt, startsAt, endsAt, ...silence }: Silence) {
  const starts = startsAt !== undefined && { startsAt: iso(startsAt) }
  return { ...silence, createdAt: iso(createdAt), ...starts, endsAt: iso(endsAt) }
}
