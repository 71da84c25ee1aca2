// Foreign keys: one mistake is one line, and keys of other tools' files are answered with what to write here.
import t, { type Test } from 'tap'
import { loadConfig } from '../src/config/config.ts'

const environment = { FLUX_HMAC_KEY: 'signs-what-flux-posts', SLACK_URL: 'https://hooks.slack.com/services/T1/B1/xyz' }
const head = 'sources: { default: { hmacKeys: ["${FLUX_HMAC_KEY}"] } }\n'
const local = 'destinations: { local: { preview: true } }\n'
const rules = 'rules: [{ name: a, send: local }]\n'

const said = (text: string) =>
  loadConfig(text, 'config.yaml', environment).problems.map(
    ({ line, column, message }) => `${line}:${column} ${message}`
  )
const isAllSaid = (t: Test, text: string, expected: readonly RegExp[]) => {
  const found = said(text)
  t.match(found, expected, text)
  t.equal(found.length, expected.length, 'and nothing else')
}
const rule = (keys: string) => `${head}${local}rules: [{ name: a, ${keys} }]\n`

t.test('a key of another tool causes one message, which says what to write', async (t) => {
  const cases: [string, RegExp[]][] = [
    [
      `${head}receivers: []\nroute: {}\n`,
      [/^2:1 .*"receivers"; write `destinations`/, /^3:1 .*"route"; write `rules`/]
    ],
    [`config:\n  destinations: {}\n`, [/^1:1 .*"config"; these are values of the chart/, /accepts events from anyone/]],
    [`${head}${local}${rules}inhibit_rules: []\n`, [/^4:1 .*"inhibit_rules"; .*leave it out$/]],
    [`${head}${local}${rules}mute_time_intervals: []\n`, [/"mute_time_intervals"; write `mute`/]],
    [rule('receiver: local'), [/^3:20 .*"receiver"; write `send`/]],
    [rule('providerRef: { name: local }'), [/"providerRef"; write `send`/]],
    [rule('to: local'), [/"to"; write `send`/]],
    [rule('send: local, continue: true'), [/every rule that matches sends; `final: true` stops/]],
    [rule('send: local, repeat_interval: 4h'), [/write `remindEvery`$/]],
    [rule('send: local, suspend: true'), [/"suspend"; comment the rule out/]],
    [rule("send: local, exclusionList: ['x']"), [/write `match: { message: { exclude/]],
    [rule('send: local, match: { matchLabels: { team: a } }'), [/"matchLabels"; write `metadata`/]],
    [`${head}destinations: { local: { url: "\${SLACK_URL}" } }\n${rules}`, [/"url"; write `slack: { webhookUrl/]],
    [
      `${head}destinations: { local: { slack: { address: "\${SLACK_URL}" } } }\n${rules}`,
      [/"address"; write `webhookUrl/]
    ],
    [
      `${head}${local}${rules}mute: [{ name: m, match: {}, until: 2036-12-01T06:00:00Z, starts: x }]\n`,
      [/"starts"; a mute of/]
    ],
    [
      `${head}${local}${rules}mute: [{ name: m, match: {}, weekly: { days: [mon], start: "20:00", end: "21:00", tz: UTC } }]\n`,
      [/"start"; write `from`$/, /"end"; write `to`$/, /"tz"; write `timeZone`$/]
    ]
  ]
  for (const [text, expected] of cases) isAllSaid(t, text, expected)
})

t.test('a misspelt key is not reported as missing too, nor is anything that depends on it', async (t) => {
  const app = 'destinations: { local: { slack: { app: acme, channel: C0123ABCD } } }\n'
  for (const [text, ...expected] of [
    [`${head}Destinations: { local: { preview: true } }\nRule: []\n`, /^2:1 unknown key "D/, /^3:1 unknown key "R/],
    [
      `${head}destinations: { local: { slack: { webhook_url: "\${SLACK_URL}" } } }\n${rules}`,
      /^2:35 unknown key "webh/
    ],
    [`${head}slack_apps: { acme: { token: "\${FLUX_HMAC_KEY}" } }\n${app}${rules}`, /^2:1 unknown key "slack_apps"/],
    [`${head}destinations: { local: { preview: yes } }\n${rules}`, /^2:35 must be true or left out, but is "yes"$/],
    [`${head}destinations: { local: { preview: true, digest: true } }\n${rules}`, /^2:49 must be full or left out/]
  ] as const)
    isAllSaid(t, text, expected)
  const both = said(`${head}${local}rules: [{ name: a, send: locla }]\nrule: []\n`)
  t.match(both, [/no destination "locla"/, /unknown key "rule"/], 'and what is there under its own name is checked')
})

t.test('a line that is indented too deep is reported as such, at its place', async (t) => {
  const text = (line: string) => `${head}${local}rules:\n  - name: a\n${line}\n`
  isAllSaid(t, text('     send: local'), [/^5:6 is indented deeper than the key above it/])
  isAllSaid(t, text('\r\n      send: local'), [/^6:7 is indented deeper/])
  isAllSaid(t, `${head}${local}rules:\n  -name: a\n   send: local\n`, [/^4:\d+ .*a list item a dash and a space/])
  isAllSaid(t, `${head}${local}rules:\n  - name: a: b\n    send: local\n`, [/^4:11 a second ": " on one line/])
})

t.test('a reference in a template is reported, because nothing fills it in', async (t) => {
  const blocks = '[{ type: section, text: { type: mrkdwn, text: "in ${CLUSTER}" } }]'
  const used = 'rules: [{ name: a, send: local, template: x }]\n'
  for (const [template, at] of [
    ['title: "${CLUSTER} {{ object.name }}"', '3:26'],
    ['fields: { Cluster: "in ${CLUSTER}" }', '3:42'],
    [`blocks: ${blocks}`, '3:77']
  ]) {
    const [first = ''] = said(`${head}${local}templates: { x: { ${template} } }\n${used}`)
    t.equal(first, `${at} \${CLUSTER} is not filled in here, and stands in the message as it is`)
  }
  t.same(said(`${head}${local}templates: { x: { title: "$\${{ object.name }}" } }\n${used}`), [])
})

t.test('an unfinished file, such as a template or a merge conflict, is reported as such', async (t) => {
  const conflict = '<<<<<<< HEAD\n  - { name: a, send: local }\n=======\n  - { name: b, send: local }\n>>>>>>> main\n'
  isAllSaid(t, `${head}${local}rules:\n${conflict}`, [/^4:1 a merge conflict of Git begins here/])
  const ranged = '  {{- range .Values.rules }}\n  - name: {{ .name }}\n    send: local\n  {{- end }}\n'
  isAllSaid(t, `${head}${local}rules:\n${ranged}`, [/^4:3 a line of a template/])
  isAllSaid(t, `${head}${local}rules:\n{% for r in rules %}\n  - { name: a }\n{% endfor %}\n`, [
    /^4:1 a line of a temp/
  ])
  isAllSaid(t, `${head}${local}rules: [{ name: a, send: local, template: {{ x }} }]\n`, [/^3:\d+ .*\{\{ needs quotes/])
})
