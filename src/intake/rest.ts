// Rest: decides how long intake waits between two batches, so that the next one has more events. In: the size of the last batch, and
// how many events wait. Out: the moment to begin the next.
import { setTimeout as pause } from 'node:timers/promises'

/** However slowly events trickle in, the first of a batch waits for no more turns of the event loop than this. */
const maxTurns = 8

/** A commit costs as much as three or four events. If the last batch had more than `few` and fewer than `enough`, more are waited for. */
const [few, enough] = [2, 24]
/** Length of each half of that wait, in ms. */
const gatherMs = 2
/** If nothing arrives in the second half, all senders wait for an answer before posting again: so many batches are not delayed then. */
const atOnce = 50

export interface RestOptions {
  /** How many events wait for the next batch. */
  count: () => number
  pause?: (ms: number) => Promise<unknown>
}

/** Returns the function that waits after a batch of `size`, which may have failed. */
export function createRest({ count, pause: wait = pause }: RestOptions): (size: number) => Promise<void> {
  let hurried = 0

  /** Lets in events that arrive one by one, as from the clusters of a fleet. */
  async function gather(): Promise<void> {
    if (hurried > 0) {
      hurried -= 1
      return
    }
    await wait(gatherMs)
    const known = count()
    await wait(gatherMs)
    if (count() === known) hurried = atOnce
  }

  /** Lets in the requests that have arrived meanwhile, as long as each turn brings some. */
  async function comeToRest(): Promise<void> {
    for (let turn = 0, known = -1; turn < maxTurns && known < count(); turn++) {
      known = count()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  return async (size) => {
    if (size > few && size < enough) await gather()
    await comeToRest()
  }
}
