// Waiting counts: track in memory how many notifications wait for each destination. The changes of a transaction count once it is
// committed; a rollback takes them back.
import type { Tally } from './kept.ts'

interface Change {
  destination: string
  pending: number
  buried: number
}

export class Waiting {
  #tally = new Map<string, Tally>()
  #total = 0
  #buried = 0
  /** The changes of the transaction under way. */
  #changes: Change[] = []

  /** Notes that `pending` more notifications wait for `destination`; negative if they wait no longer. */
  add(destination: string, pending: number): void {
    this.#changes.push({ destination, pending, buried: 0 })
  }

  /** Notes that a waiting notification became a dead letter. */
  bury(destination: string): void {
    this.#changes.push({ destination, pending: -1, buried: 1 })
  }

  /** Applies the changes: the transaction is committed. */
  keep(): void {
    for (const change of this.#changes) this.#change(change)
    this.#changes = []
  }

  /** Drops the changes: the transaction was rolled back. */
  takeBack(): void {
    this.#changes = []
  }

  /** Replaces the numbers of waiting notifications by those just counted, by destination. */
  recount(pending: ReadonlyMap<string, number>): void {
    const known = [...this.#tally].filter(([, { buried }]) => buried > 0)
    this.#tally = new Map(known.map(([destination, { buried }]) => [destination, { pending: 0, buried }]))
    this.#total = 0
    for (const [destination, count] of pending) this.#change({ destination, pending: count, buried: 0 })
  }

  get total(): number {
    return this.#total
  }

  get buried(): number {
    return this.#buried
  }

  tally(): ReadonlyMap<string, Tally> {
    return this.#tally
  }

  #change({ destination, pending, buried }: Change): void {
    const known = this.#tally.get(destination) ?? { pending: 0, buried: 0 }
    this.#tally.set(destination, { pending: known.pending + pending, buried: known.buried + buried })
    this.#total += pending
    this.#buried += buried
  }
}
