// A source speaks only for itself: for its own cluster and objects, never for another's.
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import type { WireEvent } from '../src/events/flux.ts'
import { createClock } from './fixtures/clock.ts'
import { fluxEvent, startRelay } from './fixtures/relay.ts'
import { startReplay } from './fixtures/replay.ts'

const config = `
sources: { prod: { cluster: prod-eu }, dev: {} }
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$HOST/services/T/B/ops" }, pace: { perSecond: 50, burst: 100 } }
operator: ops
rules:
  - { name: prod, match: { severity: info, cluster: prod-eu }, send: team }
  - { name: failures, match: { cluster: "*" }, send: team }`

const ready = { severity: 'info', reason: 'ReconciliationSucceeded', message: 'Reconciliation finished' } as const
const failed = (uid: string, at: number): WireEvent =>
  fluxEvent({
    involvedObject: { ...fluxEvent().involvedObject, uid },
    timestamp: new Date(at).toISOString()
  })
const works = (uid: string, at: number): WireEvent => ({ ...failed(uid, at), ...ready })

t.test("a source that claims another's cluster changes nothing there, and the operator is notified once", async (t) => {
  // Spellings that a rule or a human reader would take for the other cluster.
  const claims = ['prod-eu', ' prod-eu ', 'PROD-EU', 'prod\u200b-eu', 'ｐｒｏｄ-eu', 'prod-eu\ufe0f']
  claims.push('prod-eu\u034f', '\u115fprod-eu', 'prod-eu\u3164', 'prod\u17b4-eu', 'prod-eu\u180b', '\u2800prod-eu')
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  const posted = () => relay.slack.accepted.filter(({ path }) => path.endsWith('/ops'))
  await relay.post({}, { path: '/webhook/prod' })
  for (const cluster of claims) {
    clock.advance(1000)
    const timestamp = new Date(clock.now()).toISOString()
    const { body } = await relay.post({ ...ready, timestamp, metadata: { cluster } }, { path: '/webhook/dev' })
    t.notMatch(body.notifications, [{ rule: 'prod' }], JSON.stringify(cluster))
    t.not(body.transition, 'recovered')
  }
  const objects = JSON.parse((await relay.get('/api/objects?state=failing')).body).objects
  t.match(objects, [{ object: { cluster: 'prod-eu', name: 'shop' } }], 'it fails as before')
  const { events } = JSON.parse((await relay.get('/api/events?source=dev')).body)
  for (const { object } of events) t.equal(object.cluster, 'dev', 'what it posts counts as its own')
  await relay.slack.until(() => posted().length > 0)
  t.match(posted()[0]?.text, 'source dev claims cluster prod-eu, which source prod speaks for')
  clock.advance(60_000)
  await relay.app.idle()
  t.equal(posted().length, 1)
  t.match((await relay.get('/metrics')).body, `foreign_cluster_events_total{source="dev"} ${claims.length}`)
  const own = await relay.post({ metadata: { cluster: 'staging' } }, { path: '/webhook/dev' })
  t.equal(own.body.transition, 'failed', 'and is believed about a cluster that nobody else speaks for')
})

t.test("no slash in a name makes it an object of another source's cluster", async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config: config.replaceAll('prod-eu', 'eu/prod'), clock })
  await relay.post({}, { path: '/webhook/prod' })
  clock.advance(1000)
  const { kind = '', namespace = '', name = '' } = fluxEvent().involvedObject
  for (const involvedObject of [
    { kind: `prod/${kind}`, namespace, name },
    { kind: 'prod', namespace: `${kind}/${namespace}`, name },
    { kind: 'prod', namespace: kind, name: `${namespace}/${name}` }
  ]) {
    const posted = {
      ...ready,
      timestamp: new Date(clock.now()).toISOString(),
      metadata: { cluster: 'eu' },
      involvedObject
    }
    const { status, body } = await relay.post(posted, { path: '/webhook/dev' })
    t.match(
      { status, body },
      { status: 400, body: { code: 'BAD_EVENT', message: /involvedObject\.\w+ must not contain a slash/ } }
    )
  }
  const objects = JSON.parse((await relay.get('/api/objects?state=failing')).body).objects
  t.match(objects, [{ object: { cluster: 'eu/prod', name: 'shop' } }], 'it fails as before')
})

t.test("neither the cluster at the top of the file nor a source's own name is a way around this", async (t) => {
  const tricky = `cluster: prod-eu\n${config.replace('dev: {}', '"prod-us": {}, us: { cluster: prod-us }')}`
  const relay = await startRelay(t, { config: tricky, clock: createClock() })
  await relay.post({}, { path: '/webhook/prod' })
  await relay.post({}, { path: '/webhook/us' })
  await relay.post({}, { path: '/webhook/prod-us' })
  const { objects } = JSON.parse((await relay.get('/api/objects')).body)
  t.same(objects.map(({ object }: { object: { cluster: string } }) => object.cluster).sort(), [
    'prod-eu',
    'prod-us',
    'source:prod-us'
  ])
})

t.test('two sources of one cluster are both believed about it', async (t) => {
  const relay = await startRelay(t, {
    config: config.replace('dev: {}', 'dev: { cluster: prod-eu }'),
    clock: createClock()
  })
  await relay.post({}, { path: '/webhook/prod' })
  const { body } = await relay.post({ ...ready, timestamp: '2026-09-21T13:59:59Z' }, { path: '/webhook/dev' })
  t.equal(body.transition, 'recovered')
})

t.test('several sources without a cluster are refused, with what to write instead', async (t) => {
  const problems = (sources: string, more = '') =>
    loadConfig(
      `${more}\nsources: ${sources}\ndestinations: { a: { preview: true } }\nrules: [{ name: a, send: a }]`,
      'c.yaml',
      {}
    )
  const { config, problems: found } = problems(
    '{ a: { tokens: [x] }, b: { tokens: [y], cluster: b }, c: { tokens: [z] } }'
  )
  t.equal(config, undefined)
  t.match(
    found.filter(({ isWarning }) => !isWarning),
    [{ message: /names no cluster, nor does "a": .*write `cluster:` with the name of its cluster/ }]
  )
  t.ok(problems('{ a: {}, b: { cluster: b } }').config, 'one may do without')
  const warned = problems('{ a: {}, b: { cluster: prod } }', 'cluster: prod')
  t.ok(warned.config)
  t.match(JSON.stringify(warned.problems), /`cluster: prod` is that of \\"b\\"/)
  const named = problems('{ a: { cluster: prod }, b: { cluster: dev } }', 'cluster: prod')
  t.notMatch(JSON.stringify(named.problems), /names no cluster/, 'not if each names its own')
})

const toAll = `
destinations: { team: { preview: true } }
rules: [{ name: failures, match: { severity: error }, send: team }]`
const start = Date.parse('2026-09-21T12:00:00Z')
const minute = 60_000

t.test("two clusters with look-alike names never end each other's failures", async (t) => {
  const replay = startReplay(toAll)
  for (let n = 0; n < 5; n++) {
    replay.receive(failed('a', start + 10 * n * minute))
    replay.receive(works('b', start + (10 * n + 1) * minute))
  }
  t.same(
    replay.said.map(({ says }) => says),
    ['failed'],
    'it still fails'
  )
  t.ok([...replay.memory.values()][0]?.failure, 'and is shown as failing')
  replay.receive(works('a', start + 100 * minute))
  t.same(
    replay.said.map(({ says }) => says),
    ['failed', 'recovered']
  )
  t.equal([...replay.memory.values()][0]?.failure, undefined)
})

t.test('an object that was created anew starts without a history', async (t) => {
  const replay = startReplay(toAll)
  replay.receive(failed('a', start))
  replay.receive(works('b', start + minute))
  t.equal([...replay.memory.values()][0]?.failure, undefined, 'what failed is gone')
  replay.receive(failed('b', start + 2 * minute))
  replay.receive({ ...works('b', start + 3 * minute), involvedObject: { ...fluxEvent().involvedObject, uid: '' } })
  t.same(
    replay.said.map(({ says }) => says),
    ['failed', 'failed', 'recovered'],
    'also by an event that does not say its uid'
  )
})

t.test('however many clusters look alike, what is remembered of them is bounded', async (t) => {
  const replay = startReplay(toAll)
  for (let n = 0; n < 50; n++) replay.receive(failed(`uid-${n % 10}`, start + n * minute))
  const [memory] = [...replay.memory.values()]
  t.ok((memory?.others?.length ?? 0) <= 3)
  for (const other of memory?.others ?? []) t.equal(other.others, undefined)
})

t.test('the operator is notified once that two clusters look alike, and what to do', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  const posted = () => relay.slack.accepted.filter(({ path }) => path.endsWith('/ops'))
  for (const uid of ['a', 'b']) await relay.post(works(uid, clock.now()), { path: '/webhook/prod' })
  t.equal(posted().length, 0, 'it may have been created anew')
  for (const uid of ['a', 'b', 'a']) {
    clock.advance(1000)
    await relay.post(works(uid, clock.now()), { path: '/webhook/prod' })
  }
  await relay.slack.until(() => posted().length > 0)
  t.match(posted()[0]?.text, /source prod speaks for two clusters that look like one.*eventMetadata/s)
  clock.advance(60_000)
  await relay.app.idle()
  t.equal(posted().length, 1)
})

t.test('a key that opens two clusters, and a pattern in place of a cluster, cause warnings', async (t) => {
  const config = (one: string, two: string) => `
sources:
  a: { ${one} }
  b: { ${two} }
destinations: { look: { preview: true } }
rules: [{ name: all, send: look }]`
  const said = (one: string, two: string) =>
    loadConfig(config(one, two), 'config.yaml', { KEY: 'k3y-of-both', SAME: 'k3y-of-both\n', OTHER: 'another' })
      .problems
  t.match(said('hmacKeys: ["${KEY}"], cluster: prod', 'tokens: ["${OTHER}", "${SAME}"], cluster: dev'), [
    { line: 4, isWarning: true, message: /is a key of "a" as well: whoever has it can post as either; .* at line 3$/ }
  ])
  t.same(said('hmacKeys: ["${KEY}"], cluster: prod', 'hmacKeys: ["${OTHER}"], cluster: dev'), [])
  t.same(said('hmacKeys: ["${KEY}"], cluster: prod', 'tokens: ["${KEY}"], cluster: prod'), [], 'one cluster')
  t.match(said('hmacKeys: ["${KEY}"], cluster: prod', 'hmacKeys: ["${OTHER}"], cluster: "dev-*"'), [
    { line: 4, isWarning: true, message: /is the name of one cluster, and no pattern/ }
  ])
})
