// Guides: ask things of Alerts that Flux does not know. The import takes them as they were meant and says where Flux would act
// differently; each severity goes where the guide says.
import t from 'tap'
import { parseAllDocuments, stringify } from 'yaml'
import { type Config, loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import type { WireEvent } from '../src/events/flux.ts'
import { configOf } from '../src/import/config.ts'
import { feedOf } from '../src/import/flux-side.ts'
import { type Import, importFlux } from '../src/import/import.ts'
import { readManifests } from '../src/import/manifest.ts'
import { startRehearsal } from '../src/rehearsal/rehearsal.ts'
import { wire } from './fixtures/events.ts'

const group = 'notification.toolkit.fluxcd.io'
const url = 'https://hooks.slack.com/services/T0/B0/s3cr3t'

function importText(text: string): Import {
  const { manifests, problems } = readManifests(text, 'guide.yaml')
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'))
  return importFlux(manifests, 'flux-system')
}

/** The config of `imported`, after `check` found nothing wrong. */
function load(imported: Import): Config {
  const variables = imported.targets.flatMap(({ variable, others }) => [
    [variable.name, `https://hooks.slack.com/services/T/B/${variable.name}`],
    ...others.map(({ name }) => [name, `a-${name.toLowerCase()}`])
  ])
  const environment = { FLUX_HMAC_KEY: 'k', ...Object.fromEntries(variables) }
  const { config, problems } = loadConfig(configOf(imported), 'config.yaml', environment)
  if (config === undefined || problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'))
  return config
}

const happenings = {
  info: { severity: 'info', reason: 'ReconciliationSucceeded', message: 'done' },
  warn: { severity: 'info', reason: 'DependencyNotReady', message: "dependency 'a/b' is not ready" },
  drift: { severity: 'error', reason: 'DriftDetected', message: 'drift' },
  error: { severity: 'error', reason: 'BuildFailed', message: 'no such file' }
} as const

/** The channels, or else destinations, that each of the happenings goes to, each about an object of its own. */
function recipients(config: Config, of: Partial<WireEvent['involvedObject']> = {}): Record<string, string[]> {
  const { receive } = startRehearsal(config)
  return Object.fromEntries(
    Object.entries(happenings).map(([what, happening]) => {
      const involvedObject = { kind: 'Kustomization', namespace: 'flux-system', name: what, ...of }
      const { notifications } = receive(wire({ involvedObject, ...happening }), Date.UTC(2026, 0, 5))
      return [
        what,
        notifications.map(
          ({ destination }) => config.destinations.get(destination)?.slack?.sender.channel ?? destination
        )
      ]
    })
  )
}

interface Parts {
  alerts?: object[]
  provider?: object
  secret?: object
  version?: string
  alertNamespace?: string
}

function guide({ alerts = [{}], provider = {}, secret, version = 'v1beta3', alertNamespace = 'flux-system' }: Parts) {
  const of = (kind: string, name: string, spec: object, namespace = 'flux-system') => ({
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name, namespace },
    spec
  })
  const eventSources = [{ kind: 'Kustomization', name: '*' }]
  return [
    of('Provider', 'slack', { type: 'slack', secretRef: { name: 'slack-url' }, ...provider }),
    ...alerts.map((spec, at) =>
      of('Alert', `alert-${at}`, { providerRef: { name: 'slack' }, eventSources, ...spec }, alertNamespace)
    ),
    ...(secret
      ? [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'slack-url', namespace: 'flux-system' }, ...secret }]
      : [])
  ]
    .map((manifest) => stringify(manifest))
    .join('---\n')
}

const remarksOf = ({ remarks }: Import) => remarks.map(({ line, message }) => `${line}: ${message}`)

const nobody = { info: [], warn: [], drift: [], error: [] }
const slack = ['slack']
const severities: readonly (readonly [
  eventSeverity: unknown,
  asked: unknown,
  expected: Record<string, string[]>,
  remark: RegExp | undefined
])[] = [
  ['info', 'info', { info: slack, warn: slack, drift: slack, error: slack }, undefined],
  ['error', 'warn', { ...nobody, drift: slack, error: slack }, undefined],
  ['warn', 'warn', { ...nobody, warn: slack, drift: slack, error: slack }, /eventSeverity warn, which Flux refuses/],
  [
    'warning',
    'warn',
    { ...nobody, warn: slack, drift: slack, error: slack },
    /eventSeverity warning, which Flux refuses/
  ],
  ['WARNING', 'warn', { ...nobody, warn: slack, drift: slack, error: slack }, /which Flux refuses/],
  [
    'Error',
    'warn',
    { ...nobody, drift: slack, error: slack },
    /eventSeverity Error, which Flux refuses; it is taken for error/
  ],
  ['INFO', 'info', { info: slack, warn: slack, drift: slack, error: slack }, /taken for info/],
  [
    undefined,
    'info',
    { info: slack, warn: slack, drift: slack, error: slack },
    /no eventSeverity\. Flux takes that for info/
  ],
  [null, 'info', { info: slack, warn: slack, drift: slack, error: slack }, /no eventSeverity/],
  [
    ['error', 'warn'],
    ['error', 'warn'],
    { ...nobody, warn: slack, drift: slack, error: slack },
    /a list .*error and warn only/
  ],
  [['Error', 'Warning'], ['error', 'warn'], { ...nobody, warn: slack, drift: slack, error: slack }, /a list/],
  [['error'], ['error'], { ...nobody, error: slack }, /a list .*error only$/],
  [['warn'], ['warn'], { ...nobody, warn: slack, drift: slack }, /a list/],
  [['info'], ['info'], { ...nobody, info: slack }, /a list/],
  [
    ['info', 'warn', 'error'],
    ['info', 'warn', 'error'],
    { info: slack, warn: slack, drift: slack, error: slack },
    /a list/
  ],
  [['error', 'error'], ['error'], { ...nobody, error: slack }, /a list/],
  ['error, warn', ['error', 'warn'], { ...nobody, warn: slack, drift: slack, error: slack }, /a list/]
]

for (const [eventSeverity, asked, expected, remark] of severities) {
  t.test(`eventSeverity ${JSON.stringify(eventSeverity)} notifies of what it says`, async (t) => {
    const imported = importText(guide({ alerts: [eventSeverity === undefined ? {} : { eventSeverity }] }))
    t.strictSame(imported.rules[0]?.rule.match?.severity, asked)
    t.strictSame(recipients(load(imported)), expected)
    if (remark === undefined) t.strictSame(remarksOf(imported), [])
    else {
      t.match(remarksOf(imported), [remark])
      t.equal(imported.remarks.length, 1)
    }
  })
}

t.test('an unknown severity is left out, and the known ones are listed', async (t) => {
  for (const eventSeverity of ['critical', ['error', 'fatal'], [], 5, {}, '']) {
    const imported = importText(guide({ alerts: [{ eventSeverity }, { eventSeverity: 'error' }] }))
    t.equal(imported.takeovers.length, 1, JSON.stringify(eventSeverity))
    t.match(remarksOf(imported), [/alert-0 has an eventSeverity other than info, warn, error; it is left out/])
  }
})

t.test('one Provider serves Alerts with channels of their own, and nothing is posted twice', async (t) => {
  const places: [string, (channel: string) => object][] = [
    ['beside the providerRef', (channel) => ({ channel })],
    ['in the providerRef', (channel) => ({ providerRef: { name: 'slack', channel } })]
  ]
  for (const [where, put] of places) {
    const imported = importText(
      guide({
        alerts: [
          { eventSeverity: 'error', ...put('#devops-alerts') },
          { eventSeverity: ['info'], ...put('#gitops-updates') }
        ]
      })
    )
    t.strictSame(
      imported.targets.map(({ name, text }) => [name, text.slack?.channel]),
      [
        ['slack-devops-alerts', '#devops-alerts'],
        ['slack-gitops-updates', '#gitops-updates']
      ],
      where
    )
    t.equal(new Set(imported.targets.map(({ variable }) => variable)).size, 1, 'one webhook')
    t.strictSame(recipients(load(imported)), {
      ...nobody,
      info: ['#gitops-updates'],
      drift: ['#devops-alerts'],
      error: ['#devops-alerts']
    })
    t.match(
      remarksOf(imported)[0],
      /has a channel, which Flux knows of Providers only, and refuses; the relay posts to #dev/
    )
  }
})

t.test("Alerts without a channel use the Provider's", async (t) => {
  const imported = importText(
    guide({
      provider: { channel: 'general' },
      alerts: [
        { eventSeverity: 'error' },
        { eventSeverity: ['info'], channel: '#updates' },
        { eventSeverity: ['warn'], channel: 'general' }
      ]
    })
  )
  t.strictSame(
    imported.targets.map(({ name, text }) => [name, text.slack?.channel]),
    [
      ['slack', 'general'],
      ['slack-updates', '#updates']
    ]
  )
  t.strictSame(recipients(load(imported)).info, ['#updates'])
})

t.test('what another Alert already posts to the same channel is posted once', async (t) => {
  const twice = importText(guide({ alerts: [{ eventSeverity: 'error' }, { eventSeverity: 'info' }] }))
  t.strictSame(recipients(load(twice)).error, ['slack'])
  t.match(remarksOf(twice), [
    /alert-0 posts nothing that flux-system\/alert-1 does not post to the same channel; the relay posts it once$/
  ])
  const same = importText(guide({ alerts: [{ eventSeverity: 'error' }, { eventSeverity: 'error' }] }))
  t.strictSame(
    same.takeovers.map(({ alert }) => alert.name),
    ['alert-0'],
    'of two that are the same, the first stays'
  )
  const apart = importText(guide({ alerts: [{ eventSeverity: 'error' }, { eventSeverity: 'info', channel: '#all' }] }))
  t.strictSame(recipients(load(apart)).error, ['slack', '#all'], 'two channels are two posts')
  const partly = importText(
    guide({
      alerts: [
        { eventSeverity: 'error' },
        { eventSeverity: 'info', eventSources: [{ kind: 'Kustomization', name: 'error' }] }
      ]
    })
  )
  t.equal(partly.takeovers.length, 2)
  t.match(remarksOf(partly), [/what both match is posted twice, once by each rule$/])
})

t.test('an Alert whose sources have no name is reported as naming no object', async (t) => {
  const imported = importText(guide({ alerts: [{ eventSeverity: 'info', eventSources: [{ kind: 'HelmRelease' }] }] }))
  t.equal(imported.takeovers.length, 0)
  t.match(remarksOf(imported), [/alert-0 names no object; it is left out$/, /this source has no name/])
})

t.test(
  'an Alert that posts nothing more is suspended like the others, and its own additions are reported',
  async (t) => {
    const imported = importText(
      guide({
        alerts: [
          { eventSeverity: 'info', eventMetadata: { region: 'eu' } },
          { eventSeverity: 'error', summary: 'production', eventMetadata: { region: 'eu', team: 'web' } }
        ]
      })
    )
    t.match(remarksOf(imported), [/the relay posts it once, and without the team, summary of this one$/])
    const text = feedOf(imported, 'http://relay/webhook', 'flux-system')
    t.strictSame(text.match(/(?<=flux suspend alert )\S+/g), ['alert-0', 'alert-1'])
  }
)

t.test('if two Alerts overlap by a wildcard that Flux does not know, nothing is claimed about Flux', async (t) => {
  const imported = importText(
    guide({
      alerts: [
        { eventSeverity: 'error', eventSources: [{ kind: 'Kustomization', name: '*', namespace: '*' }] },
        { eventSeverity: 'info' }
      ]
    })
  )
  t.match(remarksOf(imported).at(-1), /what both match is posted twice, once by each rule$/)
})

const encoded = { url: Buffer.from(url).toString('base64') }
const keys: readonly (readonly [what: string, secret: object, key: string, remark: RegExp | undefined])[] = [
  ['address', { stringData: { address: url } }, 'address', undefined],
  ['address in base64', { data: { address: encoded.url } }, 'address', undefined],
  ['url', { stringData: { url } }, 'url', /^\d+: Secret flux-system\/slack-url: Flux reads `address`, not `url`/],
  ['url in base64', { data: encoded }, 'url', /Flux reads `address`, not `url`/],
  ['url that is encrypted', { stringData: { url: 'ENC[AES256_GCM,data:x]' } }, 'url', /not `url`/],
  ['both', { stringData: { url: 'https://other.example/', address: url } }, 'address', undefined],
  ['webhook-url', { stringData: { 'webhook-url': url } }, 'webhook-url', /not `webhook-url`/]
]

for (const [what, secret, key, remark] of keys) {
  t.test(`a Secret with its address as ${what} is accepted`, async (t) => {
    const imported = importText(guide({ alerts: [{ eventSeverity: 'error' }], secret }))
    t.strictSame(recipients(load(imported)).error, ['slack'])
    t.match(imported.targets[0]?.variable.command, `get secret slack-url -o jsonpath='{.data.${key}}' | base64 -d`)
    t.strictSame(imported.remarks.length, remark === undefined ? 0 : 1)
    if (remark !== undefined) t.match(remarksOf(imported), [remark])
    t.notMatch(configOf(imported) + remarksOf(imported).join(), /s3cr3t/, 'and not copied')
  })
}

t.test('manifests of earlier versions are read, and the version that Flux serves is said once', async (t) => {
  for (const version of ['v1beta1', 'v1beta2']) {
    const imported = importText(guide({ version, alerts: [{ eventSeverity: 'error' }] }))
    t.strictSame(recipients(load(imported)).error, ['slack'])
    t.match(remarksOf(imported), [
      new RegExp(`^1: ${version} .* refused by every Flux after 2\\.\\d\\. Flux serves v1beta3`)
    ])
    t.equal(imported.remarks.length, 1)
    t.match(feedOf(imported, 'http://relay/webhook', 'flux-system'), /v1beta3/)
  }
})

t.test(
  'an Alert in another namespace than its Provider is imported, with a note that Flux would not find the Provider',
  async (t) => {
    const imported = importText(guide({ alertNamespace: 'my-app', alerts: [{ eventSeverity: 'error' }] }))
    t.strictSame(recipients(load(imported), { namespace: 'my-app' }).error, ['slack'])
    t.strictSame(recipients(load(imported)).error, [], 'its sources are those of its own namespace, as in Flux')
    t.match(remarksOf(imported), [
      /Provider slack, which Flux looks for in my-app, the Alert's namespace; the one in flux-system/
    ])
    const several = `${guide({ alertNamespace: 'my-app' })}---\n${guide({ alerts: [] }).replaceAll('namespace: flux-system', 'namespace: other')}`
    t.match(
      remarksOf(importText(several)).join('\n'),
      /which is in none of the files, though one of its name is in each of flux-system, other/
    )
  }
)

t.test('a variable that Flux fills in may be anything until then, and is reported', async (t) => {
  const imported = importText(
    guide({ alerts: [{ eventSeverity: 'error' }] }).replaceAll('namespace: flux-system', 'namespace: ${NAMESPACE}')
  )
  t.strictSame(recipients(load(imported), { namespace: 'team-a' }).error, ['slack'])
  t.match(
    remarksOf(imported).join('\n'),
    /metadata\.namespace (has a variable|have variables) .*until then the rule has its default, or \* there/
  )
  const named = importText(
    guide({
      provider: { channel: '${CHANNEL:=general}', username: 'flux-${CLUSTER}' },
      alerts: [{ eventSeverity: 'error' }]
    })
  )
  t.strictSame(recipients(load(named)).error, ['general'])
  t.match(
    named.targets[0]?.others.map(({ name, what }) => `${name}: ${what}`),
    ['CLUSTER: the username of slack']
  )
})

t.test('null fields count as absent, and unknown fields are reported, however deep', async (t) => {
  const nulls = importText(
    guide({ alerts: [{ eventSeverity: 'error', exclusionList: null, inclusionList: null, summary: null }] })
  )
  t.strictSame(remarksOf(nulls), [])
  t.strictSame(recipients(load(nulls)).error, ['slack'])
  const eventSources = [
    { kind: 'Kustomization', name: '*', labelSelector: { team: 'x' }, severity: 'info' },
    { kind: 'HelmRelease' },
    { kind: 'HelmRelease', name: 'db', matchLabels: { app: 'db' } }
  ]
  const deep = importText(
    guide({ alerts: [{ eventSeverity: 'error', eventSources, providerRef: { name: 'slack', kind: 'x' } }] })
  )
  t.strictSame(recipients(load(deep)).error, ['slack'], 'the rest of the Alert is taken')
  const said = remarksOf(deep).join('\n')
  for (const each of [
    /spec\.eventSources\.0\.labelSelector is not known/,
    /spec\.eventSources\.0\.severity is not/,
    /spec\.providerRef\.kind is not/,
    /this source has no name .*, and Flux refuses the Alert/,
    /HelmRelease flux-system\/db whatever its labels/
  ])
    t.match(said, each)
})

t.test('waiting for a dependency is an error only for the image controllers', async (t) => {
  const eventSources = ['ResourceSet', 'GitRepository', 'Terraform', 'ImagePolicy'].map((kind) => ({ kind, name: '*' }))
  for (const sources of [eventSources, eventSources.slice(0, 2)]) {
    const config = load(importText(guide({ alerts: [{ eventSeverity: 'error', eventSources: sources }] })))
    t.strictSame(recipients(config, { kind: 'ResourceSet' }).warn, [])
    t.strictSame(recipients(config, { kind: 'ResourceSet' }).error, ['slack'])
  }
})

t.test('the items of an AlertList need not say what they are', async (t) => {
  const { manifests } = readManifests(guide({ alerts: [{ eventSeverity: 'error' }] }), 'x.yaml')
  const items = (kind: string) =>
    manifests.filter((one) => one.kind === kind).map(({ value: { metadata, spec } }) => ({ metadata, spec }))
  const lists = ['Provider', 'Alert'].map((kind) =>
    stringify({ apiVersion: `${group}/v1beta3`, kind: `${kind}List`, items: items(kind) })
  )
  t.strictSame(recipients(load(importText(lists.join('---\n')))).error, ['slack'])
})

// As copied from a web page: every line begins at the margin.
const flat = `apiVersion: v1
kind: Namespace
metadata:
name: web
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
name: web
namespace: flux-system
spec:
interval: 5m
sourceRef:
kind: GitRepository
name: flux-system
healthChecks:
- apiVersion: apps/v1
kind: Deployment
name: web
namespace: web
---
apiVersion: ${group}/v1beta1
kind: Provider
metadata:
name: chat
namespace: flux-system # beside the controller
spec:
type: slack
secretRef:
name: chat-hook
---
apiVersion: ${group}/v1beta1
kind: Alert
metadata:
name: trouble
namespace: flux-system
spec:
eventSeverity: ["error", "warn"]
eventSources:
- kind: Kustomization
name: "*" # all of them
- kind: HelmRelease
name: "*"
namespace: apps
exclusionList:
- "^waiting"
providerRef:
name: chat
# what channel: "#trouble" would be
channel: "#trouble"
---
apiVersion: v1
kind: Secret
metadata:
name: chat-hook
namespace: flux-system
type: Opaque
stringData:
# the webhook
url: "${url}"
`

t.test('manifests that lost their indentation are read as they were meant', async (t) => {
  const imported = importText(flat)
  const config = load(imported)
  t.strictSame(recipients(config), { ...nobody, warn: ['#trouble'], drift: ['#trouble'], error: ['#trouble'] })
  t.strictSame(recipients(config, { kind: 'HelmRelease', namespace: 'apps' }).error, ['#trouble'])
  t.strictSame(recipients(config, { kind: 'HelmRelease' }).error, [])
  t.match(imported.targets[0]?.variable.command, /get secret chat-hook .*\.data\.url/)
  const said = remarksOf(imported)
  t.match(said.join('\n'), /the indentation of this Alert is lost, and was put back/)
  t.match(said, [/^22: v1beta1/, /^22: the indentation of this Provider/])
  t.ok(
    said.some((remark) => remark.startsWith('38: Alert flux-system/trouble has a list')),
    'lines are those of the file'
  )
  const withLineEnds = importText(flat.replaceAll('\n', '\r\n'))
  t.strictSame(recipients(load(withLineEnds)).error, ['#trouble'], 'also from Windows')
})

t.test('an indentation that cannot be restored is reported, with the document and what to do', async (t) => {
  const lost = flat.replace('eventSources:', 'sourcesOfEvents:')
  const { manifests, problems } = readManifests(lost, 'guide.yaml')
  t.strictSame(manifests, [])
  t.equal(problems.length, 1)
  t.match(problems[0], { line: 34, message: /the indentation of this Alert is lost: .*Copy it anew/ })
  const secret = flat.replace('stringData:', 'stringDate:')
  t.notMatch(readManifests(secret, 'guide.yaml').problems.map(formatProblem).join('\n'), /s3cr3t/)
})

t.test('remarks about the files are made even if nothing comes of them', async (t) => {
  const encrypted = importText(guide({ provider: { type: 'ENC[AES256_GCM,data:x]' } }))
  t.match(remarksOf(encrypted).join('\n'), /Provider flux-system\/slack, which is encrypted: decrypt it first/)
})

t.test('kinds that a stock Flux refuses are pointed out in the Alert for it', async (t) => {
  const eventSources = [
    { kind: 'FluxInstance', name: '*' },
    { kind: 'Kustomization', name: '*' }
  ]
  const feed = feedOf(importText(guide({ alerts: [{ eventSources }] })), 'http://relay/webhook', 'flux-system')
  t.match(feed, /# FluxInstance: only where the CRD of Alert was extended/)
  t.notMatch(feedOf(importText(guide({})), 'http://relay/webhook', 'flux-system'), /CRD/)
})

const error = { eventSeverity: 'error' }

/** `[what, manifests, expected remark, number of Alerts imported]` */
const said: readonly (readonly [what: string, text: string, remark: RegExp, taken: number])[] = [
  [
    'a wildcard that Flux does not know is one of the relay',
    guide({ alerts: [{ ...error, eventSources: [{ kind: 'HelmRelease', name: '*', namespace: 'team-*' }] }] }),
    /namespace "team-\*" matches nothing in Flux, .*the relay does, and the rule has it$/,
    1
  ],
  [
    'an Alert that is encrypted is left out',
    guide({
      alerts: [{ ...error, eventSources: [{ kind: 'ENC[AES256_GCM,data:x]', name: 'ENC[AES256_GCM,data:y]' }] }]
    }),
    /Alert flux-system\/alert-0 is encrypted: decrypt it first \(sops --decrypt\); it is left out$/,
    0
  ],
  [
    'a channel that is encrypted leaves its Provider out',
    guide({ alerts: [error], provider: { channel: 'ENC[AES256_GCM,data:x]' } }),
    /Provider flux-system\/slack, which is encrypted/,
    0
  ],
  [
    'an address that is encrypted is no matter',
    `${guide({ alerts: [{}], provider: { address: 'ENC[AES256_GCM,data:x]' } })}`,
    /has no eventSeverity/,
    1
  ],
  [
    'a manifest of which not even the kind is legible is said',
    `${guide({ alerts: [error] })}---\napiVersion: v1\nkind: ENC[AES256_GCM,data:x]\n`,
    /this manifest is encrypted, its kind as well/,
    1
  ],
  [
    'Alerts inside of a ResourceSet are said',
    `${guide({ alerts: [error] })}---\n${stringify({
      apiVersion: 'fluxcd.controlplane.io/v1',
      kind: 'ResourceSet',
      metadata: { name: 'teams', namespace: 'flux-system' },
      spec: { resources: [{ apiVersion: `${group}/v1beta3`, kind: 'Alert', metadata: { name: '<< inputs.team >>' } }] }
    })}`,
    /this ResourceSet makes Alerts or Providers of its inputs: import what `kubectl get/,
    1
  ],
  [
    'an ExternalSecret says which keys there are',
    `${guide({ alerts: [error] })}---\n${stringify({
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'slack-url', namespace: 'flux-system' },
      spec: { data: [{ secretKey: 'url', remoteRef: { key: 'flux' } }] }
    })}`,
    /Flux reads `address`, not `url`/,
    1
  ],
  [
    'a SealedSecret says which keys there are',
    `${guide({ alerts: [error] })}---\n${stringify({
      apiVersion: 'bitnami.com/v1alpha1',
      kind: 'SealedSecret',
      metadata: { name: 'slack-url', namespace: 'flux-system' },
      spec: { encryptedData: { 'webhook-url': 'AgB…' } }
    })}`,
    /Flux reads `address`, not `webhook-url`/,
    1
  ],
  [
    'a Provider that is not there is asked for',
    guide({ alerts: [{ ...error, providerRef: { name: 'other' } }] }),
    /in none of the files: add what `kubectl -n flux-system get providers\.notification\.toolkit\.fluxcd\.io other/,
    0
  ],
  [
    'several variables are one remark',
    guide({ alerts: [{ ...error, eventMetadata: { cluster: '${A}', env: '${B}', team: 'a' } }] }),
    /spec\.eventMetadata\.cluster, spec\.eventMetadata\.env have variables that are yet to be filled in/,
    1
  ],
  [
    'everything that a spec has wrong is one remark',
    guide({ alerts: [{ ...error, providerRef: 'slack', exclusionList: 'waiting.*socket' }] }),
    /Alert flux-system\/alert-0 is left out: spec\.providerRef must be object; spec\.exclusionList must be array$/,
    0
  ],
  [
    'an address that Flux has yet to fill in is not looked at',
    guide({ alerts: [{ ...error, channel: 'a' }], secret: { data: { address: '${WEBHOOK_BASE64}' } } }),
    /alert-0 has a channel, which Flux knows of Providers only/,
    1
  ],
  [
    'a summary that looks like a template is what Flux posts',
    guide({ alerts: [{ ...error, summary: 'Release {{ .InvolvedObject.name }}' }] }),
    /spec\.summary has a template, which Flux takes as it is written: if Helm fills it in, import what `helm template` prints$/,
    1
  ],
  [
    'templates of several fields are one remark',
    guide({ alerts: [{ ...error, eventMetadata: { a: '{{ .Values.a }}', b: '{{ .Values.b }}' } }] }),
    /spec\.eventMetadata\.a, spec\.eventMetadata\.b have templates, which Flux takes as they are written/,
    1
  ],
  [
    'a channel of Discord has no effect, there as here',
    guide({ alerts: [error], provider: { type: 'discord', channel: 'kubernetes', username: 'Flux' } }),
    /Provider flux-system\/slack has a channel, and a webhook of discord posts to its own; it is left out$/,
    1
  ],
  [
    'a channel of an Alert has no effect at Discord either',
    guide({ alerts: [{ ...error, channel: 'team-a' }], provider: { type: 'discord' } }),
    /Alert flux-system\/alert-0 has a channel, .* a webhook of discord posts to its own, and it is left out$/,
    1
  ],
  [
    'a type in capitals is meant',
    guide({ alerts: [error], provider: { type: 'Slack' } }),
    /has the type "Slack", which Flux refuses; it is taken for slack$/,
    1
  ],
  [
    'a chart whose values are Alerts is said',
    `${guide({ alerts: [error] })}---\n${stringify({
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { name: 'notifications', namespace: 'flux-system' },
      spec: {
        chart: { spec: { chart: 'flux2-notification', sourceRef: { kind: 'HelmRepository', name: 'community' } } },
        values: { alertlist: [{ name: 'webapp', spec: { providerRef: { name: 'slack' } } }] }
      }
    })}`,
    /this HelmRelease has Alerts or Providers in it/,
    1
  ],
  [
    'a source without a name says how all are written',
    guide({ alerts: [{ ...error, eventSources: [{ kind: 'Kustomization' }, { kind: 'HelmRelease', name: '*' }] }] }),
    /this source has no name \(for every Kustomization, write `name: '\*'`\), and Flux refuses the Alert/,
    1
  ]
]

for (const [what, text, remark, taken] of said) {
  t.test(what, async (t) => {
    const imported = importText(text)
    t.match(remarksOf(imported), [remark])
    t.equal(imported.remarks.length, 1)
    t.equal(imported.takeovers.length, taken)
    if (taken > 0) load(imported)
  })
}

t.test('an Alert that is left out gets no remark on what its rule would do', async (t) => {
  const imported = importText(guide({ alerts: [{ eventSeverity: 'warning', channel: 'team', inclusionList: ['('] }] }))
  t.match(remarksOf(imported), [/lets nothing through; it is left out$/, /not a pattern, Flux passes over it too/])
  t.equal(imported.remarks.length, 2)
})

t.test('sources that Flux does not know are sent once, and the remark names the rule that has them', async (t) => {
  const about = (eventSeverity: string, namespace: string, kind = 'HelmRelease') => ({
    eventSeverity,
    eventSources: [
      { kind, name: '*', namespace },
      { kind: 'Bucket', name: eventSeverity }
    ]
  })
  const imported = importText(guide({ alerts: [about('info', '*'), about('error', 'team-*')] }))
  t.strictSame(
    imported.rules.map(({ rule }) => rule.match?.object ?? rule.match?.kind),
    [['HelmRelease/*/*', 'Bucket/flux-system/info'], 'Bucket']
  )
  t.match(remarksOf(imported), [
    /namespace "\*" matches nothing in Flux/,
    /posts nothing about HelmRelease\/team-\*\/\*/
  ])
  t.equal(imported.remarks.length, 2)
  t.match(configOf(imported), /# line \d+: namespace "\*" matches nothing/)
  t.notMatch(configOf(imported), /team-\*/)
})

// Every type of notification-controller 1.9.3, and one that it does not know.
const notOurs = {
  'sets the status of commits': 'github gitlab gitea bitbucketserver bitbucket azuredevops',
  'comments on pull requests': 'githubpullrequestcomment gitlabmergerequestcomment giteapullrequestcomment',
  'starts workflows': 'githubdispatch',
  'raises and ends alerts': 'alertmanager opsgenie pagerduty',
  'records events in another tool': 'sentry datadog grafana otel',
  'feeds other programs': 'generic generic-hmac nats googlepubsub azureeventhub',
  'posts to a chat that the relay does not know': 'msteams googlechat webex telegram lark matrix zulip',
  'neither Flux nor the relay knows': 'mattermost'
}
t.test('for every type of Provider, the import says what becomes of it', async (t) => {
  for (const [what, types] of Object.entries(notOurs)) {
    for (const type of types.split(' ')) {
      const imported = importText(guide({ alerts: [error], provider: { type } }))
      t.match(remarksOf(imported), [new RegExp(`is of type "${type}", which ${what}`)])
    }
  }
  for (const type of ['slack', 'discord', 'rocket']) {
    t.strictSame(remarksOf(importText(guide({ alerts: [error], provider: { type } }))), [], type)
  }
})

t.test('Alerts that differ only in their objects become one rule that names them', async (t) => {
  const about = (name: string) => ({ ...error, eventSources: [{ kind: 'HelmRelease', name, namespace: name }] })
  const imported = importText(guide({ alerts: [about('a'), about('b'), { ...about('c'), exclusionList: ['x'] }] }))
  const config = configOf(imported)
  t.strictSame(
    imported.rules.map(({ rule }) => [rule.name, rule.match?.object]),
    [
      ['alert', ['HelmRelease/a/a', 'HelmRelease/b/b']],
      ['alert-2', undefined]
    ]
  )
  t.match(
    config,
    /# 2 Alerts that differ in nothing .*\n {2}# - flux-system\/alert-0, .*\n {2}# - flux-system\/alert-1/
  )
})

t.test('Alerts for Flux with the same metadata are merged, others are not', async (t) => {
  const about = (name: string, rest: object = {}) => ({
    ...error,
    eventSources: [{ kind: 'HelmRelease', name, matchLabels: { app: name } }],
    ...rest
  })
  const alerts = [about('a', { summary: 'A' }), about('b', { summary: 'B' }), about('c', { summary: 'B' })]
  const feeds = parseAllDocuments(feedOf(importText(guide({ alerts })), 'http://relay/webhook', 'flux-system')).slice(1)
  t.match(
    feeds.map((document) => document.toJS()),
    [
      { metadata: { name: 'flux-relay-alert-0' }, spec: { eventMetadata: { summary: 'A' } } },
      {
        metadata: { name: 'flux-relay-alert-1' },
        spec: { eventMetadata: { summary: 'B' }, eventSources: [{ matchLabels: { app: 'b' } }, { name: 'c' }] }
      }
    ]
  )
  const shared = [about('a', { summary: 'A' }), { ...error, eventSources: [{ kind: 'HelmRelease', name: '*' }] }]
  const [, one, none] = parseAllDocuments(
    feedOf(importText(guide({ alerts: shared })), 'http://relay/webhook', 'flux-system')
  ).map((document) => document.toJS())
  t.strictSame(one.spec.eventSources, [{ kind: 'HelmRelease', name: '*', namespace: 'flux-system' }])
  t.equal(none, undefined)
})

t.test('manifests without a namespace are reported once, unless one was given', async (t) => {
  const text = guide({ alerts: [error] }).replaceAll(/^ {2}namespace: flux-system\n/gm, '')
  const { manifests } = readManifests(text, 'guide.yaml')
  t.match(remarksOf(importFlux(manifests)), [
    /^\d+: Provider slack names no namespace, nor does 1 more: it is taken for one in flux-system/
  ])
  t.strictSame(remarksOf(importFlux(manifests, 'apps')), [])
})
