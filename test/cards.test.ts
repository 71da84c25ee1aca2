// Cards: what a channel of a Slack app shows is true, whatever happens to the relay and to the channel.
import t from 'tap'
import { build, cards, isGreen, plainConfig, shown, updates, type World } from './fixtures/cards.ts'

t.test('a failure is one message: further news goes into its thread, and in the end it turns green', async (t) => {
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

t.test('an object that recovered and failed again before its digest was posted is shown as failing', async (t) => {
  const { api, pass, fail, recover } = await build(t, { rule: 'group: { by: [cluster], wait: 20s }' })
  for (const name of ['shop', 'cart']) await fail(name)
  await pass(5000)
  await recover('shop')
  await pass(5000)
  await fail('shop')
  await pass(15_000)
  const card = () => cards(api)[0]
  t.match(shown(card()), /2 failing.*shop \(had recovered/)
  await recover('cart')
  await pass(30_000)
  t.match(shown(card()), /1 failing.*1 of 2 still fails.*:red_circle: \*apps\/shop\*/)
  t.notMatch(shown(card()), /recovered\*|works again/)
  await recover('shop')
  await pass(30_000)
  t.ok(isGreen(card()), shown(card()))
  t.notMatch(shown(card()), /red_circle/)
})

t.test('a digest counts down, names what is left, and turns green with the last recovery', async (t) => {
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

t.test('the digest of a destination that names all objects becomes a card that does so too', async (t) => {
  const config = plainConfig.replace('channel: C000000A }', 'channel: C000000A }, digest: full')
  const { api, pass, fail, recover } = await build(t, { config })
  // As many objects of one cause as are not named elsewhere, with room to spare.
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

t.test('an end that nobody is notified of is shown all the same', async (t) => {
  const { api, pass, fail, recover, silence } = await build(t)
  await fail('shop')
  await pass(2000)
  await silence('shop', '1h')
  await recover('shop')
  await pass(25_000)
  t.equal(api.posted.length, 1)
  t.ok(isGreen(cards(api)[0]), shown(cards(api)[0]))
})

t.test('a card keeps the end of its own incident when the object fails again', async (t) => {
  const { api, pass, fail, recover, silence, relay } = await build(t)
  await fail('shop')
  await pass(2000)
  const id = await silence('shop', '1h')
  await pass(10 * 60_000)
  await recover('shop')
  await pass(25_000)
  const ended = shown(cards(api)[0])
  t.match(ended, /works again.*after \*10 m\*/)
  await fetch(`${relay.url}/api/silences/${id}`, { method: 'DELETE' })
  for (let times = 0; times < 2; times++) {
    await pass(30 * 60_000)
    await fail('shop', `no such file: ${times}`)
    await pass(25_000)
    t.equal(shown(cards(api)[0]), ended)
    await recover('shop')
    await pass(25_000)
    t.equal(shown(cards(api)[0]), ended)
  }
})

t.test('a rollback during a failure is told in the thread of the failure', async (t) => {
  const config = plainConfig.replace('severity: error', 'severity: warn')
  const { api, pass, relay, clock } = await build(t, { config })
  const release = (severity: 'info' | 'error', reason: string, message: string) =>
    relay.post({
      involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'shop' },
      ...{ severity, reason, message, timestamp: new Date(clock.now()).toISOString() }
    })
  await release('error', 'UpgradeFailed', 'Helm upgrade failed for release apps/shop with chart shop@2.0.0: denied')
  await pass(20_000)
  await release(
    'info',
    'RollbackSucceeded',
    'Helm rollback to previous release apps/shop.v1 with chart shop@1.0.0 succeeded'
  )
  await pass(20_000)
  t.equal(cards(api).length, 1)
  const [card] = cards(api)
  t.match(card?.text, /apps\/shop failed/)
  t.match(api.seen('team', card?.ts).at(-1)?.text, /was rolled back/)
  await release('info', 'UpgradeSucceeded', 'Helm upgrade succeeded for release apps/shop.v2 with chart shop@2.0.1')
  await pass(20_000)
  t.equal(cards(api).length, 1)
  t.ok(isGreen(cards(api)[0]))
})

t.test('a card never says that a removed object works again', async (t) => {
  const { api, pass, fail, relay, clock } = await build(t)
  const release = (name: string, event: object) =>
    relay.post({
      involvedObject: { kind: 'HelmRelease', namespace: 'apps', name },
      timestamp: new Date(clock.now()).toISOString(),
      ...event
    })
  // One message names three objects, and their recoveries are held for longer than a look.
  for (const name of ['first', 'shop', 'cart', 'mail']) {
    await release(name, { severity: 'error', reason: 'UpgradeFailed', message: 'Helm upgrade failed: denied' })
    await pass(name === 'first' ? 2000 : 500)
  }
  await fail('other')
  await pass(60_000)
  for (const name of ['first', 'shop', 'cart', 'mail']) {
    const message = `Helm uninstall succeeded for release apps/${name}.v1 with chart ${name}@1.0.0`
    await release(name, { severity: 'info', reason: 'UninstallSucceeded', message })
    for (let second = 0; second < 12; second++) {
      await pass(1000)
      for (const card of cards(api)) t.notMatch(shown(card), /recovered\*|works again/)
    }
  }
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

t.test('a rejected token is tried once in five minutes, and the cards are corrected once it works', async (t) => {
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
    // A new card is not posted again for each change.
    await pass(16 * 60_000)
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

t.test("updates keep Slack's limits, and an app that is limited waits", async (t) => {
  const { api, pass, fail, recover } = await build(t)
  for (let at = 0; at < 30; at++) {
    await fail(`app-${at}`, `cause number ${at} of ${'abcdefghijklmnopqrstuvwxyzABCDEF'[at]}`)
    await pass(1000)
  }
  await pass(60_000)
  const before = updates(api).length
  let refused = 0
  // In the body only: the stand-in would enforce a header in real time.
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

t.test('a card shows at once who acknowledged its incident, and no longer once that is undone', async (t) => {
  const { api, relay, pass, fail } = await build(t)
  await fail('shop')
  await pass(2000)
  const { objects } = JSON.parse((await relay.get('/api/objects?name=shop')).body)
  const [{ object }] = objects
  const authorization = `Basic ${Buffer.from('ada:').toString('base64')}`
  const headers = { authorization, 'content-type': 'application/json' }
  await fetch(`${relay.url}/api/acknowledgements`, { method: 'POST', headers, body: JSON.stringify(object) })
  await pass(3000)
  t.match(shown(cards(api)[0]), /acknowledged by \*ada\*/)
  const { kind, namespace, name } = object
  const query = new URLSearchParams({ kind, namespace, name, ...(object.cluster && { cluster: object.cluster }) })
  await fetch(`${relay.url}/api/acknowledgements?${query}`, { method: 'DELETE', headers: { authorization } })
  await pass(3000)
  t.notMatch(shown(cards(api)[0]), /acknowledged/)
})

t.test('a card with several incidents counts the acknowledged ones', async (t) => {
  const { api, relay, pass, fail } = await build(t)
  for (const name of ['shop', 'cart', 'till']) await fail(name, 'no such repository')
  await pass(5000)
  const { objects } = JSON.parse((await relay.get('/api/objects?name=cart')).body)
  const [{ object }] = objects
  const headers = { authorization: `Basic ${btoa('ada:')}`, 'content-type': 'application/json' }
  await fetch(`${relay.url}/api/acknowledgements`, { method: 'POST', headers, body: JSON.stringify(object) })
  await pass(15_000)
  const several = cards(api).find((card) => shown(card).includes('cart'))
  t.match(shown(several), /1 of them acknowledged by ada/)
})
