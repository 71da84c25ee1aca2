// Verifying SQLite: opens the file for reading only, and has SQLite check every page.
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { RelayError } from '../../errors.ts'
import { sayFileError } from '../sqlite/file-errors.ts'
import { realPath } from '../sqlite/path.ts'
import { checkVersion } from '../sqlite/schema.ts'
import { type Read, type Report, shown } from './report.ts'

/** SQLITE_CORRUPT: pages are so damaged that SQLite cannot go on looking. */
const corrupt = 11

/** How many of its own complaints SQLite may make. */
const maxDamage = 20

// SQLite has no checksums: a page in the middle of a long text may hold anything, and its own check is content.
const json = [
  ['events', 'id', 'trace'],
  ['events', 'id', 'body'],
  ['objects', 'key', 'memory'],
  ['views', 'id', 'view'],
  ['messages', 'id', 'payload'],
  ['silences', 'id', 'match']
] as const

/** Lets `look` read what `path` leads to as it is at one moment, and has SQLite look at every page. Throws BAD_DATABASE. */
export async function readSqlite(path: string, look: (read: Read) => Promise<Omit<Report, 'damage'>>): Promise<Report> {
  const file = realPath(path)
  if (!existsSync(file)) throw new RelayError('BAD_DATABASE', `there is no database ${file}`)
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
    const open = db
    open.exec('begin')
    checkVersion(Number(open.prepare('pragma user_version').get()?.['user_version']))
    const damage = open
      .prepare(`pragma integrity_check(${maxDamage})`)
      .all()
      .map(({ integrity_check }) => String(integrity_check))
      .filter((said) => said !== 'ok')
    // Where pages are damaged, what they seem to hold says nothing.
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
    throw new RelayError('BAD_DATABASE', `cannot read the database: ${sayFileError(error, file)}`, { cause: error })
  } finally {
    db?.close()
  }
}
