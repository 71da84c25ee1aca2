// Mutes in SQLite: keep silences and what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import type { Mute } from '../../mutes/mutes.ts'
import { silenceName } from '../../mutes/silence.ts'
import { markNotified } from '../../objects/notified.ts'
import type { View } from '../../render/compose/view.ts'
import type { NewAct } from '../kept.ts'
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
  type WithheldNotification
} from '../withheld.ts'
import { refuseRepeated, writeAct } from './acts.ts'
import type { Database, Write } from './file.ts'
import { changeMemory } from './memories.ts'
import type { Queue } from './queue.ts'
import { readEvents } from './withhold.ts'

export function createMuting(db: Database, queue: Queue, write: Write): Muting {
  /** Has what was withheld by mutes that are over go on to be withheld where others of `mutes` withhold it, or the same begins anew. */
  async function carryOn(mutes: readonly Mute[], now: number): Promise<void> {
    const groups = mutes.length === 0 ? [] : db.all<EndedGroup>(endedSql('?1'), now)
    for (const { mute, destination, since } of groups) {
      if (now - since >= longestCarriedMs) continue
      const all = db.all<HeldNotification>(
        'select id, event_id from notifications where muted_until <= ? and mute = ? and +destination = ? order by +id',
        ...[now, mute, destination]
      )
      for (let at = 0; at < all.length; at += carriedAtATime) {
        const some = all.slice(at, at + carriedAtATime)
        await write(() => carry(withholdings(some, readEvents(db, some), mutes, now)))
      }
    }
  }

  function carry(carried: readonly Withholding[]): void {
    for (const { id, name, until } of carried)
      db.run('update notifications set mute = ?, muted_until = ? where id = ?', name, until, id)
  }

  /** Sums up one mute that is over, inside a transaction: in which lanes. Undefined where there is none left. */
  function endMute(now: number, laneOf: LaneOf, compose: (withheld: Withheld) => View): string[] | undefined {
    const over = db.get<{ mute: string; destination: string }>(
      'select mute, destination from notifications where muted_until <= ? limit 1',
      now
    )
    if (over === undefined) return undefined
    const { mute, destination } = over
    const rows = db.all<WithheldNotification>(
      `select n.id, n.lane, n.object, n.says, json_extract(v.view, '$.object') as ref,
         json_extract(v.view, '$.ending') as ending
       from notifications n join views v on v.id = n.id
       where n.muted_until <= ? and n.mute = ? and +n.destination = ?`,
      ...[now, mute, destination]
    )
    const failures = db.all<WithheldFailure>(
      withheldFailuresSql('?1', '?2', '+destination = ?3'),
      now,
      mute,
      destination
    )
    const { carried, silent } = withEnds(rows, failures)
    carry(carried)
    const goesOn = new Set(carried.map(({ id }) => id))
    const left = rows.filter(({ id }) => !goesOn.has(id))
    if (left.length === 0) return []
    const found = new Found()
    found.add(left)
    const ended = found.rows()
    const keys = ended.map(({ key }) => key).filter((key) => !silent.has(key))
    const memories = new Map(
      keys.map((key) => [key, changeMemory(db, key, (known) => markNotified(known, destination, now))])
    )
    for (const { id } of left) db.run('update notifications set muted_until = null where id = ?', id)
    // What is held of these objects would come after the summary, which may say that it is over.
    db.run(
      `update notifications set held_until = ?1, holds = ${maxHolds}
       where +destination = ?2 and object in (select value from json_each(?3)) and held_until > ?1
         and state = 'pending' and message_id is null and (holds > 0 or held_at is null)`,
      ...[now, destination, JSON.stringify(keys)]
    )
    const lane = laneOf(destination) ?? found.lane
    const objects = ended.map((row) => standing(row, destination, memories.get(row.key), now))
    const view = compose({ mute, destination, notifications: found.count, objects })
    queue.insert(null, { rule: 'mute', destination, lane, view }, now)
    return [lane]
  }

  function moveWithheld(mute: string, from: number, to: number): void {
    db.run('update notifications set muted_until = ? where muted_until = ? and mute = ?', to, from, mute)
  }

  function moveEnd(
    id: string,
    endsAt: number,
    { now, actor, did }: Omit<NewAct, 'actor' | 'about'> & { now: number; actor: Actor | undefined }
  ): Promise<boolean> {
    return write(() => {
      refuseRepeated(db, actor)
      const row = db.get<SilenceRow>('select * from silences where id = ? and ends_at > ?', Number(id), now)
      if (row === undefined) return false
      db.run('update silences set ends_at = ? where id = ?', endsAt, row.id)
      moveWithheld(silenceName(silenceOf(row)), row.ends_at, endsAt)
      if (actor) writeAct(db, { actor, did, about: aboutEnd(silenceOf(row), endsAt) }, now)
      return true
    })
  }

  return {
    async endMutes(now, laneOf, compose, mutes = []) {
      if (db.get(endedLatelySql('?1'), now) !== undefined) await write(() => db.run(lateSql('?1'), now))
      await carryOn(inEffect(mutes, now), now)
      const lanes: string[] = []
      for (;;) {
        const summed = await write(() => endMute(now, laneOf, compose))
        if (summed === undefined) return lanes
        lanes.push(...summed)
      }
    },

    followMutes: (endsOf, now) =>
      write(() => {
        const rows = db.all<Muted>(mutedSql('?1'), now)
        for (const { mute, until, to } of movedEnds(rows, endsOf, now)) moveWithheld(mute, until, to)
        return false
      }),

    silences: async (now) =>
      db.all<SilenceRow>('select * from silences where ends_at > ? order by id', now).map(silenceOf),

    endedSilences: async (now, limit) =>
      db
        .all<SilenceRow>('select * from silences where ends_at <= ? order by ends_at desc, id desc limit ?', now, limit)
        .map(silenceOf),

    addSilence: ({ match, comment, startsAt, endsAt, untilRecovered }, now, actor) =>
      write(() => {
        refuseRepeated(db, actor)
        const author = authorName(actor)
        const id = String(
          db.run(
            `insert into silences (match, comment, created_at, starts_at, ends_at, author, until_recovered)
             values (?, ?, ?, ?, ?, ?, ?)`,
            ...[JSON.stringify(match), comment, now, startsAt ?? null, endsAt, author, untilRecovered ? 1 : 0]
          )
        )
        if (actor) writeAct(db, { actor, did: 'silence', about: { silence: id, match, comment, endsAt } }, now)
        return {
          ...{ id, match, comment, createdAt: now, endsAt, author },
          ...(startsAt !== undefined && { startsAt }),
          ...(untilRecovered && { untilRecovered })
        }
      }),

    endSilence: (id, now, actor) => moveEnd(id, now, { now, actor, did: 'end' }),
    extendSilence: (id, endsAt, now, actor) => moveEnd(id, endsAt, { now, actor, did: 'extend' })
  }
}
