// Gauges of each source and each destination: defines what Prometheus reads of how they stand.
import { shared } from '../metrics.ts'
import type { Family } from './text.ts'

/** Gauges, by what they measure. */
export const gauges = {
  pending: gauge('pending', `Notifications that wait for delivery, counted at most every 5 seconds. ${shared}`),
  pendingLimit: gauge(
    'pending_limit',
    `How many notifications may wait for a destination; beyond that, new ones become dead letters. ${shared}`
  ),
  oldestPending: gauge(
    'oldest_pending_seconds',
    `How long a notification has waited in the lane of a destination since it was due; 0 where none is. ${shared}`
  ),
  laneBlocked: gauge(
    'lane_blocked',
    `1 while nothing can be posted there and it is tried from time to time, else 0. ${shared}`
  ),
  sourcePending: gauge(
    'source_pending',
    'Approximate number of waiting notifications of a source, of those that this process has accepted'
  ),
  objects: gauge('objects', `Flux objects remembered of a source, counted every five minutes. ${shared}`),
  sourceLastEvent: gauge(
    'source_last_event_timestamp_seconds',
    `When a source last posted an event, or since when one is expected of it, as Unix time. ${shared}`
  ),
  sourceSkew: gauge(
    'source_clock_skew_seconds',
    'How far the clock of a source is behind (negative: ahead), by the smallest delay of its events'
  ),
  sourceQuiet: gauge(
    'source_quiet',
    `1 while a source has been quiet for longer than its \`expectEvery\`, else 0. ${shared}`
  ),
  sourceState: gauge(
    'source_state',
    '1 for the state that a source is in: `active`; `quiet`, for longer than its `expectEvery`, or else than ten ' +
      'times its usual gap and an hour; `unknown`, where the relay was away meanwhile; `never`, where no event came yet. ' +
      shared
  )
}

function gauge(name: string, help: string): Family {
  return { name: `flux_relay_${name}`, help }
}
