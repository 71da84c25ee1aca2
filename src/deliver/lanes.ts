// Lanes: runs one queue per channel, in order, with one request in flight, paced. In: commits that wake a lane. Out: its messages,
// each when its turn comes.
import type { Actor } from '../actor.ts'
import { every, timeZone } from '../clock.ts'
import type { Mute } from '../mutes/mutes.ts'
import { createRarely, fewLines } from '../rarely.ts'
import { digestRoom } from '../render/receivers/dialect.ts'
import type { HoldOf, Pending, Plan, Step } from '../store/kept-lanes.ts'
import { createAlarm } from './alarm.ts'
import { inLane, labelOf } from './channels.ts'
import { createDelivery, type DeliveryOptions, storeRetryMs } from './delivery.ts'
import { buttonsOf, type Destination, lanesByName } from './destination.ts'
import { causesOf, holdsOf } from './gathering.ts'
import { maxAgeMs } from './outcome.ts'
import { createPace, take } from './pace.ts'
import { type MessageForm, planNext } from './plan.ts'
import { createSchedule, type Wait } from './schedule.ts'
import { createTokens } from './tokens.ts'

export interface Lanes {
  /** Starts, with whatever waits from before. */
  start(): Promise<void>
  /** Follows a changed config file: what waits goes where its destination now is, and is held no longer than its rule now says. */
  follow(): Promise<void>
  /** Wakes these lanes: something new waits in them. */
  wake(lanes: Iterable<string>): void
  /**
   * Posts what waits in a lane at once, whatever it waits for, except for a rate limit, which is kept: then it resolves to the end
   * of that, in ms.
   */
  tryNow(lane: string, actor: Actor): Promise<number | undefined>
  /** Resolves once no lane is at work: each one is empty, or waits for its time. */
  idle(): Promise<void>
  /** Starts no more posts, and waits at most `graceMs` for the answers to those under way. */
  stop(graceMs: number): Promise<void>
}

export interface LanesOptions extends Omit<DeliveryOptions, 'tokens' | 'alarm' | 'wake' | 'stopping' | 'givingUp'> {
  /** How long the rules of the config file hold notifications. */
  holdOf: HoldOf
  /** Mutes of the config file and silences made by hand, in effect now or later. */
  mutes?: () => readonly Mute[]
  /** The destinations that are notified of the lanes themselves. */
  operators: () => readonly Destination[]
  /** The address at which people reach the relay, for links in messages. */
  publicUrl?: string | undefined
}

/** Interval at which all that waits is moved to where it should be. */
const followMs = 60_000

export function createLanes(options: LanesOptions): Lanes {
  const { store, channels, clock, ages, log } = options
  const { destinations } = channels
  const [stopping, givingUp] = [new AbortController(), new AbortController()]
  const schedule = createSchedule({ work, failed, stopping: stopping.signal, clock })
  const { wake } = schedule
  const alarm = createAlarm({ ...options, destinations, wake })
  const tokens = createTokens(destinations)
  const deliver = createDelivery({
    ...options,
    ...{ alarm, tokens, wake, stopping: stopping.signal, givingUp: givingUp.signal }
  })
  const isStopping = () => stopping.signal.aborted
  /** Limits the log: while the database is away, each lane fails once a second. */
  const failures = createRarely(clock, fewLines)
  let stopFollowing = () => {}

  /** Posts until nothing is left to post, or the lane has to wait. */
  async function work(lane: string): Promise<Wait | undefined> {
    const wait = await drain(lane)
    await alarm.ofDeadLetters()
    return wait
  }

  function failed(lane: string, error: unknown): Wait {
    failures((times) =>
      log.error({ lane, err: error, ...(times > 1 && { times }) }, 'lane stopped by an error; it continues in a second')
    )
    return { until: clock.now() + storeRetryMs }
  }

  /** Posts what may be posted. Returns what the lane then waits for, or undefined if it is empty. */
  async function drain(lane: string): Promise<Wait | undefined> {
    while (!isStopping()) {
      // Asked before anything is composed: what comes until then may be in the same message.
      const turn = tokens.turnOf(lane, clock.now())
      if (turn !== undefined) return { until: turn }
      const step: Step = await store.next(lane, planOf(lane), clock.now())
      for (const name of step.withheld ?? []) {
        options.metrics.notifications.inc({ destination: labelOf(name), state: 'muted' })
      }
      if (step.is !== 'post') tokens.giveBack(lane)
      if (step.is === 'idle') return undefined
      if (step.is === 'wait') return step
      if (await post(step)) return undefined
    }
    return undefined
  }

  /** Posts one message. Returns true if it was the last in its lane, as far as is known. */
  async function post(step: Extract<Step, { is: 'post' }>): Promise<boolean> {
    const { isLast, waitedForIt, hasMoved } = await deliver(step)
    for (const other of waitedForIt) await tryNow(other)
    if (hasMoved) await follow()
    return isLast
  }

  function planOf(lane: string): Plan {
    const destination = inLane(destinations(), lane)
    const pace = destination?.pace ?? createPace()
    return {
      token: ({ bucket }, now) => take(bucket, pace, now),
      hasCards: destination?.slack?.style === 'cards',
      causesOf,
      hold: holdsOf,
      next: (state, pending, gatherings, now) =>
        planNext(state, pending, gatherings, { pace, ...formOf(pending) }, now),
      oldest: ages.before(maxAgeMs),
      ...(options.mutes && { mutes: options.mutes() })
    }
  }

  function formOf([first]: readonly Pending[]): MessageForm {
    const destination = destinations().get(first?.destination ?? '')
    return {
      hasCards: destination?.slack?.style === 'cards',
      maxText: digestRoom(destination?.slack?.dialect ?? 'slack'),
      isFull: destination?.hasFullDigests,
      publicUrl: options.publicUrl,
      buttons: destination?.slack && buttonsOf(destination.slack, timeZone())
    }
  }

  async function tryNow(lane: string, actor?: Actor): Promise<number | undefined> {
    const limitedUntil = await store.tryNow(lane, clock.now(), actor)
    if (limitedUntil === undefined) schedule.rouse(lane)
    return limitedUntil
  }

  async function follow(): Promise<void> {
    channels.follow(await store.records.laneHeads())
    const lost = await store.follow(() => lanesByName(destinations()), clock.now())
    if (lost > 0)
      log.error(
        { notifications: lost },
        'destinations were removed: the notifications that waited for them are dead letters'
      )
    wake(await store.busyLanes())
    await alarm.ofDeadLetters()
  }

  async function followAll(): Promise<void> {
    await store.shorten(options.holdOf, clock.now())
    await follow()
  }

  return {
    async start() {
      store.listen(wake)
      await followAll()
      // Repeated, because a replica with an older config file may have worked in between.
      stopFollowing = every(clock, followMs, follow, (err) =>
        log.error({ err }, 'cannot look for work; trying again in a minute')
      )
    },
    follow: followAll,
    wake,
    async tryNow(lane, actor) {
      tokens.askAgain(lane)
      channels.askAgain(lane)
      return tryNow(lane, actor)
    },
    idle: schedule.idle,
    async stop(graceMs) {
      stopping.abort()
      stopFollowing()
      const cancel = clock.after(graceMs, () => givingUp.abort())
      await schedule.stop()
      cancel()
    }
  }
}
