// Rows: turns rows that are alike in every store into what a store hands out. Pure.
import type { ActWay } from '../actor.ts'
import { RelayError } from '../errors.ts'
import type { Silence } from '../mutes/silence.ts'
import type { Undelivered } from '../objects/notified.ts'
import type { View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { ActAbout, ActName, LastEvents } from './kept.ts'
import {
  apartMs,
  type Gathered,
  type Gathering,
  type Gatherings,
  type LaneState,
  type Message,
  type Pending
} from './kept-lanes.ts'
import { readView } from './texts.ts'

export interface LaneRow {
  tokens: number | null
  tokens_at: number | null
  not_before: number
  set_at: number | null
  block_reason: string | null
  block_since: number | null
  probes: number
}

export interface MessageRow {
  id: number
  lane: string
  destination: string
  payload: string
  /** SQLite has no booleans. */
  is_plain: boolean | number
  failures: number
  newest_at: number
  notifications: number
  card_id: number | null
  is_broadcast: boolean | number
  /** Where the card is that it replies to; null if that is gone. */
  card_channel: string | null
  card_ts: string | null
}

export interface PendingRow {
  id: number
  event_id: number | null
  destination: string
  created_at: number
  group_key: string | null
  held_until: number
  held_at: number | null
  holds: number
}

export interface GatheringRow {
  cause: string
  posted_at: number
  step: number
  gap_ms: number
  /** JSON */
  pinged: string
}

export interface SilenceRow {
  id: number
  match: string
  comment: string
  created_at: number
  ends_at: number
  author: string
  starts_at: number | null
  until_recovered: number
}

export interface ActRow {
  id: number
  at: number
  name: string
  via: ActWay
  did: ActName
  /** JSON */
  about: string
}

/** The state of a lane at `now`, in ms, from its row; a new lane has none. */
export function laneStateOf(row: LaneRow | undefined, now: number): LaneState {
  if (row === undefined) return { bucket: undefined, notBefore: 0 }
  return {
    bucket: row.tokens === null ? undefined : { tokens: row.tokens, at: row.tokens_at ?? 0 },
    notBefore: deadlineOf(row.not_before, row.set_at, now),
    ...(row.block_reason !== null && {
      block: { reason: row.block_reason, since: row.block_since ?? 0, probes: row.probes }
    })
  }
}

/** A deadline in ms; 0 if it was set at a time that is now in the future, because then nobody knows how long it was waited for. */
export function deadlineOf(until: number, setAt: number | null, now: number): number {
  return setAt !== null && setAt - now > apartMs ? 0 : until
}

export function messageOf(row: MessageRow): Message {
  return {
    id: String(row.id),
    lane: row.lane,
    destination: row.destination,
    payload: JSON.parse(row.payload) as Payload,
    isPlain: Boolean(row.is_plain),
    failures: row.failures,
    newestAt: row.newest_at,
    notifications: row.notifications,
    ...(row.card_ts !== null && {
      thread: {
        ...{ id: String(row.card_id), channel: row.card_channel ?? '', ts: row.card_ts },
        isBroadcast: Boolean(row.is_broadcast)
      }
    })
  }
}

/** A waiting notification from its row and its text in `views`. */
export function pendingOf(row: PendingRow, view: string): Pending {
  return {
    id: String(row.id),
    event: String(row.event_id ?? `notice ${row.id}`),
    destination: row.destination,
    createdAt: row.created_at,
    group: row.group_key ?? undefined,
    heldUntil: row.held_until,
    holds: row.holds,
    view: readView(view)
  }
}

export function gatheringsOf(rows: readonly GatheringRow[]): Gatherings {
  return new Map(
    rows.map(({ cause, posted_at, step, gap_ms, pinged }) => [
      cause,
      { postedAt: posted_at, step, gapMs: gap_ms, pinged: JSON.parse(pinged) as Gathering['pinged'] }
    ])
  )
}

/** The rows to write for the gatherings of a message sent at `sentAt`, in ms; `gathered` is that column of the message. */
export function gatheringRows(gathered: string, sentAt: number): GatheringRow[] {
  return (JSON.parse(gathered) as Gathered[]).map(({ cause, postedAt, step, gapMs, pinged, pings }) => {
    const after = { ...pinged, ...Object.fromEntries(pings.map((mention) => [mention, sentAt])) }
    return { cause, posted_at: postedAt, step, gap_ms: gapMs, pinged: JSON.stringify(after) }
  })
}

export function silenceOf(row: SilenceRow): Silence {
  return {
    id: String(row.id),
    match: JSON.parse(row.match) as Silence['match'],
    comment: row.comment,
    createdAt: row.created_at,
    ...(row.starts_at !== null && { startsAt: row.starts_at }),
    endsAt: row.ends_at,
    author: row.author,
    ...(row.until_recovered === 1 && { untilRecovered: true as const })
  }
}

/** What the act of moving a silence's end to `endsAt` is about. */
export function aboutEnd({ id, match, comment }: Silence, endsAt: number): ActAbout {
  return { silence: id, match, comment, endsAt }
}

/** The error that answers a click that was delivered before. */
export function repeated({ name, at, did }: Pick<ActRow, 'name' | 'at' | 'did'>): RelayError {
  return new RelayError('REPEATED', `this was done already, by ${name} at ${new Date(at).toISOString()} (${did})`)
}

/** How an acknowledgement changes a waiting notification of the incident, if it does: a reminder is withheld, a ping left out. */
export function waitsOn(view: View, by: string): { withheld: string } | { view: View } | undefined {
  if (view.says === 'repeated') return { withheld: `acknowledged by ${by}: no reminder` }
  if (view.mention === undefined) return undefined
  const { mention: _, ...rest } = view
  return { view: rest }
}

/** A notification of a failure that becomes a dead letter or is retried; `view` is null if its row of `views` is missing. */
export interface FailedRow {
  object: string
  rule: string
  destination: string
  view: string | null
}

/** The rule, destination and failure of a notification. */
export function undeliveredOf({ rule, destination, view }: FailedRow): Undelivered {
  return { rule, destination, since: (JSON.parse(view ?? '{}') as Partial<View>).failure?.since }
}

/** Name of the row in `sources` that says until when a relay listened; no source has this name. */
export const listener = ''

export function lastEventsFrom(rows: readonly { name: string; heard_at: number }[]): LastEvents {
  const sources = new Map(rows.map(({ name, heard_at }) => [name, heard_at]))
  const listenedUntil = sources.get(listener)
  sources.delete(listener)
  return { sources, listenedUntil }
}
