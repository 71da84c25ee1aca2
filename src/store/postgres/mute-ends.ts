// Mute ends in PostgreSQL: sum up what a mute withheld once it is over, in steps, so that events of the objects wait for one step at
// most.
import type { Mute } from '../../mutes/mutes.ts'
import { markNotified } from '../../objects/notified.ts'
import type { View } from '../../render/compose/view.ts'
import type { NewNotification } from '../kept.ts'
import { type LaneOf, maxHolds } from '../kept-lanes.ts'
import {
  type EndedGroup,
  endedSql,
  firstOverSql,
  type HeldNotification,
  letGoRows,
  letGoSql,
  longestCarriedMs,
  summaryOf,
  summedUp,
  summing,
  type WithheldEnd,
  type WithheldFailure,
  type Withholding,
  withEnds,
  withheldEndsSql,
  withheldFailuresSql,
  withholdings
} from '../steps/muted.ts'
import {
  Found,
  standing,
  type Withheld,
  type WithheldNotification,
  type WithheldObject,
  type WithheldRow
} from '../withheld.ts'
import type { Connections, Sql } from './connections.ts'
import { changeMemories } from './memories.ts'
import { inPages, pageRows } from './pages.ts'
import type { Presence } from './presence.ts'
import { busyLanes, insertNotifications } from './queue.ts'
import { lockSql, TakenOver, type Turn, takeTurn } from './summing-turn.ts'
import { readEvents } from './withhold.ts'

/** Rows that one transaction reads with their texts, or locks. */
const stepRows = 500

export interface Ending {
  presence: Pick<Presence, 'replica' | 'lease'>
  /** ms */
  now: number
  laneOf: LaneOf
  compose: (withheld: Withheld) => View
  /** The mutes in effect at `now`. */
  mutes: readonly Mute[]
}

/** Yields the summaries of all mutes that are over as they are written; none while another replica is at it. */
export async function* summariesOf(connections: Connections, ending: Ending): AsyncGenerator<NewNotification> {
  const { rowCount } = await connections.query('select 1 from notifications where muted_until <= $1 limit 1', [
    ending.now
  ])
  const turn = rowCount === 0 ? undefined : await takeTurn(connections, ending.presence)
  if (turn === undefined) return
  try {
    const steps = createSteps(connections, turn, ending)
    await steps.letGo()
    await steps.carryOn()
    for (;;) {
      const summed = await steps.sumUp()
      if (summed === undefined) break
      yield* summed
    }
  } catch (error) {
    if (!(error instanceof TakenOver)) throw error
  } finally {
    await turn.end()
  }
}

const group = 'hashtext(mute || destination) = hashtext($2 || $3) and mute = $2 and destination = $3'

const putAsideSql = `
  with picked as materialized (
    select id from notifications where muted_until = $1 and ${group} order by id limit ${stepRows} for update
  ), aside as (
    update notifications n set muted_until = ${summing} from picked where n.id = picked.id returning n.id, n.lane, n.object, n.says
  )
  select n.*, (v.view::json -> 'object')::text as ref, v.view::json ->> 'ending' as ending
  from aside n left join views v on v.id = n.id`

const asideSql = `
  select n.id, n.lane, n.object, n.says, (v.view::json -> 'object')::text as ref, v.view::json ->> 'ending' as ending
  from (
    select id, lane, object, says from notifications where muted_until = $1 and ${group} and id > $4 order by id limit ${stepRows}
  ) as n left join views v on v.id = n.id order by n.id`

const endsSql = `
  select distinct muted_until as until from notifications
  where muted_until > ${summing} and muted_until <= $1 and mute = $2 and destination = $3`

const countSql = `select count(*) as n from notifications where muted_until = ${summing}`

const seenSql = 'select key from objects where key = any($1) and seen_at >= $2'

const heldSql = `
  select id, object from notifications
  where lane = any($1) and destination = $2 and held_until > $3 and state = 'pending' and message_id is null
    and (holds > 0 or held_at is null)`

const dueSql = `
  update notifications set held_until = $2, holds = ${maxHolds}
  where id = any($1) and state = 'pending' and message_id is null`

const carriedSql = `
  update notifications n set mute = k.mute, muted_until = k.until
  from unnest($1::bigint[], $2::text[], $3::bigint[]) as k(id, mute, until) where n.id = k.id`

const overSql = `
  select id, event_id from notifications
  where muted_until = $1 and ${group} and id > $4 order by id limit ${stepRows}`

/** How long after its arrival an event is written at most, in ms: an object seen since then may have changed since it was read. */
const slackMs = 10_000
/** How often objects that changed meanwhile are gone through before the summary, so that few are left for it. */
const maxPasses = 5

function createSteps(connections: Connections, { step }: Turn, { now, laneOf, compose, mutes }: Ending) {
  const started = performance.now()
  /** The time by the store's clock, of which `now` is only the start, less {@link slackMs}. */
  const sinceStart = () => Math.floor(now + performance.now() - started - slackMs)

  /** Lets go of what was put aside and is in a summary by now. */
  async function letGo(): Promise<void> {
    const { rowCount } = await connections.query('select 1 from announcements where key = $1', [summedUp])
    if (rowCount === 0) return
    const some = async (sql: Sql) => {
      const released = (await sql(letGoSql)).rowCount ?? 0
      if (released < letGoRows) await sql('delete from announcements where key = $1', [summedUp])
      return released
    }
    while ((await step(some)) === letGoRows);
  }

  /** Keeps withheld what was withheld by mutes that are over, if another mute matches it or the same one has begun anew. */
  async function carryOn(): Promise<void> {
    const { rows: groups } =
      mutes.length === 0 ? { rows: [] } : await connections.query<EndedGroup>(endedSql('$1'), [now])
    for (const { mute, destination, since } of groups) {
      if (now - since >= longestCarriedMs) continue
      for (const until of [summing, ...(await endsOf(mute, destination))]) {
        for (let last: number | undefined = 0; last !== undefined; ) {
          const values: unknown[] = [until, mute, destination, last]
          const { rows }: { rows: HeldNotification[] } = await connections.query<HeldNotification>(overSql, values)
          if (rows.length > 0)
            await step(async (sql) => carry(sql, withholdings(rows, await readEvents(sql, rows), mutes, now)))
          last = rows.at(-1)?.id
        }
      }
    }
  }

  async function endsOf(mute: string, destination: string): Promise<number[]> {
    const { rows } = await connections.query<{ until: number }>(endsSql, [now, mute, destination])
    return rows.map(({ until }) => until)
  }

  /** Collects what `mute` withheld from `destination` and is over, and puts it aside. */
  async function gather(mute: string, destination: string): Promise<Found> {
    const found = new Found()
    // An earlier attempt that came to nothing may have put some aside.
    for (let last: number | undefined = 0; last !== undefined; ) {
      const values: unknown[] = [summing, mute, destination, last]
      const { rows }: { rows: WithheldNotification[] } = await connections.query<WithheldNotification>(asideSql, values)
      found.add(rows)
      last = rows.at(-1)?.id
    }
    for (const until of await endsOf(mute, destination)) {
      const some = async (sql: Sql) => (await sql<WithheldNotification>(putAsideSql, [until, mute, destination])).rows
      for (let isMore = true; isMore; ) {
        const rows = await step(some)
        found.add(rows)
        isMore = rows.length === stepRows
      }
    }
    return found
  }

  /** Sums up one mute that is over; resolves to the summary, if any, or to undefined if no such mute is left. */
  async function sumUp(): Promise<NewNotification[] | undefined> {
    const { rows: over } = await connections.query<{ mute: string; destination: string }>(firstOverSql('$1'), [now])
    const [ended] = over
    if (ended === undefined) return undefined
    const { mute, destination } = ended
    const found = await gather(mute, destination)
    const all = new Map(found.rows().map((row) => [row.key, row]))
    /** The states of objects for which the destination counts as notified. */
    const stands = new Map<string, WithheldObject>()
    const mark = async (sql: Sql, rows: readonly WithheldRow[]) => {
      const keys = rows.map(({ key }) => key)
      const memories = await changeMemories(sql, keys, (memory) => markNotified(memory, destination, now))
      for (const row of rows) stands.set(row.key, standing(row, destination, memories.get(row.key), now))
    }
    const { silent } = await goingOn(connections.query, destination, now)
    const seenSince = async (sql: Sql, since: number) => {
      const keys: string[] = []
      for (const some of inPages([...all.keys()], pageRows))
        keys.push(...(await sql<{ key: string }>(seenSql, [some, since])).rows.map(({ key }) => key))
      return keys.flatMap((key) => all.get(key) ?? [])
    }
    let since = sinceStart()
    let next = [...all.values()]
    // The last few objects are marked together with the summary.
    for (let passes = 0; next.length > stepRows && passes < maxPasses; passes++) {
      const began = sinceStart()
      const sure = next.filter(({ key }) => !silent.has(key))
      for (const rows of inPages(sure, stepRows)) await step((sql) => mark(sql, rows))
      next = await seenSince(connections.query, since)
      since = began
    }
    const summary = await step(async (sql) => {
      await sql(lockSql)
      const { carried, silent: silentNow } = await goingOn(sql, destination, now)
      await carry(sql, carried)
      const { rows: counts } = await sql<{ n: number }>(countSql)
      if (all.size === 0 || carried.length > 0 || counts[0]?.n !== found.count) return undefined
      if ((await endsOf(mute, destination)).length > 0) return undefined
      const left = [...all.values()].filter(({ key }) => !stands.has(key))
      const seen = await seenSince(sql, since)
      const unsure = [...new Set([...left, ...seen])].filter(({ key }) => !silentNow.has(key))
      for (const rows of inPages(unsure, pageRows)) await mark(sql, rows)
      for (const key of silentNow) stands.delete(key)
      await release(sql, destination, all, silentNow)
      const entry = summaryOf(ended, found, stands, { laneOf, compose, now })
      await insertNotifications(sql, [{ event: null, at: now, entry }])
      await sql('insert into announcements (key, announced_at) values ($1, $2) on conflict (key) do nothing', [
        summedUp,
        now
      ])
      return entry
    })
    if (summary === undefined) return []
    await letGo()
    return [summary]
  }

  /** Releases what is held about these objects: it would come after the summary, which may say that the failure is over. */
  async function release(
    sql: Sql,
    destination: string,
    all: ReadonlyMap<string, unknown>,
    silent: ReadonlySet<string>
  ): Promise<void> {
    const lanes = await busyLanes(sql)
    const { rows } = await sql<{ id: number; object: string }>(heldSql, [lanes, destination, now])
    const due = rows.filter(({ object }) => all.has(object) && !silent.has(object))
    for (const some of inPages(due, pageRows)) await sql(dueSql, [some.map(({ id }) => id), now])
  }

  return { letGo, carryOn, sumUp }
}

/** What stays withheld of what was put aside: see `withEnds`. */
async function goingOn(sql: Sql, destination: string, now: number): Promise<ReturnType<typeof withEnds>> {
  const { rows: failures } = await sql<WithheldFailure>(withheldFailuresSql('$1', `destination || '' = $2`), [
    now,
    destination
  ])
  const { rows: ends } = failures.length === 0 ? { rows: [] } : await sql<WithheldEnd>(withheldEndsSql)
  return withEnds(ends, failures)
}

async function carry(sql: Sql, carried: readonly Withholding[]): Promise<void> {
  for (const part of inPages(carried, pageRows))
    await sql(carriedSql, [part.map(({ id }) => id), part.map(({ name }) => name), part.map(({ until }) => until)])
}
