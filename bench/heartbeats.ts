// `npm run bench heartbeats`: what the commonest event costs beside the others, intake and disk included, no HTTP.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/clock.ts'
import { loadConfig } from '../src/config/config.ts'
import { normalise, type WireEvent } from '../src/events/flux.ts'
import { createBudget } from '../src/intake/budget.ts'
import { createIntake } from '../src/intake/intake.ts'
import { createMetrics } from '../src/metrics.ts'
import { openStore } from '../src/store/open.ts'
import { median } from './servers.ts'

const rounds = 5
const eventsInRound = 4000
const senders = 64
const objects = 500

const { config } = loadConfig(
  'destinations: { team: { preview: true } }\nrules: [{ name: all, match: { severity: warn }, remindEvery: never, send: team }]',
  'bench.yaml',
  {}
)
if (config === undefined) throw new Error('the config of the benchmark is not right')
const current = config

const start = Date.now() - 3_600_000
const kinds: Record<string, (n: number) => Partial<WireEvent>> = {
  heartbeat: (n) => ({
    severity: 'info',
    reason: 'ReconciliationSucceeded',
    message: `Reconciliation finished in ${n}ms, next run in 10m0s`,
    metadata: { revision: 'main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a', commit_status: 'update' }
  }),
  'same failure': (n) => ({
    severity: 'error',
    reason: 'HealthCheckFailed',
    message: `health check failed after ${n}s: timeout`
  }),
  'new failure': (n) => ({
    severity: 'error',
    reason: 'BuildFailed',
    message: `cannot read /apps/service-${n}/deployment.yaml`
  })
}

const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
const results = new Map<string, number[]>()
for (let round = 0; round < rounds; round++) {
  for (const [kind, make] of Object.entries(kinds)) {
    const rate = await measure(`${round}-${kind.replace(' ', '-')}`, make)
    results.set(kind, [...(results.get(kind) ?? []), rate])
  }
}
rmSync(folder, { recursive: true })

const base = median(results.get('new failure') ?? [])
for (const [kind, rates] of results) {
  const rate = median(rates)
  process.stdout.write(
    `${kind.padEnd(14)} ${Math.round(rate).toString().padStart(7)} events/s   ratio ${(rate / base).toFixed(2)}\n`
  )
}

async function measure(name: string, make: (n: number) => Partial<WireEvent>): Promise<number> {
  const store = await openStore(`sqlite:${join(folder, `${name}.db`)}`)
  const intake = createIntake({
    store,
    config: () => current,
    metrics: createMetrics(),
    clock: systemClock,
    wake: () => {},
    budget: createBudget({ store, config: () => current, maxPending: Number.POSITIVE_INFINITY }),
    full: () => {},
    twins: () => {},
    stored: () => {},
    unstored: () => {},
    passed: () => {}
  })
  let next = 0
  const send = async () => {
    while (next < eventsInRound) {
      const n = next++
      const wire = {
        involvedObject: { kind: 'Kustomization', namespace: 'apps', name: `app-${n % objects}` },
        timestamp: new Date(start + n * 100).toISOString(),
        ...make(n)
      } as WireEvent
      const body = JSON.stringify(wire)
      const event = normalise(
        wire,
        { source: 'default', cluster: 'bench', defaultCluster: '' },
        Date.now(),
        current.classify
      )
      await intake.accept({ event, body, identity: `${n}`, receivedAt: Date.now() })
    }
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: senders }, send))
  const seconds = (performance.now() - started) / 1000
  await store.close()
  return eventsInRound / seconds
}
