// Kept cards: defines the shapes of the messages that are updated, and how often they may be.
import type { ObjectMemory } from '../objects/memory.ts'
import type { RolloutHead } from '../render/compose/rollout-standing.ts'
import type { View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { NewNotification, Rollout } from './kept.ts'
import type { CardPlace, Plan } from './kept-lanes.ts'

/** What a card names: an incident, or news that was in its message. */
export interface CardEntry {
  /** The key of its object. */
  object: string
  rule: string
  /** The ID of its latest event that was sent; undefined if there is none. */
  event: string | undefined
  /** When the incident began, in ms; undefined for news. */
  since: number | undefined
  /** The latest view that was sent of it. */
  view: View
  /** What is remembered of its object now. */
  memory: ObjectMemory | undefined
  /** The rollout in which its object fails, if that has a card. */
  rollout?: { head: RolloutHead; url: string }
}

/** A card with everything that it is to show. */
export interface Card extends CardPlace {
  lane: string
  destination: string
  /** ms */
  postedAt: number
  entries: readonly CardEntry[]
  /** The rollout that the card shows; then it names nothing else. */
  rollout?: Rollout
  /** Number of the changes that are included here: a later one makes the card out of date again. */
  version: number
  /** Number of this claim: only the latest may update the card. */
  claim: number
  /** What Slack shows now, if that is certain. */
  shown: Payload | undefined
}

/** What to do next about the cards of an app. `signal` aborts when another replica may take the card over. */
export type CardStep = { is: 'wait' } | { is: 'update'; card: Card; signal?: AbortSignal }

/** What becomes of a card after an update. */
export type CardEnd =
  /**
   * The card shows `payload` from now on, or what it showed before if that is absent. It is looked at again at `until`, in ms, even
   * if nothing changes.
   */
  | { is: 'shown'; payload?: Payload; until?: number }
  /** The card is not updated again before `at`, in ms; {@link cardFirstAt} means at once. */
  | { is: 'again'; at: number }
  /** The card cannot be updated any more: what it named is posted anew. */
  | { is: 'lost'; notifications: readonly PostedAnew[] }

/** A notification of what a lost card named. `event` is the ID of the event that was sent before, if any. */
export interface PostedAnew extends NewNotification {
  event?: string | undefined
}

/** Which cards are looked for, and how often they may be updated. */
export interface CardPlan {
  /** The prefix of the app's lanes. */
  lanes: string
  /** The lanes that no longer show cards. */
  except: readonly string[]
  /** IDs of channels whose cards are not updated for now. */
  resting: readonly string[]
  /** The name of the budget that they share. */
  budget: string
  token: Plan['token']
}

/** Number of versions that are kept of each card. */
export const keptVersions = 10

/** Least time between two updates of a card, in ms. */
export const cardGapMs = 10_000

/** How long a card waits for the message about a change, which says more than the object's memory, in ms. */
export const cardPatienceMs = 10_000

/** How long a claim of a card lasts, in ms: longer than any request takes. */
export const cardClaimMs = 30_000

/** Due time, in ms, of a card that somebody acted on and is looking at: before all others, however many wait. */
export const cardFirstAt = 0

/** The longest that any card waits, in ms: a time further ahead is of a clock that was set back since. */
export const cardHorizonMs = 10 * 60_000
