// Run: tries one target with many cases from a seed, each against its promises and a limit of CPU time.
import fc from 'fast-check'
import type { AnyTarget } from './target.ts'

/** More CPU time than this for one input is a hang: whoever can send it can send a thousand. */
const hangMs = 100
/** Compilers and garbage collectors work when they like; a slow input is slow every time. */
const tries = 4
/** Cases spent on making a failure smaller. */
const maxShrinks = 300
const chunk = 500
const maxFailures = 5

export interface Result {
  name: string
  cases: number
  slowestMs: number
  failures: { faults: string[]; input: string; seed: number }[]
}

export interface RunOptions {
  cases: number
  seed: number
  /** Limit for one case, in ms of CPU; higher on a machine with other work. */
  maxMs?: number
  progress?: (done: number) => void
}

/** Runs `cases` cases of `target`. A failed case can be repeated with its seed. */
export async function runTarget(
  target: AnyTarget,
  { cases, seed, maxMs = hangMs, progress = () => {} }: RunOptions
): Promise<Result> {
  const result: Result = { name: target.name, cases: 0, slowestMs: 0, failures: [] }
  while (result.cases < cases && result.failures.length < maxFailures) {
    const numRuns = Math.min(chunk, cases - result.cases)
    const chunkSeed = seed + result.cases / chunk
    const failure = await runChunk(target, numRuns, chunkSeed, { result, maxMs })
    if (failure !== undefined) result.failures.push({ ...failure, seed: chunkSeed })
    result.cases += numRuns
    progress(result.cases)
  }
  return result
}

async function runChunk(
  target: AnyTarget,
  numRuns: number,
  seed: number,
  { result, maxMs }: { result: Result; maxMs: number }
) {
  let failed = 0
  const property = fc.asyncProperty(target.input, async (input) => {
    if (failed > maxShrinks) return
    const { faults, ms } = await judge(target, input, maxMs)
    if (failed === 0) result.slowestMs = Math.max(result.slowestMs, ms)
    if (faults.length === 0 && failed === 0) return
    failed += 1
    if (faults.length > 0) throw new Error(faults.join('\n'))
  })
  const { counterexample, errorInstance } = await fc.check(property, { numRuns, seed })
  if (counterexample === null) return undefined
  const faults = errorInstance instanceof Error ? errorInstance.message.split('\n') : [String(errorInstance)]
  return { faults, input: fc.stringify(counterexample[0]) }
}

/** The faults of one case, and the least CPU time of its tries. */
async function judge(
  { run, faults }: AnyTarget,
  input: unknown,
  maxMs: number
): Promise<{ faults: string[]; ms: number }> {
  let ms = Number.POSITIVE_INFINITY
  for (let count = 0; count < tries; count++) {
    const before = process.threadCpuUsage()
    let output: unknown
    try {
      output = await run(input)
    } catch (error) {
      return { faults: [`threw ${error instanceof Error ? error.stack : error}`], ms: 0 }
    }
    const { user, system } = process.threadCpuUsage(before)
    ms = Math.min(ms, (user + system) / 1000)
    if (ms <= maxMs) return { faults: faults(output, input), ms }
  }
  return { faults: [`took ${Math.round(ms)} ms of CPU`], ms }
}
