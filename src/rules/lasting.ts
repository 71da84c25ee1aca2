// Lasting: decides until when a failure is held to see whether it lasts (`for`), and which rule notifies of it first. Pure.
import type { Notified } from '../objects/memory.ts'
import type { Rule } from './rule.ts'

/** A notification that is held to see whether its failure lasts. */
export interface Held {
  /** The store's own; of what came in the same batch it is no id yet. */
  id: string
  rule: string
  destination: string
  /** When its failure began, in ms. */
  since: number | undefined
  /** ms */
  until: number
}

/** What becomes of one that is held: nobody is notified by it, for this reason; or it is held no longer. */
export type Release = { held: Held; because?: string }

/** How a reason begins that a failure ended before it had lasted. */
export const passedReason = 'passed by itself'

/** Until when a failure that began at `since` is held, in ms; `row` is what is held of it already. */
export function lastsUntil(
  { forMs }: Rule,
  since: number | undefined,
  row: Held | undefined,
  now: number
): number | undefined {
  const until = Math.min(Math.min(since ?? now, now) + forMs, row?.until ?? Number.POSITIVE_INFINITY)
  return until > now ? until : undefined
}

/** Marks what is no longer held as notified when its hold ended. */
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

/** The name of another rule that notifies `destination` of the failure before `rule`, which waits for it to last, does. */
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
