// Cards in PostgreSQL: keep which messages are cards, and when each of them is out of date. Cards are locked after objects and lanes,
// several of them in the order of their ids.
import { acknowledgedText } from '../../objects/stored-memory.ts'
import { type CarriedRow, carriedBy, type KnownRow, type NewEntry, rolloutIn, versionOf, withCards } from '../cards.ts'
import { cardFirstAt, cardGapMs, cardPatienceMs } from '../kept-cards.ts'
import type { Message, Pending, Posted, ThreadEnd } from '../kept-lanes.ts'
import type { Sql } from './connections.ts'
import { hot, type Statement } from './statements.ts'
import { keyOf } from './text.ts'

const knownSql = `
  select e.object, e.since, e.card_id, c.channel, c.ts from card_entries e join cards c on c.id = e.card_id
  where e.object = any($1) and e.lane = $2 and e.since is not null`

/** Adds to `pending` the cards of the incidents that it is about. */
export async function readCards(sql: Sql, lane: string, pending: readonly Pending[]): Promise<Pending[]> {
  const keys = new Set(pending.map(({ view }) => keyOf(view.object)))
  const { rows } = await sql<KnownRow>(knownSql, [[...keys], lane])
  return rows.length === 0 ? [...pending] : withCards(pending, rows, ({ object }) => keyOf(object))
}

// The earliest time for the next update. It is never further ahead than the gap, whatever the clock said at the last update.
const earliest = `least(greatest($1::bigint, updated_at + ${cardGapMs}), $1::bigint + ${cardGapMs})`

// A card that says until when something is quiet is due at that time, and may have to show something before; `least` ignores null. The
// row is written even if the card is due already, so that whoever is about to claim it waits for the new state of its objects.
const turnSql = hot(`
  with named as (
    select id from cards
    where id = any(array(select card_id from card_entries where object = any($2) and since is not null)) order by id for update
  )
  update cards set version = version + 1,
    due_at = least(due_at, greatest($1::bigint + ${cardPatienceMs}, ${earliest}))
  where id = any(array(select id from named))`)

const touchSql = `
  with named as (
    select id from cards where id in (select card_id from card_entries where object = any($2) and since is not null)
    order by id for update
  )
  update cards set version = version + 1, due_at = ${earliest} from named where cards.id = named.id`

/** Marks cards as out of date because the states of objects have changed; they wait a moment for the message that says so. */
export function turn(objects: readonly string[], now: number): Statement[] {
  return objects.length > 0 ? [[turnSql, [now, objects]]] : []
}

const showSql = `
  with named as (
    select id from cards where id in (
      select e.card_id from card_entries e join unnest($1::text[], $2::bigint[]) as i(object, since)
        on e.object = i.object and e.since = i.since)
    order by id for update
  )
  update cards set version = version + 1, due_at = ${cardFirstAt} from named where cards.id = named.id`

/** Makes the cards of incidents due at once, because somebody acted on them, and no message follows that would say so. */
export async function showNow(sql: Sql, incidents: readonly { object: string; since: number }[]): Promise<void> {
  await sql(showSql, [incidents.map(({ object }) => object), incidents.map(({ since }) => since)])
}

/** Marks the cards of objects as out of date, to be updated as soon as they may be. */
export async function touch(sql: Sql, objects: readonly string[], now: number): Promise<void> {
  if (objects.length > 0) await sql(touchSql, [now, objects])
}

const changeSql = `
  with changed as (
    update card_entries e set view = c.view, event_id = c.event_id
    from unnest($2::text[], $3::bigint[], $4::text[], $6::bigint[]) as c(object, since, view, event_id)
    where e.object = c.object and e.lane = $5 and e.since = c.since
    returning e.card_id
  ), named as (
    select id from cards where id in (select card_id from changed) order by id for update
  )
  update cards set version = version + 1, due_at = ${earliest} from named where cards.id = named.id`

const entriesSql = `
  with card as (
    insert into cards (lane, destination, channel, ts, posted_at, updated_at, message_id)
    values ($1, $2, $3, $4, $5, $5, $11) returning id
  ), version as (
    insert into card_versions (card_id, at, payload) select id, $5, $12 from card
  ), reply as (
    insert into messages (lane, destination, state, payload, newest_at, notifications, created_at, gathered, card_id)
    select $1, $2, 'open', $13, $5, 0, $5, '[]', id from card where $13::text is not null
  )
  insert into card_entries (card_id, lane, object, rule, since, view, event_id)
  select card.id, $1, e.object, e.rule, e.since, e.view, e.event_id
  from card, unnest($6::text[], $7::text[], $8::bigint[], $9::text[], $10::bigint[]) with ordinality
    as e(object, rule, since, view, event_id, place)
  order by e.place
  returning card_id`

// The cards of failures in the rollout have a link to it from now on.
const failuresOfSql = `
  with named as (
    select id from cards where id in (
      select card_id from card_entries where since is not null and object in (
        select object from rollout_entries where rollout_id = $2 and state = 'failing'))
    order by id for update
  )
  update cards set version = version + 1, due_at = least(due_at, ${earliest}) from named where cards.id = named.id`

// A new card and the cards of the rollouts in which its objects fail are updated, so that they have links to each other.
const rolloutsOfSql = `
  with named as (
    select id from cards where rollout_id in (
      select re.rollout_id from card_entries e join rollout_entries re on re.object = e.object
      where e.card_id = $2 and e.since is not null and re.state = 'failing')
    order by id for update
  ), touched as (
    update cards set version = version + 1, due_at = least(due_at, ${earliest}) from named where cards.id = named.id
  )
  update cards set due_at = $1::bigint + ${cardGapMs} where id = $2 and exists (select from named)`

// The rollout may have gone on since the message was composed, so its card is due.
const newRolloutCardSql = `
  insert into cards (lane, destination, channel, ts, posted_at, updated_at, rollout_id, due_at)
  values ($1, $2, $3, $4, $5, $5, $6, $5::bigint + ${cardGapMs})`

// An incident may have ended while the message was being posted.
const overSql = `
  update cards set due_at = $2 where id = $1 and exists (
    select 1 from card_entries e left join objects o on o.key = e.object
    where e.card_id = cards.id and e.since is not null and o.failing_since is distinct from e.since)`

// Somebody may have acknowledged an incident before the message was posted, or on a card that this one replaces.
const takenOnSql = `
  update cards set due_at = ${cardFirstAt} where id = $1 and exists (
    select 1 from card_entries e join objects o on o.key = e.object
    where e.card_id = $1 and e.since is not null and position($2 in o.memory) > 0)`

/**
 * Notes that `message` was posted: it becomes a card of the objects that it names, or changes what other cards show. If it has lost its
 * `thread`, it leaves that first.
 */
export async function notePosted(
  sql: Sql,
  message: Message,
  { posted, thread }: { posted: Posted; thread?: ThreadEnd },
  now: number
): Promise<void> {
  const { id, lane, destination } = message
  const { rows: carried } = await sql<CarriedRow>(
    `select n.event_id, n.rule, n.object, v.view from notifications n join views v on v.id = n.id
     where n.message_id = $1 order by n.id`,
    [id]
  )
  const rollout = rolloutIn(carried)
  if (rollout !== undefined) {
    await sql(newRolloutCardSql, [lane, destination, posted.channel, posted.ts, now, rollout])
    await sql(failuresOfSql, [now, rollout])
    return
  }
  const objects = [...new Set(carried.map(({ object }) => object))].sort()
  // Waits for events of these objects that are being accepted: those look for the objects' cards, and this card is not there yet.
  await sql('select key from objects where key = any($1) order by key for share', [objects])
  if (thread !== undefined) await leaveThread(sql, message, thread, now)
  const { rows: known } = await sql<KnownRow>(knownSql, [objects, lane])
  const { entries, changes } = carriedBy(carried, known)
  const column = (from: readonly NewEntry[], name: keyof NewEntry) => from.map((entry) => entry[name])
  if (changes.length > 0) {
    const columns = (['object', 'since', 'view'] as const).map((name) => column(changes, name))
    await sql(changeSql, [now, ...columns, lane, column(changes, 'event_id')])
  }
  if (entries.length === 0) return
  const columns = (['object', 'rule', 'since', 'view', 'event_id'] as const).map((name) => column(entries, name))
  const { shown, reply } = versionOf(message.payload)
  const { rows } = await sql<{ card_id: number }>(entriesSql, [
    ...[lane, destination, posted.channel, posted.ts, now],
    ...columns,
    ...[id, shown, reply ?? null]
  ])
  await sql(rolloutsOfSql, [now, rows[0]?.card_id])
  // A reply that Slack posted as a message of its own has no buttons yet.
  if (message.thread !== undefined)
    await sql('update cards set due_at = $1 where id = $2', [now + cardGapMs, rows[0]?.card_id])
  await sql(overSql, [rows[0]?.card_id, now + cardPatienceMs])
  await sql(takenOnSql, [rows[0]?.card_id, acknowledgedText])
}

/**
 * Takes `message` out of its thread. If the thread is gone together with its card, the message becomes the card of its own objects. The
 * next update of the old card then finds that this is lost, together with the other objects that it names.
 */
export async function leaveThread(sql: Sql, { id, thread }: Message, why: ThreadEnd, now: number): Promise<void> {
  const card = thread?.id
  await sql('update messages set card_id = null where id = $1', [id])
  if (why === 'closed') return
  await sql('update cards set version = version + 1, due_at = $1 where id = $2', [now, card])
  await sql(
    'delete from card_entries where card_id = $1 and object in (select object from notifications where message_id = $2)',
    [card, id]
  )
  const { rowCount } = await sql('select 1 from card_entries where card_id = $1 and since is not null limit 1', [card])
  if (rowCount === 0) await remove(sql, card)
}

/** Deletes a card and everything that belongs to it. */
export async function remove(sql: Sql, card: string | undefined): Promise<void> {
  await sql('delete from card_entries where card_id = $1', [card])
  await sql('delete from card_versions where card_id = $1', [card])
  await sql('delete from cards where id = $1', [card])
}

const pruneSql = `
  with over as (
    delete from cards where id in (
      select id from cards where posted_at < $1 and updated_at < $1 and not exists (
        select 1 from card_entries e join objects o on o.key = e.object
        where e.card_id = cards.id and e.since is not null and o.failing_since is not null)
      order by posted_at limit $2 for update skip locked)
    returning id
  ), named as (
    delete from card_entries using over where card_entries.card_id = over.id
  ), shown as (
    delete from card_versions using over where card_versions.card_id = over.id
  )
  select id from over`

/** Deletes old cards that name no open incident; returns how many. */
export async function pruneCards(sql: Sql, before: number, limit: number): Promise<number> {
  return (await sql(pruneSql, [before, limit])).rowCount ?? 0
}
