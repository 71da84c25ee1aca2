// `npm run proof fuzz -- [--cases 1000000] [--seed N] [--only TARGET]`: hostile input for everything that takes any.
// Each target runs on a thread of its own, two at a time; one that reports nothing for a minute counts as hanging.
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Result } from './fuzz/run.ts'
import { targets } from './fuzz/targets.ts'

const threads = 2
const silenceMs = 60_000

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000000' }, seed: { type: 'string' }, only: { type: 'string' } }
})
const seed = Number(values.seed ?? Math.floor(Date.now() / 1000))
const chosen = targets.filter(({ name }) => values.only === undefined || name === values.only)
const whole = chosen.reduce((sum, { share }) => sum + share, 0)

const columns = [12, 11, 13, 8, 10]
const row = (cells: (string | number)[]) =>
  process.stdout.write(
    `${cells.map((cell, at) => (at === 0 ? String(cell).padEnd(12) : String(cell).padStart(columns[at] ?? 8))).join('')}\n`
  )

/** Runs target `name` on a thread. A thread that hangs counts as a failure. */
function runOnThread(name: string, cases: number): Promise<Result> {
  const worker = new Worker(new URL('fuzz/worker.ts', import.meta.url), { workerData: { name, cases, seed } })
  return new Promise((resolve, reject) => {
    let done = 0
    const giveUp = () => {
      void worker.terminate()
      const faults = [`hangs: no end of a case in ${silenceMs / 1000} s`]
      resolve({ name, cases: done, slowestMs: silenceMs, failures: [{ faults, input: '(see the seed)', seed }] })
    }
    let timer = setTimeout(giveUp, silenceMs)
    worker.on('message', (said: number | Result) => {
      clearTimeout(timer)
      if (typeof said === 'object') return resolve(said)
      done = said
      timer = setTimeout(giveUp, silenceMs)
    })
    worker.on('error', reject)
  })
}

function report({ name, cases, slowestMs, failures }: Result, startedAt: number): void {
  row([name, cases, slowestMs.toFixed(1), failures.length, ((performance.now() - startedAt) / 1000).toFixed(0)])
  for (const { faults, input, seed } of failures) {
    const again = `--only ${name} --seed ${seed} --cases 500`
    process.stdout.write(`  ${again}\n    ${faults.join('\n    ')}\n    ${input.slice(0, 2000)}\n`)
  }
}

process.stdout.write(`seed ${seed}\n`)
row(['target', 'cases', 'slowest ms', 'failures', 'seconds'])
const waiting = chosen.map(({ name, share }) => ({ name, cases: Math.ceil((Number(values.cases) * share) / whole) }))
const results: Result[] = []
async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const startedAt = performance.now()
    const result = await runOnThread(next.name, next.cases)
    results.push(result)
    report(result, startedAt)
  }
}
await Promise.all(Array.from({ length: threads }, work))
const failures = results.reduce((sum, { failures }) => sum + failures.length, 0)
row([
  'all',
  results.reduce((sum, { cases }) => sum + cases, 0),
  Math.max(...results.map((result) => result.slowestMs)).toFixed(1),
  failures,
  ''
])
process.exitCode = failures === 0 ? 0 : 1
