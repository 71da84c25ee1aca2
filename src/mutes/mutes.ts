// Mutes: decides what is withheld for a while, by the config file or by a silence. Pure.

import { about, closedObject, option } from '../about.ts'
import { parseTime } from '../duration.ts'
import type { Fault } from '../errors.ts'
import { type Static, Type } from '../json-schema.ts'
import type { Subject } from '../rules/expression.ts'
import { compileFilter } from '../rules/rules.ts'
import { MatchSchema, type MatchText } from '../rules/schema.ts'
import { compileWeekly, isTimeZone, WeeklySchema } from './weekly.ts'

export const MuteSchema = closedObject({
  name: about(
    Type.String({ minLength: 1, maxLength: 100 }),
    'Name',
    'Shown with what was withheld: "during db upgrade".',
    'db upgrade'
  ),
  match: about(MatchSchema, 'Match', 'Which events are withheld, by the matchers of a rule.', { namespace: 'db' }),
  until: option(
    Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}:\\d{2})$',
      patternErrorMessage: 'a time with its offset, like 2036-12-01T06:00:00Z'
    }),
    'Until',
    'When the mute ends, as a time with its offset from UTC.',
    '2036-12-01T06:00:00Z'
  ),
  weekly: option(WeeklySchema, 'Weekly', 'Repeats the mute every week.', {
    days: ['mon-fri'],
    from: '20:00',
    to: '07:00',
    timeZone: 'Europe/Paris'
  })
})

export type MuteText = Static<typeof MuteSchema>

export interface Mute {
  name: string
  /** What it matches, as written. */
  match: MatchText
  matches(subject: Subject): boolean
  /** When it ends, in ms; undefined if it is not in effect at `now`. */
  endOf(now: number): number | undefined
  /** When it begins next, in ms; undefined if it does not. */
  nextOf(now: number): number | undefined
}

/** The mute or the silence that withholds a notification. */
export interface Muting {
  name: string
  /** In ms. */
  until: number
}

/** The beginning of the reason why something was withheld; the name of the mute or the silence follows. */
export const withheldBy = 'withheld by '

/** Compiles the `mute:` section. `now` is in ms; an end before it is a warning. */
export function compileMutes(texts: readonly MuteText[], now: number): { mutes: Mute[]; faults: Fault[] } {
  const faults: Fault[] = []
  const mutes = texts.flatMap(({ name, match, until, weekly }, index): Mute[] => {
    const path = ['mute', index]
    const matches = compileFilter(match, [...path, 'match'], faults)
    if ((until === undefined) === (weekly === undefined)) {
      faults.push({ path, message: 'a mute has an end: either `until:` or `weekly:`' })
    } else if (weekly !== undefined) {
      if (isTimeZone(weekly.timeZone)) return [{ name, match, matches, ...compileWeekly(weekly) }]
      faults.push({
        path: [...path, 'weekly', 'timeZone'],
        message: `there is no time zone "${weekly.timeZone}"; it is a place such as Europe/Paris, or UTC`
      })
    } else if (until !== undefined) {
      const end = parseTime(until)
      const fault = { path: [...path, 'until'], message: `"${until}" is not a time` }
      if (Number.isNaN(end)) faults.push(fault)
      else if (end <= now) faults.push({ ...fault, message: `this mute ended at ${until}`, isWarning: true })
      return [muteUntil({ name, match, matches }, end)]
    }
    return []
  })
  return { mutes, faults }
}

/** A mute that ends once, at `end`. */
export function muteUntil(mute: Pick<Mute, 'name' | 'match' | 'matches'>, end: number): Mute {
  return { ...mute, endOf: (now) => (now < end ? end : undefined), nextOf: () => undefined }
}

/** The mute that withholds `subject`. Of several, it is the one that ends last, because only then is it sent again. */
export function mutingOf(mutes: readonly Mute[], subject: Subject, now: number): Muting | undefined {
  let longest: Muting | undefined
  for (const mute of mutes) {
    const until = mute.endOf(now)
    if (until === undefined || until <= (longest?.until ?? 0) || !mute.matches(subject)) continue
    longest = { name: mute.name, until }
  }
  return longest
}
