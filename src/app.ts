// App: assembles the whole program on one page. Data flows one way: webhook → intake → store → lane → Slack.
import type { FastifyInstance } from 'fastify'
import type { DestinationStream } from 'pino'
import { admissionBy, createGuard, logAdmission } from '../routes/guard.ts'
import { health } from '../routes/health.ts'
import { createHttp } from '../routes/http.ts'
import { operatorsApp } from '../routes/operators.ts'
import { createStrays } from '../routes/strays.ts'
import { webhook } from '../routes/webhook.ts'
import { createActions } from './actions.ts'
import { createClicks } from './clicks/clicks.ts'
import { type Clock, createAges, steadyClock, systemClock, zoneFault } from './clock.ts'
import { createCommits } from './commits.ts'
import { type ConfigWatch, watchConfig } from './config/watch.ts'
import { createCards } from './deliver/cards.ts'
import { createChannels } from './deliver/channels.ts'
import { createLanes } from './deliver/lanes.ts'
import { openSlack } from './deliver/lazy-slack.ts'
import { createPermalink } from './deliver/permalink.ts'
import { createRollouts } from './deliver/rollouts.ts'
import { readEnvironment } from './env.ts'
import { secretsIn } from './env-secrets.ts'
import { createBudget } from './intake/budget.ts'
import { createIntake } from './intake/intake.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { createButtons } from './operator/buttons.ts'
import { createClocks } from './operator/clocks.ts'
import { createOperator } from './operator/operator.ts'
import { createReadings } from './operator/readings.ts'
import { createSources } from './operator/sources.ts'
import { createTroubles } from './operator/troubles.ts'
import { createWrongTokens } from './operator/wrong-tokens.ts'
import { createScrape } from './scrape/scrape.ts'
import { createSilences } from './silences.ts'
import { createSockets } from './slack-socket/sockets.ts'
import { openSpans } from './spans.ts'
import { openStore } from './store/open.ts'
import { createPruning } from './store/pruning.ts'
import { sqliteFile } from './store/sqlite/path.ts'

export interface AppOptions {
  environment?: Record<string, string | undefined>
  /** The clock. One that a test passes in is used for the database as well. */
  clock?: Clock
  /** The destination of log lines, instead of standard output. */
  logTo?: DestinationStream
}

const noSecrets: readonly string[] = []

/** How long Slack may take to answer posts at a stop. Kubernetes gives 30 s before it kills. */
const stopGraceMs = 8000

/** Builds the relay, ready to listen. Throws BAD_CONFIG or BAD_DATABASE if it cannot run. */
export async function buildApp({
  environment = process.env,
  clock: own = systemClock,
  logTo
}: AppOptions = {}): Promise<FastifyInstance> {
  let config: ConfigWatch | undefined
  const secrets = secretsIn(environment)
  const log = createLog(secrets, () => config?.current().secrets ?? noSecrets, logTo)
  const metrics = createMetrics()
  const strays = createStrays(metrics, { clock: own, log })
  const app = createHttp(log, strays)
  await readEnvironment(app, environment)
  log.level = app.env.LOG_LEVEL
  const fault = zoneFault(environment['TZ']?.trim() ?? '')
  if (fault !== undefined) log.warn(fault)

  config = watchConfig(app.env.CONFIG_FILE, environment, { log, metrics })
  const { current } = config
  const store = await openStore(app.env.DATABASE_URL, {
    clock: own === systemClock ? 'database' : 'caller',
    waiting: (reason) => log.warn({ reason }, 'waiting for the database'),
    warn: (message) => log.warn(message),
    migrating: (from, to) => {
      log.info(
        { from, to },
        'migrating the database to the version of this program, which takes minutes if it is large'
      )
      // Flushed now, because SQLite leaves no time for it until the migration is over.
      log.flush()
    }
  })
  // Decisions go by the store's clock: those of replicas differ, and any of them may be set while it runs.
  const clock = steadyClock(own, store.timeOf)
  const { listenedUntil = clock.now() } = await store.lastEvents()
  const ages = createAges(clock, clock.now() - listenedUntil)
  const spans = await openSpans(environment, { store, clock, log })
  const slack = await openSlack(environment)
  const operators = () => current().operators
  const channels = createChannels(() => current().destinations, clock)
  const { destinations } = channels
  // What nearly every room takes: the store, counters, time and the log.
  const base = { store, metrics, clock, log }
  const holdOf = (name: string) => {
    const rule = current().rules.byName.get(name)
    return rule && { forMs: rule.forMs ?? 0, waitMs: rule.group?.waitMs ?? 0 }
  }
  const publicUrl = app.env.PUBLIC_URL?.replace(/\/+$/, '')
  const mutes = () => Object.values(withholding()).flat()
  const lanes = createLanes({ ...base, slack, channels, holdOf, mutes, operators, publicUrl, spans, ages })
  const { wake, tryNow } = lanes
  const rollouts = createRollouts({ ...base, destinations, wake })
  const silences = createSilences({ ...base, destinations, muted: () => current().mutes, wake })
  const withholding = () => ({ muted: current().mutes, silenced: silences.mutes() })
  const { hasRecovered, look: silencesChanged, catchUp } = silences
  const cards = createCards({ ...base, slack, destinations, publicUrl, withholding, catchUp, wake })
  const changed = { silencesChanged, cardsChanged: cards.look }
  const actions = createActions({ ...base, ...changed, hasRecovered, config: current, wake, tryNow })

  const clicks = createClicks({ ...base, actions, cards, destinations, slack, publicUrl })
  const sockets = createSockets({ ...base, apps: () => current().apps, slack, take: clicks.take })
  const followConfig = async () => {
    await Promise.all([lanes.follow(), silences.follow(), sockets.follow()])
  }

  const { announce, lasting } = createOperator({ ...base, operators, wake })
  const readings = createReadings({ ...base, announce, lasting })
  const sources = createSources({ ...base, sources: () => current().sources, announce })
  const clocks = createClocks({ ...base, lasting })
  const troubles = createTroubles({ ...base, announce })
  const wrongTokens = createWrongTokens({ ...base, announce })

  const budget = createBudget({ store, config: current, maxPending: app.env.MAX_PENDING })
  const inEffect = () => ({
    ...current(),
    destinations: destinations(),
    mutes: mutes()
  })
  const { full, twins, passed, stored, unstored } = troubles
  const isShared = sqliteFile(app.env.DATABASE_URL) === undefined
  const buttons = createButtons({ ...base, standing: sockets.standing, isShared, lasting })
  const commits = createCommits({ ...base, records: store.records, isShared })
  const intake = createIntake({
    ...base,
    ...{ config: inEffect, wake, budget, commits, full, twins, passed, stored, unstored }
  })
  const counted = metrics.countObjects
  const pruning = createPruning({ ...base, counted, retention: () => current().retention, ages })

  const { standing } = sources
  const admission = admissionBy(app.env)
  const guard = createGuard(admission, { ...base, wrongTokens })
  const scrape = createScrape({
    ...base,
    config: current,
    standing: sources.standingInTurns,
    budget,
    skewOf: clocks.skewOf
  })
  const maxBodyBytes = app.env.MAX_BODY_BYTES
  app.register(webhook, { ...base, config: current, intake, sources, clocks, troubles, spans, maxBodyBytes })
  const permalink = createPermalink(slack, destinations)
  const { refusal } = config
  const shown = { config: current, refusal, standing, sockets, permalink }
  app.register(operatorsApp, { ...base, ...shown, actions, guard, strays, maxBodyBytes })
  app.register(health, { ...base, slack, scrape })

  app.addHook('onReady', async () => {
    await commits.start()
    // Silences come before lanes: what was held when the relay stopped may be due, and silenced.
    await silences.read()
    await lanes.start()
    cards.start()
    rollouts.start()
    await silences.start()
    await sources.start()
    await clocks.start()
    await sockets.follow()
    await buttons.start()
    await readings.start(app.env.CONFIG_FILE)
    config.start(followConfig, readings.read, clock)
    pruning.start()
  })
  app.addHook('onListen', async () => {
    logAdmission(admission, app, log)
    // The token is logged once, on purpose. From here on it is a secret like any other.
    if ('token' in admission) secrets.push(admission.token, ...(admission.session ? [admission.session] : []))
  })
  app.addHook('onClose', async () => {
    config.stop()
    readings.stop()
    commits.stop()
    pruning.stop()
    silences.stop()
    rollouts.stop()
    wrongTokens.stop()
    buttons.stop()
    await sockets.stop()
    await Promise.all([lanes.stop(stopGraceMs), cards.stop(), clicks.stop(), sources.stop()])
    await slack.close()
    await spans.stop()
    await store.close()
  })
  app.decorate('reload', config.reload)
  app.decorate('idle', lanes.idle)
  return app
}
