// Memories in PostgreSQL: keep what is remembered of objects and of sources. Every transaction locks objects in the order of their keys,
// so that replicas never wait for each other in a circle.
import type { ObjectMemory } from '../../objects/memory.ts'
import { memoryText, readMemory } from '../../objects/stored-memory.ts'
import type { LastEvents } from '../kept.ts'
import { apartMs } from '../kept-lanes.ts'
import { lastEventsFrom, listener } from '../rows.ts'
import type { Sql } from './connections.ts'
import { hot, type Statement } from './statements.ts'

// With the false condition, an existing row is locked but not written, and a new object gets one row for all replicas.
const lockSql = hot(`
  insert into objects (key, source) select key, source from unnest($1::text[], $2::text[]) as k(key, source) order by key
  on conflict (key) do update set seen_at = excluded.seen_at where false`)

/** Locks objects before their events are decided on. `sources` has the source of each object by its key. */
export async function lockObjects(sql: Sql, sources: ReadonlyMap<string, string>): Promise<void> {
  await sql(lockSql, [[...sources.keys()], [...sources.values()]])
}

// All rows exist and are locked, so this only updates, and finds each row by its key.
const setSql = hot(`
  insert into objects (key, memory, seen_at, failing_since)
  select key, memory, seen_at, failing_since
  from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as k(key, memory, seen_at, failing_since)
  on conflict (key) do update
  set memory = excluded.memory, seen_at = excluded.seen_at, failing_since = excluded.failing_since`)

/** Sets the memories of objects after events, and when the last event of each was received. */
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

/** Deletes the rows of objects that were locked for a decision that was not made. */
export function dropEmpty(keys: readonly string[]): Statement[] {
  return keys.length > 0 ? [['delete from objects where key = any($1) and memory is null', [keys]]] : []
}

/** Changes the memories of objects between events. Returns the new memories of those that are not forgotten. */
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

// A time from a clock that has been set back since is replaced: it would hide for as long that nobody posts. Rows are locked in one
// order, as with objects.
const noteSql = `
  insert into sources (name, heard_at)
  select name, heard_at from unnest($1::text[], $2::bigint[]) as k(name, heard_at) order by name
  on conflict (name) do update set heard_at =
    case when sources.heard_at > $3::bigint + ${apartMs} then excluded.heard_at
    else greatest(sources.heard_at, excluded.heard_at) end`

/** Implements Store.noteLastEvents. */
export async function noteLastEvents(sql: Sql, sources: ReadonlyMap<string, number>, now: number): Promise<void> {
  const rows = [...sources, [listener, now] as const]
  await sql(noteSql, [rows.map(([name]) => name), rows.map(([, at]) => at), now])
}

export async function lastEvents(sql: Sql): Promise<LastEvents> {
  const { rows } = await sql<{ name: string; heard_at: number }>('select name, heard_at from sources')
  return lastEventsFrom(rows)
}
