// Clocks of the clusters: measure how far each is from the relay's, by the timestamps of events. Out: how much to add to
// them, and what the operator is notified of.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { correctionOf, measure, type Skew, skewOf } from '../events/time.ts'
import { skewNotice } from '../notices/sources.ts'
import type { Announce } from './operator.ts'

/** Pods come and go: of each source those that posted last. */
const maxProcesses = 32
/** From here on times in messages mislead people; below the other, they are right again. */
const wrongMs = 3 * 60 * 1000
const rightMs = 60 * 1000
/** Replicas see the same clock; a clock that goes wrong again a day later is news. */
const onceMs = 60 * 60 * 1000

export type Clocks = ReturnType<typeof createClocks>

export function createClocks({ announce, clock, log }: { announce: Announce; clock: Clock; log: Logger }) {
  const sources = new Map<string, Map<string, Skew>>()
  /** The sources whose clock is known to be wrong: since when. */
  const wrong = new Map<string, number>()

  function furthest(source: string): { from: string; skewMs: number } | undefined {
    let found: { from: string; skewMs: number } | undefined
    for (const [from, skew] of sources.get(source) ?? []) {
      const skewMs = skewOf(skew)
      if (skewMs !== undefined && Math.abs(skewMs) >= Math.abs(found?.skewMs ?? 0)) found = { from, skewMs }
    }
    return found
  }

  /** Notifies when a clock goes wrong, and when all clocks of the source are right again. */
  async function look(source: string): Promise<void> {
    const now = clock.now()
    const { from = '', skewMs = 0 } = furthest(source) ?? {}
    const since = wrong.get(source)
    if (since === undefined && Math.abs(skewMs) >= wrongMs) {
      wrong.set(source, now)
      const view = skewNotice(source, { from, skewMs, since: now, isOver: false }, now)
      await announce(`clock ${source} wrong`, view, onceMs)
    }
    if (since !== undefined && Math.abs(skewMs) < rightMs) {
      wrong.delete(source)
      await announce(`clock ${source} right`, skewNotice(source, { from, skewMs, since, isOver: true }, now), onceMs)
    }
  }

  return {
    /**
     * Notes the timestamp `stamp` of an event that came at `receivedAt` from the process `from`, such as a controller's pod;
     * how far its clock is behind, in ms.
     */
    behind(source: string, from: string, stamp: number, receivedAt: number): number {
      const processes = sources.get(source) ?? new Map<string, Skew>()
      sources.set(source, processes)
      const known = processes.get(from)
      const skew = measure(known, stamp, receivedAt)
      if (skew !== undefined && skew !== known) {
        // To the end, as the newest. A map that is written anew with each event is work for the collector.
        if (processes.size > 1) processes.delete(from)
        processes.set(from, skew)
        const [oldest = ''] = processes.keys()
        if (processes.size > maxProcesses) processes.delete(oldest)
        const isNews = wrong.has(source) || Math.abs(skewOf(skew) ?? 0) >= wrongMs
        if (isNews)
          look(source).catch((err: unknown) =>
            log.error({ err, source }, 'cannot notify the operator of a wrong clock')
          )
      }
      return skew === undefined ? 0 : correctionOf(skew)
    },
    /** How far the clock of `source` that is furthest off is behind, in ms. */
    skewOf: (source: string) => furthest(source)?.skewMs
  }
}
