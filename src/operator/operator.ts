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

/** Returns what to do with each reading after the first, which was valid. */
export function createReadings(announce: Announce, clock: Clock): (reading: Reading) => Promise<void> {
  let refused: { key: string; since: number } | undefined
  return async ({ file, text, problems, isGood }) => {
    const now = clock.now()
    if (isGood) {
      if (refused === undefined) return
      const { key, since } = refused
      refused = undefined
      await announce(`config right after ${key}`, configNotice(file, { problems, since, isOver: true }, now), withinMs)
      return
    }
    const key = hash('sha256', text ?? problems.join('\n'), 'base64url')
    if (key === refused?.key) return
    refused = { key, since: refused?.since ?? now }
    await announce(`config refused ${key}`, configNotice(file, { problems, since: now, isOver: false }, now), withinMs)
  }
}
