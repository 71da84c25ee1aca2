// Schedule: works on lanes at the right times, in virtual time.
import t from 'tap'
import { createSchedule, type Wait } from '../src/deliver/schedule.ts'
import { createClock } from './fixtures/clock.ts'

/** Makes a schedule whose runs end as `waits` say, one after the other. */
function begin(waits: (Wait | undefined | Error)[]) {
  const clock = createClock()
  const stopping = new AbortController()
  const worked: number[] = []
  const start = clock.now()
  const schedule = createSchedule({
    async work() {
      worked.push(clock.now() - start)
      const wait = waits.shift()
      if (wait instanceof Error) throw wait
      return wait && { ...wait, until: start + wait.until }
    },
    failed: () => ({ until: clock.now() + 1000 }),
    ...{ stopping: stopping.signal, clock }
  })
  async function pass(ms: number): Promise<void> {
    clock.advance(ms)
    await schedule.idle()
  }
  return { schedule, stopping, worked, pass }
}

t.test('a waiting lane is worked on when its time has come, however often it is woken before', async (t) => {
  const { schedule, worked, pass } = begin([{ until: 5000 }])
  schedule.wake(['a'])
  await schedule.idle()
  schedule.wake(['a'])
  await pass(4999)
  t.same(worked, [0])
  await pass(1)
  t.same(worked, [0, 5000])
})

t.test(
  'news ends a wait that is interruptible, but no sooner than a quarter of a second after the last look',
  async (t) => {
    const { schedule, worked, pass } = begin([{ until: 5000, isInterruptible: true }])
    schedule.wake(['a'])
    await schedule.idle()
    schedule.wake(['a'])
    await pass(249)
    t.same(worked, [0])
    await pass(1)
    t.same(worked, [0, 250])
  }
)

t.test('a lane that is woken or roused at work is worked on again, and one that failed a second later', async (t) => {
  const { schedule, worked, pass } = begin([undefined, { until: 9000 }, new Error('no database')])
  schedule.wake(['a'])
  schedule.wake(['a'])
  await schedule.idle()
  t.same(worked, [0, 0], 'woken')
  schedule.rouse('a')
  await schedule.idle()
  t.same(worked, [0, 0, 0], 'roused, although it waits')
  await pass(1000)
  t.same(worked, [0, 0, 0, 1000])
})

t.test('nothing starts any more once the schedule stops', async (t) => {
  const { schedule, stopping, worked, pass } = begin([{ until: 5000 }])
  schedule.wake(['a'])
  await schedule.idle()
  stopping.abort()
  await schedule.stop()
  schedule.wake(['a', 'b'])
  schedule.rouse('a')
  await pass(10_000)
  t.same(worked, [0])
})
