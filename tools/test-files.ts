// Test files: each runs in a process of its own, a few at a time; a line says how each went, and failures stand in full.
// tap's own runner would load itself into each of them, to know which files it reads, and Node would strip the types of all of
// those anew: half a second for each file, which nobody needed.
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Parser, type Result } from 'tap-parser'

export interface Tally {
  passed: number
  failed: number
  skipped: number
}

const root = join(import.meta.dirname, '..')
/** One more than there are cores: what one waits for, another computes. */
const atATime = availableParallelism() + 1
/** What tap gets to say which test still ran, before its process is killed. */
const graceMs = 15_000

export interface TestFileOptions {
  /** Of each, in seconds. */
  timeout: number
  env: NodeJS.ProcessEnv
  /** Ends those that run, and begins no more. */
  signal: AbortSignal
}

/** Runs all, whichever of them fail. */
export async function runTestFiles(files: readonly string[], options: TestFileOptions): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  // The largest ones first, so that none of them is left alone at the end.
  const waiting = [...files].sort((a, b) => statSync(join(root, b)).size - statSync(join(root, a)).size)
  async function runNext(): Promise<void> {
    for (let file = waiting.shift(); file !== undefined && !options.signal.aborted; file = waiting.shift()) {
      const lines = await runTestFile(file, tally, options)
      process.stdout.write(lines.join(''))
    }
  }
  await Promise.all(Array.from({ length: atATime }, runNext))
  return tally
}

async function runTestFile(file: string, tally: Tally, { timeout, env, signal }: TestFileOptions): Promise<string[]> {
  const failures: string[] = []
  const parser = new Parser()
  watch(parser, [file], (result, path) => {
    if (result.skip || result.todo) tally.skipped++
    else if (result.ok) tally.passed++
    else {
      tally.failed++
      const diag = result.diag ? `${JSON.stringify(result.diag, null, 2)}\n` : ''
      failures.push(`FAILED ${path.join(' > ')}\n${diag}`)
    }
  })
  const child = spawn(process.execPath, ['--import=./tools/tap-late.mjs', file], {
    cwd: root,
    env: { ...env, TAP: '1', TAP_TIMEOUT: `${timeout}` },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal
  })
  child.on('error', () => {})
  const alarm = setTimeout(() => child.kill('SIGALRM'), timeout * 1000)
  const kill = setTimeout(() => child.kill('SIGKILL'), timeout * 1000 + graceMs)
  child.stdout.on('data', (chunk) => parser.write(chunk))
  const end = await new Promise<number | string | null>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal))
  )
  clearTimeout(alarm)
  clearTimeout(kill)
  parser.end()
  const isOk = parser.ok && end === 0
  // It may have ended between two tests, with all that it had said passed.
  if (!isOk && failures.length === 0) {
    tally.failed++
    failures.push(`FAILED ${file} > ended with ${end}, after ${parser.count} tests\n`)
  }
  return [...failures, `${isOk ? 'ok' : 'NOT OK'} ${file}\n`]
}

/** Calls back for the innermost asserts: a subtest closes with an assert of its own in its parent. */
function watch(parser: Parser, path: string[], seen: (result: Result, path: string[]) => void): void {
  let closing: Parser | undefined
  parser.on('child', (child: Parser) => {
    closing = child
    watch(child, [...path, child.name], seen)
  })
  parser.on('assert', (result: Result) => {
    const closes = closing !== undefined && closing.name === result.name
    if (closes) closing = undefined
    if (closes && (result.ok || !result.diag)) return
    seen(result, [...path, result.name])
  })
  parser.on('bailout', (reason: string) => seen({ ok: false, name: `bail out: ${reason}` } as Result, path))
}
