// Kept: defines the shapes of what a store takes in, keeps and hands out.
import type { Actor } from '../actor.ts'
import type { FluxEvent, ObjectRef } from '../events/flux.ts'
import type { Muting } from '../mutes/mutes.ts'
import type { Silence } from '../mutes/silence.ts'
import type { Acknowledgement, ObjectMemory, Transition } from '../objects.ts'
import type { RolloutHead, RolloutStanding } from '../render/compose/rollout-standing.ts'
import type { View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { Held, Release } from '../rules/lasting.ts'
import type { Owned } from '../rules/owners.ts'
import type { Reported } from '../rules/rollout-report.ts'
import type { Verdict } from '../rules/rule.ts'

/** An event that passed every check at the door. */
export interface Arrival {
  event: FluxEvent
  /** As received, without what is internal to a controller; for replays. */
  body: string
  /** Of source and raw bytes: the same bytes within two minutes are the same event, sent again. */
  identity: string
  /** ms */
  receivedAt: number
  /** How far the clock that its event's time is from is known to be behind the relay's. */
  behindMs?: number
}

/** Clocks of replicas differ by less, in ms, however exactly each goes by the database's. */
export const apartMs = 1000

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
  /** Of these one follows the other: they have it in common. */
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
  /** Of the notifications that were held. */
  releases?: readonly Release[]
  /** The rules of which it ended a failure before that had lasted. */
  passed?: readonly string[]
  /** Of rollouts; left out where no rule is about them. */
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

/** Where a message is in Slack. */
export interface Posted {
  /** The ID of the channel. */
  channel: string
  ts: string
}

/** A card, as far as a reply in its thread needs it. */
export interface CardPlace extends Posted {
  id: string
}

/** The thread of a card that a message goes to; shown in the channel as well where it `isBroadcast`. */
export interface Thread extends CardPlace {
  isBroadcast: boolean
}

/** What a card names: an incident, or news that were in its message. */
export interface CardEntry {
  /** The key of its object. */
  object: string
  rule: string
  /** The ID of the latest event of it that was sent; undefined where that is none. */
  event: string | undefined
  /** When the incident began, in ms; undefined for news. */
  since: number | undefined
  /** The latest that was sent of it. */
  view: View
  /** What is known of its object by now. */
  memory: ObjectMemory | undefined
  /** The rollout in which its object fails, where that has a card. */
  rollout?: { head: RolloutHead; url: string }
}

/** A message that is updated, with what is to be shown. */
export interface Card extends CardPlace {
  lane: string
  destination: string
  entries: readonly CardEntry[]
  /** It shows a rollout, and names nothing else. */
  rollout?: Rollout
  /** What is known is of this version of what it shows. */
  version: number
  /** Whoever has the latest claim may update it. */
  claim: number
  /** What it shows, where that is known for sure. */
  shown: Payload | undefined
}

/** What is to be done about the cards of an app: `signal` aborts when another replica may take the card over. */
export type CardStep = { is: 'wait' } | { is: 'update'; card: Card; signal?: AbortSignal }

/** What becomes of a card after an update. */
export type CardEnd =
  /**
   * `payload` is what it shows from now on; absent where it has shown that before. `until` when it is to be looked at again, in
   * ms, whatever happens.
   */
  | { is: 'shown'; payload?: Payload; until?: number }
  /** It is not updated again before, in ms. */
  | { is: 'again'; at: number }
  /** It cannot be updated any more: what it named is posted anew. */
  | { is: 'lost'; notifications: readonly NewNotification[] }

/** Whose cards are looked for, and how often they may be updated. */
export interface CardPlan {
  /** What its lanes begin with. */
  lanes: string
  /** Those of them that show no cards by now. */
  except: readonly string[]
  /** The name of the budget that they share. */
  budget: string
  token: Plan['token']
}

/** So many of what a card has shown are kept. */
export const keptVersions = 10

/** A card is updated at most once in so long, in ms. */
export const cardGapMs = 10_000

/** How long the message about a change is waited for, which says more of it than the memory, in ms. */
export const cardPatienceMs = 10_000

/** After so long another may update a card: longer than any request takes, in ms. */
export const cardClaimMs = 30_000

/** Nobody makes a card wait for longer: a time beyond is of a clock that was set back. In ms. */
export const cardHorizonMs = 10 * 60_000

/** A notification waiting in a lane. */
export interface Pending {
  id: string
  event: string
  destination: string
  createdAt: number
  /** Of a group whose time has come. */
  group: string | undefined
  /** To be gathered with others, until then, in ms; 0 where it is due. */
  heldUntil: number
  /** How often it was held to be gathered: for its cause, then for its lane. */
  holds: number
  view: View
  /** The card that names its incident. */
  card?: CardPlace
}

/** What a lane remembers of a cause: the last message about it, and how long what follows is held. */
export interface Gathering {
  /** When that message was composed, in ms. */
  postedAt: number
  /** How many there were before it without a calm while. */
  step: number
  /** What follows is held until so long after `postedAt`. */
  gapMs: number
  /** When each mention was last sent for it, in ms. */
  pinged: Readonly<Record<string, number>>
}

/** By their causes. */
export type Gatherings = ReadonlyMap<string, Gathering>

/** What a message makes of a gathering, once it is sent. */
export interface Gathered extends Gathering {
  cause: string
  /** The mentions in it. */
  pings: readonly string[]
}

/** It is not held again: that is for its cause once, and once for its lane. */
export const maxHolds = 2

/** Notifications to be held. */
export interface Hold {
  ids: readonly string[]
  /** ms */
  until: number
  /** {@link Pending.holds} from then on. */
  holds: number
}

/** One post to Slack, written down before it is tried: every retry sends these very bytes. */
export interface Message {
  id: string
  lane: string
  destination: string
  payload: Payload
  /** Slack refused the blocks: the next attempt sends the text alone. */
  isPlain: boolean
  /** Attempts that failed; waiting for a rate limit is not a failure. */
  failures: number
  /** When its newest notification was accepted, in ms: it is retried until that is too old. */
  newestAt: number
  /** None where it follows a card, whose notifications they are. */
  notifications: number
  /** Set where it is a reply. */
  thread?: Thread
}

/** A lane's token bucket. */
export interface Bucket {
  tokens: number
  /** When `tokens` was right, in ms. */
  at: number
}

export interface LaneState {
  bucket: Bucket | undefined
  /** Not to be used before, in ms: Slack's Retry-After, a backoff, or the next probe of a blocked lane. */
  notBefore: number
  /** Set while the destination rejects all messages. */
  block?: { reason: string; since: number; probes: number } | undefined
}

/** Whether a lane waits for what a receiver asked for with a 429: its next token comes when the wait ends, and not before. */
export function isLimit(bucket: Bucket | undefined, notBefore: number): boolean {
  return bucket !== undefined && bucket.at === notBefore
}

/** What a lane should do now. */
export type Step =
  | { is: 'idle' }
  /**
   * `isInterruptible`: a new notification may end this wait early. All that waits is held for its group, or another replica is
   * posting from this lane.
   */
  | { is: 'wait'; until: number; isInterruptible?: true }
  /**
   * Post `message`; it is written down and its token is spent. `block` is set where this is a probe. The post has to end
   * when `signal` aborts, because another replica may take the lane over after that. `isAgain`: it may have been posted before.
   */
  | { is: 'post'; message: Message; isAgain?: true; block: LaneState['block']; signal?: AbortSignal }

/** A token and what is posted for it, or when to ask again. */
export type NextPost =
  | { until: number }
  /** `ids`: which of the pending notifications the message carries; never none. `gathered` counts once it is sent. */
  | { bucket: Bucket; ids: readonly string[]; payload: Payload; gathered: readonly Gathered[]; thread?: Thread }

/** How long a gathering is remembered: within this time a cause pings once. */
export const gatheringMs = 60 * 60 * 1000

/** How long it may take until every replica has a new config file: a kubelet looks at a ConfigMap once a minute. */
export const rolloutMs = 5 * 60 * 1000

/** Why {@link Store.follow} makes dead letters. */
export const goneReason = 'its destination is no longer in the config file'

/** How many of the oldest pending notifications a message is composed from: more than any message can name. */
export const composeWindow = 500

/** How a lane goes on: pure, given the lane and what waits in it. */
export interface Plan {
  /** A token for a post, or when there will be one. */
  token(lane: LaneState, now: number): { bucket: Bucket } | { until: number }
  /** Whether its messages become cards. */
  hasCards?: boolean
  /** The causes whose gatherings decide about a notification. */
  causesOf(view: View): readonly string[]
  /** Which of `pending`, which are due and of one destination, are held to be gathered with others. */
  hold(pending: readonly Pending[], gatherings: Gatherings, now: number): readonly Hold[]
  /**
   * `pending` is the oldest part of what is due, which is never nothing, and what is held to be gathered: of one
   * destination, oldest first.
   */
  next(lane: LaneState, pending: readonly Pending[], gatherings: Gatherings, now: number): NextPost
  /** Notifications accepted before this become dead letters, in ms. */
  oldest: number
}

export interface Attempt {
  at: number
  /** What happened, in words without secrets: `200 ok`, `429 rate_limited`, `ECONNRESET`. */
  answer: string
}

/** What becomes of a message and of its lane after an attempt. */
export interface Settlement {
  message: /** `posted` where it may become a card. */
    | { state: 'sent'; posted?: Posted }
    | { state: 'dead'; reason: string }
    /** `isThreadGone`: it is no reply any more. */
    | { state: 'open'; failures: number; isPlain: boolean; isThreadGone?: true }
  /** `bucket` where the answer says that there are no tokens, whatever was counted. */
  lane: Pick<LaneState, 'notBefore' | 'block'> & { bucket?: Bucket }
}

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
  /** Of the data, what is used again before it grows. */
  reusableBytes?: number
  /** Left on the volume for whoever writes there. */
  freeBytes?: number
}

/** By the names of the sources, in ms since 1970; `listenedUntil` is undefined where nobody ever did. */
export interface LastEvents {
  sources: ReadonlyMap<string, number>
  listenedUntil: number | undefined
}

/** The lanes of destinations, by their names. */
export type LanesByName = Pick<ReadonlyMap<string, string>, 'get' | 'has'>

/** How long a rule has a failure last before it is notified, and its groups wait, in ms; both 0 where there is no such rule. */
export type HoldOf = (rule: string) => { forMs: number; waitMs: number }

/** The lane that a destination has by now; undefined where the config file has no such destination. */
export type LaneOf = (destination: string) => string | undefined
