// Stores: keep the promises of store/store.ts, every one of them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { maxAgeMs } from '../src/deliver/outcome.ts'
import type { ObjectMemory } from '../src/objects/memory.ts'
import { type Arrival, type Decision, rolloutMs } from '../src/store/kept.ts'
import { composeWindow, type LaneState, type Plan, type Settlement } from '../src/store/kept-lanes.ts'
import { openStore } from '../src/store/open.ts'
import type { Withheld } from '../src/store/withheld.ts'
import { execute } from './fixtures/postgres.ts'
import { again, arrival, at, attempt, plan, post, sendTo, sent, view } from './fixtures/store.ts'
import { startStores } from './fixtures/stores.ts'

const failure = {
  began: { reason: 'BuildFailed', text: 'm' },
  at: 0,
  severity: 'error',
  reason: 'BuildFailed',
  revision: '',
  text: 'm',
  since: at,
  count: 1,
  prints: []
} as const
const notified = { rule: 'r', destination: 'lane', at, reminders: 0 }
const { stores } = await startStores(t)

for (const [name, prepare] of Object.entries(stores)) {
  t.test(name, async (t) => {
    t.test(
      'receipts come in the order of the arrivals, and a repeated body is a duplicate for two minutes',
      async (t) => {
        const { open } = await prepare(t)
        const store = await open()
        const again = arrival('b', { identity: 'same' })
        const receipts = await store.accept([arrival('a'), again, again], sendTo('lane'))
        t.match(receipts, [
          { status: 'accepted', id: '1' },
          { status: 'accepted', id: '2' },
          { status: 'duplicate', id: '2' }
        ])
        const later = { ...again, receivedAt: at + 2 * 60_000 }
        t.match(await store.accept([later], sendTo('lane')), [{ status: 'accepted' }])
        t.equal(store.pending, 3)
        await store.close()
      }
    )

    t.test('a body is known while others come, and by the process after this one', async (t) => {
      const { open } = await prepare(t)
      const before = await open()
      const start = 'the-same-first-characters-'
      const early = arrival('a', { identity: `${start}a` })
      const similar = arrival('b', { identity: `${start}b` })
      const many = Array.from({ length: 5000 }, () => arrival('c'))
      await before.accept([...many, early], sendTo('lane'))
      const id = `${many.length + 1}`
      for (const seconds of [20, 45, 70, 95, 119]) {
        const receivedAt = at + seconds * 1000
        const batch = [{ ...early, receivedAt }, arrival('d', { receivedAt })]
        t.match(await before.accept(batch, sendTo('lane')), [{ status: 'duplicate', id }, { status: 'accepted' }])
      }
      await before.close()
      const after = await open()
      const both = [early, similar].map((item) => ({ ...item, receivedAt: at + 119_000 }))
      t.match(await after.accept(both, sendTo('lane')), [{ status: 'duplicate', id }, { status: 'accepted' }])
      t.match(await after.accept([{ ...early, receivedAt: at + 121_000 }], sendTo('lane')), [{ status: 'accepted' }])
      await after.close()
    })

    t.test('a body is known after a restart, even if an earlier one arrived by a clock that was ahead', async (t) => {
      const { open } = await prepare(t)
      const before = await open()
      const early = arrival('a')
      await before.accept([arrival('b', { receivedAt: at + 40 * 24 * 3_600_000 })], sendTo('lane'))
      await before.accept([early], sendTo('lane'))
      await before.close()
      const after = await open()
      t.match(await after.accept([early], sendTo('lane')), [{ status: 'duplicate', id: '2' }])
      await after.close()
    })

    t.test('a decision that fails takes nothing else of its batch with it', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const receipts = await store.accept([arrival('good'), arrival('bad'), arrival('fine')], (item) => {
        if (item.event.object.name === 'bad') throw new Error('boom')
        return sendTo('lane')(item)
      })
      t.match(receipts, [{ status: 'accepted' }, { status: 'failed' }, { status: 'accepted' }])
      t.equal(store.pending, 2)
      await store.close()
    })

    t.test(
      'notifications that a new config file moves while a message is composed are sent from their new lane',
      async (t) => {
        // PostgreSQL holds the lane meanwhile, so it is moved before or after.
        if (name !== 'sqlite') return
        const { open } = await prepare(t)
        const store = await open()
        await store.accept([arrival('a')], sendTo('lane'))
        let moving: Promise<unknown> | undefined
        const next: Plan['next'] = (...of) => {
          moving ??= store.follow(() => new Map([['lane', 'elsewhere']]), at)
          return plan.next(...of)
        }
        t.same(await store.next('lane', { ...plan, next }, at), { is: 'idle' })
        await moving
        t.match(await store.next('elsewhere', plan, at), { is: 'post', message: { lane: 'elsewhere' } })
        await store.close()
      }
    )

    t.test('the memory of an object is there for its next event', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const seen: unknown[] = []
      for (const [index, name] of ['x', 'y', 'x'].entries()) {
        await store.accept([arrival(name)], (item, memory) => {
          seen.push(memory?.since)
          return { ...sendTo('lane')(item), memory: { since: index, decidedAt: at, revision: '', notified: [] } }
        })
      }
      t.same(seen, [undefined, undefined, 0])
      await store.close()
    })

    t.test(
      'a lane gives its notifications in order, one message at a time, the same until it is settled',
      async (t) => {
        const { open } = await prepare(t)
        let store = await open()
        await store.accept([arrival('one'), arrival('two')], sendTo('lane'))
        const first = await post(store, 'lane')
        t.equal(first.payload.text, 'one')
        await store.settle(first, { at, answer: '500' }, again)
        t.same(await store.next('lane', plan, at), { is: 'wait', until: at + 500 }, 'not before its time')
        await store.close()
        store = await open()
        const retried = await post(store, 'lane', at + 500)
        t.match(retried, { id: first.id, payload: first.payload, failures: 1 }, 'also after a restart')
        await store.settle(retried, attempt, sent)
        t.equal((await post(store, 'lane')).payload.text, 'two')
        await store.close()
      }
    )

    t.test('a lane that has to wait writes nothing', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('one')], sendTo('lane'))
      t.same(await store.next('lane', { ...plan, next: () => ({ until: at + 100 }) }, at), {
        is: 'wait',
        until: at + 100
      })
      t.same(await store.messages('lane', 10), [])
      t.same(await store.next('other', plan, at), { is: 'idle' })
      await store.close()
    })

    t.test('a group is held until the deadline of its first notification, even across a restart', async (t) => {
      const { open } = await prepare(t)
      let store = await open()
      const grouped = (item: Arrival): Decision => {
        const decision = sendTo('lane')(item)
        const group = { key: 'revision', waitMs: 10_000 }
        return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, group })) }
      }
      await store.accept([arrival('one')], grouped)
      await store.accept([arrival('two', { receivedAt: at + 9000 })], grouped)
      t.match(await store.next('lane', plan, at + 9000), { is: 'wait', until: at + 10_000, isInterruptible: true })
      await store.close()
      store = await open()
      t.match(await store.next('lane', plan, at + 9999), { is: 'wait', until: at + 10_000 })
      let seen: unknown
      const next: Plan['next'] = (lane, pending, gatherings, now) => {
        seen = pending.map(({ group, view }) => [group, view.object.name])
        return plan.next(lane, pending, gatherings, now)
      }
      await store.next('lane', { ...plan, next }, at + 10_000)
      t.same(seen, [
        ['revision', 'one'],
        ['revision', 'two']
      ])
      await store.accept([arrival('three', { receivedAt: at + 10_001 })], grouped)
      const free = sendTo('lane')
      await store.accept([arrival('free', { receivedAt: at + 10_002 })], free)
      t.equal(await store.backlog('lane'), 4)
      t.equal(await store.backlog('\0'), 0, 'whatever is asked for')
      await store.close()
    })

    t.test('a notice to the operator about an outcome is stored with it, unless it is no news', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('one'), arrival('two'), arrival('three')], sendTo('lane'))
      const notices = [{ rule: 'operator', destination: 'ops', lane: 'ops', view: view('lane') }]
      const news = { key: 'lane', notices, now: at, withinMs: 60 * 60_000 }
      t.match(await store.settle(await post(store, 'lane'), attempt, sent, news), { isNews: true })
      t.equal(store.pending, 3)
      t.match(await store.settle(await post(store, 'lane'), attempt, sent, { ...news, now: at + 1 }), { isNews: false })
      t.match(await store.settle(await post(store, 'lane'), attempt, sent), { isNews: undefined })
      t.equal(store.pending, 1)
      t.equal((await post(store, 'ops')).payload.text, 'lane')
      await store.close()
    })

    t.test('while many become dead letters at once, others get the thread', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const count = 3 * composeWindow + 1
      await store.accept(
        Array.from({ length: count }, (_, n) => arrival(`${n}`)),
        sendTo('lane')
      )
      let [turns, isOver] = [0, false]
      const turn = () => {
        turns += 1
        if (!isOver) setImmediate(turn)
      }
      setImmediate(turn)
      t.match(await store.next('lane', { ...plan, oldest: at + 1 }, at + 1), { is: 'idle' })
      isOver = true
      t.equal(store.buried, count)
      t.ok(turns > 3, `${turns} turns`)
      await store.close()
    })

    t.test('the bucket and the block of a lane outlive a restart', async (t) => {
      const { open } = await prepare(t)
      let store = await open()
      await store.accept([arrival('one')], sendTo('lane'))
      const block = { reason: '404 no_service', since: at, probes: 2 }
      await store.settle(await post(store, 'lane'), attempt, { ...again, lane: { notBefore: 0, block } })
      await store.close()
      store = await open()
      let seen: unknown
      const look: Plan['token'] = (lane) => {
        seen = lane
        return { until: at }
      }
      const step = await store.next('lane', { ...plan, token: look }, at)
      t.equal(step.is, 'wait')
      t.match(seen, { bucket: { tokens: 0, at }, block })
      await store.close()
    })

    t.test('an answer that says how many tokens there are overrides the count', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('one')], sendTo('lane'))
      const lane = { notBefore: at + 5000, bucket: { tokens: 1, at: at + 5000 } }
      await store.settle(await post(store, 'lane'), attempt, { ...again, lane })
      const seen: LaneState[] = []
      const look: Plan['token'] = (state) => {
        seen.push(state)
        return { until: at + 6000 }
      }
      t.match(await store.next('lane', { ...plan, token: look }, at + 4999), { is: 'wait', until: at + 5000 })
      await store.next('lane', { ...plan, token: look }, at + 5000)
      t.match(seen, [{ bucket: { tokens: 1, at: at + 5000 } }])
      await store.close()
    })

    t.test('a lane goes on at once on request, unless it waits for a rate limit', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      t.equal(await store.tryNow('of nobody', at), undefined)
      await store.accept([arrival('one')], sendTo('lane'))
      const block = { reason: '404 no_service', since: at, probes: 2 }
      await store.settle(await post(store, 'lane'), attempt, { ...again, lane: { notBefore: at + 60_000, block } })
      t.match(await store.next('lane', plan, at), { is: 'wait' })
      t.equal(await store.tryNow('lane', at), undefined)
      const step = await store.next('lane', plan, at)
      t.match(step, { is: 'post', block }, 'a probe, as if its time had come')
      if (step.is !== 'post') return
      const limit = { notBefore: at + 60_000, bucket: { tokens: 1, at: at + 60_000 }, block }
      await store.settle(step.message, attempt, { ...again, lane: limit })
      t.equal(await store.tryNow('lane', at), at + 60_000)
      t.match(await store.next('lane', plan, at), { is: 'wait' })
      t.equal(await store.tryNow('lane', at + 60_000), undefined, 'it is over')
      await store.close()
    })

    t.test('a dead letter is kept, and its destination counts as not notified', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('one')], sendTo('lane'))
      const dead: Settlement = { message: { state: 'dead', reason: 'refused' }, lane: { notBefore: 0 } }
      await store.settle(await post(store, 'lane'), attempt, dead)
      t.equal(store.pending, 0)
      let notified: unknown
      await store.accept([arrival('one')], (item, memory) => {
        notified = memory?.notified
        return sendTo('lane')(item)
      })
      t.same(notified, [])
      await store.close()
    })

    t.test('nobody is notified of the end of a failure they were not notified of', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('one', { receivedAt: at - maxAgeMs - 1 })], sendTo('lane'))
      await store.accept([arrival('one')], sendTo('lane', 'recovered'))
      await store.accept([arrival('other')], sendTo('lane', 'recovered'))
      t.equal((await post(store, 'lane')).payload.text, 'other')
      t.equal(store.pending, 1)
      await store.close()
    })

    t.test('what waited too long becomes a dead letter, and what came later is sent', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('old', { receivedAt: at - maxAgeMs - 1 }), arrival('new')], sendTo('lane'))
      t.equal((await post(store, 'lane')).payload.text, 'new')
      t.equal(store.pending, 1)
      await store.close()
    })

    t.test('pending notifications and dead letters are counted by destination', async (t) => {
      const { open } = await prepare(t)
      let store = await open()
      const tooOld = arrival('old', { receivedAt: at - maxAgeMs - 1 })
      await store.accept([tooOld, arrival('a'), arrival('b'), arrival('c')], sendTo('lane'))
      await store.accept([arrival('d')], sendTo('other'))
      await store.accept([arrival('e')], sendTo('gone'))
      const dead: Settlement = { message: { state: 'dead', reason: 'refused' }, lane: { notBefore: 0 } }
      await store.settle(await post(store, 'lane'), attempt, sent)
      await store.settle(await post(store, 'lane'), attempt, dead)
      await store.follow(() => new Map(['lane', 'other'].map((lane) => [lane, lane])), at + rolloutMs + 1)
      t.match(Object.fromEntries([...store.tally()].map(([lane, { buried }]) => [lane, buried])), { gone: 1, lane: 2 })
      t.equal(store.buried, 3, 'and in all')
      const pending = () => Object.fromEntries([...store.tally()].map(([lane, tally]) => [lane, tally.pending]))
      // SQLite counts as it goes, PostgreSQL now and then.
      if (name === 'sqlite') {
        t.match(pending(), { lane: 1, other: 1, gone: 0 })
        await store.records.retry(['3'], new Map([['lane', 'lane']]), at)
        t.match(pending(), { lane: 2 })
      }
      const waiting = store.pending
      await store.close()
      store = await open()
      t.equal(
        [...store.tally().values()].reduce((sum, tally) => sum + tally.pending, 0),
        waiting
      )
      t.match(pending(), { other: 1 })
      await store.close()
    })

    t.test('the last event of a source is known, and until when the relay listened', async (t) => {
      const { open } = await prepare(t)
      let store = await open()
      t.same(await store.lastEvents(), { sources: new Map(), listenedUntil: undefined })
      await store.noteLastEvents(
        new Map([
          ['a', at],
          ['b', at + 1]
        ]),
        at + 2
      )
      await store.noteLastEvents(
        new Map([
          ['a', at - 1],
          ['b', at + 5]
        ]),
        at + 6
      )
      await store.close()
      store = await open()
      t.same(await store.lastEvents(), {
        sources: new Map([
          ['a', at],
          ['b', at + 5]
        ]),
        listenedUntil: at + 6
      })
      await store.close()
    })

    t.test('the last events of as many sources as a fleet has are known', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const sources = new Map(Array.from({ length: 2500 }, (_, n) => [`c${n}`, at + n]))
      await store.noteLastEvents(sources, at + 2500)
      t.same(await store.lastEvents(), { sources, listenedUntil: at + 2500 })
      await store.close()
    })

    t.test('a new webhook takes over what waits, the open message first', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('one'), arrival('two')], (item) => {
        const decision = sendTo('lane')(item)
        return {
          ...decision,
          notifications: decision.notifications.map((entry) => ({ ...entry, destination: 'team' }))
        }
      })
      const first = await post(store, 'lane')
      await store.settle(first, attempt, again)
      t.equal(await store.follow(() => new Map([['team', 'new-lane']]), at), 0)
      t.same(await store.busyLanes(), ['new-lane'])
      const moved = await post(store, 'new-lane')
      t.equal(moved.payload.text, 'one')
      await store.settle(moved, attempt, sent)
      t.equal((await post(store, 'new-lane')).payload.text, 'two')
      await store.close()
    })

    t.test('a post under way when its webhook changes is awaited first, then goes to the new one', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const toTeam = (item: Arrival): Decision => {
        const decision = sendTo('lane')(item)
        return {
          ...decision,
          notifications: decision.notifications.map((entry) => ({ ...entry, destination: 'team' }))
        }
      }
      const lanes = new Map([['team', 'new-lane']])
      await store.accept([arrival('one'), arrival('two')], toTeam)
      const first = await post(store, 'lane')
      await store.follow(() => lanes, at)
      const second = await post(store, 'new-lane')
      t.equal(second.payload.text, 'two', 'the same message is not posted from two lanes')
      await store.settle(first, attempt, again)
      await store.follow(() => lanes, at)
      await store.settle(second, attempt, sent)
      t.equal((await post(store, 'new-lane')).payload.text, 'one')
      const texts = (await store.messages('team', 10)).map(({ payload }) => payload.text)
      t.same(texts, ['one', 'two', 'one'], 'what may have been seen stays on record')
      await store.close()
    })

    t.test('a notification that becomes a dead letter while it is being posted is not posted again', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('one')], sendTo('gone'))
      const message = await post(store, 'gone')
      t.equal(await store.follow(() => new Map(), at + rolloutMs + 1), 1)
      await store.settle(message, attempt, again)
      t.match(await store.next('gone', plan, at + 1000), { is: 'idle' })
      await store.close()
    })

    t.test(
      'a large backlog of a removed destination is given up in steps, unless the destination returns',
      async (t) => {
        const { open } = await prepare(t)
        const store = await open()
        const all = Array.from({ length: 1300 }, (_, n) => arrival(`app-${n}`))
        await store.accept(all, sendTo('gone'))
        let asked = 0
        const isBack = () => ++asked > 2
        const lost = await store.follow(() => new Map(isBack() ? [['gone', 'gone']] : []), at + rolloutMs + 1)
        t.ok(lost > 0 && lost < all.length, `${lost}`)
        t.equal(store.pending, all.length - lost)
        t.equal(await store.follow(() => new Map(), at + rolloutMs + 1), all.length - lost)
        t.equal(store.pending, 0)
        await store.close()
      }
    )

    for (const behind of [0, 480, 490, 499, 980]) {
      t.test(`nothing is left of a message to a removed destination, with ${behind} behind it`, async (t) => {
        const { open } = await prepare(t)
        const store = await open()
        const arrivals = (count: number, name: string) =>
          Array.from({ length: count }, (_, n) => arrival(`${name}-${n}`))
        await store.accept(arrivals(40, 'carried'), sendTo('gone'))
        const all: Plan = {
          ...plan,
          next: (lane, pending, gatherings, now) => ({
            ...plan.next(lane, pending, gatherings, now),
            ids: pending.map(({ id }) => id)
          })
        }
        t.match(await store.next('gone', all, at), { is: 'post', message: { notifications: 40 } })
        if (behind > 0) await store.accept(arrivals(behind, 'waits'), sendTo('gone'))
        t.equal(await store.follow(() => new Map(), at + rolloutMs + 1), 40 + behind)
        t.equal(store.pending, 0)
        const pending = await store.records.notifications({ state: 'pending' }, { limit: 100 })
        t.equal(pending.items.length, 0)
        await store.close()
      })
    }

    t.test('the backlog of a removed destination becomes dead letters', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('one')], sendTo('gone'))
      await store.accept([arrival('two')], sendTo('kept'))
      t.equal(await store.follow(() => new Map([['kept', 'kept']]), at + rolloutMs + 1), 1)
      t.same(await store.busyLanes(), ['kept'])
      t.equal(store.pending, 1)
      await store.close()
    })

    t.test(
      'what a mute withheld is summed up once, when it is over, and counts as notified from then on',
      async (t) => {
        const { open } = await prepare(t)
        const store = await open()
        const until = at + 60_000
        const muted = (item: Arrival): Decision => {
          const decision = sendTo('lane')(item)
          return {
            ...decision,
            memory: { ...decision.memory, failure, notified: [{ ...notified, isWithheld: true }] },
            notifications: decision.notifications.map((entry) => ({ ...entry, muting: { name: 'upgrade', until } }))
          }
        }
        const [receipt] = await store.accept([arrival('one'), arrival('two')], muted)
        t.match(receipt, { notifications: [{ isMuted: true }] })
        t.equal(store.pending, 0)
        t.same(await store.busyLanes(), [])
        const summaries: Withheld[] = []
        const compose = (withheld: Withheld) => {
          summaries.push(withheld)
          return view('summary', 'informed')
        }
        const laneOf = () => undefined
        t.same(await store.endMutes(until - 1, laneOf, compose), [])
        t.same(await store.endMutes(until, laneOf, compose), ['lane'])
        t.same(await store.endMutes(until, laneOf, compose), [])
        t.match(summaries, [{ mute: 'upgrade', destination: 'lane', notifications: 2 }])
        t.match(summaries[0]?.objects, [
          { object: { name: 'one' }, says: 'failed', failure },
          { object: { name: 'two' } }
        ])
        t.equal((await post(store, 'lane')).payload.text, 'summary')
        t.equal(store.pending, 1)
        await store.accept([arrival('one')], (item, memory) => {
          t.match(memory?.notified, [{ destination: 'lane', at: until }])
          t.notOk(memory?.notified[0]?.isWithheld)
          return sendTo('lane')(item)
        })
        await store.close()
      }
    )

    t.test('a new file changes what a mute of the file withholds, but not what a silence does', async (t) => {
      const { open } = await prepare(t)
      // By then no other replica may have an older file.
      const later = at + rolloutMs + 1
      const store = await open()
      const { id, endsAt } = await store.addSilence({ match: {}, comment: '', endsAt: later + 1000 }, at)
      const withheld = [
        { name: 'gone', until: later + 2000 },
        { name: 'moved', until: later + 2000 },
        { name: 'kept', until: later + 3000 },
        { name: `silence ${id}`, until: endsAt }
      ]
      for (const muting of withheld)
        await store.accept([arrival(muting.name)], (item) => {
          const decision = sendTo('lane')(item)
          return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, muting })) }
        })
      const ends: Record<string, number[]> = { moved: [later + 500, later + 2500], kept: [later + 500, later + 3000] }
      await store.followMutes((mute) => ends[mute] ?? [], later + 10)
      for (const [now, mutes] of [
        [later + 10, ['gone']],
        [later + 1000, [`silence ${id}`]],
        [later + 2499, []],
        [later + 2500, ['moved']],
        [later + 3000, ['kept']]
      ] as const) {
        const over: string[] = []
        const compose = ({ mute }: Withheld) => {
          over.push(mute)
          return view('summary', 'informed')
        }
        await store.endMutes(now, () => undefined, compose)
        t.same(over, mutes, `after ${now - later} ms`)
      }
      await store.close()
    })

    t.test('a silence may begin later, and is known from the start', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const later = await store.addSilence({ match: {}, comment: 'upgrade', startsAt: at + 500, endsAt: at + 1000 }, at)
      t.match(later, { startsAt: at + 500, endsAt: at + 1000 })
      t.same(await store.silences(at), [later])
      t.equal(await store.endSilence(later.id, at + 1), true, 'it can be dropped before it begins')
      t.same(await store.silences(at + 1), [])
      await store.close()
    })

    t.test('silences exist until they end, and can be ended before', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const first = await store.addSilence({ match: { namespace: 'db' }, comment: 'upgrade', endsAt: at + 1000 }, at)
      const second = await store.addSilence({ match: {}, comment: '', endsAt: at + 5000 }, at)
      t.match(first, { match: { namespace: 'db' }, comment: 'upgrade', createdAt: at, endsAt: at + 1000 })
      t.same(await store.silences(at), [first, second])
      t.same(await store.silences(at + 1000), [second])
      await store.accept([arrival('one')], (item) => {
        const decision = sendTo('lane')(item)
        const muting = { name: `silence ${second.id}`, until: second.endsAt }
        return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, muting })) }
      })
      t.equal(await store.endSilence('999', at), false)
      t.equal(await store.extendSilence(second.id, second.endsAt + 1000, at + 9), true)
      t.equal((await store.silences(at + 9)).find(({ id }) => id === second.id)?.endsAt, second.endsAt + 1000)
      t.same(await store.endedSilences(at + 9, 5), [])
      t.equal(await store.endSilence(second.id, at + 10), true)
      t.equal(await store.extendSilence(second.id, at + 9000, at + 11), false, 'what has ended stays so')
      t.same(
        (await store.endedSilences(at + 11, 5)).map(({ id }) => id),
        [second.id]
      )
      t.equal(await store.endSilence(second.id, at + 20), false, 'only once')
      const moved = () => 'other lane'
      const summary = () => view('summary', 'informed')
      t.same(
        await store.endMutes(at + 10, moved, summary),
        ['other lane'],
        'what it withheld is summed up now, where it is now'
      )
      await store.close()
    })

    t.test('what was set by a clock that was ahead delays nothing once that is right', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const hour = 3_600_000
      const later = { at: at + hour, answer: '500' }
      await store.accept([arrival('one')], sendTo('lane'))
      const open1: Settlement = { ...again, lane: { notBefore: at + hour + 10_000 } }
      await store.settle(await post(store, 'lane'), later, open1)
      const tried = await post(store, 'lane')
      t.equal(tried.payload.text, 'one', 'a backoff')
      await store.settle(tried, { ...later, at: at - 500 }, { ...again, lane: { notBefore: at + 10_000 } })
      t.match(await store.next('lane', plan, at), { is: 'wait', until: at + 10_000 }, 'one of now counts')

      const grouped = (item: Arrival): Decision => {
        const decision = sendTo('groups')(item)
        const group = { key: 'revision', waitMs: 10_000 }
        return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, group })) }
      }
      await store.accept([arrival('two', { receivedAt: at + hour })], grouped)
      await store.accept([arrival('three')], grouped)
      const first = await post(store, 'groups')
      t.equal(first.payload.text, 'two', 'a group')
      await store.settle(first, attempt, sent)
      t.match(await store.next('groups', plan, at), { is: 'wait', until: at + 10_000 }, 'a new one has its own time')

      t.equal(await store.records.announce({ key: 'key', notices: [], now: at + 40 * 24 * hour, withinMs: hour }), true)
      t.equal(
        await store.records.announce({ key: 'key', notices: [], now: at, withinMs: hour }),
        true,
        'what the operator was notified of'
      )
      t.equal(await store.records.announce({ key: 'key', notices: [], now: at, withinMs: hour }), false)
      await store.noteLastEvents(new Map([['eu', at + hour]]), at + hour)
      await store.noteLastEvents(new Map([['eu', at]]), at)
      t.same(await store.lastEvents(), { sources: new Map([['eu', at]]), listenedUntil: at }, 'who has posted')
      await store.close()
    })

    t.test('what a mute withholds is kept until it is summed up, however long that is', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const muting = { name: 'long', until: at + 30 }
      await store.accept([arrival('one'), arrival('two')], (item) => {
        const decision = sendTo('lane')(item)
        return { ...decision, notifications: decision.notifications.map((entry) => ({ ...entry, muting })) }
      })
      const before = { events: at + 10, deadLetters: at + 10, duplicates: at + 10, gatherings: at + 10 }
      while ((await store.prune(before, 10)) >= 10);
      const withheld: Withheld[] = []
      await store.endMutes(
        at + 30,
        () => 'lane',
        (one) => {
          withheld.push(one)
          return view('summary', 'informed')
        }
      )
      t.match(withheld, [{ notifications: 2 }])
      await store.close()
    })

    t.test(
      'if a source has too many objects, the oldest healthy ones are forgotten first, failing ones last',
      async (t) => {
        const { open } = await prepare(t)
        const store = await open()
        const memory = { since: at, decidedAt: at, revision: '', notified: [] }
        const names = ['failing-1', 'well-1', 'well-2', 'failing-2', 'well-3']
        for (const [n, name] of names.entries()) {
          await store.accept([arrival(name, { receivedAt: at + n })], (item) => ({
            ...sendTo('lane')(item),
            memory: name.startsWith('failing') ? { ...memory, failure } : memory
          }))
        }
        await store.accept(
          [arrival('of-another', { event: { ...arrival('of-another').event, source: 'eu' } })],
          sendTo('x')
        )
        const kept = async () =>
          (await store.records.objects({}, { limit: 9 }, at)).items.map(({ object }) => object.name)
        t.same(Object.fromEntries(await store.boundObjects(3)), {
          default: { kept: 3, forgotten: 2 },
          eu: { kept: 1, forgotten: 0 }
        })
        t.same((await kept()).sort(), ['failing-1', 'failing-2', 'of-another', 'well-3'])
        await store.boundObjects(1)
        t.same((await kept()).sort(), ['failing-2', 'of-another'])
        await store.close()
      }
    )

    t.test('the number of objects of each source is right while they come and go', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      const counts = async () => Object.fromEntries(await store.boundObjects(9))
      const come = (name: string, receivedAt: number) => store.accept([arrival(name, { receivedAt })], sendTo('lane'))
      t.same(await counts(), {})
      await come('one', at)
      t.same(await counts(), { default: { kept: 1, forgotten: 0 } })
      await come('one', at + 1)
      await come('two', at + 20)
      await t.rejects(
        store.accept([arrival('three'), arrival('four')], (item) => {
          const memory = { since: at, decidedAt: at, revision: '', notified: [] }
          const unwritable = Object.defineProperty({ ...memory }, 'revision', {
            enumerable: true,
            get() {
              throw new Error('cannot be written')
            }
          })
          return { ...sendTo('lane')(item), memory: item.event.object.name === 'four' ? unwritable : memory }
        })
      )
      t.same(await counts(), { default: { kept: 2, forgotten: 0 } }, 'nothing of what was not written')
      await come('three', at + 20)
      const before = { events: 0, deadLetters: at + 10, duplicates: 0, gatherings: 0 }
      await store.prune(before, 100)
      t.same(await counts(), { default: { kept: 2, forgotten: 0 } }, 'one is forgotten')
      await come('one', at + 30)
      t.same(await counts(), { default: { kept: 3, forgotten: 0 } }, 'and known again')
      await store.close()
      const again = await open()
      t.same(Object.fromEntries(await again.boundObjects(9)), { default: { kept: 3, forgotten: 0 } })
      await again.close()
    })

    t.test('pruning removes what is over, in small steps, and never what waits', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await store.accept([arrival('sent-1'), arrival('sent-2'), arrival('waits')], sendTo('lane'))
      for (let n = 0; n < 2; n++) await store.settle(await post(store, 'lane'), attempt, sent)
      const before = { events: at + 1, deadLetters: at + 1, duplicates: at + 1, gatherings: at + 1 }
      let steps = 0
      while ((await store.prune(before, 1)) > 0) steps += 1
      t.ok(steps >= 3, 'more than one step')
      t.equal(store.pending, 1)
      t.equal((await post(store, 'lane')).payload.text, 'waits')
      t.same(
        (await store.messages('lane', 10)).map(({ payload }) => payload.text),
        ['waits']
      )
      await store.close()
    })
  })
}

t.test('a database file serves one relay at a time, and says so', async (t) => {
  const { open } = await stores.sqlite(t)
  const store = await open()
  const lockedOut = /another relay is using this database/
  // The second relay waits a moment for the first to go.
  await t.rejects(open(), { code: 'BAD_DATABASE', message: lockedOut })
  await store.close()
  await (await open()).close()
})

t.test('an object with an event while the oldest of its source are forgotten stays', async (t) => {
  const store = await (await stores.sqlite(t)).open()
  for (const [n, name] of ['one', 'two', 'three'].entries())
    await store.accept([arrival(name, { receivedAt: at + n })], sendTo('lane'))
  await store.boundObjects(9)
  const bounded = store.boundObjects(1)
  await turn()
  await store.accept([arrival('one', { receivedAt: at + 9 })], sendTo('lane'))
  t.same(Object.fromEntries(await bounded), { default: { kept: 2, forgotten: 1 } })
  const { items } = await store.records.objects({}, { limit: 9 }, at)
  t.same(items.map(({ object }) => object.name).sort(), ['one', 'three'])
  await store.close()
})

const known1 = { since: at, decidedAt: at, revision: 'main@sha1:4f2c91d', failure }
// As the first version wrote them.
const memory1 = JSON.stringify({ ...known1, told: [notified] })
const rows1 = `
  insert into events (id, received_at, source, cluster, kind, namespace, name, severity, reason, transition, object, body, trace)
    values (1, ${at}, 'eu', 'prod', 'Kustomization', 'apps', 'one', 'error', 'BuildFailed', 'failed',
      'prod/Kustomization/apps/one', '{}', '{"verdicts":[],"quiet":[]}');
  insert into objects values ('prod/Kustomization/apps/one', '${memory1}', ${at}, ${at});
  insert into objects values ('prod/Kustomization/apps/two', '${memory1}', ${at}, ${at});
  insert into lanes (key, tokens, tokens_at, not_before) values ('lane', 0, ${at}, ${at + 500});
  insert into notifications (id, event_id, rule, destination, lane, object, says, state, created_at)
    values (1, 1, 'r', 'lane', 'lane', 'prod/Kustomization/apps/one', 'failed', 'pending', ${at});
  insert into views values (1, '${JSON.stringify(view('one'))}');`
const migration = (store: string, version: number) =>
  readFileSync(join(import.meta.dirname, '..', 'src', 'store', store, `${version}.sql`), 'utf8')

/** A database of `version`, with rows from the first version. */
async function earlierSqlite(t: Test, version: number) {
  const prepared = await stores.sqlite(t)
  const db = new DatabaseSync(prepared.file)
  db.exec(`${migration('sqlite', 1)}; ${rows1}`)
  for (let next = 2; next <= version; next++) db.exec(migration('sqlite', next))
  db.exec(`pragma user_version = ${version}`)
  db.close()
  return prepared
}

async function earlierPostgres(version: number) {
  const prepared = await stores.postgres(t)
  const since = Array.from({ length: version - 1 }, (_, n) => migration('postgres', n + 2))
  await execute(
    prepared.url,
    `create table relay_schema (version integer primary key);
    insert into relay_schema select generate_series(1, ${version});
    ${migration('postgres', 1)} ${rows1} ${since.join('\n')}
    alter sequence notifications_id_seq restart with 2; alter sequence event_ids restart with 2;`
  )
  return prepared
}

const earlier = {
  'sqlite, version 1': (t: Test) => earlierSqlite(t, 1),
  'sqlite, version 2': (t: Test) => earlierSqlite(t, 2),
  'sqlite, version 3': (t: Test) => earlierSqlite(t, 3),
  'sqlite, version 4': (t: Test) => earlierSqlite(t, 4),
  'sqlite, version 5': (t: Test) => earlierSqlite(t, 5),
  'sqlite, version 6': (t: Test) => earlierSqlite(t, 6),
  'sqlite, version 7': (t: Test) => earlierSqlite(t, 7),
  'sqlite, version 8': (t: Test) => earlierSqlite(t, 8),
  'postgres, version 1': () => earlierPostgres(1),
  'postgres, version 2': () => earlierPostgres(2),
  'postgres, version 3': () => earlierPostgres(3),
  'postgres, version 4': () => earlierPostgres(4),
  'postgres, version 5': () => earlierPostgres(5),
  'postgres, version 6': () => earlierPostgres(6)
}

for (const [name, prepare] of Object.entries(earlier)) {
  t.test(`${name}: the database continues where it was`, async (t) => {
    const { open } = await prepare(t)
    const store = await open()
    t.equal(store.pending, 1)
    t.match(await store.next('lane', plan, at), { is: 'wait', until: at + 500 }, 'a backoff')
    const message = await post(store, 'lane', at + 500)
    t.equal(message.payload.text, 'one', 'what waits')
    await store.settle(message, attempt, sent)
    const known: unknown[] = []
    const keep = (item: Arrival, memory: ObjectMemory | undefined): Decision => {
      known.push(memory)
      return { ...sendTo('lane')(item), memory: memory ?? { since: at, decidedAt: at, revision: '', notified: [] } }
    }
    await store.accept([arrival('one'), arrival('two')], keep)
    const memory = { ...known1, notified: [notified] }
    t.same(known, [memory, memory], 'what is known of each object')
    t.same(Object.fromEntries(await store.boundObjects(10)), {
      '': { kept: 1, forgotten: 0 },
      eu: { kept: 1, forgotten: 0 }
    })
    await store.close()
  })
}

t.test('changing a database of an earlier version is announced before; a new one needs no announcement', async (t) => {
  const { file } = await earlierSqlite(t, 6)
  const { url } = await earlierPostgres(4)
  for (const [address, versions] of [
    [`sqlite:${file}`, [6]],
    [`sqlite:${file}`, []],
    [url, [4]],
    [(await stores.postgres(t)).url, []],
    [`sqlite:${(await stores.sqlite(t)).file}`, []]
  ] as const) {
    const said: number[] = []
    const store = await openStore(address ?? '', { migrating: (from) => said.push(from) })
    t.strictSame(said, versions)
    await store.close()
  }
})

t.test('a database of a newer version is refused with the reason', async (t) => {
  const { open, file } = await stores.sqlite(t)
  await (await open()).close()
  const db = new DatabaseSync(file)
  db.exec('pragma user_version = 99')
  db.close()
  await t.rejects(open(), { code: 'BAD_DATABASE', message: /version 99.*newer flux-relay/ })
})

t.test('a PostgreSQL of a newer version is refused with the reason', async (t) => {
  const { open, url } = await stores.postgres(t)
  await (await open()).close()
  await execute(url, 'insert into relay_schema values (99)')
  await t.rejects(open(), { code: 'BAD_DATABASE', message: /version 99.*newer flux-relay/ })
})
