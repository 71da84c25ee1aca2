// /api/silences: list, add and end silences.
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { compileShape } from '../../src/config/shape.ts'
import { trimNames } from '../../src/config/texts.ts'
import { isDuration, parseDuration } from '../../src/duration.ts'
import { type Fault, RelayError } from '../../src/errors.ts'
import type { Silence } from '../../src/mutes/silence.ts'
import { type Known, knownFrom, neverFaults } from '../../src/rules/never.ts'
import { compileFilter } from '../../src/rules/rules.ts'
import { MatchSchema } from '../../src/rules/schema.ts'
import type { ApiOptions } from './options.ts'
import { Id, iso } from './query.ts'

const time = Type.String({ format: 'date-time' })

const SilenceReply = Type.Object({
  id: Type.String(),
  match: Type.Record(Type.String(), Type.Unknown(), { description: 'As `match:` of a rule in the config file.' }),
  comment: Type.String(),
  createdAt: time,
  endsAt: time
})

const SilenceAdded = Type.Object({
  ...SilenceReply.properties,
  warnings: Type.Array(Type.String(), {
    description: 'What of `match` no event can be, with what was probably meant.'
  })
})

const NewSilence = Type.Object(
  {
    match: Type.Record(Type.String(), Type.Unknown(), {
      minProperties: 1,
      description: 'As `match:` of a rule in the config file.'
    }),
    for: Type.Optional(Type.String({ description: 'How long, such as 30m or 2h; up to 366d.' })),
    until: Type.Optional(Type.String({ description: 'Or until when, such as 2026-12-01T06:00:00Z.' })),
    comment: Type.Optional(Type.String({ maxLength: 200, description: 'Said with what was held back.' }))
  },
  { additionalProperties: false }
)

const longestMs = 366 * 24 * 60 * 60 * 1000
const shapeOf = compileShape(MatchSchema)

export function silences(app: FastifyInstance, { store, config, clock, silencesChanged }: ApiOptions): void {
  app.get(
    '/api/silences',
    {
      schema: { summary: 'Silences in effect', response: { 200: Type.Object({ silences: Type.Array(SilenceReply) }) } }
    },
    async () => ({ silences: (await store.silences(clock.now())).map(replyOf) })
  )

  app.post<{ Body: Static<typeof NewSilence> }>(
    '/api/silences',
    { schema: { summary: 'Silences what matches', body: NewSilence, response: { 201: SilenceAdded } } },
    async ({ body, log }, reply) => {
      const silence = await addSilence(body)
      log.info({ silence: silence.id, match: silence.match, endsAt: iso(silence.endsAt) }, 'silence added')
      reply.code(201)
      const faults = neverFaults(silence.match, [], knownFrom(config().sources))
      return { ...replyOf(silence), warnings: faults.map(inWords) }
    }
  )

  app.delete<{ Params: Static<typeof Id> }>(
    '/api/silences/:id',
    {
      schema: {
        summary: 'Ends a silence; what it held back is told',
        params: Id,
        response: { 200: Type.Pick(SilenceReply, ['id']) }
      }
    },
    async ({ params: { id }, log }) => {
      if (!(await store.endSilence(id, clock.now()))) {
        throw new RelayError('NOT_FOUND', `there is no silence ${id} in effect`)
      }
      await silencesChanged()
      log.info({ silence: id }, 'silence ended')
      return { id }
    }
  )

  async function addSilence(text: Static<typeof NewSilence>): Promise<Silence> {
    const now = clock.now()
    const silence = {
      match: checkedMatch(text.match, knownFrom(config().sources)),
      comment: (text.comment ?? '').trim(),
      endsAt: endOf(text, now)
    }
    const added = await store.addSilence(silence, now)
    await silencesChanged()
    return added
  }
}

/** Throws BAD_REQUEST, naming the field. */
function checkedMatch(given: Record<string, unknown>, known: Known): Silence['match'] {
  const match = trimNames(given, ['mute', 0, 'match']).value as Record<string, unknown>
  const faults: Fault[] = shapeOf(match)
  if (faults.length === 0) compileFilter(match as Silence['match'], [], faults)
  if (faults.length === 0) faults.push(...neverFaults(match, [], known).filter(({ isWarning }) => !isWarning))
  if (faults.length > 0) throw new RelayError('BAD_REQUEST', faults.map(inWords).join('; '))
  return match as Silence['match']
}

const keys = Object.keys(MatchSchema.properties).join(', ')

function inWords({ path, message }: Fault): string {
  const isUnknown = path.length === 1 && /^unknown key "[^"]*"$/.test(message)
  return `${['match', ...path].join('.')}: ${message}${isUnknown ? `; there are ${keys}` : ''}`
}

function endOf({ for: lasting, until }: Static<typeof NewSilence>, now: number): number {
  if ((lasting === undefined) === (until === undefined)) {
    throw new RelayError('BAD_REQUEST', 'a silence has an end: either `for`, such as 2h, or `until`, a time')
  }
  if (lasting !== undefined && !isDuration(lasting)) {
    throw new RelayError('BAD_REQUEST', 'for is not a duration such as 30m or 2h')
  }
  const end = lasting === undefined ? Date.parse(until ?? '') : now + parseDuration(lasting)
  if (Number.isNaN(end)) throw new RelayError('BAD_REQUEST', 'until is not a time such as 2026-12-01T06:00:00Z')
  if (end <= now || end > now + longestMs) {
    throw new RelayError('BAD_REQUEST', 'a silence ends after now, and within 366 days')
  }
  return end
}

function replyOf({ id, match, comment, createdAt, endsAt }: Silence) {
  return { id, match, comment, createdAt: iso(createdAt), endsAt: iso(endsAt) }
}
