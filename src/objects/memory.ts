// Object memory: defines what is remembered of an object between its events.
import type { ActWay } from '../actor.ts'
import type { Severity } from '../events/severity.ts'

/**
 * A failure from its first event to its end. Severity, reason, text and revision are of one event, the latest that decided:
 * a warning during an error does not decide, nor does an older event that arrives late.
 */
export interface Failure {
  severity: Severity
  reason: string
  revision: string
  /** The first line of the event's message. */
  text: string
  /** The gist of the whole message, if it had more than `text`: a first line may say no more than "1 error occurred". */
  gist?: string | undefined
  /** When that event happened, in ms. */
  at: number
  /** The reason and text of its first event. */
  began: { reason: string; text: string }
  /** When the failure began, in ms. */
  since: number
  count: number
  /** Fingerprints of the events of this failure, newest first: one that comes back is a repetition, not a change. */
  prints: readonly string[]
  /** Set once somebody has taken the incident on: until it ends there are no reminders and no pings. */
  acknowledged?: Acknowledgement
}

/**
 * The way in which a failure ended: the object is Ready, it no longer waits for another one, its drift was corrected, the trouble is
 * over, or the object is gone.
 */
export type Ending = 'ready' | 'unblocked' | 'corrected' | 'cleared' | 'uninstalled' | 'deleted'

/** Who took an incident on, through what, and when, in ms. */
export interface Acknowledgement {
  by: string
  via: ActWay
  at: number
}

/** A failure that is over. Its messages may still be updated long after, when the object has failed again. */
export interface Past {
  /** When the failure began, in ms: it identifies the incident. */
  since: number
  /** When it ended, in ms. */
  at: number
  /** How it ended, unless the object was Ready again. */
  how?: Exclude<Ending, 'ready'>
}

/** A rule and a destination that was notified of the current failure. */
export interface Notified {
  rule: string
  destination: string
  /** When it was last notified, in ms. */
  at: number
  reminders: number
  /** A mute withheld the notification, and no summary has been sent yet. */
  isWithheld?: true
  /** The destination is notified at this time, in ms, if the failure lasts so long; only the store knows whether it was. */
  heldUntil?: number
}

export interface ObjectMemory {
  /** The current failure; absent while the object is healthy. */
  failure?: Failure
  /** The latest failures that are over and that somebody was notified of, newest first. */
  past?: readonly Past[]
  /** When the present state began, in ms. */
  since: number
  /** Time of the newest event that decided the state, in ms; an older event never does. */
  decidedAt: number
  /** Time of the object's newest event, in ms; an event that is only news of a healthy object does not count. */
  seenAt?: number
  /** The longest time between two such events, in ms; absent while there was only one. */
  longestGapMs?: number
  /** The revision last applied with success; empty if none is known. */
  revision: string
  /** Destinations that read of a revision in a message about the end of a failure; kept until the revision's last step is done, too. */
  named?: { revision: string; to: readonly string[] }
  /** Fingerprint of the last warning that did not decide the state. */
  remark?: string
  notified: readonly Notified[]
  /** Key of the source that the object follows, if its events name it. */
  follows?: string
  /** The object's uid, if its events name it. */
  uid?: string
  /** Memories of other objects with the same name, the latest first: see objects/twins.ts. */
  others?: readonly ObjectMemory[]
  /** Set if several objects with this name exist at a time: two clusters look like one. */
  isShared?: true
}
