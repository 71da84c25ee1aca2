// Stored memory: writes the memory of an object as text, reads it, whichever version wrote it, and tells the object's present
// state. Pure.
import type { Failure, Notified, ObjectMemory } from './memory.ts'

/** Writes a memory as it is kept: how a failure began is left out if its latest event says the same. */
export function memoryText(memory: ObjectMemory): string {
  return JSON.stringify(shortened(memory))
}

function shortened(memory: ObjectMemory): StoredMemory {
  const { failure, others } = memory
  const began = failure && (failure.began.text !== failure.text || failure.began.reason !== failure.reason)
  if ((failure === undefined || began) && others === undefined) return memory
  return {
    ...memory,
    failure: failure && { ...failure, began: began ? failure.began : undefined },
    others: others?.map(shortened)
  }
}

/** Appears in the text of a memory if and only if a failure in it is acknowledged: in the texts of events, quotes are escaped. */
export const acknowledgedText = '"acknowledged":{'

/** Reads a memory from {@link memoryText}, or of an earlier version, whose failures may mix the parts of two events. */
export function readMemory(json: string): ObjectMemory {
  return restored(JSON.parse(json) as StoredMemory)
}

function restored({ notified, told, failure, others, ...rest }: StoredMemory): ObjectMemory {
  return {
    ...rest,
    notified:
      notified ?? told?.map(({ isHeld, ...entry }) => ({ ...entry, ...(isHeld && { isWithheld: isHeld }) })) ?? [],
    ...(failure && { failure: restoredFailure(failure, rest.decidedAt) }),
    ...(others && { others: others.map(restored) })
  }
}

function restoredFailure(failure: StoredFailure, decidedAt: number): Failure {
  const { reason, text, prints, at, began = { reason, text } } = failure
  if (at !== undefined) return { ...failure, at, began }
  // The text was of the first event, the reason of the latest. A single fingerprint means that all events said the same.
  const isOfOne = prints.length <= 1
  // The old fingerprints included the revision, so none of them would match again: `prints` starts empty.
  return {
    ...failure,
    text: isOfOne ? text : '',
    at: decidedAt,
    began: { reason: isOfOne ? reason : '', text },
    prints: []
  }
}

/** In earlier versions `notified` was `told`, `isWithheld` was `isHeld`, and a failure had no `at`. */
interface StoredMemory extends Omit<ObjectMemory, 'notified' | 'failure' | 'others'> {
  notified?: readonly Notified[]
  told?: readonly (Notified & { isHeld?: true })[]
  failure?: StoredFailure | undefined
  others?: readonly StoredMemory[] | undefined
}

type StoredFailure = Omit<Failure, 'at' | 'began'> & { at?: number; began?: Failure['began'] | undefined }

/** After a single event, nobody can say how often an object sends events. */
const staleAfterOneEventMs = 24 * 60 * 60 * 1000
const minStaleMs = 60 * 60 * 1000

/**
 * The object's state at `now`, in ms. `stale`: it was failing at its last event, and since then nothing came for an hour and for
 * twice as long as ever before.
 */
export function stateOf(memory: ObjectMemory, now: number): 'healthy' | 'failing' | 'stale' {
  const { failure, seenAt = memory.decidedAt, longestGapMs } = memory
  if (failure === undefined) return 'healthy'
  const staleMs = longestGapMs === undefined ? staleAfterOneEventMs : Math.max(minStaleMs, 2 * longestGapMs)
  return now - seenAt > staleMs ? 'stale' : 'failing'
}
