// Durations: reads them (`90s`, `4h`, `7d`, `1h30m`) and writes them as people do; reads times as well.
import { Type } from './json-schema.ts'

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const
type Unit = keyof typeof unitMs

// At most four, because there are four units, and more could be longer than there are dates.
const pattern = '^([0-9]{1,6}[smhd]){1,4}$'

export const Duration = Type.String({
  pattern,
  patternErrorMessage: 'a number and s, m, h or d, like 30s, 10m, 4h, 7d or 1h30m'
})

export const DurationOrNever = Type.String({
  pattern: '^(never|([0-9]{1,6}[smhd]){1,4})$',
  patternErrorMessage: 'a number and s, m, h or d, like 30m, 4h or 1d; or never'
})

/** Reports whether `text` matches {@link Duration}. */
export function isDuration(text: string): boolean {
  return new RegExp(pattern).test(text)
}

/** Milliseconds of a text that matches {@link Duration}. */
export function parseDuration(text: string): number {
  let ms = 0
  for (const [, digits, unit] of text.matchAll(/([0-9]+)([smhd])/g)) ms += Number(digits) * unitMs[unit as Unit]
  return ms
}

const time = /^(\d{4}-\d\d-(\d\d))(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i

/** Milliseconds of `2036-12-01T06:00:00Z`, or of a shorter form of it; NaN for anything else. */
export function parseTime(text: string): number {
  // `Date` alone takes "tomorrow 9" for September 2001, 01.12.2026 for 12 January, and 30 February for 2 March.
  const [, date = '', day] = time.exec(text) ?? []
  return new Date(`${date}T00:00Z`).getUTCDate() === Number(day) ? Date.parse(text) : Number.NaN
}

/** Like {@link sayDuration}, but from ten minutes on without seconds, which nobody counts then. */
export function sayAbout(ms: number): string {
  return sayDuration(ms < 10 * unitMs.m ? ms : Math.round(ms / unitMs.m) * unitMs.m)
}

/** `45 s`, `14 m`, `4 h`, `1 h 30 m`, `2 d 3 h`: the two largest units that are not zero. Under a second is `0 s`. */
export function sayDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms / 1000) * 1000)
  const parts: string[] = []
  for (const unit of Object.keys(unitMs) as Unit[]) {
    const count = Math.floor(rest / unitMs[unit])
    rest -= count * unitMs[unit]
    if (count > 0) parts.push(`${count} ${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ') || '0 s'
}
