// Turns: goes through many of something some at a time, so that whoever waits for this thread has its own turn in between. All
// of a fleet's ten thousand sources take a tenth of a second, and a scrape of them most of one.
import { setTimeout as pause } from 'node:timers/promises'

/** So many take a millisecond or two, */
const atOnce = 500
/** and for longer others have the thread, in ms: an event needs it several times until it is answered, and no queue must grow. */
const othersMs = 5

/** Calls `each` with every item, in order. */
export async function inTurns<T>(items: Iterable<T>, each: (item: T) => Promise<void> | void): Promise<void> {
  for await (const part of inParts([...items])) for (const item of part) await each(item)
}

/** As many of `items` at a time as one turn takes. */
export async function* inParts<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += atOnce) {
    if (from > 0) await pause(othersMs)
    yield items.slice(from, from + atOnce)
  }
}
