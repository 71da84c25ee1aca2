// Objects that fail, fail differently, recover and are updated, as the bytes that Flux would post.
import type { Dice } from './dice.ts'

export interface ProofEvent {
  serial: number
  source: 'default' | 'signed'
  namespace: string
  name: string
  /** The request's body. */
  body: string
}

interface Subject {
  source: 'default' | 'signed'
  namespace: string
  name: string
  /** How it fails; undefined while it is well. */
  failing: number | undefined
  revision: number
  /** Flux's timestamps are whole seconds: each of its events is two later than the last. */
  at: number
}

const namespaces = ['team-a', 'team-b', 'quiet', 'apps']
const texts = [
  'kustomize build failed: accumulating resources: no such file or directory',
  'health check failed after 1m30s: timeout waiting for: [Deployment/apps/shop status: InProgress]',
  'apply failed: <!channel> admission webhook "deny & <b>deny</b>" denied the request',
  'Source artifact not found, retrying in 30s\n'.repeat(20)
]

/** Deals events; `share` of `shares` senders, so that an object belongs to one of them and its events have an order. */
export function createEvents(dice: Dice, share: number, shares: number, now: number): () => ProofEvent {
  const subjects: Subject[] = Array.from({ length: 12 }, (_, n) => subjectOf(`obj-${share}-${n}`, n, now))
  let serial = share
  return () => {
    serial += shares
    // One in three is of an object that nobody has heard of: it has to be named wherever it is told.
    const isNew = dice.chance(0.33)
    const subject = isNew ? subjectOf(`new-${serial}`, serial, now) : dice.pick(subjects)
    return eventOf(subject, serial, dice, isNew)
  }
}

function subjectOf(name: string, n: number, now: number): Subject {
  const source = n % 3 === 0 ? 'signed' : 'default'
  const namespace = namespaces[n % namespaces.length] ?? ''
  return { source, namespace, name: `${name}-x`, failing: undefined, revision: n, at: now - 7_200_000 }
}

function eventOf(subject: Subject, serial: number, dice: Dice, isNew: boolean): ProofEvent {
  subject.at += 2000
  const wasFailing = subject.failing !== undefined
  const fails = isNew || dice.chance(wasFailing ? 0.5 : 0.6)
  if (fails && (subject.failing === undefined || dice.chance(0.5))) subject.failing = dice.below(texts.length)
  if (!fails) subject.failing = undefined
  const isHeartbeat = !fails && dice.chance(0.3)
  if (!fails && !isHeartbeat) subject.revision += 1
  const { source, namespace, name, revision, at } = subject
  const body = JSON.stringify({
    involvedObject: { kind: 'Kustomization', namespace, name, uid: name, apiVersion: 'kustomize.toolkit.fluxcd.io/v1' },
    severity: fails ? 'error' : 'info',
    timestamp: new Date(at).toISOString(),
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
