// Statements in PostgreSQL: name those that run for every event, so that each connection parses and plans them once, and do without
// names if a pooler does not keep them.
import { hash } from 'node:crypto'
import { DatabaseError, type QueryConfig } from 'pg'

/**
 * A statement that every connection knows by its name. It lists the columns that it reads, because a migration may add some. Its plan is
 * kept while tables grow from nothing to millions of rows, so it is written such that there is only one plan: values are looked up by
 * keys, without joins of tables, and an order names the index.
 */
export interface Hot {
  readonly name: string
  readonly text: string
}

/** A statement and its values. */
export type Statement = readonly [statement: string | Hot, values?: readonly unknown[]]

/** All hot statements, for the test that asks the planner. */
export const allHot: Hot[] = []

/** Names a statement by its text, because replicas of two versions share connections behind a pooler. */
export function hot(text: string): Hot {
  const statement = { name: `relay_${hash('sha256', text).slice(0, 16)}`, text }
  allHot.push(statement)
  return statement
}

/**
 * Reports whether a name was refused: a pooler in transaction mode may run each transaction on another connection of the server, which
 * does not know the name (26000), or knows it from somebody else (42P05).
 */
export function isUnknownName(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '26000' || error.code === '42P05')
}

const warning =
  'something between the relay and PostgreSQL, such as a pooler in transaction mode, does not keep named statements: ' +
  'they go without names from now on, and the database parses and plans each of them anew'

/** Decides whether statements are sent with their names. */
export class Naming {
  readonly #warn: ((message: string) => void) | undefined
  #isOff = false

  /** `warn` is called once if names are of no use. */
  constructor(warn: ((message: string) => void) | undefined) {
    this.#warn = warn
  }

  /** The statement in the form that the driver takes. */
  query(statement: string | Hot, values: readonly unknown[] | undefined): QueryConfig {
    const query = unnamed(statement, values)
    return typeof statement === 'string' || this.#isOff ? query : { ...query, name: statement.name }
  }

  /** Reports whether `error` says that a name was refused; from then on, statements go without names. */
  isRefused(error: unknown): boolean {
    if (!isUnknownName(error)) return false
    if (!this.#isOff) this.#warn?.(warning)
    this.#isOff = true
    return true
  }
}

/** A statement without a name, which is parsed only for this once, in the form that the driver takes. */
export function unnamed(statement: string | Hot, values: readonly unknown[] | undefined): QueryConfig {
  const text = typeof statement === 'string' ? statement : statement.text
  return values === undefined ? { text } : { text, values: values as unknown[] }
}
