// Commits: messages call a revision what its Git source called it.
import { pino } from 'pino'
import t from 'tap'
import { createCommits } from '../src/commits.ts'
import { normalise, type WireEvent } from '../src/events/flux.ts'
import { createClock } from './fixtures/clock.ts'
import { about, startRelay, tempFolder } from './fixtures/relay.ts'

const sha = 'a61e0c5d2f9b47718c3e6d05b1f2a4978de03c11'
const config = `
cluster: prod
destinations: { team: { slack: { webhookUrl: "$SLACK" } } }
rules: [{ name: failures, match: { kind: Kustomization }, send: team }]`

const stored = (subject: string, revision = sha): WireEvent => ({
  ...about('fleet', { severity: 'info', reason: 'NewArtifact', message: `stored artifact for commit '${subject}'` }),
  involvedObject: { kind: 'GitRepository', namespace: 'flux-system', name: 'fleet' },
  metadata: { revision: `main@sha1:${revision}` }
})
const failed = (name: string, metadata = {}) => about(name, { metadata: { revision: `main@sha1:${sha}`, ...metadata } })

t.test('a failure names its commit, even after a restart', async (t) => {
  const clock = createClock()
  const folder = tempFolder(t)
  const first = await startRelay(t, { config, clock, folder })
  await first.post({ ...stored('shop: new *checkout* <!here>'), timestamp: new Date(clock.now()).toISOString() })
  await first.post(failed('one'))
  await first.slack.until(({ accepted }) => accepted.length === 1)
  t.match(JSON.stringify(first.slack.accepted[0]?.body), 'main@a61e0c5')
  await first.post({
    ...failed('two'),
    message: 'another cause',
    metadata: { revision: `main@sha1:${'b'.repeat(40)}` }
  })
  await first.slack.until(({ accepted }) => accepted.length === 2)
  t.notMatch(JSON.stringify(first.slack.accepted[1]?.body), 'checkout', 'of another nobody knows')
  await first.app.close()
  const second = await startRelay(t, { config, clock, folder })
  const healthy = { severity: 'info', reason: 'ReconciliationSucceeded', message: 'done' } as const
  await second.post({
    ...failed('three'),
    ...healthy,
    metadata: { revision: `main@sha1:${'c'.repeat(40)}`, commit_status: 'update' }
  })
  await second.post(failed('three'))
  await second.slack.until(({ accepted }) => accepted.length === 1)
  t.match(JSON.stringify(second.slack.accepted[0]?.body), 'main@a61e0c5 _shop: new ∗checkout∗ &lt;!here&gt;_')
})

t.test('a source names only commits of its own cluster', async (t) => {
  const relay = await startRelay(t, { config: config.replace('cluster: prod\n', '') })
  await relay.post({ ...stored('evil'), metadata: { revision: `main@sha1:${sha}`, cluster: 'other' } })
  await relay.post(failed('one', { cluster: 'prod' }))
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.notMatch(JSON.stringify(relay.slack.accepted[0]?.body), 'evil')
})

t.test('with an endless number of clusters, those longest without a commit are forgotten', async (t) => {
  const records = { events: async () => ({ items: [], next: null }) }
  const commits = createCommits({ records, isShared: false, clock: createClock(), log: pino({ level: 'silent' }) })
  const of = (cluster: string, revision = sha) =>
    normalise(stored('shop', revision), { source: 'default', cluster, defaultCluster: '' }, 0)
  const revisions = Array.from({ length: 150 }, (_, n) => `${n}`.padStart(40, '0'))
  for (const revision of revisions) commits.note(of('prod', revision))
  for (let n = 0; n < 25_000; n++) {
    commits.note(of(`made up ${n}`))
    if (n % 1000 === 0) commits.note(of('prod'))
  }
  t.equal(commits.subjectOf(of('made up 0')), undefined)
  t.equal(commits.subjectOf(of('made up 24999')), 'shop')
  t.equal(commits.subjectOf(of('prod')), 'shop', 'one with commits stays')
  t.equal(commits.subjectOf(of('prod', revisions.at(-1))), 'shop', 'with those before')
  t.equal(commits.subjectOf(of('prod', revisions[0])), undefined, 'a hundred of them')
})
