// Sources while the relay runs: when each was last heard, whether one that should be heard is quiet, and whether somebody
// without its key is at the door. In: requests to the webhook. Out: what the operator is told.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Source } from '../events/source.ts'
import type { Store } from '../store/store.ts'
import { createFlood, type Flood } from './flood.ts'
import { floodNotice, quietNotice } from './notices.ts'
import type { Tell } from './operator.ts'

export interface Sources {
  /** An event of it is on disk. */
  heard(source: string): void
  /** A request could not prove to be of it. */
  refused(source: string): void
  /** Of every source in the config file that was ever heard, or has to be. */
  standing(): readonly Standing[]
  /** Writes down who was heard, and tells of those who are quiet. */
  look(): Promise<void>
  start(): Promise<void>
  stop(): void
}

export interface Standing {
  name: string
  /** When it was last heard, or since when it is expected to be. */
  heardAt: number
  isQuiet: boolean
}

export interface SourcesOptions {
  store: Store
  sources: () => ReadonlyMap<string, Source>
  tell: Tell
  clock: Clock
  log: Logger
}

interface Silence {
  since: number
  expectMs: number
}

/** How soon arrivals are written down, and silence is noticed. */
const lookMs = 10_000
/** How often it is written down that somebody listens, where nothing is heard. */
const markMs = 60_000
/** Nobody has listened for so long: what was not heard meanwhile may have been said. */
const absentMs = 3 * 60 * 1000

/** How long a flood is not told again. */
const floodSilentMs = 4 * 60 * 60 * 1000
/** Each silence is told once: its key is when it began. */
const onceMs = 365 * 24 * 60 * 60 * 1000

export function createSources({ store, sources, tell, clock, log }: SourcesOptions): Sources {
  const floods = new Map<string, Flood>()
  let fresh = new Map<string, number>()
  let known: ReadonlyMap<string, number> = new Map()
  /** The silences that this process has told of, by source: since when. */
  const told = new Map<string, number>()
  let listeningSince = 0
  let cancel = () => {}
  let isStopped = false

  /** How long a source was quiet at `now`, if that was too long for it. */
  function silenceOf({ name, expectMs }: Source, now: number, listeningSince = 0): Silence | undefined {
    const since = known.get(name)
    if (since === undefined || expectMs === undefined) return undefined
    return now - Math.max(since, listeningSince) > expectMs ? { since, expectMs } : undefined
  }

  async function look(): Promise<void> {
    const now = clock.now()
    const before = await store.lastHeard()
    if (now - (before.listenedUntil ?? 0) > absentMs) listeningSince = now
    known = before.sources
    const news = new Map(fresh)
    // Told first: after a crash in between it would be told again under the same key, which is not news.
    for (const [name, at] of news) await tellOfReturn(name, at)
    for (const { name, expectMs } of sources().values()) {
      if (expectMs !== undefined && !known.has(name) && !news.has(name)) news.set(name, now)
    }
    if (news.size > 0 || now - (before.listenedUntil ?? 0) >= markMs) await store.heard(news, now)
    // What came in the meantime is for the next look.
    fresh = new Map([...fresh].filter(([name, at]) => news.get(name) !== at))
    known = new Map([...known, ...news])
    for (const source of sources().values()) await tellOfSilence(source, now)
  }

  async function tellOfSilence(source: Source, now: number): Promise<void> {
    const silence = silenceOf(source, now, listeningSince)
    if (silence === undefined || told.get(source.name) === silence.since) return
    const notice = quietNotice(source.name, { ...silence, isOver: false }, now)
    await tell(silenceKey(source.name, silence.since), notice, onceMs)
    told.set(source.name, silence.since)
  }

  async function tellOfReturn(name: string, at: number): Promise<void> {
    const source = sources().get(name)
    const silence = source && silenceOf(source, at)
    if (silence === undefined) return
    const { since } = silence
    // Of a silence that ends before anyone noticed it there is nothing to tell.
    const wasTold = told.get(name) === since || !(await store.records.announce(silenceKey(name, since), [], at, onceMs))
    if (wasTold)
      await tell(`${silenceKey(name, since)} over`, quietNotice(name, { ...silence, isOver: true }, at), onceMs)
  }

  async function tellOfFlood(source: string, flood: { requests: number; withinMs: number }): Promise<void> {
    const notice = floodNotice(source, { ...flood, silentMs: floodSilentMs }, clock.now())
    await tell(`signatures ${source}`, notice, floodSilentMs)
  }

  function lookLater(): void {
    cancel = clock.after(lookMs, async () => {
      await look().catch((err: unknown) =>
        log.error({ err }, 'cannot look after the sources; trying again in 10 seconds')
      )
      if (!isStopped) lookLater()
    })
  }

  return {
    heard: (source) => void fresh.set(source, clock.now()),
    refused(source) {
      const flood = floods.get(source) ?? createFlood()
      floods.set(source, flood)
      const flooded = flood.note(clock.now())
      if (flooded === undefined) return
      tellOfFlood(source, flooded).catch((err: unknown) => log.error({ err, source }, 'cannot tell of bad signatures'))
    },
    standing() {
      const now = clock.now()
      return [...sources().values()].flatMap((source) => {
        const heardAt = fresh.get(source.name) ?? known.get(source.name)
        if (heardAt === undefined) return []
        return [
          {
            name: source.name,
            heardAt,
            isQuiet: !fresh.has(source.name) && silenceOf(source, now, listeningSince) !== undefined
          }
        ]
      })
    },
    look,
    async start() {
      await look()
      lookLater()
    },
    stop() {
      isStopped = true
      cancel()
    }
  }
}

function silenceKey(source: string, since: number): string {
  return `quiet ${source} ${since}`
}
