// Settings in PostgreSQL: bound how long a statement and a transaction may take, and undo what a server, a database or a role has
// for a default that statements here are not written for, wherever a pooler leads them.
import type { ClientBase } from 'pg'

const statementMs = 5000

/** What transactions begin with. */
export const beginSql = 'begin isolation level read committed'

// A transaction that is left open, by a replica that was frozen in the middle of it, must not keep its locks. Whoever waits for a
// lock is bounded by the first, and not by less, or events of one object would be refused in a storm.
const limits = [`statement_timeout = ${statementMs}`, `idle_in_transaction_session_timeout = ${statementMs}`]

/** By name, as far as the server has it. */
const wanted = {
  lock_timeout: '0',
  transaction_timeout: '0',
  // A connection that the server ends takes along the statement that was on its way to it.
  idle_session_timeout: '0',
  // A statement that is a transaction of its own is not run again where it gets in another's way.
  default_transaction_isolation: 'read committed',
  // A commit is on disk when it returns.
  synchronous_commit: 'on',
  // What is small now may be large soon: plans that are kept must not read all of it; and where nothing else is left, servers
  // before 18 take the price that this puts on it for a reason to compile.
  enable_seqscan: 'off',
  jit: 'off',
  // Otherwise a null in a list is a text.
  array_nulls: 'on'
}

/** Those whose `value` is another; of synchronous_commit, only `off` waits for no disk. */
const differentSql = (value: string) => `
  pg_settings join (values ${Object.entries(wanted).map((pair) => `('${pair.join("', '")}')`)}) as w(name, wanted) using (name)
  where ${value} <> wanted and (name <> 'synchronous_commit' or ${value} = 'off')`

// Sent as statements because poolers refuse unknown parameters at the start of a connection.
export const settingsSql = `
  ${limits.map((limit) => `set ${limit};`).join(' ')}
  select set_config(name, wanted, false) from ${differentSql('setting')}`

/** As {@link beginSql}, with no limit on how long it takes. */
export const unhurriedSql = `
  ${beginSql}; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
  select set_config(name, wanted, true) from ${differentSql('setting')} and name like '%_timeout'`

// The default of new connections, whatever this one was set to.
const behindSql = `
  select pg_backend_pid() as pid,
    (select string_agg(format('; set local %I = %L', name, wanted), '') from ${differentSql('reset_val')}) as others`

/**
 * What transactions begin with where there is a pooler behind `client`, which may hand each of them another connection of the
 * server's: all of {@link settingsSql}, for the one transaction. Undefined where there is none: it is the server itself that answers.
 */
export async function localBeginOf(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ pid: number; others: string | null }>(behindSql)
  const [found] = rows
  // A pooler makes up what cancels a statement, whose first half is the process on a server.
  if (found === undefined || found.pid === (client as ClientBase & { processID?: number }).processID) return undefined
  return `${[beginSql, ...limits.map((limit) => `set local ${limit}`)].join('; ')}${found.others ?? ''}`
}
