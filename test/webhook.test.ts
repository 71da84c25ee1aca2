import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import t from 'tap'
import { fluxEvent, openConfig, type Relay, startRelay } from './fixtures/relay.ts'

const key = 'a-key-of-the-test'
const guarded = `
sources:
  default: { hmacKeys: ["old", "${key}"] }
  open: {}
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
        name: 'a body of 4 MiB',
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
    t.equal(relay.log.filter((line) => line.includes('request refused')).length, cases.length, 'a line for each')
    t.notMatch(relay.log.join(''), canary)
    const accepted = await relay.post(good, { headers: signed(good) })
    t.match(accepted.body, { status: 'accepted', id: '1' }, 'nothing was stored before')
  }
)

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

t.test('with too much waiting, Flux is told to try again, never that it is at fault', async (t) => {
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

t.test('health answers while nothing else may', async (t) => {
  const relay = await startRelay(t)
  t.equal((await relay.get('/healthz')).status, 200)
  t.equal((await relay.get('/readyz')).status, 200)
  t.match((await relay.get('/metrics')).body, /^flux_relay_pending\{destination="team"\} 0$/m)
})

t.test('the API asks for ADMIN_TOKEN, or for this machine where there is none', async (t) => {
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

/** What is answered to these bytes, sent as they are. */
function say(url: string, bytes: string): Promise<string> {
  const { port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

t.test(
  'what is no request, or has no such path, gets an answer like any other, and none of it comes back',
  async (t) => {
    const relay = await startRelay(t, { env: { LOG_LEVEL: 'trace' } })
    const head = 'host: x\r\nconnection: close\r\nauthorization: Bearer SECRET\r\ncontent-length: 0\r\n\r\n'
    const cases: [what: string, bytes: string, status: number, code: string][] = [
      ['a path without end', `POST /webhook/${'SECRET'.repeat(100)} HTTP/1.1\r\n${head}`, 404, 'NOT_FOUND'],
      ['a path that cannot be read', `POST /webhook/SECRET%ff HTTP/1.1\r\n${head}`, 400, 'BAD_REQUEST'],
      ['another method', `PUT /webhook HTTP/1.1\r\n${head}`, 404, 'NOT_FOUND'],
      ['no HTTP', `SECRET\r\n${head}`, 400, 'BAD_REQUEST'],
      ['headers without end', `POST /webhook HTTP/1.1\r\nx: ${'SECRET'.repeat(5000)}\r\n${head}`, 431, 'BAD_REQUEST']
    ]
    for (const [what, bytes, status, code] of cases) {
      const answer = await say(relay.url, bytes)
      t.match(answer, `HTTP/1.1 ${status} `, what)
      t.match(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''), { code, message: /^.{5,80}$/ }, what)
      t.notMatch(answer, 'SECRET', what)
    }
    const bytes = JSON.stringify([...Buffer.from('SECRET')]).slice(1, -1)
    t.notMatch(relay.log.join(''), new RegExp(`SECRET|${bytes}`), 'nor does the log hold it, not even as numbers')
  }
)
