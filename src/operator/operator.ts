// Operator: sends notices about the relay itself to the destinations of `operator:`, once, whichever replica sees the cause.

import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Reading } from '../config/watch.ts'
import { noticesTo } from '../deliver/alarm.ts'
import type { Destination } from '../deliver/destination.ts'
import type { Metrics } from '../metrics.ts'
import { configNotice } from '../notices/relay.ts'
import type { View } from '../render/compose/view.ts'
import type { Store } from '../store/store.ts'

/** Resolves to whether it was news: no replica had announced it under the same key within that time. */
export type Announce = (key: string, view: View, withinMs: number) => Promise<boolean>

export function createOperator(options: {
  store: Store
  operators: () => readonly Destination[]
  metrics: Metrics
  clock: Clock
  log: Logger
  wake: (lanes: string[]) => void
}): Announce {
  const { store, operators, metrics, clock, log, wake } = options
  return async (key, view, withinMs) => {
    const notices = noticesTo(operators(), view)
    const isNews = await store.records.announce({ key, notices, now: clock.now(), withinMs })
    if (!isNews) return false
    const { kind, name } = view.object
    const say = view.says === 'recovered' ? log.info.bind(log) : log.warn.bind(log)
    say({ kind, name, notifications: notices.length }, view.summary)
    for (const { destination } of notices) metrics.notifications.inc({ destination, state: 'pending' })
    wake(notices.map(({ lane }) => lane))
    return true
  }
}

/** Replicas read the same file within minutes; the same mistake a day later is another. */
const withinMs = 60 * 60 * 1000
/** So many notices an hour come at once. Two writers may fight over a file, or its volume may come and go, for a night. */
const atOnce = 6
/** After those, what the file has been for so long is said. */
const steadyMs = 10 * 60 * 1000

export interface Readings {
  /** What to do with each reading after the first, which was valid. */
  read(reading: Reading): Promise<void>
  stop(): void
}

export function createReadings(options: { announce: Announce; clock: Clock; log: Logger }): Readings {
  const { announce, clock, log } = options
  let refused: { key: string; since: number } | undefined
  /** When the file was last right again, in ms. */
  let rightAt: number | undefined
  /** When the notices of the last hour were sent, in ticks. */
  let sent: number[] = []
  let cancel = () => {}

  /** `now`: when it was read. */
  async function say({ file, text, problems, isGood }: Reading, now: number): Promise<void> {
    // Also of what is right: a replica may have missed one of the mistakes before it.
    const isRead = text !== undefined
    const key = hash('sha256', text ?? problems.join('\n'), 'base64url')
    // The same text again, such as a revert of a revert: what was said before `since` was about another time.
    const silentSince = (since: number) => (rightAt === undefined ? withinMs : Math.min(withinMs, clock.now() - since))
    if (isGood) {
      if (refused === undefined) return
      const { since } = refused
      const silentMs = silentSince(since)
      refused = undefined
      rightAt = now
      sent.push(clock.ticks())
      await announce(
        `config right ${key}`,
        configNotice(file, { problems, since, isOver: true, isRead }, now),
        silentMs
      )
      return
    }
    if (key === refused?.key) return
    const silentMs = silentSince(rightAt ?? now)
    refused = { key, since: refused?.since ?? now }
    sent.push(clock.ticks())
    const view = configNotice(file, { problems, since: now, isOver: false, isRead }, now)
    await announce(`config refused ${key}`, view, silentMs)
  }

  return {
    async read(reading) {
      cancel()
      const now = clock.now()
      sent = sent.filter((at) => clock.ticks() - at < withinMs)
      if (sent.length < atOnce) return say(reading, now)
      cancel = clock.after(
        steadyMs,
        () =>
          void say(reading, now).catch((err: unknown) =>
            log.error({ err }, 'the operator could not be notified of the config file')
          )
      )
    },
    stop: () => cancel()
  }
}
