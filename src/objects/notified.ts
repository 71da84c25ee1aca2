// Notified: corrects who counts as notified of an object's failure, after what became of a notification. Pure.
import type { Notified, ObjectMemory } from './memory.ts'

/** A rule and destination that was notified, or was not after all, of the failure that began at `since`, in ms. */
export interface Undelivered {
  rule: string
  destination: string
  since: number | undefined
}

/**
 * Forgets that `rule` notified `destination` of the failure that began at `since`: the message was never delivered. What was
 * said of a later one was.
 */
export function forget(memory: ObjectMemory, { rule, destination, since }: Undelivered): ObjectMemory {
  return inEach(memory, (notified, failure) =>
    notified.filter((entry) => failure?.since !== since || entry.rule !== rule || entry.destination !== destination)
  )
}

/**
 * Undoes {@link forget} when a dead letter is retried, so that the recovery is sent too. Nothing changes if the failure
 * that began at `since` is over, or `destination` was notified of it meanwhile. `now` in ms.
 */
export function remember(memory: ObjectMemory, { rule, destination, since }: Undelivered, now: number): ObjectMemory {
  return inEach(memory, (notified, failure) => {
    if (failure === undefined || failure.since !== since) return notified
    if (notified.some((entry) => entry.rule === rule && entry.destination === destination)) return notified
    return [...notified, { rule, destination, at: now, reminders: 0 }]
  })
}

/** Marks that a mute withheld from `destination` what `rule` would have notified it of, of the failure that began at `since`. */
export function markWithheld(memory: ObjectMemory, { rule, destination, since }: Undelivered): ObjectMemory {
  return inEach(memory, (notified, failure) =>
    notified.map((entry) => {
      if (failure?.since !== since || entry.rule !== rule || entry.destination !== destination) return entry
      const { heldUntil: _, ...rest } = entry
      return { ...rest, isWithheld: true }
    })
  )
}

/** Marks `destination` as notified of what was withheld from it, because the summary of the mute has said it. */
export function markNotified(memory: ObjectMemory, destination: string, now: number): ObjectMemory {
  return inEach(memory, (notified) =>
    notified.map((entry) => {
      if (entry.destination !== destination || !entry.isWithheld) return entry
      const { isWithheld: _, ...rest } = entry
      return { ...rest, at: now }
    })
  )
}

/** If several objects share a name, only the failure can tell which of them a notification was about; without one, all are meant. */
function inEach(
  memory: ObjectMemory,
  change: (notified: readonly Notified[], failure: ObjectMemory['failure']) => readonly Notified[]
): ObjectMemory {
  const others = memory.others?.map((other) => inEach(other, change))
  return { ...memory, notified: change(memory.notified, memory.failure), ...(others && { others }) }
}

/** Whether somebody was to be notified of a failure once it has lasted, and may not have been yet. */
export function mayBeHeld({ notified, others }: ObjectMemory): boolean {
  return notified.some(({ heldUntil }) => heldUntil !== undefined) || (others?.some(mayBeHeld) ?? false)
}
