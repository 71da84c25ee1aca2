// Clicks: carries out what a button below a message asks for. In: payloads of Slack. Out: one act of an operator, written down before
// the payload is answered; a message that only the clicker sees; the card as it is after that.
import type { Logger } from 'pino'
import type { Actions } from '../actions.ts'
import { type Actor, actorName } from '../actor.ts'
import type { Clock } from '../clock.ts'
import { kindOf } from '../deliver/answer.ts'
import type { Cards } from '../deliver/cards.ts'
import type { Destinations } from '../deliver/channels.ts'
import { sayReply } from '../deliver/saying.ts'
import type { Slack } from '../deliver/slack.ts'
import { RelayError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { type ButtonName, buttons, isOwnButton, type NoticedName, readNoticed } from '../render/compose/buttons.ts'
import { isOpen } from '../render/compose/card.ts'
import { section } from '../render/slack/blocks.ts'
import { isAnswerUrl, type SlackApp } from '../slack-api/app.ts'
import { type Click, readClick } from '../slack-api/click.ts'
import type { Card } from '../store/kept-cards.ts'
import { maxPage } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import type { Done } from './done.ts'
import { createOperators } from './operators.ts'
import { createSilencing } from './silencing.ts'
import {
  doneBefore,
  maxNamed,
  sayAgain,
  sayGone,
  sayRefusal,
  sayToGuest,
  sayTried,
  sayUnsure,
  sayWhy,
  unknownMessage
} from './words.ts'

export interface ClicksOptions {
  store: Store
  actions: Actions
  cards: Pick<Cards, 'showAt'>
  destinations: () => Pick<Destinations, 'has'>
  slack: Slack
  /** The address at which people reach the relay. */
  publicUrl?: string | undefined
  metrics: Pick<Metrics, 'clicks'>
  clock: Clock
  log: Logger
}

export interface Clicks {
  /** Resolves once what the click asks for is on disk, or nothing is to be done. Rejects if nobody could be told that it failed. */
  take(app: SlackApp, payload: unknown): Promise<void>
  /** Resolves once all who clicked have been answered. */
  stop(): Promise<void>
}

/** How long to try to write a click down, and the pause between tries. Any later, Slack has shown an error to the clicker. */
const tryForMs = 1500
const againMs = 400

/** The longest wait for the answer to be taken: Slack shows an error to the clicker after three seconds. */
const answerMs = 2500

const nameOfButton = new Map(Object.entries(buttons).map(([name, id]) => [id as string, name as ButtonName]))
const unknownButton = 'that button is of another version of the relay than the one that got the click'

export function createClicks(options: ClicksOptions): Clicks {
  const { store, actions, cards, destinations, slack, publicUrl, metrics, clock, log } = options
  const operators = createOperators(slack, clock, log)
  const silence = createSilencing(options)
  const following = new Set<Promise<void>>()

  async function take(app: SlackApp, payload: unknown): Promise<void> {
    const click = readClick(payload)
    if (click === undefined) return
    const button = nameOfButton.get(click.button)
    // A link is a button as well, and Slack reports when it is pressed.
    if (button === undefined && !isOwnButton(click.button)) return
    if (button === undefined) return tell(app, click, sayAgain(unknownButton))
    const facts = { app: app.name, button, by: click.user.name, user: click.user.id }
    let done: Done
    try {
      done = await insist((isAgain) => carryOut(app, click, button, isAgain))
    } catch (err) {
      log.error({ ...facts, err }, 'a click could not be carried out')
      metrics.clicks.inc({ button, outcome: 'failed' })
      if (await answer(app, click, sayUnsure(button))) return
      throw err
    }
    const { outcome, say, isChange } = done
    metrics.clicks.inc({ button, outcome })
    log.info({ ...facts, outcome }, 'button pressed')
    // Runs while Slack is answered.
    if (isChange && isAnswerUrl(click.answerTo, app)) follow(() => cards.showAt(app, click, click.answerTo))
    if (say === undefined) return
    if (outcome === 'done' && button !== 'why') follow(async () => void (await answer(app, click, say)))
    else await tell(app, click, say)
  }

  /** Answers with words alone. If they do not arrive, it throws: the clicker then sees Slack's own warning, as when nobody answers. */
  async function tell(app: SlackApp, click: Click, say: string): Promise<void> {
    if (!(await answer(app, click, say))) throw new Error('whoever pressed a button could not be told what it did')
  }

  /** Tries again while the database is away. `isAgain` says that an earlier try may have been written down: a click counts once. */
  async function insist<T>(work: (isAgain: boolean) => Promise<T>): Promise<T> {
    const until = clock.ticks() + tryForMs
    for (let isAgain = false; ; isAgain = true) {
      try {
        return await work(isAgain)
      } catch (error) {
        if (clock.ticks() >= until) throw error
        await new Promise<void>((resolve) => clock.after(againMs, resolve))
      }
    }
  }

  function follow(work: () => Promise<void>): void {
    const working = work().catch((err) => log.error({ err }, 'whoever pressed a button could not be answered'))
    following.add(working)
    void working.finally(() => following.delete(working))
  }

  async function carryOut(app: SlackApp, click: Click, button: ButtonName, isAgain: boolean): Promise<Done> {
    if (button === 'why') {
      const isOperator = app.socket?.operators.includes(click.user.id)
      return click.isGuest && !isOperator ? { outcome: 'refused', say: sayToGuest } : why(click)
    }
    const may = await operators.may(app, click.user.id)
    if (may.is === 'no') return refused(app)
    if (may.is === 'unknown') return { outcome: 'failed', say: sayAgain(`Slack does not say ${may.reason}`) }
    const actor: Actor = { name: actorName(click.user.name), via: 'slack', click: click.key }
    try {
      if (button === 'retry' || button === 'try') return await actOnLane(click, button, actor)
      const card = await store.cardAt(click)
      if (card === undefined) return { outcome: 'unknown', say: unknownMessage }
      if (button !== 'silence') return await actOnCard(card, button, actor)
      return await silence(card, click, actor)
    } catch (error) {
      if (!(error instanceof RelayError)) throw error
      if (error.code === 'REPEATED' && isAgain) return { outcome: 'done', say: doneBefore, isChange: true }
      if (error.code === 'REPEATED') return { outcome: 'repeated', isChange: true }
      if (error.code !== 'NOT_FOUND' && error.code !== 'BAD_REQUEST') throw error
      return { outcome: 'failed', say: sayAgain(error.message), isChange: true }
    }
  }

  function refused({ socket }: SlackApp): Done {
    return { outcome: 'refused', say: sayRefusal(socket?.operators ?? []) }
  }

  async function actOnCard(card: Card, button: 'acknowledge' | 'unacknowledge', actor: Actor): Promise<Done> {
    const open = card.entries.filter(isOpen)
    const incidents = open.map(({ object, since }) => ({ object, since }))
    const all = await actions[button === 'acknowledge' ? 'acknowledgeAll' : 'unacknowledgeAll'](incidents, actor)
    if (all.length === 0)
      return { outcome: 'failed', say: 'It is over already: there is nothing left to acknowledge.', isChange: true }
    return { outcome: 'done', isChange: true }
  }

  /** Sends dead letters again, as many as a page has, or lets a lane wait no longer. */
  async function actOnLane({ value }: Click, button: 'retry' | 'try', actor: Actor): Promise<Done> {
    const noticed = readNoticed(value)
    if (noticed === undefined || !(await isOurs(noticed))) return { outcome: 'unknown', say: unknownMessage }
    const { name } = noticed
    if (button === 'try') return tryAgain(noticed, actor)
    const { items, next } = await actions.retryAll({ destination: name }, { limit: maxPage }, actor)
    if (items.length === 0 && !destinations().has(name)) return { outcome: 'failed', say: sayGone(name) }
    if (items.length === 0)
      return { outcome: 'failed', say: 'There are no dead letters any more: there is nothing left to send again.' }
    const count = items.length === 1 ? '1 dead letter is' : `${items.length} dead letters are`
    const more = next === null ? '' : ' There are more: press it again.'
    return { outcome: 'done', say: `${count} sent again.${more}` }
  }

  async function tryAgain({ name, isApp }: NoticedName, actor: Actor): Promise<Done> {
    try {
      const tried = await actions[isApp ? 'tryApp' : 'tryLane'](name, actor)
      const isLimited = tried?.limitedUntil !== undefined
      return { outcome: isLimited ? 'failed' : 'done', say: sayTried(name, tried, isApp) }
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'NOT_FOUND') throw error
      return { outcome: 'failed', say: sayGone(name) }
    }
  }

  /** Reports whether the notice is one of this relay's. */
  async function isOurs({ id, createdAt }: { id: string; createdAt: number }): Promise<boolean> {
    const page = { limit: maxPage, order: 'asc' as const }
    const { items } = await store.records.notifications({ rule: 'operator', since: createdAt }, page)
    return items.some((item) => item.id === id && item.createdAt === createdAt)
  }

  async function why(click: Click): Promise<Done> {
    const card = await store.cardAt(click)
    if (card === undefined) return { outcome: 'unknown', say: unknownMessage }
    const open = card.entries.filter(isOpen)
    const shown = open.length === 0 ? card.entries : open
    const told = await Promise.all(
      shown.map(async (entry, index) => ({
        entry,
        event: entry.event === undefined || index >= maxNamed ? undefined : await store.records.event(entry.event)
      }))
    )
    return { outcome: 'done', say: sayWhy(told, publicUrl) }
  }

  /** Sends `text` to the clicker alone. Returns true if Slack took it. */
  async function answer(app: SlackApp, { answerTo }: Click, text: string): Promise<boolean> {
    if (!isAnswerUrl(answerTo, app)) return false
    const body = { response_type: 'ephemeral', replace_original: false, text, blocks: [section(text)] }
    const reply = await slack.post(answerTo, JSON.stringify(body), AbortSignal.timeout(answerMs))
    const isTaken = kindOf(reply, 'slack') === 'taken'
    if (!isTaken) log.warn({ app: app.name, answer: sayReply(reply) }, 'whoever pressed a button could not be answered')
    return isTaken
  }

  return {
    take,
    async stop() {
      await Promise.all(following)
    }
  }
}
