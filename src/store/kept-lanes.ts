// Kept lanes: defines the shapes of what waits in a lane, of the message that is made of it, and of what becomes of it.
import type { Mute } from '../mutes/mutes.ts'
import type { View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'

/** Clocks of replicas differ by less, in ms, however exactly each goes by the database's. */
export const apartMs = 1000

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

/** A notification waiting in a lane. */
export interface Pending {
  id: string
  event: string
  destination: string
  createdAt: number
  /** The group whose time has come. */
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

/** What a lane should do now, and the destinations of what a mute withheld meanwhile, each as often. */
export type Step = NextStep & { withheld?: readonly string[] }

type NextStep =
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
  /** What was held on purpose and is matched by one of these, in effect when that ends, is withheld. */
  mutes?: readonly Mute[]
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

/** What is known once that is written down. */
export interface Recorded {
  /** Nothing else is in the lane, so that it need not be looked at. */
  isLast: boolean
  /** Whether the operator is notified of it; undefined where nothing was to be said, or another try has written it. */
  isNews: boolean | undefined
}

/** The lanes of destinations, by their names. */
export type LanesByName = Pick<ReadonlyMap<string, string>, 'get' | 'has'>

/** How long a rule has a failure last before it is notified, and its groups wait, in ms; undefined where there is no such rule. */
export type HoldOf = (rule: string) => { forMs: number; waitMs: number } | undefined

/** The lane that a destination has by now; undefined where the config file has no such destination. */
export type LaneOf = (destination: string) => string | undefined
