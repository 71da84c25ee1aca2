// Lanes in SQLite: read and write lanes and messages, inside a transaction of the store's.

import type { Payload } from '../../render/slack/payload.ts'
import { deadlineOf } from '../deadline.ts'
import { type Bucket, isLimit, type LaneState, type Message, type Pending, type Step } from '../kept.ts'
import { readView } from '../texts.ts'
import type { Database, Row } from './file.ts'

/** All that waits, by its indexes: not in a message yet, or in one that is open. */
export const waitingSql = `(
  select id, destination, lane, message_id from notifications where state = 'pending' and message_id is null
  union all
  select id, destination, lane, message_id from notifications
  where state = 'pending' and message_id in (select id from messages where state = 'open'))`

/** What is known of a lane; of a new one, nothing. */
export function laneState(db: Database, key: string, now: number): LaneState {
  const row = db.get('select * from lanes where key = ?', key)
  if (row === undefined) return { bucket: undefined, notBefore: 0 }
  return {
    bucket: row.tokens === null ? undefined : { tokens: Number(row.tokens), at: Number(row.tokens_at) },
    notBefore: deadlineOf(Number(row.not_before), row.set_at as number | null, now),
    ...(row.block_reason !== null && {
      block: { reason: String(row.block_reason), since: Number(row.block_since), probes: Number(row.probes) }
    })
  }
}

/** The lane's tokens from now on. */
export function setBucket(db: Database, key: string, { tokens, at }: Bucket): void {
  db.run(
    `insert into lanes (key, tokens, tokens_at) values (?, ?, ?)
     on conflict (key) do update set tokens = excluded.tokens, tokens_at = excluded.tokens_at`,
    ...[key, tokens, at]
  )
}

/** Whatever the lane waits for is over, but for a rate limit: until when that lasts. */
export function tryNow(db: Database, key: string, now: number): number | undefined {
  const { bucket, notBefore } = laneState(db, key, now)
  if (isLimit(bucket, notBefore) && notBefore > now) return notBefore
  db.run('update lanes set not_before = 0 where key = ?', key)
  return undefined
}

/** When the first of the groups that are held is due. */
export function heldUntil(db: Database, lane: string): Step {
  const held = `select min(held_until) as until from notifications
    where lane = ? and group_key is not null and state = 'pending' and message_id is null`
  const until = db.get(held, lane)?.until
  return typeof until === 'number' ? { is: 'wait', until, isInterruptible: true } : { is: 'idle' }
}

/** The message that is written down and not settled: a lane has at most one. */
export function openMessage(db: Database, lane: string): Message | undefined {
  const row = db.get(`select * from messages where lane = ? and state = 'open'`, lane)
  return row && messageOf(row)
}

/** Rows of `notifications`, in the order of their ids, as what waits. */
export function pendingOf(db: Database, rows: readonly Row[]): Pending[] {
  const views = db.all(
    'select view from views where id in (select value from json_each(?)) order by id',
    JSON.stringify(rows.map(({ id }) => Number(id)))
  )
  return rows.map((row, index) => ({
    id: String(row.id),
    event: String(row.event_id ?? `notice ${row.id}`),
    destination: String(row.destination),
    createdAt: Number(row.created_at),
    group: row.group_key === null ? undefined : String(row.group_key),
    view: readView(String(views[index]?.view))
  }))
}

/** Whether a message in `lane` may carry them: a new config file moves, or gives up on, what was only read. */
export function waitsStill(db: Database, lane: string, ids: readonly string[]): boolean {
  if (openMessage(db, lane) !== undefined) return false
  const found = db.get(
    `select count(*) as n from notifications where id in (select value from json_each(?))
       and lane = ? and state = 'pending' and message_id is null`,
    ...[JSON.stringify(ids.map(Number)), lane]
  )
  return found?.n === ids.length
}

/** Writes the message down, and which notifications it carries. */
export function writeMessage(
  db: Database,
  lane: string,
  pending: readonly Pending[],
  next: { ids: readonly string[]; payload: Payload },
  now: number
): Message {
  const { payload } = next
  const ids = new Set(next.ids)
  const members = pending.filter(({ id }) => ids.has(id))
  const destination = members[0]?.destination ?? ''
  const newestAt = Math.max(...members.map(({ createdAt }) => createdAt))
  const id = db.run(
    `insert into messages values (null, ?, ?, 'open', ?, 0, 0, ?, ?, ?, null)`,
    ...[lane, destination, JSON.stringify(payload), newestAt, members.length, now]
  )
  db.run(
    'update notifications set message_id = ? where id in (select value from json_each(?))',
    ...[id, JSON.stringify(members.map((member) => Number(member.id)))]
  )
  return {
    id: String(id),
    lane,
    destination,
    payload,
    isPlain: false,
    failures: 0,
    newestAt,
    notifications: members.length
  }
}

/**
 * Moves what waits for `destination` to `lane`. What is being posted stays where its answer is awaited: at the new address
 * it would be beside it.
 */
export function reroute(db: Database, destination: string, lane: string, posting: ReadonlySet<number>): void {
  const stale = db.all(
    `select id from messages where destination = ? and state = 'open' and lane <> ?`,
    destination,
    lane
  )
  for (const { id } of stale) {
    if (posting.has(Number(id))) continue
    if (openMessage(db, lane) === undefined) db.run('update messages set lane = ? where id = ?', lane, Number(id))
    else {
      // The new lane has a message open already: what this one carries goes back to waiting. It stays as a record,
      // because somebody may have seen it.
      db.run('update notifications set message_id = null where message_id = ?', Number(id))
      db.run(`update messages set state = 'dead' where id = ?`, Number(id))
    }
  }
  db.run(
    `update notifications set lane = ?1 where id in (
       select id from ${waitingSql} where destination = ?2 and lane <> ?1 and (
         message_id is null or message_id in (select id from messages where lane = ?1 and state = 'open')))`,
    ...[lane, destination]
  )
}

function messageOf(row: Row): Message {
  return {
    id: String(row.id),
    lane: String(row.lane),
    destination: String(row.destination),
    payload: JSON.parse(String(row.payload)) as Payload,
    isPlain: row.is_plain === 1,
    failures: Number(row.failures),
    newestAt: Number(row.newest_at),
    notifications: Number(row.notifications)
  }
}
