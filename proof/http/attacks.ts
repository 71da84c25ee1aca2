// Attacks: what a hostile or broken client does to an HTTP server, each for as long as it is let.
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'

export interface Attack {
  name: string
  /** Number of connections, each opened again when the relay closes it. */
  connections: number
  /** Sent at once on each connection. */
  opening: string | Buffer
  /** Sent repeatedly after that, on the connections that are still open. */
  drip?: { text: string | Buffer; everyMs: number }
  /**
   * Command prefix that starts the relay with fewer resources than it could use. Others may then be refused during the attack.
   */
  through?: readonly string[]
  /** True if the connections exceed the limit, so that others have to wait for their turn during the attack. */
  isTooMany?: boolean
  /** Administrator's token, which must work during the attack; without it, the relay is open to this machine. */
  token?: string
  /** True if the attacker reads no answers. */
  isDeaf?: boolean
  /** Answers that the relay may give. */
  answers: RegExp
}

const head = (path: string, more: string, method = 'POST') =>
  `${method} ${path} HTTP/1.1\r\nhost: relay\r\ncontent-type: application/json\r\n${more}\r\n`
const sized = (body: string | Buffer, more = '') =>
  Buffer.concat([
    Buffer.from(head('/webhook', `content-length: ${Buffer.byteLength(body)}\r\n${more}`)),
    Buffer.from(body)
  ])

/** The request as a proxy passes it on. */
const proxied = (more: string) =>
  `GET /api/lanes HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 203.0.113.7\r\nconnection: close\r\n${more}\r\n`

const kibibyte = 1024
const mebibyte = 1024 * kibibyte
const event = (more: object) =>
  JSON.stringify({
    involvedObject: { kind: 'Kustomization', namespace: 'a', name: 'b' },
    severity: 'error',
    timestamp: null,
    message: 'm',
    ...more
  })
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, '']))
const chunks = (count: number, extension = '') => `1${extension}\r\nx\r\n`.repeat(count)
const nothing = /^$/
const unfinished = /^(HTTP\/1\.1 (4|503)[\s\S]*)?$/
const refused = /^(HTTP\/1\.1 4\d\d [\s\S]*)?$/

export const attacks: readonly Attack[] = [
  {
    name: 'more connections than files may be open',
    connections: 500,
    opening: '',
    through: ['prlimit', '--nofile=128:128'],
    answers: refused
  },
  { name: 'idle connections', connections: 10_000, opening: '', answers: refused },
  {
    name: 'headers, a line a second',
    connections: 1000,
    opening: 'POST /webhook HTTP/1.1\r\nhost: relay\r\n',
    drip: { text: 'x: y\r\n', everyMs: 1000 },
    answers: refused
  },
  {
    name: 'bodies, a byte a second',
    connections: 1000,
    opening: head('/webhook', 'content-length: 3000000\r\n'),
    drip: { text: ' ', everyMs: 1000 },
    answers: refused
  },
  {
    name: 'bodies of 2.9 MiB that never end',
    connections: 300,
    opening: head('/webhook', 'content-length: 3100000\r\n') + ' '.repeat(2.9 * mebibyte),
    answers: unfinished
  },
  {
    name: '8,000 bodies of 63 KiB that never end',
    connections: 8000,
    opening: head('/webhook', 'content-length: 65000\r\n') + ' '.repeat(63 * kibibyte),
    answers: unfinished
  },
  {
    name: '12,000 bodies of 63 KiB, a crowd',
    connections: 12_000,
    opening: head('/webhook', 'content-length: 65000\r\n') + ' '.repeat(63 * kibibyte),
    answers: unfinished
  },
  {
    name: '12,000 bodies in chunks, a crowd',
    connections: 12_000,
    opening: `${head('/webhook', 'transfer-encoding: chunked\r\n')}fc00\r\n${' '.repeat(62 * kibibyte)}`,
    answers: unfinished
  },
  {
    name: '12,000 bodies of 80 KiB, a crowd',
    connections: 12_000,
    isTooMany: true,
    opening: head('/webhook', 'content-length: 90000\r\n') + ' '.repeat(80 * kibibyte),
    answers: unfinished
  },
  {
    name: '8,000 bodies that claim 4 MiB',
    connections: 8000,
    opening: head('/webhook', 'content-length: 4000000\r\n') + ' '.repeat(kibibyte),
    answers: unfinished
  },
  {
    name: 'bodies of 6 MiB, whole',
    connections: 50,
    opening: sized(' '.repeat(6 * mebibyte)),
    answers: /^(HTTP\/1\.1 413[\s\S]*)?$/
  },
  {
    name: 'headers of 15 KiB',
    connections: 200,
    opening: head('/webhook', 'x: y\r\n'.repeat(2500), 'GET'),
    answers: refused
  },
  {
    name: 'headers of 1 MiB',
    connections: 200,
    opening: head('/webhook', `x: ${'y'.repeat(mebibyte)}\r\n`),
    answers: refused
  },
  { name: '3 MiB of [', connections: 8, opening: sized('['.repeat(3 * mebibyte)), answers: refused },
  { name: '3 MiB of {"a":', connections: 8, opening: sized('{"a":'.repeat(600_000)), answers: refused },
  {
    name: '3 MiB of nested JSON',
    connections: 8,
    opening: sized(event({ x: JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`), y: 'z'.repeat(3_000_000) })),
    answers: /^(HTTP\/1\.1 (202|4)[\s\S]*)?$/
  },
  {
    name: '200,000 keys',
    connections: 4,
    opening: sized(event({ metadata: keys(200_000) })),
    answers: /^(HTTP\/1\.1 (202|4|503)[\s\S]*)?$/
  },
  {
    name: 'a message of 3 MiB',
    connections: 4,
    opening: sized(event({ message: '</a'.repeat(1_000_000) })),
    answers: /^(HTTP\/1\.1 (202|503)[\s\S]*)?$/
  },
  {
    name: 'gzip, 64 MiB of zeros',
    connections: 20,
    opening: sized(gzipSync(Buffer.alloc(64 * mebibyte)), 'content-encoding: gzip\r\n'),
    answers: /^(HTTP\/1\.1 415[\s\S]*)?$/
  },
  {
    name: 'chunks of one byte',
    connections: 20,
    opening: `${head('/webhook', 'transfer-encoding: chunked\r\n')}${chunks(300_000)}`,
    answers: refused
  },
  {
    name: 'chunks with extensions',
    connections: 20,
    opening: `${head('/webhook', 'transfer-encoding: chunked\r\n')}${chunks(1000, `;${'x'.repeat(2000)}`)}`,
    answers: refused
  },
  {
    name: 'chunks that are none',
    connections: 50,
    opening: `${head('/webhook', 'transfer-encoding: chunked\r\n')}fffffffffffffffff\r\n`,
    answers: refused
  },
  {
    name: 'two lengths',
    connections: 50,
    opening: `${head('/webhook', 'content-length: 4\r\ntransfer-encoding: chunked\r\n')}0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n`,
    answers: refused
  },
  {
    name: 'pipelined, answers unread',
    connections: 20,
    opening: head('/metrics', '', 'GET').repeat(500),
    isDeaf: true,
    answers: nothing
  },
  {
    name: 'strangers through a proxy',
    connections: 200,
    opening: proxied(''),
    answers: /^(HTTP\/1\.1 403 [\s\S]*)?$/
  },
  {
    name: 'wrong tokens through a proxy',
    connections: 200,
    opening: proxied('authorization: Bearer guessed\r\n'),
    token: 'a-token-of-the-proof-and-a-long-one',
    answers: /^(HTTP\/1\.1 (401|429) [\s\S]*)?$/
  },
  {
    name: 'TLS on the plain port',
    connections: 50,
    opening: Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(506)]),
    answers: refused
  },
  {
    name: 'chunks of one byte, one at a time',
    connections: 100,
    opening: head('/webhook', 'transfer-encoding: chunked\r\n'),
    drip: { text: '1\r\nx\r\n', everyMs: 5 },
    answers: refused
  },
  {
    name: 'large bodies to no address',
    connections: 50,
    opening: `${head('/nothing', 'content-length: 3000000\r\n')}${' '.repeat(3_000_000)}`,
    answers: refused
  },
  {
    name: 'wrong methods and paths',
    connections: 50,
    opening: [
      'PUT /webhook',
      'DELETE /metrics',
      'GET /../../etc/passwd',
      'GET /%ff',
      `GET /${'x'.repeat(5000)}`,
      'OPTIONS *',
      'TRACE /'
    ]
      .map((line) => `${line} HTTP/1.1\r\nhost: relay\r\ncontent-length: 0\r\n\r\n`)
      .join(''),
    answers: refused
  }
]

/** Attacks until `signal`; resolves to the forbidden answers. */
export async function run(
  { connections, opening, drip, isDeaf, answers }: Attack,
  port: number,
  signal: AbortSignal
): Promise<{ odd: string[]; opened: number; closed: number }> {
  const odd = new Set<string>()
  let [opened, closed] = [0, 0]
  const sockets = new Set<Socket>()
  const open = () => {
    if (signal.aborted) return
    const socket = connect(port, '127.0.0.1')
    sockets.add(socket)
    let said = ''
    socket.on('connect', () => {
      opened += 1
      if (opening.length > 0) socket.write(opening)
    })
    if (isDeaf) socket.pause()
    else socket.on('data', (chunk) => (said = (said + chunk).slice(0, 300)))
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      closed += 1
      if (!answers.test(said)) odd.add(said)
      setTimeout(open, 100)
    })
  }
  const timer =
    drip &&
    setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(drip.text)
    }, drip.everyMs)
  for (let count = 0; count < connections && !signal.aborted; count++) {
    open()
    // The accept queue holds 511 connections.
    if (count % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())))
  clearInterval(timer)
  for (const socket of sockets) socket.destroy()
  return { odd: [...odd], opened, closed }
}
