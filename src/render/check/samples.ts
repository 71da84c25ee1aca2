// Samples: makes one notification of every kind that templates have to cope with, to check templates before any event has arrived.
import { type FluxEvent, normalise, type WireEvent } from '../../events/flux.ts'
import { parseRevision } from '../../events/revision.ts'
import type { ObjectMemory } from '../../objects/memory.ts'
import { advance, type Transition } from '../../objects.ts'
import { createView, type View } from '../compose/view.ts'
import type { Links } from '../links/links.ts'

export interface Sample {
  /** The kind of sample, in words for people: `a failed HelmRelease`. */
  title: string
  event: FluxEvent
  previousRevision: string
  view: View
  /** True if it is larger or emptier than anyone sees in a year, so that it is no mistake if something of it is cut or missing. */
  isExtreme?: true
}

const [oldSha, newSha] = ['8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c', '731f7eaddfb6af01cb2173e18f0f75b0ba780ef1']
const start = Date.UTC(2026, 8, 21, 14)

const links: Links = {
  of: ({ revision }, previous) => ({
    ...(revision && { commit: `https://git.example.com/acme/fleet/commit/${revision.sha}` }),
    dashboard: 'https://flux.example.com/apps/web',
    pages: [{ name: 'Grafana', url: 'https://grafana.example.com/d/flux' }],
    ...(previous !== '' && {
      previous: { text: parseRevision(previous).short, url: `https://git.example.com/acme/fleet/compare/${newSha}` }
    })
  })
}

type About = Partial<Omit<WireEvent, 'involvedObject'>> & { object?: WireEvent['involvedObject'] }

/** Makes the notification of the last of `events`, which are a minute apart and about one object. */
function sample(title: string, events: readonly About[], says?: Transition): Sample {
  let memory: ObjectMemory | undefined
  const shown = events.map(({ object, ...about }, index) => {
    const event = normalise(
      {
        involvedObject: { kind: 'Kustomization', namespace: 'apps', name: 'web', ...object },
        severity: 'info',
        timestamp: new Date(start + index * 60_000).toISOString(),
        message: '',
        reason: '',
        metadata: { revision: `main@sha1:${oldSha}` },
        reportingController: 'kustomize-controller',
        ...about
      },
      { source: 'default', cluster: undefined, defaultCluster: 'prod-eu' },
      start
    )
    const advanced = advance(memory, event, start + 86_400_000)
    memory = advanced.memory
    const view = createView(
      event,
      advanced,
      { says: says ?? advanced.transition, mention: undefined },
      { links, show: ['team', 'runbook'] }
    )
    return { title, event, previousRevision: advanced.previousRevision, view }
  })
  const last = shown.at(-1)
  if (last === undefined) throw new Error(`the sample "${title}" has no event`)
  return last
}

const finished: About = {
  reason: 'ReconciliationSucceeded',
  message: 'Reconciliation finished in 449ms, next run in 10m0s'
}
const unhealthy: About = {
  severity: 'error',
  reason: 'HealthCheckFailed',
  message: "health check failed after 5m0.01s: timeout waiting for: [Deployment/apps/web status: 'InProgress']"
}
const notBuilt: About = {
  severity: 'error',
  reason: 'BuildFailed',
  message: 'kustomize build failed: accumulating resources: kustomization.yaml: no such file or directory'
}
const newer = { metadata: { revision: `main@sha1:${newSha}` } }
const release = { kind: 'HelmRelease', namespace: 'apps', name: 'podinfo' }
const owned = { team: 'payments', runbook: 'https://wiki.example.com/runbook', summary: 'Apps of production' }
const upgrade: About = {
  object: release,
  severity: 'error',
  reason: 'UpgradeFailed',
  message: `Helm upgrade failed for release apps/podinfo with chart podinfo@6.5.3: context deadline exceeded

Last Helm logs:

2026-09-21T14:08:20.1Z: beginning wait for 2 resources with timeout of 5m0s
2026-09-21T14:13:20.2Z: Deployment is not ready: apps/podinfo. 0 out of 1 expected pods are ready`,
  metadata: { ...owned, revision: '6.5.3', 'app-version': '6.5.3' },
  reportingController: 'helm-controller'
}
const upgraded = (version: string): About => ({
  object: release,
  reason: 'UpgradeSucceeded',
  message: `Helm upgrade succeeded for release apps/podinfo.v3 with chart podinfo@${version}`,
  metadata: { revision: version },
  reportingController: 'helm-controller'
})
const drifted: About = {
  ...upgraded('6.5.3'),
  reason: 'DriftDetected',
  message:
    'Cluster state of release apps/podinfo.v3 has drifted from the desired state:\nDeployment/apps/podinfo changed (0 additions, 1 changes, 0 removals)'
}
const corrected: About = {
  ...upgraded('6.5.3'),
  reason: 'DriftCorrected',
  message: 'Cluster state of release apps/podinfo.v3 has been corrected:\nDeployment/apps/podinfo configured'
}
const uninstalled: About = {
  ...upgraded('6.5.3'),
  reason: 'UninstallSucceeded',
  message: 'Helm uninstall succeeded for release apps/podinfo.v3 with chart podinfo@6.5.3'
}
const source: About = {
  object: { kind: 'GitRepository', namespace: 'flux-system', name: 'fleet' },
  severity: 'error',
  reason: 'GitOperationFailed',
  message: 'failed to checkout and determine revision: unable to clone: authentication required',
  metadata: {},
  reportingController: 'source-controller'
}
const applied = Array.from({ length: 8 }, (_, n) => `Deployment/apps/web-${n} configured`).join('\n')
const longName = 'x'.repeat(253)
const huge: About = {
  object: { kind: 'Kustomization', namespace: longName, name: longName },
  severity: 'error',
  reason: 'ReconciliationFailed',
  message: '<error> & 日本語 '.repeat(3000),
  metadata: { revision: `${longName}@sha1:${oldSha}` }
}

/** Makes every kind of notification, the usual ones first. */
export function createSamples(): Sample[] {
  return [
    sample('a failed Kustomization', [finished, unhealthy]),
    sample('a failed HelmRelease', [upgrade]),
    sample('a HelmRelease that failed after it worked', [upgraded('6.5.2'), upgrade]),
    sample('a recovered HelmRelease', [upgrade, upgraded('6.5.4')]),
    sample('a HelmRelease whose drift is corrected', [drifted, corrected]),
    sample('an uninstalled HelmRelease', [upgrade, uninstalled]),
    sample('a failed GitRepository', [source]),
    sample('a Kustomization with a new error', [notBuilt, unhealthy]),
    sample('a Kustomization that still fails', [notBuilt, notBuilt]),
    sample('a recovered Kustomization', [notBuilt, { ...finished, ...newer }]),
    sample('an updated Kustomization', [finished, { ...finished, ...newer }]),
    sample('a Kustomization that is being applied', [{ reason: 'Progressing', message: applied }]),
    sample('a Kustomization that waits', [
      { severity: 'warn', reason: 'DependencyNotReady', message: 'Dependencies do not meet ready condition' }
    ]),
    sample('a heartbeat', [finished], 'heartbeat'),
    {
      ...sample('an event without any content', [{ object: { kind: '', namespace: '', name: '' }, metadata: {} }]),
      isExtreme: true
    },
    { ...sample('a failed Kustomization with the longest names and message', [finished, huge]), isExtreme: true }
  ]
}
