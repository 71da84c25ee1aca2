// Statements in PostgreSQL: name those that are run for every event, so that each connection has them parsed and planned once; and
// do without names where a pooler does not keep them.
import { hash } from 'node:crypto'
import { DatabaseError, type QueryConfig } from 'pg'

/**
 * A statement that every connection knows by its name. It lists the columns that it reads: a migration may add some. Its plan is
 * kept while tables grow from nothing to millions of rows, so it is written such that there is only one: values are looked up by
 * keys, without joins of tables, and an order names the index.
 */
export interface Hot {
  readonly name: string
  readonly text: string
}

/** A statement, and its values. */
export type Statement = readonly [statement: string | Hot, values?: readonly unknown[]]

/** All of them, for the test that asks the planner. */
export const allHot: Hot[] = []

/** The same text has the same name, and another one another: behind a pooler replicas of two versions share connections. */
export function hot(text: string): Hot {
  const statement = { name: `relay_${hash('sha256', text).slice(0, 16)}`, text }
  allHot.push(statement)
  return statement
}

/**
 * A pooler in transaction mode may hand each transaction another connection of the server's, which has not heard of a name (26000),
 * or has from somebody else (42P05).
 */
export function isUnknownName(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '26000' || error.code === '42P05')
}

const warning =
  'something between the relay and PostgreSQL, such as a pooler in transaction mode, does not keep named statements: ' +
  'they go without names from now on, and the database parses and plans each of them anew'

/** Whether statements go by their names. */
export class Naming {
  readonly #warn: ((message: string) => void) | undefined
  #isOff = false

  /** `warn` is called once, where names are of no use. */
  constructor(warn: ((message: string) => void) | undefined) {
    this.#warn = warn
  }

  /** As the driver takes it. */
  query(statement: string | Hot, values: readonly unknown[] | undefined): QueryConfig {
    const query = unnamed(statement, values)
    return typeof statement === 'string' || this.#isOff ? query : { ...query, name: statement.name }
  }

  /** Whether `error` says so: from then on, there are no names. */
  isRefused(error: unknown): boolean {
    if (!isUnknownName(error)) return false
    if (!this.#isOff) this.#warn?.(warning)
    this.#isOff = true
    return true
  }
}

/** As the driver takes a statement that is parsed for this once. */
export function unnamed(statement: string | Hot, values: readonly unknown[] | undefined): QueryConfig {
  const text = typeof statement === 'string' ? statement : statement.text
  return values === undefined ? { text } : { text, values: values as unknown[] }
}
