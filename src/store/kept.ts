// Kept: defines the shapes of what a store takes in, keeps and hands out; those of lanes and cards have files of their own.
import type { Actor } from '../actor.ts'
import type { FluxEvent, ObjectRef } from '../events/flux.ts'
import type { Muting } from '../mutes/mutes.ts'
import type { Silence } from '../mutes/silence.ts'
import type { Acknowledgement, ObjectMemory } from '../objects/memory.ts'
import type { Transition } from '../objects.ts'
import type { RolloutHead, RolloutStanding } from '../render/compose/rollout-standing.ts'
import type { View } from '../render/compose/view.ts'
import type { Held, Release } from '../rules/lasting.ts'
import type { Owned } from '../rules/owners.ts'
import type { Reported } from '../rules/rollout-report.ts'
import type { Verdict } from '../rules/rule.ts'

/** An event that passed every check at the door. */
export interface Arrival {
  event: FluxEvent
  /** The body as received, without a controller's internals; for replays. */
  body: string
  /** Hash of source and raw bytes: the same within two minutes is the same event, sent again. */
  identity: string
  /** ms */
  receivedAt: number
  /** How far the clock that stamped the event is known to be behind the relay's, in ms. */
  behindMs?: number
}

/** How long a repeated body counts as the sender's retry. notification-controller gives up after `timeout`. */
export const duplicateWindowMs = 2 * 60 * 1000

export interface NewNotification {
  rule: string
  destination: string
  lane: string
  view: View
  /** Its group, which is held until `waitMs` after its first notification, and then sent together. */
  group?: { key: string; waitMs: number }
  /** It is held until then, in ms, to see whether its failure lasts so long. */
  heldUntil?: number
  /** What withholds it: when that ends, one message sums up all that was withheld. */
  muting?: Muting
  /** Why it is a dead letter from the start: there is no room for it to wait. */
  dead?: string
}

/** What an event says of its object in a rollout, for one rule and destination. */
export interface RolloutReport extends Reported {
  rule: string
  destination: string
  /** What successive rollouts have in common: each follows the one before it. */
  scope: string
  /** How messages name the revision, and its cluster. */
  head: RolloutHead
  /** The same as {@link RolloutEntry.said}. */
  said: string
  /** The object's previous revision; empty if it is not known. */
  previous: string
  /** Tells whether the rule is about another object of this kind and cluster; undefined if only that object's events can say. */
  isAbout: ((object: ObjectRef) => boolean) | undefined
  settleMs: number
  /** A first message is due this long after the rollout began, in ms; left out if it waits until the rollout settles or fails. */
  firstMs?: number
}

/** A rollout with all that is known of it. */
export interface Rollout extends RolloutStanding {
  destination: string
  /** When the last message about it was made, and since when there is something new to say; in ms. */
  saidAt: number | undefined
  unsaidSince: number | undefined
}

/** Objects of a rollout that are read for a message: more than any message names. */
export const maxRolloutEntries = 5000

/** Why an event led to the notifications that it led to, and to no others. */
export interface Trace {
  verdicts: readonly Verdict[]
  quiet: readonly { rule: string; destination: string; because: string }[]
  /** The owner of the event, if a rule that fired sends to the owner. */
  owner?: Owned
  /** Who had taken the incident on, so that there was neither a reminder nor a ping. */
  acknowledged?: Acknowledgement
  /** The notifications that have the relay's own form, because the template of their rule failed. */
  unformed?: readonly { rule: string; template: string; because: string }[]
}

/** What is to be written for an arrival. `keep` is false for a heartbeat that notified nobody. */
export interface Decision {
  transition: Transition
  memory: ObjectMemory
  notifications: readonly NewNotification[]
  trace: Trace
  keep: boolean
  /** Notifications whose hold ends. */
  releases?: readonly Release[]
  /** The rules for which the failure ended before it had lasted. */
  passed?: readonly string[]
  /** The event's reports on rollouts; left out if no rule is about them. */
  reports?: readonly RolloutReport[]
  /** Set if two objects with this name exist at a time. */
  isTwin?: true
}

/**
 * Decides on an arrival, given the memory of its object and what is held about it. Called inside the transaction: synchronous and
 * pure, so that nothing comes between.
 */
export type Decide = (arrival: Arrival, memory: ObjectMemory | undefined, held?: readonly Held[]) => Decision

export type Receipt =
  | { status: 'duplicate'; id: string | null }
  | {
      status: 'accepted'
      /** null for a heartbeat that notified nobody: only the memory of its object has it. */
      id: string | null
      transition: Transition
      notifications: {
        id: string
        rule: string
        destination: string
        lane: string
        isMuted: boolean
        isDead: boolean
      }[]
    }
  /** The decision failed and nothing of this arrival was written, unlike the rest of the batch. */
  | { status: 'failed'; error: unknown }

/** How long it takes at most until every replica has a new config file: a kubelet looks at a ConfigMap once a minute. */
export const rolloutMs = 5 * 60 * 1000

/** The reason of dead letters that {@link Store.follow} makes. */
export const goneReason = 'its destination is no longer in the config file'

/** Times, in ms since 1970, before which each kind of row may be deleted. */
export interface Expiry {
  gatherings: number
  events: number
  deadLetters: number
  duplicates: number
}

/** The number of objects of one source. */
export interface ObjectCount {
  kept: number
  /** Forgotten just now, because there were too many. */
  forgotten: number
}

/** What operators can do. */
export const actNames = ['acknowledge', 'unacknowledge', 'silence', 'extend', 'end', 'retry', 'discard', 'try'] as const
export type ActName = (typeof actNames)[number]

/** What an act is about; which fields are set depends on the act's name. */
export interface ActAbout {
  incidents?: readonly { object: string; since: number }[]
  silence?: string
  match?: Silence['match']
  comment?: string
  /** ms */
  endsAt?: number
  /** Ids of notifications. */
  notifications?: readonly string[]
  lane?: string
}

/** What an operator did. It is written down in the same transaction as its effect. */
export interface NewAct {
  actor: Actor
  did: ActName
  about: ActAbout
}

/** The number of notifications for one destination. */
export interface Tally {
  /** Those that wait. */
  pending: number
  /** Dead letters made by this process. */
  buried: number
}

/** How much room a store takes. Of a database server only `dataBytes` is known. */
export interface Size {
  dataBytes: number
  /** The write-ahead log: commits not yet moved to the data, and room left to be reused. */
  logBytes?: number
  /** The free part of the data, which is reused before the file grows. */
  reusableBytes?: number
  /** Free space on the volume. */
  freeBytes?: number
}

/** When each source last posted, by name, and until when a relay listened, in ms since 1970; undefined if none ever did. */
export interface LastEvents {
  sources: ReadonlyMap<string, number>
  listenedUntil: number | undefined
}
