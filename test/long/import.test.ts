// Import: does what Flux did with its Alerts and Providers, and says, at its place, what it cannot carry over.
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { type Config, loadConfig } from '../../src/config/config.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { normalise, type WireEvent } from '../../src/events/flux.ts'
import { configOf } from '../../src/import/config.ts'
import { feedOf } from '../../src/import/flux-side.ts'
import { type Import, importFlux } from '../../src/import/import.ts'
import { readManifests } from '../../src/import/manifest.ts'
import { match } from '../../src/rules/rules.ts'
import { wire } from '../fixtures/events.ts'
import { fc } from '../fixtures/fc.ts'
import { faultsOf } from '../fixtures/manifests.ts'
import { tempFolder } from '../fixtures/relay.ts'

const root = join(import.meta.dirname, '..', '..')
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'import')
const fixture = (name: string): string => readFileSync(join(fixtures, `${name}.yaml`), 'utf8')

/** The private URL in the Secret of `tutorial`, and those of other fixtures. */
const secrets = /s3cr3t|T0SECRET|YOUR\/SLACK|z3g4wxy|aHR0cHM/

function importText(text: string): Import {
  const { manifests, problems } = readManifests(text, 'flux.yaml')
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'))
  return importFlux(manifests, 'flux-system')
}

/** The config of `imported`, with its variables set. */
function load(imported: Import): Config {
  const variables = imported.targets.map(({ variable, app }) => [
    variable.name,
    app === undefined ? 'https://hooks.slack.com/services/T/B/x' : 'xoxb-1-2-three'
  ])
  const environment = { FLUX_HMAC_KEY: 'k', ...Object.fromEntries(variables) }
  const { config, problems } = loadConfig(configOf(imported), 'config.yaml', environment)
  if (config === undefined || problems.length > 0) throw new Error(JSON.stringify(problems))
  return config
}

function firedBy(config: Config, event: WireEvent): string[] {
  const normal = normalise(event, { source: 'default', cluster: undefined, defaultCluster: '' }, 0, config.classify)
  return match({ event: normal, transition: 'failed' }, config.rules).fired.map(({ name }) => name)
}

const remarksOf = (imported: Import): string[] => imported.remarks.map(({ line, message }) => `${line}: ${message}`)
const textOf = (imported: Import): Record<string, unknown> => parse(configOf(imported))

/** An Alert and what it needs, from the fields of its spec. */
function alertText(spec: object, provider: object = {}): string {
  const common = { apiVersion: 'notification.toolkit.fluxcd.io/v1beta3' }
  const metadata = { namespace: 'apps', name: 'chat' }
  const eventSources = [{ kind: 'Kustomization', name: '*' }]
  const alert = {
    ...common,
    kind: 'Alert',
    metadata,
    spec: { providerRef: { name: 'chat' }, eventSeverity: 'info', eventSources, ...spec }
  }
  const address = 'https://hooks.slack.com/services/T0SECRET/B/x'
  return [alert, { ...common, kind: 'Provider', metadata, spec: { type: 'slack', address, ...provider } }]
    .map((manifest) => stringify(manifest))
    .join('---\n')
}

t.test("a tutorial's manifests become a config that loads and sends what Flux sent", async (t) => {
  const imported = importText(fixture('tutorial'))
  const config = load(imported)
  t.match(textOf(imported), {
    sources: { default: { hmacKeys: ['${FLUX_HMAC_KEY}'] } },
    destinations: { slack: { slack: { webhookUrl: '${SLACK_URL}', channel: 'general' } } }
  })
  const about = (kind: string, namespace: string, rest: Partial<WireEvent> = {}) =>
    wire({ involvedObject: { kind, namespace, name: 'webapp' }, ...rest })
  const isNotified: [boolean, WireEvent][] = [
    [true, about('Kustomization', 'flux-system')],
    [true, about('GitRepository', 'flux-system', { reason: 'GitOperationFailed' })],
    [true, about('HelmRelease', 'apps', { reason: 'UpgradeFailed' })],
    [true, about('HelmRelease', 'apps', { reason: 'DriftDetected' })],
    [false, about('HelmRelease', 'apps', { reason: 'RollbackSucceeded', severity: 'info' })],
    [false, about('HelmRelease', 'flux-system')],
    [false, about('Kustomization', 'apps')],
    [false, about('OCIRepository', 'flux-system')],
    [false, about('Kustomization', 'flux-system', { severity: 'info', reason: 'Progressing' })],
    [false, about('Kustomization', 'flux-system', { severity: 'info', reason: 'DependencyNotReady' })],
    [false, about('Kustomization', 'flux-system', { message: 'waiting for the socket' })]
  ]
  for (const [expected, event] of isNotified) {
    const { involvedObject, severity, reason } = event
    const fired = firedBy(config, event)
    t.equal(fired.length, expected ? 1 : 0, `${involvedObject.kind} ${involvedObject.namespace} ${severity} ${reason}`)
  }
  t.strictSame(remarksOf(imported), [])
})

t.test('every version and form of manifest loads, and no secret is copied', async (t) => {
  for (const name of ['tutorial', 'v1beta1', 'v1', 'bot', 'kubectl-list', 'platform']) {
    const imported = importText(fixture(name))
    t.ok(load(imported).rules.all.length > 0, name)
    const said = [
      configOf(imported),
      feedOf(imported, 'http://relay/webhook', 'flux-system'),
      JSON.stringify(imported.remarks)
    ]
    t.notMatch(said.join('\n'), secrets)
  }
  const v1 = importText(alertText({}).replaceAll('v1beta3', 'v1'))
  t.notMatch(feedOf(v1, 'http://relay/webhook', 'flux-system'), /fluxcd\.io\/v1\n/, 'which no Flux serves')
  t.match(remarksOf(v1)[0], /v1 of Alert is read here, and refused by each Flux up to 2\.9/)
})

t.test('a Provider of another program is not described as one of Flux', async (t) => {
  const { remarks } = importText(
    `${alertText({})}\n---\napiVersion: pkg.crossplane.io/v1\nkind: Provider\nmetadata: { name: aws }\n`
  )
  t.notMatch(JSON.stringify(remarks), /v1 of Provider/)
})

t.test('remarks about a source are at its line, even after one that is left out', async (t) => {
  const text = alertText({
    eventSources: [
      { kind: 'Kustomization' },
      { kind: 'HelmRelease', name: '*', matchLabels: { team: 'a' } },
      { kind: 'GitRepository', name: 'x*', namespace: '${NS}', labels: {} }
    ]
  })
  const lines = text.split('\n')
  const at = (part: string) => lines.findIndex((line) => line.includes(part)) + 1
  const { remarks } = importText(text)
  const lineOf = (message: RegExp) => remarks.find((remark) => message.test(remark.message))?.line
  t.equal(lineOf(/^matchLabels: /), at('matchLabels'))
  t.equal(lineOf(/^name "x\*" matches nothing/), at('x*'))
  t.equal(lineOf(/spec\.eventSources\.2\.namespace has a variable/), at('${NS}'))
  t.equal(lineOf(/spec\.eventSources\.2\.labels is not known/), at('labels: {}'))
})

t.test('the Flux manifests in the tests are valid', async (t) => {
  for (const name of ['tutorial', 'bot']) {
    const manifests = parseAllDocuments(fixture(name)).map((document) => document.toJS())
    for (const manifest of manifests.filter(({ kind }) => kind !== 'Secret')) t.strictSame(faultsOf(manifest), [], name)
  }
})

t.test('rules name their origin, and what they lack of the Alert', async (t) => {
  const config = configOf(importText(fixture('kubectl-list')))
  t.match(config, / {2}# Alert team-a\/team-a, flux\.yaml:3\n {2}# line 32: matchLabels: events do not carry labels/)
  t.match(config, /`notify: every` sends each event/)
  t.notMatch(configOf(importText(fixture('tutorial'))), /[&*]a1/, 'no aliases')
})

t.test('info includes everything, errors too; objects by name stay by name; `suspend: no` is false', async (t) => {
  const { rules } = textOf(importText(fixture('v1beta1')))
  const names = ['apps', 'infra']
  const of = { kind: 'Kustomization', namespace: 'flux-system', name: names, severity: 'info' }
  t.strictSame(rules, [{ name: 'slack', match: of, send: 'slack' }])
})

t.test('a bot token and its channel are carried over as they are', async (t) => {
  const imported = importText(fixture('bot'))
  t.strictSame(textOf(imported), {
    cluster: 'my-cluster',
    sources: { default: { hmacKeys: ['${FLUX_HMAC_KEY}'] } },
    slackApps: { 'slack-bot': { token: '${SLACK_BOT_TOKEN}' } },
    destinations: { 'slack-bot': { slack: { app: 'slack-bot', channel: '#general' } } },
    show: ['env'],
    rules: [
      {
        name: 'slack',
        match: { kind: 'Kustomization', namespace: 'flux-system', severity: 'info' },
        send: 'slack-bot'
      }
    ]
  })
  t.match(configOf(imported), / {2}# SLACK_BOT_TOKEN: the bot token in Secret flux-system\/slack-bot-token\n/)
  t.match(imported.targets[0]?.variable.command, /get secret slack-bot-token -o jsonpath='\{\.data\.token\}'/)
})

const api = 'https://slack.com/api/chat.postMessage'
const secretText = (name: string, stringData: object) =>
  stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'apps', name }, stringData })

/** `[what, Provider, its Secret if any, the resulting slackApps and place, or why there is no result]` */
const bots: [string, object, object | undefined, { apps?: object; slack?: object } | RegExp][] = [
  [
    'its address in the Provider',
    { address: api, channel: 'general' },
    { token: 'xoxb-s3cr3t' },
    { slack: { app: 'chat', channel: '#general' } }
  ],
  [
    'its address in the Secret',
    { address: undefined, channel: 'general' },
    { token: 'xoxb-s3cr3t', address: api },
    { slack: { app: 'chat', channel: '#general' } }
  ],
  [
    'no address',
    { address: undefined, channel: 'general' },
    { token: 'xoxb-s3cr3t' },
    { slack: { app: 'chat', channel: '#general' } }
  ],
  [
    'a Secret that is elsewhere',
    { address: api, channel: 'general' },
    undefined,
    { slack: { app: 'chat', channel: '#general' } }
  ],
  [
    'GovSlack',
    { address: 'https://slack-gov.com/api/chat.postMessage', channel: 'general' },
    { token: 'xoxb-s3cr3t' },
    { apps: { chat: { token: '${CHAT_TOKEN}', apiUrl: 'https://slack-gov.com/api' } } }
  ],
  [
    'a channel by its ID',
    { address: api, channel: 'C0123ABCD' },
    { token: 'xoxb-s3cr3t' },
    { slack: { app: 'chat', channel: 'C0123ABCD' } }
  ],
  [
    'a channel with its sign',
    { address: api, channel: '#Team-A' },
    { token: 'xoxb-s3cr3t' },
    { slack: { app: 'chat', channel: '#team-a' } }
  ],
  [
    'a username',
    { address: api, channel: 'general', username: 'flux' },
    { token: 'xoxb-s3cr3t' },
    { slack: { app: 'chat', channel: '#general' } }
  ],
  ['no channel', { address: api }, { token: 'xoxb-s3cr3t' }, /posts with a token, and to no channel; it is left out/],
  ['no token', { address: api, channel: 'general' }, { password: 'x' }, /its Secret has no token; it is left out/],
  [
    'no Secret',
    { address: api, channel: 'general', secretRef: undefined },
    undefined,
    /names no Secret with a token; it is left out/
  ]
]

for (const [what, provider, secret, expected] of bots) {
  t.test(`a Provider that posts with a token: ${what}`, async (t) => {
    const manifests = [
      alertText({}, { secretRef: { name: 'chat-token' }, ...provider }),
      ...(secret === undefined ? [] : [secretText('chat-token', secret)])
    ].join('---\n')
    const imported = importText(manifests)
    if (expected instanceof RegExp) {
      t.match(remarksOf(imported).join('\n'), expected)
      return t.strictSame(imported.takeovers, [])
    }
    const { slackApps, destinations } = textOf(imported)
    t.match(slackApps, expected.apps ?? { chat: { token: '${CHAT_TOKEN}' } })
    if (expected.slack) t.strictSame(destinations, { chat: { slack: expected.slack } })
    load(imported)
    t.notMatch(configOf(imported) + remarksOf(imported).join(), /s3cr3t/, 'and its secret is not copied')
    t.equal(remarksOf(imported).length, 'username' in provider ? 1 : 0)
  })
}

t.test('a channel that no app can post to is reported, because `check` will refuse it', async (t) => {
  for (const channel of ['team alerts', '@alice', 'U012AB3CD']) {
    const imported = importText(
      alertText(
        {},
        { type: 'slack', address: 'https://slack.com/api/chat.postMessage', secretRef: { name: 's' }, channel }
      )
    )
    t.match(remarksOf(imported).join('\n'), /Provider apps\/chat has a channel the relay refuses: /, channel)
  }
})

t.test('one token of several Providers is one app, and a webhook beside a token stays a webhook', async (t) => {
  const parts = ['a', 'b'].map((name) =>
    alertText({}, { address: api, channel: name, secretRef: { name: 'slack' } }).replaceAll(
      'name: chat',
      `name: ${name}`
    )
  )
  const imported = importText([...parts, secretText('slack', { token: 'xoxb-s3cr3t' })].join('---\n'))
  t.match(textOf(imported), {
    slackApps: { slack: { token: '${SLACK_TOKEN}' } },
    destinations: { a: { slack: { app: 'slack', channel: '#a' } }, b: { slack: { app: 'slack', channel: '#b' } } }
  })
  t.equal(load(imported).destinations.size, 2)
  const webhook = importText(
    [alertText({}, { secretRef: { name: 'slack' } }), secretText('slack', { token: 'x' })].join('---\n')
  )
  t.match(textOf(webhook)['destinations'], { chat: { slack: { webhookUrl: /./ } } })
})

t.test('an inclusion list without a valid pattern lets nothing through, as in Flux', async (t) => {
  t.strictSame(importText(alertText({ inclusionList: ['('] })).takeovers, [])
  t.equal(importText(alertText({ inclusionList: ['(', 'x'] })).takeovers.length, 1)
})

t.test('a remark about a field behind an alias is placed at the nearest line outside it', async (t) => {
  const imported = importText(`
shared: &shared { providerRef: { name: chat }, eventSources: [], suspend: true }
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: { name: other, namespace: apps }
spec: *shared
`)
  t.strictSame(remarksOf(imported), ['6: Alert apps/other is suspended; it is left out'])
})

t.test('what cannot be carried over is reported at its place, and the rest is carried over', async (t) => {
  const imported = importText(fixture('platform'))
  const expected = [
    /^19: Provider team-b\/chat goes through a proxy: set HTTPS_PROXY/,
    /^24: Provider team-c\/chat has an address the relay refuses: it must be https/,
    /^37: team of Alert team-b\/failures is not carried over/,
    /^44: namespace "\*" matches nothing in Flux/,
    /^45: exclusionList of Alert team-b\/failures: not a pattern, .*\(\?=/,
    /^53: team of Alert team-c\/failures is not carried over/,
    /^59: Alert team-c\/elsewhere posts to Provider team-c\/teams, which is of type "msteams"/,
    /^65: Alert team-c\/quiet is suspended; it is left out/,
    /^72: Alert team-c\/orphan posts to Provider team-c\/nobody, which is in none of the files/,
    /^78: Alert team-c\/misshapen is left out: spec\.providerRef must be object/
  ]
  t.equal(imported.remarks.length, expected.length)
  t.match(remarksOf(imported), expected)
  t.match(textOf(imported), {
    cluster: 'prod-eu',
    destinations: {
      'team-b-chat': { slack: { webhookUrl: '${TEAM_B_URL}', username: 'Flux', dialect: 'discord' } },
      'team-c-chat': { slack: { webhookUrl: '${CHAT_URL}', channel: '#c', dialect: 'rocketchat' } }
    },
    rules: [
      {
        name: 'team-b/failures',
        match: { object: ['Kustomization/team-b/*', 'ImagePolicy/team-b/*', 'HelmRelease/*/*'] },
        mention: '<!subteam^S012AB3CD>',
        send: 'team-b-chat'
      },
      { name: 'team-c/failures', send: 'team-c-chat' }
    ]
  })
})

const oneRemark: [string, string, RegExp | undefined][] = [
  [
    'a Provider that is suspended',
    alertText({}, { suspend: true }),
    /Provider apps\/chat, which is suspended; it is left/
  ],
  ['a Provider without an address', alertText({}, { address: '' }), /Provider apps\/chat, which has no address/],
  [
    'an unknown severity',
    alertText({ eventSeverity: 'critical' }),
    /has an eventSeverity other than info, warn, error; it is left out/
  ],
  ['an unknown field', alertText({ eventFilter: 'x' }), /Alert apps\/chat: spec\.eventFilter is not known here/],
  [
    'a variable of Flux',
    alertText({ eventMetadata: { cluster: '${cluster}' } }),
    /spec\.eventMetadata\.cluster has a var/
  ],
  ['a variable as the address', alertText({}, { address: '${slack_url}' }), undefined],
  ['an inclusion list of no patterns', alertText({ inclusionList: ['('] }), /inclusionList of Alert .*: not a pattern/],
  ['a client certificate', alertText({}, { certSecretRef: { name: 'tls' } }), /NODE_EXTRA_CA_CERTS/],
  ['a proxy', alertText({}, { proxySecretRef: { name: 'proxy' } }), /HTTPS_PROXY/],
  [
    'a mention amid a summary',
    alertText({ summary: '<!here> the shop is down' }),
    /summary of Alert apps\/chat pings nobody: for that, write `mention: "<!here>"`/
  ],
  [
    'a kind that Flux does not know',
    alertText({ eventSources: [{ kind: 'HelmReleases', name: '*' }] }),
    /kind "HelmReleases" matches nothing in Flux, .*; the rule has HelmRelease/
  ],
  [
    'an Alert that is there twice',
    `${alertText({})}---\n${alertText({})}`,
    /was read already, at flux\.yaml:1; this one/
  ]
]
for (const [what, text, expected] of oneRemark) {
  t.test(`${what} ${expected ? 'causes a remark' : 'causes no remark'}`, async (t) => {
    const imported = importText(text)
    if (expected === undefined) t.strictSame(imported.remarks, [])
    else
      t.ok(
        remarksOf(imported).some((remark) => expected.test(remark)),
        remarksOf(imported).join('\n')
      )
    if (imported.takeovers.length > 0) load(imported)
  })
}

t.test("a Secret's address wins over the Provider's, one Secret is one variable, and names are distinct", async (t) => {
  const secret = (namespace: string, name: string, data: object) =>
    stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, stringData: data })
  const variable = (...texts: string[]) =>
    importText(texts.join('---\n')).targets.map(({ name, variable }) => `${name} ${variable.name}: ${variable.what}`)
  const withRef = (name: string) => alertText({}, { secretRef: { name } })
  const inSecret = 'chat HOOK_URL: the address in Secret apps/hook'
  t.strictSame(variable(withRef('hook'), secret('apps', 'hook', { address: 'https://x.example/' })), [inSecret])
  const inProvider = 'chat CHAT_URL: the address of Provider apps/chat'
  t.strictSame(variable(withRef('hook'), secret('apps', 'hook', { token: 't' })), [inProvider])
  const plain = secret('apps', 'hook', { address: Buffer.from('http://x.example').toString('base64') })
  const overHttp = importText(`${withRef('hook')}---\n${plain.replace('stringData', 'data')}`)
  t.match(overHttp.remarks, [{ message: /the relay refuses: it must be https/ }])
  t.strictSame(variable(withRef('hook')), [inProvider], 'where the Secret is not among the files')
  t.strictSame(variable(alertText({}, { address: '', secretRef: { name: 'hook' } })), [inSecret])

  const team = (namespace: string, name: string) =>
    alertText({ providerRef: { name } }, { address: '', secretRef: { name: 'flux-hmac-key' } })
      .replaceAll('namespace: apps', `namespace: ${namespace}`)
      .replaceAll('name: chat', `name: ${name}`)
  t.strictSame(
    variable(team('a', 'x'), team('a', 'z'), team('b', 'x')).map((line) => line.split(':')[0]),
    ['a-x A_FLUX_HMAC_KEY_URL', 'z A_FLUX_HMAC_KEY_URL', 'b-x B_FLUX_HMAC_KEY_URL']
  )
})

t.test('only what all Alerts have in common is on every event; a mention in a summary notifies', async (t) => {
  const other = alertText({ summary: '<!here>', eventMetadata: { cluster: 'eu', team: 'b' } })
  const imported = importText(`${alertText({ eventMetadata: { cluster: 'eu', team: 'a' }, summary: 'impact' })}---
${other.replaceAll('namespace: apps', 'namespace: web')}`)
  t.strictSame(
    imported.feeds.map(({ metadata }) => metadata),
    [
      { cluster: 'eu', team: 'a', summary: 'impact' },
      { cluster: 'eu', team: 'b' }
    ],
    'where they are about other objects'
  )
  t.strictSame(textOf(imported)['show'], ['team'], 'messages show what Alerts add, as those of Flux do')
  t.match(textOf(imported)['rules'], [{ mention: undefined }, { mention: '<!here>' }])
  const eventSources = [{ kind: 'Kustomization', name: '*', namespace: 'db' }]
  const first = alertText({ eventMetadata: { cluster: 'eu', team: 'a' }, summary: 'impact', eventSources })
  const second = alertText({ eventMetadata: { cluster: 'eu', team: 'b' }, summary: '<!here>', eventSources })
  const shared = importText(`${first}---\n${second.replaceAll('namespace: apps', 'namespace: web')}`)
  t.strictSame(
    shared.feeds.map(({ metadata }) => metadata),
    [{ cluster: 'eu' }],
    'where they are about the same'
  )
  t.match(
    shared.remarks.map(({ message }) => message.split(' is ')[0]),
    ['team of Alert apps/chat', 'summary of Alert apps/chat', 'team of Alert web/chat']
  )
})

t.test('a summary of v1, which is part of the metadata, mentions like one of v1beta3', async (t) => {
  const v1 = (eventMetadata: object) => importText(alertText({ eventMetadata }).replaceAll('v1beta3', 'v1'))
  t.match(textOf(v1({ summary: '<!here>' }))['rules'], [{ mention: '<!here>' }])
  t.strictSame(v1({ summary: '<!here>', team: 'a' }).feeds[0]?.metadata, { team: 'a' })
  t.strictSame(v1({ summary: 'shop is down', team: 'a' }).feeds[0]?.metadata, { summary: 'shop is down', team: 'a' })
  t.match(textOf(importText(fixture('v1')))['rules'], [
    { name: 'on-call', mention: '<!subteam^S012AB3CD>' },
    { match: { severity: 'info' } }
  ])
})

t.test('manifests of v1 and of v1beta3 are read together', async (t) => {
  const mixed = importText(`${fixture('v1')}---\n${fixture('tutorial')}`)
  const [earlier, later] = [fixture('tutorial'), fixture('v1')].map((text) => load(importText(text)).rules.all.length)
  t.equal(load(mixed).rules.all.length, Number(earlier) + Number(later))
})

t.test('the Alert for Flux names each object once, and posts what the rules need', async (t) => {
  const feed = parseAllDocuments(feedOf(importText(fixture('platform')), 'https://relay.example/webhook', 'flux'))
  const [provider, alert] = feed.map((document) => document.toJS())
  t.strictSame([...faultsOf(provider), ...faultsOf(alert)], [], 'as the API server takes it')
  t.match(provider, {
    kind: 'Provider',
    metadata: { name: 'flux-relay', namespace: 'flux' },
    spec: { type: 'generic-hmac', address: 'https://relay.example/webhook', secretRef: { name: 'flux-relay' } }
  })
  t.match(alert.spec, {
    providerRef: { name: 'flux-relay' },
    eventSeverity: 'info',
    eventMetadata: { cluster: 'prod-eu' }
  })
  t.strictSame(alert.spec.eventSources, [
    { kind: 'Kustomization', name: '*', namespace: 'team-b' },
    { kind: 'ImagePolicy', name: '*', namespace: 'team-b' },
    { kind: 'HelmRelease', name: 'redis', namespace: 'cache' }
  ])
})

/** As Flux decides it (fluxcd/notification-controller internal/server/event_handlers.go), without labels. */
function isAlertedByFlux(spec: AlertSpec, event: WireEvent): boolean {
  const { kind, namespace, name } = event.involvedObject
  const finds = (pattern: string) => event.message.includes(pattern)
  if (spec.exclusionList.some(finds)) return false
  if (spec.inclusionList.length > 0 && !spec.inclusionList.some(finds)) return false
  if (spec.eventSeverity === 'error' && event.severity !== 'error') return false
  return spec.eventSources.some(
    (source) =>
      kind === source.kind &&
      namespace === (source.namespace ?? 'apps') &&
      (source.name === '*' || name === source.name)
  )
}

interface AlertSpec {
  eventSeverity?: 'info' | 'error' | undefined
  eventSources: { kind: string; name: string; namespace?: string }[]
  inclusionList: string[]
  exclusionList: string[]
}

const kinds = ['Kustomization', 'HelmRelease', 'GitRepository', 'ImagePolicy']
const names = ['a', 'b']
const namespaces = ['apps', 'web']
const words = ['timeout', 'denied']
const anyAlert: fc.Arbitrary<AlertSpec> = fc.record({
  eventSeverity: fc.constantFrom('info', 'error', undefined),
  eventSources: fc.array(
    fc.record(
      {
        kind: fc.constantFrom(...kinds),
        name: fc.constantFrom('*', ...names),
        namespace: fc.constantFrom(...namespaces)
      },
      { requiredKeys: ['kind', 'name'] }
    ),
    { minLength: 1, maxLength: 8 }
  ),
  inclusionList: fc.subarray(words),
  exclusionList: fc.subarray(words)
})

// Flux's own severity of each reason, by the controllers that send it.
const happenings = [
  ['error', 'BuildFailed', kinds],
  ['error', 'DriftDetected', ['HelmRelease']],
  ['error', 'NamespaceCheckSkipped', ['HelmRelease']],
  ['info', 'RollbackSucceeded', ['HelmRelease']],
  ['info', 'UninstallSucceeded', ['HelmRelease']],
  ['info', 'DependencyNotReady', ['Kustomization', 'HelmRelease']],
  ['error', 'DependencyNotReady', ['ImagePolicy']],
  ['info', 'Succeeded', kinds]
] as const
const anyEvent = fc
  .record({
    happening: fc.constantFrom(...happenings),
    kind: fc.nat(),
    name: fc.constantFrom(...names, 'c'),
    namespace: fc.constantFrom(...namespaces, 'db'),
    message: fc.constantFrom('remediation', ...words, 'denied after a timeout')
  })
  .map(({ happening: [severity, reason, of], kind, name, namespace, message }) =>
    wire({ involvedObject: { kind: of[kind % of.length] ?? '', name, namespace }, severity, reason, message })
  )

t.test('for any Alert, exactly the events that Flux would alert of fire a rule, and only one', async (t) => {
  const counts = { notified: 0, not: 0 }
  fc.assert(
    fc.property(anyAlert, fc.array(anyEvent, { minLength: 20, maxLength: 20 }), (spec, events) => {
      const imported = importText(alertText(spec))
      const config = imported.takeovers.length === 0 ? undefined : load(imported)
      for (const event of events) {
        const expected = isAlertedByFlux(spec, event)
        counts[expected ? 'notified' : 'not']++
        if ((config === undefined ? [] : firedBy(config, event)).length !== Number(expected))
          throw new Error(JSON.stringify(event))
      }
    }),
    { numRuns: 150 }
  )
  t.ok(counts.notified > 100 && counts.not > 100, JSON.stringify(counts))
})

t.test('with several Alerts, each event goes where Flux sent it, and Flux posts it to the relay once', async (t) => {
  const metadata = fc.constantFrom<object>({}, { summary: 'a' }, { summary: 'b' })
  const anyAlerts = fc.array(fc.tuple(anyAlert, metadata), { minLength: 2, maxLength: 4 })
  const counts = { notified: 0, not: 0, merged: 0, feeds: 0 }
  fc.assert(
    fc.property(anyAlerts, fc.array(anyEvent, { minLength: 20, maxLength: 20 }), (alerts, events) => {
      const provider = alertText({}).split('---\n')[1]
      const named = alerts.map(([spec, added], at) =>
        alertText({ ...spec, ...added })
          .split('---\n')[0]
          ?.replace(/^ {2}name: chat$/m, `  name: alert-${at}`)
      )
      const imported = importText([provider, ...named].join('---\n'))
      if (imported.takeovers.length === 0) return
      const config = load(imported)
      counts.merged += Number(imported.rules.length < imported.takeovers.length)
      counts.feeds += Number(imported.feeds.length > 1)
      const feeds = parseAllDocuments(feedOf(imported, 'http://relay/webhook', 'flux-system'))
        .map((document) => document.toJS())
        .filter(({ kind }) => kind === 'Alert')
      for (const event of events) {
        const expected = alerts.filter(([spec]) => isAlertedByFlux(spec, event)).length
        counts[expected > 0 ? 'notified' : 'not']++
        const fired = firedBy(config, event).length
        const posts = feeds.filter(({ spec }) =>
          isAlertedByFlux({ inclusionList: [], exclusionList: [], ...spec }, event)
        )
        const isRight = expected === 0 ? fired === 0 : fired > 0 && fired <= expected && posts.length === 1
        if (!isRight) throw new Error(`${expected} ${fired} ${posts.length} ${JSON.stringify(event)}`)
      }
    }),
    { numRuns: 100 }
  )
  t.ok(
    Object.values(counts).every((count) => count > 10),
    JSON.stringify(counts)
  )
})

function run(args: string[], { cwd = root, input = '' }: { cwd?: string; input?: string | Buffer } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'src', 'main.js'), ...args], {
    cwd,
    input,
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8'
  })
  return { code: status, out: stdout, err: stderr }
}

t.test('the command prints a config and lists the variables to set', async (t) => {
  const { code, out, err } = run(['import', join(fixtures, 'tutorial.yaml')])
  t.equal(code, 0)
  t.match(out, /^# flux-relay: imported from Flux/)
  t.match(err, /1 Alert, 1 destination\. Set these/)
  t.match(err, /export SLACK_URL="\$\(kubectl -n flux-system get secret slack-url -o jsonpath='\{\.data\.address\}'/)
  t.match(err, /export FLUX_HMAC_KEY="\$\(openssl rand -hex 32\)"/)
  t.notMatch(out + err, secrets)
})

t.test('endless or nearly endless input is refused in words', async (t) => {
  const head =
    'apiVersion: notification.toolkit.fluxcd.io/v1beta3\nkind: Alert\nmetadata: { name: a, namespace: b }\nspec:\n'
  const laughs = Array.from(
    { length: 9 },
    (_, n) => `  a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]\n`
  )
  const cases: [text: string, message: string | RegExp][] = [
    ['  eventSources: &x [*x]\n', '*x stands inside of &x, which it repeats'],
    ['  providerRef: &x { name: { name: *x } }\n', '*x stands inside of &x, which it repeats'],
    [`  a0: &a0 [x]\n${laughs.join('')}`, 'the aliases (*name) in this file repeat too much'],
    [`  x: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`, /^lists and maps stand inside of each other here/],
    [`  x: ${'{ a: '.repeat(9000)}1${'}'.repeat(9000)}\n`, /^lists and maps stand inside of each other here/]
  ]
  for (const [text, message] of cases) {
    const { manifests, problems } = readManifests(head + text, 'flux.yaml')
    t.strictSame(manifests, [])
    t.match(problems[0]?.message, message)
  }
  const shared = 'x: &x { name: "a&b" }\ny: *x\n'
  t.strictSame(readManifests(`kind: ConfigMap\nmetadata: { name: a }\n${shared}`, 'flux.yaml').problems, [])
})

t.test('a name in a command to be pasted is a single word, and never appears in any other line', async (t) => {
  const hostile = ['$(id)', '`id`', 'a; id', "a'b; id #", 'a"; id; "', 'a\nid', 'a\u001b[31m\rid', '${HOME}']
  const isOneLine = (text: string) => /^[^\p{Cc}]*$/u.test(text)
  // The arguments that each program would get, one per line.
  const shell = (command: string) => {
    const programs = ['kubectl', 'flux'].map((name) => `${name}() { printf '%s\\n' "$@"; }`)
    return spawnSync('sh', ['-c', [...programs, command].join('\n')], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n')
  }
  for (const name of hostile) {
    const shown = name.replaceAll('\n', ' ').replaceAll('\u001b[31m\r', ' ')
    for (const spec of [
      { type: 'slack', secretRef: { name } },
      { type: 'slack', address: 'https://hooks.slack.com/services/T/B/x' }
    ]) {
      const namespace = name
      const common = { apiVersion: 'notification.toolkit.fluxcd.io/v1beta3', metadata: { name, namespace } }
      const alert = {
        ...common,
        kind: 'Alert',
        spec: { providerRef: { name }, eventSources: [{ kind: 'x', name, namespace }] }
      }
      const imported = importText(`${stringify({ ...common, kind: 'Provider', spec })}---\n${stringify(alert)}`)
      const [target] = imported.targets
      const { command = '', what = '' } = target?.variable ?? {}
      const given = shell(command.replace('| base64 -d', ''))
      t.equal(given[1], shown, `the namespace ${JSON.stringify(name)}`)
      t.equal(given[4], shown, `the name ${JSON.stringify(name)}`)
      t.equal(given.length, 7)
      t.ok(isOneLine(what))
      const comments = [configOf(imported), feedOf(imported, 'http://relay', 'flux-system')].flatMap((text) =>
        text.split('\n').filter((line) => line.startsWith('#') || line.trim().startsWith('#'))
      )
      t.strictSame(
        comments.filter((line) => !isOneLine(line) || /^\W*id$/.test(line)),
        []
      )
      const suspend = comments.find((line) => line.includes('flux suspend'))?.replace('#', '') ?? ''
      t.strictSame(shell(suspend), ['suspend', 'alert', shown, '-n', shown])
    }
  }
})

t.test('a file written by a Windows shell is read like any other', async (t) => {
  const folder = tempFolder(t)
  const file = join(folder, 'flux.yaml')
  const text = fixture('tutorial').replaceAll('\n', '\r\n')
  writeFileSync(file, text)
  const { out } = run(['import', file])
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
  for (const other of [bytes, Buffer.from(bytes).swap16(), Buffer.from(`\ufeff${text}`)]) {
    writeFileSync(file, other)
    t.match(run(['import', file]), { code: 0, out })
    t.match(run(['import', folder]), { code: 0, out })
    const piped = run(['import', '-'], { input: other })
    t.equal(piped.out.replace('<stdin>', file), out)
  }
})

t.test('the standard input, directories and several files are read as one', async (t) => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'deep', '.git'), { recursive: true })
  copyFileSync(join(fixtures, 'tutorial.yaml'), join(folder, 'deep', 'a.yml'))
  copyFileSync(join(fixtures, 'malformed.yaml'), join(folder, 'deep', '.git', 'b.yaml'))
  writeFileSync(join(folder, 'helm.yaml'), '{{- if .Values.x }}\n  a: {{ .b }}\n{{- end }}\n')
  const parts = [folder, '-', join(fixtures, 'bot.yaml')]
  const { code, out } = run(['import', '--json', ...parts], { input: fixture('kubectl-list') })
  t.equal(code, 0)
  const { config, flux, variables, remarks } = JSON.parse(out)
  t.strictSame(
    parse(config).rules.map(({ name }: { name: string }) => name),
    ['on-call-webapp', 'team-a', 'slack']
  )
  t.match(remarks[0], { file: /a\.yml$/, message: /^summary of Alert/ })
  t.match(remarks.at(-1), { file: /bot\.yaml$/, message: /^cluster of Alert/ })
  t.strictSame(
    variables.map(({ name }: { name: string }) => name),
    ['SLACK_URL', 'CHAT_URL', 'SLACK_BOT_TOKEN']
  )
  t.match(flux, /kind: Provider/)
})

t.test(
  'files of a folder that are not manifests are named and left out, and changes by kustomize are reported',
  async (t) => {
    const folder = tempFolder(t)
    mkdirSync(join(folder, 'chart'))
    copyFileSync(join(fixtures, 'tutorial.yaml'), join(folder, 'alerts.yaml'))
    writeFileSync(
      join(folder, 'chart', 'secret.yaml'),
      'kind: Secret\nname: {{ .Release.Name }}-s3cr3t\na: {{- if x }}\n'
    )
    writeFileSync(join(folder, 'broken.yaml'), 'kind: Secret\na: "s3cr3t\n')
    writeFileSync(join(folder, 'kustomization.yaml'), 'resources: [alerts.yaml]\nnamespace: team-a\npatches: []\n')
    const { code, out, err } = run(['import', folder])
    t.equal(code, 0, err)
    t.match(out, /- name: on-call-webapp/)
    t.match(err, /chart\/secret\.yaml:\d+: a template of Helm, not read/)
    t.match(err, /broken\.yaml:\d+: no YAML, not read: /)
    t.match(out, /GitRepository\/team-a\/\*/)
    t.notMatch(err, /kustomization/)
    t.notMatch(out + err, secrets)
    const component = 'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [alerts.yaml]\n'
    writeFileSync(join(folder, 'kustomization.yaml'), component)
    t.match(run(['import', folder]).err, /kustomization\.yaml:1: this is a Component/)
  }
)

t.test('a file that makes Alerts in another language is named, with the command that shows them', async (t) => {
  const folder = tempFolder(t)
  const group = 'notification.toolkit.fluxcd.io'
  writeFileSync(join(folder, 'alert.cue'), `alert: {\n\tapiVersion: "${group}/v1beta3"\n\tkind: "Alert"\n}\n`)
  writeFileSync(join(folder, 'other.tf'), 'resource "x" "y" {}\n')
  writeFileSync(
    join(folder, 'kustomization.yaml'),
    'resources:\n- https://github.com/acme/notifications//base?ref=v1\nnamespace: team-a\n'
  )
  const { code, err } = run(['import', folder])
  t.equal(code, 1)
  t.match(err, /alert\.cue:1: is not YAML, and not read: import what it makes/)
  t.notMatch(err, /other\.tf/)
  t.match(err, /kustomization\.yaml:1: this lists https:\/\/github\.com\/.* which was not read: .*`kubectl kustomize/)
  t.match(
    err,
    /what the cluster has: kubectl get alerts\.notification\.toolkit\.fluxcd\.io,providers\.\S+ -A -o yaml\n/
  )
  copyFileSync(join(fixtures, 'tutorial.yaml'), join(folder, 'alerts.yaml'))
  const { code: both, err: said } = run(['import', folder])
  t.equal(both, 0)
  t.match(said, /alert\.cue:1: is not YAML/)
  t.notMatch(said, /github\.com/)
})

t.test('a link that is dangling, or leads to a folder, is named, and the rest of the folder is read', async (t) => {
  const folder = tempFolder(t)
  copyFileSync(join(fixtures, 'tutorial.yaml'), join(folder, 'alerts.yaml'))
  const { out } = run(['import', folder])
  symlinkSync(join(folder, 'nowhere'), join(folder, 'a.yaml'))
  symlinkSync(folder, join(folder, 'kustomization.yaml'))
  const linked = run(['import', folder])
  t.match(linked, { code: 0, out })
  t.match(linked.err, /a\.yaml:1: cannot be read, and is left out: [\s\S]*kustomization\.yaml:1: cannot be read/)
})

t.test('malformed YAML is reported with its place; if there is nothing to import, the exit code says so', async (t) => {
  const malformed = run(['import', join(fixtures, 'malformed.yaml')])
  t.equal(malformed.code, 2)
  t.match(
    malformed.err,
    /malformed\.yaml:6:12 error: a second ": " on one line; put the text in quotes\n {2}6 \| {3}summary: impact: production\n/
  )
  t.equal(malformed.out, '')
  const empty = run(['import', '-'], { input: 'apiVersion: v1\nkind: ConfigMap\n' })
  t.match(empty, { code: 1, out: '', err: 'there is no Alert for the relay to take over\n' })
  t.equal(run(['import', '--json', '-'], { input: 'a: b' }).code, 1)
  const missing = run(['import', 'nowhere.yaml'])
  t.match(missing, { code: 2, err: /no such file/ })
})

t.test('an overlay with Alerts beside it is not said to have none', async (t) => {
  const folder = tempFolder(t)
  for (const part of ['base', 'overlay']) mkdirSync(join(folder, part))
  copyFileSync(join(fixtures, 'tutorial.yaml'), join(folder, 'base', 'alerts.yaml'))
  writeFileSync(join(folder, 'base', 'kustomization.yaml'), 'resources: [alerts.yaml]\n')
  writeFileSync(join(folder, 'overlay', 'kustomization.yaml'), 'namespace: flux-system\nresources:\n- ../base\n')
  const from = (cwd: string, path: string) => run(['import', path], { cwd: join(folder, cwd) })
  t.match(from('.', 'overlay'), {
    code: 1,
    err: /^overlay\/kustomization\.yaml:2: this lists base, which was not read: import what `kubectl kustomize overlay` prints\n/
  })
  t.match(from('overlay', '.').err, /^kustomization\.yaml:2: this lists \.\.\/base, which was not read/)
  const whole = from('overlay', '..')
  t.equal(whole.code, 0)
  t.notMatch(whole.err, /was not read/)
})

t.test('an address or a namespace that no Provider can have is refused', async (t) => {
  const file = join(fixtures, 'tutorial.yaml')
  for (const relay of [
    '',
    'flux-relay/webhook',
    'ftp://relay/webhook',
    'https://relay.example',
    'https://relay.example/'
  ])
    t.match(run(['import', file, '--flux', '--relay', relay]), {
      code: 2,
      out: '',
      err: /It should be of the form http:/
    })
  for (const namespace of ['', 'Team_A', 'team.a', '-a'])
    t.match(run(['import', file, '--flux', '-n', namespace]), { code: 2, out: '', err: /A namespace is small letters/ })
  const { code, out } = run(['import', file, '--flux', '--relay', 'https://relay.example/webhook/eu', '-n', 'team-a'])
  t.equal(code, 0)
  t.match(out, /namespace: team-a[\s\S]*address: https:\/\/relay\.example\/webhook\/eu\n/)
})

t.test('one mistake is one problem, at its place, in words, whatever follows it', async (t) => {
  const text = `${alertText({})}---
kind: Alert
apiVersion: notification.toolkit.fluxcd.io/v1beta3
metadata: { name: main-\${team}, namespace: flux-system }
spec: { eventSeverity: error, providerRef: { name: chat }, eventSources: [{ kind: Kustomization, name: '*' }] }
`
  const { problems } = readManifests(text, 'flux.yaml')
  t.match(problems, [
    {
      line: text.split('\n').findIndex((line) => line.includes('team')) + 1,
      column: 25,
      message: 'this is not allowed behind a value; put the whole text in quotes'
    }
  ])
  const { problems: ofConfig } = loadConfig(
    'destinations: { a: { preview: true } }\nrules:\n  - { name: main-${team}, match: { name: x }, send: a }\n  - { name: b, send: a }\n',
    'config.yaml',
    {}
  )
  t.match(ofConfig, [{ line: 3, column: 19, message: /^this is not allowed behind a value/ }])
})

t.test('a malformed Secret is not shown', async (t) => {
  const bodies = [
    'address: https://h/s3cr3t: x',
    'a: |s3cr3t',
    'a: *s3cr3t',
    'a: "\\q s3cr3t"',
    'a: @s3cr3t',
    'a: s3cr3t: x'
  ]
  for (const body of bodies) {
    const { problems } = readManifests(`kind: Secret\napiVersion: v1\nstringData:\n  ${body}\n`, 'flux.yaml')
    t.ok(problems.length > 0, body)
    t.notMatch(problems.map(formatProblem).join('\n'), secrets)
  }
})

t.test('the commands in docs/from-notification-controller.md do what it says', async (t) => {
  const folder = tempFolder(t)
  const program = (name: string, text: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  program('flux-relay', `exec '${process.execPath}' '${join(root, 'src', 'main.js')}' "$@"`)
  program('openssl', 'echo 0123456789abcdef')
  program(
    'kubectl',
    `case "$*" in
      get*-A*) cat '${join(fixtures, 'tutorial.yaml')}' ;;
      *jsonpath*) printf https://hooks.slack.com/services/T/B/x | base64 ;;
      *) echo "$*" >> applied.txt ;;
    esac`
  )
  const doc = readFileSync(join(root, 'docs', 'from-notification-controller.md'), 'utf8')
  const [, shown = ''] = /```sh\n(.*?)```/s.exec(doc) ?? []
  const commands = shown.replaceAll('npx flux-relay', 'flux-relay')
  const env = { PATH: `${folder}:${process.env['PATH']}` }
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', commands], { cwd: folder, env, encoding: 'utf8' })
  t.equal(status, 0, stderr)
  t.match(stdout, /config\.yaml is fine \(rules: 1, destinations: 1, sources: 1\)/)
  t.ok(stderr.includes(/^export SLACK_URL=.*$/m.exec(commands)?.[0] ?? '-'), 'import says the same')
  t.match(readFileSync(join(folder, 'flux-relay.yaml'), 'utf8'), /flux suspend alert on-call-webapp -n flux-system/)
  t.match(readFileSync(join(folder, 'applied.txt'), 'utf8'), /token=0123456789abcdef\napply -f flux-relay\.yaml\n/)
})

t.test('an address in place of a name is treated as a secret: in no config, no variable and no remark', async (t) => {
  const url = 'https://hooks.slack.com/services/T0SECRET/B0/s3cr3t'
  for (const [alert, provider, said] of [
    [{}, { channel: url }, /Provider apps\/chat has an address as its channel/],
    [{}, { username: url }, /Provider apps\/chat has an address as its username/],
    [{ channel: url }, {}, /Alert apps\/chat has an address as its channel/],
    [{}, { secretRef: { name: url } }, /has an address where the name of the Secret with it belongs; it is left out/]
  ] as const) {
    const imported = importText(alertText(alert, provider))
    t.match(remarksOf(imported).join('\n'), said)
    if (imported.takeovers.length > 0) t.ok(load(imported))
    t.notMatch(
      `${configOf(imported)} ${feedOf(imported, 'http://relay/webhook', 'apps')} ${remarksOf(imported)}`,
      secrets
    )
  }
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'flux.yaml'), alertText({}, { type: url }))
  const { stderr } = spawnSync('node', ['src/main.js', 'import', join(folder, 'flux.yaml')], {
    cwd: root,
    encoding: 'utf8'
  })
  t.match(stderr, /is of type "https:\/\/hooks\.slack\.com\/…"/)
})

t.test('a Provider that cannot be read is not said to be missing', async (t) => {
  const imported = importText(alertText({}, { channel: 5 }))
  t.match(remarksOf(imported), [
    /posts to Provider apps\/chat, which cannot be read; it is left out/,
    /Provider apps\/chat is left out: spec\.channel must be string/
  ])
})
