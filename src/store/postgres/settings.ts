// Settings in PostgreSQL: bound how long a statement and a transaction may take, wherever a pooler leads them.
import type { ClientBase } from 'pg'

const statementMs = 5000

/** What transactions begin with. */
export const beginSql = 'begin isolation level read committed'

// Sent as statements because poolers refuse unknown parameters at the start of a connection. A transaction that is left
// open, by a replica that was frozen in the middle of it, must not keep its locks. Whoever waits for a lock is bounded by the
// first, and not by less, or events of one object would be refused in a storm. A commit is on disk when it returns,
// whatever the default of the server or the role. What is small now may be large soon: plans that are kept must not read all of it;
// and where nothing else is left, servers before 18 take the price that this puts on it for a reason to compile.
export const settingsSql = `
  set statement_timeout = ${statementMs};
  set idle_in_transaction_session_timeout = ${statementMs};
  set lock_timeout = 0;
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
  select set_config(name, 'off', false) from pg_settings where name in ('enable_seqscan', 'jit')`

// The default of new connections, whatever this one was set to.
const behindSql = `
  select pg_backend_pid() as pid, (select string_agg(name, ',') from pg_settings
    where name in ('enable_seqscan', 'jit') or name = 'synchronous_commit' and reset_val = 'off'
      or name = 'lock_timeout' and reset_val <> '0') as names`

const wantedOf = (name: string) => ({ synchronous_commit: 'on', lock_timeout: '0' })[name] ?? 'off'

/**
 * What transactions begin with where there is a pooler behind `client`, which may hand each of them another connection of the
 * server's: all of {@link settingsSql}, for the one transaction. Undefined where there is none: it is the server itself that answers.
 */
export async function localBeginOf(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ pid: number; names: string | null }>(behindSql)
  const [found] = rows
  // A pooler makes up what cancels a statement, whose first half is the process on a server.
  if (found === undefined || found.pid === (client as ClientBase & { processID?: number }).processID) return undefined
  const limits = [`statement_timeout = ${statementMs}`, `idle_in_transaction_session_timeout = ${statementMs}`]
  const others = (found.names ?? '').split(',').filter(Boolean)
  const values = others.map((name) => `${name} = ${wantedOf(name)}`)
  return [beginSql, ...[...limits, ...values].map((setting) => `set local ${setting}`)].join('; ')
}
