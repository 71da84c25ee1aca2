// Buttons: stand below a message of a Slack app: what people may do about what goes on, and about trouble of the relay. Pure.
import { objectKey } from '../../objects/name.ts'
import type { Block, Menu, Plain, Press } from '../slack/blocks.ts'
import { slackTakes } from '../slack/limits.ts'
import type { Payload } from '../slack/payload.ts'
import { isOpen, isTakenOn, type Named } from './card.ts'
import { isOfIncident, isOwn, type View } from './view.ts'

/** What a button does, by its `action_id`. */
export const buttons = {
  acknowledge: 'flux-relay:acknowledge',
  unacknowledge: 'flux-relay:unacknowledge',
  silence: 'flux-relay:silence',
  why: 'flux-relay:why',
  retry: 'flux-relay:retry',
  try: 'flux-relay:try'
} as const
export type ButtonName = keyof typeof buttons

/** Whether a button of that `action_id` was put there by a relay, of whatever version. */
export function isOwnButton(id: string): boolean {
  return id.startsWith('flux-relay:')
}

/** For how long a silence may be asked for, by the value of the choice. */
export const silenceChoices = {
  hour: 'for 1 hour',
  morning: 'until tomorrow 08:00',
  recovered: 'until it recovers'
} as const

export interface ButtonForm {
  /** Its messages about incidents are cards. */
  hasCards: boolean
  /** Somebody may do more than ask why. */
  hasOperators: boolean
  /** By which a time of day is meant, such as `Europe/Paris`. */
  timeZone: string
}

/** What waits, as far as buttons are about it. */
export interface Noticed {
  id: string
  /** ms */
  createdAt: number
  view: View
}

/** `payload`, composed of `members`, with the buttons for what begins with it, where `form` has any. */
export function withButtons(payload: Payload, members: readonly Noticed[], form: ButtonForm | undefined): Payload {
  if (form === undefined) return payload
  const [only] = members
  if (only !== undefined && members.length === 1 && isOwn(only.view)) return below(payload, noticeButtons(only, form))
  return form.hasCards ? below(payload, incidentButtons(openIn(members), false, form)) : payload
}

/** How many incidents go on, as far as `members` say, oldest first: each may be in there several times, with its end. */
function openIn(members: readonly Noticed[]): number {
  const incidents = new Map<string, View['says']>()
  for (const { view } of members) {
    if (isOwn(view) || !isOfIncident(view)) continue
    incidents.set(`${objectKey(view.object)} ${view.failure?.since}`, view.says)
  }
  return [...incidents.values()].filter((says) => says !== 'recovered').length
}

/** `payload`, the card of `named`, with the buttons for what goes on. */
export function withCardButtons(payload: Payload, named: readonly Named[], form: ButtonForm | undefined): Payload {
  if (form === undefined) return payload
  const open = named.filter(isOpen)
  return below(payload, incidentButtons(open.length, open.every(isTakenOn), form))
}

function below(payload: Payload, elements: (Press | Menu)[]): Payload {
  const { blocks = [] } = payload
  if (elements.length === 0 || blocks.length === 0 || blocks.length >= slackTakes.blocks) return payload
  // Without an id of its own a block gets another with each update: what was chosen before is not shown as chosen.
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
  // A silence is about one object: of several the page makes one, by what they share.
  return [take, ...(open === 1 ? [silenceMenu(timeZone)] : []), why]
}

function silenceMenu(timeZone: string): Menu {
  // A choice is plain text, which Slack shows to everybody alike: whose eight o'clock it is has to be said.
  const options = Object.entries(silenceChoices).map(([value, words]) => ({
    text: plainText(`Silence ${words}${value === 'morning' ? ` (${timeZone})` : ''}`),
    value
  }))
  return { type: 'static_select', placeholder: plainText('Silence'), action_id: buttons.silence, options }
}

/** The reason of a notice that clicks do not come: a button below it would be of no use. */
export const noClicks = 'NoClicks'

/** Dead letters are sent again; a lane that is blocked is tried. */
function noticeButtons({ id, createdAt, view }: Noticed, { hasOperators }: ButtonForm): Press[] {
  const { kind, name } = view.object
  if (!hasOperators || (kind !== 'destination' && kind !== 'app') || view.reason === noClicks) return []
  // Whoever gets the click finds the notice by this: another relay of the same app has none like it.
  const value = `${id}@${createdAt} ${kind === 'app' ? appMark : ''}${name}`
  if (view.reason === 'DeadLetters') return [press('retry', 'Send them again', value)]
  return view.says === 'failed' ? [press('try', 'Try now', value)] : []
}

/** Before the name of an app, which may be that of a destination as well; no name has a space. */
const appMark = 'app '

export interface NoticedName {
  id: string
  /** ms */
  createdAt: number
  /** The name of a destination or an app. */
  name: string
  isApp: boolean
}

/** What the value of a button below a notice says; undefined where it says nothing of the kind. */
export function readNoticed(value: string): NoticedName | undefined {
  const [, id = '', createdAt = '', mark = '', name = ''] = /^(\d{1,18})@(\d{1,16}) (app )?(.+)$/s.exec(value) ?? []
  return id === '' ? undefined : { id, createdAt: Number(createdAt), name, isApp: mark === appMark }
}

/** A value is never read where there is nothing to say, and may not be empty. */
function press(name: ButtonName, label: string, value: string = name): Press {
  return { type: 'button', text: plainText(label), action_id: buttons[name], value }
}

function plainText(text: string): Plain {
  return { type: 'plain_text', text }
}
