// Webhook: accepts what Flux posts, and refuses the rest with a reason.
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { createClock } from './fixtures/clock.ts'
import { run } from './fixtures/process.ts'
import { fluxEvent, openConfig, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'

const key = 'a-key-of-the-test'
const guarded = `
sources:
  default: { hmacKeys: ["old", "${key}"] }
  open: { cluster: open }
${openConfig}`

const json = (event: object) => JSON.stringify(event)
const signed = (body: string | Buffer) => ({
  'x-signature': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`
})

async function refusedCount(relay: Relay): Promise<number> {
  const { body } = await relay.get('/metrics')
  return [...body.matchAll(/^flux_relay_refused_requests_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0
  )
}

t.test('a flood of refused requests is a few lines a minute in the log, with their number', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock, config: guarded })
  const lines = () => relay.log.filter((line) => line.includes('request refused')).map((line) => JSON.parse(line))
  const knock = async (times: number) => {
    for (let n = 0; n < times; n++) await relay.post('{}')
  }
  await knock(200)
  t.equal(lines().length, 10)
  await relay.post('no JSON', { path: '/webhook/open' })
  t.match(lines().at(-1), { code: 'BAD_JSON', source: 'open' }, 'another is said at once')
  clock.advance(60_000)
  await knock(1)
  t.match(lines().at(-1), { code: 'BAD_SIGNATURE', source: 'default', sender: '127.0.0.1', times: 191 })
  t.equal(await refusedCount(relay), 202, 'each is counted')
})

t.test(
  'bad input gets a clear answer, leaves nothing behind and is counted and logged without its content',
  async (t) => {
    const relay = await startRelay(t, { config: guarded })
    const canary = 'canary-in-the-payload'
    const good = json(fluxEvent({ message: canary }))
    const cases: {
      name: string
      body: string | Buffer
      path?: string
      headers?: Record<string, string>
      status: number
      code: string
      says?: RegExp
    }[] = [
      { name: 'truncated JSON', body: good.slice(0, -20), path: '/webhook/open', status: 400, code: 'BAD_JSON' },
      { name: 'an empty body', body: '', path: '/webhook/open', status: 400, code: 'BAD_JSON' },
      {
        name: 'a body of more than 4 MiB',
        body: json(fluxEvent({ message: 'x'.repeat(4 << 20) })),
        path: '/webhook/open',
        status: 413,
        code: 'TOO_LARGE'
      },
      {
        name: 'another content type',
        body: good,
        path: '/webhook/open',
        headers: { 'content-type': 'text/plain' },
        status: 415,
        code: 'WRONG_TYPE'
      },
      { name: 'deep nesting', body: '['.repeat(5000), path: '/webhook/open', status: 400, code: 'BAD_JSON' },
      {
        name: 'more of it than can be read in time',
        body: '['.repeat(500_000),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT'
      },
      {
        name: 'deep nesting that is closed',
        body: `${'['.repeat(9_000)}${']'.repeat(9_000)}`,
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT',
        says: /object/
      },
      {
        name: 'a __proto__ key',
        body: `{"__proto__":{"a":1},${good.slice(1)}`,
        path: '/webhook/open',
        status: 400,
        code: 'BAD_JSON'
      },
      {
        name: 'nothing',
        body: '',
        path: '/webhook/open',
        status: 400,
        code: 'BAD_JSON',
        says: /^the body is empty$/
      },
      {
        name: 'a name with a slash',
        body: good.replace('"shop"', '"shop/web"'),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT',
        says: /^involvedObject\.name must not contain a slash$/
      },
      {
        name: 'a constructor.prototype key',
        body: `{"constructor":{"prototype":{"a":1}},${good.slice(1)}`,
        path: '/webhook/open',
        status: 400,
        code: 'BAD_JSON'
      },
      {
        name: 'an escaped lone surrogate',
        body: good.replace(canary, `${canary}\\ud800`),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_JSON'
      },
      {
        name: 'bytes that are not UTF-8',
        body: Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0xed, 0xa0, 0x80, 0x7d])]),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_JSON'
      },
      {
        name: 'no involvedObject',
        body: json({ ...fluxEvent(), involvedObject: undefined }),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT',
        says: /involvedObject/
      },
      ...[
        { name: 'a Provider of type slack', body: json({ channel: 'x', attachments: [{ text: 'boom' }] }) },
        { name: 'a Provider of type alertmanager', body: json([{ labels: { alertname: 'x' }, annotations: {} }]) },
        { name: 'a CloudEvent', body: json({ specversion: '1.0', type: 'x', source: 'y', id: 'z', data: fluxEvent() }) }
      ].map((foreign) => ({
        ...foreign,
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT',
        says: /not an event of Flux; a Provider has to be of type generic or generic-hmac/
      })),
      {
        name: 'a number for a name',
        body: good.replace('"shop"', '5'),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT',
        says: /involvedObject\.name must be string/
      },
      {
        name: 'an unknown severity',
        body: good.replace('"error"', '"fatal"'),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT',
        says: /severity.*info/
      },
      {
        name: 'the numeric timestamp of 2020',
        body: good.replace('"2026-09-21T13:59:58Z"', '1587195448.07'),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT',
        says: /timestamp/
      },
      {
        name: 'metadata that is not text',
        body: good.replace('"main@sha1', '{"a":1},"b":"main@sha1'),
        path: '/webhook/open',
        status: 400,
        code: 'BAD_EVENT',
        says: /metadata\.revision must be string/
      },
      { name: 'no signature', body: good, status: 401, code: 'BAD_SIGNATURE', says: /X-Signature is missing/ },
      {
        name: 'a wrong signature',
        body: good,
        headers: { 'x-signature': `sha256=${'0'.repeat(64)}` },
        status: 401,
        code: 'BAD_SIGNATURE'
      },
      {
        name: 'a signature over other bytes',
        body: `${good} `,
        headers: signed(good),
        status: 401,
        code: 'BAD_SIGNATURE'
      },
      { name: 'an unknown source', body: good, path: '/webhook/nobody', status: 404, code: 'UNKNOWN_SOURCE' },
      { name: 'a source called __proto__', body: good, path: '/webhook/__proto__', status: 404, code: 'UNKNOWN_SOURCE' }
    ]
    for (const [index, { name, body, path, headers, status, code, says }] of cases.entries()) {
      await t.test(name, async (t) => {
        const answer = await relay.post(body, { ...(path && { path }), ...(headers && { headers }) })
        t.equal(answer.status, status)
        t.equal(answer.body.code, code)
        t.match(answer.body.message, says ?? /^[a-z]/i)
        t.ok(answer.body.message.length < 200, 'Flux copies it into a Kubernetes Event')
        t.same(Object.keys(answer.body), ['code', 'message'])
        t.equal(await refusedCount(relay), index + 1, 'counted')
      })
    }
    // At most ten a minute per source and code.
    const alike = Map.groupBy(cases, ({ code, path }) => `${code} ${path}`)
    const lines = alike.values().reduce((sum, some) => sum + Math.min(some.length, 10), 0)
    t.equal(relay.log.filter((line) => line.includes('request refused')).length, lines, 'a line for each')
    t.notMatch(relay.log.join(''), canary)
    const accepted = await relay.post(good, { headers: signed(good) })
    t.match(accepted.body, { status: 'accepted', id: '1' }, 'nothing was stored before')
  }
)

t.test('a character that is escaped as a whole surrogate pair is accepted', async (t) => {
  const relay = await startRelay(t)
  const body = json(fluxEvent({ message: 'no space left: ROCKET' })).replace('ROCKET', '\\ud83d\\ude80')
  t.equal((await relay.post(body)).status, 202)
  await relay.slack.until(() => relay.slack.accepted.some(({ text }) => text.includes('\u{1f680}')))
})

t.test('the same bytes within two minutes are one event', async (t) => {
  const relay = await startRelay(t, { config: guarded })
  const body = json(fluxEvent())
  const first = await relay.post(body, { headers: signed(body) })
  t.match(first, {
    status: 202,
    body: { status: 'accepted', transition: 'failed', notifications: [{ rule: 'everything', destination: 'team' }] }
  })
  const again = await relay.post(body, { headers: signed(body) })
  t.match(again, { status: 202, body: { status: 'duplicate', id: first.body.id, notifications: [] } })
  const elsewhere = await relay.post(body, { path: '/webhook/open' })
  t.match(elsewhere.body, { status: 'accepted' }, 'another source is another event')
})

t.test('with too much waiting, Flux is asked to retry, never told that it is at fault', async (t) => {
  const relay = await startRelay(t, { env: { MAX_PENDING: '1' } })
  relay.slack.behave('*', () => ({ is: 'hang' }))
  await relay.post({})
  const response = await fetch(`${relay.url}/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: json(fluxEvent({ message: 'another' }))
  })
  t.equal(response.status, 503)
  t.equal(response.headers.get('retry-after'), null, 'its own backoff is longer than anything that we would say')
})

t.test('health endpoints answer when nothing else may', async (t) => {
  const relay = await startRelay(t)
  t.equal((await relay.get('/healthz')).status, 200)
  t.equal((await relay.get('/readyz')).status, 200)
  t.match((await relay.get('/metrics')).body, /^flux_relay_pending\{destination="team"\} 0$/m)
})

t.test('the API asks for ADMIN_TOKEN, or admits only this machine if there is none', async (t) => {
  const preview =
    'destinations: { look: { preview: true } }\nrules: [{ name: all, match: { severity: info }, send: look }]'
  const path = '/api/preview/look'
  const open = await startRelay(t, { config: preview })
  t.equal((await open.get(path)).status, 200)
  const rebound = await open.app.inject({ url: path, headers: { host: 'evil.example' } })
  t.equal(rebound.statusCode, 403, 'a page whose name was made to point here')
  const remote = await open.app.inject({ url: path, remoteAddress: '10.1.2.3', headers: { host: 'localhost' } })
  t.equal(remote.statusCode, 403)
  t.match(remote.json(), { code: 'FORBIDDEN', message: /ADMIN_TOKEN/ })

  const locked = await startRelay(t, { config: preview, env: { ADMIN_TOKEN: 'let-me-in' } })
  t.equal((await locked.get(path)).status, 401)
  t.equal((await locked.get(path, { authorization: 'Bearer wrong' })).status, 401)
  t.equal((await locked.get(path, { authorization: 'Bearer let-me-in' })).status, 200)
  const basic = Buffer.from('anyone:let-me-in').toString('base64')
  t.equal((await locked.get(path, { authorization: `Basic ${basic}` })).status, 200)
  t.equal((await locked.get('/api/preview/nothing', { authorization: `Basic ${basic}` })).status, 404)
})

/** Sends these bytes as they are and resolves to the answer; `isAll` if nothing more will be sent. */
function say(url: string, bytes: string, isAll = false): Promise<string> {
  const { port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), '127.0.0.1', () => (isAll ? socket.end(bytes) : socket.write(bytes)))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

t.test(
  'bytes that are not a request, or have no such path, are answered like any other, and none of them come back',
  async (t) => {
    const relay = await startRelay(t, { env: { LOG_LEVEL: 'trace' } })
    const head = 'host: x\r\nconnection: close\r\nauthorization: Bearer SECRET\r\ncontent-length: 0\r\n\r\n'
    const cases: [what: string, bytes: string, status: number, code: string][] = [
      ['a path without end', `POST /webhook/${'SECRET'.repeat(100)} HTTP/1.1\r\n${head}`, 404, 'NOT_FOUND'],
      ['a path that cannot be read', `POST /webhook/SECRET%ff HTTP/1.1\r\n${head}`, 400, 'BAD_REQUEST'],
      ['another method', `PUT /webhook HTTP/1.1\r\n${head}`, 405, 'WRONG_METHOD'],
      ['no HTTP', `SECRET\r\n${head}`, 400, 'BAD_REQUEST'],
      ['headers without end', `POST /webhook HTTP/1.1\r\nx: ${'SECRET'.repeat(5000)}\r\n${head}`, 431, 'BAD_REQUEST']
    ]
    for (const [what, bytes, status, code] of cases) {
      const answer = await say(relay.url, bytes)
      t.match(answer, `HTTP/1.1 ${status} `, what)
      t.match(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''), { code, message: /^.{5,120}$/ }, what)
      t.notMatch(answer, 'SECRET', what)
    }
    const bytes = JSON.stringify([...Buffer.from('SECRET')]).slice(1, -1)
    t.notMatch(relay.log.join(''), new RegExp(`SECRET|${bytes}`), 'nor does the log show it, not even as numbers')
  }
)

t.test('an address that can mean only one thing is accepted, however many slashes it has', async (t) => {
  const relay = await startRelay(t, { config: guarded })
  const address = (path: string, status: number, code?: string) => ({ path, status, code })
  const cases = [
    ...['/webhook/open/', '//webhook/open', '/webhook//open', '//webhook//open//', '/webhook/open?x=1'].map((path) =>
      address(path, 202)
    ),
    // The keys of the source apply there as well.
    ...['/webhook/', '//webhook', '/webhook//', '/webhook?x=1'].map((path) => address(path, 401, 'BAD_SIGNATURE')),
    address('/webhook/nobody/', 404, 'UNKNOWN_SOURCE')
  ]
  for (const [n, { path, status, code }] of cases.entries()) {
    const answer = await relay.post(fluxEvent({ message: `m${n}` }), { path })
    t.match(answer, { status, body: code === undefined ? { status: 'accepted' } : { code } }, path)
  }
})

t.test('whoever posts to a wrong address reads the right one in the answer, and never a redirect', async (t) => {
  const relay = await startRelay(t, { config: guarded, env: { ADMIN_TOKEN: 'secret' } })
  const statuses: [path: string, status: number][] = [
    ['/', 405],
    ['/webhook/open/more', 404],
    ['/webhooks', 404],
    ['/Webhook', 404],
    ['/api/webhook', 404],
    ['/hook/8d2c51b7b0d4', 404],
    ['/webhook/nobody', 404],
    ['/healthz', 405],
    ['/events', 405]
  ]
  const large = json(fluxEvent({ message: 'm'.repeat(2_000_000) }))
  const asked = statuses.flatMap(([path, status]) => [json(fluxEvent()), large].map((body) => ({ path, status, body })))
  for (const { path, status, body } of asked) {
    const response = await fetch(relay.url + path, { method: 'POST', body, redirect: 'manual' })
    t.equal(response.status, status, path)
    const { message } = (await response.json()) as { message: string }
    t.match(message, /\/webhook\/<source>/, path)
    t.notMatch(message, /open/, 'which sources there are is nobody’s business')
  }
})

t.test('a POST that a redirect turned into a GET is told so', async (t) => {
  const relay = await startRelay(t)
  for (const path of ['/webhook', '/webhook/', '/webhook/prod', '//webhook']) {
    const response = await fetch(relay.url + path)
    t.equal(response.status, 405, path)
    t.equal(response.headers.get('allow'), 'POST')
    t.match(await response.json(), { code: 'WRONG_METHOD', message: /redirected/ })
  }
})

t.test('a method that a path does not take is answered 405 with those that it takes', async (t) => {
  const relay = await startRelay(t)
  const cases: [path: string, allow: string][] = [
    ['/webhook', 'POST'],
    ['/webhook/any', 'POST'],
    ['/healthz', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/metrics/', 'GET, HEAD'],
    ['/', 'GET, HEAD'],
    ['/events/1', 'GET, HEAD'],
    ['/silences', 'GET, HEAD, POST'],
    ['/silences/1/end', 'POST'],
    ['/assets/style.css', 'GET, HEAD'],
    ['/api/events', 'GET, HEAD'],
    ['/api/events/1', 'GET, HEAD'],
    ['/api/silences', 'GET, HEAD, POST'],
    ['/api/silences/1', 'DELETE'],
    ['/api/notifications/retry', 'POST'],
    ['/api/openapi.json', 'GET, HEAD']
  ]
  for (const [path, allow] of cases) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY']) {
      if (allow.split(', ').includes(method)) continue
      const response = await relay.app.inject({ url: path, method: method as 'GET', headers: { host: 'localhost' } })
      t.equal(response.statusCode, 405, `${method} ${path}`)
      t.equal(response.headers['allow'], allow, `${method} ${path}`)
    }
  }
})

t.test('requests that match no route are all counted, and logged once a minute without their contents', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  const lines = () => relay.log.map((line) => JSON.parse(line)).filter(({ msg }) => /no route takes this/.test(msg))
  for (const path of ['/hook/SECRET', '/', '/webhook/a/SECRET', '/SECRET']) await relay.post({}, { path })
  await relay.get('/webhook?SECRET')
  t.match(lines(), [{ requests: 1, method: 'POST', path: '/…', sender: '127.0.0.1', level: 40 }])
  t.match((await relay.get('/metrics')).body, /^flux_relay_lost_requests_total 5$/m)
  clock.advance(60_000)
  await relay.post({}, { path: '/webhook/a/SECRET' })
  clock.advance(61_000)
  await relay.post({}, { path: '/' })
  t.match(lines().slice(1), [
    { requests: 5, path: '/webhook…' },
    { requests: 1, path: '/' }
  ])
  t.notMatch(relay.log.join(''), 'SECRET')
})

t.test(
  'a client that leaves in the middle of a request counts as refused, not as one that speaks no HTTP',
  async (t) => {
    const relay = await startRelay(t)
    const head = 'POST /webhook HTTP/1.1\r\nhost: relay\r\ncontent-type: application/json\r\n'
    for (const text of ['POST /webhook HT', head, `${head}content-length: 100\r\n\r\n{`]) {
      t.equal(await say(relay.url, text, true), '', 'nobody is there to be answered')
    }
    await relay.logged(/the body ended too early/)
    const { body } = await relay.get('/metrics')
    t.match(body, /^flux_relay_unreadable_requests_total\{what="unknown"\} 0$/m)
    t.match(body, /^flux_relay_refused_requests_total\{code="BAD_REQUEST"\} 1$/m)
  }
)

t.test('TLS on the plain port is counted, and reported once a minute', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  const hello = () =>
    new Promise<string>((resolve) => {
      const socket = tlsConnect({ port: Number(new URL(relay.url).port), host: '127.0.0.1' })
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? ''))
    })
  for (let n = 0; n < 3; n++) t.not(await hello(), '')
  await say(relay.url, 'no HTTP\r\n\r\n')
  const said = () => relay.log.filter((line) => line.includes('plain HTTP')).map((line) => JSON.parse(line))
  t.match(said(), [{ requests: 1, sender: '127.0.0.1', level: 40 }])
  const { body } = await relay.get('/metrics')
  t.match(body, /^flux_relay_unreadable_requests_total\{what="tls"\} 3$/m)
  t.match(body, /^flux_relay_unreadable_requests_total\{what="unknown"\} 1$/m)
  clock.advance(60_000)
  await hello()
  t.match(said()[1], { requests: 3 })
})

t.test(
  'what a proxy in front speaks instead of HTTP/1.1 is recognised, and explained to it and in the log',
  async (t) => {
    const relay = await startRelay(t)
    const asked = 'POST /webhook HTTP/1.1\r\nhost: relay\r\ncontent-length: 2\r\n\r\n{}'
    // haproxy.org/download/3.2/doc/proxy-protocol.txt: version 2 of TCP over IPv4.
    const second = Buffer.from('0d0a0d0a000d0a515549540a2111000c01020304050607081a0a1f90', 'hex').toString('latin1')
    const cases: [said: string, what: string, answer: RegExp, log: RegExp][] = [
      [`PROXY TCP4 10.0.0.1 10.0.0.2 1 80\r\n${asked}`, 'proxy', /PROXY protocol.*turn it off/, /turn it off there/],
      [`PROXY UNKNOWN\r\n${asked}`, 'proxy', /PROXY protocol/, /turn it off there/],
      [second + asked, 'proxy', /PROXY protocol/, /turn it off there/],
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'http2', /the relay speaks HTTP\/1\.1/, /h2c or grpc/]
    ]
    for (const [said, what, answer, log] of cases) {
      t.match(await say(relay.url, said), /^HTTP\/1\.1 400 /, what)
      t.match(await say(relay.url, said), answer)
      await relay.logged(log)
    }
    const { body } = await relay.get('/metrics')
    t.match(body, /^flux_relay_unreadable_requests_total\{what="proxy"\} 6$/m)
    t.match(body, /^flux_relay_unreadable_requests_total\{what="http2"\} 2$/m)
  }
)

t.test('a request without a host, or with an unknown expectation, is refused in words', async (t) => {
  const relay = await startRelay(t)
  t.match(await say(relay.url, 'GET /healthz HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 .*"the Host header is missing/s)
  t.match(await say(relay.url, 'GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
  const expecting = 'POST /webhook HTTP/1.1\r\nhost: relay\r\nexpect: coffee\r\ncontent-length: 0\r\n\r\n'
  t.match(await say(relay.url, expecting), /^HTTP\/1\.1 417 .*"only 100-continue may be expected/s)
})

t.test('the largest event that notification-controller accepts is accepted, with what its Alert adds', async (t) => {
  const relay = await startRelay(t)
  // Go's encoder writes <, > and & as six bytes.
  const goJson = (value: object) => json(value).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)
  const bare = goJson(fluxEvent({ message: '' })).length
  const message = '<'.repeat(Math.floor((3 * 1024 * 1024 - bare) / 6))
  t.ok(goJson(fluxEvent({ message })).length > 3 * 1024 * 1024 - 12)
  const metadata = { ...fluxEvent().metadata, cluster: 'prod-eu', runbook: `https://wiki/?${'a=<b>&'.repeat(10_000)}` }
  t.match(await relay.post(goJson(fluxEvent({ message, metadata }))), { status: 202 })
})

t.test('a source accepts a bearer token with letters beyond ASCII, however a client writes them', async (t) => {
  const [token, plain] = ['schlüssel-à-密', 'schlüssel']
  const config = `sources: { default: { tokens: [ "${token}", ${plain} ] } }${openConfig}`
  const relay = await startRelay(t, { config })
  const sent = (text: string) => ({ headers: { authorization: `Bearer ${Buffer.from(text).toString('latin1')}` } })
  t.equal((await relay.post({}, sent(token))).status, 202, 'as Flux sends it')
  t.equal((await relay.post({}, sent(plain))).status, 202)
  t.equal((await relay.post({}, { headers: { authorization: `Bearer ${plain}` } })).status, 202, 'as Node does')
  t.equal((await relay.post({}, sent(`${token}ü`))).status, 401)
  t.equal((await relay.post({}, sent('schlussel'))).status, 401)
  const file = join(tempFolder(t), 'event.json')
  writeFileSync(file, JSON.stringify(fluxEvent()))
  const { code, out } = await run(['send', `${relay.url}/webhook`, file, '--token', token])
  t.equal(code, 0, out)
})

t.test('a bearer token that no header can carry is refused with what to write', async (t) => {
  const { config, problems } = loadConfig(
    `sources: { default: { tokens: ["\${BELL}"] } }${openConfig.replace('$SLACK', 'https://hooks.slack.com/services/T0/B0/x')}`,
    'config.yaml',
    { BELL: 'a\u0007bell' }
  )
  t.equal(config, undefined)
  t.match(problems[0], { isWarning: false, message: /no request has it: write one without, such as .*openssl rand/ })
})
