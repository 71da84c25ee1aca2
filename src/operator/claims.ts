// Claims: notice a source that speaks for another's cluster, and two objects under one name. In: accepted events. Out: a
// notice to the operator, and a counter.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Claim } from '../events/owners.ts'
import type { Metrics } from '../metrics.ts'
import { claimNotice, twinsNotice } from '../notices/sources.ts'
import type { View } from '../render/compose/view.ts'
import type { Tell } from './operator.ts'

export interface Claims {
  /** An event of `source` said to be of a cluster that another source speaks for. */
  claimed(source: string, claim: Claim): void
  /** Two objects with one name came from `source`. */
  twins(source: string): void
}

/** How long the operator is not notified of the same again. */
const silentMs = 24 * 60 * 60 * 1000

export function createClaims(options: { tell: Tell; metrics: Metrics; clock: Clock; log: Logger }): Claims {
  const { tell, metrics, clock, log } = options
  /** When the operator was notified of each, in ticks, so that not every event asks the database. */
  const told = new Map<string, number>()

  function once(key: string, view: (now: number) => View): void {
    const last = told.get(key)
    if (last !== undefined && clock.ticks() - last < silentMs) return
    told.set(key, clock.ticks())
    tell(key, view(clock.now()), silentMs).catch((err: unknown) => {
      told.delete(key)
      log.error({ err }, 'cannot notify of what a source claims')
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
