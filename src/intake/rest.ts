// Rest: how long intake waits between two batches, so that the next has more. In: the size of the last batch, and how many events
// wait. Out: the moment to begin the next.
import { setTimeout as pause } from 'node:timers/promises'

/** However they trickle in, the first of them waits for no more looks at the network than this. */
const maxTurns = 8

/** A commit costs as much as three or four events. It is waited for more where the last batch had more than these, and fewer than those. */
const [few, enough] = [2, 24]
/** For this long, in ms, and for as long again. */
const gatherMs = 2
/** Where nobody comes in the second half, everyone waits to be answered before posting again: so many batches are not held up. */
const atOnce = 50

export interface RestOptions {
  /** How many events wait for the next batch. */
  count: () => number
  pause?: (ms: number) => Promise<unknown>
}

/** What waits after a batch of `size`, which may have failed. */
export function createRest({ count, pause: wait = pause }: RestOptions): (size: number) => Promise<void> {
  let hurried = 0

  /** Lets those in who come one by one, as from the clusters of a fleet. */
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

  /** Lets the requests in that arrived meanwhile, as long as each turn brings some. */
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
