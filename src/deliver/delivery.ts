// Delivery: takes one message to where its destination is, and writes down what came of it. In: a message whose turn it is. Out: a
// request, its outcome in the store, and what that changes for lanes.
import type { Logger } from 'pino'
import type { Ages, Clock } from '../clock.ts'
import type { RelayError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { createRarely, fewLines } from '../rarely.ts'
import type { Spans } from '../spans.ts'
import type { Attempt, LaneState, Message, Step } from '../store/kept-lanes.ts'
import type { Store } from '../store/store.ts'
import type { Alarm } from './alarm.ts'
import { moved } from './answer.ts'
import { type Channels, labelOf } from './channels.ts'
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
  /** There is something new in these lanes. */
  wake(lanes: Iterable<string>): void
  metrics: Metrics
  spans: Pick<Spans, 'posted'>
  clock: Clock
  ages: Ages
  log: Logger
  /** Nothing is tried again in hand. */
  stopping: AbortSignal
  /** No answer is waited for. */
  givingUp: AbortSignal
}

export interface Delivered {
  /** It was the last in its lane, as far as that is known. */
  isLast: boolean
  /** Lanes that waited for what its answer says. */
  waitedForIt: string[]
  /** Its destination moved meanwhile: it is tried again where it is now, behind what is being posted there. */
  hasMoved: boolean
}

/** How long to wait where the store cannot be reached. */
export const storeRetryMs = 1000
export function createDelivery(options: DeliveryOptions) {
  const { store, channels, tokens, alarm, wake, metrics, clock, ages, log } = options
  const unstored = createRarely(clock, fewLines)
  const { destinations } = channels
  const posts = createPost(options.slack, log)
  const looks = createLookBefore(options.slack, log)

  /** Rejects with LANE_LOST where another replica settles it. */
  async function deliver({ message, isAgain, block, signal }: Extract<Step, { is: 'post' }>): Promise<Delivered> {
    const [beganAt, beganTicks] = [clock.now(), clock.ticks()]
    const destination = destinations().get(message.destination)
    const until = signal ? AbortSignal.any([options.givingUp, signal]) : options.givingUp
    // What one replica was answered, another may have found mended: then Slack is asked.
    if (tokens.isRefused(message.lane, beganAt)) tokens.follow(await store.records.laneHeads())
    const known = tokens.answerFor(message.lane, beganAt)
    const place = destination?.lane === message.lane ? destination.slack : undefined
    const before = isAgain && place && known === undefined ? await looks.answerTo(place, message, until) : undefined
    const reply = known ?? before ?? (await posts.message(destination, message, until))
    const receiver = destination?.slack?.receiver ?? 'slack'
    const isInDoubt = destination !== undefined && needsEmpty(message, reply, { block, receiver })
    const empty = isInDoubt ? await posts.empty(destination, until) : undefined
    const random = Math.random()
    const oldest = ages.before(maxAgeMs)
    const now = clock.now()
    // By the clock as it is set by now: what follows from the answer goes by that, too.
    const at = now - Math.round(clock.ticks() - beganTicks)
    const hasCards = destination?.slack?.style === 'cards'
    const settled = settle(message, reply, {
      now,
      oldest,
      random,
      block,
      receiver,
      hasCards,
      empty,
      looks: place?.app?.hasHistory
    })
    const said = sayReply(settled.reply)
    const hasLooked = before !== undefined && settled.settlement.message.state === 'sent'
    const answer =
      known === undefined
        ? `${said}${hasLooked ? ', found in the channel' : ''}`
        : `${said}, as another channel of the app was answered`
    if (place?.app?.hasHistory && known === undefined && before === undefined)
      looks.learn(message, reply, settled.settlement.message.state !== 'open')
    // Before anything is written: other lanes of the app are about to ask.
    const waitedForIt = known === undefined ? tokens.learn(message.lane, settled, now) : []
    const isLast = await record(message, { at, answer }, settled, block)
    // After the notice of it, which is about the channel itself: from now on its messages go elsewhere.
    channels.learn(message.lane, settled.settlement.lane.block, settled.settlement.lane.notBefore)
    const { id, destination: name, notifications } = message
    const { outcome, settlement } = settled
    if (known === undefined) {
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

  /** An answer that cannot be written down is kept in hand: a second post would be the worse way to try again. */
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
        // What a try before has written, unanswered, is no news now.
        alarm.noted(message.lane, block, settlement.lane.block, isNews || tries === 1 ? isNews : undefined)
        const notices = (isNews && news?.notices) || []
        for (const { destination } of notices) metrics.notifications.inc({ destination, state: 'pending' })
        wake(notices.map(({ lane }) => lane))
        return isLast
      } catch (error) {
        // Another replica has the message now, and settles it.
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
    const next = new Date(lane.notBefore).toISOString()
    if (outcome === 'blocked') {
      const advice = adviceOn(kind, reply, destinations().get(destination)?.slack)
      log.error({ ...facts, advice, next }, 'destination rejects all messages: its lane waits')
    } else log.warn({ ...facts, outcome, next }, 'message postponed')
  }

  return deliver
}
