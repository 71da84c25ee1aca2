// Layouts: manifests as people keep them, with kustomizations and charts around them, are imported as the cluster has them, or
// a line says what prevents that.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { kustomizationsIn, manifestTexts } from '../../src/cli/manifest-files.ts'
import { loadConfig } from '../../src/config/config.ts'
import { configOf } from '../../src/import/config.ts'
import { importFlux } from '../../src/import/import.ts'
import { readManifests } from '../../src/import/manifest.ts'
import { overlay } from '../../src/import/overlays.ts'
import { fc } from '../fixtures/fc.ts'
import { cannotBuild, Manifests } from '../fixtures/manifests.ts'
import { tempFolder } from '../fixtures/relay.ts'

const apiVersion = 'notification.toolkit.fluxcd.io/v1beta3'
const url = 'https://hooks.slack.com/services/T0/B0/s3cr3t'

const provider = (spec: object = {}, metadata: object = {}) => ({
  apiVersion,
  kind: 'Provider',
  metadata: { name: 'slack', ...metadata },
  spec: { type: 'slack', channel: 'ops', secretRef: { name: 'slack-url' }, ...spec }
})
const alert = (spec: object = {}, metadata: object = {}) => ({
  apiVersion,
  kind: 'Alert',
  metadata: { name: 'failures', ...metadata },
  spec: {
    providerRef: { name: 'slack' },
    eventSeverity: 'error',
    eventSources: [{ kind: 'Kustomization', name: '*' }],
    ...spec
  }
})
const kustomization = (fields: object) => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  ...fields
})
const component = (fields: object) => ({
  apiVersion: 'kustomize.config.k8s.io/v1alpha1',
  kind: 'Component',
  ...fields
})

/** The contents of files by path: a text, manifests, or one manifest. */
type Layout = Record<string, string | object | object[]>

const both = { 'alerts.yaml': [provider(), alert()] }
const under = (folder: string, layout: Layout): Layout =>
  Object.fromEntries(Object.entries(layout).map(([path, content]) => [`${folder}/${path}`, content]))

function written(t: Test, layout: Layout): string {
  const folder = tempFolder(t)
  for (const [path, content] of Object.entries(layout)) {
    const documents = [content].flat().map((each) => (typeof each === 'string' ? each : stringify(each)))
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), documents.join('---\n'))
  }
  return folder
}

interface Found {
  /** `Alert → namespace of what it is about` */
  config: ReturnType<typeof parse>
  text: string
  /** With the path below the folder. */
  remarks: string[]
  variables: { name: string; command: string | undefined; what: string }[]
}

async function imported(folder: string, namespace?: string): Promise<Found> {
  const texts = await manifestTexts([folder])
  const { manifests, remarks } = overlay(
    texts.flatMap(({ text, file }) => readManifests(text, file).manifests),
    kustomizationsIn([folder])
  )
  const found = importFlux(manifests, namespace)
  const text = found.takeovers.length === 0 ? '' : configOf(found)
  const all = [...remarks, ...found.remarks].map(({ file, line, message }) => `${file}:${line}: ${message}`)
  return {
    text,
    config: parse(text),
    remarks: all.map((each) => each.replaceAll(`${folder}/`, '')),
    variables: found.targets.map(({ variable }) => variable)
  }
}

/** The result if kustomize itself has built `folder`. */
function kustomized(folder: string): unknown {
  const built = new Manifests(folder).all.map((manifest) => stringify(manifest)).join('---\n')
  return parse(configOf(importFlux(readManifests(built, 'built.yaml').manifests)))
}

const carried: readonly (readonly [what: string, layout: Layout, top?: string])[] = [
  [
    'a namespace for all',
    { ...both, 'kustomization.yaml': kustomization({ namespace: 'team', resources: ['alerts.yaml'] }) }
  ],
  [
    'a namespace in a file that is called Kustomization',
    { ...both, Kustomization: kustomization({ namespace: 'team', resources: ['alerts.yaml'] }) }
  ],
  [
    'a namespace that is not what a manifest says itself',
    {
      'alerts.yaml': [provider({}, { namespace: 'a' }), alert({}, { namespace: 'a' })],
      'kustomization.yaml': kustomization({ namespace: 'b', resources: ['./alerts.yaml'] })
    }
  ],
  [
    'the outermost namespace of several',
    {
      ...under('base', both),
      'base/kustomization.yaml': kustomization({ namespace: 'base', resources: ['alerts.yaml'] }),
      'prod/kustomization.yaml': kustomization({ namespace: 'prod', resources: ['../base/'] })
    },
    'prod'
  ],
  [
    'a component that one kustomization uses',
    {
      ...under('components/alerts', both),
      'components/alerts/kustomization.yaml': component({ resources: ['alerts.yaml'] }),
      'apps/kustomization.yaml': kustomization({ namespace: 'apps', components: ['../components/alerts'] })
    },
    'apps'
  ],
  [
    'patches of what has nothing to do with notifications',
    {
      ...both,
      'kustomization.yaml': kustomization({
        namespace: 'flux-system',
        resources: ['alerts.yaml'],
        patches: [{ target: { kind: 'Deployment' }, patch: '- { op: remove, path: /spec/replicas }' }]
      })
    }
  ],
  [
    'a Secret that is made under its own name',
    {
      ...both,
      'kustomization.yaml': kustomization({
        namespace: 'team',
        resources: ['alerts.yaml'],
        secretGenerator: [{ name: 'slack-url', literals: [`address=${url}`], options: { disableNameSuffixHash: true } }]
      })
    }
  ],
  [
    'a component of two namespaces',
    {
      ...under('alerts', both),
      'alerts/kustomization.yaml': kustomization({ resources: ['alerts.yaml'] }),
      'all/kustomization.yaml': component({ resources: ['../alerts'] }),
      'a/kustomization.yaml': kustomization({ namespace: 'a', components: ['../all'] }),
      'b/kustomization.yaml': kustomization({ namespace: 'b', components: ['../all'] }),
      'kustomization.yaml': kustomization({ resources: ['a', 'b'] })
    }
  ],
  [
    'a token that is made of a file of variables',
    {
      'alerts.yaml': [provider(), alert()],
      'slack.env': '# of the bot\ntoken=xoxb-s3cr3t\n',
      'kustomization.yaml': kustomization({
        namespace: 'team',
        resources: ['alerts.yaml'],
        generatorOptions: { disableNameSuffixHash: true },
        secretGenerator: [{ name: 'slack-url', envs: ['slack.env'] }]
      })
    }
  ]
]

for (const [what, layout, top = '.'] of carried) {
  t.test(`${what}: is imported as kustomize builds it, without remarks`, { skip: cannotBuild }, async (t) => {
    const folder = written(t, layout)
    const { config, remarks, text } = await imported(folder)
    t.strictSame(config, kustomized(join(folder, top)))
    t.strictSame(remarks, [])
    t.notMatch(text, /s3cr3t/)
  })
}

t.test('wherever namespaces are set, the import uses the same as kustomize', { skip: cannotBuild }, async (t) => {
  const namespace = fc.constantFrom(undefined, 'a', 'b', 'c')
  const property = fc.asyncProperty(
    fc.record({ own: namespace, component: namespace, base: namespace, overlay: namespace, isComponent: fc.boolean() }),
    async ({ own, component: ofComponent, base, overlay: outer, isComponent }) => {
      const said = (of: string | undefined) => (of === undefined ? {} : { namespace: of })
      const inner = isComponent ? component : kustomization
      const folder = written(t, {
        'inner/alerts.yaml': [provider({}, said(own)), alert({}, said(own))],
        'inner/kustomization.yaml': inner({ ...said(ofComponent), resources: ['alerts.yaml'] }),
        'base/kustomization.yaml': kustomization({
          ...said(base),
          [isComponent ? 'components' : 'resources']: ['../inner']
        }),
        'prod/kustomization.yml': kustomization({ ...said(outer), resources: ['../base'] })
      })
      const { config, remarks } = await imported(folder)
      t.same(config, kustomized(join(folder, 'prod')))
      const isSaid = (own ?? ofComponent ?? base ?? outer) !== undefined
      t.equal(remarks.length, isSaid ? 0 : 1, remarks.join('\n'))
    }
  )
  await t.resolves(fc.assert(property, { numRuns: 25 }))
})

/** `[what, layout, expected remarks, number of destinations]` */
const said: readonly (readonly [what: string, layout: Layout, remarks: RegExp[], destinations: number])[] = [
  [
    'a patch that changes an Alert is none itself',
    {
      ...both,
      'patch.yaml': { apiVersion, kind: 'Alert', metadata: { name: 'failures' }, spec: { eventSeverity: 'info' } },
      'kustomization.yaml': kustomization({
        namespace: 'team',
        resources: ['alerts.yaml'],
        patches: [{ path: 'patch.yaml' }]
      })
    },
    [/^kustomization\.yaml:\d+: kustomize changes what this lists \(patches\), .*`kubectl kustomize/],
    1
  ],
  [
    'overlays that patch one base are said, each with its command',
    {
      ...under('base', both),
      'base/kustomization.yaml': kustomization({ namespace: 'team', resources: ['alerts.yaml'] }),
      ...Object.fromEntries(
        ['prod', 'staging'].map((name) => [
          `${name}/kustomization.yaml`,
          kustomization({
            resources: ['../base'],
            patches: [{ target: { kind: 'Provider' }, patch: `[{ op: replace, path: /spec/channel, value: ${name} }]` }]
          })
        ])
      )
    },
    [/^prod\/kustomization\.yaml:\d+: .*\(patches\)/, /^staging\/kustomization\.yaml:\d+: .*\(patches\)/],
    1
  ],
  [
    'a merge patch of the old form, and a prefix',
    {
      ...both,
      'kustomization.yaml': kustomization({
        namespace: 'team',
        namePrefix: 'team-',
        resources: ['alerts.yaml'],
        patchesStrategicMerge: [stringify(provider({ channel: 'team' }))]
      })
    },
    [/\(namePrefix, patchesStrategicMerge\)/],
    1
  ],
  [
    'a Secret whose name gets a hash, which Flux does not find',
    {
      ...both,
      'kustomization.yaml': kustomization({
        namespace: 'team',
        resources: ['alerts.yaml'],
        secretGenerator: [{ name: 'slack-url', literals: [`address=${url}`] }]
      })
    },
    [/^kustomization\.yaml:6: the name of Secret slack-url gets a hash at its end.*disableNameSuffixHash/],
    1
  ],
  [
    'a component of a namespace, and of none that is said',
    {
      ...under('alerts', both),
      'alerts/kustomization.yaml': component({ resources: ['alerts.yaml'] }),
      'a/kustomization.yaml': kustomization({ namespace: 'a', components: ['../alerts'] }),
      'b/kustomization.yaml': kustomization({ components: ['../alerts'] })
    },
    [
      /^alerts\/kustomization\.yaml:1: several kustomizations build this, and not each of them in a namespace/,
      /names no namespace, nor does 1 more/
    ],
    1
  ],
  [
    'a component of two namespaces, with a type that the relay has no part in',
    {
      'alerts/alerts.yaml': [provider({ type: 'alertmanager' }), alert()],
      'alerts/kustomization.yaml': component({ resources: ['alerts.yaml'] }),
      'a/kustomization.yaml': kustomization({ namespace: 'a', components: ['../alerts'] }),
      'b/kustomization.yaml': kustomization({ namespace: 'b', components: ['../alerts'] })
    },
    [/Alert a\/failures posts to Provider a\/slack, which is of type "alertmanager".* \(so it is in 2 namespaces\)$/],
    0
  ],
  [
    "Flux's own Kustomization, which puts it elsewhere and patches it",
    {
      'clusters/prod/alerts.yaml': {
        apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
        kind: 'Kustomization',
        metadata: { name: 'alerts', namespace: 'flux-system' },
        spec: {
          path: './notifications/',
          targetNamespace: 'monitoring',
          patches: [{ target: { kind: 'Alert' }, patch: '[]' }]
        }
      },
      'clusters/prod/apps.yaml': {
        apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
        kind: 'Kustomization',
        metadata: { name: 'apps', namespace: 'flux-system' },
        spec: { path: './apps', targetNamespace: 'apps' }
      },
      'notifications/alerts.yaml': [provider({}, { namespace: 'a' }), alert({}, { namespace: 'a' })]
    },
    [
      /^clusters\/prod\/alerts\.yaml:\d: this Kustomization of Flux's .* below notifications \(targetNamespace, patches\)/
    ],
    1
  ],
  [
    'Alerts among the values of a HelmRelease',
    {
      'release.yaml': {
        apiVersion: 'helm.toolkit.fluxcd.io/v2',
        kind: 'HelmRelease',
        metadata: { name: 'extras', namespace: 'flux-system' },
        spec: { values: { extraObjects: [provider(), alert()] } }
      }
    },
    [/^release\.yaml:1: this HelmRelease has Alerts or Providers in it: import what `kubectl get -A/],
    0
  ],
  [
    'what kustomize has built with a prefix, which reaches no providerRef',
    { 'alerts.yaml': [provider({}, { name: 'team-slack', namespace: 'team' }), alert({}, { namespace: 'team' })] },
    [/Provider team\/slack, which is in none of the files; team-slack is, and Flux does not look for that/],
    0
  ]
]

for (const [what, layout, expected, destinations] of said) {
  t.test(`${what}: causes a remark`, async (t) => {
    const { config, remarks, text } = await imported(written(t, layout))
    t.equal(remarks.length, expected.length, remarks.join('\n'))
    t.match(remarks, expected)
    t.equal(Object.keys(config?.destinations ?? {}).length, destinations)
    t.notMatch(text + remarks.join(''), /s3cr3t/)
  })
}

t.test('Providers of one manifest and one Secret are one destination, in however many namespaces', async (t) => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'slack-url' }, stringData: { address: url } }
  const layout = {
    'alerts/alerts.yaml': [provider(), alert(), secret],
    'alerts/kustomization.yaml': component({ resources: ['alerts.yaml'] }),
    ...Object.fromEntries(
      ['a', 'b', 'c'].map((namespace) => [
        `${namespace}/kustomization.yaml`,
        kustomization({ namespace, components: ['../alerts'] })
      ])
    )
  }
  const { config, remarks, variables, text } = await imported(written(t, layout))
  t.strictSame(remarks, [])
  t.match(config, { destinations: { slack: {} }, rules: [{ match: { namespace: ['a', 'b', 'c'] } }] })
  t.equal(config.rules.length, 1)
  t.match(variables, [{ command: /kubectl -n a get secret slack-url/ }])
  t.equal(variables.length, 1)
  t.notMatch(text, /s3cr3t/)

  const without = await imported(written(t, { ...layout, 'alerts/alerts.yaml': [provider(), alert()] }))
  t.strictSame(Object.keys(without.config.destinations), ['a-slack', 'b-slack', 'c-slack'], 'Secrets may differ')
})

const ofFlux = (spec: object, name = 'alerts') => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name, namespace: 'flux-system' },
  spec: { path: './notifications', ...spec }
})
const withValues = (substitute: object, spec: object = {}) => ofFlux({ postBuild: { substitute }, ...spec })
const inCluster = (text: string, metadata: object = {}) => [
  provider({}, { namespace: 'flux-system' }),
  alert({ eventMetadata: { cluster: text } }, { namespace: 'flux-system', ...metadata })
]
const yetToBeFilledIn = /eventMetadata\.cluster has a variable that is yet to be filled in/
const configMap = (data: object, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'vars', namespace: 'flux-system', ...metadata },
  data
})
const encrypted = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'vars' },
  stringData: { key: 'ENC[AES256_GCM,x]' }
}
const from = (kinds: string[], substitute: object = {}) =>
  ofFlux({ postBuild: { substitute, substituteFrom: kinds.map((kind) => ({ kind, name: 'vars' })) } })
const disabled = { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' }

// What Flux makes of each was tried with fluxcd/pkg/envsubst 1.4.0. Undefined if it stays as it is.
const substitutions: readonly (readonly [
  what: string,
  text: string,
  applied: object[],
  cluster: string | undefined
])[] = [
  ['a value', '${cluster}', [withValues({ cluster: 'prod' })], 'prod'],
  ['two in one text', '${env}-${zone}', [withValues({ env: 'prod', zone: '1' })], 'prod-1'],
  ['a value over several lines', '${cluster}', [withValues({ cluster: 'pr\nod\n' })], 'prod'],
  ['a value instead of a default', '${cluster:=dev}', [withValues({ cluster: 'prod' })], 'prod'],
  ['a default, after :=', '${cluster:=dev}', [withValues({ other: 'x' })], 'dev'],
  ['a default, after :-', '${cluster:-dev}', [withValues({ other: 'x' })], 'dev'],
  ['a default, after =', '${cluster=dev}', [withValues({ other: 'x' })], 'dev'],
  ['a default instead of an empty value', '${cluster:=dev}', [withValues({ cluster: '' })], 'dev'],
  ['no value, and no default', '${cluster}', [withValues({ other: 'x' })], undefined],
  ['no value at all, and a default', '${cluster:=dev}', [ofFlux({ postBuild: { substitute: {} } })], undefined],
  ['a function', '${cluster^^}', [withValues({ cluster: 'prod' })], undefined],
  ['a default that is a variable itself', '${cluster:=${env}}', [withValues({ cluster: 'a', env: 'b' })], undefined],
  ['what is escaped', '$${cluster}', [withValues({ cluster: 'prod' })], undefined],
  [
    'a ConfigMap that is not imported',
    '${cluster}',
    [ofFlux({ postBuild: { substituteFrom: [{ kind: 'ConfigMap', name: 'x' }] } })],
    undefined
  ],
  [
    'a value beside a ConfigMap',
    '${cluster}',
    [ofFlux({ postBuild: { substitute: { cluster: 'prod' }, substituteFrom: [{ kind: 'ConfigMap', name: 'x' }] } })],
    'prod'
  ],
  [
    'a default beside a ConfigMap, which may have the value',
    '${cluster:=dev}',
    [ofFlux({ postBuild: { substitute: { other: 'x' }, substituteFrom: [{ kind: 'Secret', name: 'x' }] } })],
    undefined
  ],
  ['a ConfigMap that is imported, too', '${cluster}', [from(['ConfigMap']), configMap({ cluster: 'prod' })], 'prod'],
  ['a default beside a whole ConfigMap', '${cluster:=dev}', [from(['ConfigMap']), configMap({ other: 'x' })], 'dev'],
  [
    'a value over that of a ConfigMap',
    '${cluster}',
    [from(['ConfigMap'], { cluster: 'prod' }), configMap({ cluster: 'x' })],
    'prod'
  ],
  [
    'an encrypted value of a ConfigMap',
    '${cluster:=dev}',
    [from(['ConfigMap']), configMap({ cluster: 'ENC[AES256_GCM,x]' })],
    undefined
  ],
  [
    'a ConfigMap of another namespace',
    '${cluster}',
    [from(['ConfigMap']), configMap({ cluster: 'x' }, { namespace: 'b' })],
    undefined
  ],
  [
    'two ConfigMaps of one name',
    '${cluster}',
    [from(['ConfigMap']), configMap({ cluster: 'a' }), configMap({ cluster: 'b' })],
    undefined
  ],
  [
    'a ConfigMap before a Secret that has other keys',
    '${cluster}',
    [from(['ConfigMap', 'Secret']), configMap({ cluster: 'prod' }), encrypted],
    'prod'
  ],
  [
    'a ConfigMap before a Secret that may have the same key',
    '${cluster}',
    [from(['ConfigMap', 'Secret']), configMap({ cluster: 'prod' })],
    undefined
  ],
  [
    'a ConfigMap after a Secret that may have the same key',
    '${cluster}',
    [from(['Secret', 'ConfigMap']), configMap({ cluster: 'prod' })],
    'prod'
  ],
  [
    'a value of a Secret',
    '${key:=dev}',
    [from(['Secret']), { ...encrypted, stringData: { key: 's3cr3t' } }],
    undefined
  ],
  ['another folder', '${cluster}', [withValues({ cluster: 'prod' }, { path: './apps' })], undefined],
  [
    'the nearest of two, of which one applies the folder around it',
    '${cluster}',
    [withValues({ cluster: 'all' }, { path: './' }), withValues({ cluster: 'prod' })],
    'prod'
  ],
  ['two that agree', '${cluster}', [withValues({ cluster: 'prod', a: 'b' }), withValues({ cluster: 'prod' })], 'prod'],
  [
    'one that passes on what it has from another',
    '${cluster}',
    [withValues({ cluster: '${name}' }), withValues({ name: 'prod' }, { path: './clusters/prod' })],
    'prod'
  ]
]

for (const [what, text, applied, cluster] of substitutions) {
  t.test(`${what} in postBuild: ${cluster === undefined ? 'is left to be filled in' : 'is filled in'}`, async (t) => {
    const layout = { 'clusters/prod/all.yaml': applied, 'notifications/alerts.yaml': inCluster(text) }
    const { config, remarks } = await imported(written(t, layout))
    t.equal(config.cluster, cluster)
    t.match(remarks, cluster === undefined ? [yetToBeFilledIn] : [])
    t.equal(remarks.length, cluster === undefined ? 1 : 0, remarks.join('\n'))
  })
}

t.test(
  'objects excluded from substitution are left alone, and those that a kustomization takes from elsewhere are not',
  async (t) => {
    const clusters = { 'clusters/prod/all.yaml': withValues({ cluster: 'prod' }) }
    for (const metadata of [{ labels: disabled }, { annotations: disabled }]) {
      const layout = { ...clusters, 'notifications/alerts.yaml': inCluster('${cluster}', metadata) }
      t.match((await imported(written(t, layout))).remarks, [yetToBeFilledIn])
    }
    const { config, remarks } = await imported(
      written(t, {
        ...clusters,
        'notifications/kustomization.yaml': kustomization({ resources: ['../base'] }),
        'base/kustomization.yaml': kustomization({ resources: ['alerts.yaml'] }),
        'base/alerts.yaml': inCluster('${cluster}')
      })
    )
    t.equal(config.cluster, 'prod')
    t.strictSame(remarks, [])
  }
)

t.test('a value is used in any place: as a name, a namespace, a severity, a boolean', async (t) => {
  const { config, remarks } = await imported(
    written(t, {
      'clusters/prod/all.yaml': withValues({ ns: 'team', severity: 'error', paused: 'false' }),
      'notifications/alerts.yaml': [
        provider({}, { name: '${ns}-slack', namespace: '${ns}' }),
        alert(
          { providerRef: { name: '${ns}-slack' }, eventSeverity: '${severity}', suspend: '${paused}' },
          { namespace: '${ns}' }
        )
      ]
    })
  )
  t.strictSame(remarks, [])
  t.match(config.rules, [{ match: { severity: 'warn', namespace: 'team' } }])
})

t.test('if two clusters substitute differently, that is said once; one cluster alone is substituted', async (t) => {
  const folder = written(t, {
    'clusters/prod/all.yaml': [withValues({ cluster: 'prod' }), withValues({ cluster: 'prod' }, { path: './apps' })],
    'clusters/test/all.yaml': [withValues({ cluster: 'test' }), withValues({ cluster: 'test' }, { path: './apps' })],
    'notifications/alerts.yaml': [...inCluster('${cluster}'), alert({ summary: '${cluster}' }, { name: 'second' })],
    'apps/receiver.yaml': { apiVersion, kind: 'Receiver', metadata: { name: '${cluster}' }, spec: {} }
  })
  const { config, remarks } = await imported(folder)
  t.equal(config.cluster, undefined)
  const said = remarks.filter((remark) => remark.includes('postBuild'))
  t.match(said, [
    /^clusters\/prod\/all\.yaml:\d+: this Kustomization of Flux's and \S*clusters\/test\/all\.yaml:1 fill in what is below notifications differently/
  ])
  t.equal(said.length, 1)
  const { manifests } = overlay(
    (await manifestTexts([join(folder, 'clusters/prod'), join(folder, 'notifications')])).flatMap(
      ({ text, file }) => readManifests(text, file).manifests
    ),
    []
  )
  t.equal(parse(configOf(importFlux(manifests, 'flux-system'))).cluster, 'prod')
})

t.test('for a Secret whose name gets a hash, no command is printed that would not find it', async (t) => {
  const folder = written(t, {
    ...both,
    'kustomization.yaml': kustomization({
      namespace: 'team',
      resources: ['alerts.yaml'],
      configurations: ['references.yaml'],
      secretGenerator: [{ name: 'slack-url', files: ['url=webhook.txt'] }]
    })
  })
  const { variables, remarks } = await imported(folder)
  t.match(variables, [{ name: 'SLACK_URL', command: undefined, what: 'the url in Secret team/slack-url-<hash>' }])
  t.match(remarks, [/Flux reads `address`, not `url`/], 'the keys are known')
})

t.test('a severity with a default becomes that, and one without has to be filled in', async (t) => {
  const of = (eventSeverity: string) =>
    imported(
      written(t, {
        'a.yaml': [
          provider({}, { namespace: 'flux-system' }),
          alert({ eventSeverity }, { name: '${CLUSTER}-failures', namespace: 'flux-system' })
        ]
      })
    )
  const { config, text } = await of('${SEVERITY:=error}')
  t.match(config.rules, [{ name: 'failures', match: { severity: 'warn' } }], 'named without what is not known')
  const environment = { FLUX_HMAC_KEY: 'k', SLACK_URL: url }
  t.strictSame(loadConfig(text, 'config.yaml', environment).problems, [])
  t.match((await of('${SEVERITY}')).remarks.at(-1), /has an eventSeverity that is yet to be filled in; it is left out/)
})
