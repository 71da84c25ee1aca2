// The operator: is notified of the relay itself, once each, through a destination, by whichever replica.
import { renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { createLog } from '../src/log.ts'
import { createMetrics } from '../src/metrics.ts'
import { type Announce, createOperator } from '../src/operator/operator.ts'
import { createReadings } from '../src/operator/readings.ts'
import { openStore } from '../src/store/open.ts'
import { createClock, type TestClock } from './fixtures/clock.ts'
import { scrape } from './fixtures/exposition.ts'
import { startPostgres } from './fixtures/postgres.ts'
import { about, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'

const config = `
sources: { default: {}, eu: { hmacKeys: [key], cluster: eu, expectEvery: 30m } }
destinations:
  team: { slack: { webhookUrl: "$SLACK/team" } }
  ops: { slack: { webhookUrl: "$SLACK/ops" }, pace: { perSecond: 50, burst: 100 } }
operator: ops
rules: [{ name: failures, send: team }]`

const token = config.replace('hmacKeys: [key]', 'tokens: [key]')
const bearer = { path: '/webhook/eu', headers: { authorization: 'Bearer key' } }

/** What was posted to the operator, as a phone shows it. */
function posted(relay: Pick<Relay, 'slack'>): string[] {
  return relay.slack.accepted
    .filter(({ path }) => path.endsWith('/ops'))
    .map(({ body }) => (body as { text: string }).text)
}

async function untilPosted(relay: Relay, times: number): Promise<void> {
  await relay.slack.until(() => posted(relay).length >= times)
}

function write(relay: Relay, text: string): void {
  writeFileSync(relay.app.env.CONFIG_FILE, text.replaceAll('$SLACK', relay.slack.url()))
  relay.app.reload()
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 1))

/** Lets time pass in which only the relay's own work happens. */
async function pass(clock: TestClock, minutes: number): Promise<void> {
  for (let step = 0; step < minutes * 6; step++) {
    clock.advance(10_000)
    await turn()
  }
}

t.test(
  'the operator is notified of a refused config file once per faulty text, and when it is right again',
  async (t) => {
    const clock = createClock()
    const relay = await startRelay(t, { clock, config })
    const faulty = config.replace('send: team', 'send: taem')
    write(relay, faulty)
    await untilPosted(relay, 1)
    t.match(
      posted(relay)[0],
      /⚠️ flux-relay: config file config\.yaml has mistakes: the change was refused, the previous version stays in effect/
    )
    const text = relay.slack.accepted.at(-1)?.text
    t.match(text, /7:33 .*taem.*did you mean/, 'where, and what was probably meant')
    clock.advance(2 * 3_600_000)
    relay.app.reload()
    await turn()
    write(relay, `${faulty}\n# and a comment`)
    await untilPosted(relay, 2)
    clock.advance(120_000)
    write(relay, config)
    await untilPosted(relay, 3)
    t.match(posted(relay)[2], /✅ flux-relay: config file config\.yaml is valid again/)
    t.match(posted(relay)[1], /has mistakes/)
    relay.app.reload()
    write(relay, `${config}\n# fine`)
    await turn()
    t.equal(posted(relay).length, 3)
  }
)

t.test('a mistake that returns to the config file within the hour is reported again, and so is its end', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config })
  const faulty = config.replace('send: team', 'send: taem')
  for (const [turns, text] of [faulty, config, faulty, config].entries()) {
    clock.advance(120_000)
    write(relay, text)
    await untilPosted(relay, turns + 1)
  }
  t.match(posted(relay), [/has mistakes/, /is valid again/, /has mistakes/, /is valid again/])
})

t.test(
  'a config file that two writers fight over all night causes no flood, and the final state is reported',
  async (t) => {
    const clock = createClock()
    const right = config.replace(', expectEvery: 30m', '')
    const relay = await startRelay(t, { clock, config: right })
    const faulty = right.replace('send: team', 'send: taem')
    for (let turns = 0; turns < 100; turns++) {
      write(relay, turns % 2 === 0 ? faulty : right)
      await turn()
      clock.advance(turns < 50 ? 2000 : 60_000)
      await relay.app.idle()
    }
    await untilPosted(relay, 6)
    const fought = posted(relay).length
    t.equal(fought, 6)
    t.match(posted(relay).at(-1), /is valid again/)
    write(relay, faulty)
    await pass(clock, 9)
    await relay.app.idle()
    t.equal(posted(relay).length, fought, 'it may be over in a moment')
    await pass(clock, 1)
    await untilPosted(relay, fought + 1)
    t.match(posted(relay).at(-1), /has mistakes/)
    write(relay, right)
    await pass(clock, 10)
    await untilPosted(relay, fought + 2)
    t.match(posted(relay).at(-1), /is valid again/)
  }
)

t.test('each change of a config file that replicas read at different moments is reported once', async (t) => {
  const clock = createClock()
  const said: string[] = []
  const store = await openStore(`sqlite:${join(tempFolder(t), 'relay.db')}`)
  t.teardown(() => store.close())
  const announce: Announce = async (key, view, withinMs) => {
    const isNews = await store.records.announce({ key, notices: [], now: clock.now(), withinMs })
    if (isNews) said.push(view.says)
    return isNews
  }
  const log = createLog([], () => [], { write: () => {} })
  const options = { store, operators: () => [], metrics: createMetrics(), clock, log, wake: () => {} }
  const readings = () => createReadings({ announce, lasting: createOperator(options).lasting, clock, log })
  const [a, b] = [readings(), readings()]
  const read = (text: string) => ({ file: 'config.yaml', text, problems: [], isGood: text.startsWith('right') })
  // The second replica misses what lasted only a moment, and reads everything later.
  for (const [reads, text] of [
    [[a, b], 'wrong'],
    [[a], 'wrong as well'],
    [[a], 'right'],
    [[b], 'right'],
    [[a, b], 'wrong'],
    [[a, b], 'right']
  ] as const) {
    for (const replica of reads) {
      clock.advance(30_000)
      await replica.read(read(text))
    }
  }
  t.same(said, ['failed', 'failed', 'recovered', 'failed', 'recovered'])
})

t.test('a relay that starts with a corrected config file reports that, once', async (t) => {
  const clock = createClock()
  const first = await startRelay(t, { clock, config })
  write(first, config.replace('send: team', 'send: taem'))
  await untilPosted(first, 1)
  await first.app.close()
  clock.advance(2 * 3_600_000)
  const again = {
    clock,
    folder: dirname(first.app.env.CONFIG_FILE),
    config: config.replaceAll('$SLACK', first.slack.url())
  }
  const second = await startRelay(t, again)
  await untilPosted(first, 2)
  t.match(posted(first)[1], /✅ flux-relay: config file config\.yaml is valid again/)
  await second.app.close()
  clock.advance(2 * 3_600_000)
  const third = await startRelay(t, again)
  await third.app.idle()
  t.equal(posted(first).length, 2)
})

t.test('notices about the config file are sent once the database accepts them', async (t) => {
  const clock = createClock()
  const said: string[] = []
  let isAway = true
  const say = async (what: string) => {
    if (isAway) throw new Error('away')
    return said.push(what) > 0
  }
  const lasting = { begun: async () => new Map(), begin: async () => true, end: async () => true }
  const log = createLog([], () => [], { write: () => {} })
  const readings = createReadings({ announce: (_, { says }) => say(says), lasting, clock, log })
  const read = async (text: string) => {
    isAway = true
    await readings.read({ file: 'config.yaml', text, problems: [], isGood: text === 'right' })
    clock.advance(10_000)
    await turn()
    isAway = false
    clock.advance(10_000)
    await turn()
  }
  for (const text of ['wrong', 'right', 'wrong as well', 'right']) await read(text)
  t.same(said, ['failed', 'recovered', 'failed', 'recovered'])
})

t.test('a refused config file does not carry its secrets to Slack', async (t) => {
  const relay = await startRelay(t, { config })
  write(relay, config.replace('[key]', 'not-in-a-list-and-secret'))
  await untilPosted(relay, 1)
  t.match(relay.slack.accepted.at(-1)?.text, /must be a list/)
  t.notMatch(relay.slack.accepted.at(-1)?.text, 'not-in-a-list-and-secret')
})

t.test('the operator is notified when there are many bad signatures, and then not for four hours', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config })
  const knock = async (times: number) => {
    for (let n = 0; n < times; n++) await relay.post('{}', { path: '/webhook/eu' })
  }
  for (let n = 0; n < 12; n++) {
    await knock(1)
    clock.advance(60_000)
  }
  await knock(4)
  t.same(posted(relay), [], 'one a minute is nothing to wake anyone for')
  await knock(1)
  await untilPosted(relay, 1)
  t.match(posted(relay)[0], /source eu got 10 requests within 5 m without a valid signature or token/)
  await knock(40)
  clock.advance(4 * 3_600_000 - 1)
  await knock(20)
  t.equal(posted(relay).length, 1)
  clock.advance(1)
  await knock(20)
  await untilPosted(relay, 2)
  t.match(relay.slack.accepted.at(-1)?.text, /compare `token` in the Secret of its Provider/)
})

t.test(
  'the operator is notified once that a source falls quiet, even across a restart, and when it is back',
  async (t) => {
    const clock = createClock()
    const first = await startRelay(t, { clock, config: token })
    const well = {
      severity: 'info' as const,
      reason: 'ReconciliationSucceeded',
      message: 'Reconciliation finished in 1s'
    }
    for (let n = 0; n < 4; n++) {
      await first.post(about('shop', { ...well, timestamp: new Date(clock.now()).toISOString() }), bearer)
      await pass(clock, 20)
    }
    t.same(posted(first), [], 'heartbeats count, although they leave no event')
    t.equal((await scrape(first)).value('source_quiet', { source: 'eu' }), 0)
    await pass(clock, 11)
    await untilPosted(first, 1)
    t.match(posted(first)[0], /⚠️ flux-relay: source eu has been quiet for 30 m.*; one event is expected every 30 m/)
    t.equal((await scrape(first)).value('source_quiet', { source: 'eu' }), 1)
    await pass(clock, 10)
    await first.app.close()
    const again = { clock, folder: dirname(first.app.env.CONFIG_FILE), config: token }
    const second = await startRelay(t, { ...again, config: token.replaceAll('$SLACK', first.slack.url()) })
    await pass(clock, 45)
    t.equal(posted(first).length, 1)
    await second.post(about('shop'), bearer)
    t.equal((await scrape(second)).value('source_quiet', { source: 'eu' }), 0)
    await pass(clock, 1)
    await untilPosted(first, 2)
    t.match(posted(first)[1], /✅ flux-relay: source eu posts again after 1 h 2\d m/)
    await pass(clock, 20)
    t.equal(posted(first).length, 2)
  }
)

t.test(
  'the operator is notified of an expected source that never posts; one that is not expected is left alone',
  async (t) => {
    const clock = createClock()
    const relay = await startRelay(t, { clock, config: token })
    await relay.post(about('shop'))
    await pass(clock, 31)
    await untilPosted(relay, 1)
    t.match(posted(relay)[0], /source eu/)
    const seen = await scrape(relay)
    t.equal(seen.value('source_quiet', { source: 'default' }), 0)
    t.equal(
      seen.value('source_last_event_timestamp_seconds', { source: 'default' }),
      Date.parse('2026-09-21T14:00:00Z') / 1000
    )
  }
)

t.test('every source has its state among the metrics, and an unknown state is not a 0', async (t) => {
  const clock = createClock()
  const first = await startRelay(t, { clock, config: token })
  const stateOf = async (relay: Relay, source: string) =>
    (await scrape(relay))
      .all('source_state', { source })
      .flatMap(({ labels, value }) => (value === 1 ? labels['state'] : []))
  t.same(await stateOf(first, 'eu'), ['never'])
  t.equal((await scrape(first)).all('source_state').length, 8, 'each state of each source')
  await first.post(about('shop'), bearer)
  t.same(await stateOf(first, 'eu'), ['active'])
  t.same(await stateOf(first, 'default'), ['never'])
  const never = await scrape(first)
  for (const name of ['source_quiet', 'source_last_event_timestamp_seconds'])
    t.equal(never.value(name, { source: 'default' }), undefined, name)
  await pass(clock, 1)
  await first.app.close()
  clock.advance(5 * 3_600_000)
  const folder = dirname(first.app.env.CONFIG_FILE)
  const second = await startRelay(t, { clock, folder, config: token.replaceAll('$SLACK', first.slack.url()) })
  t.same(await stateOf(second, 'eu'), ['unknown'])
  t.equal((await scrape(second)).value('source_quiet', { source: 'eu' }), undefined)
  await pass(clock, 31)
  await untilPosted(first, 1)
  t.same(await stateOf(second, 'eu'), ['quiet'])
  t.equal((await scrape(second)).value('source_quiet', { source: 'eu' }), 1)
})

t.test('an expected source that never posted still counts as such after a restart', async (t) => {
  const clock = createClock()
  const first = await startRelay(t, { clock, config: token })
  await pass(clock, 2)
  await first.app.close()
  const folder = dirname(first.app.env.CONFIG_FILE)
  const second = await startRelay(t, { clock, folder, config: token.replaceAll('$SLACK', first.slack.url()) })
  const eu = async () => JSON.parse((await second.get('/api/sources')).body).sources[1]
  t.match(await eu(), { source: 'eu', state: 'never', lastEventAt: null })
  await pass(clock, 29)
  await untilPosted(first, 1)
  t.match(posted(first)[0], /source eu has been quiet for 30 m/, 'expected since the first start')
  t.match(await eu(), { source: 'eu', state: 'quiet', lastEventAt: null })
})

t.test('a time in which nothing could be stored is reported when it is over, unless it was short', async (t) => {
  const clock = createClock()
  const folder = tempFolder(t)
  const relay = await startRelay(t, { clock, folder, config })
  const file = join(folder, 'relay.db')
  const failFor = async (seconds: number) => {
    renameSync(file, `${file}.kept`)
    for (let second = 0; second <= seconds; second += seconds / 3) {
      t.equal((await relay.post(about('shop'))).status, 503)
      clock.advance((seconds / 3) * 1000)
    }
    renameSync(`${file}.kept`, file)
    clock.advance(60_000)
    t.equal((await relay.post(about(`cart-${seconds}`))).status, 202)
    await turn()
    await relay.app.idle()
  }
  await failFor(6)
  t.same(posted(relay), [], 'Flux has sent it again')
  await failFor(600)
  await untilPosted(relay, 1)
  t.match(posted(relay)[0], /flux-relay: could not store events for 10 m: they were answered 503/)
  await relay.post(about('tea'))
  await failFor(6)
  t.equal(posted(relay).length, 1)
  await failFor(120)
  await untilPosted(relay, 2)
  t.match(posted(relay)[1], /could not store events for 2 m/)
})

t.test('a source whose requests are all refused is not reported as down', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config: token })
  await relay.post(about('shop'), bearer)
  await pass(clock, 10)
  for (let n = 0; n < 5; n++) {
    await relay.post(about('shop'), { path: '/webhook/eu' })
    await pass(clock, 5)
  }
  await untilPosted(relay, 1)
  t.match(posted(relay)[0], /source eu has been quiet for 30 m/)
  const { text } = relay.slack.accepted.at(-1) ?? {}
  t.match(text, /5 requests for it were refused in the last hour.*BAD_SIGNATURE.*`request refused` in the log/s)
  t.notMatch(text, /Flux is down/)
})

t.test('a quiet source is reported to be back even if it was given more time meanwhile', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config: token })
  await relay.post(about('shop'), bearer)
  await pass(clock, 32)
  await untilPosted(relay, 1)
  write(relay, token.replace('30m', '2h'))
  await pass(clock, 10)
  await relay.post(about('cart'), bearer)
  await pass(clock, 1)
  await untilPosted(relay, 2)
  t.match(posted(relay)[1], /source eu posts again/)
  await relay.post(about('tea'), bearer)
  await pass(clock, 1)
  t.equal(posted(relay).length, 2)
})

t.test('a post just before a stop is remembered after it, with either store', async (t) => {
  for (const env of [{}, { DATABASE_URL: (await startPostgres(t)).url }]) {
    const clock = createClock()
    const first = await startRelay(t, { clock, env, config: token })
    await first.post(about('shop'))
    await first.app.close()
    const second = await startRelay(t, { clock, env, folder: dirname(first.app.env.CONFIG_FILE), config: token })
    t.match(JSON.parse((await second.get('/api/sources')).body).sources, [
      { source: 'default', state: 'active' },
      { source: 'eu', state: 'never' }
    ])
  }
})

t.test('the operator is notified of a source that returns just before a stop', async (t) => {
  const clock = createClock()
  const first = await startRelay(t, { clock, config: token })
  await pass(clock, 31)
  await untilPosted(first, 1)
  await first.post(about('shop'), bearer)
  await first.app.close()
  const again = { clock, folder: dirname(first.app.env.CONFIG_FILE) }
  await startRelay(t, { ...again, config: token.replaceAll('$SLACK', first.slack.url()) })
  await untilPosted(first, 2)
  t.match(posted(first)[1], /source eu posts again/)
})

t.test('what could not arrive because the relay was away does not count against the source', async (t) => {
  const clock = createClock()
  const first = await startRelay(t, { clock, config: token })
  await first.post(about('shop'), bearer)
  await pass(clock, 1)
  await first.app.close()
  clock.advance(5 * 3_600_000)
  const folder = dirname(first.app.env.CONFIG_FILE)
  await startRelay(t, { clock, folder, config: token.replaceAll('$SLACK', first.slack.url()) })
  await pass(clock, 29)
  t.same(posted(first), [])
  await pass(clock, 3)
  await untilPosted(first, 1)
  t.match(posted(first)[0], /has been quiet for 5 h 3\d m/)
})

t.test('the end of a quiet period that nobody was notified of is not news', async (t) => {
  const clock = createClock()
  const first = await startRelay(t, { clock, config: token })
  await first.post(about('shop'), bearer)
  await pass(clock, 1)
  await first.app.close()
  clock.advance(5 * 3_600_000)
  const folder = dirname(first.app.env.CONFIG_FILE)
  const second = await startRelay(t, { clock, folder, config: token.replaceAll('$SLACK', first.slack.url()) })
  await second.post(about('cart'), bearer)
  await pass(clock, 2)
  await first.slack.until(({ accepted }) => accepted.length === 2)
  t.same(posted(first), [])
})

t.test('a source that posts to one replica is not quiet to another', async (t) => {
  const { url } = await startPostgres(t)
  const clock = createClock(Date.now())
  const env = { DATABASE_URL: url }
  const first = await startRelay(t, { clock, config: token, env })
  const second = await startRelay(t, { clock, config: token.replaceAll('$SLACK', first.slack.url()), env })
  for (let n = 0; n < 8; n++) {
    await first.post(about('shop'), bearer)
    for (let step = 0; step < 60; step++) {
      clock.advance(10_000)
      // The database takes real time.
      for (let tries = 0; tries < 20 && (await second.get('/api/sources')).status !== 200; tries++) await turn()
    }
  }
  const { sources, isShared } = JSON.parse((await second.get('/api/sources')).body)
  t.match(sources[1], { source: 'eu', state: 'active', events: 0 })
  t.equal(isShared, true, 'what it counts is not all that comes')
  t.equal(sources[1].refusedElsewhereAt, null)
  const refusedAt = clock.now()
  await first.post('{}', { path: '/webhook/eu' })
  const refused = async () => JSON.parse((await second.get('/api/sources')).body).sources?.[1].refusedElsewhereAt
  // By the database's clock, which each replica knows to a few milliseconds.
  const isKnown = async () => Math.abs(Date.parse(await refused()) - refusedAt) < 1000
  for (let tries = 0; tries < 50 && !(await isKnown()); tries++) {
    clock.advance(10_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.ok(await isKnown(), 'what another replica refuses is known here, too')
})

t.test('two replicas report a quiet source, its return and a faulty file once', async (t) => {
  const { url } = await startPostgres(t)
  const clock = createClock(Date.now())
  const env = { DATABASE_URL: url }
  const first = await startRelay(t, { clock, config: token, env })
  const second = await startRelay(t, { clock, config: token.replaceAll('$SLACK', first.slack.url()), env })
  // The database takes real time.
  const passSlowly = async (minutes: number) => {
    for (let step = 0; step < minutes; step++) {
      clock.advance(60_000)
      await Promise.all([first, second].map((relay) => relay.get('/readyz')))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await passSlowly(33)
  await untilPosted(first, 1)
  await second.post(about('shop'), bearer)
  await passSlowly(3)
  await untilPosted(first, 2)
  for (const relay of [first, second]) {
    writeFileSync(relay.app.env.CONFIG_FILE, 'rules: 5')
    relay.app.reload()
  }
  await untilPosted(first, 3)
  await passSlowly(3)
  t.match(posted(first), [/source eu has been quiet/, /source eu posts again/, /config file .* has mistakes/])
  t.equal(posted(first).length, 3)
})
