// Waiting counts: track how much waits for each destination, in memory. What a transaction changes counts once it is
// committed, and a rollback takes it back.
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
  /** What the transaction under way has changed. */
  #changes: Change[] = []

  /** `pending` more wait for `destination`; negative if they wait no longer. */
  add(destination: string, pending: number): void {
    this.#changes.push({ destination, pending, buried: 0 })
  }

  /** One that waited is a dead letter. */
  bury(destination: string): void {
    this.#changes.push({ destination, pending: -1, buried: 1 })
  }

  /** The transaction is committed. */
  keep(): void {
    for (const change of this.#changes) this.#change(change)
    this.#changes = []
  }

  /** It is not. */
  takeBack(): void {
    this.#changes = []
  }

  /** What waits by destination, as just counted. */
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
