// Opening: picks the store that DATABASE_URL names.
import { RelayError } from '../errors.ts'
import { sqliteFile } from './sqlite/path.ts'
import { openSqlite } from './sqlite/store.ts'
import type { Store } from './store.ts'

/**
 * Opens `sqlite:<file>` or `postgres://…`. Rejects with BAD_DATABASE where it cannot be used; the text never shows more
 * than a path. `clock` as in `PostgresOptions`; `waiting` is called with the reason while a PostgreSQL is not up yet, `warn` with what
 * should be otherwise, `migrating` before tables of an earlier program are changed.
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
  // Secrets that were made with `echo` end in a line end.
  const url = address.trim()
  if (/^postgres(ql)?:/.test(url)) {
    // Only for those who use it: the driver takes 25 ms and 13 MB.
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
