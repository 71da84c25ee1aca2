// Rest between two batches: lone events share a commit, and whoever waits for an answer is not delayed.
import t from 'tap'
import { createRest } from '../src/intake/rest.ts'

/** `during` returns the number of events that arrive during a wait; each rest waits in two halves, numbered in turn. */
function restWith(during: (wait: number) => number) {
  let waits = 0
  let waiting = 0
  const rest = createRest({
    count: () => waiting,
    async pause() {
      waiting += during(waits++)
    }
  })
  return {
    /** Takes a batch of `size`; resolves to the number of events for the next one, and how often it waited. */
    async after(size: number) {
      const before = waits
      waiting = 0
      await rest(size)
      return { waiting, waits: waits - before }
    }
  }
}

t.test('events that come one by one share the next commit', async (t) => {
  const { after } = restWith(() => 7)
  for (let n = 0; n < 100; n++) t.same(await after(5), { waiting: 14, waits: 2 })
})

t.test('a lone event, and a full batch, are followed by the next at once', async (t) => {
  const { after } = restWith(() => 7)
  for (const size of [1, 2, 24, 64, 500]) t.same(await after(size), { waiting: 0, waits: 0 }, `${size}`)
})

t.test('senders that wait for an answer before they post again are hardly ever delayed', async (t) => {
  const { after } = restWith((wait) => (wait % 2 === 0 ? 6 : 0))
  let waits = 0
  for (let n = 0; n < 1000; n++) waits += (await after(6)).waits
  t.ok(waits <= 40, `${waits}`)
})

t.test('when events come one by one again, they share commits again', async (t) => {
  let isFleet = false
  const { after } = restWith((wait) => (isFleet || wait % 2 === 0 ? 6 : 0))
  for (let n = 0; n < 30; n++) await after(6)
  isFleet = true
  for (let n = 0; n < 50; n++) await after(6)
  t.same(await after(6), { waiting: 12, waits: 2 })
})

t.test('the rest goes on while events arrive, but not for ever', async (t) => {
  let count = 0
  const rest = createRest({ count: () => count++ })
  await rest(1)
  t.ok(count < 100, `${count} looks`)
})
