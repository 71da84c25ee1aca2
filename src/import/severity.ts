// `eventSeverity: error` in the relay's terms. There, some of Flux's errors and some of its infos are `warn`
// (events/severity.ts), so the errors of Flux are the relay's warnings and errors without those that Flux calls info.
import type { RuleText } from '../rules/schema.ts'

type Match = NonNullable<RuleText['match']>

/** What a rule for `kinds` has to ask, to fire for every event that Flux calls an error and for no other. */
export function severityMatch(eventSeverity: 'info' | 'error', kinds: readonly string[]): Match {
  if (eventSeverity === 'info') return { severity: 'info' }
  const ofHelm = kinds.includes('HelmRelease') ? ['RollbackSucceeded', 'UninstallSucceeded'] : []
  // Who waits for a dependency says so as info, but the image controllers as an error.
  const saysInfo = kinds.some((kind) => kind === 'Kustomization' || kind === 'HelmRelease')
  const saysError = kinds.some((kind) => kind.startsWith('Image'))
  const reasons = [...(saysInfo && !saysError ? ['DependencyNotReady'] : []), ...ofHelm]
  return {
    severity: 'warn',
    ...(reasons.length > 0 && { not: { reason: reasons } }),
    ...(saysInfo && saysError && { when: 'event.reason != "DependencyNotReady" || object.kind.startsWith("Image")' })
  }
}
