// Verdict: runs all checks and sums up the figures of a proof.
import type { Slack } from '../test/fixtures/slack.ts'
import type { SlackApi } from '../test/fixtures/slack-api.ts'
import { cardsAreTrue } from './cards.ts'
import {
  acceptedInOrder,
  type Case,
  failuresStand,
  mutesWereSummedUp,
  nothingInvented,
  nothingLost,
  onlySilencedIsWithheld,
  recoveriesAreTrue,
  recoveriesFollowFailures,
  sentWasSeen,
  storedOnce
} from './checks.ts'
import type { ActRow } from './evidence.ts'
import { duplicatesExplained, messagesInOrder, oneAtATime, paceKept, patient, postedInOrder } from './lane-checks.ts'
import type { Press } from './people.ts'
import { fatesOf, pressesKept } from './press-checks.ts'
import type { Posted } from './sender.ts'
import { recognise } from './sightings.ts'
import type { Trouble } from './trouble.ts'

export interface Verdict {
  /** Violations of each promise. */
  faults: [promise: string, faults: string[]][]
  figures: [name: string, value: string | number][]
}

type Materials = Omit<Case, 'acknowledged' | 'sightings' | 'retried'> & {
  posted: Posted
  slack: Slack
  cards: SlackApi
  presses: readonly Press[]
  /** Socket Mode connections that were disturbed. */
  connectionsLost: number
  trouble: Trouble
  tookMs: number
  drainedMs: number
  verified: { code: number | null; out: string; err: string }
}

export function judge({
  posted,
  slack,
  cards,
  presses,
  connectionsLost,
  trouble,
  tookMs,
  drainedMs,
  verified,
  ...rest
}: Materials): Verdict {
  const { acknowledged } = posted
  const { received, accepted } = slack
  const retried = retriedIn(rest.acts)
  const all: Case = { ...rest, acknowledged, retried, sightings: recognise(received, rest) }
  const { journal, notifications, messages } = all
  const duplicates = duplicatesExplained(all, trouble)
  const { worst, faults: overPace } = paceKept(received, journal)
  const count = (state: string) => notifications.filter((row) => row.state === state).length
  const odd = [...posted.odd].map(([status, times]) => `${times} answers were ${status}`)
  return {
    faults: [
      ['nothing accepted is lost', nothingLost(all)],
      ['what counts as sent was seen', sentWasSeen(all)],
      ['an event is stored once', storedOnce(all)],
      ['word for word, and nothing else', nothingInvented(all)],
      ['duplicates are bounded', duplicates.faults],
      ['events in order', acceptedInOrder(all)],
      ['a retry never overtakes', messagesInOrder(all)],
      ['posted in order', postedInOrder(all)],
      ['one request at a time', oneAtATime(received)],
      ['pace', overPace],
      ['Retry-After', patient(all, trouble)],
      ['never recovered without failed', recoveriesFollowFailures(all)],
      ['a recovery is its own object’s', recoveriesAreTrue(all)],
      ['a failure is notified or stands', failuresStand(all)],
      ['mutes are summed up when they end', mutesWereSummedUp(all)],
      ['only what is silenced is withheld', onlySilencedIsWithheld(all)],
      ['cards show what is true', cardsAreTrue(cards, all)],
      ['clicks take effect once', pressesKept(presses, all)],
      ['relays start, stop and answer', [...journal.faults, ...odd]],
      ['flux-relay verify', verified.code === 0 ? [] : [`${verified.code}: ${verified.out}${verified.err}`]]
    ],
    figures: [
      ['kill -9', journal.kills.length],
      ['SIGTERM', journal.terms.length],
      ['restarts of the database', journal.restarts.length],
      ['config files changed', journal.moves.length],
      ['clocks set', journal.clocks.length],
      ['took', `${(tookMs / 1000).toFixed(0)} s, and ${(drainedMs / 1000).toFixed(0)} s until nothing waited`],
      ['start to listening, median', `${median(journal.startsMs).toFixed(0)} ms`],
      ['events acknowledged', acknowledged.length],
      ['posts without an answer', posted.unanswered],
      ['posts answered 503', posted.refused],
      ['notifications', notifications.length],
      ['… sent', count('sent')],
      ['… muted', count('muted')],
      ['… dead', count('dead')],
      ['… dead, tried again', retried.size],
      ['messages', messages.length],
      ['requests at Slack', received.length],
      ['… taken', accepted.length],
      ['cards', `${new Set(rest.cardEntries.map(({ ts }) => ts)).size}, ${cards.posted.length} messages of the app`],
      ['updates', cards.calls.filter(({ method }) => method === 'chat.update').length],
      ['clicks', `${presses.length}, ${presses.filter(({ may }) => !may).length} of them by who may not`],
      ...[...fatesOf(presses, all)].map(([fate, of]): [string, string] => [`… ${fate}`, sayButtons(of)]),
      ['connections for them lost', connectionsLost],
      ['messages that came twice', `${duplicates.repeated}, at most ${duplicates.worstLane} in a lane`],
      ['tokens left at the tightest', worst.toFixed(2)]
    ]
  }
}

/** Dead letters that were retried, by the API or by a button. */
function retriedIn(acts: readonly ActRow[]): Set<number> {
  return new Set(
    acts.filter(({ did }) => did === 'retry').flatMap(({ about }) => about.notifications?.map(Number) ?? [])
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function sayButtons(presses: readonly Press[]): string {
  return [...Map.groupBy(presses, ({ button }) => button.replace('flux-relay:', ''))]
    .map(([button, of]) => `${of.length} × ${button}`)
    .toSorted()
    .join(', ')
}
