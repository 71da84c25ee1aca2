// Notified: corrects who counts as notified of an object's failure, once the fate of a notification is known. Pure.
import type { Notified, ObjectMemory } from './memory.ts'

/** A rule and destination whose notification of the failure that began at `since`, in ms, was or was not delivered. */
export interface Undelivered {
  rule: string
  destination: string
  since: number | undefined
}

/**
 * Forgets that `rule` notified `destination` of the failure that began at `since`: the message was never delivered. Entries of a
 * later failure stay.
 */
export function forget(memory: ObjectMemory, { rule, destination, since }: Undelivered): ObjectMemory {
  return inEach(memory, (notified, failure) =>
    notified.filter((entry) => failure?.since !== since || entry.rule !== rule || entry.destination !== destination)
  )
}

/**
 * Undoes {@link forget} when a dead letter is retried, so that the recovery is sent too. Changes nothing if the failure that
 * began at `since` is over, or if `destination` was notified of it meanwhile. `now` in ms.
 */
export function remember(memory: ObjectMemory, { rule, destination, since }: Undelivered, now: number): ObjectMemory {
  return inEach(memory, (notified, failure) => {
    if (failure === undefined || failure.since !== since) return notified
    if (notified.some((entry) => entry.rule === rule && entry.destination === destination)) return notified
    return [...notified, { rule, destination, at: now, reminders: 0 }]
  })
}

/** Marks that a mute withheld the notification by `rule` of the failure that began at `since` from `destination`. */
export function markWithheld(memory: ObjectMemory, { rule, destination, since }: Undelivered): ObjectMemory {
  return inEach(memory, (notified, failure) =>
    notified.map((entry) => {
      if (failure?.since !== since || entry.rule !== rule || entry.destination !== destination) return entry
      const { heldUntil: _, ...rest } = entry
      return { ...rest, isWithheld: true }
    })
  )
}

/** Marks `destination` as notified of the failures that a mute withheld from it, because the mute's summary names them. */
export function markNotified(memory: ObjectMemory, destination: string, now: number): ObjectMemory {
  return inEach(memory, (notified) =>
    notified.map((entry) => {
      if (entry.destination !== destination || !entry.isWithheld) return entry
      const { isWithheld: _, ...rest } = entry
      return { ...rest, at: now }
    })
  )
}

/** Changes each object that shares the name: only the failure tells which of them a notification was about. */
function inEach(
  memory: ObjectMemory,
  change: (notified: readonly Notified[], failure: ObjectMemory['failure']) => readonly Notified[]
): ObjectMemory {
  const others = memory.others?.map((other) => inEach(other, change))
  return { ...memory, notified: change(memory.notified, memory.failure), ...(others && { others }) }
}

/** Reports whether a notification of a failure may still be held, to see whether the failure lasts. */
export function mayBeHeld({ notified, others }: ObjectMemory): boolean {
  return notified.some(({ heldUntil }) => heldUntil !== undefined) || (others?.some(mayBeHeld) ?? false)
}
