// Mutes and holds: when a hold ends, the mutes and silences in effect then decide, on both stores: the notification is withheld
// and summed up, or sent, once.
import t, { type Test } from 'tap'
import { decide, originOf } from '../../src/decide.ts'
import { normalise } from '../../src/events/flux.ts'
import { compileSilence } from '../../src/mutes/silence.ts'
import { startRehearsal } from '../../src/rehearsal/rehearsal.ts'
import type { Arrival } from '../../src/store/kept.ts'
import { fc } from '../fixtures/fc.ts'
import { plan } from '../fixtures/store.ts'
import { configOf, type StoreRelay, start, startStoreRelay, storesFor } from '../fixtures/store-relay.ts'

const configWith = (rule = 'for: 2m', more = '') => `
cluster: prod
destinations: { team: { slack: { webhookUrl: https://hooks.slack.com/services/T/B/team } } }
rules: [{ name: r, ${rule}, send: team, remindEvery: never }]
${more}`
const config = configWith()
const fails = (name = 'shop', reason = 'HealthCheckFailed') => ({
  involvedObject: { kind: 'Kustomization', namespace: 'apps', name },
  ...{ severity: 'error' as const, reason, message: 'Deployment/apps/web is not ready' }
})
const works = (name = 'shop') => ({
  involvedObject: { kind: 'Kustomization', namespace: 'apps', name },
  ...{ severity: 'info' as const, reason: 'ReconciliationSucceeded', message: 'done' }
})
const shop = { name: 'shop' }

/** The failure as it arrives. */
function failureOf(name: string): Arrival {
  const wire = { ...fails(name), timestamp: new Date(start).toISOString(), reportingController: 'kustomize-controller' }
  const known = configOf(config)
  const event = normalise(wire, originOf(known, 'default'), start, known.classify)
  return { event, body: JSON.stringify(wire), identity: name, receivedAt: start }
}
const texts = ({ posts }: StoreRelay) => posts.map(({ text }) => text)
const rows = async (relay: StoreRelay) =>
  (await relay.store().records.notifications({}, { limit: 20 })).items.filter(({ rule }) => rule === 'r')

for (const [name, prepare] of Object.entries(storesFor(t))) {
  t.test(name, async (t) => {
    const relayOf = async (t: Test, text = config) => startStoreRelay(t, await prepare(t), text)

    t.test('a silence made while a failure is held withholds it once it has lasted, and sums it up', async (t) => {
      const relay = await relayOf(t)
      await relay.post(fails())
      await relay.pass(60)
      await relay.silence(shop, 600)
      await relay.pass(70)
      t.same(texts(relay), [])
      t.same(relay.withheld, ['team'])
      t.equal(relay.store().pending, 0)
      t.match(await rows(relay), [{ state: 'muted', reason: 'withheld by planned work' }])
      await relay.pass(600)
      t.equal(texts(relay).length, 1)
      t.match(texts(relay)[0], /\*planned work\* is over. 1 notification was withheld.*apps\/shop\* has been failing/)
      await relay.post(works())
      await relay.pass(30)
      t.match(texts(relay)[1], /shop works again/, 'whoever read that is told that it is over')
    })

    t.test('a silence that ends during the hold withholds nothing, whatever it covered', async (t) => {
      const relay = await relayOf(t)
      await relay.post(fails())
      await relay.pass(10)
      const id = await relay.silence(shop, 600)
      await relay.pass(10)
      await relay.post(fails('shop', 'BuildFailed'))
      await relay.pass(10)
      await relay.endSilence(id)
      await relay.pass(80)
      t.same(texts(relay), [], 'it has not lasted')
      await relay.pass(20)
      t.match(texts(relay), [/shop failed.*BuildFailed/])
      await relay.pass(600)
      t.equal(texts(relay).length, 1, 'and there is nothing to sum up')
    })

    t.test('a silence that covers only the beginning of a failure withholds nothing', async (t) => {
      const relay = await relayOf(t)
      await relay.silence(shop, 60)
      await relay.post(fails())
      await relay.pass(119)
      t.same(texts(relay), [])
      await relay.pass(2)
      t.match(texts(relay), [/shop failed/])
    })

    t.test('what passes by itself during a silence is in no summary', async (t) => {
      const relay = await relayOf(t)
      await relay.silence(shop, 300)
      await relay.post(fails())
      await relay.pass(40)
      await relay.post(works())
      await relay.pass(400)
      t.same(texts(relay), [])
      t.match(await rows(relay), [{ state: 'muted', reason: 'passed by itself after 40 s' }])
    })

    t.test('a silence of something else does not matter', async (t) => {
      const relay = await relayOf(t)
      await relay.post(fails())
      await relay.silence({ name: 'till' }, 600)
      await relay.pass(130)
      t.match(texts(relay), [/shop failed/])
      t.same(relay.withheld, [])
    })

    t.test('a weekly mute that begins during the hold withholds the failure', async (t) => {
      const weekly = '{ days: [mon-sun], from: "14:01", to: "14:10", timeZone: UTC }'
      const relay = await relayOf(t, configWith('for: 2m', `mute: [{ name: lunch, match: {}, weekly: ${weekly} }]`))
      await relay.post(fails())
      await relay.pass(500)
      t.same(texts(relay), [])
      await relay.pass(200)
      t.match(texts(relay), [/\*lunch\* is over.*apps\/shop/])
    })

    t.test('if the relay was down when the failure had lasted, the silences at its return decide', async (t) => {
      const relay = await relayOf(t)
      await relay.post(fails('shop'))
      await relay.post(fails('till'))
      await relay.silence(shop, 900)
      await relay.sleep(300)
      await relay.pass(10)
      t.equal(texts(relay).length, 1)
      t.match(texts(relay)[0], /till failed/)
      t.notMatch(texts(relay)[0], /shop/)
      await relay.pass(700)
      t.match(texts(relay).slice(1), [/planned work\* is over.*apps\/shop/])
    })

    t.test(
      'a change of a withheld failure is withheld too, and after the silence the failure is no news',
      async (t) => {
        const relay = await relayOf(t)
        await relay.post(fails())
        await relay.silence(shop, 300)
        await relay.pass(130)
        await relay.post(fails('shop', 'BuildFailed'))
        await relay.pass(20)
        t.same(texts(relay), [])
        await relay.pass(200)
        t.match(texts(relay), [/2 notifications were withheld.*apps\/shop\*[^*]*BuildFailed/])
        await relay.post(fails('shop', 'BuildFailed'))
        await relay.pass(300)
        t.equal(texts(relay).length, 1)
      }
    )

    t.test('a silence ended by another replica withholds nothing beyond that, whatever its planned end', async (t) => {
      const relay = await relayOf(t, configWith('match: {}'))
      const id = await relay.silence(shop, 3600)
      await relay.pass(10)
      relay.skip(1)
      await relay.store().endSilence(id, start + relay.now() * 1000)
      await relay.post(fails())
      await relay.pass(10)
      t.match(texts(relay), [/1 notification was withheld, 1 still fails/])
    })

    t.test('the same applies to a failure whose hold ends at that moment', async (t) => {
      const relay = await relayOf(t)
      const now = () => start + relay.now() * 1000
      await relay.post(fails())
      await relay.pass(60)
      const id = await relay.silence(shop, 4 * 3600)
      await relay.pass(58)
      const known = (await relay.store().silences(now())).flatMap((silence) => compileSilence(silence) ?? [])
      await relay.store().endSilence(id, now())
      relay.skip(2)
      const [lane = ''] = await relay.store().busyLanes()
      t.match(await relay.store().next(lane, { ...plan, mutes: known }, now()), { withheld: ['team'] })
      await relay.pass(2)
      t.match(texts(relay), [/planned work.* is over.*1 still fails/])
    })

    t.test('the summary names no failure that has not lasted', async (t) => {
      const relay = await relayOf(t)
      await relay.post(fails())
      await relay.silence(shop, 180)
      await relay.pass(130)
      await relay.post(works())
      await relay.pass(10)
      await relay.post(fails())
      await relay.pass(50)
      t.equal(texts(relay).length, 1)
      t.match(texts(relay)[0], /2 notifications were withheld\..*works again meanwhile: apps\/shop/)
      t.notMatch(texts(relay)[0], /failing|none of its objects/, 'nor does it say that nothing fails')
      await relay.post(works())
      await relay.pass(300)
      t.equal(texts(relay).length, 1, 'it passed by itself')
    })

    t.test('nor one that has another owner by then, because its end would never be notified', async (t) => {
      const owners = `owners:
  - { match: { metadata: { team: a } }, send: team }
  - { send: other }
`
      const other = 'other: { slack: { webhookUrl: https://hooks.slack.com/services/T/B/other } }'
      const text = configWith('match: {}', owners).replace('send: team,', 'send: owner,')
      const relay = await relayOf(t, text.replace('{ team:', `{ ${other}, team:`))
      await relay.silence(shop, 60)
      await relay.post({ ...fails(), metadata: { team: 'a' } })
      await relay.pass(10)
      await relay.post({ ...works(), metadata: { team: 'a' } })
      await relay.pass(10)
      await relay.post(fails())
      await relay.pass(50)
      t.equal(texts(relay).length, 2)
      const [toOther = '', toTeam = ''] = texts(relay).toSorted()
      t.match(toOther, /1 notification was withheld, 1 still fails/)
      t.match(toTeam, /2 notifications were withheld\./)
    })

    t.test('the summary waits for what is held about its objects, which it may report as over', async (t) => {
      const relay = await relayOf(t, configWith('group: { by: [namespace], wait: 60s }'))
      await relay.post(fails())
      await relay.post(fails('till'))
      const id = await relay.silence(shop, 600)
      await relay.pass(10)
      await relay.post(works())
      await relay.endSilence(id)
      await relay.pass(100)
      const all = texts(relay).join('\n')
      t.ok(all.indexOf('apps/shop') < all.indexOf('works again meanwhile'))
      t.notMatch(all.slice(all.indexOf('works again meanwhile')), /shop\*? failed/)
      t.match(all, /till/)
    })

    t.test('a gathered notification is withheld if it is silenced by the time it is due', async (t) => {
      const relay = await relayOf(t, configWith('match: {}'))
      for (const name of ['a', 'b', 'c']) await relay.post(fails(name))
      await relay.silence({ name: ['b', 'c'] }, 300)
      await relay.pass(30)
      t.equal(texts(relay).length, 1)
      t.same(relay.withheld, ['team', 'team'])
      await relay.pass(400)
      t.match(texts(relay).slice(1), [/2 notifications were withheld, 2 still fail/])
    })

    t.test('so is one that waits for its group', async (t) => {
      const relay = await relayOf(t, configWith('group: { by: [namespace], wait: 1m }'))
      for (const name of ['a', 'b']) await relay.post(fails(name))
      await relay.pass(30)
      await relay.silence({ name: 'b' }, 300)
      await relay.pass(40)
      t.match(texts(relay), [/apps\/a failed/])
      t.notMatch(texts(relay)[0], /apps\/b/)
    })

    t.test('the end of a withheld failure is withheld with it', async (t) => {
      const relay = await relayOf(t)
      await relay.post(fails())
      await relay.silence({ reason: 'HealthCheckFailed' }, 300)
      await relay.pass(119)
      relay.skip(1)
      await relay.post(works())
      await relay.pass(60)
      t.same(texts(relay), [])
      t.same(relay.withheld, ['team', 'team'])
      await relay.pass(300)
      t.match(texts(relay), [/2 notifications were withheld, none of its objects fail now.*works again meanwhile/])
    })

    t.test(
      "what another silence withholds by then is summed up at that one's end, however the first ends",
      async (t) => {
        for (const isByHand of [true, false]) {
          const relay = await relayOf(t, configWith('match: {}'))
          const first = await relay.silence({ namespace: 'apps' }, 100)
          await relay.post(fails('shop'))
          await relay.post(fails('till'))
          await relay.pass(10)
          await relay.silence(shop, 600)
          await relay.pass(10)
          if (isByHand) await relay.endSilence(first)
          await relay.pass(100)
          t.equal(texts(relay).length, 1)
          t.match(texts(relay)[0], /1 notification was withheld, 1 still fails.*apps\/till/)
          t.notMatch(texts(relay)[0], /shop/)
          await relay.post(fails('shop'))
          await relay.pass(30)
          t.equal(texts(relay).length, 1, 'it goes on to be withheld')
          await relay.pass(600)
          t.match(texts(relay).slice(1), [/1 notification was withheld, 1 still fails.*apps\/shop/])
          await relay.post(works('shop'))
          await relay.pass(30)
          t.match(texts(relay).slice(2), [/shop works again/])
        }
      }
    )

    t.test(
      'news of an object is summed up while its failure is withheld, and nobody is notified of its end',
      async (t) => {
        const both = configWith('match: {}').replace(
          ' }]',
          ' }, { name: news, match: { severity: [info] }, send: team }]'
        )
        const relay = await relayOf(t, both)
        await relay.silence(shop, 100)
        await relay.silence({ reason: 'HealthCheckFailed' }, 90)
        await relay.post({ ...works(), reason: 'Progressing', message: 'on its way' })
        await relay.post(fails())
        await relay.pass(10)
        await relay.silence({ reason: 'HealthCheckFailed' }, 600)
        await relay.pass(100)
        t.match(texts(relay), [/1 notification was withheld/])
        t.notMatch(texts(relay)[0], /failing|HealthCheckFailed/)
        await relay.post(works())
        await relay.pass(30)
        t.notMatch(texts(relay).slice(1).join(), /works again/, 'a failure that nobody has read of')
        await relay.pass(600)
        t.match(texts(relay).at(-1), /1 notification was withheld, none of its objects fail now/)
      }
    )

    t.test("held notifications beyond one query's limit are withheld or summed up as well", async (t) => {
      const relay = await relayOf(t, configWith('match: {}'))
      const until = start + 100_000
      const arrivals = Array.from({ length: 1203 }, (_, n) => failureOf(`${n % 3 === 0 ? 'on' : 'off'}-${n}`))
      await relay.store().accept(arrivals, (arrival, memory) => {
        const decision = decide(arrival, memory, configOf(configWith('match: {}')), start)
        const muting = { name: 'first', until }
        return { ...decision, notifications: decision.notifications.map((one) => ({ ...one, muting })) }
      })
      await relay.silence({ name: 'on-*' }, 600)
      await relay.pass(99)
      t.same(texts(relay), [])
      await relay.pass(10)
      t.match(texts(relay), [/\*first\* is over. 802 notifications were withheld, 802 still fail/])
      await relay.pass(600)
      t.match(texts(relay).slice(1), [/planned work\* is over. 401 notifications were withheld, 401 still fail/])
    })

    t.test('mutes without a gap between them say once a week what they withheld', async (t) => {
      const weekly = '{ days: [mon-sun], from: "00:00", to: "00:00", timeZone: UTC }'
      const text = configWith('match: {}', `mute: [{ name: always, match: {}, weekly: ${weekly} }]`)
      const relay = await relayOf(t, text)
      await relay.post(fails())
      for (let day = 0; day < 6; day++) {
        relay.skip(24 * 3600)
        await relay.pass(10)
        t.same(texts(relay), [], `day ${day}`)
      }
      relay.skip(24 * 3600)
      await relay.pass(10)
      t.match(texts(relay), [/\*always\* is over. 1 notification was withheld, 1 still fails/])
    })

    t.test('severity is what the config file makes of it', async (t) => {
      const relay = await relayOf(
        t,
        configWith('match: { severity: warn }, for: 2m', 'severities: [{ reason: HealthCheckFailed, severity: warn }]')
      )
      await relay.post(fails())
      await relay.silence({ severity: ['warn'] }, 600)
      await relay.pass(130)
      t.same(texts(relay), [])
    })

    const names = ['a', 'b', 'c']
    const anything = fc.array(
      fc.record({
        afterS: fc.integer({ min: 0, max: 50 }),
        name: fc.constantFrom(...names),
        does: fc.constantFrom('fails', 'fails', 'fails otherwise', 'works', 'silence', 'end silence', 'restart')
      }),
      { minLength: 2, maxLength: 14 }
    )
    t.test('for any sequence, nothing is posted during a silence, and what lasts is posted or summed up', async (t) => {
      await fc.assert(
        fc.asyncProperty(anything, async (history) => {
          const relay = await relayOf(t, configWith('for: 30s'))
          const silences: { id: string; name: string; from: number; to: number }[] = []
          const failing = new Map<string, number>()
          for (const { afterS, name, does } of history) {
            await relay.pass(afterS)
            const now = relay.now()
            if (does === 'silence') {
              silences.push({ id: await relay.silence({ name }, 40), name, from: now, to: now + 40 })
            } else if (does === 'end silence') {
              const one = silences.find((silence) => silence.name === name && silence.to > now)
              if (one !== undefined) one.to = now
              if (one !== undefined) await relay.endSilence(one.id)
            } else if (does === 'restart') await relay.sleep(20)
            else if (does === 'works') {
              failing.delete(name)
              await relay.post(works(name))
            } else {
              if (!failing.has(name)) failing.set(name, now)
              await relay.post(fails(name, does === 'fails' ? 'BuildFailed' : 'HealthCheckFailed'))
            }
          }
          await relay.pass(900)
          const said = relay.posts
          for (const { at, text } of said) {
            const within = silences.find(({ name, from, to }) => text.includes(`apps/${name}`) && from < at && at < to)
            if (within !== undefined) throw new Error(`${at}: ${text} in ${JSON.stringify(within)}`)
          }
          for (const [name, since] of failing) {
            const isSaid = said.some(({ at, text }) => at >= since && text.includes(`apps/${name}`))
            if (!isSaid) throw new Error(`${name} has failed since ${since}: ${JSON.stringify(said)}`)
          }
          if ((await relay.store().busyLanes()).length > 0) throw new Error('something waits')
          if (relay.store().pending !== 0) throw new Error(`${relay.store().pending} are counted`)
        }),
        { numRuns: name === 'sqlite' ? 30 : 3 }
      )
    })

    t.test('for any silences, holds and owners, whoever reads of a failure also reads of its end', async (t) => {
      const names = ['plain', 'lasting', 'grouped', 'a', 'b']
      const text = `
cluster: prod
destinations:
${names.map((each) => `  ${each}: { slack: { webhookUrl: https://hooks.slack.com/services/T/B/${each} } }`).join('\n')}
owners: [{ match: { metadata: { team: a } }, send: a }, { send: b }]
rules:
  - { name: plain, send: plain }
  - { name: lasting, for: 2m, send: lasting }
  - { name: grouped, group: { by: [namespace], wait: 60s }, send: grouped }
  - { name: owned, for: 1m, send: owner }
  - { name: news, match: { severity: [info] }, send: [${names.join(', ')}] }
`
      const laneOf = (each: string) => configOf(text).destinations.get(each)?.lane
      const team = fc.constantFrom('a', 'b')
      const happening = fc.oneof(
        fc.record({
          is: fc.constant('fails' as const),
          reason: fc.constantFrom('BuildFailed', 'HealthCheckFailed'),
          team
        }),
        fc.record({ is: fc.constant('works' as const), team }),
        fc.record({ is: fc.constant('news' as const), team }),
        fc.record({ is: fc.constant('silence' as const), seconds: fc.constantFrom(20, 90, 300) }),
        fc.record({ is: fc.constant('end' as const) }),
        fc.record({ is: fc.constant('pass' as const), seconds: fc.constantFrom(1, 12, 40, 70) })
      )
      const isEnd = (said: string) => /works again|well again|recovered/.test(said)
      const isTrouble = (said: string) => /red_circle|orange_circle/.test(said) && !isEnd(said)
      await fc.assert(
        fc.asyncProperty(fc.array(happening, { minLength: 3, maxLength: 14 }), async (happenings) => {
          const relay = await relayOf(t, text)
          const silences: string[] = []
          /** Of each failure, in seconds since the start. */
          const incidents: { from: number; to: number }[] = []
          const post = async (wire: object, team: string) => relay.post({ ...fails(), ...wire, metadata: { team } })
          const over = () => {
            const last = incidents.at(-1)
            if (last?.to === Number.POSITIVE_INFINITY) last.to = relay.now()
          }
          for (const one of happenings) {
            if (one.is === 'fails') {
              if (incidents.every(({ to }) => to < Number.POSITIVE_INFINITY))
                incidents.push({ from: relay.now(), to: Number.POSITIVE_INFINITY })
              await post({ reason: one.reason }, one.team)
            } else if (one.is === 'works') {
              over()
              await post(works(), one.team)
            } else if (one.is === 'news')
              await post({ ...works(), reason: 'Progressing', message: 'on its way' }, one.team)
            else if (one.is === 'silence') silences.push(await relay.silence(shop, one.seconds))
            else if (one.is === 'end') await relay.endSilence(silences.at(-1) ?? '0')
            else await relay.pass(one.seconds)
          }
          for (const id of silences) await relay.endSilence(id)
          await relay.pass(99)
          await relay.pass(99)
          over()
          await post(works(), 'a')
          await relay.pass(700)
          for (const each of names) {
            const said = relay.posts.filter(({ lane }) => lane === laneOf(each))
            const last = said.findLast(({ text }) => isTrouble(text) || isEnd(text))
            if (last !== undefined && !isEnd(last.text)) throw new Error(`${each} has read last: ${last.text}`)
            const forS = { lasting: 120, a: 60, b: 60 }[each] ?? 0
            const early = said.find(
              ({ at, text }) =>
                isTrouble(text) &&
                !incidents.some(({ from, to }) => from + forS <= at && at <= to + 70 && to - from >= forS)
            )
            if (early !== undefined)
              throw new Error(`${each} read of what had not lasted, after ${early.at} s: ${early.text}`)
          }
        }),
        { numRuns: name === 'sqlite' ? 40 : 3, interruptAfterTimeLimit: 25_000 }
      )
    })
  })
}

t.test('a rehearsal says that a mute withholds what has lasted by then', async (t) => {
  const weekly = '{ days: [mon-sun], from: "14:01", to: "14:10", timeZone: UTC }'
  const { receive, end } = startRehearsal(
    configOf(configWith('for: 2m', `mute: [{ name: lunch, match: {}, weekly: ${weekly} }]`))
  )
  const wire = { timestamp: null, reportingController: 'kustomize-controller' }
  const held = receive({ ...wire, ...fails() }, start)
  t.equal(held.notifications.length, 1)
  const passed = receive({ ...wire, ...fails('till') }, start + 10_000)
  receive({ ...wire, ...works('till') }, start + 20_000)
  const after = receive({ ...wire, ...fails('mail') }, start + 9 * 60_000)
  end()
  t.match(held, { notifications: [], trace: { quiet: [{ because: /^muted by "lunch" until 2026-09-21T14:10/ }] } })
  t.match(passed.trace.quiet, [{ because: /^passed by itself/ }])
  t.equal(after.notifications.length, 1, 'what has lasted when the mute is over is notified')
})
