// Silence pages: fetch the silences with what each withholds now, and the form for a new one.

import type { FastifyPluginAsync } from 'fastify'
import {
  holderKey,
  maxEnded,
  silenceFields,
  silenceFormPage,
  silencesPage,
  suggestedComment
} from '../../src/dashboard/silences.ts'
import { createMutesOf } from '../../src/dashboard/trouble.ts'
import type { ObjectRef } from '../../src/events/flux.ts'
import type { Silence } from '../../src/mutes/silence.ts'
import { knownFrom, neverFaults } from '../../src/rules/never.ts'
import { activeMutes } from '../mutes.ts'
import type { OperatorOptions } from '../options.ts'
import { failingAs } from './matching.ts'
import { answersOf } from './query.ts'
import { sendPage } from './send-page.ts'

export const silencePages: FastifyPluginAsync<OperatorOptions> = async (app, options) => {
  const { config, store, clock } = options
  const { records } = store

  app.get('/silences', async (request, reply) => {
    const now = clock.now()
    const known = knownFrom(config().sources)
    const silences = (await store.silences(now)).map((silence) => ({
      ...silence,
      warnings: neverFaults(silence.match, [], known).map(({ path, message }) => `${path.join('.')}: ${message}`)
    }))
    const [mutes, ended, failures] = await Promise.all([
      activeMutes(options, now),
      store.endedSilences(now, maxEnded + 1),
      records.failures(now)
    ])
    const mutesOf = createMutesOf(mutes)
    const holds = new Map<string, ObjectRef[]>()
    for (const record of failures.items) {
      for (const { name, silence } of mutesOf(record)) {
        const key = holderKey(silence ?? { name })
        if (holds.get(key)?.push(record.object) === undefined) holds.set(key, [record.object])
      }
    }
    const body = silencesPage({
      ...{ now, silences, ended, holds },
      mutes: config().mutes.map(({ name, match, endOf, nextOf }) => ({
        name,
        match,
        endsAt: endOf(now),
        nextAt: nextOf(now)
      }))
    })
    return sendPage(request, reply, { title: 'Silences', place: '/silences' }, body)
  })

  app.get('/silences/new', async (request, reply) => {
    const now = clock.now()
    const match = answersOf(request.query, silenceFields)
    const asked = answersOf(request.query, ['starts', 'for', 'comment'])
    const answers = { comment: suggestedComment(match), ...match, ...asked }
    const matches = Object.keys(match).length > 0 ? await countMatches(match, now) : undefined
    const body = silenceFormPage(answers, undefined, matches)
    return sendPage(request, reply, { title: 'New silence', place: '/silences' }, body)
  })

  /** Counts the failing objects that a silence would match. */
  async function countMatches(match: Silence['match'], now: number): Promise<{ count: number; of: number }> {
    const { found, of } = await failingAs(match, records, now)
    return { count: found.length, of }
  }
}
