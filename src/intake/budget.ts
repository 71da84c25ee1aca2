// Budget: limits how many notifications may wait in all, for one destination and from one source, so that neither a webhook that is
// gone nor a source that floods takes room from the others.
import { RelayError } from '../errors.ts'
import { forget } from '../objects/notified.ts'
import type { Decision, NewNotification, Tally } from '../store/kept.ts'
import type { Store } from '../store/store.ts'

/** A destination, a source or the whole relay that has reached its limit; `name` is empty for the relay. */
export interface Full {
  kind: 'destination' | 'source' | 'relay'
  name: string
  limit: number
}

/** Number of destinations, and of sources, that have to be full before the whole relay is. */
const destinationParts = 4
const sourceParts = 2

export interface BudgetOptions {
  store: Pick<Store, 'pending' | 'tally'>
  config: () => { destinations: ReadonlyMap<string, unknown>; sources: ReadonlyMap<string, unknown> }
  /** The limit for all waiting notifications together. */
  maxPending: number
}

export type Budget = ReturnType<typeof createBudget>

export function createBudget({ store, config, maxPending }: BudgetOptions) {
  // Which source's notifications leave a destination is not known, so they are subtracted from its sources in proportion. That is
  // exact if only one source adds or if nothing leaves, which is when it matters.
  /** Shares by destination. */
  const shares = new Map<string, Shares>()
  /** Notifications of the batch that is being decided on, by destination and source. */
  const admitted = new Map<string, Map<string, number>>()
  const full = new Map<string, Full>()
  /** How many notifications of each source waited when the batch began. */
  const waited = new Map<string, number>()
  let tally: ReadonlyMap<string, Tally> = new Map()
  let pending = 0
  let limit = limits()

  function limits() {
    const { destinations, sources } = config()
    const part = (names: ReadonlyMap<string, unknown>, parts: number) =>
      Math.ceil(maxPending / Math.max(1, Math.min(parts, names.size)))
    return {
      destination: part(destinations, destinationParts),
      source: part(sources, sourceParts),
      relay: maxPending
    }
  }

  function waitingOf(source: string): number {
    const now = store.tally()
    let sum = 0
    for (const [destination, known] of shares) {
      const waits = now.get(destination)?.pending ?? 0
      if (waits <= 0) shares.delete(destination)
      else sum += known.of(source) * Math.min(1, waits / known.total())
    }
    return Math.round(sum)
  }

  function refuse(found: Full, text: string): never {
    full.set(`${found.kind} ${found.name}`, found)
    throw new RelayError('CANNOT_STORE', text)
  }

  /** Waiting notifications of `source`, with those that the current batch has added. */
  function takenBy(source: string): number {
    let sum = waited.get(source) ?? waitingOf(source)
    waited.set(source, sum)
    for (const bySource of admitted.values()) sum += bySource.get(source) ?? 0
    return sum
  }

  return {
    /** The limits on waiting notifications by the current config file. */
    limits,
    /** About how many notifications of `source` wait; those from before a restart and of other replicas count for no source. */
    waitingOf,
    /** Begins a batch, or begins it again: what was admitted but not kept no longer counts. */
    begin(): void {
      admitted.clear()
      waited.clear()
      full.clear()
      limit = limits()
      tally = store.tally()
      pending = store.pending
    },
    /**
     * Returns `decision` as far as there is room for it: a notification to a full destination becomes a dead letter. Throws
     * CANNOT_STORE if `source` or the relay has reached its limit. An event that leaves nothing waiting always has room.
     */
    admit(source: string, decision: Decision): Decision {
      if (!decision.notifications.some(needsRoom)) return decision
      if (pending >= limit.relay) {
        refuse(
          { kind: 'relay', name: '', limit: limit.relay },
          'too many notifications are waiting for delivery; try again'
        )
      }
      // If fewer wait in all, no source can have reached its limit.
      if (pending >= limit.source && takenBy(source) >= limit.source) {
        const text = `too many notifications of the source ${source} are waiting for delivery; try again`
        refuse({ kind: 'source', name: source, limit: limit.source }, text)
      }
      let { memory } = decision
      const notifications = decision.notifications.map((notification): NewNotification => {
        const { destination, rule, muting, view } = notification
        if (muting !== undefined) return notification
        const others = admitted.get(destination) ?? new Map<string, number>()
        const waits = (tally.get(destination)?.pending ?? 0) + sumOf(others)
        if (waits < limit.destination || !needsRoom(notification)) {
          admitted.set(destination, others.set(source, (others.get(source) ?? 0) + 1))
          pending += 1
          return notification
        }
        full.set(`destination ${destination}`, { kind: 'destination', name: destination, limit: limit.destination })
        if (view.says === 'failed') memory = forget(memory, { rule, destination, since: view.failure?.since })
        return {
          ...notification,
          dead: `its destination had reached its limit of ${limit.destination} waiting notifications`
        }
      })
      return { ...decision, memory, notifications }
    },
    /** Counts what the committed batch added. Returns everything that was too full for a part of the batch. */
    keep(): readonly Full[] {
      const now = store.tally()
      for (const [destination, fresh] of admitted) {
        const known = shares.get(destination) ?? createShares()
        known.shrinkTo((now.get(destination)?.pending ?? 0) - sumOf(fresh))
        for (const [source, count] of fresh) known.add(source, count)
        shares.set(destination, known)
      }
      return [...full.values()]
    }
  }
}

/**
 * Reports whether a notification counts against the limits. A muted one does not wait for delivery. The end of a failure always has
 * room: there is at most one for each notified failure, and without it the channel would go on showing a failure that is over.
 */
function needsRoom({ muting, view }: NewNotification): boolean {
  return muting === undefined && view.says !== 'recovered'
}

/** How many of the notifications that wait for one destination each source has added. */
interface Shares {
  of(source: string): number
  total(): number
  add(source: string, count: number): void
  /** Reduces the total to `waits`, and the number of each source in proportion. */
  shrinkTo(waits: number): void
}

/** Creates shares whose numbers are in a unit that shrinks, so that no batch has to go through ten thousand sources. */
function createShares(): Shares {
  let [units, sum, unit] = [new Map<string, number>(), 0, 1]
  return {
    of: (source) => (units.get(source) ?? 0) * unit,
    total: () => sum * unit,
    add(source, count) {
      units.set(source, (units.get(source) ?? 0) + count / unit)
      sum += count / unit
    },
    shrinkTo(waits) {
      if (waits <= 0) [units, sum, unit] = [new Map(), 0, 1]
      else if (sum > 0) unit *= Math.min(1, waits / (sum * unit))
      if (unit > leastUnit) return
      units = new Map([...units].map(([source, count]) => [source, count * unit]))
      ;[sum, unit] = [sum * unit, 1]
    }
  }
}

/** Below this unit the numbers are rewritten, long before they would lose precision. */
const leastUnit = 1e-6

function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}
