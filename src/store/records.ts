// Records: define what people ask of the store. Every answer is a page whose cost is bounded, however much is kept. Times
// are ms since 1970, by the database's clock.
import type { Actor, ActWay } from '../actor.ts'
import type { ObjectRef } from '../events/flux.ts'
import type { Failure, Notified } from '../objects/memory.ts'
import type { Transition } from '../objects.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { Search } from '../search.ts'
import type { ActAbout, ActName, NewNotification, Trace } from './kept.ts'
import type { Attempt, Bucket, LaneState, LanesByName } from './kept-lanes.ts'

/** `limit` is at most {@link maxPage}; `cursor` is the `next` of the page before, with the same filter. */
export interface Page {
  limit: number
  cursor?: string | undefined
  /** Newest first unless it is `asc`. */
  order?: 'asc' | 'desc' | undefined
}

export const maxPage = 500

/** A page may be short, even empty, and have a next: then as much was looked at as one page may. */
export interface Listed<T> {
  items: T[]
  next: string | null
}

/** The fields of the object that something is about. */
export type ObjectFilter = { [field in keyof ObjectRef]?: string | undefined }

export const notificationStates = ['pending', 'sent', 'muted', 'dead', 'discarded'] as const
export type NotificationState = (typeof notificationStates)[number]

/** Events with a notification of this rule, destination and state, where they are given. `until` is excluded. */
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
  /** With the fields of this filter. */
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
  /** As received, where it was asked for. */
  body?: string
}

/** One event with everything that came of it. */
export interface EventDetail extends Omit<EventRecord, 'notifications'> {
  body: string
  trace: Trace
  notifications: {
    id: string
    rule: string
    destination: string
    state: NotificationState
    /** Why it is dead, muted or discarded; of one that waits, what for, where its failure has yet to last. */
    reason: string | null
    /** The post that carries it, with how each attempt was answered. */
    message: { id: string; state: string; failures: number; payload: Payload; attempts: Attempt[] } | null
  }[]
}

export const objectStates = ['healthy', 'failing', 'stale'] as const
export type ObjectState = (typeof objectStates)[number]

/** As many failing objects as are looked at for one page. */
export const maxFailures = 20_000

export interface ObjectRecord {
  object: ObjectRef
  state: ObjectState
  failure?: Pick<Failure, 'since' | 'count' | 'reason' | 'revision' | 'text' | 'gist' | 'severity' | 'acknowledged'>
  /** When the present state began. */
  since: number
  /** The one that was applied last. */
  revision: string
  notified: readonly Notified[]
  /** When the newest of its events was that were remembered. */
  seenAt: number
}

export interface NotificationFilter extends ObjectFilter {
  state?: NotificationState | undefined
  rule?: string | undefined
  destination?: string | undefined
  lane?: string | undefined
  /** Why it is dead or muted, exactly. */
  reason?: string | undefined
  since?: number | undefined
  /** With the fields of this filter. */
  search?: Search | undefined
}

export interface NotificationRecord {
  id: string
  /** null for what the relay says of itself. */
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
  /** Notifications that wait, those of the open message included. */
  backlog: number
  /** When the one that has waited longest was accepted. */
  oldest: number | null
  block: NonNullable<LaneState['block']> | null
  /** When the message was written down that is next, and not sent yet; null where none is. */
  openSince: number | null
  notBefore: number
  /** null for one that has not posted yet. */
  bucket: Bucket | null
}

/** As a {@link LaneRecord}, without what has to be counted. */
export interface LaneHead extends Pick<LaneRecord, 'lane' | 'block' | 'notBefore'> {
  /** Since when the first of what waits could go, or when it may where all is held on purpose; null for nothing, and what has yet to last. */
  dueSince: number | null
}

/** `failed`: events that brought new trouble; `messages`: posts that were written down. */
export interface Minute {
  minute: number
  events: number
  failed: number
  messages: number
}

/** `events`: those that it notified of; `messages`: the posts that were sent with them. */
export interface RuleHits {
  rule: string
  events: number
  messages: number
  /** There were more: only its newest notifications were looked at. */
  isPart: boolean
  /** When its newest notification was made. */
  lastAt: number
}

/** `messages`: how many it took; `isPart`: at least. */
export interface DestinationTraffic {
  destination: string
  messages: number
  isPart: boolean
  /** When it took the newest; undefined where it has taken none that is kept. */
  lastAt: number | undefined
}

/** An act as the audit log has it. */
export interface ActRecord {
  id: string
  /** ms */
  at: number
  /** Who. */
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

/** An incident on a card that goes on, and the event that was the last to be sent of it. */
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

/** A card with what it has shown and what is in its thread, each as far as it is kept. */
export interface CardRecord {
  id: string
  lane: string
  destination: string
  /** Where it is in Slack. */
  channel: string
  ts: string
  postedAt: number
  /** It shows what is over, and will be updated. */
  isDue: boolean
  /** The newest, which is what it shows now, first. */
  versions: { at: number; payload: Payload }[]
  /** Oldest first. */
  thread: { at: number; state: string; isBroadcast: boolean; payload: Payload }[]
}

/** The longest window of {@link Records.perMinute}. */
export const maxWindowMs = 24 * 60 * 60 * 1000

/** What a notification that was discarded has as its reason. */
export const discardedReason = 'discarded by an operator'

export interface Records {
  events(filter: EventFilter, page: Page, options?: { withBody?: boolean }): Promise<Listed<EventRecord>>
  event(id: string): Promise<EventDetail | undefined>
  /** The events that a post reports, or the first hundred of them. */
  reportedBy(message: string): Promise<Pick<EventRecord, 'id' | 'source' | 'object'>[]>
  /** `state` at `now`; those that `isNamed` and `isWanted` want, which is asked of fewer. Failing and stale ones with the newest failure first, the others in the order of their keys. */
  objects(
    filter: ObjectFilter & {
      state?: ObjectState | undefined
      isNamed?: (object: ObjectRef) => boolean
      isWanted?: (record: ObjectRecord) => boolean
    },
    page: Page,
    now: number
  ): Promise<Listed<ObjectRecord>>
  /** All that fail or are stale at `now`, the newest failure first, or the first {@link maxFailures} of them. */
  failures(now: number): Promise<Listed<ObjectRecord>>
  /** What cards name that goes on, or what `card` does; the oldest, where there is too much of it. */
  incidentsOnCards(card?: string): Promise<CardIncident[]>
  /** The cards that an event is on, or in whose threads it is. */
  cardsOf(event: string): Promise<CardRecord[]>
  card(id: string): Promise<CardRecord | undefined>
  notifications(filter: NotificationFilter, page: Page): Promise<Listed<NotificationRecord>>
  /** Every lane that was ever used or has something to send. */
  lanes(): Promise<LaneRecord[]>
  /** Every lane that is blocked or has something to send: a step for each, however much waits in it. */
  laneHeads(): Promise<LaneHead[]>
  /** Minutes in which something happened, oldest first. Of a longer window the newest {@link maxWindowMs}. */
  perMinute(since: number, until: number): Promise<Minute[]>
  /** From accepting to Slack taking it, in ms, of the newest messages sent since then; undefined where there are none. */
  latency(since: number): Promise<{ medianMs: number; p99Ms: number } | undefined>
  /** What each rule did since then, where it did anything; by their names. */
  ruleHits(since: number): Promise<RuleHits[]>
  /** What each destination that was ever posted to has taken since then, and when the newest. */
  destinationTraffic(since: number): Promise<DestinationTraffic[]>

  /**
   * Dead letters wait again, each in the lane that its destination has now, by `lanes`; where it has none they stay as
   * they are. At most {@link maxPage} ids. Their age counts from `now`. As with every act, `actor` is who does it, which is
   * written down with the effect; throws REPEATED where the click has had it before.
   */
  retry(ids: readonly string[], lanes: LanesByName, now: number, actor?: Actor): Promise<Retried[]>
  /** As retry for a page of the dead letters that match, the oldest first. */
  retryAll(
    filter: Omit<NotificationFilter, 'state'>,
    page: Page,
    lanes: LanesByName,
    now: number,
    actor?: Actor
  ): Promise<Listed<Retried>>
  /** Dead letters that nobody wants; resolves to those that were. */
  discard(ids: readonly string[], now: number, actor?: Actor): Promise<string[]>
  /** What operators did, the newest first. */
  acts(filter: ActFilter, page: Page): Promise<Listed<ActRecord>>
  /** Resolves to whether it was news. */
  announce(news: News): Promise<boolean>
  /** What was announced under keys that begin so, by the rest of each: when, in ms. */
  announced(prefix: string): Promise<ReadonlyMap<string, number>>
}

/** What the operator is notified of, unless there was something under the same key within that time, by whatever replica. */
export interface News {
  key: string
  notices: readonly NewNotification[]
  now: number
  withinMs: number
  /** What was announced under this key is over: it is forgotten, and where nothing was, this is no news. */
  ends?: string
}
