// Notices of delivery: says that a lane is blocked, that notifications became dead letters, that a mute is over. Pure.

import { sayAbout } from '../duration.ts'
import type { ObjectRef } from '../events/flux.ts'
import { clean } from '../legible.ts'
import { gistOfFailure } from '../objects/said.ts'
import { nameOf } from '../render/compose/name.ts'
import { saidIn } from '../render/compose/said.ts'
import type { View } from '../render/compose/view.ts'
import { maxSummary } from '../render/slack/limits.ts'
import { code, cut, plain, prose, time } from '../render/slack/mrkdwn.ts'
import type { LaneState } from '../store/kept-lanes.ts'
import type { Withheld, WithheldObject } from '../store/withheld.ts'
import { asSentence, newsOf, troubleOf } from './notice.ts'

/** What a lane's trouble is about: the destination, or the Slack app whose token Slack refuses. */
export type LaneSubject = { kind: 'destination' | 'app'; name: string }

/**
 * The notice that nothing can be posted there, or that messages are taken again. `waited` and `waiting` count notifications. `instead`
 * is who gets them meanwhile, if an event names the channel.
 */
export function laneNotice(
  { kind, name }: LaneSubject,
  {
    block: { reason, since, probes },
    ...change
  }: { block: NonNullable<LaneState['block']> } & (
    | { isOver: true; waited: number }
    | { isOver: false; isGone: boolean; advice: string; waiting: number; nextAt: number; instead?: string }
  ),
  now: number
): View {
  const { isOver } = change
  const trouble = { kind, name, severity: 'error', reason, since, count: probes } as const
  if (isOver) {
    const { waited } = change
    const go = waited === 0 ? '' : `: ${countOf(waited)} waited and will be sent now`
    return troubleOf(now, {
      ...trouble,
      isOver,
      says: `takes messages again after *${sayAbout(now - since)}*${go}`
    })
  }
  return troubleOf(now, {
    ...trouble,
    isOver,
    says: `takes no messages: ${change.isGone ? 'Slack answers' : 'the answer is'} ${code(reason)}`,
    why: meaningOf(change),
    facts: [`since ${time(since)}`, `next try in ${sayAbout(change.nextAt - now)}`],
    page: {
      path: kind === 'app' ? '/deliveries' : `/deliveries?destination=${encodeURIComponent(name)}`,
      label: 'what waits'
    }
  })
}

/** What a blocked lane means. `advice` is said unless the webhook is gone, which needs other words. */
function meaningOf(means: { isGone: boolean; advice: string; waiting: number; instead?: string }): string {
  const { isGone, advice, waiting, instead } = means
  const waits = waiting === 1 ? '1 notification waits' : `${waiting} notifications wait`
  if (isGone) {
    return (
      `The webhook or its channel is gone. ${waits}, for 24 h at most. ` +
      'Put a new webhook URL into the config or the Secret, or restore the channel.'
    )
  }
  const said = prose(asSentence(advice))
  if (instead !== undefined)
    return `${said} Events name this channel. What is for it goes to ${prose(instead)} meanwhile.`
  return `${said} ${waits}, for 24 h at most.`
}

/** The notice that events of `source` name a channel that they did not get. It is not repeated for `silentMs`. */
export function channelNotice(
  source: string,
  { entry, app, channel, because }: { entry: number; app: string; channel: string; because: string },
  silentMs: number,
  now: number
): View {
  return newsOf(now, {
    kind: 'destination',
    name: cut(clean(`${app}:${channel}`), maxReason),
    severity: 'warn',
    reason: 'ChannelPassedOver',
    says: `is named by an event of source ${prose(source)}, and ${prose(clean(because))}: the next entry of ${code('owners')} that matches got it`,
    why:
      `Entry ${entry} of ${code('owners')} reads the channel from the metadata, which whoever can annotate the object decides. ` +
      `Correct the annotation, or ${code('allow')} in the config file. This is not repeated for ${sayAbout(silentMs)}.`
  })
}

/** The most reasons that are named, and the most characters of each. */
const maxReasons = 3
const maxReason = 200

/** The notice that notifications for `destination` became dead letters, for `reasons`. */
export function deadNotice(
  destination: string,
  { count, reasons }: { count: number; reasons: readonly string[] },
  now: number
): View {
  const because = [...new Set(reasons)].slice(0, maxReasons).map((reason) => prose(cut(clean(reason), maxReason)))
  const [first, ...others] = because
  const failed = `has ${countOf(count)} that could not be delivered${first === undefined ? '' : `: ${first}`}`
  const todo =
    'Nothing is deleted. When the cause is fixed, send them: ' +
    `${code(`flux-relay retry --all --destination ${destination}`)}. More of them are reported after an hour.`
  return newsOf(now, {
    kind: 'destination',
    name: destination,
    severity: 'error',
    reason: 'DeadLetters',
    says: failed,
    why: [...others.map((reason) => `Others: ${reason}`), todo].join('\n'),
    page: { path: `/deliveries?state=dead&destination=${encodeURIComponent(destination)}`, label: 'which' }
  })
}

function countOf(notifications: number): string {
  return `${notifications} ${notifications === 1 ? 'notification' : 'notifications'}`
}

/** The most objects that are named in a message about a mute, and the most characters of what each of them said. */
const maxNamed = 12
const maxGist = 120
/** The most names of objects that are well again. */
const maxInLine = 8

/** The notice that a mute is over: how much it withheld, what fails now, and what ended meanwhile. */
export function muteNotice({ mute, notifications, objects }: Withheld, now: number): View {
  const trouble = objects.filter(({ failure }) => failure !== undefined)
  const failing = trouble.filter(({ failure }) => failure?.severity === 'error')
  const warned = trouble.filter(({ failure }) => failure?.severity !== 'error')
  const ended = Map.groupBy(objects, ({ failure, says, ending }) =>
    failure !== undefined || says !== 'recovered' ? undefined : kindOfEnd(ending)
  )
  const ends = (['recovered', 'well', 'gone'] as const).flatMap((kind) => endLine(kind, ended.get(kind) ?? []))
  const worst = [...failing, ...warned]
  const rest = worst.length - maxNamed
  const lines = [
    ...worst.slice(0, maxNamed).map((entry) => lineOf(entry, now)),
    ...(rest > 0 ? [`_and ${rest} more_`] : []),
    ...ends
  ]
  const held = `${countOf(notifications)} ${notifications === 1 ? 'was' : 'were'} withheld`
  const isWell = failing.length === 0 && !objects.some(({ failsAnew }) => failsAnew)
  const state = [
    ...(failing.length > 0 ? [`${failing.length} still ${failing.length === 1 ? 'fails' : 'fail'}`] : []),
    ...(isWell ? ['none of its objects fail now'] : []),
    ...(warned.length > 0 ? [`${warned.length} with a warning`] : [])
  ]
  // A silence is named by its comment, as in `silenced apps/web`, or by its number.
  const [, silence] = /^silenced? (.+)$/s.exec(mute) ?? []
  const news = newsOf(now, {
    kind: 'mute',
    name: mute,
    ...(silence !== undefined && { noun: 'Silence', called: silence }),
    severity: worst.length > 0 ? 'warn' : 'info',
    reason: '',
    says: `is over. ${[held, ...state].join(', ')}.`,
    why: lines.join('\n'),
    page: { path: '/silences', label: 'silences' }
  })
  const first = worst[0]
  const cause = first?.failure && `: ${nameOf(first)}: ${gistIn(first) || first.failure.reason}`
  return {
    ...news,
    cause: `mute ${mute}`,
    summary: cut(`${saidIn(news).summary.replace(/\.$/, '')}${cause ?? ''}`, maxSummary)
  }
}

function kindOfEnd(ending: WithheldObject['ending']): 'recovered' | 'well' | 'gone' {
  if (ending === undefined) return 'recovered'
  return ending === 'uninstalled' || ending === 'deleted' ? 'gone' : 'well'
}

const endWords = {
  recovered: ':white_check_mark: works again',
  well: ':white_check_mark: well again',
  gone: ':wastebasket: gone'
}

function endLine(kind: keyof typeof endWords, objects: readonly WithheldObject[]): string[] {
  if (objects.length === 0) return []
  const names = objects.slice(0, maxInLine).map((object) => `${plain(nameOf(object))}${placeOf(object.object)}`)
  const rest = objects.length - names.length
  return [`${endWords[kind]} meanwhile: ${names.join(', ')}${rest > 0 ? ` _and ${rest} more_` : ''}`]
}

function placeOf({ cluster }: ObjectRef): string {
  return cluster === '' ? '' : ` in ${code(cluster)}`
}

/** What the latest event of its failure said, in short. */
function gistIn({ object, failure }: Pick<WithheldObject, 'object' | 'failure'>): string {
  return failure === undefined ? '' : gistOfFailure(object, failure)
}

function lineOf({ object, failure }: WithheldObject, now: number): string {
  if (failure === undefined) return ''
  const isError = failure.severity === 'error'
  const gist = prose(cut(gistIn({ object, failure }), maxGist))
  const said = [plain(failure.reason), gist].filter(Boolean).join(': ')
  const has = isError ? 'has been failing' : 'has had a warning'
  return `${isError ? ':red_circle:' : ':warning:'} *${plain(nameOf({ object }))}* ${has}${placeOf(object)} for ${sayAbout(now - failure.since)}: ${said}`
}
