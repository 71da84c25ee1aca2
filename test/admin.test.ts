// Administrators: have the relay's token, configured or made at the start, or are on this machine, if that was chosen. Guesses
// are counted, logged, slowed down and reported; the right token passes at once.
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { createClock } from './fixtures/clock.ts'
import { look, submit } from './fixtures/dashboard.ts'
import { scrape } from './fixtures/exposition.ts'
import { run } from './fixtures/process.ts'
import { fluxEvent, type Relay, startRelay } from './fixtures/relay.ts'

const preview =
  'destinations: { look: { preview: true } }\nrules: [{ name: all, match: { severity: info }, send: look }]'
const neither = { ADMIN_OPEN_TO: '', LOG_LEVEL: 'trace' }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const basic = (token: string) => ({ authorization: `Basic ${Buffer.from(`any:${token}`).toString('base64')}` })

/** The address with a token in the log, with its path below `url`. */
function invitation(relay: Relay): { path: string; token: string } {
  const [, path = '', token = ''] = /http:\/\/localhost:\d+(\/\?token=([\w-]+))/.exec(relay.log.join('')) ?? []
  return { path, token }
}

async function enter(relay: Relay): Promise<string> {
  const { headers } = await look(relay, invitation(relay).path)
  return /^[^;]+/.exec(headers.get('set-cookie') ?? '')?.[0] ?? ''
}

t.test('without ADMIN_TOKEN nobody gets in from anywhere, except by the address that is logged once', async (t) => {
  const relay = await startRelay(t, { config: preview, env: neither })
  for (const path of ['/', '/events', '/rules', '/api/events', '/api/preview/look', '/api/openapi.json']) {
    const { status, html } = await look(relay, path)
    t.equal(status, 401, path)
    t.match(html, /the relay logged when it started, or set ADMIN_TOKEN/, path)
  }
  t.equal((await submit(relay, '/silences', { name: 'x', for: '1h' })).status, 401)

  const { path, token } = invitation(relay)
  t.ok(token.length >= 32, 'nobody guesses it')
  t.match(relay.log.join(''), `http://localhost:${new URL(relay.url).port}${path}`)
  const welcome = await look(relay, path)
  t.equal(welcome.status, 303)
  t.equal(welcome.headers.get('location'), '/', 'the token stays in no history')
  t.match(welcome.headers.get('set-cookie'), /^flux_relay_session=[\w-]{32,}; HttpOnly; SameSite=Lax; Path=\/$/)
  t.notMatch(welcome.headers.get('set-cookie'), token)
  t.equal(welcome.headers.get('cache-control'), 'no-store')

  const cookie = await enter(relay)
  for (const own of [
    { cookie },
    { cookie: `other=1; flux_relay_session=stale; ${cookie}` },
    bearer(token),
    basic(token)
  ]) {
    t.equal((await look(relay, '/events', own)).status, 200)
    t.equal((await look(relay, '/api/events', own)).status, 200)
  }
  t.match((await submit(relay, '/silences', { name: 'x', for: '1h' }, { cookie })).to, /^\/silences/)
  const foreign = { cookie, origin: 'https://evil.example' }
  t.equal((await submit(relay, '/silences', { name: 'x', for: '1h' }, foreign)).status, 403, 'not for other sites')
  t.equal((await look(relay, '/', { cookie: 'flux_relay_session=' })).status, 401)
  for (const path of ['/objects', '/api/events'])
    t.equal((await look(relay, invitation(relay).path.replace('/', path))).status, 401, 'nor by another address')
})

t.test('with a session, a link on another site opens a page, but a form there does nothing', async (t) => {
  const relay = await startRelay(t, { config: preview, env: neither })
  const cookie = await enter(relay)
  const elsewhere = { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  for (const path of ['/', '/objects', '/silences/new?name=x'])
    t.equal((await look(relay, path, elsewhere)).status, 200, path)
  const silence = (headers: Record<string, string>) => submit(relay, '/silences', { name: 'x', for: '1h' }, headers)
  const evil = { origin: 'https://evil.example' }
  for (const [what, headers] of Object.entries({
    'of another site': { ...elsewhere, ...evil },
    'of a neighbour': { ...elsewhere, ...evil, 'sec-fetch-site': 'same-site' },
    'of a browser that says the origin only': { cookie, ...evil },
    'of a page that hides its origin': { cookie, origin: 'null' }
  }))
    t.equal((await silence(headers)).status, 403, what)
  t.same(JSON.parse((await look(relay, '/api/silences', { cookie })).html).silences, [])
})

t.test('the token made at the start is in one line of the log, whatever is logged about it later', async (t) => {
  const relay = await startRelay(t, { config: preview, env: neither })
  const { path, token } = invitation(relay)
  relay.app.log.error({ url: path, headers: bearer(token) }, `asked for ${path}`)
  await look(relay, path)
  await look(relay, '/api/events?state='.padEnd(30, token), bearer(token))
  t.equal(relay.log.filter((line) => line.includes(token)).length, 1)
  t.equal(relay.log.filter((line) => line.includes('?token=')).length, 2, 'the other has it taken out')
})

t.test('each relay makes a different token, and a configured token is never accepted in an address', async (t) => {
  const [one, two] = await Promise.all([1, 2].map(() => startRelay(t, { config: preview, env: neither })))
  t.not(invitation(one as Relay).token, invitation(two as Relay).token)
  t.equal((await look(two as Relay, '/', { cookie: await enter(one as Relay) })).status, 401)
  const given = await startRelay(t, { config: preview, env: { ADMIN_TOKEN: 'open-sesame-open-sesame' } })
  t.notMatch(given.log.join(''), /open-sesame|\?token=/)
  t.equal((await look(given, '/?token=open-sesame-open-sesame')).status, 401, 'proxies keep addresses')
  const entered = await look(given, '/?token=any', bearer('open-sesame-open-sesame'))
  t.equal(entered.status, 200)
  t.equal(entered.headers.get('set-cookie'), null, 'nor does one begin a session')
})

t.test('a blank ADMIN_TOKEN is refused, and a line end around one is ignored', async (t) => {
  for (const ADMIN_TOKEN of [' ', '\n', '\t ']) {
    await t.rejects(buildApp({ environment: { ADMIN_TOKEN } }), { code: 'BAD_CONFIG', message: /ADMIN_TOKEN/ })
  }
  const relay = await startRelay(t, { config: preview, env: { ADMIN_TOKEN: 'from-echo-into-a-secret\n' } })
  t.equal((await look(relay, '/', bearer('from-echo-into-a-secret'))).status, 200)
  const short = await startRelay(t, { config: preview, env: { ADMIN_TOKEN: 's3same' } })
  t.match(short.log.join(''), /ADMIN_TOKEN has fewer than 16 characters/)
})

t.test('an ADMIN_TOKEN with letters beyond ASCII works, as UTF-8 bytes and as Node writes it', async (t) => {
  const token = 'geheim-à-la-schön-œuvre-密-token'
  const relay = await startRelay(t, { config: preview, env: { ADMIN_TOKEN: `${token}\n` } })
  const sent = (text: string) => Buffer.from(text).toString('latin1')
  t.equal((await look(relay, '/api/events', bearer(sent(token)))).status, 200, 'as curl sends it')
  t.equal((await look(relay, '/api/events', basic(token))).status, 200, 'as a password')
  t.equal((await look(relay, '/api/events', bearer(sent(`${token}é`)))).status, 401)
  t.equal((await look(relay, '/api/events', bearer(sent(token.replace('à', 'á'))))).status, 401)
  t.equal((await run(['sources'], { RELAY_URL: relay.url, ADMIN_TOKEN: token })).code, 0)
  const short = await startRelay(t, { config: preview, env: { ADMIN_TOKEN: 'ganz-schön-geheim' } })
  t.equal((await look(short, '/api/events', bearer('ganz-schön-geheim'))).status, 200, 'a byte for each letter')
})

t.test('an ADMIN_TOKEN that no header can carry is refused with what to write', async (t) => {
  for (const ADMIN_TOKEN of ['first-line\nsecond-line', 'a-tab\tin-it', 'a-bell\u0007-in-it', 'no-\ufffd-text']) {
    const message = /ADMIN_TOKEN has to be one line of text in UTF-8.*openssl rand -hex 32/
    await t.rejects(buildApp({ environment: { ADMIN_TOKEN } }), { code: 'BAD_CONFIG', message })
  }
})

t.test('ADMIN_OPEN_TO=loopback admits only this machine, and only without a proxy in front', async (t) => {
  const relay = await startRelay(t, { config: preview, env: { ADMIN_OPEN_TO: 'loopback' } })
  const asked = (headers: Record<string, string>, remoteAddress = '127.0.0.1') =>
    relay.app.inject({ url: '/api/events', remoteAddress, headers: { host: 'localhost:8080', ...headers } })
  t.equal((await asked({})).statusCode, 200)
  t.equal((await asked({}, '::1')).statusCode, 200)
  t.equal((await asked({}, '10.0.0.7')).statusCode, 403)
  t.equal((await asked({ host: 'relay.example' })).statusCode, 403, 'a name that was made to point here')
  const proxies = [
    ...['via', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'x-client-ip'],
    ...[
      'x-envoy-expected-rq-timeout-ms',
      'x-envoy-attempt-count',
      'l5d-client-id',
      'cf-connecting-ip',
      'true-client-ip'
    ]
  ]
  for (const name of proxies) {
    const answer = await asked({ [name]: '127.0.0.1' })
    t.equal(answer.statusCode, 403, name)
    t.match(answer.json().message, /proxy.*set ADMIN_TOKEN/, name)
  }
  t.match(await inOldHttp(relay), /^HTTP\/1\.1 403 /, 'nginx adds nothing, and asks in HTTP/1.0')
  t.match((await asked({ accept: '*/*', 'user-agent': 'curl/8', 'sec-fetch-site': 'none' })).statusCode, 200)
  const guarded = await startRelay(t, { env: { ADMIN_OPEN_TO: 'loopback', ADMIN_TOKEN: 'a-token-of-many-letters' } })
  t.equal((await look(guarded, '/')).status, 401, 'with a token it opens nothing')
  t.match(guarded.log.join(''), /ADMIN_OPEN_TO has no effect/)
  const everybody = { ADMIN_OPEN_TO: 'everybody' }
  await t.rejects(buildApp({ environment: everybody }), { code: 'BAD_CONFIG', message: /ADMIN_OPEN_TO/ })
})

function inOldHttp(relay: Relay): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(new URL(relay.url).port), '127.0.0.1', () =>
      socket.write('GET /api/events HTTP/1.0\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n')
    )
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

t.test("a token that is also given as the user does not become the actor's name", async (t) => {
  const token = 'zQ7-the-token-of-an-administrator'
  const relay = await startRelay(t, { config: preview, env: { ...neither, ADMIN_TOKEN: token } })
  const match = { name: 'shop' }
  for (const credentials of [`${token}:${token}`, token, ` ${token}:${token}`, `${token} :${token}`]) {
    const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
    const headers = { authorization, 'content-type': 'application/json' }
    const body = JSON.stringify({ match, for: '1h', comment: 'an upgrade' })
    const { status } = await fetch(`${relay.url}/api/silences`, { method: 'POST', headers, body })
    t.equal(status, 201, credentials)
  }
  const said = await Promise.all(
    ['/api/silences', '/silences', '/api/acts'].map((path) => relay.get(path, bearer(token)))
  )
  t.match(said[2]?.body, /an operator/)
  for (const { body } of said) t.notMatch(body, token)
})

t.test('no cache keeps what only administrators may see', async (t) => {
  const relay = await startRelay(t, { config: preview })
  const { body } = await relay.post(fluxEvent())
  for (const path of [
    '/',
    '/events',
    `/events/${body.id}`,
    '/api/events',
    `/api/events/${body.id}`,
    '/api/lanes',
    '/api/openapi.json',
    '/api/preview/look',
    '/api/events/none',
    '/api/events?since=x'
  ]) {
    t.equal((await look(relay, path)).headers.get('cache-control'), 'no-store', path)
  }
  const locked = await startRelay(t, { env: { ADMIN_TOKEN: 'a-token-of-many-letters' } })
  for (const path of ['/', '/api/events'])
    t.equal((await look(locked, path)).headers.get('cache-control'), 'no-store', `${path}, refused`)
})

t.test(
  'a command says where to find the token that it lacks, and needs none where this machine is admitted',
  async (t) => {
    const relay = await startRelay(t, { config: preview, env: neither })
    const env = { RELAY_URL: relay.url, ADMIN_TOKEN: '' }
    for (const command of [['notifications'], ['silence', 'list'], ['replay', '--config', relay.app.env.CONFIG_FILE]]) {
      const { code, err } = await run(command, env)
      t.equal(code, 2, command.join(' '))
      t.match(err, /--token or in the variable ADMIN_TOKEN; .* "\?token=" in its log/, command.join(' '))
    }
    t.equal((await run(['notifications'], { ...env, ADMIN_TOKEN: invitation(relay).token })).code, 0)
    const open = await startRelay(t, { config: preview, env: { ADMIN_OPEN_TO: 'loopback' } })
    t.equal((await run(['notifications'], { RELAY_URL: open.url })).code, 0)
  }
)

const watched = `
destinations:
  ops: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
operator: ops
rules: [{ name: failures, send: ops }]`

const right = 'the-right-token-of-this-test'

/** Sends `times` wrong tokens at once; releases the delayed replies once no more replies come. */
async function guess(t: Test, times: number) {
  const clock = createClock()
  const relay = await startRelay(t, { config: watched, env: { ADMIN_TOKEN: right }, clock })
  const answers: { status: number; retryAfter: string | null }[] = []
  const tries = Array.from({ length: times }, async (_, at) => {
    const { status, headers } = await look(relay, '/api/events', (at % 2 ? bearer : basic)(`wrong-${at}`))
    answers.push({ status, retryAfter: headers.get('retry-after') })
  })
  return { relay, clock, answers, tries }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let turns = 0; turns < 20_000 && !(await isSo()); turns++) await turn()
  if (!(await isSo())) throw new Error('that never came to be')
}

t.test(
  '300 wrong tokens are counted, logged in two lines, slowed down, and reported to the operator once',
  async (t) => {
    const { relay, clock, answers, tries } = await guess(t, 300)
    // Three pass as typing mistakes, 32 wait, and the rest is refused at once.
    await until(() => answers.length === 268)
    t.equal(answers.filter(({ status }) => status === 401).length, 3)
    t.ok(answers.every(({ status, retryAfter }) => status === 401 || (status === 429 && Number(retryAfter) >= 1)))

    t.equal((await look(relay, '/api/events', bearer(right))).status, 200, 'the right one is taken in the middle of it')
    t.equal((await relay.post(fluxEvent())).status, 202, 'Flux is not concerned')

    clock.advance(1000)
    await Promise.all(tries)
    t.equal(answers.filter(({ status }) => status === 401).length, 35)
    t.equal((await scrape(relay)).value('admin_refused_requests_total', { reason: 'wrong_token' }), 300)
    clock.advance(60_000)
    const lines = relay.log.filter((line) => line.includes('wrong tokens'))
    t.equal(lines.length, 2)
    t.equal(
      lines.reduce((sum, line) => sum + JSON.parse(line).requests, 0),
      300
    )
    t.match(JSON.parse(lines[1] ?? '').from, '127.0.0.1')
    t.notMatch(relay.log.join(''), /wrong-\d/)

    const notices = () =>
      relay.slack.accepted.filter(({ text }) => text.includes('WrongTokens') || /wrong token/.test(text))
    await until(() => {
      clock.advance(1000)
      return notices().length > 0
    })
    t.match(
      notices()[0]?.text,
      /10 requests within .* had a wrong token for the dashboard or the API[\s\S]*127\.0\.0\.1/
    )
    t.equal(notices().length, 1)
  }
)

t.test('a request without a token, or with an old cookie, is not a guess', async (t) => {
  const relay = await startRelay(t, { config: watched, env: { ADMIN_TOKEN: right }, clock: createClock() })
  for (let at = 0; at < 20; at++) {
    t.equal((await look(relay, '/', at % 2 ? {} : { cookie: 'flux_relay_session=of-yesterday' })).status, 401)
  }
  t.equal((await scrape(relay)).value('admin_refused_requests_total', { reason: 'no_token' }), 20)
  t.notMatch(relay.log.join(''), /wrong tokens/)
})

t.test('a stop waits no longer than a moment for guessers', async (t) => {
  const relay = await startRelay(t, { config: watched, env: { ADMIN_TOKEN: right } })
  const tries = Array.from({ length: 10 }, (_, at) =>
    look(relay, '/api/events', bearer(`wrong-${at}`)).catch(() => 'cut')
  )
  await relay.logged(/wrong tokens/)
  await relay.app.close()
  t.equal((await Promise.all(tries)).length, 10)
})
