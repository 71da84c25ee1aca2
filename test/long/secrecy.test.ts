// Secrecy: puts a secret at each place of the config file, whether it belongs there or not; no message about the file quotes
// one.
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/config.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { ConfigSchema } from '../../src/config/schema.ts'
import { createKnownSecrets, cutOut, starOut, suspectsIn } from '../../src/secrecy.ts'
import { startRelay } from '../fixtures/relay.ts'

// Thousands of files take more than half a minute on a busy machine.
t.setTimeout(120_000)

t.test('a reload of a file with a misplaced secret shows it in no log, page, notice, metric or answer', async (t) => {
  const good = `
sources: { default: {} }
destinations: { ops: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } } }
operator: ops
rules: [{ name: failures, send: ops }]
`
  const astray = [
    'destinations: { ops: { slack: https://discord.com/api/webhooks/1234/of-the-team-alone } }',
    'destinations: { ops: { webhookUrl: https://hooks.slack.com/services/T0/B0/of-the-team-alone } }',
    'destinatons: { ops: { slack: { webhookUrl: of-the-team-alone } } }',
    'destinations: { ops: { slack: { of-the-team-alone: x } } }',
    'sources: { default: { hmacKeys: { of-the-team-alone: x } } }',
    'sources: { default: { hmacKeys: [of-the-team-alone, of-the-team-alone }',
    'sources: { default: { secret: &of-the-team-alone x, tokens: "of-the-team-alone" } }',
    'sources: { default: { hmacKeys: "of-the-\n    team-alone" } } # of-the-team-alone',
    'sources:\n\tdefault: { hmacKeys: [of-the-team-alone] }',
    'sources:\n  default:\n    hmacKeys: of-the-team-alone: x',
    'sources:\n  default:\n    hmacKeys: >\n      of-the-team-alone\n   x: y',
    'sources: { default: { hmacKeys: [!of-the-team-alone x], cluster: *of-the-team-alone } }',
    'cluster: [https://hooks.slack.com/services/T0/B0/a1B2c3D4e5F6g7H8i9J0kLmN-of-the-team-alone]'
  ]
  const relay = await startRelay(t, { config: good, env: { LOG_LEVEL: 'trace' } })
  for (const [at, text] of astray.entries()) {
    writeFileSync(relay.app.env.CONFIG_FILE, text)
    relay.app.reload()
    await relay.logged(/the last good one stays/, at + 1)
    const answers = await Promise.all(
      ['/', '/metrics', '/api/lanes', '/api/notifications', '/rules'].map((path) => relay.get(path))
    )
    t.match(answers[0]?.body, 'cannot be used')
    t.notMatch(answers.map(({ body }) => body).join('\n'), 'team-alone', text)
  }
  await relay.slack.until(({ accepted }) => accepted.some(({ text }) => /the change was refused/.test(text)))
  t.notMatch(JSON.stringify(relay.slack.accepted.map(({ body }) => body)), 'team-alone')
  t.notMatch(relay.log.join(''), 'team-alone')
})

type Path = readonly (string | number)[]

interface Schema {
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  anyOf?: Schema[]
}

/** A place for a value or, with `isKey`, for a key of the map at `path`. */
interface Place {
  path: Path
  isKey: boolean
}

/** Every place in the schema, and in each map one for an unknown key. */
function placesIn(schema: Schema, path: Path = []): Place[] {
  const { properties, additionalProperties, items, anyOf } = schema
  const inner = [
    ...Object.entries(properties ?? {}).flatMap(([name, inside]) => placesIn(inside, [...path, name])),
    ...(typeof additionalProperties === 'object' ? placesIn(additionalProperties, [...path, 'one']) : []),
    ...(items === undefined ? [] : placesIn(items, [...path, 0])),
    ...(anyOf ?? []).flatMap((branch) => placesIn(branch, path))
  ]
  const isMap = properties !== undefined || additionalProperties !== undefined
  const places = [{ path, isKey: false }, ...(isMap ? [{ path, isKey: true }] : []), ...inner]
  const unique = new Map(places.map((place) => [JSON.stringify(place), place]))
  return [...unique.values()].filter(({ path, isKey }) => path.length > 0 || isKey)
}

const places = placesIn(ConfigSchema as Schema)

/** The whole secret, and the parts that nobody may read: of an address, everything after the host. */
type Secret = [whole: string, keys: string[]]

const secrets: Record<string, Secret> = {
  'a webhook of Slack': [
    'https://hooks.slack.com/services/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',
    ['a1B2c3D4e5F6g7H8i9J0kLmN']
  ],
  'a webhook of Discord': [
    'https://discord.com/api/webhooks/112233445566778899/plain_words_of_a_key',
    ['112233445566778899', 'plain_words_of_a_key']
  ],
  'a webhook with its key in the query': [
    'https://prod-7.logic.azure.com:443/x?sig=mostly-plain-words',
    ['mostly-plain-words']
  ],
  'an address with a password': [
    'https://robot:hunter2hunter2@chat.example.com/hooks/zebra-carpet',
    ['hunter2hunter2', 'zebra-carpet']
  ],
  'a token of a bot': ['xoxb-123456789012-1234567890123-abcdefghijkl', ['123456789012', 'abcdefghijkl']],
  'a token of an app': ['xapp-1-A0B1C2D3E4F-1234567890123-deadbeef', ['A0B1C2D3E4F', 'deadbeef']],
  'a key in hex': ['3f9a1c0b7e5d2468ace013579bdf8642', ['3f9a1c0b7e5d2468ace013579bdf8642']],
  'a key in base64': ['kJ8vQ2xZ5pL0sW3eR6tY9uI1oP4aD7fG+hK/mNbVcXz=', ['kJ8vQ2xZ5pL0sW3eR6tY9uI1oP4aD7fG', 'mNbVcXz=']]
}
const words: Secret = ['quartz-velvet-ladder', ['quartz-velvet-ladder']]
const phrase: Secret = ['Quartz, velvet: "ladder" #9', ['Quartz, velvet', 'ladder" #9']]

const base = {
  sources: { default: { hmacKeys: ['${KEY}'] } },
  destinations: { team: { slack: { webhookUrl: '${URL}' } } },
  rules: [{ name: 'failures', send: 'team' }]
}

/** A file with `secret` at `place`. */
function fileWith({ path, isKey }: Place, secret: string): object {
  const file: unknown = structuredClone(base)
  const full = isKey ? [...path, secret] : path
  let at = file as Record<string | number, unknown>
  for (const [depth, key] of full.slice(0, -1).entries()) {
    const next = typeof full[depth + 1] === 'number' ? [] : {}
    if (typeof at[key] !== 'object' || at[key] === null || Array.isArray(at[key]) !== Array.isArray(next))
      at[key] = next
    at = at[key] as Record<string | number, unknown>
  }
  at[full.at(-1) ?? ''] = isKey ? 'x' : secret
  return file as object
}

/** Ways to write a file, and to break it. */
const writings: Record<string, (file: object) => string> = {
  'in blocks': (file) => stringify(file),
  'on one line': (file) => JSON.stringify(file),
  'a section to a line': (file) =>
    Object.entries(file)
      .map(([name, section]) => `${JSON.stringify(name)}: ${JSON.stringify(section)}\n`)
      .join(''),
  'with a tab at its end': (file) => `${stringify(file)}\n\t- x: y\n`,
  'with a bracket that is never closed': (file) => JSON.stringify(file).slice(0, -1),
  'with a quote that is never closed': (file) => `${stringify(file)}x: "\n`,
  'with a line that is no key': (file) => `${stringify(file)}oops\n`,
  'with an alias of nothing': (file) => `${stringify(file)}x: *y\n`,
  'with a tag': (file) => `x: !y z\n${stringify(file)}`,
  twice: (file) => stringify(file) + stringify(file),
  'with a comment for each line': (file) => stringify(file).replaceAll('\n', ' # it was better before\n')
}

/** The pieces of `keys`, each of eight characters or all of a shorter one, that `output` contains. */
function piecesIn(output: string, keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const pieces = Array.from({ length: Math.max(1, key.length - 7) }, (_, at) => key.slice(at, at + 8))
    return pieces.filter((piece) => output.includes(piece) || output.includes(JSON.stringify(piece).slice(1, -1)))
  })
}

function saidOf(text: string, environment: Record<string, string>): string {
  const { problems } = loadConfig(text, 'config.yaml', environment)
  return `${problems.map(formatProblem).join('\n')}\n${JSON.stringify(problems)}`
}

const environment = { KEY: 'nothing but a key', URL: 'https://hooks.slack.com/services/T/B/nothing' }

function nameOf({ path, isKey }: Place): string {
  return `${path.join('.')}${isKey ? ', as a key' : ''}`
}

/** Secrets that only their place reveals. A plain word may be the name of a source. */
function plainFor({ path, isKey }: Place): [string, Secret][] {
  const isClosed = path.length === 0 || ['sources', 'destinations'].includes(String(path[0]))
  const mayBeName = isKey && path.length === 1
  return isClosed ? [['a phrase', phrase], ...(mayBeName ? [] : [['words', words] as [string, Secret]])] : []
}

for (const [turn, [way, write]] of Object.entries(writings).entries()) {
  t.test(`no secret is quoted from a file ${way}, wherever it is in the file`, async (t) => {
    t.ok(places.length > 100, `${places.length} places`)
    let said = 0
    for (const [nth, place] of places.entries()) {
      // All of them in the plainest way, and in the other ways each in turn.
      const all = [...plainFor(place), ...Object.entries(secrets)].filter(
        (_, at) => turn === 0 || (at + nth + turn) % 6 === 0
      )
      for (const [what, [whole, keys]] of all) {
        const output = saidOf(write(fileWith(place, whole)), environment)
        if (output.length > '\n[]'.length) said += 1
        const leaks = piecesIn(output, keys)
        if (leaks.length > 0) t.fail(`${what} at ${nameOf(place)}: ${leaks[0]} in ${output}`)
      }
    }
    t.ok(said > places.length, `${said} files had something to be said of`)
  })
}

const wholeFile = `# the key was quartz-velvet-ladder before
cluster: local
sources:
  default:
    hmacKeys: ["quartz-velvet-ladder"]   # quartz-velvet-ladder
  edge:
    hmacKeys:
      - deadbeefcafe
      - |
        copper-lantern
    expectEvery: 30m
    tokens: [ 'xoxb-123456789012-abcdefghijkl' ]
destinations:
  local: { preview: true }
  team:
    # https://hooks.slack.com/services/T0/B0/a1B2c3D4e5F6g7H8i9J0kLmN
    slack: { webhookUrl: "https://hooks.slack.com/services/T0/B0/a1B2c3D4e5F6g7H8i9J0kLmN" }
  other: &other
    slack:
      webhookUrl: >-
        https://discord.com/api/webhooks/1234/plain_words_of_a_key
      dialect: discord
  third:
    slack: https://discord.com/api/webhooks/1234/zebra-carpet
rules:
  - name: failures
    send: local
`
const keysOfWhole = [
  ...['quartz-velvet-ladder', 'deadbeefcafe', 'copper-lantern', '123456789012', 'abcdefghijkl'],
  ...['a1B2c3D4e5F6g7H8i9J0kLmN', 'plain_words_of_a_key', 'zebra-carpet']
]

/** What happens to a line while somebody edits the file. */
const slips: Record<string, (line: string) => string[]> = {
  'is deleted': () => [],
  'is there twice': (line) => [line, line],
  'is indented': (line) => [`  ${line}`],
  'is indented by one': (line) => [` ${line}`],
  'is indented with a tab': (line) => [`\t${line}`],
  'is not indented': (line) => [line.trimStart()],
  'is a comment': (line) => [`# ${line}`],
  'has lost its colon': (line) => [line.replace(/:(?=\s|$)/, '')],
  'has lost its last bracket or quote': (line) => [line.replace(/[\]}"'](?=[^\]}"']*$)/, '')],
  'has lost its first bracket or quote': (line) => [line.replace(/[[{"']/, '')],
  'is cut behind its key': (line) => line.split(/(?<=:)\s/).slice(0, 2)
}

for (const [slip, edit] of Object.entries(slips)) {
  t.test(`no secret is quoted from a file of which a line, or one and the first of a section, ${slip}`, async (t) => {
    const lines = wholeFile.split('\n')
    const edited = (which: number[]) =>
      lines.flatMap((line, at) => (which.includes(at) ? edit(line) : [line])).join('\n')
    for (const first of lines.keys()) {
      for (const text of [
        edited([first]),
        edited([first, lines.indexOf('sources:')]),
        edited([first, lines.indexOf('destinations:')])
      ]) {
        const output = saidOf(text, environment)
        const leaks = piecesIn(output, keysOfWhole)
        if (leaks.length > 0) t.fail(`line ${first + 1}: ${leaks[0]} in ${output}`)
      }
    }
    t.pass(`${lines.length} lines`)
  })
}

t.test('a value that is a secret at its own place is quoted from no other place, however plain it looks', async (t) => {
  for (const place of places) {
    for (const [whole, keys] of [words, phrase]) {
      for (const way of ['in blocks', 'on one line', 'with a tab at its end']) {
        const output = saidOf((writings[way] as (file: object) => string)(fileWith(place, whole)), {
          ...environment,
          KEY: whole
        })
        const leaks = piecesIn(output, keys)
        if (leaks.length > 0) t.fail(`${nameOf(place)} ${way}: ${leaks[0]} in ${output}`)
      }
    }
  }
  t.pass(`${places.length} places`)
})

t.test('words of the schema, names, references and near misses of them are still quoted', async (t) => {
  const text = `
sources: { default: { hmackeys: ["\${KEY}"] } }
destinations:
  platform: { slak: { webhookUrl: "\${URL}" } }
  other: { slack: { webhookurl: "\${NO_SUCH}", webhookUrl: "\${NO_SUCH}", dialect: slck } }
  third: { slack: { webhookUrl: "\${NO_SUCH}" } }
rules: [{ name: failures, send: platform, match: { severity: eror } }]
links: [{ commit: "https://git.example.com/{{ revision.sha | nope }}/x" }]
`
  const lost = `destinations: { platform: { preview: true } }\nrules: [{ name: failures, send: platfrom }]`
  const said = saidOf(text, environment) + saidOf(lost, environment)
  for (const quoted of [
    'unknown key "hmackeys"; did you mean "hmacKeys"?',
    'unknown key "slak"; did you mean "slack"?',
    'unknown key "webhookurl"; did you mean "webhookUrl"?',
    'NO_SUCH is not set',
    '"slck" is not one of slack,',
    'there is no destination "platfrom"; did you mean "platform"?',
    '"eror" is not one of info, warn, error; did you mean "error"?',
    'other: { slack: { webhookurl: "${NO_SUCH}", webhookUrl: "${NO_SUCH}", dialect: slck } }',
    '"https://git.example.com/{{ revision.sha | nope }}**"'
  ])
    t.ok(said.includes(quoted), `${quoted} in ${said}`)
})

t.test('a file that would show a secret to everybody is refused, wherever the secret is', async (t) => {
  const key = 'of-the-team-alone'
  const webhook = 'https://hooks.slack.com/services/T0/B0/x'
  const own = { KEY: key, URL: 'https://hooks.slack.com/services/T/B/nothing' }
  const file = (part: object) => JSON.stringify({ ...base, ...part })
  const refused: [what: string, part: object][] = [
    ['the name of a rule', { rules: [{ name: webhook, send: 'team' }] }],
    ['a name with the key of a source in it', { rules: [{ name: `failures ${key}`, send: 'team' }] }],
    ['a cluster', { cluster: 'xoxb-1234567890-abcdefgh' }],
    ['a cluster that is filled in', { cluster: '${KEY}' }],
    ['a link', { links: [{ commit: 'https://discord.com/api/webhooks/1/x' }] }],
    [
      'the name of a destination',
      { destinations: { ...base.destinations, 'xapp-1-A0B1C2D3E4F-1': { preview: true } } }
    ],
    ['a channel', { destinations: { team: { slack: { webhookUrl: '${URL}', channel: webhook } } } }],
    ['a text of a template', { templates: { own: { title: `{{ object.name }} ${webhook}` } } }]
  ]
  for (const [what, part] of refused) {
    const { config, problems } = loadConfig(file(part), 'config.yaml', own)
    t.equal(config, undefined, what)
    t.ok(
      problems.some(({ message }) => message.startsWith('this looks like a secret')),
      what
    )
  }
  const pages = {
    links: [
      { commit: 'https://git.example.com/services/{{ revision.sha }}', dashboard: 'https://slack.com/archives/C0' }
    ]
  }
  t.strictSame(loadConfig(file(pages), 'config.yaml', own).problems, [], 'a link is no webhook')
})

t.test('a blank secret is refused, whatever it is blank with', async (t) => {
  for (const blank of [' ', '  ', '\t', '\n', '\u00a0', '\u200b', '\ufeff', '\u2060 \u200d']) {
    for (const [key, text] of [
      ['hmacKeys', JSON.stringify(blank)],
      ['tokens', JSON.stringify(blank)],
      ['hmacKeys', '"${BLANK}"'],
      ['tokens', '"${BLANK}${BLANK}"']
    ]) {
      const file = `sources: { default: { ${key}: [${text}] } }\ndestinations: { a: { preview: true } }\nrules: [{ name: a, send: a }]`
      const { config, problems } = loadConfig(file, 'config.yaml', { BLANK: blank })
      t.equal(config, undefined, `${key}: ${text} with ${JSON.stringify(blank)}`)
      t.match(problems.find(({ isWarning }) => !isWarning)?.message, /(is|is blank|empty).*/)
    }
  }
})

t.test('what looks like a secret is found, and what does not is left alone', async (t) => {
  const shown: [text: string, shown: string][] = [
    ['https://hooks.slack.com/services/T0/B0/x', 'https://hooks.slack.com/…'],
    [
      'see https://git.example.com, or http://localhost:8080/',
      'see https://git.example.com, or http://localhost:8080/'
    ],
    ['https://u:p@host/', 'https://…host/'],
    ['postgres://relay:p%40ss@db:5432/relay?sslmode=require', 'postgres://…db:5432/…'],
    ['hooks.slack.com/services/T0/B0/x', 'hooks.slack.com/…'],
    ['https://flux.dev/{{ object.name }}/x?y=${KEY}', 'https://flux.dev/{{ object.name }}…${KEY}'],
    ['token xoxb-1-2-abc.', 'token xoxb-…'],
    [
      'kustomize-controller of ImageUpdateAutomation, ResourceSetInputProvider',
      'kustomize-controller of ImageUpdateAutomation, ResourceSetInputProvider'
    ],
    [
      'HelmRepositoryReconciliationSucceeded platform-team-production-failures-eu-west-1',
      'HelmRepositoryReconciliationSucceeded platform-team-production-failures-eu-west-1'
    ],
    [
      'kustomize.toolkit.fluxcd.io/v1beta2/Kustomization ./clusters/production/apps',
      'kustomize.toolkit.fluxcd.io/v1beta2/Kustomization ./clusters/production/apps'
    ],
    ['key 3f9a1c0b7e5d2468ace013579bdf8642!', 'key …!']
  ]
  for (const [text, expected] of shown) t.equal(cutOut(text, suspectsIn(text)), expected)
  t.equal(starOut('a: "xoxb-12 34"', suspectsIn('a: "xoxb-12 34"')), 'a: "xoxb-** 34"', 'columns stay what they are')

  const known = createKnownSecrets()
  for (const secret of ['plain-old-words', 'https://hooks.slack.com/services/T0/B0/of-the-team', 'short'])
    known.add(secret)
  const cut = (text: string) => cutOut(text, known.in(text))
  t.equal(cut('"plain-old-words" is none'), '"…" is none')
  t.equal(cut('cut off: plain-old-wo'), 'cut off: …')
  t.equal(cut('/services/T0/B0/of-the-team'), '/services/T0/B0/…')
  t.equal(
    cut('https://hooks.slack.com/services/ is shortened by short'),
    'https://hooks.slack.com/services/ is shortened by …'
  )
})
