// Budget: limits how much may wait for delivery, in all, for one destination and from one source, so that a webhook that is gone
// and a source that floods take nothing from the others.
import { RelayError } from '../errors.ts'
import { forget } from '../objects/notified.ts'
import type { Decision, NewNotification, Tally } from '../store/kept.ts'
import type { Store } from '../store/store.ts'

/** What has reached its limit; `name` is empty for the relay as a whole. */
export interface Full {
  kind: 'destination' | 'source' | 'relay'
  name: string
  limit: number
}

/** So many destinations have to be full before the relay is, and so many sources. */
const destinationParts = 4
const sourceParts = 2

export interface BudgetOptions {
  store: Pick<Store, 'pending' | 'tally'>
  config: () => { destinations: ReadonlyMap<string, unknown>; sources: ReadonlyMap<string, unknown> }
  /** The limit on all notifications. */
  maxPending: number
}

export type Budget = ReturnType<typeof createBudget>

export function createBudget({ store, config, maxPending }: BudgetOptions) {
  // Who added what is known in part only, and the order in which lanes empty hardly: what leaves a destination is taken
  // from its sources in proportion. It is exact where one source adds or nothing leaves, which is when it matters.
  /** By destination. */
  const shares = new Map<string, Shares>()
  /** The counts of the batch that is being decided on, by destination and source. */
  const admitted = new Map<string, Map<string, number>>()
  const full = new Map<string, Full>()
  /** By source, what waited of it when the batch began. */
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

  /** With what the batch under way has added. */
  function takenBy(source: string): number {
    let sum = waited.get(source) ?? waitingOf(source)
    waited.set(source, sum)
    for (const bySource of admitted.values()) sum += bySource.get(source) ?? 0
    return sum
  }

  return {
    /** How many notifications may wait, by the config file in use. */
    limits,
    /** About how many notifications of `source` wait: those of before a restart and of other replicas are nobody's. */
    waitingOf,
    /** A batch is decided on, or decided on again: what was admitted and not kept counts no longer. */
    begin(): void {
      admitted.clear()
      waited.clear()
      full.clear()
      limit = limits()
      tally = store.tally()
      pending = store.pending
    },
    /**
     * The decision as far as there is room for it: what is for a destination that is full becomes a dead letter. Throws
     * CANNOT_STORE where `source`, or the relay, has reached its limit. An event that leaves nothing waiting always has room.
     */
    admit(source: string, decision: Decision): Decision {
      if (!decision.notifications.some(needsRoom)) return decision
      if (pending >= limit.relay) {
        refuse(
          { kind: 'relay', name: '', limit: limit.relay },
          'too many notifications are waiting for delivery; try again'
        )
      }
      // Below that no source can have so many.
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
    /** The batch is committed; what was too full for a part of it. */
    keep(): readonly Full[] {
      const now = store.tally()
      for (const [destination, fresh] of admitted) {
        const known = shares.get(destination) ?? createShares()
        known.shrinkTo((now.get(destination)?.pending ?? 0) - sumOf(fresh))
        for (const [source, count] of fresh) known.add(source, count)
        shares.set(destination, known)
      }
      admitted.clear()
      return [...full.values()]
    }
  }
}

/**
 * What is muted waits for nothing, and the end of a failure always has room: there is one for each that was notified, and
 * without it the channel would go on showing what is over.
 */
function needsRoom({ muting, view }: NewNotification): boolean {
  return muting === undefined && view.says !== 'recovered'
}

/** How much of what waits at one destination each source has added. */
interface Shares {
  of(source: string): number
  total(): number
  add(source: string, count: number): void
  /** So many are left of all, and of each source in proportion. */
  shrinkTo(waits: number): void
}

/** Numbers are kept in units that shrink, so that ten thousand sources need not be gone through with each batch. */
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

/** Below it numbers are written anew: far from where they would be rounded. */
const leastUnit = 1e-6

function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}
