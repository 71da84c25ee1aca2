// Operator: sends notices about the relay itself to the destinations of `operator:`, once, whichever replica sees the cause.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { noticesTo } from '../deliver/alarm.ts'
import type { Destination } from '../deliver/destination.ts'

import type { Metrics } from '../metrics.ts'
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
    const isNews = await store.records.announce(key, notices, clock.now(), withinMs)
    if (!isNews) return false
    const { kind, name } = view.object
    const say = view.says === 'recovered' ? log.info.bind(log) : log.warn.bind(log)
    say({ kind, name, notifications: notices.length }, view.summary)
    for (const { destination } of notices) metrics.notifications.inc({ destination, state: 'pending' })
    wake(notices.map(({ lane }) => lane))
    return true
  }
}
