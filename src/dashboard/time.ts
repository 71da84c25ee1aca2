// Time: says how long ago, or for how long; the exact time is in the title, and the script adds local time.
import { html } from 'hono/html'
import { sayDuration } from '../duration.ts'
import { utc } from '../render/slack/mrkdwn.ts'
import type { Html } from './page.ts'

function timed(at: number, text: string): Html {
  return html`<time datetime="${new Date(at).toISOString()}" title="${utc(at)}">${text}</time>`
}

/** `5 m ago` */
export function ago(at: number, now: number): Html {
  return timed(at, now - at < 1000 ? 'just now' : `${roughly(now - at, 1)} ago`)
}

/** `2 h 5 m`, of what began at `since`. */
export function lasting(since: number, now: number): Html {
  return timed(since, roughly(now - since, 2))
}

/** `in 20 m` */
export function ahead(at: number, now: number): Html {
  return timed(at, at - now < 1000 ? 'now' : `in ${roughly(at - now, 2)}`)
}

/** At most so many units; seconds only where there is nothing else to say. */
function roughly(ms: number, units: number): string {
  const minute = 60_000
  const said = sayDuration(ms < minute ? ms : Math.floor(ms / minute) * minute)
  return said
    .split(' ')
    .slice(0, 2 * units)
    .join(' ')
}

/** `2026-09-21 14:13:20 UTC` */
export function exactly(at: number): Html {
  return timed(at, utc(at))
}

/** `14:13 UTC`, with the date where that is another day than `now`'s. */
export function atClock(at: number, now: number): string {
  const [date = '', time = ''] = utc(at).split(' ')
  return `${utc(now).startsWith(date) ? '' : `${date} `}${time.slice(0, 5)} UTC`
}

/** `12 m`, rounded up, so that what happened within it did; at least a minute. */
export function atMost(ms: number): string {
  const minute = 60_000
  return sayDuration(Math.max(1, Math.ceil(ms / minute)) * minute)
}
