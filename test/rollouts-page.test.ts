// docs/rollouts.md: the example of a company is checked, tested, explained and replayed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import { startReplay } from '../src/rehearsal/replay.ts'
import { companyEnvironment, readBlocks } from './fixtures/docs-page.ts'
import { wire } from './fixtures/events.ts'
import { run } from './fixtures/process.ts'
import { tempFolder } from './fixtures/relay.ts'

const block = readBlocks('rollouts.md')

t.test('the example of a company is checked, tested, explained and replayed', async (t) => {
  const { config, problems } = loadConfig(block('# acme.yaml'), 'page', companyEnvironment)
  t.strictSame(problems.map(formatProblem), [])
  if (config === undefined) return
  const folder = tempFolder(t)
  const file = join(folder, 'acme.yaml')
  const tests = join(folder, 'tests.yaml')
  const event = join(folder, 'event.json')
  writeFileSync(file, block('# acme.yaml'))
  writeFileSync(tests, block('# tests.yaml'))
  const tested = await run(['test', file, tests])
  t.equal(tested.code, 0, tested.out + tested.err)
  const involvedObject = { kind: 'Kustomization', namespace: 'web', name: 'shop' }
  const progress = { severity: 'info', reason: 'Progressing', message: 'Deployment/web/shop configured' } as const
  const metadata = { revision: 'main@sha1:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1' }
  writeFileSync(event, JSON.stringify(wire({ involvedObject, metadata, ...progress })))
  const explained = await run(['explain', file, event, '--source', 'prod-eu'])
  t.equal(explained.code, 0, explained.out + explained.err)
  t.match(explained.out, /rollouts is notified by rollouts/)
  t.match(explained.out, /main@731f7ea in `prod-eu`: 0 applied, 1 to come/)
  const replay = startReplay(config, config)
  for (const [index, source] of ['prod-eu', 'prod-us', 'staging'].entries()) {
    const receivedAt = Date.parse('2026-03-04T12:00:00Z') + index * 60_000
    const timestamp = new Date(receivedAt).toISOString()
    const body = JSON.stringify(wire({ involvedObject, metadata, timestamp, ...progress }))
    replay.add({ id: source, receivedAt, source, body, notifications: [] })
  }
  t.match(replay.summary(), { events: 3, changes: [] })
})
