// Another program that locks SQLite's file: what can wait does so without delaying anything else, and nothing waits for ever.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openStore } from '../src/store/open.ts'
import { onceUnlocked } from '../src/store/sqlite/locked.ts'
import type { Store } from '../src/store/store.ts'
import { tempFolder } from './fixtures/relay.ts'
import { arrival, at, attempt, plan, post, sendTo, sent } from './fixtures/store.ts'

const locked = { code: 'CANNOT_STORE', message: /another program has it locked, .*: end it \(database is locked\)/ }

async function storeOn(t: Test): Promise<{ store: Store; other: DatabaseSync }> {
  const file = join(tempFolder(t), 'relay.db')
  const store = await openStore(`sqlite:${file}`)
  const other = new DatabaseSync(file)
  t.teardown(() => other.close())
  t.teardown(() => store.close())
  return { store, other }
}

t.test('what people and clusters bring waits until the lock is gone, and the relay goes on meanwhile', async (t) => {
  const { store, other } = await storeOn(t)
  await store.accept([arrival('before')], sendTo('lane'))
  const silence = { match: { name: 'app' }, comment: '', endsAt: at + 1000 }
  const works: Record<string, () => Promise<unknown>> = {
    accept: () => store.accept([arrival('app')], sendTo('lane')),
    ping: () => store.ping(),
    addSilence: () => store.addSilence(silence, at),
    tryNow: () => store.tryNow('lane', at),
    follow: () => store.follow(() => new Map([['lane', 'elsewhere']]), at)
  }
  for (const [name, work] of Object.entries(works)) {
    other.exec('begin immediate')
    let isOver = false
    const done = work().finally(() => {
      isOver = true
    })
    await turn()
    t.notOk(isOver, name)
    other.exec('commit')
    await t.resolves(done, name)
  }
  t.equal((await store.records.events({}, { limit: 10 })).items.length, 2)
  t.equal((await store.silences(at)).length, 1)
})

t.test('what is retried anyway fails at once, and says why', async (t) => {
  const { store, other } = await storeOn(t)
  await store.accept([arrival('one')], sendTo('lane'))
  const message = await post(store, 'lane')
  other.exec('begin immediate')
  const works: Record<string, () => Promise<unknown>> = {
    next: () => store.next('lane', plan, at),
    settle: () => store.settle(message, attempt, sent),
    noteLastEvents: () => store.noteLastEvents(new Map([['default', at]]), at),
    prune: () => store.prune({ events: at, deadLetters: at, duplicates: at, gatherings: at }, 10)
  }
  for (const [name, work] of Object.entries(works)) await t.rejects(work(), locked, name)
  other.exec('commit')
  for (const [name, work] of Object.entries(works)) await t.resolves(work(), name)
})

t.test('a lasting lock is not waited for longer than Flux is promised', async (t) => {
  const busy = Object.assign(new Error('database is locked'), { errcode: 5 })
  let waited = 0
  const wait = async (ms: number) => {
    waited += ms
  }
  const fail = (cause: unknown) => () => {
    throw new Error('no', { cause })
  }
  await t.rejects(onceUnlocked(fail(busy), wait), { message: 'no' })
  t.equal(waited, 5000)
  await t.rejects(onceUnlocked(fail(new Error('disk full')), wait), { message: 'no' })
  t.equal(waited, 5000, 'nothing else is waited for')
})
