// Config tests: pass, fail with a reason, or report what is wrong with their file.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import { runTest } from '../src/rehearsal/run-test.ts'
import { loadTests } from '../src/rehearsal/tests-file.ts'

const fixtures = join(import.meta.dirname, 'fixtures', 'events')

const config = `
cluster: prod
sources: { default: { tokens: [t] }, edge: { tokens: [t], cluster: edge-1 } }
destinations: { platform: { preview: true }, dba: { preview: true } }
rules:
  - { name: failures, send: platform }
  - { name: databases, match: { namespace: "db-*" }, send: dba }
  - { name: edge, match: { source: edge, cluster: edge-1 }, send: dba }
`

function loaded(tests: string, configText = config) {
  const { config, problems } = loadConfig(configText, 'config.yaml', {})
  if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'))
  const read = (path: string) => readFileSync(join(fixtures, path), 'utf8')
  return { config, ...loadTests(tests, 'tests.yaml', { config, read }) }
}

/** `line:column message` of each failure, and the reasons below. */
function failures(tests: string, configText = config): string[] {
  const { config, tests: all, problems, problemAt } = loaded(tests, configText)
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'))
  return all.flatMap((test) =>
    runTest(test, config).flatMap(({ path, message, because }) => {
      const { line, column } = problemAt(path, message)
      return [`${line}:${column} ${message}`, ...because.map((reason) => `  ${reason}`)]
    })
  )
}

function faults(tests: string): string[] {
  return loaded(tests).problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

t.test('five lines say who is to be notified of an event, in any order, and pass', async (t) => {
  t.same(
    failures(`
tests:
  - name: a database that fails notifies the DBAs, too
    event: { namespace: db-shop }
    expect: [dba, platform]
  - { name: a success notifies nobody, event: { severity: info }, expect: [] }
  - { name: one, event: {}, expect: platform }`),
    []
  )
})

t.test('who is not notified: the first failed condition of each rule that might have notified them', async (t) => {
  t.same(
    failures(`tests:
  - { name: any rule, event: { namespace: shop }, expect: [platform, dba] }
  - { name: this rule, event: { namespace: shop }, expect: [platform, { destination: dba, rule: edge }] }
  - { name: another rule, event: { namespace: shop }, expect: [platform, { destination: dba, rule: failures }] }
  - { name: twice, event: { namespace: shop }, expect: [platform, platform] }`),
    [
      '2:70 dba is not notified',
      '  databases: namespace is shop, wanted db-*',
      '  edge: cluster is prod, wanted edge-1',
      '3:71 dba by edge is not notified',
      '  edge: cluster is prod, wanted edge-1',
      '4:74 dba by failures is not notified',
      '  failures sends to platform',
      '5:67 platform is not notified',
      '  failures does notify it, once; another message was expected'
    ]
  )
})

t.test('an unexpected notification is shown with its message', async (t) => {
  t.same(
    failures(`tests:
  - name: nobody
    event: { message: disk is full, revision: main@sha1:4f2c91d }
    expect: []`),
    [
      '4:5 platform is notified by failures (failed) after 0 s, which is not expected',
      '  🔴 flux-system/apps failed in `prod`',
      '  disk is full',
      '  Kustomization   ReconciliationFailed   main@4f2c91d   2026-01-05 09:00 UTC'
    ]
  )
})

t.test('the object is remembered from step to step: first failure, reminder, recovery', async (t) => {
  const story = (quiet: string) => `tests:
  - name: six hours of the same failure
    event: { kind: HelmRelease, namespace: apps, name: shop }
    steps:
      - { transition: failed, expect: [{ destination: platform, says: failed, text: apps/shop failed }] }
      - { after: 5m, every: 5m, times: 71, transition: repeated, expect: ${quiet} }
      - { at: 6h, event: { severity: info }, expect: [{ destination: platform, says: recovered, text: 72 times }] }`
  t.same(failures(story('[{ destination: platform, says: repeated, text: for 4 h }]')), [])
  t.match(failures(story('[]')), ['6:66 platform is notified by failures (repeated) after 4 h, which is not expected'])
  t.match(
    failures(story('[platform, platform]')),
    [
      '6:85 platform is not notified',
      /^ {2}failures does not notify: the same failure; next reminder after 2026-01-05T21/
    ],
    'the reason is that of the last event'
  )
})

t.test('a wrong transition is reported once, with its time', async (t) => {
  t.same(
    failures(`tests:
  - { name: x, event: {}, every: 10m, times: 50, transition: failed }`),
    ['2:62 the event is `repeated` after 10 m']
  )
})

t.test('a flood of unexpected notifications is shown by its first three', async (t) => {
  const reported = failures(
    'tests: [{ name: x, event: {}, every: 10m, times: 50, expect: [] }]',
    config.replace('name: failures,', 'name: failures, notify: every,')
  )
  t.equal(reported.filter((line) => /is notified by/.test(line)).length, 3)
  t.match(reported.at(-1), /47 more messages are not expected/)
})

t.test('messages are compared as they are read, wherever their lines break', async (t) => {
  const expecting = (entry: string) => `tests:
  - name: x
    event: { namespace: a, name: b, message: "first   and <!channel>", revision: 6.5.3 }
    expect: [{ destination: platform, ${entry} }]`
  t.same(failures(expecting('text: ["a/b failed in `prod`", "first and <!channel>"], matches: "\\\\d+\\\\.5"')), [])
  t.match(failures(expecting('text: Broken, matches: ["^nothing$"]')), [
    '4:14 platform is notified by failures, and the message does not have "Broken" and something that matches ^nothing$',
    /a\/b failed/
  ])
  const otherwise = failures(expecting('says: changed'))
  t.equal(otherwise[0], '4:14 platform is notified by failures as `failed`')
  t.notMatch(otherwise.join('\n'), /not expected/, 'the same message is not another failure')
})

t.test('as many expectations as possible are met: a broad one does not take the message of a narrow one', async (t) => {
  const two = `${config}  - { name: more, send: platform }`
  t.same(
    failures('tests: [{ name: x, event: {}, expect: [platform, { destination: platform, rule: failures }] }]', two),
    []
  )
})

t.test('whoever was not notified of the failure gets no recovery, and the reason is given', async (t) => {
  t.same(
    failures(`tests:
  - name: x
    steps:
      - { event: { severity: warn, reason: DependencyNotReady }, transition: failed, expect: [] }
      - { event: { heartbeat: true }, transition: recovered, expect: platform }`),
    [
      '5:70 platform is not notified',
      '  failures did not notify it of the failure, so it does not notify it of the end'
    ]
  )
})

t.test('an event as Flux posted it comes from a file, at the time of its step and through its source', async (t) => {
  t.same(
    failures(`tests:
  - name: x
    steps:
      - { file: kustomization-path-not-found.json, source: edge, expect: [platform, { destination: dba, text: edge-1 }] }
      - { file: kustomization-heartbeat.json, source: edge, after: 10m, transition: recovered,
          expect: [{ destination: platform, text: after 10 m }, { destination: dba, rule: edge }] }`),
    []
  )
})

t.test('source and metadata of a test apply to all its steps, unless a step has its own', async (t) => {
  t.same(
    failures(`tests:
  - name: x
    source: edge
    event: { metadata: { team: a }, name: shop }
    steps:
      - { expect: [platform, { destination: dba, rule: edge, text: edge-1 }] }
      - { source: default, event: { name: cart }, expect: [{ destination: platform, text: [prod, /cart] }] }`),
    []
  )
})

t.test('terminal codes in an event do not reach the terminal', async (t) => {
  const reported = failures(`tests: [{ name: x, event: { namespace: "a\\e[2Jb" }, expect: [platform, dba] }]`)
  t.equal(reported[1], '  databases: namespace is ab, wanted db-*')
})

t.test('what a test omits from an event is as Flux would send it', async (t) => {
  const everything = config.replace('name: failures,', 'name: failures, match: { severity: info }, notify: every,')
  const messages = {
    '{ kind: HelmRelease }': 'HelmRelease   UpgradeFailed',
    '{ kind: GitRepository, severity: info }': 'GitRepository',
    '{ kind: ImagePolicy }': 'ImagePolicy   Failed',
    '{ kind: ImageUpdateAutomation }': 'ImageUpdateAutomation   Failed',
    '{ reason: Progressing }': 'ℹ️ flux-system/apps in `prod`',
    '{ heartbeat: true }': 'is well in `prod`',
    '{ cluster: dev, metadata: { team: a } }': '`dev`'
  }
  for (const [event, text] of Object.entries(messages)) {
    t.same(
      failures(
        `tests: [{ name: x, event: ${event}, expect: [{ destination: platform, text: '${text}' }] }]`,
        everything
      ),
      []
    )
  }
})

t.test('everything wrong with a tests file is reported at once, each at its place', async (t) => {
  t.same(
    faults(`tests:
  - name: x
    event: { namespce: db, severity: eror }
    expect: [{ rule: failures }, 5]
  - name: y
    event: {}
    source: egde
    expect: [plattform, { destination: dba, rule: database, matches: "(?=x)" }]
  - name: z
    file: nope.json
    every: 5m
  - name: v
    expect: []
    steps:
      - { at: 5m, expect: platform }
      - { at: 4m, after: 3m, times: 2 }
      - { event: {}, file: kustomization-heartbeat.json }`),
    [
      '3:14 unknown key "namespce"; did you mean "namespace"?',
      '3:38 "eror" is not one of info, warn, error; did you mean "error"?',
      '4:14 "destination" is missing',
      '4:34 must be a text or a map of keys, but is 5; put it in quotes',
      '7:13 there is no source "egde"; did you mean "edge"?',
      '8:14 there is no destination "plattform"; did you mean "platform"?',
      '8:51 there is no rule "database"; did you mean "databases"?',
      '8:70 RE2 has no look-ahead ("(?="); use include and exclude, or `not`',
      '9:11 this test expects nothing; give it `expect` or `transition`',
      '10:11 cannot be read: ENOENT',
      '11:12 how many `times`?',
      '13:5 with `steps`, `expect` belongs in one of them',
      '16:15 this is before the end of the step above',
      '16:26 a step has `at` or `after`, not both',
      '16:37 how often? Give it `every`, such as 5m',
      '17:28 a step has an `event` or a `file`, not both'
    ]
  )
  t.same(faults('test: []'), ['1:1 unknown key "test"; did you mean "tests"?'])
  t.same(faults('tests: []'), ['1:1 must not be empty'])
})

t.test(
  'a one-time mute has no effect in tests, before or after its end, and a weekly one applies in its hours',
  async (t) => {
    const weekly = '{ days: [mon], from: "20:00", to: "07:00", timeZone: UTC }'
    const muted = `${config}mute:
  - { name: upgrade, match: { namespace: db-shop }, until: 2036-12-01T06:00:00Z }
  - { name: over, match: { name: apps }, until: 2026-02-01T06:00:00Z }
  - { name: nights, match: { namespace: shop }, weekly: ${weekly} }
`
    t.same(
      failures(
        `
tests:
  - { name: a database, event: { namespace: db-shop }, expect: [platform, dba] }
  - { name: by day, event: { namespace: shop }, expect: [platform] }
  - { name: by night, event: { namespace: shop }, at: 11h, expect: [] }
  - { name: in the morning, event: { namespace: shop }, at: 22h, expect: [platform] }
`,
        muted
      ),
      []
    )
  }
)
