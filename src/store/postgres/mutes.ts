// Mutes in PostgreSQL: keep silences and what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import type { Mute } from '../../mutes/mutes.ts'
import { type NewSilence, type Silence, silenceName } from '../../mutes/silence.ts'
import { markNotified } from '../../objects/notified.ts'
import type { View } from '../../render/compose/view.ts'
import type { NewAct, NewNotification } from '../kept.ts'
import { type LaneOf, maxHolds } from '../kept-lanes.ts'
import { aboutEnd, type SilenceRow, silenceOf } from '../rows.ts'
import {
  carriedAtATime,
  carriedOn,
  inEffect,
  type WithheldFailure,
  type Withholding,
  withEnds,
  withheldFailuresSql
} from '../steps/muted.ts'
import type { Muting } from '../store.ts'
import {
  gather,
  lateSql,
  type Muted,
  movedEnds,
  mutedSql,
  type Withheld,
  type WithheldNotification,
  withheldOf
} from '../withheld.ts'
import { refuseRepeated, writeAct } from './acts.ts'
import type { Connections, Sql } from './connections.ts'
import { changeMemories } from './memories.ts'
import { insertNotifications } from './queue.ts'
import { storable } from './text.ts'
import { readEvents } from './withhold.ts'

/** Any number that nothing else is locked by. */
const summaries = 8_140_773

// One replica after the other: two that look at the same moment would each sum up a part of what a mute withheld.
const lockSql = `select pg_advisory_xact_lock(${summaries})`

const withheldSql = `
  select n.id, n.event_id, n.lane, n.object, n.says, coalesce(n.held_at, n.created_at) as at, (v.view::json -> 'object')::text as ref, v.view::json ->> 'ending' as ending
  from notifications n join views v on v.id = n.id
  where n.muted_until <= $1 and n.mute = $2 and n.destination = $3
    and ($4::bigint[] is null or n.id = any($4)) order by n.id for update of n`

const idsSql = `
  select id from notifications where muted_until <= $1 and mute = $2 and destination = $3 order by id`

const carrySql = `
  update notifications n set mute = k.mute, muted_until = k.until
  from unnest($1::bigint[], $2::text[], $3::bigint[]) as k(id, mute, until) where n.id = k.id`

/** `added` is called with each summary that was written. */
export function createMuting(connections: Connections, added: (entries: readonly NewNotification[]) => void): Muting {
  return {
    async endMutes(now, laneOf, compose, mutes = []) {
      const lanes: string[] = []
      const others = inEffect(mutes, now)
      const asked: Asked = new Map()
      for (;;) {
        const step = await connections.transaction((sql) => endMute(sql, now, laneOf, compose, others, asked))
        if (step === undefined) return lanes
        // Not before: a transaction may have to run again.
        if (step.asked) asked.set(...step.asked)
        added(step.summaries)
        lanes.push(...step.summaries.map(({ lane }) => lane))
      }
    },

    followMutes: (endsOf, now) =>
      connections.transaction(async (sql) => {
        const { rows } = await sql<Muted>(mutedSql('$1'), [now])
        for (const { mute, until, to } of movedEnds(rows, endsOf, now)) await moveWithheld(sql, mute, until, to)
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

/** Of what each mute withheld from a destination: the ids that are yet to be asked for. */
type Asked = Map<string, number[]>

/** The ids of it. */
async function idsOf(sql: Sql, { mute, destination }: Pick<Withheld, 'mute' | 'destination'>, now: number) {
  const { rows } = await sql<{ id: number }>(idsSql, [now, mute, destination])
  return rows.map(({ id }) => id)
}

/** What became of one mute that is over: the summary, if any, and what is yet to be asked for. */
interface Ended {
  summaries: NewNotification[]
  asked?: [group: string, ids: number[]]
}

async function carry(sql: Sql, carried: readonly Withholding[]): Promise<void> {
  if (carried.length === 0) return
  await sql(carrySql, [carried.map(({ id }) => id), carried.map(({ name }) => name), carried.map(({ until }) => until)])
}

/**
 * Sums up one mute that is over, or first asks for some of what others withhold by then; the summary, if any. Undefined if there is
 * none left.
 */
async function endMute(
  sql: Sql,
  now: number,
  laneOf: LaneOf,
  compose: (withheld: Withheld) => View,
  mutes: readonly Mute[],
  asked: Asked
): Promise<Ended | undefined> {
  await sql(lockSql)
  await sql(lateSql('$1::bigint'), [now])
  const { rows: over } = await sql<{ mute: string; destination: string }>(
    'select mute, destination from notifications where muted_until <= $1 limit 1',
    [now]
  )
  const [ended] = over
  if (ended === undefined) return undefined
  const { mute, destination } = ended
  const group = JSON.stringify([mute, destination])
  const ids = mutes.length === 0 ? [] : (asked.get(group) ?? (await idsOf(sql, ended, now)))
  if (ids.length > 0) {
    const some = [now, mute, destination, ids.slice(0, carriedAtATime)]
    const { rows } = await sql<WithheldNotification>(withheldSql, some)
    await carry(sql, carriedOn(rows, await readEvents(sql, rows), mutes, now))
    return { summaries: [], asked: [group, ids.slice(carriedAtATime)] }
  }
  const { rows } = await sql<WithheldNotification>(withheldSql, [now, mute, destination, null])
  const { rows: failures } = await sql<WithheldFailure>(withheldFailuresSql('$1', '$2'), [now, destination])
  const { carried, left, keys } = withEnds(rows, failures)
  await carry(sql, carried)
  if (left.length === 0) return { summaries: [] }
  const memories = await changeMemories(sql, keys, (memory) => markNotified(memory, destination, now))
  await sql('update notifications set muted_until = null where id = any($1)', [left.map(({ id }) => id)])
  // What is held of these objects would come after the summary, which may say that it is over.
  await sql(
    `update notifications set held_until = $1, holds = ${maxHolds}
     where destination = $2 and object = any($3) and held_until > $1
       and state = 'pending' and message_id is null and (holds > 0 or held_at is null)`,
    [now, destination, [...keys]]
  )
  const lane = laneOf(destination) ?? left.at(-1)?.lane ?? ''
  const view = compose(gather(ended, left.map(withheldOf), memories, now))
  const entry: NewNotification = { rule: 'mute', destination, lane, view }
  await insertNotifications(sql, [{ event: null, at: now, entry }])
  return { summaries: [entry] }
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

async function moveWithheld(sql: Sql, mute: string, from: number, to: number): Promise<void> {
  await sql('update notifications set muted_until = $1 where muted_until = $2 and mute = $3', [to, from, mute])
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
