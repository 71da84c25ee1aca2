// Sources in SQLite: keep the time of each one's last event.
import { apartMs } from '../deadline.ts'
import { type LastEvents, lastEventsFrom, listener } from '../kept.ts'
import type { Database } from './file.ts'

/** Inside a transaction of the store's. */
export function noteLastEvents(db: Database, sources: ReadonlyMap<string, number>, now: number): void {
  for (const [name, at] of [...sources, [listener, now] as const]) {
    // From a clock that has been set back since, it would hide for as long that nobody posts.
    db.run(
      `insert into sources values (?1, ?2) on conflict (name) do update
       set heard_at = case when heard_at > ?3 + ${apartMs} then ?2 else max(heard_at, ?2) end`,
      ...[name, at, now]
    )
  }
}

export function lastEvents(db: Database): LastEvents {
  return lastEventsFrom(
    db.all('select name, heard_at from sources').map((row) => [String(row.name), Number(row.heard_at)])
  )
}
