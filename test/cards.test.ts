// Cards: what a channel of a Slack app shows is true, whatever happened to the relay and to the channel meanwhile.
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { WireEvent } from '../src/events/flux.ts'
import { createClock, type TestClock } from './fixtures/clock.ts'
import { fc } from './fixtures/fc.ts'
import { about, type Relay, type RelayOptions, startRelay, tempFolder } from './fixtures/relay.ts'
import { botToken, type Posted, type SlackApi, type SlackApiOptions, startSlackApi } from './fixtures/slack-api.ts'

const config = `
slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}", apiUrl: "$API" } }
destinations:
  team: { slack: { app: acme, channel: C000000A }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, match: { severity: error }, remindEvery: 10m, send: team }
`

interface World {
  api: SlackApi
  clock: TestClock
  relay: Relay
  restart(): Promise<void>
  /** Lets so much time pass. */
  pass(ms: number): Promise<void>
  fail(name: string, message?: string): Promise<void>
  recover(name: string): Promise<void>
}

async function build(t: Test, options: SlackApiOptions = {}, changes: RelayOptions = {}): Promise<World> {
  const api = await startSlackApi({
    ...{ perSecond: 1000, burst: 1000, latencyMs: 0, tiers: { 'chat.update': 10_000, 'chat.postMessage': 10_000 } },
    channels: [{ id: 'C000000A', name: 'team', members: ['U0FLUX'] }],
    ...options
  })
  t.teardown(() => api.close())
  const clock = createClock()
  const folder = tempFolder(t)
  const start = () =>
    startRelay(t, {
      clock,
      folder,
      ...changes,
      config: (changes.config ?? config).replaceAll('$API', api.apiUrl),
      env: { SLACK_BOT_TOKEN: botToken }
    })
  const send = async (name: string, event: Partial<WireEvent>) => {
    const timestamp = new Date(clock.now()).toISOString()
    t.equal((await world.relay.post(about(name, { ...event, timestamp }))).status, 202)
  }
  const world: World = {
    api,
    clock,
    relay: await start(),
    async restart() {
      await world.relay.app.close()
      world.relay = await start()
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 1000) {
        clock.advance(1000)
        await world.relay.app.idle()
        await pause(4)
      }
    },
    fail: (name, message = 'no such file: base') => send(name, { message }),
    recover: (name) =>
      send(name, { severity: 'info', reason: 'ReconciliationSucceeded', message: 'Reconciliation finished in 1s' })
  }
  return world
}

const shown = (message: Posted | undefined) => JSON.stringify([message?.text, message?.blocks, message?.attachments])
const updates = (api: SlackApi) => api.calls.filter(({ method }) => method === 'chat.update')
const isGreen = (message: Posted | undefined) => /RECOVERED|recovered|✅|white_check_mark/.test(shown(message))
/** What only the channel shows: no replies. */
const cards = (api: SlackApi) => api.seen('team').filter(({ threadTs }) => threadTs === undefined)

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

t.test('what ends without a message to the channel is shown all the same', async (t) => {
  const { api, pass, fail, recover, relay } = await build(t)
  await fail('shop')
  await pass(2000)
  const silence = await fetch(`${relay.url}/api/silences`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ match: { name: 'shop' }, for: '1h', comment: 'quiet' })
  })
  t.ok(silence.ok, await silence.text())
  await recover('shop')
  await pass(25_000)
  t.equal(api.posted.length, 1)
  t.ok(isGreen(cards(api)[0]), shown(cards(api)[0]))
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

type Chance = 'restart' | 'delete' | 'lose answers' | 'limit' | 'fail updates'
type Step = { is: 'fail' | 'change' | 'recover'; object: number } | { is: 'pass'; seconds: number } | { is: Chance }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constantFrom('fail' as const, 'change' as const, 'recover' as const),
      object: fc.nat(4)
    })
  },
  { weight: 4, arbitrary: fc.record({ is: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constantFrom<Chance>('restart', 'delete', 'lose answers', 'limit', 'fail updates') })
  }
)

t.test('whatever happens, in the end nothing is red that is over, and no failure has two cards', async (t) => {
  const property = fc.asyncProperty(fc.array(anyStep, { minLength: 3, maxLength: 25 }), async (steps) => {
    const world = await build(t)
    const { api, pass } = world
    const failing = new Set<string>()
    /** Whose answers were lost: the relay cannot know where they are. */
    const orphans = new Set<number>()
    let isAnyDeleted = false
    for (const [index, step] of steps.entries()) {
      if (step.is === 'pass') await pass(step.seconds * 1000)
      else if (step.is === 'restart') await world.restart()
      else if (step.is === 'delete') {
        const last = cards(api).at(-1)
        if (last !== undefined) api.delete('team', last.ts)
        isAnyDeleted = true
      } else if (step.is === 'lose answers') {
        let left = 1
        api.behave('chat.postMessage', () => {
          if (left === 0) return undefined
          left -= 1
          orphans.add(api.posted.length)
          return { is: 'reset-after' }
        })
      } else if (step.is === 'limit' || step.is === 'fail updates') {
        const body = `{"ok":false,"error":"${step.is === 'limit' ? 'ratelimited' : 'internal_error'}","retry_after":5}`
        let left = 1
        api.behave('chat.update', () => (left-- > 0 ? { status: step.is === 'limit' ? 429 : 200, body } : undefined))
      } else if ('object' in step) {
        const name = `object-${step.object}`
        if (step.is === 'recover') {
          await world.recover(name)
          failing.delete(name)
        } else {
          await world.fail(name, step.is === 'fail' ? 'no such file: base' : `denied by webhook number ${index}`)
          failing.add(name)
        }
        await pass(1000)
      }
    }
    api.calm()
    await pass(4 * 60_000)
    const live = api.posted.filter(
      (message, index) => message.threadTs === undefined && !message.isDeleted && !orphans.has(index)
    )
    const red = live.filter((message) => /red_circle|orange_circle|hourglass/.test(shown(message))).map(shown)
    for (const text of red) {
      const named = new Set(text.match(/object-\d/g))
      const over = [...named].filter((name) => !failing.has(name))
      if (over.length > 0 && !/recovered/i.test(text)) throw new Error(`${over} is over, and red in ${text}`)
    }
    for (const name of failing) {
      const count = red.filter((text) => text.includes(name)).length
      if (count > 1 || (count === 0 && !isAnyDeleted)) throw new Error(`${name} has ${count} cards: ${live.map(shown)}`)
    }
    await world.relay.app.close()
    await api.close()
  })
  await fc.assert(property, { numRuns: Number(process.env['RUNS'] ?? 6), endOnFailure: true })
})
