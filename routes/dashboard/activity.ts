// Activity: counts the last day minute by minute. Hours that are over do not change, so they are counted once.
import type { Clock } from '../../src/clock.ts'
import type { Minute, Records } from '../../src/store/records.ts'

const hourMs = 60 * 60 * 1000

/** Counts what came and was sent in each minute of the last 24 hours. */
export function createFlow(records: Pick<Records, 'perMinute'>, clock: Clock): () => Promise<Minute[]> {
  let hour = -1
  let past: Promise<Minute[]> = Promise.resolve([])
  return async () => {
    const now = clock.now()
    const current = Math.floor(now / hourMs)
    if (current !== hour) {
      hour = current
      past = records.perMinute((hour - 24) * hourMs, (hour - 1) * hourMs)
      past.catch(() => {
        hour = -1
      })
    }
    // What was received in the last moments of an hour may be written in the next.
    return [...(await past), ...(await records.perMinute((current - 1) * hourMs, now + 1))]
  }
}
