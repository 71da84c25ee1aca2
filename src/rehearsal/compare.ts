// Comparison: finds what two configs do differently with the same event, and decides which stored events can be compared. Pure.
import type { ObjectMemory, Transition } from '../objects.ts'
import type { Spoken } from './rehearsal.ts'

/** A message, or of one in the past what the relay keeps: by which rule it went where. */
export type Sent = Pick<Spoken, 'destination' | 'rule'> & Partial<Pick<Spoken, 'says' | 'text'>>

export type Difference =
  | { is: 'lost'; was: Sent }
  | { is: 'added'; now: Sent }
  /** The same rule notifies another destination. */
  | { is: 're-routed'; was: Sent; now: Sent }
  | { is: 're-worded'; was: Sent; now: Sent }

/** What changes for the readers: the same message by another rule is not a difference to them. */
export function compare(before: readonly Sent[], after: readonly Sent[]): Difference[] {
  const was = new Set(before)
  const now = new Set(after)
  const pairs = (fits: (a: Sent, b: Sent) => boolean) =>
    [...was].flatMap((a) => {
      const b = [...now].find((candidate) => fits(a, candidate))
      if (b === undefined) return []
      was.delete(a)
      now.delete(b)
      return [{ was: a, now: b }]
    })
  const kept = [
    ...pairs((a, b) => a.destination === b.destination && a.rule === b.rule),
    ...pairs((a, b) => a.destination === b.destination)
  ]
  const moved = pairs((a, b) => a.rule === b.rule)
  return [
    ...[...was].map((lost) => ({ is: 'lost', was: lost }) as const),
    ...moved.map((pair) => ({ is: 're-routed', ...pair }) as const),
    ...kept.filter(isReworded).map((pair) => ({ is: 're-worded', ...pair }) as const),
    ...[...now].map((added) => ({ is: 'added', now: added }) as const)
  ]
}

function isReworded({ was, now }: { was: Sent; now: Sent }): boolean {
  return was.text !== undefined && was.text !== now.text
}

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
