// Notified: corrects who counts as notified of an object's failure, after what became of a notification. Pure.
import type { ObjectMemory } from '../objects.ts'

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
export function forget(memory: ObjectMemory, undelivered: Undelivered): ObjectMemory {
  const { rule, destination, since } = undelivered
  const others = memory.others?.map((other) => forget(other, undelivered))
  const isOfIt = memory.failure?.since === since
  const notified = memory.notified.filter(
    (entry) => !isOfIt || entry.rule !== rule || entry.destination !== destination
  )
  return { ...memory, notified, ...(others && { others }) }
}

/** Marks `destination` as notified of what was withheld from it, because the summary of the mute has said it. */
export function markNotified(memory: ObjectMemory, destination: string, now: number): ObjectMemory {
  return {
    ...memory,
    notified: memory.notified.map((entry) => {
      if (entry.destination !== destination || !entry.isWithheld) return entry
      const { isWithheld: _, ...rest } = entry
      return { ...rest, at: now }
    })
  }
}

/**
 * Undoes {@link forget} when a dead letter is retried, so that the recovery is sent too. Nothing changes if the failure
 * that began at `since` is over, or `destination` was notified of it meanwhile. `now` in ms.
 */
export function remember(memory: ObjectMemory, { rule, destination, since }: Undelivered, now: number): ObjectMemory {
  if (memory.failure === undefined || memory.failure.since !== since) return memory
  if (memory.notified.some((entry) => entry.rule === rule && entry.destination === destination)) return memory
  return { ...memory, notified: [...memory.notified, { rule, destination, at: now, reminders: 0 }] }
}
