// Muted steps: decides which of what was held on purpose is withheld when that ends, by the mutes in effect then. Pure.
import { type FluxEvent, readStored } from '../../events/flux.ts'
import type { Severity } from '../../events/severity.ts'
import { type Mute, type Muting, mutingOf } from '../../mutes/mutes.ts'
import type { Transition } from '../../objects.ts'
import type { Pending } from '../kept-lanes.ts'
import type { WithheldNotification } from '../withheld.ts'

/** What is kept of an event that a mute may ask for. */
export interface HeldEvent {
  id: number
  source: string
  cluster: string
  kind: string
  namespace: string
  name: string
  severity: Severity
  transition: Transition
  /** ms */
  received_at: number
  body: string
}

/** Its columns. */
export const heldEventColumns = 'id, source, cluster, kind, namespace, name, severity, transition, received_at, body'

/** A notification, and the event that it is about; null where that is none. */
export interface HeldNotification {
  id: number
  event_id: number | null
}

/** A notification that is withheld, and what withholds it. */
export interface Withholding extends Muting {
  id: number
}

/** Those in effect at `now`, in ms. */
export function inEffect(mutes: readonly Mute[] | undefined, now: number): Mute[] {
  return mutes?.filter((mute) => mute.endOf(now) !== undefined) ?? []
}

/** Those that were held until now. What is said of a rollout is about many objects, and stays. */
export function heldUntilNow(pending: readonly Pending[]): HeldNotification[] {
  return pending.flatMap(({ id, event, heldUntil, holds, group, view }) => {
    const wasHeld = heldUntil > 0 || holds > 0 || group !== undefined
    const eventId = Number(event)
    if (!wasHeld || view.rollout !== undefined || Number.isNaN(eventId)) return []
    return [{ id: Number(id), event_id: eventId }]
  })
}

/** Which of `held` are withheld at `now`, in ms, by `mutes`, which are in effect. */
export function withholdings(
  held: readonly HeldNotification[],
  events: readonly HeldEvent[],
  mutes: readonly Mute[],
  now: number
): Withholding[] {
  const byEvent = new Map(events.map((row) => [row.id, mutingOfEvent(row, mutes, now)]))
  return held.flatMap(({ id, event_id }) => {
    const muting = byEvent.get(event_id ?? -1)
    return muting === undefined ? [] : [{ id, ...muting }]
  })
}

/** What is withheld for longer is summed up at the end of its mute, or mutes that leave no gap would never say anything. */
export const longestCarriedMs = 7 * 24 * 60 * 60 * 1000

/** As many are asked for at a time: nobody else writes meanwhile. */
export const carriedAtATime = 500

/**
 * What one mute withheld from a destination, when that is over at `now`, in ms: which of it goes on to be withheld, by others of
 * `mutes` or by the same that begins anew. `rows` are the oldest first.
 */
export function carriedOn(
  rows: readonly WithheldNotification[],
  events: readonly HeldEvent[],
  mutes: readonly Mute[],
  now: number
): Withholding[] {
  const isLong = rows.some(({ at }) => now - at >= longestCarriedMs)
  return isLong ? [] : withholdings(rows, events, mutes, now)
}

/** What goes on to be withheld of failures, in SQL: of a destination, and `now`. */
export function withheldFailuresSql(now: string, destination: string): string {
  return `select object, mute as name, muted_until as until from notifications
    where muted_until > ${now} and destination = ${destination} and says in ('failed', 'changed', 'repeated')`
}

export interface WithheldFailure extends Muting {
  object: string
}

/**
 * Of what is to be summed up: the ends of failures that go on to be withheld, which go with them, and the rest. `keys`: the objects of
 * the rest whose failures, if any, the summary says.
 */
export function withEnds<Row extends WithheldNotification>(
  rows: readonly Row[],
  failures: readonly WithheldFailure[]
): { carried: Withholding[]; left: Row[]; keys: ReadonlySet<string> } {
  const byObject = new Map(failures.map((failure) => [failure.object, failure]))
  const goesOn = ({ object, says }: Row) => (says === 'recovered' ? byObject.get(object) : undefined)
  const left = rows.filter((row) => goesOn(row) === undefined)
  return {
    carried: rows.flatMap((row) => {
      const muting = goesOn(row)
      return muting === undefined ? [] : [{ id: row.id, name: muting.name, until: muting.until }]
    }),
    left,
    keys: new Set(left.map(({ object }) => object).filter((key) => !byObject.has(key)))
  }
}

function mutingOfEvent(row: HeldEvent, mutes: readonly Mute[], now: number): Muting | undefined {
  const { source, cluster, kind, namespace, name, severity, transition, received_at: receivedAt, body } = row
  const stored = readStored({ body, source, object: { cluster, kind, namespace, name }, receivedAt })
  if (stored === undefined) return undefined
  // As it was classified when it came.
  const event: FluxEvent = { ...stored, severity }
  return mutingOf(mutes, { event, transition }, now)
}
