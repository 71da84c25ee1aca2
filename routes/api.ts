// /api/…: for operators and the command line, by topic in api/. It describes itself at /api/openapi.json.
import swagger from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import type { Clock } from '../src/clock.ts'
import type { Config } from '../src/config/config.ts'
import type { Standings } from '../src/operator/standing.ts'
import type { Store } from '../src/store/store.ts'
import { events } from './api/events.ts'
import { lanes } from './api/lanes.ts'
import { notifications } from './api/notifications.ts'
import { objects } from './api/objects.ts'
import { silences } from './api/silences.ts'
import { sources } from './api/sources.ts'
import type { Guard } from './guard.ts'

export interface ApiOptions {
  config: () => Config
  store: Store
  /** How the sources of the config file stand. */
  standing: () => Standings
  clock: Clock
  /** There is something new in these lanes. */
  wake: (lanes: Iterable<string>) => void
  /** Posts what waits in a lane at once; resolves to until when it may not, where that is a rate limit. */
  tryNow: (lane: string) => Promise<number | undefined>
  /** Silences were added or ended: resolves when that is in effect here. */
  silencesChanged: () => Promise<void>
  guard: Guard
}

export const api: FastifyPluginAsync<ApiOptions> = async (app, options) => {
  app.addHook('onRequest', options.guard)
  // What is for who has the token is not for a cache on the way to them.
  app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'flux-relay', version: '1', description: 'What came, what fails, what was said, what waits.' },
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } }
      },
      security: [{ bearer: [] }, { basic: [] }]
    }
  })
  for (const topic of [events, objects, notifications, lanes, silences, sources]) topic(app, options)
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
