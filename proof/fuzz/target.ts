// Target: pairs an input from outside with what must be true of the result.
import type fc from 'fast-check'

export interface Target<In, Out> {
  name: string
  /** Its number of cases in a million. */
  share: number
  input: fc.Arbitrary<In>
  /** The code under attack; its CPU time is measured. */
  run(input: In): Out | Promise<Out>
  /** The faults of `output`; not measured. */
  faults(output: Out, input: In): string[]
}

/** A target whose input and output types only its runner knows. */
export type AnyTarget = Target<unknown, unknown>

/** The names of the `conditions` that are true. */
export function faultsAmong(conditions: Record<string, boolean>): string[] {
  return Object.keys(conditions).filter((name) => conditions[name])
}
