// `migrate`: moves an embedded database to PostgreSQL, once.
import { SingleBar } from 'cli-progress'
import { RelayError } from '../errors.ts'
import { moveToPostgres } from '../store/migrate.ts'
import { sqliteFile } from '../store/sqlite/path.ts'

/** Moves everything; resolves to the exit code. Throws BAD_DATABASE, and nothing has changed, where it cannot. */
export async function migrate(from: string, to: string): Promise<number> {
  const file = sqliteFile(from)
  if (file === undefined) throw new RelayError('BAD_DATABASE', '--from must be of the form sqlite:data/relay.db')
  if (!/^postgres(ql)?:/.test(to)) {
    throw new RelayError('BAD_DATABASE', '--to must be of the form postgres://user:password@host:5432/database')
  }
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
