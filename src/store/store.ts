// Store: defines the promises about what is kept. SQLite keeps them for one process; every other store has to keep them too.
import type { Actor } from '../actor.ts'
import type { Mute } from '../mutes/mutes.ts'
import type { NewSilence, Silence } from '../mutes/silence.ts'
import type { Acknowledged, Incident } from '../objects/acknowledged.ts'
import type { View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'
import type {
  Arrival,
  Decide,
  Expiry,
  LastEvents,
  NewNotification,
  ObjectCount,
  Receipt,
  Rollout,
  Size,
  Tally
} from './kept.ts'
import type { Card, CardEnd, CardPlan, CardStep } from './kept-cards.ts'
import type {
  Attempt,
  HoldOf,
  LaneOf,
  LanesByName,
  Message,
  Plan,
  Posted,
  Recorded,
  Settlement,
  Step
} from './kept-lanes.ts'
import type { News, Records } from './records.ts'
import type { Withheld } from './withheld.ts'

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
   * Records how an attempt ended, with `news` of that; the lane's next step sees it. Throws LANE_LOST where another replica has
   * taken the lane over: it sends the message again.
   */
  settle(message: Message, attempt: Attempt, settlement: Settlement, news?: News): Promise<Recorded>

  /**
   * The card of these lanes that has been out of date for longest, as far as it may be updated by now, with all that is known of
   * what it names. It is claimed, and the token spent, before this resolves.
   */
  nextCard(plan: CardPlan, now: number): Promise<CardStep>

  /** Records how an update ended. Nothing happens where another has claimed the card since. */
  settleCard(card: Card, end: CardEnd, now: number): Promise<void>

  /** What is shown of these objects is another: their cards are out of date. */
  touchCards(objects: readonly string[], now: number): Promise<void>

  /** The card that was posted there, with all that is known of what it names; undefined where none was. */
  cardAt(place: Posted): Promise<Card | undefined>

  /** The same, claimed for an update that is no part of a budget; `claimed` while somebody else has it. */
  claimCard(place: Posted, now: number): Promise<Card | 'claimed' | undefined>

  /** No card of this budget is updated before `until`, in ms: Slack asked for it. */
  restCards(budget: string, until: number, now: number): Promise<void>

  /**
   * For each mute that is over and each destination, writes the notification that `compose` makes of what was withheld;
   * from then on that destination counts as notified of the failures that last. It goes to the lane that the destination has by now,
   * which may have moved since. What one of `mutes` withholds by then is not summed up before that one is over. Resolves to the
   * lanes that got something.
   */
  endMutes(
    now: number,
    laneOf: LaneOf,
    compose: (withheld: Withheld) => View,
    mutes?: readonly Mute[]
  ): Promise<string[]>

  /**
   * For each rollout of which something is due at `now`, writes the notification that `say` makes of it, if any, and has the
   * card that shows it updated. Resolves to the lanes that got something.
   */
  sayRollouts(now: number, say: (rollout: Rollout) => NewNotification | undefined): Promise<string[]>

  /**
   * Brings what the mutes of the config file withhold in line with a new one: by `endsOf` when those of a name that are in effect end,
   * in ms. Where there are none, it ends now; a store of several replicas leaves alone for {@link rolloutMs} what it withholds then.
   * Whether something was left alone: this is to be called again.
   */
  followMutes(endsOf: (mute: string) => readonly number[], now: number): Promise<boolean>

  /** Silences that have not ended, oldest first. */
  silences(now: number): Promise<Silence[]>

  /** Silences that have ended, latest first, as far as they are kept. */
  endedSilences(now: number, limit: number): Promise<Silence[]>

  /** As with every act of an operator: `actor` is written down with the effect; throws REPEATED where its click has had it before. */
  addSilence(silence: NewSilence, now: number, actor?: Actor): Promise<Silence>

  /** Ends a silence now, for what it withheld, too. False where none of that id is in effect. */
  endSilence(id: string, now: number, actor?: Actor): Promise<boolean>

  /** Lets a silence end at `endsAt` instead, for what it withheld, too. False where none of that id is in effect. */
  extendSilence(id: string, endsAt: number, now: number, actor?: Actor): Promise<boolean>

  /**
   * Incidents are acknowledged by `actor`, or not any more: what waits of them and would remind is withheld, what would ping
   * does not, and cards that name them are out of date. Resolves to those that go on, each once.
   */
  acknowledge(incidents: readonly Incident[], now: number, actor: Actor): Promise<Acknowledged[]>
  unacknowledge(incidents: readonly Incident[], now: number, actor: Actor): Promise<Acknowledged[]>

  /** How many notifications wait in a lane, those of its open message included. */
  backlog(lane: string): Promise<number>

  /**
   * Lets a lane go on at once: a backoff, the next probe of a block and what is gathered are not waited for any more. A rate limit is: then
   * nothing changes, and this resolves to when it is over.
   */
  tryNow(lane: string, now: number, actor?: Actor): Promise<number | undefined>

  /**
   * Brings what waits in line with the config file: it moves to the lane that its destination has now, by `lanes`, and
   * becomes a dead letter where the destination is gone; resolves to how many did. That goes in steps, and `lanes` is asked
   * before each: the file may change meanwhile. Replicas may have different files for a while, so that a store of several
   * leaves alone what is younger than {@link rolloutMs}.
   */
  follow(lanes: () => LanesByName, now: number): Promise<number>

  /**
   * Brings what is held to see whether its failure lasts in line with a new config file: by `holdOf` how long a rule has a failure
   * last, and how long its groups wait. It is never held for longer than before.
   * Where there is no such rule, a store of several replicas leaves alone what is younger than {@link rolloutMs}.
   */
  shorten(holdOf: HoldOf, now: number): Promise<void>

  /** The newest messages of a destination, newest first. */
  messages(destination: string, limit: number): Promise<{ id: string; at: number; state: string; payload: Payload }[]>

  /** Notifications that are neither sent nor dead, as last counted. */
  readonly pending: number

  /** Dead letters made by this process, for whatever reason. */
  readonly buried: number

  /** Both by destination. A store of several replicas counts now and then, so that it costs little. */
  tally(): ReadonlyMap<string, Tally>

  /** What people look at, and what they do to dead letters. */
  readonly records: Records

  /** Notes when sources last posted, by their names, and that somebody listened until `now`. Never goes back in time. */
  noteLastEvents(sources: ReadonlyMap<string, number>, now: number): Promise<void>

  lastEvents(): Promise<LastEvents>

  /** Calls `wake` with lanes that another replica filled, or left. */
  listen(wake: (lanes: string[]) => void): void

  /** Resolves if the store can be written to. */
  ping(): Promise<void>

  /** How large it is, as of the last minute. */
  size(): Promise<Size>

  /**
   * Deletes up to `limit` expired rows of each kind; resolves to how many went. Objects without an event for as
   * long as dead letters are kept are forgotten.
   */
  prune(before: Expiry, limit: number): Promise<number>

  /**
   * Forgets objects of sources that have more than `max`: the oldest healthy ones first, one that fails only where no other
   * is left. Resolves to how many each has now.
   */
  boundObjects(max: number): Promise<ReadonlyMap<string, ObjectCount>>

  close(): Promise<void>
}

/** What a store has to do with mutes and silences. */
export type Muting = Pick<
  Store,
  'endMutes' | 'followMutes' | 'silences' | 'endedSilences' | 'addSilence' | 'endSilence' | 'extendSilence'
>
