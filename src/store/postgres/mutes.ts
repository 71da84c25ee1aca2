// Mutes in PostgreSQL: keep silences, and end and move what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import type { Mute } from '../../mutes/mutes.ts'
import { type NewSilence, type Silence, silenceName } from '../../mutes/silence.ts'
import type { View } from '../../render/compose/view.ts'
import { oneByOne } from '../../turns.ts'
import { type NewAct, type NewNotification, rolloutMs } from '../kept.ts'
import type { LaneOf } from '../kept-lanes.ts'
import { aboutEnd, type SilenceRow, silenceOf } from '../rows.ts'
import { inEffect } from '../steps/muted.ts'
import type { Muting } from '../store.ts'
import { endedLatelySql, inEffectSql, type Muted, movedEnds, mutedSql, type Withheld } from '../withheld.ts'
import { refuseRepeated, writeAct } from './acts.ts'
import type { Connections, Sql } from './connections.ts'
import { type Ending, summariesOf } from './mute-ends.ts'
import { storable } from './text.ts'

/** Rows whose end one transaction moves. */
const movedRows = 2000

/** Creates the store's part for mutes. `presence` is of the replica that writes the summaries, `added` is called with each of them. */
export function createMuting(
  connections: Connections,
  presence: Ending['presence'],
  added: (entries: readonly NewNotification[]) => void
): Muting {
  const inTurn = oneByOne()

  /** Moves the ends of rows in steps, so that a transaction that locks some of them waits for one step at most. */
  async function moveEnds(sql: string, values: readonly unknown[]): Promise<void> {
    while ((await connections.transaction((run) => run(sql, [...values, movedRows]))).rowCount !== 0);
  }

  /**
   * Moves the end of a silence at once, which is what counts, and then the ends of its notifications, in steps. If a crash
   * or an outage of the database interrupts the steps, a later look goes on, or ends the rest when it compares it with the present mutes.
   */
  async function moveEnd(
    id: string,
    endsAt: number,
    { now, actor, did }: Omit<NewAct, 'actor' | 'about'> & { now: number; actor: Actor | undefined }
  ): Promise<boolean> {
    const row = await connections.transaction(async (sql) => {
      await refuseRepeated(sql, actor)
      const { rows } = await sql<SilenceRow>('select * from silences where id = $1 and ends_at > $2 for update', [
        Number(id),
        now
      ])
      const [known] = rows
      if (known === undefined) return undefined
      await sql('update silences set ends_at = $2 where id = $1', [known.id, endsAt])
      if (actor) await writeAct(sql, { actor, did, about: aboutEnd(silenceOf(known), endsAt) }, now)
      return known
    })
    if (row === undefined) return false
    if (endsAt !== row.ends_at)
      await moveEnds(moveSql, [endsAt, row.ends_at, silenceName(silenceOf(row))]).catch(() => {})
    return true
  }

  async function endMutes(
    now: number,
    laneOf: LaneOf,
    compose: (withheld: Withheld) => View,
    mutes: readonly Mute[]
  ): Promise<string[]> {
    const lately = await connections.query(endedLatelySql('$1::bigint'), [now])
    if (lately.rowCount !== 0) await moveEnds(lateSql, [now])
    const lanes: string[] = []
    for await (const summary of summariesOf(connections, {
      presence,
      now,
      laneOf,
      compose,
      mutes: inEffect(mutes, now)
    })) {
      added([summary])
      lanes.push(summary.lane)
    }
    return lanes
  }

  return {
    endMutes: (now, laneOf, compose, mutes = []) => inTurn(() => endMutes(now, laneOf, compose, mutes)),

    async followMutes(endsOf, now) {
      const { rows } = await connections.query<Muted>(mutedSql('$1'), [now])
      // A replica with another file may well have the mute.
      const isLeft = ({ mute, last }: Muted) => last >= now - rolloutMs && endsOf(mute).length === 0
      const [left, own] = [rows.filter(isLeft), rows.filter((row) => !isLeft(row))]
      for (const { mute, until, to } of movedEnds(own, endsOf, now)) await moveEnds(moveSql, [to, until, mute])
      return left.length > 0
    },

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

    endSilence: (id, now, actor) => moveEnd(id, now, { now, actor, did: 'end' }),
    extendSilence: (id, endsAt, now, actor) => moveEnd(id, endsAt, { now, actor, did: 'extend' })
  }
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

/**
 * Ends the withholding of notifications that a silence withheld after it was ended by hand, through a replica that did not know yet, and
 * of those that the steps of its end never reached: they would stay withheld until the planned end. A held notification was withheld at
 * `held_at`, later than it was created. The ids are picked first, by themselves: in a join, each row would be compared with all others.
 * Rows that were put aside or summed up meanwhile stay so.
 */
export const lateSql = `
  update notifications set muted_until = $1 where muted_until > $1::bigint and id = any(array(
    select n.id from notifications n, (${endedLatelySql('$1::bigint')}) as ended
    where n.muted_until > $1::bigint and n.mute = ended.name and ended.created_at <= coalesce(n.held_at, n.created_at)
      and n.mute not in (${inEffectSql('$1::bigint')}) limit $2))`
