// Standing: decides whether a source posts, is quiet, never posted, or cannot be known yet. Pure.
import { isUnsigned } from '../events/signature.ts'
import type { Source } from '../events/source.ts'
import type { Lately } from './traffic.ts'

/**
 * `active`: its last event is recent enough. `quiet`: it is not, and the relay was there to take one. `unknown`: it is not, but the
 * relay was away meanwhile, or its clock was put back. `never`: no event of it has ever come.
 */
export const sourceStates = ['active', 'quiet', 'unknown', 'never'] as const
export type SourceState = (typeof sourceStates)[number]

/** Times in ms. */
export interface Standing extends Omit<Lately, 'lastEventAt'> {
  name: string
  state: SourceState
  /** When its last event came, to any replica; undefined if none ever came. */
  lastEventAt: number | undefined
  /** When its last event came; if none has, since when one is expected. */
  since: number | undefined
  /** The source is quiet when nothing came for longer than this. */
  quietAfterMs: number
  /** Its `expectEvery`; undefined if the config file has none. */
  expectMs: number | undefined
  /** The cluster that it speaks for by the config file. */
  cluster: string | undefined
  /** When a request was refused in the last hour that is not among `refusals`: by another replica, or before a restart. */
  refusedElsewhereAt: number | undefined
  /** Clusters of its events that nothing has come from for longer than {@link quietAfterMs}. */
  quietClusters: Lately['clusters']
  /** How it proves its identity. */
  proves: { bySignature: boolean; byToken: boolean }
  /** True if it proves nothing: anyone who reaches the relay can post to it. */
  isUnsigned: boolean
}

/** All sources of the config file, in its order. */
export interface Standings {
  sources: readonly Standing[]
  /**
   * Since when the relay has been taking events without a break, in ms; 0 if no break is known. A clock that is put back counts as a
   * break: nobody knows for how long the relay was taking them before.
   */
  listeningSince: number
  /** Since when events and refused requests are counted, in ms. The counts are those of this process. */
  countedSince: number
  /** True if events have come that another replica took. */
  isShared: boolean
  /** When the database was last asked for the sources' last events, in ms. */
  knownAt: number
}

export interface Known {
  /** When its last event came, as the store has it. */
  storedAt: number | undefined
  /** Since when an event of it is expected, if none has come. */
  expectedSince: number | undefined
  /** When a request for it was last refused, as the store has it. */
  refusedAt: number | undefined
  lately: Lately
  /** Gaps between its events, newest last, in ms. */
  gaps: readonly number[]
  listeningSince: number
  isShared: boolean
}

/** Without `expectEvery`, a source is quiet after this many times its usual gap, but not before an hour. */
const usualTimes = 10
const hourMs = 60 * 60 * 1000
const leastMs = hourMs
/** A time this far ahead was noted before the clock was set back, and says nothing. */
export const aheadMs = 60_000
/** The number of gaps that it takes to know the usual one. */
const enoughGaps = 5

/** How long a source may send nothing before it is quiet, in ms. */
export function quietAfter(expectMs: number | undefined, gaps: readonly number[]): number {
  if (expectMs !== undefined) return expectMs
  if (gaps.length < enoughGaps) return leastMs
  const usual = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0
  return Math.max(leastMs, usualTimes * usual)
}

export function standingOf(source: Source, known: Known, now: number): Standing {
  const { name, expectMs, cluster, hmacKeys, tokens } = source
  const { storedAt, refusedAt = 0, lately, listeningSince } = known
  const seen = [storedAt, lately.lastEventAt].filter((at) => at !== undefined)
  const believed = seen.filter((at) => at <= now + aheadMs)
  const notedAt = seen.length === 0 ? undefined : Math.max(...(believed.length > 0 ? believed : seen))
  const notedSince = notedAt ?? known.expectedSince
  const quietAfterMs = quietAfter(expectMs, known.gaps)
  const state = stateOf({ lastEventAt: notedAt, since: notedSince, quietAfterMs, listeningSince }, now)
  // The real time is not known. By the clock that is right, it was before the other one was put back.
  const byNow = (at: number | undefined) => (at !== undefined && at - now > aheadMs ? listeningSince : at)
  const [lastEventAt, since] = [byNow(notedAt), byNow(notedSince)]
  const { lastEventAt: _, ...counts } = lately
  // What another replica received of a cluster is not known here.
  const mayJudge = state === 'active' && cluster === undefined && !known.isShared
  return {
    ...counts,
    name,
    state,
    lastEventAt,
    since,
    quietAfterMs,
    expectMs,
    cluster,
    quietClusters: mayJudge
      ? lately.clusters.filter((seen) => now - Math.max(seen.lastEventAt, listeningSince) > quietAfterMs)
      : [],
    refusedElsewhereAt:
      now - refusedAt < hourMs &&
      refusedAt - now <= aheadMs &&
      lately.refusals.every(({ lastAt }) => lastAt < refusedAt)
        ? refusedAt
        : undefined,
    proves: { bySignature: hmacKeys.length > 0, byToken: tokens.length > 0 },
    isUnsigned: isUnsigned({ hmacKeys, tokens })
  }
}

type Times = Pick<Standing, 'lastEventAt' | 'since' | 'quietAfterMs'> & Pick<Known, 'listeningSince'>

function stateOf({ lastEventAt, since, quietAfterMs, listeningSince }: Times, now: number): SourceState {
  if (since === undefined) return 'never'
  if (since - now > aheadMs) return now - listeningSince > quietAfterMs ? 'quiet' : 'unknown'
  if (now - since <= quietAfterMs) return lastEventAt === undefined ? 'never' : 'active'
  if (now - Math.max(since, listeningSince) > quietAfterMs) return 'quiet'
  return lastEventAt === undefined ? 'never' : 'unknown'
}

/** Reports whether its `expectEvery` is over, so that the operator has to know. */
export function isOverdue({ state, expectMs }: Standing): boolean {
  return state === 'quiet' && expectMs !== undefined
}
