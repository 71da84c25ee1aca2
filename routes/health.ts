// Health: answers probes and Prometheus at /healthz, /readyz and /metrics.
import type { FastifyPluginAsync } from 'fastify'
import type { LateSlack } from '../src/deliver/lazy-slack.ts'
import type { Metrics } from '../src/metrics.ts'
import type { Store } from '../src/store/store.ts'

interface HealthOptions {
  store: Store
  slack: Pick<LateSlack, 'ready'>
  metrics: Metrics
  scrape: () => Promise<Buffer>
}

export const health: FastifyPluginAsync<HealthOptions> = async (app, { store, slack, metrics, scrape }) => {
  app.get('/healthz', async () => ({ status: 'ok' }))

  /** Ready means: an event that came now would be stored, and nothing in the relay itself keeps it from being posted. */
  app.get('/readyz', async () => {
    await store.ping()
    await slack.ready()
    return { status: 'ready' }
  })

  let collecting: Promise<Buffer> | undefined
  /** Simultaneous requests share one answer: it takes milliseconds to make, and anyone may ask a thousand times. */
  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType)
    collecting ??= scrape().finally(() => {
      collecting = undefined
    })
    return collecting
  })
}
