// Lanes: wait when they should: the destination has moved, or its time has not come.
import t from 'tap'
import { type Clock, createAges, systemClock } from '../src/clock.ts'
import { createChannels, Destinations } from '../src/deliver/channels.ts'
import { createDestination, type Destination } from '../src/deliver/destination.ts'
import { createLanes, type Lanes } from '../src/deliver/lanes.ts'
import { createLog } from '../src/log.ts'
import { createMetrics } from '../src/metrics.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import type { Store } from '../src/store/store.ts'
import { createClock } from './fixtures/clock.ts'
import { tempFolder } from './fixtures/relay.ts'
import { again, arrival, attempt, post, sendTo } from './fixtures/store.ts'

interface Others {
  posted?: string[]
  clock?: Clock
  write?: (line: string) => void
}

function lanesOf(
  store: Store,
  destination: Destination,
  { posted = [], clock = systemClock, write = () => {} }: Others = {}
): Lanes {
  return createLanes({
    store,
    slack: {
      post: async (url) => {
        posted.push(url)
        return { is: 'failure', code: 'ECONNREFUSED' }
      },
      close: async () => {}
    },
    channels: createChannels(() => new Destinations([[destination.name, destination]], new Map()), clock),
    holdOf: () => ({ forMs: 0, waitMs: 0 }),
    operators: () => [],
    metrics: createMetrics(),
    spans: { posted() {} },
    clock,
    ages: createAges(clock, 0),
    log: createLog([], () => [], { write })
  })
}

t.test("what waits in a destination's former lane is not posted from there", async (t) => {
  const store = openSqlite(`${tempFolder(t)}/relay.db`)
  const team = createDestination('team', { slack: { webhookUrl: 'http://127.0.0.1:1/services/T/B/new' } })
  const posted: string[] = []
  // The move has not happened yet, as while the database is unreachable.
  const unmoved = Object.assign(store, { follow: async () => 0, busyLanes: async () => ['old'] })
  const lanes = lanesOf(unmoved, team, { posted })
  t.teardown(() => store.close())
  const receivedAt = Date.now()
  await store.accept([arrival('one', { receivedAt })], (item) => {
    const decision = sendTo('old')(item)
    return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, destination: 'team' })) }
  })
  // Written before the destination moved.
  await store.settle(await post(store, 'old', receivedAt), attempt, { ...again, lane: { notBefore: 0 } })
  await lanes.start()
  await new Promise((resolve) => setTimeout(resolve, 300))
  await lanes.stop(0)
  t.same(posted, [])
  t.equal(store.pending, 1, 'it waits')
})

t.test('a lane that waits for a moment is not checked for every event that comes meanwhile', async (t) => {
  const store = openSqlite(`${tempFolder(t)}/relay.db`)
  const team = createDestination('team', { slack: { webhookUrl: 'http://127.0.0.1:1/services/T/B/team' } })
  let looks = 0
  const next: Store['next'] = async (lane) => {
    looks += 1
    await new Promise(setImmediate)
    // As if events were accepted while the lane reads its backlog.
    if (looks < 10) lanes.wake([lane])
    return { is: 'wait', until: Date.now() + 60_000 }
  }
  const lanes = lanesOf(Object.assign(store, { next }), team)
  t.teardown(() => store.close())
  lanes.wake([team.lane])
  await lanes.idle()
  lanes.wake([team.lane])
  await lanes.stop(0)
  t.equal(looks, 1)
})

t.test('a manual try of a lane that is just finding out that it has to wait takes effect at once', async (t) => {
  const store = openSqlite(`${tempFolder(t)}/relay.db`)
  const team = createDestination('team', { slack: { webhookUrl: 'http://127.0.0.1:1/services/T/B/team' } })
  let looks = 0
  const next: Store['next'] = async (lane) => {
    looks += 1
    // The wait was read before the block behind it was lifted.
    if (looks === 1) await lanes.tryNow(lane, { name: 'anna', via: 'api' })
    return { is: 'wait', until: Date.now() + 60 * 60_000 }
  }
  const lanes = lanesOf(Object.assign(store, { next }), team)
  t.teardown(() => store.close())
  lanes.wake([team.lane])
  await lanes.idle()
  await lanes.stop(0)
  t.equal(looks, 2)
})

t.test('an unavailable database is logged in some lines a minute, not in one per second and lane', async (t) => {
  const clock = createClock()
  const store = openSqlite(`${tempFolder(t)}/relay.db`)
  t.teardown(() => store.close())
  const team = createDestination('team', { slack: { webhookUrl: 'http://127.0.0.1:1/services/T/B/team' } })
  const next = () => Promise.reject(new Error('away'))
  const lines: { lane: string; times?: number }[] = []
  const lanes = lanesOf(Object.assign(store, { next }), team, {
    clock,
    write: (line) => void lines.push(JSON.parse(line))
  })
  const names = Array.from({ length: 100 }, (_, n) => `lane-${n}`)
  lanes.wake(names)
  for (let second = 0; second < 61; second++) {
    await lanes.idle()
    clock.advance(1000)
  }
  await lanes.stop(0)
  t.equal(lines.length, 20)
  t.match(lines[10], { msg: /lane stopped by an error/, err: { message: 'away' }, times: 5991 })
})
