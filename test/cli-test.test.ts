// `flux-relay test`: runs as a step of a pipeline; its output and exit codes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from './fixtures/process.ts'
import { about, tempFolder } from './fixtures/relay.ts'

const config = `
sources: { default: { hmacKeys: ["\${FLUX_HMAC_KEY}"] } }
destinations:
  platform: { slack: { webhookUrl: "\${SLACK_PLATFORM_URL}" } }
  dba: { slack: { webhookUrl: "https://hooks.slack.com/services/\${file:/run/no/such/secret}" } }
rules:
  - { name: failures, send: platform }
  - { name: databases, match: { namespace: "db-*" }, send: dba }
`

function write(t: Test, files: Record<string, string>): (name: string) => string {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'events'))
  for (const [name, text] of Object.entries({ 'config.yaml': config, ...files }))
    writeFileSync(join(folder, name), text)
  return (name) => join(folder, name)
}

t.test('if all tests pass, the exit code says so, and no secret is printed', async (t) => {
  const at = write(t, {
    'events/shop.json': JSON.stringify(about('shop')),
    'one.yaml': 'tests: [{ name: from a file, file: events/shop.json, expect: platform }]',
    'two.yaml': 'tests: [{ name: in a few words, event: { namespace: db-a }, expect: [platform, dba] }]'
  })
  const { code, out, err } = await run(['test', at('config.yaml'), at('one.yaml'), at('two.yaml')])
  t.equal(err, '')
  t.equal(out, '2 tests, all pass\n')
  t.equal(code, 0)
})

t.test('a failed test is shown with its line, a caret and the reason', async (t) => {
  const at = write(t, {
    'tests.yaml': `tests:
  - name: DBAs are notified of databases
    event: { namespace: database }
    expect: [platform, dba]
  - { name: fine, event: {}, expect: platform }
`
  })
  const { code, out } = await run(['test', at('config.yaml'), at('tests.yaml')])
  t.equal(
    out.replaceAll(`${at('')}/`, ''),
    `✘ DBAs are notified of databases
tests.yaml:4:24 error: dba is not notified
  4 |     expect: [platform, dba]
    |                        ^
      databases: namespace is database, wanted db-*

1 of 2 tests fails
`
  )
  t.equal(code, 1)
  const json = await run(['test', at('config.yaml'), at('tests.yaml'), '--json'])
  t.equal(json.code, 1)
  t.same(JSON.parse(json.out), {
    ok: false,
    problems: [],
    tests: [
      {
        file: at('tests.yaml'),
        name: 'DBAs are notified of databases',
        ok: false,
        failures: [
          {
            line: 4,
            column: 24,
            message: 'dba is not notified',
            because: ['databases: namespace is database, wanted db-*']
          }
        ]
      },
      { file: at('tests.yaml'), name: 'fine', ok: true, failures: [] }
    ]
  })
})

t.test('faulty files are a usage error: every fault of the config and the tests is reported at once', async (t) => {
  const at = write(t, {
    'bad.yaml': config.replace('send: dba', 'send: dbas'),
    'tests.yaml': 'tests: [{ name: x, evnt: {} }]',
    'more.yaml': 'tests: ['
  })
  const { code, out, err } = await run(['test', at('bad.yaml'), at('tests.yaml'), at('more.yaml')])
  t.equal(code, 2)
  t.equal(out, '')
  t.match(err, /bad\.yaml:8:\d+ error: there is no destination "dbas"; did you mean "dba"\?/)
  t.match(err, /tests\.yaml:1:20 error: unknown key "evnt"; did you mean "event"\?\n {2}1 \| tests/)
  t.match(err, /more\.yaml:1:8 error: this \[ is never closed/)
  const json = await run(['test', at('config.yaml'), at('tests.yaml'), '--json'])
  t.equal(json.code, 2)
  t.match(JSON.parse(json.out), { ok: false, problems: [{ line: 1, column: 20 }], tests: [] })
  const missing = await run(['test', at('config.yaml'), at('nowhere.yaml')])
  t.equal(missing.code, 2)
  t.match(missing.err, /no such file.*nowhere\.yaml/)
})

t.test('a cluster name from the environment is not a secret, and has to be set', async (t) => {
  const at = write(t, {
    'cluster.yaml': `cluster: "\${CLUSTER}"${config}`,
    'tests.yaml': 'tests: [{ name: x, event: {}, expect: [{ destination: platform, text: prod-eu }] }]'
  })
  const without = await run(['test', at('cluster.yaml'), at('tests.yaml')])
  t.equal(without.code, 2)
  t.match(without.err, /the environment variable CLUSTER is not set/)
  t.equal((await run(['test', at('cluster.yaml'), at('tests.yaml')], { CLUSTER: 'prod-eu' })).code, 0)
})

t.test('the examples in docs/testing-rules.md do what the page says', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'testing-rules.md'), 'utf8')
  const [config = '', tests = ''] = [...page.matchAll(/```yaml\n(# \S+\n[\s\S]*?)```/g)].map(([, text = '']) => text)
  const [, output = ''] = page.match(/```console\n.*\n([\s\S]*?)```/) ?? []
  const at = write(t, { 'config.yaml': config, 'tests.yaml': tests, 'new.yaml': config.replace('db-*', 'database-*') })
  t.equal((await run(['test', at('config.yaml'), at('tests.yaml')])).out, '3 tests, all pass\n')
  const { out } = await run(['test', at('new.yaml'), at('tests.yaml')])
  t.equal(out.replaceAll(`${at('')}/`, ''), output)
})
