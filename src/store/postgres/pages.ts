// Pages in PostgreSQL: divide any number of rows into parts, small enough for each statement to end within its limit.

/** Rows of one statement: a quarter of a million at once took longer than a statement may. */
export const pageRows = 5000

/** Rows of one statement that reads them with their texts. */
export const viewRows = 1000

/** Yields `all` in parts of `size`. */
export function* inPages<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}
