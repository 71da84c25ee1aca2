// Comparison: finds what two configs do differently with the same event. Pure.
import type { Spoken } from './rehearsal.ts'

/** A message, or of one in the past what the relay keeps: by which rule it went where. */
export type Sent = Pick<Spoken, 'destination' | 'rule'> & Partial<Pick<Spoken, 'says' | 'text'>>

export type Difference =
  | { is: 'lost'; was: Sent }
  | { is: 'added'; now: Sent }
  /** The same rule notifies another destination. */
  | { is: 're-routed'; was: Sent; now: Sent }
  | { is: 're-worded'; was: Sent; now: Sent }

/** What changes for the readers: the same message by another rule is not a difference to them. */
export function compare(before: readonly Sent[], after: readonly Sent[]): Difference[] {
  const was = new Set(before)
  const now = new Set(after)
  const pairs = (fits: (a: Sent, b: Sent) => boolean) =>
    [...was].flatMap((a) => {
      const b = [...now].find((candidate) => fits(a, candidate))
      if (b === undefined) return []
      was.delete(a)
      now.delete(b)
      return [{ was: a, now: b }]
    })
  const kept = [
    ...pairs((a, b) => a.destination === b.destination && a.rule === b.rule),
    ...pairs((a, b) => a.destination === b.destination)
  ]
  const moved = pairs((a, b) => a.rule === b.rule)
  return [
    ...[...was].map((lost) => ({ is: 'lost', was: lost }) as const),
    ...moved.map((pair) => ({ is: 're-routed', ...pair }) as const),
    ...kept.filter(isReworded).map((pair) => ({ is: 're-worded', ...pair }) as const),
    ...[...now].map((added) => ({ is: 'added', now: added }) as const)
  ]
}

function isReworded({ was, now }: { was: Sent; now: Sent }): boolean {
  return was.text !== undefined && was.text !== now.text
}
