// Impossible matchers: are reported with what was probably meant; possible ones never are.
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { severityNames } from '../src/events/severity.ts'
import { vocabulary } from '../src/events/vocabulary.ts'
import { type Known, knownFrom, neverFaults } from '../src/rules/never.ts'
import { compileRules, match } from '../src/rules/rules.ts'
import type { RuleText } from '../src/rules/schema.ts'
import { event } from './fixtures/events.ts'
import { fc } from './fixtures/fc.ts'

type Match = NonNullable<RuleText['match']>

const known: Known = knownFrom(
  new Map([
    ['default', { cluster: 'prod-eu' }],
    ['edge', { cluster: 'prod-us' }]
  ])
)

const said = (text: Match, among = known) =>
  neverFaults(text, [], among, 'error').map(({ path, message }) => `${path.join('.')}: ${message}`)

const hopeless: readonly (readonly [what: string, match: Match, where: string, meant: RegExp])[] = [
  ['a kind in another case', { kind: 'Helmrelease' }, 'kind', /Flux has no kind .*did you mean "HelmRelease"/],
  ['a kind in a list', { kind: ['HelmRelease', 'kustomization'] }, 'kind.1', /did you mean "Kustomization"/],
  ['a kind with a letter too few', { kind: 'Kustomizaton' }, 'kind', /did you mean "Kustomization"/],
  ['a kind with letters that changed places', { kind: 'HlemRelease' }, 'kind', /did you mean "HelmRelease"/],
  ['a plural', { kind: 'GitRepositories' }, 'kind', /did you mean "GitRepository"/],
  ['a resource', { kind: 'helmreleases.helm.toolkit.fluxcd.io' }, 'kind', /did you mean "HelmRelease"/],
  ['a short name of kubectl', { kind: 'hr' }, 'kind', /did you mean "HelmRelease"/],
  ['a glob of kinds in another case', { kind: 'helm*' }, 'kind', /case counts, but there is HelmRelease, /],
  ['a glob of a misspelt kind', { kind: 'Kustomizaton*' }, 'kind', /did you mean "Kustomization\*"/],
  ['a kind of another controller in another case', { kind: 'terraform' }, 'kind', /did you mean "Terraform"/],
  ['a kind that is no name of one', { kind: 'My_Kind' }, 'kind', /letters and digits, without "_"/],
  [
    'a kind that Flux applies',
    { kind: ['HelmRelease', 'Deployment'] },
    'kind.1',
    /but about the Kustomization or HelmRel/
  ],
  [
    'an object that Flux applies',
    { object: 'Deployment/apps/web' },
    'object',
    /about the Kustomization or HelmRelease/
  ],
  ['braces of a shell', { namespace: 'team-{a,b}-eu' }, 'namespace', /a list is \[team-a-eu, team-b-eu\]/],
  ['a reason in another case', { reason: 'healthCheckFailed' }, 'reason', /did you mean "HealthCheckFailed"/],
  ['a reason with a letter too many', { reason: 'UpgradeFailled' }, 'reason', /did you mean "UpgradeFailed"/],
  ['a glob of reasons in another case', { reason: '*failed' }, 'reason', /case counts, but there is /],
  ['a namespace with a character that none has', { namespace: 'Team_A' }, 'namespace', /without "T"/],
  ['a namespace in another case', { namespace: 'Team-A' }, 'namespace', /did you mean "team-a"/],
  ['a namespace with a dot', { namespace: 'team.a' }, 'namespace', /without "\."/],
  ['a namespace that is left out', { namespace: '!kube-system' }, 'namespace', /write it under `not`/],
  ['a regular expression', { namespace: '^team-.*$' }, 'namespace', /a glob, not a regular expression/],
  ['a regular expression as a name', { name: 'team-.*' }, 'name', /a glob, not a regular expression/],
  ['a namespace that is too long', { namespace: 'a'.repeat(64) }, 'namespace', /the longest has 63/],
  ['a name that is too long', { name: `${'a'.repeat(254)}*` }, 'name', /the longest has 253/],
  ['a name that begins with a hyphen', { name: '-app' }, 'name', /begins or ends with "-"/],
  ['a name that ends with a hyphen', { name: '*-app-' }, 'name', /begins or ends with "-"/],
  ['a name with capitals', { name: 'Podinfo' }, 'name', /did you mean "podinfo"/],
  ['an object of a misspelt kind', { object: 'Helmrelease/db/redis' }, 'object', /did you mean "HelmRelease"/],
  ['an object whose namespace has a capital', { object: ['HelmRelease/DB/x'] }, 'object.0', /did you mean "db"/],
  ['an object without a namespace', { object: 'HelmRelease/redis' }, 'object', /they are Kind\/namespace\/name/],
  ['an object of four parts', { object: 'prod/HelmRelease/db/redis' }, 'object', /they are Kind\/namespace\/name/],
  ['an object that `not` takes away', { object: 'A/b/c', not: { object: '*/b/*' } }, 'not.object', /every object/],
  ['several names in one text', { namespace: 'team-a, team-b' }, 'namespace', /a list is \[team-a, team-b\]/],
  [
    'a source that is not in the file',
    { source: 'egde' },
    'source',
    /no source "egde" in this file; did you mean "edge"/
  ],
  ['a glob of no source', { source: 'prod-*' }, 'source', /there are default, edge/],
  ['a cluster that no source speaks for', { cluster: 'prod-eux' }, 'cluster', /did you mean "prod-eu"/],
  [
    'a key with the prefix of annotations',
    { metadata: { 'event.toolkit.fluxcd.io/team': 'a' } },
    'metadata.event.toolkit.fluxcd.io/team',
    /write "team"/
  ],
  ['an action in another case', { action: 'applied' }, 'action', /did you mean "Applied"/],
  ['a kind of the related object', { related: { kind: 'helmchart' } }, 'related.kind', /did you mean "HelmChart"/],
  ['a name of the related object', { not: { related: { name: ['Fleet'] } } }, 'not.related.name.0', /"fleet"/],
  [
    'the related object, taken away',
    { related: { kind: 'Bucket' }, not: { related: { kind: '*' } } },
    'not.related.kind',
    /every related kind/
  ],
  [
    'a kind of the related object in an expression',
    { when: 'related.kind == "gitrepository"' },
    'when',
    /"GitRepository"/
  ],
  ['an action in an expression', { when: 'event.action in ["failed"]' }, 'when', /did you mean "Failed"/],
  ['a key of a controller alone', { metadata: { token: 'a' } }, 'metadata.token', /no event keeps this key/],
  ['what `not` has in another case', { not: { kind: 'helmrelease' } }, 'not.kind', /did you mean "HelmRelease"/],
  [
    'severities that `not` takes away',
    { severity: ['warn'], not: { severity: 'warn' } },
    'not.severity',
    /every severity/
  ],
  ['the usual severity, taken away', { not: { severity: 'warn' } }, 'not.severity', /every severity/],
  ['a kind that `not` takes away', { kind: 'HelmRelease', not: { kind: 'Helm*' } }, 'not.kind', /every kind/],
  ['anything, taken away', { not: { namespace: '*' } }, 'not.namespace', /every namespace/],
  ['one of a list, taken away', { name: ['a', 'b'], not: { name: 'a' } }, 'name.0', /`not` excludes it/],
  [
    'metadata, taken away',
    { metadata: { team: 'a' }, not: { metadata: { team: ['a'] } } },
    'not.metadata.team',
    /every value of team/
  ],
  [
    'a message that is excluded again',
    { message: { include: ['x'], exclude: ['y', 'x'] } },
    'message.exclude',
    /excluded again/
  ],
  ['all messages excluded', { message: { exclude: ['.*'] } }, 'message.exclude', /excluded again/],
  [
    'a message that `not` takes away',
    { message: { include: ['x'] }, not: { message: { include: ['x'] } } },
    'not.message',
    /excludes every message/
  ],
  ['a message with a line end', { message: { include: ['timeout\n'] } }, 'message.include.0', /ends in a line end/],
  ['a kind in an expression', { when: 'object.kind == "helmrelease"' }, 'when', /did you mean "HelmRelease"/],
  [
    'a kind in a list of an expression',
    { when: 'object.kind in ["HelmRelease", "kustomization"]' },
    'when',
    /did you mean "Kustomization"/
  ],
  [
    'a reason on the other side of an expression',
    { when: '"upgradeFailed" == event.reason' },
    'when',
    /did you mean "UpgradeFailed"/
  ],
  ['a glob in an expression', { when: 'object.namespace == "team-*"' }, 'when', /startsWith/],
  [
    'an unknown severity',
    { when: 'event.severity == "warning"' },
    'when',
    /it is info, warn, error; did you mean "warn"/
  ],
  ['an unknown transition', { when: 'transition != "repeat"' }, 'when', /it is failed, .*did you mean "repeated"/],
  ['an expression that is true of nothing', { when: '1 == 2' }, 'when', /true of no event/],
  ['an expression that is true of everything', { when: 'true' }, 'when', /true of every event/],
  [
    'a key that is not asked for first',
    { when: 'metadata.team.startsWith("pay")' },
    'when',
    /begin with has\(metadata\.team\) &&/
  ],
  [
    'a key in brackets that is not asked for first',
    { when: 'size(metadata["team"]) > 3' },
    'when',
    /has\(metadata\.team\)/
  ]
]

for (const [what, text, where, meant] of hopeless) {
  t.test(`reported, with what was meant: ${what}`, async (t) => {
    const [only = '', ...others] = said(text)
    t.strictSame(others, [])
    t.ok(only.startsWith(`${where}: `), `${only} is at ${where}`)
    t.match(only, meant)
  })
}

const fine: readonly (readonly [what: string, match: Match])[] = [
  ['every known kind', { kind: [...vocabulary.kind] }],
  ['every known reason', { reason: [...vocabulary.reason] }],
  ['a kind of somebody else', { kind: ['Database', 'MyApp', 'Ticket', 'Cluster'] }],
  ['a reason of somebody else', { reason: ['OutOfSpace', 'Oops', 'SlowDown'] }],
  [
    'globs',
    { kind: ['*', 'Helm*', '*Repository', '?itRepository'], reason: ['*Failed', 'Health*'], namespace: 'team-*' }
  ],
  ['names of all characters', { name: ['a.b-c.d', '0', '*.acme.dev', 'a?'], namespace: ['0-a', '*-*', '?'] }],
  ['the longest names', { namespace: 'a'.repeat(63), name: 'a'.repeat(253) }],
  ['sources and clusters that there are', { source: ['e*', 'default'], cluster: ['prod-*', 'prod-us'] }],
  ['objects', { object: ['HelmRelease/db/redis', '*/db/*', 'Helm*/a-?/x', '*', 'Database/db/*'] }],
  ['less than everything taken away', { severity: 'warn', kind: '*', not: { severity: 'error', kind: 'HelmRelease' } }],
  ['a namespace within a wider one', { namespace: 'team-*', not: { namespace: 'team-a' } }],
  ['another message excluded', { message: { include: ['x'], exclude: ['y'] } }],
  ['a value that may be missing', { metadata: { 'event.toolkit.fluxcd.io/team': '*' } }],
  ['keys that are asked for first', { when: 'has(metadata.team) && metadata.team.startsWith("pay")' }],
  ['keys that are asked for by name', { when: '"team" in metadata && metadata["team"].startsWith("pay")' }],
  ['keys that are compared', { when: 'metadata.team != "sandbox" && metadata.env in ["prod"]' }],
  [
    'an expression over what there is',
    { when: 'object.kind == "HelmRelease" && transition in ["failed", "changed"] || event.reason == ""' }
  ]
]

for (const [what, text] of fine) t.test(`${what} causes no report`, async (t) => t.strictSame(said(text), []))

t.test('if a source names no cluster, events may name any', async (t) => {
  t.strictSame(said({ cluster: 'anywhere' }, knownFrom(new Map([['default', { cluster: undefined }]]))), [])
})

t.test('no event ever meets a matcher that is reported as impossible', async (t) => {
  const kind = fc.constantFrom(
    'HelmRelease',
    'helmrelease',
    'Kustomization',
    'helm*',
    'Helm*',
    '*',
    'Hlem*',
    'MyKind',
    '?'
  )
  const namespace = fc.constantFrom('team-a', 'Team_A', 'team-*', '*a', '-a', '*', 'a.b', 'team-a-*', '^a')
  const reason = fc.constantFrom('UpgradeFailed', 'upgradefailed', '*failed', '*Failed', 'Upgrade*', '*', 'Oops')
  const source = fc.constantFrom('default', 'edge', 'e*', 'egde', '*')
  const cluster = fc.constantFrom('prod-eu', 'prod-*', 'dev', '*')
  const severity = fc.constantFrom(...severityNames)
  const texts = fc.array(fc.constantFrom('a', 'b', '.*', ''), { minLength: 1, maxLength: 2 })
  const matchers = {
    severity: fc.oneof(severity, fc.array(severity, { minLength: 1, maxLength: 2 })),
    kind,
    namespace,
    reason,
    source,
    cluster,
    metadata: fc.record({ team: fc.constantFrom('a', '*', 'b') }, { requiredKeys: [] }),
    message: fc.record({ include: texts, exclude: texts }, { requiredKeys: [] })
  }
  const some = fc.record(matchers, { requiredKeys: [] })
  const when = fc.constantFrom(
    'object.kind == "helmrelease"',
    'object.kind == "HelmRelease"',
    'false',
    'event.severity == "warning"',
    'metadata.team != "a"'
  )
  const subjects = severityNames.flatMap((severity) =>
    ['HelmRelease', 'Kustomization', 'MyKind'].flatMap((kind) =>
      ['team-a', 'a', 'b-a'].flatMap((namespace) =>
        ['UpgradeFailed', 'Oops', ''].flatMap((reason) =>
          ['default', 'edge'].map((source) => ({
            event: event({
              severity,
              reason,
              source,
              object: { kind, namespace, cluster: source === 'edge' ? 'prod-eu' : 'prod-us' },
              message: namespace,
              metadata: reason === '' ? {} : { team: source === 'edge' ? 'a' : 'b' }
            }),
            transition: 'failed' as const
          }))
        )
      )
    )
  )
  let found = 0
  // A warning about a whole key: its matcher, or what `not` leaves of it, matches nothing.
  const isWhole = (path: readonly (string | number)[], message: string) =>
    !/has no effect|fails, and|true of every/.test(message) && (path[0] !== 'not' || /leaves nothing:/.test(message))
  fc.assert(
    fc.property(fc.record({ match: some, not: some, when: fc.option(when, { nil: undefined }) }), (parts) => {
      const text: Match = { ...parts.match, not: parts.not, ...(parts.when && { when: parts.when }) } as Match
      const whole = neverFaults(text, [], known, 'error').filter(({ path, message }) => isWhole(path, message))
      if (whole.length === 0) return true
      found++
      const { rules } = compileRules([{ name: 'x', match: text, send: 'a' }])
      return subjects.every((subject) => match(subject, rules).fired.length === 0)
    }),
    { numRuns: 3000 }
  )
  t.ok(found > 300, `${found} of them were hopeless`)
})

const frame = (rest: string) => `sources: { default: { hmacKeys: ["\${KEY}"], cluster: prod-eu } }
destinations: { a: { preview: true } }
${rest}`

const problemsOf = (rest: string) =>
  loadConfig(frame(rest), 'config.yaml', { KEY: 'k' }).problems.map(
    ({ line, message, isWarning }) => `${line}: ${isWarning ? 'warning' : 'error'}: ${message}`
  )

t.test('rules, links, mutes and severities are checked alike', async (t) => {
  const reported = problemsOf(`rules:
  - { name: x, match: { kind: helmrelease }, send: a }
  - { name: y, match: { severity: info, source: nope }, send: a }
links: [{ match: { namespace: Team }, repository: "https://github.com/acme/fleet" }]
mute: [{ name: m, match: { cluster: prod-us }, until: "2099-01-01T00:00:00Z" }]
severities:
  - { kind: Kustomisation, severity: warn }
  - { reason: healthcheckfailed, severity: warn }
`)
  t.match(reported, [
    /^4: warning: .*HelmRelease/,
    /^5: .*no source "nope"/,
    /^6: .*"team"/,
    /^7: .*no cluster "prod-us"/,
    /^9: .*"Kustomization"/,
    /^10: .*"HealthCheckFailed"/
  ])
  t.equal(reported.length, 6)
})

t.test('a variable in a matcher is refused, because nothing fills it in', async (t) => {
  const reported = problemsOf(
    'rules: [{ name: x, match: { namespace: "${NAMESPACE}", not: { kind: "${KIND}" } }, send: a }]'
  )
  t.match(reported, [
    /^3: error: \$\{NAMESPACE\} is not filled in here; write the namespace itself/,
    /^3: error: \$\{KIND\}/
  ])
})

const idle: readonly (readonly [what: string, config: string, expected: RegExp])[] = [
  [
    'a mention in a rule about info',
    'rules: [{ name: x, match: { severity: [info] }, mention: "<!here>", send: a }]',
    /pings when a failure begins/
  ],
  [
    'reminders in a rule about info',
    'rules: [{ name: x, match: { severity: [info] }, remindEvery: 4h, send: a }]',
    /reminders are about failures/
  ],
  [
    'reminders beside every event',
    'rules: [{ name: x, notify: every, remindEvery: 4h, send: a }]',
    /sends each event anyway/
  ],
  [
    'a group that waits for nothing',
    'rules: [{ name: x, group: { by: [cluster], wait: 0h0s }, send: a }]',
    /a wait of no time gathers nothing/
  ],
  [
    'a template that no rule uses',
    'rules: [{ name: x, send: a }]\ntemplates: { t: { body: x } }',
    /no rule uses the template "t"/
  ],
  [
    'a severity behind a wider one',
    'rules: [{ name: x, send: a }]\nseverities: [{ kind: "Helm*", severity: warn }, { kind: HelmRelease, reason: TestFailed, severity: info }]',
    /never counts: .*at line 4/
  ],
  ['links without a link', 'rules: [{ name: x, send: a }]\nlinks: [{ match: { namespace: apps } }]', /gives no link/]
]

for (const [what, config, expected] of idle) {
  t.test(`an option without effect is reported: ${what}`, async (t) => {
    const reported = problemsOf(config)
    t.equal(reported.length, 1, reported.join('\n'))
    t.match(reported[0], expected)
    t.match(reported[0], /warning/)
  })
}

t.test('options with an effect are not reported', async (t) => {
  t.strictSame(
    problemsOf(`rules:
  - { name: x, match: { severity: [info, warn] }, remindEvery: 4h, mention: "<!here>", template: t, send: a }
  - { name: y, match: { severity: [info] }, notify: every, remindEvery: never, send: a }
templates: { t: { body: x } }
severities: [{ kind: HelmRelease, reason: TestFailed, severity: info }, { kind: "Helm*", severity: warn }]`),
    []
  )
})

t.test('nothing is reported that depends on a cluster not known yet', async (t) => {
  const text = `sources: { default: { hmacKeys: ["\${KEY}"], cluster: "\${CLUSTER}" } }
destinations: { a: { preview: true } }
rules: [{ name: x, match: { cluster: prod }, send: a }]`
  const { problems } = loadConfig(text, 'config.yaml', { KEY: 'k' })
  t.match(problems, [{ message: 'the environment variable CLUSTER is not set' }])
  t.equal(problems.length, 1)
})
