// Pages that lead somewhere: every command that needs no cluster is run, and prints what the page shows.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { patternsOf, runStep, type Step, stepsOf } from './fixtures/commands.ts'
import { about, fluxEvent, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'

const root = join(import.meta.dirname, '..')
const started = readFileSync(join(root, 'docs', 'getting-started.md'), 'utf8')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const example = readFileSync(join(root, 'config.example.yaml'), 'utf8')
const port = (relay: Relay) => new URL(relay.url).port

/** What a checkout has, as far as the pages use it. */
function checkout(t: Test): string {
  const folder = tempFolder(t)
  for (const name of ['config.example.yaml', 'test']) symlinkSync(join(root, name), join(folder, name))
  return folder
}

/** Runs it and compares; a step of cluster commands is left out. */
async function follow(t: Test, step: Step, where: Parameters<typeof runStep>[1]): Promise<void> {
  const { code, out } = await runStep(step, where)
  t.equal(code, 0, `${step.section}: ${step.commands}${out}`)
  for (const pattern of step.shown === undefined ? [] : patternsOf(step.shown)) t.match(out, pattern, step.commands)
}

t.test('getting started: what needs no cluster does what the page says', async (t) => {
  const steps = stepsOf('getting-started.md')
  const local = steps.filter(({ needsCluster }) => !needsCluster)
  t.ok(local.length >= 8, `${local.length} blocks`)
  const folder = checkout(t)
  const first = await startRelay(t, { config: example })
  const [, mine = ''] = /Write `my\.yaml`:\n\n```yaml\n([\s\S]*?)```/.exec(started) ?? []
  writeFileSync(join(folder, 'my.yaml'), mine)
  const key = 'a-key-of-the-test'
  const second = await startRelay(t, {
    config: mine.replace('"${SLACK_PLATFORM_URL}"', '$SLACK').replace('${FLUX_HMAC_KEY}', key)
  })
  for (const step of local) {
    const script = /^(?:\w+=\S+ )?npm (?:run )?(start|demo)$/m.exec(step.commands)?.[1]
    if (script !== undefined) {
      t.ok(scripts[script], `npm run ${script}`)
      continue
    }
    const isMine = step.section.startsWith('3')
    const commands = step.commands.replace('https://hooks.slack.com/services/…', second.slack.url())
    const env = isMine ? { FLUX_HMAC_KEY: key } : {}
    await follow(t, { ...step, commands }, { folder, port: port(isMine ? second : first), env })
  }
  await second.slack.until(({ accepted }) => accepted.some(({ text }) => text.includes('ledger')))
})

const troubled = `
sources: { default: { hmacKeys: [k] }, open: {} }
destinations:
  platform: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, send: platform }
  - { name: deployments, match: { severity: [info] }, send: platform }
`

t.test('troubleshooting: what needs no cluster does what the page says', async (t) => {
  const folder = checkout(t)
  const relay = await startRelay(t, { config: troubled })
  const path = '/webhook/open'
  await relay.post(fluxEvent(), { path })
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  relay.slack.behave('*', () => ({ status: 400, body: 'invalid_blocks' }))
  await relay.post(about('cart'), { path })
  await relay.logged(/message given up/)
  relay.slack.calm('*')
  t.equal((await relay.post(fluxEvent())).status, 401)
  const { body } = JSON.parse((await relay.get('/api/events/1')).body)
  writeFileSync(join(folder, 'event.json'), body)
  writeFileSync(join(folder, 'better.yaml'), troubled.replace('"$SLACK"', relay.slack.url()))
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data', 'relay.db'), '')
  const steps = stepsOf('troubleshooting.md').filter(({ needsCluster }) => !needsCluster)
  t.ok(steps.length >= 12, `${steps.length} blocks`)
  for (const step of steps) await follow(t, step, { folder, port: port(relay), env: { H: 'accept: */*' } })
  await relay.slack.until(({ accepted }) => accepted.length === 2)
})

for (const page of ['configuration.md', 'templates.md', 'testing-rules.md']) {
  t.test(`${page}: the commands at its beginning do what the page says`, async (t) => {
    const steps = stepsOf(page)
    t.ok(steps.length > 0)
    for (const step of steps) await follow(t, step, { folder: checkout(t), port: '1' })
  })
}

const pages = ['README.md', 'deploy/README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]

t.test('every link between the pages leads to a page and a heading that exist', async (t) => {
  for (const page of pages.filter((name) => name.endsWith('.md'))) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file = '', anchor] = target.split('#')
      const path = file === '' ? join(root, page) : join(root, page, '..', file)
      t.ok(existsSync(path), `${page} → ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(path).includes(anchor), `${page} → ${target}`)
    }
  }
})

/** As GitHub makes them of headings. */
function anchorsOf(path: string): string[] {
  const headings = [...readFileSync(path, 'utf8').matchAll(/^##+ (.*)$/gm)].map(([, heading = '']) => heading)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-')
  )
}

t.test('the index has every page', async (t) => {
  const index = readFileSync(join(root, 'docs', 'README.md'), 'utf8')
  const names = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md')
  for (const name of names) t.ok(index.includes(`(${name})`), name)
  t.match(readFileSync(join(root, 'README.md'), 'utf8'), /\(docs\/README\.md\)/)
})

t.test('the README stays short enough to be read', async (t) => {
  t.ok(readFileSync(join(root, 'README.md'), 'utf8').split('\n').length < 170)
})
