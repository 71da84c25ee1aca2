// Mute ends in SQLite: sum up what a mute withheld once it is over, in steps, so that whoever waits for this thread gets in between.
import { setImmediate as pause } from 'node:timers/promises'
import { markNotified } from '../../objects/notified.ts'
import type { View } from '../../render/compose/view.ts'
import { type LaneOf, maxHolds } from '../kept-lanes.ts'
import { busySql } from '../reading/counts.ts'
import { type WithheldFailure, type Withholding, withEnds, withheldFailuresSql } from '../steps/muted.ts'
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

const stepRows = 500

type EndRow = Pick<WithheldNotification, 'id' | 'object' | 'says'>

/** When it is now, in ms, and what was withheld: by which mute, from which destination. */
type Values = readonly [now: number, mute: string, destination: string]

const ofGroup = 'muted_until <= ?1 and mute = ?2 and +destination = ?3'

const endsSql = `select id, object, says from notifications where ${ofGroup} and says = 'recovered'`

// In the order of the index, so that each page goes on where the last one ended.
const pageSql = `
  select n.id, n.lane, n.object, n.says, json_extract(v.view, '$.object') as ref, json_extract(v.view, '$.ending') as ending
  from notifications n join views v on v.id = n.id
  where n.muted_until = ?1 and n.id > ?2 and n.mute = ?3 and +n.destination = ?4 order by n.id limit ${stepRows}`
const laterSql = `
  select muted_until as until from notifications where muted_until > ? and muted_until <= ? order by muted_until limit 1`

// What is held of the objects would come after the summary, which may say that it is over. Lane by lane, as the index has it: what
// waits and is not held may be a million.
const releaseSql = `
  ${busySql}
  update notifications set held_until = ?1, holds = ${maxHolds}
  where lane in (select lane from busy where lane is not null) and held_until > ?1 and +destination = ?2 and object in (select value from json_each(?3))
    and state = 'pending' and message_id is null and (holds > 0 or held_at is null)`

/**
 * Sums up one mute that is over at `now`, in ms: in which lanes. Undefined where there is none left. Where its objects are many, they
 * count as notified from a little before the summary is written on: of what ends meanwhile the end is said, and after a crash it all
 * begins anew, as what was withheld waits until the summary is there. What is not as it was read is read again: nothing is written then.
 */
export async function endMute(
  db: Database,
  { queue, write }: { queue: Queue; write: Write },
  now: number,
  laneOf: LaneOf,
  compose: (withheld: Withheld) => View
): Promise<string[] | undefined> {
  const over = db.get<{ mute: string; destination: string }>(
    'select mute, destination from notifications where muted_until <= ? limit 1',
    now
  )
  if (over === undefined) return undefined
  const { mute, destination } = over
  const values: Values = [now, mute, destination]
  if (goingOn(db, values).carried.length > 0) await write(() => carry(db, goingOn(db, values).carried))
  const { found, sum } = await gather(db, values)
  const rows = found.rows()
  /** How those stand that count as notified. */
  const stands = new Map<string, WithheldObject>()
  /** Since what goes on was read: who is notified of these by now is decided with the summary. */
  const changed = new Set<string>()
  const mark = (row: WithheldRow) => {
    const memory = changeMemory(db, row.key, (known) => markNotified(known, destination, now))
    stands.set(row.key, standing(row, destination, memory, now))
    changed.delete(row.key)
  }
  const stopWatching = watchMemories(db, (key) => changed.add(key))
  try {
    const { silent } = goingOn(db, values)
    const isSure = (key: string) => !silent.has(key) && !changed.has(key)
    // The last of them, and so all where they are few, in one step with the summary.
    for (let at = 0; rows.length - at > stepRows; at += stepRows) {
      const some = rows.slice(at, at + stepRows)
      await write(() => {
        for (const row of some) if (isSure(row.key)) mark(row)
      })
    }
    return await write(() => {
      const { carried, silent } = goingOn(db, values)
      if (rows.length === 0 || carried.length > 0 || sumOf(db, values) !== sum) return []
      const notified = rows.filter(({ key }) => !silent.has(key))
      for (const row of notified) if (changed.has(row.key) || !stands.has(row.key)) mark(row)
      for (const key of silent) stands.delete(key)
      db.run(`update notifications set muted_until = null where ${ofGroup}`, ...values)
      db.run(releaseSql, now, destination, JSON.stringify(notified.map(({ key }) => key)))
      const lane = laneOf(destination) ?? found.lane
      const objects = rows.map((row) => stands.get(row.key) ?? standing(row, destination, undefined, now))
      const view = compose({ mute, destination, notifications: found.count, objects })
      queue.insert(null, { rule: 'mute', destination, lane, view }, now)
      return [lane]
    })
  } finally {
    stopWatching()
  }
}

/** What goes on to be withheld of what `values` withheld: see `withEnds`. */
function goingOn(db: Database, values: Values): ReturnType<typeof withEnds> {
  const failures = db.all<WithheldFailure>(withheldFailuresSql('?1', '?2', '+destination = ?3'), ...values)
  const ends = failures.length === 0 ? [] : db.all<EndRow>(endsSql, ...values)
  return withEnds(ends, failures)
}

/** Has them be withheld by others from now on, inside a transaction. */
export function carry(db: Database, carried: readonly Withholding[]): void {
  for (const { id, name, until } of carried)
    db.run('update notifications set mute = ?, muted_until = ? where id = ?', name, until, id)
}

/** All that `values` withheld, and the sum of its IDs. */
async function gather(db: Database, values: Values): Promise<{ found: Found; sum: number }> {
  const [now, mute, destination] = values
  const found = new Found()
  let sum = 0
  for (let [until, id] = [0, 0]; ; ) {
    const rows = db.all<WithheldNotification>(pageSql, until, id, mute, destination)
    found.add(rows)
    for (const row of rows) sum += row.id
    id = rows.at(-1)?.id ?? 0
    if (rows.length < stepRows) {
      const later = db.get<{ until: number }>(laterSql, until, now)
      if (later === undefined) return { found, sum }
      ;[until, id] = [later.until, 0]
    }
    await pause()
  }
}

function sumOf(db: Database, values: Values): number {
  return db.get<{ sum: number }>(`select total(id) as sum from notifications where ${ofGroup}`, ...values)?.sum ?? 0
}
