// Scrape: answers /metrics with counters and the present state. In: the store and the config file. Nothing is read or
// counted until Prometheus asks.
import { setTimeout as pause } from 'node:timers/promises'
import { type Counter, type Gauge, type Metric, Registry } from 'prom-client'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { labelOf } from '../deliver/channels.ts'
import { outcomes } from '../deliver/outcome.ts'
import { severityNames } from '../events/severity.ts'
import type { Budget } from '../intake/budget.ts'
import type { Metrics } from '../metrics.ts'
import { isOverdue, type Standings, sourceStates } from '../operator/standing.ts'
import type { Size } from '../store/kept.ts'
import { type LaneHead, notificationStates } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { inParts, inTurns } from '../turns.ts'

export interface ScrapeOptions {
  store: Store
  metrics: Metrics
  config: () => Config
  /** How the sources of the config file stand. */
  standing: () => Promise<Standings>
  budget: Pick<Budget, 'limits' | 'waitingOf'>
  /** How far the clocks of sources are behind, in ms. */
  skews: () => ReadonlyMap<string, number>
  clock: Clock
}

/** A database that is away must not take the metrics with it: Prometheus itself waits for ten seconds. */
const patienceMs = 1000

/** The text of one scrape. */
export function createScrape(options: ScrapeOptions): () => Promise<string> {
  const { store, metrics, config, standing, budget, skews, clock } = options
  const buried = new Map<string, number>()
  /** Undefined until the database has answered once: until then nobody knows. */
  let heads: readonly LaneHead[] | undefined
  let size: Partial<Size> = {}
  let reading: Promise<boolean> | undefined

  /** Whether the database has answered. Scrapes that come together ask it once. */
  async function look(): Promise<boolean> {
    // A database that does not report its size is not down.
    const sizing = () => store.size().catch(() => ({}))
    reading ??= Promise.all([store.records.laneHeads(), sizing(), store.ping()])
      .then(
        ([found, asked]) => {
          heads = found
          size = asked
          return true
        },
        () => false
      )
      .finally(() => {
        reading = undefined
      })
    return Promise.race([reading, pause(patienceMs, false, { ref: false })])
  }

  function countBuried(destinations: Config['destinations']): void {
    for (const [name, tally] of store.tally()) {
      const labels = destinations.has(name) ? { destination: labelOf(name), state: 'dead' } : removed
      metrics.notifications.inc(labels, tally.buried - (buried.get(name) ?? 0))
      buried.set(name, tally.buried)
    }
  }

  function setLanes(destinations: Config['destinations']): void {
    const { pending, pendingLimit, oldestPending, laneBlocked } = metrics
    for (const gauge of [pending, pendingLimit, oldestPending, laneBlocked]) gauge.reset()
    const tally = store.tally()
    const byLane = heads && new Map(heads.map((head) => [head.lane, head]))
    const now = clock.now()
    const { destination: limit } = budget.limits()
    for (const { name, lane } of destinations.values()) {
      const labels = { destination: name }
      pending.set(labels, tally.get(name)?.pending ?? 0)
      pendingLimit.set(labels, limit)
      if (byLane === undefined) continue
      const head = byLane.get(lane)
      laneBlocked.set(labels, head?.block ? 1 : 0)
      oldestPending.set(labels, head?.oldest == null ? 0 : Math.max(0, now - head.oldest) / 1000)
    }
  }

  /** All channels of an app that events name, as one. */
  function setChannels(labels: ReadonlySet<string>): void {
    for (const destination of labels) {
      const all = [...store.tally()].filter(([name]) => labelOf(name) === destination)
      metrics.pending.set(
        { destination },
        all.reduce((sum, [, { pending }]) => sum + pending, 0)
      )
    }
  }

  /** An unknown value has no series: 0 would be an alarm. */
  function setSize(): void {
    const { databaseSize, databaseLog, databaseReusable, databaseFree } = metrics
    const { dataBytes, logBytes, reusableBytes, freeBytes } = size
    const known = [
      [databaseSize, dataBytes],
      [databaseLog, logBytes],
      [databaseReusable, reusableBytes],
      [databaseFree, freeBytes]
    ] as const
    for (const [gauge, bytes] of known) {
      if (bytes === undefined) gauge.remove()
      else gauge.set(bytes)
    }
  }

  async function setSources({ sources }: Standings): Promise<void> {
    const { sourceLastEvent, sourceQuiet, sourceState } = metrics
    for (const gauge of [sourceLastEvent, sourceQuiet, sourceState]) gauge.reset()
    await inTurns(sources, (standing) => {
      const { name, since, state } = standing
      for (const each of sourceStates) sourceState.set({ source: name, state: each }, each === state ? 1 : 0)
      // An unknown state has no series: a 0 would say that it is not so.
      if (since === undefined) return
      sourceLastEvent.set({ source: name }, since / 1000)
      if (state !== 'unknown') sourceQuiet.set({ source: name }, isOverdue(standing) ? 1 : 0)
    })
  }

  async function setSkews(sources: Config['sources']): Promise<void> {
    metrics.sourceSkew.reset()
    await inTurns(skews(), ([source, ms]) => {
      if (sources.has(source)) metrics.sourceSkew.set({ source }, ms / 1000)
    })
  }

  return async () => {
    const { sources, destinations, rules, owners, templates } = config()
    const apps = owners.all.flatMap(({ channel }) => (channel === undefined ? [] : [labelOf(`${channel.app}::`)]))
    metrics.sourcePending.reset()
    await inTurns(sources.keys(), (source) => metrics.sourcePending.set({ source }, budget.waitingOf(source)))
    metrics.databaseUp.set((await look()) ? 1 : 0)
    countBuried(destinations)
    setLanes(destinations)
    setChannels(new Set(apps))
    setSize()
    await setSources(await standing())
    await setSkews(sources)
    const names = {
      source: [...sources.keys()],
      destination: [...destinations.keys(), ...new Set(apps)],
      rule: [...rules.byName.keys()],
      template: [...templates.keys()]
    }
    await keepTo(names, metrics)
    return textOf(metrics.registry)
  }
}

/** What the config file names, by the labels they stand in. */
export interface Names {
  source: readonly string[]
  destination: readonly string[]
  rule: readonly string[]
  template: readonly string[]
}

/** Label values that are the same for everyone. */
const closed = {
  state: notificationStates,
  outcome: outcomes,
  severity: severityNames
} as const

/** Where dead letters of removed destinations are counted. */
export const removed = { destination: '', state: 'dead' } as const

/** Adds what is missing and takes away what is gone. */
export async function keepTo(names: Names, metrics: Metrics): Promise<void> {
  const { notifications, slackRequests, duplicates, signatureFailures, foreignClusters, unmatched } = metrics
  const { ruleHits, ruleErrors, passed, templateErrors, events, objects, forgottenObjects } = metrics
  // Events get only the series of what happened: every kind and transition of every source would be hundreds of zeros each.
  await drop(events, 'source', names.source)
  await keep(notifications, 'destination', names.destination, 'state')
  await keep(slackRequests, 'destination', names.destination, 'outcome')
  await keep(unmatched, 'source', names.source, 'severity')
  for (const counter of [duplicates, signatureFailures, foreignClusters, forgottenObjects])
    await keep(counter, 'source', names.source)
  for (const counter of [ruleHits, ruleErrors, passed]) await keep(counter, 'rule', names.rule)
  await keep(templateErrors, 'template', names.template)
  await drop(objects, 'source', names.source)
  await inTurns(names.source, (source) => objects.inc({ source }, 0))
  notifications.inc(removed, 0)
}

async function keep<Label extends string>(
  counter: Counter<Label>,
  label: Label & keyof Names,
  names: readonly string[],
  other?: Label & keyof typeof closed
): Promise<void> {
  await drop(counter, label, names)
  await inTurns(names, (name) => {
    const one = { [label]: name } as Record<Label, string>
    if (other === undefined) counter.inc(one, 0)
    else for (const value of closed[other]) counter.inc({ ...one, [other]: value }, 0)
  })
}

async function drop<Label extends string>(
  counter: Counter<Label> | Gauge<Label>,
  label: Label,
  names: readonly string[]
): Promise<void> {
  const known = new Set(['', ...names])
  await inTurns((await counter.get()).values, ({ labels }) => {
    if (!known.has(String(labels[label] ?? ''))) counter.remove(labels as Record<Label, string>)
  })
}

/** What `registry.metrics()` is, made some lines at a time. */
export async function textOf(registry: Registry): Promise<string> {
  const texts: string[] = []
  for (const metric of Object.values(registry.getMetricsAsArray())) {
    const found = await (metric as unknown as Metric).get()
    const linesOf = (values: readonly unknown[]) => {
      const one = new Registry()
      one.registerMetric({ name: found.name, get: async () => ({ ...found, values }) } as unknown as Metric)
      return one.metrics()
    }
    // `# HELP` and `# TYPE`, which each part begins with.
    const head = await linesOf([])
    let text = head
    await inParts<unknown>(found.values, async (part) => {
      text += (await linesOf(part)).slice(head.length)
    })
    texts.push(text)
  }
  return texts.join('\n')
}
