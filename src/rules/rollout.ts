// Rollouts: decide what an event says of the rollout of a revision: its object is on its way, has applied it, or fails. Pure.
import { Type } from 'typebox'
import { bearingOf, hasHeartbeats } from '../events/bearing.ts'
import type { FluxEvent } from '../events/flux.ts'
import type { Advance } from '../objects.ts'
import { isOfChart } from './group.ts'

/** How a rule makes messages of rollouts. */
export interface Rollouts {
  /** A rollout without news for so long is over, in ms. */
  settleMs: number
  /** One message for each cluster, or one for all that have the revision. */
  isPerCluster: boolean
}

export const byNames = ['cluster', 'revision'] as const

export const RolloutBy = Type.Array(Type.Enum([...byNames]), { minItems: 1, uniqueItems: true })

/** `coming`: its revision was begun with, or it waits for another; `gone`: it counts no longer. */
export type Stage = 'coming' | 'applied' | 'failing' | 'gone'

export interface Reported {
  is: Stage
  /** What it is the rollout of; empty for a chart, whose version is of no commit. */
  revision: string
  /** The object comes to this revision, and has not had it before: only that begins a rollout. */
  isMove: boolean
  /** It says of each revision that it has it, also where nothing changed by it. */
  saysEach: boolean
}

/** Longer revisions are told apart by their ends. */
const maxRevision = 300

// They fetch or write what is rolled out, and apply nothing.
const appliesNothing =
  /^(GitRepository|OCIRepository|Bucket|HelmRepository|HelmChart|ExternalArtifact|ArtifactGenerator|Image\w+|Alert|Provider|Receiver)$/

/** What `event` says of the rollout of its revision; a text says why it says nothing. */
export function reportedBy(event: FluxEvent, advance: Advance): Reported | string {
  const { object, reason } = event
  if (appliesNothing.test(object.kind)) return `a ${object.kind} applies nothing: what is made of it counts`
  if (advance.aside !== undefined) return 'it says nothing of the state of its object'
  const is = stepOf(event, advance)
  if (is === undefined) return 'it says nothing of a rollout'
  if (isOfChart(object.kind)) {
    const isOfRelease = is === 'failing' ? /^(Install|Upgrade)/.test(reason) : !/^(Test|Drift)/.test(reason)
    const isMove = isOfRelease && is !== 'gone' && advance.transition !== 'repeated'
    return { is, revision: '', isMove, saysEach: false }
  }
  const revision = event.revision?.text.slice(-maxRevision) ?? ''
  const saysEach = is === 'applied' && reason === 'ReconciliationSucceeded' && hasHeartbeats(object.kind)
  return { is, revision, isMove: is !== 'gone' && isMove(event, advance), saysEach }
}

function stepOf(event: FluxEvent, { transition, memory }: Advance): Stage | undefined {
  const bearing = bearingOf(event)
  switch (bearing.is) {
    case 'gone':
      return 'gone'
    case 'success': {
      // The last step before Ready; some versions of Flux let nothing later through.
      const isLast = bearing.isUpdate || transition === 'recovered' || event.reason === 'Progressing'
      return bearing.isReady && isLast ? 'applied' : undefined
    }
    case 'failure':
      if (memory.failure?.severity === 'error') return 'failing'
      return event.reason === 'DependencyNotReady' ? 'coming' : undefined
    case 'news':
      return event.reason === 'Progressing' ? 'coming' : undefined
    case 'remark':
      return undefined
  }
}

function isMove({ revision }: FluxEvent, { transition, previousRevision, before, memory }: Advance): boolean {
  if (revision === undefined || revision.text === '' || transition === 'heartbeat') return false
  // It failed at this revision already.
  const failed = before ?? (transition === 'informed' ? memory.failure : undefined)
  return revision.text !== previousRevision && revision.text !== failed?.revision
}
