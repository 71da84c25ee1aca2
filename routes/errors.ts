// What every error looks like on the wire: `{"code","message"}`. Flux copies it into Kubernetes Events, so it is short,
// says what to do, and holds nothing of the request but field names.
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { type ErrorCode, RelayError } from '../src/errors.ts'

const fastifyCodes: Record<string, { code: ErrorCode; message: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'TOO_LARGE', message: 'the body is larger than MAX_BODY_BYTES' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'WRONG_TYPE', message: 'send content-type: application/json' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'BAD_REQUEST', message: 'the body is not as long as content-length says' }
}

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toRelayError(error)
    if (known.code === 'INTERNAL') request.log.error({ err: error }, 'request failed')
    return answer(reply, known)
  })
  app.setNotFoundHandler((_request, reply) => answer(reply, new RelayError('NOT_FOUND', 'there is nothing here')))
}

function answer(reply: FastifyReply, error: RelayError) {
  if (error.statusCode === 503) reply.header('retry-after', '1')
  if (error.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Basic realm="flux-relay", charset="UTF-8"')
  return reply.code(error.statusCode).send({ code: error.code, message: error.message })
}

/** Every error as one of ours. What nobody foresaw says nothing of itself to the outside. */
export function toRelayError(error: FastifyError | RelayError): RelayError {
  if (error instanceof RelayError) return error
  const known = fastifyCodes[error.code]
  if (known !== undefined) return new RelayError(known.code, known.message, { cause: error })
  if (error.validation !== undefined) {
    const code = (error.validationContext ?? 'body') === 'body' ? 'BAD_EVENT' : 'BAD_REQUEST'
    return new RelayError(code, describe(error), { cause: error })
  }
  // Thrown by the JSON parser, also for keys such as __proto__.
  if (error instanceof SyntaxError || error.statusCode === 400) {
    // V8's own words quote the input.
    const place = /\(line \d+ column \d+\)/.exec(error.message)?.[0] ?? ''
    return new RelayError('BAD_JSON', `the body is not valid JSON ${place}`.trim(), { cause: error })
  }
  return new RelayError('INTERNAL', 'something went wrong here; the log says what', { cause: error })
}

/** `involvedObject.name must be string`; the value itself stays out. */
function describe({ validation = [], validationContext = 'body' }: FastifyError): string {
  const [first] = validation
  if (first?.keyword === 'additionalProperties') {
    return `there is no ${String(first.params['additionalProperty']).slice(0, 100)} in the ${validationContext}`
  }
  const field = (first?.instancePath ?? '').split('/').slice(1).join('.').slice(0, 100) || validationContext
  const allowed =
    first?.keyword === 'enum'
      ? `: ${(first.params as { allowedValues: string[] }).allowedValues.filter(Boolean).join(', ')}`
      : ''
  return `${field} ${(first?.message ?? 'is not valid').replace(',', ' or ')}${allowed}`
}
