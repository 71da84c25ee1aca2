// Faults: stop what they are about and nothing else, and somebody is notified.
import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Payload } from '../src/render/slack/payload.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import { createClock, type TestClock } from './fixtures/clock.ts'
import { startPostgres } from './fixtures/postgres.ts'
import { about, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'
import type { Received, Reply } from './fixtures/slack.ts'
import { arrival, sendTo, view } from './fixtures/store.ts'

const page: Reply = { status: 403, body: '<html><title>Blocked</title>by policy', type: 'text/html' }
const login: Reply = { status: 200, body: '<!DOCTYPE html><title>Sign in</title><form>', type: 'text/html' }
const config = `
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$SLACK/ops" }, pace: { perSecond: 50, burst: 100 } }
operator: [team, ops]
rules: [{ name: all, match: { severity: info }, send: team }]`
const team = '/services/T000/B000/secret'

const to = (relay: Relay, path: string) => relay.slack.accepted.filter((one) => one.path === path)
/** Everything that a reader of the channel sees. */
const shown = (all: readonly Received[]) => all.map(({ text }) => text).join('\n')
const texts = (all: readonly Received[]) => all.map(({ body }) => (body as Payload).text)

async function api(relay: Relay, method: string, path: string) {
  const response = await fetch(relay.url + path, { method })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

const laneOf = async (relay: Relay, name: string) =>
  (await api(relay, 'GET', '/api/lanes')).body.lanes.find((lane: { destinations: string[] }) =>
    lane.destinations.includes(name)
  )

/** Advances the clock until `isTrue`, as real time passes. */
async function advanceUntil(clock: TestClock, stepMs: number, isTrue: () => boolean): Promise<void> {
  for (let steps = 0; steps < 500 && !isTrue(); steps++) {
    clock.advance(stepMs)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

t.test('a body that a firewall rejects becomes a dead letter alone, and the next message is sent', async (t) => {
  for (const refusal of [page, login, { ...page, status: 404 }, { ...page, status: 200, body: '{"status":"error"}' }]) {
    const relay = await startRelay(t, { clock: createClock(), config })
    relay.slack.behave(team, ({ text }) => (text.includes('poison') ? refusal : undefined))
    await relay.post(about('poison'))
    await relay.post(about('good'))
    await relay.slack.until(() => to(relay, team).length === 1 && to(relay, `${team}/ops`).length === 1)
    const said = `${refusal.status} ${refusal.body}`
    t.match(texts(to(relay, team)), [/good/], said)
    t.equal(
      relay.slack.received.filter(({ text }) => text.includes('"poison') || text.includes('/poison')).length,
      2,
      'both forms'
    )
    t.match(texts(to(relay, `${team}/ops`)), [
      /destination team has 1 notification that could not be delivered: refused on its way/
    ])
    t.match(await laneOf(relay, 'team'), { block: null, backlog: 0 })
    const { body } = await api(relay, 'GET', '/api/notifications?state=dead')
    t.match(body.notifications, [{ object: { name: 'poison' }, reason: /even as plain text: \d+ and/ }])
  }
})

t.test(
  'while a proxy refuses everything, nothing becomes a dead letter, and afterwards all is sent in order',
  async (t) => {
    for (const refusal of [page, login, { status: 302, headers: { location: 'https://login.corp.example/?u=x' } }]) {
      const clock = createClock()
      const relay = await startRelay(t, { clock, config })
      relay.slack.behave(team, () => refusal)
      await relay.post(about('first'))
      await relay.slack.until(() => to(relay, `${team}/ops`).length === 1)
      for (const name of ['second', 'third']) await relay.post(about(name))
      await advanceUntil(clock, 60_000, () => relay.slack.received.length > 12)
      t.equal(to(relay, `${team}/ops`).length, 1, 'the operator is notified once')
      t.match(texts(to(relay, `${team}/ops`)), [/destination team takes no messages/])
      t.match(await laneOf(relay, 'team'), { block: { probes: Number }, backlog: 3 })
      t.same((await api(relay, 'GET', '/api/notifications?state=dead')).body.notifications, [])
      relay.slack.calm(team)
      await advanceUntil(clock, 60_000, () => /third/.test(shown(to(relay, team))))
      t.match(shown(to(relay, team)), /first[\s\S]*second[\s\S]*third/)
    }
  }
)

t.test(
  'a removed channel does not block another of the same webhook, and its operator is notified there',
  async (t) => {
    const relay = await startRelay(t, {
      clock: createClock(),
      config: `
destinations:
  gone: { slack: { webhookUrl: "$SLACK", channel: "#gone" } }
  team: { slack: { webhookUrl: "$SLACK", channel: "#team" } }
operator: team
rules: [{ name: all, match: { severity: info }, send: [gone, team] }]`
    })
    relay.slack.behave(team, ({ body }) =>
      (body as { channel: string }).channel === '#gone' ? { status: 404, body: 'channel_not_found' } : undefined
    )
    await relay.post(about('shop'))
    await relay.slack.until(({ accepted }) => accepted.length === 2)
    const posted = texts(relay.slack.accepted).join('\n')
    t.match(posted, /apps\/shop/)
    t.match(posted, /destination gone takes no messages/)
  }
)

t.test('messages from the time before channels had their own lanes are sent', async (t) => {
  const folder = tempFolder(t)
  const store = openSqlite(join(folder, 'relay.db'))
  const receivedAt = Date.parse('2026-09-21T14:00:00Z')
  for (const name of ['a', 'b']) {
    await store.accept([arrival(name, { receivedAt })], (item) => {
      const [entry] = sendTo('slack:of-the-webhook')(item).notifications
      const whole = {
        ...view(name),
        reason: 'BuildFailed',
        summary: 'x',
        message: 'x',
        cause: 'x',
        controller: 'c',
        at: receivedAt
      }
      return { ...sendTo('x')(item), notifications: entry ? [{ ...entry, destination: name, view: whole }] : [] }
    })
  }
  await store.close()
  const relay = await startRelay(t, {
    folder,
    clock: createClock(receivedAt + 1000),
    config: `
destinations:
  a: { slack: { webhookUrl: "$SLACK", channel: "#a" } }
  b: { slack: { webhookUrl: "$SLACK", channel: "#b" } }
rules: [{ name: r, send: [a, b] }]`
  })
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  const sent = relay.slack.accepted.map(({ body }) => body as Payload & { channel: string })
  t.same(
    new Set(sent.map(({ channel, text }) => `${channel} ${/apps\/(\w)/.exec(text)?.[1]}`)),
    new Set(['#a a', '#b b'])
  )
})

t.test('a blocked lane is tried on request; a rate limit is waited for all the same', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config })
  relay.slack.behave(team, () => ({ status: 404, body: 'no_service' }))
  await relay.post(about('shop'))
  await relay.slack.until(() => to(relay, `${team}/ops`).length === 1)
  const { lane } = await laneOf(relay, 'team')
  const again = await api(relay, 'POST', `/api/lanes/${encodeURIComponent(lane)}/try`)
  t.match(again, { status: 200, body: { lane, destinations: ['team'], backlog: 1, isTried: true, notBefore: null } })
  await relay.slack.until(({ received }) => received.filter(({ path }) => path === team).length === 2)
  relay.slack.behave(team, [{ is: 'rate-limited', retryAfterSeconds: 30 }])
  await relay.logged(/rejects all messages/, 2)
  await api(relay, 'POST', '/api/lanes/team/try')
  await relay.logged(/message postponed/)
  const limited = await api(relay, 'POST', '/api/lanes/team/try')
  t.match(limited, { status: 200, body: { isTried: false, notBefore: '2026-09-21T14:00:30.000Z' } })
  t.equal(relay.slack.received.filter(({ path }) => path === team).length, 3)
  relay.slack.behave(team, () => ({ status: 200, body: 'ok' }))
  clock.advance(30_000)
  await relay.slack.until(({ received }) => received.filter(({ path }) => path === team).length === 4)
  const unknown = await api(relay, 'POST', '/api/lanes/nope/try')
  t.match(unknown, { status: 404, body: { code: 'NOT_FOUND', message: /there are: team \(slack:\w+\), ops/ } })
  await relay.slack.until(() => to(relay, `${team}/ops`).length === 2)
  await relay.app.idle()
  t.match((await api(relay, 'POST', '/api/lanes/ops/try')).body, { backlog: 0, isTried: false, notBefore: null })
})

t.test('dead letters of any cause reach the operator once per destination and hour, and all are counted', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config })
  relay.slack.behave(team, () => ({ status: 400, body: 'invalid_blocks' }))
  const notices = () => texts(to(relay, `${team}/ops`))
  await relay.post(about('one'))
  await relay.slack.until(() => notices().length === 1)
  t.match(
    notices()[0],
    /1 notification that could not be delivered: Slack refuses it, even as plain text: 400 invalid_blocks/
  )
  for (const name of ['two', 'three']) await relay.post(about(name))
  await relay.logged(/message not delivered/, 3)
  await advanceUntil(clock, 60_000, () => notices().length > 1)
  t.match(notices()[1], /2 notifications that could not be delivered/)
  t.ok(clock.now() - Date.parse('2026-09-21T14:00:00Z') >= 3_600_000, 'an hour later')
  t.notMatch(relay.log.join(''), /destination rejects all messages/)

  relay.slack.behave(team, () => ({ status: 503 }))
  await relay.post(about('late', { timestamp: '2026-09-21T15:05:00Z' }))
  await relay.logged(/message postponed/)
  await relay.post(about('later', { timestamp: '2026-09-21T15:05:00Z' }))
  clock.advance(24 * 3_600_000)
  await advanceUntil(clock, 60_000, () => notices().length > 2)
  t.match(
    notices()[2],
    /could not be delivered: not delivered within 24 hours/,
    'those that were too old before they were tried, too'
  )
})

t.test('a lane blocked again within the hour is reported after that hour, even after a restart', async (t) => {
  const clock = createClock()
  const folder = tempFolder(t)
  const before = await startRelay(t, { clock, config, folder })
  const { port } = before.slack
  const posted = (relay: Relay) => texts(to(relay, `${team}/ops`))
  before.slack.behave(team, { status: 404, body: 'no_service' })
  await before.post(about('first'))
  await before.slack.until(() => posted(before).length === 1)
  before.slack.calm()
  await advanceUntil(clock, 60_000, () => posted(before).length === 2)
  t.match(posted(before), [/destination team takes no messages/, /destination team/])
  before.slack.behave(team, { status: 404, body: 'no_service' })
  await before.post(about('second'))
  await before.logged(/rejects all messages: its lane waits/, 2)
  await before.app.idle()
  await before.app.close()
  await before.slack.close()

  const relay = await startRelay(t, { clock, config, folder, slack: { port } })
  relay.slack.behave(team, { status: 404, body: 'no_service' })
  await advanceUntil(clock, 60_000, () => posted(relay).length === 1)
  t.match(posted(relay), [/destination team takes no messages/])
  const probes = relay.slack.received.length
  await advanceUntil(clock, 60_000, () => relay.slack.received.length > probes + 2)
  t.equal(posted(relay).length, 1, 'once')
})

t.test('the operator is notified of dead letters whose destination was removed from the file', async (t) => {
  const folder = tempFolder(t)
  const clock = createClock()
  const first = await startRelay(t, { folder, clock, config })
  first.slack.behave(team, () => ({ status: 503 }))
  for (const name of ['one', 'two']) await first.post(about(name))
  await first.logged(/message postponed/)
  await first.app.close()
  const second = await startRelay(t, {
    folder,
    clock,
    config:
      'destinations: { ops: { slack: { webhookUrl: "$SLACK" } } }\noperator: ops\nrules: [{ name: all, send: ops }]'
  })
  await second.slack.until(({ accepted }) => accepted.length === 1)
  t.match(texts(second.slack.accepted), [/2 notifications that could not be delivered: its destination is no longer/])
})

t.test('an operator who can only be reached through the lane at fault finds it in the log', async (t) => {
  const relay = await startRelay(t, {
    clock: createClock(),
    config: config.replace('operator: [team, ops]', 'operator: team')
  })
  relay.slack.behave(team, () => ({ status: 400, body: 'invalid_blocks' }))
  await relay.post(about('one'))
  await relay.logged(/"reasons":\["Slack refuses it.*notifications could not be delivered/)
  t.equal(relay.slack.accepted.length, 0)
})

t.test('after a 429 the backlog is one message, however large the configured burst', async (t) => {
  const clock = createClock()
  const pace = 'pace: { perSecond: 1, burst: 100 }'
  const relay = await startRelay(t, { clock, config: config.replace('pace: { perSecond: 50, burst: 100 }', pace) })
  relay.slack.behave(team, (_request, index) =>
    index === 2 ? { is: 'rate-limited', retryAfterSeconds: 5 } : undefined
  )
  // One after the other, so that they become separate messages.
  for (let at = 0; at < 3; at++) {
    await relay.post(about(`early-${at}`, { reason: `Cause${at}` }))
    await relay.logged(/message (sent|postponed)/, at + 1)
  }
  for (let at = 0; at < 40; at++) await relay.post(about(`late-${at}`, { reason: `Cause${at}` }))
  relay.slack.behave(team, () => ({ status: 200, body: 'ok' }))
  const before = relay.slack.received.length
  await advanceUntil(clock, 1000, () => relay.slack.received.length >= before + 2)
  await relay.app.idle()
  clock.advance(60_000)
  await relay.app.idle()
  const after = texts(relay.slack.received.slice(before))
  t.equal(after.length, 2, 'the one that was refused, and all that waited')
  t.match(after[1], /🔴 40 failing/)
})

t.test('of replicas on one PostgreSQL, one reports dead letters, and any can be asked to try a lane now', async (t) => {
  const { url } = await startPostgres(t)
  const env = { DATABASE_URL: url }
  const first = await startRelay(t, { config, env })
  const texted = config.replaceAll('$SLACK', first.slack.url())
  const second = await startRelay(t, { config: texted, env })
  first.slack.behave(team, () => ({ status: 400, body: 'invalid_blocks' }))
  for (const [relay, name] of [
    [first, 'one'],
    [second, 'two'],
    [first, 'three']
  ] as const)
    await relay.post(about(name))
  const givenUp = () => [...first.log, ...second.log].filter((line) => /message not delivered/.test(line)).length
  await first.slack.until(() => givenUp() > 0 && to(first, `${team}/ops`).length > 0)
  first.slack.behave(team, () => ({ status: 404, body: 'no_service' }))
  await second.post(about('four'))
  await first.slack.until(() => to(first, `${team}/ops`).length === 2)
  t.match(texts(to(first, `${team}/ops`)).sort(), [
    /destination team has .* could not be delivered/,
    /destination team takes no messages/
  ])
  first.slack.calm(team)
  for (const relay of [first, second]) {
    const { status } = await api(relay, 'POST', '/api/lanes/team/try')
    t.equal(status, 200)
  }
  await first.slack.until(() => /four/.test(shown(to(first, team))))
})

t.test(
  'after its database file is deleted or replaced, the relay accepts nothing more, and sends what it has',
  async (t) => {
    for (const lost of ['relay.db', 'relay.db-wal']) {
      for (const isReplaced of [false, true]) {
        const folder = tempFolder(t)
        const clock = createClock()
        const relay = await startRelay(t, { folder, clock, config })
        const file = join(folder, lost)
        relay.slack.behave(team, { status: 503 })
        t.equal((await relay.post(about('before'))).status, 202)
        await relay.logged(/message postponed/)
        const what = `${lost}, ${isReplaced ? 'replaced' : 'deleted'}`

        renameSync(file, `${file}.kept`)
        if (isReplaced) copyFileSync(`${file}.kept`, file)
        t.match(
          await relay.post(about('refused')),
          { status: 503, body: { code: 'CANNOT_STORE', message: /its file was moved or deleted/ } },
          what
        )
        t.match(await relay.get('/readyz'), { status: 503 }, what)
        t.same(
          /^flux_relay_database_up \d/m.exec((await relay.get('/metrics')).body),
          ['flux_relay_database_up 0'],
          what
        )
        t.match(await api(relay, 'POST', '/api/lanes/team/try'), { status: 503 }, 'nor what people do')
        relay.slack.calm()
        await advanceUntil(clock, 1000, () => to(relay, team).length === 1)
        t.match(texts(to(relay, team)), [/before/], what)

        rmSync(file, { force: true })
        renameSync(`${file}.kept`, file)
        t.equal((await relay.post(about('after'))).status, 202, `${what}, and put back`)
        t.match(await relay.get('/readyz'), { status: 200 }, what)
      }
    }
  }
)
