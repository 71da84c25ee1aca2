// Object rows: select what is read of an object, and turn its row into a record.
import { RelayError } from '../../errors.ts'
import type { ObjectRef } from '../../events/flux.ts'
import type { ObjectMemory } from '../../objects/memory.ts'
import { stateOf } from '../../objects/stored-memory.ts'
import type { ObjectRecord } from '../records.ts'

/** Rows that one statement looks at: their memories have about a kilobyte each, and are parsed. */
export const windowRows = 1000

export const columnsSql = 'select key, memory, seen_at, failing_since from objects'

/** An index of objects to walk along, a window at a time. */
export interface Order<Place> {
  /** The places of the window after `cursor`. */
  next(cursor: string | undefined): Promise<Place[]>
  cursorOf(place: Place): string
}

/**
 * The parts of a cursor; `since` is 0 only in the order of names. Throws BAD_REQUEST if the cursor is malformed, or of the other order, in
 * which whatever comes after it would look like the rest of the list.
 */
export function placeIn(cursor: string, isByName: boolean): { since: number; key: string } {
  const [, since, key] = /^(-?\d{1,15}):(.*)$/s.exec(cursor) ?? []
  if (key === undefined) throw new RelayError('BAD_REQUEST', 'cursor is not one that this relay gave out')
  if ((Number(since) === 0) !== isByName)
    throw new RelayError('BAD_REQUEST', 'cursor is from another list: ask for the next page with the same state')
  return { since: Number(since), key }
}

/** The record at `now`, in ms, without destinations whose notification is still held to see whether the failure lasts. */
export function asOf(record: Omit<ObjectRecord, 'state'>, memory: ObjectMemory, now: number): ObjectRecord {
  const notified = record.notified.filter(({ heldUntil = 0 }) => heldUntil <= now)
  return { ...record, notified, state: stateOf(memory, now) }
}

/** The record of an object by its memory; `rowSeenAt`, in ms, is the time in its row, for memories that have none. */
export function recordIn(memory: ObjectMemory, object: ObjectRef, rowSeenAt: number): Omit<ObjectRecord, 'state'> {
  const { failure, since, revision, notified, seenAt = rowSeenAt } = memory
  return {
    object,
    ...(failure && {
      failure: {
        since: failure.since,
        count: failure.count,
        reason: failure.reason,
        revision: failure.revision,
        text: failure.text,
        gist: failure.gist,
        severity: failure.severity,
        ...(failure.acknowledged && { acknowledged: failure.acknowledged })
      }
    }),
    since,
    revision,
    notified,
    seenAt
  }
}
