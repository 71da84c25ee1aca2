// Rollout rows: define how rollouts are kept, and read them. Pure.
import type { Replacement, RolloutEntry, RolloutHead } from '../../render/compose/rollout-standing.ts'
import { placeUrl } from '../cards.ts'
import type { Rollout } from '../kept.ts'

/** All times in ms; null where there is none. */
export interface RolloutRow {
  id: number
  rule: string
  destination: string
  scope: string
  /** Empty for charts that came together. */
  revision: string
  /** JSON */
  head: string
  /** The event that it is said about: its first, or the latest by which one more fails. */
  event_id: number | null
  opened_at: number
  /** When the last news of it came. */
  last_at: number
  settle_ms: number
  unsaid_since: number | null
  said_at: number | null
  /** When there is something to say, or it has settled; null where it has, and all is said. */
  due_at: number | null
  /** JSON, by cluster. */
  replaced: string
  /** Nothing that comes is about it any more. */
  is_closed: boolean | number
}

/** A rollout that goes on, or that is of the revision reported, and how the reported object and its cluster stand in it. */
export interface LiveRow extends RolloutRow {
  state: RolloutEntry['is'] | null
  said: string | null
  /** Its objects in that cluster, and how many of them fail or come. */
  members: number
  failing: number
  coming: number
  /** In how many clusters it is. */
  clusters: number
}

export interface RolloutEntryRow {
  object: string
  state: RolloutEntry['is']
  at: number
  said: string
  /** Of the message about its failure that is updated; null where there is none. */
  channel: string | null
  ts: string | null
}

export function rolloutOf(row: RolloutRow, entries: readonly RolloutEntryRow[]): Rollout {
  return {
    ...{ id: String(row.id), rule: row.rule, destination: row.destination },
    head: JSON.parse(row.head) as RolloutHead,
    ...{ openedAt: row.opened_at, lastAt: row.last_at, settleMs: row.settle_ms },
    ...{ saidAt: row.said_at ?? undefined, unsaidSince: row.unsaid_since ?? undefined },
    replaced: replacements(row),
    entries: entries.map(({ object, state, at, said, channel, ts }) => ({
      ...{ object, is: state, at, said },
      ...(state === 'failing' && channel !== null && ts !== null && { url: placeUrl({ channel, ts }) })
    }))
  }
}

/** By what a rollout was replaced, by cluster. */
export function replacements({ replaced }: RolloutRow): Record<string, Replacement> {
  return JSON.parse(replaced) as Record<string, Replacement>
}
