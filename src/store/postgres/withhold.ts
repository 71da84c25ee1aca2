// Withholding in PostgreSQL: withholds held notifications that are muted when their hold ends. Objects are locked before their
// notifications, as when an event comes in.
import type { Mute } from '../../mutes/mutes.ts'
import { markWithheld } from '../../objects/notified.ts'
import { type FailedRow, undeliveredOf } from '../rows.ts'
import { type HeldEvent, type HeldNotification, heldEventColumns, withholdings } from '../steps/muted.ts'
import type { Sql } from './connections.ts'
import { changeMemories } from './memories.ts'
import { endOfSql } from './queue.ts'

const lockSql = `
  select key from objects where key in (select object from notifications where id = any($1)) order by key for update`

const withholdSql = `
  update notifications n set state = 'muted', mute = k.mute, muted_until = k.until, held_until = 0, held_at = $4
  from unnest($1::bigint[], $2::text[], $3::bigint[]) as k(id, mute, until)
  where n.id = k.id and n.state = 'pending' and n.message_id is null
  returning n.id, n.lane, n.object, n.rule, n.destination, n.says, n.mute, n.muted_until, (select view from views where views.id = n.id) as view`

const withholdEndsSql = `
  update notifications n set state = 'muted', mute = k.mute, muted_until = k.until, held_until = 0, held_at = $8
  from (
    select f.mute, f.until, ${endOfSql} as end_id
    from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
      as f(id, lane, object, rule, destination, mute, until)
  ) as k where n.id = k.end_id and n.state = 'pending'
  returning n.destination`

interface WithheldRow extends FailedRow {
  id: number
  lane: string
  says: string
  mute: string
  muted_until: number
}

/** Reads the events that notifications are about. */
export async function readEvents(sql: Sql, held: readonly { event_id: number | null }[]): Promise<HeldEvent[]> {
  const { rows } = await sql<HeldEvent>(`select ${heldEventColumns} from events where id = any($1)`, [
    held.map(({ event_id }) => event_id)
  ])
  return rows
}

/**
 * Withholds those of `held` that `mutes` match, which are in effect at `now`, in ms, and returns their destinations. The end of a withheld
 * failure is withheld with it.
 */
export async function withhold(
  sql: Sql,
  held: readonly HeldNotification[],
  mutes: readonly Mute[],
  now: number
): Promise<string[]> {
  if (held.length === 0 || mutes.length === 0) return []
  const found = withholdings(held, await readEvents(sql, held), mutes, now)
  if (found.length === 0) return []
  const ids = found.map(({ id }) => id)
  await sql(lockSql, [ids])
  const { rows } = await sql<WithheldRow>(withholdSql, [
    ids,
    found.map(({ name }) => name),
    found.map(({ until }) => until),
    now
  ])
  const withheld = rows.map(({ destination }) => destination)
  const failed = rows.filter(({ says }) => says === 'failed')
  if (failed.length === 0) return withheld
  const byObject = Map.groupBy(failed, ({ object }) => object)
  await changeMemories(sql, byObject.keys(), (memory, key) =>
    (byObject.get(key) ?? []).reduce((left, row) => markWithheld(left, undeliveredOf(row)), memory)
  )
  const column = (name: keyof WithheldRow) => failed.map((row) => row[name])
  const ends = await sql<{ destination: string }>(withholdEndsSql, [
    ...[column('id'), column('lane'), column('object'), column('rule'), column('destination')],
    ...[column('mute'), column('muted_until'), now]
  ])
  return [...withheld, ...ends.rows.map(({ destination }) => destination)]
}
