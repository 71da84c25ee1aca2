// TLS to PostgreSQL: says whether what is sent there, the password included, can be read on the way.
import { isIPv4 } from 'node:net'
import type { Client } from 'pg'

/**
 * `hidden`: by TLS, or it does not leave this machine. `chosen`: it can be read, and whoever wrote the address said so.
 * `bare`: it can be read, and nobody said so. `client` is what the driver makes of `url`, PGSSLMODE and PGHOST included.
 *
 * The driver never falls back: with any `sslmode` but `disable`, a server without TLS is not talked to, and `prefer`,
 * `require` and `verify-ca` verify as `verify-full` does (pg-connection-string, README, "TLS").
 */
export function readableOnTheWay(
  url: string,
  { ssl, host }: Pick<Client, 'ssl' | 'host'>,
  environment: Record<string, string | undefined> = process.env
): 'hidden' | 'chosen' | 'bare' {
  if (ssl || host.split(',').every(isThisMachine)) return 'hidden'
  const written = [...url.matchAll(/[?&]sslmode=([^&#]*)/g)].at(-1)?.[1] ?? environment['PGSSLMODE']
  return written === 'disable' ? 'chosen' : 'bare'
}

export const bareAddress =
  'DATABASE_URL would send the password and all events over the network for everybody on the way to read: add ' +
  '?sslmode=verify-full (and &sslrootcert=/path/to/ca.crt for a CA of your own); or ?sslmode=disable, if that network is yours alone'

export const chosenBare =
  'sslmode=disable: the password of the database and all events can be read on the way there; sslmode=verify-full hides them'

/** A socket's path is of this machine as well. */
function isThisMachine(host: string): boolean {
  return /^(\/|@|$|localhost$|::1$)/.test(host) || (isIPv4(host) && host.startsWith('127.'))
}
