// Stored events begin somewhere, and what was known of their objects by then is not stored with them. Pure.
import type { ObjectMemory, Transition } from '../objects.ts'

/** What the relay made of an event when it came. */
export interface Moment {
  /** Of the object. */
  key: string
  /** Where it is unknown, everything can be compared. */
  transition: Transition | undefined
  isHeartbeat: boolean
  /** Of the object, after the event. */
  memory: ObjectMemory
}

/**
 * Says of each event in turn whether what was told of it can be held against a rehearsal that began with nothing. Not
 * while an object is in a failure from before: nobody knows who had heard of that, and when.
 */
export function createWindow(): (moment: Moment) => boolean {
  const known = new Set<string>()
  const hasRevision = new Set<string>()
  const failsFromBefore = new Set<string>()
  return ({ key, transition, isHeartbeat, memory }) => {
    const isFromBefore = transition === 'changed' || transition === 'repeated' || transition === 'recovered'
    if (isFromBefore && !known.has(key)) failsFromBefore.add(key)
    // Whether an update came with the recovery depends on a revision that nobody has seen.
    const isUnsure = transition === 'recovered' && isHeartbeat && !hasRevision.has(key)
    const isComparable = !failsFromBefore.has(key) && !isUnsure
    // News say nothing of the state, and a failure that had no end may still be going on.
    if (transition !== 'informed') known.add(key)
    if (transition === 'recovered' || transition === 'updated' || transition === 'failed') failsFromBefore.delete(key)
    if (memory.revision !== '') hasRevision.add(key)
    return isComparable || transition === undefined
  }
}
