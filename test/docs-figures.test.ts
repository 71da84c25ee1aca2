// Figures and names on the pages: equal those in the code, its lists and its settings.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { targets } from '../proof/fuzz/targets.ts'
import { attacks } from '../proof/http/attacks.ts'
import { EnvSchema } from '../src/env.ts'
import { bodyFor, dialectNames, guessDialect } from '../src/render/receivers/dialect.ts'
import { programsIn } from '../tools/run.ts'
import { startRelay } from './fixtures/relay.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'decisions.md')
const operations = read('docs/operations.md')
const [, settings = ''] = /^## Settings\n([\s\S]*?)^## /m.exec(operations) ?? []

/** The value of a constant in its file; most constants are not exported. */
function constant(file: string, name: string): number {
  const [, product = ''] = new RegExp(`^(?:export )?const ${name} = ([\\d_ *]+)$`, 'm').exec(read(file)) ?? []
  return product.split('*').reduce((all, factor) => all * Number(factor.replaceAll('_', '') || 'none'), 1)
}

const [kib, mib, minute] = [1024, 1024 ** 2, 60_000]
const arrivals = 'src/intake/arrivals.ts'
const bodies = 'routes/waiting-bodies.ts'
const slack = 'src/deliver/slack.ts'
const cut = constant(slack, 'readTimes')

/** A page, a sentence with its figures in groups, and the right figures. */
const figures: [page: string, words: RegExp, ...are: number[]][] = [
  [
    'docs/operations.md',
    /^\| bodies of requests.*\| up to (\d+) KiB each: (\d+) MiB together; larger ones: (\d+) MiB together/m,
    constant(bodies, 'smallBytes') / kib,
    constant(bodies, 'maxSmallBytes') / mib,
    constant(bodies, 'maxLargeBytes') / mib
  ],
  [
    'docs/operations.md',
    /^\| events that wait for their commit \| (\d+) MiB, .*; (\d+) s each/m,
    constant(arrivals, 'maxBytes') / mib,
    constant(arrivals, 'patienceMs') / 1000
  ],
  [
    'docs/operations.md',
    /^\| events in one commit \| (\d+), or (\d+) MiB/m,
    constant(arrivals, 'maxBatch'),
    constant(arrivals, 'maxBatchBytes') / mib
  ],
  [
    'docs/operations.md',
    /, ([\d,]+) at most \| the oldest/,
    constant('src/store/sqlite/recent-bodies.ts', 'maxBodies')
  ],
  ['docs/operations.md', /composed of \| (\d+) notifications/, constant('src/store/kept-lanes.ts', 'composeWindow')],
  [
    'docs/operations.md',
    /^\| an answer of Slack that is read \| (\d+) KiB, (\d+) MiB of the Web API: (\d+) times/m,
    (cut * constant(slack, 'maxAnswer')) / kib,
    (cut * constant(slack, 'maxApiAnswer')) / mib,
    cut
  ],
  ['docs/operations.md', /Socket Mode \| (\d+) MiB/, constant('src/slack-socket/connection.ts', 'maxMessage') / mib],
  ['docs/operations.md', /^\| envelopes .*? \| ([\d,]+);/m, constant('src/slack-socket/envelopes.ts', 'maxKnown')],
  ['docs/operations.md', /^\| objects .*? \| ([\d,]+) \|/m, constant('src/store/pruning.ts', 'maxObjects')],
  [
    'docs/operations.md',
    /^\| SQLite's log \| (\d+) MB, .*more than (\d+) MB is cut/m,
    Math.round((constant('src/store/sqlite/log.ts', 'longPages') * 4096) / 1e6),
    constant('src/store/sqlite/file.ts', 'keptLogBytes') / mib
  ],
  [
    'docs/operations.md',
    /wrong admin tokens \| at (\d+) within (\d+) minutes, then not for (\d+) hours/,
    constant('src/operator/traffic.ts', 'floodRequests'),
    constant('src/operator/traffic.ts', 'floodMs') / minute,
    constant('src/operator/traffic.ts', 'floodSilentMs') / (60 * minute)
  ],
  [
    'docs/configuration.md',
    /^\| (\d+) or more at a time, twice, and (\d+) or more \|/m,
    constant('src/deliver/gathering.ts', 'burst'),
    constant('src/deliver/gathering.ts', 'flood')
  ],
  ['docs/slack-app.md', /the relay keeps to (\d+);/, minute / constant('src/slack-api/budget.ts', 'apartMs')],
  ['docs/owners.md', /at most (\d+) such channels in 24 hours/, constant('src/deliver/channels.ts', 'maxChannels')],
  ['docs/testing-rules.md', /If left out, a (minute) after/, constant('src/rehearsal/step.ts', 'usualPauseMs')],
  ['docs/hostile-input.md', /has at most ([\d,]+) values \(400\)/, constant('routes/webhook.ts', 'maxParts')],
  [
    'docs/hostile-input.md',
    /After (\d+) pieces the average has to be (\d+) bytes/,
    constant('routes/body.ts', 'freePieces'),
    constant('routes/body.ts', 'minPieceBytes')
  ],
  [
    'docs/hostile-input.md',
    /is read, up to (\d+) MiB and (\d+) s for (\d+) connections/,
    constant('routes/leftovers.ts', 'maxBytes') / mib,
    constant('routes/leftovers.ts', 'maxMs') / 1000,
    constant('routes/leftovers.ts', 'maxAtOnce')
  ],
  ['docs/hostile-input.md', /runs ([\d,]+) cases, always/, constant('test/long/fuzz.test.ts', 'cases')]
]

t.test('limits on the pages equal those in the code', async (t) => {
  for (const [page, words, ...are] of figures) {
    const [, ...says] = words.exec(read(page)) ?? []
    const numbers = says.map((text) => (text === 'minute' ? minute : Number(text.replaceAll(',', ''))))
    t.strictSame(numbers, are, `${page}: ${words.source}`)
  }
})

t.test('the list has each setting of the relay with its default, and nothing else', async (t) => {
  const rows = settings.matchAll(/^\| (`[A-Z].*?`) \| (.*?) \|/gm)
  const listed = new Map(
    [...rows].flatMap(([, names = '', defaults = '']) => {
      const values = [...defaults.matchAll(/`(.*?)`|(\d[\d,]*)( MiB)?/g)].map(
        ([, text, number = '', unit]) => text ?? String(Number(number.replaceAll(',', '')) * (unit ? mib : 1))
      )
      return [...names.matchAll(/`(\w+)`/g)].map(([, name = ''], at): [string, string | undefined] => [
        name,
        values[at]
      ])
    })
  )
  for (const [name, schema] of Object.entries(EnvSchema.properties)) {
    t.ok(listed.has(name), name)
    const isSaid = !('default' in schema) || schema.default === ''
    t.equal(listed.get(name), isSaid ? undefined : String(schema.default), `${name}: its default`)
  }
  const sources = ['src', 'routes'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => read(join(folder, file)))
  )
  const code = sources.join('\n')
  const ofPackages = /^NODE_|^OTEL_EXPORTER_OTLP_HEADERS$/
  for (const name of listed.keys()) t.ok(ofPackages.test(name) || code.includes(name), `${name} is read by something`)
  const named = new Set(code.match(/\b(?:PG(?:SSLMODE|PASSWORD)|OTEL_EXPORTER_[A-Z_]+[A-Z]|[A-Z]+_PROXY|TZ)\b/g))
  for (const name of named) t.ok(settings.includes(`\`${name}\``), `${name} is in the list`)
})

/** The first cells of the table with the header `head`. */
function rowsOf(page: string, head: string): string[] {
  const [, rows = ''] = page.split(`\n| ${head} |`)
  const lines = rows.split('\n').slice(2)
  const end = lines.findIndex((line) => !line.startsWith('|'))
  return lines.slice(0, end).map((line) => line.split('|')[1]?.trim() ?? '')
}

t.test('tables of results name the programs that produce them again', async (t) => {
  const hostile = read('docs/hostile-input.md')
  const tried = rowsOf(hostile, 'target').flatMap((cell) => cell.split(', '))
  t.strictSame(tried.sort(), targets.map(({ name }) => name).sort())
  t.strictSame(rowsOf(hostile, 'attack').sort(), attacks.map(({ name }) => name).sort())
  const commands = rowsOf(read('docs/performance.md'), 'command').map((cell) => /bench (\w+)/.exec(cell)?.[1])
  t.strictSame(commands.sort(), [...programsIn('bench').keys()].sort())
})

t.test(
  'the table has every dialect, with an address that is taken for it, and the variables of a workflow',
  async (t) => {
    const page = read('docs/configuration.md')
    t.strictSame(
      rowsOf(page, '`dialect`'),
      dialectNames.map((name) => `\`${name}\``)
    )
    for (const name of dialectNames) {
      const [, address] = new RegExp(`^\\| \`${name}\` \\|[^|]*\\| \`(https://[^\`]*)\``, 'm').exec(page) ?? []
      if (address !== undefined) t.equal(guessDialect(address), name, address)
      else t.equal(name, 'slack-legacy')
    }
    const [row = ''] = /^\| `workflow`.*$/m.exec(page) ?? []
    const variables = Object.keys(bodyFor({ text: 'x', unfurl_links: false, unfurl_media: false }, 'workflow'))
    t.strictSame(
      [...row.matchAll(/`(\w+)` \(/g)].map(([, name]) => name),
      variables
    )
  }
)

t.test("every API address on a page is in the API's own description", async (t) => {
  const relay = await startRelay(t)
  const { paths } = JSON.parse((await relay.get('/api/openapi.json')).body)
  const described = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => new RegExp(`^${method} ${path.replace(/\{\w+\}/g, '[^/]+')}$`, 'i'))
  )
  const pages = ['README.md', 'config.example.yaml', 'deploy/README.md', ...docs.map((name) => `docs/${name}`)]
  const named = pages.flatMap((page) =>
    [
      ...read(page).matchAll(/(?:\b(GET|POST|DELETE) |[ `]|localhost:\d+)(\/api\/(?:<[^>]*>|[\w:/])+)(?![\w.]*json)/g)
    ].map(([, method = 'GET', path = '']) => ({ page, asked: `${method} ${path}` }))
  )
  t.ok(named.length > 8, `${named.length} addresses`)
  t.strictSame(
    named.filter(({ asked }) => !described.some((pattern) => pattern.test(asked))),
    []
  )
})

t.test('the manifests request the memory that was measured last', async (t) => {
  const [, idle, storm, flood] =
    /had \d+ to (\d+) MB idle, \d+ to (\d+) after a storm and \d+ to (\d+) saturated/.exec(
      read('docs/performance.md').replaceAll('\n', ' ')
    ) ?? []
  const words = `Idle it takes ${idle} MB, after a storm ${storm}, in a flood ${flood}.`
  for (const file of ['deploy/base/deployment.yaml', 'deploy/chart/values.yaml'])
    t.ok(read(file).includes(words), words)
})
