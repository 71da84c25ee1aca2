// Turns: goes through many of something some at a time, so that whoever waits for this thread has its own turn in between. All
// of a fleet's ten thousand sources take a tenth of a second, and a scrape of them most of one. And does one thing after the other.
import { setTimeout as pause } from 'node:timers/promises'

/** How many items make a turn, which takes a millisecond or two. */
const atOnce = 500
/** How long others then have the thread, in ms: an event needs it several times until it is answered, and no queue must grow. */
const othersMs = 5

/** Calls `each` with every item, in order. */
export async function inTurns<T>(items: Iterable<T>, each: (item: T) => Promise<void> | void): Promise<void> {
  for await (const part of inParts([...items])) for (const item of part) await each(item)
}

/** `items` in parts that take one turn each. */
export async function* inParts<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += atOnce) {
    if (from > 0) await pause(othersMs)
    yield items.slice(from, from + atOnce)
  }
}

/** Runs what it is given one after the other, whatever becomes of each. */
export interface OneByOne {
  <T>(work: () => Promise<T>): Promise<T>
  /** Resolves when all that was given is over. */
  over(): Promise<void>
}

/** Work that would get in its own way. */
export function oneByOne(): OneByOne {
  let last = Promise.resolve()
  const run = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.then(
      () => {},
      () => {}
    )
    return result
  }
  return Object.assign(run, { over: () => last })
}
