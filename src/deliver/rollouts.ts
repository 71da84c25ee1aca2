// Rollouts: reports how far each revision is rolled out. In: rollouts with something due, found in the store. Out: a notification
// when one fails or has settled; for a channel with cards, also when it begins.
import type { Logger } from 'pino'
import { type Clock, every } from '../clock.ts'
import { say } from '../store/rollouts/say.ts'
import type { Store } from '../store/store.ts'
import type { Destination } from './destination.ts'

/** Time between two looks. */
const lookMs = 1000

export interface RolloutsOptions {
  store: Pick<Store, 'sayRollouts'>
  destinations: () => Pick<ReadonlyMap<string, Destination>, 'get'>
  /** Wakes these lanes: something new waits in them. */
  wake(lanes: Iterable<string>): void
  clock: Clock
  log: Logger
}

export function createRollouts({ store, destinations, wake, clock, log }: RolloutsOptions) {
  let stop = () => {}

  async function look(): Promise<void> {
    const now = clock.now()
    wake(await store.sayRollouts(now, (rollout) => say(rollout, destinations().get(rollout.destination), now)))
  }

  return {
    start(): void {
      stop = every(clock, lookMs, look, (err) =>
        log.error({ err }, 'cannot look for rollouts; trying again in a second')
      )
    },
    stop: (): void => stop()
  }
}
