// Documentation: shows what the relay does.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type parse, parseAllDocuments, stringify } from 'yaml'
import { loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import type { WireEvent } from '../src/events/flux.ts'
import { verify } from '../src/events/signature.ts'
import { toText } from '../src/render/slack/terminal.ts'
import { meanings } from '../src/slack-api/words.ts'
import { programsIn } from '../tools/run.ts'
import { composed } from './fixtures/composed.ts'
import { wire } from './fixtures/events.ts'
import { run } from './fixtures/process.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs', 'templates.md'), 'utf8')
const sections = page.split(/^##? /m).slice(1)

const frame = `
sources: { default: { hmacKeys: ["\${KEY}"] } }
destinations: { platform: { preview: true } }
`
const repository = 'links: [{ repository: "https://github.com/acme/fleet" }]'

function web(clock: string, changes: Parameters<typeof wire>[0]): WireEvent {
  const involvedObject = { namespace: 'apps', name: 'web' }
  const metadata = {
    revision: 'main@sha1:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1',
    team: 'payments',
    cluster: 'prod-eu'
  }
  return wire({ timestamp: `2026-09-21T${clock}Z`, involvedObject, metadata, ...changes })
}

const failed = web('14:00:00', { reason: 'BuildFailed', message: 'kustomization.yaml: no such file or directory' })
const recovered = web('14:14:00', { severity: 'info', reason: 'ReconciliationSucceeded', message: 'done' })

/** An example as a whole config file, with a rule that uses its template. */
function configOf(example: string): string {
  const [, name = 'none'] = /^templates:\n {2}(\w+):/m.exec(example) ?? []
  const rule = `rules: [{ name: failures, match: { severity: info }, ${name === 'none' ? '' : `template: ${name}, `}send: platform }]`
  return [frame, example, /^links:/m.test(example) ? '' : repository, /^rules:/m.test(example) ? '' : rule].join('\n')
}

for (const section of sections) {
  const [title = ''] = section.split('\n', 1)
  const [, example] = /```yaml\n([\s\S]*?)```/.exec(section) ?? []
  const [, shown] = /```\n([\s\S]*?)```/.exec(section.replace(/```(?:yaml|sh)\n[\s\S]*?```/g, '')) ?? []
  if (example === undefined) continue
  t.test(`${title} The example`, async (t) => {
    const config = configOf(example)
    t.strictSame(loadConfig(config, 'config.yaml', { KEY: 'k' }).problems.map(formatProblem), [], 'is right')
    if (shown === undefined) return
    const last = composed(config, shown.startsWith('✅') ? [failed, recovered] : [failed]).messages.at(-1)
    t.equal(last && toText(last), shown.trimEnd(), 'looks as it says')
  })
}

t.test('the tables of the page have every variable and filter that exists, and nothing else', async (t) => {
  const outputs = [...page.matchAll(/^\| `(\{\{.*?\}\})`(?:, `(\{\{.*?\}\})`)?/gm)].flatMap(([, ...all]) =>
    all.filter(Boolean)
  )
  t.ok(outputs.length > 6, `${outputs.length} filters`)
  const rows = [...page.matchAll(/^\| `(object|event|revision|failure|links)\.`([^|]*)\|/gm)]
  const names = rows.flatMap(([, root, fields = '']) =>
    [...fields.matchAll(/`(\w+)`/g)].map(([, field]) => `${root}.${field}`)
  )
  t.ok(names.length > 20, `${names.length} variables`)
  const own = /Of Liquid's own: `([^`]*)`/.exec(page)?.[1]?.split(/\s+/) ?? []
  const texts = [...outputs.map((text) => text?.replaceAll('\\|', '|')), ...names.map((name) => `{{ ${name} }}`)]
  const body = [...texts, ...own.map((filter) => `{{ "1" | ${filter}: 1 }}`)]
  for (const text of body) {
    const example = `templates:\n  own:\n    summary: ${JSON.stringify(`{% if false %}${text}{% endif %}x`)}\n`
    const { problems } = loadConfig(configOf(example), 'config.yaml', { KEY: 'k' })
    t.strictSame(problems.map(formatProblem), [], text)
  }
})

const pages = ['', 'docs', 'deploy', '.github'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
)

const { properties } = JSON.parse(readFileSync(join(root, 'config.schema.json'), 'utf8'))

/** Completes a part of a config file with what it leaves to the rest. */
function wholeOf(part: ReturnType<typeof parse>) {
  const entries = [...(part.rules ?? []), ...(part.owners ?? [])]
  const named = [...entries.map(({ send }) => send ?? []), part.operator ?? []]
    .flat()
    .filter((name) => name !== 'owner')
  const destinations = {
    ...Object.fromEntries((named.length > 0 ? named : ['platform']).map((name) => [name, { preview: true }])),
    ...part.destinations
  }
  const apps = [...Object.values<{ slack?: { app?: string } }>(destinations).map(({ slack }) => slack), ...entries]
  const missing = apps.flatMap((each) => each?.app ?? []).map((name) => [name, { token: '${A_BOT_TOKEN}' }])
  const slackApps = { ...Object.fromEntries(missing), ...part.slackApps }
  for (const app of Object.keys(slackApps))
    if (!apps.some((each) => each?.app === app)) destinations[`of-${app}`] = { slack: { app, channel: `#${app}` } }
  const send = part.owners ? 'owner' : Object.keys(destinations)
  const rules = Object.keys(part.templates ?? { none: {} }).map((template) => ({
    name: `by ${template}`,
    match: { severity: 'info' },
    ...(part.templates && { template }),
    send
  }))
  const sources = { default: { hmacKeys: ['${A_KEY}'] } }
  return { sources, rules, ...part, destinations, ...(Object.keys(slackApps).length > 0 && { slackApps }) }
}

t.test('every config on a page can be pasted: it has no mistakes and causes no warnings', async (t) => {
  const examples = [...pages, 'deploy/chart/README.md'].flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)]
      .map(([, text = '']) => ({ page, text, part: parseAllDocuments(text)[0]?.toJS() }))
      .filter(({ part }) => part && Object.keys(part).every((key) => key in properties))
  )
  t.ok(examples.length > 30, `${examples.length} examples`)
  const kinds: [RegExp, string][] = [
    [/BOT/, 'xoxb-1-2-'],
    [/APP/, 'xapp-1-A0-2-'],
    [/URL/, 'https://hooks.slack.com/services/T/B/']
  ]
  for (const { page, text, part } of examples) {
    const whole = stringify(wholeOf(part))
    const environment = Object.fromEntries(
      [...whole.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => {
        const [, begins = ''] = kinds.find(([kind]) => kind.test(name)) ?? []
        return [name, `${begins}${name.toLowerCase()}`]
      })
    )
    const said = loadConfig(whole, page, environment).problems.map(formatProblem)
    // The page itself says that this causes a warning.
    const isOpen = /unsigned: `check`/.test(text)
    const expected = said.filter((problem) => isOpen && problem.includes('accepts events from anyone'))
    t.strictSame(said, expected, `${page}: ${text}`)
  }
})

t.test('no end date used as an example by help or schema has passed', async (t) => {
  const { out } = await run(['silence', 'add', '--help'])
  const [, ofHelp] = /--until <time>[^-]*such as\s+(\S+)/.exec(out) ?? []
  const examples = [ofHelp, ...properties.mute.items.properties.until.examples]
  t.ok(examples.length > 1)
  for (const example of examples) t.ok(Date.parse(example) > Date.now(), example)
})

t.test(
  'the index of decisions lists each of them by room, and each has a date and says when it would be wrong',
  async (t) => {
    const [, index = '', rest = ''] =
      /^\| room \|([\s\S]*?)\n\n([\s\S]*)$/m.exec(readFileSync(join(root, 'docs', 'decisions.md'), 'utf8')) ?? []
    const rooms = rest.split(/^## /m).slice(1)
    const anchor = (title: string) =>
      `#${title
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')}`
    const listed = index.split('\n').flatMap((row) => {
      const [, room, decisions] = /^\| \[.*?\]\((#[\w-]+)\) \| (.*) \|$/.exec(row) ?? []
      return room === undefined
        ? []
        : [[room, [...(decisions ?? '').matchAll(/\]\((#[^)]+)\)/g)].map(([, link]) => link)]]
    })
    const there = rooms.map((room) => {
      const entries = room.split(/^### /m)
      return [anchor(entries[0]?.trim() ?? ''), entries.slice(1).map((entry) => anchor(entry.split('\n', 1)[0] ?? ''))]
    })
    t.strictSame(listed, there)
    const unfinished = rooms
      .flatMap((room) => room.split(/^### /m).slice(1))
      .filter((entry) => !/^.*\n\d{4}-\d\d-\d\d\. /.test(entry) || !/\*Wrong if\*|^Superseded by/m.test(entry))
    t.strictSame(
      unfinished.map((entry) => entry.split('\n', 1)[0]),
      []
    )
  }
)

t.test('every script, bench and proof named on a page can be run', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const programs = { bench: programsIn('bench'), proof: programsIn('proof') }
  const named = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/npm run (?:-s )?([\w:]+)(?: ([a-z]+))?/g)].map(
      ([command, script = '', name]) => ({ command: `${page}: ${command}`, script, name })
    )
  )
  const missing = named.filter(({ script, name }) => {
    if (script !== 'bench' && script !== 'proof') return scripts[script] === undefined
    return name !== undefined && name !== 'all' && !programs[script].has(name)
  })
  t.ok(named.length > 20, `${named.length} commands`)
  t.same(missing, [])
})

t.test('every file of this repository named on a page exists', async (t) => {
  const named = pages.flatMap((page) =>
    [
      ...readFileSync(join(root, page), 'utf8').matchAll(
        /`((?:src|routes|test|tools|bench|proof|deploy|docs)\/[\w./-]+)`/g
      )
    ].map(([, path = '']) => ({ page, path }))
  )
  t.ok(named.length > 40, `${named.length} names`)
  t.same(
    named.filter(({ path }) => !existsSync(join(root, path))),
    []
  )
})

function runTool(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'tools', 'run.ts'), ...args], { encoding: 'utf8' })
}

t.test(
  'without an existing name, `npm run bench` and `npm run proof` run nothing and list what there is',
  async (t) => {
    for (const [folder, args, example] of [
      ['bench', [], /^ {2}storm: a thousand failing objects/m],
      ['proof', ['crush'], /^there is no proof "crush"\n.*\n(.*\n)* {2}crash -- --kills/]
    ] as const) {
      const { status, stderr } = runTool(folder, ...args)
      t.equal(status, 2)
      t.match(stderr, example)
    }
  }
)

t.test('`npm run proof NAME` passes options on, and its exit code says if the proof fails', async (t) => {
  const { status, stdout, stderr } = runTool('proof', 'crash', '--nothing-it-knows')
  t.equal(status, 1)
  t.match(`${stdout}${stderr}`, /nothing-it-knows/)
})

t.test('every page can be reached from the start page of the docs', async (t) => {
  const index = readFileSync(join(root, 'docs', 'README.md'), 'utf8')
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md')
  t.strictSame(
    pages.filter((name) => !index.includes(`(${name})`)),
    []
  )
})

t.test('the relay says what the pages on symptoms and on the start quote of it', async (t) => {
  const code = ['src', 'routes'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8'))
  )
  // Texts over several lines are quoted in parts, and system error codes are not texts.
  const refused = [{ hmacKeys: ['k'] }, { tokens: ['t'] }].map((one) =>
    verify(Buffer.alloc(0), { signature: undefined, authorization: undefined }, { hmacKeys: [], tokens: [], ...one })
  )
  const said = code.join('\n').replace(/'\s*\+\s*'|[!=]== 'E[A-Z]+'/g, '') + JSON.stringify(refused)
  const page = readFileSync(join(root, 'docs', 'troubleshooting.md'), 'utf8').replace(/^```[\s\S]*?^```/gm, '')
  const ofFlux = /^\| in the text \|[\s\S]*?\n\n/m
  const own = page.replace(ofFlux, (rows) => rows.replace(/^\|[^|]*\|/gm, ''))
  const atStart = /\bIf it says `([^`\n]*)`/g
  const started = readFileSync(join(root, 'docs', 'getting-started.md'), 'utf8').matchAll(atStart)
  const quoted = [...own.matchAll(/`([^`\n]*)`/g), ...started].map(([, text = '']) => text)
  const ofSlack = [...meanings.keys(), 'no_service', 'invalid_token', 'channel_is_archived']
  const words = quoted.filter(
    (text) =>
      /(?<!:) |^E[A-Z]+$/.test(text) &&
      !/^(npx|flux-relay|kubectl|fuser|POST|group:) /.test(text) &&
      !ofSlack.some((word) => text.endsWith(word))
  )
  t.ok(words.length > 12, `${words.length} texts`)
  const parts = words.map((text): [string, string[]] => [text, text.split(/…|\d+/).map((part) => part.trim())])
  t.strictSame(
    parts.filter(([, all]) => !all.every((part) => said.includes(part))).map(([text]) => text),
    []
  )
})
