// Templates: change how a message looks; they never cost one, and no event can break out of them.
import t, { type Test } from 'tap'
import { loadConfig } from '../src/config/config.ts'
import type { WireEvent } from '../src/events/flux.ts'
import { composeOne } from '../src/render/compose/message.ts'
import { bodyFor, type Dialect, dialectNames, digestRoom } from '../src/render/receivers/dialect.ts'
import { section } from '../src/render/slack/blocks.ts'
import { type Payload, textsOf, withoutBlocks } from '../src/render/slack/payload.ts'
import { toText } from '../src/render/slack/terminal.ts'
import { composed, configWith } from './fixtures/composed.ts'
import { cpuMs } from './fixtures/cpu.ts'
import { fixture, fixtureNames, wire } from './fixtures/events.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'
import { event, textsIn } from './fixtures/messages.ts'
import { startRelay } from './fixtures/relay.ts'
import { faultsOf } from './fixtures/slack.ts'

const links = `
links:
  - commit: "https://git.example/commit/{{ revision.sha }}"
    compare: "https://git.example/compare/{{ previous.sha }}...{{ revision.sha }}"
    dashboard: "https://flux.example/{{ object.name }}"
    pages: { Grafana: "https://flux.example/grafana" }
`
const sha = '8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c'
const newSha = '731f7eaddfb6af01cb2173e18f0f75b0ba780ef1'

function about(clock: string, changes: Parameters<typeof wire>[0] = {}): WireEvent {
  return wire({ timestamp: `2026-09-21T${clock}Z`, metadata: { revision: `main@sha1:${sha}` }, ...changes })
}

const failed = about('14:00:00')
const finished: Parameters<typeof wire>[0] = {
  severity: 'info',
  reason: 'ReconciliationSucceeded',
  message: 'Reconciliation finished in 449ms'
}
const recovered = about('14:14:00', { ...finished, metadata: { revision: `main@sha1:${newSha}`, team: 'payments' } })

/** The message about the last of `events` by a template of these lines. */
function message(lines: string, events: readonly WireEvent[] = [failed]): Payload {
  return composed(configWith(`${links}templates:\n  own:\n${lines}`), events).messages.at(-1) as Payload
}

/** `expected` is the message and its line on the lock screen; ' stands for a backtick. */
function reads(t: Test, payload: Payload, expected: string) {
  const shown = `${toText(payload)}\n📱 ${payload.text}`.replaceAll('`', "'").replace(/ +$/gm, '')
  t.equal(shown, expected.trim())
  t.equal(faultsOf(payload), undefined, 'Slack takes it')
}

t.test("title, body and fields replace the relay's own", async (t) => {
  const payload = message(`
    title: "{{ transition | state }} *{{ object.kind }} {{ object.namespace }}/{{ object.name }}* in {{ object.cluster | code }}"
    body: "It says: {{ event.message }}"
    fields: { Reason: "{{ event.reason | code }}", Revision: "{{ links.commit | link: revision.short }}", Team: "{{ metadata.team }}" }`)
  const expected = `
🔴 Failed Kustomization team-a/apps in 'prod-eu'
Reason
'BuildFailed'
Revision
main@8bd5de2
┃ It says: kustomize build failed: accumulating resources: no such file or directory
📱 🔴 Failed Kustomization team-a/apps in prod-eu: kustomize build: no such file or directory`
  reads(t, payload, expected)
  t.match(payload.blocks?.[1], {
    type: 'section',
    fields: [{}, { text: `*Revision*\n<https://git.example/commit/${sha}|main@8bd5de2>` }]
  })
  t.equal(payload.attachments?.[0]?.color, '#a30200', 'beside the colour of its state')
})

t.test('what a template omits stays as it is without one', async (t) => {
  const usual = message('    summary: x')
  t.match(
    toText(message('    title: "Oh no"')),
    /^Oh no\nkustomize build: no such .*\nKustomization {3}BuildFailed {3}main@8bd5de2 .*UTC {3}Grafana$/
  )
  t.match(toText(message('    gist: "Oh no"')), /^🔴 team-a\/apps failed .*\nOh no\nKustomization .*$/)
  t.match(toText(message('    body: "Oh no"')), /^🔴 team-a\/apps failed .*\nKustomization .*\n┃ Oh no$/)
  t.match(
    toText(message('    facts: "Oh\\n\\n  {{ metadata.none }}\\n  no"')),
    /^🔴 .*\nkustomize build: .*\nOh {3}no$/
  )
  t.match(toText(message('    fields: { Oh: "no" }')), /^🔴 .*\nkustomize build: .*\nOh\nno$/)
  t.match(
    toText(message('    body: ""')),
    /^🔴 .*\nKustomization .*$/,
    'an empty body: nothing is said of what is wrong'
  )
  t.match(toText(usual), /^🔴 team-a\/apps failed in `prod-eu`\nkustomize build: /)
  const noTitle = message('    title: "{{ metadata.no_such_key }}"')
  t.strictSame(noTitle, usual, 'a title of nothing is no title')
})

t.test('every variable and filter of the contract works', async (t) => {
  const cases: [text: string, shown: string][] = [
    ['{{ transition }} {{ transition | state }}', 'recovered ✅ Recovered'],
    [
      '{{ object.cluster }} {{ object.kind }} {{ object.namespace }} {{ object.name }}',
      'prod-eu Kustomization team-a apps'
    ],
    [
      '{{ event.reason }} {{ event.severity }} {{ event.source }} {{ event.controller }}',
      'ReconciliationSucceeded info default kustomize-controller'
    ],
    ['-{{ event.action }}{{ related.kind }}{% if related %}?{% endif %}', '-'],
    [
      '{{ event.message | first_line }} {{ event.summary }}',
      'Reconciliation finished in 449ms Reconciliation finished in 449ms'
    ],
    ['{{ event.message | shorten: 10 }}', 'Reconcili…'],
    [
      '{{ revision.text }} {{ revision.pointer }} {{ revision.sha }} {{ revision.short }}',
      `main@sha1:${newSha} main ${newSha} main@731f7ea`
    ],
    [
      '{{ failure.reason }} {{ failure.count }} {{ failure.text }}',
      'BuildFailed 1 kustomize build failed: accumulating resources: no such file or directory'
    ],
    ['{{ failure.since }} {{ failure.since | time }}', '2026-09-21T14:00:00.000Z 2026-09-21 14:00 UTC'],
    ['{{ failure.since | ago }} {{ failure.since | lasting }} {{ 90 | duration }}', '14 m ago 14 m 1 m 30 s'],
    [
      '{{ "sprint 9" | time }}, {{ "7" | ago }}, {{ "version 2" | lasting }}, {{ "1e999" | duration }}',
      'sprint 9, 7, version 2, 1e999'
    ],
    ['{{ transition | glyph }} {{ object.path }} {{ transition | words }}', '✅ team-a/apps works again'],
    ['{{ event.gist }}|{{ event.log }}|{{ event.decisive }}', '||Reconciliation finished in 449ms'],
    ['{{ failure.isFixed }} {{ failure.before }} {{ failure.nextReminder }} {{ revision.subject }}', 'true'],
    [
      '{% for page in links.pages %}{{ page[1] | link: page[0] }}{% endfor %}{% for fact in shown %}x{% endfor %}.',
      'Grafana.'
    ],
    ['{{ metadata.team }} {{ event.metadata.team }} {{ metadata["no.such"] }}', 'payments payments'],
    ['{{ rule }} {{ destination }}', 'everything local'],
    ['{{ links.commit }} {{ links.dashboard | link: "look" }}', `https://git.example/commit/${newSha} look`],
    ['{{ links.compare | link: "a" }}{% if links.compare %}yes{% else %}no{% endif %}', 'ano'],
    ['{{ object.name | code }} {{ object.name | upcase | code }}', '`apps` `APPS`'],
    ['{% for m in metadata %}{{ m[0] }}={{ m[1] }} {% endfor %}', `revision=main@sha1:${newSha} team=payments`],
    ['{% if failure %}was down{% endif %}', 'was down'],
    ['{% case metadata.team %}{% when "payments" %}a{% else %}b{% endcase %}', 'a'],
    ['{% capture x %}{{ object.name | code }}*{% endcapture %}{{ x }}', 'apps∗'],
    ['{% assign x = object.name | code %}{{ x }}{{ x | append: "`" }}', '`apps`appsˋ']
  ]
  for (const [text, shown] of cases) {
    const payload = message(`    title: '${text}'`, [failed, recovered])
    t.equal(toText(payload).split('\n', 1)[0], shown, text)
  }
  const updates = [about('14:00:00', finished), { ...recovered, timestamp: '2026-09-21T14:20:00Z' }]
  const compared = message(`    title: '{{ previous.short }} {{ links.compare | link: "what changed" }}'`, updates)
  t.match(compared.blocks?.[0], {
    text: { text: `main@8bd5de2 <https://git.example/compare/${sha}...${newSha}|what changed>` }
  })
})

t.test('a value is harmless wherever it is put', async (t) => {
  const text = '*a* `b` ```c``` d_e _f_ <!here> https://x.example &'
  const cases: [text: string, mrkdwn: string][] = [
    ['{{ v }}', '∗a∗ ˋbˋ ˋˋˋcˋˋˋ d_e ＿f＿ &lt;!here&gt; https://x.example &amp;'],
    ['`{{ v }}`', '`*a* ˋbˋ ˋˋˋcˋˋˋ d_e _f_ &lt;!here&gt; https://x.example &amp;`'],
    ['```{{ v }}``` {{ v | slice: 0, 3 }}', '```*a* ˋbˋ ˋˋˋcˋˋˋ d_e _f_ &lt;!here&gt; https://x.example &amp;``` ∗a∗'],
    ['`x` {{ v | slice: 0, 3 }} `{{ metadata.none }}`', '`x` ∗a∗'],
    ['<{{ v | slice: 22, 5 }}> <!here> <x> R&D &lt;', '&lt;＿ &lt;!h&gt; <!here> &lt;x&gt; R&amp;D &lt;'],
    [
      '{{ "https://x.example/?q=" | append: v | link: v }}',
      '<https://x.example/?q=*a*%20%60b%60%20%60%60%60c%60%60%60%20d_e%20_f_%20%3C!here%3E%20https://x.example%20&amp;|∗a∗ ˋbˋ ˋˋˋcˋˋˋ d_e ＿f＿ &lt;!here&gt; https://x.example &amp;>'
    ],
    ['{{ "javascript:alert(1)" | link: "x" }} <https://x.example>', 'x <https://x.example|https://x.example>']
  ]
  for (const [template, mrkdwn] of cases) {
    const payload = message(`    title: '${template.replaceAll(/\bv\b/g, 'metadata.v')}'\n    gist: ''`, [
      { ...failed, metadata: { v: text } }
    ])
    t.strictSame(payload.blocks?.[0], section(mrkdwn), template)
  }
})

t.test("a mention is spelt out in the template, and the rule's own is added to any", async (t) => {
  const title = `    title: '{% if transition == "failed" %}{{ "S012AB3CD" | mention }} {{ "here" | mention }}{% endif %} <@U012AB3CD>'`
  t.match(message(title).blocks?.[0], { text: { text: '<!subteam^S012AB3CD> <!here> <@U012AB3CD>' } })
  t.notMatch(message(title).text, /S012|U012|here/, 'not on the lock screen')
  const called = configWith('templates: { own: { title: Oh no } }').replace(
    'template: own',
    'template: own, mention: "<!here>"'
  )
  t.match(composed(called, [failed]).messages[0]?.blocks?.[0], { text: { text: /^Oh no {2}<!here>\n/ } })
  const blocks = 'templates: { own: { blocks: [{ type: divider }] } }'
  const ofBlocks = configWith(blocks).replace('template: own', 'template: own, mention: "<!here>"')
  t.match(composed(ofBlocks, [failed]).messages[0]?.blocks?.at(-1), { text: { text: '<!here>' } })
})

const kit = `
    blocks:
      - { type: header, text: { type: plain_text, text: "{{ transition | state }} <{{ object.name }}> & {{ metadata.team }}", emoji: true } }
      - type: section
        text: { type: mrkdwn, text: "{{ event.message | fence }}" }
        accessory: { type: image, image_url: "https://img.example/{{ event.reason }}.png", alt_text: "{{ event.reason }}" }
      - { type: section, fields: [{ type: mrkdwn, text: "{{ metadata.team }}" }, { type: plain_text, text: "{{ object.cluster }}" }] }
      - { type: section, text: { type: mrkdwn, text: "{% if metadata.runbook %}{{ metadata.runbook | link: 'runbook' }}{% endif %}" } }
      - { type: divider }
      - { type: context, elements: [{ type: mrkdwn, text: "{{ metadata.team }}" }] }
      - type: actions
        elements:
          - { type: button, text: { type: plain_text, text: Commit }, url: "{{ links.commit }}", style: primary }
          - { type: button, text: { type: plain_text, text: Compare }, url: "{{ links.compare }}" }`

t.test('blocks are the whole message, without those that an event has nothing for', async (t) => {
  const payload = message(kit)
  t.strictSame(payload.blocks, [
    { type: 'header', text: { type: 'plain_text', text: ':red_circle: Failed <apps> &', emoji: true } },
    {
      type: 'section',
      text: { type: 'mrkdwn', text: `\`\`\`${failed.message}\`\`\``, verbatim: true },
      accessory: { type: 'image', image_url: 'https://img.example/BuildFailed.png', alt_text: 'BuildFailed' }
    },
    { type: 'section', fields: [{ type: 'plain_text', text: 'prod-eu' }] },
    { type: 'divider' },
    {
      type: 'actions',
      elements: [
        {
          type: 'button',
          text: { type: 'plain_text', text: 'Commit' },
          url: `https://git.example/commit/${sha}`,
          style: 'primary'
        }
      ]
    }
  ])
  t.match(payload.text, /^🔴 team-a\/apps failed in prod-eu: kustomize build/, 'with a line for the lock screen')
  t.equal(faultsOf(payload), undefined)
})

t.test('other receivers get the texts of blocks', async (t) => {
  const payload = message(kit)
  for (const dialect of dialectNames.filter((name) => name !== 'slack')) {
    const texts = textsIn(bodyFor(payload, dialect)).join('\n')
    for (const part of ['Failed', 'apps', 'no such file', 'prod-eu', 'Commit'])
      t.ok(texts.includes(part), `${dialect}: ${part}`)
    t.notMatch(texts, /undefined|\[object/, dialect)
  }
  t.match(bodyFor(payload, 'mattermost'), { text: /\*\*🔴 Failed .apps. & *\*\*/ })
  t.notOk(JSON.stringify(bodyFor(payload, 'zulip')).includes('"header"'))
  t.notOk(textsIn(bodyFor(payload, 'zulip')).includes(''), 'nothing of a divider')
})

const few = ['web', 'db', 'shop'].map((name) => about('14:00:00', { involvedObject: { name } }))

t.test('in a digest the summary is the line of an object, and always has its name', async (t) => {
  const own = configWith(
    `${links}templates: { own: { summary: "*{{ object.name }}* of {{ metadata.team }}: {{ event.message | first_line }}" } }`
  )
  const text = toText(composed(own, few).digest())
  for (const name of ['web', 'db', 'shop']) t.match(text, `🔴 ${name} of : kustomize build failed`)
  const nameless = configWith('templates: { own: { summary: "{{ event.reason }}" } }')
  t.match(toText(composed(nameless, few).digest()), '🔴 team-a/web BuildFailed\n')
  const twice = composed(own, [failed, { ...failed, timestamp: '2026-09-21T14:05:00Z' }, ...few])
  t.match(toText(twice.digest()), /🔴 apps of .* ×2\n/)
})

t.test('a storm names every object, templates or not', async (t) => {
  const names = Array.from({ length: 200 }, (_, n) => `service-${n}`)
  const storm = names.map((name) => about('14:00:00', { involvedObject: { name } }))
  const own = configWith(`templates: { own: { summary: "{{ object.name }}: {{ event.message }}" } }`)
  const text = toText(composed(own, storm).digest())
  t.strictSame(
    names.filter((name) => !text.includes(name)),
    [],
    'in one message'
  )
  const discord = textsIn(bodyFor(composed(own, storm.slice(0, 30)).digest(digestRoom('discord')), 'discord')).join(
    '\n'
  )
  t.strictSame(
    names.slice(0, 30).filter((name) => !discord.includes(name)),
    [],
    'and lines of their own for Discord'
  )
})

t.test('a template that fails on an event costs its form and not the message', async (t) => {
  const config = `
destinations: { team: { slack: { webhookUrl: "$SLACK" } } }
templates:
  own:
    title: >-
      Oh no {% if metadata.loops == "many" %}{% for i in (1..200) %}{% for j in (1..200) %}{% endfor %}{% endfor %}{% endif %}
      {% if metadata.loops == "long" %}{% for i in (1..99999999) %}x{% endfor %}{% endif %}
      {% if metadata.loops == "loud" %}{% for i in (1..900) %}{{ event.message }}x{% endfor %}{% endif %}
      {% if metadata.loops == "kept" %}{% for i in (1..24) %}{% capture x %}{{ x }}{{ x }}y{% endcapture %}{% endfor %}{% endif %}
rules: [{ name: everything, match: { severity: info }, template: own, send: team }]
`
  const { post, slack, get, url } = await startRelay(t, { config })
  await post(failed)
  for (const loops of ['many', 'long', 'loud', 'kept']) {
    const involvedObject = { ...failed.involvedObject, name: loops }
    await post({ ...failed, reason: `Reason-${loops}`, involvedObject, metadata: { loops } })
    await slack.until(({ accepted }) => accepted.at(-1)?.text.includes(loops) === true)
  }
  t.strictSame(
    slack.accepted.map(({ body }) => (body as Payload).text.split(':', 1)[0]),
    ['Oh no', ...['many', 'long', 'loud', 'kept'].map((name) => `🔴 team-a/${name} failed`)]
  )
  t.match((await get('/metrics')).body, 'flux_relay_template_errors_total{template="own"} 4', url)
})

t.test('thousands of long values are refused at once', async (t) => {
  const start = cpuMs()
  const config = configWith('templates: { own: { body: "{% for i in (1..900) %}{{ metadata.v }}{% endfor %}" } }')
  const [trace] = composed(config, [{ ...failed, metadata: { v: 'v'.repeat(400) } }]).traces
  t.match(trace, { unformed: [{ rule: 'everything', template: 'own' }] })
  t.ok(cpuMs() - start < 2000, `${cpuMs() - start} ms`)
})

t.test('what would be cut or empty is reported when the config loads, with the kind of event', async (t) => {
  const warnings = (lines: string) => {
    const text = configWith(`templates:\n  own:\n${lines}`)
    const { problems } = loadConfig(text, 'config.yaml', { KEY: 'k' })
    return problems.map(({ message, isWarning }) => [message, isWarning])
  }
  t.strictSame(
    warnings(`    blocks: [{ type: header, text: { type: plain_text, text: "{{ event.message }}" } }]`).slice(0, 1),
    [['is cut to the 150 characters that Slack takes, for a failed HelmRelease', true]]
  )
  t.strictSame(warnings(`    title: "{% if failure %}failed{% endif %}"`), [
    ['is empty for an updated Kustomization, which is shown as it would be without a template', true]
  ])
  t.strictSame(warnings(`    body: "{{ event.message }}"`), [], 'a body has room for what is usual')
})

t.test('the view has everything promised: the template is not rendered again', async (t) => {
  const { views } = composed(configWith('templates: { own: { title: "Oh no {{ object.name }}" } }'), [failed])
  t.match(views[0]?.custom, { title: 'Oh no apps' })
  const stored = JSON.parse(JSON.stringify(views[0]))
  t.match(composeOne(stored, { late: '*delayed 3 h*' }), {
    blocks: [{ text: { text: 'Oh no apps' } }, { elements: [{ text: /delayed 3 h/ }] }]
  })
})

const hostile = [
  ...'<!channel> <@U012AB3CD> <!subteam^S012AB3CD> <https://evil.example|login> @everyone @here'.split(' '),
  ...'< > & | ` `` ``` * _ ~ &lt;!here&gt; {{ {% %} }} " \\ \' here channel U012AB3CD'.split(' '),
  ...['\n', '\r', ' ', '\u0000', '\u202e', '\ud83d', 'https://evil.example/', 'x'.repeat(3000), '日'.repeat(2000)]
]
const anyText = fc
  .array(fc.oneof(fc.constantFrom(...hostile), anyCharacters({ maxLength: 10 })), { maxLength: 12 })
  .map((parts) => parts.join(''))
const anyEvent = fc.tuple(anyText, anyText, anyText, anyText, anyText, fc.boolean()).map(
  ([name, reason, text, revision, team, isGood]): WireEvent => ({
    involvedObject: { kind: name.slice(0, 253), namespace: team.slice(0, 253), name: name.slice(0, 253) },
    severity: isGood ? 'info' : 'error',
    timestamp: '2026-09-21T14:00:00Z',
    message: text,
    reason: isGood ? 'ReconciliationSucceeded' : reason,
    metadata: { revision, team, cluster: team },
    reportingController: revision
  })
)

const everyValue = [
  ...[
    'event.message',
    'event.reason',
    'event.summary',
    'object.name',
    'object.cluster',
    'revision.text',
    'metadata.team'
  ],
  ...['failure.text', 'event.controller']
]
/** A value as it is, in code, in a fence, as a label, beside marks, and through filters. */
const uses = (value: string) => [
  `{{ ${value} }} *{{ ${value} }}* \`{{ ${value} }}\` <{{ ${value} }}> <{{ ${value} }}|x> {{ ${value} | state }}`,
  `{{ ${value} | code }} {{ links.commit | link: ${value} }} {{ ${value} | shorten: 20 }} {{ ${value} | upcase | append: "<" }}`,
  `{{ ${value} | code | shorten: 9 }} {{ ${value} | first_line }} {% capture c %}<{{ ${value} }}>{% endcapture %}{{ c }}`,
  `{% assign a = ${value} | fence %}{{ a }} {{ a | slice: 0, 9 }} {% echo ${value} %} {% cycle ${value}, "x" %}`,
  `\`\`\`{{ ${value} }}\`\`\` {{ ${value} | ago }} {% for p in metadata %}{{ p[0] }}{{ p[1] }}{% endfor %}`
]
const all = (value: string) => JSON.stringify(uses(value).join('\n'))
const hostileTemplates = everyValue.flatMap((value) =>
  uses(value).map((use) =>
    configWith(`${links}
templates:
  own:
    title: ${JSON.stringify(use)}
    summary: ${JSON.stringify(use)}
    body: ${all(value)}
    fields: { A: ${JSON.stringify(use)}, B: "{{ ${value} }}" }`)
  )
)
const hostileBlocks = everyValue.flatMap((value) =>
  uses(value).map((use) =>
    configWith(`${links}
templates:
  own:
    blocks:
      - { type: header, text: { type: plain_text, text: "{{ ${value} }}" } }
      - type: section
        text: { type: mrkdwn, text: ${JSON.stringify(use)} }
        fields: [{ type: mrkdwn, text: ${JSON.stringify(use)} }, { type: plain_text, text: "{{ ${value} }}" }]
        accessory: { type: image, image_url: "https://img.example/{{ ${value} }}", alt_text: "{{ ${value} }}" }
      - { type: context, elements: [{ type: mrkdwn, text: "{{ ${value} }}" }] }
      - { type: actions, elements: [{ type: button, text: { type: plain_text, text: "{{ ${value} }}" }, url: "https://x.example/{{ ${value} }}" }] }
      - { type: actions, elements: [{ type: button, text: { type: plain_text, text: x }, url: "{{ ${value} }}" }] }`)
  )
)

const ours =
  /<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[^<>]* UTC>|<https:\/\/(git|flux|img|x)\.example\/[^<>|\s]*\|[^<>\n]*>/g

/** Everything in a message that Slack would refuse or take for an order. */
function faultsIn(payload: Payload): string[] {
  const texts = [...textsOf(payload)].map(({ text }) => text)
  const json = JSON.stringify(payload)
  const mrkdwn = json.match(/"type":"mrkdwn","text":"(?:[^"\\]|\\.)*"/g) ?? []
  const faults: [fault: string, isSo: boolean][] = [
    [`refused: ${faultsOf(payload)}`, faultsOf(payload) !== undefined],
    [`refused without blocks: ${faultsOf(withoutBlocks(payload))}`, faultsOf(withoutBlocks(payload)) !== undefined],
    ['not ours', [...texts, payload.text].some((text) => /[<>]/.test(text.replace(ours, '')))],
    ['over 15 kB', Buffer.byteLength(json) > 15_000],
    ['not verbatim', json.split('"verbatim":true').length - 1 !== mrkdwn.length],
    ['a foreign URL', /"(url|image_url)":"(?!https:\/\/(x|img|git|flux)\.example\/)/.test(json)]
  ]
  return faults.filter(([, isSo]) => isSo).map(([fault]) => fault)
}

t.test(
  'whatever is in an event and wherever a template puts it: text stays text, and Slack accepts the message',
  async (t) => {
    const configs = [...hostileTemplates, ...hostileBlocks]
    const property = fc.property(anyEvent, fc.nat(configs.length - 1), (event, at) => {
      const { messages, digest, traces } = composed(configs[at] ?? '', [event])
      if (messages.length === 0) return
      for (const payload of [...messages, digest()]) {
        const faults = faultsIn(payload)
        if (faults.length > 0) throw new Error(`${faults} in ${JSON.stringify(payload)} by ${configs[at]}`)
      }
      if (traces[0]?.unformed) throw new Error(JSON.stringify(traces[0].unformed))
    })
    t.doesNotThrow(() => fc.assert(property, { numRuns: 100, includeErrorInReport: true }))
  }
)

const orders: [what: string, pattern: RegExp][] = [
  ['a mention of everyone', /@(everyone|here|channel|all|\*|_\*)/i],
  ['a mention', /(?<![A-Za-z0-9])@[A-Za-z0-9]/],
  ['a tag', /<([@!#&/]|\w+[:.])/],
  ['a link that is not ours', /\][:[]|\]\((?!https:\/\/(git|flux|img|x)\.example\/[^\s()]*\))/]
]

t.test('no other receiver takes any of it for an order either', async (t) => {
  const configs = [...hostileTemplates, ...hostileBlocks]
  const strangers: Dialect[] = dialectNames.filter((dialect) => !dialect.startsWith('slack'))
  const property = fc.property(anyEvent, fc.nat(configs.length - 1), (event, at) => {
    for (const payload of composed(configs[at] ?? '', [event]).messages) {
      for (const dialect of strangers) {
        const texts = textsIn(bodyFor(payload, dialect))
        const found = texts.flatMap((text) => orders.filter(([, pattern]) => pattern.test(text)).map(([what]) => what))
        if (found.length > 0) throw new Error(`${dialect}: ${found} in ${JSON.stringify(texts)} by ${configs[at]}`)
      }
    }
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 50, includeErrorInReport: true }))
})

t.test('every fixture reads well with the template of the contract', async (t) => {
  const own = configWith(`${links}
templates:
  own:
    title: "{{ transition | state }} {{ object.kind }} {{ object.namespace }}/{{ object.name }}"
    summary: "{{ object.name }}: {{ event.message | first_line }}"
    body: "{{ event.message }}"
    fields: { Cluster: "{{ object.cluster }}", Revision: "{{ revision.short }}" }`)
  for (const name of fixtureNames) {
    const { messages, traces } = composed(own, [fixture(name)])
    t.strictSame(messages.flatMap(faultsIn), [], name)
    t.equal(traces[0]?.unformed, undefined, name)
  }
})

t.test('the beginning and the end of a failure have variables of their own', async (t) => {
  const own =
    'templates: { own: { title: "{{ transition | state }} | {{ failure.began.reason }} | {{ failure.reason }} | {{ failure.ending }}" } }'
  const at = (clock: string, severity: 'info' | 'error', reason: string): WireEvent => ({
    ...event(clock, 'web', reason, 'x'),
    severity
  })
  const events = [at('14:00:00', 'error', 'BuildFailed'), at('14:01:00', 'error', 'PruneFailed')]
  t.match(composed(configWith(own), events).messages[1]?.text, /New error \| BuildFailed \| PruneFailed \|: x$/)
  const waits = [at('14:00:00', 'info', 'DependencyNotReady'), at('14:01:00', 'info', 'ReconciliationSucceeded')]
  t.match(
    composed(configWith(own), waits).messages[1]?.text,
    /No longer waits \| DependencyNotReady \| \S+ \| unblocked, at \S+$/
  )
})
