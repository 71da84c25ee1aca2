// Databases: checks that the contents of one fit together (`verify`), and moves an embedded one to PostgreSQL (`migrate`).
import { SingleBar } from 'cli-progress'
import { RelayError } from '../errors.ts'
import { sqliteFile } from '../store/sqlite/path.ts'
import type { Report } from '../store/verify/report.ts'
import { verify as look } from '../store/verify/verify.ts'
import { print } from './output.ts'

/**
 * Prints what it found in a database. Resolves to the exit code. A relay may be using the database meanwhile. Throws BAD_DATABASE if
 * it cannot be read: then nobody knows whether it is sound.
 */
export async function verify(url: string, { json }: { json?: boolean }): Promise<number> {
  const report = await look(url)
  const isSound = report.damage.length === 0 && report.findings.every(({ rows }) => rows === 0)
  print(json, { isSound, ...report }, say(report, isSound))
  return isSound ? 0 : 1
}

function say({ counts, findings, damage }: Report, isSound: boolean): string {
  const counted = Object.entries(counts).map(([name, rows]) => `${String(rows).padStart(9)} ${name}`)
  const looked = findings.map(({ check, rows, examples }) => {
    if (rows === 0) return `       ok ${check}`
    return `${String(rows).padStart(9)} against: ${check} (${examples.join(', ')}${rows > examples.length ? ' …' : ''})`
  })
  const pages = damage.map((line) => `   damage ${line}`)
  const end = isSound
    ? 'The database is sound.'
    : damage.length > 0
      ? 'The database is damaged: stop the relay, keep the file, and restore the latest backup.'
      : 'The database does not fit together: please report this, with the output above.'
  return [...counted, ...looked, ...pages, end].join('\n')
}

/** Moves everything. Resolves to the exit code. If it cannot, it throws BAD_DATABASE, and nothing has changed. */
export async function migrate(from: string, to: string): Promise<number> {
  const file = sqliteFile(from)
  if (file === undefined) throw new RelayError('BAD_DATABASE', '--from must be of the form sqlite:data/relay.db')
  if (!/^postgres(ql)?:/.test(to)) {
    throw new RelayError('BAD_DATABASE', '--to must be of the form postgres://user:password@host:5432/database')
  }
  // Loaded only here: `verify` of an embedded database has no use for the driver.
  const { moveToPostgres } = await import('../store/migrate.ts')
  const bar = new SingleBar({ format: '{bar} {value}/{total} rows', stopOnComplete: true, hideCursor: true })
  let moved = 0
  const kept = await moveToPostgres(file, to, (done, total) => {
    moved = total
    if (!process.stderr.isTTY) return
    if (bar.isActive) bar.update(done)
    else bar.start(total, done)
  })
  process.stdout.write(`${moved} rows moved. Start the relay with DATABASE_URL=postgres://…; the file is now ${kept}\n`)
  return 0
}
