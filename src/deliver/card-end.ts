// Card end: decides what becomes of a card after Slack's answer to its update. Pure.
import { isOpen } from '../render/compose/card.ts'
import { viewOfRollout } from '../render/compose/rollout.ts'
import { readApiAnswer } from '../slack-api/answer.ts'
import { lostWords } from '../slack-api/words.ts'
import type { NewNotification } from '../store/kept.ts'
import type { Card, CardEnd } from '../store/kept-cards.ts'
import { isAboutToken, kindOf, type Reply } from './answer.ts'

/** What may pass by itself. */
const againMs = 30_000
/** Somebody has to do something: the card shows what was true when they did. */
const blockedMs = 5 * 60_000
const maxRestMs = 60 * 60_000

export type Judgement =
  | { is: 'end'; end: CardEnd }
  /** Slack refuses its form: it is shown in plain text. */
  | { is: 'refused' }
  /** No card of the app is updated before, in ms. */
  | { is: 'rest'; until: number; end: CardEnd }

/** `lane`: where its destination is by now. `now` in ms. */
export function judge(card: Card, reply: Reply, lane: string, now: number): Judgement {
  const kind = kindOf(reply, 'web-api')
  if (reply.is === 'answer' && lostWords.includes(readApiAnswer(reply.body)?.word ?? ''))
    return { is: 'end', end: lost(card, lane, now) }
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
      return { is: 'end', end: { is: 'again', at: now + againMs } }
    default:
      // Of the token, all other cards would be answered the same.
      if (isAboutToken(reply, 'web-api')) return { is: 'rest', until: now + blockedMs, end: { is: 'again', at: now } }
      return { is: 'end', end: { is: 'again', at: now + blockedMs } }
  }
}

/** What goes on is posted anew, which makes a card of it; what is over is over. `now` in ms. */
export function lost(card: Card, lane: string, now: number): CardEnd {
  const { destination, rollout } = card
  if (rollout !== undefined) {
    const view = viewOfRollout(rollout, now)
    const isLeft = view.rollout?.is === 'open' || view.rollout?.is === 'failing'
    return { is: 'lost', notifications: isLeft ? [{ rule: rollout.rule, destination, lane, view }] : [] }
  }
  const notifications = card.entries.filter(isOpen).map(({ rule, view }): NewNotification => {
    const { mention: _, wasReason: __, wasWarning: ___, nextReminderMs: ____, ...rest } = view
    return { rule, destination, lane, view: { ...rest, says: 'failed', facts: [...(rest.facts ?? []), lostFact] } }
  })
  return { is: 'lost', notifications }
}

const lostFact = { name: 'posted again', value: 'the message before can no longer be updated' }
