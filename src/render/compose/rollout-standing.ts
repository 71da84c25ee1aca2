// Rollout standing: defines what is known of a revision that is rolled out, and what a message says of it.
import type { ObjectRef } from '../../events/flux.ts'

/** What a rollout is of. */
export interface RolloutHead {
  /** Empty where it is of several clusters. */
  cluster: string
  /** Left out where all it is of are charts, whose versions are of no commit. */
  revision?: { text: string; url?: string }
  previous?: { text: string; url?: string }
  subject?: string
  /** The keys of the sources whose revision it is, as far as its objects say. */
  sources?: readonly string[]
}

/** An object in a rollout. `expected`: it has said of every revision before that it has it, and not yet of this one. */
export interface RolloutEntry {
  /** Its key. */
  object: string
  is: 'expected' | 'coming' | 'applied' | 'failing'
  /** When it came to that, in ms. */
  at: number
  /** Why it fails, in one line; of a chart that was applied, its version. */
  said: string
  /** Where its failure has a message that is updated: that place. */
  url?: string
}

/** A newer revision took the place of this one in a cluster. `isOver`: by then there was nothing more to come of this one. */
export interface Replacement {
  by: string
  isOver: boolean
}

/** All that is known of a rollout; times in ms. */
export interface RolloutStanding {
  /** Tells it from all others. */
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

/** How far it is in a cluster. */
export interface Place {
  cluster: string
  applied: number
  failing: number
  coming: number
  expected: number
  replacedBy?: string
}

/** What a view says of a rollout. */
export interface RolloutView {
  id: string
  is: 'open' | 'failing' | 'settled' | 'replaced'
  places: readonly Place[]
  /** The first few. */
  failing: readonly { object: ObjectRef; said: string; url?: string }[]
  /** The names of what was applied, or, of many, how many in which namespace. */
  applied: readonly string[]
  tookMs: number
}
