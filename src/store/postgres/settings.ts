// Settings in PostgreSQL: limits how long a statement and a transaction may take, and undoes defaults of a server, a database or a role
// that our statements are not written for. Both hold on whichever connection a pooler picks.
import type { ClientBase } from 'pg'

const statementMs = 5000

/** The statement that begins a transaction. */
export const beginSql = 'begin isolation level read committed'

// A transaction that a frozen replica leaves open must not keep its locks. Only statement_timeout limits a wait for a lock: with a
// shorter limit, events of one object would be refused in a storm.
const limits = [`statement_timeout = ${statementMs}`, `idle_in_transaction_session_timeout = ${statementMs}`]

/** Wanted values by name. Names that a server does not have are left out. */
const wanted = {
  lock_timeout: '0',
  transaction_timeout: '0',
  // The server must not end an idle connection: a statement may be on its way to it.
  idle_session_timeout: '0',
  // At stricter levels, a conflict ends a statement, and a statement outside a transaction is not run again.
  default_transaction_isolation: 'read committed',
  // A commit is on disk when it returns.
  synchronous_commit: 'on',
  // A kept plan must not read a whole table, which may be small now and large soon. If a scan cannot be avoided, servers before 18 take
  // the price that this puts on it for a reason to compile, so `jit` is off.
  enable_seqscan: 'off',
  jit: 'off',
  // If this is off, a null in an array is read as the text `NULL`.
  array_nulls: 'on'
}

/** Settings whose column `value` is not as wanted. With synchronous_commit, only `off` counts: all other values wait for the disk. */
const differentSql = (value: string) => `
  pg_settings join (values ${Object.entries(wanted).map((pair) => `('${pair.join("', '")}')`)}) as w(name, wanted) using (name)
  where ${value} <> wanted and (name <> 'synchronous_commit' or ${value} = 'off')`

// These are sent as statements because poolers refuse unknown parameters at the start of a connection.
export const settingsSql = `
  ${limits.map((limit) => `set ${limit};`).join(' ')}
  select set_config(name, wanted, false) from ${differentSql('setting')}`

/** Begins a transaction like {@link beginSql}, without a limit on its time. */
export const unhurriedSql = `
  ${beginSql}; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
  select set_config(name, wanted, true) from ${differentSql('setting')} and name like '%_timeout'`

// Asks for the defaults of new connections, whatever this one was set to.
const behindSql = `
  select pg_backend_pid() as pid,
    (select string_agg(format('; set local %I = %L', name, wanted), '') from ${differentSql('reset_val')}) as others`

/**
 * The statements that begin a transaction if there is a pooler between `client` and the server, which may run each transaction on
 * another connection: all of {@link settingsSql}, for this transaction. Undefined if the server itself answers.
 */
export async function localBeginOf(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ pid: number; others: string | null }>(behindSql)
  const [found] = rows
  // The first half of the key that cancels a statement is the server's process id, but a pooler makes up its own.
  if (found === undefined || found.pid === (client as ClientBase & { processID?: number }).processID) return undefined
  return `${[beginSql, ...limits.map((limit) => `set local ${limit}`)].join('; ')}${found.others ?? ''}`
}
