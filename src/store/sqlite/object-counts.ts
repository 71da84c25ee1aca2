// Object counts: keep in memory how many objects each source has. They count the rows once, in steps, and from then on what each
// transaction adds and deletes.
import { setImmediate as pause } from 'node:timers/promises'
import type { Database } from './file.ts'

const stepRows = 500

interface Change {
  rowid: number
  source: string
  by: 1 | -1
}

export class ObjectCounts {
  readonly #db: Database
  readonly #counts = new Map<string, number>()
  /** Rows up to this one are counted; the rest will be when the count gets there. */
  #counted = 0
  /** The changes of the transaction under way. */
  #changes: Change[] = []

  constructor(db: Database) {
    this.#db = db
  }

  add(rowid: number, source: string): void {
    this.#changes.push({ rowid, source, by: 1 })
  }

  delete(rowid: number, source: string): void {
    this.#changes.push({ rowid, source, by: -1 })
  }

  /** Applies the changes: the transaction is committed. */
  keep(): void {
    if (this.#changes.length === 0) return
    for (const { rowid, source, by } of this.#changes) if (rowid <= this.#counted) this.#change(source, by)
    this.#changes = []
  }

  /** Drops the changes: the transaction was rolled back. */
  takeBack(): void {
    this.#changes = []
  }

  /** The number of objects by source. */
  async count(): Promise<ReadonlyMap<string, number>> {
    while (this.#counted < Number.POSITIVE_INFINITY) {
      // There is no index by source: each new object would write to it, at a random place.
      const rows = this.#db.all<{ rowid: number; source: string }>(
        'select rowid, source from objects where rowid > ? order by rowid limit ?',
        ...[this.#counted, stepRows]
      )
      for (const { source } of rows) this.#change(source, 1)
      this.#counted = rows.length < stepRows ? Number.POSITIVE_INFINITY : (rows.at(-1)?.rowid ?? 0)
      await pause()
    }
    return this.#counts
  }

  #change(source: string, by: number): void {
    const count = (this.#counts.get(source) ?? 0) + by
    if (count > 0) this.#counts.set(source, count)
    else this.#counts.delete(source)
  }
}
