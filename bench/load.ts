// Load generator: `load.ts port connections ms perSecond prefix namespaces` posts failing events from its own process and
// prints its figures as JSON. The objects are in `apps` or, if `namespaces` is not 0, take turns in `team-0` and so on.
import { createSender, quantile, requestOf } from './senders.ts'

const [port = 0, connections = 64, ms = 1000, perSecond = 0] = process.argv.slice(2, 6).map(Number)
const prefix = process.argv[6] ?? 'app'
const namespaces = Number(process.argv[7] ?? 0)
const latencies: number[] = []
let posted = 0
let refused = 0

const template = (name: string, namespace: string) =>
  JSON.stringify({
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      name,
      namespace,
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
  const namespace = namespaces === 0 ? 'apps' : `team-${posted % namespaces}`
  return requestOf('/webhook', template(`${prefix}-${(posted++).toString().padStart(7, '0')}`, namespace))
}

const end = performance.now() + ms
const senders = (await Promise.all(Array.from({ length: connections }, () => createSender(port)))).map(
  (send) => async () => {
    const begun = performance.now()
    if (!(await send(request()))) refused += 1
    latencies.push(performance.now() - begun)
  }
)
const started = performance.now()
if (perSecond === 0) {
  await Promise.all(
    senders.map(async (post) => {
      while (performance.now() < end) await post()
    })
  )
} else {
  // Open loop: each request goes out when it is due, whether or not the last was answered.
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
const at = (share: number) => quantile(latencies, share)
process.stdout.write(
  `${JSON.stringify({ count: latencies.length, refused, rate: latencies.length / took, p50: at(0.5), p99: at(0.99), p999: at(0.999) })}\n`
)
process.exit()
