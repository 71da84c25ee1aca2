// Clock: gives the time wherever the relay reads it or waits, so that tests can run a day in a second, and says what is sure to
// be older than some time.

export interface Clock {
  /** ms since 1970 */
  now(): number
  /** ms since some moment, in real time: whoever sets the clock does not change it. */
  ticks(): number
  /** Calls `wake` once after `ms`; the returned function takes that back. */
  after(ms: number, wake: () => void): () => void
}

/** The time zone that the relay runs in, by `TZ`; UTC where that names none. */
export function timeZone(): string {
  const zone = Temporal.Now.timeZoneId()
  // An empty TZ is `Etc/Unknown`, which nothing can be reckoned in.
  return zone === 'Etc/Unknown' ? 'UTC' : zone
}

/** Why `TZ` has no effect where it is set: the system takes UTC for every name that it does not know, such as `CEST`, without a word. */
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

// setTimeout fires at once where the delay does not fit into 32 bits.
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
 * Does `work` again and again, each time `ms` after the last has ended, until the returned function is called: what is under
 * way then is the last. An error of `work` goes to `onError`, and the next time comes all the same. `ms` may be a function,
 * which is asked before each wait.
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

/** A clock that is put right by no more than this is waited for; more is a clock that was wrong, and is left at once. */
const slewMs = 60_000

/**
 * The clock that decisions go by: `timeOf` makes it of the time of `own`. Small steps back do not make it run back, it goes
 * at half its speed until the other has come up with it; a larger one it follows, or it would stay wrong for as long.
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

/** Only time that passed while somebody looked counts: a clock that is set, or a relay that was down, makes nothing old. */
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
