// Cards: what a channel of a Slack app shows is true, whatever happened to the relay and to the channel meanwhile.
import t from 'tap'
import { build, cards, isGreen, plainConfig, shown, updates, type World } from './fixtures/cards.ts'
import { botToken } from './fixtures/slack-api.ts'

t.test('a failure is one message: what follows is in its thread, and in the end it is green', async (t) => {
  const { api, pass, fail, recover } = await build(t)
  await fail('shop')
  await pass(2000)
  t.equal(api.posted.length, 1)
  await fail('shop', 'admission webhook denied the request')
  await pass(15_000)
  const [card] = cards(api)
  t.equal(cards(api).length, 1)
  t.match(shown(card), /admission webhook denied/)
  t.notOk(card?.isMarkedEdited, 'Slack does not say that it was edited')
  t.match(api.seen('team', card?.ts).at(-1)?.text, /admission webhook/)
  await recover('shop')
  await pass(20_000)
  t.equal(cards(api).length, 1)
  t.ok(isGreen(cards(api)[0]), shown(card))
  t.match(
    api.seen('team', card?.ts).map(({ text, isBroadcast }) => [/shop/.test(text), isBroadcast]),
    [
      [true, false],
      [true, false],
      [true, false]
    ]
  )
  const before = updates(api).length
  await pass(60_000)
  t.equal(updates(api).length, before, 'what is over is left alone')
})

const logged = `Helm upgrade failed for release apps/shop with chart shop@6.5.3: context deadline exceeded

Last Helm logs:

2026-09-21T14:08:20Z: beginning wait for 2 resources with timeout of 5m0s
2026-09-21T14:13:20Z: Deployment is not ready: apps/shop. 0 out of 1 expected pods are ready\n`
const long = `dry-run failed: ${Array.from({ length: 40 }, (_, at) => `spec.containers[${at}].image: Required`).join(', ')}`

for (const [name, message, own] of [
  ['a log', logged, '0 out of 1 expected pods'],
  ['an error that is longer than its gist', long, 'spec.containers[17]']
] as const) {
  t.test(`${name} is in the thread of its card, once, also where it was lost on the way`, async (t) => {
    const world = await build(t)
    const { api, pass, fail, recover } = world
    await fail('shop', message)
    let left = 2
    api.behave('chat.postMessage', () => (api.posted.length === 1 && left-- > 0 ? { is: 'reset' } : undefined))
    await pass(1000)
    await world.restart()
    await pass(20_000)
    const [card] = cards(api)
    t.notMatch(shown(card), own)
    t.match(shown(card), /shop/)
    const thread = () => api.seen('team', card?.ts).slice(1)
    t.equal(thread().length, 1)
    t.match(shown(thread()[0]), own)
    t.match(thread(), [{ isBroadcast: false, text: 'apps/shop says:' }])
    await recover('shop')
    await pass(30_000)
    t.ok(isGreen(cards(api)[0]), shown(cards(api)[0]))
    t.equal(thread().length, 2)
  })
}

t.test('what follows a card is left out where the card is gone meanwhile', async (t) => {
  const { api, pass, fail } = await build(t)
  api.behave('chat.postMessage', () => {
    if (api.posted.length === 1) api.delete('team', api.posted[0]?.ts ?? '')
    return undefined
  })
  await fail('shop', logged)
  await pass(5000)
  t.equal(api.posted.length, 1)
  api.calm()
  await fail('cart', 'another cause')
  await pass(5000)
  t.match(shown(cards(api)[0]), /cart/, 'and the lane goes on')
})

t.test('a reminder is a reply that the channel sees', async (t) => {
  const { api, pass, fail } = await build(t)
  await fail('shop')
  await pass(11 * 60_000)
  await fail('shop')
  await pass(15_000)
  const [, reply] = api.posted
  t.match(reply, { threadTs: api.posted[0]?.ts, isBroadcast: true })
  t.equal(cards(api).length, 1)
})

t.test('a digest counts down, names what is left, and turns green with the last', async (t) => {
  const { api, pass, fail, recover } = await build(t)
  const names = Array.from({ length: 12 }, (_, index) => `app-${index}`)
  await Promise.all(names.map((name) => fail(name)))
  await pass(15_000)
  const count = api.posted.length
  t.ok(count <= 3, `${count} messages`)
  for (const name of names.slice(0, 9)) await recover(name)
  await pass(30_000)
  const all = () => cards(api).map(shown).join('\n')
  for (const name of names.slice(9)) t.match(all(), new RegExp(`${name}\\b`))
  t.match(all(), /\d+ of \d+ still fail/)
  t.ok(updates(api).length <= 3 * count, `${updates(api).length} updates`)
  for (const name of names.slice(9)) await recover(name)
  await pass(30_000)
  t.equal(cards(api).length, count)
  for (const card of cards(api)) t.ok(isGreen(card) && !/still fail/.test(shown(card)), shown(card))
  t.ok(
    api.posted.filter(({ threadTs }) => threadTs !== undefined).length <= 4 * count,
    'recoveries are gathered in a reply'
  )
})

t.test('a digest of a destination that names all is a card that does', async (t) => {
  const config = plainConfig.replace('channel: C000000A }', 'channel: C000000A }, digest: full')
  const { api, pass, fail, recover } = await build(t, { config })
  // As many of one cause as are not named elsewhere, with room to spare.
  const names = Array.from({ length: 220 }, (_, index) => `a-name-of-some-length-${index}`)
  await Promise.all(names.map((name) => fail(name)))
  await pass(20_000)
  for (const name of names.slice(0, 20)) await recover(name)
  await pass(30_000)
  const all = cards(api).map(shown).join('\n')
  t.same(
    names.slice(20).filter((name) => !new RegExp(`${name}\\b`).test(all)),
    [],
    'all that is left is named'
  )
  t.match(all, /\d+ of \d+ still fail/)
  t.notMatch(all, /and \d+ more_|more follow/)
})

t.test('what ends without a message to the channel is shown all the same', async (t) => {
  const { api, pass, fail, recover, silence } = await build(t)
  await fail('shop')
  await pass(2000)
  await silence('shop', '1h')
  await recover('shop')
  await pass(25_000)
  t.equal(api.posted.length, 1)
  t.ok(isGreen(cards(api)[0]), shown(cards(api)[0]))
})

t.test('a silence is shown on the cards of what it withholds, as long as it lasts', async (t) => {
  const world = await build(t)
  const { api, pass, fail, silence } = world
  await fail('shop')
  await fail('cart', 'another cause')
  await pass(15_000)
  await silence('shop', '7m')
  await pass(15_000)
  const texts = () => new Map(cards(api).map((card) => [/shop|cart/.exec(shown(card))?.[0], shown(card)]))
  t.match(texts().get('shop'), /:no_bell: silenced until <!date\^\d+\^[^>]*>: db upgrade/)
  t.notMatch(texts().get('cart'), /silenced/)
  const before = updates(api).length
  await pass(5 * 60_000)
  await world.restart()
  await pass(10_000)
  t.equal(updates(api).length, before, 'what is shown already is not sent again')
  await pass(2 * 60_000)
  t.notMatch(texts().get('shop'), /silenced/, 'it is over by itself')
  const id = await silence('shop', '1h')
  await pass(15_000)
  t.match(texts().get('shop'), /silenced/)
  await fetch(`${world.relay.url}/api/silences/${id}`, { method: 'DELETE' })
  await pass(25_000)
  t.notMatch(texts().get('shop'), /silenced/, 'it was ended')
})

t.test('a card that was posted late, when what it says was silenced already, says so', async (t) => {
  const { api, pass, fail, silence } = await build(t)
  api.behave('chat.postMessage', () => ({ status: 503 }))
  await fail('shop')
  await pass(3000)
  await silence('shop', '1h')
  await pass(5000)
  api.calm()
  await pass(80_000)
  t.equal(cards(api).length, 1)
  t.match(shown(cards(api)[0]), /silenced until/)
})

t.test('of a card with several, it says how many are quiet; mutes of the file are shown, too', async (t) => {
  const mute = `mute: [{ name: night, match: { name: [app-1, app-2, app-3] }, until: "2026-09-21T14:03:00Z" }]\n`
  const world = await build(t)
  const { api, pass, fail } = world
  const names = ['app-1', 'app-2', 'app-3', 'app-4', 'app-5']
  await Promise.all(names.map((name) => fail(name)))
  await pass(15_000)
  await world.restart(`${plainConfig}${mute}`)
  await pass(15_000)
  t.match(cards(api).map(shown), [
    /:no_bell: muted until <!date[^>]*>: night/,
    /:no_bell: 2 of them muted until <!date[^>]*>: night/
  ])
  await pass(3 * 60_000)
  t.notMatch(cards(api).map(shown).join(), /muted until/)
})

t.test('cards outlive restarts', async (t) => {
  const world = await build(t)
  const { api, pass, fail, recover } = world
  await fail('shop')
  await fail('cart')
  await pass(15_000)
  await world.restart()
  await recover('shop')
  await world.restart()
  await pass(60_000)
  await recover('cart')
  await pass(60_000)
  t.ok(cards(api).length >= 1)
  for (const card of cards(api)) t.ok(isGreen(card), shown(card))
})

t.test('a token that is not taken is asked once in five minutes, and the cards are put right then', async (t) => {
  const { api, pass, fail, recover } = await build(t)
  for (const name of ['shop', 'cart', 'mail']) {
    await fail(name, `${name} has a cause of its own`)
    await pass(15_000)
  }
  let asked = 0
  api.behave('chat.update', () => {
    asked += 1
    return { status: 200, body: '{"ok":false,"error":"token_revoked"}' }
  })
  for (const name of ['shop', 'cart', 'mail']) await recover(name)
  await pass(120_000)
  t.equal(asked, 1)
  api.calm()
  await pass(5 * 60_000)
  for (const card of cards(api)) t.ok(isGreen(card), shown(card))
})

for (const [name, lose] of Object.entries({
  'was deleted': async ({ api }: World) => api.delete('team', api.posted[0]?.ts ?? ''),
  'is too old to be edited': async ({ api }: World) =>
    api.behave('chat.update', [{ status: 200, body: '{"ok":false,"error":"edit_window_closed"}' }])
})) {
  t.test(`a failure whose card ${name} gets another`, async (t) => {
    const world = await build(t)
    const { api, pass, fail, recover } = world
    await fail('shop')
    await pass(2000)
    await lose(world)
    await fail('shop', 'admission webhook denied the request')
    await pass(45_000)
    const red = cards(api).filter((card) => !isGreen(card))
    t.match(shown(red.at(-1)), /admission webhook/)
    await recover('shop')
    await pass(45_000)
    t.ok(isGreen(cards(api).at(-1)), 'the new one is kept')
  })
}

t.test('updates keep the limits of Slack, and an app that is limited waits', async (t) => {
  const { api, pass, fail, recover } = await build(t)
  for (let at = 0; at < 30; at++) {
    await fail(`app-${at}`, `cause number ${at} of ${'abcdefghijklmnopqrstuvwxyzABCDEF'[at]}`)
    await pass(1000)
  }
  await pass(60_000)
  const before = updates(api).length
  let refused = 0
  // Said in the body alone: the stand-in would keep to a header in real time.
  api.behave('chat.update', () => {
    refused += 1
    return refused > 1 ? undefined : { status: 429, body: '{"ok":false,"error":"ratelimited","retry_after":30}' }
  })
  for (let at = 0; at < 30; at++) await recover(`app-${at}`)
  await pass(25_000)
  t.equal(refused, 1, 'and no other is tried')
  await pass(60_000)
  t.ok(updates(api).length - before <= 42, `${updates(api).length - before} updates`)
  await pass(60_000)
  for (const card of cards(api)) t.ok(isGreen(card), shown(card))
})

const looking = plainConfig.replace('apiUrl:', 'history: true, apiUrl:')
const readers = { [botToken]: { name: 'flux', userId: 'U0FLUX', scopes: ['chat:write', 'channels:history'] } }

t.test('with `history: true` a message whose answer was lost is found, and is the card that is updated', async (t) => {
  const world = await build(t, { config: looking, apps: readers })
  const { api, pass, fail, recover } = world
  api.behave('chat.postMessage', [{ is: 'reset-after' }])
  await fail('shop')
  await pass(10_000)
  t.equal(cards(api).length, 1, 'it is not posted again')
  // The same for a reply, which only its thread knows, and where the process is another.
  let left = 1
  api.behave('chat.postMessage', () => (left-- > 0 ? { is: 'reset-after' } : undefined))
  await fail('shop', 'admission webhook denied the request')
  await pass(1000)
  await world.restart()
  await pass(20_000)
  t.equal(api.seen('team', cards(api)[0]?.ts).length, 2, 'the reply is there once')
  await recover('shop')
  await pass(30_000)
  t.equal(cards(api).length, 1)
  t.ok(isGreen(cards(api)[0]), shown(cards(api)[0]))
  const asked = api.calls.filter(({ method }) => method.startsWith('conversations.'))
  t.same(
    asked.map(({ method }) => method),
    ['conversations.history', 'conversations.replies'],
    'nothing else is looked for'
  )
})

for (const [name, make] of Object.entries({
  'it never came': (api: World['api']) => api.behave('chat.postMessage', [{ is: 'reset' }]),
  'the app may not read': (api: World['api']) => {
    Object.assign(api.apps[botToken] ?? {}, { scopes: ['chat:write'] })
    api.behave('chat.postMessage', [{ is: 'reset' }])
  },
  'history has trouble for long': (api: World['api']) => {
    api.behave('conversations.history', () => ({ status: 500 }))
    api.behave('chat.postMessage', [{ is: 'reset' }])
  }
})) {
  t.test(`with \`history: true\` a message is posted where ${name}`, async (t) => {
    const { api, pass, fail } = await build(t, { config: looking, apps: structuredClone(readers) })
    make(api)
    await fail('shop')
    await pass(90_000)
    t.equal(cards(api).length, 1)
  })
}

t.test(
  'the page of an event shows its card as it is now, what it showed, its thread, and the way to Slack',
  async (t) => {
    const { api, pass, fail, recover, relay } = await build(t)
    await fail('shop', logged)
    await pass(5000)
    await fail('shop', 'admission webhook denied the request')
    await pass(20_000)
    await recover('shop')
    await pass(30_000)
    for (const event of ['1', '2', '3']) {
      const { body } = await relay.get(`/events/${event}`)
      const [, section = ''] = /(The card in team[\s\S]*?)<\/section>/.exec(body) ?? []
      t.match(section, /works again/)
      t.match(section, /What it showed before <span class="count">2</)
      t.match(section, /Its thread <span class="count">3</)
      t.match(section, /apps\/shop says:/)
      t.match(section, 'href="/cards/1/slack"')
    }
    const open = (id: string) => fetch(`${relay.url}/cards/${id}/slack`, { redirect: 'manual' })
    const ts = cards(api)[0]?.ts ?? ''
    t.equal(
      (await open('1')).headers.get('location'),
      `https://acme.slack.com/archives/C000000A/p${ts.replace('.', '')}`
    )
    t.equal((await open('9')).status, 404)
    api.delete('team', ts)
    const gone = await open('1')
    t.equal(gone.status, 404)
    t.match(await gone.text(), /message_not_found/)
  }
)
