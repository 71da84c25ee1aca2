// Rarely: lets a few of many alike through, and counts the rest: what repeats a hundred times a second would bury all else in the log.
import type { Clock } from './clock.ts'

const windowMs = 60_000

/** Lines in a minute, for those that differ in something, such as their sender or channel, and may come in any number. */
export const fewLines = 10

/** Calls `write`, unless there were too many, with how many there were since the last call, this one included. */
export type Rarely = (write: (times: number) => void) => void

/** Lets the first `most` in a minute through at once. */
export function createRarely(clock: Pick<Clock, 'ticks'>, most = 1): Rarely {
  let times = 0
  let written = 0
  let since = Number.NEGATIVE_INFINITY
  return (write) => {
    times += 1
    const ticks = clock.ticks()
    if (ticks - since >= windowMs) {
      since = ticks
      written = 0
    }
    if (written === most) return
    written += 1
    write(times)
    times = 0
  }
}
