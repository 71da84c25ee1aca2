// Gathering on a real store: what is held stays held across restarts, replicas, moved lanes and wrong clocks.
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { causesOf, holdsOf } from '../../src/deliver/gathering.ts'
import { createPace, take } from '../../src/deliver/pace.ts'
import { planNext } from '../../src/deliver/plan.ts'
import type { Plan, Settlement } from '../../src/store/kept-lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { fc } from '../fixtures/fc.ts'
import { anyCame, type Came, minutes, of, run, seconds, start } from '../fixtures/lane.ts'
import { arrival, sendTo, sent } from '../fixtures/store.ts'
import { startStores } from '../fixtures/stores.ts'

const { stores } = await startStores(t)
const pace = createPace()
const lane = 'lane'

interface Posted {
  at: number
  ids: number[]
}

/** Posts all of `came` from a store's lane, in virtual time; `turn` returns the store to use next. */
async function runOn(came: readonly Came[], turn: () => Promise<Store>, settlement = sent): Promise<Posted[]> {
  const posted: Posted[] = []
  const names = new Map<string, number>()
  let wakeAt = Number.POSITIVE_INFINITY
  for (let next = 0; next < came.length || wakeAt < Number.POSITIVE_INFINITY; ) {
    const now = Math.min(came[next]?.at ?? Number.POSITIVE_INFINITY, wakeAt)
    for (; came[next]?.at === now; next++) await add(next)
    wakeAt = await drain(now)
  }
  return posted

  async function add(place: number): Promise<void> {
    const { at, view, destination = 'team' } = came[place] as Came
    const decide = sendTo(lane)
    const [receipt] = await (await turn()).accept([arrival(view.object.name, { receivedAt: at })], (item) => ({
      ...decide(item),
      notifications: [{ rule: 'r', destination, lane, view }]
    }))
    if (receipt?.status === 'accepted') names.set(receipt.notifications[0]?.id ?? '', place)
  }

  async function drain(now: number): Promise<number> {
    let ids: number[] = []
    const plan = realPlan((carried) => {
      ids = carried.map((id) => names.get(id) ?? -1).sort((a, b) => a - b)
    })
    for (;;) {
      const store = await turn()
      const step = await store.next(lane, plan, now)
      if (step.is === 'idle') return Number.POSITIVE_INFINITY
      if (step.is === 'wait') return step.until
      posted.push({ at: now, ids })
      await store.settle(step.message, { at: now, answer: '200 ok' }, settlement)
    }
  }
}

function realPlan(carries: (ids: readonly string[]) => void = () => {}): Plan {
  return {
    token: ({ bucket }, now) => take(bucket, pace, now),
    causesOf,
    hold: holdsOf,
    next(state, pending, gatherings, now) {
      const next = planNext(state, pending, gatherings, { pace }, now)
      if ('ids' in next) carries(next.ids)
      return next
    },
    oldest: 0
  }
}

const failures = (count: number, ms: number, from = 0): Came[] =>
  Array.from({ length: count }, (_, n) => ({
    at: start + from + Math.floor((n * ms) / count),
    view: of(`app-${from}-${n}`, { mention: '<!here>' })
  }))

const planned = (came: readonly Came[]): Posted[] => run(came).map(({ at, ids }) => ({ at, ids }))

for (const [name, prepare] of Object.entries(stores)) {
  t.test(name, async (t) => {
    t.test('a trickle is gathered as planned, with a restart before every step', async (t) => {
      const { open } = await prepare(t)
      // Opening PostgreSQL takes a tenth of a second.
      const came = name === 'sqlite' ? failures(20, minutes(2)) : failures(8, minutes(1))
      let store = await open()
      const posted = await runOn(came, async () => {
        await store.close()
        store = await open()
        return store
      })
      await store.close()
      t.same(posted, planned(came))
    })

    t.test('any sequence is gathered as planned', async (t) => {
      await fc.assert(
        fc.asyncProperty(anyCame(25, minutes(12), 3), async (came) => {
          const { open } = await prepare(t)
          const store = await open()
          const posted = await runOn(came, async () => store)
          await store.close()
          t.same(posted, planned(came))
        }),
        { numRuns: name === 'sqlite' ? 12 : 3 }
      )
    })

    t.test('if more is held than one message reads, the first of a new cause is still found at once', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      // All of them are held, and the new cause is not among the oldest 500.
      await runOn(failures(2, seconds(1)), async () => store)
      const late = start + seconds(4)
      const many = Array.from({ length: 600 }, (_, n) => ({ ...of(`more-${n}`) }))
      const views = [...many, of('other', { cause: 'another' })]
      await store.accept(
        views.map((_, n) => arrival(`late-${n}`, { receivedAt: late })),
        (item) => {
          const view = views[Number(item.event.object.name.slice(5))]
          return { ...sendTo(lane)(item), notifications: view ? [{ rule: 'r', destination: 'team', lane, view }] : [] }
        }
      )
      let carried: readonly string[] = []
      const step = await store.next(
        lane,
        realPlan((ids) => (carried = ids)),
        late
      )
      t.equal(step.is, 'post')
      t.equal(carried.length, 1)
      t.match(step, { message: { payload: { text: /other/ } } })
      await store.close()
    })

    t.test('however much is held, nothing overtakes older news of the same object', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await runOn(failures(2, seconds(1)), async () => store)
      const late = start + seconds(4)
      const accept = (view: Came['view'], group?: { key: string; waitMs: number }) =>
        store.accept([arrival('late', { receivedAt: late })], (item) => ({
          ...sendTo(lane)(item),
          notifications: [{ rule: 'r', destination: 'team', lane, view, ...(group && { group }) }]
        }))
      // More, and older, notifications of other objects than one message is composed from.
      for (let n = 0; n < 510; n++) await accept(of(`more-${n}`))
      await accept(of('object'))
      t.match(await store.next(lane, realPlan(), late), { is: 'wait' }, 'all of it is held')
      await accept(of('object', { says: 'updated' }), { key: 'push', waitMs: minutes(1) })
      await accept(of('other', { says: 'updated' }), { key: 'push', waitMs: minutes(1) })
      await accept(of('object', { says: 'changed', cause: 'another' }))
      let carried: readonly string[] = []
      const step = await store.next(
        lane,
        realPlan((ids) => (carried = ids)),
        late
      )
      t.match(step, { is: 'post', message: { notifications: 3 } })
      const [held, , changed] = carried.map(Number)
      t.equal(
        (changed ?? 0) - (held ?? 0),
        3,
        'with what is held of it, for its cause and in a group, and nothing else'
      )
      await store.close()
    })

    t.test('what is held about one object keeps its order, even if it is more than one message reads', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await runOn(failures(2, seconds(1)), async () => store)
      const late = start + seconds(4)
      const views = Array.from({ length: 1100 }, (_, n) =>
        of('object', n === 1099 ? { says: 'changed', cause: 'b' } : {})
      )
      await store.accept(
        views.map((_, n) => arrival(`late-${n}`, { receivedAt: late })),
        (item) => {
          const view = views[Number(item.event.object.name.slice(5))]
          return { ...sendTo(lane)(item), notifications: view ? [{ rule: 'r', destination: 'team', lane, view }] : [] }
        }
      )
      const posted: number[][] = []
      for (let waits = 0; waits < 3; ) {
        const step = await store.next(
          lane,
          realPlan((ids) => posted.push(ids.map(Number).sort((a, b) => a - b))),
          late + seconds(5 * waits)
        )
        if (step.is === 'post') await store.settle(step.message, { at: late, answer: '200 ok' }, sent)
        else waits += 1
      }
      const all = posted.flat()
      t.equal(new Set(all).size, 1100)
      t.same(
        all,
        all.toSorted((a, b) => a - b)
      )
      await store.close()
    })

    t.test(
      'of groups that are due, none overtakes another, even if they are more than one message reads',
      async (t) => {
        const { open } = await prepare(t)
        const store = await open()
        const groups: [name: string, group: string, waitMs: number][] = [
          ['object', 'late', seconds(10)],
          ['object', 'early', seconds(1)],
          ...Array.from({ length: 510 }, (_, n): [string, string, number] => [`more-${n}`, 'early', seconds(1)])
        ]
        await store.accept(
          groups.map((_, n) => arrival(`came-${n}`, { receivedAt: start })),
          (item) => {
            const [name = '', key = '', waitMs = 0] = groups[Number(item.event.object.name.slice(5))] ?? []
            const view = of(name, { says: 'updated' })
            return {
              ...sendTo(lane)(item),
              notifications: [{ rule: 'r', destination: 'team', lane, view, group: { key, waitMs } }]
            }
          }
        )
        const posted: number[] = []
        const plan = realPlan((ids) => posted.push(...ids.map(Number)))
        for (let at = start + seconds(11); posted.length < groups.length; at += seconds(2)) {
          const step = await store.next(lane, plan, at)
          if (step.is === 'post') await store.settle(step.message, { at, answer: '200 ok' }, sent)
        }
        const older = Math.min(...posted)
        t.ok(posted.indexOf(older) <= posted.indexOf(older + 1), 'what is older of the object goes first, or along')
        await store.close()
      }
    )

    t.test(
      'a held notification that is sent along takes older ones of its object with it, out of their group',
      async (t) => {
        const { open } = await prepare(t)
        const store = await open()
        await runOn(
          [
            { at: start, view: of('one', { cause: 'a' }) },
            { at: start + seconds(1), view: of('two', { cause: 'b' }) }
          ],
          async () => store
        )
        const late = start + 1500
        const accept = async (view: Came['view'], group?: { key: string; waitMs: number }) => {
          const [receipt] = await store.accept([arrival('late', { receivedAt: late })], (item) => ({
            ...sendTo(lane)(item),
            notifications: [{ rule: 'r', destination: 'team', lane, view, ...(group && { group }) }]
          }))
          return receipt?.status === 'accepted' ? receipt.notifications[0]?.id : undefined
        }
        const ids = [
          await accept(of('object', { says: 'updated' }), { key: 'push', waitMs: minutes(1) }),
          await accept(of('object', { cause: 'b' })),
          await accept(of('other', { cause: 'a' }))
        ]
        t.match(await store.next(lane, realPlan(), late), { is: 'wait' }, 'all of it is held')
        let carried: readonly string[] = []
        const plan = realPlan((some) => (carried = some))
        t.match(await store.next(lane, plan, start + 2100), { is: 'post' }, 'what follows of the first cause is due')
        t.same([...carried].sort(), ids)
        await store.close()
      }
    )

    t.test('a message that became a dead letter does not count for gathering', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const dead: Settlement = { message: { state: 'dead', reason: 'refused' }, lane: { notBefore: 0 } }
      await runOn(failures(1, 0), async () => store, dead)
      const posted = await runOn(failures(1, 0, seconds(1)), async () => store)
      t.same(posted, [{ at: start + seconds(1), ids: [0] }], 'the next is the first')
      t.match((await store.messages('team', 1))[0]?.payload, { blocks: [{ text: { text: /<!here>/ } }] }, 'and pings')
      await store.close()
    })

    t.test('what is held waits in its lane, and moves with its destination', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await runOn(failures(1, 0), async () => store)
      const accept = (came: Came) =>
        store.accept([arrival(came.view.object.name, { receivedAt: came.at })], (item) => ({
          ...sendTo(lane)(item),
          notifications: [{ rule: 'r', destination: 'team', lane, view: came.view }]
        }))
      await accept({ at: start + 100, view: of('second') })
      const held = { is: 'wait', until: start + seconds(2), isInterruptible: true }
      t.same(await store.next(lane, realPlan(), start + 100), held)
      t.equal(store.pending, 1)
      t.same(await store.busyLanes(), [lane])
      await store.follow(() => new Map([['team', 'moved']]), start + minutes(10))
      t.same(await store.next('moved', realPlan(), start + 200), held, 'until the same moment')
      t.match(await store.next('moved', realPlan(), start + seconds(2)), { is: 'post' })
      await store.close()
    })

    t.test('what is held is sent at once on request', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await runOn(failures(2, 2), async () => store)
      await store.accept([arrival('third', { receivedAt: start + seconds(3) })], (item) => ({
        ...sendTo(lane)(item),
        notifications: [{ rule: 'r', destination: 'team', lane, view: of('third') }]
      }))
      t.match(await store.next(lane, realPlan(), start + seconds(3)), { is: 'wait' })
      t.equal(await store.tryNow(lane, start + seconds(3)), undefined)
      t.match(await store.next(lane, realPlan(), start + seconds(3)), { is: 'post' })
      await store.close()
    })

    t.test('what was held by a clock that was ahead is released once the clock is right', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const ahead = minutes(60)
      await runOn(failures(2, 2), async () => store)
      const second = { at: start + minutes(20), view: of('second') }
      await store.accept([arrival('second', { receivedAt: second.at })], (item) => ({
        ...sendTo(lane)(item),
        notifications: [{ rule: 'r', destination: 'team', lane, view: second.view }]
      }))
      // It was accepted by the right clock, and is held by one that is an hour ahead.
      const hold: Plan['hold'] = (pending) => [
        { ids: pending.map(({ id }) => id), until: start + ahead + minutes(5), holds: 1 }
      ]
      t.match(await store.next(lane, { ...realPlan(), hold }, start + ahead), { is: 'wait' })
      t.match(await store.next(lane, realPlan(), second.at + seconds(10)), { is: 'post' })
      await store.close()
    })

    t.test('gatherings are forgotten when none needs them any more', async (t) => {
      const { open, file } = await prepare(t)
      const store = await open()
      await runOn(failures(1, 0), async () => store)
      const before = { events: 0, deadLetters: 0, duplicates: 0 }
      await store.prune({ ...before, gatherings: start + minutes(60) }, 100)
      await store.close()
      if (file === undefined) return
      const db = new DatabaseSync(file)
      t.equal(db.prepare('select count(*) as n from gatherings').get()?.['n'], 0)
      db.close()
    })
  })
}

t.test('two replicas post what one would, and when', async (t) => {
  const { open } = await stores.postgres(t)
  const replicas = [await open(), await open()]
  t.teardown(() => Promise.all(replicas.map((store) => store.close())))
  const came = failures(20, minutes(2))
  let turns = 0
  const posted = await runOn(came, async () => replicas[turns++ % 2] as Store)
  t.same(posted, planned(came))
})
