// Rollout standing: defines what is known of a revision that is being rolled out, and what a message says about it.
import type { ObjectRef } from '../../events/flux.ts'

/** The subject of a rollout. */
export interface RolloutHead {
  /** Empty if the rollout covers several clusters. */
  cluster: string
  /** Absent if the rollout is only of charts, whose versions belong to no commit. */
  revision?: { text: string; url?: string }
  previous?: { text: string; url?: string }
  subject?: string
  /** Keys of the sources that have this revision, as far as its objects say. */
  sources?: readonly string[]
}

/** An object in a rollout. `expected`: it has reported each earlier revision, but not this one yet. */
export interface RolloutEntry {
  /** Key of the object. */
  object: string
  is: 'expected' | 'coming' | 'applied' | 'failing'
  /** Time at which it came to this state, in ms. */
  at: number
  /** Why it fails, in one line; for an applied chart, its version. */
  said: string
  /** Address of the card about its failure, if there is one. */
  url?: string
}

/** A newer revision that took the place of this one in a cluster. `isOver`: by then, nothing more was to come of this one. */
export interface Replacement {
  by: string
  isOver: boolean
}

/** All that is known of a rollout; times in ms. */
export interface RolloutStanding {
  /** Differs from the ids of all other rollouts. */
  id: string
  rule: string
  head: RolloutHead
  openedAt: number
  lastAt: number
  settleMs: number
  /** By cluster. */
  replaced: Readonly<Record<string, Replacement>>
  entries: readonly RolloutEntry[]
}

/** The progress of a rollout in one cluster. */
export interface Place {
  cluster: string
  applied: number
  failing: number
  coming: number
  expected: number
  replacedBy?: string
}

/** The part of a rollout that a view shows. */
export interface RolloutView {
  id: string
  is: 'open' | 'failing' | 'settled' | 'replaced'
  places: readonly Place[]
  /** The first few objects that fail. */
  failing: readonly { object: ObjectRef; said: string; url?: string }[]
  /** Names of what was applied, or, for many, their number in each namespace. */
  applied: readonly string[]
  tookMs: number
}
