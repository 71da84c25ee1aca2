// Charts: draw bars over time as SVG. They need no script; a screen reader gets a sentence.
import { html } from 'hono/html'
import type { Minute } from '../store/records.ts'
import type { Html } from './page.ts'

const minuteMs = 60_000
const height = 64

/** One bar: `part` is how much of `total` is drawn in red. */
export interface Bar {
  total: number
  part: number
}

export interface Series {
  title: string
  /** The span of one bar: `a minute`. */
  per: string
  /** The label at the left end: `an hour ago`. */
  from: string
  bars: readonly Bar[]
}

/** Sums `of` each minute into `count` bars of `stepMinutes` each; the last one contains `until`. */
export function barsOf(
  minutes: readonly Minute[],
  { until, stepMinutes, count }: { until: number; stepMinutes: number; count: number },
  of: (minute: Minute) => Bar
): Bar[] {
  const stepMs = stepMinutes * minuteMs
  const first = Math.floor(until / stepMs) - count + 1
  const bars = Array.from({ length: count }, (): Bar => ({ total: 0, part: 0 }))
  for (const minute of minutes) {
    const bar = bars[Math.floor(minute.minute / stepMs) - first]
    if (bar === undefined) continue
    const { total, part } = of(minute)
    bar.total += total
    bar.part += part
  }
  return bars
}

/** Draws one chart with its title, its highest value and the labels of its ends. */
export function chart({ title, per, from, bars }: Series): Html {
  const total = bars.reduce((sum, bar) => sum + bar.total, 0)
  const most = Math.max(0, ...bars.map((bar) => bar.total))
  const label = total === 0 ? `${title}: none` : `${title}: ${total}, at most ${most} in ${per}`
  return html`<figure class="chart">
  <figcaption><b>${title}</b> <span>${total.toLocaleString('en')}</span></figcaption>
  <svg viewBox="0 0 ${bars.length * 5} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}">
    <rect class="floor" x="0" y="${height - 1}" width="${bars.length * 5}" height="1"/>
    ${bars.map((bar, index) => drawBar(bar, index, most))}
  </svg>
  <p class="ends"><span>${from}</span><span>${most > 0 && `at most ${most.toLocaleString('en')} in ${per}`}</span><span>now</span></p>
</figure>`
}

function drawBar({ total, part }: Bar, index: number, most: number): Html | undefined {
  if (total === 0) return undefined
  // At least 2 high, so that 1 stays visible beside 1,000.
  const tall = Math.max(2, Math.round((total / most) * height))
  const red = part === 0 ? 0 : Math.max(2, Math.round((part / total) * tall))
  const rect = (name: string, size: number) =>
    html`<rect class="${name}" x="${index * 5}" y="${height - size}" width="4" height="${size}"/>`
  return html`${rect('all', tall)}${red > 0 && rect('part', red)}`
}
