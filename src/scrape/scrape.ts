// Scrape: answers /metrics with counters and the present state. In: the store and the config file. Nothing is read or
// counted until Prometheus asks.
import { setTimeout as pause } from 'node:timers/promises'
import type { Counter } from 'prom-client'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { labelOf } from '../deliver/channels.ts'
import { outcomes } from '../deliver/outcome.ts'
import { severityNames } from '../events/severity.ts'
import type { Budget } from '../intake/budget.ts'
import type { Metrics } from '../metrics.ts'
import { isOverdue, type Standing, type Standings, sourceStates } from '../operator/standing.ts'
import type { Size } from '../store/kept.ts'
import { type LaneHead, notificationStates } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { inTurns } from '../turns.ts'
import { gauges } from './gauges.ts'
import { counterText, gaugeText, type Labels, partsOf, registryText, type Text } from './text.ts'

export interface ScrapeOptions {
  store: Store
  metrics: Metrics
  config: () => Config
  /** The standing of the sources of the config file. */
  standing: () => Promise<Standings>
  budget: Pick<Budget, 'limits' | 'waitingOf'>
  /** How far the clock of a source is behind, in ms. */
  skewOf: (source: string) => number | undefined
  clock: Clock
}

/** The longest wait for a database, which must not take the metrics with it when it is away: Prometheus itself waits for ten seconds. */
const patienceMs = 1000

/** Returns a function that writes the text of one scrape. */
export function createScrape(options: ScrapeOptions): () => Promise<Buffer> {
  const { store, metrics, config, standing, budget, skewOf, clock } = options
  const buried = new Map<string, number>()
  metrics.notifications.inc(removed, 0)
  /** Undefined until the database has answered once: until then nobody knows. */
  let heads: readonly LaneHead[] | undefined
  let size: Partial<Size> = {}
  let reading: Promise<boolean> | undefined

  /** Asks the database, and resolves to true if it has answered. Scrapes that come together ask it once. */
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

  /** `names` are the destinations, and a name for each app, which stands for all its channels that events name. */
  async function* lanesText(names: readonly string[], destinations: Config['destinations']): Text {
    const tally = store.tally()
    const byLane = heads && new Map(heads.map((head) => [head.lane, head]))
    const now = clock.now()
    const { destination: limit } = budget.limits()
    const headOf = (name: string) => byLane?.get(destinations.get(name)?.lane ?? '')
    const all = { label: 'destination', names }
    const inFile = { label: 'destination', names: [...destinations.keys()] }
    const pendingOf = new Map<string, number>()
    for (const [name, { pending }] of tally) {
      const label = labelOf(name)
      pendingOf.set(label, (pendingOf.get(label) ?? 0) + pending)
    }
    const oldestOf = (name: string) => Math.max(0, now - (headOf(name)?.dueSince ?? now)) / 1000
    yield* gaugeText(gauges.pending, all, (name) => pendingOf.get(name) ?? 0)
    yield* gaugeText(gauges.pendingLimit, inFile, () => limit)
    yield* gaugeText(gauges.laneBlocked, inFile, (name) => byLane && (headOf(name)?.block ? 1 : 0))
    yield* gaugeText(gauges.oldestPending, inFile, (name) => byLane && oldestOf(name))
  }

  /** Sets the sizes. An unknown value has no series: 0 would be an alarm. */
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

  async function* sourcesText({ sources }: Standings): Text {
    const byName = new Map(sources.map((standing) => [standing.name, standing]))
    const known = { label: 'source', names: [...byName.keys()] }
    const states = { ...known, other: { label: 'state', values: sourceStates } }
    const quietOf = (standing: Standing | undefined) => {
      // An unknown state has no series: a 0 would say that it is not so.
      if (standing?.since === undefined || standing.state === 'unknown') return undefined
      return isOverdue(standing) ? 1 : 0
    }
    yield* gaugeText(gauges.sourceState, states, (name, state) => (byName.get(name)?.state === state ? 1 : 0))
    yield* gaugeText(gauges.sourceLastEvent, known, (name) => inSeconds(byName.get(name)?.since))
    yield* gaugeText(gauges.sourceQuiet, known, (name) => quietOf(byName.get(name)))
    yield* gaugeText(gauges.sourceSkew, known, (name) => inSeconds(skewOf(name)))
    yield* gaugeText(gauges.sourcePending, known, budget.waitingOf)
    yield* gaugeText(gauges.objects, known, metrics.objectsOf)
  }

  async function* text(): Text {
    const { sources, destinations, rules, owners, templates } = config()
    metrics.databaseUp.set((await look()) ? 1 : 0)
    countBuried(destinations)
    setSize()
    const apps = owners.all.flatMap(({ channel }) => (channel === undefined ? [] : [labelOf(`${channel.app}::`)]))
    const names = {
      source: [...sources.keys()],
      destination: [...destinations.keys(), ...new Set(apps)],
      rule: [...rules.byName.keys()],
      template: [...templates.keys()]
    }
    yield* lanesText(names.destination, destinations)
    yield* sourcesText(await standing())
    const counters = countersOf(metrics, names)
    for (const [counter, labels] of counters) {
      await forget(counter, labels)
      yield* counterText(counter, labels)
    }
    await forget(metrics.events, { label: 'source', names: names.source })
    yield* registryText(metrics.registry, new Set(counters.map(([counter]) => counter)))
  }

  return async () => Buffer.concat(await partsOf(text()))
}

/** The names in the config file, by the labels that have them. */
interface Names {
  source: readonly string[]
  destination: readonly string[]
  rule: readonly string[]
  template: readonly string[]
}

/** The labels under which dead letters of removed destinations are counted. */
const removed = { destination: '', state: 'dead' } as const

/** Counters with a series for every name from the start. Of events there are only those that came: all that may come are hundreds. */
function countersOf(metrics: Metrics, names: Names): [Counter, Labels][] {
  const { notifications, slackRequests, duplicates, signatureFailures, foreignClusters, forgottenObjects } = metrics
  const { unmatched, ruleHits, ruleErrors, passed, templateErrors } = metrics
  const of = (label: keyof Names) => ({ label, names: names[label] })
  // What an operator discards was counted as dead before, and is among the acts.
  const states = { label: 'state', values: notificationStates.filter((state) => state !== 'discarded') }
  return [
    [notifications, { label: 'destination', names: ['', ...names.destination], other: states }],
    [slackRequests, { ...of('destination'), other: { label: 'outcome', values: outcomes } }],
    [unmatched, { ...of('source'), other: { label: 'severity', values: severityNames } }],
    [duplicates, of('source')],
    [signatureFailures, of('source')],
    [foreignClusters, of('source')],
    [forgottenObjects, of('source')],
    [ruleHits, of('rule')],
    [ruleErrors, of('rule')],
    [passed, of('rule')],
    [templateErrors, of('template')]
  ]
}

/** Removes the series of names that the config file no longer has. */
async function forget(counter: Counter, { label, names }: Labels): Promise<void> {
  const known = new Set(names)
  await inTurns((await counter.get()).values, ({ labels }) => {
    if (!known.has(String(labels[label] ?? ''))) counter.remove(labels)
  })
}

const inSeconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000)
