// Muted steps: decides which of what was held on purpose is withheld when that ends, by the mutes in effect then. Pure.
import { type FluxEvent, readStored } from '../../events/flux.ts'
import type { Severity } from '../../events/severity.ts'
import { type Mute, type Muting, mutingOf } from '../../mutes/mutes.ts'
import type { Transition } from '../../objects.ts'
import type { Pending } from '../kept-lanes.ts'

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

/** What one mute withheld from a destination, as long as there is any. */
export interface EndedGroup {
  mute: string
  destination: string
  /** Since when, in ms. */
  since: number
}

/** What mutes withheld that are over at `now`, written in SQL: a row for each {@link EndedGroup}. */
export function endedSql(now: string): string {
  return `select mute, destination, min(coalesce(held_at, created_at)) as since from notifications
    where muted_until <= ${now} group by mute, destination`
}

/** A failure that goes on to be withheld. */
export interface WithheldFailure extends Muting {
  /** The key of its object. */
  object: string
}

/** Instead of its end, what is put aside to be summed up has this, which is before all ends: it is of one mute and one destination. */
export const summing = -1

/** The announcement that is there from the moment on in which what was put aside is in a summary, until all of it is let go of. */
export const summedUp = 'what was withheld is summed up'

/**
 * The failures that go on to be withheld from a destination, at `now`, of whose objects something is put aside, written in SQL.
 * `isTo` says that a row is for the destination, without its index, which has all that was ever sent there.
 */
export function withheldFailuresSql(now: string, isTo: string): string {
  return `select object, mute as name, muted_until as until from notifications
    where muted_until > ${now} and ${isTo} and says in ('failed', 'changed', 'repeated')
      and object in (select object from notifications where muted_until = ${summing})`
}

/** What is being summed up that says of an object that it is over: {@link WithheldEnd}. */
export const withheldEndsSql = `select id, object, says from notifications where muted_until = ${summing} and says = 'recovered'`

export interface WithheldEnd {
  id: number
  object: string
  says: Transition
}

/** What goes along with `failures`, which go on to be withheld: their ends. */
export function withEnds(
  rows: readonly WithheldEnd[],
  failures: readonly WithheldFailure[]
): { carried: Withholding[]; silent: ReadonlySet<string> } {
  const byObject = new Map(failures.map((failure) => [failure.object, failure]))
  const carried = rows.flatMap(({ id, object, says }) => {
    const failure = says === 'recovered' ? byObject.get(object) : undefined
    return failure === undefined ? [] : [{ id, name: failure.name, until: failure.until }]
  })
  return { carried, silent: new Set(byObject.keys()) }
}

function mutingOfEvent(row: HeldEvent, mutes: readonly Mute[], now: number): Muting | undefined {
  const { source, cluster, kind, namespace, name, severity, transition, received_at: receivedAt, body } = row
  const stored = readStored({ body, source, object: { cluster, kind, namespace, name }, receivedAt })
  if (stored === undefined) return undefined
  // As it was classified when it came.
  const event: FluxEvent = { ...stored, severity }
  return mutingOf(mutes, { event, transition }, now)
}
