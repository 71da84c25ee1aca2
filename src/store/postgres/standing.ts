// Standing in PostgreSQL: locks a lane, and reads its state and what waits in it, in one round trip.
import { apartMs, composeWindow } from '../kept-lanes.ts'
import { type LaneRow, type MessageRow, messageOf, type PendingRow } from '../rows.ts'
import type { Sql } from './connections.ts'
import { hot } from './statements.ts'

// A lane that another replica has locked is skipped, so that nobody waits here with a connection in hand.
const lockSql = hot(`
  select tokens, tokens_at, not_before, set_at, block_reason, block_since, probes, holder
  from lanes where key = $1 for update skip locked`)

// The time of the transaction's start: one time for everything that is asked together, and never in the future.
const startSql = '(extract(epoch from now()) * 1000)::bigint'

/** The time of the transaction's start, or the caller's, if that is given. */
const nowSql = `coalesce($2::bigint, ${startSql})`

const isWaiting = `lane = $1 and state = 'pending' and message_id is null`

// A statement of its own, because one that locks sees the other tables as they were before it had the lock.
export const lookSql = hot(`
  select ${startSql} as now,
    (select alive_until from replicas where id = (select holder from lanes where key = $1)) as alive_until,
    coalesce(
      (select id from notifications where ${isWaiting} and group_key is not null order by group_key, held_until limit 1),
      (select id from notifications where ${isWaiting} and holds > 0 order by held_until limit 1),
      (select id from notifications where ${isWaiting} and holds = 0 and held_at is not null order by held_until limit 1)
    ) is not null as is_holding,
    m.id, m.lane, m.destination, m.payload, m.is_plain, m.failures, m.newest_at, m.notifications, m.card_id, m.is_broadcast,
    c.channel as card_channel, c.ts as card_ts
  from (select 1) as one left join messages m on m.lane = $1 and m.state = 'open'
  left join lateral (select channel, ts from cards where id = m.card_id limit 1) as c on true`)

/** SQL for what is read of a notification from which a message may be composed. */
export const pendingSql = `
  select n.id, n.event_id, n.destination, n.created_at, n.group_key, n.held_until, n.held_at, n.holds, v.view
  from notifications n join lateral (select view from views where id = n.id limit 1) as v on true`

// Of a group, this takes not only what has reached its deadline, but everything that was there before the first did: replicas that began
// the group at the same moment did not see each other's deadlines. It takes nothing while there is an open message to post first.
export const waitingSql = hot(`${pendingSql}
  where n.lane = $1 and n.state = 'pending' and n.message_id is null and (n.held_until <= ${nowSql}
    or n.created_at > ${nowSql} + ${apartMs} or n.held_at > ${nowSql} + ${apartMs} or n.holds = 0 and n.held_at is null and (
    select f.id from notifications f
    where f.lane = n.lane and f.group_key = n.group_key and f.held_at is null and f.held_until <= ${nowSql}
      and f.held_until > n.created_at and f.state = 'pending' and f.message_id is null
    order by f.held_until limit 1
  ) is not null) and not exists (select 1 from messages where lane = $1 and state = 'open')
  order by n.id limit $3`)

/** A waiting notification with its text. */
export interface WaitingRow extends PendingRow {
  view: string
}

interface LeasedRow extends LaneRow {
  holder: string | null
}

/** Locks the lane, and reads its state; undefined if another replica has it locked. `asked` is the caller's time, if that counts. */
export async function look(sql: Sql, lane: string, asked: number | null) {
  type Row = { now: number; alive_until: number | null; is_holding: boolean } & (MessageRow | { id: null })
  const ask = () =>
    Promise.all([sql<LeasedRow>(lockSql, [lane]), sql<Row>(lookSql, [lane]), readWaiting(sql, lane, asked)])
  let [locked, seen, rows] = await ask()
  if (locked.rows.length === 0) {
    // The lane is new, or it is locked.
    const { rowCount } = await sql('insert into lanes (key) values ($1) on conflict (key) do nothing', [lane])
    if (rowCount !== 0) [locked, seen, rows] = await ask()
  }
  const [row] = locked.rows
  const [known] = seen.rows
  if (row === undefined || known === undefined) return undefined
  return {
    ...{ row, now: known.now, aliveUntil: known.alive_until ?? 0, isHolding: known.is_holding },
    ...{ open: known.id === null ? undefined : messageOf(known), waiting: rows }
  }
}

/** The oldest {@link composeWindow} notifications that may be due by `now`, or by the database's clock if that is null. */
export async function readWaiting(sql: Sql, lane: string, now: number | null): Promise<readonly WaitingRow[]> {
  return (await sql<WaitingRow>(waitingSql, [lane, now, composeWindow])).rows
}
