// Pages: fetch what each page shows from the store and the config, and give it its address.

import type { FastifyPluginAsync } from 'fastify'
import { actWays } from '../../src/actor.ts'
import type { Clock } from '../../src/clock.ts'
import { actsPage } from '../../src/dashboard/acts.ts'
import { boardOf, finderOf } from '../../src/dashboard/board.ts'
import { deadLetterQuestions, deliveriesPage, discardPage } from '../../src/dashboard/deliveries.ts'
import { eventsPage } from '../../src/dashboard/events.ts'
import { lanesOf } from '../../src/dashboard/lanes.ts'
import { nowPage } from '../../src/dashboard/now.ts'
import { objectsPage } from '../../src/dashboard/objects.ts'
import { overviewOf } from '../../src/dashboard/overview.ts'
import { objectName } from '../../src/dashboard/parts.ts'
import { previewPage } from '../../src/dashboard/preview.ts'
import { type RuleUse, rulesPage } from '../../src/dashboard/rules.ts'
import { createMutesOf } from '../../src/dashboard/trouble.ts'
import { tryEventPage } from '../../src/dashboard/try-event.ts'
import { RelayError } from '../../src/errors.ts'
import { severityNames } from '../../src/events/severity.ts'
import { compileSilence } from '../../src/mutes/silence.ts'
import { transitionNames } from '../../src/objects.ts'
import { compileNames, eventSearchFields, notificationSearchFields, objectSearchFields } from '../../src/search.ts'
import { unknownName } from '../../src/spelling.ts'
import { actNames } from '../../src/store/kept.ts'
import { type Minute, maxPage, objectStates, type Records } from '../../src/store/records.ts'
import { unknownIn } from '../api/names.ts'
import { activeMutes } from '../mutes.ts'
import type { OperatorOptions } from '../options.ts'
import { createOwners } from '../owners.ts'
import { eventPages } from './event-pages.ts'
import { answersOf, filterOf, oneOf, originOf, searchOf, sinceOf, stateOf } from './query.ts'
import { sendPage } from './send-page.ts'
import { silencePages } from './silence-pages.ts'
import { createStandingOf } from './standing.ts'
import { tryEvent } from './try-event.ts'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs
/** Newest events of an object that are read to find destinations where a message about its failure waits. */
const maxNear = 8
/** Rules without a hit today that are looked up one by one. */
const maxSilentRules = 200

export const pages: FastifyPluginAsync<OperatorOptions> = async (app, options) => {
  const { config, refusal, standing, sockets, store, clock } = options
  const { records } = store
  const ownership = createOwners(config)
  const standingOf = createStandingOf(options)
  const flow = createFlow(records, clock)

  const names = () => ({
    rules: config().rules.all.map(({ name }) => name),
    destinations: [...config().destinations.keys()]
  })

  app.get('/', async (request, reply) => {
    const now = clock.now()
    const { q: asked = '' } = answersOf(request.query, ['q'])
    const search = searchOf(asked, objectSearchFields)
    const [failures, lanes, dead, mutes, minutes, latency, newest, traffic] = await Promise.all([
      records.failures(now),
      records.lanes(),
      records.notifications({ state: 'dead' }, { limit: 20 }),
      activeMutes(options, now),
      flow(),
      records.latency(now - hourMs),
      records.events({}, { limit: 1 }),
      records.destinationTraffic(now - dayMs)
    ])
    const data = {
      now,
      asked,
      board: boardOf(failures, createMutesOf(mutes), ownership(), search),
      lanes: lanesOf(config().destinations.values(), lanes),
      traffic,
      dead,
      mutes,
      refusal: refusal(),
      sources: standing(),
      sockets: sockets.standing(),
      minutes,
      latency,
      lastEventAt: newest.items[0]?.receivedAt,
      origin: originOf(request)
    }
    const overview = overviewOf(data)
    const { tab: title, colour } = overview
    return sendPage(request, reply, { title, place: '/', colour }, nowPage(data, overview))
  })

  app.get('/objects', async (request, reply) => {
    const now = clock.now()
    const { q: asked = '', state: named, cursor } = filterOf(request.query, ['q', 'state', 'cursor'], 2000)
    const state = oneOf(objectStates, named, 'state')
    const search = searchOf(asked, objectSearchFields)
    const ownerOf = ownership()
    const [objects, mutes] = await Promise.all([
      records.objects(
        { state, isNamed: compileNames(search), isWanted: finderOf(search, ownerOf) },
        { limit: 50, cursor },
        now
      ),
      activeMutes(options, now)
    ])
    const body = objectsPage({ now, state, asked, cursor, objects, mutesOf: createMutesOf(mutes), ownerOf })
    return sendPage(request, reply, { title: 'Objects', place: '/' }, body)
  })

  const eventQuestions = [
    ...(['source', 'cluster', 'kind', 'namespace', 'name', 'reason', 'severity', 'transition'] as const),
    ...(['rule', 'destination', 'state', 'since', 'cursor', 'q'] as const)
  ]

  app.get('/events', async (request, reply) => {
    const now = clock.now()
    const answers = filterOf(request.query, eventQuestions)
    const { cursor, since, state, q = '', ...wanted } = answers
    const search = searchOf(q, eventSearchFields)
    const { cluster, kind, namespace, name } = wanted
    oneOf(severityNames, wanted.severity, 'severity')
    oneOf(transitionNames, wanted.transition, 'transition')
    // Empty fields are left out of addresses, so they are filled in here.
    const isOne = kind !== undefined && name !== undefined
    const object = isOne ? { cluster: cluster ?? '', kind, namespace: namespace ?? '', name } : undefined
    const [record] = object ? (await records.objects(object, { limit: 1 }, now)).items : []
    // Without this, an object without a cluster or namespace would also match its namesakes in others.
    const about = record ? { ...wanted, ...object } : wanted
    const weekMs = Math.min(7 * dayMs, config().retention.eventsMs)
    const [events, failed, near] = await Promise.all([
      records.events({ ...about, state: stateOf(state), since: sinceOf(since, now), search }, { limit: 50, cursor }),
      record && records.events({ ...object, transition: 'failed', since: now - weekMs }, { limit: 50 }),
      record && records.events(record.object, { limit: maxNear })
    ])
    const fault = events.items.length === 0 ? await unknownIn(wanted, options) : undefined
    reply.code(fault === undefined ? 200 : 400)
    const body = eventsPage({
      ...{ now, answers, events, fault },
      object: record && failed && near && { standing: await standingOf(record, near, now), failed, weekMs },
      ...names()
    })
    const title = record ? objectName(record.object) : 'Events'
    return sendPage(request, reply, { title, place: '/events' }, body)
  })

  const deliveryQuestions = [...deadLetterQuestions, 'state', 'cursor'] as const

  app.get('/deliveries', async (request, reply) => {
    const now = clock.now()
    const { state: named, ...answers } = filterOf(request.query, deliveryQuestions)
    const { cursor, q = '', ...wanted } = answers
    const search = searchOf(q, notificationSearchFields)
    const state = stateOf(named) ?? 'pending'
    const [notifications, dead] = await Promise.all([
      records.notifications({ ...wanted, state, search }, { limit: 50, cursor }),
      state === 'dead' ? records.notifications({ ...wanted, state, search }, { limit: maxPage }) : undefined
    ])
    const fault = notifications.items.length === 0 ? await unknownIn(wanted, options) : undefined
    reply.code(fault === undefined ? 200 : 400)
    const body = deliveriesPage({ now, state, answers, notifications, fault, dead, ...names() })
    return sendPage(request, reply, { title: 'Deliveries', place: '/deliveries' }, body)
  })

  app.get('/deliveries/discard', async (request, reply) => {
    const { q = '', ...wanted } = filterOf(request.query, deadLetterQuestions)
    const search = searchOf(q, notificationSearchFields)
    const dead = await records.notifications({ ...wanted, state: 'dead', search }, { limit: maxPage })
    const body = discardPage({ ...wanted, q }, dead)
    return sendPage(request, reply, { title: 'Discard', place: '/deliveries' }, body)
  })

  app.register(eventPages, options)
  app.register(silencePages, options)

  app.get('/acts', async (request, reply) => {
    const now = clock.now()
    const answers = filterOf(request.query, ['name', 'did', 'via', 'since', 'cursor'])
    const { cursor, since, name } = answers
    const did = oneOf(actNames, answers.did, 'did')
    const via = oneOf(actWays, answers.via, 'via')
    const acts = await records.acts({ name, did, via, since: sinceOf(since, now) }, { limit: 50, cursor })
    return sendPage(request, reply, { title: 'Audit log', place: '/silences' }, actsPage({ now, answers, acts }))
  })

  app.get('/rules', async (request, reply) => {
    const now = clock.now()
    const { rules, owners, retention } = config()
    const hits = new Map((await records.ruleHits(now - dayMs)).map((hit) => [hit.rule, hit]))
    const uses = new Map<string, RuleUse>()
    for (const { name } of rules.all) {
      const hit = hits.get(name)
      if (hit !== undefined) uses.set(name, hit)
      else if (uses.size < hits.size + maxSilentRules) {
        const { items } = await records.notifications({ rule: name }, { limit: 1 })
        uses.set(name, { events: 0, messages: 0, isPart: false, lastAt: items[0]?.createdAt })
      }
    }
    const body = rulesPage(rules.all, owners, { uses, keptMs: retention.eventsMs, now })
    return sendPage(request, reply, { title: 'Rules', place: '/rules' }, body)
  })

  app.get('/rules/try', async (request, reply) => {
    const body = tryEventPage({}, [...config().sources.keys()], clock.now())
    return sendPage(request, reply, { title: 'Try an event', place: '/rules' }, body)
  })

  // The limit for an event, three times: a form may write each byte as three.
  app.post('/rules/try', { bodyLimit: 3 * options.maxBodyBytes }, async (request, reply) => {
    const now = clock.now()
    const answers = answersOf(request.body, ['event', 'source'], Number.POSITIVE_INFINITY)
    const silenced = (await store.silences(now)).flatMap((silence) => compileSilence(silence) ?? [])
    const withSilences = { ...config(), mutes: [...config().mutes, ...silenced] }
    const outcome = await tryEvent(answers, withSilences, now)
    reply.code(typeof outcome === 'string' ? 400 : 200)
    const body = tryEventPage(answers, [...config().sources.keys()], now, outcome)
    return sendPage(request, reply, { title: 'Try an event', place: '/rules' }, body)
  })

  app.get('/preview', async (request, reply) => {
    const { destinations } = config()
    const { destination: chosen } = answersOf(request.query, ['destination'])
    if (chosen !== undefined) return reply.redirect(`/preview/${encodeURIComponent(chosen)}`, 302)
    const first = [...destinations.values()].find(({ slack }) => slack === undefined) ?? [...destinations.values()][0]
    return reply.redirect(`/preview/${first?.name}`, 302)
  })

  app.get<{ Params: { destination: string } }>('/preview/:destination', async (request, reply) => {
    const { destinations } = config()
    const destination = destinations.get(request.params.destination)
    if (destination === undefined)
      throw new RelayError(
        'NOT_FOUND',
        unknownName('destination', request.params.destination, [...destinations.keys()])
      )
    const messages = await store.messages(destination.name, 30)
    const body = previewPage({ now: clock.now(), destination, destinations: [...destinations.keys()], messages })
    return sendPage(request, reply, { title: destination.name, place: '/preview' }, body)
  })
}

/** Counts events and messages for each minute of the last 24 hours. Past hours do not change, so they are counted once. */
function createFlow(records: Pick<Records, 'perMinute'>, clock: Clock): () => Promise<Minute[]> {
  let hour = -1
  let past: Promise<Minute[]> = Promise.resolve([])
  return async () => {
    const now = clock.now()
    const current = Math.floor(now / hourMs)
    if (current !== hour) {
      hour = current
      past = records.perMinute((hour - 24) * hourMs, (hour - 1) * hourMs)
      past.catch(() => {
        hour = -1
      })
    }
    // An event received at the end of an hour may be written in the next.
    return [...(await past), ...(await records.perMinute((current - 1) * hourMs, now + 1))]
  }
}
