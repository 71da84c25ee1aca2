// Unavailable relay: loses no event that Flux's client still repeats: it tries five times and gives up.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createClock, type TestClock } from '../fixtures/clock.ts'
import { clientCases, createFluxClient, type FluxClient, type Posted } from '../fixtures/flux-client.ts'
import { about, type Relay, startRelay, tempFolder } from '../fixtures/relay.ts'

async function serve(t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.teardown(() => void server.close().closeAllConnections())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Nobody listens there. */
const nowhere = 'http://127.0.0.1:1'

/** Advances `seconds`, one at a time, and lets all answers arrive in each. `each` is called at its beginning. */
async function pass(
  { clock, flux }: { clock: TestClock; flux: FluxClient },
  seconds: number,
  each?: (second: number) => Promise<void> | void
): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await each?.(second)
    await flux.quiet()
    clock.advance(1000)
  }
  await flux.quiet()
}

t.test('the client in these tests behaves like go-retryablehttp 0.7.8', async (t) => {
  for (const { answer, timeoutMs, ...expected } of clientCases) {
    const clock = createClock()
    const flux = createFluxClient(clock, timeoutMs)
    const url = await serve(t, (_request, response) => response.writeHead(...answer).end())
    const posted = flux.post(() => url, '{}')
    await pass({ clock, flux }, 61)
    t.strictSame(await posted, { is: 'lost', ...expected }, answer.join())
  }
  const asked: string[] = []
  const redirecting = await serve(t, (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (request.url === '/a') response.writeHead(302, { location: '/b' })
    response.end()
  })
  const clock = createClock()
  await createFluxClient(clock).post(() => `${redirecting}/a`, '{}')
  t.same(asked, ['POST /a', 'GET /b'], 'a redirected POST is a GET')
})

/** Posts an event a second for as long as something is away, and a few seconds longer. */
async function throughout(
  t: Test,
  { awayMs, timeoutMs, leave, comeBack }: Away
): Promise<{ lost: string[]; known: number; posted: number }> {
  const clock = createClock()
  const flux = createFluxClient(clock, timeoutMs)
  const away = { t, clock, folder: tempFolder(t) }
  const absent = await leave(away)
  let url = absent.url
  let relay = absent.relay
  const posts: Promise<Posted>[] = []
  const seconds = awayMs / 1000
  await pass({ clock, flux }, seconds + 70, async (second) => {
    if (second === seconds) {
      relay = await comeBack(away, relay)
      url = relay.url
    }
    if (second < seconds + 5) posts.push(flux.post(() => `${url}/webhook`, JSON.stringify(about(`app-${second}`))))
  })
  const all = await Promise.all(posts)
  const { body } = (await relay?.get('/api/objects?limit=500')) ?? { body: '{}' }
  return {
    posted: all.length,
    lost: all.flatMap((posted) => (posted.is === 'lost' ? [posted.because] : [])),
    known: JSON.parse(body).objects.filter(({ object }: { object: { name: string } }) => /^app-/.test(object.name))
      .length
  }
}

interface Situation {
  t: Test
  clock: TestClock
  folder: string
}

interface Away {
  awayMs: number
  timeoutMs: number
  leave: (situation: Situation) => Promise<{ url: string; relay?: Relay }>
  comeBack: (situation: Situation, relay: Relay | undefined) => Promise<Relay>
}

const relayAway: Pick<Away, 'leave' | 'comeBack'> = {
  leave: async () => ({ url: nowhere }),
  comeBack: ({ t, clock, folder }) => startRelay(t, { clock, folder })
}

/** The relay runs, but answers 503: its queue is full. */
const storeAway: Pick<Away, 'leave' | 'comeBack'> = {
  async leave({ t, clock, folder }) {
    const relay = await startRelay(t, { clock, folder, env: { MAX_PENDING: '60' } })
    relay.slack.behave('*', () => ({ status: 500, body: 'busy' }))
    for (let n = 0; n < 60; n++) await relay.post(about(`before-${n}`))
    return { url: relay.url, relay }
  },
  async comeBack({ t, clock, folder }, relay) {
    await relay?.app.close()
    return startRelay(t, { clock, folder })
  }
}

t.test('a relay that cannot accept anything for 25 s loses nothing, with the timeout that we recommend', async (t) => {
  const { lost, known, posted } = await throughout(t, { awayMs: 25_000, timeoutMs: 60_000, ...storeAway })
  t.same(lost, [])
  t.equal(known, posted)
})

t.test('a relay that is away for 12 s loses nothing, whatever the timeout', async (t) => {
  for (const timeoutMs of [15_000, 60_000]) {
    const { lost, known, posted } = await throughout(t, { awayMs: 12_000, timeoutMs, ...relayAway })
    t.same(lost, [], `${timeoutMs}`)
    t.equal(known, posted, `${timeoutMs}`)
  }
})

t.test('a timeout of 15s bridges 14 s and one of 60s bridges 30 s, in whatever way the relay is away', async (t) => {
  for (const { timeoutMs, buysMs } of [
    { timeoutMs: 15_000, buysMs: 14_000 },
    { timeoutMs: 60_000, buysMs: 30_000 }
  ]) {
    for (const away of [relayAway, storeAway]) {
      t.same((await throughout(t, { awayMs: buysMs - 1000, timeoutMs, ...away })).lost, [], `${timeoutMs}`)
      const longer = await throughout(t, { awayMs: buysMs + 2000, timeoutMs, ...away })
      t.not(longer.lost.length, 0, 'a longer one loses what came at its beginning: the docs say so')
      t.equal(longer.known, longer.posted - longer.lost.length, 'and nothing else')
    }
  }
})
