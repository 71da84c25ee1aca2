// Muted steps: decides which held notifications are withheld when their hold ends, by the mutes in effect then. Pure.
import { type FluxEvent, readStored } from '../../events/flux.ts'
import type { Severity } from '../../events/severity.ts'
import { type Mute, type Muting, mutingOf } from '../../mutes/mutes.ts'
import type { Transition } from '../../objects.ts'
import type { View } from '../../render/compose/view.ts'
import type { NewNotification } from '../kept.ts'
import type { LaneOf, Pending } from '../kept-lanes.ts'
import { type Found, standing, type Withheld, type WithheldObject } from '../withheld.ts'

/** The columns of an event that a mute may ask for. */
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

/** The columns of a {@link HeldEvent}, as SQL. */
export const heldEventColumns = 'id, source, cluster, kind, namespace, name, severity, transition, received_at, body'

/** A notification and the event that it is about; null if there is none. */
export interface HeldNotification {
  id: number
  event_id: number | null
}

/** A notification that is withheld, and what withholds it. */
export interface Withholding extends Muting {
  id: number
}

/** The mutes in effect at `now`, in ms. */
export function inEffect(mutes: readonly Mute[] | undefined, now: number): Mute[] {
  return mutes?.filter((mute) => mute.endOf(now) !== undefined) ?? []
}

/** The notifications of `pending` that were held until now, except those about a rollout: they are about many objects. */
export function heldUntilNow(pending: readonly Pending[]): HeldNotification[] {
  return pending.flatMap(({ id, event, heldUntil, holds, group, view }) => {
    const wasHeld = heldUntil > 0 || holds > 0 || group !== undefined
    const eventId = Number(event)
    if (!wasHeld || view.rollout !== undefined || Number.isNaN(eventId)) return []
    return [{ id: Number(id), event_id: eventId }]
  })
}

/** Decides which of `held` are withheld at `now`, in ms, by `mutes`, all of which are in effect. */
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

/** Whatever was withheld for longer is summed up when its mute ends, or mutes that follow without a gap would never say anything. */
export const longestCarriedMs = 7 * 24 * 60 * 60 * 1000

/** A mute and a destination from which it has withheld something. */
export interface EndedGroup {
  mute: string
  destination: string
  /** When it first withheld any of that, in ms. */
  since: number
}

/** SQL for a row of {@link EndedGroup} for each mute that is over at `now`, an SQL expression, and each destination. */
export function endedSql(now: string): string {
  return `select mute, destination, min(coalesce(held_at, created_at)) as since from notifications
    where muted_until <= ${now} group by mute, destination`
}

/** A failure that stays withheld. */
export interface WithheldFailure extends Muting {
  /** The key of its object. */
  object: string
}

/** The `muted_until` of rows that are put aside to be summed up, which are of one mute and destination: it is before all real ends. */
export const summing = -1

/** Key of the announcement that exists from the moment when a summary has all that was put aside until all of that is let go of. */
export const summedUp = 'what was withheld is summed up'

/** Returns SQL for the first mute that is over at `now`, an SQL expression, with a destination from which it has withheld something. */
export function firstOverSql(now: string): string {
  return `select mute, destination from notifications where muted_until <= ${now} and mute is not null
    order by muted_until limit 1`
}

/** Most rows that {@link letGoSql} changes. */
export const letGoRows = 2000

/** SQL that lets go of some rows that were put aside. */
export const letGoSql = `update notifications set muted_until = null where id in (
  select id from notifications where muted_until = ${summing} limit ${letGoRows})`

/**
 * SQL for the failures that stay withheld from a destination at `now` and whose objects have something put aside. `isTo` is the
 * condition on the destination, written so that its index is not used: that has all rows that were ever sent there.
 */
export function withheldFailuresSql(now: string, isTo: string): string {
  return `select object, mute as name, muted_until as until from notifications
    where muted_until > ${now} and ${isTo} and says in ('failed', 'changed', 'repeated')
      and object in (select object from notifications where muted_until = ${summing})`
}

/** SQL for the ends of failures among what is put aside: rows of {@link WithheldEnd}. */
export const withheldEndsSql = `select id, object, says from notifications where muted_until = ${summing} and says = 'recovered'`

export interface WithheldEnd {
  id: number
  object: string
  says: Transition
}

/** Finds the ends of `failures`, which stay withheld: the ends are `carried` along, and the summary is `silent` about their objects. */
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

/** Makes the summary of `found`. `stands` has, by key, the states of objects about whose failures the destination counts as notified. */
export function summaryOf(
  { mute, destination }: { mute: string; destination: string },
  found: Found,
  stands: ReadonlyMap<string, WithheldObject>,
  { laneOf, compose, now }: { laneOf: LaneOf; compose: (withheld: Withheld) => View; now: number }
): NewNotification {
  const objects = found.rows().map((row) => stands.get(row.key) ?? standing(row, destination, undefined, now))
  const view = compose({ mute, destination, notifications: found.count, objects })
  return { rule: 'mute', destination, lane: laneOf(destination) ?? found.lane, view }
}

function mutingOfEvent(row: HeldEvent, mutes: readonly Mute[], now: number): Muting | undefined {
  const { source, cluster, kind, namespace, name, severity, transition, received_at: receivedAt, body } = row
  const stored = readStored({ body, source, object: { cluster, kind, namespace, name }, receivedAt })
  if (stored === undefined) return undefined
  // The severity is as it was classified when the event arrived.
  const event: FluxEvent = { ...stored, severity }
  return mutingOf(mutes, { event, transition }, now)
}
