// Pages: fetch what each page shows from the store and the config, and give it its address.
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../src/clock.ts'
import { deliveriesPage } from '../../src/dashboard/deliveries.ts'
import { eventPage } from '../../src/dashboard/event.ts'
import { eventsPage } from '../../src/dashboard/events.ts'
import { lanesOf } from '../../src/dashboard/lanes.ts'
import { nowPage } from '../../src/dashboard/now.ts'
import { overviewOf } from '../../src/dashboard/overview.ts'
import { type Html, type PageOptions, page } from '../../src/dashboard/page.ts'
import { objectName } from '../../src/dashboard/parts.ts'
import { previewPage } from '../../src/dashboard/preview.ts'
import { type RuleUse, rulesPage } from '../../src/dashboard/rules.ts'
import {
  type ActiveMute,
  silenceFields,
  silenceFormPage,
  silencesPage,
  suggestedComment
} from '../../src/dashboard/silences.ts'
import { RelayError } from '../../src/errors.ts'
import { severityNames } from '../../src/events/severity.ts'
import { silenceName } from '../../src/mutes/silence.ts'
import { transitionNames } from '../../src/objects.ts'
import { knownFrom, neverFaults } from '../../src/rules/never.ts'
import type { Minute, Records } from '../../src/store/records.ts'
import { refuseUnknown } from '../api/names.ts'
import type { OperatorOptions } from '../options.ts'
import { assets } from './assets.ts'
import { answersOf, doneOf, oneOf, sinceOf, stateOf } from './query.ts'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs
/** Rules that did nothing today and are looked up one by one. */
const maxSilentRules = 200

type WithId = { Params: { id: string } }

export const pages: FastifyPluginAsync<OperatorOptions> = async (app, { config, refusal, standing, store, clock }) => {
  const { records } = store
  const flow = createFlow(records, clock)

  function send(request: FastifyRequest, reply: FastifyReply, shown: Omit<PageOptions, 'assets' | 'done'>, body: Html) {
    reply.type('text/html; charset=utf-8')
    return reply.send(String(page({ ...shown, assets, done: doneOf(request.query) }, body)))
  }

  const names = () => ({
    rules: config().rules.all.map(({ name }) => name),
    destinations: [...config().destinations.keys()]
  })

  function configMutes(now: number): ActiveMute[] {
    return config().mutes.flatMap((mute) => {
      const endsAt = mute.endOf(now)
      return endsAt === undefined ? [] : [{ name: mute.name, endsAt }]
    })
  }

  app.get('/', async (request, reply) => {
    const now = clock.now()
    const [failing, stale, lanes, dead, silences, minutes, latency, newest] = await Promise.all([
      records.objects({ state: 'failing' }, { limit: 50 }, now),
      records.objects({ state: 'stale' }, { limit: 20 }, now),
      records.lanes(),
      records.notifications({ state: 'dead' }, { limit: 20 }),
      store.silences(now),
      flow(),
      records.latency(now - hourMs),
      records.events({}, { limit: 1 })
    ])
    const silenced = silences.map((silence) => ({ name: silenceName(silence), endsAt: silence.endsAt }))
    const data = {
      now,
      failing,
      stale,
      lanes: lanesOf(config().destinations.values(), lanes),
      dead,
      mutes: [...silenced, ...configMutes(now)],
      refusal: refusal(),
      sources: standing(),
      minutes,
      latency,
      lastEventAt: newest.items[0]?.receivedAt,
      origin: originOf(request)
    }
    const overview = overviewOf(data)
    return send(request, reply, { title: overview.title, place: '/' }, nowPage(data, overview))
  })

  const eventQuestions = [
    ...(['cluster', 'kind', 'namespace', 'name', 'reason', 'severity', 'transition'] as const),
    ...(['rule', 'destination', 'state', 'since', 'cursor'] as const)
  ]

  app.get('/events', async (request, reply) => {
    const now = clock.now()
    const answers = answersOf(request.query, eventQuestions)
    const { cursor, since, state, ...wanted } = answers
    const { cluster, kind, namespace, name } = wanted
    const isOne = kind !== undefined && namespace !== undefined && name !== undefined
    oneOf(severityNames, wanted.severity, 'severity')
    oneOf(transitionNames, wanted.transition, 'transition')
    const [events, objects] = await Promise.all([
      records.events({ ...wanted, state: stateOf(state), since: sinceOf(since, now) }, { limit: 50, cursor }),
      isOne ? records.objects({ cluster: cluster ?? '', kind, namespace, name }, { limit: 1 }, now) : undefined
    ])
    if (events.items.length === 0) await refuseUnknown(wanted, config(), records)
    const body = eventsPage({ now, answers, events, object: objects?.items[0], ...names() })
    return send(request, reply, { title: 'Events', place: '/events' }, body)
  })

  app.get<WithId>('/events/:id', async (request, reply) => {
    const event = await found(records.event(request.params.id))
    return send(request, reply, { title: objectName(event.object), place: '/events' }, eventPage(event, clock.now()))
  })

  app.get<WithId>('/events/:id/body', async (request, reply) => {
    const { body } = await found(records.event(request.params.id))
    return reply.type('text/plain; charset=utf-8').send(body)
  })

  const deliveryQuestions = ['destination', 'rule', 'cluster', 'namespace', 'name', 'cursor'] as const

  app.get('/deliveries', async (request, reply) => {
    const now = clock.now()
    const answers = answersOf(request.query, deliveryQuestions)
    const { cursor, ...wanted } = answers
    const state = stateOf(answersOf(request.query, ['state']).state) ?? 'pending'
    const notifications = await records.notifications({ ...wanted, state }, { limit: 50, cursor })
    if (notifications.items.length === 0) await refuseUnknown(wanted, config(), records)
    const body = deliveriesPage({ now, state, answers, notifications, ...names() })
    return send(request, reply, { title: 'Deliveries', place: '/deliveries' }, body)
  })

  app.get('/silences', async (request, reply) => {
    const now = clock.now()
    const known = knownFrom(config().sources)
    const silences = (await store.silences(now)).map((silence) => ({
      ...silence,
      warnings: neverFaults(silence.match, [], known).map(({ path, message }) => `${path.join('.')}: ${message}`)
    }))
    const body = silencesPage(silences, configMutes(now), now)
    return send(request, reply, { title: 'Silences', place: '/silences' }, body)
  })

  app.get('/silences/new', async (request, reply) => {
    const answers = answersOf(request.query, silenceFields)
    const body = silenceFormPage({ comment: suggestedComment(answers), ...answers })
    return send(request, reply, { title: 'New silence', place: '/silences' }, body)
  })

  app.get('/rules', async (request, reply) => {
    const now = clock.now()
    const { rules, owners, retention } = config()
    const hits = new Map((await records.ruleHits(now - dayMs)).map((hit) => [hit.rule, hit]))
    const uses = new Map<string, RuleUse>()
    for (const { name } of rules.all) {
      const hit = hits.get(name)
      if (hit !== undefined) uses.set(name, { hits: hit.count, lastAt: hit.lastAt })
      else if (uses.size < hits.size + maxSilentRules) {
        const { items } = await records.notifications({ rule: name }, { limit: 1 })
        uses.set(name, { hits: 0, lastAt: items[0]?.createdAt })
      }
    }
    const body = rulesPage(rules.all, owners, { uses, keptMs: retention.eventsMs, now })
    return send(request, reply, { title: 'Rules', place: '/rules' }, body)
  })

  app.get('/preview', async (_request, reply) => {
    const { destinations } = config()
    const first = [...destinations.values()].find(({ slack }) => slack === undefined) ?? [...destinations.values()][0]
    return reply.redirect(`/preview/${first?.name}`, 302)
  })

  app.get<{ Params: { destination: string } }>('/preview/:destination', async (request, reply) => {
    const { destinations } = config()
    const destination = await found(Promise.resolve(destinations.get(request.params.destination)))
    const messages = await store.messages(destination.name, 30)
    const body = previewPage({ now: clock.now(), destination, destinations: [...destinations.keys()], messages })
    return send(request, reply, { title: destination.name, place: '/preview' }, body)
  })
}

/** Where the one who asks reached the relay, for commands that are pasted into a shell: nothing but a host gets through. */
function originOf({ host, headers }: FastifyRequest): string {
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  return /^[\w.:[\]-]{1,253}$/.test(host) ? `${scheme}://${host}` : 'http://localhost:8080'
}

async function found<T>(looked: Promise<T | undefined>): Promise<T> {
  const thing = await looked
  if (thing === undefined)
    throw new RelayError('NOT_FOUND', 'It may have existed once: what is older than the retention is deleted.')
  return thing
}

/** Counts what came and was sent in each minute of the last 24 hours. Hours that are over do not change: they are counted once. */
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
    // What was received in the last moments of an hour may be written in the next.
    return [...(await past), ...(await records.perMinute((current - 1) * hourMs, now + 1))]
  }
}
