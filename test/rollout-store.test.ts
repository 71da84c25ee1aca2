// Rollouts on a real store: the same on both, across restarts, set clocks and replicas; in any sequence, the last news is what
// is reported.
import t, { type Test } from 'tap'
import { viewOfRollout } from '../src/render/compose/rollout.ts'
import type { NewNotification, Rollout, RolloutReport } from '../src/store/kept.ts'
import type { Store } from '../src/store/store.ts'
import { fc } from './fixtures/fc.ts'
import { arrival, at } from './fixtures/store.ts'
import { startStores } from './fixtures/stores.ts'

const { stores, moved } = await startStores(t)
const seconds = (count: number) => count * 1000
const settleMs = seconds(120)

interface Report {
  name: string
  revision: string
  is?: RolloutReport['is']
  now?: number
  isMove?: boolean
  cluster?: string
}

async function report(
  store: Store,
  { name, revision, is = 'applied', now = at, isMove = true, cluster = 'prod' }: Report
): Promise<void> {
  const said: RolloutReport = {
    ...{ rule: 'rollouts', destination: 'feed', scope: `["rollouts","feed","${cluster}"]`, revision, is, isMove },
    ...{ saysEach: true, said: is === 'failing' ? 'boom' : '', previous: '', isAbout: undefined, settleMs },
    head: { cluster, revision: { text: revision } }
  }
  await store.accept([arrival(name, { receivedAt: now })], () => ({
    ...{ transition: 'updated', notifications: [], trace: { verdicts: [], quiet: [] }, keep: true, reports: [said] },
    memory: { since: now, decidedAt: now, revision, notified: [] }
  }))
}

/** What is due at `now`: each rollout's revision, and its counts of objects. */
async function due(store: Store, now: number): Promise<string[]> {
  const said: string[] = []
  await store.sayRollouts(now, (rollout: Rollout): NewNotification | undefined => {
    if (rollout.unsaidSince === undefined) return undefined
    const view = viewOfRollout(rollout, now)
    const [place] = view.rollout?.places ?? []
    said.push(
      `${view.revision?.text} ${view.rollout?.is}: ${place?.applied} ${place?.failing} ${(place?.coming ?? 0) + (place?.expected ?? 0)}`
    )
    return { rule: rollout.rule, destination: 'feed', lane: 'feed', view }
  })
  return said
}

for (const [name, prepare] of Object.entries(stores)) {
  t.test(name, async (t) => {
    const start = async (t: Test) => {
      const { open } = await prepare(t)
      const world = { store: await open(), open }
      t.teardown(() => world.store.close())
      return world
    }

    t.test('a rollout is reported once, when it has been quiet for long enough, even after a restart', async (t) => {
      const world = await start(t)
      await report(world.store, { name: 'a', revision: 'one', is: 'coming' })
      await report(world.store, { name: 'a', revision: 'one', now: at + seconds(60), isMove: false })
      t.same(await due(world.store, at + seconds(179)), [])
      await world.store.close()
      world.store = await world.open()
      t.same(await due(world.store, at + seconds(181)), ['one settled: 1 0 0'])
      t.same(await due(world.store, at + seconds(3600)), [])
      t.same(await world.store.busyLanes(), ['feed'])
    })

    t.test(
      'a failure is reported at once, and objects of the previous revision are expected in the next',
      async (t) => {
        const { store } = await start(t)
        for (const object of ['a', 'b', 'c']) await report(store, { name: object, revision: 'one' })
        t.same(await due(store, at + seconds(121)), ['one settled: 3 0 0'])
        await report(store, { name: 'a', revision: 'two', is: 'failing', now: at + seconds(200) })
        t.same(await due(store, at + seconds(201)), ['two failing: 0 1 2'])
        await report(store, { name: 'b', revision: 'two', now: at + seconds(210) })
        t.same(await due(store, at + seconds(329)), [])
        t.same(await due(store, at + seconds(331)), ['two failing: 1 1 1'])
      }
    )

    t.test('of rollouts due together, the one that began first is reported first', async (t) => {
      const { store } = await start(t)
      await report(store, { name: 'a', revision: 'one', cluster: 'eu', now: at - seconds(10) })
      await report(store, { name: 'b', revision: 'two', cluster: 'us' })
      await report(store, { name: 'c', revision: 'one', cluster: 'eu' })
      t.same(await due(store, at + seconds(121)), ['one settled: 2 0 0', 'two settled: 1 0 0'])
    })

    t.test('a finished revision does not begin again', async (t) => {
      const { store } = await start(t)
      await report(store, { name: 'a', revision: 'one' })
      await due(store, at + seconds(121))
      await report(store, { name: 'a', revision: 'two', now: at + seconds(200) })
      await due(store, at + seconds(321))
      await report(store, { name: 'a', revision: 'one', now: at + seconds(400) })
      t.same(await due(store, at + seconds(800)), [])
    })

    t.test('a clock that is set back keeps nothing waiting', async (t) => {
      const { store } = await start(t)
      await report(store, { name: 'a', revision: 'one', now: at + 40 * 24 * seconds(3600) })
      t.same(await due(store, at), ['one open: 1 0 0'])
      await due(store, at + seconds(121))
      t.same(await due(store, at + seconds(999)), [])
    })

    t.test('a finished rollout is forgotten with its objects', async (t) => {
      const { store } = await start(t)
      await report(store, { name: 'a', revision: 'one' })
      await due(store, at + seconds(121))
      const before = at + seconds(1000)
      const old = { gatherings: before, events: before, deadLetters: before, duplicates: before }
      await store.prune(old, 100)
      await report(store, { name: 'a', revision: 'one', now: before })
      t.same(await due(store, before + seconds(121)), ['one settled: 1 0 0'])
    })

    t.test('in any sequence, the last report about a revision is its latest state', async (t) => {
      const events = fc.array(
        fc.record({
          name: fc.constantFrom('a', 'b', 'c', 'd'),
          is: fc.constantFrom('coming', 'applied', 'failing'),
          revision: fc.constantFrom('one', 'two', 'three'),
          afterMs: fc.constantFrom(0, 1000, 30_000, 119_000, 130_000)
        }),
        { minLength: 1, maxLength: 14 }
      )
      await fc.assert(
        fc.asyncProperty(events, async (history) => {
          const { open } = await prepare(t)
          const store = await open()
          let now = at
          const said: string[] = []
          // Revisions go forward, never back.
          const order = ['one', 'two', 'three']
          let latest = 0
          const states = new Map<string, string>()
          const look = async () => {
            for (const text of await due(store, now)) said.push(text)
          }
          for (const { name, is, revision, afterMs } of history) {
            for (const end = now + afterMs; now < end; now = Math.min(end, now + 10_000)) await look()
            const at = order.indexOf(revision)
            if (at < latest) continue
            if (at > latest) states.clear()
            latest = at
            const before = states.get(name)
            if (before === 'failing' && is === 'coming') continue
            if (before === 'applied' && is !== 'applied') continue
            await report(store, { name, is: is as 'applied', revision, now, isMove: before === undefined })
            states.set(name, is)
          }
          for (let looks = 0; looks < 20; looks++, now += 60_000) await look()
          const count = (is: string) => [...states.values()].filter((state) => state === is).length
          const last = said.findLast((text) => text.startsWith(order[latest] ?? ''))
          await store.close()
          if (count('applied') + count('failing') === 0) return
          const [, applied, failing] = /: (\d+) (\d+) /.exec(last ?? '') ?? []
          if (Number(applied) !== count('applied') || Number(failing) !== count('failing')) {
            throw new Error(`said ${last} of ${JSON.stringify([...states])}`)
          }
        }),
        { numRuns: name === 'sqlite' ? 40 : 3 }
      )
    })
  })
}

t.test('two replicas that accept parts of one push make one rollout of it', async (t) => {
  const { open } = await stores.postgres(t)
  const [a, b] = await Promise.all([open(), open()])
  t.teardown(() => Promise.all([a?.close(), b?.close()]))
  const names = Array.from({ length: 20 }, (_, index) => `app-${index}`)
  await Promise.all(names.map((name, index) => report((index % 2 ? a : b) as Store, { name, revision: 'one' })))
  const said = await Promise.all([a, b].map((store) => due(store as Store, at + seconds(121))))
  t.same(said.flat(), ['one settled: 20 0 0'])
})

t.test('rollouts move to PostgreSQL with their objects', async (t) => {
  const store = await moved(t, (store) => report(store, { name: 'a', revision: 'one' }))
  await report(store, { name: 'b', revision: 'one', now: at + seconds(5) })
  await report(store, { name: 'a', revision: 'two', now: at + seconds(6) })
  t.same(await due(store, at + seconds(130)), ['two settled: 1 0 1'])
})
