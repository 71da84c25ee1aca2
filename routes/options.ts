// Options: defines what the API and the dashboard need from the rest of the program.
import type { Actions } from '../src/actions.ts'
import type { Clock } from '../src/clock.ts'
import type { Config } from '../src/config/config.ts'
import type { Refusal } from '../src/config/watch.ts'
import type { Permalink } from '../src/deliver/permalink.ts'
import type { Standings } from '../src/operator/standing.ts'
import type { Sockets } from '../src/slack-socket/sockets.ts'
import type { Store } from '../src/store/store.ts'
import type { Guard } from './guard.ts'

export interface OperatorOptions {
  config: () => Config
  /** Why the config file as it is now is not in use; undefined if it is. */
  refusal: () => Refusal | undefined
  /** The state of each source of the config file. */
  standing: () => Standings
  /** The state of this process's Socket Mode connections. */
  sockets: Pick<Sockets, 'standing'>
  store: Store
  /** Finds the address of a card in Slack. */
  permalink: Permalink
  actions: Actions
  clock: Clock
  guard: Guard
  /** Limit for the body of an event. */
  maxBodyBytes: number
}
