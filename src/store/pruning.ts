// Pruning: once a minute, deletes what is older than `retention` in steps too small for anyone to notice.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Ages } from './age.ts'
import { duplicateWindowMs, type Store } from './store.ts'

const everyMs = 60_000
/** Rows of a kind in one transaction. */
const stepRows = 500
const pauseMs = 50

export interface Pruning {
  start(): void
  stop(): void
}

export function createPruning(options: {
  store: Store
  retention: () => { eventsMs: number; deadLettersMs: number }
  clock: Clock
  ages: Ages
  log: Logger
}): Pruning {
  const { store, clock, ages, log } = options
  let cancel = () => {}

  async function step(): Promise<void> {
    const { eventsMs, deadLettersMs } = options.retention()
    const before = {
      events: ages.before(eventsMs),
      deadLetters: ages.before(deadLettersMs),
      duplicates: ages.before(duplicateWindowMs)
    }
    const isMore = await store.prune(before, stepRows).then(
      (deleted) => deleted >= stepRows,
      (error: unknown) => {
        log.error({ err: error }, 'pruning failed; trying again in a minute')
        return false
      }
    )
    cancel = clock.after(isMore ? pauseMs : everyMs, step)
  }

  return {
    start() {
      cancel = clock.after(everyMs, step)
    },
    stop: () => cancel()
  }
}
