// Lanes in any story: random arrivals, answers of Slack, clocks that are set and restarts, in virtual time, on both stores. Whatever
// happens, all that was accepted is delivered once Slack takes it, one request at a time, at the pace, and not before a limit is over.
import t, { type Test } from 'tap'
import { type Clock, createAges, steadyClock } from '../../src/clock.ts'
import type { Reply } from '../../src/deliver/answer.ts'
import { createChannels, Destinations } from '../../src/deliver/channels.ts'
import { createDestination } from '../../src/deliver/destination.ts'
import { createLanes, type Lanes } from '../../src/deliver/lanes.ts'
import { createPace } from '../../src/deliver/pace.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Arrival, Decision } from '../../src/store/kept.ts'
import type { Store } from '../../src/store/store.ts'
import { createClock, type TestClock } from '../fixtures/clock.ts'
import { fc } from '../fixtures/fc.ts'
import { arrival, sendTo, view } from '../fixtures/store.ts'
import { startStores } from '../fixtures/stores.ts'

const minutes = (count: number) => count * 60_000
const names = ['one', 'two'] as const
type Name = (typeof names)[number]

/** What Slack does from now on: answer so after so long; `lost`: take the message without an answer. */
type Manner =
  | { is: 'well'; afterMs: number }
  | { is: 'reply'; afterMs: number; reply: Reply }
  | { is: 'lost'; afterMs: number; code: string }

type Step =
  /** The first of a cause goes at once, where what follows of it is gathered: `isApart` gives each its own. */
  | { is: 'arrive'; count: number; at: Name; cause: number; isApart: boolean; says: 'failed' | 'recovered' | 'updated' }
  | { is: 'pass'; ms: number }
  | { is: 'set'; byMs: number }
  | { is: 'manner'; at: Name; manner: Manner }
  | { is: 'restart' }
  | { is: 'try'; at: Name }

const answer = (status: number, body = '', retryAfterMs?: number): Reply => ({
  is: 'answer',
  status,
  body,
  retryAfterMs,
  ...(status >= 300 && status < 400 && { redirectsTo: 'login.example.com' })
})
const failure = (code: string): Reply => ({ is: 'failure', code })

const replies: Reply[] = [
  ...[1000, 30_000, 300_000].map((ms) => answer(429, 'rate_limited', ms)),
  answer(429, ''),
  answer(200, '{"ok":false,"error":"rate_limited"}'),
  ...[500, 502, 503, 504].map((status) => answer(status, '<html>busy</html>')),
  answer(500, 'rollup_error'),
  answer(408),
  ...[answer(200), answer(200, '<html>log in</html>'), answer(202, 'queued'), answer(302), answer(307), answer(511)],
  ...[answer(403, 'Forbidden'), answer(404, 'no_service'), answer(410, 'channel_is_archived'), answer(407)],
  ...[answer(404, 'page not found'), answer(401, '{"message":"Unauthorized"}')],
  ...[502, 403, 407].map((status): Reply => ({ is: 'proxy', status })),
  ...['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED', 'ERR_SSL_WRONG_VERSION_NUMBER'].map(
    failure
  )
]
const lostBy = ['ECONNRESET', 'UND_ERR_SOCKET', 'TimeoutError']

const afterMs = fc.constantFrom(0, 0, 20, 200, 3000, 14_000)
const at = fc.constantFrom(...names)
const manner: fc.Arbitrary<Manner> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ is: fc.constant('well' as const), afterMs }) },
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constant('reply' as const), afterMs, reply: fc.constantFrom(...replies) })
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('lost' as const), afterMs, code: fc.constantFrom(...lostBy) }) }
)
const ms = fc.oneof(
  fc.integer({ min: 1, max: 3000 }),
  fc.integer({ min: 1000, max: minutes(2) }),
  fc.integer({ min: minutes(1), max: minutes(90) })
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('arrive' as const),
      count: fc.constantFrom(1, 1, 2, 5, 12, 40),
      at,
      cause: fc.integer({ min: 0, max: 2 }),
      isApart: fc.boolean(),
      says: fc.constantFrom('failed' as const, 'failed' as const, 'recovered' as const, 'updated' as const)
    })
  },
  { weight: 5, arbitrary: fc.record({ is: fc.constant('pass' as const), ms }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('manner' as const), at, manner }) },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('set' as const),
      byMs: fc.constantFrom(
        -minutes(60 * 24 * 365),
        -minutes(90),
        -30_000,
        -2000,
        2000,
        30_000,
        minutes(90),
        minutes(60 * 24 * 365)
      )
    })
  },
  { weight: 1, arbitrary: fc.constant({ is: 'restart' as const }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('try' as const), at }) }
)

/** One request. `at` and `over` in time that passes. */
interface Asked {
  at: number
  over: number
  reply: Reply
}

/** Each store in turns, and the clock that it is asked by. */
interface World {
  clock: TestClock
  store: Store
  lanes: Lanes
  /** Calls of the store that have not come back. */
  busy: number
  /** How often a lane looked for work. */
  looks: number
}

const urlOf = (name: Name) => `https://hooks.slack.com/services/T0/B0/${name}`
const destinations = new Map(
  names.map((name) => [name, createDestination(name, { slack: { webhookUrl: urlOf(name) } })] as const)
)
const laneOf = (name: Name) => destinations.get(name)?.lane ?? ''

async function play(open: () => Promise<Store>, steps: readonly Step[]): Promise<void> {
  const clock = createClock()
  const time: Clock = steadyClock(clock, (now) => now)
  const asked = new Map(names.map((name) => [name, [] as Asked[]]))
  const manners = new Map<Name, Manner>(names.map((name) => [name, { is: 'well', afterMs: 0 }]))
  /** When a clock was set, a lane tried by hand or the relay begun anew: from then on a limit may be over, or a bucket full. */
  const anew: number[] = []
  const taken = new Map<string, number>()
  const inFlight = new Set<string>()
  const faults: string[] = []
  let accepted = 0

  function post(url: string, signal: AbortSignal): Promise<Reply> {
    const name = url.slice(url.lastIndexOf('/') + 1) as Name
    const does = manners.get(name) ?? { is: 'well', afterMs: 0 }
    if (inFlight.has(name)) faults.push(`two requests at once to ${name}`)
    inFlight.add(name)
    const entry: Asked = { at: clock.ticks(), over: Number.POSITIVE_INFINITY, reply: failure('none') }
    asked.get(name)?.push(entry)
    return new Promise((resolve) => {
      const end = (reply: Reply) => {
        inFlight.delete(name)
        Object.assign(entry, { over: clock.ticks(), reply })
        resolve(reply)
      }
      const cancel = clock.after(does.afterMs, () => {
        if (does.is === 'well') end(answer(200, 'ok'))
        else end(does.is === 'reply' ? does.reply : failure(does.code))
      })
      signal.addEventListener('abort', () => {
        cancel()
        end(failure('AbortError'))
      })
    })
  }

  function begin(store: Store): World {
    const world = { clock, store, busy: 0, looks: 0 } as World
    const watched = new Proxy(store, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        return (...given: unknown[]) => {
          if (key === 'next') world.looks += 1
          const result: unknown = Reflect.apply(value, target, given)
          if (!(result instanceof Promise)) return result
          world.busy += 1
          return result.finally(() => {
            world.busy -= 1
          })
        }
      }
    })
    world.store = watched
    world.lanes = createLanes({
      store: watched,
      slack: { post: (url, _body, signal) => post(url, signal), close: async () => {} },
      channels: createChannels(() => new Destinations([...destinations], new Map()), time),
      holdOf: () => ({ forMs: 0, waitMs: 0 }),
      operators: () => [],
      metrics: createMetrics(),
      spans: {
        posted({ message, notifications, outcome }) {
          if (outcome === 'sent') taken.set(message, notifications)
        }
      },
      clock: time,
      ages: createAges(time, 0),
      log: createLog([], () => [], { write() {} })
    })
    return world
  }

  /** What can happen in this moment has happened. */
  async function settled(): Promise<void> {
    for (let still = 0; still < 4; still++) {
      await new Promise(setImmediate)
      while (world.busy > 0) {
        await new Promise(setImmediate)
        still = 0
      }
    }
  }

  async function pass(forMs: number): Promise<void> {
    await settled()
    const end = clock.ticks() + forMs
    while (clock.ticks() < end) {
      const before = world.looks
      clock.advance(Math.max(1, Math.min(clock.untilNext(), end - clock.ticks())))
      await settled()
      if (world.looks - before > 50) throw new Error('a lane looks again and again in one moment')
    }
  }

  let world = begin(await open())
  await world.lanes.start()
  for (const step of steps) {
    switch (step.is) {
      case 'arrive': {
        const arrivals = Array.from({ length: step.count }, () =>
          arrival(`app-${accepted++}`, { receivedAt: time.now() })
        )
        await world.store.accept(arrivals, (item) => decisionOf(item, step))
        world.lanes.wake([laneOf(step.at)])
        break
      }
      case 'pass':
        await pass(step.ms)
        break
      case 'set':
        anew.push(clock.ticks())
        clock.step(step.byMs)
        break
      case 'manner':
        manners.set(step.at, step.manner)
        break
      case 'try':
        anew.push(clock.ticks())
        await world.lanes.tryNow(laneOf(step.at), { name: 'anna', via: 'api' })
        break
      case 'restart':
        anew.push(clock.ticks())
        await world.lanes.stop(0)
        await world.store.close()
        world = begin(await open())
        await world.lanes.start()
    }
    await settled()
  }

  for (const name of names) manners.set(name, { is: 'well', afterMs: 20 })
  // The longest that a lane waits for is an hour, for the probe of a block; an answer may be under way, and more be gathered.
  for (let minute = 0; minute < 90 && world.store.pending > 0; minute++) await pass(minutes(1))
  const left = world.store.pending
  const { items } = await world.store.records.notifications({ state: 'dead' }, { limit: 1000 })
  await world.lanes.stop(0)
  await world.store.close()

  if (left > 0) faults.push(`${left} of ${accepted} still wait`)
  const sent = [...taken.values()].reduce((sum, count) => sum + count, 0)
  if (sent + items.length !== accepted) faults.push(`${accepted} accepted, ${sent} sent, ${items.length} dead`)
  for (const name of names)
    faults.push(...impatience(asked.get(name) ?? [], anew), ...haste(asked.get(name) ?? [], anew))
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

function decisionOf(item: Arrival, { at, cause, isApart, says }: Extract<Step, { is: 'arrive' }>): Decision {
  const lane = laneOf(at)
  const decision = sendTo(lane)(item)
  const { name } = item.event.object
  const text = isApart ? `cause of ${name}` : `cause ${cause}`
  const seen = { ...view(name, says), cause: text, summary: text }
  return {
    ...decision,
    notifications: decision.notifications.map((entry) => ({ ...entry, destination: at, view: seen }))
  }
}

/** Requests within a limit that was asked for: Slack may disable an app that goes on after a 429. */
function impatience(asked: readonly Asked[], anew: readonly number[]): string[] {
  return asked.flatMap(({ reply, over }, place) => {
    const next = asked[place + 1]
    if (next === undefined || reply.is !== 'answer' || reply.retryAfterMs === undefined) return []
    if (anew.some((moment) => moment >= over && moment <= next.at)) return []
    const waited = next.at - over
    return waited < reply.retryAfterMs
      ? [`asked again after ${waited} ms, where ${reply.retryAfterMs} were to be waited`]
      : []
  })
}

/** More in some time than the pace allows. A clock that is set may fill the bucket once. */
function haste(asked: readonly Asked[], anew: readonly number[]): string[] {
  const { burst, perSecond } = createPace()
  for (let first = 0; first < asked.length; first++) {
    for (let last = first + burst; last < asked.length; last++) {
      const [from, to] = [asked[first]?.at ?? 0, asked[last]?.at ?? 0]
      const fills = anew.filter((moment) => moment >= from && moment <= to).length
      const most = burst * (1 + fills) + ((to - from) / 1000) * perSecond
      if (last - first + 1 > most + 0.01) return [`${last - first + 1} requests within ${to - from} ms`]
    }
  }
  return []
}

t.test(
  'whatever comes, is answered, set or begun anew: nothing is lost, nothing hurries, nothing stands still',
  async (t) => {
    const { stores } = await startStores(t)
    const over = async (t: Test, kind: 'sqlite' | 'postgres', numRuns: number) => {
      const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const { open } = await stores[kind](t)
        await play(open, steps)
      })
      await fc.assert(property, { numRuns })
      t.pass(`${numRuns} stories`)
    }
    await t.test('sqlite', (t) => over(t, 'sqlite', 60))
    await t.test('postgres', (t) => over(t, 'postgres', 10))
  }
)
