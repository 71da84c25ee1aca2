// Lasting: decides how long a failure is held to see whether it lasts (`for`), and which rule notifies of it first. Pure.
import type { Notified } from '../objects/memory.ts'
import type { Rule } from './rule.ts'

/** A notification that is held to see whether its failure lasts. */
export interface Held {
  /** Given by the store; a notification of the same batch has no id yet. */
  id: string
  rule: string
  destination: string
  /** Beginning of its failure, in ms. */
  since: number | undefined
  /** End of the hold, in ms. */
  until: number
}

/** The end of a hold. With `because`, nobody is notified, for that reason; without, the notification is held no longer. */
export type Release = { held: Held; because?: string }

/** Beginning of the reason that is given if a failure ended before it had lasted. */
export const passedReason = 'passed by itself'

/**
 * Returns until when a failure that began at `since` is held, in ms; undefined if it is not. `row` is its notification that is held
 * already.
 */
export function lastsUntil(
  { forMs }: Rule,
  since: number | undefined,
  row: Held | undefined,
  now: number
): number | undefined {
  const until = Math.min(Math.min(since ?? now, now) + forMs, row?.until ?? Number.POSITIVE_INFINITY)
  return until > now ? until : undefined
}

/** Counts notifications that are no longer held as notified when their hold ended. */
export function unlessHeld(
  notified: readonly Notified[],
  rowOf: (entry: Notified) => Held | undefined
): readonly Notified[] {
  const isOver = (entry: Notified) => entry.heldUntil !== undefined && rowOf(entry) === undefined
  if (!notified.some(isOver)) return notified
  return notified.map((entry) => {
    if (!isOver(entry)) return entry
    const { heldUntil = 0, ...rest } = entry
    return { ...rest, at: Math.max(rest.at, heldUntil) }
  })
}

/**
 * Returns the name of another rule that notifies `destination` of the failure before `rule`, which waits for it to last; undefined
 * if none does.
 */
export function soonerThan(
  rule: Rule,
  destination: string,
  {
    addressed,
    notified,
    rules,
    isMuted
  }: {
    addressed: readonly { rule: Rule; addresses: readonly { destination: string }[] }[]
    notified: readonly Notified[]
    rules: ReadonlyMap<string, Rule>
    isMuted: boolean
  }
): string | undefined {
  if (rule.forMs === 0) return undefined
  const at = addressed.findIndex((entry) => entry.rule === rule)
  const rival = addressed.find(
    (entry, place) =>
      (entry.rule.forMs < rule.forMs || (entry.rule.forMs === rule.forMs && place < at)) &&
      entry.addresses.some((address) => address.destination === destination)
  )
  const known = notified.find(
    (entry) =>
      entry.rule !== rule.name &&
      entry.destination === destination &&
      (rules.get(entry.rule)?.forMs ?? 0) <= rule.forMs &&
      (isMuted || !entry.isWithheld)
  )
  return rival?.rule.name ?? known?.rule
}
