// Locked: waits for another program that has the file locked, such as a shell of SQLite, without holding up anything else.
import { setTimeout as pause } from 'node:timers/promises'
import { isLocked } from './file-errors.ts'

const againMs = 50
/** Less than Flux is kept waiting for. */
const patienceMs = 5000

/** What `work` answers, tried until the file is not locked any more, for so long. */
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
