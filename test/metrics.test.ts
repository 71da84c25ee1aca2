// Metrics: what Prometheus sees of a real relay.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import t from 'tap'
import { createClock } from './fixtures/clock.ts'
import { scrape } from './fixtures/exposition.ts'
import { startPostgres } from './fixtures/postgres.ts'
import { about, fluxEvent, openConfig, type Relay, startRelay } from './fixtures/relay.ts'

const two = `
sources: { default: {}, guarded: { hmacKeys: [key], cluster: guarded } }
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$SLACK/ops" } }
templates: { short: { title: "{{ object.name }}" } }
rules:
  - { name: failures, template: short, send: team }
  - { name: other, match: { namespace: other }, send: ops }`

const database = await startPostgres(t)

function write(relay: Relay, config: string): void {
  writeFileSync(relay.app.env.CONFIG_FILE, config.replaceAll('$SLACK', relay.slack.url()))
  relay.app.reload()
}

t.test('every name in the config file has its series from the start, at zero', async (t) => {
  const seen = await scrape(await startRelay(t, { config: two }))
  const zero = (name: string, labels: Record<string, string>) =>
    t.equal(seen.value(name, labels), 0, `${name} ${JSON.stringify(labels)}`)
  for (const destination of ['team', 'ops']) {
    for (const name of ['pending', 'oldest_pending_seconds', 'lane_blocked']) zero(name, { destination })
    for (const state of ['pending', 'sent', 'dead', 'muted']) zero('notifications_total', { destination, state })
    for (const outcome of ['sent', 'retry', 'rate_limited', 'refused', 'blocked', 'dead']) {
      zero('slack_requests_total', { destination, outcome })
    }
  }
  for (const source of ['default', 'guarded']) {
    for (const name of ['signature_failures_total', 'duplicate_events_total']) zero(name, { source })
    for (const severity of ['info', 'warn', 'error']) zero('unmatched_events_total', { source, severity })
  }
  for (const rule of ['failures', 'other']) {
    for (const name of ['rule_hits_total', 'rule_errors_total']) zero(name, { rule })
  }
  zero('template_errors_total', { template: 'short' })
  zero('notifications_total', { destination: '', state: 'dead' })
  zero('commit_failures_total', {})
  for (const code of ['UNKNOWN_SOURCE', 'BAD_EVENT', 'CANNOT_STORE', 'INTERNAL'])
    zero('refused_requests_total', { code })
  t.equal(seen.value('database_up'), 1)
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'))
  t.equal(seen.value('build_info', { version }), 1)
})

t.test('a reload removes the series of removed names, and adds those of new ones', async (t) => {
  const relay = await startRelay(t, { config: two })
  await relay.post(about('shop'), { path: '/webhook/default' })
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  await relay.logged(/message sent/)
  const before = await scrape(relay)
  t.equal(before.value('slack_requests_total', { destination: 'team', outcome: 'sent' }), 1)
  t.equal(before.value('rule_hits_total', { rule: 'failures' }), 1)
  write(
    relay,
    `
sources: { renamed: {} }
destinations: { new: { slack: { webhookUrl: "$SLACK/ops" } } }
rules: [{ name: fresh, send: new }]`
  )
  const { samples } = await scrape(relay)
  const values = new Set(samples.flatMap(({ labels }) => Object.values(labels)))
  for (const gone of ['team', 'ops', 'failures', 'other', 'short', 'default', 'guarded'])
    t.notOk(values.has(gone), gone)
  for (const added of ['new', 'fresh', 'renamed']) t.ok(values.has(added), added)
})

t.test('an event is counted by what it did, and its notifications by what became of them', async (t) => {
  const relay = await startRelay(t, { config: two })
  await relay.post(about('shop'))
  await relay.logged(/message sent/)
  await relay.post(about('cart', { severity: 'info', reason: 'ReconciliationSucceeded' }))
  await relay.post(about('cart', { involvedObject: { kind: 'Evil', namespace: 'apps', name: 'x' } }))
  await relay.logged(/message sent/, 2)
  await relay.post('{}', { path: '/webhook/guarded' })
  const seen = await scrape(relay)
  const failed = { source: 'default', severity: 'error', transition: 'failed' }
  t.equal(seen.value('events_total', { ...failed, kind: 'Kustomization' }), 1)
  t.equal(seen.value('events_total', { ...failed, kind: 'other' }), 1, 'a kind that nobody knows')
  t.equal(seen.value('unmatched_events_total', { source: 'default', severity: 'info' }), 1)
  t.equal(seen.value('notifications_total', { destination: 'team', state: 'pending' }), 2)
  t.equal(seen.value('notifications_total', { destination: 'team', state: 'sent' }), 2)
  t.equal(seen.value('delivery_seconds_count'), 2)
  t.equal(seen.value('commit_events_sum'), 3)
  t.equal(seen.value('commit_seconds_count'), 3)
  t.equal(seen.value('signature_failures_total', { source: 'guarded' }), 1)
  t.equal(seen.value('refused_requests_total', { code: 'BAD_SIGNATURE' }), 1)
})

t.test('no event creates a new series', async (t) => {
  const relay = await startRelay(t, { config: two })
  const names = Array.from({ length: 60 }, (_, n) => `evil-${n}"}\n`)
  const send = async (names: string[]) => {
    for (const name of names) {
      const involvedObject = { kind: `Kind${name}`, namespace: name, name, apiVersion: name }
      const metadata = { revision: name, cluster: name, [name]: name }
      const texts = { message: name, reason: name, reportingController: name, reportingInstance: name }
      await relay.post(fluxEvent({ ...texts, involvedObject, metadata }))
      await relay.post('{}', { path: `/webhook/${encodeURIComponent(name)}` })
      await relay.post(`{"${name}":1}`)
    }
    return (await scrape(relay)).samples.filter(({ name }) => name.startsWith('flux_relay_')).length
  }
  const first = await send(names.slice(0, 5))
  t.equal(await send(names.slice(5)), first)
  t.notMatch((await relay.get('/metrics')).body, /evil/)
})

t.test('what waits, for how long, and whether its webhook is gone is visible as long as it lasts', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config: two })
  relay.slack.behave('*', [{ status: 404, body: 'no_service' }])
  await relay.post(about('one'))
  await relay.logged(/destination rejects/)
  clock.advance(60_000)
  await relay.post(about('two'))
  const during = await scrape(relay)
  const team = { destination: 'team' }
  t.equal(during.value('pending', team), 2)
  t.equal(during.value('oldest_pending_seconds', team), 60)
  t.equal(during.value('lane_blocked', team), 1)
  t.equal(during.value('lane_blocked', { destination: 'ops' }), 0)
  clock.advance(4 * 60_000)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  await relay.logged(/message sent/, 2)
  const after = await scrape(relay)
  for (const name of ['pending', 'oldest_pending_seconds', 'lane_blocked']) t.equal(after.value(name, team), 0, name)
})

for (const [store, url] of [
  ['SQLite', undefined],
  ['PostgreSQL', database.url]
] as const)
  t.test(`what a group holds for hours is not late before it was due, on ${store}`, async (t) => {
    const clock = createClock()
    const group = '{ by: [cluster], wait: 2h }'
    const config = `
destinations: { team: { slack: { webhookUrl: "$SLACK" } } }
rules: [{ name: all, match: { severity: info }, group: ${group}, send: team }]`
    const relay = await startRelay(t, { clock, config, env: url === undefined ? {} : { DATABASE_URL: url } })
    relay.slack.behave('*', { status: 500, body: 'rollup_error' })
    await relay.post(about('shop'))
    const team = { destination: 'team' }
    clock.advance(119 * 60_000)
    const held = await scrape(relay)
    t.equal(held.value('pending', team), 1)
    t.equal(held.value('oldest_pending_seconds', team), 0)
    const dueIn = 60_000
    let passed = 0
    // If its lane had computed its wait before time was advanced, it computes it again.
    while (!relay.log.some((line) => line.includes('message postponed'))) {
      const step = passed < dueIn ? dueIn : 1000
      clock.advance(step)
      passed += step
      await pause(10)
    }
    clock.advance(300)
    t.equal((await scrape(relay)).value('oldest_pending_seconds', team), (passed - dueIn + 300) / 1000)
  })

t.test('every dead letter is counted, however it came about', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config: two })
  const dead = async (destination: string) =>
    (await scrape(relay)).value('notifications_total', { destination, state: 'dead' })
  relay.slack.behave('*', () => ({ status: 400, body: 'invalid_blocks' }))
  await relay.post(about('refused'))
  await relay.logged(/message not delivered/)
  t.equal(await dead('team'), 1, 'refused by Slack')
  relay.slack.behave('*', () => ({ status: 404, body: 'no_service' }))
  await relay.post(about('open'))
  await relay.logged(/destination rejects/)
  await relay.post(about('behind'))
  clock.advance(25 * 3_600_000)
  await relay.logged(/message not delivered/, 2)
  // In the lane's next step, which follows at once.
  for (let tries = 0; tries < 200 && (await dead('team')) !== 3; tries++) {
    await new Promise((done) => setTimeout(done, 10))
  }
  t.equal(await dead('team'), 3, 'one whose message was a day old, and one that had none yet')
  await relay.post(about('left', { timestamp: new Date(clock.now()).toISOString() }))
  write(relay, openConfig.replaceAll('team', 'another'))
  await relay.logged(/destinations were removed/)
  t.equal(await dead('team'), undefined)
  t.equal(await dead(''), 1, 'its destination is gone')
})

t.test('a database that does not answer is visible, and affects no other metric', async (t) => {
  const url = await database.createDatabase()
  const relay = await startRelay(t, { config: two, env: { DATABASE_URL: url } })
  const client = new Client(url)
  await client.connect()
  await client.query('begin; lock table lanes in access exclusive mode')
  const started = performance.now()
  const seen = await scrape(relay)
  t.ok(performance.now() - started < 3000, 'before Prometheus gives up')
  t.equal(seen.value('database_up'), 0)
  for (const name of ['lane_blocked', 'oldest_pending_seconds'])
    t.equal(seen.value(name, { destination: 'team' }), undefined, `${name} is not known, and no 0`)
  t.equal(seen.value('rule_hits_total', { rule: 'failures' }), 0)
  await client.query('rollback')
  await client.end()
  for (let tries = 0; tries < 100 && (await scrape(relay)).value('database_up') === 0; tries++) {
    await new Promise((done) => setTimeout(done, 50))
  }
  t.equal((await scrape(relay)).value('database_up'), 1)
})
