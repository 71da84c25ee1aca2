// Settling in PostgreSQL: writes down how an attempt ended, unless another replica has taken the lane meanwhile.
import { RelayError } from '../../errors.ts'
import type { NewNotification } from '../kept.ts'
import type { Attempt, Message, Settlement } from '../kept-lanes.ts'
import { type GatheringRow, gatheringRows } from '../rows.ts'
import { leaveThread, notePosted } from './cards.ts'
import type { Sql } from './connections.ts'
import { bury, insertNotifications } from './queue.ts'

// `holder` is null between two posts.
const writeSql = `
  with attempt as (
    insert into attempts (message_id, at, answer) values ($1, $2, $3)
  ), message as (
    update messages set state = case when $4 = 'open' then state else $4 end, failures = coalesce($5, failures),
      is_plain = coalesce($6, is_plain),
      settled_at = case when $4 = 'open' then null else $2::bigint end
    where id = $1
  )
  update lanes set not_before = $8, set_at = $2, block_reason = $9, block_since = $10, probes = $11, holder = null,
    tokens = coalesce($12, tokens), tokens_at = coalesce($13, tokens_at)
  where key = $7`

/** What is settled. */
export interface Settling {
  message: Message
  attempt: Attempt
  settlement: Settlement
  notices: readonly NewNotification[]
  replica: string
  /** The claim's number, by which a post is known to be this lane's latest. */
  number: number | undefined
  /** How far the times in it may be off from the database's, in ms. */
  skewErrorMs: number
}

/** How many notifications were sent, and the destination of each that is a dead letter now. */
export async function settle(
  sql: Sql,
  { message, attempt, settlement, notices, replica, number, skewErrorMs }: Settling
): Promise<{ sent: number; buried: readonly string[] }> {
  const { rows } = await sql<{ holder: string | null; claim: number }>(
    'select holder, claim from lanes where key = $1 for update',
    [message.lane]
  )
  const [lane] = rows
  if (number === undefined || lane?.claim !== number) throw laneLost()
  // Settled by this replica already, which did not get to know.
  if (lane.holder === null) return { sent: 0, buried: [] }
  if (lane.holder !== replica) throw laneLost()

  const { message: end, lane: next } = settlement
  const isOpen = end.state === 'open'
  // Round up: it is what Slack asked for.
  const notBefore = Math.max(0, next.notBefore + skewErrorMs)
  const tokensAt = next.bucket && next.bucket.at + notBefore - next.notBefore
  await sql(writeSql, [
    ...[message.id, attempt.at, attempt.answer],
    ...[end.state, isOpen ? end.failures : null, isOpen ? end.isPlain : null, message.lane],
    ...[notBefore, next.block?.reason ?? null, next.block?.since ?? null, next.block?.probes ?? 0],
    ...[next.bucket?.tokens ?? null, tokensAt ?? null]
  ])
  if (end.state === 'open' && end.isThreadGone) await leaveThread(sql, message, attempt.at)
  await insertNotifications(
    sql,
    notices.map((entry) => ({ event: null, at: attempt.at, entry }))
  )
  if (end.state === 'sent') {
    await writeGatherings(sql, message, attempt.at)
    const sent = await markSent(sql, message.id)
    if (end.posted !== undefined) await notePosted(sql, message, end.posted, attempt.at)
    return { sent, buried: [] }
  }
  return { sent: 0, buried: end.state === 'dead' ? await buryAll(sql, message.id, end.reason) : [] }
}

const gatheringsSql = `
  insert into gatherings (lane, cause, posted_at, step, gap_ms, pinged)
  select $1, cause, posted_at, step, gap_ms, pinged
  from unnest($2::text[], $3::bigint[], $4::integer[], $5::bigint[], $6::text[]) as g(cause, posted_at, step, gap_ms, pinged)
  on conflict (lane, cause) do update
  set posted_at = excluded.posted_at, step = excluded.step, gap_ms = excluded.gap_ms, pinged = excluded.pinged`

async function writeGatherings(sql: Sql, { id, lane }: Message, sentAt: number): Promise<void> {
  const { rows } = await sql<{ gathered: string }>('select gathered from messages where id = $1', [id])
  const gatherings = gatheringRows(rows[0]?.gathered ?? '[]', sentAt)
  if (gatherings.length === 0) return
  const column = (name: keyof GatheringRow) => gatherings.map((row) => row[name])
  const columns = (['cause', 'posted_at', 'step', 'gap_ms', 'pinged'] as const).map(column)
  await sql(gatheringsSql, [lane, ...columns])
}

async function markSent(sql: Sql, message: string): Promise<number> {
  const { rowCount } = await sql(
    `update notifications set state = 'sent' where message_id = $1 and state = 'pending'`,
    [message]
  )
  // Their destination went while the answer was on its way, so that they became dead letters: they arrived all the same.
  await sql(`update notifications set state = 'sent', reason = null where message_id = $1 and state = 'dead'`, [
    message
  ])
  return rowCount ?? 0
}

async function buryAll(sql: Sql, message: string, reason: string): Promise<string[]> {
  const { rows } = await sql<{ id: number }>('select id from notifications where message_id = $1', [message])
  return bury(
    sql,
    rows.map(({ id }) => id),
    reason
  )
}

function laneLost(): RelayError {
  return new RelayError('LANE_LOST', 'another replica has taken this lane over')
}
