// Mutes in SQLite: keep silences and what mutes withheld, inside a transaction of the store's.
import type { ObjectRef } from '../../events/flux.ts'
import { type NewSilence, type Silence, silenceName } from '../../mutes/silence.ts'
import { markNotified, memoryText, type ObjectMemory, readMemory, type Transition } from '../../objects.ts'
import type { View } from '../../render/compose/view.ts'
import type { LaneOf, NewNotification } from '../kept.ts'
import { endingFrom, gather, type Withheld } from '../withheld.ts'
import type { Database, Row } from './file.ts'

/** What is to be said of one mute that is over; undefined where there is none left. */
export function endMute(
  db: Database,
  now: number,
  laneOf: LaneOf,
  compose: (withheld: Withheld) => View
): NewNotification | undefined {
  const over = db.get('select mute, destination from notifications where muted_until <= ? limit 1', now)
  if (over === undefined) return undefined
  const [mute, destination] = [String(over.mute), String(over.destination)]
  const rows = db.all(
    `select n.id, n.lane, n.object, n.says, json_extract(v.view, '$.object') as ref,
       json_extract(v.view, '$.ending') as ending
     from notifications n join views v on v.id = n.id
     where n.muted_until <= ? and n.mute = ? and n.destination = ? order by n.id`,
    ...[now, mute, destination]
  )
  const memories = new Map<string, ObjectMemory>()
  for (const key of new Set(rows.map(({ object }) => String(object)))) {
    const known = db.get('select memory from objects where key = ?', key)
    if (known === undefined) continue
    const memory = markNotified(readMemory(String(known.memory)), destination, now)
    memories.set(key, memory)
    db.run('update objects set memory = ? where key = ?', memoryText(memory), key)
  }
  for (const { id } of rows) db.run('update notifications set muted_until = null where id = ?', Number(id))
  const withheld = gather(
    { mute, destination },
    rows.map((row) => ({
      key: String(row.object),
      object: JSON.parse(String(row.ref)) as ObjectRef,
      says: String(row.says) as Transition,
      ...endingFrom(row.ending)
    })),
    memories
  )
  return { rule: 'mute', destination, lane: laneOf(destination) ?? String(rows.at(-1)?.lane), view: compose(withheld) }
}

export function silences(db: Database, now: number): Silence[] {
  return db.all('select * from silences where ends_at > ? order by id', now).map(silenceOf)
}

export function addSilence(db: Database, { match, comment, endsAt }: NewSilence, now: number): Silence {
  const id = db.run('insert into silences values (null, ?, ?, ?, ?)', ...[JSON.stringify(match), comment, now, endsAt])
  return { id: String(id), match, comment, createdAt: now, endsAt }
}

export function endSilence(db: Database, id: string, now: number): boolean {
  const row = db.get('select * from silences where id = ? and ends_at > ?', Number(id), now)
  if (row === undefined) return false
  const silence = silenceOf(row)
  db.run('update silences set ends_at = ? where id = ?', now, Number(id))
  db.run(
    'update notifications set muted_until = ? where muted_until = ? and mute = ?',
    ...[now, silence.endsAt, silenceName(silence)]
  )
  return true
}

function silenceOf(row: Row): Silence {
  return {
    id: String(row.id),
    match: JSON.parse(String(row.match)) as Silence['match'],
    comment: String(row.comment),
    createdAt: Number(row.created_at),
    endsAt: Number(row.ends_at)
  }
}
