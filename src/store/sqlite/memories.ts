// Memories in SQLite: keep what is remembered of objects and of sources, inside a transaction of the store.
import { setImmediate as pause } from 'node:timers/promises'
import type { ObjectMemory } from '../../objects/memory.ts'
import { memoryText, readMemory } from '../../objects/stored-memory.ts'
import type { Arrival, LastEvents } from '../kept.ts'
import { apartMs } from '../kept-lanes.ts'
import { lastEventsFrom, listener } from '../rows.ts'
import type { Database } from './file.ts'

const watchers = new WeakMap<Database, Set<(key: string) => void>>()

/** Calls `changed` with the key of each object whose memory is written, even if that is rolled back; the returned function stops that. */
export function watchMemories(db: Database, changed: (key: string) => void): () => void {
  const watching = watchers.get(db) ?? new Set()
  watchers.set(db, watching.add(changed))
  return () => void watching.delete(changed)
}

function noteChange(db: Database, key: string): void {
  for (const changed of watchers.get(db) ?? []) changed(key)
}

export function memoryOf(db: Database, key: string): ObjectMemory | undefined {
  const row = db.get<{ memory: string }>('select memory from objects where key = ?', key)
  return row && readMemory(row.memory)
}

/** Sets an object's memory after an event. Returns the row id if the object was not known before. */
export function setMemory(db: Database, key: string, memory: ObjectMemory, { receivedAt, event }: Arrival): number {
  const row = db.run(
    `insert into objects (key, memory, seen_at, failing_since, source) values (?, ?, ?, ?, ?)
     on conflict (key) do update
     set memory = excluded.memory, seen_at = excluded.seen_at, failing_since = excluded.failing_since`,
    ...[key, memoryText(memory), receivedAt, memory.failure?.since ?? null, event.source]
  )
  noteChange(db, key)
  return row
}

/** Changes an object's memory between events. Returns the new memory; undefined if the object is forgotten. */
export function changeMemory(
  db: Database,
  key: string,
  change: (memory: ObjectMemory) => ObjectMemory
): ObjectMemory | undefined {
  const known = memoryOf(db, key)
  if (known === undefined) return undefined
  const memory = change(known)
  db.run('update objects set memory = ? where key = ?', memoryText(memory), key)
  noteChange(db, key)
  return memory
}

/** Implements Store.noteLastEvents. */
export function noteLastEvents(db: Database, sources: ReadonlyMap<string, number>, now: number): void {
  for (const [name, at] of [...sources, [listener, now] as const]) {
    // A time from a clock that has been set back since is replaced: it would hide for as long that nobody posts.
    db.run(
      `insert into sources values (?1, ?2) on conflict (name) do update
       set heard_at = case when heard_at > ?3 + ${apartMs} then ?2 else max(heard_at, ?2) end`,
      ...[name, at, now]
    )
  }
}

/** Rows that are read at a time: a fleet has ten thousand sources. */
const rowsAtOnce = 1000

export async function lastEvents(db: Database): Promise<LastEvents> {
  const rows: { name: string; heard_at: number }[] = []
  for (let isMore = true; isMore; ) {
    if (rows.length > 0) await pause()
    const more = db.all<{ name: string; heard_at: number }>(
      'select name, heard_at from sources order by name limit ? offset ?',
      ...[rowsAtOnce, rows.length]
    )
    rows.push(...more)
    isMore = more.length === rowsAtOnce
  }
  return lastEventsFrom(rows)
}
