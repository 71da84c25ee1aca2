// Socket Mode: clicks arrive as long as Slack can be reached at all, whatever it does to a connection, and each is acknowledged
// once it is done.
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createSlack } from '../../src/deliver/slack.ts'
import { createLog } from '../../src/log.ts'
import { createSlackApp, type SlackApp, type Socket } from '../../src/slack-api/app.ts'
import { createConnector } from '../../src/slack-socket/connection.ts'
import { openSocket } from '../../src/slack-socket/socket.ts'
import { createClock } from '../fixtures/clock.ts'
import { appToken, botToken, startSlackApi } from '../fixtures/slack-api.ts'

interface World {
  take?(payload: unknown): Promise<void>
}

async function build(t: Test, { take }: World = {}) {
  const api = await startSlackApi({ latencyMs: 0 })
  const clock = createClock()
  const slack = createSlack()
  const connector = createConnector(clock)
  const log: string[] = []
  const taken: unknown[] = []
  const app = createSlackApp('acme', { token: botToken, appToken, apiUrl: api.apiUrl }) as SlackApp & { socket: Socket }
  const socket = openSocket({
    ...{ app, slack, connect: connector.connect, clock },
    log: createLog([], () => [], { write: (line) => void log.push(line) }),
    turned: () => {},
    async take(payload) {
      await take?.(payload)
      taken.push(payload)
    }
  })
  t.teardown(async () => {
    await socket.stop()
    await Promise.all([connector.close(), slack.close(), api.close()])
  })
  /** Advances virtual time, with a moment for the network in each step. */
  const pass = async (ms: number, step = 1000) => {
    for (let passed = 0; passed < ms; passed += step) {
      clock.advance(Math.min(step, ms - passed))
      await pause(8)
    }
  }
  const open = () => api.socket.open().length
  const until = async (isTrue: () => boolean, ms = 120_000) => {
    for (let passed = 0; passed < ms && !isTrue(); passed += 500) {
      clock.advance(500)
      await pause(8)
    }
    if (!isTrue()) throw new Error(`not within ${ms} ms: ${isTrue}\n${log.join('')}`)
  }
  await until(() => open() === 1)
  return { api, clock, socket, log, taken, pass, until, open }
}

const asks = (api: { calls: { method: string }[] }) =>
  api.calls.filter(({ method }) => method === 'apps.connections.open').length

t.test('a click is acknowledged once it is done, and not before', async (t) => {
  let finish = () => {}
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const { api, taken } = await build(t, { take: () => done })
  const sent = api.socket.send(appToken, { number: 1 })
  await pause(50)
  t.equal(sent.acks, 0)
  finish()
  t.ok(await sent.isTaken)
  t.same(taken, [{ number: 1 }])
})

t.test(
  'a click that cannot be carried out is not acknowledged, and is tried again when Slack repeats it',
  async (t) => {
    let isBroken = true
    const { api, taken, log } = await build(t, {
      take: async () => {
        if (isBroken) throw new Error('disk full')
      }
    })
    const sent = api.socket.send(appToken, { number: 1 })
    await pause(50)
    t.equal(sent.acks, 0)
    t.match(log.join(''), /disk full/)
    isBroken = false
    api.socket.open()[0]?.send(JSON.stringify({ envelope_id: sent.id, type: 'interactive', payload: { number: 1 } }))
    t.ok(await sent.isTaken)
    t.same(taken, [{ number: 1 }])
  }
)

t.test('an envelope that Slack repeats takes effect once, and is acknowledged each time', async (t) => {
  const { api, taken } = await build(t)
  const sent = api.socket.send(appToken, { number: 1 }, { times: 3 })
  await sent.isTaken
  await pause(50)
  t.equal(sent.acks, 3)
  t.equal(taken.length, 1)
})

t.test('an envelope that is not a click is acknowledged and ignored', async (t) => {
  const { api, taken } = await build(t)
  const [link] = api.socket.open()
  for (const odd of ['', '{', '[]', 'null', '{"type":"hello"}', '{"type":"disconnect"}x', '{"envelope_id":7}'])
    link?.send(odd)
  const sent = api.socket.send(appToken, { number: 1 })
  t.ok(await sent.isTaken)
  t.equal(taken.length, 1)
})

for (const reason of ['warning', 'refresh_requested'] as const) {
  t.test(`before a connection goes (${reason}) there is another`, async (t) => {
    const { api, taken, open, until, pass } = await build(t)
    const [old] = api.socket.open()
    api.socket.disconnect(reason)
    // The old connection is used until the new one is there.
    const before = api.socket.send(appToken, { number: 1 }, { ...(old && { link: old }) })
    await until(() => api.socket.opened === 2)
    t.ok(await before.isTaken)
    await until(() => open() === 1)
    t.not(api.socket.open()[0], old, 'the old one is closed by the relay')
    t.ok(await api.socket.send(appToken, { number: 2 }).isTaken)
    t.equal(taken.length, 2)
    await pass(20_000)
    t.equal(api.socket.opened, 2)
  })
}

t.test('what arrived over the old connection is acknowledged over it', async (t) => {
  let finish = () => {}
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const { api, until, open } = await build(t, { take: () => done })
  const sent = api.socket.send(appToken, { number: 1 })
  api.socket.disconnect('warning')
  await until(() => api.socket.opened === 2 && open() === 2)
  finish()
  t.ok(await sent.isTaken)
  await until(() => open() === 1)
})

t.test('what arrives while the relay stops is carried out and acknowledged', async (t) => {
  const done = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let taking = 0
  const { api, socket, taken, open } = await build(t, { take: () => done[taking++]?.promise ?? Promise.resolve() })
  const first = api.socket.send(appToken, { number: 1 })
  await pause(30)
  const stopped = socket.stop()
  const second = api.socket.send(appToken, { number: 2 })
  await pause(30)
  done[0]?.resolve()
  t.ok(await first.isTaken)
  await pause(30)
  done[1]?.resolve()
  await stopped
  t.equal(taken.length, 2)
  t.ok(await second.isTaken)
  await pause(30)
  t.equal(open(), 0)
})

const losses: Record<string, (world: Awaited<ReturnType<typeof build>>) => void> = {
  'is cut without a frame': ({ api }) => void api.socket.open().map((link) => link.cut()),
  'is closed with a frame': ({ api }) => void api.socket.open().map((link) => link.close(1000)),
  'is closed with a frame, and TCP left open': ({ api }) =>
    void api.socket.open().map((link) => link.close(1001, { hangs: true })),
  'is silent': ({ api }) => void api.socket.open().map((link) => link.freeze()),
  'is warned of and cut at once': ({ api }) => {
    for (const link of api.socket.open()) {
      api.socket.disconnect('warning', link)
      link.cut()
    }
  }
}
for (const [what, lose] of Object.entries(losses)) {
  t.test(`if a connection ${what}, another is opened within 40 seconds`, async (t) => {
    const world = await build(t)
    const { api, until, open, taken } = world
    lose(world)
    await until(() => api.socket.opened === 2 && open() === 1, 40_000)
    t.ok(await api.socket.send(appToken, { number: 1 }).isTaken)
    t.equal(taken.length, 1)
  })
}

t.test('a connection is kept while Slack pings it and answers pings', async (t) => {
  const { api, pass } = await build(t)
  for (let minutes = 0; minutes < 3; minutes++) {
    for (let at = 0; at < 60_000; at += 10_000) {
      await pass(10_000)
      for (const link of api.socket.open()) link.ping()
      await pause(8)
    }
  }
  t.equal(api.socket.opened, 1)
  t.ok((api.socket.open()[0]?.pings ?? 0) >= 15, 'the relay pings, too')
})

t.test('a Slack that answers pings but sends none does not count as alive', async (t) => {
  const { api, pass } = await build(t)
  await pass(60_000)
  t.ok(api.socket.opened >= 2)
})

for (const [what, refuse] of Object.entries({
  'refuses connections': 503,
  'does not say hello': 'no hello'
} as const)) {
  t.test(`a Slack that ${what} is asked less and less often, and finally gives a connection`, async (t) => {
    const { api, until, open, pass } = await build(t)
    api.socket.refuse(refuse)
    api.socket.open()[0]?.cut()
    await pass(10 * 60_000, 3000)
    const count = asks(api)
    t.ok(count >= 8 && count <= 40, `${count} times in ten minutes`)
    api.socket.refuse(undefined)
    await until(() => open() === 1, 150_000)
  })
}

t.test('connections that are closed as soon as they open are not reopened endlessly', async (t) => {
  const { api, pass, until, open } = await build(t)
  const cutting = setInterval(() => api.socket.open().forEach((link) => void link.cut()), 3)
  await pass(5 * 60_000, 2000)
  clearInterval(cutting)
  t.ok(asks(api) <= 30, `${asks(api)} in five minutes`)
  await until(() => open() === 1)
})

t.test('the eleventh connection of an app is refused by Slack, and waits for its turn', async (t) => {
  const { api, until, open, pass } = await build(t)
  const others = Array.from({ length: 10 }, () => new WebSocket(api.socket.addressFor(appToken)))
  await until(() => open() === 10)
  api.socket.open()[0]?.cut()
  // Another connection takes the free place.
  others.push(new WebSocket(api.socket.addressFor(appToken)))
  await pass(60_000)
  t.ok(asks(api) <= 12, `${asks(api)} in a minute`)
  for (const other of others) other.close()
  await until(() => open() === 1)
})

for (const [word, advice] of Object.entries({
  invalid_auth: /another app-level token/,
  missing_scope: /connections:write/,
  not_allowed_token_type: /begins with xapp-/,
  something_new: /is Socket Mode on/
})) {
  t.test(`if Slack answers ${word}, the log says once what to do, and Slack is asked every five minutes`, async (t) => {
    const { api, pass, log, until, open } = await build(t)
    api.behave('apps.connections.open', () => ({ status: 200, body: JSON.stringify({ ok: false, error: word }) }))
    api.socket.open()[0]?.cut()
    const before = asks(api)
    let refused = 0
    api.behave('apps.connections.open', () => {
      refused += 1
      return { status: 200, body: JSON.stringify({ ok: false, error: word }) }
    })
    await pass(21 * 60_000, 20_000)
    t.ok(refused >= 4 && refused <= 6, `${refused} times`)
    t.equal(asks(api), before)
    t.equal(log.filter((line) => advice.test(line)).length, 1, log.join(''))
    api.calm()
    await pass(6 * 60_000, 20_000)
    await until(() => open() === 1)
  })
}

for (const [asked, least, most] of [
  ['120', 118_000, 122_000],
  // Slack means neither years nor a thousand requests a second.
  ['99999999', 3_590_000, 3_610_000],
  ['0.001', 400, 3000]
] as const) {
  t.test(`if Slack limits requests, its Retry-After of ${asked} s is obeyed within bounds`, async (t) => {
    const { api, clock, pass } = await build(t)
    const at: number[] = []
    api.behave('apps.connections.open', () => {
      at.push(clock.ticks())
      return { status: 429, body: '{"ok":false,"error":"ratelimited"}', headers: { 'retry-after': asked } }
    })
    api.socket.open()[0]?.cut()
    for (let tries = 0; tries < 400 && at.length < 2; tries++) await pass(Math.max(200, most / 200), most / 200)
    const [first = 0, second = 0] = at
    t.ok(second - first >= least && second - first <= most + most / 100, `${second - first} ms`)
  })
}

t.test(
  'a Slack that warns of each connection as it opens is not asked for the next one at once every time',
  async (t) => {
    const { api, pass } = await build(t)
    const warning = setInterval(() => api.socket.disconnect('warning'), 3)
    await pass(5 * 60_000, 2000)
    clearInterval(warning)
    t.ok(asks(api) <= 40, `${asks(api)} in five minutes`)
    t.ok(api.socket.open().length > 0)
  }
)

t.test('failures before a lasting connection do not delay its renewal', async (t) => {
  const { api, pass, until, open, clock } = await build(t)
  api.socket.refuse(503)
  api.socket.open()[0]?.cut()
  await pass(5 * 60_000, 3000)
  api.socket.refuse(undefined)
  await until(() => open() === 1)
  await pass(10_000)
  await until(() => open() === 1)
  const before = api.socket.opened
  const began = clock.ticks()
  // The next try fails, as one in a hundred does.
  api.behave('apps.connections.open', [{ status: 503, body: '' }])
  await pass(11_000)
  api.socket.disconnect('refresh_requested')
  await until(() => api.socket.opened > before)
  t.ok(clock.ticks() - began < 30_000, `${clock.ticks() - began} ms`)
})

t.test("a message larger than any of Slack's ends its connection, and another is opened", async (t) => {
  const { api, until, taken } = await build(t)
  const [link] = api.socket.open()
  link?.send(JSON.stringify({ envelope_id: 'huge', type: 'interactive', payload: { text: 'x'.repeat(2_000_000) } }))
  await until(() => api.socket.opened === 2 && api.socket.open().length === 1, 40_000)
  t.same(taken, [])
  t.ok(await api.socket.send(appToken, { number: 1 }).isTaken)
})

t.test('envelopes of other kinds are acknowledged, and only clicks are carried out', async (t) => {
  const { api, taken } = await build(t)
  for (const type of ['events_api', 'slash_commands', 'something_new', '', '__proto__'])
    t.ok(await api.socket.send(appToken, { type }, { type }).isTaken, type)
  t.same(taken, [])
})

t.test(
  'the state of a socket is known: why there is none, and what to do, at once if nothing else helps',
  async (t) => {
    const { api, socket, pass, until } = await build(t)
    t.match(socket.standing(), { app: 'acme', state: 'connected', why: undefined })
    api.behave('apps.connections.open', { status: 503, body: '' })
    api.socket.open()[0]?.cut()
    await pass(60_000)
    t.match(socket.standing(), { state: 'connecting', why: /503/, advice: /network policy/ })
    await pass(5 * 60_000, 3000)
    const { state, forMs } = socket.standing()
    t.equal(state, 'lost')
    t.ok(forMs > 5 * 60_000 && forMs < 7 * 60_000)
    api.calm()
    await until(() => socket.standing().state === 'connected')
    t.ok(socket.standing().forMs < 10_000)
    api.socket.disconnect('link_disabled')
    await pass(2000)
    t.match(socket.standing(), { state: 'lost', why: /switched off/, advice: /api\.slack\.com/ })
  }
)

t.test('if Socket Mode is switched off, the log says so', async (t) => {
  const { api, pass, log } = await build(t)
  api.socket.disconnect('link_disabled')
  await pass(60_000)
  t.match(log.join(''), /switched off/)
  t.equal(api.socket.opened, 1)
})

t.test('an unencrypted address is used on this machine only', async (t) => {
  const { api, pass, log, open } = await build(t)
  const url = 'ws://203.0.113.1/link/?ticket=secret-ticket'
  api.behave('apps.connections.open', () => ({ status: 200, body: JSON.stringify({ ok: true, url }) }))
  api.socket.open()[0]?.cut()
  await pass(10_000)
  t.match(log.join(''), /not encrypted/)
  t.equal(open(), 0)
})

t.test('neither tokens nor addresses of sockets are logged', async (t) => {
  const world = await build(t)
  for (const lose of Object.values(losses)) {
    lose(world)
    await world.pass(60_000)
  }
  world.api.socket.refuse(403)
  await world.pass(60_000)
  t.ok(world.log.length > 3)
  t.notMatch(world.log.join(''), /xapp-|xoxb-|ticket=|link\/\?/)
})
