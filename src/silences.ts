// Silences: follows those in the store, which other replicas and the API add to. In: the store. Out: the mutes in effect,
// and summaries when they end.
import type { Logger } from 'pino'
import { type Clock, every } from './clock.ts'
import type { Mute } from './mutes/mutes.ts'
import { compileSilence, isAbout, objectIn, type Silence } from './mutes/silence.ts'
import { muteNotice } from './notices/delivery.ts'
import { apartMs } from './store/kept-lanes.ts'
import type { Store } from './store/store.ts'

/** How soon another replica's silence is in effect here, and the summary of a mute that ended is sent. */
const lookMs = 5000

export function createSilences(options: {
  store: Store
  destinations: () => ReadonlyMap<string, { lane: string }>
  clock: Clock
  log: Logger
  wake: (lanes: string[]) => void
}) {
  const { store, clock, log } = options
  let mutes: readonly Mute[] = []
  let stop = () => {}

  /** Reads them, and ends those that are over. */
  async function read(): Promise<void> {
    const now = clock.now()
    const silences = await store.silences(now)
    // Made by a clock that has been set back since, one of an hour could last for days: it is over.
    const fromAhead = silences.filter(({ createdAt }) => createdAt - now > apartMs)
    for (const { id } of fromAhead) await store.endSilence(id, now)
    const over = [...fromAhead, ...(await endRecovered(silences, now))]
    mutes = silences.flatMap((silence) => (over.includes(silence) ? [] : (compileSilence(silence) ?? [])))
  }

  async function look(): Promise<void> {
    await read()
    const now = clock.now()
    const laneOf = (destination: string) => options.destinations().get(destination)?.lane
    options.wake(await store.endMutes(now, laneOf, (withheld) => muteNotice(withheld, now)))
  }

  /** Those that are over because nothing that they are about fails any more. */
  async function endRecovered(silences: readonly Silence[], now: number): Promise<Silence[]> {
    const lasting = silences.filter(({ untilRecovered }) => untilRecovered)
    if (lasting.length === 0) return []
    const over: Silence[] = []
    const several = lasting.filter((silence) => objectIn(silence) === undefined)
    for (const silence of lasting) {
      const object = objectIn(silence)
      if (object === undefined) continue
      const { items } = await store.records.objects(object, { limit: 1 }, now)
      if (items[0]?.failure === undefined) over.push(silence)
    }
    if (several.length > 0) {
      const { items, next } = await store.records.failures(now)
      // Of more than are read, any may be one of them.
      const isOver = (silence: Silence) => next === null && !items.some(({ object }) => isAbout(silence, object))
      over.push(...several.filter(isOver))
    }
    for (const { id } of over) {
      await store.endSilence(id, now)
      log.info({ silence: id }, 'silence ended: what it was about has recovered')
    }
    return over
  }

  return {
    /** As last read from the store. */
    mutes: (): readonly Mute[] => mutes,
    read,
    /** Reads them, and sends the summaries of those that ended. */
    look,
    async start(): Promise<void> {
      await look()
      stop = every(clock, lookMs, look, (err) =>
        log.error({ err }, 'cannot read the silences; trying again in 5 seconds')
      )
    },
    stop: (): void => stop()
  }
}
