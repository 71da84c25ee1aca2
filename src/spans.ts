// Spans: traces each event from the request to the disk, and each post to Slack, for OpenTelemetry. A post is linked to the events
// in it. Without an address for spans, nothing of this is loaded.
import { hash, randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import { RelayError } from './errors.ts'
import type { ObjectRef } from './events/flux.ts'
import type { Store } from './store/store.ts'

/** An event that is on disk. */
interface Origin {
  id: string
  source: string
  object: ObjectRef
}

/** Times in ms since 1970, with fractions. */
interface Received extends Omit<Origin, 'id'> {
  /** Null for a heartbeat that changed nothing. */
  id: string | null
  from: number
  /** When everything except the commit was done. */
  checked: number
  to: number
  outcome: string
}

interface Posted {
  message: string
  destination: string
  notifications: number
  outcome: string
  answer: string
  from: number
  to: number
}

export interface Spans {
  received(event: Received): void
  posted(post: Posted): void
  /** Sends what is left. */
  stop(): Promise<void>
}

/** How long a collector may take for what is left at a stop. */
const stopMs = 1500

/** A collector that takes nothing is logged at once, and then at most this often: it may take every other batch. */
const quietMs = 10 * 60 * 1000

/** The variable with the address to which a path is added for each kind of data. */
const addedTo = 'OTEL_EXPORTER_OTLP_ENDPOINT'

const none: Spans = { received: () => {}, posted: () => {}, stop: async () => {} }

/** By themselves, the two clocks differ by less: if they differ by more, the clock was set, or the machine slept. */
const apartMs = 100
let origin = performance.timeOrigin

/** The time in ms since 1970, with fractions, because a commit takes few milliseconds. */
export function instant(): number {
  const sinceStart = performance.now()
  const now = Date.now()
  if (Math.abs(now - origin - sinceStart) > apartMs) origin = now - sinceStart
  return origin + sinceStart
}

/** Opens the way to a collector, if there is an address of one. Throws BAD_CONFIG if that is not an http or https address. */
export async function openSpans(
  environment: Record<string, string | undefined>,
  { store, clock, log }: { store: Pick<Store, 'records'>; clock: Pick<Clock, 'ticks'>; log: Logger }
): Promise<Spans> {
  const name = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', addedTo].find((each) => environment[each])
  const endpoint = name && environment[name]
  if (!endpoint || environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return none
  // The exporter's own words would repeat the address, and the password that may be in it. Without a scheme, the name of the collector
  // would be taken for one, and no span would ever arrive.
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw new RelayError('BAD_CONFIG', `${name} is not an address such as http://otel-collector.monitoring:4318`)
  const url = new URL(endpoint)
  // An address for traces alone is taken as it is.
  if (name === addedTo) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`
  const { api, provider, withIds } = await load(url, { name, clock, log })
  const tracer = provider.getTracer('flux-relay')
  /** Posts whose events are being looked up. */
  const open = new Set<Promise<void>>()
  const { SpanKind, SpanStatusCode, TraceFlags, ROOT_CONTEXT } = api

  return {
    received({ id, source, object, from, checked, to, outcome }) {
      const attributes = { 'flux.source': source, ...objectAttributes(object), 'flux.transition': outcome }
      const options = { kind: SpanKind.SERVER, startTime: from, attributes, root: true }
      const span = withIds(id === null ? undefined : idsOf({ id, source, object }), () =>
        tracer.startSpan('receive event', options, ROOT_CONTEXT)
      )
      tracer.startSpan('commit', { startTime: checked }, api.trace.setSpan(ROOT_CONTEXT, span)).end(to)
      span.end(to)
    },

    posted({ message, destination, notifications, outcome, answer, from, to }) {
      const attributes = {
        'flux_relay.destination': destination,
        'flux_relay.message': message,
        'flux_relay.notifications': notifications,
        'flux_relay.outcome': outcome,
        'flux_relay.answer': answer
      }
      const ended = store.records.reportedBy(message).then(
        (events) => {
          const links = events.map((event) => ({ context: { ...idsOf(event), traceFlags: TraceFlags.SAMPLED } }))
          const options = { kind: SpanKind.CLIENT, startTime: from, attributes, links, root: true }
          const span = tracer.startSpan('post message', options, ROOT_CONTEXT)
          if (outcome !== 'sent') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome })
          span.end(to)
        },
        (err: unknown) => log.warn({ err }, 'a span is missing')
      )
      open.add(ended)
      ended.then(() => open.delete(ended))
    },

    async stop() {
      const left = Promise.all(open)
        .then(() => provider.shutdown())
        // The collector's other words may repeat what it was sent: the address, and the headers with its token.
        .catch(({ code, message }: Error & { code?: unknown }) =>
          log.warn({ code, reason: message }, 'the last spans could not be sent')
        )
      await Promise.race([left, pause(stopMs, undefined, { ref: false })])
    }
  }
}

function objectAttributes({ cluster, kind, namespace, name }: ObjectRef) {
  return { 'flux.cluster': cluster, 'flux.kind': kind, 'flux.namespace': namespace, 'flux.name': name }
}

interface Ids {
  traceId: string
  spanId: string
}

/** The ids of the span of an event. They are made of what the database has, so that a post can name it after a restart, on any replica. */
function idsOf({ id, source, object: { cluster, kind, namespace, name } }: Origin): Ids {
  const digest = hash('sha256', JSON.stringify([id, source, cluster, kind, namespace, name]))
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) }
}

interface Watching {
  /** The variable that has the address of the collector. */
  name: string
  clock: Pick<Clock, 'ticks'>
  log: Logger
}

/** Logs when the collector at `host` takes no spans, and when it does again: nothing else would show a wrong address. */
function watched(exporter: SpanExporter, { host, name, clock, log }: { host: string } & Watching): SpanExporter {
  let isFailing = false
  let lost = 0
  let saidAt = Number.NEGATIVE_INFINITY
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const { error } = result
        if (error !== undefined) {
          lost += spans.length
          if (!isFailing && clock.ticks() - saidAt >= quietMs) {
            isFailing = true
            saidAt = clock.ticks()
            const { code, message } = error as Error & { code?: unknown }
            log.warn(
              { collector: host, code, reason: message },
              `the collector takes no spans: they are lost; is ${name} right${name === addedTo ? ', to which /v1/traces is added' : ''}?`
            )
          }
        } else if (isFailing) {
          isFailing = false
          log.info({ collector: host, lost }, 'the collector takes spans again')
          lost = 0
        }
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.()
  }
}

async function load({ href, host }: URL, watching: Watching) {
  const [api, sdk, resources, exporter] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http')
  ])
  let ids: Ids | undefined
  const provider = new sdk.TracerProvider({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win, if they are set.
    resource: resources
      .resourceFromAttributes({ 'service.name': 'flux-relay' })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    idGenerator: {
      generateTraceId: () => ids?.traceId ?? randomBytes(16).toString('hex'),
      generateSpanId: () => ids?.spanId ?? randomBytes(8).toString('hex')
    },
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: watched(new exporter.OTLPTraceExporter({ url: href }), { host, ...watching })
      })
    ]
  })
  /** Gives the ids `wanted` to the span that `start` starts. */
  function withIds<T>(wanted: Ids | undefined, start: () => T): T {
    ids = wanted
    try {
      return start()
    } finally {
      ids = undefined
    }
  }
  return { api, provider, withIds }
}
