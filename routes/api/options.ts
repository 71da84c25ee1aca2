// API options: defines what its topics need from the rest of the program.
import type { Actions } from '../../src/actions.ts'
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
  actions: Actions
  guard: Guard
}
