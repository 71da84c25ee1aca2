// Cards on a real store: which messages are updated, when, and by whom; on both stores, across restarts and between replicas.
import t, { type Test } from 'tap'
import { objectKey } from '../src/objects/name.ts'
import type { View } from '../src/render/compose/view.ts'
import type { Payload } from '../src/render/slack/payload.ts'
import { type Card, type CardEnd, type CardPlan, keptVersions } from '../src/store/kept-cards.ts'
import type { Plan } from '../src/store/kept-lanes.ts'
import type { Store } from '../src/store/store.ts'
import { again, arrival, at, attempt, plan, sent, view } from './fixtures/store.ts'
import { startStores } from './fixtures/stores.ts'

const { stores, moved } = await startStores(t)
const lane = 'slack:acme:C000000A'
const seconds = (count: number) => count * 1000
const since = at

/** Takes everything that waits, in the thread of the first one that has one. */
const whole: Plan = {
  ...plan,
  hasCards: true,
  next: (_lane, pending) => {
    const card = pending.find((entry) => entry.card)?.card
    return {
      ...{ bucket: { tokens: 0, at }, ids: pending.map(({ id }) => id), gathered: [] },
      payload: { text: pending.map(({ view }) => view.object.name).join(), unfurl_links: false, unfurl_media: false },
      ...(card && { thread: { ...card, isBroadcast: true } })
    }
  }
}
const cardPlan: CardPlan = {
  ...{ lanes: 'slack:acme:', except: [], resting: [], budget: 'updates:acme' },
  token: () => ({ bucket: { tokens: 5, at } })
}

const withReply =
  (reply: Payload): Plan['next'] =>
  (...given) => {
    const next = whole.next(...given)
    return 'until' in next ? next : { ...next, payload: { ...next.payload, reply } }
  }
const key = (name: string) => objectKey(arrival(name).event.object)

function about(name: string, says: View['says'], begun = since): View {
  return { ...view(name, says), failure: { reason: 'BuildFailed', text: 'm', since: begun, count: 1 } }
}

/** Accepts one event per name; `notify` is false if nobody is notified of it. */
async function say(store: Store, says: View['says'], names: readonly string[], now = at, notify = true) {
  await store.accept(
    names.map((name) => arrival(name, { receivedAt: now })),
    (item) => {
      const { name } = item.event.object
      const isOver = says === 'recovered'
      const failure = { ...about(name, says).failure, severity: 'error', revision: '', at: now, prints: [] }
      return {
        transition: says,
        memory: {
          ...{ since: now, decidedAt: now, revision: '', notified: [] },
          ...(!isOver && { failure: { ...failure, began: { reason: 'BuildFailed', text: 'm' } } as never })
        },
        notifications: notify ? [{ rule: 'r', destination: 'team', lane, view: about(name, says) }] : [],
        trace: { verdicts: [], quiet: [] },
        keep: notify
      }
    }
  )
}

async function postAll(store: Store, ts: string, now = at) {
  const step = await store.next(lane, whole, now)
  if (step.is !== 'post') throw new Error(`wanted a post, got ${step.is}`)
  const settlement = { ...sent, message: { state: 'sent' as const, posted: { channel: 'C000000A', ts } } }
  await store.settle(step.message, { ...attempt, at: now }, settlement)
  return step.message
}

const shownAs = (text: string): Payload => ({ text, unfurl_links: false, unfurl_media: false })

async function due(store: Store, now: number): Promise<Card | undefined> {
  const step = await store.nextCard(cardPlan, now)
  return step.is === 'update' ? step.card : undefined
}

t.test('cards move to PostgreSQL with everything that they name', async (t) => {
  const store = await moved(t, async (store) => {
    await say(store, 'failed', ['one', 'two'])
    await postAll(store, '1.1')
    await say(store, 'recovered', ['two'], at + seconds(60), false)
  })
  t.match(await due(store, at + seconds(75)), {
    ts: '1.1',
    entries: [{ memory: { failure: { since } } }, { memory: { failure: undefined } }]
  })
  await say(store, 'failed', ['three'], at + seconds(76))
  t.notOk((await postAll(store, '2.1', at + seconds(76))).thread, 'and new ones are made')
})

for (const [name, prepare] of Object.entries(stores)) {
  t.test(name, async (t) => {
    const start = async (t: Test) => {
      const { open, url } = await prepare(t)
      const world = { store: await open(), open, isShared: url !== undefined }
      t.teardown(() => world.store.close())
      return world
    }

    t.test('a message is a card of its failures, and later events find it by them', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one', 'two'])
      t.notOk((await postAll(store, '1.1')).thread)
      t.equal(await due(store, at + seconds(3600)), undefined, 'it shows what is true')
      await say(store, 'changed', ['two'], at + seconds(1))
      const reply = await postAll(store, '1.2', at + seconds(2))
      t.match(reply.thread, { channel: 'C000000A', ts: '1.1', isBroadcast: true })
      t.equal(await due(store, at + seconds(9)), undefined, 'not within ten seconds of the post')
      const card = await due(store, at + seconds(12))
      t.match(card, { channel: 'C000000A', ts: '1.1', destination: 'team', lane })
      t.same(
        card?.entries.map(({ view, since }) => [view.object.name, view.says, since]),
        [
          ['one', 'failed', since],
          ['two', 'changed', since]
        ]
      )
      t.ok(card?.entries.every(({ memory }) => memory?.failure?.since === since))
    })

    t.test('the end of a failure makes its card due, whoever is notified of the end, within ten seconds', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one', 'two'])
      await postAll(store, '1.1')
      await say(store, 'recovered', ['two'], at + seconds(60), false)
      t.equal(await due(store, at + seconds(69)), undefined, 'the message about it is waited for')
      const card = await due(store, at + seconds(70))
      t.same(
        card?.entries.map(({ memory }) => memory?.failure === undefined),
        [false, true]
      )
    })

    t.test('a failure that ended while its card was being posted makes the card due', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one'])
      const step = await store.next(lane, whole, at)
      await say(store, 'recovered', ['one'], at + seconds(1), false)
      if (step.is !== 'post') throw new Error(step.is)
      const posted = { channel: 'C000000A', ts: '1.1' }
      await store.settle(step.message, attempt, { ...sent, message: { state: 'sent', posted } })
      t.match(await due(store, at + seconds(10)), { ts: '1.1' })
    })

    t.test('one replica at a time updates a card, and what comes meanwhile makes it due again', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one', 'two'])
      await postAll(store, '1.1')
      await say(store, 'recovered', ['one'], at + seconds(60), false)
      const now = at + seconds(75)
      const card = await due(store, now)
      t.ok(card)
      if (card === undefined) return
      t.equal(await due(store, now + seconds(1)), undefined)
      await say(store, 'recovered', ['two'], now + seconds(1), false)
      await store.settleCard(card, { is: 'shown' }, now + seconds(2))
      t.equal(await due(store, now + seconds(11)), undefined, 'at most once in ten seconds')
      const next = await due(store, now + seconds(12))
      t.match(next, { id: card.id })
      await store.settleCard(card, { is: 'shown' }, now + seconds(13))
      t.equal(await due(store, now + seconds(25)), undefined, 'who had it before does not decide')
      if (next) await store.settleCard(next, { is: 'shown' }, now + seconds(26))
      t.equal(await due(store, now + seconds(3600)), undefined, 'it shows what is true')
    })

    t.test('an unfinished update is made again, even after a restart', async (t) => {
      const world = await start(t)
      await say(world.store, 'failed', ['one'])
      await postAll(world.store, '1.1')
      await say(world.store, 'recovered', ['one'], at + seconds(60), false)
      t.ok(await due(world.store, at + seconds(75)))
      await world.store.close()
      world.store = await world.open()
      t.equal(await due(world.store, at + seconds(80)), undefined, 'the request may be on its way')
      t.match(await due(world.store, at + seconds(106)), { ts: '1.1' })
    })

    t.test('what somebody did to an incident is shown before everything that waits', async (t) => {
      const { store } = await start(t)
      const ada = { name: 'ada', via: 'page' as const }
      for (const [number, name] of ['one', 'two', 'three'].entries()) {
        await say(store, 'failed', [name], at + number)
        await postAll(store, `${number}.1`)
      }
      await say(store, 'recovered', ['one', 'two'], at + seconds(60), false)
      const begun = { object: key('three'), since }
      await store.acknowledge([begun], at + seconds(90), ada)
      const first = await due(store, at + seconds(90))
      t.equal(first?.ts, '2.1')
      // Undone while it is being shown, the acknowledgement is updated at once, not ten seconds later.
      await store.unacknowledge([begun], at + seconds(91), ada)
      await store.settleCard(first as Card, { is: 'shown', payload: shownAs('taken') }, at + seconds(91))
      const again = await due(store, at + seconds(91))
      t.equal(again?.ts, '2.1')
      await store.settleCard(again as Card, { is: 'shown', payload: shownAs('open') }, at + seconds(91))
      t.equal((await due(store, at + seconds(91)))?.ts, '0.1')
    })

    t.test(
      'an acknowledgement is shown even if it came before the card was posted, or the card was lost',
      async (t) => {
        const { store } = await start(t)
        const ada = { name: 'ada', via: 'page' as const }
        await say(store, 'failed', ['one', 'two'])
        await store.acknowledge([{ object: key('one'), since }], at, ada)
        await postAll(store, '1.1')
        const card = await due(store, at)
        t.equal(card?.ts, '1.1')
        const again = { rule: 'r', destination: 'team', lane, view: about('one', 'failed') }
        await store.settleCard(card as Card, { is: 'lost', notifications: [again] }, at + seconds(1))
        await postAll(store, '2.1', at + seconds(2))
        t.equal((await due(store, at + seconds(2)))?.ts, '2.1')
        await say(store, 'failed', ['three: "acknowledged":{'])
        await postAll(store, '3.1', at + seconds(3))
        t.equal(await due(store, at + seconds(3)), undefined, 'nobody has taken on the third')
      }
    )

    t.test('an update waits while the budget is empty or rests', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one'])
      await postAll(store, '1.1')
      await say(store, 'recovered', ['one'], at + seconds(60), false)
      const now = at + seconds(75)
      const spent = { ...cardPlan, token: () => ({ until: now + 1 }) }
      t.same(await store.nextCard(spent, now), { is: 'wait' })
      const card = await due(store, now)
      t.ok(card)
      await store.restCards(cardPlan.budget, now + seconds(90), now)
      if (card) await store.settleCard(card, { is: 'again', at: now }, now)
      t.equal(await due(store, now + seconds(89)), undefined)
      t.match(await due(store, now + seconds(90)), { ts: '1.1' })
    })

    t.test('cards of other lanes are left alone', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one'])
      await postAll(store, '1.1')
      await say(store, 'recovered', ['one'], at + seconds(60), false)
      t.same(await store.nextCard({ ...cardPlan, lanes: 'slack:other:' }, at + seconds(75)), { is: 'wait' })
      t.same(await store.nextCard({ ...cardPlan, except: [lane] }, at + seconds(75)), { is: 'wait' }, 'by now')
      const other = await store.nextCard({ ...cardPlan, resting: ['C000000A'] }, at + seconds(75))
      t.same(other, { is: 'wait' }, 'a channel that rests')
      t.match(await store.nextCard({ ...cardPlan, resting: ['C000000B'] }, at + seconds(75)), { is: 'update' })
    })

    t.test('open incidents of a lost card are posted again as a card', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one', 'two'])
      await postAll(store, '1.1')
      await say(store, 'recovered', ['two'], at + seconds(60), false)
      const card = await due(store, at + seconds(75))
      if (card === undefined) throw new Error('there is none')
      const event = card.entries.find(({ view }) => view.object.name === 'one')?.event
      t.type(event, 'string')
      const again = { rule: 'r', destination: 'team', lane, view: about('one', 'failed'), event }
      await store.settleCard(card, { is: 'lost', notifications: [again] }, at + seconds(76))
      t.equal(store.pending, 1)
      const message = await postAll(store, '2.1', at + seconds(77))
      t.match(message.payload, { text: 'one' })
      t.notOk(message.thread)
      t.equal((await store.cardAt({ channel: 'C000000A', ts: '2.1' }))?.entries[0]?.event, event)
      await say(store, 'recovered', ['one'], at + seconds(120))
      t.match((await postAll(store, '2.2', at + seconds(121))).thread, { ts: '2.1' })
    })

    t.test(
      'a reply whose thread is gone becomes the next card, and the rest of the last card is checked',
      async (t) => {
        const { store } = await start(t)
        await say(store, 'failed', ['one', 'two'])
        await postAll(store, '1.1')
        await say(store, 'changed', ['one'], at + seconds(60))
        const step = await store.next(lane, whole, at + seconds(60))
        if (step.is !== 'post') throw new Error(step.is)
        const gone = { ...again, message: { state: 'open', failures: 1, isPlain: false, thread: 'gone' } } as const
        await store.settle(step.message, attempt, gone)
        const next = await store.next(lane, whole, at + seconds(61))
        t.ok(next.is === 'post' && next.message.thread === undefined)
        const old = await due(store, at + seconds(61))
        t.same(
          old?.entries.map(({ view }) => view.object.name),
          ['two']
        )
        const posted = { channel: 'C000000A', ts: '2.1' }
        if (next.is === 'post')
          await store.settle(next.message, attempt, { ...sent, message: { state: 'sent', posted } })
        if (old) await store.settleCard(old, { is: 'lost', notifications: [] }, at + seconds(62))
        await say(store, 'recovered', ['one'], at + seconds(120))
        t.match((await postAll(store, '2.2', at + seconds(121))).thread, { ts: '2.1' })
      }
    )

    t.test('a reply that Slack posted as a message of its own becomes a card, and soon has buttons', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one', 'two'])
      await postAll(store, '1.1')
      await say(store, 'changed', ['one'], at + seconds(60))
      const step = await store.next(lane, whole, at + seconds(60))
      if (step.is !== 'post') throw new Error(step.is)
      const posted = { channel: 'C000000A', ts: '2.1' }
      await store.settle(step.message, attempt, { ...sent, message: { state: 'sent', posted, thread: 'gone' } })
      const names = (card: Card | undefined) => card?.entries.map(({ view }) => view.object.name)
      const old = await due(store, at + seconds(60))
      t.same(names(old), ['two'])
      if (old) await store.settleCard(old, { is: 'lost', notifications: [] }, at + seconds(61))
      t.same(names(await store.cardAt(posted)), ['one'])
      t.match(await due(store, at + seconds(71)), { ts: '2.1' })
      await say(store, 'recovered', ['one'], at + seconds(120))
      t.match((await postAll(store, '2.2', at + seconds(121))).thread, { ts: '2.1' })
    })

    t.test('a reply whose thread takes no replies leaves it, and still changes its card', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one'])
      await postAll(store, '1.1')
      await say(store, 'changed', ['one'], at + seconds(60))
      const step = await store.next(lane, whole, at + seconds(60))
      if (step.is !== 'post') throw new Error(step.is)
      const closed = { ...again, message: { state: 'open', failures: 1, isPlain: false, thread: 'closed' } } as const
      await store.settle(step.message, attempt, closed)
      const message = await postAll(store, '2.1', at + seconds(61))
      t.notOk(message.thread)
      t.equal(await store.cardAt({ channel: 'C000000A', ts: '2.1' }), undefined)
      t.match(await due(store, at + seconds(75)), { ts: '1.1', entries: [{ view: { says: 'changed' } }] })
    })

    t.test('an open reply is still a reply after a restart', async (t) => {
      const world = await start(t)
      await say(world.store, 'failed', ['one'])
      await postAll(world.store, '1.1')
      await say(world.store, 'changed', ['one'], at + seconds(60))
      const step = await world.store.next(lane, whole, at + seconds(60))
      if (step.is !== 'post') throw new Error(step.is)
      await world.store.settle(step.message, attempt, again)
      await world.store.close()
      world.store = await world.open()
      const next = await world.store.next(lane, whole, at + seconds(61))
      t.match(next, { is: 'post', message: { thread: { ts: '1.1', isBroadcast: true } } })
    })

    t.test('what should follow a card follows it, once, in its thread, even after a restart', async (t) => {
      const world = await start(t)
      const reply = { text: 'the log', unfurl_links: false as const, unfurl_media: false as const }
      await say(world.store, 'failed', ['one'])
      const step = await world.store.next(lane, { ...whole, next: withReply(reply) }, at)
      if (step.is !== 'post') throw new Error(step.is)
      const settlement = { ...sent, message: { state: 'sent' as const, posted: { channel: 'C000000A', ts: '1.1' } } }
      await world.store.settle(step.message, attempt, settlement)
      await world.store.close()
      world.store = await world.open()
      t.same(await world.store.busyLanes(), [lane], 'the lane is not forgotten')
      t.equal(world.store.pending, 0)
      const next = await world.store.next(lane, whole, at + seconds(1))
      t.match(next, {
        is: 'post',
        message: { notifications: 0, payload: reply, thread: { ts: '1.1', isBroadcast: false } }
      })
      if (next.is === 'post')
        await world.store.settle(next.message, attempt, {
          ...settlement,
          message: { state: 'sent', posted: { channel: 'C000000A', ts: '1.2' } }
        })
      t.same(await world.store.next(lane, whole, at + seconds(2)), { is: 'idle' })
      t.equal(await due(world.store, at + seconds(3600)), undefined, 'and it is no card')
    })

    t.test('what a card shows is known, except for an update with an unknown outcome', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one'])
      await postAll(store, '1.1')
      const shown: unknown[] = []
      const ends: CardEnd[] = [
        { is: 'shown', payload: { text: 'next', unfurl_links: false, unfurl_media: false } },
        { is: 'shown' },
        { is: 'again', at },
        { is: 'shown' }
      ]
      for (const [index, end] of [...ends, ends[1]].entries()) {
        const now = at + seconds(60 * (index + 1))
        await store.touchCards([key('one')], now)
        const card = await due(store, now)
        if (card === undefined || end === undefined) throw new Error(`${index}: nothing is due`)
        shown.push(card.shown?.text)
        await store.settleCard(card, end, now)
      }
      t.same(shown, ['one', 'next', 'next', undefined, 'next'])
      t.equal(await due(store, at + seconds(3600)), undefined)
      await store.touchCards([key('one')], at + seconds(3600))
      const card = await due(store, at + seconds(3600))
      if (card) await store.settleCard(card, { is: 'shown', until: at + seconds(3660) }, at + seconds(3600))
      t.equal(await due(store, at + seconds(3659)), undefined)
      t.ok(await due(store, at + seconds(3660)), 'it is looked at again')
    })

    t.test('incidents on cards are listed with their events as long as they last', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one', 'two'])
      await postAll(store, '1.1')
      await say(store, 'failed', ['three'])
      await say(store, 'recovered', ['two'], at + seconds(60), false)
      const incidents = await store.records.incidentsOnCards()
      t.match(incidents, [{ key: key('one'), since, object: { name: 'one' }, transition: 'failed', body: String }])
      t.equal(incidents.length, 1)
      t.same(await store.records.incidentsOnCards('1'), incidents)
      t.same(await store.records.incidentsOnCards('2'), [])
    })

    t.test("an event leads to its card, the card's versions and its thread", async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one'])
      await postAll(store, '1.1')
      await say(store, 'changed', ['one'], at + seconds(60))
      await postAll(store, '1.2', at + seconds(60))
      const card = await due(store, at + seconds(60))
      const payload = { text: 'changed', unfurl_links: false as const, unfurl_media: false as const }
      if (card) await store.settleCard(card, { is: 'shown', payload }, at + seconds(60))
      for (const event of ['1', '2']) {
        t.match(await store.records.cardsOf(event), [
          {
            ...{ id: '1', destination: 'team', channel: 'C000000A', ts: '1.1', postedAt: at, isDue: false },
            versions: [{ payload: { text: 'changed' } }, { payload: { text: 'one' } }],
            thread: [{ state: 'sent', isBroadcast: true, payload: { text: 'one' } }]
          }
        ])
      }
      for (let n = 0; n < 12; n++) {
        const now = at + seconds(120 + 60 * n)
        await store.touchCards([key('one')], now)
        const next = await due(store, now)
        if (next) await store.settleCard(next, { is: 'shown', payload: { ...payload, text: `${n}` } }, now)
      }
      const [full] = await store.records.cardsOf('1')
      t.equal(full?.versions.length, keptVersions)
      t.equal(full?.versions[0]?.payload.text, '11')
      t.same(await store.records.cardsOf('3'), [])
    })

    t.test('a clock that was set back does not delay a card for long', async (t) => {
      const { store } = await start(t)
      const future = at + seconds(86_400)
      await say(store, 'failed', ['one'], future)
      await postAll(store, '1.1', future)
      await say(store, 'recovered', ['one'], future + seconds(60), false)
      t.match(await due(store, at + seconds(60)), { ts: '1.1' })
    })

    t.test('a card is pruned once everything that it names is over, and not before', async (t) => {
      const { store } = await start(t)
      await say(store, 'failed', ['one'])
      await postAll(store, '1.1')
      const times = { events: at + seconds(200), deadLetters: at, duplicates: at, gatherings: at }
      while ((await store.prune(times, 10)) > 0);
      await say(store, 'recovered', ['one'], at + seconds(60), false)
      const card = await due(store, at + seconds(75))
      t.match(card, { entries: [{ view: { object: { name: 'one' } } }] }, 'its notification may be gone by then')
      if (card) await store.settleCard(card, { is: 'shown' }, at + seconds(76))
      t.ok((await store.prune(times, 10)) > 0)
      t.equal(await store.prune(times, 10), 0)
    })
  })
}
