// Operators' app: serves the API and the pages on the same server. Loaded by their first request, so that a relay that only
// takes events starts sooner and stays smaller.
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import { createHttp } from './http.ts'
import type { OperatorOptions } from './options.ts'
import type { Strays } from './strays.ts'

/** The catch-all route, which loads the rest. */
export const operatorsApp: FastifyPluginAsync<OperatorOptions & { log: Logger; strays: Strays }> = async (
  app,
  { log, strays, ...options }
) => {
  let loading: Promise<FastifyInstance> | undefined

  async function load(): Promise<FastifyInstance> {
    const [{ api }, { dashboard }] = await Promise.all([import('./api.ts'), import('./dashboard.ts')])
    const loaded = createHttp(log, strays)
    loaded.register(api, options)
    loaded.register(dashboard, options)
    await loaded.ready()
    return loaded
  }

  app.route({
    method: app.supportedMethods,
    url: '/*',
    // Runs before the body is read.
    onRequest: async (request, reply) => {
      if (app.methodsAt(request.url).length > 0) return reply.callNotFound()
      loading ??= load().catch((error: unknown) => {
        loading = undefined
        throw error
      })
      const { routing } = await loading
      reply.hijack()
      routing(request.raw, reply.raw)
    },
    handler: () => {}
  })

  app.addHook('preClose', async () => {
    const loaded = await loading?.catch(() => undefined)
    await loaded?.close()
  })
}
