// Fullness: notifies the operator of each bound that is reached once an hour, however many events meet it.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Full } from '../intake/budget.ts'
import { fullNotice } from '../notices/relay.ts'
import type { Announce } from './operator.ts'

/** How long a notice is not repeated. */
const silentMs = 60 * 60 * 1000

/** Announces what was found full. */
export function createFullness({ announce, clock, log }: { announce: Announce; clock: Clock; log: Logger }) {
  /** When this process last said it: one entry for each name in the config file, and one more. */
  const saidAt = new Map<string, number>()

  function say(found: Full, now: number): void {
    const key = `full ${found.kind} ${found.name}`
    if (Math.abs(now - (saidAt.get(key) ?? Number.NEGATIVE_INFINITY)) < silentMs) return
    saidAt.set(key, now)
    announce(key, fullNotice(found, silentMs, now), silentMs).catch((err: unknown) => {
      saidAt.delete(key)
      log.error({ err, kind: found.kind, name: found.name }, 'cannot notify the operator of what is full')
    })
  }

  return (all: readonly Full[]): void => {
    const now = clock.now()
    for (const found of all) say(found, now)
    for (const [key, at] of saidAt) if (Math.abs(now - at) >= silentMs) saidAt.delete(key)
  }
}
