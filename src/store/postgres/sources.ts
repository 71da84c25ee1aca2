// Sources in PostgreSQL: keep the latest event time of each that any replica knows of.
import { apartMs } from '../deadline.ts'
import { type LastEvents, lastEventsFrom, listener } from '../kept.ts'
import type { Sql } from './connections.ts'

// From a clock that has been set back since, it would hide for as long that nobody posts. In one order, so that replicas wait for each other and never in a circle.
const noteSql = `
  insert into sources (name, heard_at)
  select name, heard_at from unnest($1::text[], $2::bigint[]) as k(name, heard_at) order by name
  on conflict (name) do update set heard_at =
    case when sources.heard_at > $3::bigint + ${apartMs} then excluded.heard_at
    else greatest(sources.heard_at, excluded.heard_at) end`

export async function noteLastEvents(sql: Sql, sources: ReadonlyMap<string, number>, now: number): Promise<void> {
  const rows = [...sources, [listener, now] as const]
  await sql(noteSql, [rows.map(([name]) => name), rows.map(([, at]) => at), now])
}

export async function lastEvents(sql: Sql): Promise<LastEvents> {
  const { rows } = await sql<{ name: string; heard_at: number }>('select name, heard_at from sources')
  return lastEventsFrom(rows.map(({ name, heard_at }) => [name, heard_at]))
}
