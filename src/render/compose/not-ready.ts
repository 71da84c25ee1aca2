// Not ready: says what a health check waited for in vain: how many objects, then which, those that failed first. Pure.
import { sayAbout } from '../../duration.ts'
import type { NotReady, NotReadyObject } from '../../events/gist/health.ts'
import { plain } from '../slack/mrkdwn.ts'

/** Number of names that a phone shows in two lines. */
const maxNames = 6

/** Returns `*14 objects not ready* after 5 m`, and `Deployment payments: api, worker _and 12 more_`, as mrkdwn. */
export function notReadyLines({ failed, failedCount, waiting, waitingCount, afterMs }: NotReady): string[] {
  const after = afterMs === undefined ? '' : ` after ${sayAbout(afterMs)}`
  const counts = [
    failedCount > 0 && `${counted(failedCount)} failed`,
    waitingCount > 0 && `${failedCount > 0 ? waitingCount : counted(waitingCount)} not ready`
  ]
  const named = failed.slice(0, maxNames)
  const others = waiting.slice(0, maxNames - named.length)
  const rest = failedCount + waitingCount - named.length - others.length
  const names = [...placed(named), ...placed(others)].join('; ')
  const more = rest > 0 ? ` _and ${rest} more_` : ''
  return [`*${counts.filter(Boolean).join(', ')}*${after}`, names === '' ? '' : `${names}${more}`]
}

function counted(count: number): string {
  return count === 1 ? '1 object' : `${count} objects`
}

/** Returns `Deployment payments: api, worker` for each kind and namespace. */
function placed(objects: readonly NotReadyObject[]): string[] {
  const places = Map.groupBy(objects, ({ kind, namespace }) => `${plain(kind)} ${plain(namespace)}`.trim())
  return [...places].map(([place, members]) => `${place}: ${members.map(({ name }) => plain(name)).join(', ')}`)
}
