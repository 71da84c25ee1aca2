// HTTP server: applies the same limits and the same form of errors to every request, knows the methods of each path, and does
// not wait at a stop for clients that only keep their connection open.
import type { Server } from 'node:http'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import { lazySerializers, lazyValidators } from './compilers.ts'
import { limitConnections } from './connections.ts'
import { answerError, answerErrors, answerExpectation, answerUnreadable } from './errors.ts'
import type { Strays } from './strays.ts'

/** Creates the app without routes. */
export function createHttp(log: Logger, strays: Strays): FastifyInstance {
  const app = Fastify({
    loggerInstance: log,
    // The relay logs one line per event; Fastify's two per request would bury it.
    logController: new LogController({ disableRequestLogging: true }),
    // A request logs one line at most, so a child logger with a request id would cost more than the line.
    childLoggerFactory: (logger) => logger,
    // notification-controller opens a connection for every event, so keep-alive gains nothing.
    keepAliveTimeout: 5000,
    // notification-controller waits 15 s for its answer; a slower client is not Flux.
    requestTimeout: 15_000,
    // Checked so often, at a tenth of a millisecond each, that thousands who came at once are not all cut off at once. Node
    // refuses a request without a Host header with a bare 400; ours says why.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 250, requireHostHeader: false },
    // The start reads the whole backlog, which on a slow disk may take longer than the default 10 s.
    pluginTimeout: 0,
    frameworkErrors(error, request, reply) {
      strays.lost(request)
      return answerError(error, request, reply)
    },
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, strays),
    // Addresses in Providers are written by hand: `…/webhook/` and `…//webhook` can mean nothing else.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true }
  }) as unknown as FastifyInstance
  app.setValidatorCompiler(lazyValidators())
  app.setSerializerCompiler(lazySerializers())
  app.server.on('checkExpectation', answerExpectation)
  const closeWaiting = limitConnections(app.server as Server, strays.crowdedOut)
  // Register methods that no route takes as well, so that they are answered 405 instead of 404. `import 'node:http'` would cost
  // seven megabytes: it reads every export, and `WebSocket` loads all of Node's HTTP client.
  const { METHODS } = process.getBuiltinModule('node:http')
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  // No route takes a text, but Fastify would parse one.
  app.removeContentTypeParser('text/plain')
  knowPaths(app)
  answerErrors(app, strays)
  closeConnectionsAtStop(app, closeWaiting)
  return app
}

/** Without this, clients that keep their connection open delay the stop until they time out. */
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
    /** The methods that routes take at the path of `url`; empty if no route matches. */
    methodsAt: (url: string) => string[]
  }
}

/**
 * Records the methods of each path. Must run before the first route is added. Catch-all routes (`/*`) say nothing about a path.
 */
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

/** A pattern for a route's paths. A parameter has at most 100 characters, Fastify's limit (`maxParamLength`). */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]{1,100}' : RegExp.escape(part)))
  return new RegExp(`^${parts.join('/')}$`)
}

/** The path as the router reads it: without doubled or trailing slashes. */
function pathOf(url: string): string {
  const [path = ''] = url.replace(/^https?:\/\/[^/]*/, '').split(/[?#]/, 1)
  return path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')
}
