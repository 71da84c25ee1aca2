// Guides of the documentation: run as written: every command that needs no cluster prints what the page shows.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { localSteps, patternsOf, runStep, type Step, stepsOf } from '../fixtures/commands.ts'
import { containerIn, inContainer } from '../fixtures/pod.ts'
import { run } from '../fixtures/process.ts'
import { about, fluxEvent, type Relay, startRelay, tempFolder } from '../fixtures/relay.ts'

const root = join(import.meta.dirname, '..', '..')
const started = readFileSync(join(root, 'docs', 'getting-started.md'), 'utf8')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const example = readFileSync(join(root, 'config.example.yaml'), 'utf8')
const port = (relay: Relay) => new URL(relay.url).port

/** What a checkout contains, as far as the pages use it. */
function checkout(t: Test): string {
  const folder = tempFolder(t)
  for (const name of ['config.example.yaml', 'test']) symlinkSync(join(root, name), join(folder, name))
  return folder
}

/** Runs a step and compares the output. A step that starts a lasting relay, or the tests, is only looked up. */
async function follow(t: Test, step: Step, where: Parameters<typeof runStep>[1]): Promise<void> {
  const script = /^(?:\w+=\S+ |npm ci && )?npm (?:run )?(start|demo|test)$/m.exec(step.commands)?.[1]
  if (script !== undefined) return void t.ok(scripts[script], `npm run ${script}`)
  const { code, out } = await runStep(step, where)
  t.equal(code, 0, `${step.section}: ${step.commands}${out}`)
  for (const pattern of step.shown === undefined ? [] : patternsOf(step.shown)) t.match(out, pattern, step.commands)
}

t.test('getting started: the steps without a cluster do what the page says', async (t) => {
  const local = localSteps('docs/getting-started.md')
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
    const isMine = step.section.startsWith('3')
    const commands = step.commands.replace('https://hooks.slack.com/services/…', second.slack.url())
    const env = isMine ? { FLUX_HMAC_KEY: key } : {}
    await follow(t, { ...step, commands }, { folder, port: port(isMine ? second : first), env })
  }
  await second.slack.until(({ accepted }) => accepted.some(({ text }) => text.includes('ledger')))
})

const troubled = `
sources: { default: { hmacKeys: [k] }, open: { cluster: open } }
destinations:
  platform: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, send: platform }
  - { name: deployments, match: { severity: [info] }, send: platform }
`

t.test('troubleshooting: the steps without a cluster do what the page says', async (t) => {
  const folder = checkout(t)
  const relay = await startRelay(t, { config: troubled })
  const path = '/webhook/open'
  await relay.post(fluxEvent(), { path })
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  relay.slack.behave('*', () => ({ status: 400, body: 'invalid_blocks' }))
  await relay.post(about('cart'), { path })
  await relay.logged(/message not delivered/)
  relay.slack.calm('*')
  t.equal((await relay.post(fluxEvent())).status, 401)
  writeFileSync(join(folder, 'better.yaml'), troubled.replace('"$SLACK"', relay.slack.url()))
  const steps = localSteps('docs/troubleshooting.md')
  t.ok(steps.length >= 12, `${steps.length} blocks`)
  for (const step of steps) await follow(t, step, { folder, port: port(relay), env: { H: 'accept: */*' } })
  await relay.slack.until(({ accepted }) => accepted.length === 2)
})

const ofConfig = ['README.md', 'docs/configuration.md', 'docs/testing-rules.md']

t.test('the README and the pages on the config file: the steps that need nothing more do what they say', async (t) => {
  const folder = checkout(t)
  const config = example.replace('destinations:\n', 'destinations:\n  platform: { preview: true }\n')
  const relay = await startRelay(t, { config })
  const testing = readFileSync(join(root, 'docs', 'testing-rules.md'), 'utf8')
  for (const [, text = '', name = ''] of testing.matchAll(/```yaml\n(# (\S+)\n[\s\S]*?)```/g)) {
    writeFileSync(join(folder, name), text)
  }
  for (const page of ofConfig) {
    const steps = localSteps(page)
    t.ok(steps.length > 0, page)
    for (const step of steps) await follow(t, step, { folder, port: port(relay) })
  }
})

const busy = `
sources: { default: { hmacKeys: [k] }, open: { cluster: open } }
destinations:
  team-a: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules: [{ name: failures, send: team-a }]
`

t.test('keeping it running: the steps in a container do what the page says', async (t) => {
  const folder = tempFolder(t)
  const env = containerIn(folder)
  for (const name of ['data', 'relay']) mkdirSync(join(folder, name))
  const relay = await startRelay(t, {
    config: busy,
    env: { DATABASE_URL: `sqlite:${join(folder, 'data', 'relay.db')}` }
  })
  writeFileSync(join(folder, 'relay', 'config.yaml'), busy.replace('$SLACK', relay.slack.url()))
  writeFileSync(join(folder, 'event.json'), JSON.stringify(fluxEvent()))
  const answers = [
    { status: 400, body: 'invalid_blocks' },
    { status: 503, body: 'later' }
  ]
  relay.slack.behave('*', () => answers[0] ?? { status: 404, body: 'no_service' })
  await relay.post(fluxEvent(), { path: '/webhook/open' })
  await relay.logged(/message not delivered/)
  answers.shift()
  await relay.post(about('cart'), { path: '/webhook/open' })
  await relay.logged(/message postponed/)
  relay.slack.calm('*')
  t.equal((await relay.post(fluxEvent())).status, 401)
  writeFileSync(join(folder, 'relay.log'), relay.log.join(''))
  const [asItIs, ...steps] = stepsOf('docs/operations.md').map((step) => inContainer(step, folder))
  const [inThisShell = ''] = asItIs?.commands.split('\n') ?? []
  t.match(inThisShell, /^flux-relay\(\) \{ .* \}$/)
  let isStopped = false
  for (const step of steps) {
    // test/servers.test.ts covers what an unavailable database leaves in the log.
    if (step.commands.includes('grep -i database')) continue
    if (step.section === 'Restore' && !isStopped) {
      await relay.slack.until(({ accepted }) => accepted.length === 2)
      await relay.app.close()
      isStopped = true
    }
    const { code, out } = await runStep(
      { ...step, commands: `${inThisShell}\n${step.commands}` },
      { folder, port: port(relay), env }
    )
    // `flux-relay status` fails unless all is well.
    const isSaying = step.commands.startsWith('flux-relay status')
    t.ok(code === 0 || (isSaying && code === 1), `${step.section}: ${step.commands}${out}`)
    for (const pattern of step.shown === undefined ? [] : patternsOf(step.shown)) t.match(out, pattern, step.commands)
  }
  t.ok(isStopped && steps.length >= 16, `${steps.length} blocks`)
  t.match(parse(readFileSync(join(folder, 'applied.yaml'), 'utf8')), { kind: 'Pod' })
})

t.test('Docker alone: the steps in a container do what the page says', async (t) => {
  const folder = checkout(t)
  const key = 'a-key-of-the-test'
  const [, mine = ''] = /Write `my\.yaml`:\n\n```yaml\n([\s\S]*?)```/.exec(started) ?? []
  const relay = await startRelay(t, {
    config: mine.replace('"${SLACK_PLATFORM_URL}"', '$SLACK').replace('${FLUX_HMAC_KEY}', key)
  })
  mkdirSync(join(folder, 'relay'))
  writeFileSync(join(folder, 'relay', 'config.yaml'), mine)
  const env = { ...containerIn(folder), FLUX_HMAC_KEY: key }
  const steps = stepsOf('docs/docker.md').filter(({ commands }) => !commands.includes('kubectl'))
  t.ok(steps.length >= 5, `${steps.length} blocks`)
  for (const step of steps) {
    const { commands } = inContainer(step, folder)
    const here = commands
      .replace('https://hooks.slack.com/services/…', relay.slack.url())
      .replace('FLUX_HMAC_KEY="$(openssl rand -hex 32)"', '')
      // `flux-relay status` fails unless all is well.
      .replace(/(flux-relay status)$/m, '$1 || test $? = 1')
    const shown = step.shown?.replaceAll('/etc/flux-relay/', `${folder}/relay/`)
    await follow(t, { ...step, commands: here, shown }, { folder, port: port(relay), env })
  }
  await relay.slack.until(({ accepted }) => accepted.some(({ text }) => text.includes('ledger')))
})

// test/slack-app-page.test.ts follows the page on the Slack app.
const followed = [...ofConfig, 'docs/getting-started.md', 'docs/troubleshooting.md', 'docs/slack-app.md']
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'deploy/README.md', 'deploy/chart/README.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
]

t.test('every command of every page is run here, says what it needs, or is a script of package.json', async (t) => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    const [, ...hidden] = text.replace(/^ *```[\s\S]*?^ *```$/gm, '').split(/\n\n(?= {4}\S)/)
    t.strictSame(hidden, [], `${page}: commands stand in a block of their own`)
    if (followed.includes(page)) continue
    for (const { commands } of localSteps(page).filter(({ section }) => section !== 'Placeholders')) {
      for (const line of commands.trim().split('\n')) {
        const [, script] = /^npm (?:run (?:-s )?)?([\w:]+)/.exec(line) ?? []
        const [, file] = /^npx node (\S+)/.exec(line) ?? []
        // Its commands and options are looked up below.
        if (line.startsWith('npx flux-relay ')) continue
        const isThere = file === undefined ? script === 'ci' || (script ?? '') in scripts : existsSync(join(root, file))
        t.ok(isThere, `${page}: ${line}`)
      }
    }
  }
})

t.test('there is one placeholder for each unknown address, and one command replaces them all', async (t) => {
  const folder = tempFolder(t)
  const theirs = ['.ci', 'README.md', 'Dockerfile', 'deploy', 'docs', 'test/fixtures/alerts.yaml']
  for (const name of theirs) cpSync(join(root, name), join(folder, name), { recursive: true })
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.png'))
    .map((entry) => join(entry.parentPath, entry.name))
  const addresses = () =>
    new Set(
      files
        .filter((file) => !file.endsWith('release.md'))
        .flatMap(
          (file) =>
            readFileSync(file, 'utf8').match(
              /(?:https:\/\/)?[a-z0-9-]+\.[a-z0-9.]+(?::\d+)?\/[\w/]*flux-relay\b(?! created$)/gm
            ) ?? []
        )
    )
  t.strictSame(addresses(), new Set(['https://github.com/acme/flux-relay', 'registry.example.com/flux-relay']))
  const [step] = stepsOf('docs/release.md').filter(({ section }) => section === 'Placeholders')
  const commands = `git init -q && git add . && ${step?.commands}`
    .replace('REPOSITORY=https://github.com/acme', 'REPOSITORY=https://git.example.org/tools')
    .replace('IMAGE=registry.example.com', 'IMAGE=images.example.org:5000/ops')
  const { code, out } = await runStep(
    { section: '', commands, shown: undefined, needsMore: false },
    { folder, port: '0' }
  )
  t.equal(code, 0, out)
  t.strictSame(
    addresses(),
    new Set(['https://git.example.org/tools/flux-relay', 'images.example.org:5000/ops/flux-relay'])
  )
})

t.test('every script, command and option that a page names exists', async (t) => {
  const helps = new Map<string, Promise<string>>()
  const helpOf = (command: string): Promise<string> => {
    const known = helps.get(command) ?? run([...command.split(' '), '--help']).then(({ out }) => out)
    helps.set(command, known)
    return known
  }
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8').replaceAll('\\\n', ' ')
    for (const [, script = ''] of text.matchAll(/\bnpm run (?:-s )?([\w:]+)/g))
      t.ok(script in scripts, `${page}: ${script}`)
    const calls = text.matchAll(/(?:[`|]|^|\$ )(?:npx )?flux-relay ([a-z]+(?: (?:add|list|expire))?)\b([^`|\n]*)/gm)
    for (const [call, command = '', rest = ''] of calls) {
      const help = await helpOf(command)
      t.match(help, new RegExp(`^Usage: flux-relay ${command}\\b`), `${page}: ${call}`)
      for (const [option] of rest.matchAll(/(?<= )--[a-z][\w-]*/g))
        t.ok(help.includes(`${option} `), `${page}: ${call}`)
    }
  }
  t.ok(helps.size >= 8, [...helps.keys()].join())
})

t.test('every link between the pages leads to an existing page and heading', async (t) => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file = '', anchor] = target.split('#')
      const path = file === '' ? join(root, page) : join(root, page, '..', file)
      t.ok(existsSync(path), `${page} → ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(path).includes(anchor), `${page} → ${target}`)
    }
  }
})

/** The anchors that GitHub makes of headings. */
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
  t.ok(readFileSync(join(root, 'README.md'), 'utf8').trimEnd().split('\n').length <= 90)
})
