// Moves in PostgreSQL: follow a changed config file: pending notifications go to another lane, or become dead letters.
import { goneReason } from '../kept.ts'
import type { LanesByName } from '../kept-lanes.ts'
import { type Connections, clockSql, type Sql } from './connections.ts'
import { bury } from './queue.ts'

/** Dead letters made in one transaction. */
const abandonStep = 500
/** Notifications that go to another lane in one. */
const rerouteStep = 2000

// A message that is being posted stays where its answer is awaited: at the new address it would be beside it.
const staleMessagesSql = `
  select m.id from messages m join lanes l on l.key = m.lane
  where m.destination = $1 and m.state = 'open' and m.lane = $2 and m.notifications > 0 and (l.holder is null or not exists (
    select 1 from replicas r where r.id = l.holder and r.alive_until > ${clockSql}
  ))
  order by m.id`

/**
 * As Store.follow; what was accepted at `before` or later is left alone where its destination is gone. `buried` is called with the
 * destination of each that is a dead letter now.
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

/** Moves what waits for a destination to its lane, the oldest first, in steps: whoever posts in one of both waits for one of them. */
async function reroute(connections: Connections, route: Route): Promise<void> {
  // What went back to waiting meanwhile is older than where it has come to.
  for (let after = 0, isAgain = true; isAgain || after > 0; ) {
    isAgain = after > 0
    after = await connections.transaction((sql) => rerouteSome(sql, route, after))
  }
}

/** Behind which id it has come to; 0 at the end. */
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
 * Where the new lane has a message open already, what this one carries goes back to waiting. It stays as a record, because
 * somebody may have seen it.
 */
// The thread that it would have gone to is not in the new channel.
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

// The first pair, then the first after it: as many steps as there are pairs, however much waits.
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

/** Makes dead letters of some of what waits for `destinations` since before that time: the destination of each; none when there is nothing left. */
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

/** Before anything in them is changed, as when their next step is chosen. In one order, so that nobody waits in a circle. */
async function lockLanes(sql: Sql, lanes: readonly string[]): Promise<void> {
  await sql('select key from lanes where key = any($1) order by key for update', [lanes])
}
