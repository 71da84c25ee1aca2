// Event time: decides how far a timestamp from outside is believed, and what it shows of the clock it came from. Pure.

/** A timestamp counts where it is this near to when the event came; beyond, the clock it is from is wrong. */
export const believedMs = 15 * 60 * 1000

/**
 * No retry comes later: Flux's client tries at 0, 2, 6, 14 and 30 s and gives up at the Provider's `timeout`, and each try
 * may hang for some seconds. What seems to be older than this comes from a clock that is behind.
 */
export const longestRetryMs = 75_000

/**
 * When an event happened, in ms. `stamp` is what it says, NaN where it says nothing; `behindMs` is how far the clock that it
 * is from is known to be behind. Never later than `receivedAt`.
 */
export function believe(stamp: number, receivedAt: number, behindMs = 0): number {
  const at = stamp + behindMs
  return Math.abs(at - receivedAt) <= believedMs ? Math.min(at, receivedAt) : receivedAt
}

/** What the events of one clock have shown since it was last seen to be set. */
export interface Skew {
  /** The newest timestamp: the same once more says nothing new, and events posted by hand often have one for all. */
  stamp: number
  /** The least that any came after its own timestamp, in ms; negative where the timestamp is in the future. */
  leastMs: number
  events: number
}

/** A clock is taken to be behind when this many events in a row say so: one alone may have been late. */
const enoughEvents = 3
/** Less is what requests and whole seconds come to. */
const noticedMs = 60_000

/** Before this nobody had Flux: such a timestamp is not one. */
const firstYear = Date.UTC(2016, 0)

/** What is known of a clock after an event that came at `receivedAt` with the timestamp `stamp`, in ms. */
export function measure(known: Skew | undefined, stamp: number, receivedAt: number): Skew | undefined {
  if (!(stamp >= firstYear) || stamp === known?.stamp) return known
  const lagMs = receivedAt - stamp
  // Later than a retry can be: either clock was set since then.
  if (known === undefined || lagMs - known.leastMs > longestRetryMs) return { stamp, leastMs: lagMs, events: 1 }
  return { stamp, leastMs: Math.min(known.leastMs, lagMs), events: known.events + 1 }
}

/** How far the clock is behind the relay's, in ms, negative where it is ahead; undefined while too little is known. */
export function skewOf({ leastMs, events }: Skew): number | undefined {
  return events < enoughEvents ? undefined : leastMs
}

/**
 * How much to add to timestamps of the clock. One in the future is sure to be ahead, whatever the network did; one in the
 * past may have been late, so that takes several.
 */
export function correctionOf({ leastMs, events }: Skew): number {
  if (leastMs < 0) return leastMs
  return leastMs >= noticedMs && events >= enoughEvents ? leastMs : 0
}
