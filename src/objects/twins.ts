// Twins: keep objects apart that share a name and differ only by uid, so that the success of one never ends the failure
// of the other.
import type { FluxEvent } from '../events/flux.ts'
import { type Advance, advance } from '../objects.ts'
import type { ObjectMemory } from './memory.ts'

/** Objects that are remembered besides the latest. If more clusters share one name, that is reported and the oldest is forgotten. */
const maxOthers = 3

export interface TwinAdvance extends Advance {
  /** The object came back after another one with its name: neither was created anew, both exist. */
  isTwin?: true
}

/**
 * Does the same as {@link advance}, for the object that has the event's uid. A uid that was never seen begins a new memory: the
 * object was created anew, and the memory of its predecessor no longer counts. `now` in ms.
 */
export function advanceTwin(known: ObjectMemory | undefined, event: FluxEvent, now: number): TwinAdvance {
  const { uid } = event
  if (known === undefined || uid === '' || uid === (known.uid ?? uid)) {
    const advanced = advance(known, event, now)
    if (uid === '' || advanced.memory.uid === uid) return advanced
    return { ...advanced, memory: { ...advanced.memory, uid } }
  }
  const { others = [], isShared, ...latest } = known
  const own = others.find((other) => other.uid === uid)
  const advanced = advance(own, event, now)
  const rest = [latest, ...others.filter((other) => other !== own)].slice(0, maxOthers)
  const memory = {
    ...advanced.memory,
    uid,
    others: rest,
    ...((isShared || own !== undefined) && { isShared: true as const })
  }
  return { ...advanced, memory, ...(own !== undefined && { isTwin: true as const }) }
}

/** Puts an object that fails first, if several share the name and any of them fails: the first is the one that is shown. */
export function worstFirst(memory: ObjectMemory): ObjectMemory {
  if (memory.isShared === undefined || memory.failure !== undefined) return memory
  const { others = [], isShared, ...latest } = memory
  const failing = others.find(({ failure }) => failure !== undefined)
  if (failing === undefined) return memory
  return { ...failing, others: [latest, ...others.filter((other) => other !== failing)], isShared }
}
