// Day: scripts a day in a cluster: deployments, a release that will not come up, a repository that somebody deletes.
import type { WireEvent } from '../events/flux.ts'
import { type Actor, applied, finished, rolledBack, say, unhealthy, upgraded, upgradeFailed, waits } from './flux.ts'

/** An event, and when it is posted, in ms since 1970. */
export interface Moment {
  at: number
  event: WireEvent
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute

export const dayMs = 24 * hour

const teams = ['payments', 'search', 'shop', 'media', 'identity', 'reports']
const services = ['api', 'worker', 'web', 'cron', 'cache', 'gateway']

const configs: Actor = { kind: 'Kustomization', namespace: 'flux-system', name: 'infra-configs' }
const controllers: Actor = { kind: 'Kustomization', namespace: 'flux-system', name: 'infra-controllers' }
const tenants: Actor = { kind: 'Kustomization', namespace: 'flux-system', name: 'tenants' }
const flux: Actor = { kind: 'Kustomization', namespace: 'flux-system', name: 'flux-system' }
const apps = teams.flatMap((namespace) =>
  services.map((service): Actor => ({ kind: 'Kustomization', namespace, name: `${namespace}-${service}` }))
)
/** Forty Kustomizations, with an interval of ten minutes each. */
const kustomizations = [flux, controllers, configs, tenants, ...apps]

const fleet: Actor = { kind: 'GitRepository', namespace: 'flux-system', name: 'fleet' }
const ledger: Actor = { kind: 'HelmRelease', namespace: 'payments', name: 'ledger' }
const indexer: Actor = { kind: 'HelmRelease', namespace: 'search', name: 'indexer' }
const charts: Actor = { kind: 'HelmRepository', namespace: 'flux-system', name: 'charts' }
const helmCharts = Array.from(
  { length: 150 },
  (_, n): Actor => ({
    kind: 'HelmChart',
    namespace: 'flux-system',
    name: `${teams[n % teams.length]}-${services[Math.floor(n / teams.length) % services.length]}-${Math.floor(n / 36) + 1}`
  })
)

const commits = [
  { from: 0, sha: '8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c' },
  { from: 92 * minute, sha: '4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a', subject: 'shop: new checkout' },
  {
    from: 18 * hour + 2 * minute,
    sha: 'a61e0c5d2f9b47718c3e6d05b1f2a4978de03c11',
    subject: 'media: transcode in the worker'
  },
  {
    from: 18 * hour + 26 * minute,
    sha: '731f7eaddfb6af01cb2173e18f0f75b0ba780ef1',
    subject: 'media: give the worker its memory'
  }
]

function revisionAt(since: number): string {
  return `main@sha1:${commits.findLast(({ from }) => from <= since)?.sha}`
}

/** Everything that is posted in the day that begins at `start`, in order. */
export function createDay(start: number): Moment[] {
  const moments: Moment[] = []
  const add: Add = (since, actor, saying) =>
    moments.push({ at: start + since, event: say(actor, start + since, saying) })

  heartbeats(add)
  deployments(add)
  failedDeployment(add)
  stubbornRelease(add, start)
  deletedRepository(add)
  brokenDependency(add)
  stillGoingOn(add, start)
  return moments.sort((a, b) => a.at - b.at)
}

type Add = (since: number, actor: Actor, saying: Parameters<typeof say>[2]) => void

/** True while objects fail or wait, or a push has just set them off: then they do not finish at their interval. */
function isBusy(actor: Actor, since: number): boolean {
  const isWithin = (from: number, to: number) => since >= from && since < to
  if (actor === configs || dependents.includes(actor)) return isWithin(14 * hour, 14.45 * hour)
  if (actor === worker) return isWithin(18 * hour, 18.5 * hour)
  return false
}

function heartbeats(add: Add): void {
  for (let since = 0; since < dayMs; since += 10 * minute) {
    for (const [index, actor] of kustomizations.entries()) {
      const at = since + index * 200
      const revision = revisionAt(since)
      if (!isBusy(actor, since)) add(at, actor, finished(revision, 400 + ((since / minute + index * 37) % 900)))
    }
  }
}

/** After a push, all that follow the repository have it within seconds; some of them change something. */
function deployments(add: Add): void {
  for (const { from, sha, subject } of commits) {
    if (subject === undefined) continue
    const revision = `main@sha1:${sha}`
    add(from, fleet, {
      reason: 'NewArtifact',
      message: `stored artifact for commit '${subject}'`,
      metadata: { revision }
    })
    for (const [index, actor] of kustomizations.entries()) {
      const at = from + 2 * second + index * 150
      if (index % 4 === 0) add(at, actor, applied(actor, revision))
      if (!isBusy(actor, at)) add(at + 500, actor, finished(revision, 700 + index * 13))
    }
  }
}

const worker: Actor = apps.find(({ name }) => name === 'media-worker') ?? flux

/** The second push breaks one of them; the third repairs it. */
function failedDeployment(add: Add): void {
  const broken = revisionAt(18.1 * hour)
  for (let n = 0; n < 6; n++) {
    const since = 18 * hour + 5 * minute + n * 4 * minute
    add(since, worker, unhealthy(worker, broken, `3m0.0${n + 1}s`))
  }
  const fixed = revisionAt(18.5 * hour)
  add(18.5 * hour, worker, {
    reason: 'Progressing',
    message: 'Health check passed in 21.4s',
    metadata: { revision: fixed }
  })
  add(18.5 * hour + second, worker, finished(fixed, 22_310))
}

/** An upgrade that is tried and rolled back every twelve minutes for five hours and a half. */
function stubbornRelease(add: Add, start: number): void {
  const begin = 3.2 * hour
  const tries = 28
  for (let n = 0; n < tries; n++) {
    const since = begin + n * 12 * minute
    add(since, ledger, upgradeFailed(ledger, '3.14.1', start + since))
    add(since + 20 * second, ledger, rolledBack(ledger, 18 + 2 * n))
  }
  add(begin + tries * 12 * minute, ledger, upgraded(ledger, '3.14.2', 18 + 2 * tries))
}

/** A hundred and fifty charts of one repository, which is gone for forty minutes. */
function deletedRepository(add: Add): void {
  const message = 'failed to get source: HelmRepository.source.toolkit.fluxcd.io "charts" not found'
  for (let since = 0; since < 40 * minute; since += 5 * minute + 10 * second) {
    for (const [index, chart] of helmCharts.entries()) {
      add(10 * hour + since + index * 20, chart, { severity: 'error', reason: 'SourceUnavailable', message })
    }
  }
  const back = 10 * hour + 42 * minute
  add(back, charts, {
    reason: 'NewArtifact',
    message: "stored fetched index of size 1.204MB from 'https://charts.example.com'"
  })
  for (const [index, chart] of helmCharts.entries()) {
    const version = `${1 + (index % 4)}.${index % 9}.0`
    add(back + 3 * second + index * 20, chart, {
      reason: 'ChartPullSucceeded',
      message: `pulled '${chart.name.slice(0, -2)}' chart with version '${version}'`,
      metadata: { revision: version }
    })
  }
}

const dependents = apps.filter(({ name }) => ['identity-api', 'identity-web', 'shop-gateway'].includes(name))

/** One Kustomization cannot be applied for 25 minutes, and three others depend on it. */
function brokenDependency(add: Add): void {
  const revision = revisionAt(14 * hour)
  for (let since = 0; since < 25 * minute; since += 6 * minute) {
    add(14 * hour + minute + since, configs, {
      severity: 'error',
      reason: 'ReconciliationFailed',
      message:
        'ClusterIssuer/letsencrypt dry-run failed: failed calling webhook "webhook.cert-manager.io": no endpoints available for service "cert-manager-webhook"',
      metadata: { revision }
    })
    for (const actor of dependents) add(14 * hour + 2 * minute + since, actor, waits(revision))
  }
  for (const actor of [configs, ...dependents]) add(14.45 * hour, actor, finished(revision, 1820))
}

/** What there is to see on the dashboard at the end of the day. */
function stillGoingOn(add: Add, start: number): void {
  add(22 * hour, fleet, {
    severity: 'error',
    reason: 'GitOperationFailed',
    message: 'failed to checkout and determine revision: unable to clone: remote: Internal Server Error'
  })
  add(22 * hour + 3 * minute, fleet, {
    reason: 'Succeeded',
    message: "stored artifact for commit 'media: give the worker its memory'"
  })
  for (let n = 0; n < 4; n++) {
    const since = 23.3 * hour + n * 10 * minute
    add(since, indexer, upgradeFailed(indexer, '0.9.0', start + since))
  }
}
