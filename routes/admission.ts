// Admission: decides from the settings who administers the relay, and logs how to get in.
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Env } from '../src/env.ts'

/** Whoever has the token, or, where that is chosen, whoever is on this machine. `session`: made here, and for a browser. */
export type Admission = { token: string; session?: string } | { openTo: 'loopback' }

/** Shorter ones can be guessed: wrong tokens are slowed, and the right one still works. */
const shortToken = 16

/** A relay always knows its administrator from everybody else: without a token one is made. */
export function admissionBy({ ADMIN_TOKEN, ADMIN_OPEN_TO }: Pick<Env, 'ADMIN_TOKEN' | 'ADMIN_OPEN_TO'>): Admission {
  // A Secret made with `echo` ends in a newline, which no header can carry.
  const token = ADMIN_TOKEN.trim()
  if (token !== '') return { token }
  if (ADMIN_OPEN_TO !== undefined) return { openTo: ADMIN_OPEN_TO }
  return { token: randomBytes(24).toString('base64url'), session: randomBytes(24).toString('base64url') }
}

/** Logs how to get in, once it listens: the only line that ever shows a token, one that lives as long as this process. */
export function logAdmission(admission: Admission, app: FastifyInstance, log: Logger): void {
  if ('openTo' in admission) {
    log.warn('ADMIN_OPEN_TO=loopback: everybody on this machine may use the dashboard and the API; no proxy may')
    return
  }
  const { token, session } = admission
  if (session !== undefined) {
    const { port } = app.server.address() as AddressInfo
    log.warn(
      `ADMIN_TOKEN is not set; until this process ends, the dashboard is at http://localhost:${port}/?token=${token} and the API takes that token`
    )
    return
  }
  if (app.env.ADMIN_OPEN_TO !== undefined) log.warn('ADMIN_OPEN_TO has no effect, because ADMIN_TOKEN is set')
  if (token.length < shortToken)
    log.warn(
      `ADMIN_TOKEN has fewer than ${shortToken} characters and can be guessed; take what \`openssl rand -hex 32\` prints`
    )
}
