// Buttons: stand below a message of a Slack app and let people act on what goes on, or on trouble of the relay itself. Pure.
import { objectKey } from '../../objects/name.ts'
import type { Block, Menu, Plain, Press } from '../slack/blocks.ts'
import { slackTakes } from '../slack/limits.ts'
import type { Payload } from '../slack/payload.ts'
import { isOpen, isTakenOn, type Named } from './card.ts'
import { isOfIncident, isOwn, type View } from './view.ts'

/** The `action_id` of each button. */
export const buttons = {
  acknowledge: 'flux-relay:acknowledge',
  unacknowledge: 'flux-relay:unacknowledge',
  silence: 'flux-relay:silence',
  why: 'flux-relay:why',
  retry: 'flux-relay:retry',
  try: 'flux-relay:try'
} as const
export type ButtonName = keyof typeof buttons

/** Reports whether a relay, of whatever version, made the button with that `action_id`. */
export function isOwnButton(id: string): boolean {
  return id.startsWith('flux-relay:')
}

/** The lengths of a silence that people can choose, by the value of the choice. */
export const silenceChoices = {
  hour: 'for 1 hour',
  morning: 'until tomorrow 08:00',
  recovered: 'until it recovers'
} as const

export interface ButtonForm {
  /** True if its messages about incidents are cards. */
  hasCards: boolean
  /** True if somebody may do more than ask why. */
  hasOperators: boolean
  /** The zone in which a time of day is meant, such as `Europe/Paris`. */
  timeZone: string
}

/** The part of a waiting notification that buttons need. */
export interface Noticed {
  id: string
  /** Time of acceptance, in ms. */
  createdAt: number
  view: View
}

/** Returns `payload`, composed of `members`, with the buttons for what begins in it, if `form` has any. */
export function withButtons(payload: Payload, members: readonly Noticed[], form: ButtonForm | undefined): Payload {
  if (form === undefined) return payload
  const [only] = members
  if (only !== undefined && members.length === 1 && isOwn(only.view)) return below(payload, noticeButtons(only, form))
  return form.hasCards ? below(payload, incidentButtons(openIn(members), false, form)) : payload
}

/**
 * Counts the incidents that go on according to `members`, oldest first: one incident may be there several times, its end included.
 */
function openIn(members: readonly Noticed[]): number {
  const incidents = new Map<string, View['says']>()
  for (const { view } of members) {
    if (isOwn(view) || !isOfIncident(view)) continue
    incidents.set(`${objectKey(view.object)} ${view.failure?.since}`, view.says)
  }
  return [...incidents.values()].filter((says) => says !== 'recovered').length
}

/** Returns `payload`, the card of `named`, with the buttons for what goes on. */
export function withCardButtons(payload: Payload, named: readonly Named[], form: ButtonForm | undefined): Payload {
  if (form === undefined) return payload
  const open = named.filter(isOpen)
  return below(payload, incidentButtons(open.length, open.every(isTakenOn), form))
}

function below(payload: Payload, elements: (Press | Menu)[]): Payload {
  const { blocks = [] } = payload
  if (elements.length === 0 || blocks.length === 0 || blocks.length >= slackTakes.blocks) return payload
  // Without a block_id of ours, the block gets a new one with each update, so an earlier choice is not shown as chosen.
  const block: Block = { type: 'actions', elements }
  return { ...payload, blocks: [...blocks, block] }
}

function incidentButtons(open: number, isTaken: boolean, { hasOperators, timeZone }: ButtonForm): (Press | Menu)[] {
  if (open === 0) return []
  const why = press('why', 'Why?')
  if (!hasOperators) return [why]
  const take = isTaken
    ? press('unacknowledge', 'Take back')
    : press('acknowledge', open === 1 ? 'Acknowledge' : 'Acknowledge all')
  // A silence is about one object. For several, the page makes one about what they share.
  return [take, ...(open === 1 ? [silenceMenu(timeZone)] : []), why]
}

function silenceMenu(timeZone: string): Menu {
  // A choice is plain text, which Slack shows to everybody alike, so it must say in which zone it is eight o'clock.
  const options = Object.entries(silenceChoices).map(([value, words]) => ({
    text: plainText(`Silence ${words}${value === 'morning' ? ` (${timeZone})` : ''}`),
    value
  }))
  return { type: 'static_select', placeholder: plainText('Silence'), action_id: buttons.silence, options }
}

/** Reason of the notice that clicks do not arrive: a button below it would be of no use. */
export const noClicks = 'NoClicks'

/** Dead letters can be sent again; a blocked lane can be tried. */
function noticeButtons({ id, createdAt, view }: Noticed, { hasOperators }: ButtonForm): Press[] {
  const { kind, name } = view.object
  if (!hasOperators || (kind !== 'destination' && kind !== 'app') || view.reason === noClicks) return []
  // Whoever gets the click finds the notice by this value: another relay of the same app has no such notice.
  const value = `${id}@${createdAt} ${kind === 'app' ? appMark : ''}${name}`
  if (view.reason === 'DeadLetters') return [press('retry', 'Send them again', value)]
  return view.says === 'failed' ? [press('try', 'Try now', value)] : []
}

/** Marks the name of an app, which may be that of a destination as well; no name has a space. */
const appMark = 'app '

export interface NoticedName {
  id: string
  /** Time of acceptance, in ms. */
  createdAt: number
  /** Name of a destination or an app. */
  name: string
  isApp: boolean
}

/** Parses the value of a button below a notice; undefined for any other value. */
export function readNoticed(value: string): NoticedName | undefined {
  const [, id = '', createdAt = '', mark = '', name = ''] = /^(\d{1,18})@(\d{1,16}) (app )?(.+)$/s.exec(value) ?? []
  return id === '' ? undefined : { id, createdAt: Number(createdAt), name, isApp: mark === appMark }
}

/** A value may not be empty. A button with nothing to say has its name as value, which is never read. */
function press(name: ButtonName, label: string, value: string = name): Press {
  return { type: 'button', text: plainText(label), action_id: buttons[name], value }
}

function plainText(text: string): Plain {
  return { type: 'plain_text', text }
}
