// Objects: remember each Flux object and decide what an event does to it. Pure: memory and event in, both out.
import { bearingOf, type Success } from './events/bearing.ts'
import { failureFingerprint } from './events/cause.ts'
import { fingerprint, isComparable } from './events/fingerprint.ts'
import type { FluxEvent } from './events/flux.ts'
import { isFewerCulprits } from './events/lists.ts'
import { longestRetryMs } from './events/time.ts'
import type { Ending, Failure, Notified, ObjectMemory, Past } from './objects/memory.ts'
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

export interface Advance {
  memory: ObjectMemory
  transition: Transition
  /** The failure the object was in before this event. */
  before?: Failure
  /** With `recovered`: how the failure ended, who was notified of it, and what the event would have been without it (`beneath`). */
  ended?: {
    how: Ending
    notified: readonly Notified[]
    beneath: 'updated' | 'heartbeat' | 'informed'
    /** A new revision of which only the last step is missing: the message about the end names it, so it is not announced again. */
    names?: string
  }
  /** Destinations that have already read of the revision, in a message about the end of a failure. */
  namedTo?: readonly string[]
  /** The last good revision before this event. */
  previousRevision: string
  /** Set if the event does not decide the state: `late` is older than what is known, `remark` is a harmless warning. */
  aside?: 'late' | 'remark'
  /** For a failure that arrived late: when it is known to have been over, because the object worked or was gone, in ms. */
  overAt?: number
  /** With `overAt`: how long that failure lasted at most, in ms. */
  overAfterMs?: number
}

const rememberedPrints = 8
/** Failures that are over and remembered. There are a few, because a flapping object gets new cards faster than the old are updated. */
const rememberedPast = 4

/** Decides what `event` does to its object. `memory` is what is known of the object so far; `now` is in ms. */
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

/** Another replica may write a later event first, by no more than an event waits in intake; a memory further ahead is of a wrong clock. */
const overtakenMs = 10_000

/**
 * Corrects a memory whose times are of a clock that has been set back since: the event that comes now is later all the same, and
 * nearly always happened a little before now, at `at`. The time when the failure began stays, because it identifies the incident.
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
    // A `seenAt` of a wrong clock made the gap wrong, too.
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
  // No sender retries for longer, so the event's clock is behind; a failure is believed all the same, unlike a success.
  const at = isOlder && !mayBeLate ? now : stampedAt
  if (failure === undefined) {
    // The sender retried the event for a while, and the failure was over when it arrived. Nobody knows of it yet, so it is notified so.
    return mayBeLate ? lateFailure(known, at) : begin(known, event, at)
  }
  // A remediation that worked, or a warning, does not make an error less of one.
  if (failure.severity === 'error' && event.severity === 'warn') return remark(known, event)
  const isWorse = failure.severity !== 'error' && event.severity === 'error'
  // A failure that began after `now` has its time from a clock that was set back since, so nothing is older than it.
  if (at < failure.since && failure.since <= now && !isWorse) return late(known, 'repeated')

  const print = failureFingerprint(event)
  const prints = failure.prints.filter(isComparable)
  // If none is comparable, an earlier version computed them in another way, and the reason decides.
  const isKnown =
    (prints.length > 0 ? prints.includes(print) : failure.reason === event.reason) ||
    isSaidTwice(event, failure, at) ||
    (failure.reason === event.reason && isFewerCulprits(event.message.trim(), failure.text))
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
  // Somebody was notified of the failure that this event belongs to, and of its end.
  if (known.past?.some((past) => past.since <= at && at <= past.at)) return late(known, 'repeated')
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
  // Flux's timestamps are whole seconds: of two events in the same second, the one received later counts.
  if (at < known.decidedAt) return late(known, silent)
  const { failure } = known
  // One step of several does not apply a revision: the event of the last step announces it, to whoever waits for that.
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

/** The transition that a success is for those who were not notified of the failure that it ends. */
function newsOf(known: ObjectMemory, { isHeartbeat, revision }: FluxEvent, { isUpdate }: Success, isFirst: boolean) {
  if (!isHeartbeat) return isUpdate ? 'updated' : 'informed'
  // The first heartbeat of an object is not news, or a relay that knows no objects yet would start with a flood.
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
  const past = pastWith(known, failure, { at, how: how.how })
  return {
    memory: { ...rest, ...(past && { past }), since: at, decidedAt: at, revision, notified: [] },
    transition: 'recovered',
    before: failure,
    ended: { ...how, notified: known.notified },
    previousRevision: known.revision
  }
}

/** Returns the failures that are over. They include `failure`, which ended at `at`, only if somebody was notified of it. */
function pastWith({ past, notified }: ObjectMemory, { since }: Failure, { at, how }: { at: number; how: Ending }) {
  if (notified.length === 0) return past
  const latest: Past = { since, at, ...(how !== 'ready' && { how }) }
  return [latest, ...(past ?? [])].slice(0, rememberedPast)
}

/** Handles a warning that leaves the state as it is: it is sent once, and is a repetition until another warning comes. */
function remark(known: ObjectMemory, event: FluxEvent): Advance {
  const print = fingerprint(event.reason, event.message)
  const isKnown = known.remark === print
  return { ...stay({ ...known, remark: print }, isKnown ? 'repeated' : 'informed'), aside: 'remark' }
}

/** Handles an event that is older than the known state. It decides nothing, and the known revision is newer than its own. */
function late(memory: ObjectMemory, transition: Transition): Advance {
  return { ...stay(memory, transition), aside: 'late', previousRevision: '' }
}

function stay(memory: ObjectMemory, transition: Transition): Advance {
  return { memory, transition, previousRevision: memory.revision }
}
