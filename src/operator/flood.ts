// Flood: decides whether refused requests are one: a stray request is nothing, a wrong key refuses every event that Flux
// posts.

/** So many within so long: more than a scanner that passes by, and what a wrong key of a small cluster comes to. */
const floodRequests = 10
const floodMs = 5 * 60 * 1000

export interface Flood {
  /** Notes one request. Where that makes a flood: how many requests, within how long. */
  note(now: number): { requests: number; withinMs: number } | undefined
}

export function createFlood(): Flood {
  let times: number[] = []
  return {
    note(now) {
      times = [...times, now].slice(-floodRequests)
      const withinMs = now - (times[0] ?? now)
      if (times.length < floodRequests || withinMs > floodMs) return undefined
      times = []
      return { requests: floodRequests, withinMs }
    }
  }
}
