// Opening: opens the store that DATABASE_URL names.
import { RelayError } from '../errors.ts'
import { sqliteFile } from './sqlite/path.ts'
import { openSqlite } from './sqlite/store.ts'
import type { Store } from './store.ts'

/**
 * Opens `sqlite:<file>` or `postgres://…`. Rejects with BAD_DATABASE if it cannot be used; the text never shows more than a path.
 * `clock` is as in `PostgresOptions`. `waiting` is called with the reason while a PostgreSQL is not up yet, `warn` with what works but
 * should be changed, and `migrating` before tables of an earlier version are changed.
 */
export async function openStore(
  address: string,
  options: {
    clock?: 'database' | 'caller'
    waiting?: (reason: string) => void
    warn?: (message: string) => void
    migrating?: (from: number, to: number) => void
  } = {}
): Promise<Store> {
  // A secret that was made with `echo` ends in a newline.
  const url = address.trim()
  if (/^postgres(ql)?:/.test(url)) {
    // Loaded only if it is used: the driver takes 25 ms and 13 MB.
    const { openPostgres } = await import('./postgres/store.ts')
    return openPostgres(url, options)
  }
  const file = sqliteFile(url)
  if (file === undefined) {
    const forms = 'sqlite:data/relay.db or postgres://user:password@host:5432/database?sslmode=verify-full'
    throw new RelayError('BAD_DATABASE', `DATABASE_URL must be of the form ${forms}`)
  }
  return openSqlite(file, options.migrating)
}
