// Kept lanes: defines the shapes of what waits in a lane, of the message composed from it, and of how an attempt ends.
import type { Mute } from '../mutes/mutes.ts'
import type { View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'

/** Clocks of replicas differ by less than this, in ms, because each goes by the database's. */
export const apartMs = 1000

/** Where a message is in Slack. */
export interface Posted {
  /** The ID of the channel. */
  channel: string
  ts: string
}

/** What a reply in a card's thread has to know of the card. */
export interface CardPlace extends Posted {
  id: string
}

/** The thread that a message goes to. With `isBroadcast`, the message is shown in the channel, too. */
export interface Thread extends CardPlace {
  isBroadcast: boolean
}

/** A notification waiting in a lane. */
export interface Pending {
  id: string
  event: string
  destination: string
  createdAt: number
  /** The group that it was held for. */
  group: string | undefined
  /** It is held until then, in ms, to be gathered with others; 0 if it is due. */
  heldUntil: number
  /** How often it was held to be gathered: first for its cause, then for its lane. */
  holds: number
  view: View
  /** The card that names its incident. */
  card?: CardPlace
}

/** What a lane remembers of a cause: the last message about it, and how long what follows is held. */
export interface Gathering {
  /** When that message was composed, in ms. */
  postedAt: number
  /** How many messages came before it without a longer break. */
  step: number
  /** What follows is held until this long after `postedAt`. */
  gapMs: number
  /** When each mention was last sent for it, in ms. */
  pinged: Readonly<Record<string, number>>
}

/** Gatherings by cause. */
export type Gatherings = ReadonlyMap<string, Gathering>

/** What a message makes of a gathering, once it is sent. */
export interface Gathered extends Gathering {
  cause: string
  /** The mentions in it. */
  pings: readonly string[]
}

/** A notification is held at most this often: once for its cause and once for its lane. */
export const maxHolds = 2

/** Notifications to be held. */
export interface Hold {
  ids: readonly string[]
  /** ms */
  until: number
  /** {@link Pending.holds} from then on. */
  holds: number
}

/** One post to Slack, written down before the first attempt: every retry sends the same bytes. */
export interface Message {
  id: string
  lane: string
  destination: string
  payload: Payload
  /** True once Slack has refused the blocks: the next attempt sends the text alone. */
  isPlain: boolean
  /** Attempts that failed; waiting for a rate limit is not a failure. */
  failures: number
  /** When its newest notification was accepted, in ms: the message is retried until that is too old. */
  newestAt: number
  /** Number of notifications that it carries; 0 for the reply that follows a card, which carries them itself. */
  notifications: number
  /** Set if the message is a reply. */
  thread?: Thread
}

/** A lane's token bucket. */
export interface Bucket {
  tokens: number
  /** The time that `tokens` is of, in ms. */
  at: number
}

export interface LaneState {
  bucket: Bucket | undefined
  /** The lane rests until then, in ms: by Slack's Retry-After, a backoff, or until the next probe of a blocked lane. */
  notBefore: number
  /** Set while the destination rejects all messages. */
  block?: { reason: string; since: number; probes: number } | undefined
}

/** Reports whether a lane waits because its receiver answered 429: then its next token comes exactly when the wait ends. */
export function isLimit(bucket: Bucket | undefined, notBefore: number): boolean {
  return bucket !== undefined && bucket.at === notBefore
}

/** What a lane should do now. `withheld` has the destination of each notification that a mute has just withheld. */
export type Step = NextStep & { withheld?: readonly string[] }

type NextStep =
  | { is: 'idle' }
  /**
   * Wait until then, in ms. `isInterruptible`: a new notification may end the wait early, because all that waits is held on purpose, or
   * because another replica is posting from this lane.
   */
  | { is: 'wait'; until: number; isInterruptible?: true }
  /**
   * Post `message`, which is written down, and whose token is spent. `block` is set if this is a probe. The post has to end when
   * `signal` aborts, because another replica may take the lane over after that. `isAgain`: the message may have been posted before.
   */
  | { is: 'post'; message: Message; isAgain?: true; block: LaneState['block']; signal?: AbortSignal }

/** A token and what is posted for it, or when to ask again. */
export type NextPost =
  | { until: number }
  /** `ids` are the pending notifications that the message carries, at least one. `gathered` takes effect once it is sent. */
  | { bucket: Bucket; ids: readonly string[]; payload: Payload; gathered: readonly Gathered[]; thread?: Thread }

/** How long a gathering is remembered: within this time a cause pings once. */
export const gatheringMs = 60 * 60 * 1000

/** Number of the oldest pending notifications that a message is composed from: more than any message can name. */
export const composeWindow = 500

/** Decides how a lane goes on, given the lane and what waits in it. Pure. */
export interface Plan {
  /** Takes a token for a post, or tells when there will be one. */
  token(lane: LaneState, now: number): { bucket: Bucket } | { until: number }
  /** True if the lane's messages become cards. */
  hasCards?: boolean
  /** The causes by whose gatherings a notification may be held. */
  causesOf(view: View): readonly string[]
  /** Decides which of `pending`, all due and for one destination, are held to be gathered with others. */
  hold(pending: readonly Pending[], gatherings: Gatherings, now: number): readonly Hold[]
  /**
   * Composes the next message. `pending` has the oldest of what is due, at least one, and what is held to be gathered: for one
   * destination, oldest first.
   */
  next(lane: LaneState, pending: readonly Pending[], gatherings: Gatherings, now: number): NextPost
  /** Notifications accepted before this time, in ms, become dead letters. */
  oldest: number
  /** Mutes for notifications that were held on purpose: one that matches and is in effect when the hold ends withholds them. */
  mutes?: readonly Mute[]
}

export interface Attempt {
  at: number
  /** What happened, in words without secrets: `200 ok`, `429 rate_limited`, `ECONNRESET`. */
  answer: string
}

/** The reason why a message cannot be a reply: its thread is `gone` together with the card, or `closed` to replies while the card stays. */
export type ThreadEnd = 'gone' | 'closed'

/** How a message and its lane go on after an attempt. */
export interface Settlement {
  message: /** `posted` is set if the message may become a card; `thread`, if Slack posted the reply as a message of its own. */
    | { state: 'sent'; posted?: Posted; thread?: 'gone' }
    | { state: 'dead'; reason: string }
    /** `thread` is set if the message is no longer a reply. */
    | { state: 'open'; failures: number; isPlain: boolean; thread?: ThreadEnd }
  /** `bucket` is set if the answer says that there are no tokens, whatever was counted. */
  lane: Pick<LaneState, 'notBefore' | 'block'> & { bucket?: Bucket }
}

/** What is known once a settlement is written down. */
export interface Recorded {
  /** True if nothing else is in the lane, so that it need not be looked at. */
  isLast: boolean
  /** True if the operator is notified of it; undefined if there was no news, or if an earlier try has written it. */
  isNews: boolean | undefined
}

/** Lanes by the names of destinations. */
export type LanesByName = Pick<ReadonlyMap<string, string>, 'get' | 'has'>

/** How long a rule waits for a failure to last, and how long its groups wait, in ms; undefined if there is no such rule. */
export type HoldOf = (rule: string) => { forMs: number; waitMs: number } | undefined

/** The present lane of a destination; undefined if the config file has no such destination. */
export type LaneOf = (destination: string) => string | undefined
