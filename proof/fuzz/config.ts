// Config target: any file either loads or has faults with a place, and none of them repeats a secret.
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { type Loaded, loadConfig } from '../../src/config/config.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { fixture } from '../../test/fixtures/events.ts'
import { decidedBy } from './decided.ts'
import { anyText, mutated } from './hostile.ts'
import { faultsAmong, type Target } from './target.ts'

const folder = new URL('../../test/fixtures/config/', import.meta.url)
const secret = 'canary-of-the-config'
const own = `
cluster: prod
sources: { default: { hmacKeys: ["${secret}-hmac"], tokens: [${secret}-token] } }
slackApps: { acme: { token: "xoxb-1-2-${secret}", apiUrl: "https://slack-gov.com/api" } }
destinations:
  team: { slack: { webhookUrl: "https://hooks.slack.com/services/T0/B0/${secret}" }, pace: { perSecond: 1, burst: 3 } }
  room: { slack: { app: acme, channel: "#room", style: messages } }
  local: { preview: true }
operator: team
rules:
  - name: all
    match: { severity: warn, namespace: ["team-*"], message: { include: ["(?i)timeout"] }, when: 'object.name != "x"' }
    group: { by: [cluster], wait: 10s }
    send: [team, room, local]
retention: { events: 7d }
`
const files = [
  own,
  own,
  own,
  readFileSync(new URL('../../config.example.yaml', import.meta.url), 'utf8'),
  ...readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
].filter((text) => text.length < 4000)

const piece = fc.oneof(
  fc.constantFrom(
    ': ',
    '- ',
    '\n  ',
    '\n',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '|',
    '>',
    '&a ',
    '*a',
    '!!js ',
    '#',
    '? ',
    '---\n',
    '...\n',
    '%YAML 9',
    '\t',
    '${KEY}',
    '${',
    '${file:/nope}',
    'null',
    '~',
    '1e3',
    '0x',
    '<<: *a',
    'rules',
    'send',
    'when',
    '\u0000',
    '\ufeff',
    '"*"',
    'true',
    '__proto__: '
  ),
  anyText
)

const environment = { KEY: 'canary-of-the-environment', SLACK: 'https://hooks.slack.com/services/T/B/x' }

export const config: Target<string, Loaded> = {
  name: 'config',
  share: 35_000,
  input: mutated(files, piece),
  run: (text) => loadConfig(text, 'config.yaml', environment),
  faults({ config, problems }) {
    const said = problems.map(formatProblem).join('\n')
    if (config !== undefined) decidedBy(config, [fixture('kustomization-path-not-found')])
    return faultsAmong({
      'refused without a reason': config === undefined && problems.every(({ isWarning }) => isWarning),
      'a place outside the text': problems.some(({ line, column }) => !(line >= 1 && column >= 1)),
      'no message': problems.some(({ message }) => message.trim() === ''),
      'a secret of the environment': said.includes(environment.KEY)
    })
  }
}
