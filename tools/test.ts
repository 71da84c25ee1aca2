// Tests: runs files of them with what all share: one PostgreSQL, code whose types are stripped once, and a temporary folder
// in memory, where there is room: nothing is lost there by what a test does, which is to kill a process and not the machine.
// Closes with `N passed, N failed`, a line that machines read.
import { chmodSync, globSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/fixtures/postgres.ts'
import { runTestFiles } from './test-files.ts'

/** What the files of a few tests at a time take, and PostgreSQL's, several times over. */
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
// Where there is none, the tests that need one say why.
const postgres = await startPostgres({ teardown: (end) => void ends.push(end) }).catch(() => undefined)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop.abort())
const { passed, failed, skipped } = await runTestFiles(found.flat(), {
  timeout: Number(values.timeout),
  signal: stop.signal,
  env: {
    ...process.env,
    ...(postgres && { RUN_DATABASE_URL: postgres.url }),
    // Without it each process strips the types of all that it loads.
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'flux-relay-tests')
  }
})
for (const end of ends.reverse()) await end()
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exitCode = failed === 0 && passed > 0 && !stop.signal.aborted ? 0 : 1

/** A folder of ours in memory; undefined where there is none, or no room. */
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
