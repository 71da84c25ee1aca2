// Anteroom: what becomes of requests in a crowd.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { limitConnections } from '../routes/connections.ts'
import { listen } from './fixtures/connections.ts'

const kibibyte = 1024
const head = (headers: string) => `POST / HTTP/1.1\r\nhost: relay\r\n${headers}\r\n`
const sized = (body: string, more = '') => `${head(`content-length: ${body.length}\r\n${more}`)}${body}`

/** Starts a server that takes everybody for a crowd. It answers with the length of the body. */
async function start(t: import('tap').Test, requestTimeout = 60_000) {
  const counted = { asked: 0 }
  const server = createServer({ requestTimeout, headersTimeout: requestTimeout }, async (request, response) => {
    counted.asked += 1
    let length = 0
    for await (const piece of request) length += piece.length
    response.end(`<${length}>`)
  })
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => socket.end(`${code}`))
  const stop = limitConnections(server, () => {}, { crowdBytes: -1 })
  const connect = await listen(t, server)
  return {
    counted,
    server,
    stop,
    async open() {
      const socket = connect()
      const said = { text: '' }
      socket.on('data', (chunk) => (said.text += chunk))
      await once(socket, 'connect')
      return {
        said,
        closed: once(socket, 'close'),
        /** Sends the pieces one after the other, each in its own packet. */
        async send(...pieces: (string | Buffer)[]) {
          for (const piece of pieces) {
            socket.write(piece)
            await pause(5)
          }
        },
        end: () => void socket.end(),
        /** Resolves once `text` has arrived. */
        async hears(text: string) {
          while (!said.text.includes(text)) await pause(5)
        }
      }
    }
  }
}

t.test('in a crowd, every request is answered, in whatever pieces it arrives', async (t) => {
  const { open } = await start(t)
  const body = 'x'.repeat(1000)
  const ways: Record<string, { pieces: string[]; answers: string[] }> = {
    'in one piece': { pieces: [sized(body)], answers: ['<1000>'] },
    'without a body': { pieces: ['GET / HTTP/1.1\r\nhost: relay\r\n\r\n'], answers: ['<0>'] },
    'in many pieces': { pieces: sized(body).match(/[\s\S]{1,50}/g) ?? [], answers: ['<1000>'] },
    'in more than are counted': { pieces: sized(body).match(/[\s\S]{1,9}/g) ?? [], answers: ['<1000>'] },
    'twice on one connection': { pieces: [sized(body), sized('')], answers: ['<1000>', '<0>'] },
    'twice at once': { pieces: [sized(body) + sized('')], answers: ['<1000>', '<0>'] },
    large: { pieces: [sized('x'.repeat(300 * kibibyte))], answers: [`<${300 * kibibyte}>`] },
    'in chunks': {
      pieces: [head('transfer-encoding: chunked\r\n'), '2\r\nxy\r\n', '2\r\nxy\r\n', '0\r\n', '\r\n'],
      answers: ['<4>']
    },
    'as soon as it is told to continue': { pieces: [sized('', 'expect: 100-continue\r\n')], answers: ['100 Continue'] }
  }
  for (const [name, { pieces, answers }] of Object.entries(ways)) {
    const client = await open()
    await client.send(...pieces)
    for (const answer of answers) await client.hears(answer)
    t.pass(name)
  }
})

t.test('an incomplete request reaches no handler, and is told that it took too long', async (t) => {
  const { open, counted } = await start(t, 500)
  const clients = [await open(), await open(), await open()]
  await clients[0]?.send(head('content-length: 10\r\n'), 'x')
  await clients[1]?.send('POST / HTTP/1.1\r\n')
  await Promise.all(clients.map(({ closed }) => closed))
  t.strictSame(new Set(clients.map(({ said }) => said.text)), new Set(['ERR_HTTP_REQUEST_TIMEOUT']))
  t.equal(counted.asked, 0)
})

t.test('bytes that are not a request go to the parser', async (t) => {
  const { open } = await start(t)
  const tls = await open()
  await tls.send(Buffer.from([0x16, 3, 1]))
  await tls.hears('HPE_')
  const endless = await open()
  await endless.send(`POST / HTTP/1.1\r\n${'x: y\r\n'.repeat(4000)}`)
  await endless.hears('HPE_HEADER_OVERFLOW')
})

t.test('a body that lost its room to others is refused', async (t) => {
  const { open, counted } = await start(t)
  const part = ' '.repeat(60 * kibibyte)
  const first = await open()
  await first.send(head(`content-length: ${61 * kibibyte}\r\n`), part)
  for (let n = 0; n < 40; n++) await (await open()).send(head(`content-length: ${61 * kibibyte}\r\n`), part)
  await first.send(' '.repeat(kibibyte))
  await first.hears('CANNOT_STORE')
  t.equal(counted.asked, 0)
})

t.test('a stop does not wait for waiting connections', async (t) => {
  const { open, server, stop } = await start(t)
  const clients = [await open(), await open()]
  await clients[0]?.send(head('content-length: 10\r\n'))
  stop()
  const end = once(server, 'close')
  server.close()
  await Promise.all([end, ...clients.map(({ closed }) => closed)])
  t.pass('they are closed')
})

t.test('a connection that closes before its request is complete is forgotten', async (t) => {
  const { open, server } = await start(t)
  const client = await open()
  await client.send(head('content-length: 10\r\n'))
  const count = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)))
  t.equal(await count(), 1)
  client.end()
  while ((await count()) > 0) await pause(5)
  t.pass('closed by the server, too')
})
