// Traffic: counts each source's requests of the last hour in this process, minute by minute, and notices when refused ones are a
// flood.
import type { ErrorCode } from '../errors.ts'

/** One source, in the last hour; times in ms. */
export interface Lately {
  /** When this process took its last event. */
  lastEventAt: number | undefined
  events: number
  refusals: readonly Refusals[]
  clusters: readonly ClusterSeen[]
  /** True if it named more clusters than are remembered. */
  hasMoreClusters: boolean
}

/** Requests of one source that were answered with the same error, in the last hour. */
export interface Refusals {
  code: ErrorCode
  requests: number
  lastAt: number
}

/** A cluster that events were about. */
export interface ClusterSeen {
  name: string
  lastEventAt: number
}

/** The most clusters that are remembered of a source: whoever may post may name any number. */
const maxClusters = 20
/** A cluster that nothing came from for this long is no longer one of the source's. */
const clusterMs = 7 * 24 * 60 * 60 * 1000

interface Entry {
  lastEventAt: number | undefined
  events: HourCount
  refusals: Map<ErrorCode, { count: HourCount; lastAt: number }>
  clusters: Map<string, number>
  hasMoreClusters: boolean
}

/** Counts traffic. There are no more entries than sources in the config file, because of `keepTo`. */
export function createTraffic() {
  const entries = new Map<string, Entry>()

  function entryOf(source: string): Entry {
    const known = entries.get(source)
    if (known !== undefined) return known
    const entry: Entry = {
      lastEventAt: undefined,
      events: createHourCount(),
      refusals: new Map(),
      clusters: new Map(),
      hasMoreClusters: false
    }
    entries.set(source, entry)
    return entry
  }

  return {
    /** Records that an event of the source is on disk. `cluster` is empty if nobody named one. */
    accepted(source: string, cluster: string, now: number): void {
      const entry = entryOf(source)
      entry.lastEventAt = now
      entry.events.add(now)
      if (cluster === '') return
      if (entry.clusters.size < maxClusters || entry.clusters.has(cluster)) entry.clusters.set(cluster, now)
      else entry.hasMoreClusters = true
    },
    /** Records that a request for the source was answered with this error. */
    refused(source: string, code: ErrorCode, now: number): void {
      const { refusals } = entryOf(source)
      const { count } = refusals.get(code) ?? { count: createHourCount() }
      count.add(now)
      refusals.set(code, { count, lastAt: now })
    },
    /** When this process took the source's last event, in ms. */
    lastEventAt: (source: string): number | undefined => entries.get(source)?.lastEventAt,
    of(source: string, now: number): Lately {
      const entry = entryOf(source)
      for (const [name, at] of entry.clusters) if (now - at > clusterMs) entry.clusters.delete(name)
      if (entry.clusters.size < maxClusters) entry.hasMoreClusters = false
      const refusals = [...entry.refusals].map(([code, { count, lastAt }]) => ({
        code,
        requests: count.total(now),
        lastAt
      }))
      return {
        lastEventAt: entry.lastEventAt,
        events: entry.events.total(now),
        refusals: refusals.filter(({ requests }) => requests > 0),
        clusters: [...entry.clusters].map(([name, lastEventAt]) => ({ name, lastEventAt })),
        hasMoreClusters: entry.hasMoreClusters
      }
    },
    /** Forgets the sources that are not among `names`. */
    keepTo(names: Iterable<string>): void {
      const kept = new Set(names)
      for (const name of entries.keys()) if (!kept.has(name)) entries.delete(name)
    }
  }
}

const minuteMs = 60_000
const minutes = 60

type HourCount = ReturnType<typeof createHourCount>

/** Counts how often something happened in the last hour, with a number for each minute, however often it is. */
export function createHourCount() {
  const counts = new Uint32Array(minutes)
  let latest = 0

  function moveTo(now: number): void {
    const minute = Math.floor(now / minuteMs)
    const passed = minute - latest
    if (Math.abs(passed) >= minutes) counts.fill(0)
    else for (let at = latest + 1; at <= minute; at++) counts[at % minutes] = 0
    // After the clock was put back a little, counting goes on in the minute that it had reached.
    if (passed > 0 || passed <= -minutes) latest = minute
  }

  return {
    add(now: number): void {
      moveTo(now)
      const at = latest % minutes
      counts[at] = (counts[at] ?? 0) + 1
    },
    total(now: number): number {
      moveTo(now)
      let sum = 0
      for (const count of counts) sum += count
      return sum
    }
  }
}

/** So many requests in this time are a flood: more than a passing scanner sends, and about what a small cluster with a wrong key does. */
const floodRequests = 10
const floodMs = 5 * 60 * 1000
/** Time in which the operator is not notified of another flood. */
export const floodSilentMs = 4 * 60 * 60 * 1000

/** Returns a function to call for each request. If that makes a flood, it returns how many requests came, within how long. */
export function createFlood(): (now: number) => { requests: number; withinMs: number } | undefined {
  let times: number[] = []
  return (now) => {
    // A time from before the clock was put back may be long ago.
    times = [...times.filter((at) => at <= now), now].slice(-floodRequests)
    const withinMs = now - (times[0] ?? now)
    if (times.length < floodRequests || withinMs > floodMs) return undefined
    times = []
    return { requests: floodRequests, withinMs }
  }
}
