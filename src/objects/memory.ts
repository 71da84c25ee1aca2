// Object memory: what is remembered of an object between its events.
import type { ActWay } from '../actor.ts'
import type { Severity } from '../events/severity.ts'

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
  /** What all of it said, in one line, where it had more than `text`: a first line may say no more than "1 error occurred". */
  gist?: string | undefined
  /** When it happened, in ms. */
  at: number
  /** The reason and text of its first event. */
  began: { reason: string; text: string }
  /** ms */
  since: number
  count: number
  /** Fingerprints seen during this failure, newest first: one that comes back is a repetition, not a change. */
  prints: readonly string[]
  /** Somebody has taken it on: until it ends there are no reminders and no pings. */
  acknowledged?: Acknowledgement
}

/** Who took an incident on, through what, and when, in ms. */
export interface Acknowledgement {
  by: string
  via: ActWay
  at: number
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
  /** It is notified then, in ms, if the failure lasts so long: whether it was is known to the store. */
  heldUntil?: number
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
  /** Who has read of a revision with the end of a failure, until the last step of it is done, too. */
  named?: { revision: string; to: readonly string[] }
  /** The fingerprint of the last warning that did not decide the state. */
  remark?: string
  notified: readonly Notified[]
  /** The key of the source that it follows, where its events say it. */
  follows?: string
  /** The uid of the object, where its events say it. */
  uid?: string
  /** What is remembered of others with the same name, the latest first: see objects/twins.ts. */
  others?: readonly ObjectMemory[]
  /** Several of them exist at a time: two clusters look like one. */
  isShared?: true
}
