// Lane checks: check each lane's order, one request at a time, pace, patience, and how often something arrived twice.
import type { Received } from '../test/fixtures/slack.ts'
import type { Case } from './checks.ts'
import { wasSet } from './clocks.ts'
import type { Journal } from './relays.ts'
import type { Sighting } from './sightings.ts'
import type { Trouble } from './trouble.ts'
import { ofApp, pace } from './world.ts'

/** A retry never overtakes: per webhook and destination, messages arrive in the order in which they were written. */
export function messagesInOrder({ sightings, journal }: Case): string[] {
  return perLane(sightings).flatMap(([lane, seen]) => {
    let newest = 0
    return seen.flatMap(({ message, request }) => {
      if (message === undefined) return []
      const isLate = message.id < newest && !isMoved(message.destination, message.created_at, request.at, journal)
      newest = Math.max(newest, message.id)
      return isLate ? [`${lane}: message ${message.id} came again after ${newest}`] : []
    })
  })
}

/**
 * What was accepted first of an object is sent first, from message to message, per destination. A new cause may overtake what
 * is gathered of others, or waits in a group, never what is of the same object.
 */
export function postedInOrder({ notifications, messages, retried, journal }: Case): string[] {
  const writtenAt = new Map(messages.map(({ id, created_at }) => [id, created_at]))
  const inOrder = notifications.filter(
    ({ id, destination, state, message_id }) =>
      // What opens a failure goes before replies; all rollouts of this world have one name.
      !ofApp.has(destination) &&
      destination !== 'rollouts' &&
      state === 'sent' &&
      message_id !== null &&
      !retried.has(id)
  )
  return [...Map.groupBy(inOrder, ({ destination, object }) => `${destination} ${object}`)].flatMap(([key, rows]) => {
    let newest = 0
    let newestSince = 0
    return rows.flatMap(({ id, message_id, destination, created_at }) => {
      const isBefore = (message_id ?? 0) < newest
      const isEarly = isBefore && !isMoved(destination, newestSince - underWayMs, writtenAt.get(newest) ?? 0, journal)
      if (!isBefore) newestSince = created_at
      newest = Math.max(newest, message_id ?? 0)
      return isEarly ? [`${key}: notification ${id} went in message ${message_id}, later ones before it`] : []
    })
  })
}

/** How long a post may wait for its answer, and a replica may not have read the file that another goes by. */
const underWayMs = 16_000

/** What was under way or waited when its destination moved comes behind what was sent to the new address meanwhile. */
function isMoved(destination: string, from: number, until: number, { moves }: Journal): boolean {
  return destination === 'moving' && moves.some((at) => at >= from && at <= until)
}

/**
 * Requests on a webhook keep to its pace: a bucket of its burst and one more, for the jitter of a busy machine. Nobody knows
 * how long ago the last one was when the clock was set since: then it is full.
 */
export function paceKept(received: readonly Received[], { clocks }: Journal): { faults: string[]; worst: number } {
  let worst = Number.POSITIVE_INFINITY
  const faults: string[] = []
  for (const [path, requests] of Map.groupBy(received, ({ path }) => path)) {
    const size = pace.burst + 1
    let tokens = size
    let last = 0
    for (const { at, answer } of requests) {
      // What answered it was in front of Slack, which never saw it.
      if (isPage(answer)) continue
      const gathered = wasSet(clocks, last, at) ? size : (Math.max(0, at - last) / 1000) * pace.perSecond
      tokens = Math.min(size, tokens + gathered) - 1
      last = Math.max(last, at)
      worst = Math.min(worst, tokens)
      if (tokens < 0) faults.push(`${path}: a request at ${at} was ${(-tokens).toFixed(1)} over the pace`)
    }
  }
  return { faults, worst }
}

function isPage(answer: string): boolean {
  return answer.startsWith('<html>')
}

/** One request at a time on a webhook. 50 ms: the end of a connection may be seen a moment after what comes next. */
export function oneAtATime(received: readonly Received[]): string[] {
  return [...Map.groupBy(received, ({ path }) => path)].flatMap(([path, requests]) => {
    let over = 0
    return requests.flatMap((request) => {
      const isBeside = request.at < over - 50
      over = Math.max(over, request.over ?? Number.POSITIVE_INFINITY)
      return isBeside ? [`${path}: a request came ${over - request.at} ms before the end of the last`] : []
    })
  })
}

export interface Duplicates {
  faults: string[]
  /** Messages that came again. */
  repeated: number
  worstLane: number
}

/**
 * A message comes twice only where its answer was lost: cut off or never given by the stand-in, or a relay ended between
 * the two. No lane has more of them than there were such moments.
 */
export function duplicatesExplained({ sightings, journal }: Case, { lost }: Trouble): Duplicates {
  const ends = [...journal.kills, ...journal.terms].sort((a, b) => a - b)
  const result: Duplicates = { faults: [], repeated: 0, worstLane: 0 }
  for (const [lane, seen] of perLane(sightings)) {
    const copies = Map.groupBy(
      seen.filter(({ request }) => request.taken),
      ({ message }) => message?.id
    )
    let repeated = 0
    for (const [id, [first, ...again]] of copies) {
      if (id === undefined || first === undefined) continue
      let before = first.request
      for (const { request } of again) {
        const isLost = lost.has(before) || !before.answered
        const isKilled = ends.some((at) => at >= before.at - 5 && at <= request.at)
        if (!isLost && !isKilled)
          result.faults.push(`${lane}: message ${id} came again without a reason, after ${request.at - before.at} ms`)
        const isRefused = seen.some(
          ({ request: { at, status, answer } }) =>
            (status === 400 || isPage(answer)) && at > before.at && at < request.at
        )
        if (request.text !== before.text && !isRefused)
          result.faults.push(`${lane}: message ${id} came again in other words`)
        before = request
        repeated += 1
      }
    }
    const losses = seen.filter(({ request }) => lost.has(request)).length
    if (repeated > ends.length + losses) result.faults.push(`${lane}: ${repeated} messages came again`)
    result.repeated += repeated
    result.worstLane = Math.max(result.worstLane, repeated)
  }
  return result
}

/**
 * After a 429 nothing comes before its time, except where a relay ended before it could write the answer down: then there
 * is no record of the attempt; and where the clock was set in between.
 */
export function patient({ sightings, attempts, journal }: Case, { scripted }: Trouble): string[] {
  const ends = [...journal.kills, ...journal.terms]
  const known = recorded(sightings, attempts)
  return [...Map.groupBy(sightings, ({ request }) => request.path)].flatMap(([path, seen]) => {
    const faults: string[] = []
    let until = 0
    let since: Sighting | undefined
    for (const sighting of seen) {
      const { at, answered } = sighting.request
      // 20 ms: the stand-in reads its clock when a request has been taken in.
      if (since !== undefined && at < until - 20) {
        const from = since.request.at
        const isExcused =
          wasSet(journal.clocks, from, at) || (!known.has(since) && ends.some((end) => end >= from && end <= at))
        const [before, after] = [since.message?.id, sighting.message?.id]
        const what = `message ${after} came ${at - from} ms after a 429 for message ${before}`
        if (!isExcused) faults.push(`${path}: ${what}, ${until - at} ms before the end of its Retry-After`)
      }
      const behaviour = scripted.get(sighting.request)
      if (behaviour === undefined || !('is' in behaviour) || behaviour.is !== 'rate-limited' || !answered) continue
      until = at + behaviour.retryAfterSeconds * 1000
      since = sighting
    }
    return faults
  })
}

/**
 * The requests whose 429 the database has. An attempt is the first request of its message from when it began: by how near
 * they are alone, the 429 of the next relay would count as that of the one before, which was killed.
 */
function recorded(sightings: readonly Sighting[], attempts: Case['attempts']): Set<Sighting | undefined> {
  const byMessage = Map.groupBy(sightings, ({ message }) => message?.id)
  const limited = attempts.filter(({ answer }) => answer.startsWith('429'))
  return new Set(
    limited.map(({ message_id, at }) => byMessage.get(message_id)?.find(({ request }) => request.at >= at))
  )
}

/** By webhook and destination. */
function perLane(sightings: readonly Sighting[]): [string, Sighting[]][] {
  return [...Map.groupBy(sightings, ({ request, message }) => `${request.path} ${message?.destination ?? ''}`)]
}
