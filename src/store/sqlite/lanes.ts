// Lanes in SQLite: read and write lanes and messages, inside a transaction of the store.
import { type Bucket, isLimit, type LaneState, type Message, maxHolds } from '../kept-lanes.ts'
import { type LaneRow, laneStateOf, type MessageRow, messageOf } from '../rows.ts'
import type { Database } from './file.ts'

/** SQL for all waiting notifications, found by indexes: those in no message yet, and those in an open one. */
export const waitingSql = `(
  select id, destination, lane, message_id from notifications where state = 'pending' and message_id is null
  union all
  select id, destination, lane, message_id from notifications
  where state = 'pending' and message_id in (select id from messages where state = 'open'))`

/** The lanes that have something to send. */
export function busyLanes(db: Database): string[] {
  const busy = `select lane from ${waitingSql} union select lane from messages where state = 'open'`
  return db.all<{ lane: string }>(busy).map(({ lane }) => lane)
}

/** The destinations and lanes for which something waits, each pair once. */
export function waitingPairs(db: Database): { destination: string; lane: string }[] {
  return db.all(`select distinct destination, lane from ${waitingSql}`)
}

/** The number of notifications that wait in a lane, those of its open message included. */
export function backlog(db: Database, lane: string): number {
  return Number(db.get(`select count(*) as n from ${waitingSql} where lane = ?`, lane)?.n)
}

/** The number of notifications that wait for each destination. */
export function countPending(db: Database): Map<string, number> {
  const rows = db.all<{ destination: string; n: number }>(
    `select destination, count(*) as n from ${waitingSql} group by destination`
  )
  return new Map(rows.map(({ destination, n }) => [destination, n]))
}

export function laneState(db: Database, key: string, now: number): LaneState {
  return laneStateOf(db.get<LaneRow>('select * from lanes where key = ?', key), now)
}

/** Sets the lane's tokens. */
export function setBucket(db: Database, key: string, { tokens, at }: Bucket): void {
  db.run(
    `insert into lanes (key, tokens, tokens_at) values (?, ?, ?)
     on conflict (key) do update set tokens = excluded.tokens, tokens_at = excluded.tokens_at`,
    ...[key, tokens, at]
  )
}

/** Ends a lane's wait, or returns the end of the rate limit that it waits for. {@link releaseSome} releases what is being gathered. */
export function tryNow(db: Database, key: string, now: number): number | undefined {
  const { bucket, notBefore } = laneState(db, key, now)
  if (isLimit(bucket, notBefore) && notBefore > now) return notBefore
  db.run('update lanes set not_before = 0 where key = ?', key)
  return undefined
}

/** Gathered notifications that one transaction releases. */
const releaseStep = 2000

/** Releases some of the notifications that are being gathered in a lane; returns how many. */
export function releaseSome(db: Database, key: string): number {
  return db.changes(
    `update notifications set held_until = 0, held_at = null, holds = ${maxHolds} where id in (
       select id from notifications
       where lane = ? and held_until > 0 and holds > 0 and state = 'pending' and message_id is null limit ${releaseStep})`,
    key
  )
}

interface Failed {
  id: number
  lane: string
  object: string
  rule: string
  destination: string
}

/**
 * SQL condition for what waits behind a failure's notification, about the same object and for the same rule and destination; its values
 * are {@link followersOf} the failure. The pluses keep SQLite to the index by object.
 */
export const followsSql = `object = ? and lane = ? and id > ? and +rule = ? and +destination = ?
  and state = 'pending' and message_id is null and says <> 'failed'`

export const followersOf = ({ object, lane, id, rule, destination }: Failed) => [object, lane, id, rule, destination]

/** The id of the end of a failure that waits behind the failure's notification, if any. */
export function endOf(db: Database, failed: Failed): number | undefined {
  const end = db.get<{ id: number }>(
    `select id from notifications where ${followsSql} and says = 'recovered' order by id limit 1`,
    ...followersOf(failed)
  )
  return end?.id
}

/** The message that is written down and not settled: a lane has at most one. */
export function openMessage(db: Database, lane: string): Message | undefined {
  const row = db.get<MessageRow>(
    `select m.*, c.channel as card_channel, c.ts as card_ts from messages m left join cards c on c.id = m.card_id
     where m.lane = ? and m.state = 'open'`,
    lane
  )
  return row && messageOf(row)
}
