// Moves in PostgreSQL: follow a changed config file, by which pending notifications go to another lane or become dead letters.
import { goneReason } from '../kept.ts'
import type { LanesByName } from '../kept-lanes.ts'
import { type Connections, clockSql, type Sql } from './connections.ts'
import { bury } from './queue.ts'

/** Dead letters that one transaction makes. */
const abandonStep = 500
/** Notifications that one transaction moves to another lane. */
const rerouteStep = 2000

// A message that is being posted stays in the lane where its answer is awaited: in the new lane it would be a second request in flight.
const staleMessagesSql = `
  select m.id from messages m join lanes l on l.key = m.lane
  where m.destination = $1 and m.state = 'open' and m.lane = $2 and m.notifications > 0 and (l.holder is null or not exists (
    select 1 from replicas r where r.id = l.holder and r.alive_until > ${clockSql}
  ))
  order by m.id`

/**
 * Implements Store.follow; what was accepted at `before` or later makes no dead letter if its destination is gone. `buried` is called
 * with the destination of each new dead letter.
 */
export async function follow(
  connections: Connections,
  lanes: () => LanesByName,
  before: number,
  buried: (destinations: readonly string[]) => void
): Promise<number> {
  const { rows: waited } = await connections.query<{ destination: string; lane: string }>(waitedForSql)
  for (const { destination, lane } of waited) {
    const to = lanes().get(destination) ?? lane
    if (to !== lane) await reroute(connections, { destination, from: lane, to })
  }
  let lost = 0
  for (;;) {
    const now = lanes()
    const gone = waited.map(({ destination }) => destination).filter((destination) => !now.has(destination))
    if (gone.length === 0) break
    const some = await connections.transaction((sql) => abandon(sql, gone, before))
    if (some.length === 0) break
    buried(some)
    lost += some.length
  }
  return lost
}

interface Route {
  destination: string
  from: string
  to: string
}

/** Moves what waits for a destination to its lane, the oldest first, in steps: a post from either lane waits for one step at most. */
async function reroute(connections: Connections, route: Route): Promise<void> {
  // Starts over until nothing is left: what went back to waiting meanwhile is older than the place that was reached.
  for (let after = 0, isAgain = true; isAgain || after > 0; ) {
    isAgain = after > 0
    after = await connections.transaction((sql) => rerouteSome(sql, route, after))
  }
}

/** Moves some of what waits behind the id `after`; returns the last id that it moved, or 0 if there was none. */
async function rerouteSome(sql: Sql, { destination, from, to }: Route, after: number): Promise<number> {
  await sql('insert into lanes (key) values ($1) on conflict (key) do nothing', [to])
  await lockLanes(sql, [to, from])
  const { rows: stale } = await sql<{ id: number }>(staleMessagesSql, [destination, from])
  for (const { id } of stale) await moveMessage(sql, id, to)
  const { rows } = await sql<{ last: number | null }>(waitingSql, [destination, to, from, after, rerouteStep])
  return rows[0]?.last ?? 0
}

const waitingSql = `
  with moved as (
    update notifications set lane = $2 where state = 'pending' and message_id is null and id = any(array(
      select id from notifications
      where lane = $3 and id > $4 and state = 'pending' and message_id is null and destination = $1 order by id limit $5))
    returning id
  )
  select max(id) as last from moved`

/**
 * Moves a message to another lane, without its thread, which is not in the new channel. If the new lane has an open message already, what
 * this one carries goes back to waiting, and the message stays as a record, because somebody may have seen it.
 */
async function moveMessage(sql: Sql, id: number, lane: string): Promise<void> {
  const { rowCount } = await sql(
    `update messages set lane = $2, card_id = null where id = $1 and not exists (
       select 1 from messages where lane = $2 and state = 'open')`,
    [id, lane]
  )
  if (rowCount !== 0) {
    await sql(`update notifications set lane = $2 where message_id = $1 and state = 'pending'`, [id, lane])
    return
  }
  await sql('update notifications set message_id = null where message_id = $1', [id])
  await sql(`update messages set state = 'dead' where id = $1`, [id])
}

// Finds the first pair, then the first after it, and so on: it takes as many steps as there are pairs, however much waits.
export const waitedForSql = `
  with recursive known as (
    (select destination, lane from notifications where state = 'pending' order by destination, lane limit 1)
    union all
    select after.destination, after.lane from known, lateral (
      select n.destination, n.lane from notifications n
      where n.state = 'pending' and (n.destination, n.lane) > (known.destination, known.lane)
      order by n.destination, n.lane limit 1
    ) as after
  )
  select destination, lane from known`

/** Makes dead letters of some of what has waited for `destinations` since before `before`; returns the destination of each. */
async function abandon(sql: Sql, destinations: readonly string[], before: number): Promise<string[]> {
  const { rows } = await sql<{ id: number; lane: string }>(
    `select id, lane from notifications where state = 'pending' and destination = any($1) and created_at < $2 limit $3`,
    [destinations, before, abandonStep]
  )
  const ids = rows.map(({ id }) => id)
  await lockLanes(
    sql,
    rows.map(({ lane }) => lane)
  )
  await sql(
    `update messages set state = 'dead' where state = 'open' and id in (
       select message_id from notifications where id = any($1))`,
    [ids]
  )
  return bury(sql, ids, goneReason)
}

/** Locks lanes before anything in them is changed, as when their next step is chosen: in one order, so that nobody waits in a circle. */
async function lockLanes(sql: Sql, lanes: readonly string[]): Promise<void> {
  await sql('select key from lanes where key = any($1) order by key for update', [lanes])
}
