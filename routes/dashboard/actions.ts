// Dashboard forms: retry or discard dead letters, unblock lanes, begin and end silences.
import type { FastifyPluginAsync } from 'fastify'
import { page } from '../../src/dashboard/page.ts'
import { silenceFields, silenceFormPage } from '../../src/dashboard/silence-form.ts'
import { isDuration, parseDuration } from '../../src/duration.ts'
import { RelayError } from '../../src/errors.ts'
import { maxPage, type Retried } from '../../src/store/records.ts'
import { assets } from './assets.ts'
import type { DashboardOptions } from './options.ts'
import { answersOf, backOf, withDone } from './query.ts'

/** For one click: 5,000 notifications. Who has more clicks again. */
const maxPages = 10
const maxSilenceMs = 365 * 24 * 60 * 60 * 1000

type WithId = { Params: { id: string } }

export const actions: FastifyPluginAsync<DashboardOptions> = async (app, options) => {
  const { config, store, silences, wake, tryNow, clock } = options
  const { records } = store
  const lanes = () => new Map([...config().destinations.values()].map(({ name, lane }) => [name, lane]))

  app.post<WithId>('/deliveries/:id/retry', async ({ params, body, log }, reply) => {
    const retried = await records.retry([params.id], lanes(), clock.now())
    wake(lanesIn(retried))
    for (const { id, destination } of retried) log.info({ notification: id, destination }, 'dead letter waits again')
    return reply.redirect(withDone(backOf(body, '/deliveries?state=dead'), 'retried', retried.length), 303)
  })

  app.post('/deliveries/retry-all', async ({ body, log }, reply) => {
    const filter = answersOf(body, ['destination', 'rule', 'cluster', 'namespace', 'name'])
    let count = 0
    let cursor: string | undefined
    for (let pages = 0; pages < maxPages; pages++) {
      const { items, next } = await records.retryAll(filter, { limit: maxPage, cursor }, lanes(), clock.now())
      wake(lanesIn(items))
      count += items.length
      if (next === null) break
      cursor = next
    }
    log.info({ notifications: count }, 'dead letters wait again')
    return reply.redirect(withDone(backOf(body, '/deliveries?state=dead'), 'retried', count), 303)
  })

  app.post<WithId>('/deliveries/:id/discard', async ({ params, body, log }, reply) => {
    const discarded = await records.discard([params.id])
    for (const id of discarded) log.info({ notification: id }, 'dead letter discarded')
    return reply.redirect(withDone(backOf(body, '/deliveries?state=dead'), 'discarded', discarded.length), 303)
  })

  app.post<{ Params: { lane: string } }>('/lanes/:lane/try', async ({ params: { lane }, log }, reply) => {
    const isKnown = [...lanes().values()].includes(lane) || (await store.backlog(lane)) > 0
    if (!isKnown) throw new RelayError('NOT_FOUND', 'there is no such lane')
    const limitedUntil = await tryNow(lane)
    log.info({ lane }, 'lane is tried by hand')
    return reply.redirect(withDone('/', 'tried', limitedUntil === undefined ? 1 : 0), 303)
  })

  app.post('/silences', async ({ body, log }, reply) => {
    const match = answersOf(body, silenceFields)
    const { for: lasts = '', comment = '' } = answersOf(body, ['for', 'comment'])
    const fault = silenceFault(match, lasts, comment)
    if (fault !== undefined) {
      const form = silenceFormPage({ ...match, for: lasts, comment }, fault)
      reply.code(400).type('text/html; charset=utf-8')
      return reply.send(String(page({ title: 'New silence', place: '/silences', assets }, form)))
    }
    const now = clock.now()
    const { id, endsAt } = await store.addSilence({ match, comment, endsAt: now + parseDuration(lasts) }, now)
    log.info({ silence: id, match, endsAt: new Date(endsAt).toISOString() }, 'silence added')
    await silences.look()
    return reply.redirect(withDone('/silences', 'silenced'), 303)
  })

  app.post<WithId>('/silences/:id/end', async ({ params: { id }, log }, reply) => {
    if (!/^\d{1,15}$/.test(id)) throw new RelayError('NOT_FOUND', 'there is no such silence')
    const isEnded = await store.endSilence(id, clock.now())
    if (isEnded) log.info({ silence: id }, 'silence ended')
    await silences.look()
    return reply.redirect(withDone('/silences', 'ended', isEnded ? 1 : 0), 303)
  })
}

function lanesIn(retried: readonly Retried[]): Set<string> {
  return new Set(retried.map(({ lane }) => lane))
}

/** What is wrong with an answered form, in words. */
function silenceFault(match: object, lasts: string, comment: string): string | undefined {
  if (Object.keys(match).length === 0) return 'Say what it is about. To silence everything, write * as the name.'
  if (!isDuration(lasts) || parseDuration(lasts) === 0) return 'Say for how long, as in 30m, 4h or 2d.'
  if (parseDuration(lasts) > maxSilenceMs) return 'A silence lasts a year at most.'
  if (comment.length > 300) return 'Why has to be said in 300 characters.'
  return undefined
}
