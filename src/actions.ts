// Actions: carries out what an operator does, by the API, on the pages or in Slack, within one set of limits. Each is checked,
// stored with who did it, counted and logged, and wakes what waits for it. Each throws REPEATED if the click of `actor` has had its
// effect before.
import type { Logger } from 'pino'
import { createTrying, type TriedLane, type TryingOptions } from './actions/trying.ts'
import type { Actor } from './actor.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config/config.ts'
import { compileShape } from './config/shape.ts'
import { trimNames } from './config/texts.ts'
import { lanesByName } from './deliver/destination.ts'
import { isDuration, parseDuration, parseTime } from './duration.ts'
import { type Fault, RelayError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { isAboutObjects, type NewSilence, type Silence, silenceLimits } from './mutes/silence.ts'
import type { Acknowledged, Incident } from './objects/acknowledged.ts'
import { objectOf, sayObject } from './objects/name.ts'
import { type Known, knownFrom, neverFaults } from './rules/never.ts'
import { compileFilter } from './rules/rules.ts'
import { MatchSchema } from './rules/schema.ts'
import type { ActName } from './store/kept.ts'
import type { Listed, NotificationFilter, Page, Retried } from './store/records.ts'
import type { Store } from './store/store.ts'

/** A silence as somebody asks for it, in text. */
export interface AskedSilence {
  /** Written as `match:` of a rule in the config file. */
  match: Record<string, unknown>
  /** How long it lasts, such as 2h; or the time `until` which it lasts, such as 2036-12-01T06:00:00Z. Only one of them may be given. */
  for?: string | undefined
  until?: string | undefined
  /** When it begins, if that is later: a time, or in how long, such as 2h. */
  starts?: string | undefined
  /** True instead of an end: until none of its objects fails any more. It may then match by cluster, kind, namespace and name alone. */
  untilRecovered?: boolean | undefined
  comment?: string | undefined
}

export interface ActionsOptions {
  store: Store
  config: () => Pick<Config, 'sources' | 'destinations'>
  metrics: Pick<Metrics, 'acts'>
  clock: Clock
  log: Logger
  /** Wakes these lanes: something new waits in them. */
  wake: (lanes: Iterable<string>) => void
  tryNow: TryingOptions['tryNow']
  /** Resolves once silences that were added or ended have taken effect here. */
  silencesChanged: () => Promise<void>
  /** Reports whether a silence would be over as soon as it begins. */
  hasRecovered: (silence: NewSilence) => Promise<boolean>
  /** Updates cards that are out of date. */
  cardsChanged: () => void
}

/** The most incidents that one act may be about. */
export const maxIncidents = 500

export type Actions = ReturnType<typeof createActions>

export function createActions(options: ActionsOptions) {
  const { store, config, metrics, clock, log, wake, tryNow, silencesChanged, hasRecovered, cardsChanged } = options
  const { records } = store
  const lanes = () => lanesByName(config().destinations)
  const trying = createTrying({ store, config, tryNow })

  /** Counts and logs what was done. */
  function note(did: ActName, { name, via }: Actor, facts: object, words: string): void {
    metrics.acts.inc({ did, via })
    log.info({ ...facts, by: name, via }, words)
  }

  function noted(tried: TriedLane, actor: Actor): TriedLane {
    const { lane, destinations, backlog, limitedUntil } = tried
    const facts = { lane, destinations, notifications: backlog }
    if (limitedUntil === undefined) note('try', actor, facts, 'lane tried by hand')
    return tried
  }

  /** Does `did` to those of `incidents` that go on, and resolves to them. */
  async function mark(
    did: 'acknowledge' | 'unacknowledge',
    incidents: readonly Incident[],
    actor: Actor
  ): Promise<Acknowledged[]> {
    if (incidents.length > maxIncidents) refuse(`at most ${maxIncidents} incidents are acknowledged at a time`)
    const done = await store[did](incidents, clock.now(), actor)
    const news = done.filter(({ isNews }) => isNews)
    if (news.length === 0) return done
    note(did, actor, { objects: news.map(({ object }) => object) }, `incidents ${did}d`)
    // Whoever clicked sees it at once, by an update that Slack does not count. Other cards follow at the next look.
    if (actor.via !== 'slack') cardsChanged()
    return done
  }

  /** The incident, if it goes on. Throws NOT_FOUND if it is over. */
  function theOnly([done]: readonly Acknowledged[], { object }: Incident): Acknowledged {
    if (done !== undefined) return done
    throw new RelayError(
      'NOT_FOUND',
      `${sayObject(objectOf(object))} does not fail, or fails anew: that incident is over`
    )
  }

  async function discardThese(ids: readonly string[], actor: Actor): Promise<string[]> {
    const discarded = await records.discard(ids, clock.now(), actor)
    if (discarded.length > 0) note('discard', actor, { notifications: discarded.length }, 'dead letters discarded')
    return discarded
  }

  return {
    /** Stops reminders and pings until the incident ends. Throws NOT_FOUND if it is over. */
    acknowledge: async (incident: Incident, actor: Actor): Promise<Acknowledged> =>
      theOnly(await mark('acknowledge', [incident], actor), incident),

    /** Lets reminders go on. Throws NOT_FOUND if the incident is over. */
    unacknowledge: async (incident: Incident, actor: Actor): Promise<Acknowledged> =>
      theOnly(await mark('unacknowledge', [incident], actor), incident),

    /** Acknowledges incidents in one transaction, without those that are over. Throws BAD_REQUEST for more than {@link maxIncidents}. */
    acknowledgeAll: (incidents: readonly Incident[], actor: Actor) => mark('acknowledge', incidents, actor),

    /** Lets reminders go on, for incidents as in {@link acknowledgeAll}. */
    unacknowledgeAll: (incidents: readonly Incident[], actor: Actor) => mark('unacknowledge', incidents, actor),

    /** Puts a dead letter back into its lane; undefined if it is not one, or its destination is gone. */
    async retry(id: string, actor: Actor): Promise<Retried | undefined> {
      const [retried] = await records.retry([id], lanes(), clock.now(), actor)
      if (retried === undefined) return undefined
      note('retry', actor, { notification: id, destination: retried.destination }, 'dead letter retried')
      wake([retried.lane])
      return retried
    },

    /** Puts back a page of the dead letters that match, oldest first. */
    async retryAll(filter: Omit<NotificationFilter, 'state'>, page: Page, actor: Actor): Promise<Listed<Retried>> {
      const retried = await records.retryAll(filter, page, lanes(), clock.now(), actor)
      if (retried.items.length === 0) return retried
      note('retry', actor, { notifications: retried.items.length }, 'dead letters retried')
      wake(new Set(retried.items.map(({ lane }) => lane)))
      return retried
    },

    /** Discards a dead letter. Resolves to false if it was none. */
    async discard(id: string, actor: Actor): Promise<boolean> {
      const discarded = await records.discard([id], clock.now(), actor)
      if (discarded.length === 0) return false
      note('discard', actor, { notification: id }, 'dead letter discarded')
      return true
    },

    /** Discards a page of the dead letters that match. */
    async discardAll(filter: Omit<NotificationFilter, 'state'>, page: Page, actor: Actor): Promise<Listed<string>> {
      const { items, next } = await records.notifications({ ...filter, state: 'dead' }, page)
      const ids = items.map(({ id }) => id)
      return { items: await discardThese(ids, actor), next }
    },

    /** Discards at most 500 dead letters. Resolves to those that were dead letters. */
    discardThese,

    /**
     * Makes a silence. Resolves once it is in effect here, or will be at the next look, with `warnings` about values of its match that no
     * event can have. Throws BAD_REQUEST, which names the field.
     */
    async silence(asked: AskedSilence, actor: Actor): Promise<{ silence: Silence; warnings: string[] }> {
      const now = clock.now()
      const { silence: wanted, warnings } = checkSilence(asked, knownFrom(config().sources), now)
      if (wanted.startsAt === undefined && (await hasRecovered(wanted)))
        refuse('nothing that it matches fails, so that there is nothing to recover: give it an end, `for` or `until`')
      const silence = await store.addSilence(wanted, now, actor)
      const { id, match, endsAt } = silence
      note('silence', actor, { silence: id, match, endsAt: new Date(endsAt).toISOString() }, 'silence added')
      await silencesChanged()
      return { silence, warnings }
    },

    /** Ends a silence. Resolves once it has no effect here any more; to false if none of that id was in effect. */
    async endSilence(id: string, actor: Actor): Promise<boolean> {
      if (!(await store.endSilence(id, clock.now(), actor))) return false
      note('end', actor, { silence: id }, 'silence ended')
      await silencesChanged()
      return true
    },

    /** Lets a silence last longer by `for`, such as 1h. Resolves to false if none of that id is in effect. Throws BAD_REQUEST. */
    async extendSilence(id: string, lasting: string, actor: Actor): Promise<boolean> {
      const now = clock.now()
      const silence = (await store.silences(now)).find((each) => each.id === id)
      if (silence === undefined) return false
      // The extension and the new end are checked like those of a silence that begins now.
      const endsAt = silence.endsAt - now + endOf({ match: {}, for: lasting }, now)
      endOf({ match: {}, until: new Date(endsAt).toISOString() }, now)
      if (!(await store.extendSilence(id, endsAt, now, actor))) return false
      note('extend', actor, { silence: id, endsAt: new Date(endsAt).toISOString() }, 'silence extended')
      await silencesChanged()
      return true
    },

    /** Tries what waits in a lane now. Throws NOT_FOUND, which says what there is. */
    async tryLane(name: string, actor: Actor): Promise<TriedLane> {
      return noted(await trying.lane(name, actor), actor)
    },

    /** Tries whether Slack takes the token of an app now. Undefined if nothing waits for any of its channels. */
    async tryApp(name: string, actor: Actor): Promise<TriedLane | undefined> {
      const tried = await trying.app(name, actor)
      return tried && noted(tried, actor)
    }
  }
}

function checkSilence(asked: AskedSilence, known: Known, now: number): { silence: NewSilence; warnings: string[] } {
  const { match, warnings } = checkMatch(asked.match, known)
  const startsAt = startOf(asked, now)
  const endsAt = endOf(asked, startsAt ?? now, startsAt !== undefined)
  const comment = (asked.comment ?? '').trim()
  // Characters are counted as a person counts them: an emoji is one.
  if ([...comment].length > silenceLimits.commentCharacters) {
    refuse(`the comment may have ${silenceLimits.commentCharacters} characters at most`)
  }
  const starts = startsAt !== undefined && { startsAt }
  if (!asked.untilRecovered) return { silence: { match, comment, ...starts, endsAt }, warnings }
  if (!isAboutObjects(match))
    refuse('what lasts until it recovers is about objects: match by cluster, kind, namespace and name alone')
  return { silence: { match, comment, ...starts, endsAt, untilRecovered: true }, warnings }
}

const shapeOf = compileShape(MatchSchema)

function checkMatch(given: Record<string, unknown>, known: Known): { match: Silence['match']; warnings: string[] } {
  const match = trimNames(given, ['mute', 0, 'match']).value as Silence['match']
  if (asksNothing(match)) refuse('a silence needs a matcher; to silence everything, write * as the name')
  const faults: Fault[] = shapeOf(match)
  if (faults.length === 0) compileFilter(match, [], faults)
  if (faults.length === 0) faults.push(...neverFaults(match, [], known))
  const errors = faults.filter(({ isWarning }) => !isWarning)
  if (errors.length > 0) refuse(errors.map(inWords).join('; '))
  return { match, warnings: faults.map(inWords) }
}

/** True if a match, or a part of it, matches every event, as `{}` does, and `{ metadata: {} }` and `{ not: { message: {} } }`. */
function asksNothing(part: unknown): boolean {
  const isMap = typeof part === 'object' && part !== null && !Array.isArray(part)
  return isMap && Object.values(part).every(asksNothing)
}

const keys = Object.keys(MatchSchema.properties).join(', ')

function inWords({ path, message }: Fault): string {
  const isUnknown = path.length === 1 && /^unknown key "[^"]*"$/.test(message)
  return `${['match', ...path].join('.')}: ${message}${isUnknown ? `; there are ${keys}` : ''}`
}

/** When a silence begins, in ms; undefined if it begins at once. */
function startOf({ starts }: AskedSilence, now: number): number | undefined {
  if (starts === undefined) return undefined
  const start = isDuration(starts) ? now + parseDuration(starts) : parseTime(starts)
  if (Number.isNaN(start)) refuse('starts is neither a time such as 2036-12-01T06:00:00Z nor a duration such as 2h')
  const { longestDays } = silenceLimits
  if (start > now + longestDays * 24 * 60 * 60 * 1000) refuse(`a silence must begin within ${longestDays} days`)
  return start <= now ? undefined : start
}

/** When a silence ends, in ms. `now` is when it begins; `isLater` is true if that is not yet. */
function endOf({ for: lasting, until, untilRecovered }: AskedSilence, now: number, isLater = false): number {
  if ([lasting, until, untilRecovered || undefined].filter((end) => end !== undefined).length !== 1) {
    refuse('a silence needs an end: either `for`, such as 2h, or `until`, a time, or `untilRecovered`')
  }
  if (untilRecovered) return now + silenceLimits.untilRecoveredDays * 24 * 60 * 60 * 1000
  if (lasting !== undefined && !isDuration(lasting)) refuse('for is not a duration such as 30m or 2h')
  const end = lasting === undefined ? parseTime(until ?? '') : now + parseDuration(lasting)
  if (Number.isNaN(end)) refuse('until is not a time such as 2036-12-01T06:00:00Z')
  const { longestDays } = silenceLimits
  if (end <= now && isLater && until !== undefined) refuse('it ends before it begins: `until` must be after `starts`')
  if (end <= now || end > now + longestDays * 24 * 60 * 60 * 1000) {
    refuse(`a silence must end in the future, within ${longestDays} days${isLater ? ' of its beginning' : ''}`)
  }
  return end
}

function refuse(message: string): never {
  throw new RelayError('BAD_REQUEST', message)
}
