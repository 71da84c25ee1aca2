// Tests: runs test files with what they share: one PostgreSQL, a cache of stripped code, and a temporary folder in memory if
// there is room. Memory is safe, because tests kill processes, never the machine. Ends with `N passed, N failed`, a line that
// machines read.
import { chmodSync, globSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/fixtures/postgres.ts'
import { runTestFiles } from './test-files.ts'

/** Several times what the files of a few simultaneous tests and of PostgreSQL take. */
const roomBytes = 4 * 1024 ** 3

const root = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  options: { timeout: { type: 'string', default: '120' } },
  allowPositionals: true
})
const named = positionals.length > 0 ? positionals : ['test/*.test.ts']
const found = named.map((name) => globSync(name, { cwd: root }))
const missing = named.filter((_, place) => found[place]?.length === 0)
if (missing.length > 0) {
  process.stderr.write(`there is no ${missing.join(', ')}\n`)
  process.exit(1)
}

const ends: (() => unknown)[] = []
const folder = inMemory()
if (folder !== undefined) {
  process.env['TMPDIR'] = folder
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
}
// Without PostgreSQL, the tests that need it say why.
const postgres = await startPostgres({ teardown: (end) => void ends.push(end) }).catch(() => undefined)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop.abort())
const { passed, failed, skipped } = await runTestFiles(found.flat(), {
  timeout: Number(values.timeout),
  signal: stop.signal,
  env: {
    ...process.env,
    ...(postgres && { RUN_DATABASE_URL: postgres.url }),
    // Otherwise each process strips the types of everything it loads.
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'flux-relay-tests')
  }
})
for (const end of ends.reverse()) await end()
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exitCode = failed === 0 && passed > 0 && !stop.signal.aborted ? 0 : 1

/** Creates a temporary folder in memory; undefined if there is no such file system or too little room. */
function inMemory(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (Math.min(bavail * bsize, freemem()) < roomBytes) return undefined
    const made = mkdtempSync('/dev/shm/flux-relay-')
    // PostgreSQL may run as another user.
    chmodSync(made, 0o711)
    return made
  } catch {
    return undefined
  }
}
