// Withheld: gathers what a mute withheld from a destination, when it ends. Pure.
import type { ObjectRef } from '../events/flux.ts'
import type { Failure, ObjectMemory, Transition } from '../objects.ts'
import type { View } from '../render/compose/view.ts'

export interface Held {
  mute: string
  destination: string
  notifications: number
  /** Each object once, in the order in which it was first held. */
  objects: readonly HeldObject[]
}

export interface HeldObject {
  object: ObjectRef
  /** What was held last of its state; of one of which there was only news, that. */
  says: Transition
  /** With `recovered`: how, where it is not Ready. */
  ending?: NonNullable<View['ending']>
  /** The failure it is in. */
  failure: Failure | undefined
}

export interface HeldRow extends Omit<HeldObject, 'failure'> {
  /** The key it is remembered by. */
  key: string
}

/** The ending of a view as a store gives it: nothing where it has none. */
export function endingFrom(value: unknown): Pick<HeldRow, 'ending'> {
  return typeof value === 'string' ? { ending: value as NonNullable<View['ending']> } : {}
}

const news = new Set<Transition>(['updated', 'informed', 'heartbeat'])

/** From the rows of one mute and destination, oldest first, and what is known of their objects by now. */
export function gather(
  { mute, destination }: Pick<Held, 'mute' | 'destination'>,
  rows: readonly HeldRow[],
  memories: ReadonlyMap<string, ObjectMemory>
): Held {
  const last = new Map<string, HeldRow>()
  for (const row of rows) if (!last.has(row.key) || !news.has(row.says)) last.set(row.key, row)
  const objects = [...last.values()].map(({ key, ...held }) => ({ ...held, failure: memories.get(key)?.failure }))
  return { mute, destination, notifications: rows.length, objects }
}
