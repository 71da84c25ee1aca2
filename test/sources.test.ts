// Sources: a fleet's are checked in turns, so that events that arrive meanwhile are answered.
import { pino } from 'pino'
import t from 'tap'
import { sourcesCard } from '../src/dashboard/sources.ts'
import type { Source } from '../src/events/source.ts'
import { createSources } from '../src/operator/sources.ts'
import type { LastEvents } from '../src/store/kept.ts'
import type { Store } from '../src/store/store.ts'
import { createClock } from './fixtures/clock.ts'
import { look, textOf } from './fixtures/dashboard.ts'
import { openConfig, startRelay } from './fixtures/relay.ts'

const minute = 60_000

function fleetOf(count: number, expectMs: number | undefined): Map<string, Source> {
  const names = Array.from({ length: count }, (_, n) => `c${n}`)
  return new Map(names.map((name) => [name, { name, cluster: name, expectMs, hmacKeys: ['key'], tokens: [] }]))
}

/** Sources on a store that keeps only their notes. */
function watch(fleet: ReadonlyMap<string, Source>) {
  const clock = createClock()
  const notices: string[] = []
  const noted: number[] = []
  let known: LastEvents = { sources: new Map(), listenedUntil: undefined }
  const store = {
    records: { announce: async () => true },
    lastEvents: async () => known,
    async noteLastEvents(news: ReadonlyMap<string, number>, now: number) {
      noted.push(news.size)
      known = { sources: new Map([...known.sources, ...news]), listenedUntil: now }
    }
  } as unknown as Store
  const announce = async (key: string) => notices.push(key) > 0
  const log = pino({ enabled: false })
  const { lastEvents } = store
  const start = () => createSources({ store, sources: () => fleet, announce, clock, log })
  return { clock, notices, noted, lastEvents, start, sources: start() }
}

/** How often others had their turn while `work` went on. */
async function turnsDuring(work: Promise<void>): Promise<number> {
  let [turns, isOver] = [0, false]
  const count = () => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await work.finally(() => {
    isOver = true
  })
  return turns
}

for (const [what, expectMs] of [
  ['of which nothing is expected', undefined],
  ['of which events are expected', 10 * minute]
] as const) {
  t.test(`three thousand sources ${what}`, async (t) => {
    const { clock, notices, noted, sources } = watch(fleetOf(3000, expectMs))
    await sources.look()
    noted.length = 0
    for (let n = 0; n < 3000; n++) sources.accepted(`c${n}`, `c${n}`)
    t.ok((await turnsDuring(sources.look())) >= 10, 'others have their turn')
    t.equal(
      noted.reduce((sum, size) => sum + size, 0),
      3000,
      'every arrival is noted'
    )
    t.ok(Math.max(...noted) <= 500, 'some at a time')
    t.equal(sources.standing().sources.filter(({ state }) => state === 'active').length, 3000)
    for (let passed = 0; passed < 12; passed++) {
      clock.advance(minute)
      await sources.look()
    }
    t.equal(
      new Set(notices).size,
      expectMs === undefined ? 0 : 3000,
      'the operator is notified of each that should post'
    )
  })
}

t.test('an event that arrives at any moment of the check is noted, in it or in the next one', async (t) => {
  for (let moment = 0; moment < 12; moment++) {
    const { clock, lastEvents, sources } = watch(fleetOf(1200, undefined))
    await sources.look()
    for (let n = 0; n < 1200; n++) sources.accepted(`c${n}`, `c${n}`)
    const looking = sources.look()
    for (let turn = 0; turn < moment; turn++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(1000)
    sources.accepted('c7', 'c7')
    await looking
    await sources.look()
    t.equal((await lastEvents()).sources.get('c7'), clock.now(), `after ${moment} turns`)
  }
})

t.test('the first page lists some hundred sources of a fleet, those in trouble first, and counts all', async (t) => {
  const { clock, sources } = watch(fleetOf(3000, undefined))
  await sources.look()
  for (let n = 0; n < 2999; n++) sources.accepted(`c${n}`, `c${n}`)
  sources.refused('c2998', 'BAD_SIGNATURE')
  const page = String(await sourcesCard(sources.standing(), clock.now()))
  const listed = [...page.matchAll(/<b>(c\d+)<\/b>/g)].map(([, name]) => name)
  t.same(listed.slice(0, 2), ['c2998', 'c2999'], 'one that was refused, one that never posted')
  t.equal(listed.length, 212)
  t.match(page, 'Sources <span class="count">3,000</span>')
  t.match(page, '2,988 more')
  t.match(page, '2,788 more, all active: <code>flux-relay sources</code>')
})

t.test('refused requests that read alike are said once, with their sum', async (t) => {
  const { clock, sources } = watch(fleetOf(1, undefined))
  await sources.look()
  for (const code of [
    'BAD_EVENT',
    'BAD_JSON',
    'WRONG_TYPE',
    'BAD_JSON',
    'TOO_LARGE',
    'CANNOT_STORE',
    'INTERNAL'
  ] as const)
    sources.refused('c0', code)
  const page = String(await sourcesCard(sources.standing(), clock.now()))
  t.same(page.match(/\d+ requests? [a-zA-Z_ ]+ in the last hour/g), [
    '4 requests were not Flux events in the last hour',
    '1 request was larger than MAX_BODY_BYTES in the last hour',
    '1 request could not be stored in the last hour',
    '1 request failed here in the last hour'
  ])
})

for (const [what, ahead] of [
  ['an hour', 60 * minute],
  ['forty days', 40 * 24 * 60 * minute]
] as const) {
  t.test(`a source is noticed to be quiet once a clock that was ${what} ahead is put right`, async (t) => {
    for (const isAheadFrom of ['its start', 'later']) {
      for (const after of ['nothing more', 'another event', 'a restart']) {
        for (const posts of [true, false]) {
          const { clock, notices, start, ...first } = watch(fleetOf(1, 10 * minute))
          let { sources } = first
          const pass = async (minutes: number) => {
            for (let left = minutes * 6; left > 0; left--) {
              clock.advance(minute / 6)
              await sources.look()
            }
          }
          const state = () => sources.standing().sources[0]?.state
          if (isAheadFrom === 'its start') clock.step(ahead)
          await pass(1)
          if (isAheadFrom === 'later') clock.step(ahead)
          if (posts) sources.accepted('c0', '')
          await pass(1)
          clock.step(-ahead)
          if (after === 'another event') sources.accepted('c0', '')
          const isKnown = after === 'another event'
          await pass(1)
          if (after === 'a restart') sources = start()
          // The time from which it was expected was recorded before the clock was wrong.
          const mayBeQuiet = isAheadFrom === 'later' && !posts
          const about = `${isAheadFrom}, ${posts ? 'one event' : 'no event'}, ${after}`
          for (let minutes = 0; minutes < 8; minutes++) {
            await pass(1)
            if (!isKnown) t.not(state(), 'active', `${about}: nobody knows`)
            if (!mayBeQuiet) t.not(state(), 'quiet', `${about}: it may be that it will post`)
          }
          if (!mayBeQuiet) t.same(notices, [], about)
          await pass(6)
          t.equal(state(), 'quiet', about)
          t.equal(notices.length, 1, about)
          const { since = 0 } = sources.standing().sources[0] ?? {}
          t.ok(since <= clock.now(), 'since a time that was')
          sources.accepted('c0', '')
          await pass(1)
          t.equal(state(), 'active', about)
          t.equal(notices.length, 2, `${about}: it is back`)
        }
      }
    }
  })
}

t.test('a source that anyone can post to is reported at the start, at a reload and beside the source', async (t) => {
  const config = `sources: { default: { hmacKeys: [key] }, direct: { cluster: prod }, old: { tokens: [word], cluster: old } }${openConfig}`
  const relay = await startRelay(t, { config })
  const said = /source \\"(\w+)\\" accepts events from anyone who can reach it; give it hmacKeys, or, .*direct-mode\.md/
  const warned = () => relay.log.flatMap((line) => (/"level":40/.test(line) ? (said.exec(line)?.[1] ?? []) : []))
  t.same(warned(), ['direct'])
  const card = async () => {
    const { html } = await look(relay, '/')
    return textOf(html.slice(html.indexOf('id="sources-title"')))
  }
  const beside = 'Unsigned: anyone who reaches the relay can post'
  t.match(await card(), new RegExp(`direct never posted .* Cluster prod ${beside} old never posted`))
  t.equal((await card()).split(beside).length, 2, 'of the others nothing is said')
  relay.app.reload()
  t.same(warned(), ['direct', 'direct'])
})
