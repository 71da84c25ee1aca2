// `check`: as it runs on the command line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/config.ts'
import { drillButtons } from '../../src/deliver/drill.ts'
import { createSlackApp } from '../../src/slack-api/app.ts'
import { cpuMs } from '../fixtures/cpu.ts'
import { tempFolder } from '../fixtures/relay.ts'
import { startSlack } from '../fixtures/slack.ts'
import { startSlackApi } from '../fixtures/slack-api.ts'

const cli = join(import.meta.dirname, '..', '..', 'src', 'main.js')

async function check(t: Test, config: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(file, config)
  const child = spawn(process.execPath, [cli, 'check', file, ...args], { env: { PATH: process.env['PATH'], KEY: 'k' } })
  const [[code], out, err] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { code, out: out.replaceAll(file, 'config.yaml'), err }
}

async function slack(t: Test) {
  const standIn = await startSlack()
  t.teardown(() => standIn.close())
  return standIn
}

const source = 'sources: { default: { hmacKeys: ["${KEY}"] } }\n'

t.test('warnings are reported, and the file is still fine', async (t) => {
  const { code, out } = await check(
    t,
    `${source}destinations: { a: { preview: true }, b: { preview: true } }\nrules: [{ name: x, send: a }]`
  )
  t.equal(code, 0)
  t.match(out, /^config\.yaml:2:39 warning: nothing is sent to "b"\n.*\n.*\^\nconfig\.yaml is fine \(rules: 1, /)
})

t.test('a drill posts a test message to each destination, and says what each answered', async (t) => {
  const standIn = await slack(t)
  standIn.behave('/services/T000/B000/gone', { status: 404, body: 'no_service' })
  standIn.behave('/services/T000/B000/proxy', { status: 200, body: '<html>log in</html>', type: 'text/html' })
  const config = `${source}destinations:
  team-a: { slack: { webhookUrl: "${standIn.url()}" } }
  team-b: { slack: { webhookUrl: "${standIn.url()}", channel: "#b" } }
  gone: { slack: { webhookUrl: "${standIn.url('/services/T000/B000/gone')}" } }
  proxy: { slack: { webhookUrl: "${standIn.url('/services/T000/B000/proxy')}" } }
  chat: { slack: { webhookUrl: "${standIn.url('/hooks/a/b')}" } }
  closed: { slack: { webhookUrl: "http://127.0.0.1:1/services/T000/B000/secret" } }
  local: { preview: true }
rules: [{ name: x, send: [team-a, team-b, gone, proxy, chat, closed, local] }]`
  const { code, out } = await check(t, config, '--drill')
  t.equal(code, 1)
  t.match(out, /is fine \(rules: 1, destinations: 7/)
  const results = out.split('\n').filter((line) => /^[✔✘]/.test(line))
  t.match(results, [
    '✔  team-a: took the test message (200 ok)',
    '✔  team-b: took the test message (200 ok)',
    /^✘ {2}gone: 404 no_service: the webhook is no longer valid/,
    /^✘ {2}proxy: 200 and a web page: "log in": that answer is not from the receiver: a proxy, a firewall/,
    /^✔ {2}chat: took the test message \(200/,
    /^✘ {2}closed: ECONNREFUSED: nothing listens there/
  ])
  t.equal(results.length, 6, 'nothing is posted for a preview')
  t.notMatch(out, /T000/, 'no webhook URL')
  const posted = standIn.accepted.filter(({ path }) => path === '/services/T000/B000/secret')
  t.match(
    posted.map(({ body }) => body),
    [
      { text: /^This is a test of flux-relay.*"team-a" works/ },
      { text: /^This is a test of flux-relay.*"team-b" works/, channel: '#b' }
    ]
  )
  t.ok((posted[1]?.at ?? 0) - (posted[0]?.at ?? 0) >= 1000, 'at the pace of the webhook they share')
})

t.test("a drill looks up the token's app, then posts, and says how to invite the app", async (t) => {
  const token = 'xoxb-1-2-three'
  const api = await startSlackApi({
    apps: {
      [token]: { name: 'flux', userId: 'U0FLUX' },
      'xoxb-gone': { name: 'gone', userId: 'U0GONE', error: 'token_revoked' },
      'xoxb-mute': { name: 'mute', userId: 'U0MUTE', scopes: ['incoming-webhook'] }
    },
    channels: [
      { id: 'C0000000A', name: 'team-a', members: ['U0FLUX'] },
      { id: 'C0000000B', name: 'team-b' },
      { id: 'C0000000C', name: 'team-c', members: ['U0FLUX', 'U0MUTE'] }
    ]
  })
  t.teardown(() => api.close())
  const other = await slack(t)
  const apps = Object.entries({ acme: token, gone: 'xoxb-gone', mute: 'xoxb-mute', wrong: 'xoxb-wrong' })
  const config = `${source}slackApps:
${apps.map(([name, token]) => `  ${name}: { token: ${token}, apiUrl: "${api.apiUrl}" }`).join('\n')}
  page: { token: xoxb-page, apiUrl: "${other.url('/hooks')}" }
destinations:
  id: { slack: { app: acme, channel: C0000000A } }
  name: { slack: { app: acme, channel: "#team-c" } }
  out: { slack: { app: acme, channel: C0000000B } }
  none: { slack: { app: acme, channel: "#nowhere" } }
  gone: { slack: { app: gone, channel: C0000000A } }
  mute: { slack: { app: mute, channel: C0000000C } }
  wrong: { slack: { app: wrong, channel: C0000000A } }
  page: { slack: { app: page, channel: C0000000A } }
rules: [{ name: x, send: [id, name, out, none, gone, mute, wrong, page] }]`
  const { code, out } = await check(t, config, '--drill')
  t.equal(code, 1)
  t.match(
    out.split('\n').filter((line) => /^[✔✘]/.test(line)),
    [
      /^✔ {2}id: took the test message \(200 ok\)$/,
      /^✔ {2}name: took the test message \(200 ok, channel C0000000C\)$/,
      /^✘ {2}out: 200 not_in_channel: invite the app to the channel, by writing in it: \/invite @flux$/,
      /^✘ {2}none: 200 channel_not_found: there is no such channel, or it is private .*\/invite @flux$/,
      /^✘ {2}gone: auth\.test: 200 token_revoked: the token was revoked, or the app removed: install the app again/,
      /^✘ {2}mute: 200 missing_scope; needs chat:write, and has incoming-webhook: the app may not post: add the scope/,
      /^✘ {2}wrong: auth\.test: 200 invalid_auth: Slack does not know this token/,
      /^✘ {2}page: auth\.test: 200 ok: that does not come from Slack: .*`apiUrl` is not the address of the Web API/
    ]
  )
  t.notMatch(out, /xoxb-(1|gone|mute|wrong|page)/, 'no token')
  t.same(
    api.calls.filter(({ token: of }) => of === token).map(({ method }) => method),
    ['auth.test', ...Array(4).fill('chat.postMessage')],
    'asked once for all channels of an app'
  )
  t.match(api.seen('team-a'), [{ text: /^This is a test of flux-relay.*"id" works/ }])
})

t.test("a drill of buttons accepts only Slack's yes, and names whoever answered instead", async (t) => {
  const operators = ['U0000001', 'S0000001']
  const app = createSlackApp('acme', { token: 'xoxb-1', appToken: 'xapp-1', operators })
  const isTaken = { isTaken: true, because: '' }
  const isNot = (because: RegExp) => ({ isTaken: false, because })
  const elsewhere = isNot(/^that does not come from Slack/)
  const table: [body: string, socket: object, group: object][] = [
    ['{"ok":true,"url":"wss://wss.slack.com/link","users":[]}', isTaken, isTaken],
    ['{"ok":true}', elsewhere, elsewhere],
    ['<html><title>Sign in</title>', elsewhere, elsewhere],
    ['', elsewhere, elsewhere],
    ['{"ok":false,"error":"missing_scope"}', isNot(/connections:write/), isNot(/usergroups:read/)],
    ['{"ok":false,"error":"no_such_subteam"}', isNot(/Socket Mode/), isNot(/S0000001/)],
    ['{"ok":false,"error":"token_revoked"}', isNot(/another app-level token/), isNot(/install the app again/)],
    // Errors that another token does not mend.
    ...Object.entries({
      access_denied: /ask an administrator/,
      accesslimited: /the network that the relay is in/,
      not_authed: /takes the header Authorization out/,
      org_login_required: /nothing has to be done/,
      two_factor_setup_required: /a second factor/,
      unknown_method: /ends in \/api/
    }).map(([error, because]): [string, object, object] => [
      JSON.stringify({ ok: false, error }),
      isNot(because),
      isNot(because)
    ])
  ]
  for (const [body, socket, group] of table) {
    const reply = { is: 'answer', status: 200, body, retryAfterMs: undefined } as const
    const results = await drillButtons([app], { post: async () => reply, close: async () => {} })
    t.match(results, [socket, group], body)
  }
})

t.test('a drill in which everything works says so, in JSON too', async (t) => {
  const standIn = await slack(t)
  const config = `${source}destinations: { a: { slack: { webhookUrl: "${standIn.url()}" } } }\nrules: [{ name: x, send: a }]`
  const { code, out } = await check(t, config, '--drill', '--json')
  t.equal(code, 0)
  t.same(JSON.parse(out), {
    ok: true,
    problems: [],
    drill: [{ destination: 'a', isTaken: true, answer: '200 ok', because: '' }]
  })
})

t.test('a drill of a faulty file posts nothing', async (t) => {
  const standIn = await slack(t)
  const config = `${source}destinations: { a: { slack: { webhookUrl: "${standIn.url()}" } } }\nrules: [{ name: x, send: b }]`
  const { code, out } = await check(t, config, '--drill')
  t.equal(code, 1)
  t.match(out, /there is no destination "b".*\n1 error\n$/s)
  t.equal(standIn.received.length, 0)
})

t.test('four times as many rules take about four times as long', async (t) => {
  const config = (count: number) => {
    const rules = Array.from(
      { length: count },
      (_, at) => `  - name: team ${at}
    match:
      severity: warn
      kind: [Kustomization, HelmRelease]
      namespace: ["team-${at}", "team-${at}-*"]
      message: { exclude: ["^Dependencies do not meet"] }
      when: 'object.cluster != "dev-${at}"'
    final: true
    send: team-${at}`
    )
    const destinations = Array.from({ length: count }, (_, at) => `  team-${at}: { preview: true }`)
    return `${source}destinations:\n${destinations.join('\n')}\nrules:\n${rules.join('\n')}`
  }
  const timed = (count: number) => {
    const text = config(count)
    const started = cpuMs()
    t.strictSame(loadConfig(text, 'config.yaml', { KEY: 'k' }).problems, [])
    return cpuMs() - started
  }
  timed(500)
  const [small, large] = [timed(500), timed(2000)]
  t.comment(`500 rules: ${small.toFixed()} ms, 2,000: ${large.toFixed()} ms`)
  t.ok(large < small * 10, 'far from 16 times as long')
})

t.test('a foreign file in place of the config, in which each line is wrong, is rejected quickly', async (t) => {
  const text = Array.from({ length: 3000 }, (_, at) => `key${at}: value${at}\n`).join('')
  const started = cpuMs()
  t.ok(loadConfig(text, 'config.yaml', {}).problems.length > 3000)
  t.ok(cpuMs() - started < 6000, 'a few seconds, and not half a minute')
})
