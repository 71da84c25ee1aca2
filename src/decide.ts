// Decide: turns an event and the memory of its object into everything that follows. Pure; intake and rehearsals share it.
import type { Config } from './config/config.ts'
import { hasHeartbeats } from './events/bearing.ts'
import type { FluxEvent, Origin } from './events/flux.ts'
import { believe } from './events/time.ts'
import { mutingOf } from './mutes/mutes.ts'
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

/** How long the card of a rollout waits for more than its first report, in ms. */
const firstCardMs = 5000

/** The origin of an event that is posted to `source`. */
export function originOf({ sources, cluster, speakers }: Config, source: string): Origin {
  return { source, cluster: sources.get(source)?.cluster, defaultCluster: cluster, speakers }
}

/** What the commit that an event speaks of is called, where that is known. */
export type SubjectOf = (event: FluxEvent) => string | undefined

/** Turns an event and the memory of its object into everything to write. Pure. */
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
  const { fired, verdicts } = match({ event, transition: advanced.transition }, config.rules)
  const muting = mutingOf(config.mutes, { event, transition: advanced.transition }, now)
  const owned = fired.some(({ isToOwner }) => isToOwner)
    ? ownerOf({ event, transition: advanced.transition }, config.owners, whyShut)
    : undefined
  const to = { fired, owned, rules: config.rules.byName, held }
  const { recipients, quiet, notified, releases, passed } = recipientsOf(advanced, to, now, muting !== undefined)
  const named = namedIn(advanced, recipients)
  const isSame = notified === advanced.memory.notified && named === undefined
  const memory = worstFirst(isSame ? advanced.memory : { ...advanced.memory, notified, ...(named && { named }) })
  const unformed: { rule: string; template: string; because: string }[] = []
  const shown = {
    links: config.links,
    show: config.show,
    subject: recipients.length > 0 ? subjectOf(event) : undefined
  }
  const notifications: NewNotification[] = []
  for (const recipient of recipients) {
    const { rule, destination: name, grouping } = recipient
    const destination = config.destinations.get(name)
    if (destination === undefined) continue
    const plain = createView(event, advanced, recipient, shown)
    const template = config.templates.get(config.rules.byName.get(rule)?.template ?? '')
    const occasion = { event, previousRevision: advanced.previousRevision, rule, destination: name }
    const { view, because } = template === undefined ? { view: plain } : dress(plain, template, occasion)
    if (template !== undefined && because !== undefined) unformed.push({ rule, template: template.name, because })
    const group = grouping && { key: grouping.keyOf(event), waitMs: grouping.waitMs }
    notifications.push({
      ...{ rule, destination: name, lane: destination.lane, view },
      ...(group && { group }),
      ...(recipient.heldUntil !== undefined && { heldUntil: recipient.heldUntil }),
      // For what is held, mutes are asked once it has lasted.
      ...(muting && recipient.heldUntil === undefined && { muting })
    })
  }
  const { reports, quiet: counted } = reportsOf(event, advanced, {
    ...to,
    isMuted: muting !== undefined,
    isKnown: known !== undefined
  })
  const keep = advanced.transition !== 'heartbeat' || notifications.length > 0
  const acknowledged = advanced.memory.failure?.acknowledged
  const trace = {
    verdicts,
    quiet: counted.length > 0 ? [...quiet, ...counted] : quiet,
    ...(owned && { owner: owned }),
    ...(unformed.length > 0 && { unformed }),
    ...(acknowledged && { acknowledged })
  }
  const isTwin = advanced.isTwin && { isTwin: true as const }
  const rollouts = reports.length > 0 && { reports: reports.flatMap(reportTo) }
  return {
    ...{ transition: advanced.transition, memory, notifications, trace, keep },
    ...(releases.length > 0 && { releases }),
    ...(passed.length > 0 && { passed }),
    ...isTwin,
    ...rollouts
  }

  /** With how the revision is called, and what the message needs of the event. */
  function reportTo({ rollouts: { settleMs, isPerCluster, isAbout }, ...report }: ReportTo): RolloutReport[] {
    const { rule, destination, revision: key, is } = report
    const place = config.destinations.get(destination)
    if (place === undefined) return []
    const saying = { says: 'updated', mention: undefined } as const
    const all = { links: config.links, subject: subjectOf(event) }
    const view = createView(event, advanced, saying, all)
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
        // Whose it is, another object's own events say.
        isAbout:
          hasHeartbeats(event.object.kind) && config.rules.byName.get(rule)?.isToOwner === false ? isAbout : undefined,
        settleMs,
        ...(place.slack?.style === 'cards' && { firstMs: firstCardMs })
      }
    ]
  }

  /** A failure goes on where it began: a channel that was notified of it stays its own, under that name. */
  function whyShut(name: string): string | undefined {
    const before = [...advanced.memory.notified, ...(advanced.ended?.notified ?? [])]
    return before.some(({ destination }) => destination === name) ? undefined : config.destinations.whyShut(name)
  }
}

/** Who reads of a revision with the end of a failure, before the last step says that it was applied. */
function namedIn({ ended }: Advance, recipients: readonly Recipient[]): ObjectMemory['named'] {
  if (ended?.names === undefined) return undefined
  const to = recipients.flatMap(({ says, destination }) => (says === 'recovered' ? [destination] : []))
  return { revision: ended.names, to }
}
