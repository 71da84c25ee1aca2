// Rule: defines a compiled rule, and its verdict on an event.
import type { Subject } from './expression.ts'
import type { Grouping } from './group.ts'
import type { Rollouts } from './rollout.ts'

/** One thing that a rule asks of an event. */
export interface Condition {
  /** The key in the config file: `namespace`, `not.kind`, `metadata.team`. */
  key: string
  wanted: string
  /** Returns an Error if CEL could not decide. */
  matches(subject: Subject): boolean | Error
  /** Returns what the event has in the place that the condition is about. */
  found(subject: Subject): string
}

export interface Rule {
  name: string
  /** Names of destinations. */
  send: readonly string[]
  /** True if it also sends to the owner of the event, by `owners`. */
  isToOwner: boolean
  mention: string | undefined
  /** Name of the template that makes its messages. */
  template: string | undefined
  notify: 'changes' | 'every'
  /** Undefined if there are no reminders. */
  remindEveryMs: number | undefined
  /** Time that a failure must last before it is notified, in ms; 0 for at once. */
  forMs: number
  group: Grouping | undefined
  /** Set if it makes messages of rollouts, and none of events. */
  rollouts: Rollouts | undefined
  isFinal: boolean
  conditions: readonly Condition[]
}

/** The verdict of a rule on an event. `because` is the first condition that failed, with both values. */
export type Verdict =
  | { rule: string; fired: true }
  | { rule: string; fired: false; because: string; wanted: string; got: string; isError?: true }

/** Compiled rules. */
export interface RuleSet {
  all: readonly Rule[]
  byName: ReadonlyMap<string, Rule>
  /** Returns the rules that an event must be matched against. */
  candidates(subject: Subject): readonly Rule[]
}
