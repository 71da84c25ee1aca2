// Alarm: notifies the operator that nothing can be posted to a destination, and of dead letters, once for
// each destination and hour, and never through the lane that is at fault.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Metrics } from '../metrics.ts'
import { deadNotice, type LaneSubject, laneNotice } from '../notices/delivery.ts'
import type { View } from '../render/compose/view.ts'
import type { SlackApp } from '../slack-api/app.ts'
import type { NewNotification } from '../store/kept.ts'
import type { LaneState, Message } from '../store/kept-lanes.ts'
import type { Store } from '../store/store.ts'
import { isAboutToken } from './answer.ts'
import { partsOf } from './channels.ts'
import type { Destination } from './destination.ts'
import type { Settled } from './outcome.ts'
import { adviceOn } from './saying.ts'

export interface Alarm {
  /** The notices to write down with an outcome that blocks a lane, or ends its block. */
  ofLane(message: Message, block: LaneState['block'], settled: Settled): Promise<NewNotification[]>
  /** Notifies of the dead letters since it last looked, whatever their reason. */
  ofDeadLetters(): Promise<void>
}

export interface AlarmOptions {
  store: Store
  destinations: () => ReadonlyMap<string, Destination>
  operators: () => readonly Destination[]
  metrics: Metrics
  clock: Clock
  log: Logger
  wake: (lanes: Iterable<string>) => void
}

const withinMs = 60 * 60_000

/** Dead letters whose reasons are looked at. */
const maxLooked = 100

/** How long not to ask again whether the hour of a destination is over. */
const askAgainMs = 60_000

/** `view` for each of `operators`, as a notification of the rule `operator`. */
export function noticesTo(operators: readonly Destination[], view: View): NewNotification[] {
  return operators.map(({ name, lane }) => ({ rule: 'operator', destination: name, lane, view }))
}

export function createAlarm({ store, destinations, operators, metrics, clock, log, wake }: AlarmOptions): Alarm {
  /** Blocked lanes of which this process has notified, and the app, where it is the app's token that is not taken. */
  const announced = new Map<string, string | undefined>()
  /** Blocked lanes of which nobody was notified yet: they came to be blocked again within the hour. */
  const unannounced = new Set<string>()
  let seen = 0
  const counted = new Map<string, number>()
  /** By destination, the dead letters that nobody was notified of. */
  const owed = new Map<string, { count: number; askAt: number }>()

  const besides = (lane: string | undefined, app?: SlackApp) =>
    operators().filter(({ lane: own, slack }) => own !== lane && (app === undefined || slack?.app?.token !== app.token))

  async function ofLane(message: Message, block: LaneState['block'], settled: Settled): Promise<NewNotification[]> {
    const { settlement, kind, reply } = settled
    const { lane, destination } = message
    const next = settlement.lane.block
    const now = clock.now()
    const place = destinations().get(destination)?.slack
    if (next !== undefined && !announced.has(lane)) {
      // Of a token that Slack does not take, once for all channels of its app.
      const app = place?.app && isAboutToken(reply, place.receiver) ? place.app : undefined
      // Another process may have notified of this block, or have had to wait for the hour to be over.
      const sinceMs = Math.max(withinMs, now - next.since + 1)
      const what = app === undefined ? destination : `app ${app.name}`
      const isNews = await store.records.announce(`blocked ${what}`, [], now, sinceMs)
      if (!isNews && block === undefined) unannounced.add(lane)
      if (!isNews) return []
      announced.set(lane, app?.name)
      unannounced.delete(lane)
      const isGone = kind === 'gone' && place?.app === undefined
      // The message that was refused waits as well.
      const waiting = (await store.backlog(lane)) + message.notifications
      const { instead = '' } = partsOf(destination) ?? {}
      const means = { isGone, advice: adviceOn(kind, reply, place), ...(instead !== '' && { instead }) }
      const change = { block: next, isOver: false as const, ...means, waiting, nextAt: settlement.lane.notBefore }
      return noticesTo(besides(lane, app), laneNotice(subjectOf(destination, app?.name), change, now))
    }
    if (next !== undefined) return []
    const app = announced.get(lane)
    announced.delete(lane)
    if (block === undefined || unannounced.delete(lane)) return []
    const waited = await store.backlog(lane)
    return noticesTo(besides(lane), laneNotice(subjectOf(destination, app), { block, isOver: true, waited }, now))
  }

  function subjectOf(destination: string, app: string | undefined): LaneSubject {
    if (app !== undefined) return { kind: 'app', name: app }
    const named = partsOf(destination)
    return { kind: 'destination', name: named === undefined ? destination : `${named.app}:${named.channel}` }
  }

  async function ofDeadLetters(): Promise<void> {
    count()
    const now = clock.now()
    for (const [destination, { count, askAt }] of [...owed]) {
      if (now < askAt && askAt - now <= askAgainMs) continue
      // Whoever looks meanwhile finds it taken.
      owed.delete(destination)
      const isNews = await notify(destination, count).catch((err: unknown) => {
        log.error({ err, destination }, 'cannot notify the operator of dead letters yet; trying again in a minute')
        return false
      })
      if (!isNews)
        owed.set(destination, { count: count + (owed.get(destination)?.count ?? 0), askAt: now + askAgainMs })
    }
  }

  function count(): void {
    if (store.buried === seen) return
    seen = store.buried
    for (const [name, { buried }] of store.tally()) {
      const more = buried - (counted.get(name) ?? 0)
      if (more <= 0) continue
      counted.set(name, buried)
      const known = owed.get(name)
      owed.set(name, { count: more + (known?.count ?? 0), askAt: known?.askAt ?? 0 })
    }
  }

  async function notify(destination: string, count: number): Promise<boolean> {
    const now = clock.now()
    const dead = await store.records.notifications(
      { destination, state: 'dead' },
      { limit: Math.min(count, maxLooked) }
    )
    const reasons = dead.items.flatMap(({ reason }) => reason ?? [])
    const notices = noticesTo(
      besides(destinations().get(destination)?.lane),
      deadNotice(destination, { count, reasons }, now)
    )
    if (!(await store.records.announce(`dead letters ${destination}`, notices, now, withinMs))) return false
    log.error(
      { destination, notifications: count, reasons: [...new Set(reasons)].slice(0, 3) },
      'notifications could not be delivered; they are kept and can be retried'
    )
    for (const { destination } of notices) metrics.notifications.inc({ destination, state: 'pending' })
    wake(notices.map(({ lane }) => lane))
    return true
  }

  return { ofLane, ofDeadLetters }
}
