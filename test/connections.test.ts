// Connections: which of too many is closed.
import { once } from 'node:events'
import { createServer } from 'node:http'
import t from 'tap'
import { limitConnections } from '../routes/connections.ts'
import { listen } from './fixtures/connections.ts'

const request = 'POST / HTTP/1.1\r\nhost: relay\r\ncontent-length: 1\r\n\r\n'

/** A server with room for three connections with a request; it answers `x` on demand. */
async function start(
  t: import('tap').Test,
  limits: Parameters<typeof limitConnections>[2] = { maxBytes: 45 * 1024, crowdBytes: Number.POSITIVE_INFINITY }
) {
  const waiting: import('node:http').ServerResponse[] = []
  const counted = { asked: 0, closed: 0 }
  const server = createServer(({ socket }, response) => {
    counted.asked += 1
    waiting.push(response)
    socket.unref()
  })
  limitConnections(server, () => (counted.closed += 1), limits)
  const connect = await listen(t, server)
  return {
    counted,
    answer: () => waiting.splice(0).map((response) => response.end('x')),
    beginAnswer: () => waiting.map((response) => response.write('x')),
    /** Opens a connection and sends `text`; resolves once the server has its request. */
    async open(text = '') {
      const socket = connect()
      const said = {
        text: '',
        isClosed: once(socket, 'close').then(() => true),
        async send(text: string) {
          const asked = counted.asked
          socket.write(text)
          while (text !== '' && counted.asked === asked) await new Promise((resolve) => setImmediate(resolve))
        }
      }
      socket.on('data', (chunk) => (said.text += chunk))
      await Promise.all([once(socket, 'connect'), once(server, 'connection')])
      await said.send(text)
      return said
    }
  }
}

t.test('of too many connections, the one that has waited longest without a complete request is closed', async (t) => {
  const server = await start(t)
  const asking = await server.open(`${request}x`)
  const unfinished = await server.open(request)
  const silent = await server.open()
  const late = await server.open(`${request}x`)
  t.ok(await unfinished.isClosed, 'in the middle of a request')
  t.equal(server.counted.closed, 1)
  const last = await server.open(`${request}x`)
  t.ok(await silent.isClosed, 'without any')
  t.equal(server.counted.closed, 2)
  server.answer()
  for (const said of [asking, late, last]) {
    while (!said.text.endsWith('x')) await new Promise((resolve) => setImmediate(resolve))
  }
  t.pass('who waits for an answer gets it')
  await server.open()
  t.ok(await asking.isClosed, 'who has one may have to connect again')
})

t.test('a connection that asks for something needs more room than before, and the oldest makes it', async (t) => {
  const server = await start(t)
  const silent = await server.open()
  for (let n = 0; n < 3; n++) await server.open()
  const asking = await server.open()
  t.equal(server.counted.closed, 0, 'five that are silent fit')
  await asking.send(`${request}x`)
  t.equal(server.counted.closed, 1)
  t.ok(await silent.isClosed)
})

t.test('a connection whose answer has begun makes room, because its client may never read the rest', async (t) => {
  const server = await start(t)
  const reading = await server.open(`${request}x`)
  server.beginAnswer()
  for (let n = 0; n < 2; n++) await server.open(`${request}x`)
  await server.open()
  t.ok(await reading.isClosed)
  t.equal(server.counted.closed, 1)
})

t.test(
  'in a crowd, a connection that has just got an answer stays longer than one that has asked for nothing since',
  async (t) => {
    const server = await start(t, { maxBytes: 45 * 1024, crowdBytes: 20 * 1024 })
    const sender = await server.open(`${request}x`)
    const stranger = await server.open()
    server.answer()
    while (!sender.text.endsWith('x')) await new Promise((resolve) => setImmediate(resolve))
    await server.open(`${request}x`)
    await server.open()
    await server.open()
    t.ok(await stranger.isClosed)
    t.equal(server.counted.closed, 1)
  }
)

t.test('with files for three connections only, the fourth still gets one', async (t) => {
  const server = await start(t, { maxOpen: 3 })
  const asking = await server.open(`${request}x`)
  const silent = await server.open()
  await server.open()
  const late = await server.open(`${request}x`)
  t.ok(await silent.isClosed)
  server.answer()
  for (const said of [asking, late]) {
    while (!said.text.endsWith('x')) await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(server.counted.closed, 1)
})

t.test('if all connections wait for an answer, the newest is closed', async (t) => {
  const server = await start(t)
  for (let n = 0; n < 3; n++) await server.open(`${request}x`)
  const newest = await server.open()
  t.ok(await newest.isClosed)
  t.strictSame(server.counted, { asked: 3, closed: 1 })
})
