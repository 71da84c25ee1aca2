// Actions: carries out what an operator does, by the API or on the pages, within one set of limits. Each is checked, stored and
// logged, and wakes what waits for it.
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Config } from './config/config.ts'
import { compileShape } from './config/shape.ts'
import { trimNames } from './config/texts.ts'
import { type Destination, lanesByName } from './deliver/destination.ts'
import { isDuration, parseDuration } from './duration.ts'
import { type Fault, RelayError } from './errors.ts'
import { type NewSilence, type Silence, silenceLimits } from './mutes/silence.ts'
import { type Known, knownFrom, neverFaults } from './rules/never.ts'
import { compileFilter } from './rules/rules.ts'
import { MatchSchema } from './rules/schema.ts'
import type { Listed, NotificationFilter, Page, Retried } from './store/records.ts'
import type { Store } from './store/store.ts'

/** A silence as it is asked for, in text. */
export interface AskedSilence {
  /** As `match:` of a rule in the config file. */
  match: Record<string, unknown>
  /** How long, such as 2h, or `until` when, such as 2026-12-01T06:00:00Z: one of them. */
  for?: string | undefined
  until?: string | undefined
  comment?: string | undefined
}

export interface TriedLane {
  lane: string
  /** Those that post there. */
  destinations: string[]
  /** Notifications that waited. */
  backlog: number
  /** In ms: until when a rate limit, which is kept, does not allow it. */
  limitedUntil: number | undefined
}

export interface ActionsOptions {
  store: Store
  config: () => Pick<Config, 'sources' | 'destinations'>
  clock: Clock
  log: Logger
  /** There is something new in these lanes. */
  wake: (lanes: Iterable<string>) => void
  /** Posts what waits in a lane at once; resolves to until when it may not, where that is a rate limit. */
  tryNow: (lane: string) => Promise<number | undefined>
  /** Silences were added or ended: resolves when that is in effect here. */
  silencesChanged: () => Promise<void>
}

export type Actions = ReturnType<typeof createActions>

export function createActions({ store, config, clock, log, wake, tryNow, silencesChanged }: ActionsOptions) {
  const { records } = store
  const lanes = () => lanesByName(config().destinations)

  return {
    /** A dead letter waits again; undefined where it is none, or its destination is gone. */
    async retry(id: string): Promise<Retried | undefined> {
      const [retried] = await records.retry([id], lanes(), clock.now())
      if (retried === undefined) return undefined
      log.info({ notification: id, destination: retried.destination }, 'dead letter retried')
      wake([retried.lane])
      return retried
    },

    /** A page of those that match, the oldest first. */
    async retryAll(filter: Omit<NotificationFilter, 'state'>, page: Page): Promise<Listed<Retried>> {
      const retried = await records.retryAll(filter, page, lanes(), clock.now())
      if (retried.items.length === 0) return retried
      log.info({ notifications: retried.items.length }, 'dead letters retried')
      wake(new Set(retried.items.map(({ lane }) => lane)))
      return retried
    },

    /** False where it was no dead letter. */
    async discard(id: string): Promise<boolean> {
      const discarded = await records.discard([id])
      if (discarded.length === 0) return false
      log.info({ notification: id }, 'dead letter discarded')
      return true
    },

    /** A page of those that match. */
    async discardAll(filter: Omit<NotificationFilter, 'state'>, page: Page): Promise<Listed<string>> {
      const { items, next } = await records.notifications({ ...filter, state: 'dead' }, page)
      const discarded = await records.discard(items.map(({ id }) => id))
      if (discarded.length > 0) log.info({ notifications: discarded.length }, 'dead letters discarded')
      return { items: discarded, next }
    },

    /**
     * Resolves when the silence is in effect here. `warnings`: what of its match no event can be. Throws BAD_REQUEST, which
     * names the field.
     */
    async silence(asked: AskedSilence): Promise<{ silence: Silence; warnings: string[] }> {
      const now = clock.now()
      const { silence: wanted, warnings } = checkSilence(asked, knownFrom(config().sources), now)
      const silence = await store.addSilence(wanted, now)
      const { id, match, endsAt } = silence
      log.info({ silence: id, match, endsAt: new Date(endsAt).toISOString() }, 'silence added')
      await silencesChanged()
      return { silence, warnings }
    },

    /** Resolves when it has no effect here any more; to false where none of that id was in effect. */
    async endSilence(id: string): Promise<boolean> {
      if (!(await store.endSilence(id, clock.now()))) return false
      log.info({ silence: id }, 'silence ended')
      await silencesChanged()
      return true
    },

    /** Lets a silence last longer by `for`, such as 1h; false where none of that id is in effect. Throws BAD_REQUEST. */
    async extendSilence(id: string, lasting: string): Promise<boolean> {
      const now = clock.now()
      const silence = (await store.silences(now)).find((each) => each.id === id)
      if (silence === undefined) return false
      // Checked as if it were to last as long from now.
      const endsAt = silence.endsAt - now + endOf({ match: {}, for: lasting }, now)
      endOf({ match: {}, until: new Date(endsAt).toISOString() }, now)
      if (!(await store.extendSilence(id, endsAt, now))) return false
      log.info({ silence: id, endsAt: new Date(endsAt).toISOString() }, 'silence extended')
      await silencesChanged()
      return true
    },

    /** Tries what waits now. Throws NOT_FOUND, which says what there is. */
    async tryLane(laneOrDestination: string): Promise<TriedLane> {
      const all = [...config().destinations.values()]
      const lane = config().destinations.get(laneOrDestination)?.lane ?? laneOrDestination
      const destinations = all.filter((destination) => destination.lane === lane).map(({ name }) => name)
      const backlog = await store.backlog(lane)
      if (destinations.length === 0 && backlog === 0) throw new RelayError('NOT_FOUND', noSuchLane(all))
      const limitedUntil = await tryNow(lane)
      log.info({ lane, destinations, notifications: backlog }, 'lane tried by hand')
      return { lane, destinations, backlog, limitedUntil }
    }
  }
}

/** The names that exist, as many as fit into a sentence. */
function noSuchLane(destinations: readonly Destination[]): string {
  const named = destinations.slice(0, 20).map(({ name, lane }) => `${name} (${lane})`)
  const rest = destinations.length - named.length
  return `there is no such lane or destination; there are: ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function checkSilence(asked: AskedSilence, known: Known, now: number): { silence: NewSilence; warnings: string[] } {
  const { match, warnings } = checkMatch(asked.match, known)
  const endsAt = endOf(asked, now)
  const comment = (asked.comment ?? '').trim()
  // Characters as a person counts them: an emoji is one.
  if ([...comment].length > silenceLimits.commentCharacters) {
    refuse(`the comment may have ${silenceLimits.commentCharacters} characters at most`)
  }
  return { silence: { match, comment, endsAt }, warnings }
}

const shapeOf = compileShape(MatchSchema)

function checkMatch(given: Record<string, unknown>, known: Known): { match: Silence['match']; warnings: string[] } {
  const match = trimNames(given, ['mute', 0, 'match']).value as Silence['match']
  if (Object.keys(match).length === 0) refuse('a silence needs a matcher; to silence everything, write * as the name')
  const faults: Fault[] = shapeOf(match)
  if (faults.length === 0) compileFilter(match, [], faults)
  if (faults.length === 0) faults.push(...neverFaults(match, [], known))
  const errors = faults.filter(({ isWarning }) => !isWarning)
  if (errors.length > 0) refuse(errors.map(inWords).join('; '))
  return { match, warnings: faults.map(inWords) }
}

const keys = Object.keys(MatchSchema.properties).join(', ')

function inWords({ path, message }: Fault): string {
  const isUnknown = path.length === 1 && /^unknown key "[^"]*"$/.test(message)
  return `${['match', ...path].join('.')}: ${message}${isUnknown ? `; there are ${keys}` : ''}`
}

function endOf({ for: lasting, until }: AskedSilence, now: number): number {
  if ((lasting === undefined) === (until === undefined)) {
    refuse('a silence needs an end: either `for`, such as 2h, or `until`, a time')
  }
  if (lasting !== undefined && !isDuration(lasting)) refuse('for is not a duration such as 30m or 2h')
  const end = lasting === undefined ? Date.parse(until ?? '') : now + parseDuration(lasting)
  if (Number.isNaN(end)) refuse('until is not a time such as 2026-12-01T06:00:00Z')
  const { longestDays } = silenceLimits
  if (end <= now || end > now + longestDays * 24 * 60 * 60 * 1000) {
    refuse(`a silence must end in the future, within ${longestDays} days`)
  }
  return end
}

function refuse(message: string): never {
  throw new RelayError('BAD_REQUEST', message)
}
