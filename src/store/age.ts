// Age: says what is sure to be older than some time. Only time that passed while somebody looked counts, so that a clock that is
// set, or a relay that was down, makes nothing old.
import type { Clock } from '../clock.ts'

export interface Ages {
  /** What was written before this, in ms since 1970, is older than `ms`; 0 while nobody knows. */
  before(ms: number): number
}

/** After a start, and after the clock was set, nothing becomes a dead letter or is deleted for so long: it may be put right again. */
const doubtMs = 60 * 60 * 1000
/** Between two looks a clock and real time part by less, unless it was set or the machine slept. */
const apartMs = 10_000
/** More than anyone sets a clock: the oldest count as one. */
const maxLeaps = 100

/** `awayMs`: for how long nobody looked before. */
export function createAges(clock: Clock, awayMs: number): Ages {
  let now = clock.now()
  let ticks = clock.ticks()
  let sureAt = ticks + doubtMs
  /** How far time ran on without anyone having lived through it, and when that was seen. */
  let leaps = [{ ticks, ms: Math.max(0, awayMs) }]

  function look(): void {
    const before = { now, ticks }
    now = clock.now()
    ticks = clock.ticks()
    const apart = now - before.now - (ticks - before.ticks)
    if (Math.abs(apart) < apartMs) return
    sureAt = ticks + doubtMs
    leaps.push({ ticks, ms: Math.max(0, apart) })
    if (leaps.length <= maxLeaps) return
    const [first, second, ...rest] = leaps
    leaps = [{ ticks: second?.ticks ?? ticks, ms: (first?.ms ?? 0) + (second?.ms ?? 0) }, ...rest]
  }

  return {
    before(ms) {
      look()
      if (ticks < sureAt) return 0
      // What was written after a leap is younger than the leap: until that is as old as this, all is taken to be from before.
      const leapt = leaps.reduce((sum, leap) => (ticks - leap.ticks < ms ? sum + leap.ms : sum), 0)
      return Math.max(0, now - ms - leapt)
    }
  }
}
