// Pace: allows a burst, then one message per interval.
import t from 'tap'
import { createPace, take } from '../src/deliver/pace.ts'
import type { Bucket } from '../src/store/kept-lanes.ts'
import { fc } from './fixtures/fc.ts'

t.test('a new lane may burst, then keeps a little under its rate', async (t) => {
  const pace = createPace()
  let bucket: Bucket | undefined
  let now = 1_000_000
  const posts: number[] = []
  while (posts.length < 20) {
    const taken = take(bucket, pace, now)
    if ('until' in taken) now = taken.until
    else {
      bucket = taken.bucket
      posts.push(now)
    }
  }
  t.same(posts.slice(0, 3), [1_000_000, 1_000_000, 1_000_000])
  for (let n = 3; n < 20; n++) t.ok((posts[n] ?? 0) - (posts[n - 1] ?? 0) > 1000, `post ${n}`)
})

t.test('whatever the moments, never more goes out than burst + rate × time', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 20 }),
      (gaps, burst, perSecond) => {
        let bucket: Bucket | undefined
        let now = 0
        const posts: number[] = []
        for (const gap of gaps) {
          now += gap
          const taken = take(bucket, { perSecond, burst }, now)
          if ('until' in taken) continue
          bucket = taken.bucket
          posts.push(now)
        }
        return posts.every((start, from) =>
          posts.slice(from).every((end, count) => count + 1 <= burst + ((end - start) / 1000) * perSecond + 1e-6)
        )
      }
    )
  )
  t.pass()
})

t.test('a clock set back stops no lane for longer than a token takes', async (t) => {
  const taken = take({ tokens: 0, at: 10_000_000 }, createPace(), 5_000_000)
  t.same(taken, { bucket: { tokens: 0, at: 5_000_000 } }, 'nobody knows how long ago the last one was')
  const { bucket } = taken as { bucket: Bucket }
  t.match(take(bucket, createPace(), 5_000_000), { until: 5_001_021 }, 'the next is paced again')
  t.match(take({ tokens: 0, at: 5_000_500 }, createPace(), 5_000_000), { until: 5_001_021 }, 'clocks of replicas')
})
