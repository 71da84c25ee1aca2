// What is kept, and the promises about it. SQLite keeps them for one process; every other store has to keep them too.
import type { FluxEvent } from '../events/flux.ts'
import type { Muting } from '../mutes/mutes.ts'
import type { NewSilence, Silence } from '../mutes/silence.ts'
import type { ObjectMemory, Transition } from '../objects.ts'
import type { View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { Verdict } from '../rules/rules.ts'
import type { Records } from './records.ts'
import type { Held } from './withheld.ts'

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

/** How long a repeated body is taken for a retry of the sender. notification-controller gives up after `timeout`. */
export const duplicateWindowMs = 2 * 60 * 1000

export interface NewNotification {
  rule: string
  destination: string
  lane: string
  view: View
  /** To be held until `waitMs` after the first of its group, and told together with the rest of it. */
  group?: { key: string; waitMs: number }
  /** It is not sent: what was held back is told in one message, when this ends. */
  muting?: Muting
  /** There is no room for it where it would wait: it is a dead letter from the start, for this reason. */
  dead?: string
}

/** Why an event led to what it led to. */
export interface Trace {
  verdicts: readonly Verdict[]
  quiet: readonly { rule: string; destination: string; because: string }[]
  /** Told in the relay's own form, because the rule's template failed. */
  unformed?: readonly { rule: string; template: string; because: string }[]
}

/** What is to be written for an arrival. `keep` is false for a heartbeat that told nobody anything. */
export interface Decision {
  transition: Transition
  memory: ObjectMemory
  notifications: readonly NewNotification[]
  trace: Trace
  keep: boolean
  /** Two objects with its name exist at a time. */
  isTwin?: true
}

/** Called inside the transaction with what is known of the object: synchronous and pure, so nothing comes between. */
export type Decide = (arrival: Arrival, memory: ObjectMemory | undefined) => Decision

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

/** A notification waiting in a lane. */
export interface Pending {
  id: string
  event: string
  destination: string
  createdAt: number
  /** Of a group whose time has come. */
  group: string | undefined
  view: View
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
  notifications: number
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
  /** Set while the destination refuses everything. */
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
   * `isHeld`: what comes is a reason to ask again before. All that waits is held for its group, or another replica is
   * posting from this lane.
   */
  | { is: 'wait'; until: number; isHeld?: true }
  /**
   * Post `message`; it is written down and its token is spent. `block` is set where this is a probe. The post has to end
   * when `signal` aborts, because another replica may take the lane over after that.
   */
  | { is: 'post'; message: Message; block: LaneState['block']; signal?: AbortSignal }

/** A token and what is posted for it, or when to ask again. */
export type NextPost =
  | { until: number }
  /** `ids`: which of the pending notifications the message carries; never none. */
  | { bucket: Bucket; ids: readonly string[]; payload: Payload }

/** How long it may take until every replica has a new config file: a kubelet looks at a ConfigMap once a minute. */
export const rolloutMs = 5 * 60 * 1000

/** Why {@link Store.follow} gives up. */
export const goneReason = 'its destination is no longer in the config file'

/** How many of the oldest pending notifications a message is composed from: more than any message can name. */
export const composeWindow = 500

/** How a lane goes on: pure, given the lane and what waits in it. */
export interface Plan {
  /** A token for a post, or when there will be one. */
  token(lane: LaneState, now: number): { bucket: Bucket } | { until: number }
  /** `pending` is the oldest part of what waits, of one destination, oldest first. */
  next(lane: LaneState, pending: readonly Pending[], now: number): NextPost
  /** Notifications accepted before this are given up on, in ms. */
  oldest: number
}

export interface Attempt {
  at: number
  /** What happened, in words without secrets: `200 ok`, `429 rate_limited`, `ECONNRESET`. */
  answer: string
}

/** What becomes of a message and of its lane after an attempt. */
export interface Settlement {
  message: { state: 'sent' } | { state: 'dead'; reason: string } | { state: 'open'; failures: number; isPlain: boolean }
  /** `bucket` where the answer tells that there are no tokens, whatever was counted. */
  lane: Pick<LaneState, 'notBefore' | 'block'> & { bucket?: Bucket }
}

/** What is older may go, in ms since 1970. */
export interface Expiry {
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

/** Notifications for one destination. */
export interface Tally {
  /** Neither sent nor dead. */
  pending: number
  /** Given up on by this process. */
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
export interface Heard {
  sources: ReadonlyMap<string, number>
  listenedUntil: number | undefined
}

/** The lane that a destination has by now; undefined where the config file has no such destination. */
export type LaneOf = (destination: string) => string | undefined

export interface Store {
  /**
   * The time by the store's clock, which all times here are of; `now` is that of this machine. Of several replicas the clocks
   * differ, that of their database is one.
   */
  timeOf(now: number): number

  /**
   * Writes a batch in one transaction with one fsync. When the promise resolves, everything is on disk. When it
   * rejects, nothing of the batch is. Receipts are in the order of the arrivals.
   */
  accept(batch: readonly Arrival[], decide: Decide): Promise<Receipt[]>

  /** The lanes that have something to send, and the destinations it is for. */
  busyLanes(): Promise<string[]>

  /**
   * What to do next in a lane. A lane has at most one open message, so that nothing overtakes and nothing is sent
   * twice at a time; while one is open it is the next, word for word. Otherwise the oldest pending notifications, as far
   * as they are not held, are composed into one. Message and spent token are committed before this resolves.
   */
  next(lane: string, plan: Plan, now: number): Promise<Step>

  /**
   * Records how an attempt ended; the lane's next step sees it. `notices`, what the operator is to be told of it, are
   * written with it. Throws LANE_LOST where another replica has taken the lane over: it sends the message again.
   */
  settle(
    message: Message,
    attempt: Attempt,
    settlement: Settlement,
    notices?: readonly NewNotification[]
  ): Promise<void>

  /**
   * For each mute that is over and each destination, writes the notification that `compose` makes of what was held back;
   * from then on that destination has heard of the failures that last. It goes to the lane that the destination has by now,
   * which may have moved since. Resolves to the lanes that got something.
   */
  endMutes(now: number, laneOf: LaneOf, compose: (held: Held) => View): Promise<string[]>

  /** Those that have not ended, oldest first. */
  silences(now: number): Promise<Silence[]>

  addSilence(silence: NewSilence, now: number): Promise<Silence>

  /** Ends a silence now, for what it holds back, too. False where none of that id is in effect. */
  endSilence(id: string, now: number): Promise<boolean>

  /** How many notifications wait in a lane, those of its open message included. */
  backlog(lane: string): Promise<number>

  /**
   * Lets a lane go on at once: a backoff and the next probe of a block are not waited for any more. A rate limit is: then
   * nothing changes, and this resolves to when it is over.
   */
  tryNow(lane: string, now: number): Promise<number | undefined>

  /**
   * Brings what waits in line with the config file: it moves to the lane that its destination has now, by `lanes`, and
   * becomes a dead letter where the destination is gone; resolves to how many did. Replicas may have different files for
   * a while, so that a store of several leaves alone what is younger than {@link rolloutMs}.
   */
  follow(lanes: ReadonlyMap<string, string>, now: number): Promise<number>

  /** The newest messages of a destination, newest first. */
  messages(destination: string, limit: number): Promise<{ id: string; at: number; state: string; payload: Payload }[]>

  /** Notifications that are neither sent nor dead, as last counted. */
  readonly pending: number

  /** Notifications given up on by this process, for whatever reason. */
  readonly buried: number

  /** Both by destination. A store of several replicas counts now and then, so that it costs little. */
  tally(): ReadonlyMap<string, Tally>

  /** What people look at, and what they do to dead letters. */
  readonly records: Records

  /** Notes when sources were heard, by their names, and that somebody listened until `now`. Never goes back in time. */
  heard(sources: ReadonlyMap<string, number>, now: number): Promise<void>

  lastHeard(): Promise<Heard>

  /** Calls `wake` with lanes that another replica filled, or left. */
  listen(wake: (lanes: string[]) => void): void

  /** Resolves if the store can be written to. */
  ping(): Promise<void>

  /** How large it is, as of the last minute. */
  size(): Promise<Size>

  /**
   * Deletes up to `limit` expired rows of each kind; resolves to how many went. Objects nobody has heard of for as long
   * as dead letters are kept are forgotten.
   */
  prune(before: Expiry, limit: number): Promise<number>

  /**
   * Forgets objects of sources that have more than `max`: the oldest healthy ones first, one that fails only where no other
   * is left. Resolves to how many each has now.
   */
  boundObjects(max: number): Promise<ReadonlyMap<string, ObjectCount>>

  close(): Promise<void>
}
