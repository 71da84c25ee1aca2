// When sources were last heard, in SQLite.
import type { Database } from './database.ts'
import { heardFrom, listener } from './sources.ts'
import type { Heard } from './store.ts'

/** Inside a transaction of the store's. */
export function noteHeard(db: Database, sources: ReadonlyMap<string, number>, now: number): void {
  for (const [name, at] of [...sources, [listener, now] as const]) {
    db.run(
      `insert into sources values (?, ?)
       on conflict (name) do update set heard_at = max(heard_at, excluded.heard_at)`,
      ...[name, at]
    )
  }
}

export function lastHeard(db: Database): Heard {
  return heardFrom(db.all('select name, heard_at from sources').map((row) => [String(row.name), Number(row.heard_at)]))
}
