// Settings in PostgreSQL: limit how long a statement and a transaction may take, on whichever connection a pooler runs them.
import type { ClientBase } from 'pg'

const statementMs = 5000

/** The statement that begins a transaction. */
export const beginSql = 'begin isolation level read committed'

// These are sent as statements because poolers refuse unknown parameters at the start of a connection. A transaction that a frozen
// replica leaves open must not keep its locks. A wait for a lock is limited by statement_timeout, and by nothing shorter, or events of one
// object would be refused in a storm. A commit is on disk when it returns, whatever the default of the server or the role. A table that
// is small now may be large soon, so plans that are kept must not read all of it, hence enable_seqscan; if there is no other way,
// servers before 18 take the price that this puts on a scan for a reason to compile, hence jit.
export const settingsSql = `
  set statement_timeout = ${statementMs};
  set idle_in_transaction_session_timeout = ${statementMs};
  set lock_timeout = 0;
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
  select set_config(name, 'off', false) from pg_settings where name in ('enable_seqscan', 'jit')`

// Asks for the defaults of new connections, whatever this one was set to.
const behindSql = `
  select pg_backend_pid() as pid, (select string_agg(name, ',') from pg_settings
    where name in ('enable_seqscan', 'jit') or name = 'synchronous_commit' and reset_val = 'off'
      or name = 'lock_timeout' and reset_val <> '0') as names`

const wantedOf = (name: string) => ({ synchronous_commit: 'on', lock_timeout: '0' })[name] ?? 'off'

/**
 * The statements that begin a transaction if there is a pooler between `client` and the server, which may run each transaction on
 * another connection: all of {@link settingsSql}, for this transaction. Undefined if the server itself answers.
 */
export async function localBeginOf(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ pid: number; names: string | null }>(behindSql)
  const [found] = rows
  // The first half of the key that cancels a statement is the server's process id, but a pooler makes up its own.
  if (found === undefined || found.pid === (client as ClientBase & { processID?: number }).processID) return undefined
  const limits = [`statement_timeout = ${statementMs}`, `idle_in_transaction_session_timeout = ${statementMs}`]
  const others = (found.names ?? '').split(',').filter(Boolean)
  const values = others.map((name) => `${name} = ${wantedOf(name)}`)
  return [beginSql, ...[...limits, ...values].map((setting) => `set local ${setting}`)].join('; ')
}
