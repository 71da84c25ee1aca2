// Dependencies: objects that a controller blames in its own sentences, and nothing that only reads like one.
import t from 'tap'
import { blamedBy } from '../src/events/dependency.ts'

const blames = (kind: string, message: string) =>
  blamedBy({ cluster: 'prod', kind, namespace: 'apps', name: 'shop' }, message).map(
    ({ kind, namespace, name }) => `${kind}/${namespace}/${name}`
  )

const named: [kind: string, message: string, blamed: string[]][] = [
  ['Kustomization', "dependency 'apps/db' is not ready", ['Kustomization/apps/db']],
  ['HelmRelease', "dependency 'apps/db' is not ready", ['HelmRelease/apps/db']],
  ['Kustomization', "dependency 'infra/crds' revision is not up to date", ['Kustomization/infra/crds']],
  ['Kustomization', "unable to get 'infra/crds' dependency: not found", ['Kustomization/infra/crds']],
  ['HelmRelease', "'infra/crds' dependency does not exist", ['HelmRelease/infra/crds']],
  ['Terraform', "dependency 'infra/network' is not ready", ['Terraform/infra/network']],
  [
    'ResourceSet',
    'Retrying dependency check: dependency kustomize.toolkit.fluxcd.io/v1/Kustomization/infra/crds not ready: status InProgress',
    ['Kustomization/infra/crds']
  ],
  [
    'ResourceSet',
    'failed to compute inputs: failed to get provider apps/pulls: not found',
    ['ResourceSetInputProvider/apps/pulls']
  ],
  ['HelmRelease', "HelmChart 'flux-system/apps-shop' is not ready", ['HelmChart/flux-system/apps-shop']],
  [
    'HelmRelease',
    "HelmChart 'flux-system/apps-shop' is not ready: no artifact available for HelmRepository source 'podinfo'",
    ['HelmChart/flux-system/apps-shop', 'HelmRepository/flux-system/podinfo']
  ],
  ['Kustomization', "Source 'GitRepository/flux-system/fleet' not found", ['GitRepository/flux-system/fleet']],
  ['Kustomization', "Source 'OCIRepository/shop' is not ready, artifact not found", ['OCIRepository/apps/shop']],
  ['Kustomization', 'GitRepository/flux-system/fleet is not ready', ['GitRepository/flux-system/fleet']],
  ['HelmChart', "no artifact available for HelmRepository source 'podinfo'", ['HelmRepository/apps/podinfo']],
  [
    'Kustomization',
    "health check failed after 5m0.01s: timeout waiting for: [Deployment/apps/web status: 'InProgress', HelmRelease/apps/db status: 'Failed']",
    ['Deployment/apps/web', 'HelmRelease/apps/db']
  ],
  [
    'Kustomization',
    "health check failed after 3s: failed early due to stalled resources: [HelmRelease/apps/db status: 'Failed']",
    ['HelmRelease/apps/db']
  ],
  [
    'ResourceSet',
    "reconciliation failed: timeout waiting for: [HelmRelease/apps/db status: 'InProgress']\nHelmRelease/apps/db status: install retries exhausted",
    ['HelmRelease/apps/db', 'HelmRelease/apps/db']
  ]
]

t.test('what a controller says of a dependency, a source or a health check names an object and its kind', async (t) => {
  for (const [kind, message, blamed] of named) t.same(blames(kind, message), blamed, message)
})

const notNamed = [
  'kustomization path not found: stat /tmp/kustomization-644156964/clusters/apps/shop: no such file or directory',
  'accumulating resources: ./HelmRelease/apps/shop: no such file or directory',
  'image registry.acme.dev/apps/db:9 is blocked by policy apps/db',
  "unable to clone 'https://github.com/apps/db': connection refused",
  'admission webhook "policy.apps/db" denied the request: dependency apps/db is not ready',
  'Dependencies do not meet ready condition, retrying in 30s',
  'Source artifact not found, retrying in 30s',
  "the dependencies 'apps/db' and 'apps/web' are late",
  'secrets "db" is forbidden: User "system:serviceaccount:apps:db" cannot get resource in API group "" in the namespace "apps"',
  'HelmRelease/apps/db configured\nDeployment/apps/db is invalid',
  "HelmRelease/apps/db status: 'Failed'",
  "Helm upgrade failed for release apps/shop.v2 with chart shop@1.0.0: timed out\n\nLast Helm logs:\n\n2026-09-21T14:00:00Z: dependency 'apps/db' is not ready"
]

t.test('a path, an image, an address or a list of changes names none', async (t) => {
  for (const message of notNamed) t.same(blames('Kustomization', message), [], message)
})

t.test('a message made to be slow is handled quickly', async (t) => {
  for (const unit of [
    "dependency 'a/",
    'HelmRelease/a/',
    "Source 'GitRepository/",
    'timeout waiting for: [A/b/',
    ', '
  ]) {
    blames('Kustomization', `dependency not source ${unit.repeat(200_000)}`)
  }
  t.pass()
})
