// Who may use the API and the dashboard: whoever has ADMIN_TOKEN; without one, only this machine.
import { isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { RelayError } from '../src/errors.ts'
import { equal } from '../src/events/signature.ts'

/** An onRequest hook. Throws UNAUTHORIZED or FORBIDDEN. */
export function createGuard(adminToken: string): (request: FastifyRequest) => Promise<void> {
  if (adminToken === '') {
    return async (request) => {
      if (isLoopback(request.socket.remoteAddress ?? '') && isLocalName(request.host)) return
      throw new RelayError('FORBIDDEN', 'set ADMIN_TOKEN to use this from another machine')
    }
  }
  return async ({ headers: { authorization = '' } }) => {
    const [scheme, credentials = ''] = authorization.split(/ +/, 2)
    const given = scheme?.toLowerCase() === 'basic' ? passwordOf(credentials) : credentials
    if (/^(bearer|basic)$/i.test(scheme ?? '') && equal(given, adminToken)) return
    throw new RelayError('UNAUTHORIZED', 'send ADMIN_TOKEN as a bearer token, or as the password of any user')
  }
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
