// Connections to PostgreSQL: run transactions, again if the database asks for it, and make errors without secrets.
import { isIPv4 } from 'node:net'
import { Client, DatabaseError, Pool, type PoolConfig, type QueryResult, type QueryResultRow, types } from 'pg'
import { RelayError } from '../../errors.ts'
import { addressesIn, type Servers } from './servers.ts'
import { beginSql, localBeginOf, settingsSql } from './settings.ts'
import { type Hot, isUnknownName, type Naming, type Statement, unnamed } from './statements.ts'

/**
 * Runs a statement. Statements that are sent without waiting for each other's answers go to the server together, which runs them in
 * order; if one fails, so do those behind it.
 */
export type Sql = <Row extends QueryResultRow>(
  statement: string | Hot,
  values?: readonly unknown[]
) => Promise<QueryResult<Row>>

/** Sends the last statements of a transaction together with the commit, and resolves to their answers. */
export type Finish = (statements: readonly Statement[]) => Promise<QueryResult[]>

/** The database's clock in ms, read when the statement runs: `now()` would be that of the transaction's start. */
export const clockSql = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

const connectMs = 5000
/** Limit for a network that swallows the answer: longer than the server's own limit, whose error would otherwise never arrive. */
const answerMs = 8000
const maxTries = 6

export class Connections {
  readonly #pool: Pool
  readonly #servers: Servers
  readonly #naming: Naming
  /** The statements that begin a transaction. */
  #begin = beginSql

  constructor(servers: Servers, max: number, naming: Naming) {
    this.#servers = servers
    this.#naming = naming
    this.#pool = new Pool({
      ...connectionConfig(servers.url),
      Client: servers.Client,
      max,
      pipeline: true,
      idleTimeoutMillis: 60_000,
      onConnect: async (client) => {
        // Without a listener, a connection that breaks while it is in use ends the process.
        client.on('error', () => {})
        await client.query(settingsSql)
        await servers.admit(client)
        this.#begin = (await localBeginOf(client)) ?? this.#begin
      }
    })
    // An error here means that an idle connection broke: the pool has dropped it, and opens another when one is needed.
    this.#pool.on('error', () => {})
  }

  /**
   * Runs `work` in a transaction, again if transactions got in each other's way, and commits unless `work` has done so with `finish`.
   * Rejects with CANNOT_STORE.
   */
  async transaction<T>(work: (sql: Sql, finish: Finish) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#try(work)
      } catch (error) {
        if (!mayRunAgain(error)) throw error
        if (tries === maxTries) throw this.#safe(error)
        if (!this.#naming.isRefused(error))
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** tries))
      }
    }
  }

  async #try<T>(work: (sql: Sql, finish: Finish) => Promise<T>): Promise<T> {
    const client = await this.#answer(this.#servers.each(() => this.#pool.connect()))
    let isUsable = true
    let isFinished = false
    /** The first error, which tells the cause: the statements behind it only fail because of it. */
    let first: { error: unknown } | undefined
    const send: Sql = (statement, values) => {
      sendTogether(client)
      return this.#answer(client.query(this.#naming.query(statement, values))).catch((error: unknown) => {
        first ??= { error }
        throw error
      })
    }
    try {
      let isBegun = false
      const begun = send(this.#begin).then(() => {
        isBegun = true
      })
      // Not unhandled: every statement waits for `begun`.
      begun.catch(() => {})
      const sql: Sql = async <Row extends QueryResultRow>(statement: string | Hot, values?: readonly unknown[]) => {
        // Named statements that come first only lock and read: they may do so before the transaction has begun.
        if (!isBegun && typeof statement === 'string') await begun
        const answer = await send<Row>(statement, values)
        await begun
        return answer
      }
      const finish: Finish = async (statements) => {
        await begun
        isFinished = true
        const answers = await Promise.all([...statements, ['commit'] as const].map((statement) => send(...statement)))
        // The server answers a commit after a failed statement with ROLLBACK.
        if (answers.at(-1)?.command !== 'COMMIT') throw this.#safe(new Error('the transaction was rolled back'))
        return answers.slice(0, -1)
      }
      const result = await work(sql, finish)
      if (!isFinished) await finish([])
      return result
    } catch (error) {
      // After a timeout nobody knows what the connection would answer next.
      const rollback = { text: 'rollback', query_timeout: 500 }
      isUsable = await client.query(rollback).then(
        () => true,
        () => false
      )
      throw first === undefined ? error : first.error
    } finally {
      client.release(!isUsable)
    }
  }

  /** Runs one unnamed statement, which is its own transaction. */
  readonly query: Sql = async (statement, values) => {
    try {
      return await this.#pool.query(unnamed(statement, values))
    } catch (error) {
      throw this.#safe(error)
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  /** Replaces an error of the database by one without secrets, unless the transaction may run again. Errors of `work` pass as they are. */
  #answer<T>(promise: Promise<T>): Promise<T> {
    return promise.catch((error: unknown) => {
      throw mayRunAgain(error) ? error : this.#safe(error)
    })
  }

  #safe(error: unknown): RelayError {
    return new RelayError('CANNOT_STORE', `the database cannot be used: ${sayDatabaseError(error, this.#servers.url)}`)
  }
}

/** Sends everything of this turn of the event loop in one write. */
function sendTogether({ connection: { stream } }: Client): void {
  stream.cork()
  process.nextTick(() => stream.uncork())
}

/** Reports whether the transaction may succeed if it runs again: nothing of it was written. */
function mayRunAgain(error: unknown): boolean {
  return isConflict(error) || isUnknownName(error)
}

// 40001 serialization failure, 40P01 deadlock.
function isConflict(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01')
}

/** The driver's configuration for `url`; for the first server, if it names several. */
export function connectionConfig(url: string): PoolConfig {
  return {
    connectionString: addressesIn(url)[0],
    application_name: 'flux-relay',
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    keepAlive: true,
    // The driver returns 64-bit integers as text. Ours are counters and milliseconds, far below 2^53.
    types: {
      getTypeParser: (id: number, format) => (id === types.builtins.INT8 ? Number : types.getTypeParser(id, format))
    }
  }
}

/**
 * Throws BAD_DATABASE if `url` is malformed, or if the password could be read on its way there; the text does not contain it.
 * `isReadable` is true if it can be read because `url` says so.
 */
export function checkUrl(url: string): { isReadable: boolean } {
  return { isReadable: addressesIn(url).map(checkAddress).includes('chosen') }
}

function checkAddress(url: string): 'hidden' | 'chosen' {
  const client = clientOf(url)
  if (client instanceof Client) {
    const way = readableOnTheWay(url, client)
    if (way === 'bare') throw new RelayError('BAD_DATABASE', bareAddress)
    return way
  }
  const { code, path } = client
  if (code !== undefined && path !== undefined)
    throw new RelayError('BAD_DATABASE', `DATABASE_URL names a file that cannot be read: ${code} ${path}`)
  const hint = 'characters such as @ : / # % in the password have to be percent-encoded'
  throw new RelayError(
    'BAD_DATABASE',
    `DATABASE_URL is not of the form postgres://user:password@host/database; ${hint}`
  )
}

// 57P01 admin shutdown, 57P02 crash shutdown, 57P03 cannot connect now: the server is starting, or about to. 25006: it is a standby,
// which may be promoted. Class 53: it has no connections, memory or disk left, as while a relay that is being replaced still has its
// connections. Class 08: a pooler says so of a server that it cannot reach.
const notUp = /^(57P0[123]|25006|(53|08)...)$/

/** Reports whether a server may be up in a moment: none has answered, or one that is starting, stopping or overloaded. */
export function isNotUpYet(error: unknown): boolean {
  if (asksForPassword(error)) return false
  if (error instanceof RelayError) return error.code === 'CANNOT_STORE'
  return !(error instanceof DatabaseError) || notUp.test(error.code ?? '')
}

/**
 * Says what went wrong, for logs and answers: in the server's words, or by the network's error code. Never in the driver's words, which
 * may repeat parts of a URL whose password was not encoded; for the same reason the error itself goes no further.
 */
export function sayDatabaseError(error: unknown, url: string): string {
  if (asksForPassword(error)) return 'it asks for a password, and there is none in DATABASE_URL (nor in PGPASSWORD)'
  const { code, message } = error as { code?: string; message?: string }
  const said = error instanceof DatabaseError ? `${message} (${code})` : (code ?? message ?? 'unknown error')
  const password = passwordOf(url)
  return password ? said.replaceAll(password, '…') : said
}

/** Reports whether the driver had no password to send. */
function asksForPassword(error: unknown): boolean {
  return error instanceof Error && /client password must be a (non-empty )?string/.test(error.message)
}

/** The password in `url`; undefined if there is none, or if the driver cannot read `url`. */
function passwordOf(url: string): string | undefined {
  const client = clientOf(url)
  return client instanceof Client ? (client.password ?? undefined) : undefined
}

/** The driver's client for `url`, or why it cannot read `url`; `path` is set if that is because of a file. */
function clientOf(url: string): Client | { code?: string; path?: string } {
  // A `#` would end the address, and everything after it would be ignored.
  if (url.includes('#')) return {}
  try {
    return new Client(connectionConfig(url))
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

/**
 * Tells whether the password can be read on its way. `hidden`: no, by TLS or because it does not leave this machine. `chosen`: it can,
 * and whoever wrote the address said so. `bare`: it can, and nobody said so. The second parameter is the driver's client for `url`,
 * which includes PGSSLMODE and PGHOST.
 *
 * The driver never falls back: with any `sslmode` but `disable`, it does not talk to a server without TLS, and `prefer`, `require` and
 * `verify-ca` verify like `verify-full` (pg-connection-string, README, "TLS").
 */
export function readableOnTheWay(
  url: string,
  { ssl, host }: Pick<Client, 'ssl' | 'host'>,
  environment: Record<string, string | undefined> = process.env
): 'hidden' | 'chosen' | 'bare' {
  if (ssl || host.split(',').every(isThisMachine)) return 'hidden'
  const written = [...url.matchAll(/[?&]sslmode=([^&#]*)/g)].at(-1)?.[1] ?? environment['PGSSLMODE']
  return written === 'disable' ? 'chosen' : 'bare'
}

export const bareAddress =
  'DATABASE_URL would send the password and all events over the network for everybody on the way to read: add ' +
  '?sslmode=verify-full (and &sslrootcert=/path/to/ca.crt for a CA of your own); or ?sslmode=disable, if that network is yours alone'

export const chosenBare =
  'sslmode=disable: the password of the database and all events can be read on the way there; sslmode=verify-full hides them'

/** Reports whether `host` is this machine, which includes the path of a socket. */
function isThisMachine(host: string): boolean {
  return /^(\/|@|$|localhost$|::1$)/.test(host) || (isIPv4(host) && host.startsWith('127.'))
}
