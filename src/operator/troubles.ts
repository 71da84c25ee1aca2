// Troubles: notifies the operator of a source that claims another's cluster, of two objects under one name, of each bound that is
// reached, and of a time in which nothing could be stored, once it is over. In: accepted events. Out: a notice at most once an hour or a
// day, however many events meet it.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Claim } from '../events/source.ts'
import type { Full } from '../intake/budget.ts'
import type { Metrics } from '../metrics.ts'
import { channelNotice } from '../notices/delivery.ts'
import { fullNotice, outageNotice } from '../notices/relay.ts'
import { claimNotice, twinsNotice } from '../notices/sources.ts'
import type { View } from '../render/compose/view.ts'
import type { PassedChannel } from '../rules/owners.ts'
import type { Announce } from './operator.ts'

/** The most channels, named by events, that are reported in a day: there is no end of names. */
const maxPassed = 20

/** How long a notice is not repeated. */
const claimSilentMs = 24 * 60 * 60 * 1000
const fullSilentMs = 60 * 60 * 1000

/** Flux tries each event for 14 s: what could not be stored for less than this has come since. */
const longMs = 10_000

export type Troubles = ReturnType<typeof createTroubles>

export function createTroubles(options: { announce: Announce; metrics: Metrics; clock: Clock; log: Logger }) {
  const { announce, metrics, clock, log } = options
  /** By notice: until when, in ticks, this process does not repeat it, so that not every event asks the database. */
  const silentUntil = new Map<string, number>()
  /** Since when nothing could be stored, and when the last try failed, in ms. */
  let outage: { since: number; until: number } | undefined

  function once(key: string, silentMs: number, view: (now: number) => View): void {
    const ticks = clock.ticks()
    for (const [said, until] of silentUntil) if (until <= ticks) silentUntil.delete(said)
    if (silentUntil.has(key)) return
    silentUntil.set(key, ticks + silentMs)
    announce(key, view(clock.now()), silentMs).catch((err: unknown) => {
      silentUntil.delete(key)
      log.error({ err, key }, 'cannot notify the operator')
    })
  }

  return {
    /** Reports that an event of `source` claimed a cluster that another source speaks for. */
    claimed(source: string, claim: Claim): void {
      metrics.foreignClusters.inc({ source })
      const view = (now: number) => claimNotice(source, { ...claim, silentMs: claimSilentMs }, now)
      once(`claim ${source} ${claim.speaker}`, claimSilentMs, view)
    },
    /** Reports that two objects with one name came from `source`. */
    twins: (source: string): void =>
      once(`twins ${source}`, claimSilentMs, (now) => twinsNotice(source, claimSilentMs, now)),
    /** Reports channels that an event of `source` named and did not get. Those that Slack refused were reported by their lanes. */
    passed(source: string, channels: readonly PassedChannel[]): void {
      for (const each of channels) {
        const known = silentUntil
          .keys()
          .filter((key) => key.startsWith('channel '))
          .toArray()
        const key = `channel ${each.app} ${each.channel}`
        if (known.length >= maxPassed && !known.includes(key)) return
        once(key, claimSilentMs, (now) => channelNotice(source, each, claimSilentMs, now))
      }
    },
    /** Records that a commit failed, or takes too long. */
    unstored(): void {
      const now = clock.now()
      outage = { since: Math.min(outage?.since ?? now, now), until: now }
    },
    /** Records that a commit worked. */
    stored(): void {
      if (outage === undefined) return
      const over = outage
      outage = undefined
      if (over.until - over.since < longMs) return
      const now = clock.now()
      announce('nothing stored', outageNotice(over, now), now - over.since).catch((err: unknown) => {
        outage ??= over
        log.error({ err }, 'the operator could not be notified of a time when nothing was stored; trying again')
      })
    },
    full(found: readonly Full[]): void {
      for (const each of found) {
        once(`full ${each.kind} ${each.name}`, fullSilentMs, (now) => fullNotice(each, fullSilentMs, now))
      }
    }
  }
}
