// Arrivals: queues events for their commit, in order, bounded in bytes and in time, whatever the database does.
import type { Clock } from '../clock.ts'
import { RelayError } from '../errors.ts'
import type { Arrival, Receipt } from '../store/kept.ts'

export interface Waiting {
  readonly arrival: Arrival
  readonly bytes: number
  /** The tick in which it came. */
  readonly since: number
  resolve(receipt: Receipt): void
  reject(error: unknown): void
}

// SQLite commits on this thread: 200 rows take two or three milliseconds, in which nothing else happens.
const maxBatch = 200
/** Larger bodies go in smaller batches, so that each is written within the time that a statement may take. */
const maxBatchBytes = 8 * 1024 * 1024

/** The bytes of waiting and committing events. Half of a pod's memory in `deploy/base` is left for the rest. */
const maxBytes = 64 * 1024 * 1024
/** The bytes of an event beside its texts, so that a bound on bytes also bounds their number. */
const bytesOfEvent = 1000

/**
 * notification-controller waits for the `timeout` of its Provider, 15 s unless it is set, and tries again within it where
 * it is answered sooner; PostgreSQL's own limit of 5 s for a statement comes first and says more.
 */
const patienceMs = 6000
/** A timer for all of them. Counted in ticks, so that neither a clock that is put right nor a stopped process ends them. */
const tickMs = 500
const patienceTicks = patienceMs / tickMs

/** `isLate` is called where some were refused because their commit took too long. */
export function createArrivals(clock: Clock, isLate: () => void) {
  // Arrays, not a set: what a set held when it grew lives on with its old table until the next full collection.
  const gathering: Waiting[] = []
  let committing: readonly Waiting[] = []
  /** Of those that are being committed: so many, from the first on, were refused because it takes too long. */
  let refused = 0
  let bytes = 0
  let tick = 0
  let cancel: (() => void) | undefined

  function onTick(): void {
    tick += 1
    const before = refused
    while (refused < committing.length && isOverdue(committing[refused])) refuse(committing[refused++])
    // What was refused is not to be committed any more: Flux was asked to send it again.
    const overdue = gathering.findIndex((waiting) => !isOverdue(waiting))
    const dropped = gathering.splice(0, overdue === -1 ? gathering.length : overdue)
    for (const waiting of dropped) {
      bytes -= waiting.bytes
      refuse(waiting)
    }
    if (dropped.length > 0 || refused > before) isLate()
    cancel = refused < committing.length || gathering.length > 0 ? clock.after(tickMs, onTick) : undefined
  }

  function isOverdue(waiting: Waiting | undefined): boolean {
    return waiting !== undefined && tick - waiting.since >= patienceTicks
  }

  function refuse(waiting: Waiting | undefined): void {
    const text = `the database has not answered within ${patienceMs / 1000} seconds; try again`
    waiting?.reject(new RelayError('CANNOT_STORE', text))
  }

  function leave(batch: readonly Waiting[]): void {
    for (const waiting of batch) bytes -= waiting.bytes
    committing = []
    refused = 0
    if (gathering.length > 0) return
    cancel?.()
    cancel = undefined
  }

  return {
    /**
     * Resolves to what became of it. Throws CANNOT_STORE where too much waits; rejects with it where the answer has not come
     * in time: one that was not taken by then never is, and what becomes of one that was is not known.
     */
    add(arrival: Arrival): Promise<Receipt> {
      const size = bytesOf(arrival)
      // One event always has room, however large it is.
      if (bytes > 0 && bytes + size > maxBytes) {
        throw new RelayError('CANNOT_STORE', 'too many events wait for the database; try again')
      }
      return new Promise<Receipt>((resolve, reject) => {
        const waiting = { arrival, bytes: size, since: tick, resolve, reject }
        bytes += size
        gathering.push(waiting)
        cancel ??= clock.after(tickMs, onTick)
      })
    },
    /** How many wait for the next batch. */
    get count(): number {
      return gathering.length
    },
    /** The oldest, as many as make a batch; none where none wait. */
    take(): readonly Waiting[] {
      let size = 0
      const end = gathering.findIndex((waiting, place) => {
        size += waiting.bytes
        return place === maxBatch || (place > 0 && size > maxBatchBytes)
      })
      committing = gathering.splice(0, end === -1 ? gathering.length : end)
      return committing
    },
    /** They are committed; `receipts` are in their order. */
    settle(batch: readonly Waiting[], receipts: readonly Receipt[]): void {
      leave(batch)
      for (const [place, { resolve }] of batch.entries()) resolve(receipts[place] as Receipt)
    },
    /** They are not. */
    fail(batch: readonly Waiting[], error: unknown): void {
      leave(batch)
      for (const { reject } of batch) reject(error)
    }
  }
}

/** In memory: the body, and its texts once more in the event. */
function bytesOf({ body }: Arrival): number {
  return bytesOfEvent + 2 * body.length
}
