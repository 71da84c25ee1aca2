// Tally: counts what Flux's own Slack provider would have posted of the same events: one message for each that an Alert
// lets through.
import type { WireEvent } from '../events/flux.ts'

/**
 * How many messages an Alert over everything, with that `eventSeverity`, makes of `events`. They have been through Flux's
 * rate limit already; what it takes for a commit status never goes to a chat (internal/server/event_handlers.go).
 */
export function countPosts(events: readonly WireEvent[], eventSeverity: 'info' | 'error'): number {
  return events.filter(
    ({ severity, metadata }) =>
      metadata?.['commit_status'] !== 'update' && (eventSeverity === 'info' || severity === 'error')
  ).length
}
