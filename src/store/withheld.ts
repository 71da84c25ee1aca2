// Withheld: gathers what a mute withheld from a destination, when it ends. Pure.
import type { ObjectRef } from '../events/flux.ts'
import type { Failure, ObjectMemory } from '../objects/memory.ts'
import { objectOf } from '../objects/name.ts'
import type { Transition } from '../objects.ts'
import type { View } from '../render/compose/view.ts'

/** Everybody has heard of the end of a silence by then, in ms. */
const lateMs = 60_000
/** As `silenceName` has it. */
const nameSql = `case when comment = '' then 'silence ' || id else comment end`

/** The silences that ended within the last minute before `now`, as it is written in SQL: what they withhold by, and since when. */
export function endedLatelySql(now: string): string {
  return `select ${nameSql} as name, created_at from silences where ends_at <= ${now} and ends_at > ${now} - ${lateMs}`
}

/** The names by which silences withhold that have not ended at `now`, as it is written in SQL. */
export const inEffectSql = (now: string) => `select ${nameSql} as name from silences where ends_at > ${now}`

/** What mutes of the config file withhold at `now`, as it is written in SQL: their names, until when, and when they last did. */
export function mutedSql(now: string): string {
  return `select mute, muted_until as until, max(coalesce(held_at, created_at)) as last from notifications
    where muted_until > ${now} and mute not in (${inEffectSql(now)}) group by mute, muted_until`
}

/** A row of {@link mutedSql}. */
export interface Muted {
  mute: string
  until: number
  last: number
}

/** The `rows` whose end is moved by a new config file, and to when; `endsOf` says when its mutes of a name end. All in ms. */
export function movedEnds<Row extends Omit<Muted, 'last'>>(
  rows: readonly Row[],
  endsOf: (mute: string) => readonly number[],
  now: number
): (Row & { to: number })[] {
  return rows.flatMap((row) => {
    const ends = endsOf(row.mute)
    return ends.includes(row.until) ? [] : [{ ...row, to: Math.max(now, ...ends) }]
  })
}

export interface Withheld {
  mute: string
  destination: string
  notifications: number
  /** Each object once, in the order in which it was first withheld. */
  objects: readonly WithheldObject[]
}

export interface WithheldObject {
  object: ObjectRef
  /** The last withheld change of its state, or the last news where there was only news. */
  says: Transition
  /** With `recovered`: how, where it is not Ready. */
  ending?: NonNullable<View['ending']>
  /** The failure it is in, where the destination counts as notified of it. */
  failure: Failure | undefined
  /** It is in one that the destination is not notified of, or not yet. */
  failsAnew?: true
}

export interface WithheldRow extends Omit<WithheldObject, 'failure' | 'failsAnew'> {
  /** The key it is remembered by. */
  key: string
}

/** A notification that was withheld, with `object` and `ending` of its view: as every store has them. */
export interface WithheldNotification {
  id: number
  lane: string
  object: string
  says: Transition
  /** JSON; null where its row of `views` is missing, as after damage. */
  ref: string | null
  ending: string | null
}

/** What of it is summed up. */
function withheldOf({ object, says, ref, ending }: WithheldNotification): WithheldRow {
  return {
    key: object,
    object: ref === null ? objectOf(object) : (JSON.parse(ref) as ObjectRef),
    says,
    ...(ending !== null && { ending: ending as NonNullable<View['ending']> })
  }
}

const news = new Set<Transition>(['updated', 'informed', 'heartbeat'])

/** How an object stands for a destination by `memory`, which is all that is known of it. */
export function standing(
  { key: _, ...withheld }: WithheldRow,
  destination: string,
  memory: ObjectMemory | undefined,
  now: number
): WithheldObject {
  const failing = memory === undefined ? [] : [memory, ...(memory.others ?? [])].filter((one) => one.failure)
  // The end goes to exactly these: of any other failure nobody there would read that it is over.
  const known = failing.filter(({ notified }) =>
    notified.some((entry) => entry.destination === destination && (entry.heldUntil ?? 0) <= now)
  )
  const worst = known.find(({ failure }) => failure?.severity === 'error') ?? known[0]
  return { ...withheld, failure: worst?.failure, ...(failing.length > known.length && { failsAnew: true }) }
}

/** The rows of one mute and destination, in any order and in parts: of each object one is kept. */
export class Found {
  /** How many were added. */
  count = 0
  /** That of the newest. */
  lane = ''
  #newest = 0
  readonly #byKey = new Map<string, { first: number; id: number; row: WithheldRow }>()

  add(rows: readonly WithheldNotification[]): void {
    for (const notification of rows) {
      const { id, lane, object } = notification
      this.count += 1
      if (id > this.#newest) [this.#newest, this.lane] = [id, lane]
      const known = this.#byKey.get(object)
      if (known === undefined) {
        this.#byKey.set(object, { first: id, id, row: withheldOf(notification) })
        continue
      }
      if (isBetter(notification, { id: known.id, says: known.row.says }))
        Object.assign(known, { id, row: withheldOf(notification) })
      known.first = Math.min(known.first, id)
    }
  }

  /** One of each object, in the order in which they were first withheld. */
  rows(): WithheldRow[] {
    return [...this.#byKey.values()].sort((a, b) => a.first - b.first).map(({ row }) => row)
  }
}

/** The last change of a state; where there was only news, the first of that. */
function isBetter(
  one: Pick<WithheldNotification, 'id' | 'says'>,
  than: Pick<WithheldNotification, 'id' | 'says'>
): boolean {
  if (news.has(one.says) !== news.has(than.says)) return news.has(than.says)
  return news.has(one.says) ? one.id < than.id : one.id > than.id
}
