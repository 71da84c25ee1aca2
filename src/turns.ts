// Turns: goes through many items some at a time, so that whoever waits for this thread has its turn in between: all of a fleet's ten
// thousand sources take a tenth of a second, and a scrape of them most of one. It also does one thing after the other.
import { setTimeout as pause } from 'node:timers/promises'

/** The number of items in a turn, which takes a millisecond or two. */
const atOnce = 500
/** How long others then have the thread, in ms. An event needs it several times until it is answered, and no queue may grow. */
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

/** Runs each piece of work after the one before it, whatever becomes of that. */
export interface OneByOne {
  <T>(work: () => Promise<T>): Promise<T>
  /** Resolves when all work that was given is over. */
  over(): Promise<void>
}

/** Makes a queue for work that would get in its own way. */
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
