// Said twice: knows what a controller says twice of one failure, so that the second is no other failure. Pure.
import type { FluxEvent } from '../events/flux.ts'

const inTheEnd = 'ReconciliationFailed'
/** What lies between: the status is written, a workspace is removed. */
const apartMs = 10_000

/**
 * Whether `event`, at `at` in ms, says of the try that `failure` last said something of that it failed. tofu-controller says what
 * failed, and in the end that the reconciliation did, in other words (tf_controller.go); the order may be lost on the way.
 */
export function isSaidTwice(
  { object, reason }: FluxEvent,
  failure: { reason: string; at: number },
  at: number
): boolean {
  const isOne = (reason === inTheEnd) !== (failure.reason === inTheEnd)
  return object.kind === 'Terraform' && isOne && Math.abs(at - failure.at) <= apartMs
}
