// Memory: what a relay without work gives back.
import t from 'tap'
import { keepMemoryLow } from '../src/cli/memory.ts'

t.test('a process that has nothing to do gives back what it no longer needs', async (t) => {
  let work = Array.from({ length: 1_000_000 }, (_, n) => ({ n }))
  const { heapTotal } = process.memoryUsage()
  t.equal(work.at(-1)?.n, 999_999)
  work = []
  keepMemoryLow(20)
  // Who waits does nothing.
  while (process.memoryUsage().heapTotal > heapTotal / 2) await new Promise((resolve) => setTimeout(resolve, 100))
  t.pass('it has')
})
