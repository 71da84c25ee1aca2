// Tests: runs tap with what all of its files share: one PostgreSQL, code whose types are stripped once, and a temporary folder
// in memory, where there is room: nothing is lost there by what a test does, which is to kill a process and not the machine.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../test/fixtures/postgres.ts'

/** What the files of two tests at a time take, and PostgreSQL's, several times over. */
const roomBytes = 4 * 1024 ** 3

const ends: (() => unknown)[] = []
const folder = inMemory()
if (folder !== undefined) {
  process.env['TMPDIR'] = folder
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
}
// Where there is none, the tests that need one say why.
const postgres = await startPostgres({ teardown: (end) => void ends.push(end) }).catch(() => undefined)
const modules = join(import.meta.dirname, '..', 'node_modules')
const tap = spawn(process.execPath, [join(modules, '.bin', 'tap'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    ...process.env,
    ...(postgres && { RUN_DATABASE_URL: postgres.url }),
    // Without it each process strips the types of all that it loads.
    NODE_COMPILE_CACHE: join(modules, '.cache', 'flux-relay-tests')
  }
})
// A terminal sends SIGINT to both.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => tap.kill())
const [code] = await once(tap, 'exit')
for (const end of ends.reverse()) await end()
process.exitCode = code ?? 1

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
