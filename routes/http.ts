// HTTP server: applies the same limits and the same form of errors to every request.
import { METHODS } from 'node:http'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import { answerError, answerErrors, answerUnreadable } from './errors.ts'
import { knowPaths } from './paths.ts'
import { closeConnectionsAtStop } from './stopping.ts'
import type { Strays } from './strays.ts'

/** Each takes 10 to 20 KiB, also one that says nothing until its time is up. */
const maxConnections = 15_000

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
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2000 },
    frameworkErrors(error, request, reply) {
      strays.lost(request)
      return answerError(error, request, reply)
    },
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, strays),
    // An address in a Provider is written by hand: `…/webhook/` and `…//webhook` can mean nothing else.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    // Coercing would accept a number for a reason; stripping would hide a misspelt field.
    // Verbose: an error comes with its schema, which has words for it.
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, verbose: true, keywords: ['patternErrorMessage'] }
    }
  }) as unknown as FastifyInstance
  app.server.maxConnections = maxConnections
  // Also methods that no route takes: they are answered 405, not 404.
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  knowPaths(app)
  answerErrors(app, strays)
  closeConnectionsAtStop(app)
  return app
}
