// Clock: repeated work stops on request and outlives an error; an unknown time zone is reported.
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createAges, every, systemClock, zoneFault } from '../src/clock.ts'
import { createLog } from '../src/log.ts'
import { createPruning } from '../src/store/pruning.ts'
import type { Store } from '../src/store/store.ts'
import { createClock } from './fixtures/clock.ts'

t.test('work is repeated after each wait, also after an error, which is passed on', async (t) => {
  const clock = createClock()
  const errors: unknown[] = []
  let times = 0
  const work = async () => {
    times += 1
    if (times === 2) throw new Error('out of reach')
  }
  const stop = every(clock, 1000, work, (error) => errors.push(error))
  t.equal(times, 0, 'not before the first wait is over')
  for (const wanted of [1, 2, 3]) {
    clock.advance(1000)
    await turn()
    t.equal(times, wanted)
  }
  t.match(errors, [{ message: 'out of reach' }])
  stop()
  clock.advance(10_000)
  await turn()
  t.equal(times, 3)
})

t.test('the wait is computed anew each time, and begins when the work has ended', async (t) => {
  const clock = createClock()
  const began: number[] = []
  const start = clock.now()
  let finish = () => {}
  let ms = 100
  const work = () => {
    began.push(clock.now() - start)
    ms = 5000
    return new Promise<void>((resolve) => {
      finish = resolve
    })
  }
  t.teardown(every(clock, () => ms, work, t.error))
  clock.advance(3000)
  t.same(began, [100])
  finish()
  await turn()
  clock.advance(4999)
  t.same(began, [100])
  clock.advance(1)
  t.same(began, [100, 8000])
})

t.test('a stop while work is under way ends the repetition', async (t) => {
  const clock = createClock()
  let times = 0
  let finish = () => {}
  const work = () => {
    times += 1
    return new Promise<void>((resolve) => {
      finish = resolve
    })
  }
  const stop = every(clock, 1000, work, t.error)
  clock.advance(1000)
  stop()
  finish()
  await turn()
  clock.advance(60_000)
  t.equal(times, 1)
})

t.test('a relay that stops in the middle of a pruning step deletes and counts no more', async (t) => {
  const clock = createClock()
  const calls: string[] = []
  const answers: (() => void)[] = []
  const answer = <T>(call: string, value: T): Promise<T> => {
    calls.push(call)
    return new Promise((resolve) => answers.push(() => resolve(value)))
  }
  // As many rows as a step may have, so the next step would follow at once.
  const store = {
    prune: (_before: unknown, limit: number) => answer('prune', limit),
    boundObjects: () => answer('count', new Map())
  } as unknown as Store
  const pruning = createPruning({
    store,
    counted: () => {},
    retention: () => ({ eventsMs: 1000, deadLettersMs: 1000 }),
    clock,
    ages: createAges(clock, 0),
    log: createLog([], () => [], { write: () => {} })
  })
  pruning.start()
  await turn()
  clock.advance(60_000)
  t.same(calls, ['count', 'prune'])
  pruning.stop()
  for (const give of answers) give()
  await turn()
  clock.advance(60 * 60_000)
  await turn()
  t.same(calls, ['count', 'prune'])
})

t.test('however often the clock is set, the time that it skips makes nothing old', async (t) => {
  const [minute, hour] = [60_000, 60 * 60_000]
  const clock = createClock()
  const ages = createAges(clock, 0)
  const start = clock.now()
  for (let n = 0; n < 150; n++) {
    clock.step(hour)
    clock.advance(minute)
    ages.before(hour)
  }
  clock.advance(hour)
  t.ok(ages.before(6 * hour) < start, 'it is not four hours old')
  clock.advance(3 * hour)
  t.ok(ages.before(6 * hour) > start, 'and then it is six')
})

t.test('a wait that is longer than a timer can take does not end at once', async (t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  for (const ms of [2 ** 31 - 1, 2 ** 31, Number.POSITIVE_INFINITY]) systemClock.after(ms, t.fail)()
  await turn()
  t.same(warnings, [])
})

t.test('a TZ that is not a time zone is reported; a valid one, or none, is not', async (t) => {
  // Node silently falls back to UTC for every unknown zone.
  for (const name of ['CEST', 'Europe/Pariss', 'europe/paris', 'UTC+2', 'CET-1CEST,M3.5.0,M10.5.0/3', '/etc/localtime'])
    t.match(zoneFault(name, 'UTC'), `TZ=${name} is the name of no time zone`, name)
  for (const name of ['', 'UTC', 'Etc/UTC', 'GMT', 'Zulu']) t.equal(zoneFault(name, 'UTC'), undefined, name)
  for (const [name, zone] of Object.entries({
    'Europe/Paris': 'Europe/Paris',
    ':Europe/Paris': 'Europe/Paris',
    'GMT+2': '+02:00'
  }))
    t.equal(zoneFault(name, zone), undefined, name)
})
