// Pruning: once a minute, deletes rows older than `retention`, in steps too small for anyone to notice. Also forgets the oldest objects
// of sources that have too many.
import type { Logger } from 'pino'
import { type Ages, type Clock, every } from '../clock.ts'
import { duplicateWindowMs, type ObjectCount } from './kept.ts'
import { gatheringMs } from './kept-lanes.ts'
import type { Store } from './store.ts'

const everyMs = 60_000
/** Rows of each kind that one transaction deletes. */
const stepRows = 500
const pauseMs = 50

/** Objects that are remembered of each source: 100 MB at a kilobyte each, and more than ten times what a large fleet has. */
const maxObjects = 100_000
const boundEveryMs = 5 * 60_000

export function createPruning(options: {
  store: Store
  /** Called with the number of objects of each source. */
  counted: (objects: ReadonlyMap<string, ObjectCount>) => void
  retention: () => { eventsMs: number; deadLettersMs: number }
  clock: Clock
  ages: Ages
  log: Logger
}) {
  const { store, clock, ages, log } = options
  let pruneInMs = everyMs
  let boundInMs = 0
  let stops: (() => void)[] = []

  async function prune(): Promise<void> {
    const { eventsMs, deadLettersMs } = options.retention()
    const before = {
      events: ages.before(eventsMs),
      deadLetters: ages.before(deadLettersMs),
      duplicates: ages.before(duplicateWindowMs),
      gatherings: ages.before(gatheringMs)
    }
    pruneInMs = everyMs
    const deleted = await store.prune(before, stepRows)
    if (deleted >= stepRows) pruneInMs = pauseMs
  }

  async function bound(): Promise<void> {
    boundInMs = boundEveryMs
    options.counted(await store.boundObjects(maxObjects))
  }

  return {
    start(): void {
      stops = [
        every(
          clock,
          () => pruneInMs,
          prune,
          (err) => log.error({ err }, 'pruning failed; trying again in a minute')
        ),
        every(
          clock,
          () => boundInMs,
          bound,
          (err) => log.error({ err }, 'cannot count the objects; trying again in five minutes')
        )
      ]
    },
    stop(): void {
      for (const stop of stops) stop()
    }
  }
}
