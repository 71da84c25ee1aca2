// Locked: waits for another program that has locked the file, such as a shell of SQLite, without delaying anything else.
import { setTimeout as pause } from 'node:timers/promises'
import { isLocked } from './file-errors.ts'

const againMs = 50
/** Less than the time that intake keeps Flux waiting. */
const patienceMs = 5000

/** Tries `work` until the file is no longer locked, for {@link patienceMs} at most, and resolves to its result. */
export async function onceUnlocked<T>(work: () => T, wait: (ms: number) => Promise<unknown> = pause): Promise<T> {
  for (let waited = 0; ; waited += againMs) {
    try {
      return work()
    } catch (error) {
      if (waited >= patienceMs || !isLocked((error as Error).cause)) throw error
    }
    await wait(againMs)
  }
}
