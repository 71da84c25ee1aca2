// Acknowledged: marks one incident as taken on by somebody, or takes that back. Pure.
import type { Acknowledgement, ObjectMemory } from './memory.ts'

/** One incident. Without `since`, in ms, it is the one that its object is in. */
export interface Incident {
  /** The key of its object. */
  object: string
  since?: number | undefined
}

/** An incident that goes on, with who has taken it on; `isNews`: that is another than before. */
export interface Acknowledged {
  object: string
  since: number
  acknowledged: Acknowledgement | undefined
  isNews: boolean
}

/**
 * What is remembered of an object once `incidents` of it are acknowledged, or no longer where `by` is undefined. Whoever was
 * first stays. `done`: those that go on, each once.
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

/** When the incident began that an object is in: of several with its name, any. */
function present({ failure, others = [] }: ObjectMemory): number | undefined {
  return failure?.since ?? others.find((other) => other.failure !== undefined)?.failure?.since
}

/** If objects share a name, any of them may be meant. */
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
