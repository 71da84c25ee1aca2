// From a view to the message Slack shows: state first, then what and why, then where and when, then the error itself.
import { sayDuration } from '../duration.ts'
import type { Transition } from '../objects.ts'
import { code, cut, escapeMrkdwn, fence, link, oneLine, plain, time } from './mrkdwn.ts'
import { type Attachment, type Block, context, type Payload, section } from './payload.ts'
import type { View } from './view.ts'

const colours = { red: '#a30200', amber: '#daa038', green: '#2eb886' } as const

interface Face {
  emoji: string
  /** In the message, mrkdwn. */
  title: string
  /** On the lock screen. */
  word: string
  /** Of the bar beside the details; without one the details stand in the message itself. */
  colour?: keyof typeof colours
}

// An emoji and a word: colour alone is lost on some readers, and on every lock screen.
const faces: Record<Transition, Face> = {
  failed: { emoji: ':red_circle:', title: '*Failed*', word: 'FAILED', colour: 'red' },
  changed: { emoji: ':red_circle:', title: '*Fails differently*', word: 'FAILS DIFFERENTLY', colour: 'red' },
  repeated: { emoji: ':hourglass_flowing_sand:', title: '*Still failing*', word: 'STILL FAILING', colour: 'amber' },
  recovered: { emoji: ':white_check_mark:', title: '~Failed~ → *Ready*', word: 'RECOVERED', colour: 'green' },
  updated: { emoji: ':large_green_circle:', title: '*Updated*', word: 'UPDATED' },
  informed: { emoji: ':information_source:', title: '*Info*', word: 'INFO' },
  heartbeat: { emoji: ':green_heart:', title: '*Healthy*', word: 'HEALTHY' }
}
const warning: Face = { emoji: ':warning:', title: '*Warning*', word: 'WARNING', colour: 'amber' }

function faceOf({ says, severity, failure }: View): Face {
  // A failure that came late, or a harmless warning once more: only told where every event is.
  if (says === 'repeated' && failure === undefined) return severity === 'warn' ? warning : faces.informed
  if (severity !== 'warn') return faces[says]
  if (says === 'failed' || says === 'informed') return warning
  return { ...faces[says], ...(says === 'changed' && { emoji: warning.emoji, colour: 'amber' }) }
}

/**
 * One notification as a message of its own. Every text of the view is inside its limit already. `late` is mrkdwn that
 * says how late it is, or empty.
 */
export function composeOne(view: View, late = ''): Payload {
  const face = faceOf(view)
  const since = view.failure && ` for *${sayDuration(view.at - view.failure.since)}*`
  const title = [
    face.emoji,
    view.says === 'repeated' ? `${face.title}${since ?? ''}` : face.title,
    ` ${bold(link(view.url, objectName(view)))} `,
    reason(view),
    view.mention ?? ''
  ]
  const head: Block[] = [
    section(title.filter(Boolean).join(' ')),
    context([where(view), late].filter(Boolean).join('   '))
  ]
  const details = detailsOf(view)
  const attachments: Attachment[] =
    face.colour !== undefined && details.length > 0 ? [{ color: colours[face.colour], blocks: details }] : []
  return {
    text: fallback(view, face),
    blocks: attachments.length > 0 ? head : [...head.slice(0, 1), ...details, ...head.slice(1)],
    ...(attachments.length > 0 && { attachments }),
    unfurl_links: false,
    unfurl_media: false
  }
}

// docs.slack.dev names no length for the lock screen; this is more than any shows.
const maxFallback = 300

function fallback(view: View, face: Face): string {
  const { object, failure, says, summary, revision } = view
  const lasting = failure === undefined ? '' : sayDuration(view.at - failure.since)
  const what = [view.reason, summary].filter(Boolean).join(' - ')
  const tail = {
    failed: `: ${what}`,
    changed: `: ${what}`,
    repeated: failure ? ` for ${lasting}, ${failure.count} times: ${what}` : `: ${what}`,
    recovered: ` after ${lasting}, ${times(failure?.count ?? 0)}${view.isFix ? `, by ${revision?.text}` : ''}${view.note ? `, ${view.note}` : ''}`,
    updated: revision ? ` to ${revision.text}: ${summary}` : `: ${summary}`,
    informed: `: ${what}`,
    heartbeat: `: ${summary}`
  }[says]
  const cluster = object.cluster === '' ? '' : ` (${object.cluster})`
  return escapeMrkdwn(cut(oneLine(`${face.word} ${titleOf(view)}${cluster}${tail}`).replace(/:$/, ''), maxFallback))
}

function objectName(view: View): string {
  return plain(titleOf(view))
}

/** `HelmRelease apps/podinfo`, unescaped. */
function titleOf({ object: { kind, namespace, name } }: View): string {
  const path = [namespace, name].filter(Boolean).join('/')
  return [kind, path].filter(Boolean).join(' ') || 'unnamed object'
}

function bold(text: string): string {
  return `*${text}*`
}

function reason({ says, reason, wasReason }: View): string {
  if (says === 'recovered' || says === 'updated' || says === 'heartbeat') return ''
  if (wasReason && reason && wasReason !== reason) return `~${plain(wasReason)}~ → ${code(reason)}`
  return code(reason)
}

/** The one line of facts: cluster, controller, revision, time. */
function where(view: View): string {
  const { object, controller, revision, previous, at } = view
  const label = object.kind === 'HelmRelease' ? 'chart ' : ''
  const now = revision && label + (revision.url ? link(revision.url, plain(revision.text)) : code(revision.text))
  const was = previous && (previous.url ? link(previous.url, plain(previous.text)) : code(previous.text))
  const change = was && now ? `${was} → ${now}` : now
  return [code(object.cluster), plain(controller), change, time(at)].filter(Boolean).join('   ')
}

function detailsOf(view: View): Block[] {
  const { says, failure, message, summary, at } = view
  if (says === 'recovered') {
    if (failure === undefined) return []
    const parts = [
      `was ${code(failure.reason) || 'failing'} for *${sayDuration(at - failure.since)}*`,
      times(failure.count)
    ]
    if (view.isFix && view.revision) parts.push(`fixed by ${link(view.revision.url, plain(view.revision.text))}`)
    if (view.note) parts.push(plain(view.note))
    return [context(parts.join('   '))]
  }
  if (says === 'repeated' && failure !== undefined) {
    const next = view.nextReminderMs === undefined ? '' : `next reminder in ${sayDuration(view.nextReminderMs)}`
    const facts = [`${failure.count} times since ${time(failure.since)}`, next].filter(Boolean).join('   ')
    return [...errorText(message), context(facts)]
  }
  if (says === 'failed' || says === 'changed') return errorText(message)
  if (view.severity === 'warn') return errorText(message)
  return summary === '' ? [] : [section(code(summary))]
}

function errorText(message: string): Block[] {
  return message === '' ? [] : [section(fence(message))]
}

function times(count: number): string {
  return count === 1 ? '1 failure' : `${count} failures`
}
