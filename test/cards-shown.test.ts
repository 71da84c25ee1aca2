// What cards show beside the failure itself: long texts in their threads, what is silenced, earlier versions; and how people
// look at them.
import t from 'tap'
import { build, cards, isGreen, plainConfig, shown, updates, type World } from './fixtures/cards.ts'
import { about } from './fixtures/relay.ts'
import { botToken } from './fixtures/slack-api.ts'

const logged = `Helm upgrade failed for release apps/shop with chart shop@6.5.3: context deadline exceeded

Last Helm logs:

2026-09-21T14:08:20Z: beginning wait for 2 resources with timeout of 5m0s
2026-09-21T14:13:20Z: Deployment is not ready: apps/shop. 0 out of 1 expected pods are ready\n`
const long = `dry-run failed: ${Array.from({ length: 40 }, (_, at) => `spec.containers[${at}].image: Required`).join(', ')}`

for (const [name, message, own] of [
  ['a log', logged, '0 out of 1 expected pods'],
  ['an error that is longer than its gist', long, 'spec.containers[17]']
] as const) {
  t.test(`${name} is in the thread of its card, once, even if a post is lost on the way`, async (t) => {
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

t.test('what should follow a card is left out if the card is gone by then', async (t) => {
  const { api, pass, fail } = await build(t)
  const [team] = api.channels
  // Slack answers so if somebody replied to the card before it was deleted.
  Object.assign(team ?? {}, { repliesError: 'cannot_reply_to_message' })
  api.behave('chat.postMessage', () => {
    if (api.posted.length === 1) api.delete('team', api.posted[0]?.ts ?? '')
    return undefined
  })
  await fail('shop', logged)
  await pass(5000)
  t.equal(api.posted.length, 1)
  api.calm()
  delete team?.repliesError
  await fail('cart', 'another cause')
  await pass(5000)
  t.match(shown(cards(api)[0]), /cart/, 'and the lane goes on')
})

for (const [name, meanwhile] of [
  ['no rule notifies of', undefined],
  ['is silenced', (world: World) => world.silence('shop', '1h')]
] as const) {
  t.test(`a card says what its object fails for now, even a failure that ${name}`, async (t) => {
    const rule = 'match: { severity: error, reason: BuildFailed }'
    const config = meanwhile ? plainConfig : plainConfig.replace('match: { severity: error }', rule)
    const world = await build(t, { config })
    const { api, pass } = world
    const fail = async (reason: string, message: string, commit: string) => {
      const event = about('shop', { reason, message, timestamp: new Date(world.clock.now()).toISOString() })
      const metadata = { revision: `main@sha1:${commit.repeat(40)}` }
      t.equal((await world.relay.post({ ...event, metadata })).status, 202)
    }
    await fail('BuildFailed', 'kustomize build failed: no such file: base', 'a')
    await pass(15_000)
    t.match(shown(cards(api)[0]), /no such file.*main@aaaaaaa/s)
    await meanwhile?.(world)
    await pass(15_000)
    await fail('HealthCheckFailed', 'health check failed: Deployment/shop is not ready', 'b')
    await pass(60_000)
    const [card] = cards(api)
    t.match(shown(card), /Deployment\/shop.*main@bbbbbbb/s)
    t.notMatch(shown(card), /no such file|main@aaaaaaa/)
    t.equal(api.posted.length, 1, 'and nobody is told of it anew')
    await world.recover('shop')
    await pass(60_000)
    t.ok(isGreen(cards(api)[0]), shown(cards(api)[0]))
  })
}

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

t.test('a card that was posted late says so if its incident was already silenced', async (t) => {
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

t.test('a card with several incidents counts the silenced ones; mutes of the file are shown too', async (t) => {
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

const looking = plainConfig.replace('apiUrl:', 'history: true, apiUrl:')
const readers = { [botToken]: { name: 'flux', userId: 'U0FLUX', scopes: ['chat:write', 'channels:history'] } }

t.test(
  'with `history: true`, a message whose answer was lost is found, and becomes the card that is updated',
  async (t) => {
    const world = await build(t, { config: looking, apps: readers })
    const { api, pass, fail, recover } = world
    api.behave('chat.postMessage', [{ is: 'reset-after' }])
    await fail('shop')
    await pass(10_000)
    t.equal(cards(api).length, 1, 'it is not posted again')
    // The same for a reply, which only its thread contains, and with another process.
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
  }
)

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
  t.test(`with \`history: true\` a message is posted if ${name}`, async (t) => {
    const { api, pass, fail } = await build(t, { config: looking, apps: structuredClone(readers) })
    make(api)
    await fail('shop')
    await pass(90_000)
    t.equal(cards(api).length, 1)
  })
}

t.test(
  'the page of an event shows its card as it is now, earlier versions, the thread, and a link to Slack',
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

t.test(
  'the card of an object that was created anew says that the old one was deleted, unless both turn out to exist',
  async (t) => {
    const { api, pass, fail, relay, clock } = await build(t)
    const works = (uid: string) =>
      relay.post({
        ...about('shop', {
          severity: 'info',
          reason: 'ReconciliationSucceeded',
          message: 'Reconciliation finished in 1s'
        }),
        involvedObject: { ...about('shop').involvedObject, uid },
        timestamp: new Date(clock.now()).toISOString()
      })
    await fail('shop')
    await pass(10_000)
    t.notMatch(shown(cards(api)[0]), /deleted/)
    await works('another')
    await pass(120_000)
    t.match(shown(cards(api)[0]), /shop.* was deleted/)
    await fail('shop')
    await pass(120_000)
    t.notMatch(shown(cards(api)[0]), /deleted/, 'another cluster has one with its name')
    t.match(shown(cards(api)[0]), /red_circle|🔴/)
  }
)

t.test('a card whose end was withheld keeps the time of that end, whatever its object does later', async (t) => {
  const { api, pass, fail, recover, silence } = await build(t)
  for (const name of ['shop', 'cart']) await fail(name, `the ${name} is on fire`)
  await pass(130_000)
  for (const name of ['shop', 'cart']) await silence(name, '10h')
  await recover('shop')
  await pass(20_000)
  const [card] = cards(api)
  t.match(card?.text, /apps\/shop works again after 2 m 10 s/)
  const before = shown(card)
  await pass(10 * 60_000)
  await fail('shop', 'the shop is on fire again')
  await pass(60_000)
  t.equal(shown(card), before, 'it fails again')
  await recover('shop')
  await pass(60_000)
  t.equal(shown(card), before, 'it works again')
  t.equal(cards(api).length, 2, 'all of that is withheld')
})
