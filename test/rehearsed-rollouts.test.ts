// Rehearsed rollouts: `test`, `replay` and `explain` wait as a relay does, and attribute each post to the event it is about.
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { startRehearsal } from '../src/rehearsal/rehearsal.ts'
import { startReplay } from '../src/rehearsal/replay.ts'
import { runTest } from '../src/rehearsal/run-test.ts'
import { loadTests } from '../src/rehearsal/tests-file.ts'
import { composeOne } from '../src/render/compose/message.ts'
import { fc } from './fixtures/fc.ts'
import { commit as of, startFleet, webhookConfig } from './fixtures/rollouts.ts'
import { configOf, start, startStoreRelay, storesFor } from './fixtures/store-relay.ts'
import { applied, commit, deleted, failed, git, oci, released } from './fixtures/v1.ts'

const rule = 'name: rollouts, match: { severity: info, kind: [Kustomization, HelmRelease] }, as: rollout, send: feed'
const webhook = `
cluster: prod
sources: { default: { tokens: [t] }, eu: { tokens: [e], cluster: prod-eu } }
destinations: { feed: { slack: { webhookUrl: https://hooks.slack.com/services/T/B/feed } } }
rules: [{ ${rule} }]
`
const cards = `${webhook}slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}" } }\n`.replace(
  /slack: \{ webhookUrl.*feed \}/,
  'slack: { app: acme, channel: C000000F }'
)
const byRevision = webhook.replace('as: rollout', 'as: rollout, by: [revision], settle: 5m')

function failuresOf(config: string, steps: readonly string[]): string[] {
  const loaded = configOf(config)
  const text = `tests:\n  - name: story\n    event: { namespace: apps }\n    steps:\n${steps.map((step) => `      - { ${step} }`).join('\n')}`
  const { tests, problems } = loadTests(text, 'tests.yaml', { config: loaded, read: () => '' })
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return tests.flatMap((test) => runTest(test, loaded).map(({ message, because }) => [message, ...because].join(': ')))
}

const was = (name: string) => `event: { name: ${name}, heartbeat: true, revision: "${commit('a')}" }, expect: []`
const is = (name: string, more = '') =>
  `event: { name: ${name}, heartbeat: true, revision: "${commit('b')}" }, expect: [${more}]`

t.test('a rollout that settles is expected of the step that began it', async (t) => {
  const steps = [
    ...[was('shop'), was('cart')],
    `after: 5m, ${is('shop', '{ destination: feed, text: ["2 applied", "apps/shop, apps/cart"] }')}`,
    `after: 30s, ${is('cart')}`
  ]
  t.same(failuresOf(webhook, steps), [])
})

t.test('each cluster has a rollout of its own, unless the rule counts by revision alone', async (t) => {
  const inBoth = (one: string, other: string) => [
    ...['dev', 'prod'].map((cluster) => was(`shop, cluster: ${cluster}`)),
    `after: 5m, ${is('shop, cluster: dev', one)}`,
    `after: 10s, ${is('shop, cluster: prod', other)}`
  ]
  const each = '{ destination: feed, text: "1 applied" }'
  const byBoth = webhook.replace('as: rollout', 'as: rollout, by: [revision, cluster]')
  t.same(failuresOf(webhook, inBoth(each, each)), [])
  t.same(failuresOf(byBoth, inBoth(each, each)), [])
  t.same(failuresOf(byRevision, inBoth('{ destination: feed, text: "2 applied" }', '')), [])
})

t.test('a failure is reported at once, of the step that causes it, and the rest when it has settled', async (t) => {
  const fails = `event: { name: cart, reason: HealthCheckFailed, revision: "${commit('b')}" }`
  const steps = [
    ...[was('shop'), was('cart'), was('mail')],
    `after: 5m, ${is('shop')}`,
    `after: 30s, ${fails}, expect: [{ destination: feed, text: "1 applied, 1 fails, 1 to come" }, { destination: feed, text: "2 applied, 1 fails" }]`,
    `after: 30s, ${is('mail')}`
  ]
  t.same(failuresOf(webhook, steps), [])
})

t.test('a card is shown as it is after its first seconds', async (t) => {
  const steps = [
    ...[was('shop'), was('cart')],
    `after: 5m, ${is('shop', '{ destination: feed, text: "1 applied, 1 to come" }')}`,
    `after: 30s, ${is('cart')}`
  ]
  t.same(failuresOf(cards, steps), [])
})

t.test('a test that expects it of another step is told which step it belongs to', async (t) => {
  const [missing, surplus] = failuresOf(webhook, [
    ...[was('shop'), was('cart')],
    `after: 5m, ${is('shop')}`,
    `after: 30s, ${is('cart', 'feed')}`
  ]).toSorted()
  t.match(surplus ?? '', /feed is notified by rollouts/)
  t.match(
    missing ?? '',
    /feed is not notified: rollouts does not notify: counted as applied in the rollout of main@bbbbbbb/
  )
})

const [a, b] = [commit('a'), commit('b')]
const says = (reason: string, severity: 'info' | 'error' = 'info') => ({
  ...applied('shop', b),
  ...{ reason, severity, message: reason, metadata: { revision: b } }
})
const counted = (as: string) => `counted as ${as} in the rollout of main@bbbbbbb`
const ofChart = (as: string) => `counted as ${as} in what is rolled out in its cluster`
const nothing = 'it says nothing of a rollout'
const traces: readonly [
  what: string,
  before: ReturnType<typeof applied>[],
  ReturnType<typeof applied>,
  because: string
][] = [
  ['has applied', [applied('shop', a)], applied('shop', b), counted('applied')],
  ['the first heartbeat ever', [], applied('shop', b), counted('applied')],
  ['a heartbeat', [applied('shop', b)], applied('shop', b), 'a heartbeat: nothing new'],
  ['has begun', [applied('shop', a)], says('Progressing'), counted('on its way')],
  ['waits for another', [applied('shop', a)], says('DependencyNotReady'), counted('on its way')],
  ['a check that was given up', [applied('shop', a)], says('HealthCheckCanceled'), nothing],
  ['fails', [applied('shop', a)], failed('shop', b), counted('failing')],
  ['still fails', [failed('shop', b)], failed('shop', b), counted('failing')],
  ['works again', [failed('shop', b)], applied('shop', b), counted('applied')],
  [
    'the last step',
    [failed('shop', b)],
    { ...says('Progressing'), message: 'Health check passed in 2s' },
    counted('applied')
  ],
  [
    'the last step of what works',
    [applied('shop', a)],
    { ...says('Progressing'), message: 'Health check passed in 2s' },
    counted('applied')
  ],
  [
    'a harmless warning',
    [applied('shop', b)],
    says('ArtifactVerificationFailed', 'error'),
    'it says nothing of the state of its object'
  ],
  ['is gone', [applied('shop', b)], deleted('shop', 'ReconciliationSucceeded', b), counted('gone')],
  ['news', [applied('shop', a)], says('ArtifactUpToDate'), nothing],
  ['a chart', [released('shop', '1.0.0')], released('shop', '1.1.0'), ofChart('applied')],
  [
    'a chart that is given up for a newer one',
    [],
    { ...released('shop', '1.1.0', undefined, 'x'), reason: 'HealthCheckCanceled' },
    ofChart('on its way')
  ],
  ['a chart that fails', [], released('shop', '1.1.0', undefined, 'timed out'), ofChart('failing')],
  [
    'a source',
    [],
    { ...applied('shop', b), involvedObject: { kind: 'GitRepository', namespace: 'apps', name: 'shop' } },
    'a GitRepository applies nothing: what is made of it counts'
  ]
]

t.test('the trace of an event says what it counts as in a rollout', async (t) => {
  const config = configOf(webhook.replace(', kind: [Kustomization, HelmRelease]', ''))
  for (const [what, before, wire, because] of traces) {
    const { receive } = startRehearsal(config)
    let now = start
    for (const event of before) receive({ ...event, timestamp: new Date(now).toISOString() }, now)
    now += 60_000
    const { trace } = receive({ ...wire, timestamp: new Date(now).toISOString() }, now)
    t.same(
      trace.quiet.map((entry) => entry.because),
      [because],
      what
    )
  }
})

const names = ['shop', 'cart', 'mail', 'dns']
const source: Record<string, ReturnType<typeof git>> = { shop: git('fleet'), cart: git('fleet'), dns: git('infra') }
const histories = fc.array(
  fc.record({
    afterS: fc.constantFrom(1, 2, 5, 30, 119, 130, 400),
    name: fc.constantFrom(...names),
    does: fc.constantFrom('applied', 'applied', 'failed', 'released', 'release fails'),
    revision: fc.constantFrom('a', 'b', 'c'),
    cluster: fc.constantFrom('default', 'eu'),
    isV1: fc.boolean()
  }),
  { minLength: 1, maxLength: 16 }
)

for (const [kind, config] of Object.entries({ webhook, cards, 'by revision': byRevision })) {
  t.test(`in any sequence, a rehearsal says what a store does: ${kind}`, async (t) => {
    const { sqlite } = storesFor(t)
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const relay = await startStoreRelay(t, await sqlite(t), config)
        const { receive, end } = startRehearsal(configOf(config))
        const came: ReturnType<typeof receive>[] = []
        for (const { afterS, name, does, revision, cluster, isV1 } of history) {
          await relay.pass(afterS)
          const related = isV1 ? (does.startsWith('release') ? (source[name] ?? oci(name)) : source[name]) : undefined
          const error = does === 'release fails' ? 'timed out' : undefined
          const wire = does.startsWith('release')
            ? released(name, `1.0.${revision}`, related, error)
            : (does === 'failed' ? failed : applied)(name, commit(revision), related)
          const now = start + relay.now() * 1000
          const event = { ...wire, timestamp: new Date(now).toISOString() }
          came.push(receive(event, now, cluster))
          await relay.post(event, cluster)
        }
        await relay.pass(30)
        await relay.pass(1000)
        end()
        const rehearsed = came.flatMap(({ notifications }) => notifications.map(({ view }) => composeOne(view).text))
        const said = relay.rollouts.map(({ text }) => text)
        if (rehearsed.toSorted().join('\n') !== said.toSorted().join('\n')) {
          throw new Error(`rehearsed\n${rehearsed.join('\n')}\nsaid\n${said.join('\n')}`)
        }
      }),
      { numRuns: 15 }
    )
  })
}

t.test('a replay with the same file finds no changes', async (t) => {
  const fleet = await startFleet(t, webhookConfig())
  for (const name of ['shop', 'cart', 'mail']) await fleet.apply('eu', name, of('a'))
  await fleet.pass(5 * 60_000)
  await fleet.begin('eu', 'shop', of('b'))
  await fleet.pass(20_000)
  await fleet.apply('eu', 'shop', of('b'))
  await fleet.fail('eu', 'cart', of('b'))
  await fleet.pass(30_000)
  await fleet.release('eu', 'podinfo', '6.5.1')
  await fleet.apply('eu', 'mail', of('b'))
  await fleet.pass(5 * 60_000)
  await fleet.apply('eu', 'cart', of('b'))
  await fleet.pass(5 * 60_000)
  t.equal(fleet.texts().length, 3)
  const { events } = JSON.parse((await fleet.relay.get('/api/events?order=asc&limit=500&body=true')).body)
  const file = webhookConfig().replaceAll('$SLACK', 'https://hooks.slack.com/services/T/B/feed')
  const { config } = loadConfig(file.replaceAll('$HOST', 'https://hooks.slack.com'), 'c.yaml', {})
  if (config === undefined) throw new Error('the config of the test is not right')
  const { add, summary } = startReplay(config)
  for (const event of events) add({ ...event, receivedAt: Date.parse(event.receivedAt) })
  t.same(summary().changes, [])
})
