// Rest between two batches: who comes one by one shares a commit, and who waits for an answer is not kept waiting.
import t from 'tap'
import { createRest } from '../src/intake/rest.ts'

/** `during`: how many events come during each wait, the first half and the second by turns. */
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
    /** After a batch of `size`: how many wait for the next, and how often it was waited. */
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

t.test('senders that wait to be answered before they post again are hardly ever held up', async (t) => {
  const { after } = restWith((wait) => (wait % 2 === 0 ? 6 : 0))
  let waits = 0
  for (let n = 0; n < 1000; n++) waits += (await after(6)).waits
  t.ok(waits <= 40, `${waits}`)
})

t.test('when they come one by one again, they share commits again', async (t) => {
  let isFleet = false
  const { after } = restWith((wait) => (isFleet || wait % 2 === 0 ? 6 : 0))
  for (let n = 0; n < 30; n++) await after(6)
  isFleet = true
  for (let n = 0; n < 50; n++) await after(6)
  t.same(await after(6), { waiting: 12, waits: 2 })
})

t.test('what arrived meanwhile is let in, but not for ever', async (t) => {
  let count = 0
  const rest = createRest({ count: () => count++ })
  await rest(1)
  t.ok(count < 100, `${count} looks`)
})
