// States: says which rows are notifications in a state; one that was discarded is kept as muted, with a reason of its own.
import { discardedReason, type NotificationState } from '../records.ts'
import type { Row } from './walk.ts'

/** The state of a row that has `state` and `reason`. */
export function stateOf({ state, reason }: Row): NotificationState {
  return state === 'muted' && reason === discardedReason ? 'discarded' : (state as NotificationState)
}

/** As the column has it. */
export function keptState(state: NotificationState): string {
  return state === 'discarded' ? 'muted' : state
}

/** What tells rows in `state` from others that are kept in the same way, as conditions on the columns of `alias`. */
export function besideState(alias: string, state: NotificationState | undefined): string[] {
  if (state === 'discarded') return [`coalesce(${alias}.reason, '') = '${discardedReason}'`]
  return state === 'muted' ? [`coalesce(${alias}.reason, '') <> '${discardedReason}'`] : []
}
