// Records: define what people can ask of the store. Every answer is a page whose cost is bounded, however much is kept. Times are
// in ms since 1970, by the database's clock.
import type { Actor, ActWay } from '../actor.ts'
import type { ObjectRef } from '../events/flux.ts'
import type { Failure, Notified } from '../objects/memory.ts'
import type { Transition } from '../objects.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { Search } from '../search.ts'
import type { ActAbout, ActName, NewNotification, Trace } from './kept.ts'
import type { Attempt, Bucket, LaneState, LanesByName } from './kept-lanes.ts'

/** A page that is asked for. `limit` is at most {@link maxPage}; `cursor` is the `next` of the page before, with the same filter. */
export interface Page {
  limit: number
  cursor?: string | undefined
  /** Newest first unless it is `asc`. */
  order?: 'asc' | 'desc' | undefined
}

export const maxPage = 500

/** A page of results. It may be short or even empty and still have a `next`: then it has looked at as much as one page may. */
export interface Listed<T> {
  items: T[]
  next: string | null
}

/** Selects by the fields of an object. */
export type ObjectFilter = { [field in keyof ObjectRef]?: string | undefined }

export const notificationStates = ['pending', 'sent', 'muted', 'dead', 'discarded'] as const
export type NotificationState = (typeof notificationStates)[number]

/** Selects events. `rule`, `destination` and `state` ask for a notification that has all of them. `until` is excluded. */
export interface EventFilter extends ObjectFilter {
  source?: string | undefined
  reason?: string | undefined
  severity?: string | undefined
  transition?: string | undefined
  rule?: string | undefined
  destination?: string | undefined
  state?: NotificationState | undefined
  since?: number | undefined
  until?: number | undefined
  /** Its fields are those of this filter. */
  search?: Search | undefined
}

export interface EventRecord {
  id: string
  receivedAt: number
  source: string
  object: ObjectRef
  severity: string
  reason: string
  transition: Transition
  message: string
  notifications: { id: string; rule: string; destination: string; state: NotificationState }[]
  /** The body as received, if it was asked for. */
  body?: string
}

/** One event with everything that it led to. */
export interface EventDetail extends Omit<EventRecord, 'notifications'> {
  body: string
  trace: Trace
  notifications: {
    id: string
    rule: string
    destination: string
    state: NotificationState
    /** Why it is dead, muted or discarded; or that it waits to see whether its failure lasts. */
    reason: string | null
    /** The message that carries it, with the answer to each attempt. */
    message: { id: string; state: string; failures: number; payload: Payload; attempts: Attempt[] } | null
  }[]
}

export const objectStates = ['healthy', 'failing', 'stale'] as const
export type ObjectState = (typeof objectStates)[number]

/** Failing objects that are looked at for one page. */
export const maxFailures = 20_000

export interface ObjectRecord {
  object: ObjectRef
  state: ObjectState
  failure?: Pick<Failure, 'since' | 'count' | 'reason' | 'revision' | 'text' | 'gist' | 'severity' | 'acknowledged'>
  /** When the present state began. */
  since: number
  /** The revision that was applied last. */
  revision: string
  notified: readonly Notified[]
  /** Time of the newest remembered event. */
  seenAt: number
}

export interface NotificationFilter extends ObjectFilter {
  state?: NotificationState | undefined
  rule?: string | undefined
  destination?: string | undefined
  lane?: string | undefined
  /** The exact reason why it is dead or muted. */
  reason?: string | undefined
  since?: number | undefined
  /** Its fields are those of this filter. */
  search?: Search | undefined
}

export interface NotificationRecord {
  id: string
  /** null if it is not about one event, as a notice. */
  event: string | null
  rule: string
  destination: string
  lane: string
  state: NotificationState
  reason: string | null
  says: Transition
  object: ObjectRef
  summary: string
  createdAt: number
}

export interface LaneRecord {
  lane: string
  /** Number of waiting notifications, those of the open message included. */
  backlog: number
  /** When the notification that has waited longest was accepted. */
  oldest: number | null
  block: NonNullable<LaneState['block']> | null
  /** When the open message was written down; null if there is none. */
  openSince: number | null
  notBefore: number
  /** null if the lane has not posted yet. */
  bucket: Bucket | null
}

/** The part of a {@link LaneRecord} that needs no counting. */
export interface LaneHead extends Pick<LaneRecord, 'lane' | 'block' | 'notBefore'> {
  /** When the first waiting notification was or will be free to be sent; null if none waits, or only for its failure to last. */
  dueSince: number | null
}

/** Counts of one minute. `failed` counts events that began or changed a failure; `messages`, those begun in this minute and sent. */
export interface Minute {
  minute: number
  events: number
  failed: number
  messages: number
}

/** What a rule did. `events`: events that it notified of; `messages`: messages that were sent with them. */
export interface RuleHits {
  rule: string
  events: number
  messages: number
  /** True if there were more: only the rule's newest notifications were looked at. */
  isPart: boolean
  /** When the rule's newest notification was made. */
  lastAt: number
}

/** The number of messages that a destination has taken. `isPart`: there were at least so many. */
export interface DestinationTraffic {
  destination: string
  messages: number
  isPart: boolean
  /** When it took the newest; undefined if it has taken none that is kept. */
  lastAt: number | undefined
}

/** An entry of the audit log. */
export interface ActRecord {
  id: string
  /** ms */
  at: number
  /** Name of the actor. */
  name: string
  via: ActWay
  did: ActName
  about: ActAbout
}

export interface ActFilter {
  name?: string | undefined
  via?: ActWay | undefined
  did?: ActName | undefined
  since?: number | undefined
}

export interface Retried {
  id: string
  destination: string
  lane: string
}

/** An open incident on a card, with its last event that was sent. */
export interface CardIncident {
  /** The key of its object. */
  key: string
  since: number
  event: string
  object: ObjectRef
  source: string
  transition: Transition
  receivedAt: number
  body: string
}

/** A card with its versions and its thread, each as far as it is kept. */
export interface CardRecord {
  id: string
  lane: string
  destination: string
  /** Where it is in Slack. */
  channel: string
  ts: string
  postedAt: number
  /** True if the card is out of date and will be updated. */
  isDue: boolean
  /** Newest first: that is what it shows now. */
  versions: { at: number; payload: Payload }[]
  /** Oldest first. */
  thread: { at: number; state: string; isBroadcast: boolean; payload: Payload }[]
}

/** The longest window of {@link Records.perMinute}. */
export const maxWindowMs = 24 * 60 * 60 * 1000

/** The reason of a discarded notification. */
export const discardedReason = 'discarded by an operator'

export interface Records {
  events(filter: EventFilter, page: Page, options?: { withBody?: boolean }): Promise<Listed<EventRecord>>
  event(id: string): Promise<EventDetail | undefined>
  /** The events that a message reports, or the first hundred of them. */
  reportedBy(message: string): Promise<Pick<EventRecord, 'id' | 'source' | 'object'>[]>
  /**
   * Objects in `state` at `now` that pass `isNamed` and `isWanted`; the latter is asked of fewer. Failing and stale objects come with
   * the newest failure first, others in the order of their keys.
   */
  objects(
    filter: ObjectFilter & {
      state?: ObjectState | undefined
      isNamed?: (object: ObjectRef) => boolean
      isWanted?: (record: ObjectRecord) => boolean
    },
    page: Page,
    now: number
  ): Promise<Listed<ObjectRecord>>
  /** Objects that are failing or stale at `now`, the newest failure first, or the first {@link maxFailures} of them. */
  failures(now: number): Promise<Listed<ObjectRecord>>
  /** Open incidents that cards name, or that `card` names; if there are too many, the oldest. */
  incidentsOnCards(card?: string): Promise<CardIncident[]>
  /** The cards that an event is on or in whose threads it is. */
  cardsOf(event: string): Promise<CardRecord[]>
  card(id: string): Promise<CardRecord | undefined>
  notifications(filter: NotificationFilter, page: Page): Promise<Listed<NotificationRecord>>
  /** Every lane that was ever used or has something to send. */
  lanes(): Promise<LaneRecord[]>
  /** Every lane that is blocked or has something to send. Each costs one step, however much waits in it. */
  laneHeads(): Promise<LaneHead[]>
  /** Minutes in which something happened, oldest first; of a longer window only the newest {@link maxWindowMs}. */
  perMinute(since: number, until: number): Promise<Minute[]>
  /** Time from accepting to Slack's yes, in ms, of the newest messages sent since `since`; undefined if there are none. */
  latency(since: number): Promise<{ medianMs: number; p99Ms: number } | undefined>
  /** What each rule did since `since`, ordered by name; rules that did nothing are left out. */
  ruleHits(since: number): Promise<RuleHits[]>
  /** The messages that each destination has taken since `since`; includes every destination that was ever posted to. */
  destinationTraffic(since: number): Promise<DestinationTraffic[]>

  /**
   * Lets dead letters wait again, each in the lane that `lanes` has for its destination; those without a lane stay as they are. At most
   * {@link maxPage} ids. Their age counts from `now`. As with every act, `actor` is written down with the effect; throws REPEATED if the
   * actor's click has had its effect before.
   */
  retry(ids: readonly string[], lanes: LanesByName, now: number, actor?: Actor): Promise<Retried[]>
  /** Retries a page of the dead letters that match, the oldest first. */
  retryAll(
    filter: Omit<NotificationFilter, 'state'>,
    page: Page,
    lanes: LanesByName,
    now: number,
    actor?: Actor
  ): Promise<Listed<Retried>>
  /** Discards dead letters; resolves to the ids that were dead letters. */
  discard(ids: readonly string[], now: number, actor?: Actor): Promise<string[]>
  /** The audit log, the newest act first. */
  acts(filter: ActFilter, page: Page): Promise<Listed<ActRecord>>
  /** Writes `news` down; resolves to true if it was news. */
  announce(news: News): Promise<boolean>
  /** When each key that begins with `prefix` was announced, in ms, by the rest of the key. */
  announced(prefix: string): Promise<ReadonlyMap<string, number>>
}

/** Notices to the operator, unless some replica has announced the same key within the last `withinMs`. */
export interface News {
  key: string
  notices: readonly NewNotification[]
  now: number
  withinMs: number
  /** The key of an announcement that this ends, which is then forgotten; if there was none, this is no news. */
  ends?: string
}
