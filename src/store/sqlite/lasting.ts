// Lasting in SQLite: keeps notifications that wait to see whether their failure lasts, inside a transaction of the store.
import type { Mute } from '../../mutes/mutes.ts'
import type { Held, Release } from '../../rules/lasting.ts'
import type { HoldOf } from '../kept-lanes.ts'
import { undeliveredOf } from '../rows.ts'
import { type HeldNotification, withholdings } from '../steps/muted.ts'
import { type HeldRow, lasting, shortened } from '../steps.ts'
import type { Waiting } from '../waiting.ts'
import type { Database, Write } from './file.ts'
import { readEvents, withhold } from './withhold.ts'

// This condition has a partial index of its own, which contains nothing else.
const heldSql = `state = 'pending' and message_id is null and holds = 0 and held_at is not null`

/** The notifications that wait to see whether the object's failure lasts. */
export function heldOf(db: Database, object: string): Held[] {
  const rows = db.all<{ id: number; rule: string; destination: string; held_until: number; view: string | null }>(
    `select n.id, n.rule, n.destination, n.held_until, v.view from notifications n left join views v on v.id = n.id
     where n.object = ? and ${heldSql} order by n.id`,
    object
  )
  return rows.map(({ id, held_until, ...row }) => {
    const { rule, destination, since } = undeliveredOf({ object, ...row })
    return { id: String(id), rule, destination, since, until: held_until }
  })
}

/** Ends holds: a notification with a reason is never sent, any other is held no longer than until `now`, in ms. */
export function release(db: Database, waiting: Waiting, releases: readonly Release[], now: number): void {
  for (const { held, because } of releases) {
    if (because === undefined) {
      db.run('update notifications set held_until = min(held_until, ?) where id = ?', now, Number(held.id))
      continue
    }
    db.run(
      `update notifications set state = 'muted', reason = ?, held_until = 0, held_at = null where id = ?`,
      ...[because, Number(held.id)]
    )
    waiting.add(held.destination, -1)
  }
}

/**
 * Releases those of `rows` whose failures have lasted, except what `mutes`, which are in effect, withhold, and holds others anew.
 * Returns the destination of each that is withheld; undefined if none of `rows` was held for that.
 */
export function pass(
  db: Database,
  rows: readonly (HeldRow & HeldNotification)[],
  { waiting, mutes }: { waiting: Waiting; mutes: readonly Mute[] },
  now: number
): string[] | undefined {
  const found = lasting(rows, now)
  if (found === undefined) return undefined
  const muted = mutes.length === 0 ? [] : withholdings(found.lasted, readEvents(db, found.lasted), mutes, now)
  const left = found.lasted.filter(({ id }) => !muted.some((entry) => entry.id === id))
  const idsOf = (some: readonly HeldRow[]) => JSON.stringify(some.map(({ id }) => id))
  db.run(
    `update notifications set created_at = held_until, held_until = 0, held_at = null
     where id in (select value from json_each(?))`,
    idsOf(left)
  )
  db.run(
    `update notifications set held_until = ?1 + held_until - held_at, held_at = ?1, created_at = ?1
     where id in (select value from json_each(?2))`,
    ...[now, idsOf(found.anew)]
  )
  return withhold(db, waiting, muted, now)
}

const pageSql = `
  with held as materialized (
    select id, object, rule, created_at, held_until from notifications
    where object >= ?1 and (object, id) > (?1, ?2) and ${heldSql} order by object, id limit 500
  )
  select held.id, held.object, held.rule, held.created_at, held.held_until, json_extract(v.view, '$.failure.since') as since
  from held left join views v on v.id = held.id order by held.object, held.id`

/** A place in the order of the index. */
interface Place {
  object: string
  id: number
}

interface ShortenedRow extends Place {
  rule: string
  created_at: number
  held_until: number
  since: number | null
}

/** Implements Store.shorten, in steps. */
export async function shorten(db: Database, write: Write, holdOf: HoldOf, now: number): Promise<void> {
  const step = ({ object, id }: Place): Place | undefined => {
    const rows = db.all<ShortenedRow>(pageSql, object, id)
    for (const { id, rule, ...row } of rows) {
      const until = shortened(row, holdOf(rule), now)
      if (until !== undefined) db.run('update notifications set held_until = ? where id = ?', until, id)
    }
    return rows.at(-1)
  }
  let last: Place | undefined = { object: '', id: 0 }
  while (last !== undefined) {
    const after: Place = last
    last = await write(() => step(after))
  }
}
