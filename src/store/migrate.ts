// Migration: moves everything from an embedded database into an empty PostgreSQL, all of it or nothing.
import { existsSync, renameSync } from 'node:fs'
import { type Client, DatabaseError } from 'pg'
import { RelayError } from '../errors.ts'
import { checkUrl, connectionConfig, sayDatabaseError } from './postgres/connections.ts'
import { migrate } from './postgres/schema.ts'
import { Servers } from './postgres/servers.ts'
import { unhurriedSql } from './postgres/settings.ts'
import { indexable, storable } from './postgres/text.ts'
import { type Database, openDatabase, type Row } from './sqlite/file.ts'
import { bringToVersion } from './sqlite/schema.ts'

/** Rows in one step: bodies may have megabytes, and a step has to fit into memory. */
const stepRows = 200

/** The tables, each with the column by which its rows are walked. Both databases have the same columns, except for those left out. */
const tables = {
  events: 'id',
  objects: 'rowid',
  notifications: 'id',
  views: 'id',
  messages: 'id',
  attempts: 'rowid',
  silences: 'id',
  acts: 'id',
  announcements: 'key',
  sources: 'name',
  lanes: 'key',
  gatherings: 'rowid',
  cards: 'id',
  card_entries: 'id',
  card_versions: 'id',
  rollouts: 'id',
  rollout_entries: 'rowid'
} as const

/** Indexed texts, whose length an index of PostgreSQL limits. */
const indexed: Record<string, readonly string[]> = {
  events: ['object'],
  objects: ['key'],
  notifications: ['object', 'group_key'],
  card_entries: ['object'],
  rollouts: ['scope', 'revision'],
  rollout_entries: ['object']
}

/**
 * Moves the content of the SQLite `file` into the PostgreSQL at `url`, then renames the file, so that nobody sends what is left in it
 * a second time; resolves to its new name. `progress` is called with numbers of rows. Throws BAD_DATABASE if the file is in use or
 * missing, or the PostgreSQL is not empty: then nothing has changed. It also throws if the outcome is not known, and says so.
 */
export async function moveToPostgres(
  file: string,
  url: string,
  progress: (done: number, total: number) => void
): Promise<string> {
  if (!existsSync(file)) throw new RelayError('BAD_DATABASE', `there is no database ${file}`)
  checkUrl(url)
  const from = openDatabase(file)
  try {
    bringToVersion(from)
    const servers = new Servers(url)
    await migrate(servers)
    await copyAll(from, servers, progress)
  } catch (error) {
    if (error instanceof RelayError) throw error
    throw new RelayError('BAD_DATABASE', `nothing was moved: ${sayDatabaseError(error, url)}`)
  } finally {
    from.close()
  }
  // Renames the file itself: renaming a link would leave the file where another link, or a relay, finds it.
  renameSync(from.file, `${from.file}.moved`)
  return `${from.file}.moved`
}

async function copyAll(
  from: Database,
  servers: Servers,
  progress: (done: number, total: number) => void
): Promise<void> {
  const { query_timeout: _, ...config } = connectionConfig(servers.url)
  const to = await servers.connect(config)
  try {
    await to.query(unhurriedSql)
    await checkEmpty(to)
    const total = Object.keys(tables).reduce((sum, table) => sum + countOf(from, table), 0)
    let done = 0
    for (const [table, key] of Object.entries(tables)) {
      for (const rows of stepsOf(from, table, key)) {
        await insert(to, table, rows)
        done += rows.length
        progress(done, total)
      }
    }
    await to.query(`
      select setval('event_ids', (select coalesce(max(id), 0) + 1 from events)),
        setval(pg_get_serial_sequence('notifications', 'id'), (select coalesce(max(id), 0) + 1 from notifications)),
        setval(pg_get_serial_sequence('silences', 'id'), (select coalesce(max(id), 0) + 1 from silences)),
        setval(pg_get_serial_sequence('acts', 'id'), (select coalesce(max(id), 0) + 1 from acts)),
        setval(pg_get_serial_sequence('messages', 'id'), (select coalesce(max(id), 0) + 1 from messages)),
        setval(pg_get_serial_sequence('cards', 'id'), (select coalesce(max(id), 0) + 1 from cards)),
        setval(pg_get_serial_sequence('card_entries', 'id'), (select coalesce(max(id), 0) + 1 from card_entries)),
        setval(pg_get_serial_sequence('card_versions', 'id'), (select coalesce(max(id), 0) + 1 from card_versions)),
        setval(pg_get_serial_sequence('rollouts', 'id'), (select coalesce(max(id), 0) + 1 from rollouts))`)
    await to.query('commit').catch((error: unknown) => {
      throw error instanceof DatabaseError ? error : unsure(from.file, sayDatabaseError(error, servers.url))
    })
  } finally {
    await to.end()
  }
}

/** The error if the answer to the commit was lost: the commit may have been done. */
function unsure(file: string, said: string): RelayError {
  const hint = `move it again: if the PostgreSQL is said to be in use already, it was; then rename ${file}, so that nobody sends from it`
  return new RelayError('BAD_DATABASE', `it is not known whether everything was moved (${said}); ${hint}`)
}

async function checkEmpty(to: Client): Promise<void> {
  const { rows } = await to.query<{ used: boolean }>(
    'select exists (select from events) or exists (select from objects) or exists (select from messages) as used'
  )
  if (!rows[0]?.used) return
  throw new RelayError('BAD_DATABASE', 'the PostgreSQL database is in use by a relay already; name one that is empty')
}

function countOf(from: Database, table: string): number {
  return Number(from.get(`select count(*) as n from ${table}`)?.n ?? 0)
}

function* stepsOf(from: Database, table: string, key: string): Generator<Row[]> {
  const columns = key === 'rowid' ? 'rowid, *' : '*'
  let after: Row[string] = key === 'id' || key === 'rowid' ? 0 : ''
  for (;;) {
    const rows: Row[] = from.all(
      `select ${columns} from ${table} where ${key} > ? order by ${key} limit ${stepRows}`,
      after
    )
    if (rows.length === 0) return
    after = rows.at(-1)?.[key] ?? after
    yield rows
  }
}

async function insert(to: Client, table: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).filter((column) => column !== 'rowid' && column !== 'identity')
  const isIndexed = (column: string) => indexed[table]?.includes(column) ?? false
  const records = rows.map((row) =>
    Object.fromEntries(
      columns.map((column) => {
        const value = row[column]
        if (typeof value !== 'string') return [column, value]
        return [column, isIndexed(column) ? indexable(value) : storable(value)]
      })
    )
  )
  await to.query(
    `insert into ${table} (${columns}) select ${columns} from json_populate_recordset(null::${table}, $1)`,
    [JSON.stringify(records)]
  )
}
