// Notices of delivery: say that a lane is blocked, that notifications became dead letters, that a mute is over. Pure.
import { sayDuration } from '../duration.ts'
import type { ObjectRef } from '../events/flux.ts'
import { clean } from '../legible.ts'
import type { View } from '../render/compose/view.ts'
import { cut } from '../render/slack/mrkdwn.ts'
import type { LaneState } from '../store/kept.ts'
import type { Withheld, WithheldObject } from '../store/withheld.ts'
import { newsOf, troubleOf } from './notice.ts'

/** The notice that nothing can be posted to `destination`, or that it takes messages again. `waited`: notifications. */
export function laneNotice(
  destination: string,
  {
    block: { reason, since, probes },
    ...change
  }: { block: NonNullable<LaneState['block']> } & (
    | { isOver: true; waited: number }
    | { isOver: false; isGone: boolean; advice: string }
  ),
  now: number
): View {
  const { isOver } = change
  const gist = isOver ? `The webhook takes messages again after ${sayDuration(now - since)}.` : meaningOf(change)
  const trouble = { kind: 'destination', name: destination, severity: 'error', reason, gist, since, isOver } as const
  const view = troubleOf(now, { ...trouble, count: probes })
  if (!isOver) return view
  return { ...view, note: `${countOf(change.waited)} waited and will be sent now` }
}

/** What a blocked lane means, by what decided it; `advice` is said where there is no more to say. */
function meaningOf({ isGone, advice }: { isGone: boolean; advice: string }): string {
  if (isGone) {
    return (
      'Slack answers that the webhook or its channel is gone. Nothing is lost: notifications wait for up to 24 hours. ' +
      'Put a new webhook URL into the config, or restore the channel; the relay tries again after 5 minutes, then less often.'
    )
  }
  const sentence = `${advice.charAt(0).toUpperCase()}${advice.slice(1)}`
  return `${sentence}${/[.?]$/.test(sentence) ? '' : '.'} Nothing is lost: notifications wait for up to 24 hours, and the relay keeps trying.`
}

/** Different reasons that are named. */
const maxReasons = 3
const maxReason = 200

/** The notice that notifications for `destination` became dead letters, for `reasons`. */
export function deadNotice(
  destination: string,
  { count, reasons }: { count: number; reasons: readonly string[] },
  now: number
): View {
  const because = [...new Set(reasons)].slice(0, maxReasons).map((reason) => cut(clean(reason), maxReason))
  const gist = `${countOf(count)} for ${destination} could not be delivered`
  const todo = `Nothing is deleted: see flux-relay notifications --state dead --destination ${destination}. When the cause is fixed, send them: flux-relay retry --all --destination ${destination}. More of them are counted, and reported in an hour.`
  const news = { kind: 'destination', name: destination, severity: 'error', reason: 'DeadLetters' } as const
  if (because.length === 0) return newsOf(now, { ...news, gist: `${gist}.`, why: todo })
  const message = [`${gist}:`, ...because, todo].join('\n')
  return { ...newsOf(now, { ...news, gist: `${gist}: ${because.join('; ')}` }), message }
}

function countOf(notifications: number): string {
  return `${notifications} ${notifications === 1 ? 'notification' : 'notifications'}`
}

/** Objects named in one message about a mute; an object's line has at most 160 characters. */
const maxNamed = 12
const maxLine = 160
/** And in the line that stands for all of it. */
const maxInLine = 5

/** How a withheld failure ended, as its line begins. */
const titles = { recovered: 'Recovered', well: 'Well again', gone: 'Gone' } as const

/** The notice that a mute is over: how much it withheld, what fails now, and what ended meanwhile. */
export function muteNotice({ mute, notifications, objects }: Withheld, now: number): View {
  const failing = objects.filter(({ failure }) => failure?.severity === 'error')
  const warned = objects.filter(({ failure }) => failure !== undefined && failure.severity !== 'error')
  const ended = Map.groupBy(objects, ({ failure, says, ending }) =>
    failure !== undefined || says !== 'recovered' ? undefined : kindOfEnd(ending)
  )
  const ends = (['recovered', 'well', 'gone'] as const).map((kind) => [titles[kind], ended.get(kind) ?? []] as const)
  const withheld = `${countOf(notifications)} ${notifications === 1 ? 'was' : 'were'} withheld`
  const lines = [
    `${withheld}.`,
    ...listed('Still failing', failing, now),
    ...listed('Still with a warning', warned, now),
    ...ends.flatMap(([title, objects]) => listed(`${title} meanwhile`, objects, now))
  ]
  const summary = [
    withheld,
    failing.length > 0 ? `${failing.length} still failing` : 'none of its objects fail now',
    ...(warned.length > 0 ? [`${warned.length} still with a warning`] : []),
    ...ends.flatMap(([title, objects]) => (objects.length > 0 ? [inLine(title.toLowerCase(), objects)] : []))
  ]
  const severity = failing.length + warned.length > 0 ? 'warn' : 'info'
  const gist = clean(summary.join('; '))
  const news = newsOf(now, { kind: 'mute', name: mute, severity, reason: '', gist })
  return { ...news, message: lines.join('\n'), cause: `mute ${mute}` }
}

function kindOfEnd(ending: WithheldObject['ending']): keyof typeof titles {
  if (ending === undefined) return 'recovered'
  return ending === 'uninstalled' || ending === 'deleted' ? 'gone' : 'well'
}

function inLine(title: string, objects: readonly WithheldObject[]): string {
  const names = objects.slice(0, maxInLine).map(({ object }) => nameOf(object))
  const rest = objects.length - names.length
  return `${title}: ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function listed(title: string, objects: readonly WithheldObject[], now: number): string[] {
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

function lineOf({ object, failure }: WithheldObject, now: number): string {
  const named = nameOf(object)
  if (failure === undefined) return clean(named)
  return clean(
    `${named} for ${sayDuration(now - failure.since)}: ${[failure.reason, failure.text].filter(Boolean).join(' - ')}`
  )
}
