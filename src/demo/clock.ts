// Demo clock: runs through a day in seconds, then goes on as the real one does.
import { type Clock, systemClock } from '../clock.ts'

export interface FastClock extends Clock {
  /**
   * Moves on to `end` (ms since 1970), and wakes what falls due on the way, in order; `settle` lets each of it finish. After half a
   * minute it leaps, and what would have been due meanwhile comes late, as on a laptop that was asleep.
   */
  advanceTo(end: number, settle: () => Promise<void>): Promise<void>
  /** Shows the real time from now on. */
  goLive(): void
}

// Longer than anything is held in a lane on purpose. The housekeeping of a whole day, every five seconds, would take as long again.
const beforeLeapMs = 30_000

interface Timer {
  at: number
  wake: () => void
  cancel?: () => void
}

/** A clock that stands at `start` until it is moved. */
export function createFastClock(start: number): FastClock {
  const timers = new Set<Timer>()
  let now = start
  let isLive = false

  function nextBefore(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of timers) if (timer.at <= end && timer.at < (next?.at ?? Number.POSITIVE_INFINITY)) next = timer
    return next
  }

  return {
    now: () => (isLive ? systemClock.now() : now),
    ticks: () => (isLive ? systemClock.now() : now),
    after(ms, wake) {
      if (isLive) return systemClock.after(ms, wake)
      const timer: Timer = { at: now + Math.max(0, ms), wake }
      timers.add(timer)
      return () => {
        timers.delete(timer)
        timer.cancel?.()
      }
    },
    async advanceTo(end, settle) {
      const leapAt = now + beforeLeapMs
      for (let next = nextBefore(end); next !== undefined; next = nextBefore(end)) {
        timers.delete(next)
        now = Math.max(now, next.at > leapAt ? end : next.at)
        next.wake()
        await settle()
      }
      now = Math.max(now, end)
    },
    goLive() {
      isLive = true
      for (const timer of timers) timer.cancel = systemClock.after(timer.at - systemClock.now(), timer.wake)
    }
  }
}
