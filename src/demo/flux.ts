// Demo events: words events as Flux's controllers do, with their metadata, and counts how many of them Flux's own Slack
// provider would have posted.
import type { WireEvent } from '../events/flux.ts'

/** An object of the demo's cluster. */
export interface Actor {
  kind: keyof typeof controllers
  namespace: string
  name: string
}

/** What an object says, without the time. */
export interface Saying {
  severity?: 'info' | 'error'
  reason: string
  message: string
  metadata?: Record<string, string>
}

const controllers = {
  Kustomization: { api: 'kustomize.toolkit.fluxcd.io/v1', controller: 'kustomize-controller' },
  HelmRelease: { api: 'helm.toolkit.fluxcd.io/v2', controller: 'helm-controller' },
  HelmChart: { api: 'source.toolkit.fluxcd.io/v1', controller: 'source-controller' },
  HelmRepository: { api: 'source.toolkit.fluxcd.io/v1', controller: 'source-controller' },
  GitRepository: { api: 'source.toolkit.fluxcd.io/v1', controller: 'source-controller' },
  OCIRepository: { api: 'source.toolkit.fluxcd.io/v1', controller: 'source-controller' },
  Terraform: { api: 'infra.contrib.fluxcd.io/v1alpha2', controller: 'tofu-controller' }
} as const

/** The event in which `actor` says `saying`, at `at` (ms since 1970). */
export function say({ kind, namespace, name }: Actor, at: number, saying: Saying): WireEvent {
  const { api, controller } = controllers[kind]
  const { severity = 'info', reason, message, metadata } = saying
  return {
    involvedObject: { kind, namespace, name, uid: `${kind}-${namespace}-${name}`.toLowerCase(), apiVersion: api },
    severity,
    // Flux's timestamps have whole seconds.
    timestamp: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'),
    message,
    reason,
    ...(metadata && { metadata }),
    reportingController: controller,
    reportingInstance: `${controller}-7d6b5c4f9-x2x8p`
  }
}

/** The event of a Kustomization at every interval. `tookMs` makes each text another, as it does in Flux. */
export function finished(revision: string, tookMs: number): Saying {
  return {
    reason: 'ReconciliationSucceeded',
    message: `Reconciliation finished in ${tookMs}ms, next run in 10m0s`,
    metadata: { commit_status: 'update', revision }
  }
}

/** The event of a Kustomization that changed something in the cluster. */
export function applied({ name, namespace }: Actor, revision: string): Saying {
  const lines = [`Deployment/${namespace}/${name} configured`, `ConfigMap/${namespace}/${name}-env configured`]
  return { reason: 'Progressing', message: lines.join('\n'), metadata: { revision } }
}

/** The event of a Kustomization whose Deployment does not come up. */
export function unhealthy({ name, namespace }: Actor, revision: string, took: string): Saying {
  return {
    severity: 'error',
    reason: 'HealthCheckFailed',
    message: `health check failed after ${took}: timeout waiting for: [Deployment/${namespace}/${name} status: 'InProgress']`,
    metadata: { revision }
  }
}

/** The event of a Kustomization that waits for another one: info for Flux, every time it looks. */
export function waits(revision: string): Saying {
  return {
    reason: 'DependencyNotReady',
    message: 'Dependencies do not meet ready condition, retrying in 30s',
    metadata: { revision }
  }
}

/** The event of a HelmRelease whose upgrade did not come up; Helm's log lines carry the time, so no two texts are the same. */
export function upgradeFailed({ name, namespace }: Actor, chart: string, at: number): Saying {
  const stamp = (before: number) => new Date(at - before).toISOString()
  return {
    severity: 'error',
    reason: 'UpgradeFailed',
    message: `Helm upgrade failed for release ${namespace}/${name} with chart ${name}@${chart}: context deadline exceeded

Last Helm logs:

${stamp(300_000)}: beginning wait for 4 resources with timeout of 5m0s
${stamp(100)}: Deployment is not ready: ${namespace}/${name}. 0 out of 2 expected pods are ready`,
    metadata: { revision: chart }
  }
}

/** The event after a failed upgrade: the old version is back, which is not what was asked for. */
export function rolledBack({ name, namespace }: Actor, version: number): Saying {
  return {
    reason: 'RollbackSucceeded',
    message: `Helm rollback to previous release ${namespace}/${name}.v${version} succeeded`
  }
}

/** The event of a HelmRelease after a good upgrade. */
export function upgraded({ name, namespace }: Actor, chart: string, version: number): Saying {
  return {
    reason: 'UpgradeSucceeded',
    message: `Helm upgrade succeeded for release ${namespace}/${name}.v${version} with chart ${name}@${chart}`,
    metadata: { revision: chart }
  }
}

/**
 * Counts the messages that an Alert over everything, with that `eventSeverity`, makes of `events`, which have been through Flux's rate
 * limit already. What Flux takes for a commit status never goes to a chat (internal/server/event_handlers.go).
 */
export function countPosts(events: readonly WireEvent[], eventSeverity: 'info' | 'error'): number {
  return events.filter(
    ({ severity, metadata }) =>
      metadata?.['commit_status'] !== 'update' && (eventSeverity === 'info' || severity === 'error')
  ).length
}
