// Hanging databases: make Flux retry while it still waits, and the repeated events are recognised.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createClock, type TestClock } from '../fixtures/clock.ts'
import { slackFor, start } from '../fixtures/disk.ts'
import { scrape } from '../fixtures/exposition.ts'
import { execute, startPostgres } from '../fixtures/postgres.ts'
import { about, type Relay, startRelay, tempFolder } from '../fixtures/relay.ts'

const postgres = await startPostgres(t, { isOwn: true })
const names = Array.from({ length: 40 }, (_, n) => `app-${n}`)

/** Posts all of `names` at once, and advances the relay's clock until each is answered. */
async function postAll(relay: Relay, clock: TestClock) {
  let open = names.length
  const answers = names.map(async (name, n) => {
    // The first is already being committed when the others come, even on a busy machine.
    if (n > 0) await pause(300)
    const answer = await relay.post(about(name))
    open -= 1
    return answer
  })
  await pause(400)
  for (let passed = 0; open > 0 && passed < 20; passed++) {
    clock.advance(500)
    await pause(20)
  }
  return Promise.all(answers)
}

async function startOnPostgres(t: Test): Promise<{ relay: Relay; clock: TestClock; url: string }> {
  const clock = createClock()
  const url = await postgres.createDatabase()
  const relay = await startRelay(t, { clock, env: { DATABASE_URL: url } })
  t.equal((await relay.post(about('before'))).status, 202)
  return { relay, clock, url }
}

async function eventually(works: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await works()) return
    await pause(50)
  }
  throw new Error('it did not come to that')
}

/** Sends everything again, as Flux does, until it is accepted; returns the outcomes. */
async function sendAgain(t: Test, relay: Relay, url: string): Promise<string[]> {
  const outcomes: string[] = []
  for (const name of names) {
    await eventually(async () => {
      const { status, body } = await relay.post(about(name))
      if (status === 202) outcomes.push(body.status)
      return status === 202
    })
  }
  const rows = await execute(url, 'select name, count(*)::int as n from events group by name order by name')
  t.same(
    rows,
    ['before', ...names].sort().map((name) => ({ name, n: 1 })),
    'each is there, once'
  )
  return outcomes
}

t.test(
  'while PostgreSQL hangs, all events are answered 503 within 10 s, and none is lost or stored twice',
  async (t) => {
    const { relay, clock, url } = await startOnPostgres(t)
    const thaw = postgres.freeze()
    if (thaw === undefined) return void t.comment('skipped: this PostgreSQL is not ours to stop')
    t.teardown(thaw)
    for (const { status, body } of await postAll(relay, clock)) {
      t.equal(status, 503)
      t.match(body, { code: 'CANNOT_STORE', message: 'the database has not answered within 6 seconds; try again' })
    }
    thaw()
    const outcomes = await sendAgain(t, relay, url)
    t.equal(outcomes.shift(), 'duplicate', 'what was being committed when it was answered is known')
    t.same(new Set(outcomes), new Set(['accepted']), 'what waited behind it was not committed later')
  }
)

t.test('abandoned connections do not keep the relay from going on', async (t) => {
  const { relay, clock, url } = await startOnPostgres(t)
  const thaw = postgres.freeze()
  if (thaw === undefined) return void t.comment('skipped: this PostgreSQL is not ours to stop')
  t.teardown(thaw)
  const answers = await postAll(relay, clock)
  t.same(new Set(answers.map(({ status }) => status)), new Set([503]))
  // Until the driver has given up as well.
  const failures = async () => (await scrape(relay)).value('commit_failures_total') ?? 0
  const before = await failures()
  await eventually(async () => (await failures()) > before)
  thaw()
  await sendAgain(t, relay, url)
  await eventually(async () => (await relay.get('/readyz')).status === 200)
})

t.test('while the disk hangs, Flux is answered 503 within 10 s; events that it repeats are recognised', async (t) => {
  if (spawnSync('strace', ['--version']).status !== 0) return void t.comment('skipped: there is no strace')
  const slack = await slackFor(t)
  const running = await start(t, tempFolder(t), slack)
  t.equal((await running.post('early-1-x')).status, 202)
  const { pid } = running.relay
  const tracing = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=fdatasync',
    '-e',
    'inject=fdatasync:delay_enter=30000000'
  ]
  const tracer = spawn('strace', [...tracing, '-p', `${pid}`], { stdio: 'ignore' })
  t.teardown(() => tracer.kill('SIGKILL'))
  const isTraced = () => /TracerPid:\t[1-9]/.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  for (let tries = 0; tries < 50 && !isTraced(); tries++) await pause(100)
  if (!isTraced()) return void t.comment('skipped: may not trace')
  const late = ['late-1-x', 'late-2-x', 'late-3-x']
  const answers = await Promise.all(late.map((name) => running.post(name)))
  for (const { status, text } of answers) {
    t.equal(status, 503)
    t.match(text, /the database has not answered within 6 seconds/)
  }
  tracer.kill('SIGKILL')
  const again = await Promise.all(late.map((name) => running.post(name)))
  t.same(
    again.map(({ status }) => status),
    [202, 202, 202]
  )
  t.match(
    again.map(({ text }) => JSON.parse(text).status),
    ['duplicate', /accepted|duplicate/, /accepted|duplicate/],
    'what reached the disk after all is known'
  )
})
