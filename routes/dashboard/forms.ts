// Forms: carry out what people do on the pages: acknowledge incidents, retry or discard dead letters, try lanes now, add and
// end silences.
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { maxIncidents } from '../../src/actions.ts'
import { deadLetterQuestions } from '../../src/dashboard/deliveries.ts'
import { page } from '../../src/dashboard/page.ts'
import { untilRecovered } from '../../src/dashboard/parts.ts'
import { silenceFields, silenceFormPage, suggestedComment } from '../../src/dashboard/silences.ts'
import { RelayError } from '../../src/errors.ts'
import type { Silence } from '../../src/mutes/silence.ts'
import { objectKey } from '../../src/objects/name.ts'
import { notificationSearchFields } from '../../src/search.ts'
import { type Listed, maxPage, type NotificationFilter, type Page } from '../../src/store/records.ts'
import { actorOf } from '../actor.ts'
import type { OperatorOptions } from '../options.ts'
import { assets } from './assets.ts'
import { failingAs } from './matching.ts'
import { createOnce } from './once.ts'
import { answersOf, backOf, searchOf, withDone } from './query.ts'

/** Pages of notifications per click: 5,000 notifications. The rest takes another click. */
const maxPages = 10

/** Ended silences that can be made again: this many, the latest. */
const maxEnded = 100

/** The page to return to. */
const deadLetters = '/deliveries?state=dead'

/** For texts that are checked where they are used; a form has 64 KiB at most. */
const anyLength = Number.POSITIVE_INFINITY

type WithId = { Params: { id: string } }

/** The dead letters that a form is about. */
function deadLettersOf(form: unknown): Omit<NotificationFilter, 'state'> {
  const { q = '', ...filter } = answersOf(form, deadLetterQuestions)
  return { ...filter, search: searchOf(q, notificationSearchFields) }
}

/** Repeats `act` page by page and counts what it did. */
async function eachPage(act: (page: Page) => Promise<Listed<unknown>>): Promise<number> {
  let count = 0
  let cursor: string | undefined
  for (let pages = 0; pages < maxPages; pages++) {
    const { items, next } = await act({ limit: maxPage, cursor })
    count += items.length
    if (next === null) break
    cursor = next
  }
  return count
}

/** The incident of a button beside an object; all of it is in the form's address. */
function incidentOf(query: unknown) {
  const { cluster = '', kind = '', namespace = '', name = '', since } = answersOf(query, incidentFields, anyLength)
  return { object: objectKey({ cluster, kind, namespace, name }), ...(since !== undefined && { since: Number(since) }) }
}

function newsIn(done: readonly { isNews: boolean }[]): number {
  return done.filter(({ isNews }) => isNews).length
}

const incidentFields = ['cluster', 'kind', 'namespace', 'name', 'since'] as const

export const forms: FastifyPluginAsync<OperatorOptions> = async (app, { actions, store, clock }) => {
  const once = createOnce(clock)

  // An incident that ended since the page was made is not an error: the page says so.
  app.post('/acknowledge', async (request, reply) => {
    const done = await actions.acknowledgeAll([incidentOf(request.query)], actorOf(request, 'page'))
    return reply.redirect(withDone(backOf(request.query, '/'), 'acknowledged', newsIn(done)), 303)
  })

  app.post('/unacknowledge', async (request, reply) => {
    const done = await actions.unacknowledgeAll([incidentOf(request.query)], actorOf(request, 'page'))
    return reply.redirect(withDone(backOf(request.query, '/'), 'unacknowledged', newsIn(done)), 303)
  })

  app.post('/acknowledge/matching', async (request, reply) => {
    // A button has the match in its address, the form of a silence in its fields.
    const match = answersOf({ ...(request.query as object), ...(request.body as object) }, silenceFields, anyLength)
    if (Object.keys(match).length === 0) throw new RelayError('BAD_REQUEST', 'name what to acknowledge')
    const { found } = await failingAs(match, store.records, clock.now())
    const open = found.filter(({ failure }) => failure.acknowledged === undefined).slice(0, maxIncidents)
    const incidents = open.map(({ object, failure }) => ({ object: objectKey(object), since: failure.since }))
    const done = await actions.acknowledgeAll(incidents, actorOf(request, 'page'))
    return reply.redirect(withDone(backOf(request.query, '/'), 'acknowledged', newsIn(done)), 303)
  })

  app.post<WithId>('/deliveries/:id/retry', async (request, reply) => {
    const retried = await actions.retry(request.params.id, actorOf(request, 'page'))
    return reply.redirect(withDone(backOf(request.body, deadLetters), 'retried', retried === undefined ? 0 : 1), 303)
  })

  app.post('/deliveries/retry-all', async (request, reply) => {
    const actor = actorOf(request, 'page')
    const count = await eachPage((page) => actions.retryAll(deadLettersOf(request.body), page, actor))
    return reply.redirect(withDone(backOf(request.body, deadLetters), 'retried', count), 303)
  })

  app.post('/deliveries/discard-all', async (request, reply) => {
    const actor = actorOf(request, 'page')
    // The ids that the confirmation page listed, if it could list all: others may have become dead letters since.
    const { ids } = answersOf(request.body, ['ids'], anyLength)
    const count = ids
      ? (await actions.discardThese(ids.split(' '), actor)).length
      : await eachPage((page) => actions.discardAll(deadLettersOf(request.body), page, actor))
    return reply.redirect(withDone(deadLetters, 'discarded', count), 303)
  })

  app.post<WithId>('/deliveries/:id/discard', async (request, reply) => {
    const isDiscarded = await actions.discard(request.params.id, actorOf(request, 'page'))
    return reply.redirect(withDone(backOf(request.body, deadLetters), 'discarded', isDiscarded ? 1 : 0), 303)
  })

  app.post<{ Params: { lane: string } }>('/lanes/:lane/try', async (request, reply) => {
    const { limitedUntil } = await actions.tryLane(request.params.lane, actorOf(request, 'page'))
    return reply.redirect(withDone('/', 'tried', limitedUntil === undefined ? 1 : 0), 303)
  })

  app.post('/silences', async (request, reply) => {
    // A button has its values in its address, a form in its fields.
    const given = { ...(request.query as object), ...(request.body as object) }
    const match = answersOf(given, silenceFields, anyLength)
    const asked = answersOf(given, ['starts', 'for', 'comment'], anyLength)
    const { for: lasting, ...rest } = asked
    const end = lasting === untilRecovered ? { untilRecovered: true } : { for: lasting }
    try {
      if (end.untilRecovered) await refuseRecovered(match)
      // The one-tap button asks for no comment.
      const comment = Object.hasOwn((request.body as object | undefined) ?? {}, 'comment')
        ? {}
        : { comment: suggestedComment(match) }
      return await silence({ ...comment, ...rest, ...end, match }, request, reply)
    } catch (error) {
      // Show the form again with what was typed, also if the store is unavailable.
      if (!(error instanceof RelayError)) throw error
      const form = silenceFormPage({ ...asked, ...match }, error.message)
      reply.code(error.statusCode).type('text/html; charset=utf-8')
      return reply.send(String(page({ title: 'New silence', place: '/silences', assets }, form)))
    }
  })

  async function silence(wanted: Parameters<typeof actions.silence>[0], request: FastifyRequest, reply: FastifyReply) {
    const actor = actorOf(request, 'page')
    const { silence } = await once.run([wanted, actor], () => actions.silence(wanted, actor))
    return reply.redirect(withDone('/silences', 'silenced', Number(silence.id)), 303)
  }

  /**
   * Throws BAD_REQUEST if nothing that the silence matches fails, because a silence until recovery would have nothing to wait
   * for.
   */
  async function refuseRecovered(match: Silence['match']): Promise<void> {
    const { found } = await failingAs(match, store.records, clock.now())
    if (found.length > 0) return
    throw new RelayError('BAD_REQUEST', 'nothing that it matches fails now, so it would be over at once')
  }

  app.post<WithId>('/silences/:id/extend', async (request, reply) => {
    const { id } = request.params
    // The end shown on the page that was clicked: two clicks on the same page extend it once; for two hours one clicks again on
    // the page that shows the first.
    const { ends } = answersOf(request.query, ['ends'])
    const actor = actorOf(request, 'page')
    const isExtended = await once.run([id, ends, actor], () => actions.extendSilence(id, '1h', actor))
    return reply.redirect(withDone('/silences', 'extended', isExtended ? 1 : 0), 303)
  })

  app.post<WithId>('/silences/:id/again', async (request, reply) => {
    const ended = await store.endedSilences(clock.now(), maxEnded)
    const over = ended.find(({ id }) => id === request.params.id)
    if (over === undefined) throw new RelayError('NOT_FOUND', 'there is no such silence any more')
    const { match, comment } = over
    return silence({ match, comment, for: '1h' }, request, reply)
  })

  app.post<WithId>('/silences/:id/end', async (request, reply) => {
    const { id } = request.params
    if (!/^\d{1,15}$/.test(id)) throw new RelayError('NOT_FOUND', 'there is no such silence any more')
    once.forget()
    const isEnded = await actions.endSilence(id, actorOf(request, 'page'))
    return reply.redirect(withDone(backOf(request.query, '/silences'), 'ended', isEnded ? Number(id) : 0), 303)
  })
}
