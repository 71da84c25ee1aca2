// Guard: decides from the settings who administers the relay, admits them to the API and the dashboard, and slows down
// guessing. A browser attaches its credentials to requests from any site, so a change has to come from one of our own pages.
import { randomBytes } from 'node:crypto'
import { type AddressInfo, isIPv4 } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Clock } from '../src/clock.ts'
import type { Env } from '../src/env.ts'
import { RelayError } from '../src/errors.ts'
import { equal, isSent } from '../src/events/signature.ts'
import type { Metrics, refusalReasons } from '../src/metrics.ts'
import type { WrongTokens } from '../src/operator/wrong-tokens.ts'

/**
 * Who is admitted: whoever has the token, or, if that was chosen, everybody on this machine. `session` is set if the relay made
 * the token itself; a browser keeps it in a cookie.
 */
export type Admission = { token: string; session?: string } | { openTo: 'loopback' }

/** A shorter token can be guessed: wrong tokens are slowed down, but never locked out. */
const shortToken = 16

/**
 * Decides who is admitted. Without a configured token the relay makes one, so that it never takes a stranger for its
 * administrator.
 */
export function admissionBy({ ADMIN_TOKEN, ADMIN_OPEN_TO }: Pick<Env, 'ADMIN_TOKEN' | 'ADMIN_OPEN_TO'>): Admission {
  // A Secret made with `echo` ends in a newline, which no header can carry.
  const token = ADMIN_TOKEN.trim()
  if (token !== '') return { token }
  if (ADMIN_OPEN_TO !== undefined) return { openTo: ADMIN_OPEN_TO }
  return { token: randomBytes(24).toString('base64url'), session: randomBytes(24).toString('base64url') }
}

/**
 * Logs how to get in once the server listens. This is the only line that ever shows a token, and only one that lasts as long as
 * this process.
 */
export function logAdmission(admission: Admission, app: FastifyInstance, log: Logger): void {
  if ('openTo' in admission) {
    log.warn('ADMIN_OPEN_TO=loopback: everybody on this machine may use the dashboard and the API; no proxy may')
    return
  }
  const { token, session } = admission
  if (session !== undefined) {
    const { port } = app.server.address() as AddressInfo
    const dashboard = `http://localhost:${port}/?token=${token}`
    log.warn(
      { dashboard },
      `ADMIN_TOKEN is not set; until this process ends, the dashboard is at ${dashboard} and the API takes that token`
    )
    return
  }
  if (app.env.ADMIN_OPEN_TO !== undefined) log.warn('ADMIN_OPEN_TO has no effect, because ADMIN_TOKEN is set')
  if (token.length < shortToken)
    log.warn(
      `ADMIN_TOKEN has fewer than ${shortToken} characters and can be guessed; take what \`openssl rand -hex 32\` prints`
    )
}

/** An onRequest hook. Throws UNAUTHORIZED, FORBIDDEN or TOO_MANY. */
export type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

type Reason = (typeof refusalReasons)[number]

interface Refusal {
  reason: Reason
  error: RelayError
}

interface Around {
  wrongTokens: WrongTokens
  metrics: Pick<Metrics, 'adminRefused'>
  clock: Clock
}

const cookie = 'flux_relay_session'

/** Replies to wrong tokens that are delayed at a time; beyond that, wrong tokens are refused at once. */
const maxWaiting = 32

export function createGuard(admission: Admission, { wrongTokens, metrics, clock }: Around): Guard {
  const judge = 'openTo' in admission ? judgeLocal : judgeToken(admission)
  let waiting = 0

  /** Delays the reply to a wrong token. The right token never waits, so nobody can lock its owner out. */
  async function slowDown(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const waitMs = wrongTokens.note(request.socket.remoteAddress ?? '')
    if (waitMs === 0) return
    // A guesser has to reconnect for each guess.
    reply.header('connection', 'close')
    if (waiting >= maxWaiting) {
      reply.header('retry-after', String(Math.ceil(waitMs / 1000)))
      throw new RelayError('TOO_MANY', 'too many wrong tokens at the moment; the right one still works')
    }
    waiting += 1
    await new Promise<void>((resolve) => void clock.after(waitMs, resolve))
    waiting -= 1
  }

  return async (request, reply) => {
    const refusal = otherSite(request) ?? judge(request)
    if (refusal === undefined) return isInvitation(admission, request) ? welcome(admission, request, reply) : undefined
    metrics.adminRefused.inc({ reason: refusal.reason })
    if (refusal.reason === 'wrong_token') await slowDown(request, reply)
    throw refusal.error
  }
}

function refusal(reason: Reason, message: string): Refusal {
  return { reason, error: new RelayError(reason.endsWith('token') ? 'UNAUTHORIZED' : 'FORBIDDEN', message) }
}

function judgeToken({ token, session }: Extract<Admission, { token: string }>) {
  const how =
    session === undefined
      ? 'send ADMIN_TOKEN as a bearer token, or as the password of any user'
      : 'open the address with a token that the relay logged when it started, or set ADMIN_TOKEN'
  return (request: FastifyRequest): Refusal | undefined => {
    const given = tokenIn(request, session !== undefined)
    // A name without a password only says who asks; it is not a guess.
    if (given !== undefined && given !== '') return isSent(given, token) ? undefined : refusal('wrong_token', how)
    const isKnown = session !== undefined && sessionsIn(request).some((text) => equal(text, session))
    return isKnown ? undefined : refusal('no_token', how)
  }
}

/**
 * The token in the request, if any. Proxies and browsers keep addresses, so only a token that ends with this process is
 * accepted in one.
 */
function tokenIn(request: FastifyRequest, isInAddress: boolean): string | undefined {
  const { authorization = '' } = request.headers
  const [scheme = '', credentials = ''] = authorization.split(/ +/, 2)
  if (/^bearer$/i.test(scheme)) return credentials
  if (/^basic$/i.test(scheme)) return passwordOf(credentials)
  return isInAddress ? invitationIn(request) : undefined
}

function invitationIn({ method, url }: FastifyRequest): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const [path, query] = url.split('?', 2)
  return path === '/' ? (new URLSearchParams(query).get('token') ?? undefined) : undefined
}

function isInvitation(admission: Admission, request: FastifyRequest): admission is { token: string; session: string } {
  return 'session' in admission && invitationIn(request) !== undefined
}

/** Sets a session cookie and redirects, so that the token stays neither in the history nor in a `Referer`. */
function welcome({ session }: { session: string }, { url }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const query = new URLSearchParams(url.split('?', 2)[1])
  query.delete('token')
  return (
    reply
      // Lax, because a link in a Slack message comes from another site too. `otherSite` protects everything that changes
      // something.
      .header('set-cookie', `${cookie}=${session}; HttpOnly; SameSite=Lax; Path=/`)
      .redirect(query.size === 0 ? '/' : `/?${query}`, 303)
  )
}

/**
 * All session cookies of the request. Ports share cookies, so another relay on this machine may have set one of the same name.
 */
function sessionsIn({ headers }: FastifyRequest): string[] {
  const pairs = (headers.cookie ?? '').split(/; */).map((pair) => pair.split('=', 2))
  return pairs.flatMap(([name, value = '']) => (name === cookie ? [value] : []))
}

function judgeLocal(request: FastifyRequest): Refusal | undefined {
  const isLocal = isLoopback(request.socket.remoteAddress ?? '') && isLocalName(request.host)
  if (!isLocal)
    return refusal(
      'not_local',
      'ADMIN_OPEN_TO=loopback is for this machine only; set ADMIN_TOKEN to get in from another'
    )
  if (isForwarded(request))
    return refusal(
      'proxied',
      'this came through a proxy, which makes everybody look local; set ADMIN_TOKEN instead of ADMIN_OPEN_TO'
    )
  return undefined
}

// Headers that proxies and service-mesh sidecars add: RFC 9110 §7.6.3, RFC 7239, and the own names of nginx, Envoy, linkerd,
// Traefik and the clouds' load balancers.
const forwarded =
  /^(via|forwarded|x-forwarded(-.+)?|x-(real|client|cluster-client|original-forwarded)-.+|x-(envoy|b3|amzn|appengine|istio)-.+|(true-client|cf-connecting|fastly-client)-ip|l5d-.+|x-original-.+|proxy-.+)$/

/**
 * True if a proxy passed the request on. By default nginx adds no header but speaks HTTP/1.0, which browsers and curl never do.
 */
function isForwarded({ headers, raw }: FastifyRequest): boolean {
  return raw.httpVersionMinor === 0 || Object.keys(headers).some((name) => forwarded.test(name))
}

// Over plain http a browser sends only the origin of the page, and a proxy may have changed the host.
const otherOrigin =
  'a page of another site must not do this. If it was a page of this relay, the proxy in between does not pass on the Host ' +
  'header: set that there (nginx: proxy_set_header Host $http_host), or use https'

function otherSite({ method, headers, host }: FastifyRequest): Refusal | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined
  const { 'sec-fetch-site': site, origin } = headers
  // Programs send neither header; a page can forge neither.
  if (site === 'same-origin' || site === 'none') return undefined
  if (site !== undefined) return refusal('other_site', 'a page of another site must not do this')
  return isOriginOf(host, origin) ? undefined : refusal('other_site', otherOrigin)
}

// Compares the host only: TLS may end before the relay.
function isOriginOf(host: string, origin: string | undefined): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}

function passwordOf(credentials: string): string {
  const text = Buffer.from(credentials, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}

/** The name that somebody signed in with; empty if there is none or if it equals the password. */
export function userOf(authorization = ''): string {
  const [scheme = '', credentials = ''] = authorization.split(/ +/, 2)
  if (!/^basic$/i.test(scheme)) return ''
  const [user = ''] = Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)
  // Some people type the token into both fields of a dialog; without a colon all of it is the password.
  return user.trim() === passwordOf(credentials).trim() ? '' : user
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '')
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

// DNS rebinding: any page can make its own name resolve to 127.0.0.1 and read the answers, but it cannot choose the Host
// header.
function isLocalName(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)
}
