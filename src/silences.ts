// Silences: follows those in the store, which other replicas and the API add to. In: the store. Out: the mutes in effect,
// and summaries when they end.
import type { Logger } from 'pino'
import { type Clock, every } from './clock.ts'
import type { Mute } from './mutes/mutes.ts'
import { compileSilence } from './mutes/silence.ts'
import { muteNotice } from './notices/delivery.ts'
import { apartMs } from './store/kept.ts'
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

  async function look(): Promise<void> {
    const now = clock.now()
    const silences = await store.silences(now)
    // Made by a clock that has been set back since, one of an hour could last for days: it is over.
    const fromAhead = silences.filter(({ createdAt }) => createdAt - now > apartMs)
    for (const { id } of fromAhead) await store.endSilence(id, now)
    mutes = silences.flatMap((silence) => (fromAhead.includes(silence) ? [] : (compileSilence(silence) ?? [])))
    const laneOf = (destination: string) => options.destinations().get(destination)?.lane
    options.wake(await store.endMutes(now, laneOf, (withheld) => muteNotice(withheld, now)))
  }

  return {
    /** As last read from the store. */
    mutes: (): readonly Mute[] => mutes,
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
