// Mute ends in SQLite: sum up what a mute withheld once it is over, in steps, between which others may use this thread.
import { setImmediate as pause } from 'node:timers/promises'
import { markNotified } from '../../objects/notified.ts'
import type { View } from '../../render/compose/view.ts'
import { type LaneOf, maxHolds } from '../kept-lanes.ts'
import { busySql } from '../reading/counts.ts'
import {
  firstOverSql,
  letGoRows,
  letGoSql,
  summaryOf,
  summedUp,
  summing,
  type WithheldEnd,
  type WithheldFailure,
  type Withholding,
  withEnds,
  withheldEndsSql,
  withheldFailuresSql
} from '../steps/muted.ts'
import {
  Found,
  standing,
  type Withheld,
  type WithheldNotification,
  type WithheldObject,
  type WithheldRow
} from '../withheld.ts'
import type { Database, Write } from './file.ts'
import { changeMemory, watchMemories } from './memories.ts'
import type { Queue } from './queue.ts'
import { endsBetween } from './withheld.ts'

const stepRows = 500

/** Identifies what was withheld: by which mute, from which destination. */
type Group = readonly [mute: string, destination: string]

const pageSql = `
  select n.id, n.lane, n.object, n.says, json_extract(v.view, '$.object') as ref, json_extract(v.view, '$.ending') as ending
  from notifications n left join views v on v.id = n.id
  where n.muted_until = ?1 and n.mute = ?2 and n.destination = ?3 and n.id > ?4 order by n.id limit ${stepRows}`

// Notifications that are held about the objects would come after the summary, which may say that the failure is over. They are
// found lane by lane, by the index, because a million may wait that are not held.
const releaseSql = `
  ${busySql}
  update notifications set held_until = ?1, holds = ${maxHolds}
  where lane in (select lane from busy where lane is not null) and held_until > ?1 and +destination = ?2 and object in (select value from json_each(?3))
    and state = 'pending' and message_id is null and (holds > 0 or held_at is null)`

/**
 * Sums up one mute that is over at `now`, in ms, and returns the lanes that got the summary; undefined if no such mute is left. If the
 * objects are many, their destination counts as notified a little before the summary is written: the end of a failure that ends
 * meanwhile is sent, and after a crash before the summary everything begins anew. What was withheld is put aside first
 * ({@link summing}) and let go of once the summary is written. If something has changed since it was read, no summary is written yet.
 */
export async function endMute(
  db: Database,
  { queue, write }: { queue: Queue; write: Write },
  now: number,
  laneOf: LaneOf,
  compose: (withheld: Withheld) => View
): Promise<string[] | undefined> {
  await letGo(db, write)
  const over = db.get<{ mute: string; destination: string }>(firstOverSql('?'), now)
  if (over === undefined) return undefined
  const { mute, destination } = over
  const group: Group = [mute, destination]
  const found = await gather(db, write, group, now)
  const rows = found.rows()
  /** The states of objects for which the destination counts as notified. */
  const stands = new Map<string, WithheldObject>()
  /** Keys of objects whose memory has changed since the failures that stay withheld were read: they are marked with the summary. */
  const changed = new Set<string>()
  const mark = (some: readonly WithheldRow[]) => {
    for (const row of some) {
      const memory = changeMemory(db, row.key, (known) => markNotified(known, destination, now))
      stands.set(row.key, standing(row, destination, memory, now))
      changed.delete(row.key)
    }
    db.run(releaseSql, now, destination, JSON.stringify(some.map(({ key }) => key)))
  }
  const stopWatching = watchMemories(db, (key) => changed.add(key))
  try {
    const { silent } = goingOn(db, destination, now)
    const isSure = ({ key }: WithheldRow) => !silent.has(key) && !changed.has(key)
    // The last objects are marked in one step with the summary, and so are all if they are few.
    for (let at = 0; rows.length - at > stepRows; at += stepRows) {
      const some = rows.slice(at, at + stepRows)
      await write(() => mark(some.filter(isSure)))
    }
    const lanes = await write(() => {
      const { carried, silent } = goingOn(db, destination, now)
      carry(db, carried)
      if (rows.length === 0 || carried.length > 0 || isLeft(db, group, now)) return []
      mark(rows.filter(({ key }) => !silent.has(key) && (changed.has(key) || !stands.has(key))))
      for (const key of silent) stands.delete(key)
      const summary = summaryOf(over, found, stands, { laneOf, compose, now })
      queue.insert(null, summary, now)
      db.run('insert or replace into announcements values (?, ?)', summedUp, now)
      return [summary.lane]
    })
    await letGo(db, write)
    return lanes
  } finally {
    stopWatching()
  }
}

async function letGo(db: Database, write: Write): Promise<void> {
  if (db.get('select 1 from announcements where key = ?', summedUp) === undefined) return
  const some = () => {
    const released = db.changes(letGoSql)
    if (released < letGoRows) db.run('delete from announcements where key = ?', summedUp)
    return released
  }
  while ((await write(some)) === letGoRows);
}

/** What stays withheld of what was put aside: see `withEnds`. */
function goingOn(db: Database, destination: string, now: number): ReturnType<typeof withEnds> {
  const failures = db.all<WithheldFailure>(withheldFailuresSql('?1', '+destination = ?2'), now, destination)
  const ends = failures.length === 0 ? [] : db.all<WithheldEnd>(withheldEndsSql)
  return withEnds(ends, failures)
}

/** Lets other mutes withhold the notifications from now on, inside a transaction. */
export function carry(db: Database, carried: readonly Withholding[]): void {
  for (const { id, name, until } of carried)
    db.run('update notifications set mute = ?, muted_until = ? where id = ?', name, until, id)
}

/** Collects what is withheld of `group` and over at `now`, in ms, and puts it aside. */
async function gather(db: Database, write: Write, group: Group, now: number): Promise<Found> {
  const found = new Found()
  const page = (until: number, after: number) => db.all<WithheldNotification>(pageSql, until, ...group, after)
  // An earlier attempt that came to nothing may have put some aside.
  for (let last: number | undefined = 0; last !== undefined; await pause()) {
    const rows = page(summing, last)
    found.add(rows)
    last = rows.at(-1)?.id
  }
  const putAside = (until: number) => {
    const rows = page(until, 0)
    found.add(rows)
    const ids = JSON.stringify(rows.map(({ id }) => id))
    db.run(`update notifications set muted_until = ${summing} where id in (select value from json_each(?))`, ids)
    return rows.length
  }
  for (const until of endsBetween(db, summing, now)) {
    while ((await write(() => putAside(until))) === stepRows);
  }
  return found
}

/** Reports whether something of `group` is over at `now`, in ms, but not put aside. */
function isLeft(db: Database, group: Group, now: number): boolean {
  const sql = 'select 1 from notifications where muted_until = ? and mute = ? and destination = ? limit 1'
  return endsBetween(db, summing, now).some((until) => db.get(sql, until, ...group) !== undefined)
}
