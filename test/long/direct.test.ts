// Direct posts: come from Flux's controllers themselves (--events-addr), without notification-controller in between.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { WireEvent } from '../../src/events/flux.ts'
import { createClock } from '../fixtures/clock.ts'
import { fixture } from '../fixtures/events.ts'
import { startRelay, tempFolder } from '../fixtures/relay.ts'

const config = `
sources:
  default: { hmacKeys: [k] }
  direct: { cluster: prod-eu }
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, send: team }
  - { name: artifacts, match: { severity: info, kind: [HelmRelease, OCIRepository] }, send: team }
`
const path = '/webhook/direct'
const failed = fixture('kustomization-direct-failed')
const heartbeat = fixture('kustomization-direct-heartbeat')
const later = (event: WireEvent, timestamp: string, message = event.message) => ({ ...event, timestamp, message })

t.test('a failure and its end are sent once, however often the controller says them', async (t) => {
  const relay = await startRelay(t, { config })
  const { status, body } = await relay.post(failed, { path })
  t.match({ status, body }, { status: 202, body: { status: 'accepted', transition: 'failed' } })
  t.match((await relay.post(failed, { path })).body, { status: 'duplicate' }, 'the same bytes are a retry')
  for (const minute of ['02', '04', '06']) {
    const again = later(failed, `2026-08-02T11:${minute}:12Z`, failed.message.replace('2m0.01s', `2m0.${minute}s`))
    t.match((await relay.post(again, { path })).body, { transition: 'repeated', notifications: [] })
  }
  t.match((await relay.post(heartbeat, { path })).body, { transition: 'recovered' })
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  const [first, last] = relay.slack.accepted.map(({ text }) => text)
  t.match(first, /shop\/storefront[\s\S]*prod-eu/)
  t.match(first, /main@4f2c91d/)
  t.match(last, /4 times/)
  t.match(last, /main@c07d5a1/, 'the revision is known without its prefix')
  t.match((await relay.post(later(heartbeat, '2026-08-02T11:24:41Z'), { path })).body, { transition: 'heartbeat' })
})

t.test('tokens, digests and checksums are nowhere afterwards', async (t) => {
  const folder = tempFolder(t)
  const clock = createClock()
  const relay = await startRelay(t, { config, folder, clock })
  const events = ['helmrelease-direct', 'ocirepository-direct'].map(fixture)
  const internal = events.flatMap(({ metadata }) =>
    Object.entries(metadata ?? {}).flatMap(([key, value]) => (/(token|digest|checksum)$/.test(key) ? [value] : []))
  )
  t.equal(internal.length, 3)
  const answers: string[] = []
  for (const event of events) {
    const { body } = await relay.post(event, { path })
    answers.push(JSON.stringify(body))
    for (const page of [`/api/events/${body.id}`, `/events/${body.id}`, `/events/${body.id}/body`]) {
      const answer = await relay.get(page)
      t.equal(answer.status, 200, page)
      answers.push(answer.body)
    }
  }
  await relay.app.idle()
  clock.advance(10_000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'))
  const posted = relay.slack.received.map(({ text }) => text)
  for (const value of internal) {
    for (const text of [...answers, ...files, ...posted, ...relay.log]) t.notOk(text.includes(value), value)
  }
  const { body } = await relay.get('/api/events?kind=HelmRelease&body=true')
  const [event] = JSON.parse(body).events
  const kept = JSON.parse(event.body) as WireEvent
  const { 'helm.toolkit.fluxcd.io/token': _, ...metadata } = fixture('helmrelease-direct').metadata ?? {}
  t.strictSame(kept, { ...fixture('helmrelease-direct'), metadata }, 'and everything else is kept')
})

t.test('an event without any of them is stored byte for byte', async (t) => {
  const relay = await startRelay(t, { config })
  const text = JSON.stringify(failed, null, 3)
  const { body } = await relay.post(text, { path })
  t.equal(JSON.parse((await relay.get(`/api/events/${body.id}`)).body).body, text)
})

t.test('a controller is answered even if Slack is down, because its reconciliation waits for the answer', async (t) => {
  const relay = await startRelay(t, { config, clock: createClock() })
  relay.slack.behave('*', () => ({ is: 'hang' }))
  for (let n = 0; n < 20; n++) {
    const started = performance.now()
    const involvedObject = { ...failed.involvedObject, name: `app-${n}`, uid: `${n}` }
    t.equal((await relay.post({ ...failed, involvedObject }, { path })).status, 202)
    // The controller gives up after five seconds.
    t.ok(performance.now() - started < 2500)
  }
})

t.test('nobody can post unsigned where notification-controller signs', async (t) => {
  const relay = await startRelay(t, { config })
  t.equal((await relay.post(failed)).status, 401)
})
