// Clock: gives the time wherever the relay reads it or waits, so that tests can run a day in a second.

export interface Clock {
  /** ms since 1970 */
  now(): number
  /** ms since some moment, in real time: whoever sets the clock does not change it. */
  ticks(): number
  /** Calls `wake` once after `ms`; the returned function takes that back. */
  after(ms: number, wake: () => void): () => void
}

// setTimeout fires at once where the delay does not fit into 32 bits.
const longestMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, Math.min(Math.max(0, ms), longestMs))
    return () => clearTimeout(timer)
  }
}

/**
 * Does `work` again and again, each time `ms` after the last has ended, until the returned function is called: what is under
 * way then is the last. An error of `work` goes to `onError`, and the next time comes all the same. `ms` may be a function,
 * which is asked before each wait.
 */
export function every(
  clock: Pick<Clock, 'after'>,
  ms: number | (() => number),
  work: () => Promise<void>,
  onError: (error: unknown) => void
): () => void {
  let isStopped = false
  let cancel = later()

  function later(): () => void {
    return clock.after(typeof ms === 'number' ? ms : ms(), async () => {
      await work().catch(onError)
      if (!isStopped) cancel = later()
    })
  }

  return () => {
    isStopped = true
    cancel()
  }
}

/** A clock that is put right by no more than this is waited for; more is a clock that was wrong, and is left at once. */
const slewMs = 60_000

/**
 * The clock that decisions go by: `timeOf` makes it of the time of `own`. Small steps back do not make it run back, it goes
 * at half its speed until the other has come up with it; a larger one it follows, or it would stay wrong for as long.
 */
export function steadyClock(own: Clock, timeOf: (now: number) => number): Clock {
  let last = Number.NEGATIVE_INFINITY
  let lastTicks = own.ticks()
  return {
    ticks: own.ticks,
    after: own.after,
    now() {
      const ticks = own.ticks()
      const wall = timeOf(own.now())
      const isAhead = last > wall && last - wall <= slewMs
      last = isAhead ? Math.max(wall, last + (ticks - lastTicks) / 2) : wall
      lastTicks = ticks
      return Math.floor(last)
    }
  }
}
