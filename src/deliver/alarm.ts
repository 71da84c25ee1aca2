// Alarm: notifies the operator that nothing can be posted to a destination, and of dead letters, once for
// each destination and hour, and never through the lane that is at fault.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Metrics } from '../metrics.ts'
import { deadNotice, type LaneSubject, laneNotice } from '../notices/delivery.ts'
import type { View } from '../render/compose/view.ts'
import type { SlackApp } from '../slack-api/app.ts'
import { isAbout } from '../slack-api/words.ts'
import type { NewNotification } from '../store/kept.ts'
import type { LaneState, Message } from '../store/kept-lanes.ts'
import type { News } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { partsOf } from './channels.ts'
import type { Destination, Place } from './destination.ts'
import type { Settled } from './outcome.ts'
import { adviceOn } from './saying.ts'

export interface Alarm {
  /** The notices for an outcome that blocks a lane or ends its block; undefined if it is no news, or no operator can be reached. */
  ofLane(message: Message, block: LaneState['block'], settled: Settled): Promise<News | undefined>
  /** To be called once the outcome is stored: with the lane's block before and after, and whether it was news, as far as is known. */
  noted(lane: string, before: LaneState['block'], block: LaneState['block'], isNews: boolean | undefined): void
  /** Notifies of the dead letters since the last call, whatever their reason. */
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

/** The most dead letters that are read for their reasons. */
const maxLooked = 100

/** Pause before the store is asked again whether the hour of a destination is over. */
const askAgainMs = 60_000

/** Makes `view` a notification of the rule `operator` for each of `operators`. */
export function noticesTo(operators: readonly Destination[], view: View): NewNotification[] {
  return operators.map(({ name, lane }) => ({ rule: 'operator', destination: name, lane, view }))
}

export function createAlarm({ store, destinations, operators, metrics, clock, log, wake }: AlarmOptions): Alarm {
  /**
   * By lane: when the block that this process knows of began, and whether it has notified of that. A block with another `since` is
   * news: another replica may have seen the end of the one before. A lane that is blocked again within the hour is not announced.
   */
  const blocks = new Map<string, { since: number; isAnnounced: boolean }>()
  let seen = 0
  const counted = new Map<string, number>()
  /** By destination: dead letters that nobody was notified of yet. */
  const owed = new Map<string, { count: number; askAt: number }>()

  const besides = (lane: string | undefined, app?: SlackApp) =>
    operators().filter(({ lane: own, slack }) => own !== lane && (app === undefined || slack?.app?.token !== app.token))

  async function ofLane(message: Message, block: LaneState['block'], settled: Settled): Promise<News | undefined> {
    const { settlement, kind, reply } = settled
    const { lane, destination } = message
    const next = settlement.lane.block
    const now = clock.now()
    const place = destinations().get(destination)?.slack
    const known = blocks.get(lane)
    if (next !== undefined) {
      if (known?.since === next.since && known.isAnnounced) return undefined
      const app = appOf(next, place)
      const reachable = besides(lane, app)
      // No operator can be reached: it stays news until the config file names one who can.
      if (reachable.length === 0) return undefined
      const isGone = kind === 'gone' && place?.app === undefined
      // The backlog does not include the refused message, which waits as well.
      const waiting = (await store.backlog(lane)) + message.notifications
      const { instead = '' } = partsOf(destination) ?? {}
      const means = { isGone, advice: adviceOn(kind, reply, place), ...(instead !== '' && { instead }) }
      const change = { block: next, isOver: false as const, ...means, waiting, nextAt: settlement.lane.notBefore }
      const notices = noticesTo(reachable, laneNotice(subjectOf(destination, app?.name), change, now))
      // Reaches back to the start of the block: another process may have notified of it, or have had to wait for the hour to be over.
      const sinceMs = Math.max(withinMs, now - next.since + 1)
      return { key: `blocked ${keyOf(destination, app)}`, notices, now, withinMs: sinceMs }
    }
    if (block === undefined || (known?.since === block.since && !known.isAnnounced)) return undefined
    const app = appOf(block, place)
    const change = { block, isOver: true as const, waited: await store.backlog(lane) }
    const notices = noticesTo(besides(lane), laneNotice(subjectOf(destination, app?.name), change, now))
    // Each channel of an app has a block of its own, and another process may have notified of them: the first end is announced for all.
    return { key: `over ${keyOf(destination, app)}`, notices, now, withinMs: now - block.since }
  }

  const noted: Alarm['noted'] = (lane, before, block, isNews) => {
    if (block === undefined) blocks.delete(lane)
    // If another process saw the block begin, that one may have notified.
    else if (isNews || (isNews === false && before === undefined))
      blocks.set(lane, { since: block.since, isAnnounced: isNews })
  }

  /** The app whose token Slack refuses, if the block is about that: one notice covers all its channels. */
  function appOf({ reason }: { reason: string }, place: Place | undefined): SlackApp | undefined {
    return isAbout('token', reason) ? place?.app : undefined
  }

  function keyOf(destination: string, app: SlackApp | undefined): string {
    return app === undefined ? destination : `app ${app.name}`
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
      // Taken out before the notice is stored, so that a call meanwhile does not notify of the same.
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
    if (!(await store.records.announce({ key: `dead letters ${destination}`, notices, now, withinMs }))) return false
    log.error(
      { destination, notifications: count, reasons: [...new Set(reasons)].slice(0, 3) },
      'notifications could not be delivered; they are kept and can be retried'
    )
    for (const { destination } of notices) metrics.notifications.inc({ destination, state: 'pending' })
    wake(notices.map(({ lane }) => lane))
    return true
  }

  return { ofLane, noted, ofDeadLetters }
}
