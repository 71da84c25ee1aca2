// Intake: turns verified events into rows on disk. Events that arrive while one batch commits make up the next.
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { decide, type SubjectOf } from '../decide.ts'
import { labelOf } from '../deliver/channels.ts'
import type { FluxEvent } from '../events/flux.ts'
import { kindLabel, type Metrics } from '../metrics.ts'
import type { PassedChannel } from '../rules/owners.ts'
import type { Arrival, Decision, Receipt } from '../store/kept.ts'
import type { Store } from '../store/store.ts'
import { createArrivals } from './arrivals.ts'
import type { Budget, Full } from './budget.ts'
import { createRest } from './rest.ts'

export interface IntakeOptions {
  store: Store
  config: () => Config
  metrics: Metrics
  clock: Clock
  /** Called after the commit with the lanes that got a notification. */
  wake: (lanes: Set<string>) => void
  budget: Pick<Budget, 'begin' | 'admit' | 'keep'>
  /** Remembers the subjects of commits. */
  commits?: { note(event: FluxEvent): void; subjectOf: SubjectOf }
  /** Called with everything that was too full for a part of a batch. */
  full: (found: readonly Full[]) => void
  /** Called if two objects with one name came from a source. */
  twins: (source: string) => void
  /** Called with channels that an event of a source named but that were not used. */
  passed: (source: string, channels: readonly PassedChannel[]) => void
  /** Called after each commit. */
  stored: () => void
  /** Called if a commit failed or took too long. */
  unstored: () => void
}

export type Intake = ReturnType<typeof createIntake>

export function createIntake(options: IntakeOptions) {
  const { store, config, metrics, clock, wake, budget, commits, full, twins, passed, stored, unstored } = options
  const arrivals = createArrivals(clock, failed)
  const rest = createRest({ count: () => arrivals.count })
  let isCommitting = false

  function failed(): void {
    metrics.commitFailures.inc()
    unstored()
  }

  async function commit(): Promise<void> {
    for (let batch = arrivals.take(); batch.length > 0; batch = arrivals.take()) {
      try {
        const receipts = await commitBatch(batch.map(({ arrival }) => arrival))
        wake(lanesOf(receipts))
        arrivals.settle(batch, receipts)
        stored()
      } catch (error) {
        failed()
        arrivals.fail(batch, error)
      }
      await rest(batch.length)
    }
    isCommitting = false
  }

  async function commitBatch(batch: readonly Arrival[]): Promise<Receipt[]> {
    const current = config()
    const decisions = new Map<Arrival, Decision | undefined>()
    const started = performance.now()
    budget.begin()
    const receipts = await store.accept(batch, (arrival, memory, held) => {
      // An arrival seen before means that the transaction runs again: nothing decided the first time has happened.
      if (decisions.has(arrival)) {
        decisions.clear()
        budget.begin()
      }
      decisions.set(arrival, undefined)
      const decision = budget.admit(
        arrival.event.source,
        decide(arrival, memory, current, clock.now(), held, commits?.subjectOf)
      )
      decisions.set(arrival, decision)
      return decision
    })
    const found = budget.keep()
    if (found.length > 0) full(found)
    metrics.commitSeconds.observe((performance.now() - started) / 1000)
    metrics.commitEvents.observe(batch.length)
    for (const [index, arrival] of batch.entries()) {
      const { source } = arrival.event
      const status = receipts[index]?.status
      if (status === 'duplicate') metrics.duplicates.inc({ source })
      const decision = decisions.get(arrival)
      // A run that was undone may have decided on an event that another replica has stored since.
      if (status !== 'accepted' || decision === undefined) continue
      if (decision.isTwin) twins(source)
      if (decision.trace.owner?.passed) passed(source, decision.trace.owner.passed)
      count(metrics, arrival, decision)
    }
    return receipts
  }

  return {
    /** Resolves once the event is on disk. Throws CANNOT_STORE if it is not stored and the sender should retry. */
    async accept(arrival: Arrival): Promise<Exclude<Receipt, { status: 'failed' }>> {
      commits?.note(arrival.event)
      const answer = arrivals.add(arrival)
      if (!isCommitting) {
        isCommitting = true
        setImmediate(commit)
      }
      const receipt = await answer
      if (receipt.status === 'failed') throw receipt.error
      return receipt
    }
  }
}

function lanesOf(receipts: readonly Receipt[]): Set<string> {
  const lanes = new Set<string>()
  for (const receipt of receipts) {
    if (receipt.status !== 'accepted') continue
    for (const { lane, isMuted, isDead } of receipt.notifications) if (!isMuted && !isDead) lanes.add(lane)
  }
  return lanes
}

function count(
  metrics: Metrics,
  { event }: Arrival,
  { transition, trace, notifications, passed = [] }: Decision
): void {
  const { source, severity, object } = event
  metrics.events.inc({ source, kind: kindLabel(object.kind), severity, transition })
  for (const { destination, muting, dead } of notifications) {
    // The store counts these dead letters with all others.
    if (dead === undefined)
      metrics.notifications.inc({ destination: labelOf(destination), state: muting ? 'muted' : 'pending' })
  }
  for (const rule of passed) metrics.passed.inc({ rule })
  for (const { template } of trace.unformed ?? []) metrics.templateErrors.inc({ template })
  let fired = 0
  for (const verdict of trace.verdicts) {
    if (verdict.fired) {
      fired += 1
      metrics.ruleHits.inc({ rule: verdict.rule })
    }
    if (!verdict.fired && verdict.isError) metrics.ruleErrors.inc({ rule: verdict.rule })
  }
  if (fired === 0 && notifications.length === 0) metrics.unmatched.inc({ source, severity })
}
