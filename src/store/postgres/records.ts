// Records in PostgreSQL: answer what people ask, and retry or discard dead letters.
import type { Actor } from '../../actor.ts'
import { remember } from '../../objects/notified.ts'
import type { ActName } from '../kept.ts'
import type { LanesByName } from '../kept-lanes.ts'
import { createReading, retryPage } from '../reading/reading.ts'
import { type Ask, idOf, type Row } from '../reading/walk.ts'
import { discardedReason, maxPage, type Records, type Retried } from '../records.ts'
import { type FailedRow, undeliveredOf } from '../rows.ts'
import { refuseRepeated, writeAct } from './acts.ts'
import { announce } from './announcements.ts'
import type { Connections, Sql } from './connections.ts'
import { changeMemories } from './memories.ts'
import { keyOf, storable } from './text.ts'

// Locks rows in one order, and skips those that somebody else has locked.
const deadSql = `
  select n.id, n.destination, n.rule, n.object, n.says, v.view
  from notifications n join views v on v.id = n.id
  where n.id = any($1) and n.state = 'dead' order by n.id for update of n skip locked`

const retrySql = `
  update notifications set state = 'pending', reason = null, message_id = null, lane = k.lane, created_at = $3,
    group_key = null, held_until = 0, held_at = null, holds = 0
  from unnest($1::bigint[], $2::text[]) as k(id, lane) where notifications.id = k.id`

const discardSql = `
  update notifications set state = 'muted', reason = $2 where id in (
    select id from notifications where id = any($1) and state = 'dead' order by id for update skip locked)
  returning id`

interface DeadRow extends FailedRow {
  id: number
  says: string
}

/** The parts of the store that records need. */
interface Host {
  connections: Connections
  /** Called with notifications that wait from now on. */
  added(entries: readonly { destination: string; lane: string }[]): void
}

export function createPostgresRecords({ connections, added }: Host): Records {
  const ask = askPostgres(connections.query)
  const records: Records = {
    ...createReading(ask, keyOf),

    async retry(ids, lanes, now, actor) {
      const wanted = ids.slice(0, maxPage).map((id) => idOf(id, 'id'))
      const retried = await connections.transaction(async (sql) => {
        await refuseRepeated(sql, actor)
        const done = await retry(sql, wanted, lanes, now)
        await writeDone(sql, 'retry', done, actor, now)
        return done
      })
      added(retried)
      return retried
    },

    retryAll: (filter, page, lanes, now, actor) => retryPage(ask, records, { filter, page, lanes, now, actor }),

    async discard(ids, now, actor) {
      const wanted = ids.slice(0, maxPage).map((id) => idOf(id, 'id'))
      return connections.transaction(async (sql) => {
        await refuseRepeated(sql, actor)
        const { rows } = await sql<{ id: number }>(discardSql, [wanted, discardedReason])
        const discarded = rows.map(({ id }) => ({ id: String(id) }))
        await writeDone(sql, 'discard', discarded, actor, now)
        return discarded.map(({ id }) => id)
      })
    },

    async announce(news) {
      const isNews = await connections.transaction((sql) => announce(sql, news))
      if (isNews) added(news.notices)
      return isNews
    }
  }
  return records
}

async function writeDone(
  sql: Sql,
  did: ActName,
  done: readonly { id: string }[],
  actor: Actor | undefined,
  now: number
): Promise<void> {
  const about = { notifications: done.map(({ id }) => id) }
  if (actor && done.length > 0) await writeAct(sql, { actor, did, about }, now)
}

/** Runs the statements for reading, without the characters that PostgreSQL cannot store in their values. */
export function askPostgres(sql: Sql): Ask {
  const ask: Ask = async (text, values) => {
    const { rows } = await sql<Row>(
      text,
      values.map((value) => (typeof value === 'string' ? storable(value) : value))
    )
    return rows
  }
  return Object.assign(ask, { comparesRows: true } as const)
}

/** Retries dead letters. It locks first the notifications and then their objects, as when notifications become dead letters. */
async function retry(sql: Sql, ids: readonly number[], lanes: LanesByName, now: number): Promise<Retried[]> {
  const { rows: dead } = await sql<DeadRow>(deadSql, [ids])
  const rows = dead.filter(({ destination }) => lanes.has(destination))
  const retried = rows.map(({ id, destination }) => ({
    id: String(id),
    destination,
    lane: lanes.get(destination) ?? ''
  }))
  await sql(retrySql, [rows.map(({ id }) => id), retried.map(({ lane }) => lane), now])
  const failed = Map.groupBy(
    rows.filter(({ says }) => says === 'failed'),
    ({ object }) => object
  )
  if (failed.size === 0) return retried
  await changeMemories(sql, failed.keys(), (memory, key) =>
    (failed.get(key) ?? []).reduce((left, row) => remember(left, undeliveredOf(row), now), memory)
  )
  return retried
}
