// Hostile clients: attack with a few of each kind; `npm run proof http` brings thousands and measures.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { attacks, run } from '../../proof/http/attacks.ts'
import { beginRelay, freePort } from '../fixtures/process.ts'
import { about, openConfig, startRelay, tempFolder } from '../fixtures/relay.ts'
import { startSlack } from '../fixtures/slack.ts'

for (const [token, some] of Map.groupBy(attacks, (attack) => attack.token)) {
  const name = `whatever some clients do, others are answered and their events accepted${token ? ', even if a token is set' : ''}`
  t.test(name, async (t) => {
    const relay = await startRelay(t, { env: token === undefined ? {} : { ADMIN_TOKEN: token } })
    const port = Number(new URL(relay.url).port)
    for (const attack of some) {
      const stop = new AbortController()
      const attacking = run({ ...attack, connections: Math.ceil(attack.connections / 100) }, port, stop.signal)
      for (let count = 0; count < 3; count++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        t.equal((await relay.get('/healthz')).status, 200, attack.name)
        t.equal((await relay.post(about(`good-${count}`, { message: attack.name }))).status, 202, attack.name)
      }
      stop.abort()
      t.strictSame((await attacking).odd, [], `${attack.name}: what is answered`)
    }
  })
}

t.test('strangers with more connections than open files allow keep out no one, and no message', async (t) => {
  if (spawnSync('prlimit', ['--version']).status !== 0) return void t.comment('skipped: there is no prlimit')
  const slack = await startSlack({ perSecond: 100, burst: 100, latencyMs: 0 })
  t.teardown(() => slack.close())
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'config.yaml'), openConfig.replaceAll('$SLACK', slack.url()))
  const port = await freePort()
  const { relay, listening } = beginRelay(folder, port, { through: ['prlimit', '--nofile=64:64'] })
  t.teardown(() => relay.kill('SIGKILL'))
  await listening
  const strangers = Array.from({ length: 150 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  t.teardown(() => strangers.map((socket) => socket.destroy()))
  await Promise.all(strangers.map((socket) => once(socket, 'connect')))
  for (const name of ['one', 'two', 'three']) {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(about(name))
    const answer = await fetch(`http://127.0.0.1:${port}/webhook`, { method: 'POST', headers, body })
    t.equal(answer.status, 202)
  }
  const posted = () => slack.accepted.map(({ text }) => text).join()
  await slack.until(() => ['one', 'two', 'three'].every((name) => posted().includes(name)), 30_000)
})

t.test('a client that takes too long to send its request is cut off', async (t) => {
  const { app } = await startRelay(t)
  const { headersTimeout, requestTimeout, keepAliveTimeout } = app.server
  t.match(
    { headersTimeout, requestTimeout, keepAliveTimeout },
    { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 5000 }
  )
})

const head = (more: string) =>
  `POST /webhook HTTP/1.1\r\nhost: relay\r\ncontent-type: application/json\r\n${more}\r\n\r\n`

/** Sends `bytes`, and keeps the connection open until it is answered. */
function say(url: string, bytes: string): { answer: Promise<string>; socket: Socket } {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(bytes)
  return { socket, answer: new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk)))) }
}

t.test('a body in a thousand tiny pieces is refused, and one in large pieces is accepted', async (t) => {
  const { url } = await startRelay(t)
  // Several, because Node reuses a connection's parser for the next one.
  for (let n = 0; n < 3; n++) {
    const tiny = say(url, `${head('transfer-encoding: chunked')}${'1\r\n \r\n'.repeat(2000)}`)
    t.match(await tiny.answer, /^HTTP\/1\.1 400 [\s\S]*connection: close[\s\S]*pieces that are too small/)
    tiny.socket.destroy()
  }
  const body = JSON.stringify(about('chunked', { message: 'm'.repeat(300_000) }))
  const chunks = body.match(/.{1,2000}/gs)?.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`)
  const large = say(url, `${head('transfer-encoding: chunked')}${chunks?.join('')}0\r\n\r\n`)
  t.match(await large.answer, /^HTTP\/1\.1 202 /)
  const { answer } = say(url, `${head('transfer-encoding: chunked')}${`10000\r\n${' '.repeat(65_536)}\r\n`.repeat(70)}`)
  t.match(await answer, /^HTTP\/1\.1 413 [\s\S]*TOO_LARGE/, 'also where no length was declared')
})

t.test(
  'too many endless large bodies are refused; small ones are accepted, and large ones again when those are gone',
  async (t) => {
    const relay = await startRelay(t)
    const unfinished = () => say(relay.url, head('content-length: 3000000') + ' '.repeat(2_000_000))
    const open = Array.from({ length: 40 }, unfinished)
    t.match(
      await Promise.race(open.map(({ answer }) => answer)),
      /^HTTP\/1\.1 503 (?![\s\S]*retry-after)[\s\S]*CANNOT_STORE/i
    )
    t.equal((await relay.post(about('small'))).status, 202)
    for (const { socket } of open) socket.destroy()
    await relay.logged(/the body ended too early/, 10)
    t.equal((await relay.post(about('large', { message: 'm'.repeat(1_000_000) }))).status, 202)
  }
)

t.test('a refused client reads the answer, even if it writes everything before reading, as Flux does', async (t) => {
  const { url } = await startRelay(t)
  const cases: [what: string, path: string, bytes: number, status: number][] = [
    ['too large', '/webhook', 6_000_000, 413],
    ['to no source', '/webhook/nobody', 3_000_000, 404],
    ['to no address', '/', 3_000_000, 405]
  ]
  for (const [what, path, bytes, status] of cases) {
    for (let n = 0; n < 10; n++) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').pause()
      const answer = new Promise<string>((resolve) => {
        let said = ''
        socket.on('data', (chunk) => {
          said += chunk
        })
        socket.on('error', (error) => resolve(String(error)))
        socket.on('close', () => resolve(said))
      })
      socket.write(head(`content-length: ${bytes}`).replace('/webhook', path))
      socket.write(Buffer.alloc(bytes, ' '), () => socket.resume())
      t.match(await answer, `HTTP/1.1 ${status} `, what)
    }
  }
})

t.test('endless small bodies cost newer ones nothing, however many they are', async (t) => {
  const relay = await startRelay(t)
  const whole = (n: number) => JSON.stringify(about(`app-${n}`, { message: 'm'.repeat(60_000) }))
  // Together more than there is room for; each lacks its last byte.
  const open: ReturnType<typeof say>[] = []
  for (let n = 0; n < 100; n++) {
    const body = whole(n)
    open.push(say(relay.url, head(`content-length: ${body.length}`) + body.slice(0, -1)))
    // In this order.
    await new Promise<void>((resolve) => open[n]?.socket.once('connect', resolve))
  }
  t.equal((await relay.post(whole(100))).status, 202, 'one that comes at once')
  const [oldest, newest] = [open[0], open.at(-1)]
  newest?.socket.write('}')
  t.match(await newest?.answer, /^HTTP\/1\.1 202 /)
  oldest?.socket.write('}')
  t.match(await oldest?.answer, /^HTTP\/1\.1 503 [\s\S]*CANNOT_STORE/, 'the oldest lost its room, and may try again')
  for (const { socket } of open) socket.destroy()
})
