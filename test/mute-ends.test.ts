// The end of a mute on the embedded store, after much was withheld: others get their turn meanwhile, and what they do counts.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import type { Failure } from '../src/objects/memory.ts'
import { openStore } from '../src/store/open.ts'
import type { Store } from '../src/store/store.ts'
import type { Withheld } from '../src/store/withheld.ts'
import { tempFolder } from './fixtures/relay.ts'
import { arrival, at, sendTo, view } from './fixtures/store.ts'

const until = at + 60_000
const many = 3000
const failure: Failure = {
  ...{ reason: 'BuildFailed', text: 'm', severity: 'error', revision: '', since: at, at, count: 1, prints: [] },
  began: { reason: 'BuildFailed', text: 'm' }
}
const notified = { rule: 'r', destination: 'lane', at, reminders: 0 }

/** A store with a mute that ended at `until` and withheld the failures of many objects. */
async function start(t: Test) {
  const file = join(tempFolder(t), 'relay.db')
  const store = await openStore(`sqlite:${file}`)
  for (let from = 0; from < many; from += 500) {
    const names = Array.from({ length: 500 }, (_, n) => `app-${from + n}`)
    await store.accept(
      names.map((name) => arrival(name)),
      (item) => {
        const { memory, notifications, ...rest } = sendTo('lane')(item)
        const muting = { name: 'upgrade', until }
        return {
          ...rest,
          memory: { ...memory, failure, notified: [{ ...notified, isWithheld: true }] },
          notifications: notifications.map((entry) => ({ ...entry, muting }))
        }
      }
    )
  }
  return { file, store }
}

function summing(store: Store) {
  const summaries: Withheld[] = []
  const end = (now = until) =>
    store.endMutes(
      now,
      () => 'lane',
      (withheld) => {
        summaries.push(withheld)
        return view('summary', 'informed')
      }
    )
  return { end, summaries }
}

/** The state of an object in the summary. */
const standsIn = (summary: Withheld | undefined, name: string) =>
  summary?.objects.find(({ object }) => object.name === name)

t.test('events are accepted while what a mute withheld is summed up, and the summary includes them', async (t) => {
  const { store } = await start(t)
  t.teardown(() => store.close())
  const { end, summaries } = summing(store)
  let isOver = false
  const ending = end().then(() => {
    isOver = true
  })
  let accepted = 0
  let known: boolean | undefined
  while (!isOver) {
    await store.accept([arrival('app-7')], (item, memory) => {
      known = memory?.notified[0]?.isWithheld
      return { ...sendTo('lane', 'recovered')(item), transition: 'recovered' }
    })
    if (!isOver) accepted += 1
  }
  await ending
  t.ok(accepted >= many / 500, `${accepted} had their turn`)
  t.equal(summaries.length, 1)
  t.match(summaries[0], { notifications: many })
  t.equal(standsIn(summaries[0], 'app-7')?.failure, undefined, 'what is over by then is not said to fail')
  t.match(standsIn(summaries[0], 'app-8')?.failure, { since: at })
  t.notOk(known)
})

t.test('a new failure under another mute meanwhile belongs to that mute alone', async (t) => {
  const { store } = await start(t)
  t.teardown(() => store.close())
  const { end, summaries } = summing(store)
  const ending = end()
  const muting = { name: 'other', until: until + 60_000 }
  // One of the last objects, which are not marked yet, and one of the first.
  for (const name of [`app-${many - 1}`, 'app-0']) {
    await store.accept([arrival(name, { receivedAt: until })], (item) => {
      const { memory, notifications, ...rest } = sendTo('lane')(item)
      const fails = { ...failure, since: until, at: until }
      return {
        ...rest,
        memory: { ...memory, failure: fails, notified: [{ ...notified, isWithheld: true }] },
        notifications: notifications.map((entry) => ({ ...entry, muting }))
      }
    })
  }
  await ending
  t.equal(summaries.length, 1)
  for (const name of [`app-${many - 1}`, 'app-0']) {
    t.equal(standsIn(summaries[0], name)?.failure, undefined)
    await store.accept([arrival(name)], (item, memory) => {
      t.equal(memory?.notified[0]?.isWithheld, true, `${name} is withheld still`)
      return sendTo('lane')(item)
    })
  }
})

t.test('the summary is made once, however often it is asked for meanwhile', async (t) => {
  const { store } = await start(t)
  t.teardown(() => store.close())
  const { end, summaries } = summing(store)
  const lanes = await Promise.all([end(), end(), end(until + 5000)])
  t.same(lanes, [['lane'], [], []])
  t.match(summaries, [{ mute: 'upgrade', notifications: many }])
})

t.test('closing the store waits for the summary', async (t) => {
  const { file, store } = await start(t)
  const { end, summaries } = summing(store)
  const ending = end()
  await store.close()
  t.same(await ending, ['lane'])
  t.equal(summaries.length, 1)
  const after = await openStore(`sqlite:${file}`)
  t.teardown(() => after.close())
  t.same(await summing(after).end(), [])
})

t.test('a crash in the middle loses nothing: everything is summed up after the next start', async (t) => {
  const { file, store } = await start(t)
  const copy = join(tempFolder(t), 'relay.db')
  const { end, summaries } = summing(store)
  const ending = end()
  await store.accept([arrival('other')], sendTo('elsewhere'))
  await store.accept([arrival('other')], sendTo('elsewhere'))
  t.equal(summaries.length, 0, 'it is under way')
  const reader = new DatabaseSync(file, { readOnly: true })
  reader.exec(`vacuum into '${copy}'`)
  reader.close()
  await ending
  await store.close()
  const after = await openStore(`sqlite:${copy}`)
  t.teardown(() => after.close())
  const again = summing(after)
  await again.end()
  t.equal(again.summaries.length, 1)
  t.match(again.summaries[0], { notifications: many })
  t.equal(again.summaries[0]?.objects.filter((one) => one.failure !== undefined).length, many)
})

t.test('events are accepted while what a mute withheld is given another end, and there is one summary', async (t) => {
  const { store } = await start(t)
  t.teardown(() => store.close())
  const { end, summaries } = summing(store)
  let isMoved = false
  const moving = store
    .followMutes(() => [], until - 1000)
    .then(() => {
      isMoved = true
    })
  const ending = end(until - 1000)
  await store.accept([arrival('other')], sendTo('elsewhere'))
  t.notOk(isMoved, 'others have their turn')
  await Promise.all([moving, ending])
  t.match(summaries, [{ mute: 'upgrade', notifications: many }])
})
