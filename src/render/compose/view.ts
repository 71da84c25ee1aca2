// View: what one notification will say, in plain text, fixed when its event is accepted: a reload cannot change it.
import { causeFingerprint } from '../../events/cause.ts'
import type { FluxEvent, ObjectRef } from '../../events/flux.ts'
import { redact, redactNote } from '../../events/redaction.ts'
import type { Severity } from '../../events/severity.ts'
import { clean, oneLine } from '../../legible.ts'
import type { Ending, Failure } from '../../objects/memory.ts'
import type { Advance, Transition } from '../../objects.ts'
import type { Links } from '../links/links.ts'
import { maxMessage, maxSummary } from '../slack/limits.ts'
import { cut, cutMiddle, linkTarget, utc } from '../slack/mrkdwn.ts'
import type { Custom } from '../template/template.ts'
import type { RolloutView } from './rollout-standing.ts'
import { readSaid, type Said } from './said.ts'

/**
 * Clean, bounded, unescaped texts; escaping belongs to the form of the destination. Stored as JSON in the database, with its gist
 * only if that is not the gist of its message: ask {@link saidIn}.
 */
export interface View extends Partial<Said> {
  says: Transition
  severity: Severity
  object: ObjectRef
  reason: string
  /** Flux's message, redacted and bounded. */
  message: string
  /** Fingerprint of the failure without the object's own name: equal causes share a line in a digest. */
  cause: string
  controller: string
  /** The revision in short form, with the commit's page if links are configured. */
  revision?: { text: string; url?: string }
  /** The last good revision, if it is another one; the url compares the two. */
  previous?: { text: string; url?: string }
  /** Subject of the revision's commit, if it is known. */
  subject?: string
  /** The object's page. */
  url?: string
  /** Other pages, by name. */
  pages?: readonly { name: string; url: string }[]
  /** The `summary` of the metadata, which an Alert sets. */
  about?: string
  /** Other metadata that the config shows. */
  facts?: readonly { name: string; value: string }[]
  mention?: string
  /** Added to the facts of a recovery. */
  note?: string
  /** Time of the event, in ms. */
  at: number
  /** The failure that the view is about, or that is over: its latest event, how and when it began, and how many events it had. */
  failure?: {
    severity?: Severity
    reason: string
    text: string
    began?: { reason: string; text: string }
    since: number
    count: number
    /** Who has acknowledged it, and since when, in ms. */
    acknowledged?: { by: string; at: number }
  }
  /** With a warning that decides nothing and came during a failure: when that failure began, in ms. */
  during?: number
  /** With `recovered`: how it ended, unless the object is Ready again. */
  ending?: Exclude<Ending, 'ready'>
  /** With `recovered`: the failure ended at an unknown time before `at`. */
  isBefore?: true
  /** With `recovered`: the revision is not the one that failed. */
  isFix?: true
  /** With `recovered`: the event that ended it brought something new, of which nobody is notified separately. */
  isUpdate?: true
  /** With `changed`: the reason of the failure until now. */
  wasReason?: string
  /** With `changed`: until now the failure was only a warning. */
  wasWarning?: true
  /** With `repeated`: time until the next reminder may come, in ms. */
  nextReminderMs?: number
  /** The message as its rule's template has it, as mrkdwn. */
  custom?: Custom
  /** A notice of the relay, as mrkdwn. */
  own?: Own
  /** Set if the view is about the rollout of a revision, and not about an object. */
  rollout?: RolloutView
}

/** A notice: a sentence, what it means, facts, and a page of the dashboard that shows more. */
export interface Own {
  line: string
  why?: string
  facts?: readonly string[]
  page?: { path: string; label: string }
}

/** The controller that notices of the relay name. */
export const ownController = 'flux-relay'

/** Reports whether a view is a notice of the relay: no event is without a cluster. */
export function isOwn({ controller, object }: View): boolean {
  return controller === ownController && object.cluster === ''
}

/** Reports whether a view is about an incident: how it goes on, or that it is over. */
export function isOfIncident({ says, failure }: View): boolean {
  const isOf = says === 'failed' || says === 'changed' || says === 'repeated' || says === 'recovered'
  return isOf && failure !== undefined
}

/** Additions to an event from the config, or from an earlier event. */
export interface Shown {
  links: Links
  /** Keys of the metadata to show. */
  show?: readonly string[]
  /** Subject of the commit that is the event's revision. */
  subject?: string | undefined
}

/** Creates the view of `event` for one recipient. */
export function createView(
  event: FluxEvent,
  { memory, before, ended, aside, previousRevision, overAt }: Advance,
  { says, mention, nextReminderMs }: { says: Transition; mention: string | undefined; nextReminderMs?: number },
  { links, show = [], subject }: Shown
): View {
  const message = shown(event.message)
  // An event that decides nothing about a failure is not about it.
  const failure = aside === undefined ? (memory.failure ?? before) : undefined
  const urls = links.of(event, previousRevision)
  return {
    says,
    severity: event.severity,
    object: {
      cluster: short(event.object.cluster),
      kind: short(event.object.kind),
      namespace: short(event.object.namespace),
      name: short(event.object.name)
    },
    reason: reasonOf(event.reason),
    ...givenIn(event, message, overAt),
    message: cutMiddle(message, maxMessage),
    cause: causeFingerprint(event),
    controller: short(event.controller),
    ...(event.revision && {
      revision: { text: short(event.revision.short), ...(urls.commit && { url: urls.commit }) }
    }),
    ...(urls.previous && { previous: { ...urls.previous, text: short(urls.previous.text) } }),
    ...(subject && event.revision && { subject: cut(clean(oneLine(subject)), maxSubject) }),
    ...(urls.dashboard && { url: urls.dashboard }),
    ...(urls.pages && { pages: urls.pages }),
    ...metadataOf(event, show),
    ...(mention && { mention }),
    at: event.at,
    ...(failure && {
      failure: {
        severity: failure.severity,
        ...saidOf(failure),
        began: saidOf(failure.began),
        since: failure.since,
        count: failure.count,
        ...takenOn(says === 'recovered' ? undefined : failure.acknowledged)
      }
    }),
    ...(aside === 'remark' && memory.failure && { during: memory.failure.since }),
    ...(says === 'recovered' && ended && ended.how !== 'ready' && { ending: ended.how }),
    ...(says === 'recovered' && ended?.how === 'ready' && isFix(event, failure) && { isFix: true }),
    ...(says === 'recovered' && isUpdate(ended) && { isUpdate: true }),
    ...(says === 'changed' && before && { wasReason: reasonOf(before.reason) }),
    ...(says === 'changed' && before?.severity === 'warn' && event.severity === 'error' && { wasWarning: true }),
    ...(nextReminderMs !== undefined && { nextReminderMs })
  }
}

/** Returns the gist if it is not that of the stored message: the event came late, or its message is too long to be stored whole. */
function givenIn(
  { object, reason, at }: FluxEvent,
  message: string,
  overAt: number | undefined
): Pick<View, 'summary' | 'notReady' | 'log'> {
  if (overAt === undefined && message.length <= maxMessage) return {}
  const { summary, ...rest } = readSaid({ object, reason, message })
  return { ...rest, summary: cut(late(at, overAt) + summary, maxSummary) }
}

/** Returns the words before a failure that came late: nobody must think that it goes on. */
function late(at: number, overAt: number | undefined): string {
  if (overAt === undefined) return ''
  return `reported late: it failed at ${clockTime(at)}, which was over by ${clockTime(overAt)} UTC: `
}

const maxSubject = 100
const maxValue = 100

/** Returns the Alert's summary, and the other metadata that the config shows. */
function metadataOf({ metadata }: FluxEvent, show: readonly string[]): Pick<View, 'about' | 'facts'> {
  const about = metadata['summary']
  const facts = show.flatMap((name) => {
    if (name === 'summary' || !Object.hasOwn(metadata, name)) return []
    const text = redactNote(oneLine(clean(metadata[name] ?? '')))
    return text === '' ? [] : [{ name, value: isAddress(text) ? text : cut(text, maxValue) }]
  })
  return {
    ...(about && { about: cut(redactNote(oneLine(clean(about))), maxSummary) }),
    ...(facts.length > 0 && { facts })
  }
}

function isAddress(text: string): boolean {
  return /^https?:/.test(text) && linkTarget(text) !== undefined
}

function clockTime(at: number): string {
  return utc(at).slice(11, 19)
}

/**
 * Cuts a name, reason or revision to one line of 253 characters: no name in Kubernetes is longer, and more is of no use to a
 * reader.
 */
export function short(text: string): string {
  return cut(clean(text).replaceAll('\n', ' '), 253)
}

// The last text is kept, because the message of an event is most often the text of the failure that it begins.
let latest = { text: '', shown: '' }

/** Returns a controller's text as people may see it. */
function shown(text: string): string {
  if (latest.text !== text) latest = { text, shown: redact(clean(text)) }
  return latest.shown
}

/** Returns the reason and the text of a failure as people may see them. */
export function saidOf({ reason, text }: { reason: string; text: string }): { reason: string; text: string } {
  return { reason: reasonOf(reason), text: cut(shown(text), maxSummary) }
}

/** Returns who has acknowledged a failure, as far as a message says it. */
export function takenOn(by: Failure['acknowledged']): { acknowledged?: { by: string; at: number } } {
  return by === undefined ? {} : { acknowledged: { by: short(by.by), at: by.at } }
}

/** Reports whether another revision ended the failure. If the revision of the failure is not known, nobody can say. */
function isFix({ revision }: FluxEvent, failure: Failure | undefined): boolean {
  return (
    revision !== undefined && failure !== undefined && failure.revision !== '' && failure.revision !== revision.text
  )
}

/** Reports whether a failure ended with something new of which nobody is notified separately. */
function isUpdate(ended: Advance['ended']): boolean {
  return ended?.names !== undefined || (ended?.beneath === 'updated' && ended.how !== 'corrected')
}

// Before Flux 2.2 controllers often gave the severity as the reason.
function reasonOf(reason: string): string {
  return reason === 'error' || reason === 'info' ? '' : short(reason)
}
