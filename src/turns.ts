// Turns: goes through many of something some at a time, so that whoever waits for this thread has its own turn in between. All
// of a fleet's ten thousand sources take a tenth of a second, and a scrape of them most of one.
import { setTimeout as pause } from 'node:timers/promises'

/** So many take a millisecond or two, */
const atOnce = 500
/** and for as long others have the thread: an event that comes needs it several times until it is answered. */
const othersMs = 2

/** Calls `each` with every item, in order. */
export function inTurns<T>(items: Iterable<T>, each: (item: T) => Promise<void> | void): Promise<void> {
  return inParts([...items], async (part) => {
    for (const item of part) await each(item)
  })
}

/** Calls `each` with as many of `items` as one turn takes, until there are no more. */
export async function inParts<T>(
  items: readonly T[],
  each: (part: readonly T[]) => Promise<void> | void
): Promise<void> {
  for (let from = 0; from < items.length; from += atOnce) {
    if (from > 0) await pause(othersMs)
    await each(items.slice(from, from + atOnce))
  }
}
