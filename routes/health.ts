// GET /healthz, /readyz, /metrics: for machines.
import type { FastifyPluginAsync } from 'fastify'
import type { Metrics } from '../src/metrics.ts'
import type { Store } from '../src/store/store.ts'

interface HealthOptions {
  store: Store
  metrics: Metrics
  scrape: () => Promise<string>
}

export const health: FastifyPluginAsync<HealthOptions> = async (app, { store, metrics, scrape }) => {
  app.get('/healthz', async () => ({ status: 'ok' }))

  /** Ready means: an event that came now would be stored. */
  app.get('/readyz', async () => {
    await store.ping()
    return { status: 'ready' }
  })

  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType)
    return scrape()
  })
}
