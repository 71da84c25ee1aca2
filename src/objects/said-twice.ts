// Said twice: recognizes the second event by which a controller reports one failed try, so that it is no other failure. Pure.
import type { FluxEvent } from '../events/flux.ts'

const inTheEnd = 'ReconciliationFailed'
/** Between the two events the controller writes a status and removes a workspace. */
const apartMs = 10_000

/**
 * Reports whether `event`, at `at` in ms, is about the same failed try as the last event of `failure`. tofu-controller first says what
 * failed, and then in other words that the reconciliation failed (tf_controller.go); the two may arrive in either order.
 */
export function isSaidTwice(
  { object, reason }: FluxEvent,
  failure: { reason: string; at: number },
  at: number
): boolean {
  const isOne = (reason === inTheEnd) !== (failure.reason === inTheEnd)
  return object.kind === 'Terraform' && isOne && Math.abs(at - failure.at) <= apartMs
}
