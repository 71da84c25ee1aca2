// Rollouts in PostgreSQL: keep how far each revision is rolled out, and write what there is to say of one. Scopes are locked after
// objects, several of them in one order, so that replicas never wait for each other in a circle.

import { isChart, originOfRevisions } from '../../objects/follows.ts'
import { objectOf } from '../../objects/name.ts'
import { readMemory } from '../../objects/stored-memory.ts'
import type { Arrival, NewNotification, Rollout, RolloutReport } from '../kept.ts'
import { cardGapMs } from '../kept-cards.ts'
import {
  type LiveRow,
  liveRowsSql,
  type RolloutEntryRow,
  type RolloutRow,
  rolloutEntriesSql,
  rolloutOf
} from '../rollouts/rows.ts'
import { afterwards, maxDue, rolloutHorizonMs } from '../rollouts/say.ts'
import { follow, keysOf, remembersRevision, remembersSource } from '../rollouts.ts'
import type { Store } from '../store.ts'
import type { Connections, Sql } from './connections.ts'
import { lockNumbers } from './locks.ts'
import { insertNotifications } from './queue.ts'
import { indexable, keyOf, storable } from './text.ts'

const lockSql = `
  select pg_advisory_xact_lock(${lockNumbers.rollouts}, hash) from (
    select distinct hashtext(scope) as hash from unnest($1::text[]) as s(scope) order by hash) as h`

const liveSql = liveRowsSql({ scope: '$1', revision: '$2', cluster: '$3', object: '$4', isOpen: 'not is_closed' })

const insertSql = `
  insert into rollouts (rule, destination, scope, revision, head, event_id, opened_at, last_at, settle_ms, unsaid_since,
    said_at, due_at, replaced, is_closed)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id`

const updateSql = `
  with shown as (
    select id from cards where rollout_id = $10 order by id for update
  ), touched as (
    update cards set version = version + 1,
      due_at = coalesce(due_at, least(greatest($11::bigint, updated_at + ${cardGapMs}), $11::bigint + ${cardGapMs}))
    from shown where cards.id = shown.id
  )
  update rollouts set head = $1, event_id = $2, last_at = $3, settle_ms = $4, unsaid_since = $5, said_at = $6, due_at = $7,
    replaced = $8, is_closed = $9 where id = $10`

const entrySql = `
  insert into rollout_entries values ($1, $2, $3, $4, $5, $6, $7) on conflict (rollout_id, object) do update
  set state = excluded.state, at = excluded.at, said = excluded.said,
    says_each = rollout_entries.says_each or excluded.says_each`

/** SQL condition that an object is not known to follow another source than `asked`, an SQL expression; null stands for any. */
const followsSql = (memory: string, asked: string) =>
  `(${asked}::text is null or position(${asked} in ${memory}) > 0 or position('${remembersSource()}' in ${memory}) = 0)`

const carrySql = `
  insert into rollout_entries
  select $1::bigint, e.object, e.cluster, 'expected', $2::bigint, '', e.says_each
  from rollout_entries e left join objects o on o.key = e.object
  where e.rollout_id = $3 and e.cluster = $4 and e.says_each and (e.state <> 'expected' or $5::boolean)
    and (o.memory is null or position($7 in o.memory) = 0 and ${followsSql('o.memory', '$6')})
  on conflict do nothing`

const othersSql = `
  select key from objects where starts_with(key, $1) and position($2 in memory) > 0
    and position($4 in memory) = 0 and ${followsSql('memory', '$3')}`

const expectSql = `
  insert into rollout_entries
  select $1::bigint, key, $3::text, 'expected', $4::bigint, '', true from unnest($2::text[]) as o(key) on conflict do nothing`

/** A report of an event of the batch. */
export interface Reported {
  arrival: Arrival
  said: RolloutReport
  /** The event's id; null if it is not kept. */
  event: number | null
}

export async function report(sql: Sql, reports: readonly Reported[]): Promise<void> {
  if (reports.length === 0) return
  await sql(lockSql, [reports.map(({ said }) => indexable(said.scope))])
  // One after the other, because each depends on the changes of those before it.
  for (const entry of reports) await reportOne(sql, entry)
}

async function reportOne(sql: Sql, { arrival, said, event }: Reported): Promise<void> {
  const { object } = arrival.event
  const cluster = storable(object.cluster)
  const key = keyOf(object)
  const now = arrival.receivedAt
  const known = { ...said, scope: indexable(said.scope), revision: indexable(said.revision) }
  const { rows: live } = await sql<LiveRow>(liveSql, [known.scope, known.revision, cluster, key])
  const source = await sourceOf(sql, said.follows)
  const { begun, rows, entries, carried, first } = follow(live, known, { cluster, event, source, now })
  const id = begun === undefined ? 0 : await insert(sql, begun)
  for (const row of rows) await update(sql, row, now)
  for (const { rollout = id, state, said: text } of entries) {
    if (state === 'gone') await sql('delete from rollout_entries where rollout_id = $1 and object = $2', [rollout, key])
    else await sql(entrySql, [rollout, key, cluster, state, now, storable(text), said.saysEach])
  }
  // An object that still has this revision, or fails at it, is not expected to come to it.
  const had = remembersRevision(said.revision)
  const followed = source === undefined ? null : remembersSource(source)
  for (const { from, into = id, hasExpected } of carried)
    await sql(carrySql, [into, now, from, cluster, hasExpected, followed, had])
  if (first === undefined) return
  const { rows: others } = await sql<{ key: string }>(othersSql, [
    storable(keysOf(object)),
    remembersRevision(said.previous),
    followed,
    had
  ])
  const expected = others.flatMap((row) => (said.isAbout?.(objectOf(row.key)) ? [row.key] : []))
  await sql(expectSql, [first.into ?? id, expected, cluster, now])
}

/** The key of the source that the revisions of a follower of `follows` come from, if it is known. */
async function sourceOf(sql: Sql, follows: string | undefined): Promise<string | undefined> {
  if (follows === undefined || !isChart(follows)) return follows
  const { rows } = await sql<{ memory: string | null }>('select memory from objects where key = $1', [
    indexable(follows)
  ])
  return originOfRevisions(follows, () => (rows[0]?.memory ? readMemory(rows[0].memory) : undefined))
}

async function insert(sql: Sql, row: Omit<RolloutRow, 'id'>): Promise<number> {
  const { rows } = await sql<{ id: number }>(insertSql, [
    ...[
      row.rule,
      row.destination,
      row.scope,
      row.revision,
      storable(row.head),
      row.event_id,
      row.opened_at,
      row.last_at
    ],
    ...[row.settle_ms, row.unsaid_since, row.said_at, row.due_at, storable(row.replaced), Boolean(row.is_closed)]
  ])
  return rows[0]?.id ?? 0
}

async function update(sql: Sql, row: RolloutRow, now: number): Promise<void> {
  await sql(updateSql, [
    ...[storable(row.head), row.event_id, row.last_at, row.settle_ms, row.unsaid_since, row.said_at, row.due_at],
    ...[storable(row.replaced), Boolean(row.is_closed), row.id, now]
  ])
}

/** Reads a rollout with all its objects; undefined if it is over and forgotten. */
export async function readRollout(sql: Sql, id: number): Promise<Rollout | undefined> {
  const { rows } = await sql<RolloutRow>('select * from rollouts where id = $1', [id])
  return rows[0] && withEntries(sql, rows[0])
}

async function withEntries(sql: Sql, row: RolloutRow): Promise<Rollout> {
  const { rows } = await sql<RolloutEntryRow>(rolloutEntriesSql('$1'), [row.id])
  return rolloutOf(row, rows)
}

const pruneSql = `
  with over as (
    delete from rollouts where id in (
      select id from rollouts where last_at < $1 and due_at is null order by last_at limit $2 for update skip locked)
    returning id
  ), entries as (
    delete from rollout_entries using over where rollout_entries.rollout_id = over.id
  )
  select id from over`

/** Deletes rollouts about which everything has been said. Returns how many. */
export async function pruneRollouts(sql: Sql, before: number, limit: number): Promise<number> {
  return (await sql(pruneSql, [before, limit])).rowCount ?? 0
}

const dueSql = `
  select * from rollouts where due_at is not null and (due_at <= $1 or due_at > $1::bigint + ${rolloutHorizonMs})
  order by due_at, id limit ${maxDue}`

export function createRollouts(
  connections: Connections,
  added: (entries: readonly { destination: string; lane: string }[]) => void
): Pick<Store, 'sayRollouts'> {
  return {
    async sayRollouts(now, say) {
      // If nothing is due, nothing is locked.
      if ((await connections.query(dueSql, [now])).rowCount === 0) return []
      const said = await connections.transaction((sql) => speak(sql, say, now))
      added(said)
      return said.map(({ lane }) => lane)
    }
  }
}

async function speak(
  sql: Sql,
  say: (rollout: Rollout) => NewNotification | undefined,
  now: number
): Promise<NewNotification[]> {
  const { rows: found } = await sql<RolloutRow>(dueSql, [now])
  await sql(lockSql, [found.map(({ scope }) => scope)])
  // Read again under the locks: what another replica has said meanwhile is no longer due.
  const { rows } = await sql<RolloutRow>(dueSql, [now])
  const locked = new Set(found.map(({ scope }) => scope))
  const said: NewNotification[] = []
  for (const row of rows.filter(({ scope }) => locked.has(scope))) {
    const rollout = await withEntries(sql, row)
    const entry = say(rollout)
    if (entry !== undefined) {
      await insertNotifications(sql, [{ event: row.event_id, at: now, entry }])
      said.push(entry)
    }
    const fails = rollout.entries.some(({ is }) => is === 'failing')
    await update(sql, afterwards(row, { isSaid: entry !== undefined, fails, now }), now)
  }
  return said
}
