// Manifests of deploy/: fit their schemas, each other, and the program.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, relative } from 'node:path'
import { Kustomization } from '@kubernetes-models/flux-cd/kustomize.toolkit.fluxcd.io/v1/Kustomization'
import { Alert } from '@kubernetes-models/flux-cd/notification.toolkit.fluxcd.io/v1beta3/Alert'
import { Provider } from '@kubernetes-models/flux-cd/notification.toolkit.fluxcd.io/v1beta3/Provider'
import { GitRepository } from '@kubernetes-models/flux-cd/source.toolkit.fluxcd.io/v1/GitRepository'
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { loadConfig } from '../src/config/config.ts'
import { toText } from '../src/render/slack/terminal.ts'
import { composed } from './fixtures/composed.ts'
import { wire } from './fixtures/events.ts'
import { cannotBuild, faultsOf, Manifests } from './fixtures/manifests.ts'
import { tempFolder } from './fixtures/relay.ts'

const root = join(import.meta.dirname, '..')
const deploy = join(root, 'deploy')
const skip = cannotBuild
const imageText = readFileSync(join(root, 'Dockerfile'), 'utf8')
const optionOf = (name: string) => Number(new RegExp(`--${name}=(\\d+)`).exec(imageText)?.[1])
/** Both generations of the heap, the young one being three semi-spaces, and the bodies that arrivals.ts admits at a time. */
const imageMemoryMiB = optionOf('max-old-space-size') + 3 * optionOf('max-semi-space-size') + 64

// Docker's own reading of the file needs Docker; this much can be checked without.
t.test('docker-compose.yml says what the README promises', async (t) => {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
  const { services, volumes } = parse(text, { merge: true })
  const unprofiled = Object.keys(services).filter((name) => services[name].profiles === undefined)
  t.strictSame(unprofiled, ['relay'], 'without a profile there is one relay')
  t.strictSame(Object.keys(volumes), ['data', 'postgres'])
  for (const name of ['relay', 'replicas']) {
    t.match(services[name], { read_only: true, cap_drop: ['ALL'], image: 'flux-relay', build: '.' }, name)
    t.hasProps(services[name].environment, ['ADMIN_TOKEN', 'SLACK_PLATFORM_URL'], name)
  }
  const { replicas, postgres } = services
  const ports = /^127\.0\.0\.1:(\d+)-(\d+)$/.exec(/:-(.*)\}/.exec(replicas.ports[0])?.[1] ?? '')
  t.equal(Number(ports?.[2]) - Number(ports?.[1]) + 1, replicas.deploy.replicas, 'a port for each replica')
  t.equal(replicas.depends_on.postgres.condition, 'service_healthy')
  t.ok(postgres.healthcheck.test.includes(`--username=${postgres.environment.POSTGRES_USER}`))
  const url = new URL(replicas.environment.DATABASE_URL.replace('${POSTGRES_PASSWORD:-}', 'secret'))
  t.match(url, { protocol: 'postgres:', hostname: 'postgres', username: postgres.environment.POSTGRES_USER })
  t.equal(url.password, postgres.environment.POSTGRES_PASSWORD.replace('${POSTGRES_PASSWORD:-}', 'secret'))
  t.notMatch(text, /\$\{[A-Z_]+:?\?/, 'no variable is demanded of those who do not use the profile')
})

// As far as it can be checked without Docker.
t.test('the image says what it is, and needs neither root nor a shell', async (t) => {
  const dockerfile = imageText
  const { description, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const stages = dockerfile.match(/^FROM .*$/gm) ?? []
  t.ok(stages.length > 1 && !/ AS /.test(stages.at(-1) ?? ''), stages.join())
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  const labels = new Map(
    [...last.matchAll(/org\.opencontainers\.image\.(\w+)="(.*?)"/g)].map(([, key, value]) => [key, value])
  )
  const args = ['SOURCE', 'VERSION', 'REVISION']
  t.strictSame(Object.fromEntries(labels), {
    title: 'flux-relay',
    description,
    licenses: license,
    ...Object.fromEntries(args.map((name) => [name.toLowerCase(), `$${name}`]))
  })
  for (const name of args) t.match(last, new RegExp(`^ARG ${name}=`, 'm'))
  t.match(last, /^USER [1-9]\d*:/m)
  t.match(last, /^HEALTHCHECK (?:--\S+ )*\\\n {2}CMD \["node", "-e", /m)
  t.match(last, /^ENTRYPOINT \["node", /m)
})

t.test("the image's health check asks where the relay listens, however its port is written", async (t) => {
  const [command, ...args] = JSON.parse(/^HEALTHCHECK [^\n]*\n {2}CMD (\[.*\])$/m.exec(imageText)?.[1] ?? '[]')
  t.equal(command, 'node')
  const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  for (const PORT of [`${port}`, `${port}\n`, ` ${port}`]) {
    const [code] = await once(spawn(process.execPath, args, { env: { PORT }, stdio: 'ignore' }), 'exit')
    t.equal(code, 0, JSON.stringify(PORT))
  }
  // Something else may listen on 8080 here, so only the address it would ask is checked.
  const [, address] = /fetch\((`[^`]*`)\)/.exec(args.join()) ?? []
  const { stdout } = spawnSync(process.execPath, ['-p', `${address}`], { env: { PORT: '' }, encoding: 'utf8' })
  t.equal(stdout.trim(), 'http://127.0.0.1:8080/healthz')
})

const overlays = {
  base: ['ConfigMap', 'Deployment', 'NetworkPolicy', 'PersistentVolumeClaim', 'Service', 'ServiceAccount'],
  postgres: ['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount'],
  flux: ['Alert', 'GitRepository', 'Kustomization', 'Provider']
}

for (const [folder, kinds] of Object.entries(overlays)) {
  t.test(`deploy/${folder} is accepted by Kubernetes`, { skip }, async (t) => {
    const { all } = new Manifests(join(deploy, folder))
    t.strictSame([...new Set(all.map(({ kind }) => kind))].sort(), kinds)
    for (const manifest of all) {
      t.strictSame(faultsOf(manifest), [], `${manifest.kind}/${manifest.metadata.name}`)
      t.equal(manifest.metadata.namespace, 'flux-system')
    }
  })
}

t.test('the check of manifests would find a misspelt field and a wrong value', async (t) => {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } }
  t.strictSame(faultsOf({ ...service, spec: { prots: [] } } as never), ['unknown field /spec/prots'])
  t.match(faultsOf({ ...service, spec: { ports: [{ port: 'http' }] } } as never), [/port/])
  t.match(faultsOf({ ...service, kind: 'Serivce' }), [/no schema/])
})

for (const folder of ['base', 'postgres']) {
  t.test(`deploy/${folder} passes the restricted Pod Security Standard`, { skip }, async (t) => {
    const pod = new Manifests(join(deploy, folder)).the(Deployment).spec?.template.spec
    t.match(pod?.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    t.ok(Number(pod?.securityContext?.runAsUser) > 0)
    for (const key of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers'] as const) t.notOk(pod?.[key], key)
    for (const { securityContext, ports = [] } of pod?.containers ?? []) {
      t.strictSame(securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] }
      })
      for (const { hostPort } of ports) t.equal(hostPort, undefined)
    }
    const volumeKinds = (pod?.volumes ?? []).flatMap(({ name, ...source }) => Object.keys(source))
    for (const kind of volumeKinds) t.ok(['configMap', 'persistentVolumeClaim'].includes(kind), kind)
    t.equal(pod?.automountServiceAccountToken, false, 'and gets no token')
  })

  t.test(`the parts of deploy/${folder} belong together`, { skip }, async (t) => {
    const manifests = new Manifests(join(deploy, folder))
    const { spec } = manifests.the(Deployment)
    const labels = spec?.template.metadata?.labels ?? {}
    const container = spec?.template.spec?.containers[0]
    const port = container?.ports?.find(({ name }) => name === 'http')?.containerPort
    const variables = new Map(container?.env?.map((entry) => [entry.name, entry]))
    t.equal(variables.get('PORT')?.value, String(port))
    t.not(port, 8080, "Flux's allow-scraping opens 8080 to every namespace")
    t.match(labels, spec?.selector.matchLabels ?? {})
    const { selector, ports } = manifests.the(Service).spec ?? {}
    t.match(labels, selector ?? {})
    t.strictSame(ports, [{ name: 'http', port: 80, targetPort: 'http' }])
    t.equal(spec?.template.spec?.serviceAccountName, manifests.the(ServiceAccount).metadata?.name)
    t.equal(manifests.the(ServiceAccount).automountServiceAccountToken, false)
    t.match(container, {
      startupProbe: { httpGet: { path: '/healthz', port: 'http' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
      livenessProbe: { httpGet: { path: '/healthz', port: 'http' } },
      resources: { requests: { cpu: String, memory: String }, limits: { memory: String } }
    })
    const { failureThreshold = 0, periodSeconds = 0 } = container?.startupProbe ?? {}
    t.ok(failureThreshold * periodSeconds >= 900, 'an upgrade has the time to change a database of many gigabytes')
    t.ok(imageMemoryMiB < Number.parseInt(String(container?.resources?.limits?.['memory']), 10), 'heap and buffers fit')
    t.match(labels, manifests.the(NetworkPolicy).spec?.podSelector?.matchLabels ?? {})
    const fromFlux = {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'flux-system' } },
      podSelector: { matchLabels: { app: 'notification-controller' } }
    }
    const [ingress] = manifests.the(NetworkPolicy).spec?.ingress ?? []
    t.strictSame(ingress?.from, [fromFlux], 'kustomize has left the other side alone')
    t.strictSame(ingress?.ports, [{ port: 'http' }])
    const volumes = new Map(spec?.template.spec?.volumes?.map((volume) => [volume.name, volume]))
    const mounts = new Map(container?.volumeMounts?.map(({ name, mountPath }) => [mountPath, volumes.get(name)]))
    t.equal(mounts.size, volumes.size)
    t.equal(mounts.get('/etc/flux-relay')?.configMap?.name, manifests.the(ConfigMap).metadata?.name)
    const secret = { name: 'flux-relay' }
    t.match(variables.get('FLUX_HMAC_KEY')?.valueFrom?.secretKeyRef, { ...secret, key: 'token' })
    t.strictSame(container?.envFrom, [{ secretRef: secret }])
  })
}

t.test('the embedded database comes with one relay and a volume that it can write to', { skip }, async (t) => {
  const { spec } = new Manifests(join(deploy, 'base')).the(Deployment)
  t.match(spec, { replicas: 1, strategy: { type: 'Recreate' } })
  const { securityContext, volumes = [], containers = [] } = spec?.template.spec ?? {}
  t.equal(securityContext?.fsGroup, securityContext?.runAsGroup)
  t.match(volumes, [{ configMap: {} }, { name: 'data', persistentVolumeClaim: { claimName: 'flux-relay' } }])
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
  for (const { mountPath, readOnly } of containers[0]?.volumeMounts ?? []) {
    t.ok(dockerfile.includes(readOnly ? `CONFIG_FILE=${mountPath}/config.yaml` : `DATABASE_URL=sqlite:${mountPath}/`))
  }
})

t.test("the pod that restores a backup is accepted by the namespace, and uses the relay's volume", async (t) => {
  const page = readFileSync(join(root, 'docs', 'operations.md'), 'utf8')
  const pod = parse(/<<POD\n(.*?)\nPOD\n/s.exec(page)?.[1] ?? '')
  t.strictSame(faultsOf(pod), [])
  t.match(pod.spec, {
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
    volumes: [{ persistentVolumeClaim: { claimName: 'flux-relay' } }]
  })
})

t.test('PostgreSQL comes with several relays, and nothing ties one of them to a node', { skip }, async (t) => {
  const manifests = new Manifests(join(deploy, 'postgres'))
  const { spec } = manifests.the(Deployment)
  const pod = spec?.template
  t.ok(Number(spec?.replicas) >= 2)
  t.match(spec?.strategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } })
  const url = pod?.spec?.containers[0]?.env?.find(({ name }) => name === 'DATABASE_URL')
  t.match(url, { valueFrom: { secretKeyRef: { name: 'flux-relay', key: 'DATABASE_URL' } } })
  t.match(pod?.metadata?.labels, manifests.the(PodDisruptionBudget).spec?.selector?.matchLabels ?? {})
  for (const { labelSelector } of pod?.spec?.topologySpreadConstraints ?? []) {
    t.match(pod?.metadata?.labels, labelSelector?.matchLabels ?? {})
  }
  const { egress } = manifests.the(NetworkPolicy, 'flux-relay-postgres').spec ?? {}
  t.strictSame(egress, [{ ports: [{ port: 5432 }] }])
})

// What the Deployment takes from the Secret.
const environment = { FLUX_HMAC_KEY: 'key', SLACK_PLATFORM_URL: 'https://hooks.slack.com/services/T/B/x' }

/** Returns the name of its cluster if nothing is wrong with the config. */
function clusterOf(t: Test, manifests: Manifests): string | undefined {
  const { data = {}, metadata } = manifests.the(ConfigMap)
  t.match(metadata?.annotations, { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' })
  const { config, problems } = loadConfig(data['config.yaml'] ?? '', 'config.yaml', environment)
  t.strictSame(problems, [])
  return config?.cluster
}

/** A user's kustomization on top of ours. */
function overlay(
  t: Test,
  kustomization: object,
  files: Record<string, string> = {},
  component = 'monitoring'
): Manifests {
  const folder = realpathSync(tempFolder(t))
  const ours = (name: string) => relative(folder, join(deploy, name))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const base = { resources: [ours('base')], components: [ours(`components/${component}`)] }
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ ...base, ...kustomization }))
  return new Manifests(folder)
}

t.test('the README leads to a relay with your own config and image', { skip }, async (t) => {
  const readme = readFileSync(join(deploy, 'README.md'), 'utf8')
  const { resources: _, ...theirs } = parse(/```yaml\n(.*?)```/s.exec(readme)?.[1] ?? '')
  const text = readFileSync(join(deploy, 'base', 'config.yaml'), 'utf8').replace('my-cluster', 'theirs')
  const manifests = overlay(t, theirs, { 'config.yaml': text })
  t.equal(clusterOf(t, new Manifests(join(deploy, 'base'))), 'my-cluster')
  t.equal(clusterOf(t, manifests), 'theirs', 'under the same name')
  t.match(manifests.the(Deployment).spec?.template.spec?.containers[0]?.image, /^registry\.example\.com\/flux-relay:/)
  const keys = [...readme.matchAll(/--from-literal=(\w+)/g)].map(([, key = '']) => key)
  for (const key of ['token', 'SLACK_PLATFORM_URL']) t.ok(keys.includes(key), `and to a Secret with ${key}`)
})

t.test('getting started applies what the page shows, and the message is as the page says', { skip }, async (t) => {
  const page = readFileSync(join(root, 'docs', 'getting-started.md'), 'utf8')
  const [mine, kustomization] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text)
  const folder = realpathSync(tempFolder(t))
  writeFileSync(join(folder, 'config.yaml'), mine ?? '')
  const { resources, ...theirs } = parse(kustomization ?? '')
  t.strictSame(resources, ['../deploy/base'])
  const ours = relative(folder, join(deploy, 'base'))
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ ...theirs, resources: [ours] }))
  const manifests = new Manifests(folder)
  const flux = ['provider', 'alert'].map((name) => parse(readFileSync(join(deploy, 'flux', `${name}.yaml`), 'utf8')))
  const printed = [...manifests.all, ...flux].map(({ apiVersion, kind, metadata }) => {
    const group = apiVersion.replace(/\/?[^/]+$/, '')
    return `${kind.toLowerCase()}${group && `.${group}`}/${metadata.name} created`
  })
  t.strictSame(page.match(/^(?!secret|gitrepository).*\/flux-relay created$/gm), printed)
  t.equal(clusterOf(t, manifests), flux[1].spec.eventMetadata.cluster, 'Alert and config call the cluster the same')
  // In the words of source-controller: fluxcd/source-controller internal/reconcile/summarize.
  const [, branch = ''] = /--branch=(\S+) .*--export/.exec(page) ?? []
  const failed = wire({
    involvedObject: { kind: 'GitRepository', namespace: 'flux-system', name: 'podinfo' },
    reason: 'GitOperationFailed',
    message: `failed to checkout and determine revision: unable to clone 'https://github.com/stefanprodan/podinfo': couldn't find remote ref "refs/heads/${branch}"`,
    metadata: { cluster: 'my-cluster' }
  })
  const env = { FLUX_HMAC_KEY: '0123456789abcdef', SLACK_PLATFORM_URL: 'https://hooks.slack.com/services/T0/B0/x' }
  const config = (mine ?? '').replaceAll(/\$\{(\w+)\}/g, (_, name: keyof typeof env) => env[name])
  const [message] = composed(config, [failed]).messages.map(toText)
  const [what, why] = message?.split('\n') ?? []
  t.ok(page.includes(`${what}\n${why}\n`), message ?? 'there is no message')
})

t.test(
  'direct mode: the controllers are admitted, and the patch on its page points them at the relay',
  { skip },
  async (t) => {
    const manifests = overlay(t, { components: [] })
    const direct = overlay(t, {}, {}, 'direct')
    t.strictSame(
      direct.names().filter((name) => !manifests.names().includes(name)),
      ['NetworkPolicy/flux-relay-direct']
    )
    const policy = direct.the(NetworkPolicy, 'flux-relay-direct')
    t.strictSame(faultsOf(policy as never), [])
    t.match(direct.the(Deployment).spec?.template.metadata?.labels, policy.spec?.podSelector?.matchLabels ?? {})
    const [ingress] = policy.spec?.ingress ?? []
    t.strictSame(ingress?.ports, [{ port: 'http' }])
    const [admitted] = (ingress?.from ?? []).flatMap(({ podSelector }) => podSelector?.matchExpressions ?? [])

    const page = readFileSync(join(root, 'docs', 'direct-mode.md'), 'utf8')
    const [source, , patches] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text)
    const folder = realpathSync(tempFolder(t))
    const posting = ['source', 'kustomize', 'helm', 'image-reflector', 'image-automation'].map(
      (kind) => `${kind}-controller`
    )
    // The controller of ArtifactGenerators, whose Deployment has another name (flux2, manifests/bases/source-watcher).
    posting.push('source-watcher')
    const others = ['notification-controller', 'old-source-watcher', 'source-watcher-ui']
    const usual = '--events-addr=http://notification-controller.flux-system.svc.cluster.local./'
    const deployments = [...posting, ...others].map((name) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'flux-system' },
      spec: { template: { spec: { containers: [{ name: 'manager', args: [usual, '--log-level=info'] }] } } }
    }))
    writeFileSync(join(folder, 'gotk.json'), deployments.map((one) => JSON.stringify(one)).join('\n---\n'))
    writeFileSync(join(folder, 'kustomization.yaml'), `resources: [gotk.json]\n${patches}`)
    const flux = new Manifests(folder)
    const argsOf = (name: string) => flux.the(Deployment, name).spec?.template.spec?.containers[0]?.args
    const { metadata } = direct.the(Service)
    const address = `http://${metadata?.name}.${metadata?.namespace}.svc.cluster.local./webhook/direct`
    for (const name of posting) t.equal(argsOf(name)?.at(-1), `--events-addr=${address}`, name)
    for (const name of others) t.strictSame(argsOf(name), [usual, '--log-level=info'], name)
    t.strictSame(admitted?.values, posting.sort())

    const rules = 'destinations: { a: { preview: true } }\nrules: [{ name: failures, send: a }]'
    const { config } = loadConfig(`${source}\n${rules}`, 'config.yaml', environment)
    t.match(config?.sources.get(new URL(address).pathname.split('/').at(-1) ?? ''), { cluster: 'prod-eu' })
  }
)

t.test('the monitoring component scrapes what the Service offers', { skip }, async (t) => {
  const manifests = overlay(t, { namespace: 'elsewhere' })
  for (const manifest of manifests.all) {
    t.strictSame(faultsOf(manifest), [], `${manifest.kind}/${manifest.metadata.name}`)
    t.equal(manifest.metadata.namespace, 'elsewhere')
  }
  const { metadata, data } = manifests.the(ConfigMap, 'flux-relay-dashboard')
  t.match(metadata, { labels: { grafana_dashboard: '1' } })
  t.match(metadata?.annotations, { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' })
  t.equal(JSON.parse(data?.['dashboard.json'] ?? '').uid, 'flux-relay')
  const { selector, endpoints } = manifests.the(ServiceMonitor).spec
  const service = manifests.the(Service)
  t.match(service.metadata?.labels, selector.matchLabels ?? {})
  t.match(endpoints, [{ port: service.spec?.ports?.[0]?.name, path: '/metrics' }])
  t.match(manifests.the(NetworkPolicy, 'flux-relay-metrics').spec?.ingress, [{ ports: [{ port: 'http' }] }])
})

t.test('Flux installs these manifests with the image and config of their Kustomization', { skip }, async (t) => {
  const flux = new Manifests(join(deploy, 'flux'))
  const { metadata, spec } = flux.the(Kustomization)
  t.match(metadata?.annotations, { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' })
  t.strictSame(spec?.sourceRef, { kind: 'GitRepository', name: 'flux-relay' })
  t.equal(spec?.path, './deploy/base')
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.strictSame(flux.the(GitRepository).spec?.ref, { tag: `v${version}` })
  t.match(spec?.images, [{ name: 'flux-relay', newTag: version }])
  // As kustomize-controller does it.
  const manifests = overlay(t, { images: spec?.images, patches: spec?.patches })
  t.match(manifests.the(Deployment).spec?.template.spec?.containers, [
    { image: /^registry\.example\.com\/flux-relay:/ }
  ])
  t.equal(clusterOf(t, manifests), flux.the(Alert).spec?.eventMetadata?.['cluster'])
})

t.test("Flux posts all its events to the Service, signed with the relay's key", { skip }, async (t) => {
  const flux = new Manifests(join(deploy, 'flux'))
  const { metadata, spec } = new Manifests(join(deploy, 'base')).the(Service)
  t.match(flux.the(Provider).spec, {
    type: 'generic-hmac',
    address: `http://${metadata?.name}.${metadata?.namespace}.svc/webhook`,
    secretRef: { name: 'flux-relay' },
    timeout: '60s'
  })
  t.equal(spec?.ports?.[0]?.port, 80)
  const { providerRef, eventSeverity, eventSources = [] } = flux.the(Alert).spec ?? {}
  t.equal(providerRef?.name, flux.the(Provider).metadata?.name)
  t.equal(eventSeverity, 'info')
  const kinds = [
    ...[
      'ArtifactGenerator',
      'Bucket',
      'ExternalArtifact',
      'GitRepository',
      'HelmChart',
      'HelmRelease',
      'HelmRepository',
      'ImagePolicy',
      'ImageRepository'
    ],
    ...['ImageUpdateAutomation', 'Kustomization', 'OCIRepository']
  ]
  t.strictSame(eventSources.map(({ kind }) => kind).sort(), kinds)
  for (const { name } of eventSources) t.equal(name, '*')
})
