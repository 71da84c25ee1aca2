// A Slack app: one token posts to every channel, and what Slack says is about that channel, that message, or all of them.
import t, { type Test } from 'tap'
import { createClock } from './fixtures/clock.ts'
import { startPostgres } from './fixtures/postgres.ts'
import { about, type Relay, type RelayOptions, startRelay, tempFolder } from './fixtures/relay.ts'
import { botToken, type SlackApi, type SlackApiOptions, startSlackApi } from './fixtures/slack-api.ts'

const channels = () =>
  ['a', 'b', 'c'].map((name) => ({ id: `C000000${name.toUpperCase()}`, name: `team-${name}`, members: ['U0FLUX'] }))

const config = `
slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}", apiUrl: "$API" } }
destinations:
  a: { slack: { app: acme, channel: C000000A }, pace: { perSecond: 50, burst: 100 } }
  b: { slack: { app: acme, channel: "#team-b" }, pace: { perSecond: 50, burst: 100 } }
  c: { slack: { app: acme, channel: "#team-c" }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
operator: [ops, c]
rules:
  - { name: a, match: { severity: info, name: "a*" }, notify: every, send: a }
  - { name: b, match: { severity: info, name: ["b*", "ab*"] }, notify: every, send: b }
`

async function build(t: Test, api: SlackApiOptions = {}, relay: RelayOptions = {}) {
  const slackApi = await startSlackApi({ perSecond: 1000, burst: 1000, latencyMs: 0, channels: channels(), ...api })
  t.teardown(() => slackApi.close())
  const clock = createClock()
  const started = await startRelay(t, {
    clock,
    ...relay,
    config: (relay.config ?? config).replaceAll('$API', slackApi.apiUrl),
    env: { SLACK_BOT_TOKEN: botToken, ...relay.env }
  })
  return { api: slackApi, relay: started, clock }
}

const texts = (api: SlackApi, channel: string) => api.seen(channel).map(({ text }) => /apps\/(\w+)/.exec(text)?.[1])
const posts = (api: SlackApi) => api.calls.filter(({ method }) => method === 'chat.postMessage')
const lane = async (relay: Relay, name: string) => {
  const { lanes } = JSON.parse((await relay.get('/api/lanes')).body) as { lanes: { destinations: string[] }[] }
  return lanes.find(({ destinations }) => destinations.includes(name))
}

t.test('one token posts to channels by ID and by name, and is in no log, page, answer or metric', async (t) => {
  const { api, relay } = await build(t)
  await relay.post(about('ab'))
  await api.until(() => api.seen('team-a').length === 1 && api.seen('team-b').length === 1)
  t.match(api.seen('team-a'), [{ channel: 'C000000A', text: /apps\/ab failed/ }])
  t.ok(
    api.calls.every(({ token, method }) => token === botToken && method === 'chat.postMessage'),
    'nothing else is asked of Slack'
  )
  await relay.logged(/message sent/, 2)
  const pages = ['/', '/api/lanes', '/api/events', '/metrics', '/rules', '/deliveries', '/events/1', '/api/config']
  const shown = (await Promise.all(pages.map((path) => relay.get(path)))).map(({ body }) => body)
  for (const text of [...shown, ...relay.log]) t.notMatch(text, botToken)
  t.match(await lane(relay, 'a'), { lane: 'slack:acme:C000000A', block: null })
  t.match(await lane(relay, 'b'), { lane: 'slack:acme:team-b' })
})

t.test('a channel that the app is not in blocks its own lane; the operator is notified how to invite it', async (t) => {
  const { api, relay, clock } = await build(t)
  const channel = api.channels[0]
  if (channel) channel.members = []
  await relay.post(about('a1'))
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const [notice] = relay.slack.accepted
  t.match(
    notice?.text,
    /destination a takes no messages: the answer is 200 not_in_channel[\s\S]*Invite the app to the channel[\s\S]*\/invite @/
  )
  t.notMatch(notice?.text, /webhook/)
  t.match(await lane(relay, 'a'), { block: { reason: '200 not_in_channel' } })
  t.match(
    relay.log.find((line) => line.includes('destination rejects')),
    /"advice":"invite the app to the channel.*\/invite @/
  )
  const page = (await relay.get('/')).body
  t.match(page, /200 not_in_channel<.*What to do: invite the app to the channel/s)
  t.match(page, /C000000A, by the app acme · 50 a second/)
  await relay.post(about('b1'))
  await api.until(() => api.seen('team-b').length === 1)
  t.match(await lane(relay, 'b'), { block: null }, 'the others go on')
  if (channel) channel.members = ['U0FLUX']
  clock.advance(5 * 60_000)
  await api.until(() => api.seen('team-a').length === 1)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.match(relay.slack.accepted[1]?.text, /destination a takes messages again after 5 m/)
})

t.test(
  'a rejected token is tried once for all lanes, and when it is accepted again all lanes go on at once',
  async (t) => {
    const { api, relay, clock } = await build(t)
    const app = api.apps[botToken]
    if (app) app.error = 'token_revoked'
    await relay.post(about('a1'))
    await relay.slack.until(({ accepted }) => accepted.length === 1)
    await relay.post(about('b1'))
    await relay.logged(/destination rejects all messages/, 2)
    t.equal(posts(api).length, 1, 'the second lane knows without asking')
    t.match(await lane(relay, 'b'), { block: { reason: '200 token_revoked' } })
    t.match(relay.log.join(''), /"destination":"b".*200 token_revoked, as another channel of the app was answered/)
    t.match(
      relay.slack.accepted[0]?.text,
      /Slack app acme takes no messages: the answer is 200 token_revoked[\s\S]*The token was revoked.*install the app again/
    )
    const metrics = (await relay.get('/metrics')).body
    t.match(metrics, /flux_relay_slack_requests_total\{destination="a",outcome="blocked"\} 1/)
    t.notMatch(
      metrics,
      /flux_relay_slack_requests_total\{destination="b",outcome="blocked"\} 1/,
      'nothing was requested'
    )
    t.equal(texts(api, 'team-c').length, 0, 'nor said through the app itself')
    if (app) delete app.error
    clock.advance(5 * 60_000 - 1)
    t.equal(posts(api).length, 1)
    clock.advance(1)
    await api.until(() => api.seen('team-a').length === 1 && api.seen('team-b').length === 1)
    await relay.slack.until(({ accepted }) => accepted.length === 2)
    t.match(relay.slack.accepted[1]?.text, /Slack app acme takes messages again after 5 m/)
    t.equal(relay.slack.accepted.length, 2, 'one notice for the app, and none for each channel')
  }
)

t.test('a token that one replica finds accepted again is tried by the others too', async (t) => {
  const { url } = await startPostgres(t)
  const slackApi = await startSlackApi({ perSecond: 1000, burst: 1000, latencyMs: 0, channels: channels() })
  t.teardown(() => slackApi.close())
  const env = { SLACK_BOT_TOKEN: botToken, DATABASE_URL: url }
  const text = config.replaceAll('$API', slackApi.apiUrl)
  const one = await startRelay(t, { config: text, env })
  const other = await startRelay(t, { config: text.replaceAll('$SLACK', one.slack.url()), env })
  const app = slackApi.apps[botToken]
  if (app) app.error = 'missing_scope'
  await one.post(about('a1'))
  await one.logged(/destination rejects all messages/)
  await other.post(about('b1'))
  await other.logged(/destination rejects all messages/)
  if (app) delete app.error
  await fetch(`${one.url}/api/lanes/a/try`, { method: 'POST' })
  await slackApi.until(() => slackApi.seen('team-a').length === 1 && slackApi.seen('team-b').length === 1)
  // Either replica might post new events.
  await one.app.close()
  await other.post(about('a2'))
  await slackApi.until(() => slackApi.seen('team-a').length === 2)
})

t.test('trying a lane by hand asks Slack again', async (t) => {
  const { api, relay } = await build(t)
  const app = api.apps[botToken]
  if (app) app.error = 'missing_scope'
  await relay.post(about('a1'))
  await relay.post(about('b1'))
  await relay.logged(/destination rejects all messages/, 2)
  if (app) delete app.error
  await fetch(`${relay.url}/api/lanes/b/try`, { method: 'POST' })
  await api.until(() => api.seen('team-b').length === 1 && api.seen('team-a').length === 1)
  t.equal(posts(api).length, 3)
})

t.test('a rate limit in one channel is kept by all channels of the token', async (t) => {
  const { api, relay, clock } = await build(t)
  const start = clock.now()
  const times: number[] = []
  // Not in the header, which the stand-in would enforce in real time.
  const limit = { status: 429, body: '{"ok":false,"error":"ratelimited","retry_after":30}' }
  api.behave('chat.postMessage', (_, index) => {
    times.push(clock.now() - start)
    return index === 0 ? limit : undefined
  })
  await relay.post(about('a1'))
  await relay.logged(/message postponed/)
  await relay.post(about('b1'))
  for (let tries = 0; tries < 400 && times.length < 3; tries++) {
    clock.advance(1000)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await api.until(() => api.seen('team-a').length === 1 && api.seen('team-b').length === 1)
  t.match(relay.log.join(''), /429 ratelimited/)
  t.ok(
    times.slice(1).every((at) => at >= 30_000),
    `requests after ${times} ms`
  )
})

t.test('an answer that repeats a long message is read up to the time of the post', async (t) => {
  const { api, relay } = await build(t)
  const answer = { ok: true, channel: 'C000000A', message: { text: 'x'.repeat(200_000) }, ts: '1503435956.000247' }
  api.behave('chat.postMessage', [{ status: 200, body: JSON.stringify(answer), type: 'application/json' }])
  await relay.post(about('a1'))
  await relay.logged(/"destination":"a".*(message sent|rejects)/)
  t.match(await lane(relay, 'a'), { block: null, backlog: 0 })
})

t.test('a proxy that refuses messages is tested with an empty one, to the same channel', async (t) => {
  const { api, relay, clock } = await build(t)
  const page = { status: 200, body: '<!DOCTYPE html><title>Blocked by policy</title>' }
  api.behave('chat.postMessage', ({ text }) => (text.includes('"text"') ? page : undefined))
  await relay.post(about('a1'))
  for (let tries = 0; tries < 400 && !relay.log.some((line) => line.includes('given up')); tries++) {
    clock.advance(60_000)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.match(relay.log.join(''), /refused on its way, even as plain text.*an empty message gets through/)
  t.match(
    posts(api).map(({ args }) => args),
    [{ channel: 'C000000A', text: undefined }]
  )
})

t.test('a message that Slack refuses is sent as plain text; the log has what was wrong and where', async (t) => {
  const { api, relay } = await build(t)
  const messages = ['[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]']
  const body = JSON.stringify({ ok: false, error: 'invalid_blocks', response_metadata: { messages } })
  api.behave('chat.postMessage', [{ status: 200, body, type: 'application/json' }])
  await relay.post(about('a1'))
  await api.until(() => api.seen('team-a').length === 1)
  t.same(api.seen('team-a')[0]?.blocks, [])
  await relay.logged(/message sent/)
  const line = JSON.parse(relay.log.find((each) => each.includes('message postponed')) ?? '{}')
  t.match(line, {
    answer: '200 invalid_blocks',
    details: ['must be less than 3001 characters [json-pointer:/blocks/0/text/text]']
  })
})

t.test('only an answer with channel and time is a yes; whatever else comes, the message is not lost', async (t) => {
  const html = { status: 200, body: '<!DOCTYPE html><title>Sign in</title>' }
  const rude: [string, Parameters<SlackApi['behave']>[1], number][] = [
    ['a reset', [{ is: 'reset' }], 1],
    ['a page of 500', [{ is: 'html' }], 1],
    ['an internal error', [{ status: 200, body: '{"ok":false,"error":"internal_error"}' }], 1],
    ['service unavailable', [{ status: 503, body: '{"ok":false,"error":"service_unavailable"}' }], 1],
    ['a yes without a time', [{ status: 200, body: '{"ok":true}' }], 1],
    ['a login page', [html, html, html, html], 1],
    ['an answer that is lost', [{ is: 'reset-after' }], 2],
    ['half an answer', [{ is: 'truncated' }], 2]
  ]
  for (const [what, script, times] of rude) {
    await t.test(what, async (t) => {
      const { api, relay, clock } = await build(t)
      api.behave('chat.postMessage', script)
      await relay.post(about('a1'))
      for (
        let tries = 0;
        tries < 400 && !relay.log.some((line) => /"destination":"a".*message sent/.test(line));
        tries++
      ) {
        clock.advance(60_000)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      t.equal(api.seen('team-a').length, times, 'it is there, and twice only where its answer was lost')
      t.match(await lane(relay, 'a'), { backlog: 0, block: null })
    })
  }
})

t.test(
  "a storm over many channels keeps Slack's limits for one token: no 429, and every message arrives",
  async (t) => {
    const names = Array.from({ length: 40 }, (_, n) => `c${n}`)
    const many = names.map((name, n) => ({ id: `C00000${String(n).padStart(3, '0')}`, name, members: ['U0FLUX'] }))
    const storm = `
slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}", apiUrl: "$API" } }
destinations:
${many.map(({ id, name }) => `  ${name}: { slack: { app: acme, channel: ${id} } }`).join('\n')}
rules: [{ name: all, match: { severity: info }, send: [${names.join(', ')}] }]
`
    const { api, relay, clock } = await build(t, { channels: many }, { config: storm })
    const start = clock.now()
    const times: number[] = []
    api.behave('chat.postMessage', () => void times.push(clock.now() - start))
    await relay.post(about('a1'))
    await api.until(() => times.length === 20)
    for (let tries = 0; tries < 2000 && times.length < 40; tries++) {
      clock.advance(50)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const early = times.flatMap((at, n) => (at < (n - 19) * 250 ? [`message ${n + 1} after ${at} ms`] : []))
    t.same(early, [], 'twenty at once, then four a second')
    await api.until(() => many.every(({ name }) => api.seen(name).length === 1))
    t.equal(api.limited, 0)
  }
)

t.test('messages wait through a restart, and reach the channel when the relay is back', async (t) => {
  const folder = tempFolder(t)
  const api = await startSlackApi({ perSecond: 1000, burst: 1000, latencyMs: 0, channels: channels() })
  t.teardown(() => api.close())
  const options = { folder, config: config.replaceAll('$API', api.apiUrl), env: { SLACK_BOT_TOKEN: botToken } }
  const app = api.apps[botToken]
  if (app) app.error = 'account_inactive'
  const clock = createClock()
  const first = await startRelay(t, { ...options, clock })
  await first.post(about('a1'))
  await first.logged(/destination rejects/)
  await first.app.close()
  if (app) delete app.error
  const second = await startRelay(t, { ...options, clock })
  clock.advance(5 * 60_000)
  await api.until(() => api.seen('team-a').length === 1)
  t.same(texts(api, 'team-a'), ['a1'])
  await second.logged(/message sent/)
})
