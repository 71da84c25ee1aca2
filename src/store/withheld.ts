// Withheld: gathers what a mute has withheld from a destination when the mute ends. Pure.
import type { ObjectRef } from '../events/flux.ts'
import type { Failure, ObjectMemory } from '../objects/memory.ts'
import { objectOf } from '../objects/name.ts'
import type { Transition } from '../objects.ts'
import type { View } from '../render/compose/view.ts'

/** How long it takes at most until every replica knows that a silence has ended, in ms. */
const lateMs = 60_000
/** SQL for the name of a silence, as `silenceName` makes it. */
const nameSql = `case when comment = '' then 'silence ' || id else comment end`

/** SQL for the names and creation times of silences that ended within the last minute before `now`, an SQL expression. */
export function endedLatelySql(now: string): string {
  return `select ${nameSql} as name, created_at from silences where ends_at <= ${now} and ends_at > ${now} - ${lateMs}`
}

/** SQL for the names of silences that have not ended at `now`, an SQL expression. */
export const inEffectSql = (now: string) => `select ${nameSql} as name from silences where ends_at > ${now}`

/** SQL for what mutes of the config file withhold at `now`, an SQL expression: by which mute, until when, and when the last was withheld. */
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

/** The `rows` whose end a new config file moves, and to when; `endsOf` gives the ends of the file's mutes of a name. All in ms. */
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
  /** The last withheld change of its state, or the first news if there was only news. */
  says: Transition
  /** With `recovered`: how the failure ended, unless the object is Ready. */
  ending?: NonNullable<View['ending']>
  /** The object's failure, if the destination counts as notified of it. */
  failure: Failure | undefined
  /** Set if the object has a failure of which the destination has not been notified, or not yet. */
  failsAnew?: true
}

export interface WithheldRow extends Omit<WithheldObject, 'failure' | 'failsAnew'> {
  /** The key of the object. */
  key: string
}

/** A withheld notification as every store reads it; `ref` and `ending` are the `object` and `ending` of its view. */
export interface WithheldNotification {
  id: number
  lane: string
  object: string
  says: Transition
  /** JSON; null if its row of `views` is missing, as after damage. */
  ref: string | null
  ending: string | null
}

/** The part of a notification that is summed up. */
function withheldOf({ object, says, ref, ending }: WithheldNotification): WithheldRow {
  return {
    key: object,
    object: ref === null ? objectOf(object) : (JSON.parse(ref) as ObjectRef),
    says,
    ...(ending !== null && { ending: ending as NonNullable<View['ending']> })
  }
}

const news = new Set<Transition>(['updated', 'informed', 'heartbeat'])

/** The state of an object as a destination knows it, by `memory`, which is all that is remembered of the object. */
export function standing(
  { key: _, ...withheld }: WithheldRow,
  destination: string,
  memory: ObjectMemory | undefined,
  now: number
): WithheldObject {
  const failing = memory === undefined ? [] : [memory, ...(memory.others ?? [])].filter((one) => one.failure)
  // Only the ends of these failures are sent there: of any other, the destination would never read that it is over.
  const known = failing.filter(({ notified }) =>
    notified.some((entry) => entry.destination === destination && (entry.heldUntil ?? 0) <= now)
  )
  const worst = known.find(({ failure }) => failure?.severity === 'error') ?? known[0]
  return { ...withheld, failure: worst?.failure, ...(failing.length > known.length && { failsAnew: true }) }
}

/** Collects the notifications of one mute and destination, in any order and in parts, and keeps one of each object. */
export class Found {
  /** Number of notifications that were added. */
  count = 0
  /** Lane of the newest notification. */
  lane = ''
  #newest = 0
  readonly #byKey = new Map<string, { first: number; id: number; row: WithheldRow }>()
  #rows: WithheldRow[] | undefined

  add(rows: readonly WithheldNotification[]): void {
    this.#rows = undefined
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

  /** One row of each object, in the order in which the objects were first withheld. */
  rows(): readonly WithheldRow[] {
    this.#rows ??= [...this.#byKey.values()].sort((a, b) => a.first - b.first).map(({ row }) => row)
    return this.#rows
  }
}

/** Prefers the last change of a state or, if there is only news, the first news. */
function isBetter(
  one: Pick<WithheldNotification, 'id' | 'says'>,
  than: Pick<WithheldNotification, 'id' | 'says'>
): boolean {
  if (news.has(one.says) !== news.has(than.says)) return news.has(than.says)
  return news.has(one.says) ? one.id < than.id : one.id > than.id
}
