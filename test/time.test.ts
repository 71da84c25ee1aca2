// Time from outside: is believed within bounds, and no failure is lost, whoever sets a clock.
import { dirname } from 'node:path'
import t, { type Test } from 'tap'
import { createAges, steadyClock } from '../src/clock.ts'
import { loadConfig } from '../src/config/config.ts'
import { normalise, stampOf, type WireEvent } from '../src/events/flux.ts'
import { believe } from '../src/events/time.ts'
import { createBudget } from '../src/intake/budget.ts'
import { createIntake } from '../src/intake/intake.ts'
import { createLog } from '../src/log.ts'
import { createMetrics } from '../src/metrics.ts'
import { createClocks } from '../src/operator/clocks.ts'
import type { Lasting } from '../src/operator/operator.ts'
import type { Plan } from '../src/store/kept-lanes.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import { createClock } from './fixtures/clock.ts'
import { fc } from './fixtures/fc.ts'
import { fluxEvent, startRelay, tempFolder } from './fixtures/relay.ts'
import { startReplay } from './fixtures/replay.ts'
import { plan } from './fixtures/store.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const toAll = `
destinations: { team: { preview: true } }
rules: [{ name: failures, match: { severity: error }, send: team }]`

/** An event about one object. `at` is in ms since the epoch. */
function wire(is: 'failed' | 'ready', at: number | null | string, changes: Partial<WireEvent> = {}): WireEvent {
  return fluxEvent({
    timestamp: typeof at === 'number' ? new Date(at).toISOString() : at,
    ...(is === 'ready' && { severity: 'info', reason: 'ReconciliationSucceeded', message: 'Reconciliation finished' }),
    ...changes
  })
}

t.test("an event's own time counts within 15 minutes of its receipt, and never later than that", async (t) => {
  const now = Date.parse('2026-09-21T14:00:00Z')
  const table: [stamp: number, behindMs: number, at: number, why: string][] = [
    [now - 30 * second, 0, now - 30 * second, 'a retry'],
    [now - 15 * minute, 0, now - 15 * minute, 'at the bound'],
    [now - 15 * minute - 1, 0, now, 'beyond it'],
    [now + 30 * second, 0, now, 'a little ahead'],
    [now + 40 * day, 0, now, 'far ahead'],
    [Date.parse('0001-01-01T00:00:00Z'), 0, now, 'Go’s zero time'],
    [Number.NaN, 0, now, 'none'],
    [Number.POSITIVE_INFINITY, 0, now, 'absurd'],
    [now - 2 * hour, 2 * hour - second, now - second, 'of a clock that is known to be behind'],
    [now + 2 * hour, -2 * hour - second, now - second, 'of a clock that is known to be ahead']
  ]
  for (const [stamp, behindMs, at, why] of table) t.equal(believe(stamp, now, behindMs), at, why)
})

t.test('the first failure of an object is notified, whatever its timestamp is', async (t) => {
  for (const timestamp of ['0001-01-01T00:00:00Z', null, '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z']) {
    const relay = await startRelay(t, { clock: createClock() })
    const { body } = await relay.post(wire('failed', timestamp))
    t.equal(body.transition, 'failed', `${timestamp}`)
    t.equal(body.notifications.length, 1)
    await relay.slack.until(({ accepted }) => accepted.length === 1)
    t.match(relay.slack.accepted[0]?.text, '2026-09-21 14:00 UTC', 'and the message has the time of its receipt')
  }
})

t.test('a cluster whose clock went back two hours has its failures notified, and their ends', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  const ready = await relay.post(wire('ready', clock.now()))
  t.equal(ready.body.transition, 'updated')
  const said: string[] = []
  for (const is of ['failed', 'ready', 'failed', 'ready'] as const) {
    clock.advance(5 * minute)
    said.push((await relay.post(wire(is, clock.now() - 2 * hour))).body.transition)
  }
  t.same(said, ['failed', 'recovered', 'failed', 'recovered'])
})

t.test('a controller that moved to a node whose clock is behind or ahead has its recoveries notified', async (t) => {
  for (const behind of [90 * second, -90 * second, 14 * minute]) {
    const clock = createClock()
    const relay = await startRelay(t, { clock })
    const from = (pod: string) => ({ reportingInstance: `kustomize-controller-${pod}` })
    const other = { involvedObject: { ...fluxEvent().involvedObject, name: 'other' } }
    await relay.post(wire('ready', clock.now(), from('old')))
    for (let n = 0; n < 3; n++) {
      clock.advance(10 * second)
      await relay.post(wire('ready', clock.now() - behind, { ...from('new'), ...other }))
    }
    clock.advance(minute)
    await relay.post(wire('failed', clock.now(), from('old')))
    clock.advance(30 * second)
    const { body } = await relay.post(wire('ready', clock.now() - behind, from('new')))
    t.equal(body.transition, 'recovered', `${behind / second} s`)
  }
})

t.test('a failure that arrives after the success that followed it is notified as a late report', async (t) => {
  const start = Date.parse('2026-09-21T12:00:00Z')
  const replay = startReplay(toAll)
  replay.receive(wire('ready', start + 40 * second), second)
  replay.receive(wire('failed', start + 5 * second), 50 * second)
  t.match(replay.said, [{ says: 'informed' }])
  t.match(replay.said[0]?.text, 'reported late: it failed at 12:00:05, which was over by 12:00:40 UTC: kustomize')
  t.equal([...replay.memory.values()][0]?.failure, undefined, 'it does not fail')
  replay.receive(wire('failed', start + 60 * second), second)
  t.equal(replay.said.length, 2, 'a failure after that is one')
})

t.test('a failure older than any retry fails its object: its clock must be behind', async (t) => {
  const start = Date.parse('2026-09-21T12:00:00Z')
  const replay = startReplay(toAll)
  replay.receive(wire('ready', start), second)
  replay.receive(wire('failed', start - 5 * minute), 6 * minute)
  t.match(replay.said, [{ says: 'failed' }])
})

t.test("a source's wrong clock is notified once, with its error, and so is its correction", async (t) => {
  const clock = createClock()
  const config = `
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$HOST/services/T/B/ops" }, pace: { perSecond: 50, burst: 100 } }
operator: ops
rules: [{ name: failures, send: team }]`
  const relay = await startRelay(t, { clock, config })
  const posted = () =>
    relay.slack.accepted.filter(({ path }) => path.endsWith('/ops')).map(({ body }) => (body as { text: string }).text)
  const skew = async () =>
    /source_clock_skew_seconds\{source="default"\} (.*)/.exec((await relay.get('/metrics')).body)?.[1]
  const post = async (behind: number) => {
    clock.advance(minute)
    await relay.post(wire('ready', clock.now() - behind, { reportingInstance: 'helm-controller-7c7b' }))
  }
  for (let n = 0; n < 5; n++) await post(0)
  t.equal(await skew(), '0')
  for (let n = 0; n < 6; n++) await post(2 * hour)
  await relay.slack.until(() => posted().length === 1)
  t.match(posted()[0], 'source default has a clock of helm-controller-7c7b that is 2 h behind the relay')
  t.equal(await skew(), '7200')
  t.match(relay.log.join(''), /is 2 h behind the relay/)
  for (let n = 0; n < 6; n++) await post(0)
  await relay.slack.until(() => posted().length === 2)
  t.match(posted()[1], /source default has clocks that are right again/)
  t.equal(await skew(), '0')
})

/** Alarms of an operator whom nobody notifies. */
const nobody: Lasting = { begun: async () => new Map(), begin: async () => true, end: async () => true }

const watched = `
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$HOST/services/T/B/ops" }, pace: { perSecond: 50, burst: 100 } }
operator: ops
rules: [{ name: failures, send: team }]`

/** A relay whose clients' clocks are `behind`, the notices to its operator, and a restart on its database. */
async function startWatched(t: Test) {
  const clock = createClock()
  let relay = await startRelay(t, { clock, config: watched })
  const { slack } = relay
  const posted = () =>
    slack.accepted.filter(({ path }) => path.endsWith('/ops')).map(({ body }) => (body as { text: string }).text)
  return {
    clock,
    posted,
    async post(behind: number, times: number, pod = 'helm-controller-7c7b') {
      for (let n = 0; n < times; n++) {
        clock.advance(minute)
        await relay.post(wire('ready', clock.now() - behind, { reportingInstance: pod }))
      }
      // The notice to the operator is stored beside the answer.
      await relay.get('/readyz')
      await relay.app.idle()
    },
    async restart() {
      await relay.app.close()
      clock.advance(3 * hour)
      const config = watched.replaceAll('$SLACK', slack.url()).replaceAll('$HOST', slack.url(''))
      relay = await startRelay(t, { clock, config, folder: dirname(relay.app.env.CONFIG_FILE) })
    }
  }
}

t.test('after a restart, a wrong clock is not reported again, but its correction is', async (t) => {
  const { posted, post, restart } = await startWatched(t)
  await post(2 * hour, 4)
  t.match(posted(), [/has a clock of helm-controller-7c7b that is 2 h behind/])
  await restart()
  await post(2 * hour, 4)
  t.equal(posted().length, 1, 'it still is')
  await restart()
  await post(0, 4, 'kustomize-controller-9f9f')
  t.equal(posted().length, 1, 'of the one that was wrong nothing has come')
  await post(2 * hour, 4)
  await post(0, 4)
  t.match(posted()[1], /has clocks that are right again, after 6 h/)
  await restart()
  await post(0, 4)
  t.equal(posted().length, 2)
})

t.test('a wrong clock that sends nothing more counts as over after a day, even across a restart', async (t) => {
  for (const restarts of [0, 1]) {
    const { clock, posted, post, restart } = await startWatched(t)
    await post(2 * hour, 4)
    if (restarts > 0) await restart()
    clock.advance(20 * hour)
    await post(0, 4, 'helm-controller-9f9f')
    t.equal(posted().length, 1)
    clock.advance(5 * hour)
    await post(0, 4, 'helm-controller-9f9f')
    t.match(posted()[1], /has sent nothing with a wrong time for a day/)
    await post(2 * hour, 4, 'helm-controller-9f9f')
    t.match(posted()[2], /has a clock of helm-controller-9f9f/)
  }
})

t.test('a clock that goes wrong again within the hour is news after that hour', async (t) => {
  const { posted, post } = await startWatched(t)
  for (const behind of [2 * hour, 0, 2 * hour, 0]) await post(behind, 5)
  t.match(posted(), [/that is 2 h behind/, /right again/], 'nobody is flooded')
  await post(2 * hour, 30)
  t.equal(posted().length, 2)
  await post(2 * hour, 30)
  t.match(posted()[2], /that is 2 h behind/)
})

t.test('a notice of a wrong clock that the database refused is tried again', async (t) => {
  const clock = createClock()
  const said: string[] = []
  let isAway = true
  const say = async (what: string) => {
    if (isAway) throw new Error('away')
    return said.push(what) > 0
  }
  const lasting: Lasting = {
    begun: async () => new Map(),
    begin: () => say('wrong'),
    end: () => say('right')
  }
  const clocks = createClocks({ lasting, clock, log: createLog([], () => [], { write: () => {} }) })
  const see = async (behind: number) => {
    clock.advance(minute)
    clocks.behind('eu', 'helm-controller', clock.now() - behind, clock.now())
    await new Promise(setImmediate)
  }
  for (const behind of [hour, hour, hour, hour]) await see(behind)
  isAway = false
  await see(hour)
  t.same(said, ['wrong'])
  isAway = true
  await see(0)
  isAway = false
  await see(0)
  t.same(said, ['wrong', 'right'])
})

t.test('the same event posted by hand again and again says nothing about a clock', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  for (let n = 0; n < 5; n++) {
    clock.advance(10 * second)
    await relay.post(wire('failed', '2025-01-01T00:00:00Z', { message: `${n}` }))
  }
  t.notMatch(relay.log.join(''), /The clock/)
})

t.test('small steps of the clock do not make time run back, and a large one is followed', async (t) => {
  const own = createClock(1_000_000)
  const steady = steadyClock(own, (now) => now)
  t.equal(steady.now(), 1_000_000)
  own.step(-30_000)
  let last = 1_000_000
  for (let n = 0; n < 70; n++) {
    own.advance(1000)
    t.ok(steady.now() >= last)
    last = steady.now()
  }
  t.equal(steady.now(), own.now(), 'after twice as long it is right')
  own.step(40 * day)
  t.equal(steady.now(), own.now())
  own.step(-40 * day)
  t.equal(steady.now(), own.now(), 'nobody has to wait forty days')
})

t.test('only time that passed while the relay was listening makes anything old', async (t) => {
  const clock = createClock()
  const ages = createAges(clock, 0)
  const start = clock.now()
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += minute) {
      clock.advance(minute)
      ages.before(day)
    }
  }
  t.equal(ages.before(day), 0, 'nothing in the first hour')
  pass(hour)
  t.equal(ages.before(day), clock.now() - day)
  clock.step(40 * day)
  t.equal(ages.before(day), 0, 'nothing in the hour after a leap')
  pass(2 * hour)
  t.ok(ages.before(day) < start, 'and nothing by the leap afterwards')
  clock.step(-40 * day)
  t.equal(ages.before(day), 0)
  pass(2 * hour)
  t.ok(ages.before(day) < start)
  pass(20 * hour)
  t.ok(ages.before(day) > start && ages.before(day) < start + 2 * hour, 'after a day it is a day old')

  const back = createAges(clock, 30 * hour)
  for (let n = 0; n < 120; n++) {
    clock.advance(minute)
    back.before(day)
  }
  t.ok(back.before(day) < clock.now() - 53 * hour, 'time in which no relay was there to try does not count')
})

const failing: Plan = {
  ...plan,
  token: () => ({ until: 0 }),
  next: (_lane, _pending, _gatherings, now) => ({ until: now + 1 }),
  oldest: 0
}
const anyStep = fc.oneof(
  fc.integer({ min: -40 * day, max: 40 * day }),
  fc.integer({ min: -20 * minute, max: 20 * minute })
)
const history = fc.array(
  fc.record({
    is: fc.constantFrom('failed', 'ready', 'ready'),
    passes: fc.integer({ min: second, max: 20 * minute }),
    late: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 * second })),
    cluster: fc.option(anyStep, { freq: 6, nil: 0 }),
    relay: fc.option(anyStep, { freq: 6, nil: 0 }),
    pod: fc.constantFrom('a', 'b')
  }),
  { minLength: 4, maxLength: 30 }
)

/** The deciding half of the relay on a real database, in virtual time. */
function startHistory(t: Parameters<typeof tempFolder>[0]) {
  const { config } = loadConfig(`cluster: prod\n${toAll}`, 'config.yaml', {})
  if (config === undefined) throw new Error('a faulty config')
  const own = createClock()
  const store = openSqlite(`${tempFolder(t)}/relay.db`)
  const clock = steadyClock(own, (now) => store.timeOf(now))
  const intake = createIntake({
    ...{
      store,
      clock,
      config: () => config,
      metrics: createMetrics(),
      wake: () => {},
      twins: () => {},
      stored: () => {},
      unstored: () => {},
      passed: () => {}
    },
    budget: createBudget({ store, config: () => config, maxPending: 10_000 }),
    full: () => {}
  })
  const log = createLog([], () => [], { write: () => {} })
  const clocks = createClocks({ lasting: nobody, clock, log })
  const ages = createAges(clock, 0)
  let events = 0
  return {
    own,
    store,
    /** Prunes and makes dead letters as a running relay does; resolves to how many wait. */
    async tidy() {
      const before = {
        events: ages.before(7 * day),
        deadLetters: ages.before(30 * day),
        duplicates: ages.before(2 * minute),
        gatherings: ages.before(60 * minute)
      }
      while ((await store.prune(before, 100)) >= 100);
      for (const lane of await store.busyLanes())
        await store.next(lane, { ...failing, oldest: ages.before(day) }, clock.now())
      return store.pending
    },
    /** Posts an event; resolves to its transition, whether anybody is notified, and whether the object fails. */
    async post(is: 'failed' | 'ready', stamp: number, pod: string, message = `${is} ${events}`) {
      const receivedAt = clock.now()
      const event = wire(is, Math.floor(stamp / second) * second, { message })
      events++
      const origin = { source: 'default', cluster: undefined, defaultCluster: 'prod' }
      const behindMs = clocks.behind('default', pod, stampOf(event), receivedAt)
      const receipt = await intake.accept({
        ...{ event: normalise(event, origin, receivedAt, config.classify), body: '{}', identity: `${events}` },
        ...{ receivedAt, behindMs }
      })
      if (receipt.status !== 'accepted') throw new Error(receipt.status)
      const { items } = await store.records.objects({}, { limit: 1 }, receivedAt)
      return {
        transition: receipt.transition,
        notified: receipt.notifications.length,
        isFailing: items[0]?.failure !== undefined
      }
    }
  }
}

t.test(
  'however either clock is set, a failure is notified or its object fails, and what waits is never lost',
  async (t) => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { own, store, post, tidy } = startHistory(t)
        let [cluster, waiting] = [0, 0]
        for (const { is, passes, late, cluster: set, relay, pod } of steps) {
          for (let left = passes; left > 0; left -= minute) {
            own.advance(Math.min(left, minute))
            if ((await tidy()) !== waiting) return false
          }
          cluster += set ?? 0
          const real = own.ticks()
          own.step(relay ?? 0)
          const { notified, isFailing } = await post(is as 'failed' | 'ready', real - late + cluster, pod)
          waiting += notified
          if (is === 'failed' && notified === 0 && !isFailing) return false
          if ((await tidy()) !== waiting) return false
        }
        await store.close()
        return true
      }),
      { numRuns: 30 }
    )
    t.pass()
  }
)

t.test("after the relay's clock was put right, an object's events count as later than those before", async (t) => {
  for (const [ahead, events] of [[5 * minute, 3] as const, [hour, 0] as const, [40 * day, 0] as const]) {
    for (const ends of [false, true]) {
      const { own, store, post } = startHistory(t)
      const say = (is: 'failed' | 'ready', message?: string) => {
        own.advance(20 * second)
        return post(is, own.ticks() - 700, 'pod', message)
      }
      await say('ready')
      own.step(ahead)
      for (let n = 0; n < events; n++) await say('ready')
      t.match(await say('failed'), { transition: 'failed', notified: 1 })
      own.step(-ahead)
      if (!ends) {
        t.match(await say('failed', 'EOF'), { transition: 'changed', notified: 1 }, 'another error')
        t.match(await say('failed', 'not found'), { transition: 'changed', notified: 1 }, 'and one more')
      }
      t.match(await say('ready'), { transition: 'recovered', notified: 1, isFailing: false })
      await store.close()
    }
  }
})

t.test("however wrong a clock is, a success delayed by Flux's retries is not a recovery", async (t) => {
  const event = fc.record({
    is: fc.constantFrom('failed', 'ready'),
    after: fc.integer({ min: 1, max: 40 }),
    late: fc.integer({ min: 0, max: 60 })
  })
  const wrong = fc.integer({ min: -40 * day, max: 40 * day }).map((ms) => ms - (ms % second))
  await fc.assert(
    fc.asyncProperty(wrong, fc.array(event, { minLength: 4, maxLength: 25 }), async (offset, events) => {
      const { own, store, post } = startHistory(t)
      for (let n = 0; n < 3; n++) {
        own.advance(10 * second)
        await post('ready', own.ticks() + offset, 'pod')
      }
      let made = own.ticks() + minute
      const posts = events.map(({ is, after, late }) => {
        made += after * second
        return { is: is as 'failed' | 'ready', made, comes: made + late * second }
      })
      let failedAt = 0
      for (const { is, made, comes } of posts.toSorted((a, b) => a.comes - b.comes)) {
        own.advance(comes - own.ticks())
        const { transition } = await post(is, made + offset, 'pod')
        if (transition === 'recovered' && made < failedAt) return false
        if (is === 'failed') failedAt = Math.max(failedAt, made)
      }
      await store.close()
      return true
    }),
    { numRuns: 30 }
  )
  t.pass()
})

t.test(
  "a lane that failed while the relay's clock was ahead goes on within its backoff once that is right",
  async (t) => {
    for (const ahead of [hour, 40 * day]) {
      const clock = createClock()
      clock.step(ahead)
      const config = `
destinations: { team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 1, burst: 1 } } }
rules: [{ name: failures, notify: every, send: team }]`
      const relay = await startRelay(t, { clock, config })
      relay.slack.behave('*', { status: 500, body: 'rollup_error' })
      await relay.post(wire('failed', clock.now()))
      await relay.logged(/message postponed/)
      clock.step(-ahead)
      relay.slack.calm()
      clock.advance(second)
      await relay.slack.until(({ accepted }) => accepted.length === 1)
      await relay.logged(/message sent/)

      // The same with an empty bucket instead of a backoff.
      clock.step(ahead)
      await relay.post(wire('failed', clock.now(), { message: 'another' }))
      clock.advance(2 * second)
      await relay.slack.until(({ accepted }) => accepted.length === 2)
      await relay.logged(/message sent/, 2)
      await relay.post(wire('failed', clock.now(), { message: 'a third' }))
      await relay.app.idle()
      clock.step(-ahead)
      clock.advance(2 * second)
      await relay.slack.until(({ accepted }) => accepted.length === 3)
    }
  }
)

t.test('a clock set while Slack is about to answer makes a lane wait neither longer nor shorter', async (t) => {
  for (const ahead of [hour, 40 * day, -hour, -40 * day]) {
    const clock = createClock()
    const relay = await startRelay(t, { clock })
    relay.slack.behave('*', (_request, index) => {
      if (index === 0) clock.step(ahead)
      return { status: 404, body: 'no_service' }
    })
    await relay.post(wire('failed', clock.now()))
    await relay.logged(/its lane waits/)
    await relay.app.idle()
    t.equal(relay.slack.received.length, 1, 'it waits')
    if (ahead > 0) clock.step(-ahead)
    relay.slack.calm()
    clock.advance(5 * minute)
    await relay.app.idle()
    t.equal(relay.slack.accepted.length, 1, 'and goes on when that is over')
  }
})

t.test('a relay whose clock is set back, or was ahead, sends failures and their ends as before', async (t) => {
  for (const ahead of [10 * minute, 2 * hour, 40 * day]) {
    const clock = createClock()
    const relay = await startRelay(t, { clock })
    clock.step(ahead)
    const said = [(await relay.post(wire('ready', clock.ticks()))).body.transition]
    clock.step(-ahead)
    for (const is of ['failed', 'ready', 'failed', 'ready'] as const) {
      clock.advance(minute)
      said.push((await relay.post(wire(is, clock.ticks()))).body.transition)
    }
    t.same(said, ['updated', 'failed', 'recovered', 'failed', 'recovered'], `${ahead / minute} minutes`)
  }
})
