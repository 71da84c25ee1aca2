// PostgreSQL behind a pooler in transaction mode, which knows no named statements: the relay stops naming them by itself, and
// loses nothing while it finds out.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Client } from 'pg'
import t from 'tap'
import { openPostgres } from '../../src/store/postgres/store.ts'
import type { Store } from '../../src/store/store.ts'
import { noPooler, startPooler } from '../fixtures/pooler.ts'
import { execute, startPostgres } from '../fixtures/postgres.ts'
import { arrival, at, attempt, plan, sendTo, sent } from '../fixtures/store.ts'

const lanes = Array.from({ length: 6 }, (_, n) => `lane-${n}`)
const names = Array.from({ length: 40 }, (_, n) => `app-${n}`)

t.test('everything that passes through a pooler is stored once', { skip: noPooler }, async (t) => {
  const postgres = await startPostgres(t)
  const url = await startPooler(t, postgres.url, 3)
  const open = () => openPostgres(url, { clock: 'caller', warn: () => {} })
  const [a, b] = await Promise.all([open(), open()])
  t.teardown(() => Promise.all([a.close(), b.close()]))
  const posted: string[] = []
  async function drain(store: Store, lane: string): Promise<void> {
    for (;;) {
      const step = await store.next(lane, plan, at)
      if (step.is !== 'post') return
      posted.push(step.message.payload.text)
      await store.settle(step.message, attempt, sent)
    }
  }
  // All at once, so that transactions of both relays are spread over the connections.
  await Promise.all(
    names.map(async (name, n) => {
      const lane = lanes[n % lanes.length] ?? ''
      const [receipt] = await (n % 2 === 0 ? a : b).accept([arrival(name)], sendTo(lane))
      t.equal(receipt?.status, 'accepted')
    })
  )
  await Promise.all(lanes.map((lane, n) => drain(n % 2 === 0 ? b : a, lane)))
  t.same(posted.toSorted(), names.toSorted(), 'each was posted once')
  const rows = await execute(postgres.url, 'select state, count(*)::int from notifications group by state')
  t.same(rows, [{ state: 'sent', count: names.length }])
  t.same(await execute(postgres.url, 'select count(*)::int from events'), [{ count: names.length }])
})

t.test(
  "each relay says once why a pooler costs more, whether a statement's name was unknown or taken",
  { skip: noPooler },
  async (t) => {
    const postgres = await startPostgres(t)
    // One of the two server connections is always taken, so the relays get the other one.
    const url = await startPooler(t, postgres.url, 2)
    const takers: Client[] = []
    async function takeOne(): Promise<Client> {
      const taker = new Client(url)
      takers.push(taker)
      await taker.connect()
      await taker.query('begin')
      return taker
    }
    t.teardown(() => Promise.all(takers.map((taker) => taker.end())))
    const warnings: string[] = []
    const open = (name: string) =>
      openPostgres(url, { clock: 'caller', warn: (message) => warnings.push(`${name}: ${message}`) })
    async function accept(store: Store, name: string): Promise<void> {
      const [receipt] = await store.accept([arrival(name)], sendTo('lane'))
      t.equal(receipt?.status, 'accepted', name)
    }

    const first = await takeOne()
    const a = await open('a')
    t.teardown(() => a.close())
    await accept(a, 'app-1')
    t.same(warnings, [], 'there is one connection, which has heard of each name')
    const second = await takeOne()
    await first.query('rollback')
    await accept(a, 'app-2')
    t.match(warnings, [/^a: .*named statements/], 'the other connection has not heard of them')

    await first.query('begin')
    await second.query('rollback')
    const b = await open('b')
    t.teardown(() => b.close())
    await accept(b, 'app-3')
    t.match(warnings, [/^a: /, /^b: .*named statements/], 'the connection has heard of them from the first relay')
    for (const [store, name] of [
      [a, 'app-4'],
      [b, 'app-5']
    ] as const)
      await accept(store, name)
    t.equal(warnings.length, 2)
  }
)

t.test(
  'a replica that freezes within a transaction blocks its objects for nobody, even if the pooler gave it another connection',
  { skip: noPooler },
  async (t) => {
    const postgres = await startPostgres(t)
    const url = await startPooler(t, postgres.url, 2)
    const takers = [new Client(url), new Client(url)] as const
    t.teardown(() => Promise.all(takers.map((taker) => taker.end())))
    const [first, second] = takers
    for (const taker of takers) await taker.connect()
    const take = 'begin; set local idle_in_transaction_session_timeout = 0'
    await first.query(take)
    const program = join(import.meta.dirname, '..', 'fixtures', 'frozen.ts')
    const frozen = spawn(process.execPath, [program, url], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => frozen.kill('SIGKILL'))
    await once(frozen.stdout, 'data')
    // The frozen replica's setting was made on this connection.
    await second.query(take)
    await first.query('rollback')
    frozen.stdin.write('go on\n')
    await once(frozen.stdout, 'data')
    const other = await openPostgres(postgres.url, { clock: 'caller' })
    t.teardown(() => other.close())
    const accept = () => other.accept([arrival('app-1')], sendTo('lane'))
    // Flux would retry as well.
    const [receipt] = await accept().catch(accept)
    t.equal(receipt?.status, 'accepted')
  }
)
