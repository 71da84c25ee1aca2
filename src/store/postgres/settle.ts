// Settling in PostgreSQL: writes down how an attempt ended, unless another replica has taken the lane meanwhile.
import type { QueryResult } from 'pg'
import { RelayError } from '../../errors.ts'
import type { Attempt, Message, Recorded, Settlement } from '../kept-lanes.ts'
import type { News } from '../records.ts'
import { type GatheringRow, gatheringRows } from '../rows.ts'
import { announce } from './announcements.ts'
import { leaveThread, notePosted } from './cards.ts'
import type { Finish, Sql } from './connections.ts'
import { bury } from './queue.ts'
import { hot, type Statement } from './statements.ts'

// `holder` is null between two posts. `gathered` never changes, so it may be read before the lock is there.
const lockSql = hot(`
  select holder, claim, (select gathered from messages where id = $2) as gathered from lanes where key = $1 for update`)

const writeSql = hot(`
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
  where key = $7`)

/** An attempt that is to be settled. */
export interface Settling {
  message: Message
  attempt: Attempt
  settlement: Settlement
  news: News | undefined
  replica: string
  /** The number of the claim, which shows whether the post is the lane's latest. */
  number: number | undefined
  /** How far its times may be off from the database's, in ms. */
  skewErrorMs: number
}

interface Settled {
  /** Number of notifications that were sent. */
  sent: number
  /** The destination of each new dead letter. */
  buried: readonly string[]
  recorded: Recorded
}

export async function settle(
  sql: Sql,
  finish: Finish,
  { message, attempt, settlement, news, replica, number, skewErrorMs }: Settling
): Promise<Settled> {
  type Row = { holder: string | null; claim: number; gathered: string | null }
  const [lane] = (await sql<Row>(lockSql, [message.lane, message.id])).rows
  if (number === undefined || lane?.claim !== number) throw laneLost()
  // An earlier try of this replica has settled it, but its answer was lost.
  if (lane.holder === null) return { sent: 0, buried: [], recorded: { isLast: false, isNews: undefined } }
  if (lane.holder !== replica) throw laneLost()

  const { message: end, lane: next } = settlement
  const isOpen = end.state === 'open'
  // Rounded up, because Slack asked for at least this wait.
  const notBefore = Math.max(0, next.notBefore + skewErrorMs)
  const tokensAt = next.bucket && next.bucket.at + notBefore - next.notBefore
  const values = [
    ...[message.id, attempt.at, attempt.answer],
    ...[end.state, isOpen ? end.failures : null, isOpen ? end.isPlain : null, message.lane],
    ...[notBefore, next.block?.reason ?? null, next.block?.since ?? null, next.block?.probes ?? 0],
    ...[next.bucket?.tokens ?? null, tokensAt ?? null]
  ]
  const isNews = news && (await announce(sql, news))
  const writes: Statement[] = [[writeSql, values]]
  if (end.state === 'sent') {
    const gatherings = gatheringRows(lane.gathered ?? '[]', attempt.at)
    writes.push(...writeGatherings(message, gatherings), [sentSql, [message.id]])
    const early = end.posted === undefined ? [] : writes.splice(0)
    const before = await send(sql, early)
    const { posted, thread } = end
    if (posted !== undefined) await notePosted(sql, message, { posted, ...(thread && { thread }) }, attempt.at)
    const after = await finish([...writes, [moreSql, [message.lane]]])
    const more = after.pop()
    const isLast = !more?.rows[0]?.has_more
    return { sent: [...before, ...after].at(-1)?.rowCount ?? 0, buried: [], recorded: { isLast, isNews } }
  }
  await send(sql, writes)
  if (end.state === 'open' && end.thread !== undefined) await leaveThread(sql, message, end.thread, attempt.at)
  const buried = end.state === 'dead' ? await buryAll(sql, message.id, end.reason) : []
  return { sent: 0, buried, recorded: { isLast: false, isNews } }
}

function send(sql: Sql, statements: readonly Statement[]): Promise<QueryResult[]> {
  return Promise.all(statements.map((statement) => sql(...statement)))
}

const gatheringsSql = hot(`
  insert into gatherings (lane, cause, posted_at, step, gap_ms, pinged)
  select $1, cause, posted_at, step, gap_ms, pinged
  from unnest($2::text[], $3::bigint[], $4::integer[], $5::bigint[], $6::text[]) as g(cause, posted_at, step, gap_ms, pinged)
  on conflict (lane, cause) do update
  set posted_at = excluded.posted_at, step = excluded.step, gap_ms = excluded.gap_ms, pinged = excluded.pinged`)

function writeGatherings({ lane }: Message, gatherings: readonly GatheringRow[]): Statement[] {
  if (gatherings.length === 0) return []
  const column = (name: keyof GatheringRow) => gatherings.map((row) => row[name])
  const columns = (['cause', 'posted_at', 'step', 'gap_ms', 'pinged'] as const).map(column)
  return [[gatheringsSql, [lane, ...columns]]]
}

const moreSql = hot(`
  select (
      select id from notifications where lane = $1 and state = 'pending' and message_id is null order by id limit 1
    ) is not null or exists (select 1 from messages where lane = $1 and state = 'open') as has_more`)

// `late`: if their destination was removed while the answer was on its way, they became dead letters, but they arrived all the same.
// `state || ''` keeps the planner from using the indexes of all that waits or is dead, besides that of the message.
const sentSql = hot(`
  with late as (
    update notifications set state = 'sent', reason = null where message_id = $1 and state || '' = 'dead'
  )
  update notifications set state = 'sent' where message_id = $1 and state || '' = 'pending'`)

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
