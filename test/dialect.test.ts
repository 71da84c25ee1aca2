// Other receivers: get the same message as Slack, in the form they understand.
import t from 'tap'
import { bodyFor, type Dialect, dialectNames, endpointFor, guessDialect } from '../src/render/receivers/dialect.ts'
import { section } from '../src/render/slack/blocks.ts'
import { type Payload, textsOf, withoutBlocks } from '../src/render/slack/payload.ts'
import { digestOf, event, messageOf, sha, textsIn } from './fixtures/messages.ts'
import { faultsOf } from './fixtures/slack.ts'

t.test('the URL tells which receiver it is, and the address and method to post with', async (t) => {
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
    ['https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t', 'text'],
    ['https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d', 'text'],
    ['not a URL', 'slack']
  ]
  for (const [url, dialect, endpoint = url] of cases) {
    t.equal(guessDialect(url), dialect, url)
    t.equal(endpointFor(url, dialect), endpoint, `posts to ${endpoint}`)
  }
})

const failure = {
  ...event(
    '14:13:20',
    'web',
    'UpgradeFailed',
    'Helm upgrade failed for release apps/web with chart web@1.2.3: no [such](file)\n\nLast Helm logs:\n\n2026-09-21T14:08:20Z: wait for <nil> | `x` & *y*.'
  ),
  involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'web' }
}
const broken = event('14:13:25', 'api', 'BuildFailed', 'no | file <nil>')
const recovery = event('14:27:25', 'api', 'ReconciliationSucceeded', 'done')
const revision = `[main@8bd5de2](https://git.example/${sha})`
const named = (name: string) => `**[apps/${name}](https://flux.example/${name})**`
type Golden = {
  payload: Payload
  /** The text of the message itself, block by block, in Markdown. */
  head: string[]
  /** The text beside the colour. */
  log?: string
  plain: string
}
const goldens: Record<string, Golden> = {
  failure: {
    payload: messageOf([failure], '<!subteam^S012AB3CD>'),
    head: [
      `🔴 ${named('web')} failed in \`prod-eu\`\nupgrade to web 1.2.3: **no ［such］\u200b(file)**`,
      `HelmRelease   UpgradeFailed   chart ${revision}   2026-09-21 14:13 UTC`
    ],
    log: '```\nwait for <nil> | ˋxˋ & *y*.\n```',
    plain: `🔴 apps/web (https://flux.example/web) failed in prod-eu
upgrade to web 1.2.3: no [such]\u200b(file)
HelmRelease   UpgradeFailed   chart main@8bd5de2 (https://git.example/${sha})   2026-09-21 14:13 UTC
wait for ‹nil› | \`x\` & *y*.`
  },
  recovery: {
    payload: messageOf([broken, recovery]),
    head: [
      `✅ ${named('api')} works again in \`prod-eu\` after **14 m**`,
      `Kustomization   was BuildFailed, once   at ${revision}   2026-09-21 14:27 UTC`
    ],
    plain: `✅ apps/api (https://flux.example/api) works again in prod-eu after 14 m
Kustomization   was BuildFailed, once   at main@8bd5de2 (https://git.example/${sha})   2026-09-21 14:27 UTC`
  },
  digest: {
    payload: digestOf([failure, event('14:13:20', 'db', 'PruneFailed', 'x_y'), broken, recovery]),
    head: [
      '🔴 **2 failing**, ✅ 1 recovered in `prod-eu`',
      `🔴 ${named('web')}: upgrade to web 1.2.3: **no ［such］\u200b(file)** (HelmRelease UpgradeFailed)
🔴 ${named('db')}: **x_y** (Kustomization PruneFailed)
✅ ${named('api')} works again after **14 m** (Kustomization, was BuildFailed, failed meanwhile)`,
      '2026-09-21 14:13 UTC – 2026-09-21 14:27 UTC'
    ],
    plain: `🔴 2 failing, ✅ 1 recovered in prod-eu
🔴 apps/web (https://flux.example/web): upgrade to web 1.2.3: no [such]\u200b(file) (HelmRelease UpgradeFailed)
🔴 apps/db (https://flux.example/db): x_y (Kustomization PruneFailed)
✅ apps/api (https://flux.example/api) works again after 14 m (Kustomization, was BuildFailed, failed meanwhile)
2026-09-21 14:13 UTC – 2026-09-21 14:27 UTC`
  }
}

for (const [name, { payload, head, log, plain }] of Object.entries(goldens)) {
  t.test(`a ${name} reads the same everywhere`, async (t) => {
    const body = (dialect: Dialect) => bodyFor(payload, dialect, {})
    const fallback = payload.text.replace('](', ']\u200b(')
    const color = '#a30200'
    const mrkdwn_in = ['pretext', 'text']
    const [title = '', ...facts] = head
    const legacy = (text: string, pretext: string, log: string | undefined, fallback: string) =>
      log === undefined
        ? { text: [text, pretext].join('\n') }
        : { text, attachments: [{ fallback, color, pretext, text: log, mrkdwn_in }] }
    t.strictSame(body('slack'), payload, 'Slack')
    const mrkdwn = [...textsOf(payload)].map(({ text }) => text)
    const own = mrkdwn.slice(0, head.length)
    const old = legacy(own[0] ?? '', own.slice(1).join('\n'), mrkdwn[head.length], payload.text)
    t.strictSame(body('slack-legacy'), { ...old, unfurl_links: false, unfurl_media: false }, 'Slack, long ago')
    t.equal(faultsOf(body('slack-legacy')), undefined, 'Slack takes it')
    const pretext = facts.join('\n')
    t.strictSame(body('mattermost'), legacy(title, pretext, log?.replaceAll('|', '∣'), fallback), 'Mattermost')
    t.strictSame(body('rocketchat'), legacy(title, pretext, log, fallback), 'Rocket.Chat')
    const embeds = log === undefined ? {} : { attachments: [{ color, text: log }] }
    t.strictSame(body('discord'), { text: head.join('\n'), ...embeds }, 'Discord')
    const section = (text: string) => {
      const own = text.replaceAll('**', '*').replace('```\n', '```text\n')
      return { type: 'section', text: { type: 'mrkdwn', text: own } }
    }
    const attached = log === undefined ? {} : { attachments: [{ color, blocks: [section(log)] }] }
    t.strictSame(body('zulip'), { blocks: head.map(section), ...attached }, 'Zulip')
    t.strictSame(body('text'), { text: plain }, 'those who take text')
    const details = plain.slice(plain.indexOf('\n') + 1)
    t.strictSame(body('workflow'), { summary: fallback, text: plain, details }, 'a workflow')
    const again = textsIn(bodyFor(withoutBlocks(payload), 'discord'))
    t.strictSame(again, [[...head, ...(log === undefined ? [] : [log])].join('\n')], 'a second try is only text')
  })
}

t.test("a mention takes the receiver's form, and is left out of a second try", async (t) => {
  const called = (dialect: Dialect, mention: string, change = (payload: Payload) => payload) => {
    const [title = ''] = textsIn(bodyFor(change(messageOf([failure], mention)), dialect))
    return /^.*failed in `?prod-eu`? *(.*)/.exec(title)?.[1]
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

t.test('channel and name are passed to the receivers that understand them', async (t) => {
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

t.test('an address in an event calls nobody where it leads to', async (t) => {
  const targets = ['https://a.example/@everyone', 'https://me@a.example:8443/@here/@all?x=@channel#@alice']
  const blocks = [section(targets.map((url) => `<${url}|runbook>`).join(' '))]
  const payload: Payload = { text: 'x', blocks, unfurl_links: false, unfurl_media: false }
  for (const dialect of ['mattermost', 'rocketchat', 'discord', 'zulip'] as const) {
    const texts = textsIn(bodyFor(payload, dialect)).join('\n')
    t.match(texts, '](https://a.example/%40everyone)', dialect)
    t.match(texts, '](https://me@a.example:8443/%40here/%40all?x=%40channel#%40alice)', dialect)
  }
})

t.test('a label with a | in it is read to its end by every receiver', async (t) => {
  const blocks = [section('<https://git.example/1|a | b | apps/web>')]
  const payload: Payload = { text: 'x', blocks, unfurl_links: false, unfurl_media: false }
  for (const dialect of dialectNames.filter((name) => name !== 'workflow')) {
    const texts = textsIn(bodyFor(payload, dialect)).join('\n')
    t.match(texts, /a [|∣] b [|∣] apps\/web/, dialect)
  }
})
