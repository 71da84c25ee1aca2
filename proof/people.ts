// People: operators and one stranger press the buttons below messages in Slack, over whatever connections happen to be open.
import { setTimeout as pause } from 'node:timers/promises'
import { botToken, type Posted, type Pressed, type SlackApi, type SlackApiOptions } from '../test/fixtures/slack-api.ts'
import type { Dice } from './dice.ts'

export interface Press {
  pressed: Pressed
  card: Posted
  /** True if the person may do what the button does. */
  may: boolean
  /** The `action_id`. */
  button: string
}

const onCall = 'S0ONCALL'
const anna = 'U0ANNA1'
const inGroup = 'U0BOB22'
const stranger = 'U0EVE11'

/** The `operators` of an app. */
export const operators: readonly string[] = [anna, onCall]

/** The people's workspace. Updates are limited as Slack does it; posts are not, because the pace of lanes is proven elsewhere. */
export const workspace: SlackApiOptions = {
  ...{ perSecond: 1000, burst: 1000, tiers: { 'chat.postMessage': 100_000 }, pingMs: 5000 },
  apps: { [botToken]: { name: 'flux', userId: 'U0FLUX', scopes: ['chat:write', 'usergroups:read'] } },
  userGroups: { [onCall]: [inGroup] }
}

export interface People {
  presses: readonly Press[]
  /** Makes somebody press one of the buttons shown, one at a time per message; false if there is none. */
  press(): boolean
  /** Presses every now and then until `signal`; resolves once all presses are settled. */
  pressUntil(signal: AbortSignal): Promise<void>
  /** Resolves once every press is acknowledged, or shown as an error. */
  settle(): Promise<void>
}

const choices = ['hour', 'morning', 'recovered']
/** Relative frequency of each button. */
const shares = { acknowledge: 6, unacknowledge: 6, silence: 3, why: 1, retry: 10, try: 10 }

/** `maySilence` reports whether the subject of a card may be silenced. */
export function createPeople(api: SlackApi, dice: Dice, maySilence: (card: Posted) => boolean = () => true): People {
  const presses: Press[] = []
  const busy = new Set<Posted>()

  const people: People = {
    presses,
    press() {
      const free = api.posted
        .filter((card) => !card.isDeleted && !busy.has(card))
        .map((card) => ({ card, buttons: buttonsOf(card).filter((name) => name !== 'silence' || maySilence(card)) }))
        .filter(({ buttons }) => buttons.length > 0)
      if (free.length === 0) return false
      const { card, buttons } = dice.pick(free)
      const name = dice.pick(buttons.flatMap((name) => Array<string>(shares[name]).fill(name)))
      const user = dice.pick([anna, anna, anna, anna, anna, anna, inGroup, inGroup, inGroup, stranger])
      // Slack chooses the connection for an envelope; a repeated one may come over another.
      const isTwice = dice.chance(0.15)
      const links = api.socket.open()
      const over = isTwice || links.length === 0 ? { times: isTwice ? 2 : 1 } : { link: dice.pick(links) }
      const button = `flux-relay:${name}`
      const pressed = api.press(card, button, {
        user,
        ...(name === 'silence' && { choice: dice.pick(choices) }),
        ...over
      })
      busy.add(card)
      void pressed.isTaken.then(async () => {
        await pause(300)
        busy.delete(card)
      })
      presses.push({ pressed, card, may: user !== stranger || name === 'why', button })
      return true
    },
    async pressUntil(signal) {
      while (!signal.aborted) {
        // Most people wait while Slack says that nobody is connected.
        if (api.socket.open().length > 0 || dice.chance(0.05)) people.press()
        await pause(10 + dice.below(100))
      }
      await people.settle()
    },
    async settle() {
      await Promise.all(presses.map(({ pressed }) => pressed.isTaken))
      await pause(500)
    }
  }
  return people
}

type Name = keyof typeof shares

/** Names without the relay's prefix. */
function buttonsOf({ blocks }: Posted): Name[] {
  const shown = JSON.stringify(blocks)
  return (Object.keys(shares) as Name[]).filter((name) => shown.includes(`"flux-relay:${name}"`))
}
