// Failing objects: finds them in the order of their failures, by an index that contains nothing else. Most are the same as at the last
// look, and only those that changed are read again.
import type { ObjectRef } from '../../events/flux.ts'
import type { ObjectMemory } from '../../objects/memory.ts'
import { objectOf } from '../../objects/name.ts'
import { readMemory, stateOf } from '../../objects/stored-memory.ts'
import { maxFailures, type ObjectRecord, type Page } from '../records.ts'
import { asOf, columnsSql, type Order, placeIn, recordIn, windowRows } from './object-rows.ts'
import { type Ask, Conditions, type Row } from './walk.ts'

/** Rows that one statement reads by their keys. */
const keysAtATime = 200

/** Calls `changed` with the key of each object whose memory is written, before anybody can read what was written. */
export type WatchMemories = (changed: (key: string) => void) => void

/** What is known of a failing object from an earlier look; without `record` if it has changed since. */
interface Known {
  /** The same reference as long as the object fails, so that callers can keep something about it. */
  object: ObjectRef
  record?: Omit<ObjectRecord, 'state'>
  memory?: ObjectMemory
  /** The text that it was read from, if that has to be compared. */
  text?: string
  /** The record that was last returned. */
  stood?: ObjectRecord
  /** The number of the look that saw it last. */
  look: number
}

export interface FailingPlace {
  key: string
  since: number
  /** Undefined if the object is not asked for, or no longer fails. */
  known: Known | undefined
}

/** Finds failing objects, the newest failure first. `watch` is of a store that only this process writes to; others are read in full. */
export function createFailing(ask: Ask, watch: WatchMemories | undefined) {
  const known = new Map<string, Known>()
  watch?.((key) => {
    if (known.size === 0) return
    const last = known.get(key)
    if (last !== undefined) known.set(key, { object: last.object, look: last.look })
  })

  /** Reads those of `places` whose objects have changed. */
  async function readChanged(places: readonly FailingPlace[]): Promise<void> {
    const changed = new Map<string, FailingPlace>()
    for (const place of places) {
      if (place.known === undefined || place.known.record !== undefined) continue
      // Each reader reads into a copy of its own, which a write from here on replaces in `known`, so that no older result stays there.
      place.known = { ...place.known }
      known.set(place.key, place.known)
      changed.set(place.key, place)
    }
    const keys = [...changed.keys()]
    for (let at = 0; at < keys.length; at += keysAtATime) {
      const some = keys.slice(at, at + keysAtATime)
      // The number of values is always the same, so that the statement is, too.
      const values = Array.from({ length: keysAtATime }, (_, index) => some[index] ?? null)
      const marks = values.map((_, index) => `$${index + 1}`).join(', ')
      for (const row of await ask(`${columnsSql} where key in (${marks})`, values)) {
        const place = changed.get(String(row['key']))
        if (place?.known && row['failing_since'] !== null) read(place.known, row)
      }
    }
    for (const place of changed.values()) {
      if (place.known?.record !== undefined) continue
      if (known.get(place.key) === place.known) known.delete(place.key)
      place.known = undefined
    }
  }

  /** Does the same with rows that were read in full, by comparing their texts. */
  function readCompared(places: readonly FailingPlace[], rows: readonly Row[]): void {
    for (const [index, place] of places.entries()) {
      const row = rows[index] as Row
      if (place.known === undefined) continue
      if (row['memory'] === null) place.known = undefined
      else if (place.known.text !== row['memory']) {
        place.known = { object: place.known.object, look: place.known.look, text: String(row['memory']) }
        read(place.known, row)
        known.set(place.key, place.known)
      }
    }
  }

  function order({ order: wanted }: Page, isAsked: (object: ObjectRef) => boolean): Order<FailingPlace> {
    const window = byFailure(ask, wanted, watch === undefined ? columnsSql : placesSql)
    return {
      async next(cursor) {
        // Only a look at all failing objects forgets those that no longer fail; without one, they would pile up.
        if (known.size > 2 * maxFailures) known.clear()
        const rows = await window(cursor)
        const places = rows.map((row): FailingPlace => {
          const key = String(row['key'])
          const last = known.get(key) ?? { object: objectOf(key), look: 0 }
          return { key, since: Number(row['failing_since']), known: isAsked(last.object) ? last : undefined }
        })
        if (watch === undefined) readCompared(places, rows)
        else await readChanged(places)
        return places
      },
      cursorOf: ({ since, key }) => `${since}:${key}`
    }
  }

  return {
    order,
    /** Forgets objects that were not seen in this look or a later one. */
    forgetBefore(look: number) {
      for (const [key, one] of known) if (one.look < look) known.delete(key)
    }
  }
}

const placesSql = 'select key, failing_since from objects'

/** Returns the function that reads a window of rows, the newest failure first. */
function byFailure(ask: Ask, order: Page['order'], sql: string): (cursor: string | undefined) => Promise<Row[]> {
  const [direction, sign] = order === 'asc' ? ['asc', '>'] : ['desc', '<']
  return (cursor) => {
    const conditions = new Conditions()
    const place = cursor === undefined ? undefined : placeIn(cursor, false)
    const after =
      place && `and (failing_since, key) ${sign} (${conditions.put(place.since)}, ${conditions.put(place.key)})`
    return ask(
      `${sql} where failing_since is not null ${after ?? ''}
       order by failing_since ${direction}, key ${direction} limit ${windowRows}`,
      conditions.values
    )
  }
}

function read(known: Known, row: Row): void {
  known.memory = readMemory(String(row['memory']))
  known.record = recordIn(known.memory, known.object, Number(row['seen_at']))
}

/** The record of a failing object at `now`, in ms: the same reference as long as it would say the same. */
export function standing(known: Known, now: number): ObjectRecord | undefined {
  const { record, memory, stood } = known
  if (record === undefined || memory === undefined) return undefined
  const isSame = stood?.state === stateOf(memory, now) && !record.notified.some(({ heldUntil }) => heldUntil)
  known.stood = isSame ? stood : asOf(record, memory, now)
  return known.stood
}
