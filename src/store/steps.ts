// Steps: decides what a lane does next, from what is known of it. Pure: each store reads that, and writes what comes of it.
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
  /** Whether there is anything to compose a message from. */
  isDue: boolean
  /** Where there is neither: when the first of what is held is due, in ms; null where none is. */
  heldUntil?: number | null
}

/** Wait, post what is open again, or compose; for both of these, a probe included, there is a token. */
export type Turn = Exclude<Step, { is: 'post' }> | { is: 'again'; message: Message; bucket: Bucket } | { is: 'compose' }

/** What the lane does at `now`, in ms. */
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

/** Why what waited for longer than {@link Plan.oldest} is a dead letter. */
export const expiredReason = 'not delivered within 24 hours'

/** Why the end of a failure becomes a dead letter together with it: it would be news from nowhere. */
export const endlessReason = 'the failure it ends was never delivered'

/**
 * A change or a reminder of a failure whose beginning, `undelivered`, became a dead letter: it is the first that anybody reads of
 * it, and whoever was to be pinged is.
 */
export function asBeginning(
  { wasReason: _, wasWarning: __, nextReminderMs: ___, ...view }: View,
  undelivered: View
): View {
  const { mention = view.mention } = undelivered
  return { ...view, says: 'failed', ...(mention !== undefined && !view.failure?.acknowledged && { mention }) }
}

/** What is due, and the last of what was looked at: where there may be more, what comes behind that has to wait for it. */
export interface Due<Row> {
  rows: Row[]
  last: number
}

/**
 * Splits `rows`, oldest first and {@link composeWindow} at most: what is too old becomes a dead letter; where nothing is, one message may be composed from
 * what is due, which is for the destination that has waited longest: two may share a lane, and a message is for one of them.
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
 * What one message may be composed from: what is due, but for what is held to be gathered now, and with it what was already, in the
 * order of their ids. Of what is due some deadlines may be later: of a clock that was set back, or of a group that is complete.
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
 * Where more is held of the objects of `due` than was read, what is newer than the last of that would overtake it: it stays, and what
 * was read goes in its place.
 */
function untilCut(all: Pending[], due: readonly Pending[], held: readonly Pending[], now: number): Pending[] {
  // All that is held was read, as nearly always.
  if (held.length < composeWindow) return all
  const objects = new Set(due.map(({ view }) => objectKey(view.object)))
  const isOfDue = ({ view }: Pending) => objects.has(objectKey(view.object))
  if (!held.every(isOfDue)) return all
  const last = Math.max(...held.map(({ id }) => Number(id)))
  return all
    .filter((entry) => Number(entry.id) <= last || !isOfDue(entry))
    .map((entry) => (isOfDue(entry) ? { ...entry, heldUntil: Math.min(entry.heldUntil, now) } : entry))
}

/** The message that a plan made of some of `pending`, and the ids of those. */
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

/** What is muted is summed up together with the rest of it, whatever group it would be in; a dead letter waits for none. */
export function groupOf({ group, muting, dead }: NewNotification): NewNotification['group'] {
  return muting === undefined && dead === undefined ? group : undefined
}

/** When one may be sent that is held to see whether its failure lasts, in ms; undefined where it is not held for that. */
export function lastsUntil({ heldUntil, muting, dead }: NewNotification, now: number): number | undefined {
  const isHeld = heldUntil !== undefined && heldUntil > now && muting === undefined && dead === undefined
  return isHeld ? heldUntil : undefined
}

/** A held row. One that waits to see whether its failure lasts has `held_at`, since when, and was never gathered: `holds` is 0. */
export interface HeldRow {
  id: number
  created_at: number
  held_until: number
  held_at: number | null
  holds: number
}

/**
 * Splits `rows`, whose deadlines have all come or are by a clock that was set back: failures that have `lasted`, which wait as if
 * they came now; and those to be held `anew`, because nobody knows how long they were. Undefined if neither is among them.
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
 * began; without a `hold`, the file has no such rule.
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

/** Until when one of a group is held: as long as the first of it that still is, or for `waitMs` from `now`; all in ms. */
export function groupDeadline(first: number | undefined, waitMs: number, now: number): number {
  return first !== undefined && first > now ? first : now + waitMs
}
