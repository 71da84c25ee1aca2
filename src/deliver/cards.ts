// Cards: keeps the cards in channels of Slack apps true. In: cards that are out of date, found in the store by what is due. Out:
// one update at a time for each app, always of the newest state.
import type { Logger } from 'pino'
import { every } from '../clock.ts'
import { bodyFor } from '../render/receivers/dialect.ts'
import { maxUpdateText } from '../render/slack/limits.ts'
import { cut } from '../render/slack/mrkdwn.ts'
import { type Payload, withoutBlocks } from '../render/slack/payload.ts'
import { type SlackApp, urlOf } from '../slack-api/app.ts'
import { type Card, type CardPlan, cardHorizonMs } from '../store/kept-cards.ts'
import type { Store } from '../store/store.ts'
import type { Reply } from './answer.ts'
import { type CardClicks, createCardClicks } from './card-clicks.ts'
import { judge, lost } from './card-end.ts'
import { createCardMutes, type Withholding } from './card-mutes.ts'
import { createShown, type ShownOptions } from './card-shown.ts'
import { laneOf } from './destination.ts'
import { type Pace, take } from './pace.ts'
import { sayReply } from './saying.ts'
import type { Slack } from './slack.ts'

/** Time between two looks. */
const lookMs = 1000

/**
 * Slack allows each app 50 updates a minute over all its channels (docs.slack.dev/reference/methods/chat.update, tier 3). The relay
 * sends 40, of which this many may come at once.
 */
const burst = 8
const pace: Pace = { burst, perSecond: (40 - burst) / 60 }

export interface CardsOptions extends ShownOptions {
  store: Store
  slack: Slack
  /** Wakes these lanes: something new waits in them. */
  wake(lanes: Iterable<string>): void
  withholding: () => Withholding
  log: Logger
}

export interface Cards extends Pick<CardClicks, 'showAt'> {
  start(): void
  /** Looks at once instead of at the next interval, because something is out of date. */
  look(): void
  /** Stops, and resolves once no update is under way. */
  stop(): Promise<void>
}

export function createCards(options: CardsOptions): Cards {
  const { store, slack, destinations, wake, clock, log } = options
  const mutes = createCardMutes(store.records, options.withholding)
  const shownBy = createShown(mutes, options)
  const giveUp = new AbortController()
  const clicks = createCardClicks({ store, slack, shownBy, givingUp: giveUp.signal, clock, log })
  const working = new Map<string, Promise<void>>()
  /** By the name of an app: the channels, by ID, in which none of its cards is tried, and until when. */
  const resting = new Map<string, Map<string, number>>()
  /** Keys of objects whose cards a mute or a silence has made out of date, until the store has noted that. */
  const turned = new Set<string>()
  let stopLooking = () => {}

  /** Starts the updates of each app on their own: an app whose answers are slow keeps no other waiting. */
  async function look(): Promise<void> {
    const apps = [...destinations().apps]
    if (apps.length === 0) return
    for (const key of await mutes.changed(clock.now())) turned.add(key)
    const keys = [...turned]
    if (keys.length > 0) await store.touchCards(keys, clock.now())
    for (const key of keys) turned.delete(key)
    for (const app of apps) {
      const { name } = app
      if (working.has(name) || giveUp.signal.aborted) continue
      const work = drain(app)
        .catch((err) => log.error({ app: name, err }, 'cannot update cards; trying again in a second'))
        .finally(() => working.delete(name))
      working.set(name, work)
    }
  }

  function noLook(err: unknown): void {
    log.error({ err }, 'cannot look for cards')
  }

  async function drain(app: SlackApp): Promise<void> {
    const budget = `updates:${app.name}`
    while (!giveUp.signal.aborted) {
      const now = clock.now()
      const plan: CardPlan = {
        ...{ lanes: laneOf(app, ''), except: destinations().lanesOfMessages(), resting: restingOf(app, now), budget },
        token: ({ bucket }, now) => take(bucket, pace, now)
      }
      const step = await store.nextCard(plan, now)
      if (step.is === 'wait') return
      if (step.card.rollout === undefined && step.card.entries.length === 0) {
        // Its rollout is over and forgotten.
        await store.settleCard(step.card, { is: 'lost', notifications: [] }, clock.now())
        continue
      }
      const signals = [giveUp.signal, ...(step.signal ? [step.signal] : [])]
      if (!(await update(app, step.card, { budget, signal: AbortSignal.any(signals) }))) return
    }
  }

  /** The channels whose cards are left alone at `now`. */
  function restingOf({ name }: SlackApp, now: number): string[] {
    const channels = resting.get(name) ?? new Map<string, number>()
    // A time beyond the horizon is that of a clock that was set back.
    for (const [channel, until] of channels) if (until <= now || until > now + cardHorizonMs) channels.delete(channel)
    return [...channels.keys()]
  }

  /** Updates one card in Slack. Returns true if the next card may follow. */
  async function update(
    app: SlackApp,
    card: Card,
    { budget, signal }: { budget: string; signal: AbortSignal }
  ): Promise<boolean> {
    const { channel, ts } = card
    const post = (payload: Payload): Promise<Reply> => {
      const body = { ...bodyFor(payload, 'slack', { channel }), ts, attachments: payload.attachments ?? [] }
      return slack.post(urlOf(app, 'chat.update'), JSON.stringify(body), signal, app.token)
    }
    const { payload, next, named } = await shownBy(card, app)
    if (JSON.stringify(payload) === JSON.stringify(card.shown)) {
      await store.settleCard(card, { is: 'shown', ...next }, clock.now())
      return true
    }
    let shown: Payload = payload
    let reply = await post(shown)
    const updated = { card, named, lane: destinations().get(card.destination)?.lane ?? card.lane }
    let judged = judge(updated, reply, clock.now())
    if (judged.is === 'refused') {
      log.warn({ card: card.id, answer: sayReply(reply) }, 'card refused; it is shown in plain text')
      const plain = withoutBlocks(payload)
      shown = { ...plain, text: cut(plain.text, maxUpdateText) }
      reply = await post(shown)
      judged = judge(updated, reply, clock.now())
    }
    const judgedEnd = judged.is === 'refused' ? lost(updated, true, clock.now()) : judged.end
    const end = judgedEnd.is === 'shown' ? { ...judgedEnd, payload: shown, ...next } : judgedEnd
    if (judged.is === 'channel rests')
      resting.set(app.name, (resting.get(app.name) ?? new Map<string, number>()).set(channel, judged.until))
    if (judged.is === 'rest') await store.restCards(budget, judged.until, clock.now())
    await store.settleCard(card, end, clock.now())
    log[end.is === 'shown' ? 'debug' : 'warn']({ card: card.id, answer: sayReply(reply), end: end.is }, 'card updated')
    if (end.is === 'lost') wake(end.notifications.map((entry) => entry.lane))
    return end.is !== 'again' || judged.is === 'channel rests'
  }

  return {
    start() {
      stopLooking = every(clock, lookMs, look, noLook)
    },
    look: () => void look().catch(noLook),
    showAt: clicks.showAt,
    async stop() {
      stopLooking()
      giveUp.abort()
      await Promise.all([...working.values(), clicks.over()])
    }
  }
}
