// Rollouts in SQLite: keep how far each revision is rolled out, and write what there is to say of one, inside a transaction of the
// store.
import { originOfRevisions } from '../../objects/follows.ts'
import { objectKey, objectOf } from '../../objects/name.ts'
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
import type { Database, Write } from './file.ts'
import { memoryOf } from './memories.ts'
import type { Queue } from './queue.ts'

const liveSql = liveRowsSql({ scope: '?1', revision: '?2', cluster: '?3', object: '?4', isOpen: 'is_closed = 0' })

/** SQL condition that an object is not known to follow another source than `asked`, an SQL expression; null stands for any. */
const followsSql = (memory: string, asked: string) =>
  `(${asked} is null or instr(${memory}, ${asked}) > 0 or instr(${memory}, '${remembersSource()}') = 0)`

const carrySql = `
  insert into rollout_entries
  select ?1, e.object, e.cluster, 'expected', ?2, '', e.says_each
  from rollout_entries e left join objects o on o.key = e.object
  where e.rollout_id = ?3 and e.cluster = ?4 and e.says_each = 1 and (e.state <> 'expected' or ?5 = 1)
    and (o.key is null or instr(o.memory, ?7) = 0 and ${followsSql('o.memory', '?6')})
  on conflict do nothing`

const othersSql = `
  select key from objects where key >= ?1 and key < ?2 and instr(memory, ?3) > 0 and instr(memory, ?5) = 0
    and ${followsSql('memory', '?4')}`

/** Writes what a report changes in the rollouts. `event` is the event's id; null if it is not kept. */
export function report(
  db: Database,
  { event: { object }, receivedAt: now }: Arrival,
  said: RolloutReport,
  event: number | null
): void {
  const { cluster } = object
  const key = objectKey(object)
  const live = db.all<LiveRow>(liveSql, said.scope, said.revision, cluster, key)
  const source = originOfRevisions(said.follows, (other) => memoryOf(db, other))
  const { begun, rows, entries, carried, first } = follow(live, said, { cluster, event, source, now })
  const id = begun === undefined ? 0 : insert(db, begun)
  for (const row of rows) update(db, row, now)
  for (const { rollout = id, state, said: text } of entries) {
    if (state === 'gone') db.run('delete from rollout_entries where rollout_id = ? and object = ?', rollout, key)
    else {
      db.run(
        `insert into rollout_entries values (?, ?, ?, ?, ?, ?, ?) on conflict do update
         set state = excluded.state, at = excluded.at, said = excluded.said,
           says_each = max(says_each, excluded.says_each)`,
        ...[rollout, key, cluster, state, now, text, said.saysEach ? 1 : 0]
      )
    }
  }
  // An object that still has this revision, or fails at it, is not expected to come to it.
  const had = remembersRevision(said.revision)
  const followed = source === undefined ? null : remembersSource(source)
  for (const { from, into = id, hasExpected } of carried)
    db.run(carrySql, into, now, from, cluster, hasExpected ? 1 : 0, followed, had)
  if (first === undefined) return
  const prefix = keysOf(object)
  const others = db.all<{ key: string }>(
    othersSql,
    ...[prefix, `${prefix.slice(0, -1)}0`, remembersRevision(said.previous), followed, had]
  )
  for (const { key: other } of others) {
    if (!said.isAbout?.(objectOf(other))) continue
    db.run(
      `insert into rollout_entries values (?, ?, ?, 'expected', ?, '', 1) on conflict do nothing`,
      ...[first.into ?? id, other, cluster, now]
    )
  }
}

function insert(db: Database, row: Omit<RolloutRow, 'id'>): number {
  return db.run(
    'insert into rollouts values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ...[row.rule, row.destination, row.scope, row.revision, row.head, row.event_id, row.opened_at, row.last_at],
    ...[row.settle_ms, row.unsaid_since, row.said_at, row.due_at, row.replaced, row.is_closed ? 1 : 0]
  )
}

function update(db: Database, row: RolloutRow, now: number): void {
  db.run(
    `update rollouts set head = ?, event_id = ?, last_at = ?, settle_ms = ?, unsaid_since = ?, said_at = ?, due_at = ?,
       replaced = ?, is_closed = ? where id = ?`,
    ...[row.head, row.event_id, row.last_at, row.settle_ms, row.unsaid_since, row.said_at, row.due_at],
    ...[row.replaced, row.is_closed ? 1 : 0, row.id]
  )
  // The card that shows it is out of date.
  db.run(
    `update cards set version = version + 1,
       due_at = coalesce(due_at, min(max(?1, updated_at + ${cardGapMs}), ?1 + ${cardGapMs})) where rollout_id = ?2`,
    ...[now, row.id]
  )
}

/** Reads a rollout with all its objects; undefined if it is over and forgotten. */
export function readRollout(db: Database, id: number): Rollout | undefined {
  const row = db.get<RolloutRow>('select * from rollouts where id = ?', id)
  return row && withEntries(db, row)
}

function withEntries(db: Database, row: RolloutRow): Rollout {
  const entries = db.all<RolloutEntryRow>(rolloutEntriesSql('?'), row.id)
  return rolloutOf(row, entries)
}

/** Deletes rollouts about which everything has been said. Returns how many. */
export function pruneRollouts(db: Database, before: number, limit: number): number {
  const over = db.all<{ id: number }>(
    `delete from rollouts where id in (
       select id from rollouts where last_at < ? and due_at is null order by last_at limit ?) returning id`,
    ...[before, limit]
  )
  for (const { id } of over) db.run('delete from rollout_entries where rollout_id = ?', id)
  return over.length
}

export function createRollouts(
  db: Database,
  { queue, write }: { queue: Queue; write: Write }
): Pick<Store, 'sayRollouts'> {
  const dueSql = `
    select * from rollouts where due_at is not null and (due_at <= ?1 or due_at > ?1 + ${rolloutHorizonMs})
    order by due_at, id limit ${maxDue}`

  function speak(row: RolloutRow, say: (rollout: Rollout) => NewNotification | undefined, now: number): string[] {
    const rollout = withEntries(db, row)
    const entry = say(rollout)
    if (entry !== undefined) queue.insert(row.event_id, entry, now)
    const fails = rollout.entries.some(({ is }) => is === 'failing')
    update(db, afterwards(row, { isSaid: entry !== undefined, fails, now }), now)
    return entry === undefined ? [] : [entry.lane]
  }

  return {
    async sayRollouts(now, say) {
      // If nothing is due, nothing is written or waited for.
      if (db.get(dueSql, now) === undefined) return []
      return write(() => db.all<RolloutRow>(dueSql, now).flatMap((row) => speak(row, say, now)))
    }
  }
}
