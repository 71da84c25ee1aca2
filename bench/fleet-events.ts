// Fleet's events: what thousands of clusters of 200 objects each post within some minutes, in order of their due times. Every
// object sends a heartbeat every ten minutes; each cluster lives its own part of a fleet's day; and there is one storm.
import { type Actor, finished, say } from '../src/demo/flux.ts'
import { createFleetDay, type Moment } from './fleet-day.ts'

export const objectsOfCluster = 200
const heartbeatEveryMs = 600_000
const dayMs = 86_400_000
/**
 * In the storm, one object of each cluster fails for the same cause, all within this time; the recoveries begin this long after
 * the last failure.
 */
const stormMs = 30_000

export interface Due {
  /** Due time, in ms since the beginning. */
  at: number
  cluster: number
  /** The body of the event if it is posted at `now`, in ms. */
  body(now: number): string
}

const revision = 'main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a'

/** Object `n` of a cluster. */
const actorOf = (n: number): Actor => ({ kind: 'Kustomization', namespace: `team-${n % 20}`, name: `app-${n}` })

/** The heartbeat of object `n`; its duration makes each one different. */
export function heartbeat(n: number, now: number, tookMs: number): string {
  return JSON.stringify(say(actorOf(n), now, finished(revision, tookMs)))
}

export const clusterName = (cluster: number) => `c${cluster}`
/** Each cluster has its own credential, which is of no use anywhere else. */
export const keyOf = (cluster: number) => `a key of cluster ${cluster} for nothing but this bench`

/** All events due within `ms`, in order. */
export function* fleetEvents(clusters: number, ms: number): Generator<Due> {
  const rare = [...lives(clusters, ms), ...storm(clusters, ms)].sort((a, b) => a.at - b.at)
  const everyMs = heartbeatEveryMs / (clusters * objectsOfCluster)
  let next = 0
  for (let n = 0; n * everyMs < ms; n++) {
    const at = n * everyMs
    for (let due = rare[next]; due !== undefined && due.at <= at; due = rare[++next]) yield due
    const object = Math.floor(n / clusters) % objectsOfCluster
    yield { at, cluster: n % clusters, body: (now) => heartbeat(object, now, 100 + (n % 9000)) }
  }
}

/** Each cluster lives one of three clusters' days, from a time of its own: incidents, storms, pushes. */
function lives(clusters: number, ms: number): Due[] {
  const days = [...Map.groupBy(createFleetDay(0), ({ event }) => event.metadata?.['cluster']).values()]
  return Array.from({ length: clusters }, (_, cluster): Due[] => {
    const day: Moment[] = days[cluster % days.length] ?? []
    const begun = (cluster * 7919 * 1013) % dayMs
    return day
      .map(({ at, event }) => ({ at: (at - begun + dayMs) % dayMs, event }))
      .filter(({ at }) => at < ms)
      .map(({ at, event }) => ({
        ...{ at, cluster },
        body: (now) => JSON.stringify({ ...event, timestamp: new Date(now).toISOString().replace(/\.\d+Z$/, 'Z') })
      }))
  }).flat()
}

/** In the middle of the run, a registry is gone for everybody. */
function storm(clusters: number, ms: number): Due[] {
  const message =
    'failed to pull artifact: GET https://registry.example.com/v2/acme/base/manifests/latest: dial tcp: i/o timeout'
  const said = { severity: 'error', reason: 'ArtifactFailed', message, metadata: { revision } } as const
  return Array.from({ length: clusters }, (_, cluster): Due[] => {
    const at = ms / 2 + (cluster * stormMs) / clusters
    const actor = actorOf(cluster % objectsOfCluster)
    return [
      { at, cluster, body: (now) => JSON.stringify(say(actor, now, said)) },
      { at: at + 2 * stormMs, cluster, body: (now) => JSON.stringify(say(actor, now, finished(revision, 912))) }
    ]
  })
    .flat()
    .filter(({ at }) => at < ms)
}
