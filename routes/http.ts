// HTTP server: applies the same limits and the same form of errors to every request, knows which methods each path takes, and
// stops without waiting for clients that only keep their connection open.
import type { Server } from 'node:http'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import { lazySerializers, lazyValidators } from './compilers.ts'
import { limitConnections } from './connections.ts'
import { answerError, answerErrors, answerExpectation, answerUnreadable } from './errors.ts'
import type { Strays } from './strays.ts'

/** An app without routes. */
export function createHttp(log: Logger, strays: Strays): FastifyInstance {
  const app = Fastify({
    loggerInstance: log,
    // One line per event is ours to write; Fastify's two per request would bury it.
    logController: new LogController({ disableRequestLogging: true }),
    // A request has one line at most: a logger of its own, with its number, would cost more than the line.
    childLoggerFactory: (logger) => logger,
    // notification-controller opens a connection for every event, so there is nothing to keep alive for.
    keepAliveTimeout: 5000,
    // It waits 15 s for its answer; a client that takes longer to ask is not Flux.
    requestTimeout: 15_000,
    // Looked at so often that thousands who came at once are not cut off at once: a tenth of a millisecond each.
    // A request without a host is ours to refuse, in words.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 250, requireHostHeader: false },
    // A start reads what waits in the database, and a slow disk may take more than the usual 10 s for it.
    pluginTimeout: 0,
    frameworkErrors(error, request, reply) {
      strays.lost(request)
      return answerError(error, request, reply)
    },
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, strays),
    // An address in a Provider is written by hand: `…/webhook/` and `…//webhook` can mean nothing else.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true }
  }) as unknown as FastifyInstance
  app.setValidatorCompiler(lazyValidators())
  app.setSerializerCompiler(lazySerializers())
  app.server.on('checkExpectation', answerExpectation)
  const closeWaiting = limitConnections(app.server as Server, strays.crowdedOut)
  // Also methods that no route takes: they are answered 405, not 404. An import of `node:http` would take seven megabytes: it
  // reads every name that there is, and with `WebSocket` the whole of Node's client is loaded.
  const { METHODS } = process.getBuiltinModule('node:http')
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  // Fastify takes it for a text, where nothing here takes one.
  app.removeContentTypeParser('text/plain')
  knowPaths(app)
  answerErrors(app, strays)
  closeConnectionsAtStop(app, closeWaiting)
  return app
}

/** Without this, a client that keeps its connection open keeps the relay from stopping until it times out. */
function closeConnectionsAtStop(app: FastifyInstance, closeWaiting: () => void): void {
  let isStopping = false
  app.addHook('preClose', async () => {
    isStopping = true
    closeWaiting()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (isStopping) reply.header('connection', 'close')
    done(null, payload)
  })
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The methods that a route of this app takes at `url`, whatever follows its path; none where there is no route. */
    methodsAt: (url: string) => string[]
  }
}

/** Has to be called before the first route. A route that takes everything (`/*`) says nothing about a path. */
function knowPaths(app: FastifyInstance): void {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set() }
    for (const name of [method].flat()) route.methods.add(name)
    routes.set(url, route)
  })
  app.decorate('methodsAt', (url) => {
    const path = pathOf(url)
    const matching = [...routes.values()].filter(({ pattern }) => pattern.test(path))
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort()
  })
}

/** A name in a path has at most 100 characters, as Fastify has it (`maxParamLength`). */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]{1,100}' : RegExp.escape(part)))
  return new RegExp(`^${parts.join('/')}$`)
}

/** As the router reads it: slashes that are double or at the end are one too many. */
function pathOf(url: string): string {
  const [path = ''] = url.replace(/^https?:\/\/[^/]*/, '').split(/[?#]/, 1)
  return path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')
}
