// Imported severity: translates `eventSeverity`. Some of Flux's errors and infos are `warn` here (events/severity.ts), so
// Flux's errors are the relay's warnings and errors without those that Flux calls info.
import { type Severity, severityNames } from '../events/severity.ts'
import type { RuleText } from '../rules/schema.ts'

type Match = NonNullable<RuleText['match']>

/** What an Alert asks for: `info` and `error` as Flux means them, `warn` and lists as guides do, which Flux refuses. */
export type Asked = Severity | Severity[]

/** What `eventSeverity` asks for, and what to know of it; undefined where it is nothing that anybody means by it. */
export function askedSeverity(value: unknown): { asked: Asked; remark: string | undefined } | undefined {
  if (value === undefined) {
    return {
      asked: 'info',
      remark:
        'has no eventSeverity. Flux takes that for info, which is everything, and so does the rule; some guides say that it means error: for failures alone, write `severity: warn` into the rule'
    }
  }
  const texts = typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : value
  if (!Array.isArray(texts) || texts.length === 0) return undefined
  const named = texts.map(severityNamed)
  const severities = [...new Set(named)].flatMap((severity) => severity ?? [])
  if (named.includes(undefined)) return undefined
  const [only] = severities
  if (typeof value !== 'string' || texts.length > 1 || only === undefined) {
    const all = severities.join(' and ')
    return {
      asked: severities,
      remark: `has a list as its eventSeverity, which Flux refuses: it takes info or error. The rule asks for only ${all}${meaning(severities)}`
    }
  }
  if (only === 'warn') {
    return {
      asked: only,
      remark: `has the eventSeverity ${value}, which Flux refuses: it takes info or error. The rule asks for warn and worse${meaning([only])}`
    }
  }
  return {
    asked: only,
    remark: value === only ? undefined : `has the eventSeverity ${value}, which Flux refuses; it is taken for ${only}`
  }
}

function severityNamed(text: unknown): Severity | undefined {
  if (typeof text !== 'string') return undefined
  const lower = text.trim().toLowerCase()
  return severityNames.find((name) => name === (lower === 'warning' ? 'warn' : lower))
}

function meaning(severities: readonly Severity[]): string {
  return severities.includes('warn')
    ? ': `warn` is what passes by itself, such as waiting for a dependency, drift, a rollback'
    : ''
}

/** What a rule for `kinds` has to ask; of `info` and `error`: to fire for every event that Flux calls so and for no other. */
export function severityMatch(asked: Asked, kinds: readonly string[]): Match {
  if (asked !== 'error') return { severity: asked }
  const ofHelm = kinds.includes('HelmRelease') ? ['RollbackSucceeded', 'UninstallSucceeded'] : []
  // Who waits for a dependency says so as info, but the image controllers as an error.
  const saysInfo = kinds.some((kind) => !kind.startsWith('Image'))
  const saysError = kinds.some((kind) => kind.startsWith('Image'))
  const reasons = [...(saysInfo && !saysError ? ['DependencyNotReady'] : []), ...ofHelm]
  return {
    severity: 'warn',
    ...(reasons.length > 0 && { not: { reason: reasons } }),
    ...(saysInfo && saysError && { when: 'event.reason != "DependencyNotReady" || object.kind.startsWith("Image")' })
  }
}
