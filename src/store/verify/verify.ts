// Verification: checks that the rows of a database fit together. It only reads, as of one moment, so that a relay may go on meanwhile.
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { RelayError } from '../../errors.ts'
import { refuseForeign } from '../sqlite/file.ts'
import { sayFileError } from '../sqlite/file-errors.ts'
import { realPath, sqliteFile } from '../sqlite/path.ts'
import { checkVersion } from '../sqlite/schema.ts'
import { look, type Report, shown } from './report.ts'

/** SQLITE_CORRUPT: pages are so damaged that SQLite cannot go on checking. */
const corrupt = 11

/** The most complaints of its own that SQLite may make. */
const maxDamage = 20

// SQLite has no checksums: a page in the middle of a long text may hold anything, and SQLite's own check does not notice.
const json = [
  ['events', 'id', 'trace'],
  ['events', 'id', 'body'],
  ['objects', 'key', 'memory'],
  ['views', 'id', 'view'],
  ['messages', 'id', 'payload'],
  ['messages', 'id', 'gathered'],
  ['card_entries', 'id', 'view'],
  ['card_versions', 'id', 'payload'],
  ['silences', 'id', 'match'],
  ['acts', 'id', 'about']
] as const

/** Reads the database at `address`, as in DATABASE_URL. Throws BAD_DATABASE if it cannot be read at all. */
export async function verify(address: string): Promise<Report> {
  const url = address.trim()
  if (/^postgres(ql)?:/.test(url)) return readPostgres(url)
  const file = sqliteFile(url)
  if (file !== undefined) return readSqlite(file)
  throw new RelayError('BAD_DATABASE', 'name a database as in DATABASE_URL: sqlite:data/relay.db or postgres://…')
}

/** Reads a PostgreSQL as of one moment; it checks its pages itself. Throws BAD_DATABASE; the text contains no password. */
async function readPostgres(url: string): Promise<Report> {
  // Loaded only if it is used, as when a relay opens it.
  const [{ Client }, { checkUrl, connectionConfig, sayDatabaseError }] = await Promise.all([
    import('pg'),
    import('../postgres/connections.ts')
  ])
  checkUrl(url)
  // Looking at everything may take long.
  const { query_timeout: _, ...config } = connectionConfig(url)
  const client = new Client(config)
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('begin transaction isolation level repeatable read read only')
    await client.query('set local statement_timeout = 0')
    return { ...(await look(async (sql) => (await client.query(sql)).rows)), damage: [] }
  } catch (error) {
    throw cannotRead(sayDatabaseError(error, url))
  } finally {
    await client.end().catch(() => {})
  }
}

function cannotRead(said: string, cause?: unknown): RelayError {
  // The two forms in which the databases say that a table or a column is missing.
  const hint = /\(no such (table|column)\b|\((42P01|42703)\)$/.test(said)
    ? '; it is of an earlier version, or no relay has used it: start this one on a copy, which brings that to its own version, then look at it'
    : ''
  return new RelayError('BAD_DATABASE', `cannot read the database: ${said}${hint}`, { cause })
}

/** Reads a SQLite file as of one moment, and has SQLite check every page. Throws BAD_DATABASE. */
async function readSqlite(path: string): Promise<Report> {
  const file = realPath(path)
  if (!existsSync(file)) throw new RelayError('BAD_DATABASE', `there is no database ${file}`)
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
    const open = db
    open.exec('begin')
    refuseForeign(open, file)
    checkVersion(Number(open.prepare('pragma user_version').get()?.['user_version']))
    const damage = open
      .prepare(`pragma integrity_check(${maxDamage})`)
      .all()
      .map(({ integrity_check }) => String(integrity_check))
      .filter((said) => said !== 'ok')
    // If pages are damaged, what they seem to hold proves nothing.
    if (damage.length > 0) return { counts: {}, findings: [], damage }
    const { counts, findings } = await look(async (sql) => open.prepare(sql).all())
    const broken = json.flatMap(([table, key, column]) =>
      open
        .prepare(`select ${key} as id from ${table} where not json_valid(${column})`)
        .all()
        .map(({ id }) => `${table} ${id}`)
    )
    const found = { check: 'what is kept as JSON is JSON', rows: broken.length, examples: broken.slice(0, shown) }
    return { counts, findings: [...findings, found], damage }
  } catch (error) {
    if (error instanceof RelayError) throw error
    const { errcode = 0, message } = error as { errcode?: number; message: string }
    if ((errcode & 0xff) === corrupt) return { counts: {}, findings: [], damage: [message] }
    throw cannotRead(sayFileError(error, file), error)
  } finally {
    db?.close()
  }
}
