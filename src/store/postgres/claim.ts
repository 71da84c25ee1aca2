// Claim in PostgreSQL: picks a lane's next step. The lane's row is locked meanwhile, and names the replica that posts
// from it until the answer is written down.

import type { Payload } from '../../render/slack/payload.ts'
import { apartMs, deadlineOf } from '../deadline.ts'
import { composeWindow, type LaneState, type Message, type Pending, type Plan, type Step } from '../kept.ts'
import { readView } from '../texts.ts'
import { clockSql, type Sql } from './connections.ts'
import { bury } from './queue.ts'

/** Another replica is choosing the lane's next step, which takes it some milliseconds. */
const lockedMs = 50

/** When to look again at a lane that another replica is posting from, at the latest. */
const leasedMs = 5000

// Skipped where another replica has it: nobody waits here with a connection in hand.
const lockSql = `
  select tokens, tokens_at, not_before, set_at, block_reason, block_since, probes, holder
  from lanes where key = $1 for update skip locked`

// A statement of its own: one that locks sees the other tables as they were before it had the lock.
export const openMessageSql = `
  select ${clockSql} as now, (select alive_until from replicas where id = $2) as alive_until, m.*
  from (select 1) as one left join messages m on m.lane = $1 and m.state = 'open'`

// Of a group not only what has reached its deadline, but all that was there before the first of it did: replicas that each
// began the group at the same moment did not see each other's.
export const waitingSql = `
  select n.id, n.event_id, n.destination, n.created_at, n.group_key, v.view
  from notifications n join views v on v.id = n.id
  where n.lane = $1 and n.state = 'pending' and n.message_id is null and (n.held_until <= $2 or n.created_at > $2::bigint + ${apartMs} or exists (
    select 1 from notifications f
    where f.lane = n.lane and f.group_key = n.group_key and f.held_until <= $2 and f.held_until > n.created_at
      and f.state = 'pending' and f.message_id is null
  ))
  order by n.id limit $3`

export const heldSql = `
  select min(held_until) as until from notifications
  where lane = $1 and state = 'pending' and message_id is null and group_key is not null`

// The message, what it carries, the token that is spent and who posts it are committed before the post.
const writeSql = `
  with message as (
    insert into messages (lane, destination, state, payload, newest_at, notifications, created_at)
    values ($1, $2, 'open', $3, $4, $5, $6) returning id
  ), carried as (
    update notifications set message_id = (select id from message) where id = any($7)
  ), leased as (
    update lanes set tokens = $8, tokens_at = $9, holder = $10, claim = claim + 1 where key = $1 returning claim
  )
  select message.id, leased.claim from message, leased`

const leaseSql = `
  update lanes set tokens = $2, tokens_at = $3, holder = $4, claim = claim + 1 where key = $1 returning claim`

interface LaneRow {
  tokens: number | null
  tokens_at: number | null
  not_before: number
  set_at: number | null
  block_reason: string | null
  block_since: number | null
  probes: number
  holder: string | null
}

interface MessageRow {
  id: number
  lane: string
  destination: string
  payload: string
  is_plain: boolean
  failures: number
  newest_at: number
  notifications: number
}

interface WaitingRow {
  id: number
  event_id: number | null
  destination: string
  created_at: number
  group_key: string | null
  view: string
}

export interface Asking {
  lane: string
  plan: Plan
  now: number
  replica: string
  /** Pace and deadlines go by `now`, not by what the database's clock says just then. */
  isCallersClock: boolean
}

export interface Claim {
  step: Step
  /** What a post is settled with. */
  number?: number
  /** The destination of each notification that was too old, and is a dead letter now. */
  buried: readonly string[]
}

/** A lane whose row is locked, by the database's clock. */
interface Turn {
  sql: Sql
  lane: string
  replica: string
  plan: Plan
  state: LaneState
  now: number
}

export async function claim(sql: Sql, { lane, plan, now: asked, replica, isCallersClock }: Asking): Promise<Claim> {
  const row = await lockLane(sql, lane)
  if (row === undefined) return { step: { is: 'wait', until: asked + lockedMs }, buried: [] }
  const { now: read, aliveUntil, open } = await look(sql, lane, row.holder)
  if (row.holder !== null && row.holder !== replica && aliveUntil > read) {
    const until = asked + Math.min(aliveUntil + 1 - read, leasedMs)
    return { step: { is: 'wait', until, isInterruptible: true }, buried: [] }
  }
  // Read from the database, so that all replicas keep one pace.
  const now = isCallersClock ? asked : read
  const turn = { sql, lane, replica, plan, state: stateOf(row, now), now }
  return open === undefined ? compose(turn) : again(turn, open)
}

async function lockLane(sql: Sql, lane: string): Promise<LaneRow | undefined> {
  const found = await sql<LaneRow>(lockSql, [lane])
  if (found.rows.length > 0) return found.rows[0]
  // New, or locked.
  const { rowCount } = await sql('insert into lanes (key) values ($1) on conflict (key) do nothing', [lane])
  return rowCount === 0 ? undefined : (await sql<LaneRow>(lockSql, [lane])).rows[0]
}

async function look(sql: Sql, lane: string, holder: string | null) {
  type Row = { now: number; alive_until: number | null } & (MessageRow | { id: null })
  const [row] = (await sql<Row>(openMessageSql, [lane, holder])).rows
  if (row === undefined) throw new Error('a query for one row had none')
  return { now: row.now, aliveUntil: row.alive_until ?? 0, open: row.id === null ? undefined : messageOf(row) }
}

async function again({ sql, lane, replica, plan, state, now }: Turn, message: Message): Promise<Claim> {
  if (state.notBefore > now) return { step: { is: 'wait', until: state.notBefore }, buried: [] }
  const taken = plan.token(state, now)
  if ('until' in taken) return { step: { is: 'wait', until: taken.until }, buried: [] }
  const { rows } = await sql<{ claim: number }>(leaseSql, [lane, taken.bucket.tokens, taken.bucket.at, replica])
  return { step: { is: 'post', message, block: state.block }, number: rows[0]?.claim ?? 0, buried: [] }
}

async function compose({ sql, lane, replica, plan, state, now }: Turn): Promise<Claim> {
  const { pending, buried } = await oldestPending(sql, lane, plan.oldest, now)
  if (pending.length === 0) return { step: await heldUntil(sql, lane), buried }
  if (state.notBefore > now) return { step: { is: 'wait', until: state.notBefore }, buried }
  const next = plan.next(state, pending, now)
  if ('until' in next) return { step: { is: 'wait', until: next.until }, buried }

  const ids = new Set(next.ids)
  const members = pending.filter(({ id }) => ids.has(id))
  const message: Omit<Message, 'id'> = {
    lane,
    destination: members[0]?.destination ?? '',
    payload: next.payload,
    isPlain: false,
    failures: 0,
    newestAt: Math.max(...members.map(({ createdAt }) => createdAt)),
    notifications: members.length
  }
  const { rows } = await sql<{ id: number; claim: number }>(writeSql, [
    ...[lane, message.destination, JSON.stringify(message.payload), message.newestAt, members.length, now],
    ...[members.map(({ id }) => id), next.bucket.tokens, next.bucket.at, replica]
  ])
  const post: Step = { is: 'post', message: { id: String(rows[0]?.id), ...message }, block: state.block }
  return { step: post, number: rows[0]?.claim ?? 0, buried }
}

/** Of the destination that has waited longest: two may share a lane, and a message is for one of them. */
async function oldestPending(sql: Sql, lane: string, oldest: number, now: number) {
  const buried: string[] = []
  for (;;) {
    const { rows } = await sql<WaitingRow>(waitingSql, [lane, now, composeWindow])
    const expired = rows.filter((row) => row.created_at < oldest)
    const ids = expired.map(({ id }) => id)
    buried.push(...(await bury(sql, ids, 'not delivered within 24 hours')))
    if (expired.length > 0) continue
    return { pending: rows.filter((row) => row.destination === rows[0]?.destination).map(pendingOf), buried }
  }
}

async function heldUntil(sql: Sql, lane: string): Promise<Step> {
  const { rows } = await sql<{ until: number | null }>(heldSql, [lane])
  const until = rows[0]?.until ?? null
  return until === null ? { is: 'idle' } : { is: 'wait', until, isInterruptible: true }
}

function stateOf(row: LaneRow, now: number): LaneState {
  return {
    bucket: row.tokens === null ? undefined : { tokens: row.tokens, at: row.tokens_at ?? 0 },
    notBefore: deadlineOf(row.not_before, row.set_at, now),
    ...(row.block_reason !== null && {
      block: { reason: row.block_reason, since: row.block_since ?? 0, probes: row.probes }
    })
  }
}

function pendingOf(row: WaitingRow): Pending {
  return {
    id: String(row.id),
    event: String(row.event_id ?? `notice ${row.id}`),
    destination: row.destination,
    createdAt: row.created_at,
    group: row.group_key ?? undefined,
    view: readView(row.view)
  }
}

function messageOf(row: MessageRow): Message {
  return {
    id: String(row.id),
    lane: row.lane,
    destination: row.destination,
    payload: JSON.parse(row.payload) as Payload,
    isPlain: row.is_plain,
    failures: row.failures,
    newestAt: row.newest_at,
    notifications: row.notifications
  }
}
