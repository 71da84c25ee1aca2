// `check`: is run on the command line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { tempFolder } from './fixtures/relay.ts'
import { startSlack } from './fixtures/slack.ts'

const cli = join(import.meta.dirname, '..', 'src', 'main.js')

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

t.test('warnings are reported, and the file is fine', async (t) => {
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
    /^✘ {2}closed: ECONNREFUSED: it cannot be reached/
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

t.test('a drill where everything works says yes, in JSON too', async (t) => {
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

t.test('a drill of a file with errors posts nothing', async (t) => {
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
    const started = performance.now()
    t.strictSame(loadConfig(text, 'config.yaml', { KEY: 'k' }).problems, [])
    return performance.now() - started
  }
  timed(500)
  const [small, large] = [timed(500), timed(2000)]
  t.comment(`500 rules: ${small.toFixed()} ms, 2,000: ${large.toFixed()} ms`)
  t.ok(large < small * 10, 'far from 16 times as long')
})
