// Outcome: decides how an attempt ended and what follows: sent, retried, blocked or dead. Pure.
import { readApiAnswer } from '../slack-api/answer.ts'
import { closedWords, lostWords, threadWords } from '../slack-api/words.ts'
import type { LaneState, Message, Posted, Settlement, ThreadEnd } from '../store/kept-lanes.ts'
import { type Kind, kindOf, moved, type Receiver, type Reply, removed } from './answer.ts'
import { sayReply } from './saying.ts'
import { mayHaveArrived } from './unreached.ts'

/** The age at which a notification that could not be delivered becomes a dead letter. */
export const maxAgeMs = 24 * 60 * 60 * 1000

const maxBackoffMs = 10_000
/** The longest wait if each try may be one more message in the channel: as rare as messages about what goes on. */
const maxDoubtMs = 5 * 60_000
/** The longest wait after a 429 without Retry-After. Waits grow, because an app that goes on after a 429 may be disabled. */
const maxLimitMs = 60_000
/** Tries before a proxy or a certificate blocks a lane: its fault may pass in a moment, or be that of one of several servers. */
const blindTries = 5
/** How long it may take until the history has a message, in ms. Slack does not say; this is what a person would wait. */
const historyMs = 2000
/** Tries of a message that only follows a card. */
const asideTries = 5
/** Tries with an empty message: a receiver, too, may have trouble for a moment. */
const emptyTries = 5

/** How long a blocked lane waits before its first probe. Each later wait is twice as long, up to an hour. */
const firstProbeMs: Partial<Record<Kind, number>> & { gone: number } = {
  // Somebody has to make a new webhook.
  gone: 5 * 60_000,
  // Each probe may be one more message in the channel.
  unclear: 5 * 60_000,
  // Nothing has reached Slack, so asking costs nothing.
  doubtful: 30_000,
  proxy: 30_000,
  untrusted: 30_000
}
export const lastProbeMs = 60 * 60_000
/** The longest wait for another certificate, which is renewed by somebody who has never heard of the relay. */
const lastLookMs = 60_000

/** How an attempt ended, as metrics and the log call it. */
export const outcomes = ['sent', 'rate_limited', 'retry', 'refused', 'blocked', 'dead'] as const
export type Outcome = (typeof outcomes)[number]

export interface Circumstances {
  now: number
  /** Notifications accepted before this become dead letters; {@link maxAgeMs} ago if left out. */
  oldest?: number
  /** In [0, 1). */
  random: number
  /** The block of the lane, if this attempt was a probe. */
  block: LaneState['block']
  receiver: Receiver
  /** True if a message that is taken may become a card. */
  hasCards?: boolean
  /** True if the message is looked for before it is tried again. At once, that is no use: the history may not have it yet. */
  looks?: boolean | undefined
  /** The answer to an empty message, if {@link needsEmpty} asked for one. */
  empty?: Reply | undefined
}

export interface Settled {
  outcome: Outcome
  /** The kind of answer that decided the outcome. */
  kind: Kind
  /** The reply that decided the outcome: that to the empty message, if it said more. */
  reply: Reply
  settlement: Settlement
}

/**
 * Reports whether only an empty message can show what a no is about: if that gets the same answer, the no is not about `message`,
 * whose plain form was refused too. A probe of a blocked lane takes one along, so that no message can keep a lane blocked.
 */
export function needsEmpty(
  message: Message,
  reply: Reply,
  { block, receiver }: Pick<Circumstances, 'block' | 'receiver'>
) {
  return kindOf(reply, receiver) === 'doubtful' && (message.isPlain || block !== undefined)
}

/** Decides what follows from `reply` to an attempt at `message`. */
export function settle(message: Message, reply: Reply, given: Circumstances): Settled {
  const kind = kindOf(reply, given.receiver)
  const { now, oldest = now - maxAgeMs, random, block } = given
  const { failures } = message
  const isTooOld = message.newestAt <= oldest
  const attempt: Attempt = { message, reply, kind, given, isTooOld }

  switch (kind) {
    case 'taken':
      return ended(attempt, 'sent', { message: { state: 'sent', ...placeIn(attempt) }, lane: { notBefore: 0 } })
    case 'rate limit': {
      const asked = (reply.is === 'answer' && reply.retryAfterMs) || 0
      const waitMs = asked > 0 ? Math.min(Math.max(1000, asked), maxAgeMs) : Math.min(1000 * 2 ** failures, maxLimitMs)
      const notBefore = now + waitMs
      // One token when the wait is over, and none before: what has piled up by then goes as one message, not as a burst that is
      // refused again.
      const lane = { notBefore, block, bucket: { tokens: 1, at: notBefore } }
      // What comes behind it still waits as long as Slack asked.
      if (isTooOld) return dead(attempt, 'not delivered within 24 hours; Slack limits the rate of messages', lane)
      return ended(attempt, 'rate_limited', again(attempt, lane, asked > 0 ? failures : failures + 1))
    }
    case 'transient': {
      if (isAside(message) && (message.failures + 1 >= asideTries || reply === moved || reply === removed))
        return dead(attempt, 'it can no longer follow its card', { notBefore: 0, block })
      const reason = `not delivered within 24 hours; the last answer was ${sayReply(reply)}`
      return isTooOld ? dead(attempt, reason, { notBefore: 0, block }) : retried(attempt, random)
    }
    case 'refused': {
      const thread = endOfThread(message, reply)
      if (thread !== undefined) return isAside(message) ? dead(attempt, whyLeft[thread]) : inChannel(attempt, thread)
      if (message.isPlain) return dead(attempt, `Slack refuses it, even as plain text: ${sayReply(reply)}`)
      return inPlain(attempt, { notBefore: 0 })
    }
    case 'doubtful':
      return doubted(attempt)
    case 'proxy': {
      const isTransient = reply.is !== 'failure' && reply.status >= 500 && failures < blindTries && block === undefined
      return isTransient && !isTooOld ? retried(attempt, random) : blocked(attempt)
    }
    case 'untrusted':
      return failures < blindTries && block === undefined && !isTooOld ? retried(attempt, random) : blocked(attempt)
    case 'gone':
    case 'unclear':
      return blocked(attempt)
  }
}

interface Attempt {
  message: Message
  reply: Reply
  kind: Kind
  given: Circumstances
  isTooOld: boolean
}

/** True if a message only follows a card. The news that waits behind it is worth more. */
function isAside({ notifications }: Message): boolean {
  return notifications === 0
}

function doubted(attempt: Attempt): Settled {
  const { message, given, reply } = attempt
  const { empty, receiver, block } = given
  if (!needsEmpty(message, reply, given)) return inPlain(attempt, { notBefore: 0 })
  const kind = empty && kindOf(empty, receiver)
  if (empty === undefined || kind === undefined || kind === 'doubtful' || kind === 'unclear') return blocked(attempt)
  // The way is open: only this message is not let through.
  if (kind === 'taken' || kind === 'refused') {
    if (!message.isPlain) return inPlain(attempt, { notBefore: 0 })
    return dead(attempt, `refused on its way, even as plain text: ${sayReply(reply)}; an empty message gets through`)
  }
  // A receiver that fails an empty message for this long cannot take one. That proves nothing, and somebody has to look.
  if (kind === 'transient' && empty.is === 'answer' && (message.failures >= emptyTries || block !== undefined))
    return blocked(attempt)
  // The answer to the empty message says what is wrong with the lane itself.
  return settle(message, empty, { ...given, block, empty: undefined })
}

function ended({ kind, reply }: Attempt, outcome: Outcome, settlement: Settlement): Settled {
  return { outcome, kind, reply, settlement }
}

function again({ message }: Attempt, lane: Settlement['lane'], failures = message.failures + 1): Settlement {
  return { message: { state: 'open', failures, isPlain: message.isPlain }, lane }
}

function dead(attempt: Attempt, reason: string, lane: Settlement['lane'] = { notBefore: 0 }): Settled {
  return ended(attempt, 'dead', { message: { state: 'dead', reason }, lane })
}

/**
 * Returns the place of the posted message, which only the Web API gives. Slack silently posts a reply in the channel if the message that
 * it replies to was deleted and has no other replies (slack-go/slack#1571): only the message in the answer tells. The same happens if
 * the name of the channel leads to another channel by now, but then the card is still where it was.
 */
function placeIn({ message, reply, given }: Attempt): { posted?: Posted; thread?: 'gone' } {
  if (given.receiver !== 'web-api' || !given.hasCards || reply.is !== 'answer') return {}
  const { posted, isReply } = readApiAnswer(reply.body) ?? {}
  if (posted === undefined) return {}
  const isGone = isReply === false && message.thread?.channel === posted.channel
  return { posted, ...(isGone && { thread: 'gone' }) }
}

/** Returns why Slack does not take `message` as a reply; undefined if `reply` does not say so. */
function endOfThread({ thread }: Message, reply: Reply): ThreadEnd | undefined {
  if (thread === undefined || reply.is !== 'answer') return undefined
  const word = readApiAnswer(reply.body)?.word ?? ''
  if (closedWords.includes(word)) return 'closed'
  return [...threadWords, ...lostWords].includes(word) ? 'gone' : undefined
}

const whyLeft: Record<ThreadEnd, string> = {
  gone: 'the card that it follows is gone',
  closed: 'the card that it follows takes no replies'
}

/** Settles a reply to a message that is deleted or takes no replies: the next attempt posts it in the channel. */
function inChannel(attempt: Attempt, thread: ThreadEnd): Settled {
  const { failures, isPlain } = attempt.message
  const message = { state: 'open', failures: failures + 1, isPlain, thread } as const
  return ended(attempt, 'refused', { message, lane: { notBefore: 0 } })
}

function inPlain(attempt: Attempt, lane: Settlement['lane']): Settled {
  const failures = attempt.message.failures + 1
  return ended(attempt, 'refused', { message: { state: 'open', failures, isPlain: true }, lane })
}

function retried(attempt: Attempt, random: number): Settled {
  const { message, given } = attempt
  const longestMs = given.looks || !isInDoubt(attempt.reply) ? maxBackoffMs : maxDoubtMs
  const drawnMs = Math.round(random * Math.min(longestMs, 1000 * 2 ** Math.min(message.failures, 10)))
  const waitMs = given.looks ? Math.max(historyMs, drawnMs) : drawnMs
  return ended(attempt, 'retry', again(attempt, { notBefore: given.now + waitMs, block: given.block }))
}

/** Reports whether the message may have been taken. A 504 comes from a gateway that passed it on, and got no answer in time. */
function isInDoubt(reply: Reply): boolean {
  return reply.is === 'failure' ? mayHaveArrived(reply.code) : reply.is === 'answer' && reply.status === 504
}

function blocked(attempt: Attempt): Settled {
  const { message, kind, reply, isTooOld, given } = attempt
  const { now, block } = given
  const said = sayReply(reply)
  const probes = block?.probes ?? 0
  const longestMs = kind === 'untrusted' ? lastLookMs : lastProbeMs
  const lane = {
    notBefore: now + Math.min((firstProbeMs[kind] ?? firstProbeMs.gone) * 2 ** probes, longestMs),
    block: { reason: said, since: block?.since ?? now, probes: probes + 1 }
  }
  if (isTooOld) return dead(attempt, `not delivered within 24 hours; the destination answers ${said}`, lane)
  // The plain form was only an attempt to find the reason: when the lane opens, the message goes in its own form.
  const isPlain = message.isPlain && kind !== 'doubtful'
  return ended(attempt, 'blocked', { message: { state: 'open', failures: message.failures + 1, isPlain }, lane })
}
