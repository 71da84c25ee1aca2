// Rehearsed rollouts: notify at the event that begins one, and at each that fails in it; how long they are waited for is left out. Pure.

import type { FluxEvent } from '../events/flux.ts'
import { objectKey } from '../objects.ts'
import { viewOfRollout } from '../render/compose/rollout.ts'
import type { NewNotification, RolloutReport } from '../store/kept.ts'

interface Known {
  /** Revisions that were seen; of charts, none. */
  revisions: Set<string>
  /** When the last report came, in ms. */
  lastAt: number
  failing: Set<string>
}

/** Returns what is said because of the reports of `event` at `now`, in ms. */
export function rehearseRollouts(): (
  event: FluxEvent,
  reports: readonly RolloutReport[],
  laneOf: (destination: string) => string | undefined,
  now: number
) => NewNotification[] {
  const scopes = new Map<string, Known>()

  function isSaid({ scope, revision, isMove, is, settleMs }: RolloutReport, object: string, now: number): boolean {
    const known = scopes.get(scope) ?? { revisions: new Set(), lastAt: Number.NEGATIVE_INFINITY, failing: new Set() }
    scopes.set(scope, known)
    const isGoingOn = now < known.lastAt + settleMs
    const begins = isMove && (revision === '' ? !isGoingOn : !known.revisions.has(revision))
    const fails = is === 'failing' && !known.failing.has(object) && (isMove || isGoingOn)
    if (isMove && revision !== '') known.revisions.add(revision)
    if (isMove || isGoingOn) known.lastAt = now
    if (is === 'failing') known.failing.add(object)
    else known.failing.delete(object)
    return is !== 'gone' && (begins || fails)
  }

  return (event, reports, laneOf, now) =>
    reports.flatMap((report): NewNotification[] => {
      const { rule, destination, head, is, said, settleMs } = report
      const object = objectKey(event.object)
      const lane = laneOf(destination)
      if (!isSaid(report, object, now) || lane === undefined || is === 'gone') return []
      const entries = [{ object, is, at: now, said }]
      const times = { openedAt: now, lastAt: now, settleMs }
      const view = viewOfRollout({ id: '', rule, head, ...times, replaced: {}, entries }, now)
      return [{ rule, destination, lane, view }]
    })
}
