// Accepting in PostgreSQL: writes a batch of events in a handful of statements, decided on under the objects' locks.
import { memoryText, type ObjectMemory, readMemory } from '../../objects.ts'
import { type Arrival, type Decide, type Decision, duplicateWindowMs, type Receipt } from '../kept.ts'
import type { Sql } from './connections.ts'
import { insertNotifications } from './queue.ts'
import { keyOf, storable } from './text.ts'

// One pass in the order of the keys, so that batches wait for each other and never in a circle. The condition is false:
// nothing is written to a row that is there, but it is locked; and an object that is new is one object to all replicas.
const lockSql = `
  insert into objects (key, source) select key, source from unnest($1::text[], $2::text[]) as k(key, source) order by key
  on conflict (key) do update set seen_at = excluded.seen_at where false`

// A statement of its own after the locks, so that it sees what whoever held them has committed: also the same body, which
// is about the same object. Numbers are taken under the locks too: those of an object's events go up with time.
const knownSql = `
  select a.place, nextval('event_ids') as id, o.memory, b.event_id, b.received_at
  from unnest($1::text[], $2::text[]) with ordinality as a(key, identity, place)
  left join objects o on o.key = a.key
  left join recent_bodies b on b.identity = a.identity`

const updateObjectsSql = `
  update objects set memory = k.memory, seen_at = k.seen_at, failing_since = k.failing_since
  from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as k(key, memory, seen_at, failing_since)
  where objects.key = k.key`

// Locked above for a decision that was not taken.
const dropEmptySql = 'delete from objects where key = any($1) and memory is null'

const insertEventsSql = `
  with kept as (
    select * from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
      $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]) as k(
        id, identity, received_at, source, cluster, kind, namespace, name, severity, reason, transition, object, body, trace
      )
  ), bodies as (
    insert into recent_bodies (identity, event_id, received_at)
    select distinct on (identity) identity, id, received_at from kept order by identity, id desc
    on conflict (identity) do update set event_id = excluded.event_id, received_at = excluded.received_at
  )
  insert into events (
    id, received_at, source, cluster, kind, namespace, name, severity, reason, transition, object, body, trace
  )
  select id, received_at, source, cluster, kind, namespace, name, severity, reason, transition, object, body, trace
  from kept`

interface KnownRow {
  place: number
  id: number
  memory: string | null
  event_id: number | null
  received_at: number | null
}

/** An event that leaves a row. */
interface Kept {
  id: number
  at: number
  arrival: Arrival
  decision: Decision
  /** Of its receipt, to be filled in. */
  notifications: Extract<Receipt, { status: 'accepted' }>['notifications']
}

/** What is known of the objects and bodies of a batch, as of the arrival that is being decided on. */
interface Known {
  objects: Map<string, ObjectMemory | undefined>
  bodies: Map<string, { event: number; at: number }>
  ids: number[]
}

export async function accept(sql: Sql, batch: readonly Arrival[], decide: Decide): Promise<Receipt[]> {
  const keys = batch.map(({ event }) => keyOf(event.object))
  const { objects, bodies, ids } = await lock(sql, batch, keys)
  const seenAt = new Map<string, number>()
  const kept: Kept[] = []
  const receipts = batch.map((arrival, place): Receipt => {
    const at = arrival.receivedAt
    const known = bodies.get(arrival.identity)
    if (known && known.at > at - duplicateWindowMs) return { status: 'duplicate', id: String(known.event) }

    const key = keys[place] ?? ''
    const memory = objects.get(key)
    let decision: Decision
    try {
      decision = decide(arrival, memory)
    } catch (error) {
      return { status: 'failed', error }
    }
    if (decision.memory !== memory) {
      objects.set(key, decision.memory)
      seenAt.set(key, at)
    }
    const { transition } = decision
    if (!decision.keep) return { status: 'accepted', id: null, transition, notifications: [] }

    const id = ids[place] ?? 0
    bodies.set(arrival.identity, { event: id, at })
    const notifications: Kept['notifications'] = []
    kept.push({ id, at, arrival, decision, notifications })
    return { status: 'accepted', id: String(id), transition, notifications }
  })
  await writeObjects(sql, objects, seenAt)
  await writeEvents(sql, kept)
  await writeNotifications(sql, kept)
  return receipts
}

async function lock(sql: Sql, batch: readonly Arrival[], keys: readonly string[]): Promise<Known> {
  const sources = new Map(keys.map((key, at) => [key, storable(batch[at]?.event.source ?? '')]))
  await sql(lockSql, [[...sources.keys()], [...sources.values()]])
  const { rows } = await sql<KnownRow>(knownSql, [keys, batch.map(({ identity }) => identity)])
  const objects: Known['objects'] = new Map()
  const bodies: Known['bodies'] = new Map()
  for (const { place, memory, event_id, received_at } of rows) {
    const at = place - 1
    objects.set(keys[at] ?? '', memory === null ? undefined : readMemory(memory))
    if (event_id !== null) bodies.set(batch[at]?.identity ?? '', { event: event_id, at: received_at ?? 0 })
  }
  // A join may shuffle them.
  return { objects, bodies, ids: rows.map(({ id }) => id).sort((a, b) => a - b) }
}

async function writeObjects(sql: Sql, objects: Known['objects'], seenAt: ReadonlyMap<string, number>): Promise<void> {
  const keys = [...seenAt.keys()]
  if (keys.length > 0) {
    const memories = keys.map((key) => objects.get(key))
    await sql(updateObjectsSql, [
      keys,
      memories.map((memory) => memory && memoryText(memory)),
      [...seenAt.values()],
      memories.map((memory) => memory?.failure?.since ?? null)
    ])
  }
  const empty = [...objects].filter(([, memory]) => memory === undefined).map(([key]) => key)
  if (empty.length > 0) await sql(dropEmptySql, [empty])
}

async function writeEvents(sql: Sql, kept: readonly Kept[]): Promise<void> {
  if (kept.length === 0) return
  const text = (value: (arrival: Arrival) => string) => kept.map(({ arrival }) => storable(value(arrival)))
  await sql(insertEventsSql, [
    kept.map(({ id }) => id),
    text(({ identity }) => identity),
    kept.map(({ at }) => at),
    text(({ event }) => event.source),
    text(({ event }) => event.object.cluster),
    text(({ event }) => event.object.kind),
    text(({ event }) => event.object.namespace),
    text(({ event }) => event.object.name),
    text(({ event }) => event.severity),
    text(({ event }) => event.reason),
    kept.map(({ decision }) => decision.transition),
    kept.map(({ arrival }) => keyOf(arrival.event.object)),
    text(({ body }) => body),
    kept.map(({ decision }) => JSON.stringify(decision.trace))
  ])
}

async function writeNotifications(sql: Sql, kept: readonly Kept[]): Promise<void> {
  const rows = kept.flatMap(({ id: event, at, decision, notifications }) =>
    decision.notifications.map((entry) => ({ event, at, entry, notifications }))
  )
  const ids = await insertNotifications(sql, rows)
  for (const [index, { entry, notifications }] of rows.entries()) {
    const { rule, destination, lane, muting, dead } = entry
    const fate = { isMuted: muting !== undefined, isDead: dead !== undefined }
    notifications.push({ id: String(ids[index]), rule, destination, lane, ...fate })
  }
}
