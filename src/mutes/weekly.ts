// Weekly hours: resolves hours of the week in a time zone, even where an hour is missing or comes twice.

import { about, closedObject } from '../about.ts'
import { Type } from '../json-schema.ts'

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const day = `(${dayNames.join('|')})`

export const WeeklySchema = closedObject({
  days: about(
    Type.Array(
      Type.String({ pattern: `^${day}(-${day})?$`, patternErrorMessage: 'a day such as sat, or several: mon-fri' }),
      { minItems: 1 }
    ),
    'Days',
    'The days on which the mute begins.',
    ['mon-fri'],
    ['sat', 'sun']
  ),
  from: clockTime('From', 'When the mute begins, in the time zone.', '20:00'),
  to: clockTime('To', 'When the mute ends. If this is not later than `from`, it ends on the next day.', '07:00'),
  timeZone: about(
    Type.String({ minLength: 1 }),
    'Time zone',
    'The time zone, by its name in the IANA database.',
    'Europe/Paris',
    'UTC'
  )
})

function clockTime(title: string, description: string, example: string) {
  const time = Type.String({
    pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
    patternErrorMessage: 'hours and minutes, such as 07:00'
  })
  return about(time, title, description, example)
}

export interface Weekly {
  /** When the window that `now` is in ends, in ms, with those that follow it at once; undefined if it is in none. */
  endOf(now: number): number | undefined
  /** When the next window after `now` begins, in ms. */
  nextOf(now: number): number | undefined
}

/** Reports whether the time zone exists. */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Now.instant().toZonedDateTimeISO(name)
    return true
  } catch {
    return false
  }
}

/** Compiles weekly hours. `text` is of the shape of {@link WeeklySchema}, and its time zone exists. */
export function compileWeekly(text: { days: string[]; from: string; to: string; timeZone: string }): Weekly {
  const days = new Set(text.days.flatMap(daysOf))
  const from = Temporal.PlainTime.from(text.from)
  const to = Temporal.PlainTime.from(text.to)
  const isOverNight = Temporal.PlainTime.compare(to, from) <= 0
  const today = (now: number) =>
    Temporal.Instant.fromEpochMilliseconds(Math.floor(now)).toZonedDateTimeISO(text.timeZone).toPlainDate()

  /** The window that begins on a day; undefined if there is none, or if the clocks skip all of it. */
  function windowOn(day: Temporal.PlainDate): { start: number; end: number } | undefined {
    if (!days.has(day.dayOfWeek)) return undefined
    const lastDay = isOverNight ? day.add({ days: 1 }) : day
    const start = whenShown(day.toPlainDateTime(from), text.timeZone)
    const end = whenShown(lastDay.toPlainDateTime(to), text.timeZone)
    return start < end ? { start, end } : undefined
  }

  /** When the window that begins on `first` ends, with those that follow it without a gap. If there never is a gap, it counts alone. */
  function endAfter(first: Temporal.PlainDate): number | undefined {
    const own = windowOn(first)?.end
    let last = own
    for (let later = 1; later <= 7; later++) {
      const { start = Number.POSITIVE_INFINITY, end } = windowOn(first.add({ days: later })) ?? {}
      if (last === undefined || start > last) return last
      last = end
    }
    return own
  }

  function nextOf(now: number): number | undefined {
    // The window of a week from now may be skipped.
    for (let ahead = 0; ahead <= 14; ahead++) {
      const { start = now } = windowOn(today(now).add({ days: ahead })) ?? {}
      if (start > now) return start
    }
    return undefined
  }

  /** When the window that `now` is in ends, and for how long that answer holds. */
  function look(now: number): { end: number | undefined; from: number; until: number } {
    const day = today(now)
    // A window that began yesterday may still last.
    const first = [day.subtract({ days: 1 }), day].find((begins) => {
      const { start = Number.POSITIVE_INFINITY, end = 0 } = windowOn(begins) ?? {}
      return start <= now && now < end
    })
    const end = first && endAfter(first)
    return { end, from: now, until: end ?? nextOf(now) ?? Number.POSITIVE_INFINITY }
  }

  // The answer is remembered, because each event asks, and calendars are slow.
  let known: ReturnType<typeof look> | undefined
  return {
    nextOf,
    endOf(now) {
      if (known === undefined || now < known.from || now >= known.until) known = look(now)
      return known.end
    }
  }
}

/** When the clocks of a place first show a time, in ms. If they skip it, that is when they do so, because they are past it from then on. */
function whenShown(time: Temporal.PlainDateTime, timeZone: string): number {
  const shown = time.toZonedDateTime(timeZone, { disambiguation: 'earlier' })
  const isSkipped = !shown.toPlainDateTime().equals(time)
  return ((isSkipped && shown.getTimeZoneTransition('next')) || shown).epochMilliseconds
}

/** The days of `sat` or `fri-mon`; 1 is Monday, as in Temporal. */
function daysOf(text: string): number[] {
  const [first = 0, last = first] = text.split('-').map((name) => dayNames.indexOf(name as (typeof dayNames)[number]))
  const count = ((last - first + 7) % 7) + 1
  return Array.from({ length: count }, (_, n) => ((first + n) % 7) + 1)
}
