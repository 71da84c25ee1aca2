// Source routes: list sources at /api/sources, when each last posted, and which of its requests were refused.
import type { FastifyInstance } from 'fastify'
import { RelayError } from '../../src/errors.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import { type Standing, sourceStates } from '../../src/operator/standing.ts'
import type { OperatorOptions } from '../options.ts'
import { describe, iso, isoOrNull, Time, textOrNull, timeOrNull } from './query.ts'

const SourcesReply = Type.Object({
  sources: Type.Array(
    Type.Object({
      source: Type.String(),
      state: Type.Enum([...sourceStates], {
        description:
          'active: the last event is no older than `quietAfterSeconds`. quiet: it is older. unknown: it is older, but the relay ' +
          'was away meanwhile. never: no event has ever come from it.'
      }),
      lastEventAt: timeOrNull('Accepted by any replica; null where none ever came.'),
      quietAfterSeconds: Type.Number({
        description:
          '`expectEvery`, where it is set. Otherwise an hour, or ten times the usual gap where that is longer.'
      }),
      isExpected: Type.Boolean({
        description: '`expectEvery` is set: the operator is notified when the source is quiet.'
      }),
      isUnsigned: Type.Boolean({
        description: 'It has neither `hmacKeys` nor `tokens`: anyone who reaches the relay can post.'
      }),
      cluster: textOrNull('The cluster it speaks for, by the config file.'),
      clusters: Type.Array(Type.Object({ cluster: Type.String(), lastEventAt: Time, isQuiet: Type.Boolean() }), {
        description: 'The clusters of its events to this process, the first 20.'
      }),
      hasMoreClusters: Type.Boolean(),
      events: Type.Integer({
        description: 'Accepted by this process in the last hour, heartbeats and repetitions too.'
      }),
      refused: Type.Array(Type.Object({ code: Type.String(), requests: Type.Integer(), lastAt: Time }), {
        description: 'Requests that this process answered with an error in the last hour, by its code.'
      }),
      refusedElsewhereAt: timeOrNull(
        'When a request was last refused by another replica, or before a restart; it is not counted in `refused`.'
      )
    })
  ),
  countedSince: Type.String({ format: 'date-time', description: 'When this process started to count.' }),
  listeningSince: timeOrNull('When the relay was back after it had been away; null where it was not away.'),
  isShared: Type.Boolean({ description: 'Other replicas accept events, too; the counts are of this one.' })
})

export type ListedSource = Static<typeof SourcesReply>['sources'][number]

/** Replicas record every ten seconds who posted, so a record older than a minute is out of date. */
const freshMs = 60_000

export function sources(app: FastifyInstance, { standing, clock }: OperatorOptions): void {
  app.get('/api/sources', describe('Sources: when each last posted, and what was refused', SourcesReply), async () => {
    const { sources, countedSince, listeningSince, isShared, knownAt } = standing()
    if (clock.now() - knownAt > freshMs) {
      throw new RelayError('CANNOT_STORE', 'the database does not answer, so it is not known when sources last posted')
    }
    return {
      sources: sources.map(replyOf),
      countedSince: iso(countedSince),
      listeningSince: listeningSince === 0 ? null : iso(listeningSince),
      isShared
    }
  })
}

function replyOf(standing: Standing) {
  const { name, state, lastEventAt, quietAfterMs, expectMs, cluster, clusters, quietClusters } = standing
  const quiet = new Set(quietClusters.map(({ name }) => name))
  return {
    source: name,
    state,
    lastEventAt: isoOrNull(lastEventAt ?? null),
    quietAfterSeconds: quietAfterMs / 1000,
    isExpected: expectMs !== undefined,
    isUnsigned: standing.isUnsigned,
    cluster: cluster ?? null,
    clusters: clusters.map(({ name, lastEventAt }) => ({
      cluster: name,
      lastEventAt: iso(lastEventAt),
      isQuiet: quiet.has(name)
    })),
    hasMoreClusters: standing.hasMoreClusters,
    events: standing.events,
    refused: standing.refusals.map(({ code, requests, lastAt }) => ({ code, requests, lastAt: iso(lastAt) })),
    refusedElsewhereAt: isoOrNull(standing.refusedElsewhereAt ?? null)
  }
}
