// API: serves operators and the command line under /api, by topic in api/; it describes itself at /api/openapi.json.
import swagger from '@fastify/swagger'
import type { FastifyPluginAsync, RouteOptions } from 'fastify'
import { acknowledgements } from './api/acknowledgements.ts'
import { acts } from './api/acts.ts'
import { apps } from './api/apps.ts'
import { events } from './api/events.ts'
import { lanes } from './api/lanes.ts'
import { notifications } from './api/notifications.ts'
import { objects } from './api/objects.ts'
import { ErrorReply } from './api/query.ts'
import { silences } from './api/silences.ts'
import { sources } from './api/sources.ts'
import type { OperatorOptions } from './options.ts'

export const api: FastifyPluginAsync<OperatorOptions> = async (app, options) => {
  app.addHook('onRequest', options.guard)
  // Shared caches on the way must not keep answers that only the token's owner may see.
  app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'flux-relay',
        version: '1',
        description: 'Events, objects, notifications and lanes of the relay, and what an operator does to them.'
      },
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } }
      },
      security: [{ bearer: [] }, { basic: [] }]
    }
  })
  app.addHook('onRoute', (route) => {
    if (route.schema !== undefined && route.schema.hide !== true) route.schema.response = answersOf(route)
  })
  for (const topic of [events, objects, acknowledgements, notifications, lanes, silences, acts, sources, apps])
    topic(app, options)
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

const refusals: Record<number, string> = {
  400: 'The request is malformed; the message names the field.',
  401: 'ADMIN_TOKEN is required.',
  403: 'Not allowed from this address.',
  404: 'Not found.',
  405: 'This path does not take this method; `Allow` lists those it takes.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  429: 'Too many wrong tokens at the moment; the right one still works.',
  431: 'The headers, or the address with its query, are too large.',
  500: 'A fault of the relay; the log says which.',
  503: 'The database does not answer; try again.'
}

/** All answers of a route: its own and its errors. */
function answersOf({ method, schema = {} }: RouteOptions): Record<number, object> {
  const never = [
    ...([method].flat().every((name) => name === 'GET' || name === 'HEAD') ? [413, 415] : []),
    ...(schema.params === undefined && !Object.hasOwn(schema.response ?? {}, 404) ? [404] : [])
  ]
  const ways = Object.entries(refusals).filter(([status]) => !never.includes(Number(status)))
  const refused = ways.map(([status, description]) => [status, { ...ErrorReply, description }])
  return { ...(schema.response as Record<number, object>), ...Object.fromEntries(refused) }
}
