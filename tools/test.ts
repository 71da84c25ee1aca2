// Tests: runs tap with what all of its files share, one PostgreSQL, and code whose types are stripped once.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startPostgres } from '../test/fixtures/postgres.ts'

const ends: (() => unknown)[] = []
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
for (const end of ends) await end()
process.exitCode = code ?? 1
