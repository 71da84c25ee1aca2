// Clocks of the clusters: measures how far each is from the relay's, by the timestamps of events. Out: how much to add to
// timestamps, and notices for the operator.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { correctionOf, measure, type Skew, skewOf } from '../events/time.ts'
import { skewNotice } from '../notices/sources.ts'
import type { Lasting } from './operator.ts'

/** The most processes that are remembered of a source. Pods come and go, so these are the last that posted. */
const maxProcesses = 32
/** From `wrongMs` on, times in messages mislead people; below `rightMs`, they are right again. */
const wrongMs = 3 * 60 * 1000
const rightMs = 60 * 1000
/** If a clock goes wrong again within the hour, that is news only once the hour is over. */
const silentMs = 60 * 60 * 1000
/** A process that has sent nothing for this long may be gone: nothing is said of its clock any more. */
const goneMs = 24 * 60 * 60 * 1000

interface Process {
  skew: Skew
  /** When its last event came, in ms. */
  at: number
}

/** A wrong clock of a source, which the operator was notified of. */
interface Wrong {
  since: number
  /** The process that has it; undefined if the operator was notified before this process began. */
  from: string | undefined
  /** When it was last seen to be wrong, in ms. */
  at: number
}

export type Clocks = ReturnType<typeof createClocks>

export function createClocks({ lasting, clock, log }: { lasting: Lasting; clock: Clock; log: Logger }) {
  const sources = new Map<string, Map<string, Process>>()
  const wrong = new Map<string, Wrong>()
  /** When this process last notified of each source, in ticks. */
  const saidAt = new Map<string, number>()

  const isThere = (process: Process | undefined) => process !== undefined && clock.now() - process.at <= goneMs

  /** How far the clock of `source` that is furthest off is behind, in ms. */
  function furthest(source: string): number | undefined {
    let found: number | undefined
    for (const process of sources.get(source)?.values() ?? []) {
      const skewMs = isThere(process) ? skewOf(process.skew) : undefined
      if (skewMs !== undefined && Math.abs(skewMs) >= Math.abs(found ?? 0)) found = skewMs
    }
    return found
  }

  /** To be called after an event of the process `from`. Notifies if its clock is wrong, or if all clocks of the source are right again. */
  async function look(source: string, from: string): Promise<void> {
    const now = clock.now()
    const known = wrong.get(source)
    const process = sources.get(source)?.get(from)
    const skewMs = (process && skewOf(process.skew)) ?? 0
    if (Math.abs(skewMs) >= wrongMs) {
      const seen = { since: known?.since ?? now, from, at: now }
      if (known === undefined) {
        if (clock.ticks() - (saidAt.get(source) ?? -silentMs) < silentMs) return
        const view = skewNotice(source, { from, skewMs, since: now, isOver: false }, now)
        if (await lasting.begin('clock', source, view)) saidAt.set(source, clock.ticks())
      }
      wrong.set(source, seen)
    } else if (known !== undefined && Math.abs(furthest(source) ?? 0) < rightMs) {
      const isGone = known.from === undefined || !isThere(sources.get(source)?.get(known.from))
      if (isGone && now - known.at <= goneMs) return
      const { since } = known
      await lasting.end('clock', source, skewNotice(source, { from, skewMs, since, isOver: true, isGone }, now))
      wrong.delete(source)
    }
  }

  return {
    async start(): Promise<void> {
      const at = clock.now()
      for (const [source, since] of await lasting.begun('clock')) wrong.set(source, { since, from: undefined, at })
    },
    /**
     * Records the timestamp `stamp` of an event that came at `receivedAt` from the process `from`, such as a controller's pod. Returns how
     * far the clock of the process is behind, in ms.
     */
    behind(source: string, from: string, stamp: number, receivedAt: number): number {
      const processes = sources.get(source) ?? new Map<string, Process>()
      sources.set(source, processes)
      const known = processes.get(from)
      const skew = measure(known?.skew, stamp, receivedAt)
      if (known !== undefined) known.at = receivedAt
      if (skew !== undefined && skew !== known?.skew) {
        const process = known ?? { skew, at: receivedAt }
        process.skew = skew
        // Moves to the end, as the newest. A map that is written anew with each event is work for the collector.
        if (processes.size > 1) processes.delete(from)
        processes.set(from, process)
        const [oldest = ''] = processes.keys()
        if (processes.size > maxProcesses) processes.delete(oldest)
        const isNews = wrong.has(source) || Math.abs(skewOf(skew) ?? 0) >= wrongMs
        if (isNews)
          look(source, from).catch((err: unknown) =>
            log.error({ err, source }, 'cannot notify the operator of a wrong clock; trying again with its next event')
          )
      }
      return skew === undefined ? 0 : correctionOf(skew)
    },
    /** How far the clock of `source` that is furthest off is behind, in ms. */
    skewOf: furthest
  }
}
