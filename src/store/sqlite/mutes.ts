// Mutes in SQLite: keep silences and what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import type { Mute } from '../../mutes/mutes.ts'
import { silenceName } from '../../mutes/silence.ts'
import { markNotified } from '../../objects/notified.ts'
import type { ObjectMemory } from '../../objects.ts'
import type { View } from '../../render/compose/view.ts'
import type { NewAct } from '../kept.ts'
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
import type { Database, Write } from './file.ts'
import { changeMemory } from './memories.ts'
import type { Queue } from './queue.ts'
import { readEvents } from './withhold.ts'

export function createMuting(db: Database, queue: Queue, write: Write): Muting {
  /** Of what each mute withheld from a destination: the ids that are yet to be asked for. */
  type Asked = Map<string, number[]>

  const rowsSql = `
    select n.id, n.event_id, n.lane, n.object, n.says, coalesce(n.held_at, n.created_at) as at,
      json_extract(v.view, '$.object') as ref, json_extract(v.view, '$.ending') as ending
    from notifications n join views v on v.id = n.id where n.muted_until <= ? and n.mute = ? and +n.destination = ?`

  /** The next of what is to be asked for; undefined where all was. */
  function nextOf(
    ended: Pick<Withheld, 'mute' | 'destination'>,
    asked: Asked,
    now: number
  ): WithheldNotification[] | undefined {
    const { mute, destination } = ended
    const group = JSON.stringify([mute, destination])
    const ids =
      asked.get(group) ??
      db
        .all<{ id: number }>(
          'select id from notifications where muted_until <= ? and mute = ? and +destination = ? order by +id',
          ...[now, mute, destination]
        )
        .map(({ id }) => id)
    asked.set(group, ids.slice(carriedAtATime))
    const some = ids.slice(0, carriedAtATime)
    if (some.length === 0) return undefined
    const among = 'n.id in (select value from json_each(?)) order by n.id'
    return db.all(`${rowsSql} and ${among}`, now, mute, destination, JSON.stringify(some))
  }

  function carry(carried: readonly Withholding[]): void {
    for (const { id, name, until } of carried)
      db.run('update notifications set mute = ?, muted_until = ? where id = ?', name, until, id)
  }

  /**
   * Sums up one mute that is over, or first asks for some of what others withhold by then, inside a transaction: in which lanes.
   * Undefined where there is none left.
   */
  function endMute(
    now: number,
    laneOf: LaneOf,
    compose: (withheld: Withheld) => View,
    mutes: readonly Mute[],
    asked: Asked
  ): string[] | undefined {
    db.run(lateSql('?1'), now)
    const ended = db.get<{ mute: string; destination: string }>(
      'select mute, destination from notifications where muted_until <= ? limit 1',
      now
    )
    if (ended === undefined) return undefined
    const { mute, destination } = ended
    const some = mutes.length === 0 ? undefined : nextOf(ended, asked, now)
    if (some !== undefined) {
      carry(carriedOn(some, readEvents(db, some), mutes, now))
      return []
    }
    const rows = db.all<WithheldNotification>(`${rowsSql} order by +n.id`, now, mute, destination)
    const failures = db.all<WithheldFailure>(withheldFailuresSql('?1', '?2'), now, destination)
    const { carried, left, keys } = withEnds(rows, failures)
    carry(carried)
    if (left.length === 0) return []
    const memories = new Map<string, ObjectMemory>()
    for (const key of keys) {
      const memory = changeMemory(db, key, (known) => markNotified(known, destination, now))
      if (memory !== undefined) memories.set(key, memory)
    }
    for (const { id } of left) db.run('update notifications set muted_until = null where id = ?', id)
    // What is held of these objects would come after the summary, which may say that it is over.
    db.run(
      `update notifications set held_until = ?1, holds = ${maxHolds}
       where +destination = ?2 and object in (select value from json_each(?3)) and held_until > ?1
         and state = 'pending' and message_id is null and (holds > 0 or held_at is null)`,
      ...[now, destination, JSON.stringify([...keys])]
    )
    const lane = laneOf(destination) ?? left.at(-1)?.lane ?? ''
    const view = compose(gather(ended, left.map(withheldOf), memories, now))
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
      const lanes: string[] = []
      const others = inEffect(mutes, now)
      const asked: Asked = new Map()
      for (;;) {
        const summed = await write(() => endMute(now, laneOf, compose, others, asked))
        if (summed === undefined) return lanes
        lanes.push(...summed)
      }
    },

    followMutes: (endsOf, now) =>
      write(() => {
        const rows = db.all<Muted>(mutedSql('?1'), now)
        for (const { mute, until, to } of movedEnds(rows, endsOf, now)) moveWithheld(mute, until, to)
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
