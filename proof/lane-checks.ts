// Lane checks: check each lane for its order, one request at a time, pace, patience, and messages that arrived twice.
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
 * Notifications about an object are sent in the order in which they were accepted, per destination. A new cause may overtake
 * other causes that are gathered or wait in a group, but nothing about the same object.
 */
export function postedInOrder({ notifications, messages, retried, journal }: Case): string[] {
  const writtenAt = new Map(messages.map(({ id, created_at }) => [id, created_at]))
  const inOrder = notifications.filter(
    ({ id, destination, state, message_id }) =>
      // In a channel of an app, the start of an incident is posted before any replies; and all rollouts here share one name.
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

/** Longest time for which a post waits for its answer, or a replica still works by the previous config file. */
const underWayMs = 16_000

/**
 * True if the destination moved in that time: what was under way or waiting then may arrive after what was sent to the new
 * address.
 */
function isMoved(destination: string, from: number, until: number, { moves }: Journal): boolean {
  return destination === 'moving' && moves.some((at) => at >= from && at <= until)
}

/**
 * Requests to a webhook keep its pace: a token bucket with its burst and one token more, for the jitter of a busy machine. If
 * the clock was set since the last request, the elapsed time is unknown and the bucket counts as full.
 */
export function paceKept(received: readonly Received[], { clocks }: Journal): { faults: string[]; worst: number } {
  let worst = Number.POSITIVE_INFINITY
  const faults: string[] = []
  for (const [path, requests] of Map.groupBy(received, ({ path }) => path)) {
    const size = pace.burst + 1
    let tokens = size
    let last = 0
    for (const { at, answer } of requests) {
      // A proxy in front of Slack answered this one; Slack never saw it.
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

/**
 * A webhook gets one request at a time. Tolerates 50 ms, because the end of a connection may be noticed after the next request.
 */
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
  /** Number of messages that arrived again. */
  repeated: number
  worstLane: number
}

/**
 * A message arrives twice only if its answer was lost: the stand-in cut it off or never gave it, or a relay ended in between.
 * No lane has more duplicates than such moments.
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
 * After a 429, nothing arrives before its time. Excused are a relay that ended before it recorded the answer, so that the
 * attempt is not in the database, and a clock that was set in between.
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
      // The stand-in reads its clock only once it has received a request, hence 20 ms.
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
 * The requests whose 429 is in the database. An attempt belongs to the first request of its message after its start: by
 * nearness alone, the next relay's 429 would be taken for that of the relay killed before.
 */
function recorded(sightings: readonly Sighting[], attempts: Case['attempts']): Set<Sighting | undefined> {
  const byMessage = Map.groupBy(sightings, ({ message }) => message?.id)
  const limited = attempts.filter(({ answer }) => answer.startsWith('429'))
  return new Set(
    limited.map(({ message_id, at }) => byMessage.get(message_id)?.find(({ request }) => request.at >= at))
  )
}

/** Groups by webhook and destination. */
function perLane(sightings: readonly Sighting[]): [string, Sighting[]][] {
  return [...Map.groupBy(sightings, ({ request, message }) => `${request.path} ${message?.destination ?? ''}`)]
}
