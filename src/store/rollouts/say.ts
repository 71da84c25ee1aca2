// Saying rollouts: decides what is said of a rollout of which something is due, and how it goes on after that. Pure.
import { viewOfRollout } from '../../render/compose/rollout.ts'
import type { NewNotification, Rollout } from '../kept.ts'
import type { RolloutRow } from './rows.ts'

/** Rollouts that something is said of in one transaction. */
export const maxDue = 20

/** Nothing is due later than that from now, in ms: a time beyond is of a clock that was set back. */
export const rolloutHorizonMs = 2 * 60 * 60_000

/** Where messages about a rollout go. */
export interface Feed {
  name: string
  lane: string
  /** In a channel with cards, what was said is updated. */
  slack?: { style?: string } | undefined
}

/** What is said of `rollout`, if anything: what has a card is shown there. `now` in ms. */
export function say(rollout: Rollout, to: Feed | undefined, now: number): NewNotification | undefined {
  if (to === undefined) return undefined
  const isShown = to.slack?.style === 'cards' && rollout.saidAt !== undefined
  if (isShown || !isWorthSaying(rollout, to)) return undefined
  return { rule: rollout.rule, destination: to.name, lane: to.lane, view: viewOfRollout(rollout, now) }
}

/** A card begins with what is on its way; a message of its own needs something that has come. */
function isWorthSaying({ unsaidSince, entries }: Rollout, { slack }: Feed): boolean {
  return slack?.style === 'cards' ? entries.length > 0 : unsaidSince !== undefined
}

/** A rollout after what was due of it at `now` was said, or needed no saying. */
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
