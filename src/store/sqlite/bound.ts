// Bound on objects: no source may fill the file; over its limit the oldest healthy ones are forgotten. In steps, so that
// whoever waits for this thread gets in between.
import { setImmediate as pause } from 'node:timers/promises'
import type { ObjectCount } from '../kept.ts'
import type { Database } from './file.ts'

const stepRows = 500

/** `write` is a transaction of the store's. As Store.boundObjects. */
export async function boundObjects(
  db: Database,
  write: (work: () => void) => void,
  max: number
): Promise<ReadonlyMap<string, ObjectCount>> {
  const counts = new Map<string, ObjectCount>()
  for (const row of db.all('select source, count(*) as n from objects group by source')) {
    const source = String(row.source)
    const excess = Number(row.n) - max
    const keys = excess > 0 ? (await oldestFirst(db, source)).slice(0, excess) : []
    for (let at = 0; at < keys.length; at += stepRows) {
      await pause()
      write(() => {
        for (const key of keys.slice(at, at + stepRows)) db.run('delete from objects where key = ?', key)
      })
    }
    counts.set(source, { kept: Number(row.n) - keys.length, forgotten: keys.length })
  }
  return counts
}

/** The keys of a source's objects, healthy ones before those that fail, those with the oldest last event before others. */
async function oldestFirst(db: Database, source: string): Promise<string[]> {
  const known: { key: string; isFailing: boolean; seenAt: number }[] = []
  for (let cursor = ''; ; ) {
    const rows = db.all(
      'select key, seen_at, failing_since from objects where source = ? and key > ? order by key limit ?',
      ...[source, cursor, stepRows]
    )
    for (const row of rows) {
      known.push({ key: String(row.key), isFailing: row.failing_since !== null, seenAt: Number(row.seen_at) })
    }
    if (rows.length < stepRows) break
    cursor = String(rows.at(-1)?.key)
    await pause()
  }
  return known.sort((a, b) => Number(a.isFailing) - Number(b.isFailing) || a.seenAt - b.seenAt).map(({ key }) => key)
}
