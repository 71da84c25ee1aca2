// Claim in PostgreSQL: decides a lane's next step. The lane's row is locked meanwhile, and names the replica that posts from the lane
// until the answer is written down.
import type { Mute } from '../../mutes/mutes.ts'
import { apartMs, composeWindow, type Gatherings, type Pending, type Plan, type Step } from '../kept-lanes.ts'
import { type GatheringRow, gatheringsOf, laneStateOf, pendingOf } from '../rows.ts'
import { heldUntilNow, inEffect } from '../steps/muted.ts'
import { composable, type Due, expiredReason, messageFrom, sortDue, turnOf } from '../steps.ts'
import type { Store } from '../store.ts'
import type { Waiting } from '../waiting.ts'
import { readCards } from './cards.ts'
import type { Connections, Finish, Sql } from './connections.ts'
import { pass } from './lasting.ts'
import type { Presence } from './presence.ts'
import { bury } from './queue.ts'
import { settle } from './settle.ts'
import { look, pendingSql, readWaiting, type WaitingRow } from './standing.ts'
import { hot } from './statements.ts'
import { withhold } from './withhold.ts'

/** How long to wait while another replica is choosing the lane's next step, which takes some milliseconds. */
const lockedMs = 50

/** Every replica looks at a lane again after this long, because the one that unblocked it may be gone by then. */
const longestWaitMs = 10_000

/** The longest time until the next look at a lane that another replica is posting from. */
const leasedMs = 5000

export const firstHeldSql = `
  select min(until) as until from (
    select min(held_until) as until from notifications
    where lane = $1 and state = 'pending' and message_id is null and group_key is not null
    union all
    select min(held_until) from notifications
    where lane = $1 and state = 'pending' and message_id is null and holds > 0
    union all
    select min(held_until) from notifications
    where lane = $1 and state = 'pending' and message_id is null and holds = 0 and held_at is not null
  ) as held`

// A gathered notification that goes along takes older ones about its own object along; what has yet to last keeps waiting.
export const heldSql = `${pendingSql}
  where n.lane = $1 and n.held_until > $2 and n.state = 'pending' and n.message_id is null and n.destination = $3
    and n.id <= $5
    and (n.holds > 0 or n.held_at is null and (
      n.object in (select object from notifications where id = any($4)) or n.object in (
        select object from notifications
        where lane = $1 and held_until > $2 and state = 'pending' and message_id is null and destination = $3 and holds > 0)))
    and n.created_at <= $2::bigint + ${apartMs} and coalesce(n.held_at, 0) <= $2::bigint + ${apartMs}
  order by n.object in (select object from notifications where id = any($4)) desc, n.id limit ${composeWindow}`

const holdSql = 'update notifications set held_until = $2, held_at = $3, holds = $4 where id = any($1)'

export const gatheringsSql = hot(`
  select cause, posted_at, step, gap_ms, pinged from gatherings where lane = $1 and cause = any($2)`)

// The message, what it carries, the spent token and the replica that posts it are committed before the post.
const writeSql = hot(`
  with message as (
    insert into messages (lane, destination, state, payload, newest_at, notifications, created_at, gathered, card_id,
      is_broadcast)
    values ($1, $2, 'open', $3, $4, $5, $6, $11, $12, $13) returning id
  ), carried as (
    update notifications set message_id = (select id from message) where id = any($7)
  ), leased as (
    update lanes set tokens = $8, tokens_at = $9, holder = $10, claim = claim + 1 where key = $1 returning claim
  )
  select message.id, leased.claim from message, leased`)

const leaseSql = `
  update lanes set tokens = $2, tokens_at = $3, holder = $4, claim = claim + 1 where key = $1 returning claim`

/** The parts of the store that claims need. */
interface Host {
  connections: Connections
  presence: Presence
  waiting: Waiting
  /** True if pace and deadlines go by the caller's clock, and not by the database's. */
  isCallersClock: boolean
}

export function createClaims({ connections, presence, waiting, isCallersClock }: Host): Pick<Store, 'next' | 'settle'> {
  /** The numbers of the claims by which messages are in hand, by message id. */
  const numbers = new Map<string, number>()
  const { replica } = presence
  const skewErrorMs = () => (isCallersClock ? 0 : presence.skewErrorMs)

  function noteBuried(destinations: readonly string[]): void {
    for (const destination of destinations) waiting.bury(destination)
    waiting.keep()
  }

  function noteWithheld(destinations: readonly string[]): void {
    for (const destination of destinations) waiting.add(destination, -1)
    waiting.keep()
  }

  return {
    async next(lane, plan, now) {
      // The lease is taken before the claim: if it ends while the claim is committed, the post ends at once.
      const signal = presence.lease()
      const asking = { lane, plan, now, replica, isCallersClock }
      const {
        step: found,
        number,
        buried,
        withheld
      } = await connections.transaction((sql, finish) => claim(sql, finish, asking))
      noteBuried(buried)
      noteWithheld(withheld)
      const step = withheld.length === 0 ? found : { ...found, withheld }
      if (step.is === 'wait') {
        // Rounded up, so that the next look is not too early, and capped, because another replica may unblock the lane.
        return { ...step, until: Math.min(step.until + skewErrorMs(), now + longestWaitMs) }
      }
      if (step.is === 'idle') return step
      // A process that was suspended in between must not go on as if no time had passed.
      presence.lease()
      if (number !== undefined) numbers.set(step.message.id, number)
      return { ...step, signal }
    },

    async settle(message, attempt, settlement, news) {
      const number = numbers.get(message.id)
      const settling = { message, attempt, settlement, news, replica, number, skewErrorMs: skewErrorMs() }
      const { sent, buried, recorded } = await connections.transaction((sql, finish) => settle(sql, finish, settling))
      numbers.delete(message.id)
      waiting.add(message.destination, -sent)
      const notices = (recorded.isNews && news?.notices) || []
      for (const { destination } of notices) waiting.add(destination, 1)
      noteBuried(buried)
      presence.announce(notices.map(({ lane }) => lane))
      return recorded
    }
  }
}

interface Asking extends Pick<Host, 'isCallersClock'> {
  lane: string
  plan: Plan
  now: number
  replica: string
}

interface Claim {
  step: Step
  /** The number by which a post is settled. */
  number?: number
  /** The destination of each notification that was too old and became a dead letter. */
  buried: readonly string[]
  /** The destination of each notification that was withheld. */
  withheld: readonly string[]
}

async function claim(
  sql: Sql,
  finish: Finish,
  { lane, plan, now: asked, replica, isCallersClock }: Asking
): Promise<Claim> {
  const settled = { buried: [] as string[], withheld: [] as string[] }
  const found = await look(sql, lane, isCallersClock ? asked : null)
  if (found === undefined) return { step: { is: 'wait', until: asked + lockedMs }, ...settled }
  const { row, now: read, aliveUntil, open } = found
  if (row.holder !== null && row.holder !== replica && aliveUntil > read) {
    const until = asked + Math.min(aliveUntil + 1 - read, leasedMs)
    return { step: { is: 'wait', until, isInterruptible: true }, ...settled }
  }
  // The time is the database's, so that all replicas keep one pace.
  const now = isCallersClock ? asked : read
  const state = laneStateOf(row, now)
  const mutes = inEffect(plan.mutes, now)
  let { isHolding } = found
  for (let rows: readonly WaitingRow[] | undefined = found.waiting; ; rows = undefined) {
    const looking = { lane, plan, mutes, settled, rows: rows ?? (await readWaiting(sql, lane, now)) }
    const due = open === undefined ? await oldestDue(sql, looking, now) : { rows: [], last: 0 }
    const isDue = due.rows.length > 0
    const heldUntil = open === undefined && !isDue && isHolding ? await firstHeld(sql, lane) : null
    const turn = turnOf({ state, open, isDue, heldUntil }, plan, now)
    if (turn.is === 'again') {
      const { message, bucket } = turn
      const [leased] = await finish([[leaseSql, [lane, bucket.tokens, bucket.at, replica]]])
      return {
        step: { is: 'post', message, isAgain: true, block: state.block },
        number: leased?.rows[0]?.claim ?? 0,
        ...settled
      }
    }
    if (turn.is !== 'compose') return { step: turn, ...settled }
    const { pending, gatherings } = await gathered(sql, { lane, plan, due, mutes, settled, isHolding }, now)
    if (pending.length === 0) {
      isHolding = true
      continue
    }
    const known = plan.hasCards ? await readCards(sql, lane, pending) : pending
    const next = plan.next(state, known, gatherings, now)
    if ('until' in next) return { step: { is: 'wait', until: next.until }, ...settled }
    const { message, ids, gathered: after } = messageFrom(lane, pending, next)
    const values = [
      ...[lane, message.destination, JSON.stringify(message.payload), message.newestAt, message.notifications, now],
      ...[ids, next.bucket.tokens, next.bucket.at, replica, after],
      ...[message.thread?.id ?? null, message.thread?.isBroadcast ?? false]
    ]
    const [written] = await finish([[writeSql, values]])
    const post: Step = { is: 'post', message: { id: String(written?.rows[0]?.id), ...message }, block: state.block }
    return { step: post, number: written?.rows[0]?.claim ?? 0, ...settled }
  }
}

interface Looking {
  lane: string
  plan: Plan
  /** The mutes in effect. */
  mutes: readonly Mute[]
  settled: { buried: string[]; withheld: string[] }
}

/**
 * What a message may be composed from, with its gatherings. It is nothing if all that was due is held from now on, or if some of it was
 * withheld: then look again.
 */
async function gathered(
  sql: Sql,
  { lane, plan, due, mutes, settled, isHolding }: Looking & { due: Due<WaitingRow>; isHolding: boolean },
  now: number
): Promise<{ pending: Pending[]; gatherings: Gatherings }> {
  const nothing = { pending: [], gatherings: new Map() }
  const withholds = async (some: readonly Pending[]) => {
    const muted = mutes.length === 0 ? [] : await withhold(sql, heldUntilNow(some), mutes, now)
    settled.withheld.push(...muted)
    return muted.length > 0
  }
  const fresh = due.rows.map((row) => pendingOf(row, row.view))
  if (await withholds(fresh)) return nothing
  const gatherings = await gatheringsFor(sql, { lane, plan, pending: fresh })
  const holds = plan.hold(fresh, gatherings, now)
  for (const { ids, until, holds: times } of holds) await sql(holdSql, [ids, until, now, times])
  const rest = composable(fresh, holds, [], now)
  if (rest.length === 0 || (!isHolding && holds.length === 0)) return { pending: rest, gatherings }
  const { rows } = await sql<WaitingRow>(heldSql, [lane, now, rest[0]?.destination, rest.map(({ id }) => id), due.last])
  if (rows.length === 0) return { pending: rest, gatherings }
  const held = rows.map((row) => pendingOf(row, row.view))
  if (await withholds(held)) return nothing
  const pending = composable(fresh, holds, held, now)
  // The held notifications may have other causes.
  return { pending, gatherings: await gatheringsFor(sql, { lane, plan, pending }) }
}

async function gatheringsFor(
  sql: Sql,
  { lane, plan, pending }: { lane: string; plan: Plan; pending: readonly Pending[] }
): Promise<Gatherings> {
  const causes = new Set(pending.flatMap(({ view }) => plan.causesOf(view)))
  return gatheringsOf((await sql<GatheringRow>(gatheringsSql, [lane, [...causes]])).rows)
}

/** Selects what is due of `rows`. The destinations of those that became dead letters or were withheld are added to `settled`. */
async function oldestDue(
  sql: Sql,
  { lane, plan, mutes, settled, rows }: Looking & { rows: readonly WaitingRow[] },
  now: number
): Promise<Due<WaitingRow>> {
  for (let looked = rows; ; looked = await readWaiting(sql, lane, now)) {
    const withheld = await pass(sql, looked, mutes, now)
    if (withheld !== undefined) {
      settled.withheld.push(...withheld)
      continue
    }
    const sorted = sortDue(looked, plan.oldest)
    if ('due' in sorted) return sorted.due
    const ids = sorted.expired.map(({ id }) => id)
    settled.buried.push(...(await bury(sql, ids, expiredReason)))
  }
}

/** When the first held notification of a lane is due; null if none is held. */
async function firstHeld(sql: Sql, lane: string): Promise<number | null> {
  const { rows } = await sql<{ until: number | null }>(firstHeldSql, [lane])
  return rows[0]?.until ?? null
}
