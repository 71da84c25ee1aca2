// Rarely: lets few of many alike through, and counts the rest: what repeats a hundred times a second would bury all else in the log.
import type { Clock } from './clock.ts'

const windowMs = 60_000

/** Lines in a minute of what is to be told apart, such as by its sender or its channel, and may come any number of times. */
export const fewLines = 10

/** Calls `write` with how many there were since the last that was written, this one included. */
export type Rarely = (write: (times: number) => void) => void

/** The first `most` in a minute are let through at once. */
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
