// SQLite file: opens a file for this process alone, and runs transactions and prepared statements, without knowing what is stored.
import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { RelayError } from '../../errors.ts'
import { damaged, knowsNoLocks, sayFileError, saySqliteError } from './file-errors.ts'
import { realPath } from './path.ts'

export type Row = Record<string, SQLInputValue>

/** Runs `work` in a transaction of the store: if it fails, its changes of the counts in memory are taken back, too. */
export type Transaction = <T>(work: () => T) => T

/** Does the same as {@link Transaction}; the changes are on disk when it resolves. */
export type Write = <T>(work: () => T) => Promise<T>

/** How long a relay that is being replaced has to exit. */
const lockedMs = 1000

/** A long log is cut to this size, which is reused; after a flood the rest goes back to the volume. */
const keptLogBytes = 32 * 1024 * 1024

/** Opens the database file at `path`, or creates it. Throws BAD_DATABASE if it cannot be used. */
export function openDatabase(path: string): Database {
  let file = path
  try {
    file = realPath(path)
    mkdirSync(dirname(file), { recursive: true })
    const lock = lockFile(`${file}.lock`)
    try {
      return begin(new DatabaseSync(file, { timeout: 5000 }), lock, file)
    } catch (error) {
      lock.close()
      throw error
    }
  } catch (error) {
    if (error instanceof RelayError) throw error
    throw badDatabase(error, file)
  }
}

function begin(db: DatabaseSync, lock: DatabaseSync, file: string): Database {
  try {
    refuseForeign(db, file)
    const database = new Database(db, lock, file)
    refuseShort(db, file)
    return database
  } catch (error) {
    db.close()
    throw error
  }
}

/** Throws BAD_DATABASE if another program keeps its tables in `file`: ours would be added to them, and its version taken for ours. */
export function refuseForeign(db: DatabaseSync, file: string): void {
  const { version, tables, ours } = db.prepare(ownershipSql).get() ?? {}
  if (version === 0 ? tables === 0 : ours === 2) return
  const hint = 'is the path right? Name a file of its own for the relay, which makes it'
  throw new RelayError('BAD_DATABASE', `cannot use the database: ${file} belongs to another program; ${hint}`)
}

// Every version of the relay has these two tables.
const ownershipSql = `
  select (select user_version from pragma_user_version) as version, count(*) as tables,
    count(*) filter (where name in ('notifications', 'lanes')) as ours
  from sqlite_schema where type = 'table' and name not like 'sqlite_%'`

/** Throws if the file's end is missing: SQLite notices that only when it needs the end, and until then fills the gap with new rows. */
function refuseShort(db: DatabaseSync, file: string): void {
  const { pages } =
    db.prepare('select page_count * page_size as pages from pragma_page_count, pragma_page_size').get() ?? {}
  const hasLog = (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  if (hasLog || statSync(file).size >= Number(pages)) return
  throw new RelayError('BAD_DATABASE', `cannot use the database: ${damaged(file)} (its end is missing)`)
}

/** The error that says why `file` cannot be used, for whoever can mend it. */
export function badDatabase(error: unknown, file: string): RelayError {
  const { cause } = error as { cause?: unknown }
  return new RelayError('BAD_DATABASE', `cannot use the database: ${sayFileError(cause ?? error, file)}`, {
    cause: error
  })
}

/**
 * Locks the database: two relays on one file would each send what the other is sending. The lock is SQLite's own, on a file beside the
 * database, so it ends with the process, however that ends.
 */
function lockFile(file: string): DatabaseSync {
  const lock = new DatabaseSync(file, { timeout: lockedMs })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    // No other error than "busy" is about another relay.
    if ((error as { errcode?: number }).errcode !== 5) throw error
    // On a volume without locks, SQLite finds everything locked by somebody else.
    const hint = `stop the other one, or use PostgreSQL to run several. If there is no other, the volume ${knowsNoLocks}`
    throw new RelayError('BAD_DATABASE', `another relay is using this database (${file} is locked): ${hint}`, {
      cause: error
    })
  }
  return lock
}

export class Database {
  readonly #db: DatabaseSync
  readonly #lock: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  /** The real path, without links, which may differ from the path that was asked for. */
  readonly file: string

  constructor(db: DatabaseSync, lock: DatabaseSync, file: string) {
    this.#db = db
    this.#lock = lock
    this.file = file
    // With NORMAL, nothing that SQLite does by itself damages the file. log.ts waits until a commit is on disk, and moves long logs.
    db.exec(
      'pragma journal_mode = wal; pragma synchronous = normal; pragma temp_store = memory; pragma cache_size = -16000; pragma wal_autocheckpoint = 0'
    )
    db.exec(`pragma journal_size_limit = ${keptLogBytes}`)
    // For a check like `state in (…)`, SQLite makes a table with each row that is written, which costs 4 % of an event. Only the relay
    // writes here, and `verify` looks for other words.
    db.exec('pragma ignore_check_constraints = on')
  }

  /** Runs statements without values or rows. */
  exec(sql: string): void {
    this.#db.exec(sql)
  }

  close(): void {
    this.#db.close()
    this.#lock.close()
  }

  /** Makes another program's lock an error at once: SQLite would wait for it on this thread, which answers nobody meanwhile. */
  waitForNoLock(): void {
    this.#db.exec('pragma busy_timeout = 0')
  }

  /** Number of pages of the log that are not in the file yet. */
  logPages(): number {
    const { log, checkpointed } = this.get('pragma wal_checkpoint(noop)') ?? {}
    return Number(log) - Number(checkpointed)
  }

  /** Moves these pages into the file, so that the log begins anew with the next commit. */
  moveLog(): void {
    this.#db.exec('pragma wal_checkpoint(passive)')
  }

  /**
   * Runs `work` in a transaction, which is in the operating system's hands when this returns. Throws CANNOT_STORE, and writes nothing, if
   * `work` or the commit fails.
   */
  transaction<T>(work: () => T): T {
    try {
      this.#db.exec('begin immediate')
      const result = work()
      this.#db.exec('commit')
      return result
    } catch (error) {
      // If the disk was full, SQLite has already rolled back.
      if (this.#db.isTransaction) this.#db.exec('rollback')
      if (error instanceof RelayError) throw error
      throw new RelayError('CANNOT_STORE', `cannot write to the database: ${saySqliteError(error)}`, { cause: error })
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** The first row. All tables are strict, so a row is what its columns say. */
  get<R = Row>(sql: string, ...values: SQLInputValue[]): R | undefined {
    return this.#statement(sql).get(...values) as R | undefined
  }

  all<R = Row>(sql: string, ...values: SQLInputValue[]): R[] {
    return this.#statement(sql).all(...values) as R[]
  }

  /** Reads one row at a time, for results that would be too large together. */
  iterate(sql: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.#db.prepare(sql).iterate(...values) as Iterable<Row>
  }

  /** Runs a statement that is put together for one question, and therefore not kept. */
  query<R = Row>(sql: string, ...values: SQLInputValue[]): R[] {
    return this.#db.prepare(sql).all(...values) as R[]
  }

  /** Runs a statement, and returns the id of the inserted row. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid)
  }

  /** Runs a statement, and returns the number of rows that it changed. */
  changes(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes)
  }
}
