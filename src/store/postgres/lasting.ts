// Lasting in PostgreSQL: keeps notifications that wait to see whether their failure lasts. Their rows are locked after their objects
// when an event comes in, and after their lane when they are due.
import type { Mute } from '../../mutes/mutes.ts'
import type { Held, Release } from '../../rules/lasting.ts'
import { rolloutMs } from '../kept.ts'
import type { HoldOf } from '../kept-lanes.ts'
import { type FailedRow, type PendingRow, undeliveredOf } from '../rows.ts'
import { lasting, shortened } from '../steps.ts'
import type { Connections, Sql } from './connections.ts'
import { viewRows } from './pages.ts'
import type { Statement } from './statements.ts'
import { withhold } from './withhold.ts'

// This condition has a partial index of its own, which contains nothing else.
const isHeld = `n.state = 'pending' and n.message_id is null and n.holds = 0 and n.held_at is not null`

const heldSql = `
  select n.id, n.object, n.rule, n.destination, n.held_until, v.view
  from notifications n left join views v on v.id = n.id
  where n.object = any($1) and ${isHeld} order by n.id for update of n`

/** The notifications that wait to see whether the failures of objects last, by key. Waits for a lane that is about to send one. */
export async function heldOf(sql: Sql, objects: readonly string[]): Promise<Map<string, Held[]>> {
  if (objects.length === 0) return new Map()
  const { rows } = await sql<FailedRow & { id: number; held_until: number }>(heldSql, [objects])
  return Map.groupBy(
    rows.map((row) => ({ ...undeliveredOf(row), object: row.object, id: String(row.id), until: row.held_until })),
    ({ object }) => object
  )
}

const releaseSql = `
  update notifications set state = case when k.because is null then state else 'muted' end, reason = k.because,
    held_until = case when k.because is null then least(held_until, $3::bigint) else 0 end,
    held_at = case when k.because is null then held_at end
  from unnest($1::bigint[], $2::text[]) as k(id, because) where notifications.id = k.id`

/** Ends holds: a notification with a reason is never sent, any other is held no longer than until `now`, in ms. */
export function release(releases: readonly Release[], now: number): Statement[] {
  if (releases.length === 0) return []
  const ids = releases.map(({ held }) => Number(held.id))
  return [[releaseSql, [ids, releases.map(({ because }) => because ?? null), now]]]
}

// The condition leaves out those that an event has just released.
const lastedSql = `
  update notifications n set created_at = n.held_until, held_until = 0, held_at = null where n.id = any($1) and ${isHeld}`

const anewSql = `
  update notifications n set held_until = $2::bigint + n.held_until - n.held_at, held_at = $2, created_at = $2
  where n.id = any($1) and ${isHeld}`

/**
 * Releases those of `rows` whose failures have lasted, except what `mutes`, which are in effect, withhold, and holds others anew.
 * Returns the destination of each that is withheld; undefined if none of `rows` was held for that.
 */
export async function pass(
  sql: Sql,
  rows: readonly PendingRow[],
  mutes: readonly Mute[],
  now: number
): Promise<string[] | undefined> {
  const found = lasting(rows, now)
  if (found === undefined) return undefined
  const withheld = await withhold(sql, found.lasted, mutes, now)
  await sql(lastedSql, [found.lasted.map(({ id }) => id)])
  await sql(anewSql, [found.anew.map(({ id }) => id), now])
  return withheld
}

const pageSql = `
  select n.id, n.object, n.rule, n.created_at, n.held_until, v.view from notifications n left join views v on v.id = n.id
  where (n.object, n.id) > ($1, $2::bigint) and ${isHeld} order by n.object, n.id limit $3`

const shortenSql = `
  update notifications n set held_until = k.until
  from unnest($1::bigint[], $2::bigint[]) as k(id, until) where n.id = k.id and n.held_until > k.until and ${isHeld}`

/** Implements Store.shorten, with a transaction for each page, so that an event about what is held waits for one page at most. */
export async function shorten(connections: Connections, holdOf: HoldOf, now: number): Promise<void> {
  type Row = FailedRow & { id: number; object: string; created_at: number; held_until: number }
  for (let after: Pick<Row, 'object' | 'id'> | undefined = { object: '', id: 0 }; after !== undefined; ) {
    const { rows }: { rows: Row[] } = await connections.query<Row>(pageSql, [after.object, after.id, viewRows])
    const sooner = rows.flatMap((row) => {
      const since = undeliveredOf(row).since ?? null
      const hold = holdOf(row.rule)
      // A replica with another file may well have the rule.
      if (hold === undefined && row.created_at >= now - rolloutMs) return []
      const until = shortened({ ...row, since }, hold, now)
      return until === undefined ? [] : [{ id: row.id, until }]
    })
    const values = [sooner.map(({ id }) => id), sooner.map(({ until }) => until)]
    if (sooner.length > 0) await connections.transaction((sql) => sql(shortenSql, values))
    after = rows.at(-1)
  }
}
