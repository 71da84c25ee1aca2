// Window: decides which stored events can be compared, as they begin somewhere, without what was known of their objects
// by then. Pure.
import type { ObjectMemory, Transition } from '../objects.ts'

/** What the relay made of an event when it came. */
export interface Moment {
  /** The key of the object. */
  key: string
  /** Where it is unknown, everything can be compared. */
  transition: Transition | undefined
  isHeartbeat: boolean
  /** Something of it was withheld by hand, or never arrived: who is notified of what follows depends on that. */
  leavesUnsure: boolean
  /** The memory of the object after the event. */
  memory: ObjectMemory
}

/** Why what was sent about an event cannot be compared with a rehearsal. */
export type Obstacle = 'before' | 'withheld'

/**
 * Says of each event in turn whether what was sent about it can be compared with a rehearsal that began with nothing. Not
 * while an object is in a failure from before, or in one of which something was withheld by hand or never arrived: nobody
 * knows who was notified of that, and when.
 */
export function createWindow(): (moment: Moment) => Obstacle | undefined {
  const known = new Set<string>()
  const hasRevision = new Set<string>()
  const obstacles = new Map<string, Obstacle>()
  return ({ key, transition, isHeartbeat, leavesUnsure, memory }) => {
    const isFromBefore = transition === 'changed' || transition === 'repeated' || transition === 'recovered'
    if (isFromBefore && !known.has(key)) obstacles.set(key, 'before')
    // Whether an update came with the recovery depends on a revision that nobody has seen.
    const isUnsure = transition === 'recovered' && isHeartbeat && !hasRevision.has(key)
    const obstacle = obstacles.get(key) ?? (isUnsure ? 'before' : undefined)
    // News say nothing of the state, and a failure that had no end may still be going on.
    if (transition !== 'informed') known.add(key)
    if (transition === 'recovered' || transition === 'updated' || transition === 'failed') obstacles.delete(key)
    if (leavesUnsure && memory.failure !== undefined) obstacles.set(key, obstacles.get(key) ?? 'withheld')
    if (memory.revision !== '') hasRevision.add(key)
    return transition === undefined ? undefined : obstacle
  }
}
