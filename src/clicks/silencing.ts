// Silencing: makes the silence that somebody chose below a card, once for all who choose the same.
import { isDeepStrictEqual } from 'node:util'
import type { Actions } from '../actions.ts'
import type { Actor } from '../actor.ts'
import { type Clock, timeZone } from '../clock.ts'
import { matchOf, type Silence } from '../mutes/silence.ts'
import { silenceChoices } from '../render/compose/buttons.ts'
import { isOpen } from '../render/compose/card.ts'
import { nameOf } from '../render/compose/name.ts'
import type { Click } from '../slack-api/click.ts'
import type { Card } from '../store/kept-cards.ts'
import type { Store } from '../store/store.ts'
import { oneByOne } from '../turns.ts'
import type { Done } from './done.ts'
import { notAlone, notOfSeveral, overAlready, sayAgain, saySilenced } from './words.ts'

export interface SilencingOptions {
  store: Pick<Store, 'silences'>
  actions: Pick<Actions, 'silence'>
  publicUrl?: string | undefined
  clock: Clock
}

export type Silencing = (card: Card, click: Pick<Click, 'value' | 'at'>, actor: Actor) => Promise<Done>

/** Silences whose ends are less than this apart are shown to end at the same time. */
const minuteMs = 60_000

export function createSilencing({ store, actions, publicUrl, clock }: SilencingOptions): Silencing {
  /** One after the other, so that whoever chooses the same finds the first silence. */
  const inTurn = oneByOne()

  const silence: Silencing = async (card, { value: choice, at }, actor) => {
    const [entry, ...others] = card.entries.filter(isOpen)
    if (entry === undefined) return { outcome: 'failed', say: overAlready, isChange: true }
    if (others.length > 0) return { outcome: 'failed', say: notOfSeveral, isChange: true }
    if (!Object.hasOwn(silenceChoices, choice))
      return { outcome: 'unknown', say: sayAgain('that choice is not known to the relay'), isChange: true }
    const match = matchOf(entry.view.object)
    if (match === undefined) return { outcome: 'failed', say: notAlone }
    const name = nameOf(entry.view)
    const known = await lastingAsLong(match, choice)
    // One that the same person made after the press is of this very click, delivered twice or tried again: the store notices that.
    if (known !== undefined && (known.author !== actor.name || known.createdAt < at))
      return { outcome: 'repeated', say: saySilenced(name, known, publicUrl, true), isChange: true }
    const comment = `silenced ${name}${choice === 'recovered' ? `, ${silenceChoices.recovered}` : ''}`
    const { silence } = await actions.silence({ match, comment: comment.slice(0, 200), ...endOf(choice) }, actor)
    return { outcome: 'done', say: saySilenced(name, silence, publicUrl), isChange: true }
  }

  /** The silence of the same match that ends last, if it ends no sooner than one of this choice would. */
  async function lastingAsLong(match: Silence['match'], choice: string): Promise<Silence | undefined> {
    const now = clock.now()
    const { until, untilRecovered } = endOf(choice)
    const end = until === undefined ? now + 60 * minuteMs : Date.parse(until)
    const lastsSo = (known: Silence) => (untilRecovered ? known.untilRecovered : known.endsAt > end - minuteMs)
    return (await store.silences(now))
      .filter(({ startsAt = now }) => startsAt <= now)
      .filter((known) => isDeepStrictEqual(known.match, match) && lastsSo(known))
      .sort((a, b) => b.endsAt - a.endsAt)[0]
  }

  function endOf(choice: string): { for?: string; until?: string; untilRecovered?: true } {
    if (choice === 'recovered') return { untilRecovered: true }
    return choice === 'morning' ? { until: tomorrow(clock.now()) } : { for: '1h' }
  }

  return (...asked) => inTurn(() => silence(...asked))
}

/** 08:00 of the day after that of `now`, in the time zone of the relay (TZ). */
function tomorrow(now: number): string {
  const zone = timeZone()
  const day = Temporal.Instant.fromEpochMilliseconds(Math.floor(now)).toZonedDateTimeISO(zone).toPlainDate()
  const at = day.add({ days: 1 }).toZonedDateTime({ timeZone: zone, plainTime: '08:00' })
  return at.toInstant().toString()
}
