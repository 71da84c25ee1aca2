// Saying rollouts: decides what is said of a rollout that is due, and how the rollout goes on after that. Pure.
import { viewOfRollout } from '../../render/compose/rollout.ts'
import type { NewNotification, Rollout } from '../kept.ts'
import type { RolloutRow } from './rows.ts'

/** Due rollouts that one transaction deals with. */
export const maxDue = 20

/** The furthest ahead that anything is due, in ms: a time beyond is of a clock that was set back since. */
export const rolloutHorizonMs = 2 * 60 * 60_000

/** Where messages about a rollout go. */
export interface Feed {
  name: string
  lane: string
  /** With the style `cards`, the message is updated instead of followed by others. */
  slack?: { style?: string } | undefined
}

/** Makes the notification about `rollout`, if there is one to send; a rollout that has a card is shown there. `now` in ms. */
export function say(rollout: Rollout, to: Feed | undefined, now: number): NewNotification | undefined {
  if (to === undefined) return undefined
  const isShown = to.slack?.style === 'cards' && rollout.saidAt !== undefined
  if (isShown || !isWorthSaying(rollout, to)) return undefined
  return { rule: rollout.rule, destination: to.name, lane: to.lane, view: viewOfRollout(rollout, now) }
}

/** Reports whether there is something to say: a card may begin with objects on their way, a message needs news. */
function isWorthSaying({ unsaidSince, entries }: Rollout, { slack }: Feed): boolean {
  return slack?.style === 'cards' ? entries.length > 0 : unsaidSince !== undefined
}

/** The row of a rollout after whatever was due at `now`, in ms, was said or needed no saying. */
export function afterwards(
  row: RolloutRow,
  { isSaid, fails, now }: { isSaid: boolean; fails: boolean; now: number }
): RolloutRow {
  const lastAt = Math.min(row.last_at, now)
  const isSettled = now >= lastAt + row.settle_ms
  const isToSay = !isSaid && !isSettled
  return {
    ...row,
    ...{ last_at: lastAt, said_at: isSaid ? now : row.said_at, unsaid_since: isToSay ? row.unsaid_since : null },
    due_at: isSettled ? null : lastAt + row.settle_ms,
    is_closed: row.is_closed || (isSettled && row.revision === '' && !fails) ? 1 : 0
  }
}
