// Objects: remember each Flux object and decide what an event does to it. Pure: memory and event in, both out.
import { bearingOf, type Success } from './events/bearing.ts'
import { failureFingerprint } from './events/cause.ts'
import { fingerprint } from './events/fingerprint.ts'
import type { FluxEvent, ObjectRef } from './events/flux.ts'
import type { Severity } from './events/severity.ts'
import { longestRetryMs } from './events/time.ts'

export type Transition = 'failed' | 'changed' | 'repeated' | 'recovered' | 'updated' | 'informed' | 'heartbeat'

/**
 * How a failure ended: the object is Ready, it no longer waits for another, its drift was corrected, what was wrong is over,
 * or there is no such object any more.
 */
export type Ending = 'ready' | 'unblocked' | 'corrected' | 'cleared' | 'uninstalled' | 'deleted'

/**
 * A failure from its first event to its end. Severity, reason, text and revision are of one event, the latest that decides:
 * a warning does not while there is an error, nor does an older event that comes late.
 */
export interface Failure {
  severity: Severity
  reason: string
  revision: string
  /** The first line of what it said. */
  text: string
  /** When it happened, in ms. */
  at: number
  /** The reason and text of its first event. */
  began: { reason: string; text: string }
  /** ms */
  since: number
  count: number
  /** Fingerprints seen during this failure, newest first: one that comes back is a repetition, not a change. */
  prints: readonly string[]
}

/** A rule and a destination that was notified of the current failure. */
export interface Notified {
  rule: string
  destination: string
  /** When it was last notified, in ms. */
  at: number
  reminders: number
  /** It was muted, and was not notified yet. */
  isWithheld?: true
}

export interface ObjectMemory {
  /** The failure it is in; absent while it is healthy. */
  failure?: Failure
  /** When the present state began, in ms. */
  since: number
  /** The time of the newest event that decided the state, in ms: an older one never does. */
  decidedAt: number
  /** The time of the newest of its events, in ms; what is only news of a healthy object does not count. */
  seenAt?: number
  /** The longest time between two of them, in ms; absent while there was only one. */
  longestGapMs?: number
  /** The revision last applied with success; empty where none is known. */
  revision: string
  /** The fingerprint of the last warning that did not decide the state. */
  remark?: string
  notified: readonly Notified[]
  /** The uid of the object, where its events say it. */
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
  /** With `recovered`: how, who was notified of the failure that is over, and what the event would have been without it. */
  ended?: { how: Ending; notified: readonly Notified[]; beneath: 'updated' | 'heartbeat' | 'informed' }
  /** The last good revision before this event. */
  previousRevision: string
  /** Set where the event decides nothing of the state: it is older than what is known, or a harmless warning. */
  aside?: 'late' | 'remark'
  /** When a failure that came late is known to have been over, because the object worked or was gone, in ms. */
  overAt?: number
}

/** After a single event nobody can say how often an object speaks. */
const staleAfterOneEventMs = 24 * 60 * 60 * 1000
const minStaleMs = 60 * 60 * 1000

const rememberedPrints = 8

/**
 * Whether the object works, fails, or was failing at its last event: then it has been silent for an hour, and twice
 * as long as ever before.
 */
export function stateOf(memory: ObjectMemory, now: number): 'healthy' | 'failing' | 'stale' {
  const { failure, seenAt = memory.decidedAt, longestGapMs } = memory
  if (failure === undefined) return 'healthy'
  const staleMs = longestGapMs === undefined ? staleAfterOneEventMs : Math.max(minStaleMs, 2 * longestGapMs)
  return now - seenAt > staleMs ? 'stale' : 'failing'
}

/** A memory as it is kept: how a failure began is left out where its latest event says the same. */
export function memoryText(memory: ObjectMemory): string {
  return JSON.stringify(shortened(memory))
}

function shortened(memory: ObjectMemory): StoredMemory {
  const { failure, others } = memory
  const began = failure && (failure.began.text !== failure.text || failure.began.reason !== failure.reason)
  if ((failure === undefined || began) && others === undefined) return memory
  return {
    ...memory,
    failure: failure && { ...failure, began: began ? failure.began : undefined },
    others: others?.map(shortened)
  }
}

/** A memory from {@link memoryText}, or as a version before this one wrote it: then what it says of a failure may be of two events. */
export function readMemory(json: string): ObjectMemory {
  return restored(JSON.parse(json) as StoredMemory)
}

function restored({ notified, told, failure, others, ...rest }: StoredMemory): ObjectMemory {
  return {
    ...rest,
    notified:
      notified ?? told?.map(({ isHeld, ...entry }) => ({ ...entry, ...(isHeld && { isWithheld: isHeld }) })) ?? [],
    ...(failure && { failure: restoredFailure(failure, rest.decidedAt) }),
    ...(others && { others: others.map(restored) })
  }
}

function restoredFailure(failure: StoredFailure, decidedAt: number): Failure {
  const { reason, text, prints, at, began = { reason, text } } = failure
  if (at !== undefined) return { ...failure, at, began }
  // The text was of the first event, the reason of the latest. One fingerprint means that all of them said the same.
  const isOfOne = prints.length <= 1
  // They were made with the revision, so that none of them would be found again.
  return {
    ...failure,
    text: isOfOne ? text : '',
    at: decidedAt,
    began: { reason: isOfOne ? reason : '', text },
    prints: []
  }
}

/** `notified` was `told`, and `isWithheld` was `isHeld`; a failure had no `at`. */
interface StoredMemory extends Omit<ObjectMemory, 'notified' | 'failure' | 'others'> {
  notified?: readonly Notified[]
  told?: readonly (Notified & { isHeld?: true })[]
  failure?: StoredFailure | undefined
  others?: readonly StoredMemory[] | undefined
}

type StoredFailure = Omit<Failure, 'at' | 'began'> & { at?: number; began?: Failure['began'] | undefined }

/** What `event` does to an object of which `memory` is known. `now` in ms. */
export function advance(memory: ObjectMemory | undefined, event: FluxEvent, now: number): Advance {
  // A cluster whose clock is ahead would make every later event look old.
  const at = Math.min(event.at, now)
  const known = notAhead(memory, now) ?? { since: at, decidedAt: 0, revision: '', notified: [] }
  const bearing = bearingOf(event)
  switch (bearing.is) {
    case 'failure':
      return fail(seen(known, at), event, at, now)
    case 'success':
      return succeed(seen(known, at), event, at, bearing, memory === undefined)
    case 'gone':
      return vanish(seen(known, at), at, bearing.ending)
    case 'remark':
      return remark(seen(known, at), event)
    case 'news':
      // A healthy object has nothing to remember, so nothing is written.
      return stay(known.failure === undefined ? known : seen(known, at), 'informed')
  }
}

/** Corrects a memory from a clock that has been set back since: what comes now is later all the same. */
function notAhead(memory: ObjectMemory | undefined, now: number): ObjectMemory | undefined {
  if (memory === undefined || memory.decidedAt <= now) return memory
  const { failure } = memory
  return { ...memory, decidedAt: now, ...(failure && { failure: { ...failure, at: Math.min(failure.at, now) } }) }
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

function seen(memory: ObjectMemory, at: number): ObjectMemory {
  const { seenAt, longestGapMs = 0 } = memory
  if (seenAt === undefined) return { ...memory, seenAt: at }
  return { ...memory, seenAt: Math.max(seenAt, at), longestGapMs: Math.max(longestGapMs, at - seenAt) }
}

function fail(known: ObjectMemory, event: FluxEvent, stampedAt: number, now: number): Advance {
  const { failure } = known
  const isOlder = stampedAt < (failure?.at ?? known.decidedAt)
  const mayBeLate = isOlder && now - stampedAt <= longestRetryMs
  // Nothing is tried for longer: its clock is behind, and a failure is believed where a success would not be.
  const at = isOlder && !mayBeLate ? now : stampedAt
  if (failure === undefined) {
    // It was tried again for a while: it was over when it came. Notified as that, because nobody knows of it yet.
    return mayBeLate ? { ...late(known, 'informed'), overAt: known.decidedAt } : begin(known, event, at)
  }
  // A remediation that worked, or a warning, does not make an error less of one.
  if (failure.severity === 'error' && event.severity === 'warn') return remark(known, event)
  const isWorse = failure.severity !== 'error' && event.severity === 'error'
  if (at < failure.since && !isWorse) return late(known, 'repeated')

  const print = failureFingerprint(event)
  // Without any, they are of a version that made them in another way: then the reason says it.
  const isKnown = failure.prints.length > 0 ? failure.prints.includes(print) : failure.reason === event.reason
  const isLate = at < failure.at && !isWorse
  const next: Failure = {
    ...failure,
    ...(!isLate && saidBy(event, at)),
    count: failure.count + 1,
    prints: [print, ...failure.prints.filter((other) => other !== print)].slice(0, rememberedPrints)
  }
  const memory = { ...known, failure: next, decidedAt: Math.max(at, known.decidedAt) }
  return { ...stay(memory, isKnown || isLate ? 'repeated' : 'changed'), before: failure }
}

function begin(known: ObjectMemory, event: FluxEvent, at: number): Advance {
  const said = saidBy(event, at)
  const started: Failure = {
    ...said,
    began: { reason: said.reason, text: said.text },
    since: at,
    count: 1,
    prints: [failureFingerprint(event)]
  }
  return stay({ ...known, failure: started, since: at, decidedAt: at, notified: [] }, 'failed')
}

/** The shown parts of a failure, always of one event. */
function saidBy({ severity, reason, revision, message }: FluxEvent, at: number) {
  return { severity, reason, revision: revision?.text ?? '', text: firstLine(message), at }
}

function succeed(known: ObjectMemory, event: FluxEvent, at: number, success: Success, isFirst: boolean): Advance {
  const beneath = newsOf(known, event, success, isFirst)
  const silent = event.isHeartbeat ? 'heartbeat' : 'informed'
  // Flux's timestamps are whole seconds: of two events within one the later received counts.
  if (at < known.decidedAt) return late(known, silent)
  const revision = event.revision?.text || known.revision
  const { failure } = known
  if (failure === undefined) {
    if (!success.isUpdate && !event.isHeartbeat) return stay(known, 'informed')
    return { ...stay({ ...known, revision, decidedAt: at }, beneath), previousRevision: known.revision }
  }
  if (!success.ends(failure.reason)) return stay(known, silent)
  return end(known, failure, at, { how: endingOf(failure, event, success), beneath, revision })
}

/** What a success is to those who were not notified of the failure that it ends. */
function newsOf(known: ObjectMemory, { isHeartbeat, revision }: FluxEvent, { isUpdate }: Success, isFirst: boolean) {
  if (!isHeartbeat) return isUpdate ? 'updated' : 'informed'
  // The first heartbeat of an object says nothing new to anyone, or every restart of a fresh relay would be a flood.
  const isNew = !isFirst && known.revision !== '' && (revision?.text || known.revision) !== known.revision
  return isNew ? 'updated' : 'heartbeat'
}

function endingOf({ severity, reason }: Failure, event: FluxEvent, { isReady }: Success): Ending {
  if (event.reason === 'DriftCorrected') return 'corrected'
  if (severity === 'error') return isReady ? 'ready' : 'cleared'
  return reason === 'DependencyNotReady' ? 'unblocked' : 'cleared'
}

function vanish(known: ObjectMemory, at: number, how: Ending): Advance {
  if (at < known.decidedAt) return late(known, 'informed')
  const { failure } = known
  if (failure === undefined) return stay({ ...known, decidedAt: at, revision: '' }, 'informed')
  return end(known, failure, at, { how, beneath: 'informed', revision: '' })
}

function end(
  known: ObjectMemory,
  failure: Failure,
  at: number,
  { how, beneath, revision }: Pick<NonNullable<Advance['ended']>, 'how' | 'beneath'> & { revision: string }
): Advance {
  const { failure: _, remark: __, ...rest } = known
  return {
    memory: { ...rest, since: at, decidedAt: at, revision, notified: [] },
    transition: 'recovered',
    before: failure,
    ended: { how, notified: known.notified, beneath },
    previousRevision: known.revision
  }
}

/** A warning that leaves the state as it is: sent once, then a repetition until another comes. */
function remark(known: ObjectMemory, event: FluxEvent): Advance {
  const print = fingerprint(event.reason, event.message)
  const isKnown = known.remark === print
  return { ...stay({ ...known, remark: print }, isKnown ? 'repeated' : 'informed'), aside: 'remark' }
}

/** Older than what is known: it decides nothing. */
function late(memory: ObjectMemory, transition: Transition): Advance {
  return { ...stay(memory, transition), aside: 'late' }
}

function stay(memory: ObjectMemory, transition: Transition): Advance {
  return { memory, transition, previousRevision: memory.revision }
}

function firstLine(text: string): string {
  return text.trimStart().split('\n', 1)[0]?.slice(0, 300).toWellFormed() ?? ''
}
