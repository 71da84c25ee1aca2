// PostgreSQL schema: brings the tables to this program's version. Forward only.
import { readFileSync } from 'node:fs'
import type { Client } from 'pg'
import { RelayError } from '../../errors.ts'
import { connectionConfig } from './connections.ts'
import { lockNumbers } from './locks.ts'
import type { Servers } from './servers.ts'
import { unhurriedSql } from './settings.ts'

/** The files that bring the tables to version 1, 2, …: a released file is never changed, only followed by another. */
const migrations = ['1.sql', '2.sql', '3.sql', '4.sql', '5.sql', '6.sql', '7.sql']

/**
 * Migrates the tables, safely if several replicas start at once. `migrating` is called before tables of an earlier version are changed.
 * Throws BAD_DATABASE if the tables are of a newer version, or cannot hold every text.
 */
export async function migrate(
  servers: Servers,
  migrating: (from: number, to: number) => void = () => {}
): Promise<void> {
  // Changing a large table may take long, and so may waiting for the replica that does it.
  const { query_timeout: _, ...config } = connectionConfig(servers.url)
  const client = await servers.connect(config)
  try {
    await refuseEncoding(client)
    await client.query(unhurriedSql)
    await client.query('select pg_advisory_xact_lock($1)', [lockNumbers.schema])
    const version = await versionOf(client)
    if (version > migrations.length) {
      const known = migrations.length
      const text = `the database is of version ${version}, this program knows ${known}: use the newer flux-relay again, or restore the backup from before the upgrade`
      throw new RelayError('BAD_DATABASE', text)
    }
    if (version > 0 && version < migrations.length) migrating(version, migrations.length)
    for (const [index, file] of migrations.entries()) {
      if (index < version) continue
      await client.query(readFileSync(new URL(`./${file}`, import.meta.url), 'utf8'))
      await client.query('insert into relay_schema values ($1)', [index + 1])
    }
    await client.query('commit')
  } finally {
    await client.end()
  }
}

/** Throws if the encoding lacks characters that every message has: events would be accepted, but nothing could be sent. */
async function refuseEncoding(client: Client): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>('show server_encoding')
  const { server_encoding: encoding = '' } = rows[0] ?? {}
  // SQL_ASCII keeps whatever bytes it is given.
  if (/^(UTF-?8|SQL_ASCII)$/i.test(encoding)) return
  const hint = "make one for the relay: create database relay encoding 'UTF8' locale 'C' template template0"
  throw new RelayError('BAD_DATABASE', `the database is in ${encoding}, which lacks characters of messages; ${hint}`)
}

async function versionOf(client: Client): Promise<number> {
  // Looked up first, because `create … if not exists` needs the right to create even if the table exists.
  const { rows: tables } = await client.query<{ found: string | null }>(
    `select to_regclass('relay_schema')::text as found`
  )
  if (tables[0]?.found == null) await client.query('create table relay_schema (version integer primary key)')
  const { rows } = await client.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from relay_schema'
  )
  return rows[0]?.version ?? 0
}
