// Memories in PostgreSQL: keep what is remembered of objects and of sources. Objects are locked in the order of their keys, in
// every transaction, so that replicas wait for each other and never in a circle.
import type { ObjectMemory } from '../../objects/memory.ts'
import { memoryText, readMemory } from '../../objects/stored-memory.ts'
import type { LastEvents } from '../kept.ts'
import { apartMs } from '../kept-lanes.ts'
import { lastEventsFrom, listener } from '../rows.ts'
import type { Sql } from './connections.ts'
import { hot, type Statement } from './statements.ts'

// The condition is false: nothing is written to a row that is there, but it is locked; and an object that is new is one
// object to all replicas.
const lockSql = hot(`
  insert into objects (key, source) select key, source from unnest($1::text[], $2::text[]) as k(key, source) order by key
  on conflict (key) do update set seen_at = excluded.seen_at where false`)

/** Before events are decided on. `sources`: through which each object came, by its key. */
export async function lockObjects(sql: Sql, sources: ReadonlyMap<string, string>): Promise<void> {
  await sql(lockSql, [[...sources.keys()], [...sources.values()]])
}

// They are all there, locked: this finds each by its key.
const setSql = hot(`
  insert into objects (key, memory, seen_at, failing_since)
  select key, memory, seen_at, failing_since
  from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as k(key, memory, seen_at, failing_since)
  on conflict (key) do update
  set memory = excluded.memory, seen_at = excluded.seen_at, failing_since = excluded.failing_since`)

/** Sets what is remembered after events, and when the last of each was received. */
export function setMemories(memories: ReadonlyMap<string, { memory: ObjectMemory; seenAt: number }>): Statement[] {
  if (memories.size === 0) return []
  const set = [...memories.values()]
  const values = [
    [...memories.keys()],
    set.map(({ memory }) => memoryText(memory)),
    set.map(({ seenAt }) => seenAt),
    set.map(({ memory }) => memory.failure?.since ?? null)
  ]
  return [[setSql, values]]
}

/** Drops objects that were locked for a decision that was not taken. */
export function dropEmpty(keys: readonly string[]): Statement[] {
  return keys.length > 0 ? [['delete from objects where key = any($1) and memory is null', [keys]]] : []
}

/** Between events. The memories as they are then, of those objects that are not forgotten. */
export async function changeMemories(
  sql: Sql,
  keys: Iterable<string>,
  change: (memory: ObjectMemory, key: string) => ObjectMemory
): Promise<Map<string, ObjectMemory>> {
  const { rows } = await sql<{ key: string; memory: string | null }>(
    'select key, memory from objects where key = any($1) order by key for update',
    [[...keys]]
  )
  const memories = new Map<string, ObjectMemory>()
  for (const { key, memory } of rows) if (memory !== null) memories.set(key, change(readMemory(memory), key))
  await sql(
    `update objects set memory = k.memory from unnest($1::text[], $2::text[]) as k(key, memory) where objects.key = k.key`,
    [[...memories.keys()], [...memories.values()].map((memory) => memoryText(memory))]
  )
  return memories
}

// From a clock that has been set back since, it would hide for as long that nobody posts. In one order, as with objects.
const noteSql = `
  insert into sources (name, heard_at)
  select name, heard_at from unnest($1::text[], $2::bigint[]) as k(name, heard_at) order by name
  on conflict (name) do update set heard_at =
    case when sources.heard_at > $3::bigint + ${apartMs} then excluded.heard_at
    else greatest(sources.heard_at, excluded.heard_at) end`

/** As Store.noteLastEvents. */
export async function noteLastEvents(sql: Sql, sources: ReadonlyMap<string, number>, now: number): Promise<void> {
  const rows = [...sources, [listener, now] as const]
  await sql(noteSql, [rows.map(([name]) => name), rows.map(([, at]) => at), now])
}

export async function lastEvents(sql: Sql): Promise<LastEvents> {
  const { rows } = await sql<{ name: string; heard_at: number }>('select name, heard_at from sources')
  return lastEventsFrom(rows)
}
