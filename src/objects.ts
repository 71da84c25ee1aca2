// Objects: remember each Flux object and decide what an event does to it. Pure: memory and event in, both out.
import { bearingOf, type Success } from './events/bearing.ts'
import { failureFingerprint } from './events/cause.ts'
import { fingerprint, isComparable } from './events/fingerprint.ts'
import type { FluxEvent } from './events/flux.ts'
import { longestRetryMs } from './events/time.ts'
import type { Failure, Notified, ObjectMemory } from './objects/memory.ts'
import { saidBy } from './objects/said.ts'
import { isSaidTwice } from './objects/said-twice.ts'

/** What an event can do to an object. */
export const transitionNames = [
  'failed',
  'changed',
  'repeated',
  'recovered',
  'updated',
  'informed',
  'heartbeat'
] as const
export type Transition = (typeof transitionNames)[number]

/**
 * How a failure ended: the object is Ready, it no longer waits for another, its drift was corrected, what was wrong is over,
 * or there is no such object any more.
 */
export type Ending = 'ready' | 'unblocked' | 'corrected' | 'cleared' | 'uninstalled' | 'deleted'

export interface Advance {
  memory: ObjectMemory
  transition: Transition
  /** The failure the object was in before this event. */
  before?: Failure
  /** With `recovered`: how, who was notified of the failure that is over, and what the event would have been without it. */
  ended?: {
    how: Ending
    notified: readonly Notified[]
    beneath: 'updated' | 'heartbeat' | 'informed'
    /** It came with a revision that only the last step is missing from: the end names it, and it is not said again. */
    names?: string
  }
  /** The destinations that have read of its revision already. */
  namedTo?: readonly string[]
  /** The last good revision before this event. */
  previousRevision: string
  /** Set where the event decides nothing of the state: it is older than what is known, or a harmless warning. */
  aside?: 'late' | 'remark'
  /** When a failure that came late is known to have been over, because the object worked or was gone, in ms. */
  overAt?: number
  /** With `overAt`: how long that failure lasted, at most, in ms. */
  overAfterMs?: number
}

const rememberedPrints = 8

/** What `event` does to an object of which `memory` is known. `now` in ms. */
export function advance(memory: ObjectMemory | undefined, event: FluxEvent, now: number): Advance {
  // A cluster whose clock is ahead would make every later event look old.
  const at = Math.min(event.at, now)
  const known = notAhead(memory, at, now) ?? { since: at, decidedAt: 0, revision: '', notified: [] }
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

/** What another replica received later may be written first, by no more than an event waits (intake); more is a clock that was set. */
const overtakenMs = 10_000

/**
 * Corrects a memory from a clock that has been set back since: what comes now is later all the same, and nearly all of it says
 * that it happened a little before now, at `at`. When the failure began stays, because an incident is known by it.
 */
function notAhead(memory: ObjectMemory | undefined, at: number, now: number): ObjectMemory | undefined {
  if (memory === undefined) return undefined
  const { failure, decidedAt, seenAt = decidedAt, longestGapMs, ...rest } = memory
  if (Math.max(decidedAt, seenAt) <= now) return memory
  const past = (ms: number) => (ms - now > overtakenMs ? at : Math.min(ms, now))
  return {
    ...rest,
    decidedAt: past(decidedAt),
    seenAt: past(seenAt),
    // What it was reckoned with is wrong.
    ...(longestGapMs !== undefined && seenAt - now <= overtakenMs && { longestGapMs }),
    ...(failure && { failure: { ...failure, at: past(failure.at) } })
  }
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
    return mayBeLate ? lateFailure(known, at) : begin(known, event, at)
  }
  // A remediation that worked, or a warning, does not make an error less of one.
  if (failure.severity === 'error' && event.severity === 'warn') return remark(known, event)
  const isWorse = failure.severity !== 'error' && event.severity === 'error'
  // By a clock that has been set back since it began later than now.
  if (at < failure.since && failure.since <= now && !isWorse) return late(known, 'repeated')

  const print = failureFingerprint(event)
  const prints = failure.prints.filter(isComparable)
  // Without any, they are of a version that made them in another way: then the reason says it.
  const isKnown =
    (prints.length > 0 ? prints.includes(print) : failure.reason === event.reason) || isSaidTwice(event, failure, at)
  const isLate = at < failure.at && !isWorse
  const next: Failure = {
    ...failure,
    ...(!isLate && saidBy(event, at)),
    count: failure.count + 1,
    prints: [print, ...prints.filter((other) => other !== print)].slice(0, rememberedPrints)
  }
  const memory = { ...known, failure: next, decidedAt: Math.max(at, known.decidedAt) }
  return { ...stay(memory, isKnown || isLate ? 'repeated' : 'changed'), before: failure }
}

function lateFailure(known: ObjectMemory, at: number): Advance {
  return { ...late(known, 'informed'), overAt: known.decidedAt, overAfterMs: known.decidedAt - at }
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

function succeed(known: ObjectMemory, event: FluxEvent, at: number, success: Success, isFirst: boolean): Advance {
  const beneath = newsOf(known, event, success, isFirst)
  const silent = event.isHeartbeat ? 'heartbeat' : 'informed'
  // Flux's timestamps are whole seconds: of two events within one the later received counts.
  if (at < known.decidedAt) return late(known, silent)
  const { failure } = known
  // One step of several is not all of a revision: what comes last says that it was applied, to whoever waits for that.
  const revision = success.isUpdate ? event.revision?.text || known.revision : known.revision
  if (failure === undefined) {
    if (!success.isUpdate) return stay(known, 'informed')
    const { named, ...rest } = known
    const namedTo = named?.revision === revision && { namedTo: named.to }
    return { ...stay({ ...rest, revision, decidedAt: at }, beneath), previousRevision: known.revision, ...namedTo }
  }
  if (!success.ends(failure, known.revision)) return stay({ ...known, revision }, silent)
  const isLastStepLeft = !success.isUpdate && success.isReady && event.revision?.text !== known.revision
  const names = isLastStepLeft && event.revision && { names: event.revision.text }
  return end(known, failure, at, { how: endingOf(failure, event, success), beneath, revision, ...names })
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
  { revision, ...how }: Omit<NonNullable<Advance['ended']>, 'notified'> & { revision: string }
): Advance {
  const { failure: _, remark: __, named: ___, ...rest } = known
  return {
    memory: { ...rest, since: at, decidedAt: at, revision, notified: [] },
    transition: 'recovered',
    before: failure,
    ended: { ...how, notified: known.notified },
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
