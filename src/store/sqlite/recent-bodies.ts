// Recent bodies: remember in memory the bodies of the last minutes, because a sender that got no answer sends the same bytes again.
import { duplicateWindowMs } from '../kept.ts'
import { BodyTable, beginningOf } from './body-table.ts'
import type { Database } from './file.ts'

/** Length of a span, whose bodies are forgotten together. */
const spanMs = duplicateWindowMs / 4
/** The most bodies that are remembered, in 20 MB: the last two minutes of 4,000 events a second, the last minute of 8,000. */
const maxBodies = 500_000

interface Span {
  /** When the span began, in ms: no body of the span before came later. */
  since: number
  events: BodyTable
}

export class RecentBodies {
  readonly #db: Database
  readonly #max: number
  /** Newest first. */
  readonly #spans: Span[] = []
  /** Bodies of the transaction under way. */
  readonly #fresh = new Map<number, number>()
  /** Time of the newest of them, in ms. */
  #at = 0

  /** Reads what the previous process knew. */
  constructor(db: Database, max = maxBodies) {
    this.#db = db
    this.#max = max
    // The time of the row that was written last counts: others may be from a clock that was ahead.
    const newest = Number(db.get('select received_at as at from events order by id desc limit 1')?.at ?? 0)
    const rows = db.iterate(
      'select id, identity, received_at from events where received_at > ? and received_at < ? and identity is not null order by received_at',
      ...[newest - duplicateWindowMs, newest + duplicateWindowMs]
    )
    for (const { id, identity, received_at: at } of rows) {
      this.add(String(identity), Number(id), Number(at))
      this.keep()
    }
  }

  get size(): number {
    return this.#spans.reduce((sum, { events }) => sum + events.size, 0)
  }

  /** The id of the event that came with the same body within the window before `now`. */
  find(identity: string, now: number): number | undefined {
    const start = beginningOf(identity)
    let event = this.#fresh.get(start)
    for (const { events } of this.#spans) event ??= events.get(start)
    if (event === undefined) return undefined
    const row = this.#db.get('select identity, received_at from events where id = ?', event)
    return row?.identity === identity && Number(row.received_at) > now - duplicateWindowMs ? event : undefined
  }

  /** Adds a body, which may be taken back until {@link keep}. */
  add(identity: string, event: number, at: number): void {
    this.#fresh.set(beginningOf(identity), event)
    this.#at = at
  }

  /** Keeps what was added: the transaction is committed. */
  keep(): void {
    if (this.#fresh.size === 0) return
    // If the clock was set back, the spans from before would be kept until that time comes again, and grow until then.
    if ((this.#spans[0]?.since ?? 0) > this.#at + duplicateWindowMs) this.#spans.length = 0
    let span = this.#spans[0]
    if (span === undefined || span.since <= this.#at - spanMs || span.events.size >= this.#max / 8) {
      span = { since: this.#at, events: new BodyTable() }
      this.#spans.unshift(span)
    }
    for (const [start, event] of this.#fresh) span.events.set(start, event)
    this.#fresh.clear()
    while ((this.#spans.at(-2)?.since ?? this.#at) <= this.#at - duplicateWindowMs || this.size > this.#max) {
      this.#spans.pop()
    }
  }

  /** Drops what was added: the transaction was rolled back. */
  takeBack(): void {
    this.#fresh.clear()
  }
}
