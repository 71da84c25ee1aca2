// States: maps the states of notifications to rows. A discarded notification is kept as muted, with a reason of its own.
import { discardedReason, type NotificationState } from '../records.ts'
import type { Row } from './walk.ts'

/** The state of a notification, by `state` and `reason` of its row. */
export function stateOf({ state, reason }: Row): NotificationState {
  return state === 'muted' && reason === discardedReason ? 'discarded' : (state as NotificationState)
}

/** The value of the column for a state. */
export function keptState(state: NotificationState): string {
  return state === 'discarded' ? 'muted' : state
}

/** Conditions on the columns of `alias` that tell rows in `state` from others with the same value in the column. */
export function besideState(alias: string, state: NotificationState | undefined): string[] {
  if (state === 'discarded') return [`coalesce(${alias}.reason, '') = '${discardedReason}'`]
  return state === 'muted' ? [`coalesce(${alias}.reason, '') <> '${discardedReason}'`] : []
}
