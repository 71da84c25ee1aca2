// Pages in PostgreSQL: go through any number of rows, few enough at a time for each statement to end within its limit.

/** Rows of one statement. A quarter of a million at once took longer than a statement may. */
export const pageRows = 5000

/** The same for rows that are read with their texts. */
export const viewRows = 1000

/** `all` in parts of `size`. */
export function* inPages<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}
