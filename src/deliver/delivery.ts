// Delivery: posts one message to its destination, and records what came of it. In: a message whose turn it is. Out: a request, its
// outcome in the store, and what that changes for lanes.
import type { Logger } from 'pino'
import type { Ages, Clock } from '../clock.ts'
import type { RelayError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { createRarely, fewLines } from '../rarely.ts'
import type { Spans } from '../spans.ts'
import type { Attempt, LaneState, Message, Step } from '../store/kept-lanes.ts'
import type { Store } from '../store/store.ts'
import type { Alarm } from './alarm.ts'
import { moved, type Reply } from './answer.ts'
import { type Channels, labelOf } from './channels.ts'
import type { Destination, Place } from './destination.ts'
import { createLookBefore } from './look-before.ts'
import { maxAgeMs, needsEmpty, type Settled, settle } from './outcome.ts'
import { createPost } from './post.ts'
import { adviceOn, detailsOf, sayReply } from './saying.ts'
import type { Slack } from './slack.ts'
import type { Tokens } from './tokens.ts'

export interface DeliveryOptions {
  store: Store
  slack: Slack
  channels: Channels
  tokens: Tokens
  alarm: Alarm
  /** Wakes these lanes: something new waits in them. */
  wake(lanes: Iterable<string>): void
  metrics: Metrics
  spans: Pick<Spans, 'posted'>
  clock: Clock
  ages: Ages
  log: Logger
  /** Aborted when the relay stops: after that, nothing is tried again in memory. */
  stopping: AbortSignal
  /** Aborted when no more answers are waited for. */
  givingUp: AbortSignal
}

export interface Delivered {
  /** True if the message was the last in its lane, as far as is known. */
  isLast: boolean
  /** Lanes that waited for what this answer says of their app's token. */
  waitedForIt: string[]
  /** True if the destination moved meanwhile: the message is tried again in the new lane, behind what is being posted there. */
  hasMoved: boolean
}

/** Pause before the next try if the store cannot be reached. */
export const storeRetryMs = 1000

/** An attempt at a message: where it goes, whether it may have been posted before, and what ends it. */
interface Attempted {
  destination: Destination | undefined
  place: Place | undefined
  isAgain: boolean | undefined
  until: AbortSignal
}

export function createDelivery(options: DeliveryOptions) {
  const { store, channels, tokens, alarm, wake, metrics, clock, ages, log } = options
  const unstored = createRarely(clock, fewLines)
  const { destinations } = channels
  const posts = createPost(options.slack, log)
  const looks = createLookBefore(options.slack, log)

  /** Posts one message and settles it. Rejects with LANE_LOST if another replica has the message now. */
  async function deliver({ message, isAgain, block, signal }: Extract<Step, { is: 'post' }>): Promise<Delivered> {
    const [beganAt, beganTicks] = [clock.now(), clock.ticks()]
    const destination = destinations().get(message.destination)
    const until = signal ? AbortSignal.any([options.givingUp, signal]) : options.givingUp
    const place = destination?.lane === message.lane ? destination.slack : undefined
    const { reply, from } = await answerTo(message, { destination, place, isAgain, until }, beganAt)
    const receiver = destination?.slack?.receiver ?? 'slack'
    const isInDoubt = destination !== undefined && needsEmpty(message, reply, { block, receiver })
    const empty = isInDoubt ? await posts.empty(destination, until) : undefined
    const now = clock.now()
    // By the clock as it is set now, which decides what follows from the answer.
    const at = now - Math.round(clock.ticks() - beganTicks)
    const settled = settle(message, reply, {
      now,
      oldest: ages.before(maxAgeMs),
      random: Math.random(),
      block,
      receiver,
      hasCards: destination?.slack?.style === 'cards',
      empty,
      looks: place?.app?.hasHistory
    })
    const { outcome, settlement } = settled
    const notes = {
      token: ', as another channel of the app was answered',
      history: settlement.message.state === 'sent' ? ', found in the channel' : '',
      post: ''
    }
    const answer = `${sayReply(settled.reply)}${notes[from]}`
    if (place?.app?.hasHistory && from === 'post') looks.learn(message, reply, settlement.message.state !== 'open')
    // Learnt before anything is written, because other lanes of the app are about to ask.
    const waitedForIt = from === 'token' ? [] : tokens.learn(message.lane, settled, now)
    const isLast = await record(message, { at, answer }, settled, block)
    // Learnt after the notice, which is about the channel itself: from now on its messages go elsewhere.
    channels.learn(message.lane, settlement.lane.block, settlement.lane.notBefore)
    const { id, destination: name, notifications } = message
    if (from !== 'token') {
      metrics.slackRequests.inc({ destination: labelOf(name), outcome })
      options.spans.posted({
        message: id,
        destination: labelOf(name),
        notifications,
        outcome,
        answer,
        from: at,
        to: clock.now()
      })
    }
    report(message, settled, { at, answer })
    const lane = destinations().get(message.destination)?.lane
    const hasMoved = settlement.message.state === 'open' && lane !== message.lane && reply !== moved
    return { isLast, waitedForIt, hasMoved }
  }

  /** The answer to `message`, and its origin: the app's `token` is known to be refused, its `history` has it, or a `post`. */
  async function answerTo(
    message: Message,
    { destination, place, isAgain, until }: Attempted,
    at: number
  ): Promise<{ reply: Reply; from: 'token' | 'history' | 'post' }> {
    // Another replica may have found that Slack takes the token again: then Slack is asked.
    if (tokens.isRefused(message.lane, at)) tokens.follow(await store.records.laneHeads())
    const known = tokens.answerFor(message.lane, at)
    if (known !== undefined) return { reply: known, from: 'token' }
    const before = isAgain && place ? await looks.answerTo(place, message, until) : undefined
    if (before !== undefined) return { reply: before, from: 'history' }
    return { reply: await posts.message(destination, message, until), from: 'post' }
  }

  /** Stores the outcome, and tries until that works: to forget the answer would mean to post the message twice. */
  async function record(
    message: Message,
    attempt: Attempt,
    settled: Settled,
    block: LaneState['block']
  ): Promise<boolean> {
    const { settlement } = settled
    for (let tries = 1; ; tries++) {
      try {
        const news = await alarm.ofLane(message, block, settled)
        const { isLast, isNews } = await store.settle(message, attempt, settlement, news)
        // An earlier try may have stored it without the store's answer arriving: then `false` means nothing.
        alarm.noted(message.lane, block, settlement.lane.block, isNews || tries === 1 ? isNews : undefined)
        const notices = (isNews && news?.notices) || []
        for (const { destination } of notices) metrics.notifications.inc({ destination, state: 'pending' })
        wake(notices.map(({ lane }) => lane))
        return isLast
      } catch (error) {
        // Another replica has the message now and settles it.
        if (options.stopping.aborted || (error as RelayError).code === 'LANE_LOST') throw error
        unstored((times) =>
          log.error(
            { message: message.id, err: error, ...(times > 1 && { times }) },
            'outcome not stored yet; trying again in a second'
          )
        )
        await new Promise<void>((resolve) => clock.after(storeRetryMs, resolve))
      }
    }
  }

  function report(message: Message, { outcome, kind, reply, settlement }: Settled, { at, answer }: Attempt): void {
    const { message: end, lane } = settlement
    const { id, destination, notifications, failures } = message
    const details = detailsOf(reply)
    const facts = {
      ...{ message: id, destination, notifications, answer, ms: clock.now() - at },
      ...(details.length > 0 && { details })
    }
    if (end.state === 'sent') {
      metrics.notifications.inc({ destination: labelOf(destination), state: 'sent' }, notifications)
      if (notifications > 0) metrics.deliverySeconds.observe((clock.now() - message.newestAt) / 1000)
      log.info({ ...facts, attempt: failures + 1 }, 'message sent')
      return
    }
    if (end.state === 'dead') {
      if (notifications === 0) log.warn({ ...facts, because: end.reason }, 'what follows a card was not delivered')
      else log.error({ ...facts, because: end.reason }, 'message not delivered: its notifications are dead letters')
      return
    }
    // `notBefore` is 0 if the lane need not wait, for example to post the same message in plain text.
    const next = new Date(Math.max(lane.notBefore, clock.now())).toISOString()
    if (outcome === 'blocked') {
      const advice = adviceOn(kind, reply, destinations().get(destination)?.slack)
      log.error({ ...facts, advice, next }, 'destination rejects all messages: its lane waits')
    } else log.warn({ ...facts, outcome, next }, 'message postponed')
  }

  return deliver
}
