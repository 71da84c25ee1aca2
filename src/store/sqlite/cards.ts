// Cards in SQLite: keep which messages are cards, and when each of them is out of date.
import { objectKey } from '../../objects/name.ts'
import { acknowledgedText } from '../../objects/stored-memory.ts'
import { type CarriedRow, carriedBy, type KnownRow, rolloutIn, versionOf, withCards } from '../cards.ts'
import { cardFirstAt, cardGapMs, cardPatienceMs, keptVersions } from '../kept-cards.ts'
import type { Message, Pending, Posted, ThreadEnd } from '../kept-lanes.ts'
import type { Database } from './file.ts'

// The earliest time for the next update. It is never further ahead than the gap, whatever the clock said at the last update.
const earliest = (now: string) => `min(max(${now}, updated_at + ${cardGapMs}), ${now} + ${cardGapMs})`
// A card that says until when something is quiet is due at that time, and may have to show something before.
const soonest = (due: string) => `min(coalesce(due_at, ${due}), ${due})`

/** Adds to `pending` the cards of the incidents that it is about. */
export function readCards(db: Database, lane: string, pending: readonly Pending[]): Pending[] {
  const keys = [...new Set(pending.map(({ view }) => objectKey(view.object)))]
  const known = db.all<KnownRow>(
    `select e.object, e.since, e.card_id, c.channel, c.ts from card_entries e join cards c on c.id = e.card_id
     where e.object in (select value from json_each(?)) and e.lane = ? and e.since is not null`,
    ...[JSON.stringify(keys), lane]
  )
  return known.length === 0 ? [...pending] : withCards(pending, known, ({ object }) => objectKey(object))
}

/** Marks cards as out of date because an object's state has changed; they wait a moment for the message that says so. */
export function turn(db: Database, object: string, now: number): void {
  // Most objects are on no card, and asking costs a fifth of an update that finds none.
  if (!db.get('select 1 from card_entries where object = ? and since is not null limit 1', object)) return
  db.run(
    `update cards set version = version + 1, due_at = ${soonest(`max(?1 + ${cardPatienceMs}, ${earliest('?1')})`)}
     where id in (select card_id from card_entries where object = ?2 and since is not null)`,
    ...[now, object]
  )
}

/** Makes the cards of an incident due at once, because somebody acted on it, and no message follows that would say so. */
export function showNow(db: Database, object: string, since: number): void {
  db.run(
    `update cards set version = version + 1, due_at = ${cardFirstAt}
     where id in (select card_id from card_entries where object = ? and since = ?)`,
    ...[object, since]
  )
}

/** Marks the cards of objects as out of date, to be updated as soon as they may be. */
export function touch(db: Database, objects: readonly string[], now: number): void {
  db.run(
    `update cards set version = version + 1, due_at = ${earliest('?1')}
     where id in (select card_id from card_entries
       where object in (select value from json_each(?2)) and since is not null)`,
    ...[now, JSON.stringify(objects)]
  )
}

/** Notes that `message` was posted: it becomes a card of what it names, or changes what other cards have to show. */
export function notePosted(db: Database, message: Message, posted: Posted, now: number): void {
  const { id, lane, destination } = message
  const carried = db.all<CarriedRow>(
    `select n.event_id, n.rule, n.object, v.view from notifications n join views v on v.id = n.id where n.message_id = ? order by n.id`,
    Number(id)
  )
  const rollout = rolloutIn(carried)
  if (rollout !== undefined) {
    // The rollout may have gone on since the message was composed.
    db.run(
      `insert into cards (lane, destination, channel, ts, posted_at, updated_at, rollout_id, due_at)
       values (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?5 + ${cardGapMs})`,
      ...[lane, destination, posted.channel, posted.ts, now, rollout]
    )
    // The cards of failures in the rollout have a link to it from now on.
    db.run(
      `update cards set version = version + 1, due_at = ${soonest(earliest('?1'))} where id in (
         select card_id from card_entries where since is not null and object in (
           select object from rollout_entries where rollout_id = ?2 and state = 'failing'))`,
      ...[now, rollout]
    )
    return
  }
  const known = db.all<Pick<KnownRow, 'object' | 'since'>>(
    `select object, since from card_entries
     where object in (select value from json_each(?)) and lane = ? and since is not null`,
    ...[JSON.stringify(carried.map(({ object }) => object)), lane]
  )
  const { entries, changes } = carriedBy(carried, known)
  for (const { object, event_id, since, view } of changes) {
    const set = 'update card_entries set view = ?, event_id = ? where object = ? and lane = ? and since = ?'
    db.run(set, view, event_id, object, lane, since)
    db.run(
      `update cards set version = version + 1, due_at = ${earliest('?1')}
       where id = (select card_id from card_entries where object = ?2 and lane = ?3 and since = ?4)`,
      ...[now, object, lane, since]
    )
  }
  if (entries.length === 0) return
  const card = db.run(
    `insert into cards (lane, destination, channel, ts, posted_at, updated_at, message_id) values (?, ?, ?, ?, ?, ?, ?)`,
    ...[lane, destination, posted.channel, posted.ts, now, now, Number(id)]
  )
  const { shown, reply } = versionOf(message.payload)
  addVersion(db, card, shown, now)
  if (reply !== undefined) {
    db.run(
      `insert into messages (lane, destination, state, payload, is_plain, failures, newest_at, notifications, created_at,
         gathered, card_id) values (?, ?, 'open', ?, 0, 0, ?, 0, ?, '[]', ?)`,
      ...[lane, destination, reply, now, now, card]
    )
  }
  for (const { object, rule, event_id, since, view } of entries) {
    db.run(
      'insert into card_entries (card_id, lane, object, rule, event_id, since, view) values (?, ?, ?, ?, ?, ?, ?)',
      ...[card, lane, object, rule, event_id, since, view]
    )
  }
  touchRolloutsOf(db, card, now)
  // A reply that Slack posted as a message of its own has no buttons yet.
  if (message.thread !== undefined) db.run('update cards set due_at = ? where id = ?', now + cardGapMs, card)
  // An incident may have ended while the message was being posted.
  db.run(
    `update cards set due_at = ? where id = ? and exists (
       select 1 from card_entries e left join objects o on o.key = e.object
       where e.card_id = cards.id and e.since is not null and o.failing_since is not e.since)`,
    ...[now + cardPatienceMs, card]
  )
  // Somebody may have acknowledged an incident before the message was posted, or on a card that this one replaces.
  db.run(
    `update cards set due_at = ${cardFirstAt} where id = ?1 and exists (
       select 1 from card_entries e join objects o on o.key = e.object
       where e.card_id = ?1 and e.since is not null and instr(o.memory, ?2) > 0)`,
    ...[card, acknowledgedText]
  )
}

/** Notes that `card` shows `payload` from now on. */
export function addVersion(db: Database, card: number, payload: string, now: number): void {
  db.run('insert into card_versions (card_id, at, payload) values (?, ?, ?)', card, now, payload)
  db.run(
    `delete from card_versions where card_id = ?1 and id <= (
       select id from card_versions where card_id = ?1 order by id desc limit 1 offset ${keptVersions})`,
    card
  )
}

/** Has a new card and the cards of the rollouts in which its objects fail updated, so that they have links to each other. */
function touchRolloutsOf(db: Database, card: number, now: number): void {
  const rollouts = `select re.rollout_id from card_entries e join rollout_entries re on re.object = e.object
    where e.card_id = ?2 and e.since is not null and re.state = 'failing'`
  const touched = db.changes(
    `update cards set version = version + 1, due_at = ${soonest(earliest('?1'))} where rollout_id in (${rollouts})`,
    ...[now, card]
  )
  if (touched > 0) db.run('update cards set due_at = ? where id = ?', now + cardGapMs, card)
}

/**
 * Takes `message` out of its thread. If the thread is gone together with its card, the message becomes the card of its own objects. The
 * next update of the old card then finds that this is lost, together with the other objects that it names.
 */
export function leaveThread(db: Database, { id, thread }: Message, why: ThreadEnd, now: number): void {
  const card = Number(thread?.id ?? 0)
  db.run('update messages set card_id = null where id = ?', Number(id))
  if (why === 'closed') return
  db.run(
    'delete from card_entries where card_id = ? and object in (select object from notifications where message_id = ?)',
    ...[card, Number(id)]
  )
  const rest = db.get('select 1 from card_entries where card_id = ? and since is not null', card)
  if (rest === undefined) {
    db.run('delete from cards where id = ?', card)
    removeParts(db, card)
  } else db.run('update cards set version = version + 1, due_at = ? where id = ?', now, card)
}

/** Deletes old cards that name no open incident; returns how many. */
export function pruneCards(db: Database, before: number, limit: number): number {
  const over = db.all<{ id: number }>(
    `delete from cards where id in (
       select id from cards where posted_at < ?1 and updated_at < ?1 and not exists (
         select 1 from card_entries e join objects o on o.key = e.object
         where e.card_id = cards.id and e.since is not null and o.failing_since is not null)
       order by posted_at limit ?2) returning id`,
    ...[before, limit]
  )
  for (const { id } of over) removeParts(db, id)
  return over.length
}

/** Deletes everything that belongs to a deleted card. */
export function removeParts(db: Database, card: number): void {
  db.run('delete from card_entries where card_id = ?', card)
  db.run('delete from card_versions where card_id = ?', card)
}
