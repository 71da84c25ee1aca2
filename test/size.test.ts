// Database size: can be watched on disk and in memory, and what a flood took is given back.
import { pbkdf2 } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { openStore } from '../src/store/open.ts'
import { openDatabase } from '../src/store/sqlite/file.ts'
import { RecentBodies } from '../src/store/sqlite/recent-bodies.ts'
import { scrape } from './fixtures/exposition.ts'
import { execute, startPostgres } from './fixtures/postgres.ts'
import { about, startRelay, tempFolder } from './fixtures/relay.ts'
import { arrival, at, sendTo } from './fixtures/store.ts'

const mib = 1024 * 1024

t.test('a log that grew in a flood while a backup was read is truncated again', async (t) => {
  const file = join(tempFolder(t), 'relay.db')
  const store = await openStore(`sqlite:${file}`)
  t.teardown(() => store.close())
  const logBytes = () => statSync(`${file}-wal`).size
  const write = (count: number) =>
    store.accept(
      Array.from({ length: count }, () => arrival('x', { body: 'x'.repeat(100_000) })),
      sendTo('lane')
    )
  await write(1)
  const reader = new DatabaseSync(file, { readOnly: true })
  reader.exec('begin')
  reader.prepare('select count(*) from events').get()
  while (logBytes() < 64 * mib) await write(50)
  t.equal((await store.size()).logBytes, logBytes())
  reader.close()
  // Another thread moves the log in its own time: in memory, a thousand commits may be over before it has done so once.
  for (let tries = 0; tries < 1000 && logBytes() > 32 * mib; tries++) {
    await write(1)
    await pause(10)
  }
  t.ok(logBytes() <= 32 * mib, `${logBytes()} bytes`)
})

t.test('a write while the database closes does not end the process', async (t) => {
  for (let round = 0; round < 5; round++) {
    const file = join(tempFolder(t), 'relay.db')
    const store = await openStore(`sqlite:${file}`)
    // A log long enough to be moved, by a thread that has to end.
    for (let n = 0; n < 20; n++) {
      await store.accept(
        Array.from({ length: 20 }, (_, at) => arrival(`app-${20 * n + at}`, { body: 'x'.repeat(100_000) })),
        sendTo('lane')
      )
    }
    let isClosed = false
    const closing = store.close().then(() => {
      isClosed = true
    })
    while (!isClosed) {
      // Busy threads delay the disk as a slow disk would.
      for (let n = 0; n < 4; n++) pbkdf2('x', 'x', 10_000, 32, 'sha256', () => {})
      await Promise.race([closing, store.ping().catch(() => {})])
    }
    const again = await openStore(`sqlite:${file}`)
    t.equal(again.pending, 400)
    await again.close()
  }
})

t.test('what pruning leaves is counted as room', async (t) => {
  const file = join(tempFolder(t), 'relay.db')
  const store = await openStore(`sqlite:${file}`)
  t.teardown(() => store.close())
  await store.accept(
    Array.from({ length: 100 }, (_, n) => arrival(`app-${n}`, { body: 'x'.repeat(100_000) })),
    (item) => ({ ...sendTo('lane')(item), notifications: [] })
  )
  t.equal((await store.size()).reusableBytes, 0)
  await store.prune({ events: at + 1, deadLetters: 0, duplicates: 0, gatherings: 0 }, 1000)
  const { reusableBytes = 0, freeBytes = 0 } = await store.size()
  t.ok(reusableBytes > 9_000_000, `${reusableBytes}`)
  t.ok(freeBytes > 0)
})

t.test(
  'however many bodies come within two minutes, memory holds a limited number, and the newest are known',
  async (t) => {
    const file = join(tempFolder(t), 'relay.db')
    const store = await openStore(`sqlite:${file}`)
    const all = Array.from({ length: 6000 }, (_, n) => arrival(`app-${n}`))
    await store.accept(all, (item) => ({ ...sendTo('lane')(item), notifications: [] }))
    await store.close()
    const db = openDatabase(file)
    t.teardown(() => db.close())
    const bodies = new RecentBodies(db, 2000)
    t.ok(bodies.size > 1000 && bodies.size <= 2000, `${bodies.size}`)
    t.equal(bodies.find(all.at(-1)?.identity ?? '', at), 6000)
    t.equal(bodies.find(all.at(-1000)?.identity ?? '', at), 5001)
    t.equal(bodies.find(all[0]?.identity ?? '', at), undefined)
  }
)

t.test('Prometheus sees how large the database is, and how much room is left', async (t) => {
  const relay = await startRelay(t)
  await relay.post(about('shop'))
  const seen = await scrape(relay)
  for (const name of ['database_size_bytes', 'database_log_bytes', 'database_free_bytes'])
    t.ok((seen.value(name) ?? 0) >= 4096, name)
  t.ok((seen.value('database_reusable_bytes') ?? Number.NaN) <= 4096, 'next to nothing of a new one')
})

t.test('the size of a PostgreSQL is known, and nothing that looks like an empty volume', async (t) => {
  const { url } = await startPostgres(t)
  const relay = await startRelay(t, { env: { DATABASE_URL: url } })
  const seen = await scrape(relay)
  const [row] = await execute(url, 'select pg_database_size(current_database())::float8 as bytes')
  const bytes = Number(row?.['bytes'])
  t.ok(Math.abs((seen.value('database_size_bytes') ?? 0) - bytes) < mib)
  for (const name of ['database_log_bytes', 'database_free_bytes', 'database_reusable_bytes'])
    t.equal(seen.value(name), undefined, name)
  t.equal(seen.value('database_up'), 1)
})
