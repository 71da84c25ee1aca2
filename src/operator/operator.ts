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
  let refused: { key: string; since: number; texts: Set<string> } | undefined
  /**
   * How often each faulty text was followed by a right one. Where it comes back within the hour, the last that the operator
   * knows is that all is well. Replicas that run count alike.
   */
  const righted = new Map<string, number>()
  return async ({ file, text, problems, isGood }) => {
    const now = clock.now()
    if (isGood) {
      if (refused === undefined) return
      const { key, since, texts } = refused
      refused = undefined
      for (const faulty of texts) righted.set(faulty, (righted.get(faulty) ?? 0) + 1)
      await announce(`config right after ${key}`, configNotice(file, { problems, since, isOver: true }, now), withinMs)
      return
    }
    const faulty = hash('sha256', text ?? problems.join('\n'), 'base64url')
    const times = righted.get(faulty)
    const key = times === undefined ? faulty : `${faulty} ${times}`
    if (key === refused?.key) return
    const { since: began = now, texts = new Set<string>() } = refused ?? {}
    refused = { key, since: began, texts: texts.add(faulty) }
    await announce(`config refused ${key}`, configNotice(file, { problems, since: now, isOver: false }, now), withinMs)
  }
}
