// What the relay says of itself to its operator, in the form of any other notification.
import { sayDuration } from '../duration.ts'
import type { ObjectRef } from '../events/flux.ts'
import type { View } from '../render/compose/view.ts'
import { maxSummary } from '../render/slack/limits.ts'
import { clean, cut } from '../render/slack/mrkdwn.ts'
import type { LaneState, NewNotification } from '../store/kept.ts'
import type { Held, HeldObject } from '../store/withheld.ts'
import type { Kind } from './answer.ts'
import type { Destination } from './destination.ts'

/** `view` for each of those who hear of the relay itself. */
export function noticesTo(operators: readonly Destination[], view: View): NewNotification[] {
  return operators.map(({ name, lane }) => ({ rule: 'operator', destination: name, lane, view }))
}

/** What a blocked lane means, by what decided it; `advice` is said where there is no more to say. */
function meaningOf(kind: Kind, advice: string): string {
  if (kind === 'gone') {
    return (
      'Slack answers that the webhook or its channel is gone. Nothing is lost: notifications wait for up to 24 hours. ' +
      'Put a new webhook URL into the config, or restore the channel; it is tried again after 5 minutes, then less often.'
    )
  }
  const sentence = `${advice.charAt(0).toUpperCase()}${advice.slice(1)}`
  return `${sentence}${/[.?]$/.test(sentence) ? '' : '.'} Nothing is lost: notifications wait for up to 24 hours, and it is tried again and again.`
}

/** That nothing can be posted to `destination`, or that it takes messages again. `waited`: notifications. */
export function laneNotice(
  destination: string,
  change: { block: NonNullable<LaneState['block']> } & (
    | { isOver: true }
    | { isOver: false; kind: Kind; advice: string }
  ),
  waited: number,
  now: number
): View {
  const { block, isOver } = change
  const lasted = sayDuration(now - block.since)
  const text = isOver ? `The webhook takes messages again after ${lasted}.` : meaningOf(change.kind, change.advice)
  return {
    says: isOver ? 'recovered' : 'failed',
    severity: 'error',
    object: { cluster: '', kind: 'destination', namespace: '', name: destination },
    reason: isOver ? '' : block.reason,
    summary: text,
    message: text,
    cause: block.reason,
    controller: 'flux-relay',
    ...(isOver && { note: `${waited} ${waited === 1 ? 'notification' : 'notifications'} waited and go now` }),
    at: now,
    failure: { reason: block.reason, text, since: block.since, count: block.probes }
  }
}

/** Different reasons that are named. */
const maxReasons = 3
const maxReason = 200

/** That notifications for `destination` were given up on, for `reasons`. */
export function deadNotice(
  destination: string,
  { count, reasons }: { count: number; reasons: readonly string[] },
  now: number
): View {
  const notifications = `${count} ${count === 1 ? 'notification' : 'notifications'}`
  const because = [...new Set(reasons)].slice(0, maxReasons).map((reason) => cut(clean(reason), maxReason))
  const gist = `${notifications} for ${destination} ${count === 1 ? 'was' : 'were'} given up on`
  const todo = `When what is behind it is mended: flux-relay retry --all --destination ${destination}. Until then they are kept: flux-relay notifications --state dead --destination ${destination}. Further ones are counted for an hour before they are said.`
  return {
    says: 'informed',
    severity: 'error',
    object: { cluster: '', kind: 'destination', namespace: '', name: destination },
    reason: 'DeadLetters',
    summary: cut(because.length === 0 ? `${gist}.` : `${gist}: ${because.join('; ')}`, maxSummary),
    message: [because.length === 0 ? `${gist}.` : `${gist}:`, ...because, todo].join('\n'),
    cause: 'DeadLetters',
    controller: 'flux-relay',
    at: now
  }
}

/** Objects named in one message about a mute; an object's line has at most 160 characters. */
const maxNamed = 12
const maxLine = 160
/** And in the line that stands for all of it. */
const maxInLine = 5

/** How a failure that a mute held back ended, as its line begins. */
const titles = { recovered: 'Recovered', well: 'Well again', gone: 'Gone' } as const

/** That a mute is over: how much it held back, what fails now, and what ended meanwhile. */
export function muteNotice({ mute, notifications, objects }: Held, now: number): View {
  const failing = objects.filter(({ failure }) => failure?.severity === 'error')
  const warned = objects.filter(({ failure }) => failure !== undefined && failure.severity !== 'error')
  const ended = Map.groupBy(objects, ({ failure, says, ending }) =>
    failure !== undefined || says !== 'recovered' ? undefined : kindOfEnd(ending)
  )
  const ends = (['recovered', 'well', 'gone'] as const).map((kind) => [titles[kind], ended.get(kind) ?? []] as const)
  const held = `${notifications} ${notifications === 1 ? 'notification was' : 'notifications were'} held back`
  const lines = [
    `${held}.`,
    ...listed('Still failing', failing, now),
    ...listed('Still with a warning', warned, now),
    ...ends.flatMap(([title, objects]) => listed(`${title} meanwhile`, objects, now))
  ]
  const summary = [
    held,
    failing.length > 0 ? `${failing.length} still failing` : 'nothing of it fails any more',
    ...(warned.length > 0 ? [`${warned.length} still with a warning`] : []),
    ...ends.flatMap(([title, objects]) => (objects.length > 0 ? [inLine(title.toLowerCase(), objects)] : []))
  ]
  return {
    says: 'informed',
    severity: failing.length + warned.length > 0 ? 'warn' : 'info',
    object: { cluster: '', kind: 'mute', namespace: '', name: clean(mute) },
    reason: '',
    summary: cut(clean(summary.join('; ')), maxSummary),
    message: lines.join('\n'),
    cause: `mute ${mute}`,
    controller: 'flux-relay',
    at: now
  }
}

function kindOfEnd(ending: HeldObject['ending']): keyof typeof titles {
  if (ending === undefined) return 'recovered'
  return ending === 'uninstalled' || ending === 'deleted' ? 'gone' : 'well'
}

function inLine(title: string, objects: readonly HeldObject[]): string {
  const names = objects.slice(0, maxInLine).map(({ object }) => nameOf(object))
  const rest = objects.length - names.length
  return `${title}: ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function listed(title: string, objects: readonly HeldObject[], now: number): string[] {
  if (objects.length === 0) return []
  const rest = objects.length - maxNamed
  return [
    `${title}:`,
    ...objects.slice(0, maxNamed).map((entry) => cut(`  ${lineOf(entry, now)}`, maxLine)),
    ...(rest > 0 ? [`  … and ${rest} more`] : [])
  ]
}

function nameOf({ cluster, kind, namespace, name }: ObjectRef): string {
  return `${kind} ${[namespace, name].filter(Boolean).join('/')}${cluster === '' ? '' : ` (${cluster})`}`
}

function lineOf({ object, failure }: HeldObject, now: number): string {
  const named = nameOf(object)
  if (failure === undefined) return clean(named)
  return clean(
    `${named} for ${sayDuration(now - failure.since)}: ${[failure.reason, failure.text].filter(Boolean).join(' - ')}`
  )
}
