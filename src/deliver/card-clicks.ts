// Card clicks: show a card at once to whoever pressed a button below it, by the address for answers to the click, which Slack does
// not count among the updates of the app.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { SlackApp } from '../slack-api/app.ts'
import { type Card, cardClaimMs, cardFirstAt } from '../store/kept-cards.ts'
import type { Posted } from '../store/kept-lanes.ts'
import type { Store } from '../store/store.ts'
import { kindOf } from './answer.ts'
import type { Shown } from './card-shown.ts'
import { sayReply } from './saying.ts'
import type { Slack } from './slack.ts'

/** A claim on a card that somebody else updates is tried again after this, in ms, then less and less often, until theirs must be over. */
const firstAskMs = 50
const longestAskMs = 500
const askForMs = cardClaimMs + 5000

export interface CardClicks {
  /** Updates the message of `app` that a click came from. If that fails, the card is updated like any other. */
  showAt(app: SlackApp, place: Posted, answerTo: string): Promise<void>
  /** Resolves once no update is under way. */
  over(): Promise<void>
}

export interface CardClicksOptions {
  store: Pick<Store, 'claimCard' | 'settleCard'>
  slack: Slack
  shownBy(card: Card, app: SlackApp): Promise<Shown>
  givingUp: AbortSignal
  clock: Clock
  log: Logger
}

export function createCardClicks({ store, slack, shownBy, givingUp, clock, log }: CardClicksOptions): CardClicks {
  const working = new Set<Promise<void>>()
  /** Clicks that wait to show their cards, one for each card, by the card's place. */
  const asking = new Map<string, { answerTo: string }>()

  /**
   * Claims the card as soon as nobody else has claimed it. Undefined if there is no such card, or if another click waits for it already:
   * that one then shows this click, too, at the newest address. `signal` aborts before the claim is over.
   */
  async function claim(
    place: Posted,
    click: { answerTo: string }
  ): Promise<{ card: Card; signal: AbortSignal } | undefined> {
    const key = `${place.channel} ${place.ts}`
    for (let [waited, ask] = [0, firstAskMs]; waited < askForMs && !givingUp.aborted; waited += ask) {
      // The time starts before the claim and is real time: a process that was suspended must not show what was true before that.
      const signal = AbortSignal.any([givingUp, AbortSignal.timeout(cardClaimMs / 2)])
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
    async showAt(app, place, answerTo) {
      const shown = showAt(app, place, answerTo)
      working.add(shown)
      await shown.finally(() => working.delete(shown))
    },
    async over() {
      await Promise.all(working)
    }
  }
}
