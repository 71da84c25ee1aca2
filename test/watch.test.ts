// Config watch: follows a file that changes under a running relay.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
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
import { appToken, botToken, startSlackApi } from './fixtures/slack-api.ts'

function write(relay: Relay, config: string): void {
  writeFileSync(relay.app.env.CONFIG_FILE, config.replaceAll('$SLACK', relay.slack.url()))
  relay.app.reload()
}

t.test('a new webhook URL unblocks at once: what waited is sent to it, in order', async (t) => {
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

t.test('what waits for a removed destination becomes a dead letter, and nothing else is touched', async (t) => {
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

t.test('a ConfigMap is followed when its link is swapped', async (t) => {
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

t.test('a change while the relay is starting is noticed', async (t) => {
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

t.test('reloads under load lose no event, and refuse none', async (t) => {
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

/** The last is not a config. */
const versions = [
  openConfig,
  openConfig.replace('name: everything', 'name: all of it'),
  openConfig.replace('severity: info', 'severity: inof')
]

t.test('a missing file is reported before a restart fails over it, and so is its return', async (t) => {
  const relay = await startRelay(t)
  const { CONFIG_FILE: file } = relay.app.env
  renameSync(file, `${file}.away`)
  await relay.logged(/cannot read CONFIG_FILE .*: it does not exist/)
  t.match((await relay.get('/metrics')).body, /^flux_relay_config_last_reload_successful 0$/m)
  t.match((await relay.get('/')).body, /cannot read CONFIG_FILE/)
  t.match(relay.log.join(''), /cannot be read: the previous version stays in effect, until the relay is restarted/)
  await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  renameSync(`${file}.away`, file)
  await relay.logged(/config reloaded/)
  t.match((await relay.get('/metrics')).body, /^flux_relay_config_last_reload_successful 1$/m)
})

const preview = (...names: string[]) =>
  `rules: []\ndestinations:\n${names.map((name) => `  ${name}: { preview: true }\n`).join('')}`

/** Watches a file in virtual time. */
function watch(t: Test, file: string, whenChanged = async () => {}, clock = createClock()) {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const log = createLog([], () => [], { write: () => {} })
  const config = watchConfig(file, {}, { log, metrics: { configReloads: { succeeded: () => {} } } as never })
  config.start(whenChanged, async () => {}, clock)
  t.teardown(config.stop)
  return {
    config,
    pass: (ms: number) => mock.timers.tick(ms),
    destinations: () => [...config.current().destinations.keys()]
  }
}

t.test('a half-written file is not taken for one without the rest', async (t) => {
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

t.test('a change that took effect only in part is followed again until all of it has', async (t) => {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(file, preview('one'))
  const clock = createClock()
  let failures = 2
  const followed: string[] = []
  const whenChanged = async () => {
    followed.push(...destinations())
    if (failures-- > 0) throw new Error('the database is away')
  }
  const { pass, destinations } = watch(t, file, whenChanged, clock)
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  writeFileSync(file, preview('two'))
  pass(1000)
  await settle()
  t.same(followed, ['two'])
  for (const seen of [
    ['two', 'two'],
    ['two', 'two', 'two'],
    ['two', 'two', 'two']
  ]) {
    clock.advance(5000)
    await settle()
    t.same(followed, seen)
  }
})

t.test('a change is noticed even if the file keeps its time and its length', async (t) => {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(file, preview('one'))
  // utimes cannot restore fractions of a millisecond.
  utimesSync(file, new Date(0), new Date(0))
  const { pass, destinations } = watch(t, file)
  const { atime, mtime, ctimeMs } = statSync(file)
  writeFileSync(file, preview('two'))
  // The kernel's clock for files advances in steps of some milliseconds.
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

/** A config file with one key, which is in another file. */
function withKey(t: Test, key: string) {
  const folder = tempFolder(t)
  const [file, secret] = [join(folder, 'config.yaml'), join(folder, 'key')]
  writeFileSync(secret, key)
  writeFileSync(file, `sources: { default: { hmacKeys: ["\${file:${secret}}"] } }\n${preview('one')}`)
  const watched = watch(t, file)
  return { ...watched, file, secret, keys: () => watched.config.current().sources.get('default')?.hmacKeys }
}

t.test('a secret rotated in its file is in use without a signal, however it gets there', async (t) => {
  const { secret, pass, keys } = withKey(t, 'first')
  writeFileSync(secret, 'second')
  pass(1000)
  t.same(keys(), ['second'])
  writeFileSync(`${secret}.new`, 'third')
  renameSync(`${secret}.new`, secret)
  pass(1000)
  t.same(keys(), ['third'])
  rmSync(secret)
  pass(1000)
  writeFileSync(secret, 'fourth')
  pass(1000)
  t.same(keys(), ['fourth'])
})

t.test(
  'a missing or empty secret is reported while the previous one stays in use, and is read once it returns',
  async (t) => {
    const { config, secret, pass, keys } = withKey(t, 'first')
    rmSync(secret)
    pass(1500)
    t.equal(config.refusal(), undefined, 'it may be between the two halves of a swap')
    pass(2500)
    t.match(config.refusal()?.problems, [/the secret file .* does not exist/])
    writeFileSync(secret, ' \n')
    pass(1000)
    t.match(config.refusal()?.problems, [/the secret file .* is empty/])
    t.same(keys(), ['first'])
    writeFileSync(secret, 'second')
    pass(1000)
    t.equal(config.refusal(), undefined)
    t.same(keys(), ['second'])
  }
)

t.test('a file that names a secret before it is mounted is in use once the secret is there', async (t) => {
  const folder = tempFolder(t)
  const [file, secret] = [join(folder, 'config.yaml'), join(folder, 'key')]
  writeFileSync(file, preview('one'))
  const { config, pass, destinations } = watch(t, file)
  writeFileSync(file, `sources: { default: { hmacKeys: ["\${file:${secret}}"] } }\n${preview('two')}`)
  pass(5000)
  t.match(config.refusal()?.problems, [/the secret file .* does not exist/])
  writeFileSync(secret, 'key')
  pass(1000)
  t.equal(config.refusal(), undefined)
  t.same(destinations(), ['two'])
})

t.test('nothing in place of a file or of a secret makes the relay hang', async (t) => {
  const { config, file, secret, pass, keys } = withKey(t, 'first')
  const text = readFileSync(file, 'utf8')
  const inPlaceOf = (path: string) => ({
    'is a pipe': () => execFileSync('mkfifo', [path]),
    'is a directory': () => mkdirSync(path),
    'is a link to itself': () => symlinkSync(path, path),
    'has more than 8 MiB': () => symlinkSync('/dev/zero', path)
  })
  for (const [path, right] of [
    [file, text],
    [secret, 'first']
  ] as const) {
    for (const [what, put] of Object.entries(inPlaceOf(path))) {
      rmSync(path, { recursive: true })
      put()
      pass(4000)
      t.match(config.refusal()?.problems, [what], path)
      t.same(keys(), ['first'])
      rmSync(path, { recursive: true })
      writeFileSync(path, right)
      pass(1000)
      t.equal(config.refusal(), undefined)
    }
  }
})

t.test(
  'a secret whose bytes are not text is refused, because many of them would become the same character',
  async (t) => {
    const { config, secret, pass, keys } = withKey(t, 'first')
    const random = Buffer.from('8a0fc3d2917ee4b55c1df6a0337bc8e9', 'hex')
    for (const bytes of [random, Buffer.from('\ufeffkey', 'utf16le')]) {
      writeFileSync(secret, bytes)
      pass(1000)
      t.match(config.refusal()?.problems, [/the secret file .* is not text in UTF-8.* in hex/])
      t.same(keys(), ['first'])
    }
  }
)

t.test('a variable set after the start is said to need a restart', async (t) => {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(file, preview('one'))
  const { config, pass } = watch(t, file)
  writeFileSync(file, `sources: { default: { hmacKeys: ["\${KEY}"] } }\n${preview('one')}`)
  pass(1000)
  t.match(config.refusal()?.problems, [/KEY is not set; where it was set after the relay was started, restart it/])
})

t.test('changes take effect one after the other, and none after a stop', async (t) => {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(file, preview('one'))
  const ends: (() => void)[] = []
  const { config } = watch(t, file, () => new Promise((resolve) => ends.push(resolve)))
  const soon = () => new Promise((resolve) => setImmediate(resolve))
  config.reload()
  config.reload()
  await soon()
  t.equal(ends.length, 1)
  ends[0]?.()
  await soon()
  t.equal(ends.length, 2)
  writeFileSync(file, preview('two'))
  config.stop()
  config.reload()
  t.same([...config.current().destinations.keys()], ['one'])
})

t.test('an app that is removed again at once keeps no connection to Slack', async (t) => {
  const other = 'xapp-1-A0OTHER-1234567890123-0123456789abcdef'
  const api = await startSlackApi({ appTokens: { [appToken]: botToken, [other]: botToken } })
  t.teardown(() => api.close())
  const relay = await startRelay(t)
  const withApp = (name: string, appToken: string) =>
    `slackApps: { ${name}: { token: "${botToken}", appToken: "${appToken}", apiUrl: "${api.apiUrl}" } }\n${openConfig}`
  write(relay, withApp('once', appToken))
  write(relay, openConfig)
  write(relay, withApp('now', other))
  await relay.logged(/"app":"now".*connected to Slack/)
  t.same([...new Set(api.calls.map(({ token }) => token))], [other])
})
