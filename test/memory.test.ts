// Memory: what an idle relay gives back.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keepMemoryLow } from '../src/cli/memory.ts'

t.test('an idle process gives back memory that it no longer needs', async (t) => {
  let work = Array.from({ length: 1_000_000 }, (_, n) => ({ n }))
  const { heapTotal } = process.memoryUsage()
  t.equal(work.at(-1)?.n, 999_999)
  work = []
  keepMemoryLow(20)
  // Waiting counts as idle.
  while (process.memoryUsage().heapTotal > heapTotal / 2) await new Promise((resolve) => setTimeout(resolve, 100))
  t.pass('it has')
})

t.test('no thread loads the code that strips types', async (t) => {
  const root = join(import.meta.dirname, '..')
  const sources = globSync('{src,routes}/**/*.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))
  const threads = sources.flatMap((text) => [...text.matchAll(/new Worker\(([^,)]+)/g)].map(([, file]) => file))
  t.ok(threads.length > 0, 'there are threads')
  for (const file of threads) t.match(file, /\.js'$/)
})
