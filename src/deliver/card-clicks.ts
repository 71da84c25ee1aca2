// Card clicks: updates a card at once for the person who pressed a button below it. The update goes to the answer address of the click,
// which Slack does not count among the updates of the app.
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

/** A claim on a card that somebody else is updating is tried again after this, in ms, then ever less often, until theirs must be over. */
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
  /** Clicks that wait for their cards, at most one for each card, by the place of the card. */
  const asking = new Map<string, { answerTo: string }>()

  /**
   * Claims the card as soon as nobody else has claimed it. Resolves to undefined if there is no such card, or if another click waits for
   * it already: that click then shows the effect of this one, too, at the newer address. `signal` aborts before the claim is over.
   */
  async function claim(
    place: Posted,
    click: { answerTo: string }
  ): Promise<{ card: Card; signal: AbortSignal } | undefined> {
    const key = `${place.channel} ${place.ts}`
    for (let [waited, ask] = [0, firstAskMs]; waited < askForMs && !givingUp.aborted; waited += ask) {
      // The limit is in real time and starts before the claim: a process that was suspended must not show an outdated card.
      const signal = AbortSignal.any([givingUp, AbortSignal.timeout(cardClaimMs / 2)])
      const card = await store.claimCard(place, clock.now())
      if (card !== 'claimed') return card && { card, signal }
      const other = asking.get(key)
      if (other !== undefined) {
        other.answerTo = click.answerTo
        return undefined
      }
      ask = Math.min(longestAskMs, ask * 1.5)
      // A click is listed only while it waits: the card of a claim that is under way may lack the effect of a later click.
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
