// Mutes in SQLite: keep silences and what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import { silenceName } from '../../mutes/silence.ts'
import { markNotified } from '../../objects/notified.ts'
import type { ObjectMemory } from '../../objects.ts'
import type { View } from '../../render/compose/view.ts'
import type { NewAct } from '../kept.ts'
import { type LaneOf, maxHolds } from '../kept-lanes.ts'
import { aboutEnd, type SilenceRow, silenceOf } from '../rows.ts'
import type { Muting } from '../store.ts'
import {
  endedLatelySql,
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
import type { Database, Write } from './file.ts'
import { changeMemory } from './memories.ts'
import type { Queue } from './queue.ts'

export function createMuting(db: Database, queue: Queue, write: Write): Muting {
  /** Sums up one mute that is over, inside a transaction: in which lane. Undefined where there is none left. */
  function endMute(now: number, laneOf: LaneOf, compose: (withheld: Withheld) => View): string | undefined {
    if (db.get(endedLatelySql('?1'), now) !== undefined) db.run(lateSql('?1'), now)
    const ended = db.get<{ mute: string; destination: string }>(
      'select mute, destination from notifications where muted_until <= ? limit 1',
      now
    )
    if (ended === undefined) return undefined
    const { mute, destination } = ended
    const rows = db.all<WithheldNotification>(
      `select n.id, n.lane, n.object, n.says, json_extract(v.view, '$.object') as ref,
         json_extract(v.view, '$.ending') as ending
       from notifications n join views v on v.id = n.id
       where n.muted_until <= ? and n.mute = ? and +n.destination = ? order by +n.id`,
      ...[now, mute, destination]
    )
    const memories = new Map<string, ObjectMemory>()
    const keys = new Set(rows.map(({ object }) => object))
    for (const key of keys) {
      const memory = changeMemory(db, key, (known) => markNotified(known, destination, now))
      if (memory !== undefined) memories.set(key, memory)
    }
    for (const { id } of rows) db.run('update notifications set muted_until = null where id = ?', id)
    // What is held of these objects would come after the summary, which may say that it is over.
    db.run(
      `update notifications set held_until = ?1, holds = ${maxHolds}
       where +destination = ?2 and object in (select value from json_each(?3)) and held_until > ?1
         and state = 'pending' and message_id is null and (holds > 0 or held_at is null)`,
      ...[now, destination, JSON.stringify([...keys])]
    )
    const lane = laneOf(destination) ?? rows.at(-1)?.lane ?? ''
    const view = compose(gather(ended, rows.map(withheldOf), memories, now))
    queue.insert(null, { rule: 'mute', destination, lane, view }, now)
    return lane
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
    async endMutes(now, laneOf, compose) {
      const lanes: string[] = []
      for (;;) {
        const lane = await write(() => endMute(now, laneOf, compose))
        if (lane === undefined) return lanes
        lanes.push(lane)
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
