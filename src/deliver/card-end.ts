// Card end: decides what becomes of a card after Slack's answer to its update. Pure.
import { isOpen, type Named, viewOf } from '../render/compose/card.ts'
import { viewOfRollout } from '../render/compose/rollout.ts'
import type { View } from '../render/compose/view.ts'
import { readApiAnswer } from '../slack-api/answer.ts'
import { deletedWord, lostWords, meanings } from '../slack-api/words.ts'
import type { Rollout } from '../store/kept.ts'
import type { Card, CardEnd, CardEntry } from '../store/kept-cards.ts'
import { isAboutToken, kindOf, type Reply } from './answer.ts'

/** Pause after a fault that may pass by itself. */
const againMs = 30_000
/** Pause after a fault that somebody has to mend. */
const blockedMs = 5 * 60_000
const maxRestMs = 60 * 60_000
/** The shortest time between two new messages about what goes on, where the workspace forbids edits and each change is one. */
const anewMs = 15 * 60_000

export type Judgement =
  | { is: 'end'; end: CardEnd }
  /** Nothing in the card's channel can be updated. No card there is tried before `until`, in ms: each try would cost an update. */
  | { is: 'channel rests'; until: number; end: CardEnd }
  /** Slack refuses the form of the card, which is then shown in plain text. */
  | { is: 'refused' }
  /** No card of the app is updated before `until`, in ms. */
  | { is: 'rest'; until: number; end: CardEnd }

/** A card that Slack was asked to update, and what is known of it. */
export interface Updated {
  card: Card
  /** What the card names, and what is known of that now. */
  named: readonly (CardEntry & Named)[]
  /** The lane that its destination has now. */
  lane: string
}

/** Decides what becomes of a card after `reply`. `now` is in ms. */
export function judge(updated: Updated, reply: Reply, now: number): Judgement {
  const kind = kindOf(reply, 'web-api')
  const word = (reply.is === 'answer' && readApiAnswer(reply.body)?.word) || ''
  if (lostWords.includes(word)) return { is: 'end', end: lost(updated, word !== deletedWord, now) }
  switch (kind) {
    case 'taken':
      return { is: 'end', end: { is: 'shown' } }
    case 'refused':
      return { is: 'refused' }
    case 'rate limit': {
      const asked = (reply.is === 'answer' && reply.retryAfterMs) || againMs
      const until = now + Math.min(Math.max(1000, asked), maxRestMs)
      return { is: 'rest', until, end: { is: 'again', at: until } }
    }
    case 'transient':
    case 'untrusted':
      return again(word, now + againMs)
    default:
      // If the answer is about the token, all other cards would get the same.
      if (isAboutToken(reply, 'web-api')) return { is: 'rest', until: now + blockedMs, end: { is: 'again', at: now } }
      return again(word, now + blockedMs)
  }
}

function again(word: string, until: number): Judgement {
  const end: CardEnd = { is: 'again', at: until }
  return meanings.get(word)?.scope === 'channel' ? { is: 'channel rests', until, end } : { is: 'end', end }
}

/**
 * Ends a card that can no longer be updated. What goes on is posted anew, in its present state, and becomes a new card. What is over
 * is posted only if the old card `stays`: the channel would read there for ever that it goes on. `now` is in ms.
 */
export function lost({ card, named, lane }: Updated, stays: boolean, now: number): CardEnd {
  const { destination, rollout } = card
  const isYoung = stays && now >= card.postedAt && now - card.postedAt < anewMs
  if (rollout !== undefined) return lostRollout({ ...card, rollout, lane }, stays, isYoung, now)
  const open = named.filter(isOpen)
  const shown = open.filter(({ quiet }) => quiet === undefined)
  // People who silence an incident may delete its card, too: it is not posted again while all of it is quiet.
  if (open.length > 0 && (isYoung || shown.length === 0)) return { is: 'again', at: now + blockedMs }
  const ended = stays ? named.filter((entry) => !isOpen(entry) && entry.view.says === 'recovered') : []
  const anew = shown.map((entry) => ({ ...entry, view: asPostedAgain(viewOf(entry, now)) }))
  const notifications = [...anew, ...ended].map(({ rule, event, view }) => ({ rule, destination, lane, view, event }))
  return { is: 'lost', notifications }
}

function lostRollout(
  { rollout, destination, lane, postedAt }: Card & { rollout: Rollout },
  stays: boolean,
  isYoung: boolean,
  now: number
): CardEnd {
  const view = viewOfRollout(rollout, now)
  const { is } = view.rollout ?? {}
  const goesOn = is === 'open' || is === 'failing'
  const changedAt = is === 'settled' ? rollout.lastAt + rollout.settleMs : rollout.lastAt
  const isNews = !stays || changedAt >= postedAt
  // The message that stays already says everything.
  if (!isNews && goesOn) return { is: 'shown' }
  if (isNews && isYoung) return { is: 'again', at: now + blockedMs }
  const isSaid = isNews && (goesOn || stays)
  return { is: 'lost', notifications: isSaid ? [{ rule: rollout.rule, destination, lane, view }] : [] }
}

function asPostedAgain({ wasReason: _, wasWarning: __, nextReminderMs: ___, ...view }: View): View {
  return { ...view, says: 'failed', facts: [...(view.facts ?? []), lostFact] }
}

const lostFact = { name: 'posted again', value: 'the message before can no longer be updated' }
