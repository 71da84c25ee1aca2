// Claims: measures how long the store takes to claim the next message of a lane in a given database.
import { maxAgeMs } from '../src/deliver/outcome.ts'
import { planNext } from '../src/deliver/plan.ts'
import type { View } from '../src/render/compose/view.ts'
import type { Arrival, Decision } from '../src/store/kept.ts'
import type { Plan } from '../src/store/kept-lanes.ts'
import { openStore } from '../src/store/open.ts'
import type { Store } from '../src/store/store.ts'
import { median } from './servers.ts'

const messages = 10
/** More notifications than the messages of one run carry. */
const waiting = 8000

/** Median time to claim and compose the next message, in ms: of `lane`, or of a lane that is filled first. */
export async function claimMs(file: string, lane?: string): Promise<number> {
  const store = await openStore(`sqlite:${file}`)
  try {
    const now = Date.now()
    if (lane === undefined) await fill(store, now)
    const times: number[] = []
    for (let n = 0; n < messages; n++) {
      const started = performance.now()
      const step = await store.next(lane ?? 'claims', planAt(now), now + 1000)
      times.push(performance.now() - started)
      if (step.is !== 'post') throw new Error(`wanted a post, got ${step.is}`)
      await store.settle(
        step.message,
        { at: now, answer: '200 ok' },
        { message: { state: 'sent' }, lane: { notBefore: 0 } }
      )
    }
    return median(times)
  } finally {
    await store.close()
  }
}

function planAt(now: number): Plan {
  const pace = { perSecond: 1, burst: 3 }
  return {
    // Single messages get no token, so every message is a digest.
    token: () => ({ bucket: { tokens: 0, at: now } }),
    causesOf: () => [],
    hold: () => [],
    next: (lane, pending, gatherings, at) =>
      planNext({ ...lane, bucket: { tokens: 1, at } }, pending, gatherings, { pace }, at),
    oldest: now - maxAgeMs
  }
}

async function fill(store: Store, now: number): Promise<void> {
  for (let n = 0; n < waiting; n += 200) {
    const batch = Array.from({ length: 200 }, (_, at) => arrival(n + at, now))
    await store.accept(batch, (arrival) => decide(arrival, now))
  }
}

function arrival(n: number, now: number): Arrival {
  const object = { cluster: 'prod', kind: 'Kustomization', namespace: `team-${n % 50}`, name: `app-${n}` }
  const event = {
    ...{ source: 'bench', object, severity: 'error', reason: 'BuildFailed', message: 'm', at: now, metadata: {} }
  }
  return { event: event as unknown as Arrival['event'], body: '{}', identity: `claims-${n}`, receivedAt: now }
}

function decide({ event: { object } }: Arrival, now: number): Decision {
  const summary = `kustomize build failed: accumulating resources: ${object.name.length} bases missing`
  const view: View = {
    ...{ says: 'failed', severity: 'error', object, reason: 'BuildFailed', summary, message: summary.repeat(10) },
    ...{ cause: summary, controller: 'kustomize-controller', at: now }
  }
  return {
    transition: 'failed',
    memory: { since: now, decidedAt: now, revision: '', notified: [] },
    notifications: [{ rule: 'all', destination: 'team', lane: 'claims', view }],
    trace: { verdicts: [], quiet: [] },
    keep: true
  }
}
