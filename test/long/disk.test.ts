// Disks that are full or read-only: what was acknowledged is not lost, and the relay says what is wrong.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { verify } from '../../src/store/verify/verify.ts'
import { type Running, slackFor, start, startOn, unposted, usedDatabase } from '../fixtures/disk.ts'
import { tempFolder } from '../fixtures/relay.ts'

/** Posts until the relay has no room; returns the names that it accepted. */
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
    t.equal(retryAfter, undefined)
    t.match(JSON.parse(text), { code: 'CANNOT_STORE', message: /^cannot write to the database/ })
    return taken
  }
  throw new Error('the disk did not fill up')
}

/** Posts until an event is accepted again. */
async function recovers({ post }: Running, name: string): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    if ((await post(name)).status === 202) return true
    await pause(100)
  }
  return false
}

t.test('a file that may not grow costs no acknowledged event', async (t) => {
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
  await slack.until(() => unposted(slack, [...taken, 'late-1-x']).length === 0).catch(() => {})
  t.same(unposted(slack, [...taken, 'late-1-x']), [])
  await relay.stop()
  t.equal(relay.relay.exitCode, 0)
  t.match(await verify(`sqlite:${join(folder, 'relay.db')}`), { damage: [] })
})

t.test('a full volume costs no acknowledged event', async (t) => {
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
  await slack.until(() => unposted(slack, [...taken, 'late-1-x']).length === 0).catch(() => {})
  t.same(unposted(slack, [...taken, 'late-1-x']), [])
  await relay.stop()
})

t.test('a disk that fails to sync never leads to a 202', async (t) => {
  if (spawnSync('strace', ['--version']).status !== 0) return void t.comment('skipped: there is no strace')
  const slack = await slackFor(t)
  slack.behave('*', { status: 503, body: 'down' })
  const folder = tempFolder(t)
  const first = await start(t, folder, slack)
  t.equal((await first.post('early-1-x')).status, 202)
  const { pid } = first.relay
  const tracing = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO']
  const tracer = spawn('strace', [...tracing, '-p', `${pid}`], { stdio: 'ignore' })
  t.teardown(() => tracer.kill('SIGKILL'))
  // The relay's own work, such as the next try at Slack, may meet the bad disk and end the relay before it is seen to be
  // traced.
  const hasEnded = () => first.relay.exitCode !== null
  const isTraced = () => hasEnded() || /TracerPid:\t[1-9]/.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  for (let tries = 0; tries < 50 && !isTraced(); tries++) await pause(100)
  if (!isTraced()) return void t.comment('skipped: may not trace')
  // Whether its answer or the relay's end comes first, the answer does not say "kept".
  const status = await first.post('full-1-x').then(
    (answer) => answer.status,
    () => 'no answer'
  )
  t.match(String(status), /^(503|no answer)$/)
  if (!hasEnded()) await once(first.relay, 'exit')
  t.equal(first.relay.exitCode, 1, 'it ends, because only a new start knows what is there')
  slack.calm()
  const second = await start(t, folder, slack)
  t.equal((await second.post('late-1-x')).status, 202)
  await slack.until(() => unposted(slack, ['early-1-x', 'late-1-x']).length === 0).catch(() => {})
  t.same(unposted(slack, ['early-1-x', 'late-1-x']), [])
  await second.stop()
})

t.test('a start without write permission is refused', async (t) => {
  const file = await usedDatabase(t)
  const folder = dirname(file)
  // Drops root's permission to ignore file modes.
  const through = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override'] : []
  if (through.length > 0 && spawnSync('setpriv', ['--bounding-set=-dac_override', 'true']).status !== 0)
    return void t.comment('skipped: root may write everything here')
  chmodSync(file, 0o444)
  t.match(
    await startOn(t, folder, through),
    /^2: cannot use the database: \S+relay\.db cannot be written to: check owner and mode of the file, of its -wal/
  )
  chmodSync(file, 0o644)
  chmodSync(folder, 0o555)
  t.match(
    await startOn(t, folder, through),
    /^2: cannot use the database: \S+relay\.db cannot be (written to|opened): check owner and mode/
  )
  chmodSync(folder, 0o755)
})
