// What the relay remembers of a Flux object, and what each event does to it. Pure: memory and event in, both out.
import { fingerprint } from './events/fingerprint.ts'
import type { FluxEvent, ObjectRef } from './events/flux.ts'
import type { Severity } from './events/severity.ts'
import { longestRetryMs } from './events/time.ts'

export type Transition = 'failed' | 'changed' | 'repeated' | 'recovered' | 'updated' | 'informed' | 'heartbeat'

/** A failure from its first event to its end. */
export interface Failure {
  severity: Severity
  /** Of the latest failing event, as the revision is. */
  reason: string
  revision: string
  /** The first line of the first failing event. */
  text: string
  /** ms */
  since: number
  count: number
  /** Fingerprints seen during this failure, newest first: one that comes back is a repetition, not a change. */
  prints: readonly string[]
}

/** A rule and destination that heard of the current failure. */
export interface Told {
  rule: string
  destination: string
  /** When it last heard, in ms. */
  at: number
  reminders: number
  /** It was muted, and has heard nothing yet. */
  isHeld?: true
}

export interface ObjectMemory {
  /** The failure it is in; absent while it is healthy. */
  failure?: Failure
  /** When the present state began, in ms. */
  since: number
  /** The time of the newest event that decided the state, in ms: an older one never does. */
  decidedAt: number
  /** The revision last applied with success; empty where none is known. */
  revision: string
  /** The fingerprint of the last warning that did not decide the state. */
  remark?: string
  told: readonly Told[]
  /** Of the object that this is remembered of, where its events say it. */
  uid?: string
  /** What is remembered of others with the same name, the latest first: see objects/twins.ts. */
  others?: readonly ObjectMemory[]
  /** Several of them exist at a time: two clusters look like one. */
  isShared?: true
}

export interface Advance {
  memory: ObjectMemory
  transition: Transition
  /** The failure the object was in before this event. */
  before?: Failure
  /** With `recovered`: who heard of the failure that is over, and what the event would have been without it. */
  ended?: { told: readonly Told[]; beneath: 'updated' | 'heartbeat' }
  /** The last good revision before this event. */
  previousRevision: string
  /** Set where the event decides nothing of the state: it is older than what is known, or a harmless warning. */
  aside?: 'late' | 'remark'
  /** Of a failure that came late: when the object is known to have worked since, in ms. */
  readyAt?: number
}

/** After this long without a failing event nobody can say whether the object still fails. */
export const staleAfterMs = 24 * 60 * 60 * 1000

const rememberedPrints = 8

/** Whether the object works, fails, or was failing when it was last heard of. */
export function stateOf(memory: ObjectMemory, now: number): 'healthy' | 'failing' | 'stale' {
  if (memory.failure === undefined) return 'healthy'
  return now - memory.decidedAt > staleAfterMs ? 'stale' : 'failing'
}

/** What `event` does to an object of which `memory` is known. `now` in ms. */
export function advance(memory: ObjectMemory | undefined, event: FluxEvent, now: number): Advance {
  // A cluster whose clock is ahead would make every later event look old.
  const at = Math.min(event.at, now)
  const known = notAhead(memory, now) ?? { since: at, decidedAt: 0, revision: '', told: [] }
  switch (bearingOf(event)) {
    case 'failure':
      return fail(known, event, at, now)
    case 'success':
      return succeed(known, event, at, memory === undefined)
    case 'remark':
      return remark(known, event)
    case 'news':
      return stay(known, 'informed')
  }
}

/** Decided by a clock that has been set back since: what comes now is later all the same. */
function notAhead(memory: ObjectMemory | undefined, now: number): ObjectMemory | undefined {
  return memory === undefined || memory.decidedAt <= now ? memory : { ...memory, decidedAt: now }
}

/** The name an object is remembered by. */
export function objectKey({ cluster, kind, namespace, name }: ObjectRef): string {
  return [cluster, kind, namespace, name].join('/')
}

/** The object of a key. A cluster's name may hold a slash; what Kubernetes names may not. */
export function objectOf(key: string): ObjectRef {
  const parts = key.split('/')
  const [kind = '', namespace = '', name = ''] = parts.slice(-3)
  return { cluster: parts.slice(0, -3).join('/'), kind, namespace, name }
}

/** The memory without `rule` and `destination`: what they were told of the failure never arrived. */
export function forget(memory: ObjectMemory, rule: string, destination: string): ObjectMemory {
  return { ...memory, told: memory.told.filter((entry) => entry.rule !== rule || entry.destination !== destination) }
}

/** The memory after `destination` was told of what was muted: from now on it has heard. */
export function hear(memory: ObjectMemory, destination: string, now: number): ObjectMemory {
  return {
    ...memory,
    told: memory.told.map((entry) => {
      if (entry.destination !== destination || !entry.isHeld) return entry
      const { isHeld: _, ...rest } = entry
      return { ...rest, at: now }
    })
  }
}

/**
 * The opposite: what they were told of the failure that began at `since` is to arrive after all, so that they hear of its
 * end. Nothing changes where that failure is over, or they have heard of it meanwhile. `now` in ms.
 */
export function remember(
  memory: ObjectMemory,
  { rule, destination, since }: { rule: string; destination: string; since: number | undefined },
  now: number
): ObjectMemory {
  if (memory.failure === undefined || memory.failure.since !== since) return memory
  if (memory.told.some((entry) => entry.rule === rule && entry.destination === destination)) return memory
  return { ...memory, told: [...memory.told, { rule, destination, at: now, reminders: 0 }] }
}

function fail(known: ObjectMemory, event: FluxEvent, stampedAt: number, now: number): Advance {
  const { failure } = known
  const isOlder = stampedAt < known.decidedAt && failure === undefined
  // It was tried again for a while: the object has worked since. Notified as that, because nobody knows of it yet.
  if (isOlder && now - stampedAt <= longestRetryMs) {
    return { ...stay(known, 'informed'), aside: 'late', readyAt: known.decidedAt }
  }
  // Nothing is tried for so long: its clock is behind, and a failure is believed where a success would not be.
  const at = isOlder ? now : stampedAt
  // A remediation that worked, or a warning, does not make an error less of one.
  if (failure?.severity === 'error' && event.severity === 'warn') return remark(known, event)

  const print = fingerprint(event.reason, event.revision?.text ?? '', event.message)
  const decidedAt = Math.max(at, known.decidedAt)
  if (failure === undefined) {
    const started: Failure = {
      severity: event.severity,
      reason: event.reason,
      revision: event.revision?.text ?? '',
      text: firstLine(event.message),
      since: at,
      count: 1,
      prints: [print]
    }
    return stay({ ...known, failure: started, since: at, decidedAt, told: [] }, 'failed')
  }
  const isKnown = failure.prints.includes(print)
  const worse: Failure = {
    ...failure,
    severity: event.severity,
    reason: event.reason,
    revision: event.revision?.text ?? '',
    count: failure.count + 1,
    prints: [print, ...failure.prints.filter((other) => other !== print)].slice(0, rememberedPrints)
  }
  return { ...stay({ ...known, failure: worse, decidedAt }, isKnown ? 'repeated' : 'changed'), before: failure }
}

function succeed(known: ObjectMemory, event: FluxEvent, at: number, isFirst: boolean): Advance {
  const revision = event.revision?.text || known.revision
  // The first heartbeat of an object says nothing new to anyone, or every restart of a fresh relay would be a flood.
  const isNew = event.isHeartbeat ? !isFirst && known.revision !== '' && revision !== known.revision : true
  const beneath = isNew ? 'updated' : 'heartbeat'
  const { failure } = known
  if (failure === undefined) {
    if (at < known.decidedAt) return { ...stay(known, event.isHeartbeat ? 'heartbeat' : 'informed'), aside: 'late' }
    return { ...stay({ ...known, revision, decidedAt: at }, beneath), previousRevision: known.revision }
  }
  // Flux's timestamps are whole seconds: in the second of a failure nobody can tell what came last, so the failure stands.
  if (at <= known.decidedAt) return { ...stay(known, event.isHeartbeat ? 'heartbeat' : 'informed'), aside: 'late' }
  if (!ends(failure, event)) return stay(known, 'informed')
  const { failure: _, remark: __, ...rest } = known
  return {
    memory: { ...rest, since: at, decidedAt: at, revision, told: [] },
    transition: 'recovered',
    before: failure,
    ended: { told: known.told, beneath },
    previousRevision: known.revision
  }
}

/** A warning that leaves the state as it is: told once, then a repetition until another comes. */
function remark(known: ObjectMemory, event: FluxEvent): Advance {
  const print = fingerprint(event.reason, '', event.message)
  const isKnown = known.remark === print
  return { ...stay({ ...known, remark: print }, isKnown ? 'repeated' : 'informed'), aside: 'remark' }
}

function stay(memory: ObjectMemory, transition: Transition): Advance {
  return { memory, transition, previousRevision: memory.revision }
}

function firstLine(text: string): string {
  return text.trimStart().split('\n', 1)[0]?.slice(0, 300).toWellFormed() ?? ''
}

// The release is fine (see events/severity.ts): they say nothing of its state, however severe they are made.
const harmless = new Set(['NamespaceCheckSkipped', 'InventoryBuildFailed'])

const sources = new Set(['GitRepository', 'OCIRepository', 'Bucket', 'HelmRepository', 'HelmChart', 'ExternalArtifact'])

type Bearing = 'failure' | 'success' | 'remark' | 'news'

/** What an event says of its object's state, by kind, from what each controller emits. */
function bearingOf(event: FluxEvent): Bearing {
  const { kind } = event.object
  if (event.severity !== 'info') return harmless.has(event.reason) ? 'remark' : 'failure'
  if (event.isHeartbeat) return 'success'
  return isSuccess(kind, event.reason, event.message) ? 'success' : 'news'
}

function isSuccess(kind: string, reason: string, message: string): boolean {
  // Before Flux 2.2 the reason was often just the severity, and the message the only sign.
  const isOld = reason === 'info' || reason === ''
  if (kind === 'Kustomization') return reason === 'ReconciliationSucceeded'
  if (kind === 'HelmRelease') {
    // Never RollbackSucceeded or UninstallSucceeded: after a remediation the release is still not ready.
    return (
      /^(InstallSucceeded|UpgradeSucceeded|TestSucceeded|DriftCorrected)$/.test(reason) ||
      (isOld && /^(Helm (install|upgrade)|Release reconciliation) succeeded/.test(message))
    )
  }
  if (sources.has(kind)) {
    return /^(NewArtifact|Succeeded|Chart\w*Succeeded)$/.test(reason) || (isOld && /^(stored|fetched)/i.test(message))
  }
  if (kind.startsWith('Image')) return reason === 'Succeeded'
  // ResourceSet, FluxInstance, Terraform, ArtifactGenerator and whatever comes.
  return /(Succeed(ed)?|Ready)$/.test(reason) && !/^Dependency|Rollback|Uninstall/.test(reason)
}

/** Whether a success is the end of this failure: passed tests say nothing of a failed upgrade. */
function ends(failure: Failure, event: FluxEvent): boolean {
  if (event.reason === 'TestSucceeded') return failure.reason === 'TestFailed'
  if (event.reason === 'DriftCorrected') return failure.reason.startsWith('Drift')
  return true
}
