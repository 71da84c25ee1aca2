// Helm: the chart makes the same as deploy/ and, whatever its values are, something that Kubernetes accepts.
import { cpSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Alert } from '@kubernetes-models/flux-cd/notification.toolkit.fluxcd.io/v1beta3/Alert'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { patternsOf, stepsOf } from '../fixtures/commands.ts'
import { fc } from '../fixtures/fc.ts'
import { chart, helm, noHelm, render } from '../fixtures/helm.ts'
import { cannotBuild, faultsOf, type Manifest, Manifests, the } from '../fixtures/manifests.ts'
import { tempFolder } from '../fixtures/relay.ts'

const root = join(import.meta.dirname, '..', '..')
const deploy = join(root, 'deploy')
const skip = noHelm
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const image = 'registry.example.com/flux-relay'

/** A user's kustomization of ours, written as deploy/README.md says. */
function kustomized(t: Test, resources: string[], components: string[]): Manifest[] {
  const folder = realpathSync(tempFolder(t))
  const kustomization = {
    resources: resources.map((name) => relative(folder, join(deploy, name))),
    components: components.map((name) => relative(folder, join(deploy, 'components', name))),
    images: [{ name: 'flux-relay', newName: image, newTag: version }]
  }
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
  return new Manifests(folder).all
}

/** By kind and name. Each tool has its own annotation to keep the volume. */
function comparable(manifests: Manifest[]): Record<string, Manifest> {
  const kept = { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' }
  const inHelmsWords = (manifest: Manifest) =>
    manifest.kind === 'PersistentVolumeClaim' && JSON.stringify(manifest).includes(JSON.stringify(kept))
      ? { ...manifest, metadata: { ...manifest.metadata, annotations: { 'helm.sh/resource-policy': 'keep' } } }
      : manifest
  const entries = manifests.map((each) => [`${each.kind}/${each.metadata.name}`, inHelmsWords(each)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

const folders = { base: {}, postgres: { postgres: { enabled: true } } }
const components = [[], ['monitoring'], ['direct'], ['direct', 'monitoring']]

for (const [folder, values] of Object.entries(folders)) {
  for (const added of components) {
    const title = [`deploy/${folder}`, ...added].join(' with ')
    t.test(`the chart makes the same as ${title}, to the last field`, { skip: skip || cannotBuild }, async (t) => {
      const enabled = Object.fromEntries(added.map((name) => [name, { enabled: true }]))
      t.strictSame(comparable(render({ ...values, ...enabled })), comparable(kustomized(t, [folder], added)))
    })
  }
}

t.test('the chart makes the Provider and the Alert of deploy/flux', { skip: skip || cannotBuild }, async (t) => {
  const ofFlux = (manifests: Manifest[]) => manifests.filter(({ kind }) => ['Provider', 'Alert'].includes(kind))
  const rendered = ofFlux(render({ alert: { enabled: true } }))
  t.equal(rendered.length, 2)
  t.strictSame(comparable(rendered), comparable(ofFlux(new Manifests(join(deploy, 'flux')).all)))
})

t.test('an Alert names each kind of each namespace once', { skip }, async (t) => {
  const kinds = ['Kustomization', 'HelmRelease']
  const values = { alert: { enabled: true, namespaces: ['apps', 'flux-system', 'db', 'apps'], kinds } }
  const { eventSources = [] } = the(render(values), Alert).spec ?? {}
  const named = eventSources.map(({ kind, namespace = 'flux-system' }) => `${namespace}/${kind}`)
  t.strictSame(
    named.sort(),
    ['apps', 'db', 'flux-system'].flatMap((namespace) => kinds.map((kind) => `${namespace}/${kind}`)).sort()
  )
})

t.test('helm lint finds nothing wrong with the chart', { skip }, async (t) => {
  const { isFine, out, err } = helm(['lint', chart, '--strict', '--values', '-'], '{}')
  t.ok(isFine, out + err)
  t.notMatch(out, /\[(WARNING|ERROR)\]/)
})

t.test('a packaged chart contains the files that are links here', { skip }, async (t) => {
  const folder = tempFolder(t)
  const { isFine, err } = helm(['package', chart, '--destination', folder])
  t.ok(isFine, err)
  const values = { monitoring: { enabled: true } }
  const packaged = join(folder, `flux-relay-${version}.tgz`)
  t.strictSame(render(values, { folder: packaged }), render(values))
})

t.test('a chart that lost its links says so instead of installing no alerts', { skip }, async (t) => {
  const folder = join(tempFolder(t), 'chart')
  cpSync(chart, folder, { recursive: true })
  rmSync(join(folder, 'files'), { recursive: true })
  t.doesNotThrow(() => render({}, { folder }))
  t.throws(() => render({ monitoring: { enabled: true } }, { folder }), /take the packaged chart/)
})

t.test('helm refuses what the schema refuses', { skip }, async (t) => {
  t.throws(() => render({ postgress: { enabled: true } }), /postgress/)
  t.throws(() => render({ config: { cluster: 'a map' } }), /config/)
  t.doesNotThrow(() => render({ global: { a: 1 }, enabled: true }), 'what a parent chart adds')
})

const refused: readonly (readonly [values: object, says: RegExp])[] = [
  [{ postgres: { replicas: 0 } }, /postgres[./]replicas.*(?:want|equal to) 1/],
  [{ postgres: { port: '5432' } }, /postgres[./]port.*(integer|number)/],
  [{ env: { HTTPS_PROXY: 'http://proxy:3128' } }, /env\b.*array/],
  [{ alert: { namespaces: 'apps' } }, /alert[./]namespaces.*array/],
  [{ image: { digest: 'latest' } }, /image[./]digest.*pattern/],
  [{ image: { pullPolicy: 'always' } }, /image[./]pullPolicy.*(Always|one of)/],
  [{ networkPolicy: { egress: { port: 3128 } } }, /networkPolicy[./]egress.*array/],
  [{ monitoring: { labels: { release: 1 } } }, /monitoring[./]labels[./]release.*string/],
  [{ persistence: { size: '1 GB' } }, /persistence[./]size.*pattern/],
  [{ resources: { limits: { memory: '512 MB' } } }, /resources[./]limits[./]memory.*pattern/],
  [{ podSecurityContext: { runAsUser: 'root' } }, /podSecurityContext[./]runAsUser.*integer/],
  [{ existingSecret: 'mine' }, /existingSecret/],
  [{ persistence: { size: '500K' } }, /persistence[./]size.*pattern/],
  [{ persistence: { size: '1.2.3Gi' } }, /persistence[./]size.*pattern/],
  // An empty value in a user's file removes the chart's value.
  [{ secret: null }, /secret is required|'secret'/],
  [{ postgres: null }, /postgres is required|'postgres'/],
  [{ flux: { namespace: null } }, /namespace is required|'namespace'/],
  [{ networkPolicy: { enabled: null } }, /enabled is required|'enabled'/],
  [{ alert: { enabled: true, kinds: null } }, /kinds is required|'kinds'/],
  // The result of `--set env[0].value=5`.
  [{ env: [{ name: 'MAX_PENDING', value: 5 }] }, /env[./]0[./]value.*string/],
  [{ env: [{ name: 'A' }, { name: 'A' }] }, /env names A twice: take one out/],
  [
    { image: { repository: 'r.example.org:5000/relay:1.0' } },
    /image.repository ends in :1.0: a tag belongs into image.tag/
  ],
  [{ image: { repository: 'https://r.example.org/relay' } }, /image[./]repository.*pattern/],
  [{ image: { repository: 'r.example.org/Acme/relay' } }, /image[./]repository.*pattern/],
  [{ monitoring: { labels: { 'app.kubernetes.io/name': 'mine' } } }, /monitoring[./]labels[./]app.kubernetes.io/],
  [{ podLabels: { 'app.kubernetes.io/name': 'mine' } }, /podLabels[./]app.kubernetes.io/],
  [{ env: [{ name: 'PORT', value: '9000' }] }, /env names PORT, but probes, the Service and policies lead to 8000/],
  [{ resources: { limits: { memory: '512m' } } }, /resources[./]limits[./]memory.*pattern/],
  [{ alert: { namespaces: ['team.a'] } }, /alert[./]namespaces[./]0.*pattern/],
  [
    { volumes: [{ name: 'config', emptyDir: {} }] },
    /volumes names config, which is the relay's own: take another name/
  ],
  [
    { volumeMounts: [{ name: 'scratch', mountPath: '/data/' }] },
    /volumeMounts has something at \/data\/, where the relay has its own: take another mountPath/
  ]
]

t.test('a nonsensical value is refused by its name, with what it should be', { skip }, async (t) => {
  for (const [values, says] of refused) t.throws(() => render(values), says, JSON.stringify(values))
})

t.test('the same Secret is named everywhere', { skip }, async (t) => {
  const manifests = render({ secret: 'mine', postgres: { enabled: true }, alert: { enabled: true } })
  const text = JSON.stringify(manifests)
  const named = [...text.matchAll(/"(?:secretRef|secretKeyRef)":\{[^}]*"name":"([^"]+)"/g)].map(([, name]) => name)
  t.strictSame(named, ['mine', 'mine', 'mine', 'mine'])
})

t.test('a variable is set once, and `env` wins for the database and the key', { skip }, async (t) => {
  const valueFrom = { secretKeyRef: { name: 'database-app', key: 'uri' } }
  const env = [
    { name: 'DATABASE_URL', valueFrom },
    { name: 'FLUX_HMAC_KEY', value: 'k' }
  ]
  for (const enabled of [true, false]) {
    const { spec } = the(render({ env, postgres: { enabled } }), Deployment)
    const variables = spec?.template.spec?.containers[0]?.env ?? []
    t.strictSame(variables.map(({ name }) => name).sort(), ['DATABASE_URL', 'FLUX_HMAC_KEY', 'PORT'])
    t.strictSame(variables.find(({ name }) => name === 'DATABASE_URL')?.valueFrom, valueFrom)
  }
  const folder = chartWithNotes(t)
  const needs = (values: object) => /with `token`(, DATABASE_URL)?/.exec(notesOf(render(values, { folder })))?.[0]
  t.equal(needs({ env, postgres: { enabled: true } }), 'with `token`')
  t.equal(needs({ postgres: { enabled: true } }), 'with `token`, DATABASE_URL')
})

t.test(
  'whatever a release is called, its Service gets a valid name, or the user is told what to set',
  { skip },
  async (t) => {
    for (const release of ['my.relay', `${'a'.repeat(50)}--b`, `${'a'.repeat(51)}.b`, 'a'.repeat(53)]) {
      for (const { metadata, kind } of render({ postgres: { enabled: true } }, { release }))
        t.match(metadata.name, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, `${kind} of ${release}`)
    }
    t.throws(() => render({}, { release: '2relay' }), /begins with a digit: set fullnameOverride/)
    t.doesNotThrow(() => render({ fullnameOverride: 'relay2' }, { release: '2relay' }))
  }
)

t.test('an image can be given by its digest', { skip }, async (t) => {
  const digest = `sha256:${'a'.repeat(64)}`
  const { spec } = the(render({ image: { repository: 'r.example.org/relay', digest } }), Deployment)
  t.equal(spec?.template.spec?.containers[0]?.image, `r.example.org/relay:${version}@${digest}`)
})

t.test(
  'the node of a single relay on PostgreSQL can be drained, and the relay may reach the database',
  { skip },
  async (t) => {
    const manifests = render({ postgres: { enabled: true, replicas: 1, port: 6432 } })
    t.match(the(manifests, PodDisruptionBudget).spec, { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
    t.strictSame(the(manifests, NetworkPolicy, 'flux-relay-postgres').spec?.egress, [{ ports: [{ port: 6432 }] }])
  }
)

t.test('a changed config changes the ConfigMap and nothing else: the relay follows it', { skip }, async (t) => {
  const [one = [], other = []] = ['cluster: a\n', 'cluster: b\n'].map((config) => render({ config }))
  const changed = one.filter((manifest, at) => !isDeepStrictEqual(manifest, other[at])).map(({ kind }) => kind)
  t.strictSame(changed, ['ConfigMap'])
})

for (const [what, values, cluster] of [
  ['the config says', { config: 'cluster: prod-eu\n' }, 'prod-eu'],
  ['the alert says', { config: 'cluster: prod-eu\n', alert: { cluster: 'other' } }, 'other'],
  ['nobody says', { config: 'rules: []\n' }, undefined],
  ['the config says with a space', { config: 'cluster: "prod-eu "\n' }, 'prod-eu'],
  ['the relay reads as a text, Helm as a boolean', { config: 'cluster: yes\n' }, undefined],
  ['the relay reads as a text, Helm as a number', { config: 'cluster: 1_000\n' }, undefined],
  ['the environment of the relay says', { config: 'cluster: ${CLUSTER}\n' }, undefined],
  ['a config that is no YAML does not say', { config: 'a: b: c\n' }, undefined]
] as const) {
  t.test(`the Alert has the cluster that ${what}`, { skip }, async (t) => {
    const alert = { enabled: true, ...('alert' in values ? values.alert : {}) }
    const { spec } = the(render({ ...values, alert }), Alert)
    t.equal(spec?.eventMetadata?.['cluster'], cluster)
  })
}

/** The chart with helm's notes as a ConfigMap, because helm prints notes only with a cluster. */
function chartWithNotes(t: Test): string {
  const folder = join(tempFolder(t), 'chart')
  cpSync(chart, folder, { recursive: true })
  const template = '{{ include (print .Template.BasePath "/NOTES.txt") . | quote }}'
  const manifest = `{ apiVersion: v1, kind: ConfigMap, metadata: { name: notes }, data: { notes: ${template} } }`
  writeFileSync(join(folder, 'templates', 'notes.yaml'), manifest)
  return folder
}

const notesOf = (manifests: Manifest[]) => the(manifests, ConfigMap, 'notes').data?.['notes'] ?? ''

t.test('the notes after the installation have the right names', { skip }, async (t) => {
  const notes = notesOf(
    render({ postgres: { enabled: true } }, { release: 'mine', namespace: 'relays', folder: chartWithNotes(t) })
  )
  for (const part of ['Secret flux-relay in relays', 'DATABASE_URL', 'http://mine.relays.svc/webhook'])
    t.match(notes, part)
  for (const [, name] of notes.matchAll(/ deployment[ /](\S+)/g)) t.equal(name, 'mine')
})

t.test(
  'the commands on the page install the relay and its Alert, and print what the page shows',
  { skip },
  async (t) => {
    const folder = tempFolder(t)
    const withNotes = chartWithNotes(t)
    writeFileSync(join(folder, 'config.yaml'), 'cluster: mine\n')
    const steps = stepsOf('deploy/chart/README.md')
    const installing = steps.flatMap(({ commands }) => /^helm upgrade --install [\s\S]*?(?<!\\)$/m.exec(commands) ?? [])
    t.equal(installing.length, 2, 'what was published, and a checkout')
    for (const command of installing) {
      const [, , , name = '', , ...flags] = command.replaceAll('\\\n', ' ').match(/'[^']*'|\S+/g) ?? []
      const args = flags.map((flag) =>
        flag.replace(/^'(.*)'$/, '$1').replace('config.yaml', join(folder, 'config.yaml'))
      )
      const { isFine, out, err } = helm(['template', name, withNotes, ...args])
      t.ok(isFine, err)
      const manifests = parseAllDocuments(out).map((document): Manifest => document.toJS())
      const alert = the(manifests, Alert)
      t.strictSame(alert.spec?.eventMetadata, { cluster: 'mine' })
      t.ok(alert.spec?.eventSources.some(({ namespace }) => namespace === 'apps'))
      const printed = `NOTES:\n${notesOf(manifests)}`
      for (const pattern of patternsOf(steps[0]?.shown ?? '').slice(0, 3)) t.match(printed, pattern)
    }
  }
)

t.test('two releases in one namespace have nothing in common', { skip }, async (t) => {
  const all = { monitoring: { enabled: true }, direct: { enabled: true }, alert: { enabled: true } }
  const [one, other] = ['one', 'other'].map((release) => render(all, { release }))
  const names = (manifests: Manifest[] = []) => Object.keys(comparable(manifests))
  t.strictSame(
    names(one).filter((name) => names(other).includes(name)),
    []
  )
  t.notMatch(JSON.stringify(other).replaceAll(/"(image|secretRef|secretKeyRef)":("[^"]*"|\{[^}]*\})/g, ''), /"one\b/)
  const own = { matchLabels: { 'app.kubernetes.io/name': 'other' } }
  t.strictSame(the(other ?? [], Deployment, 'other').spec?.selector, own)
  for (const { spec } of (other ?? []).filter(({ kind }) => kind === 'NetworkPolicy') as NetworkPolicy[]) {
    t.strictSame(spec?.podSelector, own)
  }
})

// Texts that YAML, Go templates and shells misread, and what people write.
const word = fc.constantFrom('123', 'true', 'null', 'on', 'a', 'payments', '0x1f', '1e3')
const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '   a: b',
    '{{ .Values.secret }}',
    '${HOME}',
    "it's",
    '"',
    ': ',
    '# no comment',
    '- a',
    '|',
    '\t',
    '%'
  ),
  fc.string({ unit: 'grapheme', maxLength: 30 })
)
const lines = fc
  .array(
    fc.oneof(
      text.map((each) => each.replaceAll(/[\r\n\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/g, '')),
      word
    ),
    {
      minLength: 1,
      maxLength: 5
    }
  )
  .map((all) => all.join('\n'))
  .filter((all) => all.trim() !== '' && all === all.toWellFormed())
// Characters that no YAML line has, but copied text may.
const odd = fc.constantFrom('\u001b[0m', '\u0085', '\u2028', '\u2029', '\ufeff', '\t', '\r')
const oddLines = fc.array(fc.oneof(lines, odd), { minLength: 1, maxLength: 5 }).map((all) => all.join(''))
const config = oddLines.filter((all) => all.trim() !== '')
const variable = fc.record({ name: fc.stringMatching(/^X_[A-Z]{1,8}$/), value: lines })
const generated = fc.record(
  {
    config,
    secret: word,
    env: fc.uniqueArray(variable, { selector: ({ name }) => name, maxLength: 3 }),
    envFrom: fc.constantFrom([], [{ secretRef: { name: 'more' } }]),
    podAnnotations: fc.dictionary(fc.constantFrom('a', 'example.com/b'), lines),
    podLabels: fc.dictionary(fc.constantFrom('a', 'b'), word),
    nodeSelector: fc.dictionary(fc.constantFrom('a', 'b'), word),
    tolerations: fc.constantFrom([], [{ operator: 'Exists' }]),
    priorityClassName: fc.oneof(fc.constant(''), word),
    imagePullSecrets: fc.constantFrom([], [{ name: 'pull' }]),
    image: fc.record({
      repository: fc.constant('images.example.org:5000/relay'),
      tag: fc.constantFrom('', '1.0', '1e3', '007'),
      digest: fc.constantFrom('', `sha256:${'0'.repeat(64)}`),
      pullPolicy: fc.constantFrom('', 'Always')
    }),
    persistence: fc.record({
      size: fc.constantFrom('1Gi', '1000000000', '1.5Ti'),
      storageClassName: fc.oneof(fc.constant(''), word),
      existingClaim: fc.oneof(fc.constant(''), word)
    }),
    postgres: fc.record({ enabled: fc.boolean(), replicas: fc.integer({ min: 1, max: 9 }), port: fc.constant(6432) }),
    flux: fc.record({ namespace: word }),
    alert: fc.record({ enabled: fc.boolean(), cluster: lines, namespaces: fc.array(word, { maxLength: 3 }) }),
    direct: fc.record({ enabled: fc.boolean() }),
    monitoring: fc.record({
      enabled: fc.boolean(),
      namespace: word,
      labels: fc.dictionary(fc.constant('release'), word)
    }),
    networkPolicy: fc.record({
      enabled: fc.boolean(),
      ingress: fc.constantFrom([], [{ ports: [{ port: 'http' }] }]),
      egress: fc.constantFrom([], [{ ports: [{ port: 3128 }] }])
    }),
    volumes: fc.constantFrom([], [{ name: 'ca', secret: { secretName: 'ca' } }]),
    volumeMounts: fc.constantFrom([], [{ name: 'ca', mountPath: '/ca' }])
  },
  { requiredKeys: [] }
)

t.test('whatever the values are, Kubernetes accepts the result, and it says what they say', { skip }, async (t) => {
  const property = fc.property(generated, fc.constantFrom('flux-relay', 'relay2'), (values, release) => {
    const manifests = render(values, { release, namespace: 'ns' })
    const faults = manifests.flatMap((manifest) => faultsOf(manifest))
    if (faults.length > 0) throw new Error(faults.join('\n'))
    const { spec } = the(manifests, Deployment, release)
    const pod = spec?.template.spec
    const [container] = pod?.containers ?? []
    const isOnPostgres = values.postgres?.enabled === true
    const claim = values.persistence?.existingClaim
    const expected = {
      namespaces: manifests.map(() => 'ns'),
      config: values.config === undefined ? undefined : `${values.config.trimEnd()}\n`,
      secrets: [values.secret ?? 'flux-relay', ...(values.envFrom ?? []).map(({ secretRef }) => secretRef.name)],
      env: (values.env ?? []).map(({ value }) => value),
      annotations: values.podAnnotations ?? {},
      replicas: isOnPostgres ? values.postgres?.replicas : 1,
      hasVolume: !isOnPostgres,
      makesVolume: !isOnPostgres && !claim,
      hasPolicies: values.networkPolicy?.enabled !== false,
      isRestricted: true,
      cluster: values.alert?.enabled ? values.alert.cluster : undefined
    }
    const config = the(manifests, ConfigMap, release).data?.['config.yaml']
    const found = {
      namespaces: manifests.map(({ metadata }) => metadata.namespace),
      config: values.config === undefined ? undefined : `${config?.trimEnd()}\n`,
      secrets: container?.envFrom?.map(({ secretRef }) => secretRef?.name),
      env: container?.env?.filter(({ name }) => name.startsWith('X_')).map(({ value }) => value),
      annotations: spec?.template.metadata?.annotations ?? {},
      replicas: spec?.replicas,
      hasVolume: pod?.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined),
      makesVolume: manifests.some(({ kind }) => kind === PersistentVolumeClaim.name),
      hasPolicies: manifests.some(({ kind }) => kind === NetworkPolicy.name),
      isRestricted:
        pod?.securityContext?.runAsNonRoot === true && container?.securityContext?.readOnlyRootFilesystem === true,
      cluster: values.alert?.enabled ? the(manifests, Alert, release).spec?.eventMetadata?.['cluster'] : undefined
    }
    // As JSON, in which maps are equal whoever made them.
    if (!isDeepStrictEqual(JSON.parse(JSON.stringify(found)), JSON.parse(JSON.stringify(expected)))) {
      throw new Error(`${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)
    }
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 60 }))
})
