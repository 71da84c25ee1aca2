// Waiting counts: track how much waits for each destination, in memory. Whatever changes a notification's state reports
// it inside its transaction, and a rollback takes it back.

import type { Tally } from '../kept.ts'
import type { Database } from './file.ts'
import { waitingSql } from './lanes.ts'

export class Waiting {
  readonly #tally = new Map<string, Tally>()
  #total = 0
  #buried = 0
  /** What the transaction under way has changed. */
  #changes: { destination: string; pending: number; buried: number }[] = []

  /** Reads what waits from before. */
  constructor(db: Database) {
    const rows = db.all(`select destination, count(*) as n from ${waitingSql} group by destination`)
    for (const { destination, n } of rows)
      this.#change({ destination: String(destination), pending: Number(n), buried: 0 })
  }

  /** So many more wait for `destination`; `pending` is negative for those that wait no longer. */
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

  get total(): number {
    return this.#total
  }

  get buried(): number {
    return this.#buried
  }

  tally(): ReadonlyMap<string, Tally> {
    return this.#tally
  }

  #change({ destination, pending, buried }: { destination: string; pending: number; buried: number }): void {
    const known = this.#tally.get(destination) ?? { pending: 0, buried: 0 }
    this.#tally.set(destination, { pending: known.pending + pending, buried: known.buried + buried })
    this.#total += pending
    this.#buried += buried
  }
}
