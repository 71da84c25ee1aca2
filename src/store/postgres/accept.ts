// Accepting in PostgreSQL: decides on a batch of events under the locks of their objects, and writes the results.
import type { QueryResult } from 'pg'
import type { ObjectMemory } from '../../objects/memory.ts'
import { mayBeHeld } from '../../objects/notified.ts'
import { readMemory } from '../../objects/stored-memory.ts'
import type { Held, Release } from '../../rules/lasting.ts'
import { decideOn, type Ledger, receiptOf } from '../deciding.ts'
import {
  type Arrival,
  type Decide,
  type Decision,
  duplicateWindowMs,
  type NewNotification,
  type Receipt
} from '../kept.ts'
import { lastsUntil } from '../steps.ts'
import { turn } from './cards.ts'
import type { Finish, Sql } from './connections.ts'
import { heldOf, release } from './lasting.ts'
import { dropEmpty, lockObjects, setMemories } from './memories.ts'
import { idsIn, insertion, type NewRow } from './queue.ts'
import { type Reported, report } from './rollouts.ts'
import { hot, type Statement } from './statements.ts'
import { keyOf, storable } from './text.ts'

// A statement of its own after the locks, so that it sees what their last holder has committed, including the same body, which is about
// the same object. Ids are taken under the locks, too, so that those of an object's events go up with time.
const knownSql = hot(`
  select a.place, nextval('event_ids') as id, (select memory from objects where key = a.key) as memory,
    (select event_id from recent_bodies where identity = a.identity) as event_id,
    (select received_at from recent_bodies where identity = a.identity) as received_at
  from unnest($1::text[], $2::text[]) with ordinality as a(key, identity, place)`)

const insertEventsSql = hot(`
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
  from kept`)

interface KnownRow {
  place: number
  id: number
  memory: string | null
  event_id: number | null
  received_at: number | null
}

/** An event that is kept. */
interface Kept {
  id: number
  arrival: Arrival
  key: string
  decision: Decision
  /** The part of the receipt that is filled in later. */
  notified: ReturnType<typeof receiptOf>[]
}

/** What is known of the objects and bodies of a batch. */
interface Known {
  memories: Map<string, ObjectMemory | undefined>
  bodies: Map<string, { event: number; at: number }>
  ids: number[]
}

/**
 * Decides on `batch` and writes the results, inside a transaction. `settled` has the destination of each notification that was held and
 * is never sent.
 */
export async function accept(
  sql: Sql,
  finish: Finish,
  batch: readonly Arrival[],
  decide: Decide
): Promise<{ receipts: Receipt[]; settled: readonly string[] }> {
  const keys = batch.map(({ event }) => keyOf(event.object))
  const { memories, bodies, ids } = await lock(sql, batch, keys)
  const holding = [...memories].flatMap(([key, memory]) => (memory && mayBeHeld(memory) ? [key] : []))
  const held = await heldOf(sql, holding)
  const releases: Release[] = []
  let written = 0
  const changed = new Map<string, { memory: ObjectMemory; seenAt: number }>()
  const kept: Kept[] = []
  const turned = new Map<string, number>()
  const reports: Reported[] = []
  const ledger: Ledger = {
    duplicateOf({ identity, receivedAt }) {
      const known = bodies.get(identity)
      return known && known.at > receivedAt - duplicateWindowMs ? known.event : undefined
    },
    memoryOf: (key) => memories.get(key),
    heldOf: (key) => held.get(key) ?? [],
    release(key, some) {
      releases.push(...some)
      const gone = some.map((release) => release.held)
      held.set(
        key,
        (held.get(key) ?? []).filter((entry) => !gone.includes(entry))
      )
    },
    remember(key, memory, { receivedAt }) {
      memories.set(key, memory)
      changed.set(key, { memory, seenAt: receivedAt })
    },
    turn: (key, { receivedAt }) => turned.set(key, receivedAt),
    report(arrival, said, id) {
      for (const entry of said) reports.push({ arrival, said: entry, event: id })
    },
    keep(arrival, key, decision) {
      const id = ids[kept.length] ?? 0
      const notified: Kept['notified'] = []
      bodies.set(arrival.identity, { event: id, at: arrival.receivedAt })
      kept.push({ id, arrival, key, decision, notified })
      for (const entry of decision.notifications) {
        const until = lastsUntil(entry, arrival.receivedAt)
        if (until !== undefined) held.set(key, [...(held.get(key) ?? []), heldAt(written, entry, until)])
        written += 1
      }
      return { id, notified }
    }
  }
  const receipts = batch.map((arrival, place) => decideOn(arrival, keys[place] ?? '', ledger, decide))
  const now = Math.max(...batch.map(({ receivedAt }) => receivedAt))
  const rows = rowsOf(kept, releases, now)
  const writes = [
    ...(await insertion(sql, rows)),
    ...setMemories(changed),
    ...dropEmpty([...memories].filter(([, memory]) => memory === undefined).map(([key]) => key)),
    ...insertEvents(kept),
    ...release(
      releases.filter(({ held: { id } }) => placeOf(id) === undefined),
      now
    )
  ]
  const turns = turn([...turned.keys()], Math.max(...turned.values()))
  let inserted: QueryResult | undefined
  if (reports.length === 0) [inserted] = await finish([...writes, ...turns])
  else {
    // A report reads the writes before it.
    ;[inserted] = await Promise.all(writes.map((statement) => sql(...statement)))
    await report(sql, reports)
    await finish(turns)
  }
  if (rows.length > 0)
    for (const [place, id] of idsIn(inserted).entries()) rows[place]?.notified.push(receiptOf(id, rows[place].entry))
  const settled = releases.flatMap(({ held: { destination }, because }) => (because === undefined ? [] : [destination]))
  return { receipts, settled }
}

const ofBatch = 'place '

/** A held notification of this batch, which has its place in the batch in place of an id. */
function heldAt(place: number, { rule, destination, view }: NewNotification, until: number): Held {
  return { id: `${ofBatch}${place}`, rule, destination, since: view.failure?.since, until }
}

/** The place of a notification of this batch among those that are written; undefined for any other id. */
function placeOf(id: string): number | undefined {
  return id.startsWith(ofBatch) ? Number(id.slice(ofBatch.length)) : undefined
}

async function lock(sql: Sql, batch: readonly Arrival[], keys: readonly string[]): Promise<Known> {
  const [, { rows }] = await Promise.all([
    lockObjects(sql, new Map(keys.map((key, at) => [key, storable(batch[at]?.event.source ?? '')]))),
    sql<KnownRow>(knownSql, [keys, batch.map(({ identity }) => identity)])
  ])
  const memories: Known['memories'] = new Map()
  const bodies: Known['bodies'] = new Map()
  for (const { place, memory, event_id, received_at } of rows) {
    const at = place - 1
    memories.set(keys[at] ?? '', memory === null ? undefined : readMemory(memory))
    if (event_id !== null) bodies.set(batch[at]?.identity ?? '', { event: event_id, at: received_at ?? 0 })
  }
  // A join may shuffle the rows.
  return { memories, bodies, ids: rows.map(({ id }) => id).sort((a, b) => a - b) }
}

function insertEvents(kept: readonly Kept[]): Statement[] {
  if (kept.length === 0) return []
  const text = (value: (arrival: Arrival) => string) => kept.map(({ arrival }) => storable(value(arrival)))
  const values = [
    kept.map(({ id }) => id),
    text(({ identity }) => identity),
    kept.map(({ arrival }) => arrival.receivedAt),
    text(({ event }) => event.source),
    text(({ event }) => event.object.cluster),
    text(({ event }) => event.object.kind),
    text(({ event }) => event.object.namespace),
    text(({ event }) => event.object.name),
    text(({ event }) => event.severity),
    text(({ event }) => event.reason),
    kept.map(({ decision }) => decision.transition),
    kept.map(({ key }) => key),
    text(({ body }) => body),
    kept.map(({ decision }) => JSON.stringify(decision.trace))
  ]
  return [[insertEventsSql, values]]
}

/** The rows of the batch's notifications, in its order; those that were released within the batch are written as released. */
function rowsOf(kept: readonly Kept[], releases: readonly Release[], now: number): (NewRow & Pick<Kept, 'notified'>)[] {
  const released = new Map(releases.map(({ held, because }) => [placeOf(held.id), { because, at: now }]))
  return kept
    .flatMap(({ id: event, arrival, decision, notified }) =>
      decision.notifications.map((entry) => ({ event, at: arrival.receivedAt, entry, notified }))
    )
    .map((row, place) => ({ ...row, released: released.get(place) }))
}
