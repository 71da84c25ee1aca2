// GET /healthz, /readyz, /metrics: for machines.
import type { FastifyPluginAsync } from 'fastify'
import type { Metrics } from '../src/metrics.ts'
import type { Store } from '../src/store/store.ts'

export const health: FastifyPluginAsync<{ store: Store; metrics: Metrics }> = async (app, { store, metrics }) => {
  app.get('/healthz', async () => ({ status: 'ok' }))

  /** Ready means: an event that came now would be stored. */
  app.get('/readyz', async () => {
    await store.ping()
    return { status: 'ready' }
  })

  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType)
    return metrics.registry.metrics()
  })
}
