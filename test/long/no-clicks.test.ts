// No clicks: if Slack refuses the connection for buttons, operators are notified of why and what to do, and everything says so
// until it is back.
import t, { type Test } from 'tap'
import { build, shown, type World } from '../fixtures/cards.ts'
import { look, textOf } from '../fixtures/dashboard.ts'
import { run } from '../fixtures/process.ts'

const minute = 60_000

async function start(t: Test, refuse: (world: World) => void) {
  const world = await build(t, { operators: ['U0ANNA1'] })
  for (let tries = 0; tries < 30 && world.api.socket.open().length === 0; tries++) await world.pass(1000)
  const lose = () => {
    refuse(world)
    for (const link of world.api.socket.open()) link.cut()
  }
  const notices = () => world.api.seen('ops').map(shown)
  const apps = async () => JSON.parse((await world.relay.get('/api/apps')).body).apps
  return { ...world, lose, notices, apps }
}

const says = (error: string) => ({ status: 200, body: JSON.stringify({ ok: false, error }) })

t.test('a token that Slack rejects is reported within a minute, once, and so is its recovery', async (t) => {
  const world = await start(t, ({ api }) => api.behave('apps.connections.open', says('not_allowed_token_type')))
  const { api, relay, pass, lose, notices, apps } = world
  t.match(await apps(), [{ app: 'acme', buttons: 'connected', reason: null, advice: null }])
  lose()
  await pass(minute)
  t.equal(notices().length, 1)
  t.match(notices()[0], /acme.* has no connection for its buttons.*not_allowed_token_type/)
  t.match(notices()[0], /begins with xapp-.*warning sign/s)
  t.notMatch(notices()[0], /"type":"actions"/, 'no button that cannot be pressed')
  t.match(await apps(), [{ app: 'acme', buttons: 'lost', reason: /not_allowed_token_type/, advice: /xapp-/ }])
  t.match(textOf((await look(relay, '/')).html), /No clicks on the buttons of the Slack app acme come since .*xapp-/)
  const status = await run(['status'], { RELAY_URL: relay.url })
  t.match(status, { code: 1, out: /buttons of acme get no clicks for .*not_allowed_token_type/ })
  t.match((await relay.get('/metrics')).body, /flux_relay_slack_socket_connected\{app="acme"\} 0/)
  await pass(20 * minute)
  t.equal(notices().length, 1, 'no more of the same')
  api.calm()
  await pass(6 * minute)
  t.match(notices()[1], /acme.* gets clicks again after/)
  t.match(await apps(), [{ buttons: 'connected' }])
  // Lost again within the hour of the first notice: it becomes news after that hour.
  lose()
  await pass(10 * minute)
  t.equal(notices().length, 2)
  await pass(30 * minute)
  t.equal(notices().length, 3)
})

t.test('a network that is away for a few minutes is not reported; a longer outage is', async (t) => {
  const world = await start(t, ({ api }) => api.behave('apps.connections.open', { status: 503, body: '' }))
  const { api, pass, lose, notices, apps } = world
  lose()
  await pass(3 * minute)
  t.match(await apps(), [{ buttons: 'connecting', reason: /503/ }])
  api.calm()
  await pass(2 * minute)
  t.match(await apps(), [{ buttons: 'connected' }])
  t.same(notices(), [])
  lose()
  await pass(7 * minute)
  t.match(notices()[0], /no connection for its buttons.*network policy/s)
})

t.test(
  'a relay restarted to fix it reports that clicks arrive again, and none reports the failure again',
  async (t) => {
    const world = await start(t, ({ api }) => api.behave('apps.connections.open', says('not_allowed_token_type')))
    const { api, pass, lose, notices } = world
    lose()
    await pass(minute)
    t.equal(notices().length, 1)
    world.clock.advance(2 * 60 * minute)
    await world.restart()
    await pass(6 * minute)
    t.equal(notices().length, 1, 'it lasts')
    api.calm()
    await world.restart()
    await pass(2 * minute)
    t.match(notices()[1], /acme.* gets clicks again after/)
    await world.restart()
    await pass(2 * minute)
    t.equal(notices().length, 2)
  }
)
