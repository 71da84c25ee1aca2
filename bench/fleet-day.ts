// A fleet's day: three clusters, ten incidents, two storms, four rollouts, in the words of Flux's controllers.
import { type Actor, applied, finished, type Saying, say, upgraded } from '../src/demo/flux.ts'
import type { WireEvent } from '../src/events/flux.ts'
import type { VirtualRelay } from './virtual-relay.ts'

/** An event with the time it is posted, in ms since the day began, and what a message about it should say. */
export interface Moment {
  at: number
  event: WireEvent
  /** A word of the failure's cause. */
  cause?: RegExp
}

interface Incident {
  cluster: string
  actor: Actor
  /** Start in ms since the day began, interval of the retries, and duration. */
  from: number
  everyMs: number
  lastsMs: number
  cause: RegExp
  fails: (n: number, at: string) => Saying
  over: Saying
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const dayMs = 24 * hour

const teams = ['payments', 'shop', 'search', 'data']
const clusters = ['prod-eu', 'prod-us', 'staging']
const services = ['api', 'web', 'worker', 'cron', 'gateway', 'cache']
const kustomizations = teams.flatMap((namespace) =>
  services.map((service): Actor => ({ kind: 'Kustomization', namespace, name: `${namespace}-${service}` }))
)
const releases = teams.flatMap((namespace) =>
  ['redis', 'postgres'].map((chart): Actor => ({ kind: 'HelmRelease', namespace, name: `${namespace}-${chart}` }))
)

const kustomization = (namespace: string, name: string): Actor => ({ kind: 'Kustomization', namespace, name })
const reconciled = (revision: string) => finished(revision, 812)

const good = 'main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a'
const bad = 'main@sha1:a61e0c5d2f9b47718c3e6d05b1f2a4978de03c11'

const incidents: Incident[] = [
  {
    ...{ cluster: 'prod-eu', actor: { kind: 'HelmRelease', namespace: 'payments', name: 'ledger' } },
    ...{ from: 2 * hour, everyMs: 12 * minute, lastsMs: 5 * hour, cause: /context deadline exceeded/ },
    fails: (n, at) => ({
      ...{ severity: 'error', reason: 'UpgradeFailed', metadata: { revision: '3.14.1' } },
      message: `Helm upgrade failed for release payments/ledger with chart ledger@3.14.1: context deadline exceeded\n\nLast Helm logs:\n\n${at}: Patch Deployment "ledger" in namespace payments\n${at}: beginning wait for 4 resources with timeout of 5m0s\n${at}: Deployment is not ready: payments/ledger. 0 out of 2 expected pods are ready\n${at}: Deployment is not ready: payments/ledger. ${n % 2} out of 2 expected pods are ready`
    }),
    over: {
      ...{ reason: 'UpgradeSucceeded', metadata: { revision: '3.14.2' } },
      message: 'Helm upgrade succeeded for release payments/ledger.v31 with chart ledger@3.14.2'
    }
  },
  {
    ...{ cluster: 'prod-us', actor: kustomization('search', 'search-api') },
    ...{ from: 3.4 * hour, everyMs: 5 * minute, lastsMs: 40 * minute, cause: /not ready|not found|InProgress/ },
    fails: (n) => ({
      ...{ severity: 'error', reason: 'HealthCheckFailed', metadata: { revision: bad } },
      message: `health check failed after 5m0.${10 + n}s: timeout waiting for: [Deployment/search/indexer status: 'InProgress', StatefulSet/search/nodes status: 'InProgress', Deployment/search/search-api status: 'InProgress']`
    }),
    over: reconciled(good)
  },
  {
    ...{ cluster: 'staging', actor: kustomization('data', 'warehouse') },
    ...{ from: 5 * hour, everyMs: 10 * minute, lastsMs: 1.5 * hour, cause: /no such file|must build/ },
    fails: () => ({
      ...{ severity: 'error', reason: 'BuildFailed', metadata: { revision: bad } },
      message: `kustomize build failed: accumulating resources: accumulation err='accumulating resources from 'warehouse/deployment.yaml': open /tmp/kustomization-3498127/warehouse/deployment.yaml: no such file or directory': must build at directory: '/tmp/kustomization-3498127/warehouse/deployment.yaml': file is not directory`
    }),
    over: reconciled(good)
  },
  {
    ...{ cluster: 'prod-eu', actor: { kind: 'GitRepository', namespace: 'flux-system', name: 'fleet' } },
    ...{ from: 6 * hour, everyMs: minute, lastsMs: 12 * minute, cause: /Internal Server Error|unable to clone/ },
    fails: () => ({
      ...{ severity: 'error', reason: 'GitOperationFailed' },
      message:
        "failed to checkout and determine revision: unable to clone 'https://git.example.com/acme/fleet': remote: Internal Server Error"
    }),
    over: {
      reason: 'Succeeded',
      message: "stored artifact for commit 'shop: new checkout (#412)'",
      metadata: { revision: good }
    }
  },
  {
    ...{ cluster: 'staging', actor: { kind: 'OCIRepository', namespace: 'shop', name: 'manifests' } },
    ...{ from: 7.2 * hour, everyMs: 5 * minute, lastsMs: 35 * minute, cause: /UNAUTHORIZED|unauthorized|denied/i },
    fails: () => ({
      ...{ severity: 'error', reason: 'OCIArtifactPullFailed' },
      message:
        'failed to determine artifact digest: GET https://registry.example.com/v2/acme/manifests/manifests/latest: UNAUTHORIZED: authentication required; [map[Action:pull Class: Name:acme/manifests Type:repository]]'
    }),
    over: {
      reason: 'NewArtifact',
      message: "stored artifact with revision 'latest@sha256:3b2f' from 'oci://registry.example.com/acme/manifests'"
    }
  },
  {
    ...{ cluster: 'prod-us', actor: kustomization('flux-system', 'infra-configs') },
    ...{ from: 9 * hour, everyMs: 2 * minute, lastsMs: 26 * minute, cause: /no endpoints|webhook/ },
    fails: () => ({
      ...{ severity: 'error', reason: 'ReconciliationFailed', metadata: { revision: good } },
      message:
        'ClusterIssuer/letsencrypt dry-run failed (InternalError): Internal error occurred: failed calling webhook "webhook.cert-manager.io": failed to call webhook: Post "https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=30s": no endpoints available for service "cert-manager-webhook"'
    }),
    over: reconciled(good)
  },
  {
    ...{ cluster: 'prod-eu', actor: kustomization('shop', 'shop-secrets') },
    ...{ from: 11 * hour, everyMs: 10 * minute, lastsMs: 50 * minute, cause: /decrypt|KMS|age|key/i },
    fails: (n) => ({
      ...{ severity: 'error', reason: 'BuildFailed', metadata: { revision: bad } },
      message: `decryption failed for 'shop-secrets': failed to decrypt and format: cannot get sops data key: failed to decrypt sops data key with AWS KMS: operation error KMS: Decrypt, https response error StatusCode: 400, RequestID: 5a0f${n}c1e-2b1d-4a63-9f0e-91b3c3f1d9${10 + n}, AccessDeniedException: User is not authorized`
    }),
    over: reconciled(good)
  },
  {
    ...{ cluster: 'staging', actor: { kind: 'Terraform', namespace: 'data', name: 'buckets' } },
    ...{
      from: 12.5 * hour,
      everyMs: 15 * minute,
      lastsMs: 1.2 * hour,
      cause: /BucketAlreadyExists|creating S3 Bucket/
    },
    fails: (n) => ({
      ...{ severity: 'error', reason: 'TFExecApplyFailed', metadata: { revision: bad } },
      message: `error running Apply: exit status 1\n\nError: creating S3 Bucket (acme-warehouse): BucketAlreadyExists: The requested bucket name is not available.\n\tstatus code: 409, request id: 8Q${n}XK2\n\n  with aws_s3_bucket.warehouse,\n  on main.tf line 12, in resource "aws_s3_bucket" "warehouse":\n  12: resource "aws_s3_bucket" "warehouse" {`
    }),
    over: { reason: 'TerraformOutputsWritten', message: 'Applied successfully', metadata: { revision: good } }
  },
  {
    ...{ cluster: 'prod-us', actor: kustomization('payments', 'payments-quotas') },
    ...{ from: 14 * hour, everyMs: 10 * minute, lastsMs: 2 * hour, cause: /exceeded quota|denied/ },
    fails: (n) => ({
      ...{ severity: 'error', reason: 'ReconciliationFailed', metadata: { revision: bad } },
      message: `Deployment/payments/fraud dry-run failed (Forbidden): deployments.apps "fraud" is forbidden: exceeded quota: team, requested: limits.cpu=4, used: limits.cpu=${20 + (n % 3)}, limited: limits.cpu=22`
    }),
    over: reconciled(good)
  },
  {
    ...{ cluster: 'prod-eu', actor: { kind: 'HelmRelease', namespace: 'search', name: 'indexer' } },
    ...{ from: 20 * hour, everyMs: 10 * minute, lastsMs: 3 * hour, cause: /denied the request|nonroot|runAsNonRoot/i },
    fails: () => ({
      ...{ severity: 'error', reason: 'InstallFailed', metadata: { revision: '0.9.0' } },
      message:
        'Helm install failed for release search/indexer with chart indexer@0.9.0: failed to create resource: admission webhook "validate.kyverno.svc-fail" denied the request: \n\nresource Deployment/search/indexer was blocked due to the following policies \n\nrun-as-nonroot:\n  autogen-run-as-non-root: \'validation error: Running as root is not allowed. rule autogen-run-as-non-root failed at path /spec/template/spec/securityContext/runAsNonRoot/\''
    }),
    over: {
      ...{ reason: 'InstallSucceeded', metadata: { revision: '0.9.1' } },
      message: 'Helm install succeeded for release search/indexer.v1 with chart indexer@0.9.1'
    }
  }
]

const rollouts = [
  {
    from: 1.5 * hour,
    sha: '8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c',
    subject: 'Update podinfo 6.5.0 -> 6.5.1 (#398)'
  },
  { from: 8 * hour, sha: '4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a', subject: 'shop: new checkout (#412)' },
  {
    from: 13.2 * hour,
    sha: 'c0ffee5d2f9b47718c3e6d05b1f2a4978de03c11',
    subject: 'Raise memory of payments-worker (#415)'
  },
  { from: 18 * hour, sha: '731f7eaddfb6af01cb2173e18f0f75b0ba780ef1', subject: 'Renovate: all patch updates (#420)' }
]

/** All events of the day in order; with `withBlips`, also the failures that pass by themselves, as most that last minutes do. */
export function createFleetDay(start: number, { withBlips = false } = {}): Moment[] {
  const moments: Moment[] = []
  function add(since: number, cluster: string, actor: Actor, saying: Saying, cause?: RegExp): void {
    moments.push({ at: since, event: wire(start + since, cluster, actor, saying), ...(cause && { cause }) })
  }
  for (const { cluster, actor, from, everyMs, lastsMs, cause, fails, over } of incidents) {
    for (let n = 0; n * everyMs < lastsMs; n++) {
      const at = from + n * everyMs
      add(at, cluster, actor, fails(n, new Date(start + at).toISOString()), cause)
    }
    add(from + lastsMs, cluster, actor, over)
  }
  repositoryGone(add)
  networkDown(add)
  for (const rollout of rollouts) roll(add, rollout)
  if (withBlips) blips(add)
  return moments.sort((a, b) => a.at - b.at)
}

type Add = (since: number, cluster: string, actor: Actor, saying: Saying, cause?: RegExp) => void

/** A repository is deleted: 150 charts notice, each three times, at their own ten-minute intervals. */
function repositoryGone(add: Add): void {
  const message = 'failed to get source: HelmRepository.source.toolkit.fluxcd.io "charts" not found'
  for (let n = 0; n < 150; n++) {
    const namespace = teams[n % teams.length] ?? ''
    const chart: Actor = { kind: 'HelmChart', namespace: 'flux-system', name: `${namespace}-svc-${n}` }
    const phase = (n * 37 * second) % (10 * minute)
    for (let round = 0; round < 3; round++) {
      const at = 10 * hour + phase + round * 10 * minute
      add(at, 'prod-us', chart, { severity: 'error', reason: 'SourceUnavailable', message }, /not found/)
    }
    const pulled = {
      reason: 'ChartPullSucceeded',
      message: `pulled '${namespace}-svc' chart with version '1.${n % 9}.0'`
    }
    add(10.5 * hour + phase, 'prod-us', chart, pulled)
  }
}

/** A registry is unreachable for a quarter of an hour, at a changing address. */
function networkDown(add: Add): void {
  for (const [n, actor] of kustomizations.entries()) {
    for (let round = 0; round < 3; round++) {
      const artifact =
        'http://source-controller.flux-system.svc.cluster.local./gitrepository/flux-system/fleet/latest.tar.gz'
      const message = `failed to download artifact: GET ${artifact} giving up after 10 attempt(s): Get "${artifact}": dial tcp 10.0.${n}.${round}:80: i/o timeout`
      const at = 16 * hour + n * 4 * second + round * 5 * minute
      add(
        at,
        'prod-eu',
        actor,
        { severity: 'error', reason: 'ArtifactFailed', message, metadata: { revision: good } },
        /i\/o timeout/
      )
    }
    add(16.3 * hour + n * 500, 'prod-eu', actor, reconciled(good))
  }
}

/** What source-controller says when a registry or a host does not answer for a moment. */
const hiccups: { kind: Actor['kind']; name: string; reason: string; message: string; over: Saying }[] = [
  {
    ...{ kind: 'GitRepository', name: 'apps', reason: 'GitOperationFailed' },
    message:
      "failed to checkout and determine revision: unable to list remote for 'https://git.example.com/acme/apps': dial tcp: lookup git.example.com on 10.96.0.10:53: server misbehaving",
    over: { reason: 'Succeeded', message: "stored artifact for commit 'shop: new checkout (#412)'" }
  },
  {
    ...{ kind: 'OCIRepository', name: 'base', reason: 'OCIArtifactPullFailed' },
    message:
      'failed to determine artifact digest: GET https://registry.example.com/v2/acme/base/manifests/latest: unexpected status code 503 Service Unavailable',
    over: {
      reason: 'NewArtifact',
      message: "stored artifact with revision 'latest@sha256:7c1e' from 'oci://registry.example.com/acme/base'"
    }
  },
  {
    ...{ kind: 'HelmRepository', name: 'bitnami', reason: 'FetchFailed' },
    message:
      'failed to fetch Helm repository index: failed to cache index to temporary file: Get "https://charts.example.com/index.yaml": net/http: TLS handshake timeout',
    over: { reason: 'NewArtifact', message: 'stored fetched index of size 14.2MB' }
  }
]

/**
 * Twenty times a day one of the hosts does not answer: one cluster notices or all do, mostly for less than two minutes,
 * sometimes for longer.
 */
function blips(add: Add): void {
  for (let n = 0; n < 20; n++) {
    const { kind, name, reason, message, over } =
      hiccups[n % hiccups.length] ?? (hiccups[0] as (typeof hiccups)[number])
    for (const [place, cluster] of clusters.entries()) {
      if (n % 3 !== 0 && place !== n % clusters.length) continue
      const actor: Actor = { kind, namespace: 'flux-system', name: `${name}-${n % 4}` }
      const from = n * 69 * minute + place * 7 * second
      const lastsMs = n % 5 === 4 ? (3 + n) * minute : (15 + ((n * 41 + place * 13) % 100)) * second
      for (let at = 0; at < lastsMs; at += 40 * second) {
        add(from + at, cluster, actor, { severity: 'error', reason, message }, /misbehaving|503|timeout/)
      }
      add(from + lastsMs, cluster, actor, over)
    }
  }
}

/** A push and what each cluster makes of it within half a minute; pushes after 10:00 also bring new charts. */
function roll(add: Add, { from, sha, subject }: (typeof rollouts)[number]): void {
  const revision = `main@sha1:${sha}`
  for (const [place, cluster] of clusters.entries()) {
    const begin = from + place * 40 * second
    const fleet: Actor = { kind: 'GitRepository', namespace: 'flux-system', name: 'fleet' }
    add(begin, cluster, fleet, {
      reason: 'NewArtifact',
      message: `stored artifact for commit '${subject}'`,
      metadata: { revision }
    })
    for (const [n, actor] of kustomizations.entries()) {
      const at = begin + 2 * second + n * 400
      add(at, cluster, actor, applied(actor, revision))
      add(at + 300, cluster, actor, reconciled(revision))
    }
    if (from > 10 * hour) {
      for (const [n, actor] of releases.entries()) {
        add(begin + 14 * second + n * 700, cluster, actor, upgraded(actor, `18.${n}.${place}`, n + 3))
      }
    }
  }
}

/** The event as `cluster` posts it, with the metadata that its Alert adds. */
function wire(at: number, cluster: string, actor: Actor, saying: Saying): WireEvent {
  const { namespace } = actor
  const team = teams.includes(namespace) ? namespace : 'platform'
  const metadata = { cluster, summary: `Fleet of ${cluster}`, team, ...saying.metadata }
  return say(actor, at, { ...saying, metadata })
}

/** Posts the events of a day that began at `start`, in ms, each at its time, and lets the rest of the day pass. */
export async function live(relay: VirtualRelay, day: readonly Moment[], start: number): Promise<void> {
  for (const { at, event } of day) {
    await relay.pass(start + at - relay.clock.now())
    await relay.post(event)
  }
  await relay.pass(Math.max(0, start + dayMs - relay.clock.now()))
}
