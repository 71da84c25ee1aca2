// Facts: the small last line of a message: kind, reason, revision, time, owner, pages, and the way back to the relay. Pure.

import { sayDuration } from '../../duration.ts'
import { cut, factsLine, link, plain, prose, time } from '../slack/mrkdwn.ts'
import { decisivePart } from './emphasis.ts'
import { eventPage } from './pages.ts'
import { saidIn } from './said.ts'
import type { View } from './view.ts'

/** What is known of a message only when it is posted. */
export interface Posting {
  /** Mrkdwn that says how late it is, or empty. */
  late?: string
  /** Where people reach the relay. */
  publicUrl?: string | undefined
  /** The id of its event. */
  event?: string
  /** It is a card: what is long goes into its thread. */
  isCard?: boolean
}

/** Longer ones are no use to a reader. */
const maxName = 80
const maxRevision = 120

/** The line of facts about `view`; empty where there is nothing to say. */
export function factsOf(view: View, posting: Posting): string {
  // The ends of what was no failure say all there is in one line.
  const isBrief = view.says === 'recovered' && brief.has(view.ending)
  const facts = isBrief ? [newsOf(view), view.note ? plain(view.note) : ''] : [...ownFacts(view), ...shownOf(view)]
  return factsLine([...facts, posting.late ?? ''], backOf(view, posting))
}

/** The way back to the relay: why somebody is notified, and how to have it silent. */
export function backOf({ says, failure }: View, { publicUrl, event = '' }: Posting): string {
  const page = eventPage(publicUrl, event)
  const isTrouble = failure !== undefined && says !== 'recovered'
  return page === undefined ? '' : link(page, isTrouble ? 'why &amp; silence' : 'why')
}

const brief = new Set<View['ending']>(['unblocked', 'corrected', 'cleared'])

function ownFacts(view: View): string[] {
  const { object, says, note, at, failure } = view
  const kind = shortName(object.kind)
  if (says === 'recovered') return [kind, wasOf(failure), newsOf(view), note ? plain(note) : '', time(at)]
  if (says === 'repeated' && failure !== undefined) return [kind, ...reminderFacts(view, failure)]
  return [kind, reasonOf(view), revisionOf(view), time(at), takenOnBy(failure)]
}

/** `acknowledged by *ada* since 14:02`. */
function takenOnBy(failure: View['failure']): string {
  if (failure?.acknowledged === undefined) return ''
  const { by, at } = failure.acknowledged
  return `acknowledged by *${shortName(by)}* since ${time(at)}`
}

function shortName(name: string): string {
  return plain(cut(name, maxName))
}

/** `BuildFailed → *HealthCheckFailed*`, or the reason alone. */
function reasonOf({ says, reason, wasReason }: View): string {
  if (says === 'updated' || says === 'heartbeat') return ''
  const now = shortName(reason)
  return says === 'changed' && wasReason && now && wasReason !== reason ? `${shortName(wasReason)} → *${now}*` : now
}

/** `was UpgradeFailed, 30 times`; of several reasons the first and the last, none of which lasted all the while. */
function wasOf(failure: View['failure']): string {
  if (failure === undefined) return ''
  const { reason, began } = failure
  const last = shortName(reason)
  const first = began === undefined ? last : shortName(began.reason)
  const was = first === last ? last : [first && `first ${first}`, last && `last ${last}`].filter(Boolean).join(', ')
  return [`was ${was || 'failing'}`, times(failure)].filter(Boolean).join(', ')
}

/** How many failures are over. What only waited, or was put right by itself, has not failed. */
function times({ count, severity }: NonNullable<View['failure']>): string {
  if (severity === 'warn') return ''
  return count === 1 ? 'once' : `${count} times`
}

/**
 * What the event that ended a failure brought: `fixed by chart 1.0.2`, `at main@8bd5de2`, or in its own words where it names
 * images or no revision; as mrkdwn.
 */
export function newsOf(view: View): string {
  const { isFix, isUpdate, revision } = view
  if (isUpdate && (revision === undefined || /^Image/.test(view.object.kind))) {
    // That it is done is what "works again" says.
    return view.reason === 'ReconciliationSucceeded' ? '' : prose(saidIn(view).summary)
  }
  if (revision === undefined || !(isFix || isUpdate)) return ''
  return `${isFix ? 'fixed by' : 'at'} ${labelOf(view)}${revisionLink(revision)}`
}

function labelOf({ object }: View): string {
  return object.kind === 'HelmRelease' ? 'chart ' : ''
}

/** `main@8bd5de2`, as a link where its page is known. */
export function revisionLink({ text, url }: { text: string; url?: string }): string {
  return link(url, plain(cut(text, maxRevision)))
}

/** `UpgradeFailed: context deadline exceeded`, how often, and when it is said again. */
function reminderFacts(view: View, { count }: NonNullable<View['failure']>): string[] {
  const { reason, nextReminderMs } = view
  const what = [shortName(reason), prose(cut(decisivePart(saidIn(view).summary), maxRevision))]
    .filter(Boolean)
    .join(': ')
  const next = nextReminderMs === undefined ? '' : `next reminder in ${sayDuration(nextReminderMs)}`
  return [what, `${count} times`, next]
}

/** Whether the line of the gist names the revision: it is another than the last that worked. */
export function isOfChange({ says, object, revision, previous }: View): boolean {
  const isFailure = says === 'failed' || says === 'changed'
  return isFailure && object.kind !== 'HelmRelease' && revision !== undefined && previous !== undefined
}

function revisionOf(view: View): string {
  const { says, revision, previous, object } = view
  if (revision === undefined || isOfChange(view)) return ''
  if (says === 'updated')
    return previous === undefined ? '' : `was ${revisionLink({ text: previous.text })}${compareOf(view)}`
  // A gist that names the chart's version need not be followed by it.
  const isNamed = object.kind === 'HelmRelease' && saidIn(view).summary.includes(revision.text)
  const now = isNamed ? '' : `${labelOf(view)}${revisionLink(revision)}`
  if (previous === undefined) return now
  if (says === 'failed' || says === 'changed') {
    return [now, `last good ${revisionLink(previous)}`].filter(Boolean).join('   ')
  }
  return `${revisionLink(previous)} → ${now || revisionLink(revision)}`
}

/** ` (compare)`, where both revisions are known and their page is. */
export function compareOf({ previous }: View): string {
  return previous?.url === undefined ? '' : ` (${link(previous.url, 'compare')})`
}

/** What the config asks for: the Alert's summary, metadata, pages. */
function shownOf({ about, facts = [], pages = [] }: View): string[] {
  return [
    about ? `_${prose(about)}_` : '',
    ...facts.map(({ name, value }) => factOf(name, value)),
    ...pages.map(({ name, url }) => link(url, plain(name)))
  ]
}

/** `team *payments*`; an address becomes a link with the name of its key. */
function factOf(name: string, value: string): string {
  const label = plain(name)
  const linked = /^https?:\/\//.test(value) ? link(value, label) : label
  return linked === label ? `${label} *${prose(value)}*` : linked
}
