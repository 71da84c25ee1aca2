// `npm run bench backlog`: a lane with 100,000 notifications waiting.
// Claiming and composing the next message has to cost what fits into it, not what waits behind it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { maxAgeMs } from '../src/deliver/outcome.ts'
import { planNext } from '../src/deliver/plan.ts'
import type { View } from '../src/render/compose/view.ts'
import type { Arrival, Decision } from '../src/store/kept.ts'
import type { Plan } from '../src/store/kept-lanes.ts'
import { openStore } from '../src/store/open.ts'

const waiting = 100_000
const messages = 20

const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
const store = await openStore(`sqlite:${join(folder, 'relay.db')}`)
const now = Date.now()
const pace = { perSecond: 1, burst: 3 }
// Never a token for each: always a digest.
const plan: Plan = {
  token: () => ({ bucket: { tokens: 0, at: now } }),
  causesOf: () => [],
  hold: () => [],
  next: (lane, pending, gatherings, at) =>
    planNext({ ...lane, bucket: { tokens: 1, at } }, pending, gatherings, { pace }, at),
  oldest: now - maxAgeMs
}

for (let n = 0; n < waiting; n += 200) {
  const batch = Array.from({ length: 200 }, (_, at) => arrival(n + at))
  await store.accept(batch, decide)
}
const before = process.memoryUsage().rss
const times: number[] = []
let notified = 0
for (let n = 0; n < messages; n++) {
  const started = performance.now()
  const step = await store.next('lane', plan, now + 1000)
  times.push(performance.now() - started)
  if (step.is !== 'post') throw new Error(`wanted a post, got ${step.is}`)
  notified += step.message.notifications
  await store.settle(
    step.message,
    { at: now, answer: '200 ok' },
    { message: { state: 'sent' }, lane: { notBefore: 0 } }
  )
}
times.sort((a, b) => a - b)
const rise = (process.memoryUsage().rss - before) / 1_000_000
process.stdout.write(
  `${waiting} waiting: the next message takes ${times[messages / 2]?.toFixed(1)} ms (median of ${messages}; worst ${times.at(-1)?.toFixed(1)} ms), ` +
    `${Math.round(notified / messages)} notifications each, memory +${rise.toFixed(0)} MB\n`
)
await store.close()
rmSync(folder, { recursive: true })

function arrival(n: number): Arrival {
  const object = { cluster: 'prod', kind: 'Kustomization', namespace: `team-${n % 50}`, name: `app-${n}` }
  const event = {
    source: 'bench',
    object,
    severity: 'error',
    reason: 'BuildFailed',
    message: 'm',
    at: now,
    metadata: {}
  }
  return { event: event as unknown as Arrival['event'], body: '{}', identity: `${n}`, receivedAt: now }
}

function decide({ event: { object } }: Arrival): Decision {
  const summary = `kustomize build failed: accumulating resources: ${object.name.length} bases missing`
  const view: View = {
    ...{ says: 'failed', severity: 'error', object, reason: 'BuildFailed', summary, message: summary.repeat(10) },
    ...{ cause: summary, controller: 'kustomize-controller', at: now }
  }
  return {
    transition: 'failed',
    memory: { since: now, decidedAt: now, revision: '', notified: [] },
    notifications: [{ rule: 'all', destination: 'team', lane: 'lane', view }],
    trace: { verdicts: [], quiet: [] },
    keep: true
  }
}
