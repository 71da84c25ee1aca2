// Clock: gives the time wherever the relay reads it or waits, so that tests can run a day in a second, and tells what is certainly
// older than some time.

export interface Clock {
  /** ms since 1970 */
  now(): number
  /** ms of real time since some moment: setting the clock does not change it. */
  ticks(): number
  /** Calls `wake` once after `ms`; the returned function cancels that. */
  after(ms: number, wake: () => void): () => void
}

/** The time zone that the relay runs in, by `TZ`; UTC if that names none. */
export function timeZone(): string {
  const zone = Temporal.Now.timeZoneId()
  // An empty TZ is `Etc/Unknown`, in which no time can be computed.
  return zone === 'Etc/Unknown' ? 'UTC' : zone
}

/** Why a `TZ` that is set has no effect, if it has none: for a name that it does not know, such as `CEST`, the system silently uses UTC. */
export function zoneFault(TZ: string, runsIn = timeZone()): string | undefined {
  if (TZ === '' || runsIn !== 'UTC' || isUtc(TZ)) return undefined
  return `TZ=${TZ} is the name of no time zone, so that the hours of buttons are by UTC; write one such as Europe/Paris, with its capitals`
}

function isUtc(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone === 'UTC'
  } catch {
    return false
  }
}

// setTimeout fires at once if the delay does not fit into 32 bits.
const longestMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, Math.min(Math.max(0, ms), longestMs))
    return () => clearTimeout(timer)
  }
}

/**
 * Does `work` again and again, each time `ms` after the last has ended, until the returned function is called; work that is under
 * way then is the last. An error of `work` goes to `onError` and does not end the series. `ms` may be a function, which is called
 * before each wait.
 */
export function every(
  clock: Pick<Clock, 'after'>,
  ms: number | (() => number),
  work: () => Promise<void>,
  onError: (error: unknown) => void
): () => void {
  let isStopped = false
  let cancel = later()

  function later(): () => void {
    return clock.after(typeof ms === 'number' ? ms : ms(), async () => {
      await work().catch(onError)
      if (!isStopped) cancel = later()
    })
  }

  return () => {
    isStopped = true
    cancel()
  }
}

/** A clock that is set back by no more than this is waited for; a clock that is set back further was wrong, and is followed at once. */
const slewMs = 60_000

/**
 * Creates the clock that decisions go by; `timeOf` computes its time from that of `own`. It does not run back after a small step back,
 * but goes at half its speed until the other clock has caught up. It follows a larger step, or it would be wrong for as long.
 */
export function steadyClock(own: Clock, timeOf: (now: number) => number): Clock {
  let last = Number.NEGATIVE_INFINITY
  let lastTicks = own.ticks()
  return {
    ticks: own.ticks,
    after: own.after,
    now() {
      const ticks = own.ticks()
      const wall = timeOf(own.now())
      const isAhead = last > wall && last - wall <= slewMs
      last = isAhead ? Math.max(wall, last + (ticks - lastTicks) / 2) : wall
      lastTicks = ticks
      return Math.floor(last)
    }
  }
}

/** Ages by time that passed while somebody looked: neither setting the clock nor stopping the relay makes anything old. */
export interface Ages {
  /** Whatever was written before the returned time, in ms since 1970, is older than `ms`; 0 while that is uncertain. */
  before(ms: number): number
}

/** Nothing expires for so long after a start or after the clock was set, because the clock may be set right again. */
const doubtMs = 60 * 60 * 1000
/** Between two looks, a clock and real time drift apart by less, unless the clock was set or the machine slept. */
const apartMs = 10_000
/** More often than anyone sets a clock; beyond that, the two oldest leaps count as one. */
const maxLeaps = 100

/** Creates the ages by `clock`. `awayMs` is for how long nobody looked before, in ms. */
export function createAges(clock: Clock, awayMs: number): Ages {
  let now = clock.now()
  let ticks = clock.ticks()
  let sureAt = ticks + doubtMs
  /** Time by the clock that nobody lived through, in ms, and the ticks at which that was noticed. */
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
      // A leap younger than `ms` counts in full, because everything is taken to have been written before it.
      const leapt = leaps.reduce((sum, leap) => (ticks - leap.ticks < ms ? sum + leap.ms : sum), 0)
      return Math.max(0, now - ms - leapt)
    }
  }
}
