// Mutes in SQLite: keep silences, and end, move and carry on what mutes withheld.
import { type Actor, authorName } from '../../actor.ts'
import type { Mute } from '../../mutes/mutes.ts'
import { silenceName } from '../../mutes/silence.ts'
import { oneByOne } from '../../turns.ts'
import type { NewAct } from '../kept.ts'
import { aboutEnd, type SilenceRow, silenceOf } from '../rows.ts'
import { inEffect, longestCarriedMs, withholdings } from '../steps/muted.ts'
import type { Muting } from '../store.ts'
import { endedLatelySql, inEffectSql, movedEnds } from '../withheld.ts'
import { refuseRepeated, writeAct } from './acts.ts'
import type { Database, Write } from './file.ts'
import { carry, endMute } from './mute-ends.ts'
import type { Queue } from './queue.ts'
import { moveEnds, mutesAfter, overAt } from './withheld.ts'
import { readEvents } from './withhold.ts'

/** Creates the store's part for mutes. Whoever closes the database waits for `ended` first. */
export function createMuting(db: Database, queue: Queue, write: Write): { muting: Muting; ended(): Promise<void> } {
  /** Runs one task at a time: of two that read the same rows, each would go by what the other has changed since. */
  const inTurn = oneByOne()

  /** Keeps withheld what was withheld by mutes that are over, if others of `mutes` match it or the same mute has begun anew. */
  async function carryOn(mutes: readonly Mute[], now: number): Promise<void> {
    if (mutes.length === 0) return
    /** When each mute first withheld something from each destination, in ms. */
    const since = new Map<string, number>()
    const groupOf = ({ mute, destination }: { mute: string; destination: string }) =>
      JSON.stringify([mute, destination])
    for await (const rows of overAt(db, now)) {
      for (const row of rows) since.set(groupOf(row), Math.min(row.since, since.get(groupOf(row)) ?? now))
    }
    for await (const rows of overAt(db, now)) {
      const some = rows.filter((row) => now - (since.get(groupOf(row)) ?? now) < longestCarriedMs)
      if (some.length > 0) await write(() => carry(db, withholdings(some, readEvents(db, some), mutes, now)))
    }
  }

  /**
   * Ends what a silence withheld after it was ended by hand, by a decision that did not know of that yet: otherwise it would stay
   * withheld until the planned end.
   */
  async function endLate(now: number): Promise<void> {
    const ended = db.all<{ name: string; created_at: number }>(endedLatelySql('?1'), now)
    if (ended.length === 0) return
    const lasting = new Set(namesInEffect(now))
    for (const { mute, until } of mutesAfter(db, now)) {
      for (const { name, created_at: since } of ended) {
        if (name === mute && !lasting.has(mute)) await moveEnds(db, write, { mute, from: until, to: now, since })
      }
    }
  }

  const namesInEffect = (now: number) => db.all<{ name: string }>(inEffectSql('?1'), now).map(({ name }) => name)

  /** Moves the end of a silence at once, which is what counts, then those of its notifications, in steps; if a step fails, a look goes on. */
  async function moveEnd(
    id: string,
    endsAt: number,
    { now, actor, did }: Omit<NewAct, 'actor' | 'about'> & { now: number; actor: Actor | undefined }
  ): Promise<boolean> {
    const moved = await write(() => {
      refuseRepeated(db, actor)
      const row = db.get<SilenceRow>('select * from silences where id = ? and ends_at > ?', Number(id), now)
      if (row === undefined) return undefined
      db.run('update silences set ends_at = ? where id = ?', endsAt, row.id)
      if (actor) writeAct(db, { actor, did, about: aboutEnd(silenceOf(row), endsAt) }, now)
      return { mute: silenceName(silenceOf(row)), from: row.ends_at, to: endsAt }
    })
    if (moved === undefined) return false
    await inTurn(() => moveEnds(db, write, moved)).catch(() => {})
    return true
  }

  const endMutes: Muting['endMutes'] = async (now, laneOf, compose, mutes = []) => {
    await endLate(now)
    await carryOn(inEffect(mutes, now), now)
    const lanes: string[] = []
    for (;;) {
      const summed = await endMute(db, { queue, write }, now, laneOf, compose)
      if (summed === undefined) return lanes
      lanes.push(...summed)
    }
  }

  // It works in steps, and a start after a crash goes on with them.
  const followMutes: Muting['followMutes'] = async (endsOf, now) => {
    const silences = new Set(namesInEffect(now))
    const rows = mutesAfter(db, now).filter(({ mute }) => !silences.has(mute))
    for (const { mute, until, to } of movedEnds(rows, endsOf, now)) await moveEnds(db, write, { mute, from: until, to })
    return false
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
  return { muting, ended: inTurn.over }
}
