// Proof of cards: a Web API that lies, and a check of what its channel shows in the end against what the database knows.
import { setTimeout as pause } from 'node:timers/promises'
import { type Posted, type SlackApi, startSlackApi } from '../test/fixtures/slack-api.ts'
import type { Dice } from './dice.ts'
import { type ActRow, type Evidence, incidentOf } from './evidence.ts'
import { workspace } from './people.ts'
import { draw, type Troubles } from './trouble.ts'
import { cardChannel, noticeChannel } from './world.ts'

const troubles: Troubles = [
  [0.03, () => ({ is: 'html' })],
  [0.04, () => ({ is: 'reset' })],
  [0.04, () => ({ is: 'reset-after' })],
  [0.03, () => ({ is: 'truncated' })],
  [0.02, () => ({ status: 200, body: '{"ok":false,"error":"internal_error"}' })],
  [0.02, () => ({ is: 'rate-limited', retryAfterSeconds: 1 })],
  [1, (dice) => ({ is: 'slow', ms: 2 + dice.below(80) })]
]

/**
 * Starts a Web API whose `chat.update` is limited as Slack's is. Posts are not limited: the pace of lanes is proven elsewhere.
 */
export async function startTroubledApi(dice: Dice): Promise<SlackApi> {
  const api = await startSlackApi({
    ...workspace,
    channels: [
      { id: cardChannel, name: 'cards', members: ['U0FLUX'] },
      { id: noticeChannel, name: 'operator', members: ['U0FLUX'] }
    ]
  })
  api.behave('*', () => draw(dice, troubles))
  return api
}

/** Deletes one of the last messages, as a person might. */
export function deleteOne(api: SlackApi, dice: Dice): void {
  const last = api.posted.filter(({ channel, isDeleted }) => channel === cardChannel && !isDeleted).slice(-20)
  if (last.length > 0) api.delete(cardChannel, dice.pick(last).ts)
}

const quietMs = 45_000
const longestMs = 400_000

/** Resolves once no card has been updated for {@link quietMs}, or after {@link longestMs}. */
export async function untilShown(api: SlackApi): Promise<void> {
  const count = () => api.calls.length
  const deadline = performance.now() + longestMs
  let before = count()
  let since = performance.now()
  while (performance.now() < deadline && performance.now() - since < quietMs) {
    await pause(500)
    if (count() === before) continue
    before = count()
    since = performance.now()
  }
}

const textOf = ({ text, blocks, attachments }: Posted) => JSON.stringify([text, blocks, attachments])
const isRed = (message: Posted) => /red_circle|orange_circle|hourglass/.test(textOf(message))

/** The summary of what a mute withheld. It shows the state at the end of the mute and is never updated. */
const isSummary = ({ text }: Posted) => /^🔔 .+ is over\./.test(text)

/**
 * Checks that every card shows what is true, acknowledgements included, that no incident has two cards, and that nothing that
 * is over is red.
 */
export function cardsAreTrue(
  { posted: all, calls }: Pick<SlackApi, 'posted' | 'calls'>,
  { cardEntries: rows, acts }: Pick<Evidence, 'cardEntries' | 'acts'>
): string[] {
  const taken = takenOn(acts)
  const posted = all.filter(({ channel }) => channel === cardChannel)
  const byTs = new Map(posted.map((message) => [message.ts, message]))
  const faults = [...Map.groupBy(rows, ({ ts }) => ts)].flatMap(([ts, entries]) => {
    const message = byTs.get(ts)
    if (message === undefined) return [`card ${ts} was never posted`]
    if (message.isDeleted) return []
    const open = entries.filter(({ since, failing_since }) => failing_since === since)
    const known = open.length > 0 ? `${open.map(({ object }) => object)} fail` : 'all are well'
    const named = open.length <= 10 ? open.filter(({ object }) => !textOf(message).includes(nameOf(object))) : []
    const isTaken = open.length > 0 && open.every((row) => taken.has(incidentOf(row)))
    return [
      ...(isRed(message) === open.length > 0 ? [] : [`card ${ts}: ${known}, and it says ${message.text}`]),
      ...(saysTaken(message) === isTaken ? [] : [`card ${ts} shows ${isTaken ? 'not ' : ''}that it is acknowledged`]),
      ...named.map(({ object }) => `card ${ts} does not name ${object}`)
    ]
  })
  const incidents = Map.groupBy(rows, incidentOf)
  const twice = [...incidents].filter(([, cards]) => cards.length > 1).map(([key]) => `${key} has two cards`)
  // A card whose answer was lost, or whose relay was killed before it recorded the answer, was posted again.
  const isCard = new Set(rows.map(({ ts }) => ts))
  const isOrphan = (message: Posted) => isRed(message) && !isSummary(message) && !isCard.has(message.ts)
  const orphans = posted.filter((message) => message.threadTs === undefined && !message.isDeleted && isOrphan(message))
  const asPosted = textsAsPosted(calls.filter(({ args }) => args['channel'] === cardChannel))
  const isRepeated = (message: Posted) => {
    const at = posted.indexOf(message)
    return asPosted.indexOf(asPosted[at] ?? '', at + 1) > at
  }
  const alone = orphans.filter((message) => !isRepeated(message) && !wasUpdated(posted, message.ts))
  return [...faults, ...twice, ...alone.map(({ ts, text }) => `${ts} is red, and nobody's: ${text}`)]
}

/** The incidents that are acknowledged in the end, by the acts of operators. */
function takenOn(acts: readonly ActRow[]): Set<string> {
  const taken = new Set<string>()
  for (const { did, about } of acts) {
    for (const incident of about.incidents ?? []) {
      if (did === 'acknowledge') taken.add(incidentOf(incident))
      else taken.delete(incidentOf(incident))
    }
  }
  return taken
}

/** A card that shows its incidents as acknowledged has the button that undoes it. */
const saysTaken = (message: Posted) => JSON.stringify(message.blocks).includes('"flux-relay:unacknowledge"')

/** The first version of each message, in the order of `posted`. */
function textsAsPosted(calls: SlackApi['calls']): string[] {
  return calls
    .filter(({ method, request }) => method === 'chat.postMessage' && request.taken)
    .map(({ args }) => JSON.stringify([args['text'], args['blocks'], args['attachments']]))
}

/** True if the message was a card once: the relay gave it up because of an answer of the troubled API. */
function wasUpdated(posted: readonly Posted[], ts: string): boolean {
  return (posted.find((message) => message.ts === ts)?.versions ?? 1) > 1
}

function nameOf(object: string): string {
  return object.split('/').at(-1) ?? ''
}
