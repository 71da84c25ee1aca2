// Mutes in PostgreSQL: keep silences and what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import type { Mute } from '../../mutes/mutes.ts'
import { type NewSilence, type Silence, silenceName } from '../../mutes/silence.ts'
import { markNotified } from '../../objects/notified.ts'
import type { View } from '../../render/compose/view.ts'
import { type NewAct, type NewNotification, rolloutMs } from '../kept.ts'
import { type LaneOf, maxHolds } from '../kept-lanes.ts'
import { aboutEnd, type SilenceRow, silenceOf } from '../rows.ts'
import {
  carriedAtATime,
  type EndedGroup,
  endedSql,
  type HeldNotification,
  inEffect,
  longestCarriedMs,
  type WithheldFailure,
  type Withholding,
  withEnds,
  withheldFailuresSql,
  withholdings
} from '../steps/muted.ts'
import type { Muting } from '../store.ts'
import {
  endedLatelySql,
  Found,
  lateSql,
  type Muted,
  movedEnds,
  mutedSql,
  standing,
  type Withheld,
  type WithheldNotification,
  type WithheldObject
} from '../withheld.ts'
import { refuseRepeated, writeAct } from './acts.ts'
import type { Connections, Sql } from './connections.ts'
import { changeMemories } from './memories.ts'
import { inPages, pageRows, untilNone, viewRows } from './pages.ts'
import { insertNotifications } from './queue.ts'
import { storable } from './text.ts'
import { readEvents } from './withhold.ts'

/** Any number that nothing else is locked by. */
const summaries = 8_140_773

// One replica after the other: two that look at the same moment would each sum up a part of what a mute withheld.
const lockSql = `select pg_advisory_xact_lock(${summaries})`

const withheldSql = `
  select n.id, n.lane, n.object, n.says, (v.view::json -> 'object')::text as ref, v.view::json ->> 'ending' as ending
  from notifications n join views v on v.id = n.id
  where n.muted_until <= $1 and n.mute = $2 and n.destination = $3 limit $4 for update of n`

// What is held of these objects would come after the summary, which may say that it is over.
const lastSql = `
  update notifications set held_until = $1, holds = ${maxHolds}
  where destination = $2 and object = any($3) and held_until > $1
    and state = 'pending' and message_id is null and (holds > 0 or held_at is null)`

/** `added` is called with each summary that was written. */
export function createMuting(connections: Connections, added: (entries: readonly NewNotification[]) => void): Muting {
  return {
    async endMutes(now, laneOf, compose, mutes = []) {
      const lately = await connections.query(endedLatelySql('$1::bigint'), [now])
      if (lately.rowCount !== 0)
        await connections.transaction(async (sql) => {
          await sql(lockSql)
          await sql(lateSql('$1::bigint'), [now])
        })
      await carryOn(connections, inEffect(mutes, now), now)
      const lanes: string[] = []
      for (;;) {
        const summaries = await connections.transaction((sql) => endMute(sql, now, laneOf, compose))
        if (summaries === undefined) return lanes
        added(summaries)
        lanes.push(...summaries.map(({ lane }) => lane))
      }
    },

    followMutes: (endsOf, now) =>
      connections.transaction(async (sql) => {
        const { rows } = await sql<Muted>(mutedSql('$1'), [now])
        // A replica with another file may well know it.
        const isLeft = ({ mute, last }: Muted) => last >= now - rolloutMs && endsOf(mute).length === 0
        const [left, own] = [rows.filter(isLeft), rows.filter((row) => !isLeft(row))]
        for (const { mute, until, to } of movedEnds(own, endsOf, now)) await moveWithheld(sql, mute, until, to)
        return left.length > 0
      }),

    async silences(now) {
      const { rows } = await connections.query<SilenceRow>('select * from silences where ends_at > $1 order by id', [
        now
      ])
      return rows.map(silenceOf)
    },

    addSilence: (silence, now, actor) => connections.transaction((sql) => addSilence(sql, silence, now, actor)),
    async endedSilences(now, limit) {
      const { rows } = await connections.query<SilenceRow>(
        'select * from silences where ends_at <= $1 order by ends_at desc, id desc limit $2',
        [now, limit]
      )
      return rows.map(silenceOf)
    },

    endSilence: (id, now, actor) => connections.transaction((sql) => moveEnd(sql, id, now, { now, actor, did: 'end' })),
    extendSilence: (id, endsAt, now, actor) =>
      connections.transaction((sql) => moveEnd(sql, id, endsAt, { now, actor, did: 'extend' }))
  }
}

/** Sums up one mute that is over; the summary, if any. Undefined if there is none left. */
async function endMute(
  sql: Sql,
  now: number,
  laneOf: LaneOf,
  compose: (withheld: Withheld) => View
): Promise<NewNotification[] | undefined> {
  await sql(lockSql)
  const { rows: over } = await sql<{ mute: string; destination: string }>(
    'select mute, destination from notifications where muted_until <= $1 limit 1',
    [now]
  )
  const [ended] = over
  if (ended === undefined) return undefined
  const { mute, destination } = ended
  const values = [now, mute, destination]
  const { rows: failures } = await sql<WithheldFailure>(
    withheldFailuresSql('$1', '$2', `destination || '' = $3`),
    values
  )
  const { rows: ends } = failures.length === 0 ? { rows: [] } : await sql<EndRow>(endsSql, values)
  const { carried, silent } = withEnds(ends, failures)
  await carry(sql, carried)
  const found = new Found()
  for (;;) {
    const { rows } = await sql<WithheldNotification>(withheldSql, [now, mute, destination, viewRows])
    if (rows.length === 0) break
    found.add(rows)
    await sql('update notifications set muted_until = null where id = any($1)', [rows.map(({ id }) => id)])
  }
  if (found.count === 0) return []
  const objects: WithheldObject[] = []
  for (const rows of inPages(found.rows(), pageRows)) {
    const keys = rows.map(({ key }) => key).filter((key) => !silent.has(key))
    const memories = await changeMemories(sql, keys, (memory) => markNotified(memory, destination, now))
    await sql(lastSql, [now, destination, keys])
    objects.push(...rows.map((row) => standing(row, destination, memories.get(row.key), now)))
  }
  const lane = laneOf(destination) ?? found.lane
  const view = compose({ mute, destination, notifications: found.count, objects })
  const entry: NewNotification = { rule: 'mute', destination, lane, view }
  await insertNotifications(sql, [{ event: null, at: now, entry }])
  return [entry]
}

type EndRow = Pick<WithheldNotification, 'id' | 'object' | 'says'>

const endsSql = `
  select id, object, says from notifications
  where muted_until <= $1 and mute = $2 and destination = $3 and says = 'recovered'`

const groupSql = `
  select id, event_id from notifications where muted_until <= $1 and mute = $2 and destination = $3 order by id`

const carrySql = `
  update notifications n set mute = k.mute, muted_until = k.until
  from unnest($1::bigint[], $2::text[], $3::bigint[]) as k(id, mute, until) where n.id = k.id`

/** Has what was withheld by mutes that are over go on to be withheld where others of `mutes` withhold it, or the same begins anew. */
async function carryOn(connections: Connections, mutes: readonly Mute[], now: number): Promise<void> {
  const { rows: groups } =
    mutes.length === 0 ? { rows: [] } : await connections.query<EndedGroup>(endedSql('$1'), [now])
  for (const { mute, destination, since } of groups) {
    if (now - since >= longestCarriedMs) continue
    const { rows } = await connections.query<HeldNotification>(groupSql, [now, mute, destination])
    for (const some of inPages(rows, carriedAtATime)) {
      await connections.transaction(async (sql) => {
        await sql(lockSql)
        await carry(sql, withholdings(some, await readEvents(sql, some), mutes, now))
      })
    }
  }
}

async function carry(sql: Sql, carried: readonly Withholding[]): Promise<void> {
  for (const part of inPages(carried, pageRows))
    await sql(carrySql, [part.map(({ id }) => id), part.map(({ name }) => name), part.map(({ until }) => until)])
}

async function addSilence(
  sql: Sql,
  { match, comment, startsAt, endsAt, untilRecovered }: NewSilence,
  now: number,
  actor: Actor | undefined
): Promise<Silence> {
  await refuseRepeated(sql, actor)
  const { rows } = await sql<SilenceRow>(
    `insert into silences (match, comment, created_at, starts_at, ends_at, author, until_recovered)
     values ($1, $2, $3, $4, $5, $6, $7) returning *`,
    [
      ...[JSON.stringify(match), storable(comment), now, startsAt ?? null, endsAt, storable(authorName(actor))],
      untilRecovered ? 1 : 0
    ]
  )
  const [row] = rows
  if (row === undefined) throw new Error('a row that was inserted did not come back')
  const silence = silenceOf(row)
  const about = { silence: silence.id, match, comment, endsAt }
  if (actor) await writeAct(sql, { actor, did: 'silence', about }, now)
  return silence
}

const moveSql = `
  update notifications set muted_until = $1 where muted_until = $2 and id = any(array(
    select id from notifications where muted_until = $2 and mute = $3 limit $4))`

async function moveWithheld(sql: Sql, mute: string, from: number, to: number): Promise<void> {
  if (to !== from) await untilNone(sql, moveSql, [to, from, mute])
}

async function moveEnd(
  sql: Sql,
  id: string,
  endsAt: number,
  { now, actor, did }: Omit<NewAct, 'actor' | 'about'> & { now: number; actor: Actor | undefined }
): Promise<boolean> {
  await refuseRepeated(sql, actor)
  const { rows } = await sql<SilenceRow>('select * from silences where id = $1 and ends_at > $2 for update', [
    Number(id),
    now
  ])
  const [row] = rows
  if (row === undefined) return false
  await sql('update silences set ends_at = $2 where id = $1', [row.id, endsAt])
  await moveWithheld(sql, silenceName(silenceOf(row)), row.ends_at, endsAt)
  if (actor) await writeAct(sql, { actor, did, about: aboutEnd(silenceOf(row), endsAt) }, now)
  return true
}
