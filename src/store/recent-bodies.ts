// The bodies of the last minutes, in memory: a sender that heard no answer sends the same bytes again.
import type { Database } from './database.ts'
import { duplicateWindowMs } from './store.ts'

interface Seen {
  event: number
  /** ms */
  at: number
}

/** Oldest first, because that is how they come. */
export class RecentBodies {
  readonly #seen = new Map<string, Seen>()
  /** Of the transaction that is being written. */
  readonly #fresh = new Map<string, Seen>()

  /** Reads what the process before this one knew. */
  constructor(db: Database) {
    const newest = Number(db.get('select max(received_at) as at from events')?.at ?? 0)
    const rows = db.all(
      'select id, identity, received_at from events where received_at > ? order by id',
      newest - duplicateWindowMs
    )
    for (const row of rows) this.#seen.set(String(row.identity), { event: Number(row.id), at: Number(row.received_at) })
  }

  /** The event that came with the same body within the window before `now`. */
  find(identity: string, now: number): number | undefined {
    const seen = this.#fresh.get(identity) ?? this.#seen.get(identity)
    return seen !== undefined && seen.at > now - duplicateWindowMs ? seen.event : undefined
  }

  /** Until {@link keep} it may be taken back. */
  add(identity: string, event: number, at: number): void {
    this.#fresh.set(identity, { event, at })
  }

  /** What was added is on disk. */
  keep(): void {
    for (const [identity, seen] of this.#fresh) {
      // To the end: a body that comes again after the window is the newest.
      this.#seen.delete(identity)
      this.#seen.set(identity, seen)
    }
    if (this.#fresh.size === 0) return
    const newest = Math.max(...[...this.#fresh.values()].map(({ at }) => at))
    this.#fresh.clear()
    for (const [identity, { at }] of this.#seen) {
      if (at > newest - duplicateWindowMs) return
      this.#seen.delete(identity)
    }
  }

  /** What was added is not. */
  takeBack(): void {
    this.#fresh.clear()
  }
}
