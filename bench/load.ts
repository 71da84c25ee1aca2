// Load generator: `load.ts port connections ms perSecond prefix` posts failing events from its own process and prints its
// figures as JSON. It speaks HTTP over bare sockets, because every client library costs more than the server it measures.
import { connect, type Socket } from 'node:net'

const [port = 0, connections = 64, ms = 1000, perSecond = 0] = process.argv.slice(2, 6).map(Number)
const prefix = process.argv[6] ?? 'app'
const latencies: number[] = []
let posted = 0
let refused = 0

const template = (name: string) =>
  JSON.stringify({
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      name,
      namespace: 'apps',
      resourceVersion: '48113',
      uid: '6c1f0b1e-5a53-4b7a-9d5e-0d9b0a0f6c11'
    },
    severity: 'error',
    timestamp: new Date().toISOString().replace(/\.\d+/, ''),
    message: `kustomize build failed: accumulating resources: accumulation err='accumulating resources from '${name}/deployment.yaml': open ${name}/deployment.yaml: no such file or directory': must build at directory`,
    reason: 'BuildFailed',
    metadata: { 'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a' },
    reportingController: 'kustomize-controller',
    reportingInstance: 'kustomize-controller-7d6b5c4f9-x2x8p'
  })

function request(): string {
  const body = template(`${prefix}-${(posted++).toString().padStart(7, '0')}`)
  return `POST /webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

const end = performance.now() + ms
/** Resolves with the answer to one post. */
function createSender(): Promise<() => Promise<void>> {
  const socket: Socket = connect(port, '127.0.0.1').setNoDelay()
  let answered = () => {}
  let begun = 0
  let rest = ''
  socket.on('data', (chunk) => {
    rest += chunk.toString('latin1')
    const head = rest.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(rest)?.[1] ?? 0)
    if (rest.length < head + 4 + length) return
    if (!rest.startsWith('HTTP/1.1 202')) refused += 1
    rest = ''
    latencies.push(performance.now() - begun)
    answered()
  })
  const post = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    answered = resolve
    begun = performance.now()
    socket.write(request())
    return promise
  }
  return new Promise((resolve) => socket.on('connect', () => resolve(post)))
}

const senders = await Promise.all(Array.from({ length: connections }, createSender))
const started = performance.now()
if (perSecond === 0) {
  await Promise.all(
    senders.map(async (post) => {
      while (performance.now() < end) await post()
    })
  )
} else {
  // Open loop: the next goes when it is due, whether or not the last was answered.
  const free = [...senders]
  const under: Promise<void>[] = []
  for (let due = started; due < end; due += 1000 / perSecond) {
    const wait = due - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const post = free.pop()
    if (post === undefined) throw new Error('every connection is waiting: the server is not keeping up')
    under.push(post().then(() => void free.push(post)))
  }
  await Promise.all(under)
}
const took = (performance.now() - started) / 1000
latencies.sort((a, b) => a - b)
const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
process.stdout.write(
  `${JSON.stringify({ count: latencies.length, refused, rate: latencies.length / took, p50: at(0.5), p99: at(0.99), p999: at(0.999) })}\n`
)
process.exit()
