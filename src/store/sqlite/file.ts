// SQLite file: belongs to this process alone: durable transactions and prepared statements, without knowing what is
// stored.
import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { RelayError } from '../../errors.ts'
import { damaged, knowsNoLocks, sayFileError, saySqliteError } from './file-errors.ts'
import { realPath } from './path.ts'

export type Row = Record<string, SQLInputValue>

/** Runs `work` in a transaction of the store's: what it counted is taken back where it fails. */
export type Transaction = <T>(work: () => T) => T

/** As {@link Transaction}, and on disk when it resolves. */
export type Write = <T>(work: () => T) => Promise<T>

/** A relay that is being replaced is given so long to go. */
const lockedMs = 1000

/** So much of a log that was long is kept to be written again; after a flood the rest goes back to the volume. */
const keptLogBytes = 32 * 1024 * 1024

/** Opens, and if need be creates, what `path` leads to. Throws BAD_DATABASE where it cannot be used. */
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

/** Throws BAD_DATABASE where another program keeps its tables in `file`: ours would stand among them, and its own version would be ours. */
export function refuseForeign(db: DatabaseSync, file: string): void {
  const { version, tables, ours } = db.prepare(ownershipSql).get() ?? {}
  if (version === 0 ? tables === 0 : ours === 2) return
  const hint = 'is the path right? Name a file of its own for the relay, which makes it'
  throw new RelayError('BAD_DATABASE', `cannot use the database: ${file} belongs to another program; ${hint}`)
}

// Two tables that every version of the relay has.
const ownershipSql = `
  select (select user_version from pragma_user_version) as version, count(*) as tables,
    count(*) filter (where name in ('notifications', 'lanes')) as ours
  from sqlite_schema where type = 'table' and name not like 'sqlite_%'`

/** SQLite notices that the end of a file is missing when it needs it; until then it would fill the gap with new rows. */
function refuseShort(db: DatabaseSync, file: string): void {
  const { pages } =
    db.prepare('select page_count * page_size as pages from pragma_page_count, pragma_page_size').get() ?? {}
  const hasLog = (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  if (hasLog || statSync(file).size >= Number(pages)) return
  throw new RelayError('BAD_DATABASE', `cannot use the database: ${damaged(file)} (its end is missing)`)
}

/** What keeps `file` from being used, in words for whoever can mend it. */
export function badDatabase(error: unknown, file: string): RelayError {
  const { cause } = error as { cause?: unknown }
  return new RelayError('BAD_DATABASE', `cannot use the database: ${sayFileError(cause ?? error, file)}`, {
    cause: error
  })
}

/**
 * Two relays on one file would each send what the other is sending. The lock is SQLite's own on a file beside the
 * database, so it goes with the process however that ends.
 */
function lockFile(file: string): DatabaseSync {
  const lock = new DatabaseSync(file, { timeout: lockedMs })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    // Anything but "busy" is not about another relay.
    if ((error as { errcode?: number }).errcode !== 5) throw error
    // To SQLite a volume without locks is one on which somebody else has them all.
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
  /** Where it really is, which may not be what was asked for. */
  readonly file: string

  constructor(db: DatabaseSync, lock: DatabaseSync, file: string) {
    this.#db = db
    this.#lock = lock
    this.file = file
    // NORMAL: what SQLite does by itself never damages the file; that a commit is on disk is waited for, and long logs are
    // moved, in log.ts.
    db.exec(
      'pragma journal_mode = wal; pragma synchronous = normal; pragma temp_store = memory; pragma cache_size = -16000; pragma wal_autocheckpoint = 0'
    )
    db.exec(`pragma journal_size_limit = ${keptLogBytes}`)
    // For `state in (…)` SQLite makes a table of its own with each row that is written, which costs 4 % of an event. What is
    // written is ours, and `verify` looks for what is none of the words.
    db.exec('pragma ignore_check_constraints = on')
  }

  /** Statements without values or rows. */
  exec(sql: string): void {
    this.#db.exec(sql)
  }

  close(): void {
    this.#db.close()
    this.#lock.close()
  }

  /** From now on a lock of another program is an error at once: SQLite would wait for it on this thread, which then answers nobody. */
  waitForNoLock(): void {
    this.#db.exec('pragma busy_timeout = 0')
  }

  /** How many pages of the log are not in the file yet. */
  logPages(): number {
    const { log, checkpointed } = this.get('pragma wal_checkpoint(noop)') ?? {}
    return Number(log) - Number(checkpointed)
  }

  /** Moves them there, so that the log begins anew with the next commit. */
  moveLog(): void {
    this.#db.exec('pragma wal_checkpoint(passive)')
  }

  /** In the operating system's hands when it returns. Throws CANNOT_STORE, and nothing of `work` is written, where it or the commit fails. */
  transaction<T>(work: () => T): T {
    try {
      this.#db.exec('begin immediate')
      const result = work()
      this.#db.exec('commit')
      return result
    } catch (error) {
      // SQLite has rolled back by itself where the disk was full.
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

  /** The first row. All tables are strict, so that a row is what its columns say. */
  get<R = Row>(sql: string, ...values: SQLInputValue[]): R | undefined {
    return this.#statement(sql).get(...values) as R | undefined
  }

  all<R = Row>(sql: string, ...values: SQLInputValue[]): R[] {
    return this.#statement(sql).all(...values) as R[]
  }

  /** One row at a time, where all of them together would be too large. */
  iterate(sql: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.#db.prepare(sql).iterate(...values) as Iterable<Row>
  }

  /** For statements that are put together from what was asked for: they are not kept. */
  query<R = Row>(sql: string, ...values: SQLInputValue[]): R[] {
    return this.#db.prepare(sql).all(...values) as R[]
  }

  /** The id of the inserted row. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid)
  }

  /** How many rows it changed. */
  changes(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes)
  }
}
