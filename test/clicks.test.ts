// Buttons: what people press in Slack takes effect once, is shown at once, and only works where they may.
import t from 'tap'
import { timeZone } from '../src/clock.ts'
import { readClick } from '../src/slack-api/click.ts'
import { build, cards, plainConfig, shown, updates, type World } from './fixtures/cards.ts'
import { buttonsOf, start } from './fixtures/clicks.ts'
import { appToken, botToken, type Posted, responseUrl } from './fixtures/slack-api.ts'

const ack = 'flux-relay:acknowledge'
const undo = 'flux-relay:unacknowledge'
const silence = 'flux-relay:silence'
const why = 'flux-relay:why'

t.test(
  'one click acknowledges an incident: the card says so at once, reminders stop, and another click undoes it',
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

t.test('a click that Slack repeats, in the same envelope or over another connection, takes effect once', async (t) => {
  const { press, card, fail, pass, acts, settle, until } = await start(t)
  await fail('shop')
  await pass(2000)
  const pressed = await press(card(), silence, { choice: 'hour', times: 3 })
  await settle(pressed)
  await until(() => pressed.acks === 3)
  t.equal((await acts()).filter(({ did }) => did === 'silence').length, 1)
})

t.test('whoever may not press is told so, in a message that only they see, and nothing happens', async (t) => {
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

t.test(
  'members of user groups are looked up, kept for a minute, and nobody may press while Slack does not answer',
  async (t) => {
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
    // Anna has left the group.
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
    // A proxy's 200 names nobody.
    api.behave('usergroups.users.list', { status: 200, body: '{"ok":true}' })
    const elsewhere = await press(card(), ack, { user: 'U0BEA11' })
    await settle(elsewhere)
    t.match(elsewhere.said.join(), /200 ok.*try again/)
    t.equal((await acts()).length, 2)
  }
)

t.test('"Why?" says who was notified by which rule, to anybody but guests of another workspace', async (t) => {
  const { api, press, card, fail, pass, settle } = await start(t)
  await fail('shop')
  await pass(2000)
  const pressed = await press(card(), why, { user: 'U0EVE11' })
  await settle(pressed)
  t.match(pressed.said.join(), /shop.*Notified: team by the rule `failures` \(sent\)/s)
  const guest = await press(card(), why, { user: 'U0GUEST1', home: 'T0OTHER' })
  await settle(guest)
  t.match(guest.said.join(), /Only people of the workspace/)
  t.equal(api.posted.length, 1)
})

t.test('a silence until recovery ends with the failure, and says what was withheld', async (t) => {
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

t.test('a card with several incidents is acknowledged as a whole', async (t) => {
  const { api, press, card, fail, pass, settle, acts } = await start(t)
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => fail(`app-${name}`)))
  await pass(15_000)
  const digest = cards(api).find((message) => buttonsOf(message).length === 2) ?? card()
  t.same(buttonsOf(digest), [ack, why])
  await settle(press(digest, ack))
  t.equal((await acts()).length, 1)
  t.same(buttonsOf(digest), [undo, why])
})

t.test(
  'a message about a finished incident has no buttons; one about a single failure has the buttons for one',
  async (t) => {
    const { api, pass, fail, recover, press, settle, until, acts } = await start(t, ['U0ANNA1'], {
      rule: 'notify: every, mention: "<!here>"'
    })
    api.behave('chat.postMessage C000000A', { status: 500, body: '' })
    await fail('first', 'a cause of its own')
    await pass(1000)
    for (const name of ['shop', 'cart', 'mail']) await fail(name)
    for (const name of ['shop', 'cart']) await recover(name)
    await fail('mail', 'another cause')
    await pass(1000)
    api.calm()
    const about = (name: string) => cards(api).filter((card) => shown(card).includes(name))
    await until(() => ['shop', 'cart', 'mail'].every((name) => about(name).length > 0))
    await pass(60_000)
    for (const card of cards(api)) {
      const lasts = ['first', 'mail'].filter((name) => shown(card).includes(name)).length
      t.same(buttonsOf(card), lasts === 0 ? [] : lasts === 1 ? [ack, silence, why] : [ack, why], shown(card))
    }
    for (const card of cards(api).filter((each) => buttonsOf(each).length > 0)) await settle(press(card, ack))
    t.equal((await acts()).length, cards(api).filter((each) => buttonsOf(each).length > 0).length)
  }
)

t.test('a click on a message that the relay does not know is answered, and does nothing', async (t) => {
  const { press, card, fail, pass, acts, settle } = await start(t)
  await fail('shop')
  await pass(2000)
  const foreign = { ...card(), ts: '1.000001' }
  const pressed = await press(foreign, ack)
  await settle(pressed)
  t.match(pressed.said.join(), /^Nothing has changed: .*not known/)
  t.same(await acts(), [])
})

t.test(
  'without an app token there are no buttons and no connection; without operators there is only "Why?"',
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

t.test(
  'a card keeps the buttons of the app that posted it, even if its destination has moved to another',
  async (t) => {
    const of = (app: string) =>
      plainConfig
        .replace('slackApps: {', 'slackApps: { plain: { token: xoxb-plain, apiUrl: "$API" },')
        .replace('{ app: acme, channel: C000000A }', `{ app: ${app}, channel: C000000A }`)
    for (const [before, after, has] of [
      ['acme', 'plain', [ack, silence, why]],
      ['plain', 'acme', []]
    ] as const) {
      const { card, fail, pass, restart, press, settle, acts } = await start(t, ['U0ANNA1'], {
        config: of(before),
        apps: {
          [botToken]: { name: 'flux', userId: 'U0FLUX' },
          'xoxb-plain': { name: 'plain', userId: 'U00PLAIN' }
        },
        channels: [
          { id: 'C000000A', name: 'team', members: ['U0FLUX', 'U00PLAIN'] },
          { id: 'C0000OPS', name: 'ops', members: ['U0FLUX'] }
        ]
      })
      await fail('shop')
      await pass(2000)
      const posted = card()
      t.same(buttonsOf(posted), has)
      await restart(of(after))
      await fail('shop', 'another cause')
      await pass(30_000)
      t.match(shown(posted), /another cause/)
      t.same(buttonsOf(posted), has, 'nobody hears of those of the other app')
      if (has.length === 0) continue
      await settle(press(posted, ack))
      t.match(shown(posted), /acknowledged by/)
      t.equal((await acts()).length, 1)
    }
  }
)

t.test('a socket that Slack is about to close is replaced, and /metrics says whether there is one', async (t) => {
  const { api, relay, until } = await start(t)
  t.match((await relay.get('/metrics')).body, /flux_relay_slack_socket_connected\{app="acme"\} 1/)
  api.socket.disconnect('warning')
  await until(() => api.socket.opened === 2)
  t.ok(api.socket.open(appToken).length >= 1)
})

t.test('a notice of dead letters can retry them, and one of a blocked lane can try it, once per click', async (t) => {
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

  api.behave(responseUrl, { status: 404, body: 'expired_url' })
  await until(() => api.socket.open().length > 0)
  const late = api.press(dead() as Posted, 'flux-relay:retry')
  t.ok(await late.isErrorShown, 'nothing was left, and that could not be said')
})

t.test('a click is shown before everything that waits, even if the answer to it does not get through', async (t) => {
  const { api, press, fail, pass, recover, until } = await start(t)
  const causes = Array.from({ length: 20 }, (_, n) => `no such file: ${String.fromCodePoint(97 + n).repeat(9)}`)
  for (const [n, cause] of causes.entries()) {
    await fail(`app-${n}`, cause)
    await pass(2000)
  }
  const last = cards(api).find((card) => /app-19/.test(shown(card))) as Posted
  for (let n = 0; n < 19; n++) await recover(`app-${n}`)
  // By now the budget of updates is used up, and more cards wait than it allows for a while.
  await until(() => updates(api).length >= 8)
  const before = updates(api).length
  t.ok(before < 14, 'others wait')
  api.behave(responseUrl, { status: 404, body: 'expired_url' })
  await press(last, ack)
  await until(() => updates(api).some(({ args }) => args['ts'] === last.ts))
  // Updates begun before the click come first.
  const place = updates(api).findIndex(({ args }) => args['ts'] === last.ts)
  t.ok(place - before <= 2, `after ${place - before} others`)
  t.match(shown(last), /acknowledged by/)
})

t.test('a click on a card that is being updated is shown as soon as that update is over', async (t) => {
  const { api, press, card, fail, pass, settle, recover } = await start(t)
  await fail('shop')
  await fail('cart')
  await pass(12_000)
  const both = cards(api).find((each) => /shop/.test(shown(each))) ?? card()
  // Longer than a click was ever waited for, and shorter than an update may take.
  api.behave('chat.update', { is: 'slow', ms: 400 })
  await recover('cart')
  for (let tries = 0; tries < 40 && updates(api).length === 0; tries++) await pass(1000)
  const before = updates(api).length
  const pressed = await press(both, ack)
  await settle(pressed)
  t.equal(pressed.replacedAt.length, 1, 'by the answer to the click')
  t.ok(before <= updates(api).length)
})

t.test('if the only result of a click is a message that cannot be delivered, Slack shows an error', async (t) => {
  const { api, card, fail, pass, acts, until } = await start(t)
  await fail('shop')
  await pass(2000)
  api.behave(responseUrl, { status: 404, body: 'expired_url' })
  await until(() => api.socket.open().length > 0)
  const refused = api.press(card(), ack, { user: 'U0EVE11' })
  t.ok(await refused.isErrorShown, 'that they may not')
  const asked = api.press(card(), why)
  t.ok(await asked.isErrorShown, 'why somebody was notified')
  t.same(await acts(), [])
})

t.test('an unknown choice silences nothing', async (t) => {
  const { press, card, fail, pass, acts, settle } = await start(t)
  await fail('shop')
  await pass(2000)
  const text = JSON.stringify(card().blocks)
  const older = { ...card(), blocks: JSON.parse(text.replace('"value":"hour"', '"value":"week"')) }
  const pressed = await press(older, silence, { choice: 'week' })
  await settle(pressed)
  t.match(pressed.said.join(), /that choice is not known.*try again/)
  t.same(await acts(), [])
})

t.test('a button of another version of the relay does nothing, and whoever presses it reads so', async (t) => {
  const { press, card, fail, pass, acts, settle } = await start(t)
  await fail('shop')
  await pass(2000)
  for (const other of ['flux-relay:assign', 'flux-relay:__proto__']) {
    const newer = { ...card(), blocks: JSON.parse(JSON.stringify(card().blocks).replace(ack, other)) }
    const pressed = await press(newer, other)
    await settle(pressed)
    t.match(pressed.said.join(), /that button is of another version of the relay.*try again/)
  }
  t.same(await acts(), [])
})

t.test('"until tomorrow 08:00" is in the time zone that the choice names', async (t) => {
  const { press, card, fail, pass, settle, relay, clock } = await start(t)
  await fail('shop')
  await pass(2000)
  const zone = timeZone()
  t.ok(shown(card()).includes(`Silence until tomorrow 08:00 (${zone})`))
  const pressed = await press(card(), silence, { choice: 'morning' })
  await settle(pressed)
  const [found] = JSON.parse((await relay.get('/api/silences')).body).silences
  const ends = Temporal.Instant.from(found.endsAt).toZonedDateTimeISO(zone)
  t.equal(ends.toPlainTime().toString(), '08:00:00')
  const today = Temporal.Instant.fromEpochMilliseconds(clock.now()).toZonedDateTimeISO(zone).toPlainDate()
  t.equal(ends.toPlainDate().since(today).days, 1)
  t.match(pressed.said.join(), /<!date\^/)
})

t.test('payloads that are not a press of a button below a message are acknowledged, and do nothing', async (t) => {
  const { api, card, fail, pass, acts, until } = await start(t)
  await fail('shop')
  await pass(2000)
  const { ts, channel } = card()
  const pressed = {
    ...{ type: 'block_actions', team: null, user: { id: 'U0ANNA1', name: 'anna' } },
    container: { type: 'message', message_ts: ts, channel_id: channel },
    actions: [{ action_id: ack, action_ts: '1.1', value: 'acknowledge' }]
  }
  const odd = [
    {},
    { type: 'view_submission', view: { id: 'V1', state: {} }, user: { id: 'U0ANNA1' } },
    { type: 'block_suggestion', action_id: ack, value: 'x', user: { id: 'U0ANNA1' } },
    { ...pressed, actions: [] },
    { ...pressed, actions: 'none' },
    { ...pressed, container: { type: 'view', view_id: 'V1' } },
    { ...pressed, user: { id: 7 } },
    { ...pressed, actions: [{ action_id: 'open-link', action_ts: '1.1' }] }
  ]
  for (const payload of odd) {
    await until(() => api.socket.open().length > 0)
    t.ok(await api.socket.send(appToken, payload).isTaken, JSON.stringify(payload))
  }
  t.same(await acts(), [])
})

t.test('users of an organisation are not guests in its workspaces, but those of another are', async (t) => {
  const payload = (home: string | undefined, place: object) => ({
    ...{ type: 'block_actions', user: { id: 'W0ANNA1', team_id: home } },
    container: { message_ts: '1.1', channel_id: 'C0123ABCD' },
    actions: [{ action_id: why, action_ts: '1.1' }],
    ...place
  })
  const inTeam = { team: { id: 'T1' } }
  const inGrid = { team: { id: 'T1', enterprise_id: 'E1' }, enterprise: { id: 'E1' } }
  const inOrganisation = { team: null, enterprise: { id: 'E1' } }
  for (const [home, place, isGuest] of [
    ['T1', inTeam, false],
    ['T2', inTeam, true],
    ['E1', inGrid, false],
    ['E2', inGrid, true],
    ['E1', inOrganisation, false],
    ['T9', inOrganisation, true],
    ['T9', { team: null }, true],
    [undefined, inTeam, false]
  ] as const)
    t.equal(readClick(payload(home, place))?.isGuest, isGuest, `${home} in ${JSON.stringify(place)}`)
})
