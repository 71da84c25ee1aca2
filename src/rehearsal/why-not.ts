// Why not: explains rule by rule why an event did not notify a destination. Pure.
import type { Config } from '../config/config.ts'
import { type Rehearsed, sayWhyNot, verdictsOn } from './rehearsal.ts'

// The rest says the same of other rules.
const maxRules = 5

/** One line for each rule that might have notified `destination`, or for `rule` alone. */
export function whyNotTold(
  { destination, rule: only }: { destination: string; rule?: string },
  rehearsed: Rehearsed,
  config: Config
): string[] {
  const { transition, trace, notifications } = rehearsed
  const verdicts = new Map(verdictsOn(rehearsed, config).map((verdict) => [verdict.rule, verdict]))
  const candidates = config.rules.all.filter(({ name, send }) => (only ? name === only : send.includes(destination)))
  if (candidates.length === 0) return [only ? `there is no rule ${only}` : `no rule sends to ${destination}`]
  const lines = candidates.slice(0, maxRules).map(({ name, send }) => {
    const verdict = verdicts.get(name)
    const quiet = trace.quiet.find((entry) => entry.rule === name && entry.destination === destination)
    if (!send.includes(destination)) return `${name} sends to ${send.join(', ')}`
    if (quiet !== undefined) return `${name} is quiet: ${quiet.because}`
    if (notifications.some((told) => told.rule === name && told.destination === destination)) {
      return `${name} does send it, once; another message was expected`
    }
    // What ends a failure need not match any rule.
    if (transition === 'recovered') return `${name} did not notify it of the failure, and so not of its end`
    return verdict === undefined || verdict.fired ? `${name} fires` : `${name}: ${sayWhyNot(verdict)}`
  })
  const rest = candidates.length - lines.length
  return rest > 0 ? [...lines, `… and ${rest} more rules`] : lines
}
