// One post over real HTTP: in whatever form an answer comes, it is read for what it says.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { kindOf, type Reply } from '../src/deliver/answer.ts'
import { detailsOf, quoteReply, sayReply } from '../src/deliver/saying.ts'
import { createSlack } from '../src/deliver/slack.ts'

/** Posts to a receiver that answers in the given way; resolves to the relay's reading. */
async function postTo(t: Test, answer: (response: ServerResponse) => void): Promise<Reply> {
  const server = createServer((request, response) => request.resume().on('end', () => answer(response)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const slack = createSlack()
  t.teardown(async () => {
    await slack.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return slack.post(`http://127.0.0.1:${port}/hook`, '{}', new AbortController().signal)
}

/** Long enough to be cut in the middle, compressed or not. */
const page = `<!DOCTYPE html><title>Sign in</title>${Array.from({ length: 20_000 }, (_, n) => `<p>${n * 7919}</p>`)}`

t.test('an answer that is compressed without being asked for is read', async (t) => {
  const codings: [string, (text: string) => Buffer][] = [
    ['gzip', (text) => gzipSync(text)],
    ['deflate', (text) => deflateSync(text)],
    ['deflate', (text) => deflateRawSync(text)],
    ['br', (text) => brotliCompressSync(text)],
    // Its blocks are larger than what is read of a page, and half a block is useless.
    ['zstd', (text) => zstdCompressSync(text.slice(0, 40_000))],
    // By two encodings, one after the other.
    ['br, X-GZip', (text) => gzipSync(brotliCompressSync(text))],
    ['identity,gzip', (text) => gzipSync(text)]
  ]
  for (const [coding, compress] of codings) {
    for (const status of [200, 403]) {
      const reply = await postTo(t, (response) =>
        response.writeHead(status, { 'content-encoding': coding }).end(compress(page))
      )
      t.match(reply, { is: 'answer', status, body: /^<!DOCTYPE html><title>Sign in/ }, `${coding} ${status}`)
      t.equal(kindOf(reply, 'other'), 'doubtful')
    }
    const yes = await postTo(t, (response) =>
      response.writeHead(200, { 'content-encoding': coding }).end(compress('ok'))
    )
    t.equal(kindOf(yes, 'slack'), 'taken', coding)
    const other = await postTo(t, (response) => response.writeHead(200, { 'content-encoding': coding }).end('ok'))
    t.equal(kindOf(other, 'slack'), 'taken', `malformed ${coding}`)
  }
})

t.test('a page in two-byte characters is still a page, and a yes in them a yes', async (t) => {
  for (const mark of ['', '\ufeff']) {
    const [little, yes] = [Buffer.from(mark + page, 'utf16le'), Buffer.from(`${mark}ok`, 'utf16le')]
    for (const body of [little, Buffer.from(little).swap16()]) {
      const reply = await postTo(t, (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(body))
      t.equal(kindOf(reply, 'other'), 'doubtful')
    }
    const reply = await postTo(t, (response) => response.end(yes))
    t.equal(kindOf(reply, 'slack'), 'taken')
  }
})

t.test('half of an answer is not an answer', async (t) => {
  const halves: Record<string, (response: ServerResponse) => void> = {
    'shorter than it said': (response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.write('ok', () => response.destroy())
    },
    'the last chunk is missing': (response) => response.writeHead(200).write('ok', () => response.destroy()),
    'reset in the middle': (response) => response.writeHead(200).write('ok', () => response.socket?.resetAndDestroy())
  }
  for (const [what, answer] of Object.entries(halves)) {
    const reply = await postTo(t, answer)
    t.match(reply, { is: 'failure' }, what)
    t.equal(kindOf(reply, 'other'), 'transient', what)
  }
})

t.test('the time to wait is understood as seconds, whole or not, as a date, and from the body', async (t) => {
  const soon = () => new Date(Date.now() + 90_000).toUTCString()
  const asked: [string | string[] | undefined, string, (ms: number | undefined) => boolean][] = [
    ['3', '', (ms) => ms === 3000],
    ['1.5', '', (ms) => ms === 1500],
    ['5000.5', '', (ms) => ms === 5_000_500],
    [['7', '9'], '', (ms) => ms === 7000],
    [soon(), '', (ms) => ms !== undefined && ms > 60_000 && ms <= 90_000],
    ['Wed, 21 Oct 2015 07:28:00 GMT', '', (ms) => ms === undefined],
    ['0', '{"retry_after":2.5}', (ms) => ms === 2500],
    ['soon', '', (ms) => ms === undefined],
    [undefined, '', (ms) => ms === undefined]
  ]
  for (const [header, body, isRight] of asked) {
    const reply = await postTo(t, (response) => {
      if (header !== undefined) response.setHeader('retry-after', header)
      response.writeHead(429).end(body)
    })
    const ms = reply.is === 'answer' ? reply.retryAfterMs : undefined
    t.ok(isRight(ms), `${header} ${body}: ${ms}`)
  }
  for (const hours of [-3, 3]) {
    const reply = await postTo(t, (response) => {
      const now = Date.now() + hours * 3_600_000
      response.setHeader('date', new Date(now).toUTCString())
      response.setHeader('retry-after', new Date(now + 90_000).toUTCString())
      response.writeHead(429).end()
    })
    t.match(reply, { retryAfterMs: 90_000 }, 'by the clock of whoever answers')
  }
})

t.test('an address or token that an answer repeats is in no word, quote or detail of the outcome', async (t) => {
  const ids = [
    'xk3j9dm2pq7r8s1t4u6v5w0yza',
    'onlylowercaseletterskey',
    'a1B2c3D4e5F6g7H8i9J0kLmN',
    '112233445566778899'
  ]
  const said = (secret: string, address: string) => [
    secret,
    `Cannot POST ${address}`,
    JSON.stringify({ error: secret }),
    JSON.stringify({
      ok: false,
      error: secret,
      needed: secret,
      response_metadata: { messages: [`[ERROR] ${secret}`] }
    }),
    `<title>${address} ${secret}</title>`,
    secret.toUpperCase()
  ]
  let answer = (_: string) => ''
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(404).end(answer(request.url ?? '')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const slack = createSlack()
  t.teardown(async () => {
    await slack.close()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { signal } = new AbortController()
  const token = 'xoxb-1-2-zQ7botKq9x'
  for (const [secret, url, sent] of [
    ...ids.map((id) => [id, `${base}/hooks/${id}`, undefined] as const),
    ...ids.map((id) => [id, `${base}/in?api_key=${id}&stream=x`, undefined] as const),
    ...['a1B2%2Fc3D4e5F6', 'a1B2/c3D4e5F6'].map((id) => [id, `${base}/hooks/a1B2%2Fc3D4e5F6`, undefined] as const),
    [token, `${base}/api/chat.postMessage`, token] as const
  ]) {
    for (const turn of said('', '').keys()) {
      answer = (address) => said(secret, address)[turn] ?? ''
      const reply = await slack.post(url, '{}', signal, sent)
      t.notMatch(
        [sayReply(reply), quoteReply(reply), ...detailsOf(reply)].join(' ').toLowerCase(),
        secret.toLowerCase(),
        `${turn} ${secret}`
      )
    }
  }
  answer = () => '{"id":112233445566778899,"ok":true}'
  t.match(await slack.post(`${base}/hooks/112233445566778899`, '{}', signal), { body: /^\{"id":\d+,"ok":true\}$/ })
})
