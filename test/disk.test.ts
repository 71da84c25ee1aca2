// Disks that are full, read-only or damaged: what was acknowledged is not lost, and the relay says what is wrong.
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { verify } from '../src/store/verify.ts'
import { beginRelay, freePort, run } from './fixtures/process.ts'
import { about, openConfig, tempFolder } from './fixtures/relay.ts'
import { type Slack, startSlack } from './fixtures/slack.ts'

interface Running {
  relay: ChildProcess
  post(name: string): Promise<{ status: number; retryAfter: string | null; text: string }>
  stop(): Promise<void>
}

async function slackFor(t: Test): Promise<Slack> {
  const slack = await startSlack({ perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY })
  t.teardown(() => slack.close())
  return slack
}

async function start(t: Test, folder: string, slack: Slack, data = folder): Promise<Running> {
  writeFileSync(join(folder, 'config.yaml'), openConfig.replaceAll('$SLACK', slack.url()))
  const port = await freePort()
  const { relay, listening } = beginRelay(folder, port, { database: `sqlite:${join(data, 'relay.db')}` })
  t.teardown(() => relay.kill('SIGKILL'))
  await listening
  return {
    relay,
    async post(name) {
      const body = JSON.stringify(about(name, { message: `${name} ${'x'.repeat(3000)}` }))
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`http://127.0.0.1:${port}/webhook`, { method: 'POST', headers, body })
      return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text: await answer.text() }
    },
    async stop() {
      relay.kill('SIGTERM')
      if (relay.exitCode === null) await once(relay, 'exit')
    }
  }
}

/** Posts until the relay has no room; those it took. */
async function fill(t: Test, { post }: Running): Promise<string[]> {
  const taken: string[] = []
  for (let n = 0; n < 2000; n++) {
    const name = `full-${n}-x`
    const { status, retryAfter, text } = await post(name)
    if (status === 202) {
      taken.push(name)
      continue
    }
    t.equal(status, 503)
    t.equal(retryAfter, '1')
    t.match(JSON.parse(text), { code: 'CANNOT_STORE', message: /^cannot write to the database/ })
    return taken
  }
  throw new Error('the disk did not fill up')
}

/** Posts until it is taken again. */
async function recovers({ post }: Running, name: string): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    if ((await post(name)).status === 202) return true
    await pause(100)
  }
  return false
}

function untold(slack: Slack, names: readonly string[]): string[] {
  const told = new Set(slack.accepted.flatMap(({ text }) => text.match(/(?:full|early|late|torn|used)-\d+-x/g) ?? []))
  return names.filter((name) => !told.has(name))
}

/** What `serve` says on the database in `folder` before it ends; `started` where it does not. */
async function startOn(t: Test, folder: string, through: readonly string[] = []): Promise<string> {
  writeFileSync(join(folder, 'config.yaml'), openConfig.replaceAll('$SLACK', 'http://127.0.0.1:1/services/T/B/x'))
  const { relay, listening } = beginRelay(folder, await freePort(), { through, stderr: 'pipe' })
  t.teardown(() => relay.kill('SIGKILL'))
  let said = ''
  relay.stderr?.on('data', (chunk) => {
    said += chunk
  })
  const closed = once(relay, 'close')
  const hasStarted = await listening.then(
    () => true,
    () => false
  )
  if (hasStarted) relay.kill('SIGKILL')
  await closed
  return hasStarted ? 'started' : `${relay.exitCode}: ${said}`
}

/** A database with events that were told, of a relay that was stopped. */
async function usedDatabase(t: Test): Promise<string> {
  const folder = tempFolder(t)
  const slack = await slackFor(t)
  const relay = await start(t, folder, slack)
  const names = Array.from({ length: 20 }, (_, n) => `used-${n}-x`)
  for (const name of names) await relay.post(name)
  await slack.until(() => untold(slack, names).length === 0, 30_000)
  await relay.stop()
  return join(folder, 'relay.db')
}

t.test('a file that may not grow', async (t) => {
  if (spawnSync('prlimit', ['--version']).status !== 0) return void t.comment('skipped: there is no prlimit')
  const slack = await slackFor(t)
  const folder = tempFolder(t)
  const relay = await start(t, folder, slack)
  const taken: string[] = []
  for (let n = 0; n < 5; n++) if ((await relay.post(`early-${n}-x`)).status === 202) taken.push(`early-${n}-x`)
  const limit = (bytes: number | 'unlimited') =>
    execFileSync('prlimit', ['--pid', `${relay.relay.pid}`, `--fsize=${bytes}:`])
  limit(statSync(join(folder, 'relay.db-wal')).size + 200_000)
  taken.push(...(await fill(t, relay)))
  t.equal((await relay.post('refused-1-x')).status, 503)
  limit('unlimited')
  t.ok(await recovers(relay, 'late-1-x'), 'takes events again when there is room')
  await slack.until(() => untold(slack, [...taken, 'late-1-x']).length === 0).catch(() => {})
  t.same(untold(slack, [...taken, 'late-1-x']), [])
  await relay.stop()
  t.equal(relay.relay.exitCode, 0)
  t.match(await verify(`sqlite:${join(folder, 'relay.db')}`), { damage: [] })
})

t.test('a volume without space', async (t) => {
  const slack = await slackFor(t)
  const folder = tempFolder(t)
  const volume = join(folder, 'volume')
  mkdirSync(volume)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', volume])
  if (mounted.status !== 0) return void t.comment('skipped: may not mount a volume')
  t.teardown(() => spawnSync('umount', ['-l', volume]))
  const relay = await start(t, folder, slack, volume)
  const taken = await fill(t, relay)
  t.ok(taken.length > 0)
  spawnSync('mount', ['-o', 'remount,size=30m', volume])
  t.ok(await recovers(relay, 'late-1-x'))
  await slack.until(() => untold(slack, [...taken, 'late-1-x']).length === 0).catch(() => {})
  t.same(untold(slack, [...taken, 'late-1-x']), [])
  await relay.stop()
})

t.test('what may not be written is refused at the start', async (t) => {
  const file = await usedDatabase(t)
  const folder = dirname(file)
  // What root may do regardless is taken from it.
  const through = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override'] : []
  if (through.length > 0 && spawnSync('setpriv', ['--bounding-set=-dac_override', 'true']).status !== 0)
    return void t.comment('skipped: root may write everything here')
  chmodSync(file, 0o444)
  t.match(
    await startOn(t, folder, through),
    /^2: cannot use the database: \S+relay\.db cannot be written to: check owner and mode/
  )
  chmodSync(file, 0o644)
  chmodSync(folder, 0o555)
  t.match(
    await startOn(t, folder, through),
    /^2: cannot use the database: \S+relay\.db cannot be (written to|opened): check owner and mode/
  )
  chmodSync(folder, 0o755)
})

t.test('a log whose end is torn keeps everything that was acknowledged', async (t) => {
  const slack = await slackFor(t)
  slack.behave('*', { status: 503, body: 'down' })
  const folder = tempFolder(t)
  const first = await start(t, folder, slack)
  const names = Array.from({ length: 50 }, (_, n) => `torn-${n}-x`)
  for (const name of names) t.equal((await first.post(name)).status, 202)
  first.relay.kill('SIGKILL')
  await once(first.relay, 'exit')
  const log = join(folder, 'relay.db-wal')
  // A frame of a transaction that was being written: its header as the last one's, its page cut off.
  const bytes = readFileSync(log)
  appendFileSync(log, bytes.subarray(32, 32 + 24 + 1000))
  slack.calm()
  const second = await start(t, folder, slack)
  await slack.until(() => untold(slack, names).length === 0, 30_000).catch(() => {})
  t.same(untold(slack, names), [])
  await second.stop()
})

t.test('damage of any page is found, and a relay that needs it refuses', async (t) => {
  const file = await usedDatabase(t)
  const whole = readFileSync(file)
  const pageBytes = whole.readUInt16BE(16)
  const missed: number[] = []
  const answers = new Map<string, number>()
  for (let page = 1; page <= whole.length / pageBytes; page++) {
    const damaged = Buffer.from(whole)
    damaged.fill(0xa5, (page - 1) * pageBytes, page * pageBytes)
    writeFileSync(file, damaged)
    const isFound = await verify(`sqlite:${file}`).then(
      ({ damage, findings }) => damage.length > 0 || findings.some(({ rows }) => rows > 0),
      (error: Error) => /is no SQLite database/.test(error.message)
    )
    if (!isFound) missed.push(page)
    // Not every page is needed at the start. Each start takes its time, so that only some are tried.
    if (![1, 2, 12, 20].includes(page)) continue
    answers.set(await startOn(t, dirname(file)), page)
    // What a killed relay leaves would stand in for the page.
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  }
  t.same(missed, [])
  for (const [answer, page] of answers) {
    t.match(
      answer,
      /^started|^2: cannot (use|write to) the database: \S+ is (damaged|no SQLite database)/,
      `page ${page}`
    )
  }
})

t.test('a file that lost its end is refused, and so is one that is no database', async (t) => {
  const file = await usedDatabase(t)
  truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096)
  t.match(await startOn(t, dirname(file)), /^2: cannot use the database: \S+ is damaged: `flux-relay verify/)
  const { code, out } = await run(['verify', `sqlite:${file}`])
  t.equal(code, 1)
  t.match(out, /The database is damaged: stop the relay, keep the file/)

  writeFileSync(file, 'these are the notes of somebody\n'.repeat(1000))
  t.match(await startOn(t, dirname(file)), /^2: cannot use the database: \S+ is no SQLite database/)
  t.equal(readFileSync(file, 'utf8').slice(0, 9), 'these are', 'and left as it is')
})

t.test('verify says what does not fit together', async (t) => {
  const file = await usedDatabase(t)
  const sound = await run(['verify', `sqlite:${file}`])
  t.equal(sound.code, 0)
  t.match(sound.out, /20 events\n.*20 notifications sent\n.*The database is sound\.\n$/s)
  const { DatabaseSync } = await import('node:sqlite')
  const db = new DatabaseSync(file)
  db.exec(`update notifications set state = 'pending' where id = 3; delete from events where id = 5`)
  db.close()
  const { code, out } = await run(['verify', `sqlite:${file}`])
  t.equal(code, 1)
  t.match(out, /1 against: what waits in a message waits in an open one, in the same lane \(3\)/)
  t.match(out, /1 against: a notification has the event it comes from \(5\)/)
  t.equal((await run(['verify', `sqlite:${file}.missing`])).code, 1)
})
