// Decide: turns an event and the memory of its object into everything that follows. Pure; intake and rehearsals share it.
import type { Config } from './config/config.ts'
import { hasHeartbeats } from './events/bearing.ts'
import type { FluxEvent, Origin } from './events/flux.ts'
import { believe } from './events/time.ts'
import { type Muting, mutingOf } from './mutes/mutes.ts'
import { following } from './objects/follows.ts'
import type { ObjectMemory } from './objects/memory.ts'
import { advanceTwin, worstFirst } from './objects/twins.ts'
import type { Advance } from './objects.ts'
import { dress } from './render/compose/fill-template.ts'
import { saidIn } from './render/compose/said.ts'
import { createView } from './render/compose/view.ts'
import type { Held } from './rules/lasting.ts'
import { type Recipient, recipientsOf } from './rules/notify.ts'
import { ownerOf } from './rules/owners.ts'
import { type ReportTo, reportsOf } from './rules/rollout-report.ts'
import { match } from './rules/rules.ts'
import type { Arrival, Decision, NewNotification, RolloutReport } from './store/kept.ts'

/** How long a rollout's card waits for more reports after the first, in ms. */
const firstCardMs = 5000

/** The origin of an event that is posted to `source`. */
export function originOf({ sources, cluster, speakers }: Config, source: string): Origin {
  return { source, cluster: sources.get(source)?.cluster, defaultCluster: cluster, speakers }
}

/** Looks up the subject of the commit that an event is about; undefined if it is not known. */
export type SubjectOf = (event: FluxEvent) => string | undefined

/** An event, and what its messages are made of. */
interface About {
  event: FluxEvent
  advanced: Advance
  config: Config
  /** The subject of the event's commit, if it is known. */
  subject: string | undefined
}

/**
 * Decides everything that is to be written for an event. `known` is the memory of its object, `held` are the notifications about the
 * object that wait to see whether a failure lasts; `now` is in ms. Pure.
 */
export function decide(
  arrival: Arrival,
  known: ObjectMemory | undefined,
  config: Config,
  now: number,
  held: readonly Held[] = [],
  subjectOf: SubjectOf = () => undefined
): Decision {
  const { receivedAt, behindMs } = arrival
  const event = { ...arrival.event, at: believe(arrival.event.at, receivedAt, behindMs) }
  const advanced = following(advanceTwin(known, event, receivedAt), event)
  const { transition } = advanced
  const { fired, verdicts } = match({ event, transition }, config.rules)
  const muting = mutingOf(config.mutes, { event, transition }, now)
  const isMuted = muting !== undefined
  const owned = fired.some(({ isToOwner }) => isToOwner)
    ? ownerOf({ event, transition }, config.owners, (name) => whyShut(name, advanced, config))
    : undefined
  const to = { fired, owned, rules: config.rules.byName, held }
  const { recipients, quiet, notified, releases, passed } = recipientsOf(advanced, to, now, isMuted)
  const named = namedIn(advanced, recipients)
  const isSame = notified === advanced.memory.notified && named === undefined
  const memory = worstFirst(isSame ? advanced.memory : { ...advanced.memory, notified, ...(named && { named }) })
  const { reports, quiet: counted } = reportsOf(event, advanced, { ...to, isMuted, isKnown: known !== undefined })
  const subject = recipients.length + reports.length > 0 ? subjectOf(event) : undefined
  const about = { event, advanced, config, subject }
  const formed = recipients.flatMap((recipient) => notificationFor(recipient, about, muting))
  const unformed = formed.flatMap(({ unformed }) => unformed ?? [])
  const acknowledged = advanced.memory.failure?.acknowledged
  return {
    transition,
    memory,
    notifications: formed.map(({ notification }) => notification),
    trace: {
      verdicts,
      quiet: counted.length > 0 ? [...quiet, ...counted] : quiet,
      ...(owned && { owner: owned }),
      ...(unformed.length > 0 && { unformed }),
      ...(acknowledged && { acknowledged })
    },
    keep: transition !== 'heartbeat' || formed.length > 0,
    ...(releases.length > 0 && { releases }),
    ...(passed.length > 0 && { passed }),
    ...(advanced.isTwin && { isTwin: true }),
    ...(reports.length > 0 && { reports: reports.flatMap((report) => reportTo(report, about)) })
  }
}

/** The notification for `recipient`, with the reason if its template could not be filled in; none for an unknown destination. */
function notificationFor(
  recipient: Recipient,
  { event, advanced, config, subject }: About,
  muting: Muting | undefined
): { notification: NewNotification; unformed?: { rule: string; template: string; because: string } }[] {
  const { rule, destination, grouping, heldUntil } = recipient
  const place = config.destinations.get(destination)
  if (place === undefined) return []
  const { links, show } = config
  const plain = createView(event, advanced, recipient, { links, show, subject })
  const template = config.templates.get(config.rules.byName.get(rule)?.template ?? '')
  const occasion = { event, previousRevision: advanced.previousRevision, rule, destination }
  const { view, because } = template === undefined ? { view: plain } : dress(plain, template, occasion)
  const notification = {
    ...{ rule, destination, lane: place.lane, view },
    ...(grouping && { group: { key: grouping.keyOf(event), waitMs: grouping.waitMs } }),
    ...(heldUntil !== undefined && { heldUntil }),
    // For a held notification, mutes are asked once its failure has lasted.
    ...(muting && heldUntil === undefined && { muting })
  }
  if (template === undefined || because === undefined) return [{ notification }]
  return [{ notification, unformed: { rule, template: template.name, because } }]
}

/** Completes a report with the name of its revision and what a message needs of the event; none for an unknown destination. */
function reportTo(
  { rollouts: { settleMs, isPerCluster, isAbout }, ...report }: ReportTo,
  about: About
): RolloutReport[] {
  const { event, advanced, config } = about
  const { rule, destination, revision: key, is } = report
  const place = config.destinations.get(destination)
  if (place === undefined) return []
  const saying = { says: 'updated', mention: undefined } as const
  const view = createView(event, advanced, saying, { links: config.links, subject: about.subject })
  const { revision, previous, subject, object } = view
  const cluster = isPerCluster ? object.cluster : ''
  return [
    {
      ...report,
      scope: JSON.stringify([rule, destination, cluster]),
      head: {
        cluster,
        ...(key !== '' && revision && { revision }),
        ...(key !== '' && previous && { previous }),
        ...(key !== '' && subject && { subject })
      },
      said: is === 'failing' ? saidIn(view).summary : key === '' && is === 'applied' ? (revision?.text ?? '') : '',
      previous: key === '' ? '' : advanced.previousRevision,
      // If the rule sends to the owner, only another object's own events can say to whom that object belongs.
      isAbout:
        hasHeartbeats(event.object.kind) && config.rules.byName.get(rule)?.isToOwner === false ? isAbout : undefined,
      settleMs,
      ...(place.slack?.style === 'cards' && { firstMs: firstCardMs })
    }
  ]
}

/** Why Slack does not take a channel. A failure stays where it began: a channel that was notified of it is never shut to it. */
function whyShut(name: string, { memory, ended }: Advance, { destinations }: Config): string | undefined {
  const before = [...memory.notified, ...(ended?.notified ?? [])]
  return before.some(({ destination }) => destination === name) ? undefined : destinations.whyShut(name)
}

/** The destinations that read of a revision in a message about the end of a failure, before the last step announces it. */
function namedIn({ ended }: Advance, recipients: readonly Recipient[]): ObjectMemory['named'] {
  if (ended?.names === undefined) return undefined
  const to = recipients.flatMap(({ says, destination }) => (says === 'recovered' ? [destination] : []))
  return { revision: ended.names, to }
}
