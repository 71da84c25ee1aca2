// Config file: works as it reads, or every mistake in it is reported at once, at its place.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import { normalise } from '../src/events/flux.ts'
import { match } from '../src/rules/rules.ts'

const slackUrl = 'https://hooks.slack.com/services/T000/B000/secret'
const environment = {
  FLUX_HMAC_KEY: 'a-key',
  SLACK_URL: `${slackUrl}\n`,
  PLAIN_HTTP_URL: 'http://hooks.slack.com/services/T000/B000/secret',
  CHANNEL: 'team-a',
  SLACK_BOT_TOKEN: 'xoxb-1-2-three\n',
  OTHER_BOT_TOKEN: 'xoxb-4-5-six',
  SLACK_APP_TOKEN: 'xapp-1-A0-7-eight',
  TEAMS_URL: 'https://prod-1.westeurope.logic.azure.com/workflows/a/triggers/manual/paths/invoke?sig=b',
  USER_TOKEN: 'xoxp-1-2-nine',
  ROTATED_TOKEN: 'xoxe.xoxb-1-ten',
  ENCRYPTED: 'ENC[AES256_GCM,data:YQ==,iv:Yg==,tag:Yw==,type:str]\n',
  EMPTY: ' \n'
}

// The first lines of each file say what is wrong with it; `…` there stands for the rest of a long message.
const mistakes = join(import.meta.dirname, 'fixtures', 'config')
for (const file of readdirSync(mistakes)) {
  t.test(`${file}: every mistake is reported at its place, and nothing else`, async (t) => {
    const text = readFileSync(join(mistakes, file), 'utf8')
    const expected = [...text.matchAll(/^# expect: (.*)$/gm)].map(([, mistake]) => mistake)
    const { config, problems } = loadConfig(text, file, environment)
    const reported = problems.map(({ line, column, message, isWarning }, at) => {
      const mistake = `${line}:${column} ${isWarning ? 'warning: ' : ''}${message}`
      const [start = '', rest] = expected[at]?.split('…') ?? []
      return rest === '' && mistake.startsWith(start) ? expected[at] : mistake
    })
    t.not(expected.length, 0, 'the file says what to expect')
    t.strictSame(reported, expected, 'every mistake, in the order of the file')
    const isRefused = expected.some((mistake) => !/^\S+ warning: /.test(mistake ?? ''))
    t.equal(config === undefined, isRefused, 'refused where it says more than warnings')
  })
}

t.test('an empty file is refused in words', async (t) => {
  const { config, problems } = loadConfig('', 'config.yaml', {})
  t.equal(config, undefined)
  t.match(problems, [
    {
      line: 1,
      column: 1,
      message: /^must be a map of keys, but is empty; it has `destinations` and `rules`/,
      excerpt: ''
    }
  ])
})

t.test('each unquoted reference in { } or [ ] is pointed at, instead of what YAML makes of the rest', async (t) => {
  const { config, problems } = loadConfig(
    `sources:
  default: { hmacKeys: [\${FLUX_HMAC_KEY}] }
destinations:
  # a: { slack: { webhookUrl: \${SLACK_URL} } }
  b: { slack: { webhookUrl: \${SLACK_URL}, channel: "#c" } }
  c:
    slack:
      webhookUrl: \${SLACK_URL}
rules: [{ name: failures, send: [b, c] }]
`,
    'config.yaml',
    environment
  )
  t.equal(config, undefined)
  const places = problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
  const message = 'a reference in { } or [ ] needs quotes: "${VARIABLE}"'
  t.strictSame(places, [`2:25 ${message}`, `5:29 ${message}`])
})

t.test('valid YAML is accepted: byte order mark, other line ends, markers, anchors, merged maps', async (t) => {
  const text = `sources: { default: { hmacKeys: ["\${FLUX_HMAC_KEY}"] } }
destinations: { team: { preview: true } }
rules:
  - &failures { name: one, send: team, match: &apps { namespace: apps, severity: error } }
  - { <<: *failures, name: two }
  - { <<: [*failures], name: three, match: { <<: *apps, kind: HelmRelease } }
`
  const marked = `---\n${text}...\n`
  const forms = [
    text,
    `\ufeff${text}`,
    text.replaceAll('\n', '\r\n'),
    marked,
    `${text}---\n`,
    `${marked}---\n# the end\n`
  ]
  for (const form of forms) {
    const { config, problems } = loadConfig(form, 'config.yaml', environment)
    t.strictSame(problems, [], JSON.stringify(form.slice(-20)))
    t.strictSame(
      config?.rules.all.map(({ name, send }) => [name, send]),
      ['one', 'two', 'three'].map((name) => [name, ['team']])
    )
  }
})

t.test('quotes that came with a variable are reported as such', async (t) => {
  for (const [variable, value] of Object.entries({ SLACK_URL: slackUrl, SLACK_BOT_TOKEN: 'xoxb-1-2-three' })) {
    const text = `
sources: { default: { hmacKeys: ["\${FLUX_HMAC_KEY}"] } }
slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}" } }
destinations:
  a: { slack: { webhookUrl: "\${SLACK_URL}" } }
  b: { slack: { app: acme, channel: C0123ABCD } }
rules: [{ name: failures, send: [a, b] }]
`
    const { config, problems } = loadConfig(text, 'config.yaml', { ...environment, [variable]: `"${value}"` })
    t.equal(config, undefined)
    t.match(problems, [{ message: /has quotes around it: take them out of the variable/ }], variable)
    t.notMatch(JSON.stringify(problems), /three|T000/)
  }
})

t.test('`digest: full` works for every kind of destination, and for nothing else', async (t) => {
  const kinds = ['slack: { webhookUrl: "${SLACK_URL}" }', 'slack: { app: acme, channel: C0123ABCD }', 'preview: true']
  const lines = kinds.flatMap((kind, n) => [`  counts-${n}: { ${kind} }`, `  full-${n}: { ${kind}, digest: full }`])
  const text = `
slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}" } }
destinations:
${lines.join('\n')}
rules: [{ name: all, send: [${lines.map((line) => line.trim().split(':')[0]).join(', ')}] }]
`
  const { config } = loadConfig(text, 'config.yaml', environment)
  const destinations = [...(config?.destinations.values() ?? [])]
  t.equal(destinations.length, 6)
  for (const { name, hasFullDigests = false } of destinations) t.equal(hasFullDigests, name.startsWith('full'), name)
})

t.test('every commented-out option in the example is valid too', async (t) => {
  const example = readFileSync(join(import.meta.dirname, '..', 'config.example.yaml'), 'utf8')
  // A commented-out option: a deeper line, a list item, or a key followed by something other than prose.
  const option = /^(\s*)# ( {2,}\S|- |[A-Za-z-]+:(?:$| +["'{[<]| +\w+ *(?:#|$)))/gm
  const all = example.replace(option, '$1$2')
  t.ok(all.includes('\n  platform:\n'), 'they are in effect')
  const secrets = {
    FLUX_HMAC_KEY: 'k',
    SLACK_PLATFORM_URL: 'https://hooks.slack.com/services/T/B/x',
    SLACK_BOT_TOKEN: 'xoxb-1-2-three'
  }
  t.same(
    loadConfig(all, 'config.yaml', secrets).problems.filter(({ isWarning }) => !isWarning),
    []
  )
})

t.test('the caret stands under the mistake on a terminal, whatever letters come before', async (t) => {
  for (const [name, columns] of [
    ['shop', 4],
    ['部署規則', 8],
    ['🔥', 2],
    ['e\u0301', 1],
    ['é', 1],
    ['שלום', 4]
  ] as const) {
    const text = `destinations: { a: { preview: true } }\nrules: [{ name: ${name}, match: { severity: eror }, send: a }]`
    const problem = loadConfig(text, 'config.yaml', environment).problems.find(({ isWarning }) => !isWarning)
    const caret = problem && formatProblem(problem).split('\n').at(-1)
    t.equal(caret, `    | ${' '.repeat('rules: [{ name: , match: { severity: '.length + columns)}^`, name)
  }
})

t.test('a mistake is shown with its line, a caret under it, and what was probably meant', async (t) => {
  const text = `sources: { default: { tokens: ["\${FLUX_HMAC_KEY}"] } }
destinations: { local: { preview: true } }
rules:
  - name: failures
    match: { severity: eror }
    send: local
  - { name: far, match: { namespace: "${'team-a, '.repeat(20)}" }, sned: local, send: local }
`
  const reported = `
config.yaml:5:24 error: "eror" is not one of info, warn, error; did you mean "error"?
  5 |     match: { severity: eror }
    |                        ^
config.yaml:7:38 warning: is one text; a list is [${Array(20).fill('team-a').join(', ')}]
  7 |   - { name: far, match: { namespace: "${'team-a, '.repeat(10)}te
    |                                      ^
config.yaml:7:204 error: unknown key "sned"; did you mean "send"?
  7 | am-a, team-a, team-a, team-a, team-a, team-a, team-a, " }, sned: local, send: local }
    |                                                            ^`
  const { problems } = loadConfig(text, 'config.yaml', environment)
  t.equal(problems.map(formatProblem).join('\n'), reported.trimStart())
})

t.test('the example works as it is, and warns that anyone may post to it', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '..', 'config.example.yaml'), 'utf8')
  const { config, problems } = loadConfig(text, 'config.example.yaml', {})
  t.strictSame(
    problems.map(({ message, isWarning, line }) => ({ message, isWarning, excerpt: text.split('\n')[line - 1] })),
    [
      {
        message:
          'source "default" accepts events from anyone who can reach it; give it hmacKeys, or, if controllers post to it themselves, ' +
          'let only them in (docs/direct-mode.md)',
        isWarning: true,
        excerpt: '  default: {}'
      }
    ]
  )
  t.strictSame(
    [...(config?.destinations.values() ?? [])],
    [{ name: 'local', lane: 'preview:local', pace: { perSecond: 1, burst: 3 } }]
  )
  t.strictSame(config?.retention, { eventsMs: 7 * 86_400_000, deadLettersMs: 30 * 86_400_000 })
})

t.test('a secret written into the file appears in no message and no quoted line', async (t) => {
  const text = `sources:
  default: { hmacKeys: [a-key-of-mine, "another key"], tokens: a-token-of-mine, hmacKey: x }
destinations:
  team: { slack: { webhookUrl: "https://hooks.slack.com/services/T000/B000/of-mine", chanel: x } }
  other: { slack: { url: https://hooks.slack.com/services/T000/B000/of-mine, webhookUrl: 5 } }
  \${NAME}: { slack: { webhookUrl: "\${SLACK_URL}" } }
rules: []
`
  for (const broken of ['', '\n\tx: y', '\nrules: ["', '\nrules: []', '\nx: *y']) {
    const { problems } = loadConfig(text + broken, 'config.yaml', environment)
    t.ok(problems.length > 0)
    t.notMatch(problems.map(formatProblem).join('\n'), /of-mine|another key/, JSON.stringify(broken))
    t.notMatch(JSON.stringify(problems), /of-mine|another key/)
  }
  const { problems } = loadConfig(text, 'config.yaml', environment)
  t.match(problems.map(formatProblem).join('\n'), /4:86 error: unknown key "chanel".*\n.*\*", chanel: x \} \}/)
  t.match(problems.map(formatProblem).join('\n'), /webhookUrl: "\$\{SLACK_URL\}"/, 'a reference is no secret')
})

t.test('a secret that YAML parses as something else appears in no message and no quoted line', async (t) => {
  const written = {
    'a tag of YAML itself': '[!!SECRET x]',
    'a tag': '!SECRET',
    'a tag with a handle': '[!e!SECRET x]',
    'an unknown escape': '["\\qSECRET"]',
    'the header of a block': '\n      - |SECRET',
    'behind the header of a block': '\n      - > x SECRET',
    'behind a text in quotes': '\n      - "x" SECRET',
    'a text where a list should be': 'SECRET',
    'one of a map': '{ x: SECRET, x: y }'
  }
  // Passwords that resemble `preview`, `patterns`, `allow` and others, which a file's author may have misspelt.
  for (const secret of ['hunt2r', 'letmein', 'shadow', 'correct horse battery']) {
    for (const [what, text] of Object.entries(written)) {
      const file = `sources:\n  default:\n    tokens: ${text.replace('SECRET', () => secret)}\n`
      const { problems } = loadConfig(file, 'config.yaml', environment)
      t.notMatch(problems.map(formatProblem).join('\n'), /hunt2r|letmein|shadow|horse|battery/, `${secret}: ${what}`)
    }
  }
  const { problems } = loadConfig('%hunt2r x\n---\nrules: []\n', 'config.yaml', environment)
  t.match(problems[0]?.message, /^a line that begins with % is read as a YAML directive/)
})

t.test('unknown destinations, sources and variables are reported with what was probably meant', async (t) => {
  const text = `
destinations: { 5: { previw: true } }
sources: { default: { tokens: ["\${FLUX_HMACKEY}"] } }
rules: [{ name: a, send: "6" }]`
  const { problems } = loadConfig(text, 'config.yaml', environment)
  t.match(
    problems.map(({ line, column, message }) => `${line}:${column} ${message}`),
    [
      '2:22 unknown key "previw"; did you mean "preview"?',
      '3:32 the environment variable FLUX_HMACKEY is not set; did you mean "FLUX_HMAC_KEY"?',
      '4:26 there is no destination "6"; did you mean "5"?'
    ]
  )
})

t.test('a file in another encoding is reported as such, and nothing of it is shown', async (t) => {
  const said = (bytes: Buffer) =>
    loadConfig(bytes.toString(), 'config.yaml', { K: 'a-token' }).problems.map(formatProblem)
  const text =
    'sources: { x: { tokens: ["${K}"] } }\ndestinations: { a: { preview: true } }\nrules: [{ name: Köln, send: a }]\n'
  t.match(said(Buffer.from(`\ufeff${text}`, 'utf16le')), [
    /^config\.yaml:1:1 error: the file is UTF-16; save it as UTF-8/
  ])
  t.match(said(Buffer.from(text, 'latin1')), [/^config\.yaml:3:18 warning: a character here is not UTF-8/])
  t.strictSame(said(Buffer.from(text)), [])
})

t.test('keys that begin with x- hold anchors, and have no effect themselves', async (t) => {
  const { config, problems } = loadConfig(
    `x-secret: ${slackUrl}
x-failures: &failures { match: { severity: warn }, for: 2m }
x-apps: [&apps apps]
sources: { default: { hmacKeys: ["\${FLUX_HMAC_KEY}"] } }
destinations: { local: { preview: true } }
rules:
  - { <<: *failures, name: failures, send: local }
  - { name: apps, match: { namespace: *apps }, send: local }
`,
    'config.yaml',
    environment
  )
  t.strictSame(problems, [])
  t.match(config?.rules.all, [{ name: 'failures', forMs: 120_000 }, { name: 'apps' }])
})

t.test('a key that belongs to an inner map is not taken for a misspelt one', async (t) => {
  const text = 'destinations: { a: { preview: true } }\nrules: [{ name: r, kind: HelmRelease, sent: a }]\n'
  const { problems } = loadConfig(text, 'config.yaml', environment)
  t.match(
    problems.filter(({ isWarning }) => !isWarning).map(({ message }) => message),
    ['unknown key "kind"; it belongs under `rules[].match`', 'unknown key "sent"; did you mean "send"?']
  )
})

t.test('a file without rules, and two names in one text, are reported', async (t) => {
  const keys = 'sources: { x: { tokens: ["${K}"] } }\n'
  const said = (text: string) =>
    loadConfig(keys + text, 'config.yaml', { K: 'x' }).problems.map(({ message }) => message)
  t.strictSame(said('destinations: { a: { preview: true } }\noperator: a\nrules: []'), [
    'there is no rule: nobody is notified of anything'
  ])
  t.match(said('destinations: { a: { preview: true } }\nrules: [{ name: 5, send: a }]'), [/^must be a text/])
  t.match(said('destinations: { a: { preview: true } }\nrules: [{ name: r, send: "a, b" }]'), [
    'there is no destination "a, b"; a list is [a, b]'
  ])
})

t.test('placeholders for secrets are not taken for one and the same webhook', async (t) => {
  const text = `sources: { default: { tokens: ["\${NO_SUCH_TOKEN}"] } }
destinations: { a: { slack: { webhookUrl: "\${NO_SUCH_URL}" } }, b: { slack: { webhookUrl: "\${NO_SUCH_URL}" } } }
rules: [{ name: failures, send: [a, b] }]`
  t.strictSame(loadConfig(text, 'config.yaml', {}, { sends: false }).problems, [])
})

t.test('lines of a file from Windows are shown like any others', async (t) => {
  const { problems } = loadConfig('destinations: { a: { preview: true } }\r\nrules: []\r\nx: 1\r\n', 'config.yaml', {})
  t.match(problems.at(-1), { line: 3, column: 1, excerpt: 'x: 1', message: 'unknown key "x"' })
  t.notMatch(JSON.stringify(problems), /\\r/)
  const marked = loadConfig('\ufeffx: 1\ndestinations: { a: { preview: true } }\nrules: []\n', 'config.yaml', {})
  t.match(marked.problems[0], { line: 1, column: 1, excerpt: 'x: 1' }, 'without the mark that nobody sees')
})

t.test('a file that is not YAML at all is not reported line by line', async (t) => {
  const { config, problems } = loadConfig(`rules:\n${'\t- "x" y\n'.repeat(20_000)}`, 'config.yaml', {})
  t.equal(config, undefined)
  t.ok(problems.length > 0 && problems.length <= 50, `${problems.length} of 20,000 lines`)
})

t.test('a thousand rules may share an alias', async (t) => {
  const rules = Array.from({ length: 1000 }, (_, at) => `  - { name: rule ${at}, match: *common, send: a }`)
  const text = `
destinations: { a: { preview: true } }
sources: { default: { tokens: ["\${FLUX_HMAC_KEY}"] } }
rules:
  - { name: first, match: &common { kind: HelmRelease }, send: a }
${rules.join('\n')}`
  t.strictSame(loadConfig(text, 'config.yaml', environment).problems, [])
})

t.test('a config that uses everything works as it reads', async (t) => {
  const tokenFile = join(t.testdir({}), 'token')
  writeFileSync(tokenFile, 'a-token\n')
  const text = `
cluster: prod-eu
sources:
  default: { hmacKeys: ["\${FLUX_HMAC_KEY}"], tokens: ["\${file:${tokenFile}}"] }
  edge: { hmacKeys: ["old-\${FLUX_HMAC_KEY}", "new-\${FLUX_HMAC_KEY}"], cluster: edge-1, expectEvery: 1h30m }
destinations:
  platform:
    slack: { webhookUrl: "\${SLACK_URL}", channel: "#platform", username: Flux }
    pace: { perSecond: 0.5, burst: 1 }
  team-a: { slack: { webhookUrl: "\${SLACK_URL}", channel: "#\${CHANNEL}", username: "Flux \${CHANNEL}" } }
  local: { preview: true }
links:
  - match: { namespace: flux-system }
    commit: "https://git.example.com/commit/{{ revision.sha }}"
    compare: "https://git.example.com/compare/{{ previous.sha }}...{{ revision.sha }}"
    dashboard: "https://flux.example.com/{{ object.kind | downcase }}/{{ object.name }}"
rules:
  - name: platform failures
    match:
      severity: error
      kind: [Kustomization, HelmRelease]
      namespace: ["flux-*", infra]
      not: { name: sandbox }
      message: { include: ["(?i)timed? ?out"], exclude: ["^Dependencies do not meet"] }
      metadata: { team: payments }
      when: 'object.cluster.startsWith("prod") && transition != "repeated"'
    notify: every
    remindEvery: 1h30m
    final: true
    mention: "<!subteam^S012AB3CD>"
    send: [platform, team-a]
  - { name: the rest, remindEvery: never, send: local }
retention: { events: 90s, deadLetters: 1d12h }
`
  const { config, problems } = loadConfig(text, 'config.yaml', environment)
  t.match(problems, [{ line: 28, message: 'has no effect: `notify: every` sends each event anyway', isWarning: true }])
  t.equal(problems.length, 1)
  if (config === undefined) return

  t.equal(config.cluster, 'prod-eu')
  t.strictSame(
    [...config.sources.values()],
    [
      { name: 'default', hmacKeys: ['a-key'], tokens: ['a-token'], cluster: undefined, expectMs: undefined },
      { name: 'edge', hmacKeys: ['old-a-key', 'new-a-key'], tokens: [], cluster: 'edge-1', expectMs: 5_400_000 }
    ],
    'secrets come from the environment and from files'
  )
  const [platform, teamA, local] = [...config.destinations.values()]
  t.strictSame(
    platform?.slack,
    { url: slackUrl, dialect: 'slack', receiver: 'slack', sender: { channel: '#platform', username: 'Flux' } },
    'a URL without white space'
  )
  t.strictSame(teamA?.slack?.sender, { channel: '#team-a', username: 'Flux team-a' }, 'and a channel with its variable')
  t.strictSame(platform?.pace, { perSecond: 0.5, burst: 1 })
  t.not(platform?.lane, teamA?.lane, 'a lane for each channel of a webhook')
  t.notMatch(platform?.lane, /secret/, 'the name of a lane is no secret')
  t.equal(local?.slack, undefined)
  for (const secret of ['a-key', 'a-token', slackUrl]) {
    t.ok(config.secrets.map((value) => value.trim()).includes(secret), `${secret} is kept out of the log`)
  }
  t.strictSame(config.retention, { eventsMs: 90_000, deadLettersMs: 36 * 3_600_000 })

  const event = normalise(
    {
      involvedObject: { kind: 'Kustomization', namespace: 'flux-system', name: 'apps' },
      severity: 'error',
      timestamp: '2026-09-21T14:13:20Z',
      message: 'Timed out waiting for the condition',
      metadata: { team: 'payments', revision: 'main@sha1:8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c' }
    },
    { source: 'default', cluster: undefined, defaultCluster: config.cluster },
    0
  )
  const [rule, ...others] = match({ event, transition: 'failed' }, config.rules).fired
  t.strictSame(others, [], 'a final rule is the last')
  t.match(rule, {
    name: 'platform failures',
    send: ['platform', 'team-a'],
    mention: '<!subteam^S012AB3CD>',
    notify: 'every',
    remindEveryMs: 90 * 60_000
  })
  const [rest] = match({ event, transition: 'repeated' }, config.rules).fired
  t.match(rest, { name: 'the rest', send: ['local'], notify: 'changes', remindEveryMs: undefined })
  t.equal(config.links.of(event, '').dashboard, 'https://flux.example.com/kustomization/apps')
})

t.test('white space around values from outside is ignored, wherever they are read', async (t) => {
  const folder = t.testdir({ cluster: 'prod-eu\r\n', url: `  ${slackUrl}\n\n`, token: '\ta-token\n' })
  const text = `
cluster: "\${CLUSTER}"
sources:
  default: { tokens: ["\${file:${folder}/token}"] }
  edge: { hmacKeys: ["\${KEY}"], cluster: "\${file:${folder}/cluster}" }
destinations:
  team: { slack: { webhookUrl: "\${file:${folder}/url}", channel: "#\${CHANNEL}-\${CLUSTER}", username: "\${NAME}" } }
rules:
  - name: |
      failures
    match:
      kind: [ "HelmRelease " ]
      source: |
        edge
      cluster: |
        prod-eu
    template: |
      own
    send: |
      team
operator: >
  team
templates: { own: { body: "x\\n" } }
`
  const outside = { CLUSTER: 'dev\n', KEY: 'a key\n', CHANNEL: 'team-a\n', NAME: ' Flux\n' }
  const { config, problems } = loadConfig(text, 'config.yaml', outside)
  t.strictSame(problems, [])
  t.equal(config?.cluster, 'dev')
  t.strictSame(config?.sources.get('default')?.tokens, ['a-token'])
  t.match(config?.sources.get('edge'), { cluster: 'prod-eu', hmacKeys: ['a key\n'] }, 'Flux may sign with the line end')
  t.match(config?.destinations.get('team')?.slack, {
    url: slackUrl,
    sender: { channel: '#team-a-dev', username: 'Flux' }
  })
  t.match(config?.rules.all, [{ name: 'failures', send: ['team'], template: 'own' }])
  t.strictSame(
    config?.operators.map(({ name }) => name),
    ['team']
  )
})

t.test('a substituted value with several lines is refused', async (t) => {
  const text = `
cluster: "\${CLUSTER}"
sources: { default: { tokens: ["\${TOKEN}"] } }
destinations: { a: { preview: true } }
rules: [{ name: failures, send: a }]`
  const { config, problems } = loadConfig(text, 'config.yaml', { CLUSTER: 'a\nb\n', TOKEN: 'c\nd' })
  t.equal(config, undefined)
  t.match(problems, [
    { line: 2, message: 'the value filled in here has several lines; it should have one' },
    { line: 3, message: 'the value filled in here has several lines; it should have one' }
  ])
  t.notMatch(JSON.stringify(problems), /c\\nd|c d/, 'without the secret')
})

/** One mistake each, by section and entry. */
const oneEach: Record<string, Record<string, string>> = {
  sources: {
    'a secret that is missing': 'a: { hmacKeys: ["${NO_SUCH_KEY}"] }',
    'a key that is unknown': 'b: { hmacKeys: ["${FLUX_HMAC_KEY}"], hmackeys: x }',
    'a malformed duration': 'c: { hmacKeys: ["${FLUX_HMAC_KEY}"], expectEvery: often }',
    'a duration that is too short': 'd: { hmacKeys: ["${FLUX_HMAC_KEY}"], expectEvery: 1s }'
  },
  destinations: {
    'a malformed URL': 'e: { slack: { webhookUrl: "http://acme.dev" } }',
    'a missing URL': 'f: { slack: { channel: "#x" } }',
    'a misspelt key beside a missing secret': 'g: { slack: { webhookUrl: "${NO_SUCH_URL}", chanel: x } }'
  },
  rules: {
    'an expression': '- { name: h, match: { when: "event.reson == 1" }, send: local }',
    'a regular expression': '- { name: i, match: { message: { include: ["("] } }, send: local }',
    'a severity and a destination': '- { name: j, match: { severity: eror }, send: nobody }',
    'an unknown key and a template': '- { name: k, colour: red, template: nope, send: local }',
    'no destination and an expression': '- { name: l, match: { when: "x ==" } }',
    'a kind and a duration': '- { name: m, match: { kind: 5, when: "y ==" }, remindEvery: soon, send: local }',
    'a duration of nothing': '- { name: n, remindEvery: 0s, send: local }',
    'a kind in another case': '- { name: o, match: { kind: helmrelease }, send: local }'
  },
  templates: {
    'a filter': 'p: { body: "{{ event.message | nope }}" }',
    'an unknown key and a syntax': 'q: { titel: x, body: "{{" }'
  },
  mute: {
    'an end that is no time': '- { name: r, match: { namespace: [] }, until: tomorrow }',
    'a zone': '- { name: s, match: { name: x }, weekly: { days: [mon], from: "1:00", to: "07:00", timeZone: Nowhere } }'
  },
  links: {
    'a page': '- { commit: ftp://x, dashboard: "https://acme.dev/{{ nope }}" }'
  }
}

const mistakesOf = (picked: Record<string, string[]>): string[] => {
  const sections = Object.entries(picked).map(([section, entries]) => `${section}:\n  ${entries.join('\n  ')}`)
  const text = ['operator: [local]', ...sections].join('\n')
  return loadConfig(text, 'config.yaml', environment)
    .problems.map(({ message, excerpt, isWarning }) => `${isWarning} ${excerpt.trim()} ${message}`)
    .sort()
}

const sound: Record<string, string[]> = {
  sources: ['default: { hmacKeys: ["${FLUX_HMAC_KEY}"] }'],
  destinations: ['local: { preview: true }'],
  rules: ['- { name: sound, template: fine, send: local }'],
  templates: ['fine: { body: x }']
}

t.test('every mistake is reported in the first run, whatever else is wrong', async (t) => {
  t.strictSame(mistakesOf(sound), [], 'the rest is sound')
  const alone = Object.entries(oneEach).flatMap(([section, entries]) =>
    Object.entries(entries).map(([what, entry]) => {
      const reported = mistakesOf({ ...sound, [section]: [...(sound[section] ?? []), entry] })
      t.ok(reported.length > 0, `${section}: ${what}`)
      return {
        section,
        entry,
        reported: reported.filter((problem) => !/nothing is sent to|no rule uses/.test(problem))
      }
    })
  )
  const all = Object.fromEntries(
    Object.entries(oneEach).map(([section, entries]) => [
      section,
      [...(sound[section] ?? []), ...Object.values(entries)]
    ])
  )
  t.strictSame(mistakesOf(all), alone.flatMap(({ reported }) => reported).sort(), 'all at once')
  for (const [index, one] of alone.entries()) {
    const other = alone[(index * 7 + 3) % alone.length]
    if (other === undefined || other === one) continue
    const both = structuredClone(sound)
    for (const { section, entry } of [one, other]) both[section] = [...(both[section] ?? []), entry]
    const reported = mistakesOf(both).filter((problem) => !/nothing is sent to|no rule uses/.test(problem))
    t.strictSame(reported, [...one.reported, ...other.reported].sort(), `${one.entry} and ${other.entry}`)
  }
})

t.test('several mistakes in one entry are all reported', async (t) => {
  const reported = mistakesOf({
    ...sound,
    rules: [
      '- { name: a, match: { severity: eror, when: "event.reson == 1", kind: helmrelease }, remindEvery: 0s, template: nope, sned: x, send: nobody }'
    ]
  }).join('\n')
  for (const each of [
    /"eror" is not one of/,
    /no field "reson"/,
    /"HelmRelease"/,
    /write never/,
    /no template "nope"/,
    /"sned"/,
    /no destination "nobody"/
  ])
    t.match(reported, each)
})

t.test('a syntax error hides no mistakes in the sections before it, and a small one none behind it', async (t) => {
  const before = `sources: { default: { hmacKeys: ["\${NO_SUCH_KEY}"] } }
destinations: { local: { preview: false } }
`
  const reported = (text: string) =>
    loadConfig(text, 'config.yaml', environment).problems.map(({ line, message }) => `${line}: ${message}`)
  const open = reported(`${before}rules: [{ name: x, send: local }\ncluster: x\n`)
  t.match(open, [/^1: .*NO_SUCH_KEY is not set/, /^2: must be true or left out/, /^3: this \[ is never closed/])
  t.equal(open.length, 3, 'and nothing is made up of the rest')
  const twice = reported(`${before}rules:\n  - { name: x, name: y, send: local }\nretention: { events: 0s }\nmute: 5\n`)
  t.match(twice, [/^1: /, /^2: /, /^4: the key "name" appears twice/, /^5: .*would keep nothing/, /^6: must be a list/])
  t.equal(twice.length, 5)
  t.match(reported('rules:\n  - { name: x, send: *nobody }\ncluster: 5\n'), [/^2: /, /^3: must be a text/])
})

t.test('an entry that lacks something is still checked for its other mistakes', async (t) => {
  const lacking: [Record<string, string[]>, RegExp[]][] = [
    [{ rules: ['- { name: a, match: { when: "x ==" } }'] }, [/"send" is missing/, /ends too early/]],
    [
      { rules: ['- { match: { kind: helmrelease }, send: [local, local] }'] },
      [/"name" is missing/, /already listed/, /"HelmRelease"/]
    ],
    [
      { mute: ['- { match: { when: "x ==" }, weekly: { days: [] } }'] },
      [/"name" is missing/, /ends too early/, /must not be empty/]
    ],
    [
      { destinations: ['local: { preview: true }', 'b: { slack: { channel: "${NO_SUCH_CHANNEL}" }, pace: 5 }'] },
      [/"webhookUrl" is missing/, /must be a map/]
    ],
    [
      { severities: ['- { kind: helmrelease, message: "(" }'] },
      [/"severity" is missing/, /"HelmRelease"/, /never closed/]
    ],
    [{ links: ['- { match: { kind: helmrelease }, commit: 5 }'] }, [/must be a text/, /"HelmRelease"/]],
    [{ templates: ['fine: { body: 5, title: "{{" }'] }, [/must be a text/, /\{\{/]]
  ]
  for (const [sections, expected] of lacking) {
    const reported = mistakesOf({ ...sound, ...sections }).join('\n')
    for (const each of expected) t.match(reported, each)
  }
})

t.test('a misshapen part causes no false reports about the rest', async (t) => {
  const quiet = [
    // Without its kind, the first rule would match everything.
    '- { name: a, match: { kind: 5, severity: info }, final: true, send: local }\n  - { name: b, send: local }',
    // `not` would exclude what the rule asks for if the severity were ignored.
    '- { name: a, match: { severity: inof, not: { severity: warn } }, send: local }'
  ]
  for (const rules of quiet)
    t.equal(mistakesOf({ ...sound, rules: [...(sound['rules'] ?? []), rules] }).length, 1, rules)
  const reported = mistakesOf({
    ...sound,
    sources: ['default: { cluster: 5 }', 'b: { cluster: x, tokens: ["${KEY2}"] }']
  })
  t.notMatch(reported.join('\n'), /no cluster/)
})

t.test('a group that would wait until its messages are dead letters is refused', async (t) => {
  const faultsOf = (wait: string) =>
    loadConfig(
      `sources: { a: { tokens: ["\${T}"] } }
destinations: { a: { preview: true } }
rules: [{ name: daily, group: { by: [cluster], wait: ${wait} }, send: a }]`,
      'config.yaml',
      { T: 'token' }
    ).problems
  t.match(faultsOf('24h'), [
    { line: 3, message: /^"24h" is too long: .*24 hours is a dead letter; write less, such as 12h/ }
  ])
  t.match(faultsOf('30d'), [{ isWarning: false }])
  t.same(faultsOf('23h59m'), [])
})
