// Spans: reach a collector in the expected form, and cost nothing unless configured.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { json } from 'node:stream/consumers'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createClock } from '../fixtures/clock.ts'
import { about, startRelay, tempFolder } from '../fixtures/relay.ts'

interface Span {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Record<string, unknown> }[]
  links?: { traceId: string; spanId: string }[]
  status: { code?: number }
}

/** Starts an endpoint for OTLP over HTTP. */
async function startCollector(t: Test) {
  const spans: Span[] = []
  const paths = new Set<string>()
  const resources: Record<string, unknown>[] = []
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as {
      resourceSpans: { resource: Pick<Span, 'attributes'>; scopeSpans: { spans: Span[] }[] }[]
    }
    paths.add(`${request.method} ${request.url}`)
    for (const { resource, scopeSpans } of body.resourceSpans) {
      resources.push(attributesOf(resource))
      for (const scope of scopeSpans) spans.push(...scope.spans)
    }
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { spans, paths, resources, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const attributesOf = ({ attributes }: Pick<Span, 'attributes'>) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

t.test('an event and the post that reports it are linked spans, even across a restart', async (t) => {
  const collector = await startCollector(t)
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` }
  const clock = createClock(Date.now())
  const first = await startRelay(t, { env, clock })
  first.slack.behave('*', [{ status: 500 }])
  await first.post(about('shop'))
  await first.logged(/message postponed/)
  await first.app.close()
  clock.advance(10_000)
  const config = `
destinations: { team: { slack: { webhookUrl: "${first.slack.url()}" } } }
rules: [{ name: everything, match: { severity: info }, notify: every, send: team }]`
  const second = await startRelay(t, { env, clock, config, folder: dirname(first.app.env.CONFIG_FILE) })
  await second.logged(/message sent/)
  await second.app.close()

  t.strictSame([...collector.paths], ['POST /v1/traces'])
  const named = (name: string) => collector.spans.filter((span) => span.name === name)
  const [received] = named('receive event')
  const [commit] = named('commit')
  t.match(received && attributesOf(received), {
    'flux.source': 'default',
    'flux.kind': 'Kustomization',
    'flux.name': 'shop',
    'flux.transition': 'failed'
  })
  t.equal(commit?.parentSpanId, received?.spanId)
  t.equal(commit?.traceId, received?.traceId)
  const times = [received, commit, commit, received].map((span, at) =>
    Number(at < 2 ? span?.startTimeUnixNano : span?.endTimeUnixNano)
  )
  t.same(times, times.toSorted(), 'the commit is inside of the request')
  const posts = named('post message')
  t.same(
    posts.map((post) => attributesOf(post)['flux_relay.outcome']),
    ['retry', 'sent']
  )
  for (const { links } of posts) t.match(links, [{ traceId: received?.traceId, spanId: received?.spanId }])
  t.notMatch(JSON.stringify(collector.spans), /services\/T000/, 'the webhook is a secret')
})

t.test('a clock that is set while the relay runs applies to later times', async (t) => {
  const collector = await startCollector(t)
  const relay = await startRelay(t, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } })
  const real = Date.now
  t.teardown(() => {
    Date.now = real
  })
  const hourMs = 3_600_000
  const before = real()
  await relay.post(about('shop'))
  Date.now = () => real() + hourMs
  await relay.post(about('cart'))
  Date.now = real
  await relay.post(about('tea'))
  await relay.app.close()
  const starts = collector.spans
    .filter(({ name }) => name === 'receive event')
    .map(({ startTimeUnixNano }) => Number(startTimeUnixNano) / 1e6 - before)
  t.match(
    starts.map((ms) => Math.round(ms / hourMs)),
    [0, 1, 0]
  )
})

t.test('a collector that is away costs no event and no message', async (t) => {
  const relay = await startRelay(t, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } })
  t.equal((await relay.post(about('shop'))).status, 202)
  await relay.logged(/message sent/)
  const started = performance.now()
  await relay.app.close()
  t.ok(performance.now() - started < 4000, 'and no time at the stop that Kubernetes would not give')
})

// prom-client depends on the package of OpenTelemetry's interfaces, and always loads it.
t.test('a collector that refuses spans is logged once, and so is its recovery', async (t) => {
  let status = 404
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const collector = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const relay = await startRelay(t, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:zQ7passKq9x@${collector}/v1/traces` }
  })
  const lines = () => relay.log.map((line) => JSON.parse(line)).filter(({ msg }) => /the collector takes/.test(msg))
  await relay.post(about('shop'))
  await relay.logged(/the collector takes no spans/)
  const asked = once(server, 'request')
  await relay.post(about('cart'))
  await asked
  status = 200
  await relay.post(about('tea'))
  await relay.logged(/the collector takes spans again/)
  t.match(lines(), [
    { level: 40, collector, code: 404 },
    { level: 30, collector }
  ])
  t.equal(lines().length, 2)
  t.ok(lines()[1].lost >= 4, 'how many were lost')
  t.notMatch(relay.log.join(''), 'zQ7')
})

t.test('the relay heeds the same OpenTelemetry variables as any program', async (t) => {
  const collector = await startCollector(t)
  const set = (name: string, value: string) => {
    process.env[name] = value
    t.teardown(() => delete process.env[name])
  }
  set('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment=prod,team=a%2Cb')
  const send = async (env: Record<string, string>) => {
    const relay = await startRelay(t, {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/otlp/?tenant=1`, ...env }
    })
    await relay.post(about('shop'))
    await relay.app.close()
  }
  await send({ OTEL_SDK_DISABLED: 'true' })
  t.same([...collector.paths], [])
  await send({})
  t.same([...collector.paths], ['POST /otlp/v1/traces?tenant=1'])
  t.match(collector.resources.at(-1), { 'service.name': 'flux-relay', 'deployment.environment': 'prod', team: 'a,b' })
  set('OTEL_SERVICE_NAME', 'relay-prod')
  await send({})
  t.match(collector.resources.at(-1), { 'service.name': 'relay-prod' })
  await send({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/of/traces` })
  t.same([...collector.paths], ['POST /otlp/v1/traces?tenant=1', 'POST /of/traces'])
})

t.test('an address or token that a collector repeats stays out of the log', async (t) => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(401).end(`no: ${request.url} ${JSON.stringify(request.headers)}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'x-honeycomb-team=zQ7teamKq9x'
  t.teardown(() => delete process.env['OTEL_EXPORTER_OTLP_HEADERS'])
  for (const place of [`http://${address}/zQ7pathKq9x`, `http://user:zQ7passKq9x@${address}`]) {
    const relay = await startRelay(t, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: place } })
    await relay.post({})
    await relay.app.close()
    const log = relay.log.join('')
    t.match(log, /"code":401,"reason":"Unauthorized","msg":"the last spans could not be sent"/)
    for (const secret of ['zQ7', Buffer.from('user:zQ7passKq9x').toString('base64')]) t.notMatch(log, secret)
  }
})

t.test('nothing that makes or sends spans is loaded unless configured', async (t) => {
  const folder = tempFolder(t)
  const script = `
    import { registerHooks } from 'node:module'
    let loaded = 0
    registerHooks({ load: (url, context, next) => { if (/opentelemetry.(sdk|otlp|exporter|resources)/.test(url)) loaded++; return next(url, context) } })
    const { buildApp } = await import(${JSON.stringify(join(import.meta.dirname, '..', '..', 'src', 'app.ts'))})
    const app = await buildApp({ logTo: { write() {} } })
    await app.ready()
    await app.close()
    process.stdout.write(String(loaded))`
  const load = async (more: Record<string, string>) => {
    const env = { CONFIG_FILE: 'config.example.yaml', DATABASE_URL: `sqlite:${folder}/relay.db`, ...more }
    const args = ['--input-type=module', '-e', script]
    return Number(
      (await promisify(execFile)(process.execPath, args, { env, cwd: join(import.meta.dirname, '..', '..') })).stdout
    )
  }
  t.equal(await load({}), 0)
  t.ok((await load({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })) > 0, 'this would be seen')
})
