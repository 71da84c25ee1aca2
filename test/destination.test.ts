// Destinations: accept only webhook addresses, and share a lane if they share a channel.
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { createDestination, webhookUrlFault } from '../src/deliver/destination.ts'
import type { Dialect } from '../src/render/receivers/dialect.ts'
import { cutOut, suspectsIn } from '../src/secrecy.ts'
import { createSlackApp, type SlackApp } from '../src/slack-api/app.ts'

t.test('an address that takes no webhook messages is refused with what to do instead', async (t) => {
  const faults: [url: string, fault: RegExp][] = [
    [
      'https://slack.com/api/chat.postMessage',
      /Slack's Web API.*slackApps: .*token:.*slack: \{ app: slack, channel: C0123ABCD \}/
    ],
    ['https://www.slack.com/api/chat.postMessage', /Web API/],
    ['https://acme.slack.com/api/chat.postMessage', /Web API/],
    ['https://slack-gov.com/api/', /Web API/],
    ['https://SLACK.com./api/chat.update?x=1', /Web API/],
    ['https://hooks.slack.com/api/chat.postMessage', /Web API/],
    ['https://app.slack.com/client/T0/C0', /not a webhook: make an incoming webhook/],
    ['https://acme.slack.com/archives/C0/p1', /not a webhook/],
    ['https://api.slack.com/apps/A0/incoming-webhooks', /not a webhook/],
    ['https://slack.com/', /not a webhook/],
    ['https://hooks.slack.com/', /not a webhook/],
    ['https://hooks.slack.com/services', /not a webhook/],
    ['https://acme.slack.com/services/T/B/x', /not a webhook/],
    ['xoxb-12-34-abc', /is a Slack token.*slackApps: .*slack: \{ app: slack, channel: C0123ABCD \}/],
    ['xapp-1-A0-1-abc', /is a Slack token/],
    ['https://discord.com/channels/1/2', /not a Discord webhook/],
    ['https://discord.com/api/webhooks/CHANGE_ME', /have two parts, a number and a token/],
    ['hooks.slack.com/services/T/B/x', /is not a URL/],
    ['https://hooks.slack.com/services/T0/B0', /three parts/],
    ['https://hooks.slack.com/services/T0/B0/', /three parts/],
    ['https://hooks.slack-gov.com/services/T0', /three parts/],
    ['https://hooks.slack.com/services/T/B/x/https://hooks.slack.com/services/T/B/y', /three parts/],
    ['https://hooks.slack.com/services/T/B/x # team-a', /a URL and a note/],
    ['https://https://hooks.slack.com/services/T/B/x', /twice/],
    ['https://user:pw@bridge.example/in', /which would not be sent/],
    ['https://hooks.slack.com@evil.example/services/T/B/x', /which would not be sent/],
    ['http://hooks.slack.com/services/T/B/x', /must be https/]
  ]
  for (const [url, fault] of faults) {
    t.match(webhookUrlFault(url), fault, url)
    t.notOk(webhookUrlFault(url)?.includes('chat.'), 'and is not repeated')
    const shown = webhookUrlFault(url) ?? ''
    t.equal(cutOut(shown, suspectsIn(shown)), shown, 'and is shown in full')
  }
  for (const url of [
    'https://hooks.slack.com/services/T/B/x',
    'https://hooks.slack-gov.com/services/T/B/x',
    'https://hooks.slack.com/triggers/T/1/x',
    'https://hooks.slack.com/workflows/T/A/1/x',
    'https://discord.com/api/webhooks/1/x/slack',
    'https://ptb.discord.com/api/v10/webhooks/1/x',
    'https://egress.example/services/T/B/x',
    'https://notslack.com/api/hook',
    'http://127.0.0.1:8080/services/T/B/x'
  ]) {
    t.equal(webhookUrlFault(url), undefined, url)
  }
})

t.test('a channel or name that the receiver certainly ignores causes a warning', async (t) => {
  const warned = (url: string, dialect?: string) => {
    const slack = { webhookUrl: url, channel: '#ops', username: 'Flux', ...(dialect && { dialect }) }
    const destinations = { team: { slack }, other: { preview: true } }
    const file = {
      sources: { default: { hmacKeys: ['${K}'] } },
      destinations,
      rules: [{ name: 'a', send: ['team', 'other'] }]
    }
    const { problems } = loadConfig(JSON.stringify(file).replace(url, '${URL}'), 'x', { K: 'k', URL: url })
    return problems.map(({ message, isWarning }) => `${isWarning ? '' : 'error: '}${message}`)
  }
  const channel = (dialect: string) => `has no effect: webhooks of the dialect "${dialect}" have a channel of their own`
  const name = (dialect: string) => `has no effect: webhooks of the dialect "${dialect}" have a name of their own`
  // Only Slack's legacy webhooks obey it, and nothing shows which ones they are.
  t.strictSame(warned('https://hooks.slack.com/services/T/B/x'), [])
  t.strictSame(warned('https://chat.example/hooks/abcdefghijklmnopqrstuvwxyz'), [])
  t.strictSame(warned('https://discord.com/api/webhooks/1/x'), [channel('discord')])
  t.strictSame(warned('https://chat.example/api/v1/external/slack_incoming?api_key=k'), [name('zulip')])
  t.strictSame(warned('https://hooks.slack.com/triggers/T/1/x'), [channel('workflow'), name('workflow')])
  t.strictSame(warned('https://gateway.example/in', 'text'), [channel('text'), name('text')])
})

t.test('each channel of a webhook has its own lane if the receiver heeds the channel', async (t) => {
  const lane = (channel?: string, dialect?: Dialect) => {
    const slack = {
      webhookUrl: 'https://chat.example/services/T/B/x',
      ...(channel && { channel }),
      ...(dialect && { dialect })
    }
    return createDestination('team', { slack }).lane
  }
  for (const dialect of ['slack', 'slack-legacy', 'mattermost', 'rocketchat'] as const) {
    t.equal(new Set([lane(undefined, dialect), lane('#a', dialect), lane('#b', dialect)]).size, 3, dialect)
    t.equal(lane('#a', dialect), lane('#a', dialect))
  }
  for (const dialect of ['discord', 'zulip', 'text', 'workflow'] as const) {
    t.equal(lane('#a', dialect), lane('#b', dialect), `${dialect}: the channel is the webhook's own`)
  }
})

t.test('the YAML suggested for a refused address is a valid config', async (t) => {
  const fault = webhookUrlFault('https://slack.com/api/chat.postMessage') ?? ''
  const [apps = '', place = ''] = [...fault.matchAll(/`([^`]+)`/g)].map(([, yaml]) => yaml)
  const text = `${apps}\ndestinations: { team: { ${place} } }\nrules: [{ name: all, send: team }]\n`
  const { problems } = loadConfig(text, 'config.yaml', { SLACK_BOT_TOKEN: 'xoxb-1-2-three' })
  t.same(
    problems.filter(({ isWarning }) => !isWarning),
    []
  )
})

t.test(
  'a channel of an app has one lane, however it is written, whose name shows no secret and outlives a token',
  async (t) => {
    const app = createSlackApp('acme', { token: 'xoxb-1-2-three' })
    const other = createSlackApp('gov', { token: 'xoxb-4-5-six', apiUrl: 'https://slack-gov.com/api/' })
    const of = (app: SlackApp, channel: string) => createDestination('team', { slack: { app, channel } })
    t.equal(of(app, 'C0123ABCD').lane, 'slack:acme:C0123ABCD')
    t.equal(of(app, '#team-a').lane, 'slack:acme:team-a')
    t.equal(of({ ...app, token: 'xoxb-new' }, '#team-a').lane, of(app, '#team-a').lane)
    t.not(of(other, '#team-a').lane, of(app, '#team-a').lane)
    t.equal(of(other, '#team-a').slack?.url, 'https://slack-gov.com/api/chat.postMessage')
    t.equal(of(app, '#team-a').slack?.url, 'https://slack.com/api/chat.postMessage')
    t.match(of(app, '#team-a').slack, { receiver: 'web-api', dialect: 'slack', sender: { channel: '#team-a' } })
  }
)
