// Mutes: record what they withhold, and sum it up in one message when they end: what was withheld, what fails now, what
// recovered.
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { createLog } from '../src/log.ts'
import {
  compileSilence,
  isAbout,
  isAboutObjects,
  matchOf,
  type NewSilence,
  objectIn,
  type Silence,
  silenceName
} from '../src/mutes/silence.ts'
import { compileWeekly } from '../src/mutes/weekly.ts'
import { startRehearsal } from '../src/rehearsal/rehearsal.ts'
import { createSilences } from '../src/silences.ts'
import type { Store } from '../src/store/store.ts'
import { createClock, type TestClock } from './fixtures/clock.ts'
import { look, textOf } from './fixtures/dashboard.ts'
import { fc } from './fixtures/fc.ts'
import { about, type Relay, startRelay } from './fixtures/relay.ts'

const utc = (text: string) => Date.parse(`${text}Z`)

t.test('a weekly mute keeps the hours of its time zone', async (t) => {
  const nights = { days: ['mon-fri'], from: '20:00', to: '07:00', timeZone: 'Europe/Paris' }
  const early = { days: ['sun'], from: '02:30', to: '04:00', timeZone: 'Europe/Paris' }
  const weekend = { days: ['sat-sun'], from: '00:00', to: '00:00', timeZone: 'UTC' }
  const cases: [what: string, weekly: Parameters<typeof compileWeekly>[0], now: string, end: string | undefined][] = [
    ['a summer evening', nights, '2026-07-15T18:00', '2026-07-16T05:00'],
    ['a minute before', nights, '2026-07-15T17:59', undefined],
    ['the last minute', nights, '2026-07-16T04:59', '2026-07-16T05:00'],
    ['the end', nights, '2026-07-16T05:00', undefined],
    ['an hour later in winter', nights, '2026-01-14T18:30', undefined],
    ['the night after Friday', nights, '2026-07-18T04:00', '2026-07-18T05:00'],
    ['the night after Saturday', nights, '2026-07-19T04:00', undefined],
    ['before the hour that is missing', early, '2026-03-29T00:59', undefined],
    ['it begins in that hour: when the clocks are past it', early, '2026-03-29T01:00', '2026-03-29T02:00'],
    [
      'it ends in that hour: likewise',
      { ...nights, days: ['sat'], to: '02:30' },
      '2026-03-29T00:59',
      '2026-03-29T01:00'
    ],
    ['and not an hour later', { ...nights, days: ['sat'], to: '02:30' }, '2026-03-29T01:15', undefined],
    ['half of it is missing', { ...early, from: '02:45', to: '03:45' }, '2026-03-29T01:30', '2026-03-29T01:45'],
    ['all of it is missing', { ...early, to: '03:00' }, '2026-03-29T01:15', undefined],
    ['the hour that comes twice is muted both times', early, '2026-10-25T01:45', '2026-10-25T03:00'],
    ['a whole day, and the next', weekend, '2026-07-18T12:00', '2026-07-20T00:00'],
    ['the last day', weekend, '2026-07-19T12:00', '2026-07-20T00:00'],
    ['over the week’s end', { ...weekend, days: ['fri-mon'] }, '2026-07-17T12:00', '2026-07-21T00:00'],
    ['on its last day', { ...weekend, days: ['fri-mon'] }, '2026-07-20T12:00', '2026-07-21T00:00'],
    ['by day and by night', { ...nights, days: ['mon-tue'], to: '20:00' }, '2026-07-14T01:00', '2026-07-15T18:00'],
    ['a day between', { ...weekend, days: ['fri', 'sun'] }, '2026-07-17T12:00', '2026-07-18T00:00'],
    ['always: the day', { ...weekend, days: ['mon-sun'] }, '2026-07-18T12:00', '2026-07-19T00:00']
  ]
  for (const [what, weekly, now, end] of cases) {
    const until = compileWeekly(weekly).endOf(utc(now))
    t.equal(until, end === undefined ? undefined : utc(end), what)
  }
})

t.test('a weekly mute says when it begins next, even from within it', async (t) => {
  const nights = { days: ['mon-fri'], from: '20:00', to: '07:00', timeZone: 'Europe/Paris' }
  for (const [now, next] of [
    ['2026-07-15T17:59', '2026-07-15T18:00'],
    ['2026-07-15T18:00', '2026-07-16T18:00'],
    ['2026-07-17T23:00', '2026-07-20T18:00'],
    ['2026-10-24T12:00', '2026-10-26T19:00']
  ] as const) {
    t.equal(compileWeekly(nights).nextOf(utc(now)), utc(next), now)
  }
  const early = { days: ['sun'], from: '02:15', to: '02:45', timeZone: 'Europe/Paris' }
  t.equal(
    compileWeekly(early).nextOf(utc('2026-03-28T12:00')),
    utc('2026-04-05T00:15'),
    'not in an hour that is missing'
  )
  const once = { days: ['wed'], from: '20:00', to: '21:00', timeZone: 'UTC' }
  t.equal(compileWeekly(once).nextOf(utc('2026-07-15T20:00')), utc('2026-07-22T20:00'), 'a week later')
})

t.test('a weekly mute is in effect when it said it would begin, and while the clocks show its hours', async () => {
  const minutes = fc.integer({ min: 0, max: 24 * 60 - 1 }).map((minute) => clockOf(minute))
  const [zone, from, to] = [fc.constantFrom(...changes), minutes, minutes]
  fc.assert(
    fc.property(zone, from, to, fc.integer({ min: -24 * 60, max: 24 * 60 }), ([timeZone, change], from, to, minute) => {
      const { endOf, nextOf } = compileWeekly({ days: ['mon-sun'], from, to, timeZone })
      const now = utc(change) + minute * 60_000
      const shows = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone).toPlainTime().toString()
      const clock = shows.slice(0, 5)
      const isWithin = from < to ? from <= clock && clock < to : clock >= from || clock < to
      const next = nextOf(now)
      return (endOf(now) !== undefined) === isWithin && next !== undefined && endOf(next) !== undefined
    })
  )
})

t.test('a weekly mute that was asked before answers like a new one', async () => {
  const weekly = { days: ['fri-sun', 'tue'], from: '22:00', to: '22:00', timeZone: 'Europe/Paris' }
  const known = compileWeekly(weekly)
  fc.assert(
    fc.property(fc.integer({ min: -20_000, max: 20_000 }), (minute) => {
      const now = utc('2026-03-29T01:00') + minute * 60_000
      return known.endOf(now) === compileWeekly(weekly).endOf(now)
    })
  )
})

/** Time zones, and when their clocks are put forward. */
const changes = [
  ['Europe/Paris', '2026-03-29T01:00'],
  ['America/New_York', '2026-03-08T07:00'],
  ['America/Santiago', '2026-09-06T04:00'],
  ['Africa/Cairo', '2026-04-23T22:00'],
  ['Australia/Lord_Howe', '2026-10-03T15:30'],
  ['Asia/Kolkata', '2026-03-29T01:00']
] as const

function clockOf(minute: number): string {
  return Temporal.PlainTime.from('00:00').add({ minutes: minute }).toString().slice(0, 5)
}

t.test('a mute without an end is refused, and one that is over is reported', async (t) => {
  const open =
    'sources: { a: { tokens: ["${T}"] } }\ndestinations: { a: { preview: true } }\nrules: [{ name: a, send: a }]\n'
  const load = (mute: string) => loadConfig(`${open}mute:\n  - ${mute}`, 'c.yaml', { T: 't' }).problems
  t.match(load('{ name: x, match: {} }'), [{ line: 5, message: /has an end: either `until:` or `weekly:`/ }])
  t.match(load('{ name: x, match: {}, until: "tomorrow" }'), [{ line: 5, message: /2036-12-01T06:00:00Z/ }])
  t.match(load('{ name: x, match: {}, until: 2036-02-30T00:00:00Z }'), [
    { message: '"2036-02-30T00:00:00Z" is not a time' }
  ])
  t.match(load('{ name: x, match: {}, until: 2020-01-01T00:00:00Z }'), [{ isWarning: true, message: /ended at/ }])
  const weekly = 'weekly: { days: [mon-fry], from: "20:00", to: "7:00", timeZone: Europe/Paris }'
  t.match(load(`{ name: x, match: {}, ${weekly} }`), [{ message: /mon-fri/ }, { message: /"7:00"/ }])
  const zone = 'weekly: { days: [mon], from: "20:00", to: "07:00", timeZone: Europe/Pariss }'
  t.match(load(`{ name: x, match: {}, ${zone} }`), [{ message: /no time zone "Europe\/Pariss"/ }])
})

t.test('a silence of one object matches no other, and is not made if it would', async (t) => {
  const shop = { cluster: 'prod', kind: 'Kustomization', namespace: 'apps', name: 'shop' }
  t.same(matchOf(shop), shop)
  t.same(matchOf({ ...shop, cluster: '', namespace: '' }), { kind: 'Kustomization', name: 'shop' })
  for (const changes of [{ kind: '' }, { name: '' }, { name: 'shop*' }, { cluster: 'prod-?' }, { namespace: ' apps' }])
    t.equal(matchOf({ ...shop, ...changes }), undefined, JSON.stringify(changes))
  const silence = (match: NewSilence['match']): Silence => ({
    ...{ id: '7', match, comment: '', author: '', createdAt: 0, endsAt: 1000 }
  })
  t.same(objectIn(silence(shop)), shop)
  for (const match of [{ ...shop, name: 'shop*' }, { ...shop, name: ['shop', 'cart'] }, { name: 'shop' }])
    t.equal(objectIn(silence(match)), undefined, JSON.stringify(match))
  for (const field of Object.keys(shop)) t.equal(isAboutObjects({ [field]: 'a' }), true, field)
  t.equal(isAboutObjects({ ...shop, reason: 'BuildFailed' }), false)
  t.equal(isAbout(silence({ name: 'sh*' }), shop), true)
  t.equal(isAbout(silence({ ...shop, cluster: 'dev' }), shop), false)
  t.equal(silenceName(silence(shop)), 'silence 7')
  t.equal(silenceName({ ...silence(shop), comment: 'db upgrade' }), 'db upgrade')
  const mute = compileSilence({ ...silence(shop), startsAt: 500 })
  t.same(
    [499, 500, 999, 1000].map((now) => mute?.endOf(now)),
    [undefined, 1000, 1000, undefined]
  )
  t.same(
    [499, 500].map((now) => mute?.nextOf(now)),
    [500, undefined]
  )
})

t.test(
  'a silence that a later version made with matchers of its own withholds nothing in an earlier one',
  async (t) => {
    const compiled = (match: object) =>
      compileSilence({ id: '7', match, comment: '', author: '', createdAt: 0, endsAt: 1000 })?.name
    for (const match of [
      { later: 'a' },
      { kind: 'a', later: 'a' },
      { not: { later: 'a' } },
      { related: { later: 'a' } }
    ])
      t.equal(compiled(match), undefined, JSON.stringify(match))
    t.equal(compiled({ when: '(' }), undefined, 'or one that it cannot read')
    const known = {
      ...{ severity: 'error', kind: ['a'], not: { related: { kind: 'b' }, metadata: { any: 'c' } }, when: 'true' },
      ...{ message: { include: ['a'], exclude: ['b'] }, metadata: { any: 'a' } }
    }
    t.equal(compiled(known), 'silence 7')
  }
)

const config = (extra = '') => `
cluster: prod
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, match: { severity: error }, send: team }
${extra}`
const upgrade = 'mute:\n  - { name: db upgrade, match: { namespace: apps }, until: 2026-09-21T15:00:00Z }\n'

const ready = { severity: 'info', reason: 'ReconciliationSucceeded', message: 'ok' } as const

/** Lets virtual time pass, and the relay do what falls due. */
async function pass(relay: Relay, clock: TestClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 60_000) {
    clock.advance(Math.min(left, 60_000))
    // Once this is answered, earlier writes are on disk and their consequences have begun.
    await relay.get('/readyz')
  }
  await relay.get('/readyz')
}

const texts = ({ slack }: Relay) => slack.accepted.map(({ body }) => JSON.stringify(body))
const at = (clock: TestClock) => new Date(clock.now()).toISOString()

t.test('nothing is sent during a mute, and one message at its end', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config: config(upgrade), clock })
  let id = ''
  for (const name of ['a', 'b', 'c']) {
    const { body } = await relay.post(about(name, { timestamp: at(clock) }))
    t.match(body, { status: 'accepted', notifications: [{ destination: 'team' }] }, 'it is recorded all the same')
    id = body.id
  }
  const saidOf = async () => textOf((await look(relay, `/events/${id}`)).html)
  t.match(await saidOf(), /Withheld from team by db upgrade\. It still fails/)
  await pass(relay, clock, 5 * 60_000)
  await relay.post(about('a', { timestamp: at(clock) }))
  await relay.post(about('b', { timestamp: at(clock), ...ready }))
  await pass(relay, clock, 50 * 60_000)
  t.same(texts(relay), [], 'while it lasts')

  await pass(relay, clock, 6 * 60_000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const [said = ''] = texts(relay)
  t.match(said, ':bell: Mute *db upgrade* is over. 4 notifications were withheld, 2 still fail.')
  t.match(await saidOf(), /Withheld from team by db upgrade, summed up at its end\. It still fails/)
  t.match(textOf((await look(relay, '/deliveries?state=muted')).html), /apps\/c .* withheld by db upgrade, summed up/)
  const reason = 'withheld by db upgrade, summed up at its end'
  t.match(JSON.parse((await relay.get(`/api/events/${id}`)).body), { notifications: [{ state: 'muted', reason }] })
  t.match(JSON.parse((await relay.get('/api/notifications?state=muted')).body), { notifications: [{ reason }] })
  t.match(
    said,
    /\\n:red_circle: \*apps\/a\* has been failing in `prod` for 1 h[^\\]*: BuildFailed: [^\\]*\\n:red_circle: \*apps\/c\*/
  )
  t.match(said, ':white_check_mark: works again meanwhile: apps/b in `prod`')

  await relay.post(about('a', { timestamp: at(clock) }))
  await relay.post(about('c', { timestamp: at(clock), ...ready }))
  await pass(relay, clock, 5000)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.match(texts(relay)[1], /✅ apps\/c works again/, 'the message counts as a notification; nothing is said twice')
})

t.test('the message at the end gives the last event of each object, and how its failure ended', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config: config(upgrade).replace('severity: error', 'severity: info'), clock })
  const post = async (name: string, changes: object) => {
    await relay.post(about(name, { timestamp: at(clock), ...changes }))
    await pass(relay, clock, 60_000)
  }
  const waiting = { severity: 'info', reason: 'DependencyNotReady', message: "dependency 'apps/db' is not ready" }
  await post('a', { message: 'no such file' })
  await post('a', { reason: 'HealthCheckFailed', message: 'timed out' })
  await post('b', waiting)
  await post('c', waiting)
  await post('c', ready)
  await post('c', { severity: 'info', reason: 'Progressing', message: 'Deployment/apps/c configured' })
  await post('d', { reason: 'HealthCheckFailed', message: 'timed out' })
  await post('d', { severity: 'info', reason: 'HealthCheckFailed', message: 'Deployment/apps/d deleted' })
  await pass(relay, clock, 55 * 60_000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const [said = ''] = texts(relay)
  t.match(said, /:red_circle: \*apps\/a\* has been failing in `prod` for [^\\]*: HealthCheckFailed: timed out\\n/)
  t.notMatch(said, 'no such file')
  t.match(said, /:warning: \*apps\/b\* has had a warning in `prod` for [^\\]*: DependencyNotReady/)
  t.match(said, ':white_check_mark: well again meanwhile: apps/c in `prod`')
  t.match(said, ':wastebasket: gone meanwhile: apps/d in `prod`')
  t.notMatch(said, 'works again')
  t.match(said, '1 still fails, 1 with a warning')
})

t.test('a failure that was sent before a mute and recovers during it is closed', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, {
    config: config(upgrade.replace('{ namespace: apps }', '{ severity: [info] }')),
    clock
  })
  await relay.post(about('a', { timestamp: at(clock) }))
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  await pass(relay, clock, 60_000)
  await relay.post(about('a', { timestamp: at(clock), ...ready }))
  await pass(relay, clock, 60 * 60_000)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.match(texts(relay)[1], /withheld, none of its objects fail now.*works again meanwhile: apps\/a in `prod`/)
})

/** Replaces the config file. */
function reload({ app, slack }: Relay, text: string): void {
  writeFileSync(app.env.CONFIG_FILE, text.replaceAll('$SLACK', slack.url()))
  app.reload()
}

t.test('what a mute withheld is summed up once if the mute is removed from the file', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config: config(upgrade.replace('2026-09-21', '2027-09-21')), clock })
  for (const name of ['a', 'b']) await relay.post(about(name, { timestamp: at(clock) }))
  clock.advance(60_000)
  await relay.post(about('b', { timestamp: at(clock), ...ready }))
  reload(relay, config())
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const [said = ''] = texts(relay)
  t.match(said, ':bell: Mute *db upgrade* is over. 3 notifications were withheld, 1 still fails.')
  await relay.post(about('a', { timestamp: at(clock) }))
  await relay.post(about('c', { timestamp: at(clock) }))
  await pass(relay, clock, 60_000)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.match(texts(relay)[1], /🔴 apps\/c failed/, 'the message counted as a notification of a')
})

t.test("what a mute withheld is summed up at the mute's end in the current file", async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config: config(upgrade), clock })
  await relay.post(about('a', { timestamp: at(clock) }))
  reload(relay, config(upgrade.replace('15:00', '16:00')))
  await pass(relay, clock, 90 * 60_000)
  t.same(texts(relay), [], 'not while it lasts')
  reload(relay, config(upgrade.replace('15:00', '15:45')))
  await pass(relay, clock, 16 * 60_000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(texts(relay)[0], ':bell: Mute *db upgrade* is over. 1 notification was withheld, 1 still fails.')
})

t.test('a silence until recovery waits for its beginning, and is refused if nothing fails', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config: config(), clock })
  const silence = (name: string, starts?: string) =>
    fetch(`${relay.url}/api/silences`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ match: { name }, untilRecovered: true, starts })
    })
  const ids = async () =>
    JSON.parse((await relay.get('/api/silences')).body).silences.map(({ id }: { id: string }) => id)
  const now = await silence('a')
  t.equal(now.status, 400)
  t.match(await now.json(), { message: /nothing that it matches fails.*`for` or `until`/ })
  t.equal((await silence('a', '2h')).status, 201)
  await pass(relay, clock, 60 * 60_000)
  t.same(await ids(), ['1'], 'an object that is healthy until then does not end it')
  await relay.post(about('a', { timestamp: at(clock) }))
  t.equal((await silence('a')).status, 201, 'one that fails now')
  await pass(relay, clock, 90 * 60_000)
  t.same(await ids(), ['1', '2'])
  await relay.post(about('a', { timestamp: at(clock), ...ready }))
  await pass(relay, clock, 60_000)
  t.same(await ids(), [], 'both are over with the failure')
})

t.test('explain and the tests say that a message would be muted, and until when', async (t) => {
  const file = config(upgrade).replaceAll('$SLACK', 'https://hooks.slack.com/services/T/B/x')
  const { config: loaded } = loadConfig(file, 'c.yaml', {})
  if (loaded === undefined) throw new Error('the config of the test is not right')
  const { notifications, trace } = startRehearsal(loaded).receive(about('a'), Date.parse('2026-09-21T14:00:00Z'))
  t.same(notifications, [])
  t.match(trace.quiet, [{ destination: 'team', because: 'muted by "db upgrade" until 2026-09-21T15:00:00.000Z' }])
})

t.test('the message at the end waits while another mute withholds the same, or the same begins anew', async (t) => {
  const mutes = `mute:
  - { name: nights, match: { namespace: apps }, weekly: { days: [mon-fri], from: "20:00", to: "08:00", timeZone: UTC } }
  - { name: weekends, match: { severity: error }, weekly: { days: [sat, sun], from: "00:00", to: "00:00", timeZone: UTC } }
`
  // A Friday.
  const clock = createClock(Date.parse('2026-09-25T21:00:00Z'))
  const relay = await startRelay(t, { config: config(mutes), clock })
  await relay.post(about('a', { timestamp: at(clock) }))
  await relay.post(about('b', { timestamp: at(clock) }))
  await pass(relay, clock, 30 * 60 * 60_000)
  t.same(texts(relay), [], 'neither on Saturday morning nor between the days of the weekend')
  await relay.post(about('b', { timestamp: at(clock), ...ready }))
  await pass(relay, clock, 20 * 60 * 60_000)
  t.same(texts(relay), [])
  await pass(relay, clock, 2 * 60 * 60_000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const [said = ''] = texts(relay)
  t.match(said, ':bell: Mute *weekends* is over. 2 notifications were withheld, 1 still fails.')
  t.match(said, /apps\/a\* has been failing in `prod` for 2 d 3 h/)
  await relay.post(about('a', { timestamp: at(clock), ...ready }))
  // Its lane may still be recording the previous message.
  await pass(relay, clock, 3 * 60_000)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.match(texts(relay)[1], /✅ apps\/a works again/)
})

t.test('after a failed look, the next one looks for leftovers of a silence whose end was interrupted', async (t) => {
  const clock = createClock()
  const log = createLog([], () => [], { write: () => {} })
  let isAway = false
  let followed = 0
  const store = {
    silences: async () => [],
    async endMutes() {
      if (isAway) throw new Error('the database is away')
      return []
    },
    async followMutes() {
      followed += 1
      return false
    }
  } as unknown as Store
  const silences = createSilences({ store, destinations: () => new Map(), muted: () => [], clock, log, wake: () => {} })
  await silences.start()
  t.teardown(silences.stop)
  async function lookAgain(): Promise<void> {
    clock.advance(5000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await lookAgain()
  t.equal(followed, 1, 'at the start')
  isAway = true
  await t.resolves(silences.look(), 'whoever has just added one has added it')
  isAway = false
  await lookAgain()
  await lookAgain()
  t.equal(followed, 2)
})
