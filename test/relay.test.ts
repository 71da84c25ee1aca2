// Relay: does its main job end to end: a real port, a real database file, a strict stand-in for Slack.
import { dirname } from 'node:path'
import t from 'tap'
import type { Payload } from '../src/render/slack/payload.ts'
import { toText } from '../src/render/slack/terminal.ts'
import { createClock } from './fixtures/clock.ts'
import { about, fluxEvent, openConfig, type Relay, startRelay } from './fixtures/relay.ts'

t.test('a failing Kustomization is one readable message in Slack', async (t) => {
  const relay = await startRelay(t, { clock: createClock() })
  const { status } = await relay.post({})
  t.equal(status, 202)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const payload = relay.slack.accepted[0]?.body as Payload
  t.equal(
    toText(payload),
    `🔴 apps/shop failed
kustomize build: shop: is a directory
Kustomization   BuildFailed   main@4f2c91d   2026-09-21 13:59 UTC`
  )
  await settled(relay)
  t.match(relay.log.join(''), /event accepted/, 'a line for the event')
  t.match(relay.log.join(''), /message sent/, 'and one for the message')
  t.notMatch(relay.log.join(''), /services\/T000/, 'the webhook is a secret')
})

t.test('messages arrive in the order of their events, one at a time', async (t) => {
  const relay = await startRelay(t, { slack: { latencyMs: 2 } })
  for (let n = 0; n < 20; n++) await relay.post(about(`app-${n}`, { reason: `Cause${n}` }))
  await relay.slack.until(({ accepted }) => accepted.length === 20)
  const names = relay.slack.accepted.map(({ text }) => /apps\/(app-\d+)/.exec(text)?.[1])
  t.same(
    names,
    Array.from({ length: 20 }, (_, n) => `app-${n}`)
  )
  t.equal(relay.slack.maxInFlight(), 1)
})

t.test('an outage delays messages, and loses and repeats none', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  relay.slack.behave('*', [{ status: 500, body: 'rollup_error' }, { is: 'reset' }, { is: 'html' }])
  await relay.post(about('first'))
  await relay.post(about('second'))
  for (let tries = 1; tries <= 3; tries++) {
    await relay.slack.until(({ received }) => received.length >= tries)
    await settled(relay)
    clock.advance(10_000)
  }
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  const texts = relay.slack.received.map(({ text }) => text)
  t.equal(texts.length, 5)
  t.equal(new Set(texts.slice(0, 4)).size, 1, 'the first message, word for word, until it went through')
  t.match(texts[4], /second/)
})

t.test('a rate limit is waited for to the second', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  relay.slack.behave('*', [{ is: 'rate-limited', retryAfterSeconds: 7 }])
  await relay.post({})
  await relay.slack.until(({ received }) => received.length === 1)
  await settled(relay)
  clock.advance(6999)
  t.equal(relay.slack.received.length, 1)
  // The stand-in counts real time.
  relay.slack.behave('*', [{ status: 200, body: 'ok' }])
  clock.advance(1)
  await relay.slack.until(({ received }) => received.length === 2)
})

t.test('a message Slack refuses is sent once more as plain text', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  relay.slack.behave('*', [{ status: 400, body: 'invalid_blocks' }])
  await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const payload = relay.slack.accepted[0]?.body as Payload
  t.equal(payload.blocks, undefined)
  t.match(payload.text, /apps\/shop[\s\S]*kustomize build: [\s\S]*Kustomization/)
  await settled(relay)
  const { next } = JSON.parse(relay.log.find((line) => line.includes('message postponed')) ?? '{}')
  t.equal(next, new Date(clock.now()).toISOString(), 'the log says when: at once')
})

t.test('a dead webhook blocks its lane: nothing is lost, and it is tried again after five minutes', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  relay.slack.behave('*', [{ status: 404, body: 'no_service' }])
  await relay.post(about('first'))
  await relay.slack.until(({ received }) => received.length === 1)
  await settled(relay)
  await relay.post(about('second'))
  clock.advance(5 * 60_000 - 1)
  t.equal(relay.slack.received.length, 1)
  clock.advance(1)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
})

t.test('what cannot be delivered for a day becomes a dead letter, and the next message is sent', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  relay.slack.behave('*', () => ({ status: 500 }))
  await relay.post(about('too-late'))
  await relay.slack.until(({ received }) => received.length === 1)
  await settled(relay)
  clock.advance(24 * 3_600_000)
  await relay.slack.until(({ received }) => received.length === 2)
  await settled(relay)
  relay.slack.calm('*')
  await relay.post(about('in-time', { timestamp: '2026-09-22T14:00:00Z' }))
  clock.advance(10_000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(relay.slack.accepted[0]?.text, /in-time/)
  t.match(relay.log.join(''), /not delivered within 24 hours.*dead letters/)
})

t.test('a restart continues where the last relay stopped, and keeps its pace', async (t) => {
  const clock = createClock()
  const config = openConfig.replace('perSecond: 50, burst: 100', 'perSecond: 1, burst: 2')
  const first = await startRelay(t, { clock, config })
  // One after the other: two that wait together would be gathered for a time that this clock never reaches.
  await first.post(about('one'))
  await first.slack.until(({ accepted }) => accepted.length === 1)
  await first.post(about('two', { reason: 'PruneFailed' }))
  await first.slack.until(({ accepted }) => accepted.length === 2)
  await first.post(about('three', { reason: 'HealthCheckFailed' }))
  await first.app.close()
  const folder = dirname(first.app.env.CONFIG_FILE)
  await startRelay(t, { clock, folder, config: config.replaceAll('$SLACK', first.slack.url()) })
  t.equal(first.slack.accepted.length, 2, 'the bucket does not start full again')
  clock.advance(1100)
  await first.slack.until(({ accepted }) => accepted.length === 3)
  t.match(first.slack.accepted[2]?.text, /three/)
})

t.test('a stop waits for the answer to the post under way', async (t) => {
  const relay = await startRelay(t)
  relay.slack.behave('*', [{ is: 'slow', ms: 300 }])
  await relay.post({})
  await relay.slack.until(({ received }) => received.length === 1)
  await relay.app.close()
  t.equal(relay.slack.accepted.length, 1)
  t.equal(relay.slack.accepted[0]?.answered, true)
  t.match(relay.log.join(''), /message sent/)
})

t.test('a storm is condensed: a handful of messages name every object', async (t) => {
  const relay = await startRelay(t, {
    slack: { perSecond: 1, burst: 4, latencyMs: 5 },
    config: openConfig.replace('perSecond: 50, burst: 100', 'perSecond: 1, burst: 3')
  })
  await Promise.all(Array.from({ length: 300 }, (_, n) => relay.post(about(`app-${n}`))))
  const named = () => new Set(relay.slack.accepted.flatMap(({ text }) => text.match(/app-\d+/g) ?? []))
  await relay.slack.until(() => named().size === 300)
  // However long posting takes on a busy machine, only one message a second is sent.
  t.ok(relay.slack.accepted.length < 30, `${relay.slack.accepted.length} messages`)
  t.equal(relay.slack.received.length, relay.slack.accepted.length, 'none refused')
})

t.test('of fifty destinations, one that hangs and one that is gone block no other', async (t) => {
  const names = Array.from({ length: 50 }, (_, n) => `team-${n}`)
  const config = `
destinations:
${names.map((name) => `  ${name}: { slack: { webhookUrl: "$SLACK/${name}" } }`).join('\n')}
rules: [{ name: all, match: { severity: info }, send: [${names.join(', ')}] }]`
  const relay = await startRelay(t, { config })
  relay.slack.behave('/services/T000/B000/secret/team-7', () => ({ is: 'hang' }))
  relay.slack.behave('/services/T000/B000/secret/team-8', () => ({ status: 404, body: 'no_service' }))
  await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 48)
  t.equal(new Set(relay.slack.accepted.map(({ path }) => path)).size, 48)
  await relay.slack.until(({ received }) => received.length === 50)
  // A stop would wait for the one that hangs.
  relay.slack.calm()
})

t.test('other receivers get the message in their own form, and any 2xx is success there', async (t) => {
  const config = `
destinations:
  chat: { slack: { webhookUrl: "$HOST/hooks/${'a'.repeat(26)}" } }
  plain: { slack: { webhookUrl: "$HOST/anywhere", dialect: text } }
rules: [{ name: all, match: { severity: info }, send: [chat, plain] }]`
  const relay = await startRelay(t, { config })
  relay.slack.behave('/anywhere', [{ status: 204, body: '' }])
  await relay.post({})
  await relay.logged(/message sent/, 2)
  const bodyAt = (path: string) => relay.slack.received.find((one) => one.path.startsWith(path))?.body
  t.match(bodyAt('/hooks/'), { text: /\*\*apps\/shop\*\* failed\nkustomize build: / })
  t.same(Object.keys(bodyAt('/anywhere') as object), ['text'])
})

t.test('a group is sent as one message when its first notification is due', async (t) => {
  const clock = createClock()
  const config = openConfig.replace('send:', 'group: { by: [cluster, revision], wait: 10s }, send:')
  const relay = await startRelay(t, { clock, config })
  await relay.post(about('one'))
  clock.advance(6000)
  await relay.post(about('two'))
  clock.advance(3999)
  t.equal(relay.slack.received.length, 0)
  clock.advance(1)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(relay.slack.accepted[0]?.text, /🔴 2 failing: .*\(Kustomization apps\/one and 1 more\)"/)
})

t.test('the end of a failure does not overtake its beginning that is still held', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, {
    clock,
    config: openConfig.replace('notify: every, send:', 'group: { by: [revision], wait: 10s }, send:')
  })
  const at = (seconds: number) => new Date(clock.now() + seconds * 1000).toISOString().replace('.000', '')
  const well = {
    severity: 'info' as const,
    reason: 'ReconciliationSucceeded',
    message: 'Reconciliation finished in 1s'
  }
  await relay.post(about('shop', { timestamp: at(-5) }))
  clock.advance(3000)
  await relay.post(about('shop', { ...well, timestamp: at(-1), metadata: { revision: 'main@sha1:new' } }))
  t.equal(relay.slack.received.length, 0)
  clock.advance(7000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  await relay.logged(/message sent/)
  clock.advance(3000)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.same(
    relay.slack.accepted.map(({ body }) => (body as Payload).text.split(' ', 1)[0]),
    ['🔴', '✅']
  )
})

t.test(
  'the operator is notified once that a webhook is dead and once that it works again, through another',
  async (t) => {
    const clock = createClock()
    const config = `
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$SLACK/ops" } }
operator: [team, ops]
rules: [{ name: all, match: { severity: info }, send: team }]`
    const relay = await startRelay(t, { clock, config })
    const to = (path: string) => relay.slack.accepted.filter((one) => one.path.endsWith(path))
    relay.slack.behave('/services/T000/B000/secret', [
      { status: 404, body: 'no_service' },
      { status: 404, body: 'no_service' }
    ])
    await relay.post(about('first'))
    await relay.slack.until(() => to('/ops').length === 1)
    await settled(relay, /message sent/)
    await relay.post(about('second'))
    clock.advance(5 * 60_000)
    await relay.slack.until(({ received }) => received.length === 3)
    await settled(relay, /destination rejects/)
    clock.advance(10 * 60_000)
    await relay.slack.until(() => to('/ops').length === 2 && to('/secret').length === 2)
    t.match(
      to('/ops')[0]?.text,
      /destination team takes no messages: Slack answers 404 no_service.*The webhook or its channel is gone/
    )
    t.match(
      to('/ops')[1]?.text,
      /destination team takes messages again after 15 m: 2 notifications waited and will be sent now/
    )
    t.same(
      to('/secret').map(({ text }) => /apps\/(\w+)/.exec(text)?.[1]),
      ['first', 'second']
    )
  }
)

t.test('a preview destination needs no Slack and shows what Slack would get', async (t) => {
  const relay = await startRelay(t, {
    config: 'destinations: { look: { preview: true } }\nrules: [{ name: all, match: { severity: info }, send: look }]'
  })
  await relay.post(fluxEvent())
  await settled(relay, /message sent/)
  const { messages } = JSON.parse((await relay.get('/api/preview/look')).body)
  t.match(messages, [
    { state: 'sent', text: [/🔴 apps\/shop failed/, /kustomize build: /, /^Kustomization {3}BuildFailed/] }
  ])
  t.match(relay.log.join(''), /message previewed/)
})

/** Waits until the outcome of one more post has been recorded. */
async function settled(
  relay: Relay,
  outcome = /message (sent|postponed|not delivered)|destination rejects/
): Promise<void> {
  const times = (settledTimes.get(relay) ?? 0) + 1
  await relay.logged(outcome, times)
  settledTimes.set(relay, times)
}
const settledTimes = new WeakMap<Relay, number>()
