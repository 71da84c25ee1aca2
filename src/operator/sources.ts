// Sources: follows when each source last posted, whether one is quiet that should not be, and whether somebody without its key
// tries to post. In: requests to the webhook. Out: the standing of each source, and notices for the operator.
import type { Logger } from 'pino'
import { type Clock, every } from '../clock.ts'
import type { ErrorCode } from '../errors.ts'
import type { Source } from '../events/source.ts'
import { quietNotice } from '../notices/sources.ts'
import type { LastEvents } from '../store/kept.ts'
import type { Store } from '../store/store.ts'
import { inParts, inTurns } from '../turns.ts'
import { createBadSignatures } from './bad-signatures.ts'
import { type Announce, onceMs } from './operator.ts'
import { aheadMs, isOverdue, type Standing, type Standings, standingOf } from './standing.ts'
import { createTraffic } from './traffic.ts'

export interface SourcesOptions {
  store: Store
  sources: () => ReadonlyMap<string, Source>
  announce: Announce
  clock: Clock
  log: Logger
}

/** How soon arrivals are written down, and quiet sources are noticed. */
const lookMs = 10_000
/** How often it is written down that somebody listens, if nothing comes. */
const markMs = 60_000
/** If no relay ran for this long, a source's silence proves nothing: its events may have been sent and lost. */
const absentMs = 3 * 60 * 1000

/** Only a clock that was set back is so much earlier than at the last look. Times that are {@link aheadMs} ahead are from before that. */
const setBackMs = aheadMs / 2

/** Events that come closer together than this, as those of one reconciliation do, are one arrival. */
const leastGapMs = 60_000
/** The most gaps that are remembered of a source. */
const maxGaps = 15

export type Sources = ReturnType<typeof createSources>

export function createSources({ store, sources, announce, clock, log }: SourcesOptions) {
  const noteBadSignature = createBadSignatures({ announce, log })
  const traffic = createTraffic()
  const countedSince = clock.now()
  /** Arrivals that have yet to be written down. */
  let fresh = new Map<string, number>()
  /** The last events, as the store has them. */
  let known: ReadonlyMap<string, number> = new Map()
  let knownAt = 0
  const gaps = new Map<string, number[]>()
  /** Quiet spells that this process has notified of: since when, by source. */
  const notified = new Map<string, number>()
  let listeningSince = 0
  let isShared = false
  let stop = async () => {}

  /** Since when somebody has listened, in ms. Nobody may have since the last look: the machine slept, or the database was away. */
  function listeningFrom(now: number): number {
    return now - knownAt > absentMs || knownAt - now > setBackMs ? now : listeningSince
  }

  function standOf(source: Source, now: number) {
    const { name } = source
    const storedAt = known.get(name)
    const times = { expectedSince: known.get(expectedRow(name)), refusedAt: known.get(refusedRow(name)) }
    const learnt = { lately: traffic.of(name, now), gaps: gaps.get(name) ?? [] }
    return standingOf(source, { storedAt, ...times, ...learnt, listeningSince: listeningFrom(now), isShared }, now)
  }

  function standings(all: readonly Standing[], now: number): Standings {
    return { sources: all, listeningSince: listeningFrom(now), countedSince, isShared, knownAt }
  }

  async function look(): Promise<void> {
    const now = clock.now()
    const before = await store.lastEvents()
    if (now - (before.listenedUntil ?? 0) > absentMs || wasSetBack(before, now)) listeningSince = now
    await learn(before.sources, now)
    const news = new Map(fresh)
    const expected = [...sources().values()].filter(({ expectMs }) => expectMs !== undefined)
    // Notices come first: after a crash in between, they are tried again under the same key, which is not news.
    await inTurns(expected, async ({ name }) => {
      const at = news.get(name)
      if (at !== undefined) await notifyOfReturn(name, at)
      else if (!known.has(name) && !known.has(expectedRow(name))) news.set(expectedRow(name), now)
    })
    await noteNews(news, now, before)
    // What came in the meantime is left for the next look.
    fresh = new Map([...fresh].filter(([name, at]) => news.get(name) !== at))
    await learn(new Map([...known, ...news]), now)
    knownAt = now
    traffic.keepTo(sources().keys())
    await inTurns(expected, (source) => notifyOfSilence(source, now))
  }

  /** Reports whether the clock was set back: since the last look, or before this process began, as rows from then show. */
  function wasSetBack({ listenedUntil = 0, sources: rows }: LastEvents, now: number): boolean {
    if (Math.max(knownAt, listenedUntil) - now > setBackMs) return true
    return knownAt === 0 && rows.values().some((at) => at - now > aheadMs)
  }

  async function noteNews(
    news: ReadonlyMap<string, number>,
    now: number,
    { listenedUntil = 0 }: LastEvents
  ): Promise<void> {
    for await (const part of inParts([...news])) await store.noteLastEvents(new Map(part), now)
    const isToMark = now - listenedUntil >= markMs || listenedUntil - now > setBackMs
    if (news.size === 0 && isToMark) await store.noteLastEvents(new Map(), now)
  }

  /** Takes over what the store has, and learns how long each source had sent nothing, whichever replica took its events. */
  async function learn(stored: ReadonlyMap<string, number>, now: number): Promise<void> {
    await inTurns(sources().values(), ({ name }) => {
      const [previous, at] = [known.get(name), stored.get(name)]
      if (at === undefined) return
      const isOfOther = at > Math.max(countedSince, traffic.lastEventAt(name) ?? 0)
      if (isOfOther && at - now <= aheadMs) isShared = true
      if (previous === undefined || previous < listeningSince || at - previous < leastGapMs) return
      gaps.set(name, [...(gaps.get(name) ?? []), at - previous].slice(-maxGaps))
    })
    known = stored
  }

  async function notifyOfSilence(source: Source, now: number): Promise<void> {
    const standing = standOf(source, now)
    const { name, since, expectMs } = standing
    if (!isOverdue(standing) || since === undefined || expectMs === undefined || notified.get(name) === since) return
    const refused = refusedOf(standing)
    const quiet = { since, expectMs, isOver: false, ...(refused && { refused }) }
    await announce(silenceKey(name, since), quietNotice(name, quiet, now), onceMs)
    notified.set(name, since)
  }

  async function notifyOfReturn(name: string, at: number): Promise<void> {
    const noted = known.get(name) ?? known.get(expectedRow(name))
    const since = noted !== undefined && noted - at > aheadMs ? notified.get(name) : noted
    const expectMs = sources().get(name)?.expectMs
    if (since === undefined || expectMs === undefined) return
    if (at - since <= expectMs && notified.get(name) !== since) return
    const key = silenceKey(name, since)
    // A quiet spell that ends before anyone noticed it is not worth a notice.
    const wasAnnounced =
      notified.get(name) === since || !(await store.records.announce({ key, notices: [], now: at, withinMs: onceMs }))
    if (wasAnnounced) await announce(`${key} over`, quietNotice(name, { since, expectMs, isOver: true }, at), onceMs)
  }

  return {
    /** Records that an event of the source is on disk. `cluster` is the one that it is about; empty if nobody named one. */
    accepted(source: string, cluster: string): void {
      const now = clock.now()
      fresh.set(source, now)
      traffic.accepted(source, cluster, now)
    },
    /** Records that a request for the source was answered with this error. */
    refused(source: string, code: ErrorCode): void {
      const now = clock.now()
      fresh.set(refusedRow(source), now)
      traffic.refused(source, code, now)
      if (code === 'BAD_SIGNATURE') noteBadSignature(source, now)
    },
    standing(): Standings {
      const now = clock.now()
      return standings(
        [...sources().values()].map((source) => standOf(source, now)),
        now
      )
    },
    /** The same in turns, for answers that nobody waits for. */
    async standingInTurns(): Promise<Standings> {
      const now = clock.now()
      const all: Standing[] = []
      await inTurns(sources().values(), (source) => void all.push(standOf(source, now)))
      return standings(all, now)
    },
    /** Writes down who posted, and notifies of sources that are quiet. */
    look,
    async start(): Promise<void> {
      await look()
      const stopLooking = every(clock, lookMs, look, (err) =>
        log.error({ err }, 'cannot check the sources; trying again in 10 seconds')
      )
      stop = async () => {
        stopLooking()
        // Otherwise a source that posted since the last look would count as one that never did, or is quiet, after the next start.
        await look().catch((err: unknown) => log.error({ err }, 'cannot write down which sources have posted'))
      }
    },
    stop: (): Promise<void> => stop()
  }
}

/** What was refused in the last hour; undefined if nothing was. */
function refusedOf({ refusals, refusedElsewhereAt }: Standing): { requests: number; codes: ErrorCode[] } | undefined {
  if (refusals.length === 0 && refusedElsewhereAt === undefined) return undefined
  return {
    requests: refusals.reduce((sum, { requests }) => sum + requests, 0),
    codes: refusals.map(({ code }) => code)
  }
}

function silenceKey(source: string, since: number): string {
  return `quiet ${source} ${since}`
}

/** The store's name for the time when a request for a source was last refused, which other replicas do not see otherwise. */
function refusedRow(source: string): string {
  return `refused ${source}`
}

/** The store's name for the time when a source that never posted was first expected. No source has a space in its name. */
function expectedRow(source: string): string {
  return `expected ${source}`
}
