// Lasted: says what a failure that is over was and how long it lasted, as mrkdwn.
import { code } from '../slack/mrkdwn.ts'
import type { View } from './view.ts'

/**
 * `BuildFailed for 2 h`, where it failed for one reason; for several, none of which lasted so long, the first and the last.
 * `duration` is mrkdwn.
 */
export function lasted({ reason, began }: NonNullable<View['failure']>, duration: string): string {
  if (began === undefined || began.reason === reason) return `${code(reason) || 'failing'} for ${duration}`
  const [first, last] = [code(began.reason), code(reason)]
  const reasons = [first && `first ${first}`, last && `last ${last}`].filter(Boolean).join(', ')
  return `failing for ${duration} (${reasons})`
}
