// Trouble: gives Slack its worst day: three answers in ten are wrong, late, cut off or lost, and so are connections.
import { setTimeout as pause } from 'node:timers/promises'
import type { Behaviour, Received, Slack } from '../test/fixtures/slack.ts'
import type { SlackSocket } from '../test/fixtures/slack-socket.ts'
import type { Dice } from './dice.ts'
import { goneHook } from './world.ts'

/** Ways in which Slack may behave. A `share` is the probability of a behaviour if none of those before it was drawn. */
export type Troubles = readonly (readonly [share: number, behaviour: (dice: Dice) => Behaviour])[]

const troubles: Troubles = [
  [0.05, () => ({ status: 500, body: 'rollup_error' })],
  [0.02, () => ({ status: 503, body: 'upstream connect error' })],
  [0.03, () => ({ is: 'html' })],
  [0.04, () => ({ is: 'reset' })],
  [0.04, () => ({ is: 'reset-after' })],
  [0.03, () => ({ is: 'truncated' })],
  [0.02, () => ({ is: 'hang' })],
  [0.02, (dice) => ({ is: 'rate-limited', retryAfterSeconds: 1 + dice.below(4) })],
  [0.01, () => ({ status: 400, body: 'invalid_blocks' })],
  [0.02, () => ({ status: 400, body: 'invalid_payload' })],
  // A proxy answers in Slack's place: a login page, a firewall.
  [0.02, () => ({ status: 200, body: '<html>Please log in</html>' })],
  [0.01, () => ({ status: 403, body: '<html>Forbidden</html>' })],
  [0.05, (dice) => ({ is: 'slow', ms: 300 + dice.below(1500) })],
  [1, (dice) => ({ is: 'slow', ms: 2 + dice.below(80) })]
]

/** True if Slack may have shown the message but the relay cannot know. */
const losesAnswer = (behaviour: Behaviour) =>
  'is' in behaviour && (behaviour.is === 'reset-after' || behaviour.is === 'truncated')

/** What the stand-in did on purpose, by request. */
export interface Trouble {
  lost: Set<Received>
  scripted: Map<Received, Behaviour>
}

/** Makes every webhook of `slack` misbehave. */
export function makeTrouble(slack: Slack, dice: Dice): Trouble {
  const trouble: Trouble = { lost: new Set(), scripted: new Map() }
  slack.behave('*', (request) => {
    const behaviour: Behaviour = request.path === goneHook ? { status: 404, body: 'no_service' } : draw(dice, troubles)
    trouble.scripted.set(request, behaviour)
    if (losesAnswer(behaviour)) trouble.lost.add(request)
    return behaviour
  })
  return trouble
}

/** Ends all trouble, except for the webhook that was removed. */
export function calm(slack: Slack): void {
  slack.behave('*', ({ path }) => (path === goneHook ? { status: 404, body: 'no_service' } : undefined))
}

/** Draws the next behaviour of Slack. */
export function draw(dice: Dice, troubles: Troubles): Behaviour {
  for (const [share, behaviour] of troubles) if (dice.chance(share)) return behaviour(dice)
  return { is: 'slow', ms: 5 }
}

/** Disturbs Socket Mode connections every now and then; resolves to how often. */
export async function disturbConnections(socket: SlackSocket, dice: Dice, signal: AbortSignal): Promise<number> {
  let times = 0
  while (!signal.aborted) {
    await pause(200 + dice.below(1500))
    if (disturbConnection(socket, dice)) times += 1
  }
  return times
}

/** Does to one Socket Mode connection what Slack and networks do; false if there is none. */
export function disturbConnection(socket: SlackSocket, dice: Dice): boolean {
  const links = socket.open()
  if (links.length === 0) return false
  const link = dice.pick(links)
  if (dice.chance(0.4)) socket.disconnect(dice.chance(0.5) ? 'warning' : 'refresh_requested', link)
  else if (dice.chance(0.5)) link.cut()
  else if (dice.chance(0.7)) link.close(1000, { hangs: dice.chance(0.5) })
  else if (dice.chance(0.3)) link.freeze()
  else socket.disconnect('warning', link)
  return true
}
