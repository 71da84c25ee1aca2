// Rollouts: define how a rule makes one message of a revision that is rolled out. Pure.

import { parseDuration } from '../duration.ts'
import type { ObjectRef } from '../events/flux.ts'
import { Type } from '../json-schema.ts'

/** The settings of a rule that makes messages of rollouts. */
export interface Rollouts {
  /** A rollout without news for this long is over, in ms. */
  settleMs: number
  /** True for one message per cluster, false for one about all clusters that have the revision. */
  isPerCluster: boolean
  /** Reports whether the rule is about an object, whatever the object says; undefined if only what it says decides. */
  isAbout: ((object: ObjectRef) => boolean) | undefined
}

/** The properties that tell rollouts apart: `cluster` and `revision`, or one of them. */
export const RolloutBy = Type.Array(Type.Enum(['cluster', 'revision']), { minItems: 1, uniqueItems: true })

/** Maximum of `settle`, in ms: anything later belongs to another rollout. */
export const maxSettleMs = 60 * 60_000

export function compileRollouts(
  { by, settle }: { by?: readonly string[]; settle?: string },
  isAbout: Rollouts['isAbout']
): Rollouts {
  return { settleMs: parseDuration(settle ?? '2m'), isPerCluster: by?.includes('cluster') ?? true, isAbout }
}
