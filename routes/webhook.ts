// Webhook: accepts what notification-controller posts to /webhook[/:source]. Checks signature, JSON and shape, then puts the
// event onto the disk.
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../src/clock.ts'
import type { Config } from '../src/config/config.ts'
import { originOf } from '../src/decide.ts'
import { RelayError } from '../src/errors.ts'
import { FluxEventSchema, keepable, normalise, stampOf, type WireEvent } from '../src/events/flux.ts'
import { verify } from '../src/events/signature.ts'
import type { Source } from '../src/events/source.ts'
import type { Intake } from '../src/intake/intake.ts'
import type { Metrics } from '../src/metrics.ts'
import type { Clocks } from '../src/operator/clocks.ts'
import type { Sources } from '../src/operator/sources.ts'
import type { Troubles } from '../src/operator/troubles.ts'
import { createRarely, fewLines, type Rarely } from '../src/rarely.ts'
import { instant, type Spans } from '../src/spans.ts'
import { createBodyReader, hasManyParts } from './body.ts'
import { toRelayError } from './errors.ts'

interface WebhookOptions {
  config: () => Config
  intake: Intake
  metrics: Metrics
  sources: Pick<Sources, 'accepted' | 'refused'>
  clocks: Pick<Clocks, 'behind'>
  troubles: Pick<Troubles, 'claimed'>
  spans: Pick<Spans, 'received'>
  clock: Clock
  maxBodyBytes: number
}

/** Annotations, the only part of an event whose number is not fixed, may have 256 KiB in all on a Kubernetes object. */
const maxParts = 10_000

const unknownSource =
  'the config file has no such source: post to /webhook/<source>, or to /webhook for the one named default'

type WebhookRequest = FastifyRequest<{ Params: { source?: string }; Body: WireEvent }>

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as received; empty if it was not read. */
    text: string
  }
}

export const webhook: FastifyPluginAsync<WebhookOptions> = async (
  app,
  { config, intake, metrics, sources, clocks, troubles, spans, clock, maxBodyBytes }
) => {
  app.decorateRequest('text', '')
  const readBody = createBodyReader(maxBodyBytes, clock)
  const parseJson = app.getDefaultJsonParser('error', 'error')

  function sourceOf(request: FastifyRequest): Source {
    const { source: name = 'default' } = request.params as { source?: string }
    const source = config().sources.get(name)
    if (source === undefined) throw new RelayError('UNKNOWN_SOURCE', unknownSource)
    return source
  }

  // Before the body is read: nobody has to send three megabytes to learn that they are at the wrong door.
  app.addHook('onRequest', (request, _reply, done) => {
    sourceOf(request)
    const { 'content-encoding': encoding = 'identity' } = request.headers
    done(encoding === 'identity' ? undefined : new RelayError('WRONG_TYPE', 'send it without content-encoding'))
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    const body = await readBody(payload)
    const source = sourceOf(request)
    const { 'x-signature': signature, authorization } = request.headers
    const verdict = verify(body, { signature: [signature].flat()[0], authorization }, source)
    if (!verdict.ok) {
      metrics.signatureFailures.inc({ source: source.name })
      throw new RelayError('BAD_SIGNATURE', verdict.because)
    }
    if (hasManyParts(body, maxParts))
      throw new RelayError('BAD_EVENT', `the body has more than ${maxParts} values in it`)
    const text = decode(body)
    request.text = text
    return new Promise((resolve, reject) =>
      parseJson(request, text, (error, value) => (error ? reject(error) : resolve(value)))
    )
  })

  /** By error code and source of the config file. */
  const lines = new Map<string, Rarely>()

  function rarely(key: string): Rarely {
    const known = lines.get(key) ?? createRarely(clock, fewLines)
    lines.set(key, known)
    return known
  }

  app.addHook('onError', async (request, _reply, error) => {
    const { code, message } = toRelayError(error, true)
    metrics.refused.inc({ code })
    const { source: name = 'default' } = request.params as { source?: string }
    const source = config().sources.has(name) ? name : undefined
    if (source !== undefined) sources.refused(source, code)
    rarely(`${code} ${source}`)((times) => {
      // Only what an operator needs to find the sender: neither the payload nor the path, which may contain anything.
      const facts = { code, because: message, source, sender: request.ip, ...(times > 1 && { times }) }
      request.log.warn(facts, 'request refused')
    })
  })

  async function receive(request: WebhookRequest, reply: FastifyReply) {
    const source = sourceOf(request)
    const receivedAt = clock.now()
    const { text } = request
    // Only an escape can produce a lone surrogate; Go's encoder never writes one.
    if (/\\ud[89a-f]/i.test(text)) refuseHalfCharacters(request.body)
    const event = normalise(request.body, originOf(config(), source.name), receivedAt, config().classify)
    const from = request.body.reportingInstance || event.controller
    const behindMs = clocks.behind(source.name, from, stampOf(request.body), receivedAt)
    const identity = hash('sha256', `${source.name}\n${text}`, 'base64url')
    const checked = instant()
    const receipt = await intake.accept({ event, body: keepable(text, request.body), identity, receivedAt, behindMs })
    sources.accepted(source.name, event.object.cluster)
    if (event.claim !== undefined) troubles.claimed(source.name, event.claim)
    const to = instant()
    const outcome = receipt.status === 'duplicate' ? receipt.status : receipt.transition
    const spanned = {
      id: outcome === 'duplicate' ? null : receipt.id,
      source: source.name,
      object: event.object,
      outcome
    }
    spans.received({ ...spanned, from: to - reply.elapsedTime, checked, to })
    const line = { event: receipt.id, source: source.name, ...event.object }
    if (receipt.status === 'duplicate') {
      request.log.info(line, 'event is a duplicate')
      return { id: receipt.id, status: receipt.status, transition: null, notifications: [] }
    }
    const { id, status, transition } = receipt
    const notifications = receipt.notifications.map(({ id, rule, destination }) => ({ id, rule, destination }))
    const { length } = notifications
    request.log.info({ ...line, reason: event.reason, transition, notifications: length }, 'event accepted')
    return { id, status, transition, notifications }
  }

  const schema = { body: FluxEventSchema }
  for (const url of ['/webhook', '/webhook/:source']) {
    app.post<{ Params: { source?: string }; Body: WireEvent }>(url, { schema }, async (request, reply) => {
      reply.code(202)
      return receive(request, reply)
    })
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(body: Buffer): string {
  try {
    return decoder.decode(body)
  } catch {
    throw new RelayError('BAD_JSON', 'the body is not valid UTF-8')
  }
}

function refuseHalfCharacters({ message, reason, reportingController, involvedObject, metadata }: WireEvent): void {
  const texts = [
    message,
    reason,
    reportingController,
    ...Object.values(involvedObject),
    ...Object.entries(metadata ?? {}).flat()
  ]
  if (texts.every((text) => typeof text !== 'string' || text.isWellFormed())) return
  throw new RelayError('BAD_JSON', 'a text in the body has half of a surrogate pair')
}
