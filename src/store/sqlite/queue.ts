// Queue in SQLite: writes and moves notifications, and makes dead letters of them, inside a transaction of the store.
import type { Mute } from '../../mutes/mutes.ts'
import { objectKey } from '../../objects/name.ts'
import { forget } from '../../objects/notified.ts'
import { goneReason, type NewNotification } from '../kept.ts'
import { apartMs, composeWindow, type Hold, type LanesByName } from '../kept-lanes.ts'
import { type PendingRow, undeliveredOf } from '../rows.ts'
import {
  asBeginning,
  type Due,
  endlessReason,
  expiredReason,
  groupDeadline,
  groupOf,
  lastsUntil,
  sortDue
} from '../steps.ts'
import { readView, viewText } from '../texts.ts'
import type { Waiting } from '../waiting.ts'
import type { Database } from './file.ts'
import { endOf, followersOf, followsSql, openMessage, waitingSql } from './lanes.ts'
import { pass } from './lasting.ts'
import { changeMemory } from './memories.ts'

export interface Queue {
  /** Inserts a notification, and returns its id. `event` is null if the notification is not about one event. */
  insert(event: number | null, entry: NewNotification, now: number): number
  /**
   * What a lane composes from. Undefined if some of what it looked at was accepted before `since` and became a dead letter, or if holds
   * have ended, of which `mutes`, which are in effect, may withhold some: their destinations are added to `withheld`. Then look again.
   */
  oldest(
    lane: string,
    by: { since: number; mutes: readonly Mute[] },
    withheld: string[],
    now: number
  ): Due<PendingRow> | undefined
  /** Holds notifications from `now` on. */
  hold(holds: readonly Hold[], now: number): void
  /**
   * What is held for a destination: about the objects of the notifications in `due`, by id, and then what else is held to be gathered,
   * but nothing that waits to see whether its failure lasts.
   */
  held(lane: string, destination: string, due: { ids: readonly string[]; last: number }, now: number): PendingRow[]
  bury(id: number, reason: string): void
  /**
   * Does the part of Store.follow for some of what waits for a destination in a lane, after which others should have a turn. Messages in
   * `posting` stay in the lane where their answer is awaited.
   */
  followSome(destination: string, lane: string, lanes: LanesByName, posting: ReadonlySet<number>): Followed
}

/** How many notifications went to another lane, and how many became dead letters. */
interface Followed {
  moved: number
  lost: number
}

interface PlacedRow {
  id: number
  lane: string
  object: string
  rule: string
  destination: string
  says: string
  state: string
  view: string | null
}

/** Dead letters that one transaction makes, which takes ten milliseconds. */
const abandonStep = 500
/** Notifications that one transaction moves to another lane, which takes as long. */
const rerouteStep = 2000

const columns = 'id, event_id, destination, created_at, group_key, held_until, held_at, holds'
const inLane = `from notifications where lane = ?1 and state = 'pending' and message_id is null`

// Reads two ranges of one index, and takes the oldest of both by id: of notifications whose deadlines have come, the first may have the
// last deadline, and newer ones about its object must not overtake it.
const dueSql = `
  select * from (select ${columns} ${inLane} and held_until = 0 order by id limit ?3)
  union all
  select ${columns} from notifications
  where id in (select id ${inLane} and held_until > 0 and held_until <= ?2 order by id limit ?3)
  order by id limit ?3`

const dueBySetClockSql = `
  select ${columns} ${inLane}
    and (held_until <= ?2 or created_at > ?2 + ${apartMs} or held_at > ?2 + ${apartMs})
  order by id limit ?3`

export function createQueue(db: Database, waiting: Waiting): Queue {
  /** The latest time that the clock is known to have shown, in ms: when something arrived or was held. */
  let newest = Number(
    db.get(
      `select max(
         coalesce((select max(created_at) from notifications), 0),
         coalesce((select max(held_at) from notifications where state = 'pending' and message_id is null and held_until > 0), 0)
       ) as at`
    )?.at ?? 0
  )

  function insert(event: number | null, entry: NewNotification, now: number): number {
    newest = Math.max(newest, now)
    const { rule, destination, lane, view, muting, dead } = entry
    const group = groupOf(entry)
    const grouped = group === undefined ? 0 : groupDeadline(firstDeadline(lane, group.key, now), group.waitMs, now)
    const lasts = lastsUntil(entry, now)
    if (muting === undefined) waiting.add(destination, 1)
    if (dead !== undefined) waiting.bury(destination)
    const id = db.run(
      `insert into notifications (event_id, rule, destination, lane, object, says, state, reason, created_at, group_key,
         held_until, held_at, mute, muted_until)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[event, rule, destination, lane, objectKey(view.object), view.says],
      ...[dead === undefined ? (muting ? 'muted' : 'pending') : 'dead', dead ?? null, now, group?.key ?? null],
      Math.max(grouped, lasts ?? 0),
      lasts === undefined ? null : now,
      ...[muting?.name ?? null, muting?.until ?? null]
    )
    db.run('insert into views values (?, ?)', id, viewText(view))
    return id
  }

  /** The deadline of the group's first notification that is still held. */
  function firstDeadline(lane: string, key: string, now: number): number | undefined {
    const first = db.get<{ held_until: number }>(
      `select held_until from notifications
       where lane = ?1 and group_key = ?2 and held_until > ?3 and state = 'pending' and message_id is null and holds = 0
         and held_at is null and created_at <= ?3 + ${apartMs}
       order by held_until limit 1`,
      ...[lane, key, now]
    )
    return first?.held_until
  }

  function oldest(
    lane: string,
    { since, mutes }: { since: number; mutes: readonly Mute[] },
    withheld: string[],
    now: number
  ): Due<PendingRow> | undefined {
    // If the clock was set back, the deadlines from before are looked at one by one.
    const isSetBack = newest > now + apartMs
    newest = Math.max(newest, now)
    const rows = db.all<PendingRow>(isSetBack ? dueBySetClockSql : dueSql, lane, now, composeWindow)
    const passed = pass(db, rows, { waiting, mutes }, now)
    if (passed !== undefined) {
      withheld.push(...passed)
      return undefined
    }
    const sorted = sortDue(rows, since)
    if ('due' in sorted) return sorted.due
    for (const { id } of sorted.expired) bury(id, expiredReason)
    return undefined
  }

  function hold(holds: readonly Hold[], now: number): void {
    for (const { ids, until, holds: times } of holds) {
      db.run(
        'update notifications set held_until = ?, held_at = ?, holds = ? where id in (select value from json_each(?))',
        ...[until, now, times, JSON.stringify(ids.map(Number))]
      )
    }
  }

  function held(
    lane: string,
    destination: string,
    { ids, last }: { ids: readonly string[]; last: number },
    now: number
  ): PendingRow[] {
    return db.all<PendingRow>(
      // A gathered notification that goes along takes older ones about its own object along; what has yet to last keeps waiting.
      `with due as (select object from notifications where id in (select value from json_each(?4))),
         gathered as (select object ${inLane} and held_until > ?2 and holds > 0 and +destination = ?3)
       select * from (
         select ${columns} ${inLane} and held_until > ?2
           and (holds > 0 or held_at is null and (object in due or object in gathered))
           and +destination = ?3 and +id <= ?6 and created_at <= ?2 + ${apartMs} and coalesce(held_at, 0) <= ?2 + ${apartMs}
         order by object in due desc, id limit ?5
       ) order by id`,
      ...[lane, now, destination, JSON.stringify(ids.map(Number)), composeWindow, last]
    )
  }

  /** Makes a dead letter of a pending notification, whose destination then no longer counts as notified of the failure. */
  function bury(id: number, reason: string): void {
    const row = db.get<PlacedRow>(
      'select n.*, v.view from notifications n left join views v on v.id = n.id where n.id = ?',
      id
    )
    if (row === undefined || row.state !== 'pending') return
    const { lane, object, rule, destination } = row
    db.run(`update notifications set state = 'dead', reason = ? where id = ?`, reason, id)
    waiting.bury(destination)
    if (row.says !== 'failed' || goesOn(row)) return
    changeMemory(db, object, (memory) => forget(memory, undeliveredOf(row)))
    // The end of a failure that nobody was notified of would make no sense.
    const end = endOf(db, { id, lane, object, rule, destination })
    if (end !== undefined) bury(end, endlessReason)
  }

  /** Reports whether more about the failure of `row` waits behind it; then that notifies the destination, as the beginning. */
  function goesOn({ id, lane, object, rule, destination, view }: PlacedRow): boolean {
    const { since } = undeliveredOf({ object, rule, destination, view })
    const next = db.get<{ id: number; view: string }>(
      `select id, view from (select id, says from notifications where ${followsSql}) join views using (id)
       where says in ('changed', 'repeated') and json_extract(view, '$.failure.since') = ? order by id limit 1`,
      ...[...followersOf({ id, lane, object, rule, destination }), since ?? null]
    )
    if (next === undefined) return false
    const beginning = asBeginning(readView(next.view), readView(view ?? '{}'))
    db.run(`update notifications set says = 'failed' where id = ?`, next.id)
    db.run('update views set view = ? where id = ?', viewText(beginning), next.id)
    return true
  }

  function followSome(destination: string, from: string, lanes: LanesByName, posting: ReadonlySet<number>): Followed {
    const to = lanes.get(destination)
    if (to === undefined) return { moved: 0, lost: abandon(destination, from) }
    return { moved: to === from ? 0 : reroute({ destination, from, to }, posting), lost: 0 }
  }

  /** Makes dead letters of some of what waits for `destination` in `lane`; returns how many. */
  function abandon(destination: string, lane: string): number {
    const lost = db.all<{ id: number; message_id: number | null }>(
      `select id, message_id from ${waitingSql} where +destination = ? and lane = ? limit ${abandonStep}`,
      ...[destination, lane]
    )
    // A message dies with all that it carries: what was left in a dead message would wait for ever.
    const messages = new Set(lost.flatMap(({ message_id }) => message_id ?? []))
    const carried = [...messages].flatMap((message) => {
      db.run(`update messages set state = 'dead' where id = ?`, message)
      return db.all<{ id: number }>('select id from notifications where message_id = ?', message)
    })
    const ids = new Set([...lost, ...carried].map(({ id }) => id))
    for (const id of ids) bury(id, goneReason)
    return ids.size
  }

  /**
   * Moves some of what waits for a destination to its new lane, the oldest first; returns how many. A message that is being posted stays
   * in the lane where its answer is awaited: in the new lane it would be a second request in flight.
   */
  function reroute(
    { destination, from, to }: { destination: string; from: string; to: string },
    posting: ReadonlySet<number>
  ): number {
    const open = db.all<{ id: number }>(
      `select id from messages where +destination = ? and state = 'open' and lane = ? and notifications > 0`,
      ...[destination, from]
    )
    const stale = open.filter(({ id }) => !posting.has(id))
    for (const { id } of stale) {
      // Its thread, if any, is not in the new channel.
      if (openMessage(db, to) === undefined) {
        db.run('update messages set lane = ?, card_id = null where id = ?', to, id)
        db.run(`update notifications set lane = ? where message_id = ? and state = 'pending'`, to, id)
        continue
      }
      // The new lane has an open message already, so what this one carries goes back to waiting. The message stays as a record, because
      // somebody may have seen it.
      db.run('update notifications set message_id = null where message_id = ?', id)
      db.run(`update messages set state = 'dead' where id = ?`, id)
    }
    const moved = db.changes(
      `update notifications set lane = ?1 where id in (
         select id from notifications where lane = ?2 and state = 'pending' and message_id is null and +destination = ?3
         order by lane, held_until, id limit ${rerouteStep})`,
      ...[to, from, destination]
    )
    return stale.length + moved
  }

  return { insert, oldest, hold, held, bury, followSome }
}
