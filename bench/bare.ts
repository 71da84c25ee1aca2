// Baseline: Fastify alone with the schema of an event; it keeps nothing.
import Fastify from 'fastify'
import { FluxEventSchema } from '../src/events/flux.ts'

const app = Fastify({
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false, keywords: ['patternErrorMessage'] } }
})
app.post('/webhook', { schema: { body: FluxEventSchema } }, async (_request, reply) => {
  reply.code(202)
  return { id: '1', status: 'accepted', transition: 'failed', notifications: [] }
})
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
process.stdout.write('Server listening\n')
