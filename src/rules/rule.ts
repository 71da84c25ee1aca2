// Rule: defines a compiled rule, and its verdict on an event.
import type { Subject } from './expression.ts'
import type { Grouping } from './group.ts'
import type { Rollouts } from './rollout.ts'

/** One thing a rule asks of an event. */
export interface Condition {
  /** The key in the config file: `namespace`, `not.kind`, `metadata.team`. */
  key: string
  wanted: string
  /** An Error where CEL could not decide. */
  matches(subject: Subject): boolean | Error
  /** What the event has in the place that was asked for. */
  found(subject: Subject): string
}

export interface Rule {
  name: string
  /** Names of destinations. */
  send: readonly string[]
  /** It sends also to whom the event belongs to, by `owners`. */
  isToOwner: boolean
  mention: string | undefined
  /** The name of the template its messages are made by. */
  template: string | undefined
  notify: 'changes' | 'every'
  /** undefined: never */
  remindEveryMs: number | undefined
  /** How long a failure lasts before it is notified, in ms; 0: it is at once. */
  forMs: number
  group: Grouping | undefined
  /** It makes messages of rollouts, and none of events. */
  rollouts: Rollouts | undefined
  isFinal: boolean
  conditions: readonly Condition[]
}

/** Why a rule did or did not fire. `because` is the first condition that failed, with both values. */
export type Verdict =
  | { rule: string; fired: true }
  | { rule: string; fired: false; because: string; wanted: string; got: string; isError?: true }

/** Compiled rules. */
export interface RuleSet {
  all: readonly Rule[]
  byName: ReadonlyMap<string, Rule>
  /** The rules that an event must be matched against. */
  candidates(subject: Subject): readonly Rule[]
}
