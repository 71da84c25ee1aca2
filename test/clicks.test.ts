// Buttons: what people press in Slack takes effect once, is shown at once, and only where they may.
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { build, cards, shown, updates, type World } from './fixtures/cards.ts'
import { appToken, type Posted, type Pressed } from './fixtures/slack-api.ts'

const ack = 'flux-relay:acknowledge'
const undo = 'flux-relay:unacknowledge'
const silence = 'flux-relay:silence'
const why = 'flux-relay:why'

type Acts = { acts: { did: string; name: string; via: string }[] }

async function start(t: Test, operators: readonly string[] = ['U0ANNA1'], options: object = {}) {
  const world = await build(t, { operators, ...options })
  const { api, pass } = world
  const until = async (isTrue: () => boolean) => {
    for (let tries = 0; tries < 600 && !isTrue(); tries++) {
      world.clock.advance(100)
      await pause(5)
    }
    if (!isTrue()) throw new Error(`never: ${isTrue}\n${world.relay.log.slice(-20).join('')}`)
  }
  await until(() => api.socket.open().length > 0)
  const card = (): Posted => {
    const [first] = cards(api)
    if (first === undefined) throw new Error('there is no card')
    return first
  }
  const acts = async () => (JSON.parse((await world.relay.get('/api/acts')).body) as Acts).acts
  /** Presses a button until the relay has it: in virtual time a connection may have gone a moment ago. */
  const press = async (...given: Parameters<typeof api.press>): Promise<Pressed> => {
    for (let tries = 0; ; tries++) {
      await until(() => api.socket.open().length > 0)
      const pressed = api.press(...given)
      for (let at = 0; at < 100 && pressed.ackedAt === undefined; at++) {
        world.clock.advance(100)
        await pause(10)
      }
      if (pressed.ackedAt !== undefined || tries > 5) return pressed
    }
  }
  const settle = async (pressing: Pressed | Promise<Pressed>) => {
    const pressed = await pressing
    await until(() => pressed.replacedAt.length + pressed.said.length > 0)
    await pass(200)
  }
  return { ...world, until, card, acts, press, settle, pass }
}

const buttonsOf = (message: Posted) =>
  message.blocks.flatMap((block) => {
    const { type, elements = [] } = block as { type: string; elements?: { action_id: string }[] }
    return type === 'actions' ? elements.map(({ action_id }) => action_id) : []
  })

t.test(
  'one click acknowledges an incident: the card says so at once, reminders stop, and another takes it back',
  async (t) => {
    const { api, press, card, fail, pass, settle, acts, recover } = await start(t)
    await fail('shop')
    await pass(2000)
    t.same(buttonsOf(card()), [ack, silence, why])
    const before = updates(api).length
    const pressed = await press(card(), ack)
    await settle(pressed)
    t.notOk(await pressed.isErrorShown)
    t.match(shown(card()), /acknowledged by \*?u0anna1/i)
    t.equal(updates(api).length, before, 'Slack counts no update')
    t.match(await acts(), [{ did: 'acknowledge', name: 'u0anna1', via: 'slack' }])
    await pass(11 * 60_000)
    await fail('shop')
    await pass(15_000)
    t.equal(api.posted.length, 1, 'nobody is reminded')
    t.same(buttonsOf(card()), [undo, silence, why])
    await settle(press(card(), undo))
    t.notMatch(shown(card()), /acknowledged by/)
    t.same(buttonsOf(card()), [ack, silence, why])
    await recover('shop')
    await pass(15_000)
    t.same(buttonsOf(card()), [], 'what is over has no buttons')
  }
)

t.test('a click that Slack repeats, in the same envelope or over another connection, has one effect', async (t) => {
  const { press, card, fail, pass, acts, settle, until } = await start(t)
  await fail('shop')
  await pass(2000)
  const pressed = await press(card(), silence, { choice: 'hour', times: 3 })
  await settle(pressed)
  await until(() => pressed.acks === 3)
  t.equal((await acts()).filter(({ did }) => did === 'silence').length, 1)
})

t.test('who may not is told so, in a message that only they see, and nothing happens', async (t) => {
  const { press, card, fail, pass, acts, settle } = await start(t)
  await fail('shop')
  await pass(2000)
  for (const button of [ack, silence]) {
    const pressed = await press(card(), button, { user: 'U0EVE11' })
    await settle(pressed)
    t.match(pressed.said.join(), /You may not/)
  }
  t.same(await acts(), [])
  t.notMatch(shown(card()), /acknowledged|silenced/)
})

t.test('user groups are asked for, kept for a minute, and nobody may while Slack does not say', async (t) => {
  const world = await start(t, ['S0OPS123'], {
    userGroups: { S0OPS123: ['U0ANNA1'] },
    apps: {
      'xoxb-1234567890-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx': {
        ...{ name: 'flux', userId: 'U0FLUX', scopes: ['chat:write', 'usergroups:read'] }
      }
    }
  })
  const { api, press, card, fail, pass, acts, settle } = world
  await fail('shop')
  await pass(2000)
  await settle(press(card(), ack))
  t.equal((await acts()).length, 1)
  await settle(press(card(), undo))
  t.equal((await acts()).length, 2)
  const asked = () => api.calls.filter(({ method }) => method === 'usergroups.users.list').length
  t.equal(asked(), 1)
  // She has left.
  api.userGroups['S0OPS123'] = ['U0BEA11']
  await pass(61_000)
  const late = await press(card(), ack)
  await settle(late)
  t.match(late.said.join(), /You may not/)
  await pass(61_000)
  api.behave('usergroups.users.list', { status: 200, body: '{"ok":false,"error":"missing_scope"}' })
  const unknown = await press(card(), ack, { user: 'U0BEA11' })
  await settle(unknown)
  t.match(unknown.said.join(), /missing_scope.*try again/)
  t.equal((await acts()).length, 2)
})

t.test(
  'Why says who was notified by which rule, to whoever asks, and not to guests of another workspace',
  async (t) => {
    const { api, press, card, fail, pass, settle } = await start(t)
    await fail('shop')
    await pass(2000)
    const pressed = await press(card(), why, { user: 'U0EVE11' })
    await settle(pressed)
    t.match(pressed.said.join(), /shop.*Notified: team by the rule `failures` \(sent\)/s)
    const guest = await press(card(), why, { user: 'U0GUEST1', home: 'T0OTHER' })
    await settle(guest)
    t.match(guest.said.join(), /You may not/)
    t.equal(api.posted.length, 1)
  }
)

t.test('a silence until it recovers ends with the failure, and says what was withheld', async (t) => {
  const { api, press, card, fail, recover, pass, settle, relay } = await start(t)
  await fail('shop')
  await pass(2000)
  const pressed = await press(card(), silence, { choice: 'recovered' })
  await settle(pressed)
  t.match(pressed.said.join(), /silenced until it recovers/)
  await fail('shop', 'another cause')
  await pass(30_000)
  t.equal(api.posted.length, 1, 'nothing is said meanwhile')
  t.equal(JSON.parse((await relay.get('/api/silences')).body).silences.length, 1)
  await recover('shop')
  await pass(12_000)
  t.same(JSON.parse((await relay.get('/api/silences')).body).silences, [])
  t.match(shown(api.posted.at(-1)), /is over/)
})

t.test('a card of several is acknowledged as a whole', async (t) => {
  const { api, press, card, fail, pass, settle, acts } = await start(t)
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => fail(`app-${name}`)))
  await pass(15_000)
  const digest = cards(api).find((message) => buttonsOf(message).length === 2) ?? card()
  t.same(buttonsOf(digest), [ack, why])
  await settle(press(digest, ack))
  t.equal((await acts()).length, 1)
  t.same(buttonsOf(digest), [undo, why])
})

t.test('a click on a message that the relay does not know is answered, and does nothing', async (t) => {
  const { press, card, fail, pass, acts, settle } = await start(t)
  await fail('shop')
  await pass(2000)
  const foreign = { ...card(), ts: '1.000001' }
  const pressed = await press(foreign, ack)
  await settle(pressed)
  t.match(pressed.said.join(), /not known.*try again/)
  t.same(await acts(), [])
})

t.test(
  'without an app token there are no buttons and no connection; without operators there is only Why',
  async (t) => {
    const plain: World = await build(t)
    await plain.fail('shop')
    await plain.pass(2000)
    t.same(buttonsOf(cards(plain.api)[0] as Posted), [])
    t.equal(plain.api.socket.opened, 0)
    const { card, fail, pass } = await start(t, [])
    await fail('shop')
    await pass(2000)
    t.same(buttonsOf(card()), [why])
  }
)

t.test('a socket that Slack is about to close is replaced, and /metrics says whether there is one', async (t) => {
  const { api, relay, until } = await start(t)
  t.match((await relay.get('/metrics')).body, /flux_relay_slack_socket_connected\{app="acme"\} 1/)
  api.socket.disconnect('warning')
  await until(() => api.socket.opened === 2)
  t.ok(api.socket.open(appToken).length >= 1)
})

t.test(
  'a notice of dead letters sends them again, and one of a blocked lane tries it, once for each click',
  async (t) => {
    const { api, press, fail, until, acts } = await start(t, ['U0ANNA1'], {
      channels: [
        { id: 'C000000A', name: 'team', members: ['U0FLUX'], isArchived: true },
        { id: 'C0000OPS', name: 'ops', members: ['U0FLUX'] }
      ]
    })
    await fail('shop')
    await until(() => api.posted.length === 1)
    const [notice] = api.posted as [Posted]
    t.match(shown(notice), /takes no messages/)
    t.same(buttonsOf(notice), ['flux-relay:try'])
    for (const channel of api.channels) channel.isArchived = false
    const pressed = await press(notice, 'flux-relay:try', { times: 2 })
    await until(() => pressed.said.length > 0)
    t.match(pressed.said.join(), /team is tried now/)
    await until(() => api.seen('team').length === 1)
    t.equal((await acts()).filter(({ did }) => did === 'try').length, 1)

    api.behave('chat.postMessage C000000A', { status: 200, body: '{"ok":false,"error":"msg_too_long"}' })
    await fail('cart', 'another cause')
    const dead = () => api.posted.findLast((message) => buttonsOf(message).includes('flux-relay:retry'))
    await until(() => dead() !== undefined)
    api.calm()
    const retried = await press(dead() as Posted, 'flux-relay:retry')
    await until(() => retried.said.length > 0)
    t.match(retried.said.join(), /sent again/)
    await until(() => /cart/.test(JSON.stringify(api.seen('team'))))
    t.equal((await acts()).filter(({ did }) => did === 'retry').length, 1)
  }
)
