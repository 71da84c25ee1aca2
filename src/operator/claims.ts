// Claims: notices a source that claims another's cluster, and two objects under one name. In: accepted events. Out: a
// notice to the operator, and a counter.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Claim } from '../events/owners.ts'
import type { Metrics } from '../metrics.ts'
import { claimNotice, twinsNotice } from '../notices/sources.ts'
import type { View } from '../render/compose/view.ts'
import type { Announce } from './operator.ts'

export interface Claims {
  /** An event of `source` claimed a cluster that another source speaks for. */
  claimed(source: string, claim: Claim): void
  /** Two objects with one name came from `source`. */
  twins(source: string): void
}

/** How long the operator is not notified of the same again. */
const silentMs = 24 * 60 * 60 * 1000

export function createClaims(options: { announce: Announce; metrics: Metrics; clock: Clock; log: Logger }): Claims {
  const { announce, metrics, clock, log } = options
  /** When the operator was notified of each, in ticks, so that not every event asks the database. */
  const announcedAt = new Map<string, number>()

  function once(key: string, view: (now: number) => View): void {
    const last = announcedAt.get(key)
    if (last !== undefined && clock.ticks() - last < silentMs) return
    announcedAt.set(key, clock.ticks())
    announce(key, view(clock.now()), silentMs).catch((err: unknown) => {
      announcedAt.delete(key)
      log.error({ err }, 'cannot notify the operator of what a source claims')
    })
  }

  return {
    claimed(source, claim) {
      metrics.foreignClusters.inc({ source })
      once(`claim ${source} ${claim.owner}`, (now) => claimNotice(source, { ...claim, silentMs }, now))
    },
    twins: (source) => once(`twins ${source}`, (now) => twinsNotice(source, silentMs, now))
  }
}
