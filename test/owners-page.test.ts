// docs/owners.md: fifty rules become one without a change, and the example of a company does what its tests say.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Config, loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import { startRehearsal } from '../src/rehearsal/rehearsal.ts'
import { startReplay } from '../src/rehearsal/replay.ts'
import { companyEnvironment, readBlocks } from './fixtures/docs-page.ts'
import { wire } from './fixtures/events.ts'
import { run } from './fixtures/process.ts'
import { tempFolder } from './fixtures/relay.ts'

const block = readBlocks('owners.md')

function load(text: string): Config {
  const { config, problems } = loadConfig(text, 'page', companyEnvironment)
  t.strictSame(problems.map(formatProblem), [], text)
  if (config === undefined) throw new Error('a faulty config')
  return config
}

const success = {
  severity: 'info',
  reason: 'ReconciliationSucceeded',
  message: 'Applied revision: main@sha1:b'
} as const
const at = Date.parse('2026-03-04T05:06:07Z')

/** A failure of an object in `namespace`, then its end, as a relay stores them. */
function stored(namespace: string, first: number) {
  return [{}, success].map((what, index) => {
    const receivedAt = at + first * 60_000 + index * 600_000
    const timestamp = new Date(receivedAt).toISOString()
    const body = JSON.stringify(
      wire({ involvedObject: { kind: 'Kustomization', namespace, name: 'app' }, timestamp, ...what })
    )
    return { id: `${namespace} ${index}`, receivedAt, source: 'default', body, notifications: [] }
  })
}

t.test('the rules before and the table after send the same notifications', async (t) => {
  const frame = `sources: { default: { hmacKeys: [k] } }
destinations: { payments: { preview: true }, search: { preview: true }, platform: { preview: true } }
`
  const [before, after] = [
    block('rules:\n  - { name: payments failures'),
    block('owners:\n  - { match: { namespace: "payments*" }')
  ]
  const events = ['payments', 'payments-eu', 'search', 'search-api', 'kube-system']
    .flatMap(stored)
    .toSorted((a, b) => a.receivedAt - b.receivedAt)
  const made = [after, before].map((text) => {
    const { config, problems } = loadConfig(frame + text, 'page', {})
    t.notOk(problems.some(({ isWarning }) => !isWarning))
    return config as Config
  }) as [Config, Config]
  const replay = startReplay(...made)
  for (const event of events) replay.add(event)
  const { events: count, changes } = replay.summary()
  t.equal(count, 10)
  // The page shows the deployments of one team of fifty: those of the others are the "49 more".
  t.strictSame(
    changes.map(({ destination, is }) => [destination, is]).filter(([destination]) => destination === 'payments'),
    []
  )
  for (const namespace of ['payments', 'search-api', 'shop']) {
    const [a, b] = made.map((config) =>
      startRehearsal(config)
        .receive(wire({ involvedObject: { kind: 'Kustomization', namespace, name: 'app' } }), at)
        .notifications.map(({ destination, view }) => [destination, view.says, view.mention])
    )
    t.strictSame(a, b, namespace)
  }
})

t.test('the table with a channel that events name is valid', async () => {
  const rest = `sources: { default: { hmacKeys: ["\${PROD_EU_KEY}"] } }
slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}" } }
destinations: { platform: { preview: true } }
rules: [{ name: failures, send: owner }]
`
  load(rest + block('owners:\n  - match:'))
})

t.test('the example of a company is checked, tested, explained and replayed', async (t) => {
  const config = load(block('# acme.yaml'))
  const folder = tempFolder(t)
  const [file, tests, event] = ['acme.yaml', 'tests.yaml', 'event.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string
  ]
  writeFileSync(file, block('# acme.yaml'))
  writeFileSync(tests, block('# tests.yaml'))
  const tested = await run(['test', file, tests])
  t.equal(tested.code, 0, tested.out + tested.err)
  const involvedObject = { kind: 'HelmRelease', namespace: 'search', name: 'api' }
  writeFileSync(
    event,
    JSON.stringify(wire({ involvedObject, metadata: { slack_channel: 'board', revision: '1.2.3' } }))
  )
  const explained = await run(['explain', file, event, '--source', 'prod-eu'])
  t.match(explained.out, /entry 2 of owners: acme:board is not among team-\*/)
  t.match(explained.out, /the owner is search, by entry 4 of owners \(namespace search, search-\*\)/)
  t.match(explained.out, /search is notified by errors \(failed\)/)
  const replay = startReplay(config, config)
  for (const each of stored('search', 0)) replay.add({ ...each, source: 'prod-eu' })
  t.match(replay.summary(), { events: 2, changes: [] })
})
