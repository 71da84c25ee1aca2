// Other receivers: get the same message as Slack, in the form they understand.
import t from 'tap'
import { bodyFor, type Dialect, dialectNames, endpointFor, guessDialect } from '../src/render/receivers/dialect.ts'
import { section } from '../src/render/slack/blocks.ts'
import { type Payload, textsOf, withoutBlocks } from '../src/render/slack/payload.ts'
import { digestOf, event, messageOf, sha, textsIn } from './fixtures/messages.ts'
import { faultsOf } from './fixtures/slack.ts'

t.test('the URL shows who is behind it, and where and how it wants to be asked', async (t) => {
  const token = 'a1b2c3d4e5f6g7h8i9j0k1l2m3'
  const cases: [url: string, dialect: Dialect, endpoint?: string][] = [
    ['https://hooks.slack.com/services/T0/B0/x', 'slack'],
    ['https://hooks.slack-gov.com/services/T0/B0/x', 'slack'],
    ['http://127.0.0.1:8080/services/T0/B0/x', 'slack'],
    ['https://hooks.slack.com/triggers/T0/123/abc', 'workflow'],
    ['https://hooks.slack.com/workflows/T0/A0/123/abc', 'workflow'],
    ['http://localhost:8080/triggers/T0/123/abc', 'workflow'],
    ['https://prod-1.westus.logic.azure.com/workflows/abc/triggers/manual/paths/invoke', 'slack'],
    ['https://discord.com/api/webhooks/1/x', 'discord', 'https://discord.com/api/webhooks/1/x/slack'],
    ['https://discordapp.com/api/webhooks/1/x/', 'discord', 'https://discordapp.com/api/webhooks/1/x/slack'],
    ['https://ptb.discord.com/api/v10/webhooks/1/x/slack', 'discord'],
    [
      'https://discord.com/api/webhooks/1/x?thread_id=2',
      'discord',
      'https://discord.com/api/webhooks/1/x/slack?thread_id=2'
    ],
    ['https://discord.com/api/webhooks/1/x/slack?wait=true', 'discord'],
    ['https://evil-discord.com/api/webhooks/1/x', 'slack'],
    ['https://zulip.example/api/v1/external/slack_incoming?api_key=x&stream=y', 'zulip'],
    [`https://chat.example/hooks/${token}`, 'mattermost'],
    [`https://example.com/mattermost/hooks/${token}`, 'mattermost'],
    ['https://chat.example/hooks/64f0c9/AbCdEf', 'rocketchat'],
    [`https://chat.example/hooks/${token}/${token}`, 'rocketchat'],
    [`https://chat.example/hooks/${token.slice(1)}`, 'slack'],
    ['not a URL', 'slack']
  ]
  for (const [url, dialect, endpoint = url] of cases) {
    t.equal(guessDialect(url), dialect, url)
    t.equal(endpointFor(url, dialect), endpoint, `posts to ${endpoint}`)
  }
})

const failure = event('14:13:20', 'web', 'HealthCheckFailed', 'Deployment/web: <nil> | `x` & *y*\n\nlast line')
const recovery = event('14:27:20', 'web', 'ReconciliationSucceeded', 'done')
const database = [
  event('14:13:20', 'db', 'BuildFailed', 'no such file'),
  event('14:14:20', 'db', 'ReconciliationSucceeded', 'done')
]
const revision = (label: string) => `\`prod-eu\`   kustomize-controller   ${label}   `
const commit = revision(`[main@8bd5de2](https://git.example/${sha})`)
const named = (name: string) => `[Kustomization apps/${name}](https://flux.example/${name})`
const fenced = 'Deployment/web: <nil> | ˋxˋ & *y*\n\nlast line'
type Golden = {
  payload: Payload
  title: string
  facts: string
  attached: [color: string, text: string][]
  plain: string
}
const goldens: Record<string, Golden> = {
  failure: {
    payload: messageOf([failure], '<!subteam^S012AB3CD>'),
    title: `🔴 **Failed**  **${named('web')}**  \`HealthCheckFailed\``,
    facts: `${commit}2026-09-21 14:13:20 UTC`,
    attached: [['#a30200', `\`\`\`\n${fenced}\n\`\`\``]],
    plain: `🔴 Failed  Kustomization apps/web (https://flux.example/web)  HealthCheckFailed
prod-eu   kustomize-controller   main@8bd5de2 (https://git.example/${sha})   2026-09-21 14:13:20 UTC
Deployment/web: ‹nil› | \`x\` & *y*\n\nlast line`
  },
  recovery: {
    payload: messageOf([failure, recovery]),
    title: `✅ ~~Failed~~ → **Ready**  **${named('web')}**`,
    facts: `${commit}2026-09-21 14:27:20 UTC`,
    attached: [['#2eb886', 'was `HealthCheckFailed` for **14 m**   1 failure']],
    plain: `✅ Failed → Ready  Kustomization apps/web (https://flux.example/web)
prod-eu   kustomize-controller   main@8bd5de2 (https://git.example/${sha})   2026-09-21 14:27:20 UTC
was HealthCheckFailed for 14 m   1 failure`
  },
  digest: {
    payload: digestOf([failure, event('14:13:25', 'api', 'BuildFailed', 'no [such](file)'), ...database]),
    title: '🗂   `prod-eu`   **3 objects**   🔴 2 failing   ✅ 1 recovered',
    facts: '2026-09-21 14:13:20 UTC to 2026-09-21 14:14:20 UTC',
    attached: [
      [
        '#a30200',
        `**Failing**
• ${named('web')} \`HealthCheckFailed\` \`Deployment/web: <nil> | ˋxˋ & *y*\`
• ${named('api')} \`BuildFailed\` \`no [such]\u200b(file)\``
      ],
      ['#2eb886', `**Recovered**\n• ${named('db')} failed, now recovered; \`BuildFailed\` for 1 m`]
    ],
    plain: `🗂   prod-eu   3 objects   🔴 2 failing   ✅ 1 recovered
2026-09-21 14:13:20 UTC to 2026-09-21 14:14:20 UTC
Failing
• Kustomization apps/web (https://flux.example/web) HealthCheckFailed Deployment/web: ‹nil› | ˋxˋ & *y*
• Kustomization apps/api (https://flux.example/api) BuildFailed no [such]\u200b(file)
Recovered
• Kustomization apps/db (https://flux.example/db) failed, now recovered; BuildFailed for 1 m`
  }
}

for (const [name, { payload, title, facts, attached, plain }] of Object.entries(goldens)) {
  t.test(`a ${name} reads the same everywhere`, async (t) => {
    const body = (dialect: Dialect) => bodyFor(payload, dialect, {})
    const fallback = payload.text.replace('&lt;', '‹').replace('&gt;', '›').replace('&amp;', '&')
    const mrkdwn_in = ['pretext', 'text']
    const legacy = (fallback: string, facts: string, texts: [string, string][]) =>
      texts.map(([color, text], i) => ({ fallback, color, ...(i === 0 && { pretext: facts }), text, mrkdwn_in }))
    t.strictSame(body('slack'), payload, 'Slack')
    const [mrkdwn = '', line = '', ...rest] = [...textsOf(payload)].map(({ text }) => text)
    const beside = rest.map((text, i): [string, string] => [attached[i]?.[0] ?? '', text])
    const old = { text: mrkdwn, attachments: legacy(payload.text, line, beside) }
    t.strictSame(body('slack-legacy'), { ...old, unfurl_links: false, unfurl_media: false }, 'Slack, long ago')
    t.equal(faultsOf(body('slack-legacy')), undefined, 'Slack takes it')
    const noPipes = attached.map(([color, text]): [string, string] => [color, text.replaceAll('|', '∣')])
    t.strictSame(body('mattermost'), { text: title, attachments: legacy(fallback, facts, noPipes) }, 'Mattermost')
    t.strictSame(body('rocketchat'), { text: title, attachments: legacy(fallback, facts, attached) }, 'Rocket.Chat')
    const embeds = attached.map(([color, text]) => ({ color, text }))
    t.strictSame(body('discord'), { text: `${title}\n${facts}`, attachments: embeds }, 'Discord')
    const section = (text: string) => {
      const own = text.replaceAll('**', '*').replace('```\n', '```text\n')
      return { type: 'section', text: { type: 'mrkdwn', text: own } }
    }
    const attachments = attached.map(([color, text]) => ({ color, blocks: [section(text)] }))
    t.strictSame(body('zulip'), { blocks: [section(title), section(facts)], attachments }, 'Zulip')
    t.strictSame(body('text'), { text: plain }, 'those who take text')
    const details = plain.slice(plain.indexOf('\n') + 1)
    t.strictSame(body('workflow'), { summary: fallback, text: plain, details }, 'a workflow')
    const again = textsIn(bodyFor(withoutBlocks(payload), 'discord'))
    t.strictSame(again, [[title, facts, ...attached.map(([, text]) => text)].join('\n')], 'a second try is only text')
  })
}

t.test('a mention is what the receiver calls it, and is left out of a second try', async (t) => {
  const called = (dialect: Dialect, mention: string, change = (payload: Payload) => payload) => {
    const [title = ''] = textsIn(bodyFor(change(messageOf([failure], mention)), dialect))
    return /^.*HealthCheckFailed`? ?(.*)/.exec(title)?.[1]
  }
  const names: [Dialect, here: string, channel: string][] = [
    ['slack-legacy', '<!here>', '<!channel>'],
    ['mattermost', '@here', '@channel'],
    ['rocketchat', '@here', '@all'],
    ['discord', '@here', '@everyone'],
    ['zulip', '@**all**', '@**all**'],
    ['text', '', '']
  ]
  for (const [dialect, here, channel] of names) {
    t.equal(called(dialect, '<!here>'), here, `${dialect}: ${here}`)
    t.equal(called(dialect, '<!channel>'), channel, `${dialect}: ${channel}`)
    if (dialect === 'slack-legacy') continue
    t.equal(called(dialect, '<@U012AB3CD>'), '', `${dialect}: Slack’s people are strangers`)
    t.equal(
      called(dialect, '<!here>', withoutBlocks),
      '',
      `${dialect}: a room too large to be called gets it all the same`
    )
  }
})

t.test('a channel and a name go to those who understand them', async (t) => {
  const senders = dialectNames.map((dialect) => {
    const { channel, username } = bodyFor(messageOf([failure]), dialect, {
      channel: '#ops',
      username: 'Flux'
    }) as Record<string, unknown>
    return [dialect, channel, username].filter(Boolean).join(' ')
  })
  const both = ['slack', 'slack-legacy', 'mattermost', 'rocketchat'].map((dialect) => `${dialect} #ops Flux`)
  t.strictSame(senders, [...both, 'discord Flux', 'zulip #ops', 'text', 'workflow'])
})

t.test('a label with a | in it is read to its end, by everyone', async (t) => {
  const blocks = [section('<https://git.example/1|a | b | apps/web>')]
  const payload: Payload = { text: 'x', blocks, unfurl_links: false, unfurl_media: false }
  for (const dialect of dialectNames.filter((name) => name !== 'workflow')) {
    const texts = textsIn(bodyFor(payload, dialect)).join('\n')
    t.match(texts, /a [|∣] b [|∣] apps\/web/, dialect)
  }
})
