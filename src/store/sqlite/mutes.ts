// Mutes in SQLite: keep silences and what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import type { Mute } from '../../mutes/mutes.ts'
import { silenceName } from '../../mutes/silence.ts'
import type { NewAct } from '../kept.ts'
import { aboutEnd, type SilenceRow, silenceOf } from '../rows.ts'
import {
  carriedAtATime,
  type EndedGroup,
  endedSql,
  type HeldNotification,
  inEffect,
  longestCarriedMs,
  withholdings
} from '../steps/muted.ts'
import type { Muting } from '../store.ts'
import { endedLatelySql, lateSql, type Muted, movedEnds, mutedSql } from '../withheld.ts'
import { refuseRepeated, writeAct } from './acts.ts'
import type { Database, Write } from './file.ts'
import { carry, endMute } from './mute-ends.ts'
import type { Queue } from './queue.ts'
import { readEvents } from './withhold.ts'

const moveSomeSql = `
  update notifications set muted_until = ?1 where id in (
    select id from notifications where muted_until = ?2 and mute = ?3 limit 2000)`

/** Whoever closes the database waits for `ended` first. */
export function createMuting(db: Database, queue: Queue, write: Write): { muting: Muting; ended(): Promise<void> } {
  /** One after the other: two that read the same would each go by what the other has changed since. */
  let ending = Promise.resolve()

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
        await write(() => carry(db, withholdings(some, readEvents(db, some), mutes, now)))
      }
    }
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

  const endMutes: Muting['endMutes'] = async (now, laneOf, compose, mutes = []) => {
    if (db.get(endedLatelySql('?1'), now) !== undefined) await write(() => db.run(lateSql('?1'), now))
    await carryOn(inEffect(mutes, now), now)
    const lanes: string[] = []
    for (;;) {
      const summed = await endMute(db, { queue, write }, now, laneOf, compose)
      if (summed === undefined) return lanes
      lanes.push(...summed)
    }
  }

  /** In steps, which a start after a crash goes on with. */
  const followMutes: Muting['followMutes'] = async (endsOf, now) => {
    for (const { mute, until, to } of movedEnds(db.all<Muted>(mutedSql('?1'), now), endsOf, now)) {
      const some = () => db.changes(moveSomeSql, to, until, mute)
      while ((await write(some)) > 0);
    }
    return false
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = ending.then(work)
    ending = result.then(
      () => {},
      () => {}
    )
    return result
  }

  const muting: Muting = {
    endMutes: (...given) => inTurn(() => endMutes(...given)),
    followMutes: (...given) => inTurn(() => followMutes(...given)),

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
  return { muting, ended: () => ending }
}
