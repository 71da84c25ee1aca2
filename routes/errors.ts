// Error replies: give every error the form `{"code","message"}`. Flux copies it into Kubernetes Events, so it is short, says
// what to do, and repeats nothing of the request but field names.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { type ErrorCode, RelayError } from '../src/errors.ts'
import { didYouMean } from '../src/spelling.ts'
import { foreign, foreignIn } from './foreign.ts'
import { answerBeforeLeftovers, hasLeftovers } from './leftovers.ts'
import type { Strays } from './strays.ts'
import { tooMany } from './waiting-bodies.ts'

const tooLongName = 'the name in this path is longer than any may be'

const fastifyCodes: Record<string, { code: ErrorCode; message: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'TOO_LARGE', message: 'the body is larger than this path takes' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'BAD_JSON', message: 'the body is empty' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'WRONG_TYPE', message: 'send content-type: application/json' },
  // The parameter is longer than any name.
  FST_ERR_MAX_PARAM_LENGTH: { code: 'NOT_FOUND', message: tooLongName },
  FST_ERR_BAD_URL: { code: 'BAD_REQUEST', message: 'the path is not valid' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'BAD_REQUEST',
    message: 'the body has another length than content-length says'
  }
}

export function answerErrors(app: FastifyInstance, strays: Strays): void {
  app.setErrorHandler(answerError)
  function strayError(request: FastifyRequest, reply: FastifyReply): RelayError {
    strays.lost(request)
    const methods = app.methodsAt(request.url)
    if (methods.length === 0 || methods.includes(request.method))
      return new RelayError('NOT_FOUND', nothingHere(request))
    reply.header('allow', methods.join(', '))
    return new RelayError('WRONG_METHOD', otherMethod(request))
  }
  app.decorate('strayError', strayError)
  const answerStray = (request: FastifyRequest, reply: FastifyReply) => answer(reply, strayError(request, reply))
  app.setNotFoundHandler(answerStray)
  // Fastify would otherwise read the body first and complain about its type or size.
  app.addHook('onRequest', (request, reply, done) => {
    // Required by RFC 9112, 3.2. Proxies forget it in their health checks.
    if (request.headers.host === undefined && request.raw.httpVersionMinor > 0)
      return done(new RelayError('BAD_REQUEST', 'the Host header is missing, which HTTP/1.1 requires'))
    if (!request.is404) return done()
    answerStray(request, reply)
  })
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The error for a request that no route takes. Counts the request, and sets `Allow` on the reply if the path takes other
     * methods.
     */
    strayError: (request: FastifyRequest, reply: FastifyReply) => RelayError
  }
}

const whereEventsGo = 'events are posted to /webhook or /webhook/<source>'

function nothingHere({ method, url }: FastifyRequest): string {
  if (method === 'POST') return `nothing takes events at this path: ${whereEventsGo}`
  // Fastify's limit (`maxParamLength`).
  if (/\/[^/?#]{101}/.test(url)) return tooLongName
  return isOfApi(url)
    ? 'there is no such path; /api/openapi.json lists all paths'
    : 'nothing is at this path: the pages begin at /, and /api/openapi.json lists what programs may ask'
}

/** Reports whether a path belongs to the API. */
export function isOfApi(url: string): boolean {
  return /^\/+api(?![^/?#])/.test(url)
}

function otherMethod({ method, url }: FastifyRequest): string {
  // Go's client turns a POST that is answered 301, 302 or 303 into a GET.
  if (method === 'GET' && /^\/+webhook(?![^/?#])/.test(url)) {
    return 'this takes POST. Flux turns a redirected POST into a GET: give the Provider the address that the redirect leads to'
  }
  if (method === 'POST') return `this path takes no POST: ${whereEventsGo}`
  return method !== 'GET' || isOfApi(url)
    ? 'this path does not take this method'
    : 'nothing is shown at this address: it takes what a button of a page sends'
}

/**
 * Sends an error in our form. Also serves `frameworkErrors`, because Fastify's own answer to an unreadable path repeats the
 * path.
 */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const known = toRelayError(error, request.routeOptions?.url?.startsWith('/webhook'))
  if (known.code === 'INTERNAL') request.log.error({ err: error }, 'request failed')
  return answer(reply, known)
}

const unreadable: Record<string, Unreadable> = {
  HPE_HEADER_OVERFLOW: refusedAs('431 Request Header Fields Too Large', 'the headers are too large'),
  ERR_HTTP_REQUEST_TIMEOUT: refusedAs('408 Request Timeout', 'the request took too long'),
  CANNOT_STORE: refusedAs('503 Service Unavailable', tooMany().message, 'CANNOT_STORE')
}
const noHttp = refusedAs('400 Bad Request', 'this is not HTTP')

interface Unreadable {
  status: string
  answer: { code: ErrorCode; message: string }
}

function refusedAs(status: string, message: string, code: ErrorCode = 'BAD_REQUEST'): Unreadable {
  return { status, answer: { code, message } }
}

/**
 * For `clientErrorHandler`: answers bytes that are not HTTP. Does not log the error, because it contains the bytes, which may
 * contain a secret.
 */
export function answerUnreadable(
  error: NodeJS.ErrnoException & { rawPacket?: unknown },
  socket: Socket,
  strays: Strays
) {
  const { code, rawPacket } = error
  // A client that leaves in the middle of a request did speak HTTP, and reads no answer.
  if (code === 'ECONNRESET' || code === 'HPE_INVALID_EOF_STATE') return void socket.destroy()
  const what = foreignIn(rawPacket)
  if (code?.startsWith('HPE_')) strays.unreadable(socket.remoteAddress, what)
  if (!socket.writable || socket.bytesRead === 0) return void socket.destroy()
  const { status, answer } =
    unreadable[code ?? ''] ?? (what && refusedAs(noHttp.status, foreign[what].answer)) ?? noHttp
  const body = JSON.stringify(answer)
  const head = [`HTTP/1.1 ${status}`, 'content-type: application/json', 'connection: close']
  socket.end(`${[...head, `content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

/** For `checkExpectation`: answers any expectation but 100-continue, which Node handles itself. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const text = JSON.stringify({ code: 'BAD_REQUEST', message: 'only 100-continue may be expected' })
  response.writeHead(417, { 'content-type': 'application/json', connection: 'close' }).end(text)
}

function answer(reply: FastifyReply, error: RelayError) {
  // The client is gone. Thousands may leave at once, and an answer that cannot be sent takes 20 kB.
  if (reply.request.raw.socket.destroyed) return void reply.hijack()
  // Never `Retry-After`, not even with 503: Flux's client (go-retryablehttp) obeys it instead of its own longer backoff and
  // still stops after five tries, so events would be lost whenever the database is away for ten seconds.
  if (error.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Basic realm="flux-relay", charset="UTF-8"')
  reply.code(error.statusCode)
  const body = { code: error.code, message: error.message }
  const { raw } = reply.request
  // Otherwise the unread rest of the body would be parsed as the next request.
  if (!raw.complete) reply.header('connection', 'close')
  if (!hasLeftovers(raw)) return reply.send(body)
  const text = JSON.stringify(body)
  reply.type('application/json; charset=utf-8').header('content-length', Buffer.byteLength(text))
  return reply.send(answerBeforeLeftovers(raw, text))
}

/**
 * Turns any error into a RelayError. An unforeseen one reveals nothing to the outside. `isEvent`: the body should have been an
 * event of Flux.
 */
export function toRelayError(error: FastifyError | RelayError, isEvent = false): RelayError {
  if (error instanceof RelayError) return error
  const known = fastifyCodes[error.code]
  if (known !== undefined) return new RelayError(known.code, known.message, { cause: error })
  if (error.validation !== undefined) {
    return new RelayError(isEvent ? 'BAD_EVENT' : 'BAD_REQUEST', describe(error, isEvent), { cause: error })
  }
  // The JSON parser throws this, also for keys such as __proto__.
  if (error instanceof SyntaxError || error.statusCode === 400) {
    // V8's own message quotes the input.
    const place = /\(line \d+ column \d+\)/.exec(error.message)?.[0] ?? ''
    return new RelayError('BAD_JSON', `the body is not valid JSON ${place}`.trim(), { cause: error })
  }
  return new RelayError('INTERNAL', 'something went wrong in the relay; the log says what', { cause: error })
}

/** `involvedObject.name must be string`; never repeats the value. */
function describe({ validation = [], validationContext = 'body' }: FastifyError, isEvent: boolean): string {
  const [first] = validation
  if (first?.keyword === 'additionalProperties') {
    const name = String(first.params['additionalProperty']).slice(0, 100)
    return `there is no ${name} in the ${validationContext}; ${sayKnown(name, first)}`
  }
  const isForeign = isEvent && first?.instancePath === '' && /^(type|required)$/.test(first.keyword)
  // Other types of Provider post bodies without these fields. Flux shows this text in an event of the Alert.
  if (isForeign && (first.keyword === 'type' || first.params['missingProperty'] === 'involvedObject'))
    return `${validationContext} ${wordsOf(first)}: this is not an event of Flux; a Provider has to be of type generic or generic-hmac`
  const field = (first?.instancePath ?? '').split('/').slice(1).join('.').slice(0, 100) || validationContext
  // Query parameters are texts; the wrong type is the array of a repeated one.
  if (validationContext === 'querystring' && first?.keyword === 'type') return `${field} is given more than once`
  return `${field} ${wordsOf(first)}`
}

/** Lists the known fields, nearest to `name` first if one is near. */
function sayKnown(name: string, { parentSchema }: SchemaError): string {
  const known = Object.keys((parentSchema as { properties?: object } | undefined)?.properties ?? {})
  if (known.length === 0) return 'it takes none'
  return `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}${didYouMean(name, known)}`
}

function wordsOf({ keyword, message = 'is not valid', params, parentSchema }: Partial<SchemaError> = {}): string {
  const { patternErrorMessage } = (parentSchema ?? {}) as { patternErrorMessage?: string }
  if (keyword === 'pattern' && patternErrorMessage !== undefined) return patternErrorMessage
  if (keyword === 'type') return message.replaceAll(',', ' or ')
  if (keyword === 'minLength') return 'is empty'
  if (keyword !== 'enum') return message
  return `${message}: ${(params as { allowedValues: string[] }).allowedValues.filter(Boolean).join(', ')}`
}

type SchemaError = FastifySchemaValidationError & { parentSchema?: unknown }
