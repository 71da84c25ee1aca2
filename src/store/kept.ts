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
  /** As received, without what is internal to a controller; for replays. */
  body: string
  /** Hash of source and raw bytes: the same within two minutes is the same event, sent again. */
  identity: string
  /** ms */
  receivedAt: number
  /** How far the clock that its event's time is from is known to be behind the relay's. */
  behindMs?: number
}

/** How long a repeated body is taken for a retry of the sender. notification-controller gives up after `timeout`. */
export const duplicateWindowMs = 2 * 60 * 1000

export interface NewNotification {
  rule: string
  destination: string
  lane: string
  view: View
  /** To be held until `waitMs` after the first of its group, and sent together with the rest of it. */
  group?: { key: string; waitMs: number }
  /** To be held until then, in ms: it is notified of a failure that lasts so long. */
  heldUntil?: number
  /** It is withheld: one message sums up what was, when this ends. */
  muting?: Muting
  /** There is no room for it where it would wait: it is a dead letter from the start, for this reason. */
  dead?: string
}

/** What an event says of the rollout of its revision, to a destination. */
export interface RolloutReport extends Reported {
  rule: string
  destination: string
  /** What successive rollouts have in common: each follows the one before it. */
  scope: string
  /** How its revision is called. */
  head: RolloutHead
  /** As {@link RolloutEntry.said}. */
  said: string
  /** What the object had before; empty where nobody knows. */
  previous: string
  /** Whether another object of its kind and cluster is among those the rule is about; undefined where only its events say. */
  isAbout: ((object: ObjectRef) => boolean) | undefined
  settleMs: number
  /** How long after its beginning it is said at the latest, in ms; left out where that is when it has settled or fails. */
  firstMs?: number
}

/** A rollout with all that is known of it. */
export interface Rollout extends RolloutStanding {
  destination: string
  /** When something was last said of it, and since when there is something new to say; in ms. */
  saidAt: number | undefined
  unsaidSince: number | undefined
}

/** How many of a rollout's objects are read to say something of it: more than any message names. */
export const maxRolloutEntries = 5000

/** Why an event led to what it led to. */
export interface Trace {
  verdicts: readonly Verdict[]
  quiet: readonly { rule: string; destination: string; because: string }[]
  /** Whom the event belongs to, where a rule that fired sends to the owner. */
  owner?: Owned
  /** Who had taken its incident on: there was neither a reminder nor a ping. */
  acknowledged?: Acknowledgement
  /** Sent in the relay's own form, because the rule's template failed. */
  unformed?: readonly { rule: string; template: string; because: string }[]
}

/** What is to be written for an arrival. `keep` is false for a heartbeat that notified nobody. */
export interface Decision {
  transition: Transition
  memory: ObjectMemory
  notifications: readonly NewNotification[]
  trace: Trace
  keep: boolean
  /** What becomes of notifications that were held. */
  releases?: readonly Release[]
  /** The rules for which it ended a failure before that had lasted. */
  passed?: readonly string[]
  /** What it says about rollouts; left out if no rule is about them. */
  reports?: readonly RolloutReport[]
  /** Two objects with its name exist at a time. */
  isTwin?: true
}

/**
 * Called inside the transaction with what is known of the object, and what is held about it: synchronous and pure, so nothing
 * comes between.
 */
export type Decide = (arrival: Arrival, memory: ObjectMemory | undefined, held?: readonly Held[]) => Decision

export type Receipt =
  | { status: 'duplicate'; id: string | null }
  | {
      status: 'accepted'
      /** null for a heartbeat that changed nothing: only its object remembers it. */
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
  /** The decision failed, nothing of this arrival was written; the rest of the batch was. */
  | { status: 'failed'; error: unknown }

/** How long it may take until every replica has a new config file: a kubelet looks at a ConfigMap once a minute. */
export const rolloutMs = 5 * 60 * 1000

/** Why {@link Store.follow} makes dead letters. */
export const goneReason = 'its destination is no longer in the config file'

/** What is older may go, in ms since 1970. */
export interface Expiry {
  gatherings: number
  events: number
  deadLetters: number
  duplicates: number
}

/** Objects of one source. */
export interface ObjectCount {
  kept: number
  /** Just now, because there were too many. */
  forgotten: number
}

/** What operators do. */
export const actNames = ['acknowledge', 'unacknowledge', 'silence', 'extend', 'end', 'retry', 'discard', 'try'] as const
export type ActName = (typeof actNames)[number]

/** What an act is about: the parts that its name has. */
export interface ActAbout {
  incidents?: readonly { object: string; since: number }[]
  silence?: string
  match?: Silence['match']
  comment?: string
  /** ms */
  endsAt?: number
  /** Their ids. */
  notifications?: readonly string[]
  lane?: string
}

/** What an operator did: it is written down with its effect, or not at all. */
export interface NewAct {
  actor: Actor
  did: ActName
  about: ActAbout
}

/** Notifications for one destination. */
export interface Tally {
  /** Neither sent nor dead. */
  pending: number
  /** Dead letters made by this process. */
  buried: number
}

/** How much room a store takes. Of a server that keeps it for us no more is known than the first. */
export interface Size {
  dataBytes: number
  /** Committed and not yet moved to the data, or left to be written again. */
  logBytes?: number
  /** The part of the data that is used again before it grows. */
  reusableBytes?: number
  /** Left on the volume for whoever writes there. */
  freeBytes?: number
}

/** By the names of the sources, in ms since 1970; `listenedUntil` is undefined where nobody ever did. */
export interface LastEvents {
  sources: ReadonlyMap<string, number>
  listenedUntil: number | undefined
}
