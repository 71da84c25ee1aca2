// Way out: nothing between the relay and Slack holds its requests, reads what is for this machine, turns half an answer into a
// whole one, or fills a channel.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { constants, createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, connect, createServer as createTcp, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { kindOf } from '../src/deliver/answer.ts'
import { adviceOn } from '../src/deliver/saying.ts'
import { createSlack } from '../src/deliver/slack.ts'
import { createClock } from './fixtures/clock.ts'
import { about, startRelay } from './fixtures/relay.ts'
import { advanceUntil } from './fixtures/requests.ts'
import { type Certificate, createCertificate, trust } from './fixtures/tls.ts'

const never = () => new AbortController().signal

async function listen(t: Test, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function slackOf(t: Test, environment: Record<string, string> = {}) {
  for (const [name, value] of Object.entries(environment)) {
    process.env[name] = value
    t.teardown(() => void delete process.env[name])
  }
  const slack = createSlack()
  t.teardown(slack.close)
  return slack
}

/** A receiver that speaks HTTP/2 on request, as Slack does. */
function createReceiver(t: Test) {
  const certificate = createCertificate('localhost')
  trust(t, [certificate])
  return createSecureServer({ ...certificate, allowHTTP1: true })
}

t.test('half of an answer is not an answer, even if the receiver speaks HTTP/2', async (t) => {
  // Like a proxy that loses its upstream.
  const server = createReceiver(t)
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200 })
    stream.write('o', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
  })
  server.on('request', ({ httpVersionMajor }, response) => {
    if (httpVersionMajor === 1) response.writeHead(200).write('o', () => response.socket.destroy())
  })
  const port = await listen(t, server)
  const reply = await slackOf(t).post(`https://localhost:${port}/services/T/B/x`, '{}', never())
  t.match(reply, { is: 'failure' })
  t.equal(kindOf(reply, 'other'), 'transient')
})

t.test('a connection whose other end is gone is not used again', async (t) => {
  const server = createReceiver(t)
  server.on('request', (request, response) => void request.resume().on('end', () => response.end('ok')))
  const port = await listen(t, server)
  const asked = new AbortController()
  const open = new Set<Socket>()
  // A firewall that has forgotten a connection drops its packets and answers nothing.
  const forgotten = new WeakSet<Socket>()
  const firewall = createTcp((socket) => {
    open.add(socket)
    const inside = connect(port, '127.0.0.1').on('error', () => {})
    inside.on('data', (piece) => socket.write(piece))
    socket.on('data', (piece) => (forgotten.has(socket) ? asked.abort() : inside.write(piece)))
    socket.on('close', () => inside.destroy())
  })
  const url = `https://localhost:${await listen(t, firewall)}/services/T/B/x`
  const slack = slackOf(t)
  t.match(await slack.post(url, '{}', never()), { is: 'answer', body: 'ok' })
  // Until the connection is known to be free again.
  await turn()
  for (const socket of open) forgotten.add(socket)
  t.match(await slack.post(url, '{}', asked.signal), { is: 'failure', code: 'AbortError' })
  t.match(await slack.post(url, '{}', never()), { is: 'answer', body: 'ok' })
})

t.test('a proxy that accepts a connection and stays silent holds nobody who gives up', async (t) => {
  const asked = new AbortController()
  const port = await listen(
    t,
    createTcp((socket) => socket.once('data', () => asked.abort()))
  )
  const slack = slackOf(t, { HTTPS_PROXY: `http://127.0.0.1:${port}` })
  const reply = await slack.post('https://hooks.slack.com/services/T/B/x', '{}', asked.signal)
  t.same(reply, { is: 'failure', code: 'AbortError' })
})

t.test('a proxy addressed over TLS is used, even one that speaks HTTP/2', async (t) => {
  const proxy = createReceiver(t)
  proxy.on('connect', (_request, socket: Socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  const slack = slackOf(t, { HTTPS_PROXY: `https://localhost:${await listen(t, proxy)}` })
  const reply = await slack.post('https://hooks.slack.com/services/T/B/x', '{}', never())
  t.same(reply, { is: 'proxy', status: 403 })
})

t.test('what is for this machine goes to no proxy, which could read it', async (t) => {
  const seen: string[] = []
  const proxy = createServer((request, response) => {
    seen.push(String(request.url))
    request.resume().on('end', () => response.end('ok'))
  })
  const port = await listen(
    t,
    createServer((request, response) => void request.resume().on('end', () => response.end('ok')))
  )
  const slack = slackOf(t, { HTTP_PROXY: `http://127.0.0.1:${await listen(t, proxy)}` })
  for (const host of ['127.0.0.1', 'localhost'])
    t.match(await slack.post(`http://${host}:${port}/services/T/B/x`, '{}', never(), 'xoxb-1'), { body: 'ok' }, host)
  t.same(seen, [])
})

t.test('an empty variable does not hide its upper-case form', async (t) => {
  const proxy = createServer()
  proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  const HTTPS_PROXY = `http://127.0.0.1:${await listen(t, proxy)}`
  const slack = slackOf(t, { HTTPS_PROXY, https_proxy: '', NO_PROXY: 'hooks.slack-gov.invalid', no_proxy: '' })
  const to = (host: string) => slack.post(`https://${host}/services/T/B/x`, '{}', never())
  t.same(await to('hooks.slack.invalid'), { is: 'proxy', status: 403 })
  t.match(await to('hooks.slack-gov.invalid'), { is: 'failure' })
})

t.test('an address that cannot be asked is an outcome too', async (t) => {
  const reply = await slackOf(t).post('https://localhost:70000/services/T/B/x', '{}', never())
  t.match(reply, { is: 'failure' })
})

/** A server that accepts every message from clients that take it for the receiver. */
async function startHttps(t: Test, certificate: Certificate, options: object = {}): Promise<number> {
  const server = createHttps({ ...certificate, ...options }, (request, response) => {
    request.resume().on('end', () => response.end('ok'))
  })
  return listen(t, server)
}

t.test(
  'a server that cannot prove to be the receiver gets no message, and the reason and advice are given',
  async (t) => {
    const [ours, expired, strange] = [
      createCertificate('localhost'),
      createCertificate('localhost', new Date('2026-01-01')),
      createCertificate('localhost')
    ]
    trust(t, [ours, expired])
    const tls12 = { maxVersion: 'TLSv1.2', requestCert: true }
    const plain = createServer((_request, response) => void response.end('ok'))
    const cases: [port: number, host: string, code: RegExp, advice: RegExp][] = [
      [await startHttps(t, expired), 'localhost', /^CERT_HAS_EXPIRED$/, /not valid now.*renew it/],
      [await startHttps(t, ours), '127.0.0.1', /ALTNAME/, /for another name than that in the address/],
      [await startHttps(t, strange), 'localhost', /SELF_SIGNED/, /NODE_EXTRA_CA_CERTS, and restart the relay/],
      [await startHttps(t, ours, tls12), 'localhost', /^ERR_SSL_SSL\/TLS_ALERT_/, /or a certificate of the relay/],
      [await listen(t, plain), 'localhost', /WRONG_VERSION/, /no TLS is spoken there/]
    ]
    for (const [port, host, code, advice] of cases) {
      const reply = await slackOf(t).post(`https://${host}:${port}/services/T/B/x`, '{}', never())
      t.match(reply, { is: 'failure', code })
      t.equal(kindOf(reply, 'slack'), 'untrusted', code.source)
      t.match(adviceOn('untrusted', reply), advice)
    }
  }
)

t.test('if Slack cannot be reached, the advice says what to check', async (t) => {
  const slack = slackOf(t)
  const to = async (url: string) => {
    const reply = await slack.post(url, '{}', never())
    return adviceOn(kindOf(reply, 'slack'), reply)
  }
  t.match(await to('https://hooks.slack.invalid/services/T/B/x'), /its name is not found/)
  t.match(await to('https://127.0.0.1:1/services/T/B/x'), /nothing listens there/)
})

t.test('the operator is notified of an untrusted certificate, and of its end within a minute', async (t) => {
  const certificate = createCertificate('localhost')
  const port = await startHttps(t, certificate)
  const clock = createClock()
  const relay = await startRelay(t, {
    clock,
    config: `
destinations:
  team: { slack: { webhookUrl: "https://localhost:${port}/services/T/B/x" } }
  ops: { slack: { webhookUrl: "$SLACK" } }
operator: [ops, team]
rules: [{ name: all, send: team }]`
  })
  await relay.post(about('shop'))
  const { accepted } = relay.slack
  await advanceUntil(clock, 1000, () => accepted.length === 1)
  t.match(accepted[0]?.text, /team takes no messages: the answer is DEPTH_ZERO_SELF_SIGNED_CERT/)
  t.match(accepted[0]?.text, /NODE_EXTRA_CA_CERTS/)
  clock.advance(6 * 60 * 60 * 1000)
  trust(t, [certificate])
  const since = clock.now()
  await advanceUntil(clock, 1000, () => accepted.length === 2)
  t.match(accepted[1]?.text, /team takes messages again/)
  t.ok(clock.now() - since <= 61_000)
})

t.test('a channel that accepts a message whose answer is always lost does not fill up with it', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  relay.slack.behave('*', { is: 'reset-after' })
  await relay.post(about('shop'))
  const end = clock.now() + 60 * 60_000
  await advanceUntil(clock, 10_000, () => clock.now() >= end)
  const copies = relay.slack.accepted.length
  t.ok(copies > 10 && copies <= 60, `${copies} copies`)
})
