// Schedule: runs the work of each lane on its own, one run at a time, and again once the lane is woken or its wait is over.
import type { Clock } from '../clock.ts'

/** The wait of a lane. New notifications cut it short if it is interruptible. */
export interface Wait {
  until: number
  isInterruptible?: true
}

export interface ScheduleOptions {
  /** Does the work of a lane. Resolves to the wait that follows, or to undefined if there is nothing to wait for. */
  work(lane: string): Promise<Wait | undefined>
  /** Returns the wait that follows an error. */
  failed(lane: string, error: unknown): Wait
  /** Once this is aborted, nothing more starts. */
  stopping: AbortSignal
  clock: Clock
}

export interface Schedule {
  /** Wakes these lanes, because something new waits in them. */
  wake(lanes: Iterable<string>): void
  /** Makes a lane look again, whatever it waits for. */
  rouse(lane: string): void
  /** Resolves once no lane is at work: each one is empty, or waits for its time. */
  idle(): Promise<void>
  /** Ends all waits; `stopping` must be aborted before. Resolves once no lane is at work. */
  stop(): Promise<void>
}

/** The shortest time between two looks while something is held: in a storm, news comes at any moment. */
const lookMs = 250

export function createSchedule({ work, failed, stopping, clock }: ScheduleOptions): Schedule {
  const running = new Map<string, Promise<void>>()
  const waiting = new Map<string, { cancel: () => void; isInterruptible: boolean; sinceTicks: number }>()
  const wokenMeanwhile = new Set<string>()
  /** Running lanes that were roused: they may have asked the store too early to find the reason. */
  const rousedMeanwhile = new Set<string>()

  function lookSoon(lane: string): void {
    const { cancel, isInterruptible, sinceTicks } = waiting.get(lane) ?? {}
    // Pace, backoff and the first moments of a storm are waited out: another look would only cost time.
    if (cancel === undefined || sinceTicks === undefined || !isInterruptible) return
    const inMs = sinceTicks + lookMs - clock.ticks()
    if (inMs > 0) {
      cancel()
      waiting.set(lane, { cancel: clock.after(inMs, () => start(lane)), isInterruptible: false, sinceTicks })
    } else start(lane)
  }

  function start(lane: string): void {
    waiting.get(lane)?.cancel()
    waiting.delete(lane)
    running.set(lane, run(lane))
  }

  async function run(lane: string): Promise<void> {
    let wait: Wait | undefined
    try {
      do {
        wokenMeanwhile.delete(lane)
        rousedMeanwhile.delete(lane)
        wait = await work(lane)
      } while (!stopping.aborted && (rousedMeanwhile.has(lane) || (wokenMeanwhile.has(lane) && wait === undefined)))
    } catch (error) {
      wait = failed(lane, error)
    }
    running.delete(lane)
    if (wait === undefined || stopping.aborted) return
    const cancel = clock.after(wait.until - clock.now(), () => start(lane))
    waiting.set(lane, { cancel, isInterruptible: wait.isInterruptible ?? false, sinceTicks: clock.ticks() })
    if (wokenMeanwhile.delete(lane)) lookSoon(lane)
  }

  return {
    wake(lanes) {
      for (const lane of lanes) {
        if (stopping.aborted) return
        if (running.has(lane)) wokenMeanwhile.add(lane)
        else if (waiting.has(lane)) lookSoon(lane)
        else start(lane)
      }
    },
    rouse(lane) {
      if (stopping.aborted) return
      if (running.has(lane)) rousedMeanwhile.add(lane)
      else start(lane)
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values())
    },
    async stop() {
      for (const { cancel } of waiting.values()) cancel()
      waiting.clear()
      await Promise.all(running.values())
    }
  }
}
