// Card content: composes what a card shows from the present state of its incidents or its rollout.
import { type Clock, timeZone } from '../clock.ts'
import { withCardButtons } from '../render/compose/buttons.ts'
import { composeCard, isOpen, type Named } from '../render/compose/card.ts'
import { composeOne } from '../render/compose/message.ts'
import { viewOfRollout } from '../render/compose/rollout.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { SlackApp } from '../slack-api/app.ts'
import { type Card, type CardEntry, cardHorizonMs } from '../store/kept-cards.ts'
import type { CardMutes } from './card-mutes.ts'
import type { Destinations } from './channels.ts'
import { buttonsOf } from './destination.ts'

export interface Shown {
  payload: Payload
  /** `until` is the time of the next look at the card, in ms; absent if there is no need for one. */
  next: { until?: number }
  named: readonly (CardEntry & Named)[]
}

export interface ShownOptions {
  destinations: () => Destinations
  /** The address at which people reach the relay. */
  publicUrl?: string | undefined
  /** Resolves once the mutes include everything that was done on any replica so far. */
  catchUp: () => Promise<void>
  clock: Clock
}

/** Returns a function that composes what a card of `app` shows now. */
export function createShown(
  mutes: Pick<CardMutes, 'of'>,
  { destinations, publicUrl, catchUp, clock }: ShownOptions
): (card: Card, app: SlackApp) => Promise<Shown> {
  return async (card, app) => {
    const now = clock.now()
    const { rollout } = card
    if (rollout !== undefined)
      return { payload: composeOne(viewOfRollout(rollout, now), { publicUrl }), next: {}, named: [] }
    await catchUp()
    const quiet = await mutes.of(card.id, now)
    const entries = card.entries.map((entry) => ({ ...entry, quiet: quiet.get(entry.event ?? '') }))
    const { hasFullDigests: isFull } = destinations().get(card.destination) ?? {}
    const { reply: _, ...payload } = composeCard(entries, now, { publicUrl, isFull })
    // The destination may belong to another app by now, and that app gets no clicks on this card.
    const buttons = buttonsOf({ app, style: 'cards' }, timeZone())
    return { payload: withCardButtons(payload, card.entries, buttons), next: quietUntil(entries, now), named: entries }
  }
}

/** Returns the time of the next look at a card that says until when something is quiet: after that time, the card would be false. */
function quietUntil(entries: readonly Named[], now: number): { until?: number } {
  const ends = entries.filter(isOpen).flatMap(({ quiet }) => quiet?.until ?? [])
  // The store takes a time beyond the horizon for one from before a clock was set back.
  return ends.length === 0 ? {} : { until: Math.min(...ends, now + cardHorizonMs / 2) }
}
