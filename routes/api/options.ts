// Options of the API: what its topics need of the rest of the program.
import type { Clock } from '../../src/clock.ts'
import type { Config } from '../../src/config/config.ts'
import type { Standings } from '../../src/operator/standing.ts'
import type { Store } from '../../src/store/store.ts'
import type { Guard } from '../guard.ts'

export interface ApiOptions {
  config: () => Config
  store: Store
  /** How the sources of the config file stand. */
  standing: () => Standings
  clock: Clock
  /** There is something new in these lanes. */
  wake: (lanes: Iterable<string>) => void
  /** Posts what waits in a lane at once; resolves to until when it may not, where that is a rate limit. */
  tryNow: (lane: string) => Promise<number | undefined>
  /** Silences were added or ended: resolves when that is in effect here. */
  silencesChanged: () => Promise<void>
  guard: Guard
}
