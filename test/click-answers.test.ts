// Answers to clicks: whoever presses a button reads what came of it, and what to do if nothing did.
import t from 'tap'
import { cards, plainConfig, shown } from './fixtures/cards.ts'
import { buttonsOf, start } from './fixtures/clicks.ts'
import { about } from './fixtures/relay.ts'
import { botToken, type Posted } from './fixtures/slack-api.ts'

const ack = 'flux-relay:acknowledge'
const silence = 'flux-relay:silence'
const why = 'flux-relay:why'
const tryNow = 'flux-relay:try'
const again = 'flux-relay:retry'

const toOwners = plainConfig
  .replace(
    'rules:',
    'owners: [{ match: { metadata: { at: "*" } }, app: acme, channel: "{{ metadata.at }}", allow: "*" }, { send: team }]\nrules:'
  )
  .replace('send: team }\n', 'send: owner }\n')

const ofBoth = [
  { id: 'C000000A', name: 'team', members: ['U0FLUX'] },
  { id: 'C0000OPS', name: 'ops', members: ['U0FLUX'] }
]

type World = Awaited<ReturnType<typeof start>>

async function noticeWith(button: string, { api, until }: World): Promise<Posted> {
  const found = () => api.posted.findLast((message) => buttonsOf(message).includes(button))
  await until(() => found() !== undefined)
  return found() as Posted
}

t.test('"Try now" below its notice makes a channel named by events usable again after Slack refused it', async (t) => {
  const world = await start(t, ['U0ANNA1'], { config: toOwners, channels: [...ofBoth] })
  const { api, clock, relay, press, settle, until, pass } = world
  const post = (name: string) =>
    relay.post(about(name, { timestamp: new Date(clock.now()).toISOString(), metadata: { at: 'search' } }))
  await post('shop')
  const notice = await noticeWith(tryNow, world)
  t.match(shown(notice), /acme:search.*takes no messages/)
  api.channels.push({ id: 'C0SEARCH1', name: 'search', members: ['U0FLUX'] })
  const pressed = await press(notice, tryNow)
  await settle(pressed)
  t.match(pressed.said.join(), /^Nothing waits for acme:search: it is tried with the next message\.$/)
  await pass(1000)
  await post('cart')
  await until(() => /cart/.test(JSON.stringify(api.seen('search'))))
})

t.test('"Try now" below the notice of an app with a rejected token tries that app', async (t) => {
  const config = plainConfig
    .replace('slackApps: {', 'slackApps: { team: { token: "xoxb-old", apiUrl: "$API" },')
    .replace('{ app: acme, channel: C000000A }', '{ app: team, channel: C000000A }')
    .replace('  ops:', '  other: { slack: { app: team, channel: C000000B } }\n  ops:')
    .replace('send: team }', 'send: [team, other] }')
  const world = await start(t, ['U0ANNA1'], {
    config,
    channels: [...ofBoth, { id: 'C000000B', name: 'other', members: ['U0FLUX'] }]
  })
  const { api, fail, press, settle, until, acts } = world
  await fail('shop')
  const notice = await noticeWith(tryNow, world)
  t.match(shown(notice), /Slack app \*team\* takes no messages/)
  api.apps['xoxb-old'] = { name: 'flux', userId: 'U0FLUX' }
  const pressed = await press(notice, tryNow, { times: 2 })
  await settle(pressed)
  t.match(pressed.said.join(), /^Slack app team is tried now, in one of the channels that wait/)
  await until(() => api.seen('team').length === 1 && api.seen('other').length === 1)
  t.equal((await acts()).filter(({ did }) => did === 'try').length, 1)
  const late = await press(notice, tryNow)
  await settle(late)
  t.match(late.said.join(), /^Nothing waits for Slack app team: it is tried with the next message\.$/)
})

t.test('a lane of an app named "slack" is tried by its name', async (t) => {
  const config = plainConfig.replaceAll('acme', 'slack')
  const { relay } = await start(t, ['U0ANNA1'], { config })
  const response = await fetch(`${relay.url}/api/lanes/slack:slack:C000000A/try`, { method: 'POST' })
  t.match(await response.json(), { lane: 'slack:slack:C000000A', destinations: ['team'] })
})

t.test(
  'for a destination that is gone from the config file, the answer is that nothing can be sent there',
  async (t) => {
    const [team, ops] = ofBoth as [object, object]
    const world = await start(t, ['U0ANNA1'], { channels: [{ ...team, isArchived: true }, ops] })
    const { api, fail, press, settle, restart, until } = world
    await fail('shop')
    const notice = await noticeWith(tryNow, world)
    await restart(plainConfig.replace('  team:', '  crew:').replace('send: team', 'send: crew'))
    const dead = await noticeWith(again, world)
    for (const [message, button] of [
      [notice, tryNow],
      [dead, again]
    ] as const) {
      await until(() => api.socket.open().length > 0)
      const pressed = await press(message, button)
      await settle(pressed)
      t.match(pressed.said.join(), /^team is no longer in the config file: nothing can be sent there/)
    }
  }
)

t.test('whoever may not press a button reads who may, or why nobody may', async (t) => {
  const many = Array.from({ length: 12 }, (_, n) => `U0OPS${n + 10}`)
  for (const [operators, said] of [
    [
      [],
      /^You may not do that here\. Nobody may: the app has no `operators` in the config file\. Nothing has changed\.$/
    ],
    [many, /Operators are: <@U0OPS10>, .*<@U0OPS19> and 2 more\. Nothing/]
  ] as const) {
    const { fail, pass, card, press, settle } = await start(t, operators)
    await fail('shop')
    await pass(2000)
    // A card from before the operators were removed from the file.
    const blocks = JSON.parse(JSON.stringify(card().blocks).replace(why, ack))
    const pressed = await press({ ...card(), blocks }, ack)
    await settle(pressed)
    t.match(pressed.said.join(), said)
  }
})

t.test('"Why?" answers people of the workspace, and operators wherever they are from', async (t) => {
  const { fail, pass, card, press, settle } = await start(t)
  await fail('shop')
  await pass(2000)
  const guest = await press(card(), why, { user: 'U0EXTERN', home: 'T0OTHER' })
  await settle(guest)
  t.match(guest.said.join(), /^Only people of the workspace that the app is in/)
  const operator = await press(card(), why, { home: 'T0OTHER' })
  await settle(operator)
  t.match(operator.said.join(), /Notified: team/)
})

t.test('"Why?" about many objects with long names lists as many as fit, and breaks no markup', async (t) => {
  const { api, relay, clock, pass, press, settle } = await start(t)
  const timestamp = new Date(clock.now()).toISOString()
  for (let n = 0; n < 14; n++) {
    const event = about(`${n}-${'a&b<'.repeat(50)}`, { timestamp, message: 'no such file: base' })
    await relay.post({ ...event, involvedObject: { ...event.involvedObject, namespace: '&'.repeat(200) } })
  }
  await pass(120_000)
  const digest = cards(api).findLast((card) => buttonsOf(card).includes(why)) as Posted
  const pressed = await press(digest, why)
  await settle(pressed)
  const said = pressed.said.join()
  t.ok(said.length <= 3000)
  t.match(said, /_and \d+ more_$/)
  t.notMatch(said.replaceAll(/<[^<>]*>/g, ''), /[<>]/, 'a tag that is cut')
  t.notMatch(said.replaceAll(/&(amp|lt|gt);/g, ''), /&/, 'a letter that is cut')
})

t.test('an object whose name is a pattern is not silenced by a click, nor are others with it', async (t) => {
  const { api, relay, clock, pass, press, settle, fail, acts, card } = await start(t)
  const event = about('*', { timestamp: new Date(clock.now()).toISOString(), metadata: { cluster: '*' } })
  await relay.post({ ...event, involvedObject: { ...event.involvedObject, kind: '*', namespace: '*' } })
  await pass(2000)
  const pressed = await press(card(), silence, { choice: 'hour' })
  await settle(pressed)
  t.match(pressed.said.join(), /^Nothing has changed: .*pattern.*by hand/)
  t.same(await acts(), [])
  await fail('shop', 'another cause')
  await pass(5000)
  t.match(cards(api).map(shown).join(), /shop.*failed/)
  const { body } = await relay.get('/objects')
  t.match(body, /Silence …/)
  t.equal(body.match(/Silence 1 h:/g)?.length, 1, 'the page offers it for the other alone')
})

t.test('if Slack does not say who is in a user group, the answer and the log say what to do', async (t) => {
  const { fail, pass, card, press, settle, relay } = await start(t, ['S0OPS123'])
  await fail('shop')
  await pass(2000)
  const pressed = await press(card(), ack)
  await settle(pressed)
  t.match(pressed.said.join(), /user group S0OPS123 \(200 missing_scope\).*usergroups:read/)
  t.match(relay.log.join(''), /"group":"S0OPS123","answer":"200 missing_scope","advice":"[^"]*usergroups:read/)
})

t.test('if two people choose the same silence, or a shorter one, the second reads whose silence exists', async (t) => {
  const { fail, pass, card, press, settle, acts, relay } = await start(t, ['U0ANNA1', 'U0BEA11'])
  const silences = async () => JSON.parse((await relay.get('/api/silences')).body).silences as { endsAt: string }[]
  const choose = async (choice: string, user: string) => {
    const pressed = await press(card(), silence, { choice, user })
    await settle(pressed)
    return pressed.said.join()
  }
  await fail('shop')
  await pass(2000)
  const [first, second] = await Promise.all([choose('hour', 'U0ANNA1'), choose('hour', 'U0BEA11')])
  t.match(first, /^\*apps\/shop\* is silenced until <!date[^>]*>\. What/)
  t.match(
    second,
    /^\*apps\/shop\* is silenced until <!date[^>]*> already, by u0anna1\. Nothing has changed; it can be ended/
  )
  t.equal((await silences()).length, 1)
  t.match(await choose('morning', 'U0BEA11'), /silenced until <!date[^>]*>\. What/)
  const [, longer] = await silences()
  const shorter = await choose('hour', 'U0ANNA1')
  t.match(shorter, / already, by u0bea11/)
  t.ok(shorter.includes(`<!date^${Date.parse(longer?.endsAt ?? '') / 1000}^`), 'the time that it really ends')
  t.match(await choose('recovered', 'U0ANNA1'), /silenced until it recovers, 30 days at most\. What/)
  t.match(await choose('recovered', 'U0BEA11'), /silenced until it recovers, 30 days at most already, by u0anna1/)
  t.equal((await acts()).length, 3)
})

t.test('a silence made by a click is called a silence wherever it shows, and when it is over', async (t) => {
  const { api, fail, pass, card, press, settle } = await start(t)
  await fail('shop')
  await pass(2000)
  await settle(press(card(), silence, { choice: 'hour' }))
  t.match(shown(card()), /:no_bell: silenced until <!date[^>]*>: apps\/shop"/)
  await fail('shop', 'another cause')
  await pass(61 * 60_000)
  t.match(api.posted.map(shown).join(), /:bell: Silence \*apps\/shop\* is over/)
})

t.test(
  'whoever presses a message that was posted twice, because its answer was lost, is led to the second',
  async (t) => {
    const { api, fail, press, settle, until, acts } = await start(t)
    let isLost = false
    api.behave('chat.postMessage C000000A', () => {
      if (isLost) return undefined
      isLost = true
      return { is: 'reset-after' }
    })
    await fail('shop')
    await until(() => cards(api).length === 2)
    const [first, second] = cards(api) as [Posted, Posted]
    t.same(buttonsOf(first), buttonsOf(second))
    const pressed = await press(first, ack)
    await settle(pressed)
    t.match(pressed.said.join(), /^Nothing has changed: .* another one like it in the channel\? Then press there\./)
    await settle(press(second, ack))
    t.match(shown(second), /acknowledged by/)
    t.equal((await acts()).length, 1)
  }
)

t.test('if Slack limits questions about user groups, they are asked again when Slack allows it', async (t) => {
  const { api, fail, pass, card, press, settle, acts } = await start(t, ['S0OPS123'], {
    apps: { [botToken]: { name: 'flux', userId: 'U0FLUX', scopes: ['chat:write', 'usergroups:read'] } }
  })
  await fail('shop')
  await pass(2000)
  let asked = 0
  api.behave('usergroups.users.list', () => {
    asked += 1
    if (asked > 1) return { status: 200, body: '{"ok":true,"users":["U0ANNA1"]}' }
    return { status: 429, body: '{"ok":false,"error":"ratelimited"}', headers: { 'retry-after': '30' } }
  })
  for (let times = 0; times < 5; times++) {
    const pressed = await press(card(), ack)
    await settle(pressed)
    t.match(
      pressed.said.join(),
      /who is in the user group S0OPS123 \(429 ratelimited\)\. Nothing has changed; please try again/
    )
  }
  t.equal(asked, 1)
  await pass(30_000)
  await settle(press(card(), ack))
  t.equal((await acts()).length, 1)
})

t.test('a person who presses a button on an outdated version of a card reads that the failure is over', async (t) => {
  const { acts, card, fail, recover, pass, press, settle } = await start(t)
  const [ack, undo, silence, why] = ['acknowledge', 'unacknowledge', 'silence', 'why'].map(
    (name) => `flux-relay:${name}`
  )
  await fail('shop')
  await pass(2000)
  const seen = structuredClone(card())
  await settle(press(card(), String(ack)))
  const taken = structuredClone(card())
  await recover('shop')
  for (const isAgain of [false, true]) {
    if (isAgain) await fail('shop', 'another cause')
    await pass(30_000)
    const before = (await acts()).length
    for (const [button, version] of [
      [ack, seen],
      [undo, taken],
      [silence, seen]
    ] as const) {
      const pressed = await press(version, String(button))
      await settle(pressed)
      t.same(pressed.said, ['That failure is over already. Nothing has changed.'])
    }
    const asked = await press(seen, String(why))
    await settle(asked)
    t.match(
      asked.said.join(),
      /^\*apps\/shop\* failed at <!date[^>]+>, which is over\. The latest event posted of it was /
    )
    t.equal((await acts()).length, before)
  }
})
