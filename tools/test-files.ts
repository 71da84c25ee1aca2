// Test files: runs each in its own process, a few at a time, and prints a line per file and every failure in full. tap's own
// runner would load itself into each process to trace which files it reads, and Node would strip the types of all of those
// anew: half a second per file, for nothing.
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
/** One more than there are cores, because tests also wait. */
const atATime = availableParallelism() + 1
/** Time for tap to say which test still ran, before its process is killed. */
const graceMs = 15_000

export interface TestFileOptions {
  /** Limit per file, in seconds. */
  timeout: number
  env: NodeJS.ProcessEnv
  /** Aborting it ends the running files and starts no more. */
  signal: AbortSignal
}

/** Runs all files, even if some fail. */
export async function runTestFiles(files: readonly string[], options: TestFileOptions): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  // Largest first, so that none of them runs alone at the end.
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
  // The process may have died between two tests, when everything it had reported passed.
  if (!isOk && failures.length === 0) {
    tally.failed++
    failures.push(`FAILED ${file} > ended with ${end}, after ${parser.count} tests\n`)
  }
  return [...failures, `${isOk ? 'ok' : 'NOT OK'} ${file}\n`]
}

/** Calls back for the innermost asserts: each subtest also closes with an assert in its parent. */
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
