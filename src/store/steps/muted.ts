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

/** A notification whose mute is over. */
export interface EndedNotification extends HeldNotification {
  /** The key of its object. */
  object: string
  says: Transition
  /** Since when it is withheld, in ms. */
  at: number
}

/** What is withheld for longer is summed up at the end of its mute, or mutes that leave no gap would never say anything. */
export const longestCarriedMs = 7 * 24 * 60 * 60 * 1000

/** Whether what a mute withheld may go on to be withheld when that is over at `now`, in ms. */
export function mayGoOn(rows: readonly EndedNotification[], now: number): boolean {
  return rows.every(({ at }) => now - at < longestCarriedMs)
}

const ofFailure = new Set<Transition>(['failed', 'changed', 'repeated'])

/**
 * What of `rows`, which one mute withheld from a destination, goes on to be withheld: what is `found` to be, by other mutes or by the
 * same that begins anew, and the end of a failure with it. `silent`: the objects whose failures go on to be withheld, by their keys.
 */
export function carryOn(
  rows: readonly EndedNotification[],
  found: readonly Withholding[]
): { carried: Withholding[]; silent: ReadonlySet<string> } {
  const byId = new Map(found.map((withholding) => [withholding.id, withholding]))
  const failing = new Map<string, Withholding>()
  for (const { id, object, says } of rows) {
    const muting = byId.get(id)
    if (muting !== undefined && ofFailure.has(says)) failing.set(object, muting)
  }
  const carried = rows.flatMap(({ id, object, says }) => {
    const muting = byId.get(id) ?? (says === 'recovered' ? failing.get(object) : undefined)
    return muting === undefined ? [] : [{ ...muting, id }]
  })
  return { carried, silent: new Set(failing.keys()) }
}

function mutingOfEvent(row: HeldEvent, mutes: readonly Mute[], now: number): Muting | undefined {
  const { source, cluster, kind, namespace, name, severity, transition, received_at: receivedAt, body } = row
  const stored = readStored({ body, source, object: { cluster, kind, namespace, name }, receivedAt })
  if (stored === undefined) return undefined
  // As it was classified when it came.
  const event: FluxEvent = { ...stored, severity }
  return mutingOf(mutes, { event, transition }, now)
}
