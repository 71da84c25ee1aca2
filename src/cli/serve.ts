// `serve`: runs the relay until a signal.
import { flushCompileCache } from 'node:module'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'

/** How long a stop may take; Slack's answer is waited for a little less. */
const stopWithinMs = 10_000

/** `example`: on the shipped config.example.yaml, unless CONFIG_FILE says otherwise. */
export async function serve({ example }: { example?: boolean }): Promise<void> {
  let app: FastifyInstance | undefined
  // Before anything is loaded: as the first process of a container, Node ignores a SIGTERM nobody listens for.
  closeWithGrace({ delay: stopWithinMs, logger: false, skip: ['SIGHUP'] }, async ({ signal, err }) => {
    if (err) app?.log.fatal({ err }, 'stopping because of an error')
    else app?.log.info({ signal }, 'stopping')
    await app?.close()
  })
  const { buildApp } = await import('../app.ts')
  const environment = example ? withExample(process.env) : process.env
  app = await buildApp({ environment })
  process.on('SIGHUP', app.reload)
  await app.listen({ host: app.env.HOST, port: app.env.PORT })
  // Node would keep what it has compiled when it ends, which a relay that is killed never does.
  flushCompileCache()
}

/** The example config has nothing to protect and posts nowhere, so trying it out on this machine needs no token. */
function withExample(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (environment['CONFIG_FILE']) return environment
  const { ADMIN_TOKEN, ADMIN_OPEN_TO } = environment
  const isOpen = !ADMIN_TOKEN && !ADMIN_OPEN_TO
  return { ...environment, CONFIG_FILE: 'config.example.yaml', ...(isOpen && { ADMIN_OPEN_TO: 'loopback' }) }
}
