// Proof events: fail, change, recover and update objects, with bodies as Flux would post them. Two sources have objects of the
// same names, and their clocks get set.
import type { Dice } from './dice.ts'

export interface ProofEvent {
  serial: number
  source: 'default' | 'signed'
  namespace: string
  name: string
  /** The body of the request. */
  body: string
}

interface Subject {
  source: 'default' | 'signed'
  namespace: string
  name: string
  /** Index of the text that it fails with; undefined while it is well. */
  failing: number | undefined
  revision: number
}

const dayMs = 86_400_000

const namespaces = ['team-a', 'team-b', 'quiet', 'apps']
const texts = [
  'kustomize build failed: accumulating resources: no such file or directory',
  'health check failed after 1m30s: timeout waiting for: [Deployment/apps/shop status: InProgress]',
  'apply failed: <!channel> admission webhook "deny & <b>deny</b>" denied the request',
  'Source artifact not found, retrying in 30s\n'.repeat(20)
]

/** Creates the events of sender `share` of `shares`. Each object belongs to one sender, so that its events have an order. */
export function createEvents(dice: Dice, share: number, shares: number): () => ProofEvent {
  const subjects: Subject[] = Array.from({ length: 12 }, (_, n) => subjectOf(`obj-${share}-${n >> 1}`, n))
  const aheadMs = { default: 0, signed: 0 }
  let serial = share
  return () => {
    serial += shares
    // One event in three is about a new object, which every message sent for it has to name.
    const isNew = dice.chance(0.33)
    const subject = isNew ? subjectOf(`new-${serial}`, serial) : dice.pick(subjects)
    if (dice.chance(0.005)) aheadMs[subject.source] = dice.chance(0.5) ? 0 : dice.below(2 * 40 * dayMs) - 40 * dayMs
    return eventOf(subject, serial, dice, { isNew, at: Date.now() + aheadMs[subject.source] })
  }
}

function subjectOf(name: string, n: number): Subject {
  const source = n % 2 === 0 ? 'signed' : 'default'
  const namespace = namespaces[(n >> 1) % namespaces.length] ?? ''
  return { source, namespace, name: `${name}-x`, failing: undefined, revision: n }
}

function eventOf(
  subject: Subject,
  serial: number,
  dice: Dice,
  { isNew, at }: { isNew: boolean; at: number }
): ProofEvent {
  const wasFailing = subject.failing !== undefined
  const fails = isNew || dice.chance(wasFailing ? 0.5 : 0.6)
  if (fails && (subject.failing === undefined || dice.chance(0.5))) subject.failing = dice.below(texts.length)
  if (!fails) subject.failing = undefined
  const isHeartbeat = !fails && dice.chance(0.3)
  if (!fails && !isHeartbeat) subject.revision += 1
  const { source, namespace, name, revision } = subject
  const body = JSON.stringify({
    involvedObject: { kind: 'Kustomization', namespace, name, uid: name, apiVersion: 'kustomize.toolkit.fluxcd.io/v1' },
    severity: fails ? 'error' : 'info',
    // In whole seconds, as Flux writes it.
    timestamp: new Date(Math.floor(at / 1000) * 1000).toISOString(),
    message: fails ? texts[subject.failing ?? 0] : 'Reconciliation finished in 712.4ms, next run in 10m0s',
    reason: fails ? ['BuildFailed', 'HealthCheckFailed'][(subject.failing ?? 0) % 2] : 'ReconciliationSucceeded',
    metadata: {
      serial: String(serial),
      revision: `main@sha1:${String(revision % 50).padStart(40, '0')}`,
      ...(isHeartbeat && { commit_status: 'update' })
    },
    reportingController: 'kustomize-controller'
  })
  return { serial, source, namespace, name, body }
}
