// What the relay says of itself to its operator, in the form of any other notification.
import { sayDuration } from '../duration.ts'
import type { View } from '../render/view.ts'
import type { LaneState } from '../store/store.ts'

/** That the webhook of `destination` refuses everything, or takes messages again. `waited`: notifications. */
export function laneNotice(
  destination: string,
  { block, isOver }: { block: NonNullable<LaneState['block']>; isOver: boolean },
  waited: number,
  now: number
): View {
  const lasted = sayDuration(now - block.since)
  const text = isOver
    ? `The webhook takes messages again after ${lasted}.`
    : 'Slack answers that the webhook or its channel is gone. Nothing is lost: notifications wait for up to 24 hours. ' +
      'Put a new webhook URL into the config, or restore the channel; it is tried again after 5 minutes, then less often.'
  return {
    says: isOver ? 'recovered' : 'failed',
    severity: 'error',
    object: { cluster: '', kind: 'destination', namespace: '', name: destination },
    reason: isOver ? '' : block.reason,
    summary: text,
    message: text,
    cause: block.reason,
    controller: 'flux-relay',
    ...(isOver && { note: `${waited} ${waited === 1 ? 'notification' : 'notifications'} waited and go now` }),
    at: now,
    failure: { reason: block.reason, text, since: block.since, count: block.probes }
  }
}
