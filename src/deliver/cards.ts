// Cards: keeps the cards in channels of Slack apps true. In: cards that are out of date, found in the store by what is due. Out:
// one update at a time for each app, always of the newest state.
import type { Logger } from 'pino'
import { type Clock, every, timeZone } from '../clock.ts'
import { withCardButtons } from '../render/compose/buttons.ts'
import { composeCard, isOpen, type Named } from '../render/compose/card.ts'
import { composeOne } from '../render/compose/message.ts'
import { viewOfRollout } from '../render/compose/rollout.ts'
import { bodyFor } from '../render/receivers/dialect.ts'
import { maxUpdateText } from '../render/slack/limits.ts'
import { cut } from '../render/slack/mrkdwn.ts'
import { type Payload, withoutBlocks } from '../render/slack/payload.ts'
import { type SlackApp, urlOf } from '../slack-api/app.ts'
import {
  type Card,
  type CardEntry,
  type CardPlan,
  cardClaimMs,
  cardFirstAt,
  cardHorizonMs
} from '../store/kept-cards.ts'
import type { Posted } from '../store/kept-lanes.ts'
import type { Store } from '../store/store.ts'
import { kindOf, type Reply } from './answer.ts'
import { judge, lost } from './card-end.ts'
import { createCardMutes, type Withholding } from './card-mutes.ts'
import type { Destinations } from './channels.ts'
import { buttonsOf, laneOf } from './destination.ts'
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

/** A claim on a card that somebody else updates is tried again after this, in ms, then less and less often, until theirs must be over. */
const firstAskMs = 50
const longestAskMs = 500
const askForMs = cardClaimMs + 5000

export interface CardsOptions {
  store: Store
  slack: Slack
  destinations: () => Destinations
  /** Wakes these lanes: something new waits in them. */
  wake(lanes: Iterable<string>): void
  /** The address at which people reach the relay. */
  publicUrl?: string | undefined
  withholding: () => Withholding
  /** Resolves once `withholding` has what was done on any replica so far. */
  catchUp: () => Promise<void>
  clock: Clock
  log: Logger
}

export interface Cards {
  start(): void
  /** Looks at once instead of at the next interval, because something is out of date. */
  look(): void
  /**
   * Updates the message of `app` that a click came from, so that it shows what is known now. Posts to `answerTo`, the address for
   * answers to the click, which Slack does not count among the updates of the app. If that fails, the card is updated like any other.
   */
  showAt(app: SlackApp, place: Posted, answerTo: string): Promise<void>
  /** Stops, and resolves once no update is under way. */
  stop(): Promise<void>
}

/** When to look again at a card that says until when something is quiet: after that, the card would be false. */
function quietUntil(entries: readonly Named[], now: number): { until?: number } {
  const ends = entries.filter(isOpen).flatMap(({ quiet }) => quiet?.until ?? [])
  // The store takes a time beyond the horizon for that of a clock that was set back.
  return ends.length === 0 ? {} : { until: Math.min(...ends, now + cardHorizonMs / 2) }
}

export function createCards(options: CardsOptions): Cards {
  const { store, slack, destinations, wake, publicUrl, clock, log } = options
  const mutes = createCardMutes(store.records, options.withholding)
  const giveUp = new AbortController()
  const working = new Map<string, Promise<void>>()
  const clicked = new Set<Promise<void>>()
  /** By the name of an app: the channels, by ID, in which none of its cards is tried, and until when. */
  const resting = new Map<string, Map<string, number>>()
  /** Clicks that wait to show their cards, one for each card, by the card's place. */
  const asking = new Map<string, { answerTo: string }>()
  let stopLooking = () => {}
  let isStopping = false

  /** Starts the updates of each app on their own: an app whose answers are slow keeps no other waiting. */
  async function look(): Promise<void> {
    const apps = [...destinations().apps]
    if (apps.length === 0) return
    const turned = await mutes.changed(clock.now())
    if (turned.length > 0) await store.touchCards(turned, clock.now())
    for (const app of apps) {
      const { name } = app
      if (working.has(name) || isStopping) continue
      const work = drain(app)
        .catch((err) => log.error({ app: name, err }, 'cannot update cards; trying again in a second'))
        .finally(() => working.delete(name))
      working.set(name, work)
    }
  }

  async function drain(app: SlackApp): Promise<void> {
    const budget = `updates:${app.name}`
    while (!isStopping) {
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

  /** What a card of `app` has to show now, and when to look at it again. */
  async function shownBy(
    card: Card,
    app: SlackApp
  ): Promise<{ payload: Payload; next: { until?: number }; named: readonly (CardEntry & Named)[] }> {
    const now = clock.now()
    const { rollout } = card
    if (rollout !== undefined)
      return { payload: composeOne(viewOfRollout(rollout, now), { publicUrl }), next: {}, named: [] }
    await options.catchUp()
    const quiet = await mutes.of(card.id, now)
    const entries = card.entries.map((entry) => ({ ...entry, quiet: quiet.get(entry.event ?? '') }))
    const { hasFullDigests: isFull } = destinations().get(card.destination) ?? {}
    const { reply: _, ...payload } = composeCard(entries, now, { publicUrl, isFull })
    // The destination may be of another app by now, which gets no clicks on this card.
    const buttons = buttonsOf({ app, style: 'cards' }, timeZone())
    return { payload: withCardButtons(payload, card.entries, buttons), next: quietUntil(entries, now), named: entries }
  }

  /**
   * Claims the card as soon as nobody else has claimed it. Undefined if there is no such card, or if another click waits for it already:
   * that one then shows this click, too, at the newest address. `signal` aborts before the claim is over.
   */
  async function claim(
    place: Posted,
    click: { answerTo: string }
  ): Promise<{ card: Card; signal: AbortSignal } | undefined> {
    const key = `${place.channel} ${place.ts}`
    for (let [waited, ask] = [0, firstAskMs]; waited < askForMs && !isStopping; waited += ask) {
      // The time starts before the claim and is real time: a process that was suspended must not show what was true before that.
      const signal = AbortSignal.any([giveUp.signal, AbortSignal.timeout(cardClaimMs / 2)])
      const card = await store.claimCard(place, clock.now())
      if (card !== 'claimed') return card && { card, signal }
      const other = asking.get(key)
      if (other !== undefined) {
        other.answerTo = click.answerTo
        return undefined
      }
      ask = Math.min(longestAskMs, ask * 1.5)
      // Only while it waits: if a click comes during the claim itself, the claimed card may not have what that click did.
      asking.set(key, click)
      await new Promise<void>((resolve) => clock.after(ask, resolve))
      asking.delete(key)
    }
    return undefined
  }

  async function showAt(app: SlackApp, place: Posted, address: string): Promise<void> {
    const click = { answerTo: address }
    const claimed = await claim(place, click)
    if (claimed === undefined) return
    const { card, signal } = claimed
    const { answerTo } = click
    const { payload, next } = await shownBy(card, app)
    const body = { ...payload, attachments: payload.attachments ?? [], replace_original: true }
    const reply = await slack.post(answerTo, JSON.stringify(body), signal)
    // `answerTo` is a webhook for this one message, and answers like any webhook.
    const isShown = kindOf(reply, 'slack') === 'taken'
    await store.settleCard(
      card,
      isShown ? { is: 'shown', payload, ...next } : { is: 'again', at: cardFirstAt },
      clock.now()
    )
    log[isShown ? 'debug' : 'warn']({ card: card.id, answer: sayReply(reply) }, 'card updated by a click')
  }

  return {
    start() {
      stopLooking = every(clock, lookMs, look, (err) => log.error({ err }, 'cannot look for cards'))
    },
    look: () => void look(),
    async showAt(app, place, answerTo) {
      const shown = showAt(app, place, answerTo)
      clicked.add(shown)
      await shown.finally(() => clicked.delete(shown))
    },
    async stop() {
      isStopping = true
      stopLooking()
      giveUp.abort()
      await Promise.all([...working.values(), ...clicked])
    }
  }
}
