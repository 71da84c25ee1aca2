// Replicas on one PostgreSQL: keep their promises together. What one promises by itself is in store.test.ts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import t, { type Test } from 'tap'
import { createPace, take } from '../../src/deliver/pace.ts'
import { type Arrival, type Decide, type Decision, rolloutMs } from '../../src/store/kept.ts'
import type { Plan } from '../../src/store/kept-lanes.ts'
import { firstHeldSql, gatheringsSql, heldSql } from '../../src/store/postgres/claim.ts'
import { lockNumbers } from '../../src/store/postgres/locks.ts'
import { waitedForSql } from '../../src/store/postgres/moves.ts'
import { lateSql } from '../../src/store/postgres/mutes.ts'
import { backlogSql, busyLanesSql } from '../../src/store/postgres/queue.ts'
import { settingsSql } from '../../src/store/postgres/settings.ts'
import { lookSql, waitingSql } from '../../src/store/postgres/standing.ts'
import { allHot } from '../../src/store/postgres/statements.ts'
import { openPostgres, type PostgresOptions } from '../../src/store/postgres/store.ts'
import type { Store } from '../../src/store/store.ts'
import { viewText } from '../../src/store/texts.ts'
import type { Withheld } from '../../src/store/withheld.ts'
import { execute, startPostgres } from '../fixtures/postgres.ts'
import { about, startRelay } from '../fixtures/relay.ts'
import { again, arrival, at, attempt, plan, post, sendTo, sent, view } from '../fixtures/store.ts'

const postgres = await startPostgres(t, { isOwn: true })

/** Two stores on one new database, whose time the test controls. */
async function pair(t: Test, options: PostgresOptions = {}): Promise<[Store, Store, string]> {
  const url = await postgres.createDatabase()
  const open = () => openPostgres(url, { clock: 'caller', ...options })
  // At once, so neither finds the tables.
  const [a, b] = await Promise.all([open(), open()])
  t.teardown(() => Promise.all([a.close(), b.close()]))
  return [a, b, url]
}

/** Resolves to the first post that `store` may begin in `lane`. */
async function firstPost(store: Store, lane: string) {
  for (;;) {
    const step = await store.next(lane, plan, at)
    if (step.is === 'post') return step
    await pause(20)
  }
}

/** Retries until it succeeds. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch {
      await pause(20)
    }
  }
}

t.test('replicas that start at the same time create the tables once', async (t) => {
  const url = await postgres.createDatabase()
  const stores = await Promise.all(Array.from({ length: 4 }, () => openPostgres(url)))
  t.same(await execute(url, 'select * from relay_schema'), [
    { version: 1 },
    { version: 2 },
    { version: 3 },
    { version: 4 },
    { version: 5 },
    { version: 6 },
    { version: 7 }
  ])
  await Promise.all(stores.map((store) => store.close()))
})

t.test('while one replica posts from a lane, the other leaves it alone', async (t) => {
  const [a, b] = await pair(t)
  await a.accept([arrival('one'), arrival('two')], sendTo('lane'))
  const first = await post(a, 'lane')
  const step = await b.next('lane', plan, at)
  t.match(step, { is: 'wait', isInterruptible: true })
  t.ok(step.is === 'wait' && step.until > at && step.until <= at + 5000, 'and looks again soon')
  await a.settle(first, attempt, again)
  t.match(await b.next('lane', plan, at), { is: 'wait', until: at + 500 }, 'the backoff is for both')
  const step2 = await b.next('lane', plan, at + 500)
  t.match(step2, { is: 'post', message: { id: first.id, payload: first.payload } })
  await t.rejects(a.settle(first, attempt, sent), { code: 'LANE_LOST' })
})

t.test('two replicas that drain a lane together keep its order and never post at once', async (t) => {
  const [a, b] = await pair(t)
  const names = Array.from({ length: 100 }, (_, n) => `app-${n}`)
  await a.accept(
    names.map((name) => arrival(name)),
    sendTo('lane')
  )
  const posted: string[] = []
  let inFlight = 0
  let most = 0
  async function drain(store: Store): Promise<void> {
    for (;;) {
      const step = await store.next('lane', plan, at)
      if (step.is === 'idle') return
      if (step.is === 'wait') {
        await pause(2)
        continue
      }
      most = Math.max(most, ++inFlight)
      await pause(1)
      posted.push(step.message.payload.text)
      inFlight -= 1
      await store.settle(step.message, attempt, sent)
    }
  }
  await Promise.all([drain(a), drain(b)])
  t.equal(most, 1)
  t.same(posted, names)
})

t.test('the lane of a killed replica goes on elsewhere, with the message it was posting', async (t) => {
  const leaseMs = 600
  const [a, , url] = await pair(t, { leaseMs })
  await a.accept([arrival('one')], sendTo('lane'))
  const program = join(import.meta.dirname, '..', 'fixtures', 'holder.ts')
  const holder = spawn(process.execPath, [program, url, `${leaseMs}`], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => holder.kill('SIGKILL'))
  const [id] = await once(holder.stdout, 'data')
  t.match(await a.next('lane', plan, at), { is: 'wait' })
  await pause(leaseMs + 200)
  t.match(await a.next('lane', plan, at), { is: 'wait' }, 'as long as it lives')
  holder.kill('SIGKILL')
  const killed = performance.now()
  const { message } = await firstPost(a, 'lane')
  t.equal(`${message.id}\n`, String(id))
  t.ok(performance.now() - killed <= leaseMs + 500, 'soon after its lease ran out')
})

t.test('a replica that is cut off ends its post before another may begin', async (t) => {
  const leaseMs = 1000
  const [b, , url] = await pair(t, { leaseMs })
  const line = await startLine(t, Number(new URL(url).port))
  const a = await openPostgres(Object.assign(new URL(url), { port: line.port }).href, { leaseMs, clock: 'caller' })
  t.teardown(() => a.close())
  await b.accept([arrival('one'), arrival('two')], sendTo('lane'))
  const step = await a.next('lane', plan, at)
  if (step.is !== 'post' || step.signal === undefined) throw new Error('wanted a post that can be called off')
  const { signal } = step
  t.notOk(signal.aborted)
  line.cut()
  const calledOff = once(signal, 'abort').then(() => performance.now())
  const taken = await firstPost(b, 'lane').then(({ message }) => ({ message, when: performance.now() }))
  t.ok(signal.aborted && (await calledOff) <= taken.when)
  await t.rejects(a.next('lane', plan, at), { code: 'CANNOT_STORE' }, 'and asks for no more')

  line.mend()
  await eventually(() => a.ping())
  await t.rejects(a.settle(step.message, attempt, sent), { code: 'LANE_LOST' }, 'the outcome is the other one’s')
  await b.settle(taken.message, attempt, sent)
  const { message } = await eventually(() => firstPost(a, 'lane'))
  t.equal(message.payload.text, 'two')
})

t.test('two replicas that see a new object at the same moment decide one after the other', async (t) => {
  const [a, b] = await pair(t)
  const decide: Decide = (item, memory) => ({
    ...sendTo('lane')(item),
    transition: memory === undefined ? 'failed' : 'repeated'
  })
  for (let n = 0; n < 20; n++) {
    const batch = () => [arrival(`app-${n}`), arrival(`other-${n}`)]
    const receipts = (await Promise.all([a.accept(batch(), decide), b.accept(batch().reverse(), decide)])).flat()
    const transitions = receipts.map((receipt) => (receipt.status === 'accepted' ? receipt.transition : ''))
    t.same(transitions.toSorted(), ['failed', 'failed', 'repeated', 'repeated'])
  }
})

t.test('batches about the same objects, in any order, wait for each other without a deadlock', async (t) => {
  const [a, b] = await pair(t)
  const names = Array.from({ length: 50 }, (_, n) => `app-${n}`)
  const batch = () => names.toSorted(() => Math.random() - 0.5).map((name) => arrival(name))
  const accepted = await Promise.all(
    Array.from({ length: 40 }, (_, n) => (n % 2 ? a : b).accept(batch(), sendTo('lane')))
  )
  t.ok(accepted.flat().every(({ status }) => status === 'accepted'))
  t.equal(await a.backlog('lane'), 2000)
})

/** Connects another program, `other`, that can lock something. */
async function locker(t: Test, url: string) {
  const other = new Client(url)
  await other.connect()
  t.teardown(() => other.end())
  return {
    other,
    /** Runs `waits`, which needs a lock of `other`. The lock is released some time after the wait is seen. */
    async letWait<T>(waits: () => Promise<T>): Promise<T> {
      const result = waits()
      let isOver = false
      const over = () => {
        isOver = true
      }
      result.then(over, over)
      const isWaiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      while (!isOver && (await execute(url, isWaiting)).length === 0) await pause(1)
      await other.query('select pg_sleep(0.05); commit')
      return result
    }
  }
}

t.test('despite a short lock_timeout of the server, events wait for each other, and a start for tables', async (t) => {
  const url = await postgres.createDatabase()
  await execute(url, `alter database ${new URL(url).pathname.slice(1)} set lock_timeout = '5ms'`)
  const { other, letWait } = await locker(t, url)
  await other.query(`begin; select pg_advisory_xact_lock(${lockNumbers.schema})`)
  const store = await letWait(() => openPostgres(url, { clock: 'caller' }))
  t.teardown(() => store.close())
  await store.accept([arrival('one')], sendTo('lane'))
  await other.query('begin; select * from objects for update')
  const [receipt] = await letWait(() => store.accept([arrival('one')], sendTo('lane')))
  t.equal(receipt?.status, 'accepted')
})

t.test('defaults of a database that statements are not written for are undone', async (t) => {
  const url = await postgres.createDatabase()
  const name = new URL(url).pathname.slice(1)
  const defaults = {
    array_nulls: 'off',
    standard_conforming_strings: 'off',
    default_transaction_isolation: "'serializable'",
    idle_session_timeout: '12345',
    transaction_timeout: '12345'
  }
  for (const [setting, value] of Object.entries(defaults)) {
    // Older servers do not have every setting.
    await execute(url, `alter database ${name} set ${setting} = ${value}`).catch(() => {})
  }
  const store = await openPostgres(url, { clock: 'caller' })
  t.teardown(() => store.close())
  const share = String.raw`\\host\share`
  const body = JSON.stringify({ message: `${share} is 100%_full!` })
  const [receipt] = await store.accept([arrival('one', { body })], sendTo('lane'))
  t.equal(receipt?.status, 'accepted')
  await store.settle(await post(store, 'lane'), attempt, sent)
  for (const word of [share, '100%_full!']) {
    const { items } = await store.records.events({ search: { fields: {}, words: [word] } }, { limit: 1 })
    t.equal(items.length, 1, word)
  }
  t.equal((await store.records.events({ search: { fields: {}, words: ['100_full'] } }, { limit: 1 })).items.length, 0)

  const client = new Client(url)
  await client.connect()
  t.teardown(() => client.end())
  await client.query(settingsSql)
  const { rows } = await client.query(
    `select name from pg_settings where name = any($1) and source = 'database' order by name`,
    [Object.keys(defaults)]
  )
  t.same(rows, [{ name: 'standard_conforming_strings' }])
})

t.test('the same body at two replicas is one event', async (t) => {
  const [a, b] = await pair(t)
  for (let n = 0; n < 20; n++) {
    const same = arrival(`app-${n}`)
    const receipts = (await Promise.all([a.accept([same], sendTo('lane')), b.accept([same], sendTo('lane'))])).flat()
    t.same(receipts.map(({ status }) => status).toSorted(), ['accepted', 'duplicate'])
    const ids = receipts.map((receipt) => receipt.status !== 'failed' && receipt.id)
    t.equal(ids[0], ids[1])
  }
})

t.test('a group that two replicas begin at the same moment is sent as one', async (t) => {
  const [a, b] = await pair(t)
  const grouped = (item: Arrival): Decision => {
    const decision = sendTo('lane')(item)
    const group = { key: 'revision', waitMs: 10_000 }
    return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, group })) }
  }
  await Promise.all([
    a.accept([arrival('one')], grouped),
    b.accept([arrival('two', { receivedAt: at + 5 })], grouped),
    a.accept([arrival('three', { receivedAt: at + 9 })], grouped),
    b.accept([arrival('four', { receivedAt: at + 7 })], grouped)
  ])
  await b.accept([arrival('next', { receivedAt: at + 10_010 })], grouped)
  const seen: string[] = []
  const look: Plan['next'] = (_lane, pending, _gatherings, now) => {
    seen.push(...pending.map(({ view }) => view.object.name))
    return { until: now }
  }
  await a.next('lane', { ...plan, next: look }, at + 10_009)
  t.same(seen.toSorted(), ['four', 'one', 'three', 'two'])
})

t.test('replicas whose clocks differ, and are set meanwhile, follow one clock and keep one pace', async (t) => {
  const url = await postgres.createDatabase()
  const hour = 3_600_000
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  Date.now = () => now() + hour
  const ahead = await openPostgres(url)
  Date.now = now
  const exact = await openPostgres(url)
  t.teardown(() => Promise.all([ahead.close(), exact.close()]))
  for (const set of [-hour, 0, 40 * 24 * hour]) {
    Date.now = () => now() + set
    t.ok(Math.abs(ahead.timeOf(Date.now()) - now()) < 500, 'the database’s, whatever its own says')
  }
  Date.now = now
  const time = () => ahead.timeOf(now())

  const pace = createPace({ perSecond: 1, burst: 1 })
  const paced: Plan = {
    ...plan,
    token: ({ bucket }, now) => take(bucket, pace, now),
    next(state, pending, gatherings, now) {
      const age = now - (pending[0]?.createdAt ?? 0)
      if (age < -50 || age > 5000) throw new Error(`accepted ${age} ms ago`)
      const taken = take(state.bucket, pace, now)
      return 'until' in taken ? taken : { ...plan.next(state, pending, gatherings, now), ...taken }
    },
    oldest: 0
  }
  const started = now()
  const early = { receivedAt: time() }
  await ahead.accept([arrival('one', early), arrival('two', early), arrival('three', early)], sendTo('lane'))
  const first = await ahead.next('lane', paced, time())
  if (first.is !== 'post') throw new Error(`wanted a post, got ${first.is}`)
  t.ok(Math.abs(first.message.newestAt - started) < 500, 'so does what it writes')
  await ahead.settle(first.message, { at: time(), answer: '200 ok' }, sent)
  const second = await exact.next('lane', paced, now())
  t.ok(second.is === 'wait' && Math.abs(second.until - started - 1020) < 500, 'the token is spent for both')

  await pause(second.is === 'wait' ? second.until - now() : 0)
  const third = await ahead.next('lane', paced, time())
  if (third.is !== 'post') throw new Error(`wanted a post, got ${third.is}`)
  const limited = { notBefore: time() + 5000 }
  const open = { state: 'open', failures: 0, isPlain: false } as const
  await ahead.settle(third.message, { at: time(), answer: '429' }, { message: open, lane: limited })
  const asked = now()
  const later = await exact.next('lane', paced, asked)
  t.ok(later.is === 'wait' && Math.abs(later.until - asked - 5000) < 500, 'Slack’s Retry-After counts for both')
})

t.test("replicas notice each other's work, and what a dead one leaves behind", async (t) => {
  const [b, , url] = await pair(t)
  const a = await openPostgres(url, { clock: 'caller' })
  const woken: string[] = []
  b.listen((lanes) => woken.push(...lanes))
  a.listen((lanes) => t.fail(`was woken by its own ${lanes}`))
  await a.accept([arrival('one'), arrival('two')], sendTo('lane'))
  await a.accept([arrival('three')], sendTo('other'))
  while (woken.length < 2) await pause(20)
  t.same(woken.toSorted(), ['lane', 'other'])
  woken.length = 0
  await post(a, 'lane')
  await a.close()
  while (woken.length < 2) await pause(20)
  t.same(woken.toSorted(), ['lane', 'other'])
  t.match(await b.next('lane', plan, at), { is: 'post' }, 'without waiting for its lease to run out')
})

t.test('text that PostgreSQL cannot store does not affect other events', async (t) => {
  const [a] = await pair(t)
  const name = `a\0b${'\u{1f600}'.repeat(1000)}\ud800`
  const odd = arrival(name)
  odd.event.reason = '\0'
  const key = JSON.stringify(['\0', 'ü'.repeat(5000)])
  const decide: Decide = (item) => {
    const decision = sendTo('lane')(item)
    const notifications = decision.notifications.map((entry) => ({ ...entry, group: { key, waitMs: 1 } }))
    return { ...decision, notifications }
  }
  t.match(await a.accept([arrival('before'), odd, arrival('after')], decide), [
    { status: 'accepted' },
    { status: 'accepted' },
    { status: 'accepted' }
  ])
  let memory: unknown
  await a.accept([{ ...odd, identity: 'other' }], (item, known) => {
    memory = known
    return decide(item, known)
  })
  t.ok(memory, 'it is the same object the next time')
})

t.test('without a database nothing is accepted, and with it again everything goes on', async (t) => {
  const [a, b] = await pair(t)
  await a.accept([arrival('one')], sendTo('lane'))
  const stopped = postgres.restart()
  await t.rejects(
    (async () => {
      for (;;) await a.accept([arrival('lost')], sendTo('lost'))
    })(),
    { code: 'CANNOT_STORE' }
  )
  await t.rejects(a.ping(), { code: 'CANNOT_STORE' })
  await stopped
  await eventually(() => a.ping())
  await a.accept([arrival('two')], sendTo('lane'))
  t.equal((await post(b, 'lane')).payload.text, 'one')
})

t.test('no error shows the password', async (t) => {
  const url = await postgres.createDatabase()
  const secrets = ['p@ss', 'w#rd', 'p%40ss', 's3cret', '12#']
  const urls = [
    Object.assign(new URL(url), { password: 's3cret' }).href,
    Object.assign(new URL(url), { port: '1' }).href,
    Object.assign(new URL(url), { pathname: '/nowhere' }).href,
    'postgres://relay:12#s3cret@127.0.0.1:1/db',
    'postgres://relay:p@ss/w#rd@127.0.0.1:1/db',
    'postgres://relay:s3cret/a@127.0.0.1:1/db'
  ]
  for (const wrong of urls) {
    const error = await openPostgres(wrong).then(
      () => undefined,
      (error: unknown) => error
    )
    t.match(error, { code: 'BAD_DATABASE' })
    const { message, stack, cause } = error as Error
    t.equal(cause, undefined)
    for (const secret of secrets) t.notOk(`${message}${stack}`.includes(secret), `${message} is free of ${secret}`)
  }
})

t.test('finding the next notification does not read a hundred thousand rows', async (t) => {
  const [a, , url] = await pair(t)
  await execute(url, `insert into objects select 'o' || n, '{}', 0 from generate_series(1, 100000) n`)
  await execute(
    url,
    `insert into events select n, n, 's', 'c', 'k', 'n', 'n', 'error', 'r', 'failed', 'o', '{}', '{}' from generate_series(1, 100000) n`
  )
  await execute(
    url,
    `insert into messages (lane, destination, state, payload, newest_at, notifications, created_at)
    select 'lane-' || n % 1000, 'd', case when n < 500 then 'open' else 'sent' end, '{}', n, 1, n from generate_series(1, 20000) n`
  )
  await execute(
    url,
    `insert into notifications (event_id, rule, destination, lane, object, says, state, created_at, message_id)
    select n, 'r', 'd' || n % 1000, 'lane-' || n % 1000, 'o', 'failed', case when n % 2 = 0 then 'sent' else 'pending' end, n,
      case when n % 2 = 0 then n end from generate_series(1, 100000) n`
  )
  await execute(url, `insert into views select id, '{}' from notifications`)
  await execute(url, 'insert into lanes (key) select distinct lane from notifications')
  await execute(url, 'analyze')
  const queries: [what: string, sql: string, values: unknown[]][] = [
    ['what a lane composes from', waitingSql.text, ['lane-7', at, 500]],
    ['its open message, and whether it holds anything', lookSql.text, ['lane-7']],
    ['when what is held is due', firstHeldSql, ['lane-7']],
    ['what is held', heldSql, ['lane-7', at, 'd7', ['7'], Number.MAX_SAFE_INTEGER]],
    ['its gatherings', gatheringsSql.text, ['lane-7', ['lane']]],
    ['its backlog', backlogSql, ['lane-7']],
    ['the lanes with work', busyLanesSql, []],
    ['what a new config file moves', waitedForSql, []]
  ]
  for (const [what, sql, values] of queries) {
    const rows = await execute(url, `explain ${sql}`, values)
    const text = rows.map((row) => row['QUERY PLAN']).join('\n')
    t.notMatch(text, /Seq Scan on (notifications|messages|lanes|events)/, what)
  }
  t.equal((await a.busyLanes()).length, 749)
})

t.test('a plan cached while the tables were empty finds its rows by their keys', async (t) => {
  const [, , url] = await pair(t)
  // After vacuum the tables are known to be empty, and any index, or none, is as good as another.
  await execute(url, 'vacuum analyze')
  const client = new Client(url)
  await client.connect()
  t.teardown(() => client.end())
  await client.query(settingsSql)
  const { rows: version } = await client.query('show server_version_num')
  if (Number(version[0]?.server_version_num) < 160_000) return t.pass('this server cannot say what it would keep')
  const tables = 'events|notifications|views|messages|objects|recent_bodies|lanes|cards|card_entries|gatherings'
  t.ok(allHot.length > 12)
  for (const { text } of allHot) {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (generic_plan) ${text}`)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    t.notMatch(plan, new RegExp(`Seq Scan on (${tables})`), text)
    t.notMatch(plan, /Index (Only )?Scan using notifications_(state|destination)/, text)
    const scans = plan.match(/Index (Only )?Scan (using|on) /g) ?? []
    t.equal(plan.match(/Index Cond: /g)?.length ?? 0, scans.length, `each index by a key: ${plan}`)
  }
})

/** Leaves `many` failures withheld by a silence that was planned for an hour and ended after a second, as if its replica had died. */
async function leftBehind(store: Store, url: string, many: number): Promise<void> {
  const until = at + 3_600_000
  const { id } = await store.addSilence({ match: {}, comment: 'upgrade', endsAt: until }, at)
  for (let from = 0; from < many; from += 500) {
    const names = Array.from({ length: Math.min(500, many - from) }, (_, n) => `app-${from + n}`)
    await store.accept(
      names.map((name) => arrival(name)),
      (item) => {
        const decision = sendTo('lane')(item)
        const muting = { name: 'upgrade', until }
        return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, muting })) }
      }
    )
  }
  await execute(url, 'update silences set ends_at = $2 where id = $1', [id, at + 1000])
}

/** Ends the mutes that are over. Resolves to the number of notifications in each summary. */
async function endMutes(store: Store, now: number): Promise<number[]> {
  const sizes: number[] = []
  const compose = ({ notifications }: Withheld) => {
    sizes.push(notifications)
    return view('summary', 'informed')
  }
  await store.endMutes(now, () => 'lane', compose)
  return sizes
}

t.test(
  'the leftovers of a silence are summed up once, though a replica looks just when another has done it',
  async (t) => {
    const [a, b, url] = await pair(t)
    await leftBehind(a, url, 3)
    const { other, letWait } = await locker(t, url)
    await other.query('begin; update notifications set muted_until = null')
    t.same(await letWait(() => endMutes(b, at + 2000)), [])
  }
)

t.test('a silence ends even if the connection breaks before its notifications are free; they follow', async (t) => {
  const [a, , url] = await pair(t)
  await leftBehind(a, url, 3)
  await execute(url, 'update silences set ends_at = $1', [at + 3_600_000])
  const { other } = await locker(t, url)
  await other.query('begin; select * from notifications for update')
  const ending = a.endSilence('1', at + 1000)
  const cut = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`
  while ((await execute(url, cut)).length === 0) await pause(1)
  t.equal(await ending, true)
  await other.query('rollback')
  t.same(await endMutes(a, at + 2000), [3])
})

t.test('each leftover of a silence is looked up by its key, and compared with no other', async (t) => {
  const [a, , url] = await pair(t)
  await leftBehind(a, url, 2000)
  const client = new Client(url)
  await client.connect()
  t.teardown(() => client.end())
  await client.query(settingsSql)
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${lateSql}`, [at + 2000, 2000])
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  t.match(plan, /Index Cond: .*\bid = ANY/)
  t.notMatch(plan, /Semi Join/)
  t.same(await endMutes(a, at + 2000), [2000])
})

t.test('what a mute withheld is summed up in one message, even if two replicas see the end at once', async (t) => {
  const [a, b] = await pair(t)
  const names = Array.from({ length: 30 }, (_, n) => `object-${n}`)
  // Which replica is first varies.
  for (let mute = 0; mute < 15; mute++) {
    const until = at + 60_000 + mute
    await a.accept(
      names.map((name) => arrival(name)),
      (item) => {
        const decision = sendTo('lane')(item)
        const muting = { name: `upgrade ${mute}`, until }
        return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, muting })) }
      }
    )
    const sizes: number[] = []
    const end = (store: Store) =>
      store.endMutes(
        until,
        () => 'lane',
        ({ notifications }) => {
          sizes.push(notifications)
          return view('summary', 'informed')
        }
      )
    const woken = await Promise.all([end(a), end(b)])
    t.same(sizes, [names.length])
    t.same(woken.flat(), ['lane'])
  }
})

t.test('however much waits or was withheld, no statement changes so much of it that it times out', async (t) => {
  const [a, , url] = await pair(t)
  const many = 12_000
  await execute(
    url,
    `insert into notifications (event_id, rule, destination, lane, object, says, state, created_at)
     select n, 'r', 'team', 'old', 'o' || n % 7000, 'failed', 'pending', ${at} from generate_series(1, ${many}) n`
  )
  await execute(url, `insert into views select id, $1 from notifications`, [viewText(view('app'))])
  await execute(
    url,
    `insert into objects (key, memory) select 'o' || n, '{"notified":[]}' from generate_series(0, 6999) n`
  )
  await execute(
    url,
    `create function refuse() returns trigger language plpgsql as $$ begin
       if (select count(*) from changed) > ${many / 2} then raise 'too many at once'; end if;
       return null;
     end $$;
     create trigger bounded after update on notifications referencing new table as changed
       for each statement execute function refuse();
     create trigger bounded after update on objects referencing new table as changed
       for each statement execute function refuse()`
  )
  const count = async (where: string) =>
    Number((await execute(url, `select count(*) from notifications where ${where}`))[0]?.['count'])
  const becomes = (values: string) =>
    execute(
      url,
      `alter table notifications disable trigger bounded;
    update notifications set ${values}; alter table notifications enable trigger bounded`
    )

  await a.follow(() => new Map([['team', 'new']]), at)
  t.equal(await count(`lane = 'new'`), many, 'a destination that moves')
  await becomes(`holds = 1, held_until = ${at + 60_000}, held_at = ${at}`)
  await a.tryNow('new', at)
  t.equal(await count('held_until = 0'), many, 'a lane that goes on at once')
  await becomes(`holds = 0, held_until = ${at + 60_000}, held_at = ${at}`)
  await a.shorten(() => ({ forMs: 1000, waitMs: 0 }), at)
  t.equal(await count(`held_until = ${at + 1000}`), many, 'failures that need not last as long any more')
  await becomes(`held_until = 0, held_at = null, state = 'muted', mute = 'night', muted_until = ${at + 5000}`)
  await a.followMutes(() => [at + 2000], at)
  t.equal(await count(`muted_until = ${at + 2000}`), many, 'a mute that ends at another time')
  const sums: Withheld[] = []
  const compose = (sum: Withheld) => {
    sums.push(sum)
    return view('summary', 'informed')
  }
  t.same(await a.endMutes(at + 2000, () => undefined, compose), ['new'])
  t.match(sums, [{ mute: 'night', destination: 'team', notifications: many }], 'the summary of a mute')
  t.equal(sums[0]?.objects.length, 7000)
})

t.test('for a while, a replica with an older config file leaves what it does not know to the others', async (t) => {
  const [a, b] = await pair(t)
  await a.accept([arrival('one')], sendTo('new'))
  t.equal(await b.follow(() => new Map([['old', 'old']]), at + rolloutMs), 0)
  t.equal((await post(a, 'new')).payload.text, 'one')
  t.equal(await b.follow(() => new Map([['old', 'old']]), at + rolloutMs + 1), 1)
})

t.test(
  'a replica with an older config file does not at once report the end of a mute that it does not know',
  async (t) => {
    const [a, b] = await pair(t)
    const muting = { name: 'freeze', until: at + 3_600_000 }
    await a.accept([arrival('one')], (item) => {
      const decision = sendTo('lane')(item)
      return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, muting })) }
    })
    const summaries = async (now: number) => {
      const isToFollow = await b.followMutes(() => [], now)
      const lanes = await b.endMutes(
        now,
        () => 'lane',
        () => view('summary', 'informed')
      )
      return { isToFollow, lanes }
    }
    t.same(await summaries(at + rolloutMs), { isToFollow: true, lanes: [] })
    t.same(await summaries(at + rolloutMs + 1), { isToFollow: false, lanes: ['lane'] }, 'nobody has it any more')
  }
)

t.test('a replica with an older config file does not release what a rule unknown to it holds', async (t) => {
  const [a, b, url] = await pair(t)
  await a.accept([arrival('one')], (item) => {
    const decision = sendTo('lane')(item)
    const heldUntil = at + 600_000
    return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, heldUntil })) }
  })
  const heldAfter = async (now: number) => {
    await b.shorten(() => undefined, now)
    return (await execute(url, 'select held_until from notifications'))[0]?.['held_until']
  }
  t.equal(await heldAfter(at + rolloutMs), String(at + 600_000))
  t.equal(await heldAfter(at + rolloutMs + 1), String(at + rolloutMs + 1), 'nobody has it any more')
})

t.test('dead letters that two replicas retry, while their objects go on failing, are sent once', async (t) => {
  const [a, b] = await pair(t)
  const names = Array.from({ length: 40 }, (_, n) => `app-${n}`)
  const batch = () => names.toSorted(() => Math.random() - 0.5).map((name) => arrival(name))
  await a.accept(batch(), sendTo('gone'))
  await a.follow(() => new Map(), at + rolloutMs + 1)
  const ids = (await a.records.notifications({ state: 'dead' }, { limit: 500 })).items.map(({ id }) => id)
  t.equal(ids.length, names.length)
  const lanes = new Map([['gone', 'back']])
  const [retried] = await Promise.all([
    Promise.all([a, b, a, b].map((store) => store.records.retry(ids.toReversed(), lanes, at))),
    ...[a, b, a, b].map((store) => store.accept(batch(), sendTo('lane')))
  ])
  t.same(
    retried
      .flat()
      .map(({ id }) => id)
      .toSorted(),
    ids.toSorted()
  )
  t.equal(await a.backlog('back'), names.length)
})

t.test('the relay waits for a server that starts together with it', async (t) => {
  const url = await postgres.createDatabase()
  const line = await startLine(t, Number(new URL(url).port))
  line.cut()
  const reasons: string[] = []
  const waiting = (reason: string) => {
    reasons.push(reason)
    line.mend()
  }
  const store = await openPostgres(Object.assign(new URL(url), { port: line.port }).href, { waiting })
  t.equal(reasons.length, 1)
  await store.ping()
  await store.close()
})

t.test('the relay waits for a server whose connections are all taken', async (t) => {
  const url = await postgres.createDatabase()
  const role = new URL(url).pathname.slice(1)
  await execute(url, `create role ${role} login password 'x' connection limit 0`)
  await execute(url, `grant create on schema public to ${role}`)
  t.teardown(() => execute(url, `drop owned by ${role}; drop role ${role}`))
  const reasons: string[] = []
  const waiting = (reason: string) => {
    if (reasons.push(reason) === 1) execute(url, `alter role ${role} connection limit -1`).catch(t.threw)
  }
  const store = await openPostgres(Object.assign(new URL(url), { username: role, password: 'x' }).href, { waiting })
  t.match(reasons[0], /too many connections/)
  await store.ping()
  await store.close()
})

t.test('while the database is away Flux is asked to retry, and nothing is lost', async (t) => {
  const url = await postgres.createDatabase()
  const line = await startLine(t, Number(new URL(url).port))
  const relay = await startRelay(t, { env: { DATABASE_URL: Object.assign(new URL(url), { port: line.port }).href } })
  t.equal((await relay.post(about('before'))).status, 202)
  line.cut()
  const refused = await fetch(`${relay.url}/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(about('during'))
  })
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), null)
  t.match(await refused.json(), { code: 'CANNOT_STORE', message: /the database cannot be used/ })
  t.equal((await relay.get('/readyz')).status, 503)
  t.equal((await relay.get('/healthz')).status, 200)
  line.mend()
  await eventually(async () => {
    if ((await relay.post(about('during'))).status !== 202) throw new Error('not yet')
  })
  t.equal((await relay.get('/readyz')).status, 200)
  const posted = () => relay.slack.accepted.map(({ text }) => text).join()
  await relay.slack.until(() => /apps\/before/.test(posted()) && /apps\/during/.test(posted()), 30_000)
  t.notMatch(relay.log.join(''), new URL(url).password)
})

/** A proxy to the database that can be cut. */
async function startLine(t: Test, port: number) {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((socket) => {
    const far = connect(port, '127.0.0.1')
    for (const end of [socket, far]) {
      sockets.add(end)
      end.on('error', () => {})
      end.on('close', () => sockets.delete(end))
    }
    if (isCut) return void socket.destroy()
    socket.pipe(far).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return {
    port: String((server.address() as { port: number }).port),
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      isCut = false
    }
  }
}
