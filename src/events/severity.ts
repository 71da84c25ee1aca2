// Severity: adds `warn` to Flux's info and error, for what will pass or put itself right.

import { about, closedObject, option } from '../about.ts'
import type { Fault } from '../errors.ts'
import { type Static, Type } from '../json-schema.ts'
import { compileGlobs, compileRegex, Patterns } from '../patterns.ts'
import { isConflict } from './conflict.ts'

export const severityNames = ['info', 'warn', 'error'] as const
export type Severity = (typeof severityNames)[number]

export const SeveritySchema = closedObject({
  kind: option(Patterns, 'Kinds', 'Kinds of Flux objects, as globs. If left out, any kind matches.', 'HelmRelease', [
    'Image*',
    'Bucket'
  ]),
  reason: option(
    Patterns,
    'Reasons',
    'The `reason` of the event, as globs. If left out, any reason matches.',
    'TestFailed',
    ['DriftDetected']
  ),
  message: option(
    Type.String({ minLength: 1 }),
    'Message',
    'A regular expression (RE2) that is found in the message. If left out, any message matches.',
    '(?i)rate limit'
  ),
  severity: about(Type.Enum([...severityNames]), 'Severity', 'The severity that these events get.', 'warn')
})

type SeverityText = Static<typeof SeveritySchema>

/** Returns the severity of an event that Flux calls `fluxSeverity`: that of the first matching entry, else Flux's own. */
export type Classify = (event: { kind: string; reason: string; message: string }, fluxSeverity: Severity) => Severity

const builtIn: SeverityText[] = [
  // kustomize- and helm-controller call it info, the image controllers an error; all of them wait and try again.
  { reason: 'DependencyNotReady', severity: 'warn' },
  { reason: 'DriftDetected', severity: 'warn' },
  // Flux calls it info, although the release is not what was asked for (helm-controller internal/reconcile/release.go:246-249).
  { kind: 'HelmRelease', reason: 'RollbackSucceeded', severity: 'warn' },
  // The message decides, because the reason also comes, with another text, when a release is deleted on purpose.
  { kind: 'HelmRelease', reason: 'UninstallSucceeded', message: '^Helm uninstall remediation ', severity: 'warn' },
  // An error since Flux 2.8, although the action was only given up for the next one (internal/reconcile/failure.go).
  { kind: 'HelmRelease', reason: 'HealthCheckCanceled', severity: 'warn' },
  // Flux calls them errors, although the release is fine (internal/reconcile/release.go:161-187), or the artifact is made anew at
  // once (source-controller reconcileStorage).
  { reason: ['NamespaceCheckSkipped', 'InventoryBuildFailed', 'ArtifactVerificationFailed'], severity: 'warn' }
]

/** Compiles the `severities:` section; its entries come before the built-in ones. */
export function compileSeverities(texts: readonly SeverityText[]): { classify: Classify; faults: Fault[] } {
  const faults: Fault[] = []
  const entries = [...texts, ...builtIn].map(({ kind = '*', reason = '*', message = '', severity }, index) => {
    const regex = compileRegex(message)
    if ('error' in regex) {
      faults.push({ path: ['severities', index, 'message'], message: regex.error, offset: regex.offset })
    }
    const find = 'error' in regex ? () => false : regex.find
    return { kind: compileGlobs(kind), reason: compileGlobs(reason), find, severity }
  })
  return {
    faults,
    classify: (event, fluxSeverity) =>
      entries.find(
        ({ kind, reason, find }) => kind.matches(event.kind) && reason.matches(event.reason) && find(event.message)
      )?.severity ??
      // Two writers met; the next reconciliation goes through (fluxcd/helm-controller#258).
      (fluxSeverity === 'error' && isConflict(event.message) ? 'warn' : fluxSeverity)
  }
}

/** The severities of a configuration without entries of its own. */
export const builtInSeverities: Classify = compileSeverities([]).classify
