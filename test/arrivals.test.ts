// Events that wait for their commit: in order, bounded in bytes and in time, whatever the database does.
import t from 'tap'
import { createArrivals } from '../src/intake/arrivals.ts'
import type { Receipt } from '../src/store/kept.ts'
import { createClock } from './fixtures/clock.ts'
import { arrival } from './fixtures/store.ts'

const accepted: Receipt = { status: 'accepted', id: '1', transition: 'failed', notifications: [] }
const mib = 1024 * 1024

function waitingFor(clock = createClock()) {
  let late = 0
  const arrivals = createArrivals(clock, () => {
    late += 1
  })
  const answers: string[] = []
  return {
    clock,
    arrivals,
    answers,
    late: () => late,
    /** Records how the event ends. */
    add(name: string, body = '{}') {
      arrivals.add(arrival(name, { body })).then(
        () => answers.push(`${name} kept`),
        (error: Error) => answers.push(`${name} ${error.message}`)
      )
    },
    namesOf: (batch: ReturnType<typeof arrivals.take>) => batch.map((one) => one.arrival.event.object.name)
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const refusal = 'the database has not answered within 6 seconds; try again'

t.test('events behind a commit that hangs are refused in time, and not committed any more', async (t) => {
  const { clock, arrivals, answers, late, add, namesOf } = waitingFor()
  add('stuck')
  const stuck = arrivals.take()
  add('behind')
  clock.advance(3000)
  add('later')
  clock.advance(3000)
  await turn()
  t.same(answers, [`stuck ${refusal}`, `behind ${refusal}`])
  t.equal(late(), 1)
  arrivals.settle(stuck, [accepted])
  t.same(namesOf(arrivals.take()), ['later'])
  await turn()
  t.equal(answers.length, 2, 'each is answered once, whatever comes of it')
})

t.test('each event is refused at the latest 6 s after it came, and never within 5 s', async (t) => {
  for (const offset of [0, 1, 250, 499]) {
    const { clock, arrivals, answers, add } = waitingFor()
    add('first')
    arrivals.take()
    clock.advance(offset)
    add('second')
    clock.advance(5499 - offset)
    await turn()
    t.same(answers, [], `${offset} ms apart`)
    clock.advance(offset + 501)
    await turn()
    t.equal(answers.length, 2, `${offset} ms apart`)
  }
})

t.test(
  'a commit that fails after the answer refuses nobody twice, and nothing times out when nothing waits',
  async (t) => {
    const { clock, arrivals, answers, late, add } = waitingFor()
    add('one')
    arrivals.settle(arrivals.take(), [accepted])
    clock.advance(3_600_000)
    add('two')
    clock.advance(5000)
    await turn()
    t.same(answers, ['one kept'])
    arrivals.fail(arrivals.take(), new Error('no'))
    await turn()
    t.same(answers, ['one kept', 'two no'])
    t.equal(late(), 0)
  }
)

t.test('waiting events are bounded in bytes, whether a few large bodies or many small ones', async (t) => {
  const large = waitingFor()
  for (let n = 0; n < 10; n++) large.add(`large-${n}`, 'x'.repeat(3 * mib))
  t.throws(() => large.arrivals.add(arrival('more', { body: 'x'.repeat(3 * mib) })), {
    code: 'CANNOT_STORE',
    message: 'too many events wait for the database; try again'
  })
  const small = waitingFor()
  let count = 0
  t.throws(() => {
    for (; count < 1_000_000; count++) small.arrivals.add(arrival('x')).catch(() => {})
  })
  t.ok(count > 10_000 && count < 100_000, `${count}`)
  small.clock.advance(6000)
  small.add('after')
  t.same(small.namesOf(small.arrivals.take()), ['after'], 'what was refused takes no room')

  const taken = large.arrivals.take()
  t.throws(() => large.arrivals.add(arrival('more', { body: 'x'.repeat(3 * mib) })), 'what is being committed counts')
  large.arrivals.settle(
    taken,
    taken.map(() => accepted)
  )
  large.add('more', 'x'.repeat(3 * mib))
})

t.test('events are taken in order, in batches of up to 200 events or 8 MiB, but never of none', async (t) => {
  const { arrivals, add, namesOf } = waitingFor()
  for (let n = 0; n < 450; n++) add(`${n}`)
  const names = [arrivals.take(), arrivals.take(), arrivals.take(), arrivals.take()].map(namesOf)
  t.same(
    names.map(({ length }) => length),
    [200, 200, 50, 0]
  )
  t.same(
    names.flat(),
    Array.from({ length: 450 }, (_, n) => `${n}`)
  )
  const large = waitingFor()
  large.add('huge', 'x'.repeat(9 * mib))
  large.add('small')
  t.same(large.namesOf(large.arrivals.take()), ['huge'])
  t.same(large.namesOf(large.arrivals.take()), ['small'])
})
