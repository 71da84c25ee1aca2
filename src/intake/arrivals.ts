// Arrivals: queues events for their commit, in order, bounded in bytes and in time, whatever the database does.
import type { Clock } from '../clock.ts'
import { RelayError } from '../errors.ts'
import type { Arrival, Receipt } from '../store/kept.ts'

export interface Waiting {
  readonly arrival: Arrival
  readonly bytes: number
  /** The tick in which the event arrived. */
  readonly since: number
  resolve(receipt: Receipt): void
  reject(error: unknown): void
}

// SQLite commits on this thread: 200 rows take two or three milliseconds, and nothing else happens meanwhile.
const maxBatch = 200
/** Large bodies make smaller batches, so that each batch is written within the time that a statement may take. */
const maxBatchBytes = 8 * 1024 * 1024

/** Bytes of all events that wait or are being committed. It leaves half of a pod's memory in `deploy/base` for the rest. */
const maxBytes = 64 * 1024 * 1024
/** Bytes of an event besides its texts, so that the bound on bytes also bounds the number of events. */
const bytesOfEvent = 1000

/**
 * How long an event waits for its commit. notification-controller waits for its Provider's `timeout`, 15 s by default, and retries
 * within that time if it is answered sooner; PostgreSQL's own limit of 5 s for a statement comes first and says more.
 */
const patienceMs = 6000
/** One timer serves all waiting events. It counts ticks, so that neither a corrected clock nor a suspended process refuses them. */
const tickMs = 500
const patienceTicks = patienceMs / tickMs

/** Creates the queue in front of the store. It calls `isLate` after refusing events whose commit took too long. */
export function createArrivals(clock: Clock, isLate: () => void) {
  // Arrays, not a set: a set that grows keeps its old table, and all that it held, alive until the next full collection.
  const gathering: Waiting[] = []
  let committing: readonly Waiting[] = []
  /** How many of `committing`, from the first on, were refused because the commit takes too long. */
  let refused = 0
  let bytes = 0
  let tick = 0
  let cancel: (() => void) | undefined

  function onTick(): void {
    tick += 1
    const before = refused
    while (refused < committing.length && isOverdue(committing[refused])) refuse(committing[refused++])
    // A refused event must not be committed later: Flux was asked to send it again.
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
     * Resolves to the receipt of `arrival`. Throws CANNOT_STORE if too many bytes wait, and rejects with it if the answer is late: an
     * event that no batch has taken by then is dropped; one that is being committed may or may not be stored.
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
    /** Number of events that wait for the next batch. */
    get count(): number {
      return gathering.length
    },
    /** Takes the oldest events for the next batch; none if none wait. */
    take(): readonly Waiting[] {
      let size = 0
      const end = gathering.findIndex((waiting, place) => {
        size += waiting.bytes
        return place === maxBatch || (place > 0 && size > maxBatchBytes)
      })
      committing = gathering.splice(0, end === -1 ? gathering.length : end)
      return committing
    },
    /** Resolves the events of a committed `batch`; `receipts` are in the same order. */
    settle(batch: readonly Waiting[], receipts: readonly Receipt[]): void {
      leave(batch)
      for (const [place, { resolve }] of batch.entries()) resolve(receipts[place] as Receipt)
    },
    /** Rejects the events of a `batch` whose commit failed. */
    fail(batch: readonly Waiting[], error: unknown): void {
      leave(batch)
      for (const { reject } of batch) reject(error)
    }
  }
}

/** An arrival's size in memory: the body, and its texts once more in the event. */
function bytesOf({ body }: Arrival): number {
  return bytesOfEvent + 2 * body.length
}
