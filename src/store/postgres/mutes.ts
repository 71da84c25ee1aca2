// Mutes in PostgreSQL: keep silences and what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import { type NewSilence, type Silence, silenceName } from '../../mutes/silence.ts'
import { markNotified } from '../../objects/notified.ts'
import type { View } from '../../render/compose/view.ts'
import { type NewAct, type NewNotification, rolloutMs } from '../kept.ts'
import { type LaneOf, maxHolds } from '../kept-lanes.ts'
import { aboutEnd, type SilenceRow, silenceOf } from '../rows.ts'
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
import { pageRows, untilNone, viewRows } from './pages.ts'
import { insertNotifications } from './queue.ts'
import { storable } from './text.ts'

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
    async endMutes(now, laneOf, compose) {
      const lanes: string[] = []
      for (;;) {
        const summary = await connections.transaction((sql) => endMute(sql, now, laneOf, compose))
        if (summary === undefined) return lanes
        added([summary])
        lanes.push(summary.lane)
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

/** Sums up one mute that is over; the summary. Undefined if there is none left. */
async function endMute(
  sql: Sql,
  now: number,
  laneOf: LaneOf,
  compose: (withheld: Withheld) => View
): Promise<NewNotification | undefined> {
  await sql(lockSql)
  if ((await sql(endedLatelySql('$1::bigint'), [now])).rowCount !== 0) await sql(lateSql('$1::bigint'), [now])
  const { rows: over } = await sql<{ mute: string; destination: string }>(
    'select mute, destination from notifications where muted_until <= $1 limit 1',
    [now]
  )
  const [ended] = over
  if (ended === undefined) return undefined
  const { mute, destination } = ended
  const found = new Found()
  for (;;) {
    const { rows } = await sql<WithheldNotification>(withheldSql, [now, mute, destination, viewRows])
    if (rows.length === 0) break
    found.add(rows)
    await sql('update notifications set muted_until = null where id = any($1)', [rows.map(({ id }) => id)])
  }
  const objects: WithheldObject[] = []
  for (const rows of found.inPages(pageRows)) {
    const keys = rows.map(({ key }) => key)
    const memories = await changeMemories(sql, keys, (memory) => markNotified(memory, destination, now))
    await sql(lastSql, [now, destination, keys])
    objects.push(...rows.map((row) => standing(row, destination, memories.get(row.key), now)))
  }
  const lane = laneOf(destination) ?? found.lane
  const view = compose({ mute, destination, notifications: found.count, objects })
  const entry: NewNotification = { rule: 'mute', destination, lane, view }
  await insertNotifications(sql, [{ event: null, at: now, entry }])
  return entry
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
