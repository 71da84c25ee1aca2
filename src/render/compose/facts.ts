// Facts: the small last line of a message: kind, reason, revision, time, owner, pages, and the way back to the relay. Pure.

import { sayDuration } from '../../duration.ts'
import { cut, factsLine, link, plain, prose, time } from '../slack/mrkdwn.ts'
import { decisivePart } from './emphasis.ts'
import { eventPage } from './pages.ts'
import { saidIn } from './said.ts'
import type { View } from './view.ts'

/** Facts about a message that are known only when it is posted. */
export interface Posting {
  /** How late it is, as mrkdwn; empty if it is not late. */
  late?: string
  /** Address at which people reach the relay. */
  publicUrl?: string | undefined
  /** The id of its event. */
  event?: string
  /** True for a card, whose long texts go into its thread. */
  isCard?: boolean
}

/** Longer texts are of no use to a reader. */
const maxName = 80
const maxRevision = 120

/** Returns the line of facts about `view`; empty if there is nothing to say. */
export function factsOf(view: View, posting: Posting): string {
  // The end of what was no failure says all there is in one line.
  const isBrief = view.says === 'recovered' && brief.has(view.ending)
  const facts = isBrief ? [newsOf(view), view.note ? plain(view.note) : ''] : [...ownFacts(view), ...shownOf(view)]
  return factsLine([...facts, posting.late ?? ''], backOf(view, posting))
}

/** Returns the way back to the relay: a page that says why somebody is notified, and offers a silence. */
export function backOf({ says, failure }: View, { publicUrl, event = '' }: Posting): string {
  const page = eventPage(publicUrl, event)
  const isTrouble = failure !== undefined && says !== 'recovered'
  return page === undefined ? '' : link(page, isTrouble ? 'why &amp; silence' : 'why')
}

const brief = new Set<View['ending']>(['unblocked', 'corrected', 'cleared'])

function ownFacts(view: View): string[] {
  const { object, says, note, at, failure, isBefore } = view
  const kind = shortName(object.kind)
  const when = `${isBefore ? 'before ' : ''}${time(at)}`
  if (says === 'recovered') return [kind, wasOf(failure), newsOf(view), note ? plain(note) : '', when]
  if (says === 'repeated' && failure !== undefined) return [kind, ...reminderFacts(view, failure)]
  return [kind, reasonOf(view), revisionOf(view), when, takenOnBy(failure)]
}

/** Returns `acknowledged by *ada* since 14:02`. */
function takenOnBy(failure: View['failure']): string {
  if (failure?.acknowledged === undefined) return ''
  const { by, at } = failure.acknowledged
  return `acknowledged by *${shortName(by)}* since ${time(at)}`
}

function shortName(name: string): string {
  return plain(cut(name, maxName))
}

/** Returns `BuildFailed → *HealthCheckFailed*`, or the reason alone. */
function reasonOf({ says, reason, wasReason }: View): string {
  if (says === 'updated' || says === 'heartbeat') return ''
  const now = shortName(reason)
  return says === 'changed' && wasReason && now && wasReason !== reason ? `${shortName(wasReason)} → *${now}*` : now
}

/** Returns `was UpgradeFailed, 30 times`; of several reasons the first and the last, because none lasted all the time. */
function wasOf(failure: View['failure']): string {
  if (failure === undefined) return ''
  const { reason, began } = failure
  const last = shortName(reason)
  const first = began === undefined ? last : shortName(began.reason)
  const was = first === last ? last : [first && `first ${first}`, last && `last ${last}`].filter(Boolean).join(', ')
  return [`was ${was || 'failing'}`, times(failure)].filter(Boolean).join(', ')
}

/** Says how often it failed. What only waited, or was put right by itself, has not failed. */
function times({ count, severity }: NonNullable<View['failure']>): string {
  if (severity === 'warn') return ''
  return count === 1 ? 'once' : `${count} times`
}

/**
 * Returns what the event that ended a failure brought, as mrkdwn: `fixed by chart 1.0.2`, `at main@8bd5de2`, or its own words if it
 * names images or no revision.
 */
export function newsOf(view: View): string {
  const { isFix, isUpdate, revision } = view
  if (isUpdate && (revision === undefined || /^Image/.test(view.object.kind))) {
    // "works again" says already that it is done.
    return view.reason === 'ReconciliationSucceeded' ? '' : prose(saidIn(view).summary)
  }
  if (revision === undefined || !(isFix || isUpdate)) return ''
  return `${isFix ? 'fixed by' : 'at'} ${labelOf(view)}${revisionLink(revision)}`
}

function labelOf({ object }: View): string {
  return object.kind === 'HelmRelease' ? 'chart ' : ''
}

/** Returns `main@8bd5de2`, as a link if its page is known. */
export function revisionLink({ text, url }: { text: string; url?: string }): string {
  return link(url, plain(cut(text, maxRevision)))
}

/** Returns `UpgradeFailed: context deadline exceeded`, the number of events, and the time until the next reminder. */
function reminderFacts(view: View, { count }: NonNullable<View['failure']>): string[] {
  const { reason, nextReminderMs } = view
  const what = [shortName(reason), prose(cut(decisivePart(saidIn(view).summary), maxRevision))]
    .filter(Boolean)
    .join(': ')
  const next = nextReminderMs === undefined ? '' : `next reminder in ${sayDuration(nextReminderMs)}`
  return [what, `${count} times`, next]
}

/** Reports whether the line of the gist names the revision, because it is not the last one that worked. */
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

/** Returns ` (compare)` if the page that compares the revisions is known. */
export function compareOf({ previous }: View): string {
  return previous?.url === undefined ? '' : ` (${link(previous.url, 'compare')})`
}

/** Returns what the config asks to show: the Alert's summary, metadata, pages. */
function shownOf({ about, facts = [], pages = [] }: View): string[] {
  return [
    about ? `_${prose(about)}_` : '',
    ...facts.map(({ name, value }) => factOf(name, value)),
    ...pages.map(({ name, url }) => link(url, plain(name)))
  ]
}

/** Returns `team *payments*`; an address becomes a link with the name of its key. */
function factOf(name: string, value: string): string {
  const label = plain(name)
  const linked = /^https?:\/\//.test(value) ? link(value, label) : label
  return linked === label ? `${label} *${prose(value)}*` : linked
}
