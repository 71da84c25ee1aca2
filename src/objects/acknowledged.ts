// Acknowledged: marks one incident as taken on by somebody, or takes that back. Pure.
import type { Acknowledgement, ObjectMemory } from './memory.ts'

/** One incident, identified by its object and when it began, in ms. Without `since`, it is the one that the object is in. */
export interface Incident {
  /** The key of its object. */
  object: string
  since?: number | undefined
}

/** An open incident, with who has taken it on. `isNews` is true if that has just changed. */
export interface Acknowledged {
  object: string
  since: number
  acknowledged: Acknowledgement | undefined
  isNews: boolean
}

/**
 * Marks `incidents` of an object as acknowledged by `by`, or as not acknowledged if `by` is undefined. An earlier acknowledgement
 * stays. Returns the new memory and, in `done`, the incidents that are still open, each once.
 */
export function acknowledge(
  memory: ObjectMemory,
  incidents: readonly Incident[],
  by: Acknowledgement | undefined
): { memory: ObjectMemory; done: Acknowledged[] } {
  const done = new Map<number, Acknowledged>()
  let after = memory
  for (const { object, since = present(memory) } of incidents) {
    const failure = [memory, ...(memory.others ?? [])].find((each) => each.failure?.since === since)?.failure
    if (since === undefined || failure === undefined || done.has(since)) continue
    const isNews = (failure.acknowledged === undefined) !== (by === undefined)
    if (isNews) after = marked(after, since, by)
    done.set(since, { object, since, acknowledged: isNews ? by : failure.acknowledged, isNews })
  }
  return { memory: after, done: [...done.values()] }
}

/** When the object's current incident began; if several objects share the name, the incident of any of them. */
function present({ failure, others = [] }: ObjectMemory): number | undefined {
  return failure?.since ?? others.find((other) => other.failure !== undefined)?.failure?.since
}

/** Marks the failure that began at `since`, which may be of any of the objects that share the name. */
function marked(memory: ObjectMemory, since: number, by: Acknowledgement | undefined): ObjectMemory {
  const { failure, others } = memory
  const after = failure?.since === since ? withMark(failure, by) : failure
  return {
    ...memory,
    ...(after && { failure: after }),
    ...(others && { others: others.map((other) => marked(other, since, by)) })
  }
}

function withMark(failure: NonNullable<ObjectMemory['failure']>, by: Acknowledgement | undefined) {
  const { acknowledged: _, ...rest } = failure
  return by === undefined ? rest : { ...rest, acknowledged: by }
}
