// `serve`: runs the relay until a signal.
import { flushCompileCache } from 'node:module'
import type { AddressInfo } from 'node:net'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { keepMemoryLow } from './memory.ts'
import { createProse } from './prose.ts'

/** The longest that a stop may take. Slack's answer is waited for a little less. */
const stopWithinMs = 10_000

/** Runs the relay; with `example`, on the shipped config.example.yaml unless CONFIG_FILE says otherwise. */
export async function serve({ example }: { example?: boolean }): Promise<void> {
  let app: FastifyInstance | undefined
  // Before anything is loaded: as the first process of a container, Node ignores a SIGTERM that nobody listens for.
  closeWithGrace({ delay: stopWithinMs, logger: false, skip: ['SIGHUP'] }, async ({ signal, err }) => {
    if (err) app?.log.fatal({ err }, 'stopping because of an error')
    else app?.log.info({ signal }, 'stopping')
    await app?.close()
  })
  // Just as early, because the system would end the process. What changes until the relay is up is seen at its first look.
  process.on('SIGHUP', () => app?.reload())
  const { buildApp } = await import('../app.ts')
  const environment = example ? withExample(process.env) : process.env
  // JSON is for programs that collect logs.
  const prose = process.stdout.isTTY ? createProse((text) => process.stdout.write(text)) : undefined
  app = await buildApp({ environment, ...(prose && { logTo: prose }) })
  const { HOST, PORT, CONFIG_FILE, DATABASE_URL } = app.env
  await app.listen({ host: HOST, port: PORT, backlog: 2048 })
  const { port } = app.server.address() as AddressInfo
  // Without secrets: of a server, only its kind is shown.
  const database = DATABASE_URL.startsWith('sqlite:') ? DATABASE_URL.replace('sqlite:', '') : 'PostgreSQL'
  prose?.started({ host: HOST, port, config: CONFIG_FILE, database })
  // Node would write what it has compiled when it ends, which a relay that is killed never does.
  flushCompileCache()
  keepMemoryLow()
}

/** The example config has nothing to protect and posts nowhere, so trying it out on this machine needs no token. */
function withExample(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (environment['CONFIG_FILE']?.trim()) return environment
  const { ADMIN_TOKEN, ADMIN_OPEN_TO } = environment
  const isOpen = !ADMIN_TOKEN && !ADMIN_OPEN_TO
  return { ...environment, CONFIG_FILE: 'config.example.yaml', ...(isOpen && { ADMIN_OPEN_TO: 'loopback' }) }
}
