// Bound on objects: no source may fill the file; over its limit the oldest healthy ones are forgotten. In steps, so that
// whoever waits for this thread gets in between.
import { setImmediate as pause } from 'node:timers/promises'
import type { ObjectCount } from '../kept.ts'
import type { Database, Row } from './file.ts'

const stepRows = 500

/** `write` is a transaction of the store's. As Store.boundObjects. */
export async function boundObjects(
  db: Database,
  write: (work: () => void) => void,
  max: number
): Promise<ReadonlyMap<string, ObjectCount>> {
  const found = new Map<string, number>()
  await walk(db, ({ source }) => found.set(String(source), (found.get(String(source)) ?? 0) + 1))
  const counts = new Map<string, ObjectCount>()
  for (const [source, count] of found) {
    const excess = count - max
    const keys = excess > 0 ? (await oldestFirst(db, source)).slice(0, excess) : []
    for (let at = 0; at < keys.length; at += stepRows) {
      await pause()
      write(() => {
        for (const key of keys.slice(at, at + stepRows)) db.run('delete from objects where key = ?', key)
      })
    }
    counts.set(source, { kept: count - keys.length, forgotten: keys.length })
  }
  return counts
}

/** The keys of a source's objects, healthy ones before those that fail, those with the oldest last event before others. */
async function oldestFirst(db: Database, source: string): Promise<string[]> {
  const known: { key: string; isFailing: boolean; seenAt: number }[] = []
  await walk(db, (row) => {
    if (row.source !== source) return
    known.push({ key: String(row.key), isFailing: row.failing_since !== null, seenAt: Number(row.seen_at) })
  })
  return known.sort((a, b) => Number(a.isFailing) - Number(b.isFailing) || a.seenAt - b.seenAt).map(({ key }) => key)
}

/** By key: an index on the source would be written with each new object, at a random place, and is read once in minutes. */
async function walk(db: Database, visit: (row: Row) => void): Promise<void> {
  for (let cursor = ''; ; ) {
    const sql = 'select key, seen_at, failing_since, source from objects where key > ? order by key limit ?'
    const rows = db.all(sql, cursor, stepRows)
    for (const row of rows) visit(row)
    if (rows.length < stepRows) return
    cursor = String(rows.at(-1)?.key)
    await pause()
  }
}
