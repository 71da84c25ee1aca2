// View: what one notification will say, in plain text, fixed when its event is accepted: a reload cannot change it.
import { causeFingerprint } from '../../events/cause.ts'
import type { FluxEvent, ObjectRef } from '../../events/flux.ts'
import type { Severity } from '../../events/severity.ts'
import { clean } from '../../legible.ts'
import type { Advance, Ending, Failure, Transition } from '../../objects.ts'
import type { Links } from '../links/links.ts'
import { maxMessage, maxSummary } from '../slack/limits.ts'
import { cut, cutMiddle, utc } from '../slack/mrkdwn.ts'
import type { Custom } from '../template/template.ts'
import { summarise } from './summary.ts'

/**
 * Clean, bounded, unescaped texts; escaping belongs to the form of the destination. Kept as JSON in the database.
 */
export interface View {
  says: Transition
  severity: Severity
  object: ObjectRef
  reason: string
  /** The gist, one line. */
  summary: string
  /** What Flux said. */
  message: string
  /** Fingerprint of the failure without the object's own name: equal causes share a line in a digest. */
  cause: string
  controller: string
  /** Short, with the commit's page where links are configured. */
  revision?: { text: string; url?: string }
  /** The last good revision, where it is another; the url compares the two. */
  previous?: { text: string; url?: string }
  /** The object's page. */
  url?: string
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
  }
  /** With `recovered`: how, where the object is not Ready again. */
  ending?: Exclude<Ending, 'ready'>
  /** With `recovered`: its revision is another than the one that failed. */
  isFix?: true
  /** With `changed`: the reason it failed for until now. */
  wasReason?: string
  /** With `repeated`: when the next reminder may come, in ms from now. */
  nextReminderMs?: number
  /** What its rule's template makes of it, as mrkdwn. */
  custom?: Custom
}

/** Who says what the relay says of itself. */
export const ownController = 'flux-relay'

/** Whether it is what the relay says of itself: no event is without a cluster. */
export function isOwn({ controller, object }: View): boolean {
  return controller === ownController && object.cluster === ''
}

/** The view of `event` for one recipient. */
export function createView(
  event: FluxEvent,
  { memory, before, ended, aside, previousRevision, overAt }: Advance,
  { says, mention, nextReminderMs }: { says: Transition; mention: string | undefined; nextReminderMs?: number },
  links: Links
): View {
  const message = clean(event.message)
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
    summary: cut(summaryOf(event, message, overAt), maxSummary),
    message: cutMiddle(message, maxMessage),
    cause: causeFingerprint(event),
    controller: short(event.controller),
    ...(event.revision && {
      revision: { text: short(event.revision.short), ...(urls.commit && { url: urls.commit }) }
    }),
    ...(urls.previous && { previous: { ...urls.previous, text: short(urls.previous.text) } }),
    ...(urls.dashboard && { url: urls.dashboard }),
    ...(mention && { mention }),
    at: event.at,
    ...(failure && {
      failure: {
        severity: failure.severity,
        ...saidOf(failure),
        began: saidOf(failure.began),
        since: failure.since,
        count: failure.count
      }
    }),
    ...(says === 'recovered' && ended && ended.how !== 'ready' && { ending: ended.how }),
    ...(says === 'recovered' && ended?.how === 'ready' && isFix(event, failure) && { isFix: true }),
    ...(says === 'changed' && before && { wasReason: reasonOf(before.reason) }),
    ...(nextReminderMs !== undefined && { nextReminderMs })
  }
}

/** Of a failure that came late, nobody must think that it lasts. */
function summaryOf({ at }: FluxEvent, message: string, overAt: number | undefined): string {
  const summary = summarise(message)
  if (overAt === undefined) return summary
  return `reported late: it failed at ${clockTime(at)}, which was over by ${clockTime(overAt)} UTC: ${summary}`
}

function clockTime(at: number): string {
  return utc(at).slice(11, 19)
}

// 253 characters is the longest name Kubernetes has; a reason or revision longer than this is no use to a reader.
function short(text: string): string {
  return cut(clean(text).replaceAll('\n', ' '), 253)
}

function saidOf({ reason, text }: { reason: string; text: string }): { reason: string; text: string } {
  return { reason: reasonOf(reason), text: cut(clean(text), maxSummary) }
}

/** Whether another revision ended the failure. Where that of the failure is not known, nobody can say. */
function isFix({ revision }: FluxEvent, failure: Failure | undefined): boolean {
  return (
    revision !== undefined && failure !== undefined && failure.revision !== '' && failure.revision !== revision.text
  )
}

// Before Flux 2.2 controllers often gave the severity as the reason.
function reasonOf(reason: string): string {
  return reason === 'error' || reason === 'info' ? '' : short(reason)
}
