// Target: pairs an input from outside with what must be true of the result.
import type fc from 'fast-check'

export interface Target<In, Out> {
  name: string
  /** Of a million cases, how many are its own. */
  share: number
  input: fc.Arbitrary<In>
  /** The code under attack; its CPU time is measured. */
  run(input: In): Out | Promise<Out>
  /** What is wrong with `output`; its time is not measured. */
  faults(output: Out, input: In): string[]
}

/** A target of which only its runner knows what goes in and what comes out. */
export type AnyTarget = Target<unknown, unknown>

/** `conditions` that are true, by their names. */
export function faultsAmong(conditions: Record<string, boolean>): string[] {
  return Object.keys(conditions).filter((name) => conditions[name])
}
