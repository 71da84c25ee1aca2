// Rollouts: the rollout of a revision is one message, or one card that fills, and says what is true.
import t from 'tap'
import {
  appConfig,
  type Cluster,
  commit,
  type Fleet,
  rolloutRule,
  startFleet,
  webhookConfig
} from '../fixtures/rollouts.ts'

const old = commit('a')
const next = commit('b')
const seconds = (count: number) => count * 1000
const minutes = (count: number) => count * 60_000

/** All of them report their revision, which the relay sees for the first time. */
async function settled(fleet: Fleet, names: readonly string[], cluster: Cluster = 'eu', revision = old) {
  for (const name of names) await fleet.apply(cluster, name, revision)
  await fleet.pass(minutes(5))
}

/** 40 objects in 3 clusters over 6 minutes, one of which fails. */
async function push(fleet: Fleet) {
  const clusters: Cluster[] = ['eu', 'us', 'ap']
  const objects = Array.from({ length: 40 }, (_, at) => ({ cluster: clusters[at % 3] as Cluster, name: `app-${at}` }))
  for (const { cluster, name } of objects) await fleet.apply(cluster, name, old)
  await fleet.pass(minutes(5))
  for (const [at, { cluster, name }] of objects.entries()) {
    await fleet.begin(cluster, name, next)
    await fleet.pass(seconds(6))
    if (at === 15) await fleet.fail(cluster, name, next)
    else await fleet.apply(cluster, name, next)
    await fleet.pass(seconds(3))
  }
  await fleet.pass(minutes(10))
}

t.test('a push to 40 objects in 3 clusters, one of which fails, is at most 4 messages and 1 incident', async (t) => {
  const fleet = await startFleet(t, webhookConfig())
  await push(fleet)
  const said = fleet.texts()
  t.ok(said.length <= 4, `${said.length} messages:\n${said.join('\n')}`)
  t.equal(fleet.texts('team').length, 1, 'and the failure is a message of its own')
  const last = (cluster: string) => said.findLast((text) => text.includes(cluster))
  t.match(last('prod-eu'), /main@bbbbbbb.* in prod-eu: 13 applied, 1 fails/)
  t.match(last('prod-us'), /main@bbbbbbb.* in prod-us: 13 applied/)
  t.match(last('prod-ap'), /main@bbbbbbb.* in prod-ap: 13 applied/)
})

t.test('with an app it is one card and one incident', async (t) => {
  const fleet = await startFleet(t, appConfig(`${rolloutRule}, by: [revision]`))
  await push(fleet)
  const [card, ...others] = fleet.cards()
  t.same(others, [])
  t.equal(fleet.cards('team').length, 1)
  const text = JSON.stringify(card)
  t.match(text, /main@bbbbbbb.* in 3 clusters: 39 applied, \*?1 fails/)
  for (const cluster of ['prod-eu', 'prod-us', 'prod-ap']) t.match(text, new RegExp(`${cluster}.{0,3}: 13 applied`))
})

t.test('a webhook gets one message when the rollout has settled', async (t) => {
  const fleet = await startFleet(t, webhookConfig())
  await settled(fleet, ['shop', 'cart', 'mail'])
  t.same(fleet.texts(), [], 'what was there before is no rollout')
  for (const name of ['shop', 'cart', 'mail']) {
    await fleet.begin('eu', name, next)
    await fleet.pass(seconds(30))
    await fleet.apply('eu', name, next)
  }
  await fleet.pass(seconds(110))
  t.same(fleet.texts(), [])
  await fleet.pass(seconds(15))
  t.equal(fleet.texts().length, 1)
  t.match(
    fleet.texts()[0],
    /large_green_circle.*commit\/b{40}.*in `prod-eu`: 3 applied.*apps\/shop, apps\/cart, apps\/mail.*took 1 m/
  )
  for (let beat = 0; beat < 3; beat++) {
    await fleet.pass(minutes(10))
    for (const name of ['shop', 'cart', 'mail']) await fleet.apply('eu', name, next)
  }
  t.equal(fleet.texts().length, 1, 'heartbeats open none')
})

t.test('a webhook gets a message at once when an object fails, and one when the rest has settled', async (t) => {
  const fleet = await startFleet(t, webhookConfig())
  await settled(fleet, ['shop', 'cart', 'mail'])
  await fleet.apply('eu', 'shop', next)
  await fleet.pass(seconds(20))
  await fleet.fail('eu', 'cart', next, 'dry-run failed: field is immutable')
  await fleet.pass(seconds(3))
  t.match(fleet.texts(), [/red_circle.*1 applied, \*1 fails\*, 1 to come.*apps\/cart.*field is immutable/])
  await fleet.apply('eu', 'mail', next)
  await fleet.pass(minutes(3))
  t.match(fleet.texts()[1], /2 applied, \*1 fails\*/)
  await fleet.pass(minutes(3))
  t.equal(fleet.texts().length, 2)
  await fleet.apply('eu', 'cart', next)
  await fleet.pass(minutes(3))
  t.match(fleet.texts()[2], /large_green_circle.*3 applied/)
})

t.test('a card fills, turns green when the rollout has settled, and red if an object fails', async (t) => {
  const fleet = await startFleet(t, appConfig())
  const names = ['shop', 'cart', 'mail']
  await settled(fleet, names)
  await fleet.begin('eu', 'shop', next)
  await fleet.pass(seconds(20))
  const card = () => JSON.stringify(fleet.cards()[0])
  t.match(card(), /hourglass.*0 applied, 3 to come/)
  await fleet.apply('eu', 'shop', next)
  await fleet.pass(seconds(15))
  t.match(card(), /1 applied, 2 to come/)
  await fleet.fail('eu', 'cart', next)
  await fleet.pass(seconds(15))
  t.match(card(), /red_circle.*1 applied, \*1 fails\*, 1 to come.*apps\/cart/)
  t.match(card(), /slack.com\/archives\/C000000A\/p/, 'and leads to the card of the failure')
  t.match(
    JSON.stringify(fleet.cards('team')[0]),
    /slack.com\/archives\/C000000F\/p\d+\|rollout main@bbbbbbb/,
    'which leads back'
  )
  await fleet.apply('eu', 'cart', next)
  await fleet.apply('eu', 'mail', next)
  await fleet.pass(seconds(100))
  t.match(card(), /hourglass.*3 applied/)
  await fleet.restart()
  await fleet.pass(seconds(60))
  t.match(card(), /large_green_circle.*3 applied/)
  t.equal(fleet.cards().length, 1)
  t.equal(
    fleet.api.posted.filter(({ threadTs, channel }) => threadTs !== undefined && channel === 'C000000F').length,
    0
  )
})

t.test('a newer revision replaces an open rollout, and a finished revision is not opened again', async (t) => {
  const fleet = await startFleet(t, appConfig())
  const names = ['shop', 'cart', 'mail']
  await settled(fleet, names)
  await fleet.apply('eu', 'shop', next)
  await fleet.pass(seconds(20))
  await fleet.apply('eu', 'shop', commit('c'))
  await fleet.pass(seconds(20))
  // Too late for the previous revision.
  await fleet.apply('eu', 'cart', next)
  for (const name of ['cart', 'mail']) await fleet.apply('eu', name, commit('c'))
  await fleet.pass(minutes(3))
  const [first, second, ...others] = fleet.cards().map((card) => JSON.stringify(card))
  t.same(others, [])
  t.match(first, /white_circle.*main@bbbbbbb.*1 applied, replaced by main@ccccccc/)
  t.match(second, /large_green_circle.*main@ccccccc.*3 applied/)
  for (const name of names) await fleet.apply('eu', name, next)
  await fleet.pass(minutes(3))
  t.equal(fleet.cards().length, 2)
})

t.test("two repositories of one cluster do not replace each other's rollouts", async (t) => {
  const fleet = await startFleet(t, webhookConfig())
  await settled(fleet, ['shop', 'cart'])
  await settled(fleet, ['dns', 'certs'], 'eu', commit('1'))
  await fleet.apply('eu', 'shop', next)
  await fleet.apply('eu', 'dns', commit('2'))
  await fleet.apply('eu', 'cart', next)
  await fleet.apply('eu', 'certs', commit('2'))
  await fleet.pass(minutes(3))
  t.match(fleet.texts().sort(), [/main@2222222.*2 applied/, /main@bbbbbbb.*2 applied/])
  t.notMatch(fleet.texts().join(), /replaced|to come|not reported/)
})

t.test('charts count in the rollout of their cluster, or form their own', async (t) => {
  const fleet = await startFleet(t, webhookConfig())
  await settled(fleet, ['shop'])
  await fleet.apply('eu', 'shop', next)
  await fleet.pass(seconds(30))
  await fleet.release('eu', 'podinfo', '6.5.1')
  await fleet.release('us', 'podinfo', '6.5.1')
  await fleet.release('us', 'redis', '1.2.3', 'timed out')
  await fleet.pass(minutes(3))
  const said = (cluster: string) => fleet.texts().filter((text) => text.includes(cluster))
  t.match(said('prod-eu'), [/main@bbbbbbb.*2 applied.*apps\/podinfo 6.5.1/])
  t.match(said('prod-us'), [/releases in `prod-us`: 1 applied, \*1 fails\*.*apps\/redis.*timed out/])
  await fleet.release('us', 'redis', '1.2.4')
  await fleet.pass(minutes(3))
  t.match(said('prod-us')[1], /large_green_circle.*releases in `prod-us`: 2 applied/)
})

t.test("a secret in a controller's message appears in no message about a rollout", async (t) => {
  const fleet = await startFleet(t, webhookConfig())
  await settled(fleet, ['shop', 'cart'])
  await fleet.apply('eu', 'shop', next)
  await fleet.fail(
    'eu',
    'cart',
    next,
    'cannot clone https://bot:ghp_0123456789abcdefghijABCDEFGHIJ012345@github.com/acme/fleet'
  )
  await fleet.pass(seconds(5))
  t.match(fleet.texts(), [/1 applied, \*1 fails\*/])
  t.notMatch(fleet.texts().join(), /ghp_0123/)
})

t.test('a failure long afterwards does not belong to the rollout', async (t) => {
  const fleet = await startFleet(t, webhookConfig())
  await settled(fleet, ['shop', 'cart'])
  for (const name of ['shop', 'cart']) await fleet.apply('eu', name, next)
  await fleet.pass(minutes(3))
  await fleet.pass(minutes(60))
  await fleet.fail('eu', 'cart', next)
  await fleet.pass(minutes(5))
  await fleet.apply('eu', 'cart', next)
  await fleet.pass(minutes(5))
  t.equal(fleet.texts().length, 1)
})
