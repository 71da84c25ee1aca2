// Follows: remembers which source an object follows, as its events say it since Event v1. Pure.
import type { FluxEvent } from '../events/flux.ts'
import type { Advance } from '../objects.ts'
import type { ObjectMemory } from './memory.ts'
import { objectKey, objectOf } from './name.ts'

// An event may name other kinds next to its object, but nothing is rolled out from those.
const sources = /^(GitRepository|OCIRepository|Bucket|HelmRepository|HelmChart|ExternalArtifact)$/

/** Adds the source that `event` names to `advanced`. An earlier one stays if it names none: an object may send events of both forms. */
export function following<A extends Advance>(advanced: A, { object, related }: FluxEvent): A {
  if (related === undefined || !sources.test(related.kind)) return advanced
  const follows = objectKey(related)
  if (follows === advanced.memory.follows || follows === objectKey(object)) return advanced
  return { ...advanced, memory: { ...advanced.memory, follows } }
}

/**
 * The key of the source that the revisions of a follower of `follows` come from; `memoryOf` looks up an object by its key. A HelmChart
 * is made for a HelmRelease and follows a source of its own: undefined if that source is not known.
 */
export function originOfRevisions(
  follows: string | undefined,
  memoryOf: (key: string) => Pick<ObjectMemory, 'follows'> | undefined
): string | undefined {
  if (follows === undefined || !isChart(follows)) return follows
  return memoryOf(follows)?.follows
}

/** Reports whether `key` is that of a HelmChart. */
export function isChart(key: string): boolean {
  return objectOf(key).kind === 'HelmChart'
}
