// Acts on a real store: operators' acts are stored with their effect, once per click; on both stores.
import { Client } from 'pg'
import t from 'tap'
import { objectKey } from '../src/objects/name.ts'
import type { Decision } from '../src/store/kept.ts'
import { lockNumbers } from '../src/store/postgres/locks.ts'
import type { Store } from '../src/store/store.ts'
import { arrival, at, sendTo, view } from './fixtures/store.ts'
import { startStores } from './fixtures/stores.ts'

const { stores, moved } = await startStores(t)
const ada = { name: 'ada', via: 'page' as const }
const object = objectKey(arrival('shop').event.object)
const failure = {
  ...{ severity: 'error' as const, reason: 'BuildFailed', revision: '', text: 'm', at, since: at, count: 1 },
  ...{ began: { reason: 'BuildFailed', text: 'm' }, prints: [] }
}

/** Stores a failure that leaves a message with a ping, or a reminder, waiting. */
async function fail(store: Store, says: 'failed' | 'repeated', name = 'shop') {
  const about = {
    ...view(name, says),
    mention: '<!here>',
    failure: { reason: 'BuildFailed', text: 'm', since: at, count: 1 }
  }
  await store.accept(
    [arrival(name)],
    (): Decision => ({
      transition: says,
      memory: { since: at, decidedAt: at, revision: '', notified: [], failure },
      notifications: [{ rule: 'r', destination: 'lane', lane: 'lane', view: about }],
      trace: { verdicts: [], quiet: [] },
      keep: true
    })
  )
}

const log = async (store: Store) => (await store.records.acts({}, { limit: 50 })).items

for (const [name, prepare] of Object.entries(stores)) {
  t.test(name, async (t) => {
    t.test('an acknowledgement is stored, calms what waits, and is recorded once', async (t) => {
      const { open } = await prepare(t)
      const store = await open()
      await fail(store, 'failed')
      await fail(store, 'repeated')
      t.equal(store.pending, 2)
      const incident = { object, since: at }
      const gone = [{ object: 'nowhere' }, { object, since: at - 1 }]
      t.match(await store.acknowledge([...gone, incident, { object }], at + 1, ada), [
        { object, since: at, acknowledged: { by: 'ada', at: at + 1 }, isNews: true }
      ])
      t.equal(store.pending, 1, 'the reminder is withheld')
      const { items } = await store.records.notifications({ state: 'muted' }, { limit: 9 })
      t.match(items, [{ says: 'repeated', reason: 'acknowledged by ada: no reminder' }])
      t.match(await store.acknowledge([incident], at + 2, { ...ada, name: 'bob' }), [{ isNews: false }])
      t.match(await store.acknowledge(gone, at + 2, ada), [])
      await store.close()
      const after = await open()
      t.teardown(() => after.close())
      const [record] = (await after.records.objects({ state: 'failing' }, { limit: 9 }, at)).items
      t.match(record, { failure: { acknowledged: { by: 'ada', via: 'page', at: at + 1 } } })
      t.match(await after.unacknowledge([incident], at + 3, ada), [{ acknowledged: undefined, isNews: true }])
      const acts = await log(after)
      t.match(acts, [{ did: 'unacknowledge' }, { did: 'acknowledge', at: at + 1, about: { incidents: [incident] } }])
      t.equal(acts.length, 2)
    })

    t.test('a waiting message loses its ping, but only that of the acknowledged incident', async (t) => {
      const store = await (await prepare(t)).open()
      t.teardown(() => store.close())
      await fail(store, 'failed')
      await fail(store, 'failed', 'other')
      await store.acknowledge([{ object }], at, ada)
      const seen: [string, string | undefined][] = []
      await store.next(
        'lane',
        {
          ...{ token: () => ({ bucket: { tokens: 0, at } }), causesOf: () => [], hold: () => [], oldest: 0 },
          next: (_lane, pending) => {
            for (const { view } of pending) seen.push([view.object.name, view.mention])
            return {
              ...{ bucket: { tokens: 0, at }, ids: pending.map(({ id }) => id), gathered: [] },
              payload: { text: 'm', unfurl_links: false, unfurl_media: false }
            }
          }
        },
        at
      )
      t.same(seen, [
        ['shop', undefined],
        ['other', '<!here>']
      ])
    })

    t.test(
      'a click takes effect once, whatever it was, however often and simultaneously it is delivered',
      async (t) => {
        const store = await (await prepare(t)).open()
        t.teardown(() => store.close())
        await fail(store, 'failed')
        const silence = { match: { name: 'x' }, comment: '', endsAt: at + 60_000 }
        const acts: Record<string, (actor: typeof ada & { click: string }) => Promise<unknown>> = {
          silence: (actor) => store.addSilence(silence, at, actor),
          acknowledge: (actor) => store.acknowledge([{ object }], at, actor),
          unacknowledge: (actor) => store.unacknowledge([{ object }], at, actor),
          extend: (actor) => store.extendSilence('1', at + 90_000, at, actor),
          end: (actor) => store.endSilence('1', at, actor),
          try: (actor) => store.tryNow('lane', at, actor)
        }
        for (const [did, act] of Object.entries(acts)) {
          const actor = { ...ada, click: `click ${did}` }
          const all = await Promise.allSettled([act(actor), act(actor), act(actor)])
          const refused = all.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
          t.same(refused, ['REPEATED', 'REPEATED'], did)
          t.match((await log(store))[0], { did, name: 'ada' })
        }
        t.equal((await log(store)).length, Object.keys(acts).length)
        t.match(await store.endedSilences(at, 9), [{ id: '1', author: 'ada' }])
      }
    )

    t.test('acts name the dead letters that were retried or discarded, and are pruned with events', async (t) => {
      const store = await (await prepare(t)).open()
      t.teardown(() => store.close())
      await store.accept([arrival('a')], sendTo('lane'))
      await store.follow(() => new Map(), at + 10 * 60_000)
      const lanes = new Map([['lane', 'lane']])
      t.match(await store.records.retry(['1'], lanes, at, ada), [{ id: '1' }])
      t.match(await store.records.retry(['1'], lanes, at, ada), [], 'which is no act')
      await store.follow(() => new Map(), at + 10 * 60_000)
      await store.records.discard(['1'], at + 5, ada)
      t.match(await log(store), [
        { did: 'discard', about: { notifications: ['1'] } },
        { did: 'retry', about: { notifications: ['1'] } }
      ])
      const page = await store.records.acts({ name: 'ada' }, { limit: 1 })
      t.match(page, { items: [{ did: 'discard' }], next: /./ })
      t.match(await store.records.acts({}, { limit: 1, cursor: page.next ?? '' }), {
        items: [{ did: 'retry' }],
        next: null
      })
      t.same((await store.records.acts({ did: 'silence' }, { limit: 1 })).items, [])
      const before = { gatherings: at, events: at + 1, deadLetters: at, duplicates: at }
      await store.prune(before, 100)
      t.same(
        (await log(store)).map(({ did }) => did),
        ['discard']
      )
    })
  })
}

t.test('acts move to PostgreSQL, and new ones follow them there', async (t) => {
  const store = await moved(t, async (store) => {
    await fail(store, 'failed')
    await store.acknowledge([{ object }], at, { ...ada, click: 'one' })
  })
  await t.rejects(store.unacknowledge([{ object }], at, { ...ada, click: 'one' }), { code: 'REPEATED' })
  await store.unacknowledge([{ object }], at, ada)
  t.match(await log(store), [{ did: 'unacknowledge' }, { did: 'acknowledge' }])
})

t.test('a click does not wait for a rollout, even if both have the same hash', async (t) => {
  t.equal(
    new Set(Object.values(lockNumbers)).size,
    Object.keys(lockNumbers).length,
    'no lock has the number of another'
  )
  const { open, url } = await stores.postgres(t)
  const store = await open()
  t.teardown(() => store.close())
  await fail(store, 'failed')
  const other = new Client(url)
  await other.connect()
  t.teardown(() => other.end())
  await other.query('begin')
  await other.query('select pg_advisory_xact_lock($1, hashtext($2))', [lockNumbers.rollouts, 'one'])
  t.match(await store.acknowledge([{ object }], at, { ...ada, click: 'one' }), [{ isNews: true }])
})
