// Steps: decides what a lane does next. Pure: each store reads what is known of the lane and writes the result.
import { objectKey } from '../objects/name.ts'
import type { View } from '../render/compose/view.ts'
import type { NewNotification } from './kept.ts'
import {
  apartMs,
  type Bucket,
  composeWindow,
  type Hold,
  type HoldOf,
  type LaneState,
  type Message,
  type NextPost,
  type Pending,
  type Plan,
  type Step
} from './kept-lanes.ts'

/** A lane as it is now. */
export interface Standing {
  state: LaneState
  /** The message that is written down and not settled. */
  open: Message | undefined
  /** True if there is something to compose a message from. */
  isDue: boolean
  /** If there is neither: when the first held notification is due, in ms; null if none is held. */
  heldUntil?: number | null
}

/** What a lane does: nothing, wait, post its open message again, or compose one. For either post, even a probe, there is a token. */
export type Turn = Exclude<Step, { is: 'post' }> | { is: 'again'; message: Message; bucket: Bucket } | { is: 'compose' }

/** Decides what the lane does at `now`, in ms. */
export function turnOf(
  { state, open, isDue, heldUntil = null }: Standing,
  plan: Pick<Plan, 'token'>,
  now: number
): Turn {
  if (open === undefined && !isDue) {
    return heldUntil === null ? { is: 'idle' } : { is: 'wait', until: heldUntil, isInterruptible: true }
  }
  if (state.notBefore > now) return { is: 'wait', until: state.notBefore }
  const taken = plan.token(state, now)
  if ('until' in taken) return { is: 'wait', until: taken.until }
  return open === undefined ? { is: 'compose' } : { is: 'again', message: open, bucket: taken.bucket }
}

/** The reason of a dead letter that was accepted before {@link Plan.oldest}. */
export const expiredReason = 'not delivered within 24 hours'

/** The reason of the end of a failure that becomes a dead letter together with its beginning, without which it makes no sense. */
export const endlessReason = 'the failure it ends was never delivered'

/**
 * Turns the view of a change or reminder into that of a beginning, because the beginning itself, `undelivered`, became a dead letter:
 * this is now the first message about the failure, and pings whoever the beginning was to ping.
 */
export function asBeginning(
  { wasReason: _, wasWarning: __, nextReminderMs: ___, ...view }: View,
  undelivered: View
): View {
  const { mention = view.mention } = undelivered
  return { ...view, says: 'failed', ...(mention !== undefined && !view.failure?.acknowledged && { mention }) }
}

/** The rows that are due, and the id up to which all rows were looked at: if there may be more, newer rows have to wait for them. */
export interface Due<Row> {
  rows: Row[]
  last: number
}

/**
 * Selects from `rows`, oldest first and at most {@link composeWindow}, those that are too old and become dead letters. If there are none,
 * selects those for the destination that has waited longest, from which one message may be composed: two destinations may share a
 * lane, but a message is for one of them.
 */
export function sortDue<Row extends { id: number; created_at: number; destination: string }>(
  rows: readonly Row[],
  oldest: number
): { expired: Row[] } | { due: Due<Row> } {
  const expired = rows.filter((row) => row.created_at < oldest)
  if (expired.length > 0) return { expired }
  const last = rows.length < composeWindow ? Number.MAX_SAFE_INTEGER : Number(rows.at(-1)?.id)
  return { due: { rows: rows.filter((row) => row.destination === rows[0]?.destination), last } }
}

/**
 * What one message may be composed from, in the order of ids: `due` except what `holds` holds back, and `held`, which was held before.
 * A deadline in `due` may lie ahead, because a clock was set back or a group is complete: it counts as passed.
 */
export function composable(
  due: readonly Pending[],
  holds: readonly Hold[],
  held: readonly Pending[],
  now: number
): Pending[] {
  const isHeld = new Set(holds.flatMap(({ ids }) => ids))
  const rest = due.filter(({ id }) => !isHeld.has(id))
  const all = [...rest.map((entry) => ({ ...entry, heldUntil: Math.min(entry.heldUntil, now) })), ...held]
  return untilCut(all, rest, held, now).sort((a, b) => Number(a.id) - Number(b.id))
}

/**
 * If more is held about the objects of `due` than was read, newer notifications about them would overtake the unread ones: they stay
 * behind, and what was read counts as due instead.
 */
function untilCut(all: Pending[], due: readonly Pending[], held: readonly Pending[], now: number): Pending[] {
  // Everything that is held was read, as nearly always.
  if (held.length < composeWindow) return all
  const objects = new Set(due.map(({ view }) => objectKey(view.object)))
  const isOfDue = ({ view }: Pending) => objects.has(objectKey(view.object))
  if (!held.every(isOfDue)) return all
  const last = Math.max(...held.map(({ id }) => Number(id)))
  return all
    .filter((entry) => Number(entry.id) <= last || !isOfDue(entry))
    .map((entry) => (isOfDue(entry) ? { ...entry, heldUntil: Math.min(entry.heldUntil, now) } : entry))
}

/** The message that a plan composed from some of `pending`, and the ids of those. */
export function messageFrom(
  lane: string,
  pending: readonly Pending[],
  { ids, payload, gathered, thread }: Exclude<NextPost, { until: number }>
): { message: Omit<Message, 'id'>; ids: number[]; gathered: string } {
  const chosen = new Set(ids)
  const members = pending.filter(({ id }) => chosen.has(id))
  const message = {
    lane,
    destination: members[0]?.destination ?? '',
    payload,
    isPlain: false,
    failures: 0,
    newestAt: Math.max(...members.map(({ createdAt }) => createdAt)),
    notifications: members.length,
    ...(thread && { thread })
  }
  return { message, ids: members.map(({ id }) => Number(id)), gathered: JSON.stringify(gathered) }
}

/** The group that a notification waits for, if any: a muted one is summed up with its mute instead, and a dead letter does not wait. */
export function groupOf({ group, muting, dead }: NewNotification): NewNotification['group'] {
  return muting === undefined && dead === undefined ? group : undefined
}

/** Until when a notification is held to see whether its failure lasts, in ms; undefined if it is not. */
export function lastsUntil({ heldUntil, muting, dead }: NewNotification, now: number): number | undefined {
  const isHeld = heldUntil !== undefined && heldUntil > now && muting === undefined && dead === undefined
  return isHeld ? heldUntil : undefined
}

/** A held notification. One that waits to see whether its failure lasts has the time when that began in `held_at`, and 0 `holds`. */
export interface HeldRow {
  id: number
  created_at: number
  held_until: number
  held_at: number | null
  holds: number
}

/**
 * Selects from `rows`, whose deadlines have come or are of a clock that was set back, the failures that have `lasted`, which now wait as
 * if they had just come, and those to be held `anew`, because nobody knows how long they were held. Undefined if there are neither.
 */
export function lasting<Row extends HeldRow>(
  rows: readonly Row[],
  now: number
): { lasted: Row[]; anew: Row[] } | undefined {
  const held = rows.filter(({ holds, held_at }) => holds === 0 && held_at !== null)
  if (held.length === 0) return undefined
  const anew = held.filter(({ held_at }) => (held_at ?? 0) - now > apartMs)
  return { anew, lasted: held.filter((row) => !anew.includes(row)) }
}

/**
 * Until when a row is held under a new config file, in ms; undefined if that is no sooner than before. `since` is when its failure
 * began; `hold` is undefined if the file does not have the rule.
 */
export function shortened(
  { created_at, held_until, since }: { created_at: number; held_until: number; since: number | null },
  hold: ReturnType<HoldOf>,
  now: number
): number | undefined {
  const { forMs = 0, waitMs = 0 } = hold ?? {}
  const until = Math.max(Math.min(since ?? now, now) + forMs, created_at + waitMs, now)
  return until < held_until ? until : undefined
}

/** Until when a notification of a group is held: as long as the `first` of the group, or else for `waitMs` from `now`; all in ms. */
export function groupDeadline(first: number | undefined, waitMs: number, now: number): number {
  return first !== undefined && first > now ? first : now + waitMs
}
