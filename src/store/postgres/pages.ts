// Pages in PostgreSQL: go through rows that may be any number, so many at a time that each statement ends within its limit.

/** Rows of one statement. A quarter of a million at once took longer than a statement may. */
export const pageRows = 5000

/** The same, of rows that are read with their texts. */
export const viewRows = 1000

/** `all`, so many at a time. */
export function* inPages<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}
