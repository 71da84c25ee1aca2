// Config watch: follows a file that changes under a running relay.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { watchConfig } from '../src/config/watch.ts'
import { createLog } from '../src/log.ts'
import { createClock } from './fixtures/clock.ts'
import { about, openConfig, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'

function write(relay: Relay, config: string): void {
  writeFileSync(relay.app.env.CONFIG_FILE, config.replaceAll('$SLACK', relay.slack.url()))
  relay.app.reload()
}

t.test('a new webhook URL unblocks at once: what waited goes to it, in order', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  relay.slack.behave('*', [{ status: 404, body: 'no_service' }])
  await relay.post(about('first'))
  await relay.logged(/destination rejects/)
  await relay.post(about('second', { reason: 'PruneFailed' }))
  write(relay, openConfig.replaceAll('$SLACK', relay.slack.url('/services/T000/B000/renewed')))
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.same(
    relay.slack.accepted.map(({ path, text }) => [path, /apps\/(\w+)/.exec(text)?.[1]]),
    [
      ['/services/T000/B000/renewed', 'first'],
      ['/services/T000/B000/renewed', 'second']
    ]
  )
})

t.test('a bad file changes nothing, and says why', async (t) => {
  const relay = await startRelay(t)
  write(relay, openConfig.replace('severity: info', 'severity: inof'))
  t.match(
    relay.log.join(''),
    /\\"inof\\" is not one of info, warn, error; did you mean \\"info\\"\?.*\n.*the last good one stays/
  )
  t.match((await relay.get('/metrics')).body, /^flux_relay_config_last_reload_successful 0$/m)
  await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  write(relay, openConfig)
  t.match((await relay.get('/metrics')).body, /^flux_relay_config_last_reload_successful 1$/m)
})

t.test('what waits for a destination that is removed becomes a dead letter, and nothing else is touched', async (t) => {
  const clock = createClock()
  const both = `
destinations:
  team: { slack: { webhookUrl: "$SLACK" } }
  gone: { slack: { webhookUrl: "$SLACK/gone" } }
rules: [{ name: all, match: { severity: info }, send: [team, gone] }]`
  const relay = await startRelay(t, { clock, config: both })
  relay.slack.behave('*', [{ status: 500 }, { status: 500 }])
  await relay.post({})
  await relay.logged(/message postponed/, 2)
  const one = both.replace(/ {2}gone: .*\n/, '').replace('[team, gone]', 'team')
  write(relay, one)
  await relay.logged(/"notifications":1.*destinations were removed/)
  clock.advance(10_000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.equal(relay.slack.accepted[0]?.path, '/services/T000/B000/secret')
})

t.test('a ConfigMap is followed through the swap of its link', async (t) => {
  const folder = tempFolder(t)
  const version = (name: string, config: string) => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'config.yaml'), config)
  }
  const preview = (name: string) => `destinations: { ${name}: { preview: true } }\nrules: []`
  version('..v1', preview('one'))
  symlinkSync('..v1', join(folder, '..data'))
  symlinkSync(join('..data', 'config.yaml'), join(folder, 'linked.yaml'))
  const relay = await startRelay(t, { env: { CONFIG_FILE: join(folder, 'linked.yaml') } })
  t.equal((await relay.get('/api/preview/one')).status, 200)
  version('..v2', preview('two'))
  symlinkSync('..v2', join(folder, '..data.new'))
  renameSync(join(folder, '..data.new'), join(folder, '..data'))
  await relay.logged(/config reloaded/)
  t.equal((await relay.get('/api/preview/two')).status, 200)
  t.equal((await relay.get('/api/preview/one')).status, 404)
})

t.test('a change that comes while the relay is starting is seen', async (t) => {
  const folder = tempFolder(t)
  const file = join(folder, 'config.yaml')
  const preview = (name: string) => `destinations: { ${name}: { preview: true } }\nrules: []`
  writeFileSync(file, preview('one'))
  const log: string[] = []
  const app = await buildApp({
    environment: { CONFIG_FILE: file, DATABASE_URL: `sqlite:${join(folder, 'relay.db')}` },
    logTo: { write: (line) => void log.push(line) }
  })
  t.teardown(() => app.close())
  writeFileSync(file, preview('two'))
  await app.ready()
  for (let tries = 0; tries < 500 && !/config reloaded/.test(log.join('')); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  t.match(log.join(''), /config reloaded/)
})

t.test('reloads under load lose no event, and turn none away', async (t) => {
  const relay = await startRelay(t)
  const names = Array.from({ length: 1000 }, (_, n) => `app-${n}`)
  const waiting = [...names]
  const statuses = new Map<number, number>()
  const senders = Array.from({ length: 32 }, async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const { status } = await relay.post(about(name))
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (waiting.length % 100 === 0) write(relay, versions[(waiting.length / 100) % versions.length] ?? openConfig)
    }
  })
  await Promise.all(senders)
  t.same([...statuses], [[202, 1000]])
  await relay.logged(/config reloaded/, 5)
  await relay.logged(/the last good one stays/, 3)
  const missing = () => {
    const posted = new Set(relay.slack.accepted.flatMap(({ text }) => text.match(/app-\d+/g) ?? []))
    return names.filter((name) => !posted.has(name))
  }
  await relay.slack.until(() => missing().length === 0, 60_000)
  t.same(missing(), [])
})

/** The last is no config. */
const versions = [
  openConfig,
  openConfig.replace('name: everything', 'name: all of it'),
  openConfig.replace('severity: info', 'severity: inof')
]

t.test('a file that is gone is said before a restart does not find it, and that it is back', async (t) => {
  const relay = await startRelay(t)
  const { CONFIG_FILE: file } = relay.app.env
  renameSync(file, `${file}.away`)
  await relay.logged(/cannot read CONFIG_FILE .*ENOENT/)
  t.match((await relay.get('/metrics')).body, /^flux_relay_config_last_reload_successful 0$/m)
  t.match((await relay.get('/')).body, /cannot read CONFIG_FILE/)
  await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  renameSync(`${file}.away`, file)
  await relay.logged(/config reloaded/)
  t.match((await relay.get('/metrics')).body, /^flux_relay_config_last_reload_successful 1$/m)
})

const preview = (...names: string[]) =>
  `rules: []\ndestinations:\n${names.map((name) => `  ${name}: { preview: true }\n`).join('')}`

/** Follows a file in a time of its own. */
function watch(t: Test, file: string) {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const log = createLog([], () => [], { write: () => {} })
  const config = watchConfig(file, {}, { log, metrics: { configReloads: { succeeded: () => {} } } as never })
  config.start(
    async () => {},
    async () => {},
    Date
  )
  t.teardown(config.stop)
  return {
    config,
    pass: (ms: number) => mock.timers.tick(ms),
    destinations: () => [...config.current().destinations.keys()]
  }
}

t.test('half a file that is still being written is not taken for one without the rest', async (t) => {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(file, preview('one', 'two', 'three'))
  const { pass, destinations } = watch(t, file)
  writeFileSync(file, preview('one'))
  pass(500)
  appendFileSync(file, '  two: { preview: true }\n')
  pass(500)
  t.same(destinations(), ['one', 'two', 'three'])
  appendFileSync(file, '  four: { preview: true }\n')
  pass(1000)
  t.same(destinations(), ['one', 'two', 'four'])
})

t.test('a change is seen though the file keeps its time and its length', async (t) => {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(file, preview('one'))
  // Fractions of a millisecond cannot be set again.
  utimesSync(file, new Date(0), new Date(0))
  const { pass, destinations } = watch(t, file)
  const { atime, mtime, ctimeMs } = statSync(file)
  writeFileSync(file, preview('two'))
  // The kernel's clock for files goes in steps of some milliseconds.
  while (statSync(file).ctimeMs === ctimeMs) utimesSync(file, atime, mtime)
  utimesSync(file, atime, mtime)
  pass(1000)
  t.same(destinations(), ['two'])
})

t.test('a pipe in place of the file is refused, and not waited for', async (t) => {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(file, preview('one'))
  const { config, pass, destinations } = watch(t, file)
  rmSync(file)
  execFileSync('mkfifo', [file])
  pass(1000)
  t.match(config.refusal()?.problems, [/it is a pipe/])
  t.same(destinations(), ['one'])
  rmSync(file)
  writeFileSync(file, preview('two'))
  pass(1000)
  t.equal(config.refusal(), undefined)
  t.same(destinations(), ['two'])
})
