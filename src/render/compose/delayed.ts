// Delayed: says how late a message is, where that is long. Pure.
import { sayAbout } from '../../duration.ts'

/** A message that comes this long after its event is late, and says so. */
const lateAfterMs = 2 * 60 * 1000

/** `delayed 3 h` as mrkdwn, where the oldest of `members` has waited for long. */
export function delayed(members: readonly { createdAt: number }[], now: number): string {
  const waitedMs = now - Math.min(...members.map(({ createdAt }) => createdAt))
  return waitedMs > lateAfterMs ? `*delayed ${sayAbout(waitedMs)}*` : ''
}
