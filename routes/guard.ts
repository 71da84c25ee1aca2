// Who may use the API and the dashboard: whoever has ADMIN_TOKEN; without one, only this machine. A browser sends what it
// knows of both to every site's requests, so that what changes something has to come from a page of ours.
import { isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { RelayError } from '../src/errors.ts'
import { equal } from '../src/events/signature.ts'

/** An onRequest hook. Throws UNAUTHORIZED or FORBIDDEN. */
export function createGuard(adminToken: string): (request: FastifyRequest) => Promise<void> {
  if (adminToken === '') {
    return async (request) => {
      refuseOtherSites(request)
      if (isLoopback(request.socket.remoteAddress ?? '') && isLocalName(request.host)) return
      throw new RelayError('FORBIDDEN', 'set ADMIN_TOKEN to use this from another machine')
    }
  }
  return async (request) => {
    refuseOtherSites(request)
    const { authorization = '' } = request.headers
    const [scheme, credentials = ''] = authorization.split(/ +/, 2)
    const given = scheme?.toLowerCase() === 'basic' ? passwordOf(credentials) : credentials
    if (/^(bearer|basic)$/i.test(scheme ?? '') && equal(given, adminToken)) return
    throw new RelayError('UNAUTHORIZED', 'send ADMIN_TOKEN as a bearer token, or as the password of any user')
  }
}

function refuseOtherSites({ method, headers, host }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return
  const { 'sec-fetch-site': site, origin } = headers
  // Programs send neither; a page can change neither.
  const isOurs = site !== undefined ? site === 'same-origin' || site === 'none' : isOriginOf(host, origin)
  if (!isOurs) throw new RelayError('FORBIDDEN', 'a page of another site may not do this')
}

// Not the scheme: TLS may end before the relay.
function isOriginOf(host: string, origin: string | undefined): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}

function passwordOf(credentials: string): string {
  const text = Buffer.from(credentials, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '')
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

// A page anywhere can have its name resolve to 127.0.0.1 and read what answers there; it cannot choose this header.
function isLocalName(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)
}
