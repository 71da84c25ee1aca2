// View: what one notification will say, in plain text, fixed when its event is accepted: a reload cannot change it.
import { causeFingerprint } from '../../events/cause.ts'
import type { FluxEvent, ObjectRef } from '../../events/flux.ts'
import { redact, redactNote } from '../../events/redaction.ts'
import type { Severity } from '../../events/severity.ts'
import { clean, oneLine } from '../../legible.ts'
import type { Failure } from '../../objects/memory.ts'
import type { Advance, Ending, Transition } from '../../objects.ts'
import type { Links } from '../links/links.ts'
import { maxMessage, maxSummary } from '../slack/limits.ts'
import { cut, cutMiddle, linkTarget, utc } from '../slack/mrkdwn.ts'
import type { Custom } from '../template/template.ts'
import type { RolloutView } from './rollout-standing.ts'
import { readSaid, type Said } from './said.ts'

/**
 * Clean, bounded, unescaped texts; escaping belongs to the form of the destination. Kept as JSON in the database, its gist only
 * where that is not the one of its message: ask {@link saidIn}.
 */
export interface View extends Partial<Said> {
  says: Transition
  severity: Severity
  object: ObjectRef
  reason: string
  /** What Flux said. */
  message: string
  /** Fingerprint of the failure without the object's own name: equal causes share a line in a digest. */
  cause: string
  controller: string
  /** Short, with the commit's page where links are configured. */
  revision?: { text: string; url?: string }
  /** The last good revision, where it is another; the url compares the two. */
  previous?: { text: string; url?: string }
  /** The subject of the commit that the revision is, where it is known. */
  subject?: string
  /** The object's page. */
  url?: string
  /** Other pages, by their names. */
  pages?: readonly { name: string; url: string }[]
  /** The `summary` of its metadata, which an Alert gives it. */
  about?: string
  /** The other metadata that the config shows. */
  facts?: readonly { name: string; value: string }[]
  mention?: string
  /** Said beside the facts of a recovery. */
  note?: string
  /** When it happened, in ms. */
  at: number
  /** The failure it is about, or that is over: its latest event, how it began, since when, and how many events. */
  failure?: {
    severity?: Severity
    reason: string
    text: string
    began?: { reason: string; text: string }
    since: number
    count: number
    /** Who has taken it on, since when, in ms. */
    acknowledged?: { by: string; at: number }
  }
  /** With `recovered`: how, where the object is not Ready again. */
  ending?: Exclude<Ending, 'ready'>
  /** With `recovered`: its revision is another than the one that failed. */
  isFix?: true
  /** With `recovered`: the event that ended it brought something new, of which nobody is notified apart. */
  isUpdate?: true
  /** With `changed`: the reason it failed for until now. */
  wasReason?: string
  /** With `changed`: until now that was a warning, and it fails only now. */
  wasWarning?: true
  /** With `repeated`: when the next reminder may come, in ms from now. */
  nextReminderMs?: number
  /** What its rule's template makes of it, as mrkdwn. */
  custom?: Custom
  /** What the relay says of itself, as mrkdwn. */
  own?: Own
  /** It is about the rollout of a revision, and not about an object. */
  rollout?: RolloutView
}

/** A sentence, what it means, facts, and a page of the dashboard that shows more. */
export interface Own {
  line: string
  why?: string
  facts?: readonly string[]
  page?: { path: string; label: string }
}

/** Who says what the relay says of itself. */
export const ownController = 'flux-relay'

/** Whether it is what the relay says of itself: no event is without a cluster. */
export function isOwn({ controller, object }: View): boolean {
  return controller === ownController && object.cluster === ''
}

/** Whether it says something of an incident: how it goes on, or that it is over. */
export function isOfIncident({ says, failure }: View): boolean {
  const isOf = says === 'failed' || says === 'changed' || says === 'repeated' || says === 'recovered'
  return isOf && failure !== undefined
}

/** What the config, or an earlier event, has to show beside the event. */
export interface Shown {
  links: Links
  /** Keys of its metadata. */
  show?: readonly string[]
  /** The subject of the commit that is its revision. */
  subject?: string | undefined
}

/** The view of `event` for one recipient. */
export function createView(
  event: FluxEvent,
  { memory, before, ended, aside, previousRevision, overAt }: Advance,
  { says, mention, nextReminderMs }: { says: Transition; mention: string | undefined; nextReminderMs?: number },
  { links, show = [], subject }: Shown
): View {
  const message = shown(event.message)
  // What decides nothing of a failure is not about it.
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
    ...(says === 'recovered' && ended && ended.how !== 'ready' && { ending: ended.how }),
    ...(says === 'recovered' && ended?.how === 'ready' && isFix(event, failure) && { isFix: true }),
    ...(says === 'recovered' && isUpdate(ended) && { isUpdate: true }),
    ...(says === 'changed' && before && { wasReason: reasonOf(before.reason) }),
    ...(says === 'changed' && before?.severity === 'warn' && event.severity === 'error' && { wasWarning: true }),
    ...(nextReminderMs !== undefined && { nextReminderMs })
  }
}

/** What is said where that is not the gist of the message that is kept: because it came late, or is too long to be kept whole. */
function givenIn(
  { object, reason, at }: FluxEvent,
  message: string,
  overAt: number | undefined
): Pick<View, 'summary' | 'notReady' | 'log'> {
  if (overAt === undefined && message.length <= maxMessage) return {}
  const { summary, ...rest } = readSaid({ object, reason, message })
  return { ...rest, summary: cut(late(at, overAt) + summary, maxSummary) }
}

/** Nobody must think that a failure that came late goes on. */
function late(at: number, overAt: number | undefined): string {
  if (overAt === undefined) return ''
  return `reported late: it failed at ${clockTime(at)}, which was over by ${clockTime(overAt)} UTC: `
}

const maxSubject = 100
const maxValue = 100

/** The Alert's summary, and what the config shows besides. */
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

/** A name, reason or revision, on one line: 253 characters is the longest name Kubernetes has, and more is no use to a reader. */
export function short(text: string): string {
  return cut(clean(text).replaceAll('\n', ' '), 253)
}

// The message of an event is most often the text of the failure that it begins.
let latest = { text: '', shown: '' }

/** What a controller said, as people may see it. */
function shown(text: string): string {
  if (latest.text !== text) latest = { text, shown: redact(clean(text)) }
  return latest.shown
}

/** The reason and the text of a failure, as people may see them. */
export function saidOf({ reason, text }: { reason: string; text: string }): { reason: string; text: string } {
  return { reason: reasonOf(reason), text: cut(shown(text), maxSummary) }
}

/** That somebody has taken a failure on, as far as a message says it. */
export function takenOn(by: Failure['acknowledged']): { acknowledged?: { by: string; at: number } } {
  return by === undefined ? {} : { acknowledged: { by: short(by.by), at: by.at } }
}

/** Whether another revision ended the failure. Where that of the failure is not known, nobody can say. */
function isFix({ revision }: FluxEvent, failure: Failure | undefined): boolean {
  return (
    revision !== undefined && failure !== undefined && failure.revision !== '' && failure.revision !== revision.text
  )
}

/** Whether a failure ended with something new, as far as nobody is notified of that apart. */
function isUpdate(ended: Advance['ended']): boolean {
  return ended?.names !== undefined || (ended?.beneath === 'updated' && ended.how !== 'corrected')
}

// Before Flux 2.2 controllers often gave the severity as the reason.
function reasonOf(reason: string): string {
  return reason === 'error' || reason === 'info' ? '' : short(reason)
}
