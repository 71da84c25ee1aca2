// Event time: decides how far a timestamp from outside is believed, and what it shows about the clock it came from. Pure.

/** A timestamp counts if it is this near to the arrival of its event; beyond that, the clock it came from is wrong. */
export const believedMs = 15 * 60 * 1000

/**
 * No retry comes later than this: Flux's client tries at 0, 2, 6, 14 and 30 s and gives up at the Provider's `timeout`, and each
 * try may hang for some seconds. An event that seems older comes from a clock that is behind.
 */
export const longestRetryMs = 75_000

/**
 * Returns when an event happened, in ms and never later than `receivedAt`. `stamp` is its timestamp, NaN if it has none; `behindMs`
 * is how far the clock it came from is known to be behind.
 */
export function believe(stamp: number, receivedAt: number, behindMs = 0): number {
  const at = stamp + behindMs
  return Math.abs(at - receivedAt) <= believedMs ? Math.min(at, receivedAt) : receivedAt
}

/** What the events of one clock have shown since the clock last seemed to be set. */
export interface Skew {
  /** The newest timestamp. The same one again says nothing new, and events posted by hand often share one. */
  stamp: number
  /** The least time by which any event came after its own timestamp, in ms; negative if the timestamp is in the future. */
  leastMs: number
  events: number
}

/** A clock counts as behind once this many events in a row say so: a single one may have been late. */
const enoughEvents = 3
/** Requests and whole seconds alone can account for less. */
const noticedMs = 60_000

/** Flux did not exist before this, so an earlier timestamp is not real. */
const firstYear = Date.UTC(2016, 0)

/** Returns what is known of a clock after an event that came at `receivedAt` with the timestamp `stamp`, both in ms. */
export function measure(known: Skew | undefined, stamp: number, receivedAt: number): Skew | undefined {
  if (!(stamp >= firstYear) || stamp === known?.stamp) return known
  const lagMs = receivedAt - stamp
  // The lag grew by more than a retry takes, so one of the clocks was set since then.
  if (known === undefined || lagMs - known.leastMs > longestRetryMs) return { stamp, leastMs: lagMs, events: 1 }
  return { stamp, leastMs: Math.min(known.leastMs, lagMs), events: known.events + 1 }
}

/** Returns how far the clock is behind the relay's, in ms, negative if it is ahead; undefined while too little is known. */
export function skewOf({ leastMs, events }: Skew): number | undefined {
  return events < enoughEvents ? undefined : leastMs
}

/**
 * Returns how much to add to timestamps of the clock, in ms. A timestamp in the future proves that the clock is ahead, whatever the
 * network did; one in the past may only be late, so several are needed.
 */
export function correctionOf({ leastMs, events }: Skew): number {
  if (leastMs < 0) return leastMs
  return leastMs >= noticedMs && events >= enoughEvents ? leastMs : 0
}
