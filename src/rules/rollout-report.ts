// Rollout reports: decide what an event says about the rollout of a revision: its object is on its way, has applied it, or fails.
// Pure.
import { bearingOf, hasHeartbeats } from '../events/bearing.ts'
import type { FluxEvent } from '../events/flux.ts'
import type { Advance } from '../objects.ts'
import { isOfChart } from './group.ts'
import { addressesOf, type Quiet } from './notify.ts'
import type { Owned } from './owners.ts'
import type { Rollouts } from './rollout.ts'
import type { Rule } from './rule.ts'

/** `coming`: the object has begun with its revision, or waits for another object; `gone`: it counts no longer. */
export type Stage = 'coming' | 'applied' | 'failing' | 'gone'

export interface Reported {
  is: Stage
  /** The revision that is rolled out; empty for a chart, whose version belongs to no commit. */
  revision: string
  /** True if the object comes to this revision and has not had it before: only that begins a rollout. */
  isMove: boolean
  /** True if the object reports each revision that it has, even one that changed nothing. */
  saysEach: boolean
  /** Key of the source that the object follows, if its events tell. */
  follows?: string
}

/** Only the end of a longer revision is kept, which tells it apart. */
const maxRevision = 300

// These kinds fetch or write what is rolled out, and apply nothing.
const appliesNothing =
  /^(GitRepository|OCIRepository|Bucket|HelmRepository|HelmChart|ExternalArtifact|ArtifactGenerator|Image\w+|Alert|Provider|Receiver)$/

/** Returns what `event` says about the rollout of its revision, or a text that says why it says nothing. */
export function reportedBy(event: FluxEvent, advance: Advance): Reported | string {
  const { object, reason } = event
  if (appliesNothing.test(object.kind)) return `a ${object.kind} applies nothing: what is made of it counts`
  if (advance.aside !== undefined) return 'it says nothing of the state of its object'
  const is = stepOf(event, advance)
  if (is === undefined) return 'it says nothing of a rollout'
  const follows = advance.memory.follows !== undefined && { follows: advance.memory.follows }
  if (isOfChart(object.kind)) {
    const isOfRelease = is === 'failing' ? /^(Install|Upgrade)/.test(reason) : !/^(Test|Drift)/.test(reason)
    const isMove = isOfRelease && is !== 'gone' && advance.transition !== 'repeated'
    return { is, revision: '', isMove, saysEach: false, ...follows }
  }
  const revision = event.revision?.text.slice(-maxRevision) ?? ''
  const saysEach = is === 'applied' && reason === 'ReconciliationSucceeded' && hasHeartbeats(object.kind)
  return { is, revision, isMove: is !== 'gone' && isMove(event, advance), saysEach, ...follows }
}

function stepOf(event: FluxEvent, { transition, memory }: Advance): Stage | undefined {
  const bearing = bearingOf(event)
  switch (bearing.is) {
    case 'gone':
      return 'gone'
    case 'success': {
      // Progressing is the last step before Ready, and some versions of Flux let nothing later through.
      const isLast = bearing.isUpdate || transition === 'recovered' || event.reason === 'Progressing'
      return bearing.isReady && isLast ? 'applied' : undefined
    }
    case 'failure':
      if (memory.failure?.severity === 'error') return 'failing'
      return /^(DependencyNotReady|HealthCheckCanceled)$/.test(event.reason) ? 'coming' : undefined
    case 'news':
      return event.reason === 'Progressing' ? 'coming' : undefined
    case 'remark':
      return undefined
  }
}

function isMove({ revision }: FluxEvent, { transition, previousRevision, before, memory }: Advance): boolean {
  if (revision === undefined || transition === 'heartbeat') return false
  // An object that already failed at this revision does not move to it now.
  const failed = before ?? (transition === 'informed' ? memory.failure : undefined)
  return revision.text !== previousRevision && revision.text !== failed?.revision
}

/** The report of an event about a rollout, for one destination. */
export interface ReportTo extends Reported {
  rule: string
  destination: string
  rollouts: Rollouts
}

/**
 * Returns what `event` says about rollouts to the destinations of the rules that fired, and for each the reason why it is no
 * message of its own. A muted object is neither counted nor waited for.
 */
export function reportsOf(
  event: FluxEvent,
  advance: Advance,
  {
    fired,
    owned,
    isMuted,
    isKnown
  }: { fired: readonly Rule[]; owned: Owned | undefined; isMuted: boolean; isKnown: boolean }
): { reports: ReportTo[]; quiet: Quiet[] } {
  const rules = fired.filter(({ rollouts }) => rollouts !== undefined)
  if (rules.length === 0) return { reports: [], quiet: [] }
  const isOld = advance.transition === 'heartbeat' && isKnown
  const said = isOld ? 'a heartbeat: nothing new' : reportedBy(event, advance)
  const reports: ReportTo[] = []
  const quiet: Quiet[] = []
  for (const rule of rules) {
    for (const { destination } of addressesOf(rule, owned)) {
      const to = { rule: rule.name, destination }
      if (typeof said === 'string') quiet.push({ ...to, because: said })
      else if (isMuted) {
        if (said.isMove)
          reports.push({ ...said, ...to, is: 'gone', isMove: false, rollouts: rule.rollouts as Rollouts })
      } else {
        quiet.push({ ...to, because: sayCounted(event, said) })
        reports.push({ ...said, ...to, rollouts: rule.rollouts as Rollouts })
      }
    }
  }
  return { reports, quiet }
}

function sayCounted({ revision }: FluxEvent, { is, revision: key }: Reported): string {
  const what = { coming: 'on its way', applied: 'applied', failing: 'failing', gone: 'gone' }[is]
  const where =
    key === '' || revision === undefined ? 'what is rolled out in its cluster' : `the rollout of ${revision.short}`
  return `counted as ${what} in ${where}`
}
