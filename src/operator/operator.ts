// Operator: sends notices about the relay itself to the destinations of `operator:`, once, whichever replica sees the cause, and
// records which of its troubles are not over.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { noticesTo } from '../deliver/alarm.ts'
import type { Destination } from '../deliver/destination.ts'
import type { Metrics } from '../metrics.ts'
import type { View } from '../render/compose/view.ts'
import type { Store } from '../store/store.ts'

/** Resolves to true if it was news: no replica had announced it under the same key within that time. */
export type Announce = (key: string, view: View, withinMs: number) => Promise<boolean>

/** Records in the database which troubles last: a process that starts repeats none of them, and says when one is over. */
export interface Lasting {
  /** The troubles that the operator was notified of and that go on: since when, in ms, by name. */
  begun(kind: LastingKind): Promise<ReadonlyMap<string, number>>
  /** Resolves to true if it was news. Without a view, nobody is notified. */
  begin(kind: LastingKind, name: string, view?: View): Promise<boolean>
  end(kind: LastingKind, name: string, view?: View): Promise<boolean>
}

type LastingKind = 'clicks' | 'clock' | 'config'

/** Duration of announcements that are made only once: longer than anything is kept. */
export const onceMs = 365 * 24 * 60 * 60 * 1000

export function createOperator(options: {
  store: Pick<Store, 'records'>
  operators: () => readonly Destination[]
  metrics: Pick<Metrics, 'notifications'>
  clock: Clock
  log: Logger
  wake: (lanes: string[]) => void
}): { announce: Announce; lasting: Lasting } {
  const { store, operators, metrics, clock, log, wake } = options

  async function say(view: View | undefined, news: { key: string; withinMs: number; ends?: string }): Promise<boolean> {
    const notices = view === undefined ? [] : noticesTo(operators(), view)
    const isNews = await store.records.announce({ ...news, notices, now: clock.now() })
    if (!isNews || view === undefined) return isNews
    const { kind, name } = view.object
    const write = view.says === 'recovered' ? log.info.bind(log) : log.warn.bind(log)
    write({ kind, name, notifications: notices.length }, view.summary)
    for (const { destination } of notices) metrics.notifications.inc({ destination, state: 'pending' })
    wake(notices.map(({ lane }) => lane))
    return true
  }

  return {
    announce: (key, view, withinMs) => say(view, { key, withinMs }),
    lasting: {
      begun: (kind) => store.records.announced(`lasting ${kind} `),
      begin: (kind, name, view) => say(view, { key: `lasting ${kind} ${name}`, withinMs: onceMs }),
      end: (kind, name, view) =>
        say(view, { key: `over ${kind} ${name}`, withinMs: 0, ends: `lasting ${kind} ${name}` })
    }
  }
}
