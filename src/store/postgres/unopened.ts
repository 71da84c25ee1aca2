// Unopened: says where a database was looked for, and what to do if it cannot be opened. Pure.

// Error codes of the network, of TLS (https://nodejs.org/api/tls.html#x509-certificate-error-codes) and of PostgreSQL, and words of the
// driver.
const hints: readonly [said: RegExp, hint: string][] = [
  [/^ENOENT\b/, 'there is no such socket: is it up, and is `host` the folder of its socket?'],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)\b/, 'is it up, and do host and port lead there?'],
  [
    /\(57014\)$/,
    'the statement_timeout of the server or the role is too short: alter role … set statement_timeout = 0'
  ],
  [/\(25P04\)$/, 'its transaction_timeout is too short: alter role … set transaction_timeout = 0'],
  [/^ETIMEDOUT\b|timeout/, 'does a firewall or a NetworkPolicy let the relay out to there?'],
  [/does not support SSL/, 'turn on TLS there, or choose sslmode=disable, if that network is yours alone'],
  [/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/, 'for a CA of your own add &sslrootcert=/path/to/ca.crt'],
  [/EXPIRED|NOT_YET_VALID/, 'its certificate is not valid now: renew it; is the clock here right?'],
  [/terminated unexpectedly/, 'is that a PostgreSQL, or something else that listens there?'],
  [/ALTNAME/, 'its certificate is for another name than that in DATABASE_URL'],
  [/\(3D000\)$/, "make it: create database … encoding 'UTF8'"],
  [/\(3F000\)$/, 'search_path leads to no schema that is there: alter role … set search_path = public'],
  [/\(42P07\)$/, 'another program has its tables there: make a database for the relay alone'],
  [/\(42501\)$/, 'the role has to own the database']
]

/** Says the place, as in ` at db.example.com:5432`; empty if a password that was not encoded could be taken for a name. */
export function sayPlace(url: string): string {
  const [, hosts] = /^[a-z]+:\/\/(?:[^@/?#]*@)?([\w.,:[\]-]+)(?:[/?][^@]*)?$/i.exec(url) ?? []
  return hosts === undefined ? '' : ` at ${hosts}`
}

/** Says what to do about `reason`, if that is known. */
export function sayHint(reason: string): string {
  const hint = hints.find(([said]) => said.test(reason))?.[1]
  return hint === undefined ? '' : `; ${hint}`
}
