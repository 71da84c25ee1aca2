// Object rows: what is selected of an object, and what its row says of it.
import { RelayError } from '../../errors.ts'
import type { ObjectRef } from '../../events/flux.ts'
import type { ObjectMemory } from '../../objects/memory.ts'
import { stateOf } from '../../objects/stored-memory.ts'
import type { ObjectRecord } from '../records.ts'

/** Rows looked at in one statement: their memories are of a kilobyte, and read. */
export const windowRows = 1000

export const columnsSql = 'select key, memory, seen_at, failing_since from objects'

/** An index of objects, gone along a window at a time. */
export interface Order<Place> {
  /** The window's places after the one that `cursor` names. */
  next(cursor: string | undefined): Promise<Place[]>
  cursorOf(place: Place): string
}

/**
 * What a cursor consists of; `since` is 0 in the order of names alone. Throws BAD_REQUEST where it is malformed, or of the other order:
 * there, what comes after it would look like the rest of the list.
 */
export function placeIn(cursor: string, isByName: boolean): { since: number; key: string } {
  const [, since, key] = /^(-?\d{1,15}):(.*)$/s.exec(cursor) ?? []
  if (key === undefined) throw new RelayError('BAD_REQUEST', 'cursor is not one that this relay gave out')
  if ((Number(since) === 0) !== isByName)
    throw new RelayError('BAD_REQUEST', 'cursor is from another list: ask for the next page with the same state')
  return { since: Number(since), key }
}

/** Nobody knows of what is held to see whether it lasts. */
export function asOf(record: Omit<ObjectRecord, 'state'>, memory: ObjectMemory, now: number): ObjectRecord {
  const notified = record.notified.filter(({ heldUntil = 0 }) => heldUntil <= now)
  return { ...record, notified, state: stateOf(memory, now) }
}

/** What a memory says of its object; `rowSeenAt`, in ms, is of its row. */
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
