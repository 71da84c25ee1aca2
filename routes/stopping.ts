// Stopping: closes the server without waiting for clients that only keep their connection open.
import type { FastifyInstance } from 'fastify'

/** Without this, a client that keeps its connection open keeps the relay from stopping until it times out. */
export function closeConnectionsAtStop(app: FastifyInstance): void {
  let isStopping = false
  app.addHook('preClose', async () => {
    isStopping = true
  })
  app.addHook('onSend', async (_request, reply) => {
    if (isStopping) reply.header('connection', 'close')
  })
}
