// App: assembles the whole program on one page. Data flows one way: webhook → intake → store → lane → Slack.
import type { FastifyInstance } from 'fastify'
import type { DestinationStream } from 'pino'
import { admissionBy, logAdmission } from '../routes/admission.ts'
import { createGuard } from '../routes/guard.ts'
import { health } from '../routes/health.ts'
import { createHttp } from '../routes/http.ts'
import { operators } from '../routes/operators.ts'
import { createStrays } from '../routes/strays.ts'
import { webhook } from '../routes/webhook.ts'
import { createActions } from './actions.ts'
import { type Clock, steadyClock, systemClock } from './clock.ts'
import { type ConfigWatch, watchConfig } from './config/watch.ts'
import { createLanes } from './deliver/lanes.ts'
import { openSlack } from './deliver/lazy-slack.ts'
import { readEnvironment, secretsIn } from './env.ts'
import { createBudget } from './intake/budget.ts'
import { createIntake } from './intake/intake.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { createClaims } from './operator/claims.ts'
import { createClocks } from './operator/clocks.ts'
import { createFullness } from './operator/fullness.ts'
import { createOperator } from './operator/operator.ts'
import { createReadings } from './operator/reloads.ts'
import { createSources } from './operator/sources.ts'
import { createWrongTokens } from './operator/wrong-tokens.ts'
import { createScrape } from './scrape/scrape.ts'
import { createSilences } from './silences.ts'
import { openSpans } from './spans.ts'
import { createAges } from './store/age.ts'
import { openStore } from './store/open.ts'
import { createPruning } from './store/pruning.ts'

export interface AppOptions {
  environment?: Record<string, string | undefined>
  clock?: Clock
  /** Where log lines go, instead of the standard output. */
  logTo?: DestinationStream
}

const noSecrets: readonly string[] = []

/** At a stop, how long posts to Slack may take to be answered. Kubernetes gives 30 s before it kills. */
const stopGraceMs = 8000

/** The relay, ready to listen. Throws BAD_CONFIG or BAD_DATABASE where it cannot be. */
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

  config = watchConfig(app.env.CONFIG_FILE, environment, { log, metrics })
  const { current } = config
  const store = await openStore(app.env.DATABASE_URL, {
    waiting: (reason) => log.warn({ reason }, 'waiting for the database'),
    warn: (message) => log.warn(message)
  })
  // Decisions go by the store's clock: replicas differ, and any of them may be set while it runs.
  const clock = steadyClock(own, store.timeOf)
  const { listenedUntil = clock.now() } = await store.lastEvents()
  const ages = createAges(clock, clock.now() - listenedUntil)
  const spans = await openSpans(environment, { store, log })
  const slack = await openSlack(environment)
  const lanes = createLanes({
    store,
    slack,
    destinations: () => current().destinations,
    operators: () => current().operators,
    metrics,
    spans,
    clock,
    ages,
    log
  })
  const silences = createSilences({ store, destinations: () => current().destinations, clock, log, wake: lanes.wake })
  const actions = createActions({
    store,
    config: current,
    clock,
    log,
    wake: lanes.wake,
    tryNow: lanes.tryNow,
    silencesChanged: silences.look
  })
  const announce = createOperator({
    store,
    operators: () => current().operators,
    metrics,
    clock,
    log,
    wake: lanes.wake
  })
  const sources = createSources({ store, sources: () => current().sources, announce, clock, log })
  const budget = createBudget({ store, config: current, maxPending: app.env.MAX_PENDING })
  const clocks = createClocks({ announce, clock, log })
  const claims = createClaims({ announce, metrics, clock, log })
  const wrongTokens = createWrongTokens({ announce, clock, log })
  const admission = admissionBy(app.env)
  const intake = createIntake({
    store,
    config: () => ({ ...current(), mutes: [...current().mutes, ...silences.mutes()] }),
    metrics,
    clock,
    wake: lanes.wake,
    budget,
    full: createFullness({ announce, clock, log }),
    twins: claims.twins
  })
  const pruning = createPruning({
    store,
    counted: metrics.countObjects,
    retention: () => current().retention,
    clock,
    ages,
    log
  })

  app.register(webhook, {
    config: current,
    intake,
    metrics,
    sources,
    clocks,
    claims,
    spans,
    clock,
    maxBodyBytes: app.env.MAX_BODY_BYTES
  })
  app.register(operators, {
    config: current,
    refusal: config.refusal,
    standing: sources.standing,
    store,
    actions,
    clock,
    guard: createGuard(admission, { wrongTokens, metrics, clock }),
    log,
    strays
  })
  const { standing } = sources
  const scrape = createScrape({ store, metrics, config: current, standing, budget, skews: clocks.skews, clock })
  app.register(health, { store, slack, metrics, scrape })

  app.addHook('onReady', async () => {
    await lanes.start()
    await silences.start()
    await sources.start()
    config.start(lanes.follow, createReadings(announce, clock))
    pruning.start()
  })
  app.addHook('onListen', async () => {
    logAdmission(admission, app, log)
    // Logged once, on purpose. From here on it is a secret like any other.
    if ('token' in admission) secrets.push(admission.token, ...(admission.session ? [admission.session] : []))
  })
  app.addHook('onClose', async () => {
    config.stop()
    pruning.stop()
    silences.stop()
    sources.stop()
    wrongTokens.stop()
    await lanes.stop(stopGraceMs)
    await slack.close()
    await spans.stop()
    await store.close()
  })
  app.decorate('reload', config.reload)
  app.decorate('idle', lanes.idle)
  return app
}
