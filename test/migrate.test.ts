// Migration to PostgreSQL: brings everything over; the relay continues where it was, and sends nothing twice.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openStore } from '../src/store/open.ts'
import { openPostgres } from '../src/store/postgres/store.ts'
import { startPostgres } from './fixtures/postgres.ts'
import { tempFolder } from './fixtures/relay.ts'
import { again, arrival, at, attempt, plan, post, sendTo, sent } from './fixtures/store.ts'

const postgres = await startPostgres(t)
const cli = join(import.meta.dirname, '..', 'src', 'main.js')

function migrate(file: string, to: string) {
  return spawnSync(process.execPath, [cli, 'migrate', '--from', `sqlite:${file}`, '--to', to], { encoding: 'utf8' })
}

/** The database of a busy relay: 500 objects with notifications, one message to be retried, more behind it. */
async function busyDatabase(t: Test): Promise<string> {
  const file = join(tempFolder(t), 'relay.db')
  const store = await openStore(`sqlite:${file}`)
  await store.accept(
    Array.from({ length: 500 }, (_, n) => arrival(`done-${n}`)),
    (item) => ({ ...sendTo('quiet')(item), notifications: [] })
  )
  const strange = arrival('strange', { body: 'a NUL \0 in a body' })
  await store.accept([arrival('first'), arrival('one'), arrival('two'), strange], sendTo('lane'))
  await store.settle(await post(store, 'lane'), attempt, sent)
  await store.settle(await post(store, 'lane'), attempt, again)
  await store.close()
  return file
}

t.test('the relay continues where it was', async (t) => {
  const file = await busyDatabase(t)
  const to = await postgres.createDatabase()
  const { status, stdout, stderr } = migrate(file, to)
  t.equal(stderr, '')
  t.equal(status, 0)
  t.match(stdout, /^1\d{3} rows moved/)
  t.notOk(existsSync(file), 'nobody can send from the file again')

  const store = await openPostgres(to, { clock: 'caller' })
  t.teardown(() => store.close())
  t.equal(store.pending, 3)
  t.match(await store.next('lane', plan, at), { is: 'wait', until: at + 500 }, 'the backoff goes on')
  const tried = await post(store, 'lane', at + 500)
  t.match(tried, { payload: { text: 'one' }, failures: 1 }, 'the open message is the next, word for word')
  await store.settle(tried, attempt, sent)
  const known: unknown[] = []
  await store.accept([arrival('done-7')], (item, memory) => {
    known.push(memory)
    return sendTo('lane')(item)
  })
  t.match(known, [{ since: at }], 'objects are remembered')
  const posted: string[] = []
  for (let n = 0; n < 3; n++) {
    const message = await post(store, 'lane', at + 500)
    posted.push(message.payload.text)
    await store.settle(message, attempt, sent)
  }
  t.same(posted, ['two', 'strange', 'done-7'], 'what is new comes after what was waiting')
})

t.test('a database in use can be neither source nor target', async (t) => {
  const file = await busyDatabase(t)
  const to = await postgres.createDatabase()
  const store = await openStore(`sqlite:${file}`)
  const locked = migrate(file, to)
  t.equal(locked.status, 2)
  t.match(locked.stderr, /another relay is using this database/)
  await store.close()

  t.equal(migrate(file, to).status, 0)
  const other = await busyDatabase(t)
  const full = migrate(other, to)
  t.equal(full.status, 2)
  t.match(full.stderr, /in use by a relay already; name one that is empty/)
  t.ok(existsSync(other), 'and stays as it was')
})

t.test('a failure to find something is reported without secrets', async (t) => {
  const missing = migrate(join(tempFolder(t), 'none.db'), postgres.url)
  t.equal(missing.status, 2)
  t.match(missing.stderr, /there is no database .*none\.db/)
  const file = await busyDatabase(t)
  const away = migrate(file, 'postgres://relay:s3cret@127.0.0.1:1/relay')
  t.equal(away.status, 2)
  t.match(away.stderr, /nothing was moved: ECONNREFUSED/)
  t.notMatch(away.stderr, 's3cret')
  t.ok(existsSync(file))
})

t.test('if the answer to the commit is lost, nothing false is said about the move', async (t) => {
  for (const isKept of [true, false]) {
    const file = await busyDatabase(t)
    const to = await postgres.createDatabase()
    const line = await startCutter(t, Number(new URL(to).port), isKept)
    const { status, stderr } = migrate(file, Object.assign(new URL(to), { port: `${line}` }).href)
    t.equal(status, 2)
    t.match(
      stderr,
      /it is not known whether everything was moved \(.*\); move it again: if the PostgreSQL is said to be in use/
    )
    t.ok(existsSync(file))
    const again = migrate(file, to)
    if (isKept) t.match(again, { status: 2, stderr: /in use by a relay already/ })
    else t.match(again, { status: 0, stdout: /rows moved/ })
  }
})

/** Starts a proxy to PostgreSQL that breaks at a commit, after or before it is done; resolves to its port. */
async function startCutter(t: Test, port: number, isDone: boolean): Promise<number> {
  const program = join(import.meta.dirname, 'fixtures', 'cutter.ts')
  const cutter = spawn(process.execPath, [program, `${port}`, isDone ? 'after' : 'before'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => cutter.kill('SIGKILL'))
  const [own] = await once(cutter.stdout, 'data')
  return Number(own)
}
