// Upkeep in PostgreSQL: deletes what is over and bounds what is remembered, some rows at a time, and measures the database. Rows that a
// replica is using are left for the next time.
import type { Expiry, ObjectCount } from '../kept.ts'
import type { Store } from '../store.ts'
import { pruneCards } from './cards.ts'
import type { Connections, Sql } from './connections.ts'
import { pruneRollouts } from './rollouts.ts'

/** How long a size is kept: the server asks its file system for each file, which is too much for every scrape of every replica. */
const sizeMs = 60_000

/** How long a replica's row is kept after its last sign of life: nobody could take it for alive any more. */
const replicaMs = 3_600_000

const bodiesSql = `
  delete from recent_bodies where identity in (
    select identity from recent_bodies where received_at < $1 limit $2 for update skip locked)`

const notificationsSql = `
  with over as (
    delete from notifications where id in (
      select id from notifications where created_at < greatest($1::bigint, $2::bigint) and
        ((state = 'sent' or state = 'muted' and muted_until is null) and created_at < $1 or state = 'dead' and created_at < $2)
      order by created_at limit $3 for update skip locked)
    returning id
  )
  delete from views using over where views.id = over.id`

// An event stays as long as a notification of it, and a message as long as it carries one.
const eventsSql = `
  delete from events where id in (
    select id from events where received_at < $1 and
      not exists (select 1 from notifications where event_id = events.id)
    order by received_at limit $2 for update skip locked)`

const messagesSql = `
  delete from messages where id in (
    select id from messages where created_at < $1 and state <> 'open' and
      not exists (select 1 from notifications where message_id = messages.id)
    order by created_at limit $2 for update skip locked)
  returning id`

const objectsSql = `
  delete from objects where key in (
    select key from objects where key = any($1) and seen_at < $2 for update skip locked)`

export function createUpkeep(connections: Connections): Pick<Store, 'prune' | 'boundObjects' | 'size'> {
  /** The key up to which pruning has looked at objects. */
  let cursor = ''
  let known = { dataBytes: 0, until: 0 }
  return {
    async prune(before, limit) {
      const rows = await connections.transaction((sql) => prune(sql, before, limit))
      const objects = await connections.transaction((sql) => pruneObjects(sql, cursor, before.deadLetters, limit))
      cursor = objects.last ?? ''
      return rows + objects.deleted
    },

    boundObjects: (max) => boundObjects(connections.query, max),

    async size() {
      const now = performance.now()
      if (now >= known.until) {
        const { rows } = await connections.query<{ bytes: number }>(
          'select pg_database_size(current_database()) as bytes'
        )
        known = { dataBytes: rows[0]?.bytes ?? 0, until: now + sizeMs }
      }
      return { dataBytes: known.dataBytes }
    }
  }
}

async function prune(sql: Sql, before: Expiry, limit: number): Promise<number> {
  const bodies = await sql(bodiesSql, [before.duplicates, limit])
  const notifications = await sql(notificationsSql, [before.events, before.deadLetters, limit])
  const events = await sql(eventsSql, [before.events, limit])
  const { rows: messages } = await sql<{ id: number }>(messagesSql, [before.events, limit])
  if (messages.length > 0) {
    await sql('delete from attempts where message_id = any($1)', [messages.map(({ id }) => id)])
  }
  await sql('delete from silences where ends_at < $1', [before.events])
  await sql('delete from acts where at < $1', [before.events])
  await sql('delete from gatherings where posted_at < $1', [before.gatherings])
  await sql('delete from announcements where announced_at < $1', [before.events])
  await sql('delete from replicas where alive_until < $1', [before.duplicates - replicaMs])
  const cards = await pruneCards(sql, before.events, limit)
  const rollouts = await pruneRollouts(sql, before.events, limit)
  return [bodies, notifications, events].reduce(
    (sum, { rowCount }) => sum + (rowCount ?? 0),
    messages.length + cards + rollouts
  )
}

/** Deletes those of the next `limit` objects after `key` that are too old; `last` is undefined at the end of all objects. */
async function pruneObjects(
  sql: Sql,
  key: string,
  before: number,
  limit: number
): Promise<{ deleted: number; last: string | undefined }> {
  const { rows } = await sql<{ key: string; seen_at: number }>(
    'select key, seen_at from objects where key > $1 order by key limit $2',
    [key, limit]
  )
  const over = rows.filter(({ seen_at }) => seen_at < before).map((row) => row.key)
  const { rowCount } = over.length === 0 ? { rowCount: 0 } : await sql(objectsSql, [over, before])
  return { deleted: rowCount ?? 0, last: rows.length < limit ? undefined : rows.at(-1)?.key }
}

const countSql = 'select source, count(*) as n from objects group by source'

const forgetSql = `
  delete from objects where key in (
    select key from objects where source = $1 and memory is not null
    order by failing_since is not null, seen_at limit $2 for update skip locked)`

/** Objects that one statement forgets. */
const forgetStep = 2000

async function boundObjects(sql: Sql, max: number): Promise<ReadonlyMap<string, ObjectCount>> {
  const counts = new Map<string, ObjectCount>()
  const { rows } = await sql<{ source: string; n: number }>(countSql)
  for (const { source, n } of rows) {
    let forgotten = 0
    while (n - forgotten > max) {
      const { rowCount } = await sql(forgetSql, [source, Math.min(n - forgotten - max, forgetStep)])
      // Other replicas have the rest locked.
      if (!rowCount) break
      forgotten += rowCount
    }
    counts.set(source, { kept: n - forgotten, forgotten })
  }
  return counts
}
