// Lane locks in PostgreSQL: lock a lane whose next step is chosen, or several that something moves between.
import type { LaneRow } from '../rows.ts'
import type { Sql } from './connections.ts'

// Skipped where another replica has it: nobody waits here with a connection in hand.
const lockSql = `
  select tokens, tokens_at, not_before, set_at, block_reason, block_since, probes, holder
  from lanes where key = $1 for update skip locked`

/** A lane, and the replica that posts from it. */
interface LeasedRow extends LaneRow {
  holder: string | null
}

/** Undefined where another replica has it. */
export async function lockLane(sql: Sql, lane: string): Promise<LeasedRow | undefined> {
  const found = await sql<LeasedRow>(lockSql, [lane])
  if (found.rows.length > 0) return found.rows[0]
  // New, or locked.
  const { rowCount } = await sql('insert into lanes (key) values ($1) on conflict (key) do nothing', [lane])
  return rowCount === 0 ? undefined : (await sql<LeasedRow>(lockSql, [lane])).rows[0]
}

/** Before anything in them is changed, as when their next step is chosen. In one order, so that nobody waits in a circle. */
export async function lockLanes(sql: Sql, lanes: readonly string[]): Promise<void> {
  await sql('select key from lanes where key = any($1) order by key for update', [lanes])
}
