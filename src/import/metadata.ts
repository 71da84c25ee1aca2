// Imported metadata: keeps what all Alerts add to their events. One Alert posts to the relay for all of them, so it can
// only add what they share.
import type { Alert, Remark } from './flux.ts'
import { mentionIn } from './rules.ts'

/** What every one of `alerts` adds; a remark on each thing that only some do. A summary is the key `summary`. */
export function commonMetadata(alerts: readonly Alert[], remarks: Remark[]): Record<string, string> {
  const [first, ...others] = alerts.map(metadataOf)
  const isCommon = (key: string, value: string) => others.every((metadata) => metadata[key] === value)
  const common = Object.fromEntries(Object.entries(first ?? {}).filter(([key, value]) => isCommon(key, value)))
  for (const alert of alerts) {
    for (const key of Object.keys(metadataOf(alert))) {
      if (key in common) continue
      const path = key === 'summary' && alert.spec.summary ? ['spec', 'summary'] : ['spec', 'eventMetadata', key]
      const message = `${key} of Alert ${alert.namespace}/${alert.name} is not carried over: one Alert posts to the relay, and not all of these agree on it`
      remarks.push({ ...alert.at(path), message })
    }
  }
  return common
}

/** The summary wins over a key of its name (event_handlers.go combineEventMetadata). A mention became one of the rule's. */
function metadataOf(alert: Alert): Record<string, string> {
  const { eventMetadata, summary } = alert.spec
  return { ...eventMetadata, ...(summary && mentionIn(alert) === undefined && { summary }) }
}
