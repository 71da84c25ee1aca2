// Queue in PostgreSQL: writes and counts notifications, and makes dead letters of them.
import type { QueryResult } from 'pg'
import { forget } from '../../objects/notified.ts'
import type { NewNotification } from '../kept.ts'
import { apartMs, maxHolds } from '../kept-lanes.ts'
import { type FailedRow, undeliveredOf } from '../rows.ts'
import { asBeginning, endlessReason, groupDeadline, groupOf, lastsUntil } from '../steps.ts'
import { readView, viewText } from '../texts.ts'
import type { Sql } from './connections.ts'
import { changeMemories } from './memories.ts'
import { hot, type Statement } from './statements.ts'
import { indexable, keyOf, storable } from './text.ts'

// Ids go up in the order in which the rows are given.
const insertSql = hot(`
  with n as materialized (
    select nextval('notifications_id_seq') as id, k.* from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[],
      $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::bigint[],
      $15::text[]) as k(event_id, rule, destination, lane, object, says, state, reason, created_at, group_key, held_until,
      held_at, mute, muted_until, view)
  ), written as (
    insert into notifications (id, event_id, rule, destination, lane, object, says, state, reason, created_at, group_key,
      held_until, held_at, mute, muted_until)
    select id, event_id, rule, destination, lane, object, says, state, reason, created_at, group_key, held_until, held_at, mute,
      muted_until
    from n
  )
  insert into views select id, view from n returning id`)

const deadlinesSql = `
  select n.lane, n.group_key, min(n.held_until) as until
  from (select distinct lane, group_key from unnest($1::text[], $2::text[]) as g(lane, group_key)) as g
  join notifications n on n.lane = g.lane and n.group_key = g.group_key
  where n.state = 'pending' and n.message_id is null and n.held_until > $3 and n.holds = 0 and n.held_at is null
    and n.created_at <= $3::bigint + ${apartMs}
  group by n.lane, n.group_key`

export interface NewRow {
  /** null if the notification is not about one event. */
  event: number | null
  /** When it is written, in ms by the database's clock. */
  at: number
  entry: NewNotification
  /** Set if the hold ended within the same batch: `because` says why it is never sent, or else it is held until `at`, in ms. */
  released?: { because: string | undefined; at: number } | undefined
}

/** Inserts `rows`, and resolves to their ids in the same order. */
export async function insertNotifications(sql: Sql, rows: readonly NewRow[]): Promise<number[]> {
  const [inserted] = await Promise.all((await insertion(sql, rows)).map((statement) => sql(...statement)))
  return idsIn(inserted)
}

/** The statements that insert `rows`; asks for the deadlines of their groups first. */
export async function insertion(sql: Sql, rows: readonly NewRow[]): Promise<Statement[]> {
  if (rows.length === 0) return []
  const heldUntil = await deadlines(sql, rows)
  const column = <T>(value: (entry: NewNotification) => T) => rows.map(({ entry }) => value(entry))
  const values = [
    rows.map(({ event }) => event),
    column(({ rule }) => rule),
    column(({ destination }) => destination),
    column(({ lane }) => lane),
    column(({ view }) => keyOf(view.object)),
    column(({ view }) => view.says),
    rows.map(stateOf),
    rows.map(({ entry, released }) => (released === undefined ? entry.dead : released.because) ?? null),
    rows.map(({ at }) => at),
    column((entry) => groupKeyOf(entry) ?? null),
    rows.map(({ released }, place) => heldAfter(heldUntil[place] ?? 0, released)),
    rows.map(({ at, entry, released }) => {
      return released?.because !== undefined || lastsUntil(entry, at) === undefined ? null : at
    }),
    column(({ muting }) => muting?.name ?? null),
    column(({ muting }) => muting?.until ?? null),
    column(({ view }) => viewText(view))
  ]
  return [[insertSql, values]]
}

/** Until when a notification is held after its hold has ended, in ms. */
function heldAfter(until: number, released: NewRow['released']): number {
  if (released === undefined) return until
  return released.because === undefined ? Math.min(until, released.at) : 0
}

/** The ids in the answer to an {@link insertion}, in the order of its rows. */
export function idsIn(inserted: QueryResult | undefined): number[] {
  return (inserted?.rows ?? []).map(({ id }) => id as number).sort((a, b) => a - b)
}

function stateOf({ entry, released }: NewRow): string {
  if (entry.dead !== undefined) return 'dead'
  return entry.muting !== undefined || released?.because !== undefined ? 'muted' : 'pending'
}

/**
 * Until when each of `rows` is held, in ms: as long as its group, or until its failure has lasted, whichever is later. 0 if it is not
 * held.
 */
async function deadlines(sql: Sql, rows: readonly NewRow[]): Promise<number[]> {
  const grouped = rows.filter(({ entry }) => groupKeyOf(entry) !== undefined)
  const known = new Map<string, number>()
  const nameOf = (lane: string, key: string) => `${lane}\n${key}`
  if (grouped.length > 0) {
    const found = await sql<{ lane: string; group_key: string; until: number }>(deadlinesSql, [
      grouped.map(({ entry }) => entry.lane),
      grouped.map(({ entry }) => groupKeyOf(entry)),
      Math.min(...grouped.map(({ at }) => at))
    ])
    for (const { lane, group_key, until } of found.rows) known.set(nameOf(lane, group_key), until)
  }
  return rows.map(({ at, entry }) => {
    const key = groupKeyOf(entry)
    const lasts = lastsUntil(entry, at) ?? 0
    if (key === undefined) return lasts
    const name = nameOf(entry.lane, key)
    const until = groupDeadline(known.get(name), entry.group?.waitMs ?? 0, at)
    // A notification whose failure has to last may be held for longer than its group, alone.
    known.set(name, until)
    return Math.max(until, lasts)
  })
}

function groupKeyOf(entry: NewNotification): string | undefined {
  const group = groupOf(entry)
  return group && indexable(group.key)
}

const killSql = `
  update notifications set state = 'dead', reason = $2 where id = any($1) and state = 'pending'
  returning id, lane, object, rule, destination, says,
    (select view from views where views.id = notifications.id) as view`

/** SQL for the id of the waiting notification of the end of a failure `f`, which makes no sense without that of the failure. */
export const endOfSql = `(
  select e.id from notifications e
  where e.object = f.object and e.lane = f.lane and e.id > f.id and e.rule = f.rule and e.destination = f.destination
    and e.state = 'pending' and e.message_id is null and e.says = 'recovered'
  order by e.id limit 1
)`

const killEndsSql = `
  update notifications set state = 'dead', reason = '${endlessReason}'
  where id in (
    select ${endOfSql}
    from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) as f(id, lane, object, rule, destination)
  ) and state = 'pending'
  returning destination`

// Finds the first notification that waits behind each failure `f` and says how the failure goes on.
const nextSql = `
  select distinct on (f.id) f.id as dead, n.id, v.view
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
    as f(id, lane, object, rule, destination, since)
  join notifications n on n.object = f.object and n.lane = f.lane and n.id > f.id and n.rule = f.rule
    and n.destination = f.destination and n.state = 'pending' and n.message_id is null and n.says in ('changed', 'repeated')
  join views v on v.id = n.id
  where (v.view::json -> 'failure' ->> 'since')::bigint = f.since
  order by f.id, n.id`

interface DeadRow extends FailedRow {
  id: number
  lane: string
  says: string
}

/** The rows of `failed` behind which nothing about the same failure waits; if something does, that becomes the beginning. */
async function withoutMore(sql: Sql, failed: readonly DeadRow[]): Promise<DeadRow[]> {
  if (failed.length === 0) return []
  const { rows } = await sql<{ dead: number; id: number; view: string }>(nextSql, [
    ...(['id', 'lane', 'object', 'rule', 'destination'] as const).map((name) => failed.map((row) => row[name])),
    failed.map((row) => undeliveredOf(row).since ?? null)
  ])
  if (rows.length === 0) return [...failed]
  const views = rows.map(({ dead, view }) => {
    const undelivered = failed.find(({ id }) => Number(id) === Number(dead))
    return viewText(asBeginning(readView(view), readView(undelivered?.view ?? '{}')))
  })
  const ids = rows.map(({ id }) => id)
  await sql(`update notifications set says = 'failed' where id = any($1)`, [ids])
  await sql(
    'update views set view = k.view from unnest($1::bigint[], $2::text[]) as k(id, view) where views.id = k.id',
    [ids, views]
  )
  const goOn = new Set(rows.map(({ dead }) => Number(dead)))
  return failed.filter(({ id }) => !goOn.has(Number(id)))
}

/**
 * Makes dead letters of pending notifications, whose destinations then no longer count as notified of the failures. Returns the
 * destination of each new dead letter.
 */
export async function bury(sql: Sql, ids: readonly number[], reason: string): Promise<string[]> {
  if (ids.length === 0) return []
  const { rows: dead } = await sql<DeadRow>(killSql, [ids, reason])
  const buried = dead.map(({ destination }) => destination)
  const failed = await withoutMore(
    sql,
    dead.filter(({ says }) => says === 'failed')
  )
  if (failed.length === 0) return buried
  const column = (name: keyof DeadRow) => failed.map((row) => row[name])
  const ends = await sql<{ destination: string }>(killEndsSql, [
    column('id'),
    column('lane'),
    column('object'),
    column('rule'),
    column('destination')
  ])
  const byObject = Map.groupBy(failed, ({ object }) => object)
  await changeMemories(sql, byObject.keys(), (memory, key) =>
    (byObject.get(key) ?? []).reduce((left, row) => forget(left, undeliveredOf(row)), memory)
  )
  return [...buried, ...ends.rows.map(({ destination }) => destination)]
}

// Finds the first lane, then the first after it, and so on: it takes as many steps as there are lanes, however much waits in them.
export const busyLanesSql = `
  with recursive busy as (
    (select lane from notifications where state = 'pending' and message_id is null order by lane limit 1)
    union all
    select (
      select n.lane from notifications n
      where n.lane > busy.lane and n.state = 'pending' and n.message_id is null order by n.lane limit 1
    ) from busy where busy.lane is not null
  )
  select lane from busy where lane is not null union select lane from messages where state = 'open'`

export const backlogSql = `
  select (select count(*) from notifications where lane = $1 and state = 'pending' and message_id is null)
    + (select coalesce(sum(notifications), 0)::bigint from messages where lane = $1 and state = 'open') as waiting`

/** The lanes that have something to send. */
export async function busyLanes(sql: Sql): Promise<string[]> {
  const { rows } = await sql<{ lane: string }>(busyLanesSql)
  return rows.map(({ lane }) => lane)
}

/** The number of notifications that wait in a lane, those of its open message included. */
export async function backlog(sql: Sql, lane: string): Promise<number> {
  const { rows } = await sql<{ waiting: number }>(backlogSql, [storable(lane)])
  return rows[0]?.waiting ?? 0
}

// If both columns have the same time, the lane waits for a rate limit: see `isLimit`.
const tryNowSql = `
  update lanes set not_before = 0 where key = $1 and (not_before <= $2 or tokens_at is distinct from not_before)`

const releaseSql = `
  update notifications set held_until = 0, held_at = null, holds = ${maxHolds}
  where state = 'pending' and message_id is null and id = any(array(
    select id from notifications
    where lane = $1 and state = 'pending' and message_id is null and holds > 0 and held_until > 0 limit $2))`

/** Ends a lane's wait, or returns the end of the rate limit that it waits for. {@link releaseSome} releases what is being gathered. */
export async function tryNow(sql: Sql, lane: string, now: number): Promise<number | undefined> {
  const { rowCount } = await sql(tryNowSql, [lane, now])
  if (rowCount !== 0) return undefined
  const { rows } = await sql<{ not_before: number }>(
    'select not_before from lanes where key = $1 and not_before > $2',
    [lane, now]
  )
  return rows[0]?.not_before
}

/** Gathered notifications that one transaction releases. */
const releaseStep = 2000

/** Releases some of the notifications that are being gathered in a lane; returns how many. */
export async function releaseSome(sql: Sql, lane: string): Promise<number> {
  return (await sql(releaseSql, [lane, releaseStep])).rowCount ?? 0
}

/** The number of notifications that wait for each destination. */
export async function countPending(sql: Sql): Promise<Map<string, number>> {
  const { rows } = await sql<{ destination: string; count: number }>(
    `select destination, count(*) from notifications where state = 'pending' group by destination`
  )
  return new Map(rows.map(({ destination, count }) => [destination, count]))
}
