// Verifying PostgreSQL: reads it as of one moment; it checks its own pages.
import { RelayError } from '../../errors.ts'
import type { Read, Report } from './report.ts'

/** Lets `look` read. Throws BAD_DATABASE; the text contains no password. */
export async function readPostgres(url: string, look: (read: Read) => Promise<Report>): Promise<Report> {
  // Only for those who use it, as when a relay opens it.
  const [{ Client }, { checkUrl, connectionConfig, sayDatabaseError }] = await Promise.all([
    import('pg'),
    import('../postgres/connections.ts')
  ])
  checkUrl(url)
  // Looking at everything may take its time.
  const { query_timeout: _, ...config } = connectionConfig(url)
  const client = new Client(config)
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('begin transaction isolation level repeatable read read only')
    await client.query('set local statement_timeout = 0')
    return await look(async (sql) => (await client.query(sql)).rows)
  } catch (error) {
    throw new RelayError('BAD_DATABASE', `cannot read the database: ${sayDatabaseError(error, url)}`)
  } finally {
    await client.end().catch(() => {})
  }
}
