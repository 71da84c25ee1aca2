// Carrying out: performs the action of a button, if the person who pressed it is allowed to.
import type { Logger } from 'pino'
import type { Actions } from '../actions.ts'
import { type Actor, actorName } from '../actor.ts'
import type { Clock } from '../clock.ts'
import type { Destinations } from '../deliver/channels.ts'
import type { Slack } from '../deliver/slack.ts'
import { RelayError } from '../errors.ts'
import { type ButtonName, type NoticedName, readNoticed } from '../render/compose/buttons.ts'
import { isOpen } from '../render/compose/card.ts'
import type { SlackApp } from '../slack-api/app.ts'
import type { Click } from '../slack-api/click.ts'
import type { Card } from '../store/kept-cards.ts'
import { maxPage } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import type { Done } from './done.ts'
import { createOperators } from './operators.ts'
import { createSilencing } from './silencing.ts'
import {
  doneBefore,
  maxNamed,
  overAlready,
  sayAgain,
  sayGone,
  sayRefusal,
  sayToGuest,
  sayTried,
  sayWhy,
  unknownMessage
} from './words.ts'

export interface CarryingOutOptions {
  store: Store
  actions: Actions
  destinations: () => Pick<Destinations, 'has'>
  slack: Slack
  /** The address at which people reach the relay. */
  publicUrl?: string | undefined
  clock: Clock
  log: Logger
}

/** A press of a button. `isAgain` is true if an earlier try may have been written down. */
export interface Press {
  click: Click
  button: ButtonName
  isAgain: boolean
}

export type CarryingOut = (app: SlackApp, press: Press) => Promise<Done>

export function createCarryingOut(options: CarryingOutOptions): CarryingOut {
  const { store, actions, destinations, slack, publicUrl, clock, log } = options
  const operators = createOperators(slack, clock, log)
  const silence = createSilencing(options)

  async function carryOut(app: SlackApp, { click, button, isAgain }: Press): Promise<Done> {
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
    if (all.length === 0) return { outcome: 'failed', say: overAlready, isChange: true }
    return { outcome: 'done', isChange: true }
  }

  /** Sends dead letters again, at most a page of them, or ends the wait of a lane. */
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

  /** Reports whether the notice came from this relay. */
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

  return carryOut
}
