// When sources were last heard, in PostgreSQL: the latest that any replica knows of.
import type { Sql } from './postgres-connection.ts'
import { heardFrom, listener } from './sources.ts'
import type { Heard } from './store.ts'

// In one order, so that replicas wait for each other and never in a circle.
const noteSql = `
  insert into sources (name, heard_at)
  select name, heard_at from unnest($1::text[], $2::bigint[]) as k(name, heard_at) order by name
  on conflict (name) do update set heard_at = greatest(sources.heard_at, excluded.heard_at)`

export async function noteHeard(sql: Sql, sources: ReadonlyMap<string, number>, now: number): Promise<void> {
  const rows = [...sources, [listener, now] as const]
  await sql(noteSql, [rows.map(([name]) => name), rows.map(([, at]) => at)])
}

export async function lastHeard(sql: Sql): Promise<Heard> {
  const { rows } = await sql<{ name: string; heard_at: number }>('select name, heard_at from sources')
  return heardFrom(rows.map(({ name, heard_at }) => [name, heard_at]))
}
