// Secrets: stay out of every output of a relay full of them, while everything goes wrong and the log is at its most verbose.
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { sign } from '../../src/events/signature.ts'
import { canary, leaksIn, plainCanary } from '../fixtures/canaries.ts'
import { freePort } from '../fixtures/process.ts'
import { about, tempFolder } from '../fixtures/relay.ts'
import { startSlack } from '../fixtures/slack.ts'

const cli = join(import.meta.dirname, '..', '..', 'src', 'main.js')

/** Throws an error that contains the address, as those of libraries do. */
const crash = `data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2', () => {
  throw Object.assign(new Error('cannot reach ' + process.env.WEBHOOK), { input: process.env.HTTP_PROXY, at: [process.env.ADMIN_TOKEN] })
})`)}`

/** A proxy that refuses and repeats the request, as some do. */
async function startProxy(t: Test): Promise<number> {
  const server = createServer((req, res) => res.writeHead(407).end(`cannot ${req.url} ${JSON.stringify(req.headers)}`))
  server.on('connect', (req, socket) =>
    socket.end(`HTTP/1.1 407 No\r\nx-asked: ${req.url}\r\n\r\n${JSON.stringify(req.headers)}`)
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

interface Running {
  output: () => string
  said: (pattern: RegExp) => Promise<void>
  child: ChildProcess
}

function start(t: Test, env: Record<string, string>): Running {
  const child = spawn(process.execPath, [`--import=${crash}`, cli, 'serve'], {
    env: { PATH: process.env['PATH'], HOST: '127.0.0.1', LOG_LEVEL: 'trace', ...env }
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const said = async (pattern: RegExp) => {
    for (let tries = 0; tries < 1500 && !pattern.test(output); tries++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    if (!pattern.test(output)) throw new Error(`${pattern} was never said, but: ${output.slice(-3000)}`)
  }
  return { output: () => output, said, child }
}

type Ask = { method?: string; headers?: Record<string, string>; body?: string }

/** The complete response, headers included. */
function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const req = request({ port, host: '127.0.0.1', path, method, headers }, async (res) => {
      let text = `${res.statusCode} ${JSON.stringify(res.headers)}\n`
      for await (const chunk of res) text += chunk
      resolve(text)
    })
    req.on('error', reject)
    req.end(body)
  })
}

const webhookOf = (base: string, place: Parameters<typeof plainCanary>[0]) =>
  `${base}/services/T0/B0/${plainCanary(place)}`

t.test('whatever goes wrong, no secret is in the log, a response, a metric or a page', async (t) => {
  const folder = tempFolder(t)
  const slack = await startSlack({ perSecond: 1000, burst: 1000, latencyMs: 0 })
  t.teardown(() => slack.close())
  const [port, closed, proxy] = [await freePort(), await freePort(), await startProxy(t)]
  const base = slack.url('')
  const path = (place: Parameters<typeof plainCanary>[0]) => new URL(webhookOf(base, place)).pathname
  slack.behave(path('refused'), { status: 404, body: `Cannot POST ${path('refused')}` })
  slack.behave(path('moved'), { is: 'redirect', to: webhookOf('https://elsewhere.example', 'moved') })
  slack.behave(path('silent'), { is: 'hang' })

  // A proxy in front of the Web API that repeats the request.
  slack.behave('/api/chat.postMessage', (request) => {
    const said = JSON.stringify(request.headers).replaceAll('"', "'")
    const messages = [`[ERROR] ${said}`, `${said}`]
    const body = JSON.stringify({ ok: false, error: 'invalid_blocks', needed: said, response_metadata: { messages } })
    return { status: 200, body, type: 'application/json' }
  })

  const file = join(folder, 'config.yaml')
  const secret = join(folder, 'token')
  writeFileSync(secret, `${canary('token')}\n`)
  const urls = {
    webhook: base,
    refused: base,
    moved: base,
    silent: base,
    nowhere: `http://127.0.0.1:${closed}`,
    proxied: `http://localhost:${slack.port}`
  }
  const names = Object.keys(urls) as (keyof typeof urls)[]
  const config = (hmac: string) => `
sources: { default: { hmacKeys: ["\${${hmac}}"], tokens: ["\${file:${secret}}"] }, open: { cluster: open } }
slackApps:
  acme: { token: "\${BOT}", appToken: "\${SOCKET}", apiUrl: "${base}/api" }
destinations:
  channel: { slack: { app: acme, channel: "#team-a" } }
${names.map((name) => `  ${name}: { slack: { webhookUrl: "${webhookOf(urls[name], name)}" }, pace: { perSecond: 50, burst: 50 } }`).join('\n')}
  local: { preview: true }
operator: [webhook, local]
rules: [{ name: all, match: { severity: info }, notify: every, send: [${names.join(', ')}, channel, local] }]
`
  writeFileSync(file, config('HMAC'))
  const relay = start(t, {
    ...{ PORT: String(port), CONFIG_FILE: file, DATABASE_URL: `sqlite:${join(folder, 'relay.db')}` },
    ...{
      ADMIN_TOKEN: canary('admin'),
      HMAC: canary('hmac'),
      ROTATED: canary('rotated'),
      BOT: `xoxb-1-2-${plainCanary('bot')}`,
      SOCKET: `xapp-1-2-${plainCanary('socket')}`,
      WEBHOOK: webhookOf(base, 'webhook')
    },
    HTTP_PROXY: `http://relay:${encodeURIComponent(canary('proxy'))}@127.0.0.1:${proxy}`,
    NO_PROXY: '127.0.0.1'
  })
  await relay.said(/Server listening/)

  const answers: string[] = []
  const post = async (name: string, headers: Record<string, string>, path = '/webhook') => {
    const body = JSON.stringify(about(name))
    answers.push(
      await ask(port, path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
    )
    return answers.at(-1)
  }
  const signed = (name: string, key: string) => ({ 'x-signature': sign(Buffer.from(JSON.stringify(about(name))), key) })
  t.match(await post('good', signed('good', canary('hmac'))), /^202/)
  t.match(await post('bad', signed('bad', 'other')), /^401/)
  t.match(await post('odd', { 'x-signature': `sha256=${plainCanary('signed')}` }), /^401/)
  t.match(await post('token', { authorization: `Bearer ${plainCanary('wrong')}` }), /^401/)
  t.match(
    await post('basic', { authorization: `Basic ${Buffer.from(`x:${plainCanary('wrong')}`).toString('base64')}` }),
    /^401/
  )
  t.match(await post('nobody', {}, `/webhook/${plainCanary('wrong')}`), /^404/)
  t.match(
    await post('good', { ...signed('good', canary('hmac')), authorization: `Bearer ${plainCanary('wrong')}` }),
    /^202/
  )

  const admin = { authorization: `Basic ${Buffer.from(`x:${canary('admin')}`).toString('base64')}` }
  const pages = [
    '/',
    '/api/events',
    '/api/objects',
    '/api/notifications',
    '/api/notifications?state=dead',
    '/api/silences',
    '/api/lanes',
    '/api/preview/local',
    '/api/preview/webhook',
    '/api/openapi.json',
    '/metrics',
    '/healthz',
    '/readyz',
    '/nothing'
  ]
  const askAll = async () => {
    for (const page of pages) {
      answers.push(await ask(port, page, { headers: admin }))
      answers.push(await ask(port, page, { headers: { authorization: `Bearer ${plainCanary('wrong')}` } }))
      answers.push(await ask(port, `${page}?token=${encodeURIComponent(canary('admin'))}`))
    }
    const json = { ...admin, 'content-type': 'application/json' }
    answers.push(await ask(port, '/api/silences', { method: 'POST', headers: json, body: '{"match":{' }))
    answers.push(
      await ask(port, '/api/silences', { method: 'POST', headers: json, body: '{"match":{"when":"1 +"},"for":"1h"}' })
    )
    answers.push(
      await ask(port, `/api/notifications/${plainCanary('wrong')}/retry`, { method: 'POST', headers: admin })
    )
  }
  await relay.said(/destination rejects all messages[\s\S]*destination rejects all messages/)
  await relay.said(/message postponed/)
  await askAll()

  // A reload that is refused, of a file with other secrets, and one that brings new ones.
  writeFileSync(
    file,
    `${config('HMAC')}\nsources: { default: { hmacKeys: ["${canary('written').replace(/["\\]/g, '')}"], nope: 1 } }\n  x`
  )
  relay.child.kill('SIGHUP')
  await relay.said(/the last good one stays/)
  writeFileSync(file, config('ROTATED'))
  relay.child.kill('SIGHUP')
  await relay.said(/config reloaded/)
  t.match(await post('later', signed('later', canary('hmac'))), /^401/)
  t.match(await post('later', signed('later', canary('rotated'))), /^202/)
  await askAll()

  relay.child.kill('SIGUSR2')
  await relay.said(/stopping because of an error/)
  t.match(relay.output(), /cannot reach [^"]*\[redacted\]/, 'the reason of the stop is logged')
  t.match(relay.output(), /"details":\["[^"]*Bearer \[redacted\]/, 'what stands beside a word of the Web API is logged')
  t.strictSame(leaksIn(relay.output()), [], 'the log')
  t.strictSame(leaksIn(answers.join('\n')), [], `${answers.length} answers`)
  t.strictSame(
    leaksIn(slack.accepted.map(({ text }) => text).join('\n')),
    [],
    'messages, those to the operator among them'
  )
  t.ok(slack.accepted.length > 0)
})

t.test('a failed start says why, without a secret', async (t) => {
  const folder = tempFolder(t)
  const closed = await freePort()
  const good = join(folder, 'good.yaml')
  const bad = join(folder, 'bad.yaml')
  writeFileSync(good, 'destinations: { local: { preview: true } }\nrules: [{ name: all, send: local }]\n')
  writeFileSync(
    bad,
    `sources: { default: { hmacKeys: "${plainCanary('written')}", tokens: [${plainCanary('token')}] } }\nslackApps: { x: { token: ${plainCanary('bot')}, appToken: "xoxb-${plainCanary('socket')}" } }\ndestinations:\n  a: { slack: { webhookUrl: "http://slack.example/services/T/B/${plainCanary('webhook')}" } }\n  b: { slack: { webhookUrl: "${plainCanary('moved')}" } }\n  d: { slack: { app: ${plainCanary('bot')} } }\n  c: { slack: { url: "https://hooks.slack.com/services/T/B/${plainCanary('refused')}" } }\nrules: [{ name: all, send: a }]\n`
  )
  const password = encodeURIComponent(canary('database'))
  const sqlite = `sqlite:${join(folder, 'relay.db')}`
  const cases: [what: string, env: Record<string, string>, says: RegExp][] = [
    ['a faulty file', { CONFIG_FILE: bad, DATABASE_URL: sqlite }, /must be https/],
    [
      'a proxy with a malformed URL',
      { CONFIG_FILE: good, DATABASE_URL: sqlite, HTTPS_PROXY: `http://u:${canary('proxy')}@[x` },
      /HTTPS_PROXY or HTTP_PROXY is not/
    ],
    [
      'a database that is not there',
      { CONFIG_FILE: good, DATABASE_URL: `postgres://u:${password}@127.0.0.1:${closed}/d` },
      /waiting for the database/
    ],
    [
      'a malformed address',
      { CONFIG_FILE: good, DATABASE_URL: `postgres://u:${canary('database')}#@127.0.0.1:${closed}/d` },
      /not of the form/
    ],
    ['another malformed address', { CONFIG_FILE: good, DATABASE_URL: plainCanary('database') }, /DATABASE_URL/],
    [
      'a password among the settings',
      { CONFIG_FILE: good, DATABASE_URL: `postgres://127.0.0.1:${closed}/d?user=u&password=${password}` },
      /waiting for the database/
    ],
    ['a malformed number', { CONFIG_FILE: good, DATABASE_URL: sqlite, PORT: plainCanary('wrong') }, /PORT/]
  ]
  const failures = cases.map(async ([what, env, says]) => {
    const { said, output, child } = start(t, { PORT: '0', ADMIN_TOKEN: canary('admin'), ...env })
    await said(says)
    child.kill('SIGKILL')
    t.strictSame(leaksIn(output()), [], what)
  })
  await Promise.all(failures)
})

t.test('the search would find a leaked secret', async (t) => {
  const secret = canary('admin')
  const forms = [
    ...[secret, JSON.stringify({ secret }), JSON.stringify(JSON.stringify(secret)), encodeURIComponent(secret)],
    ...['', 'x:', 'xy:'].map((user) => Buffer.from(user + secret).toString('base64')),
    ...[secret.toUpperCase(), Buffer.from(secret).toString('hex'), JSON.stringify(Buffer.from(secret))]
  ]
  for (const form of forms) t.equal(leaksIn(`before ${form} after`).length, 1, form)
})
