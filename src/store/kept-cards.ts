// Kept cards: defines the shapes of the messages that are updated, and how often they may be.
import type { ObjectMemory } from '../objects/memory.ts'
import type { RolloutHead } from '../render/compose/rollout-standing.ts'
import type { View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { NewNotification, Rollout } from './kept.ts'
import type { CardPlace, Plan } from './kept-lanes.ts'

/** What a card names: an incident, or news that were in its message. */
export interface CardEntry {
  /** The key of its object. */
  object: string
  rule: string
  /** The ID of the latest event of it that was sent; undefined where that is none. */
  event: string | undefined
  /** When the incident began, in ms; undefined for news. */
  since: number | undefined
  /** The latest that was sent of it. */
  view: View
  /** What is known of its object by now. */
  memory: ObjectMemory | undefined
  /** The rollout in which its object fails, where that has a card. */
  rollout?: { head: RolloutHead; url: string }
}

/** A message that is updated, with what is to be shown. */
export interface Card extends CardPlace {
  lane: string
  destination: string
  /** ms */
  postedAt: number
  entries: readonly CardEntry[]
  /** It shows a rollout, and names nothing else. */
  rollout?: Rollout
  /** What is known is of this version of what it shows. */
  version: number
  /** Whoever has the latest claim may update it. */
  claim: number
  /** What it shows, where that is known for sure. */
  shown: Payload | undefined
}

/** What is to be done about the cards of an app: `signal` aborts when another replica may take the card over. */
export type CardStep = { is: 'wait' } | { is: 'update'; card: Card; signal?: AbortSignal }

/** What becomes of a card after an update. */
export type CardEnd =
  /**
   * `payload` is what it shows from now on; absent where it has shown that before. `until` when it is to be looked at again, in
   * ms, whatever happens.
   */
  | { is: 'shown'; payload?: Payload; until?: number }
  /** It is not updated again before, in ms; {@link cardFirstAt} is at once. */
  | { is: 'again'; at: number }
  /** It cannot be updated any more: what it named is posted anew. */
  | { is: 'lost'; notifications: readonly PostedAnew[] }

/** `event`: the ID of the one that was sent before, if any. */
export interface PostedAnew extends NewNotification {
  event?: string | undefined
}

/** Whose cards are looked for, and how often they may be updated. */
export interface CardPlan {
  /** What its lanes begin with. */
  lanes: string
  /** The lanes that no longer show cards. */
  except: readonly string[]
  /** The channels, by their IDs, whose cards are not to be updated for now. */
  resting: readonly string[]
  /** The name of the budget that they share. */
  budget: string
  token: Plan['token']
}

/** How many of a card's former versions are kept. */
export const keptVersions = 10

/** A card is updated at most once in so long, in ms. */
export const cardGapMs = 10_000

/** How long the message about a change is waited for, which says more of it than the memory, in ms. */
export const cardPatienceMs = 10_000

/** After so long another may update a card: longer than any request takes, in ms. */
export const cardClaimMs = 30_000

/** When a card is due that somebody did something to, and looks at, in ms: before all others, however many wait. */
export const cardFirstAt = 0

/** Nobody makes a card wait for longer: a time beyond is of a clock that was set back. In ms. */
export const cardHorizonMs = 10 * 60_000
