// Bad signatures: notifies the operator if somebody without the key of a source keeps posting to it.
import type { Logger } from 'pino'
import { floodNotice } from '../notices/sources.ts'
import type { Announce } from './operator.ts'
import { createFlood, floodSilentMs } from './traffic.ts'

/** Records a bad signature at `now`, in ms. */
export type BadSignatures = (source: string, now: number) => void

export function createBadSignatures({ announce, log }: { announce: Announce; log: Logger }): BadSignatures {
  const floods = new Map<string, ReturnType<typeof createFlood>>()
  return (source, now) => {
    const floodAt = floods.get(source) ?? createFlood()
    floods.set(source, floodAt)
    const flood = floodAt(now)
    if (flood === undefined) return
    const notice = floodNotice(source, { ...flood, silentMs: floodSilentMs }, now)
    announce(`signatures ${source}`, notice, floodSilentMs).catch((err: unknown) =>
      log.error({ err, source }, 'cannot notify the operator of bad signatures')
    )
  }
}
