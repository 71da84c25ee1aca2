// Records: answer people and retry dead letters the same way in every store.
import t, { type Test } from 'tap'
import type { FluxEvent } from '../src/events/flux.ts'
import type { Failure, ObjectMemory } from '../src/objects/memory.ts'
import type { View } from '../src/render/compose/view.ts'
import type { Arrival, Decide } from '../src/store/kept.ts'
import type { Plan, Settlement } from '../src/store/kept-lanes.ts'
import type { Listed, NotificationState, Page, Records } from '../src/store/records.ts'
import type { Store } from '../src/store/store.ts'
import { arrival, at, attempt, plan, post, sendTo, sent, view } from './fixtures/store.ts'
import { startStores } from './fixtures/stores.ts'

const { stores } = await startStores(t)

const minute = 60_000
const hour = 60 * minute
const lanes = new Map(['lane', 'other'].map((name) => [name, name]))
const dead: Settlement = { message: { state: 'dead', reason: 'refused' }, lane: { notBefore: 0 } }

/** An arrival about `object` whose event differs by `changes`. */
function about(object: Partial<FluxEvent['object']>, changes: Partial<FluxEvent> = {}, receivedAt = at): Arrival {
  const base = arrival('shop')
  const event = { ...base.event, ...changes, object: { ...base.event.object, ...object } }
  const body = JSON.stringify({ message: `about ${event.object.name}` })
  return { ...base, event, body, receivedAt }
}

/** The decision for a failing object, sent to `lane`. */
const failing =
  (lane: string, since = at, decidedAt = since): Decide =>
  (item) => {
    const decision = sendTo(lane)(item)
    const failure = {
      began: { reason: 'BuildFailed', text: 'boom' },
      at: since,
      severity: 'error',
      reason: 'BuildFailed',
      revision: '',
      text: 'boom',
      since,
      count: 2,
      prints: []
    }
    const [first] = decision.notifications
    const about = { ...view(item.event.object.name), failure: { reason: 'BuildFailed', text: 'boom', since, count: 2 } }
    return {
      ...decision,
      memory: { ...decision.memory, failure, since, decidedAt } as ObjectMemory,
      notifications: first ? [{ ...first, view: about }] : []
    }
  }

const silent: Decide = (item) => ({ ...sendTo('lane')(item), notifications: [] })

/** All pages of `limit` items, concatenated. */
async function all<T>(page: (page: Page) => Promise<Listed<T>>, limit: number, order?: Page['order']): Promise<T[]> {
  const items: T[] = []
  for (let cursor: string | undefined; ; ) {
    const listed = await page({ limit, cursor, order })
    items.push(...listed.items)
    if (listed.next === null) return items
    cursor = listed.next
  }
}

async function bury(store: Store, lane: string): Promise<void> {
  await store.settle(await post(store, lane), attempt, dead)
}

async function memoryOf(store: Store, name: string): Promise<ObjectMemory | undefined> {
  let found: ObjectMemory | undefined
  await store.accept([arrival(name)], (item, memory) => {
    found = memory
    return { ...silent(item, memory), memory: memory ?? silent(item, memory).memory }
  })
  return found
}

for (const [name, prepare] of Object.entries(stores)) {
  t.test(name, async (t) => {
    async function start(t: Test): Promise<[Store, Records]> {
      const { open } = await prepare(t)
      const store = await open()
      t.teardown(() => store.close())
      return [store, store.records]
    }

    t.test(
      'events come newest first with their notifications, page by page, none twice and none left out',
      async (t) => {
        const [store, records] = await start(t)
        const names = Array.from({ length: 25 }, (_, n) => `app-${n}`)
        await store.accept(
          names.map((name) => about({ name })),
          sendTo('lane')
        )
        const seen = await all((page) => records.events({}, page), 10)
        t.same(
          seen.map(({ object }) => object.name),
          names.toReversed()
        )
        t.same(seen[0], {
          id: '25',
          receivedAt: at,
          source: 'default',
          object: { cluster: 'prod', kind: 'Kustomization', namespace: 'apps', name: 'app-24' },
          severity: 'error',
          reason: 'BuildFailed',
          transition: 'failed',
          message: 'about app-24',
          notifications: [{ id: '25', rule: 'r', destination: 'lane', state: 'pending' }]
        })
        const oldest = await all((page) => records.events({}, page), 5, 'asc')
        t.same(
          oldest.map(({ object }) => object.name),
          names
        )
        const exact = await records.events({}, { limit: 25 })
        t.equal(exact.next, null, 'a page with everything has no next')
        t.equal(exact.items[0]?.body, undefined)
        const [bodied] = (await records.events({}, { limit: 1 }, { withBody: true })).items
        t.equal(bodied?.body, '{"message":"about app-24"}', 'the body as it came')
      }
    )

    t.test('each filter of events finds exactly what it says, alone and with others', async (t) => {
      const [store, records] = await start(t)
      const info = { severity: 'info', reason: 'ReconciliationSucceeded' } as const
      await store.accept([about({ name: 'a' }), about({ name: 'b', namespace: 'db' })], sendTo('lane'))
      await store.accept([about({ name: 'a', cluster: 'dev' }, { ...info, source: 'dev' }, at + hour)], (item) => ({
        ...silent(item, undefined),
        transition: 'recovered'
      }))
      await store.accept([about({ name: 'c', kind: 'HelmRelease' }, {}, at + 2 * hour)], sendTo('other'))
      await bury(store, 'other')
      const cases: [Parameters<Records['events']>[0], string[]][] = [
        [{ source: 'dev' }, ['3']],
        [{ cluster: 'prod' }, ['4', '2', '1']],
        [{ kind: 'HelmRelease' }, ['4']],
        [{ namespace: 'db' }, ['2']],
        [{ name: 'a' }, ['3', '1']],
        [{ cluster: 'prod', kind: 'Kustomization', namespace: 'apps', name: 'a' }, ['1']],
        [{ cluster: 'prod', kind: 'Kustomization', namespace: 'apps', name: 'a', severity: 'info' }, []],
        [{ reason: 'ReconciliationSucceeded' }, ['3']],
        [{ severity: 'info' }, ['3']],
        [{ transition: 'recovered' }, ['3']],
        [{ rule: 'r' }, ['4', '2', '1']],
        [{ rule: 'nobody' }, []],
        [{ destination: 'other' }, ['4']],
        [{ destination: 'lane', name: 'b' }, ['2']],
        [{ destination: 'lane', namespace: 'apps' }, ['1']],
        [{ state: 'dead' }, ['4']],
        [{ state: 'pending' }, ['2', '1']],
        [{ state: 'pending', destination: 'other' }, []],
        [{ state: 'sent' }, []],
        [{ since: at + 1 }, ['4', '3']],
        [{ since: at + hour, until: at + 2 * hour }, ['3']],
        [{ until: at + 1 }, ['2', '1']],
        [{ since: at + 9 * hour }, []],
        [{ rule: 'r', since: at + hour }, ['4']],
        [{ rule: 'r', until: at + hour }, ['2', '1']]
      ]
      for (const [filter, ids] of cases) {
        const { items } = await records.events(filter, { limit: 10 })
        t.same(
          items.map(({ id }) => id),
          ids,
          JSON.stringify(filter)
        )
      }
    })

    t.test('an event that one rule sent twice is in the list once, on whichever page', async (t) => {
      const [store, records] = await start(t)
      const twice: Decide = (item) => {
        const decision = sendTo('lane')(item)
        return { ...decision, notifications: [...decision.notifications, ...sendTo('other')(item).notifications] }
      }
      await store.accept(
        Array.from({ length: 5 }, (_, n) => about({ name: `app-${n}` })),
        twice
      )
      for (const limit of [1, 2, 3]) {
        for (const order of ['asc', 'desc'] as const) {
          const seen = await all((page) => records.events({ rule: 'r' }, page), limit, order)
          const ids = seen.map(({ id }) => id)
          t.same(order === 'asc' ? ids : ids.toReversed(), ['1', '2', '3', '4', '5'], `${limit} ${order}`)
        }
      }
    })

    t.test('a page ends where its bodies become too large, and the next goes on from there', async (t) => {
      const [store, records] = await start(t)
      const message = 'x'.repeat(3 * 1024 * 1024)
      for (let n = 0; n < 7; n++) {
        await store.accept([{ ...about({ name: `app-${n}` }), body: JSON.stringify({ message }) }], sendTo('lane'))
      }
      for (const filter of [{}, { rule: 'r' }]) {
        const first = await records.events(filter, { limit: 500 })
        t.equal(first.items.length, 5)
        const rest = await records.events(filter, { limit: 500, cursor: first.next ?? undefined })
        t.same(
          rest.items.map(({ id }) => id),
          ['2', '1']
        )
      }
    })

    t.test('a filter without an index is answered in pages of bounded cost', async (t) => {
      const [store, records] = await start(t)
      for (let n = 0; n < 21; n++) {
        const batch = Array.from({ length: 1000 }, () => about({ name: 'app' }, n === 0 ? { reason: 'Rare' } : {}))
        await store.accept(batch, silent)
      }
      const first = await records.events({ reason: 'Rare' }, { limit: 10 })
      t.same(first.items, [])
      t.equal(first.next, '1001', 'where it has got to')
      const second = await records.events({ reason: 'Rare' }, { limit: 10, cursor: first.next ?? undefined })
      t.equal(second.items.length, 10)
      t.equal((await all((page) => records.events({ reason: 'Rare' }, page), 300)).length, 1000)
    })

    t.test('one event comes with its reasons, its messages and every answer to them', async (t) => {
      const [store, records] = await start(t)
      const verdicts = [{ rule: 'r', fired: true as const }]
      await store.accept([about({ name: 'shop' })], (item) => ({
        ...sendTo('lane')(item),
        trace: { verdicts, quiet: [{ rule: 'q', destination: 'd', because: 'the same failure' }] }
      }))
      const message = await post(store, 'lane')
      const failed = { state: 'open', failures: 1, isPlain: false } as const
      await store.settle(message, { at, answer: '500' }, { message: failed, lane: { notBefore: 0 } })
      await store.settle(await post(store, 'lane'), { at: at + 1000, answer: '403 no_team' }, dead)
      t.match(await records.event('1'), {
        message: 'about shop',
        body: '{"message":"about shop"}',
        trace: { verdicts, quiet: [{ because: 'the same failure' }] },
        notifications: [
          {
            id: '1',
            state: 'dead',
            reason: 'refused',
            message: {
              id: message.id,
              state: 'dead',
              failures: 1,
              payload: { text: 'shop' },
              attempts: [
                { at, answer: '500' },
                { at: at + 1000, answer: '403 no_team' }
              ]
            }
          }
        ]
      })
      t.equal(await records.event('99'), undefined)
      await t.rejects(records.event('1 or 1=1'), { code: 'BAD_REQUEST' })
      await t.rejects(records.events({}, { limit: 1, cursor: 'x' }), { code: 'BAD_REQUEST', message: /cursor/ })
    })

    t.test('failures come newest first, stale ones apart, healthy objects by name', async (t) => {
      const [store, records] = await start(t)
      const now = at + 48 * hour
      for (const n of [1, 3, 2]) await store.accept([about({ name: `new-${n}` })], failing('lane', now - n * minute))
      await store.accept([about({ name: 'long' })], failing('lane', at, now - hour))
      await store.accept([about({ name: 'old' })], failing('lane', at))
      await store.accept([about({ name: 'well', namespace: 'db' }), about({ name: 'fine' })], silent)
      const names = async (state: 'failing' | 'stale' | 'healthy' | undefined, limit = 2) =>
        (await all((page) => records.objects({ state }, page, now), limit)).map(({ object }) => object.name)
      t.same(await names('failing'), ['new-1', 'new-2', 'new-3', 'long'])
      t.same(await names('stale'), ['old'])
      t.same(await names('healthy'), ['fine', 'well'])
      t.same(await names(undefined, 1), ['fine', 'long', 'new-1', 'new-2', 'new-3', 'old', 'well'])
      const { items } = await records.objects({ namespace: 'db' }, { limit: 10 }, now)
      t.same(
        items.map(({ object }) => object.name),
        ['well']
      )
      const shop = { cluster: 'prod', kind: 'Kustomization', namespace: 'apps', name: 'new-1' }
      const [one] = (await records.objects(shop, { limit: 1 }, now)).items
      t.match(one, {
        object: shop,
        state: 'failing',
        failure: { since: now - minute, count: 2, reason: 'BuildFailed', text: 'boom' },
        notified: [{ rule: 'r', destination: 'lane' }],
        seenAt: at
      })
      await store.accept([about({ name: 'new-1' })], silent)
      t.same(await names('failing'), ['new-2', 'new-3', 'long'], 'until it is over')
      await store.accept([about({ name: 'fine' })], failing('lane', now))
      t.same(await names('failing'), ['fine', 'new-2', 'new-3', 'long'], 'and as soon as it begins')
      t.same(await names('healthy'), ['new-1', 'well'])
    })

    t.test(
      'a repeated query shows the failures as they are by then, even if they changed during the first',
      async (t) => {
        const [store, records] = await start(t)
        const now = at + minute
        const looked = async () =>
          (await records.failures(now)).items.map(({ object: { name }, failure, notified }) =>
            [name, failure?.text, failure?.acknowledged?.by, ...notified.map(({ rule }) => rule)]
              .filter(Boolean)
              .join(' ')
          )
        const saying =
          (text: string): Decide =>
          (...asked) => {
            const { memory, ...decision } = failing('lane')(...asked)
            return { ...decision, memory: { ...memory, failure: { ...memory.failure, text } as Failure } }
          }
        const names = ['a', 'b', 'c', 'd']
        await store.accept(
          names.map((name) => about({ name })),
          saying('first')
        )
        t.same(await looked(), ['d first r', 'c first r', 'b first r', 'a first r'])
        await store.accept([about({ name: 'a' })], saying('second'))
        const incident = { object: 'prod/Kustomization/apps/b', since: at }
        await store.acknowledge([incident], at + 1, { name: 'ada', via: 'page' })
        await store.accept([about({ name: 'c' })], silent)
        t.same(await looked(), ['d first r', 'b first ada r', 'a second r'])
        await store.settle(await post(store, 'lane'), attempt, dead)
        t.same(await looked(), ['d first r', 'b first ada r', 'a second'], 'nobody was notified of what is dead')
        for (const text of ['third', 'fourth', 'fifth']) {
          const looks = [looked(), looked(), records.objects({ state: 'failing', name: 'd' }, { limit: 9 }, now)]
          const [changed] = await Promise.all([store.accept([about({ name: 'd' })], saying(text)), ...looks])
          t.ok(changed)
          t.match((await looked())[0], `d ${text}`)
          t.match((await records.objects({ state: 'failing', name: 'd' }, { limit: 9 }, now)).items, [
            { failure: { text } }
          ])
        }
        await store.accept([about({ name: 'd' })], silent)
        await store.accept([about({ name: 'd' })], failing('lane', at + 1))
        t.same((await looked())[0], 'd boom r', 'it fails anew')
      }
    )

    t.test('notifications are found by state, destination, rule and object', async (t) => {
      const [store, records] = await start(t)
      await store.accept([about({ name: 'a' }), about({ name: 'b', namespace: 'db' })], sendTo('lane'))
      await store.accept([about({ name: 'c' }, {}, at + hour)], sendTo('other'))
      await store.settle(await post(store, 'lane'), attempt, sent)
      await bury(store, 'other')
      const notices = [{ rule: 'operator', destination: 'lane', lane: 'lane', view: view('lane') }]
      await records.announce({ key: 'ops', notices, now: at, withinMs: 1 })
      const cases: [Parameters<Records['notifications']>[0], string[]][] = [
        [{}, ['4', '3', '2', '1']],
        [{ state: 'sent' }, ['1']],
        [{ state: 'pending' }, ['4', '2']],
        [{ state: 'dead' }, ['3']],
        [{ rule: 'operator' }, ['4']],
        [{ rule: 'r', state: 'pending' }, ['2']],
        [{ destination: 'lane' }, ['4', '2', '1']],
        [{ lane: 'other' }, ['3']],
        [{ namespace: 'db' }, ['2']],
        [{ state: 'dead', name: 'a' }, []],
        [{ since: at + 1 }, ['3']],
        [{ since: at + 2 * hour }, []]
      ]
      for (const [filter, ids] of cases) {
        const { items } = await records.notifications(filter, { limit: 10 })
        t.same(
          items.map(({ id }) => id),
          ids,
          JSON.stringify(filter)
        )
      }
      t.match((await records.notifications({ state: 'dead' }, { limit: 1 })).items, [
        { event: '3', state: 'dead', reason: 'refused', says: 'failed', object: { name: 'c' }, createdAt: at + hour }
      ])
      t.match((await records.notifications({ rule: 'operator' }, { limit: 1 })).items, [{ event: null }])
    })

    t.test('lanes show how much waits in them, since when, and what delays it', async (t) => {
      const [store, records] = await start(t)
      await store.accept([about({ name: 'a' }), about({ name: 'b' }, {}, at + minute)], sendTo('lane'))
      await store.accept([about({ name: 'c' }, {}, at + hour)], sendTo('never used'))
      await store.accept([about({ name: 'd' })], sendTo('empty'))
      await store.settle(await post(store, 'empty'), attempt, sent)
      const block = { reason: '404 no_service', since: at, probes: 1 }
      const open = { state: 'open', failures: 0, isPlain: false } as const
      await store.settle(await post(store, 'lane'), attempt, { message: open, lane: { notBefore: at + hour, block } })
      const rest = { block: null, openSince: null, notBefore: 0 }
      t.same(await records.lanes(), [
        { lane: 'empty', backlog: 0, oldest: null, ...rest, bucket: { tokens: 0, at } },
        { lane: 'lane', backlog: 2, oldest: at, block, openSince: at, notBefore: at + hour, bucket: { tokens: 0, at } },
        { lane: 'never used', backlog: 1, oldest: at + hour, ...rest, bucket: null }
      ])
      t.same(
        (await records.laneHeads()).toSorted((a, b) => a.lane.localeCompare(b.lane)),
        [
          { lane: 'lane', dueSince: at, block, notBefore: at + hour },
          { lane: 'never used', dueSince: at + hour, block: null, notBefore: 0 }
        ],
        'those that are empty and well are left out'
      )
    })

    t.test('a message that was refused or still waits for an answer is not counted in its minute', async (t) => {
      const [store, records] = await start(t)
      for (const lane of ['sent', 'refused', 'waiting']) await store.accept([about({ name: lane })], sendTo(lane))
      await store.settle(await post(store, 'sent'), attempt, sent)
      await store.settle(await post(store, 'refused'), { at, answer: '400 invalid_blocks' }, dead)
      await post(store, 'waiting')
      t.same(await records.perMinute(at, at + minute), [{ minute: at, events: 3, failed: 3, messages: 1 }])
    })

    t.test('minutes, rules and the time to Slack are counted', async (t) => {
      const [store, records] = await start(t)
      await store.accept([about({ name: 'a' }), about({ name: 'b' })], sendTo('lane'))
      await store.accept([about({ name: 'c' }, {}, at + 2 * minute)], (item) => ({
        ...silent(item, undefined),
        transition: 'updated'
      }))
      for (const ms of [200, 1000]) {
        await store.settle(await post(store, 'lane'), { at: at + ms, answer: '200 ok' }, sent)
      }
      t.same(await records.perMinute(at - hour, at + 3 * minute), [
        { minute: at, events: 2, failed: 2, messages: 2 },
        { minute: at + 2 * minute, events: 1, failed: 0, messages: 0 }
      ])
      t.same(await records.perMinute(0, at), [], 'the end is not in it')
      t.same(
        await records.perMinute(0, at + 25 * hour),
        [{ minute: at + 2 * minute, events: 1, failed: 0, messages: 0 }].slice(1),
        'never more than a day'
      )
      const notified = await records.reportedBy('2')
      t.match(notified, [{ id: '2', source: 'default', object: { namespace: 'apps', name: 'b' } }])
      t.equal(notified.length, 1)
      t.same(await records.latency(at), { medianMs: 1000, p99Ms: 1000 })
      t.equal(await records.latency(at + 1), undefined)
      t.same(await records.ruleHits(at), [{ rule: 'r', events: 2, messages: 2, isPart: false, lastAt: at }])
      t.same(await records.ruleHits(at + 1), [])
    })

    t.test('each event and each message of a rule counts once; of a busy rule, the newest count', async (t) => {
      const [store, records] = await start(t)
      const twice: Decide = (item) => {
        const decision = sendTo('lane')(item)
        return { ...decision, notifications: [...decision.notifications, ...sendTo('other')(item).notifications] }
      }
      await store.accept([about({ name: 'a' }), about({ name: 'b' })], twice)
      const digest: Plan = {
        ...plan,
        next: (lane, waiting, ...rest) => ({ ...plan.next(lane, waiting, ...rest), ids: waiting.map(({ id }) => id) })
      }
      const step = await store.next('lane', digest, at)
      await store.settle(step.is === 'post' ? step.message : await post(store, 'lane'), attempt, sent)
      await bury(store, 'other')
      t.same(
        await records.ruleHits(at),
        [{ rule: 'r', events: 2, messages: 1, isPart: false, lastAt: at }],
        'two events in one digest; what was never sent is no message'
      )
      t.same(await records.destinationTraffic(at), [
        { destination: 'lane', messages: 1, isPart: false, lastAt: at },
        { destination: 'other', messages: 0, isPart: false, lastAt: undefined }
      ])
      t.match(await records.destinationTraffic(at + hour), [{ messages: 0, lastAt: at }, {}])
      const rules = Array.from({ length: 100 }, (_, index) => `rule ${index}`)
      const many: Decide = (item) => {
        const decision = sendTo('lane')(item)
        return {
          ...decision,
          notifications: rules.flatMap((rule) => decision.notifications.map((one) => ({ ...one, rule })))
        }
      }
      await store.accept(
        Array.from({ length: 101 }, (_, index) => about({ name: `o-${index}` }, {}, at + hour)),
        many
      )
      const hits = await records.ruleHits(at + hour)
      t.equal(hits.length, 100)
      t.same(hits[0], { rule: 'rule 0', events: 100, messages: 0, isPart: true, lastAt: at + hour })
      t.match(
        (await records.ruleHits(at)).find(({ rule }) => rule === 'r'),
        { events: 2, messages: 1, isPart: false }
      )
    })

    t.test("a retried dead letter goes to its destination's present address, and its end is sent too", async (t) => {
      const [store, records] = await start(t)
      await store.accept([about({ name: 'shop' })], failing('lane'))
      await bury(store, 'lane')
      t.same((await memoryOf(store, 'shop'))?.notified, [])
      const now = at + 48 * hour
      t.same(await records.retry(['1', '1', '99'], new Map([['lane', 'new']]), now), [
        { id: '1', destination: 'lane', lane: 'new' }
      ])
      t.same((await memoryOf(store, 'shop'))?.notified, [{ rule: 'r', destination: 'lane', at: now, reminders: 0 }])
      t.equal(store.pending, 1)
      t.same(await store.busyLanes(), ['new'])
      const step = await store.next(
        'new',
        {
          ...plan,
          token: () => ({ bucket: { tokens: 0, at: now } }),
          next: (_, [first]) => ({
            bucket: { tokens: 0, at: now },
            ids: [first?.id ?? ''],
            payload: { text: 'again', unfurl_links: false, unfurl_media: false },
            gathered: []
          }),
          oldest: now - 24 * hour
        },
        now
      )
      t.match(step, { is: 'post' }, 'it is not too old at once')
      t.same(await records.retry(['1'], lanes, now), [], 'what waits is not tried again')
    })

    t.test('retrying a dead letter of a past failure does not mark the present one as notified', async (t) => {
      const [store, records] = await start(t)
      await store.accept([about({ name: 'shop' })], failing('lane'))
      await bury(store, 'lane')
      await store.accept([about({ name: 'shop' })], (item) => ({
        ...failing('lane', at + hour)(item, undefined),
        notifications: [],
        memory: { ...failing('lane', at + hour)(item, undefined).memory, notified: [] }
      }))
      await records.retry(['1'], lanes, at + hour)
      t.same((await memoryOf(store, 'shop'))?.notified, [], 'the failure it is in began later')
    })

    t.test('an undelivered failure does not undo the notification of a later, delivered one', async (t) => {
      const [store] = await start(t)
      await store.accept([about({ name: 'shop' })], failing('lane'))
      await store.accept([about({ name: 'shop' })], failing('lane', at + hour))
      await bury(store, 'lane')
      const notified = (await memoryOf(store, 'shop'))?.notified
      t.match(notified, [{ rule: 'r', destination: 'lane' }], 'the end of the later one is sent')
      await bury(store, 'lane')
      t.same((await memoryOf(store, 'shop'))?.notified, [], 'unless it does not arrive either')
    })

    t.test(
      "if a failure is never delivered, the news behind it counts as the destination's notification",
      async (t) => {
        const [store] = await start(t)
        const add = (changes: Partial<View>, since = at) =>
          store.accept([about({ name: 'shop' })], (item, memory, held) => {
            const decision = failing('lane', since)(item, memory, held)
            const notifications = decision.notifications.map((entry) => ({
              ...entry,
              view: { ...entry.view, ...changes }
            }))
            return { ...decision, notifications }
          })
        await add({ mention: '<!here>' })
        await add({ says: 'changed', wasReason: 'BuildFailed' })
        await add({ says: 'recovered' })
        await bury(store, 'lane')
        t.match((await memoryOf(store, 'shop'))?.notified, [{ rule: 'r' }], 'so that the end is sent, too')
        let next: View | undefined
        const looking: Plan = {
          ...plan,
          next: (lane, waiting, ...rest) => {
            next = waiting[0]?.view
            return plan.next(lane, waiting, ...rest)
          }
        }
        const step = await store.next('lane', looking, at)
        t.match(
          next,
          { says: 'failed', wasReason: undefined, mention: '<!here>' },
          'as it would have been by the first'
        )
        if (step.is === 'post') await store.settle(step.message, attempt, dead)
        t.same((await memoryOf(store, 'shop'))?.notified, [], 'unless it is not delivered either')
        t.equal(store.pending, 0, 'nor is the end, then')
      }
    )

    t.test('all dead letters of a destination are retried in batches, oldest first', async (t) => {
      const [store, records] = await start(t)
      const names = Array.from({ length: 5 }, (_, n) => `app-${n}`)
      await store.accept(
        names.map((name) => about({ name })),
        sendTo('lane')
      )
      await store.accept([about({ name: 'x' })], sendTo('other'))
      await store.accept([about({ name: 'y' })], sendTo('gone'))
      for (const lane of [...names.map(() => 'lane'), 'other', 'gone']) await bury(store, lane)
      const batches: string[][] = []
      for (let cursor: string | undefined; ; ) {
        const { items, next } = await records.retryAll({ destination: 'lane' }, { limit: 2, cursor }, lanes, at)
        batches.push(items.map(({ id }) => id))
        if (next === null) break
        cursor = next
      }
      t.same(batches, [['1', '2'], ['3', '4'], ['5']])
      t.same((await records.retryAll({}, { limit: 10 }, lanes, at)).items, [
        { id: '6', destination: 'other', lane: 'other' }
      ])
      const { items } = await records.notifications({ state: 'dead' }, { limit: 10 })
      t.same(
        items.map(({ destination }) => destination),
        ['gone'],
        'where there is no such destination any more it stays'
      )
    })

    t.test('what a mute or a silence withheld says which one it was, even after its end', async (t) => {
      const [store, records] = await start(t)
      await store.accept([about({ name: 'a' })], (item) => {
        const decision = sendTo('lane')(item)
        const muting = { name: 'silence 2 (upgrade)', until: at + 60_000 }
        return { ...decision, notifications: decision.notifications.map((each) => ({ ...each, muting })) }
      })
      for (const isOver of [false, true]) {
        const end = isOver ? ', summed up at its end' : ''
        const withheld = { state: 'muted', reason: `withheld by silence 2 (upgrade)${end}` }
        t.match((await records.notifications({ state: 'muted' }, { limit: 9 })).items, [withheld], `over: ${isOver}`)
        t.match(await records.event('1'), { notifications: [withheld] }, `over: ${isOver}`)
        await store.endMutes(
          at + 60_000,
          () => 'lane',
          () => view('summary', 'informed')
        )
      }
    })

    t.test('a dead letter that nobody wants is discarded, which is a state of its own in every list', async (t) => {
      const [store, records] = await start(t)
      await store.accept([about({ name: 'a' }), about({ name: 'b' })], sendTo('lane'))
      await bury(store, 'lane')
      t.same(await records.discard(['1', '2'], at), ['1'], 'what still waits is not thrown away')
      const discarded = { id: '1', state: 'discarded', reason: 'discarded by an operator' }
      for (const filter of [{}, { destination: 'lane' }, { rule: 'r' }, { name: 'a' }]) {
        const of = async (state: NotificationState) =>
          (await records.notifications({ ...filter, state }, { limit: 9 })).items
        const events = async (state: NotificationState) =>
          (await records.events({ ...filter, state }, { limit: 9 })).items
        t.match(await of('discarded'), [discarded])
        t.strictSame(await of('muted'), [])
        t.match(await events('discarded'), [{ id: '1', notifications: [{ state: 'discarded' }] }])
        t.strictSame(await events('muted'), [])
      }
      t.match(await records.event('1'), { notifications: [{ state: 'discarded' }] })
      await t.rejects(records.discard(['1); drop table events; --'], at), { code: 'BAD_REQUEST' })
    })

    t.test('a search ignores the case of names', async (t) => {
      const [store, records] = await start(t)
      const cluster = { cluster: 'Prod-EU' }
      await store.accept([about(cluster), about({ ...cluster, name: 'cart' })], sendTo('lane'))
      const search = (field: string, value: string) => ({ search: { fields: { [field]: [value] }, words: [] } })
      for (const value of ['PROD-eu', 'prod-eu', 'Prod-EU']) {
        t.equal((await all((page) => records.events(search('cluster', value), page), 1)).length, 2, value)
        t.equal((await all((page) => records.notifications(search('cluster', value), page), 1)).length, 2, value)
      }
      t.equal((await all((page) => records.notifications(search('rule', 'R'), page), 1)).length, 2)
      t.same(await records.events(search('cluster', 'prod-us'), { limit: 9 }), { items: [], next: null })
      for (const word of ['apps/cart', 'Prod-EU/apps/cart', 'KUSTOMIZATION/apps/cart', 'kustomization/cart']) {
        const words = { search: { fields: {}, words: [word] } }
        t.match((await records.events(words, { limit: 9 })).items, [{ object: { name: 'cart' } }], word)
        t.match((await records.notifications(words, { limit: 9 })).items, [{ object: { name: 'cart' } }], word)
      }
    })

    t.test('the operator is notified once in a while, whichever replica reports it', async (t) => {
      const [store, records] = await start(t)
      const notices = [{ rule: 'operator', destination: 'lane', lane: 'lane', view: view('ops') }]
      t.equal(await records.announce({ key: 'k', notices, now: at, withinMs: hour }), true)
      t.equal(await records.announce({ key: 'k', notices, now: at + hour - 1, withinMs: hour }), false)
      t.equal(await records.announce({ key: 'other', notices, now: at, withinMs: hour }), true)
      t.equal(await records.announce({ key: 'k', notices, now: at + hour, withinMs: hour }), true)
      t.equal(store.pending, 3)
      const both = await Promise.all(
        [1, 2].map(() => records.announce({ key: 'same', notices, now: at, withinMs: hour }))
      )
      t.same(both.toSorted(), [false, true])
    })

    t.test(
      'what the operator was notified of is known until it ends, and ends once, whichever replica reports it',
      async (t) => {
        const [store, records] = await start(t)
        const notices = [{ rule: 'operator', destination: 'lane', lane: 'lane', view: view('ops') }]
        const ends = (name: string) =>
          records.announce({ key: `over ${name}`, notices, now: at + hour, withinMs: 0, ends: `begun ${name}` })
        t.equal(await ends('a%'), false, 'nothing began')
        for (const key of ['begun a%', 'begun ab', 'Begun a%', 'other'])
          await records.announce({ key, notices: [], now: at, withinMs: hour })
        t.same([...(await records.announced('begun '))].toSorted(), [
          ['a%', at],
          ['ab', at]
        ])
        const both = await Promise.all([ends('a%'), ends('a%')])
        t.same(both.toSorted(), [false, true])
        t.equal(store.pending, 1)
        t.same([...(await records.announced('begun '))], [['ab', at]])
      }
    )
  })
}
