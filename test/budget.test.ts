// Budgets: bound what may wait for one destination, from one source and in all, so that who takes too much costs nobody else
// anything.
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../src/clock.ts'
import { createBudget } from '../src/intake/budget.ts'
import type { Decision, Tally } from '../src/store/kept.ts'
import { createClock } from './fixtures/clock.ts'
import { scrape } from './fixtures/exposition.ts'
import { fc } from './fixtures/fc.ts'
import { startPostgres } from './fixtures/postgres.ts'
import { about, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'
import { at, view } from './fixtures/store.ts'

// A quarter for each of five destinations, half for each of two sources.
const MAX_PENDING = '40'
const part = 10

const config = `
sources: { default: {}, eu: { cluster: eu, tokens: [key] } }
destinations:
  dead: { slack: { webhookUrl: "$SLACK/dead" } }
  gone: { slack: { webhookUrl: "$SLACK/gone" } }
  team: { slack: { webhookUrl: "$SLACK/team" }, pace: { perSecond: 50, burst: 100 } }
  all: { slack: { webhookUrl: "$SLACK/all" }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$SLACK/ops" }, pace: { perSecond: 50, burst: 100 } }
operator: ops
rules:
  - { name: dead, match: { namespace: dead }, notify: every, send: [dead, all] }
  - { name: gone, match: { namespace: gone }, notify: every, send: gone }
  - { name: team, match: { namespace: team }, notify: every, send: team }`

const eu = { path: '/webhook/eu', headers: { authorization: 'Bearer key' } }

/** A failure with a cause of its own, because further failures of one cause would be held. */
function failureIn(namespace: string, name: string) {
  return about(name, { reason: `Cause-${name}`, involvedObject: { kind: 'Kustomization', namespace, name } })
}

const heartbeat = about('well', {
  severity: 'info',
  reason: 'ReconciliationSucceeded',
  metadata: { commit_status: 'update' }
})

const down = { status: 503, body: 'down' }

function texts(relay: Relay, path: string): string {
  const of = relay.slack.accepted.filter((message) => message.path.endsWith(`/${path}`))
  return of.map(({ text, body }) => `${text} ${JSON.stringify(body)}`).join('\n')
}

/** A relay with two unreachable destinations; it retries what it tried there when `clock` moves on. */
async function startFull(t: Test, env: Record<string, string> = {}, clock: Clock = createClock()): Promise<Relay> {
  const relay = await startRelay(t, { config, clock, env: { MAX_PENDING, ...env } })
  for (const path of ['dead', 'gone']) relay.slack.behave(`/services/T000/B000/secret/${path}`, () => down)
  return relay
}

/** Resolves once what was posted is also recorded. */
async function untilSent(relay: Relay, destination: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if ((await scrape(relay)).value('pending', { destination }) === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`something waits for ${destination}`)
}

async function deadLetters(relay: Relay): Promise<{ destination: string; reason: string }[]> {
  return JSON.parse((await relay.get('/api/notifications?state=dead')).body).notifications
}

const postgres = await startPostgres(t)

for (const database of ['sqlite', 'postgres']) {
  const envOf = async (t: Test): Promise<Record<string, string>> => ({
    DATABASE_URL: database === 'sqlite' ? `sqlite:${tempFolder(t)}/relay.db` : await postgres.createDatabase()
  })

  t.test(`${database}: a removed webhook fills only its own part; everybody else is notified`, async (t) => {
    const relay = await startFull(t, await envOf(t))
    for (let n = 0; n < part + 5; n++) {
      t.equal((await relay.post(failureIn('dead', `app-${n}-x`))).status, 202)
      await relay.slack.until(() => texts(relay, 'all').includes(`app-${n}-x`))
    }
    t.equal((await relay.post(heartbeat)).status, 202)
    t.equal((await relay.post(heartbeat, eu)).status, 202)
    t.equal((await relay.post(failureIn('team', 'parcel'))).status, 202)
    await relay.slack.until(() => /parcel/.test(texts(relay, 'team')))

    const dead = await deadLetters(relay)
    t.equal(dead.length, 5, 'the others wait, up to the limit')
    for (const { destination, reason } of dead) {
      t.equal(destination, 'dead')
      t.equal(reason, 'its destination had reached its limit of 10 waiting notifications')
    }
    await relay.slack.until(() => /destination dead/.test(texts(relay, 'ops')))
    t.match(texts(relay, 'ops'), /10 notifications waiting, which is the limit: new ones become dead letters/)
    const full = relay.slack.accepted.filter(
      ({ path, text }) => path.endsWith('/ops') && /new ones become dead letters/.test(text)
    )
    t.equal(full.length, 1, 'the operator is notified of it once')
    for (const destination of ['all', 'team', 'ops']) await untilSent(relay, destination)
    const seen = await scrape(relay)
    t.equal(seen.value('pending', { destination: 'dead' }), part)
    t.equal(seen.value('pending_limit', { destination: 'dead' }), part)
    t.equal(seen.value('source_pending', { source: 'default' }), part)
    t.equal(seen.value('notifications_total', { destination: 'dead', state: 'dead' }), 5)
    t.equal(seen.value('notifications_total', { destination: 'dead', state: 'pending' }), part)
  })

  t.test(`${database}: a source that floods is answered 503; another one's events pass`, async (t) => {
    // With PostgreSQL, its own clock decides when a lane goes on.
    const clock = database === 'sqlite' ? createClock() : undefined
    const relay = await startFull(t, await envOf(t), clock ?? systemClock)
    for (let n = 0; n < part; n++) {
      t.equal((await relay.post(failureIn('gone', `app-${n}-x`))).status, 202)
      t.equal((await relay.post(failureIn('dead', `app-${n}-x`))).status, 202)
      await untilSent(relay, 'all')
    }
    const refused = await relay.post(failureIn('team', 'parcel'))
    t.equal(refused.status, 503)
    t.match(refused.body, {
      code: 'CANNOT_STORE',
      message: /^too many notifications of the source default are waiting/
    })
    t.equal((await relay.post(heartbeat)).status, 202, 'what leads to no notification takes no room')
    t.equal((await relay.post(failureIn('team', 'cart'), eu)).status, 202)
    await relay.slack.until(() => /cart/.test(texts(relay, 'team')) && /source default/.test(texts(relay, 'ops')))
    t.notMatch(texts(relay, 'team'), /parcel/, 'nothing of what was refused is kept')
    relay.slack.calm()
    clock?.advance(60_000)
    for (const destination of ['gone', 'dead']) await untilSent(relay, destination)
    t.equal((await relay.post(failureIn('team', 'parcel'))).status, 202, 'when they are delivered it has room again')
    await relay.slack.until(() => /parcel/.test(texts(relay, 'team')))
  })
}

t.test('there is room for a recovery where there was room for the failure', async (t) => {
  const relay = await startFull(t)
  for (let n = 0; n < part + 2; n++) await relay.post(failureIn('gone', `app-${n}`))
  for (let n = 0; n < part + 2; n++) {
    const over = {
      severity: 'info',
      reason: 'ReconciliationSucceeded',
      message: 'ok',
      timestamp: '2026-09-21T14:00:00Z'
    }
    t.equal(
      (await relay.post({ ...failureIn('gone', `app-${n}`), ...over } as Parameters<Relay['post']>[0])).status,
      202
    )
  }
  const dead = await deadLetters(relay)
  t.equal(dead.length, 2, 'the failures that had no room, and not the ends of those that had')
})

t.test('when everything is full, only events that would add to it are refused', async (t) => {
  const one = `
destinations: { team: { slack: { webhookUrl: "$SLACK" } } }
rules: [{ name: failures, match: { namespace: apps }, send: team }]`
  const relay = await startRelay(t, { config: one, clock: createClock(), env: { MAX_PENDING: '3' } })
  relay.slack.behave('*', () => down)
  for (let n = 0; n < 3; n++) t.equal((await relay.post(about(`app-${n}`))).status, 202)
  t.equal((await relay.post(about('app-4'))).status, 503)
  t.equal((await relay.post(heartbeat)).status, 202)
  t.equal((await relay.post(failureIn('elsewhere', 'app'))).status, 202, 'no rule matches it')
  t.equal((await relay.post(about('app-0'))).status, 202, 'the same failure again is no news')
  t.equal((await scrape(relay)).value('pending', { destination: 'team' }), 3)
})

t.test('a destination is as full after a restart as before', async (t) => {
  // Nobody listens there, before or after.
  const away = `
destinations: { gone: { slack: { webhookUrl: "http://127.0.0.1:1/services/T/B/x" } }, team: { slack: { webhookUrl: "$SLACK" } } }
rules: [{ name: all, send: gone }]`
  const options = { config: away, clock: createClock(), env: { MAX_PENDING: '8' }, folder: tempFolder(t) }
  const first = await startRelay(t, options)
  for (let n = 0; n < 4; n++) await first.post(about(`app-${n}`))
  t.same(await deadLetters(first), [])
  await first.app.close()
  const second = await startRelay(t, options)
  await second.post(about('late'))
  t.match(await deadLetters(second), [{ destination: 'gone', object: { name: 'late' } }])
})

t.test('no destination ever takes more than its part, and each source is charged what it added', async (t) => {
  // There are more destinations than it takes full ones to fill the relay.
  const names = ['a', 'b', 'c', 'd', 'e']
  const step = fc.record({
    source: fc.constantFrom('one', 'two', 'three'),
    to: fc.subarray(names, { minLength: 1 }),
    drain: fc.record({ from: fc.constantFrom(...names), count: fc.nat(5) }),
    isDecidedAgain: fc.boolean()
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 3, max: 40 }), (steps, maxPending) => {
      const tally = new Map<string, Tally>(names.map((name) => [name, { pending: 0, buried: 0 }]))
      const pendingOf = (name: string) => tally.get(name)?.pending ?? 0
      const store = {
        get pending() {
          return names.reduce((sum, name) => sum + pendingOf(name), 0)
        },
        tally: () => tally
      }
      const config = () => ({
        destinations: tally,
        sources: new Map([
          ['one', 1],
          ['two', 2],
          ['three', 3]
        ])
      })
      const budget = createBudget({ store, config, maxPending })
      for (const { source, to, drain, isDecidedAgain } of steps) {
        const isFull = store.pending >= maxPending
        budget.begin()
        try {
          if (isDecidedAgain) {
            budget.admit(source, decisionTo(to))
            budget.begin()
          }
          for (const { destination, dead } of budget.admit(source, decisionTo(to)).notifications) {
            if (dead === undefined) tally.set(destination, { pending: pendingOf(destination) + 1, buried: 0 })
          }
          if (isFull) return false
        } catch (error) {
          t.equal((error as { code?: string }).code, 'CANNOT_STORE')
        }
        budget.keep()
        for (const name of names) if (pendingOf(name) > budget.limits().destination) return false
        if (store.pending > maxPending + names.length) return false
        const charged = ['one', 'two', 'three'].reduce((sum, name) => sum + budget.waitingOf(name), 0)
        if (Math.abs(charged - store.pending) > 2) return false
        tally.set(drain.from, { pending: Math.max(0, pendingOf(drain.from) - drain.count), buried: 0 })
      }
      return true
    }),
    { numRuns: 300 }
  )
})

t.test('whoever added more waits with more, whatever has come and gone since', async (t) => {
  const tally = new Map<string, Tally>([['team', { pending: 0, buried: 0 }]])
  const store = {
    get pending() {
      return tally.get('team')?.pending ?? 0
    },
    tally: () => tally
  }
  const budget = createBudget({ store, config: () => ({ destinations: tally, sources: tally }), maxPending: 1000 })
  const byHand = new Map<string, number>()
  for (let batch = 0; batch < 400; batch++) {
    budget.begin()
    // Three events come from one source and one from the other. Then they change places, and all but a fifth of the backlog is sent.
    const [more, less] = batch < 200 ? ['one', 'other'] : ['other', 'one']
    for (const source of [more, more, more, less]) budget.admit(source, decisionTo(['team']))
    tally.set('team', { pending: store.pending + 4, buried: 0 })
    budget.keep()
    for (const [source, count] of [
      [more, 3],
      [less, 1]
    ] as const) {
      byHand.set(source, (byHand.get(source) ?? 0) + count)
    }
    const left = Math.ceil(store.pending / 5)
    for (const [source, count] of byHand) byHand.set(source, (count * left) / store.pending)
    tally.set('team', { pending: left, buried: 0 })
    for (const [source, count] of byHand) t.equal(budget.waitingOf(source), Math.round(count), `${source}, ${batch}`)
  }
})

t.test('notifications that another replica adds are charged to no source', async (t) => {
  const tally = new Map<string, Tally>([['team', { pending: 0, buried: 0 }]])
  const waiting = (pending: number) => tally.set('team', { pending, buried: 0 })
  const store = { pending: 0, tally: () => tally }
  const budget = createBudget({ store, config: () => ({ destinations: tally, sources: tally }), maxPending: 1000 })
  for (const [others, own] of [
    [0, 1],
    [50, 2],
    [100, 3]
  ] as const) {
    waiting(others + own - 1)
    budget.begin()
    budget.admit('one', decisionTo(['team']))
    waiting(others + own)
    budget.keep()
    t.equal(budget.waitingOf('one'), own)
  }
})

t.test('a full destination still gets the end of a failure, and does not count as notified of a new one', async (t) => {
  const tally = new Map<string, Tally>([['team', { pending: 10, buried: 0 }]])
  const store = { pending: 0, tally: () => tally }
  const budget = createBudget({ store, config: () => ({ destinations: tally, sources: tally }), maxPending: 10 })
  const failure = { reason: 'BuildFailed', text: 'm', since: at, count: 1 }
  const kept = { ...failure, severity: 'error' as const, revision: '', at, began: failure, prints: [] }
  const all = ['recovered', 'failed', 'changed', 'repeated'] as const
  budget.begin()
  const { notifications, memory } = budget.admit('one', {
    ...decisionTo([]),
    memory: {
      ...{ since: at, decidedAt: at, revision: '', failure: kept },
      notified: all.map((rule) => ({ rule, destination: 'team', at, reminders: 0 }))
    },
    notifications: all.map((says) => {
      return { rule: says, destination: 'team', lane: 'team', view: { ...view('x', says), failure } }
    })
  })
  const sent = notifications.filter(({ dead }) => dead === undefined)
  t.same(
    sent.map(({ rule }) => rule),
    ['recovered']
  )
  t.same(
    memory.notified.map(({ rule }) => rule),
    ['recovered', 'changed', 'repeated'],
    'the failure is sent once there is room'
  )
})

function decisionTo(destinations: readonly string[]): Decision {
  return {
    transition: 'failed',
    memory: { since: at, decidedAt: at, revision: '', notified: [] },
    notifications: destinations.map((destination) => ({ rule: 'r', destination, lane: destination, view: view('x') })),
    trace: { verdicts: [], quiet: [] },
    keep: true
  }
}
