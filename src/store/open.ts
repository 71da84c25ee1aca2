// DATABASE_URL says which store keeps the promises.
import { RelayError } from '../errors.ts'
import { openSqlite } from './sqlite.ts'
import type { Store } from './store.ts'

/** Opens `sqlite:<file>`. Throws BAD_DATABASE where it cannot be used; the text never holds more than a path. */
export function openStore(url: string): Store {
  const [, file] = /^sqlite:(?:\/\/)?(.+)$/.exec(url) ?? []
  if (file === undefined) throw new RelayError('BAD_DATABASE', 'DATABASE_URL must be of the form sqlite:data/relay.db')
  return openSqlite(file)
}
