// Pruning: once a minute, deletes what is older than `retention` in steps too small for anyone to notice; and of sources that
// name more objects than they may, the oldest.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Ages } from './age.ts'
import { duplicateWindowMs, type ObjectCount } from './kept.ts'
import type { Store } from './store.ts'

const everyMs = 60_000
/** Rows of a kind in one transaction. */
const stepRows = 500
const pauseMs = 50

/** Of each source. At a kilobyte each they are 100 MB, more than ten times what a large fleet has. */
const maxObjects = 100_000
const boundEveryMs = 5 * 60_000

export interface Pruning {
  start(): void
  stop(): void
}

export function createPruning(options: {
  store: Store
  /** Called with how many objects each source has. */
  counted: (objects: ReadonlyMap<string, ObjectCount>) => void
  retention: () => { eventsMs: number; deadLettersMs: number }
  clock: Clock
  ages: Ages
  log: Logger
}): Pruning {
  const { store, clock, ages, log } = options
  let cancel = () => {}
  let cancelBound = () => {}

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

  async function bound(): Promise<void> {
    await store.boundObjects(maxObjects).then(options.counted, (error: unknown) => {
      log.error({ err: error }, 'cannot count the objects; trying again in five minutes')
    })
    cancelBound = clock.after(boundEveryMs, bound)
  }

  return {
    start() {
      cancel = clock.after(everyMs, step)
      cancelBound = clock.after(0, bound)
    },
    stop() {
      cancel()
      cancelBound()
    }
  }
}
