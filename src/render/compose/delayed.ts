// Delayed: says how late a message is, if it is late. Pure.
import { sayAbout } from '../../duration.ts'

/** A message that comes this long after its event is late, and says so. */
const lateAfterMs = 2 * 60 * 1000

/** Returns `*delayed 3 h*` as mrkdwn if the oldest of `members` has waited for long, else an empty text. */
export function delayed(members: readonly { createdAt: number }[], now: number): string {
  const waitedMs = now - Math.min(...members.map(({ createdAt }) => createdAt))
  return waitedMs > lateAfterMs ? `*delayed ${sayAbout(waitedMs)}*` : ''
}
