// Time, passed in wherever the relay waits or looks at it, so that tests can run a day in a second.

export interface Clock {
  /** ms since 1970 */
  now(): number
  /** Calls `wake` once after `ms`; the returned function takes that back. */
  after(ms: number, wake: () => void): () => void
}

// setTimeout fires at once where the delay does not fit into 32 bits.
const longestMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, Math.min(Math.max(0, ms), longestMs))
    return () => clearTimeout(timer)
  }
}
