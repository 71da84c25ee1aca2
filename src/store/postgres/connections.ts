// Connections to PostgreSQL: transactions that run again where the database asks for it, and errors without secrets.
import { isIPv4 } from 'node:net'
import { Client, DatabaseError, Pool, type PoolConfig, type QueryResult, type QueryResultRow, types } from 'pg'
import { RelayError } from '../../errors.ts'
import { addressesIn, type Servers } from './servers.ts'
import { beginSql, localBeginOf, settingsSql } from './settings.ts'
import { type Hot, isUnknownName, type Naming, type Statement, unnamed } from './statements.ts'

/**
 * Runs a statement. Those that are sent without waiting for the answers between them go to the server together, and it runs them
 * in their order; where one fails, the transaction is over for those behind it.
 */
export type Sql = <Row extends QueryResultRow>(
  statement: string | Hot,
  values?: readonly unknown[]
) => Promise<QueryResult<Row>>

/** Commits, together with the last statements of a transaction: the answers to those. */
export type Finish = (statements: readonly Statement[]) => Promise<QueryResult[]>

/** The database's clock in ms, read when the statement runs: `now()` would be that of the transaction's start. */
export const clockSql = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

const connectMs = 5000
/** For a network that swallows the answer: longer than the server's own limit, or that would never be seen. */
const answerMs = 8000
const maxTries = 6

export class Connections {
  readonly #pool: Pool
  readonly #servers: Servers
  readonly #naming: Naming
  /** What transactions begin with. */
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
    // An idle connection broke: the pool has dropped it and opens another when one is needed.
    this.#pool.on('error', () => {})
  }

  /**
   * Runs `work`, several times where transactions got in each other's way, and commits unless `work` has finished with that. Rejects
   * with CANNOT_STORE.
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
    /** What those behind it fail of as well, in words of its own. */
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
      // Every statement waits for it.
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
        // What the server says to a commit after a statement that failed.
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

  /** One statement, which is its own transaction, and has no name. */
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

  /** What the database says, and no more than may be repeated. What `work` itself throws goes through as it is. */
  #answer<T>(promise: Promise<T>): Promise<T> {
    return promise.catch((error: unknown) => {
      throw mayRunAgain(error) ? error : this.#safe(error)
    })
  }

  #safe(error: unknown): RelayError {
    return new RelayError('CANNOT_STORE', `the database cannot be used: ${sayDatabaseError(error, this.#servers.url)}`)
  }
}

/** What is sent in this turn of the event loop is one write. */
function sendTogether({ connection: { stream } }: Client): void {
  stream.cork()
  process.nextTick(() => stream.uncork())
}

/** Nothing was written, and the second time it goes well. */
function mayRunAgain(error: unknown): boolean {
  return isConflict(error) || isUnknownName(error)
}

// 40001 serialization failure, 40P01 deadlock.
function isConflict(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01')
}

/** The configuration for `url`; for the first server, if it names several. */
export function connectionConfig(url: string): PoolConfig {
  return {
    connectionString: addressesIn(url)[0],
    application_name: 'flux-relay',
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    keepAlive: true,
    // The driver hands 64-bit integers out as text. Ours are counters and milliseconds, far below 2^53.
    types: {
      getTypeParser: (id: number, format) => (id === types.builtins.INT8 ? Number : types.getTypeParser(id, format))
    }
  }
}

/**
 * Throws BAD_DATABASE if `url` is malformed, or the password would go there for everybody to read; the text does not repeat
 * it. Returns whether it will, because `url` says so.
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

// 57P01 admin shutdown, 57P02 crash shutdown, 57P03 cannot connect now: it is starting, or about to. 25006: it is a standby,
// which may be promoted. Class 53: it has no connection, memory or disk left, as while another relay that is replaced still has
// its own. Class 08: what a pooler says of a server that it does not reach.
const notUp = /^(57P0[123]|25006|(53|08)...)$/

/** Whether a server may be there in a moment: none has answered, or one that stops or starts, or has too much to do. */
export function isNotUpYet(error: unknown): boolean {
  if (asksForPassword(error)) return false
  if (error instanceof RelayError) return error.code === 'CANNOT_STORE'
  return !(error instanceof DatabaseError) || notUp.test(error.code ?? '')
}

/**
 * What went wrong, for logs and answers: the server's words, or the code of the network's. Never the driver's, which may
 * repeat parts of a URL whose password was not encoded; and the error itself goes no further for the same reason.
 */
export function sayDatabaseError(error: unknown, url: string): string {
  if (asksForPassword(error)) return 'it asks for a password, and there is none in DATABASE_URL (nor in PGPASSWORD)'
  const { code, message } = error as { code?: string; message?: string }
  const said = error instanceof DatabaseError ? `${message} (${code})` : (code ?? message ?? 'unknown error')
  const password = passwordOf(url)
  return password ? said.replaceAll(password, '…') : said
}

/** What the driver says where it has none to send. */
function asksForPassword(error: unknown): boolean {
  return error instanceof Error && /client password must be a (non-empty )?string/.test(error.message)
}

/** Undefined where it has none, or the driver cannot read it. */
function passwordOf(url: string): string | undefined {
  const client = clientOf(url)
  return client instanceof Client ? (client.password ?? undefined) : undefined
}

/** What the driver makes of `url`, or why it cannot read it; `path` where it is because of a file. */
function clientOf(url: string): Client | { code?: string; path?: string } {
  // It would be the end of the address, and everything after it ignored.
  if (url.includes('#')) return {}
  try {
    return new Client(connectionConfig(url))
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

/**
 * `hidden`: by TLS, or it does not leave this machine. `chosen`: it can be read, and whoever wrote the address said so.
 * `bare`: it can be read, and nobody said so. `client` is what the driver makes of `url`, PGSSLMODE and PGHOST included.
 *
 * The driver never falls back: with any `sslmode` but `disable`, a server without TLS is not talked to, and `prefer`,
 * `require` and `verify-ca` verify as `verify-full` does (pg-connection-string, README, "TLS").
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

/** A socket's path is of this machine as well. */
function isThisMachine(host: string): boolean {
  return /^(\/|@|$|localhost$|::1$)/.test(host) || (isIPv4(host) && host.startsWith('127.'))
}
