// Rollout rows: define how rollouts are kept, and read them. Pure.
import type { Replacement, RolloutEntry, RolloutHead } from '../../render/compose/rollout-standing.ts'
import { placeUrl } from '../cards.ts'
import { maxRolloutEntries, type Rollout } from '../kept.ts'

/** A rollout as it is kept. All times are in ms, and null if there is none. */
export interface RolloutRow {
  id: number
  rule: string
  destination: string
  scope: string
  /** Empty for charts that came together. */
  revision: string
  /** JSON */
  head: string
  /** The event that its messages are about: its first, or the latest by which another object failed. */
  event_id: number | null
  opened_at: number
  /** When the last news of it arrived. */
  last_at: number
  settle_ms: number
  unsaid_since: number | null
  said_at: number | null
  /** When there is something to say or the rollout settles; null once it has settled and everything is said. */
  due_at: number | null
  /** JSON of the {@link replacements}. */
  replaced: string
  /** True once no later report can be about it. */
  is_closed: boolean | number
}

/** A rollout that is not closed or has the reported revision, with the state of the reported object and of its cluster in it. */
export interface LiveRow extends RolloutRow {
  state: RolloutEntry['is'] | null
  said: string | null
  /** Number of its objects in that cluster, and of those among them that are failing or coming. */
  members: number
  failing: number
  coming: number
  /** Number of clusters that it is in. */
  clusters: number
}

/**
 * Returns SQL for the {@link LiveRow}s of `scope`, oldest first, that a report about `object` and `revision` meets. All arguments are SQL
 * expressions; `isOpen` is the condition that a rollout is not closed, written as in the store's index.
 */
export function liveRowsSql({
  scope,
  revision,
  cluster,
  object,
  isOpen
}: Record<'scope' | 'revision' | 'cluster' | 'object' | 'isOpen', string>): string {
  return `select r.*, e.state, e.said,
      (select count(*) from rollout_entries m where m.rollout_id = r.id and m.cluster = ${cluster}) as members,
      (select count(*) from rollout_entries m where m.rollout_id = r.id and m.cluster = ${cluster} and m.state = 'failing') as failing,
      (select count(*) from rollout_entries m where m.rollout_id = r.id and m.cluster = ${cluster} and m.state = 'coming') as coming,
      (select count(distinct m.cluster) from rollout_entries m where m.rollout_id = r.id) as clusters
    from (
      select * from rollouts where scope = ${scope} and ${isOpen}
      union all
      select * from rollouts where scope = ${scope} and revision = ${revision} and revision <> '' and not (${isOpen})
    ) r left join rollout_entries e on e.rollout_id = r.id and e.object = ${object}
    order by r.id`
}

export interface RolloutEntryRow {
  object: string
  state: RolloutEntry['is']
  at: number
  said: string
  /** Where the card of the object's failure is; null if there is none. */
  channel: string | null
  ts: string | null
}

/** Returns SQL for the objects of `rollout`, an SQL expression: rows of {@link RolloutEntryRow}. */
export function rolloutEntriesSql(rollout: string): string {
  return `select e.object, e.state, e.at, e.said, c.channel, c.ts from rollout_entries e
    left join cards c on e.state = 'failing' and c.id = (
      select max(card_id) from card_entries where object = e.object and since is not null)
    where e.rollout_id = ${rollout} order by e.at, e.object limit ${maxRolloutEntries}`
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

/** What replaced a rollout, by cluster. */
export function replacements({ replaced }: RolloutRow): Record<string, Replacement> {
  return JSON.parse(replaced) as Record<string, Replacement>
}
