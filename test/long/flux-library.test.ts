// Flux's own code: posts to the relay in Go, as its controllers and notification-controller do, and loses nothing that it
// reports as posted.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fixture } from '../fixtures/events.ts'
import { type Answer, clientCases } from '../fixtures/flux-client.ts'
import { noFluxLibrary, startFluxLibrary } from '../fixtures/flux-library.ts'
import { beginRelay, freePort } from '../fixtures/process.ts'
import { about, fluxEvent, openConfig, startRelay, tempFolder } from '../fixtures/relay.ts'
import { startSlack } from '../fixtures/slack.ts'

const skip = noFluxLibrary
const config = `
sources:
  default: { hmacKeys: [k] }
  direct: { cluster: prod-eu }
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, send: team }
`
const seconds = (number: number) => new Promise((resolve) => setTimeout(resolve, number * 1000))

/** Serves the answers in turn, repeating the last; `asked` collects the requests. */
async function serve(t: Test, ...answers: Answer[]) {
  const asked: { path: string | undefined; headers: IncomingHttpHeaders; body: string }[] = []
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('')
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [202]
    asked.push({ path: request.url, headers: request.headers, body })
    response.writeHead(...answer).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => void server.close().closeAllConnections())
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

t.test("a controller's recorder posts a failure and its end, and both reach Slack", { skip }, async (t) => {
  const flux = startFluxLibrary(t)
  const relay = await startRelay(t, { config })
  const url = `${relay.url}/webhook/direct`
  const failed = fixture('kustomization-direct-failed')
  const token = { 'kustomize.toolkit.fluxcd.io/token': 's3cr3t-token' }
  const ending = await flux.record(url, { ...failed, metadata: { ...failed.metadata, ...token } })
  t.equal(ending.error, '')
  t.equal((await flux.record(url, fixture('kustomization-direct-heartbeat'))).error, '')
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  const [first, last] = relay.slack.accepted.map(({ text }) => text)
  t.match(first, /shop\/storefront[\s\S]*prod-eu/)
  t.match(first, /main@4f2c91d/, 'the revision is known without its prefix')
  t.match(last, /main@c07d5a1/)
  const { body } = await relay.get('/api/events?body=true')
  t.equal(JSON.parse(body).events.length, 2)
  t.notMatch(body, /s3cr3t/)
})

t.test('the relay accepts what notification-controller signs and encodes', { skip }, async (t) => {
  const flux = startFluxLibrary(t)
  const relay = await startRelay(t, { config })
  const event = fluxEvent({ message: 'a <b> & "c" \u2028 é 🙂', metadata: { summary: '<&>' } })
  const provider = { key: 'k', timeoutMs: 15_000 }
  t.equal((await flux.forward(`${relay.url}/webhook`, event, provider)).error, '')
  const { body } = JSON.parse((await relay.get('/api/events/1')).body)
  t.match(body, /\\u003cb\\u003e \\u0026/, 'what Go escapes is signed escaped')
  t.equal(JSON.parse(body).message, event.message)
})

t.test('what the relay refuses is not retried, and its answer says why where a user looks', { skip }, async (t) => {
  const flux = startFluxLibrary(t)
  const relay = await startRelay(t, { config })
  const provider = { key: 'wrong', timeoutMs: 15_000 }
  const unsigned = { timeoutMs: 15_000 }
  const post = (path: string, event = fluxEvent(), by: { key?: string; timeoutMs: number } = unsigned) =>
    flux.forward(`${relay.url}${path}`, event, by)
  t.match(
    (await post('/webhook', fluxEvent(), provider)).error,
    /^request failed with status code 401: .*does not match any key/
  )
  t.match((await post('/webhook')).error, /^request failed with status code 401: .*X-Signature is missing/)
  t.match(
    (await post('/webhook/nobody')).error,
    /^request failed with status code 404: .*no such source: post to \/webhook/
  )
  t.match((await post('/')).error, /^request failed with status code 40[45]: .*\/webhook/s)
  const large = fluxEvent({ message: 'x'.repeat(4 << 20) })
  t.match(
    (await post('/webhook', large, { key: 'k', timeoutMs: 15_000 })).error,
    /^request failed with status code 413: /
  )
})

t.test('notification-controller retries as often and ends like the client in our other tests', { skip }, async (t) => {
  const flux = startFluxLibrary(t)
  const tried = clientCases.map(async ({ answer, timeoutMs, triedAt, because }) => {
    const { url, asked } = await serve(t, answer)
    const { error } = await flux.forward(url, fluxEvent(), { timeoutMs })
    const what = `${answer} within ${timeoutMs}`
    t.match(error, because, what)
    t.equal(asked.length, triedAt.length, what)
    t.equal(new Set(asked.map(({ body }) => body)).size, 1, 'the same bytes each time')
    t.equal(asked[0]?.headers['gotk-component'], 'kustomize-controller')
  })
  await Promise.all(tried)
})

t.test('a recorder retries after 503 and 500, but not after 429', { skip }, async (t) => {
  const flux = startFluxLibrary(t)
  const busy = await serve(t, [503], [500], [202])
  t.equal((await flux.record(busy.url, fluxEvent())).error, '')
  t.equal(busy.asked.length, 3)
  const duplicate = await serve(t, [429])
  t.equal((await flux.record(duplicate.url, fluxEvent())).error, '')
  t.equal(duplicate.asked.length, 1)
  const refusing = await serve(t, [401])
  t.equal((await flux.record(refusing.url, fluxEvent())).error, '', 'it does not even log that')
  t.equal(refusing.asked.length, 1)
})

interface Outage {
  name: string
  /** Takes the relay away once it has accepted an event. */
  env: Record<string, string>
  leave: (outage: { kill: () => Promise<void>; post: (name: string) => Promise<unknown> }) => Promise<void>
}

const outages: Outage[] = [
  { name: 'killed', env: {}, leave: ({ kill }) => kill() },
  {
    name: 'there, and answers 503',
    env: { MAX_PENDING: '20' },
    leave: async ({ post }) => {
      for (let n = 0; n < 20; n++) await post(`before-${n}`)
    }
  }
]

for (const { name, env, leave } of outages) {
  t.test(`a relay that is ${name} for 25 s loses nothing of what Flux posts for a Provider`, { skip }, async (t) => {
    const flux = startFluxLibrary(t)
    const slack = await startSlack()
    t.teardown(() => slack.close())
    slack.behave('*', () => ({ status: 500, body: 'busy' }))
    const folder = tempFolder(t)
    writeFileSync(join(folder, 'config.yaml'), openConfig.replaceAll('$SLACK', slack.url()))
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const provider = { timeoutMs: 60_000 }
    const post = (name: string) => flux.forward(`${url}/webhook`, about(name), provider)

    const first = beginRelay(folder, port, { env })
    await first.listening
    const kill = async () => {
      if (first.relay.exitCode !== null || first.relay.signalCode !== null) return
      const ended = once(first.relay, 'exit')
      first.relay.kill('SIGKILL')
      await ended
    }
    await leave({ kill, post })
    const posts: Promise<unknown>[] = []
    for (let half = 0; half < 50; half++) {
      posts.push(post(`app-${half}`).then(({ error }) => t.equal(error, '', `app-${half}`)))
      await seconds(0.5)
    }
    await kill()
    const second = beginRelay(folder, port)
    t.teardown(() => void second.relay.kill('SIGKILL'))
    await second.listening
    await Promise.all(posts)
    const { objects } = (await (await fetch(`${url}/api/objects?limit=500`)).json()) as Objects
    const known = objects.map(({ object }) => object.name).filter((each) => each.startsWith('app-'))
    t.equal(known.length, 50)
  })
}

interface Objects {
  objects: { object: { name: string } }[]
}
