// GET /api/…: for operators and the command line.
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Config } from '../src/config/config.ts'
import { RelayError } from '../src/errors.ts'
import { toText } from '../src/render/text.ts'
import type { Store } from '../src/store/store.ts'

interface ApiOptions {
  config: () => Config
  store: Store
  guard: (request: FastifyRequest) => Promise<void>
}

const PreviewQuery = Type.Object({
  limit: Type.String({ pattern: '^([1-9][0-9]?|1[0-9]{2}|200)$', description: 'a number from 1 to 200', default: '20' })
})

export const api: FastifyPluginAsync<ApiOptions> = async (app, { config, store, guard }) => {
  app.addHook('onRequest', guard)

  /** The newest messages of a preview destination: as text, and as Slack would get them. */
  app.get<{ Params: { destination: string }; Querystring: Static<typeof PreviewQuery> }>(
    '/api/preview/:destination',
    { schema: { querystring: PreviewQuery } },
    async ({ params, query }) => {
      const destination = config().destinations.get(params.destination)
      if (destination === undefined || destination.slack !== undefined) {
        throw new RelayError('NOT_FOUND', 'there is no such preview destination in the config file')
      }
      const messages = await store.messages(destination.name, Number(query.limit))
      return {
        messages: messages.map(({ id, at, state, payload }) => ({
          id,
          at: new Date(at).toISOString(),
          state,
          text: toText(payload).split('\n'),
          payload
        }))
      }
    }
  )
}
