// Store: defines the promises about what is kept. SQLite keeps them for one process, and every other store has to keep them, too.
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
   * Converts `now`, the time of this machine, to the store's clock, by which all times here go. The clocks of several replicas differ,
   * but they share the clock of their database.
   */
  timeOf(now: number): number

  /**
   * Writes a batch in one transaction with one fsync. When the promise resolves, everything is on disk; when it rejects, nothing of
   * the batch is. Receipts are in the order of the arrivals.
   */
  accept(batch: readonly Arrival[], decide: Decide): Promise<Receipt[]>

  /** The lanes that have something to send. */
  busyLanes(): Promise<string[]>

  /**
   * Decides what a lane does next. A lane has at most one open message, so that nothing overtakes and nothing is sent twice at a time;
   * an open message is always the next, word for word. Otherwise the oldest pending notifications that are not held are composed into
   * one. The message and the spent token are committed before this resolves.
   */
  next(lane: string, plan: Plan, now: number): Promise<Step>

  /**
   * Records how an attempt ended, with `news` of that; the lane's next step sees it. Throws LANE_LOST if another replica has taken the
   * lane over, which sends the message again.
   */
  settle(message: Message, attempt: Attempt, settlement: Settlement, news?: News): Promise<Recorded>

  /**
   * Hands out the card of these lanes that has been out of date for longest and may be updated now, with all that is known of what it
   * names. The card is claimed and the token spent before this resolves.
   */
  nextCard(plan: CardPlan, now: number): Promise<CardStep>

  /** Records how an update ended. Does nothing if somebody else has claimed the card since. */
  settleCard(card: Card, end: CardEnd, now: number): Promise<void>

  /** Marks the cards of these objects as out of date, because something that they show has changed. */
  touchCards(objects: readonly string[], now: number): Promise<void>

  /** The card that was posted at `place`, with all that is known of what it names; undefined if none was. */
  cardAt(place: Posted): Promise<Card | undefined>

  /** Claims the card at `place` for an update outside of any budget; resolves to `claimed` while somebody else has it. */
  claimCard(place: Posted, now: number): Promise<Card | 'claimed' | undefined>

  /** Stops updates of all cards of this budget until `until`, in ms, because Slack asked for it. */
  restCards(budget: string, until: number, now: number): Promise<void>

  /**
   * Writes the summary that `compose` makes, for each mute that is over and each destination, of what was withheld; from then on the
   * destination counts as notified of failures that go on. The summary goes to the destination's present lane, by `laneOf`. What one of
   * `mutes` withholds now is not summed up before that mute is over. Resolves to the lanes that got a summary.
   */
  endMutes(
    now: number,
    laneOf: LaneOf,
    compose: (withheld: Withheld) => View,
    mutes?: readonly Mute[]
  ): Promise<string[]>

  /**
   * Writes the notification that `say` makes, if any, of each rollout that is due at `now`, and has the rollout's card updated. Resolves
   * to the lanes that got a notification.
   */
  sayRollouts(now: number, say: (rollout: Rollout) => NewNotification | undefined): Promise<string[]>

  /**
   * Brings what mutes of the config file withhold in line with a new file. `endsOf` gives the ends, in ms, of the mutes of a name that
   * are in effect; if there are none, what they withhold ends now. A store of several replicas leaves alone what was withheld within the
   * last {@link rolloutMs} by a mute that its file does not have. Resolves to true if something was left alone: then call again later.
   */
  followMutes(endsOf: (mute: string) => readonly number[], now: number): Promise<boolean>

  /** Silences that have not ended, oldest first. */
  silences(now: number): Promise<Silence[]>

  /** Silences that have ended, latest first, as far as they are kept. */
  endedSilences(now: number, limit: number): Promise<Silence[]>

  /** Adds a silence. As with every act, `actor` is written down with the effect; throws REPEATED if the click has had it before. */
  addSilence(silence: NewSilence, now: number, actor?: Actor): Promise<Silence>

  /** Ends a silence now, also for what it has withheld. Resolves to false if no silence with this id is in effect. */
  endSilence(id: string, now: number, actor?: Actor): Promise<boolean>

  /** Moves the end of a silence to `endsAt`, also for what it has withheld. Resolves to false if none with this id is in effect. */
  extendSilence(id: string, endsAt: number, now: number, actor?: Actor): Promise<boolean>

  /**
   * Marks incidents as acknowledged by `actor`, or takes that back. An acknowledgement withholds waiting reminders and takes the pings
   * out of waiting notifications; either marks the cards as out of date. Resolves to the incidents that go on, each once.
   */
  acknowledge(incidents: readonly Incident[], now: number, actor: Actor): Promise<Acknowledged[]>
  unacknowledge(incidents: readonly Incident[], now: number, actor: Actor): Promise<Acknowledged[]>

  /** The number of notifications that wait in a lane, those of its open message included. */
  backlog(lane: string): Promise<number>

  /**
   * Lets a lane go on at once, without waiting for a backoff, the next probe of a blocked lane or what is being gathered. If the lane
   * waits for a rate limit, nothing changes, and this resolves to the end of the limit.
   */
  tryNow(lane: string, now: number, actor?: Actor): Promise<number | undefined>

  /**
   * Brings waiting notifications in line with the config file: each moves to the lane that `lanes` has for its destination, or becomes a
   * dead letter if the destination is gone; resolves to the number of those. It works in steps and asks `lanes` before each, because the
   * file may change meanwhile. Replicas may have different files for a while, so a store of several replicas makes no dead letters of
   * what is younger than {@link rolloutMs}.
   */
  follow(lanes: () => LanesByName, now: number): Promise<number>

  /**
   * Brings notifications that wait to see whether their failure lasts in line with a new config file: `holdOf` gives the times of a
   * rule. None is held for longer than before. If the file does not have the rule, a store of several replicas leaves alone what is
   * younger than {@link rolloutMs}.
   */
  shorten(holdOf: HoldOf, now: number): Promise<void>

  /** The newest messages of a destination, newest first. */
  messages(destination: string, limit: number): Promise<{ id: string; at: number; state: string; payload: Payload }[]>

  /** Number of notifications that wait, as last counted. */
  readonly pending: number

  /** Number of dead letters made by this process, for whatever reason. */
  readonly buried: number

  /** Both numbers by destination. A store of several replicas counts only now and then, so that it costs little. */
  tally(): ReadonlyMap<string, Tally>

  /** What people ask of the store, and what they do to dead letters. */
  readonly records: Records

  /** Notes when sources last posted, by name, and that this relay listened until `now`. Never goes back in time. */
  noteLastEvents(sources: ReadonlyMap<string, number>, now: number): Promise<void>

  lastEvents(): Promise<LastEvents>

  /** Calls `wake` with lanes that another replica has filled or left. */
  listen(wake: (lanes: string[]) => void): void

  /** Resolves if the store can be written to. */
  ping(): Promise<void>

  /** How much room the store takes, as of the last minute. */
  size(): Promise<Size>

  /**
   * Deletes up to `limit` expired rows of each kind; resolves to the number of deleted rows. Objects without an event for as long as
   * dead letters are kept are forgotten.
   */
  prune(before: Expiry, limit: number): Promise<number>

  /**
   * Forgets objects of sources that have more than `max`: the oldest healthy ones first, failing ones only if no others are left.
   * Resolves to the number of each source's objects.
   */
  boundObjects(max: number): Promise<ReadonlyMap<string, ObjectCount>>

  close(): Promise<void>
}

/** The part of a store that deals with mutes and silences. */
export type Muting = Pick<
  Store,
  'endMutes' | 'followMutes' | 'silences' | 'endedSilences' | 'addSilence' | 'endSilence' | 'extendSilence'
>
