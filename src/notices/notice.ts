// Notice: makes a view of what the relay says of itself, in the form of any other notification. Pure.
import { clean } from '../legible.ts'
import { ownController, type View } from '../render/compose/view.ts'
import { maxSummary } from '../render/slack/limits.ts'
import { cut } from '../render/slack/mrkdwn.ts'

/** What a notice is about: `reason` names it, `gist` says it in one line, `why` what it means and what to do. */
export interface Notice {
  kind: 'api' | 'config' | 'destination' | 'mute' | 'relay' | 'source'
  name: string
  severity: View['severity']
  reason: string
  gist: string
  why?: string | undefined
}

/** Trouble that lasts; `count` is how often it was met. */
export interface Trouble extends Notice {
  since: number
  isOver: boolean
  count?: number
}

/** Something that happened, and is not over at any time. */
export function newsOf(now: number, notice: Notice): View {
  return { ...frame(notice, now), says: 'informed' }
}

/** Trouble that begins, or is over: then it has the same reason as a cause, and none to show. */
export function troubleOf(now: number, { since, isOver, count = 1, ...notice }: Trouble): View {
  return {
    ...frame(notice, now),
    says: isOver ? 'recovered' : 'failed',
    ...(isOver && { reason: '' }),
    failure: { reason: notice.reason, text: notice.gist, since, count }
  }
}

function frame({ kind, name, severity, reason, gist, why }: Notice, at: number): Omit<View, 'says'> {
  return {
    severity,
    object: { cluster: '', kind, namespace: '', name: clean(name) },
    reason,
    summary: cut(gist, maxSummary),
    message: why === undefined ? gist : `${gist}\n${why}`,
    cause: reason,
    controller: ownController,
    at
  }
}
