// Traffic: counts a source's last hour, whatever the clock does.
import fc from 'fast-check'
import t from 'tap'
import { quietAfter } from '../src/operator/standing.ts'
import { createFlood, createHourCount, createTraffic } from '../src/operator/traffic.ts'

const minute = 60_000
const start = Date.parse('2026-09-21T14:00:00Z')

t.test('the last hour is counted as by hand, a minute at a time', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90 * minute }), { maxLength: 200 }), (steps) => {
      const count = createHourCount()
      const times: number[] = []
      let now = start
      for (const step of steps) {
        now += step
        count.add(now)
        times.push(now)
        const first = Math.floor(now / minute) - 59
        const byHand = times.filter((at) => Math.floor(at / minute) >= first).length
        if (count.total(now) !== byHand) throw new Error(`${count.total(now)} is not ${byHand}`)
      }
      return count.total(now + 61 * minute) === 0
    })
  )
})

t.test('a clock that is put back neither keeps old counts for ever nor loses new ones', async (t) => {
  const count = createHourCount()
  count.add(start)
  count.add(start - 5 * minute)
  t.equal(count.total(start - 5 * minute), 2)
  t.equal(count.total(start + 59 * minute), 2)
  count.add(start + 40 * 24 * 60 * minute)
  count.add(start)
  t.equal(count.total(start), 1, 'put back by forty days')
  t.equal(count.total(start + 60 * minute), 0)
})

t.test('a cluster without events for a week makes room for another', async (t) => {
  const traffic = createTraffic()
  traffic.accepted('eu', '', start)
  t.strictSame(traffic.of('eu', start).clusters, [], 'no name is no cluster')
  for (let n = 0; n < 21; n++) traffic.accepted('eu', `old-${n}`, start)
  const { clusters, hasMoreClusters } = traffic.of('eu', start + 6 * 24 * 60 * minute)
  t.strictSame([clusters.length, hasMoreClusters], [20, true])
  const later = start + 8 * 24 * 60 * minute
  t.match(traffic.of('eu', later), { clusters: [] })
  traffic.accepted('eu', 'new', later)
  t.match(traffic.of('eu', later), { clusters: [{ name: 'new', lastEventAt: later }] })
  traffic.keepTo([])
  t.match(traffic.of('eu', later), { lastEventAt: undefined, clusters: [], hasMoreClusters: false })
})

t.test('quiet means the time in expectEvery, or ten times the usual gap, and no less than an hour', async (t) => {
  const cases: [number | undefined, number[], number][] = [
    [undefined, [], 60],
    [undefined, [5, 5, 5, 5, 5], 60],
    [undefined, [20, 20, 20, 20], 60],
    [undefined, [20, 20, 20, 20, 20], 200],
    [undefined, [20, 1, 20, 900, 20], 200],
    [30, [900, 900, 900, 900, 900], 30]
  ]
  for (const [expected, gaps, minutes] of cases) {
    const ms = gaps.map((gap) => gap * minute)
    t.equal(
      quietAfter(expected === undefined ? undefined : expected * minute, ms),
      minutes * minute,
      `${expected} ${gaps}`
    )
  }
})

t.test('ten requests are a flood within five minutes, and not if they take longer', async (t) => {
  for (const [withinMs, isFlood] of [
    [5 * minute, true],
    [5 * minute + 1, false]
  ] as const) {
    const flood = createFlood()
    for (let n = 0; n < 9; n++) flood(start)
    t.same(flood(start + withinMs), isFlood ? { requests: 10, withinMs } : undefined)
  }
})

t.test('requests by a clock that has been put back since are not part of a flood', async (t) => {
  const flood = createFlood()
  for (let n = 0; n < 9; n++) flood(start + 40 * 24 * 60 * 60_000)
  for (let n = 0; n < 9; n++) t.equal(flood(start + n * 1000), undefined)
  t.same(flood(start + 9000), { requests: 10, withinMs: 9000 })
})
