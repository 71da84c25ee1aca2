// What a mute held back from a destination, gathered when it ends. Pure.
import type { ObjectRef } from '../events/flux.ts'
import type { Failure, ObjectMemory, Transition } from '../objects.ts'

export interface Held {
  mute: string
  destination: string
  notifications: number
  /** Each object once, in the order in which it was first held. */
  objects: readonly HeldObject[]
}

export interface HeldObject {
  object: ObjectRef
  /** What was held last of it. */
  says: Transition
  /** The failure it is in. */
  failure: Failure | undefined
}

export interface HeldRow {
  /** The key it is remembered by. */
  key: string
  object: ObjectRef
  says: Transition
}

/** From the rows of one mute and destination, oldest first, and what is known of their objects by now. */
export function gather(
  { mute, destination }: Pick<Held, 'mute' | 'destination'>,
  rows: readonly HeldRow[],
  memories: ReadonlyMap<string, ObjectMemory>
): Held {
  const last = new Map<string, HeldRow>()
  for (const row of rows) last.set(row.key, row)
  const objects = [...last.values()].map(({ key, object, says }) => ({
    object,
    says,
    failure: memories.get(key)?.failure
  }))
  return { mute, destination, notifications: rows.length, objects }
}
