// Dashboard: serves pages for people. They are HTML that works without a script; every change is a form.
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import type { FastifyError, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { type Html, refusalPage } from '../src/dashboard/page.ts'
import { searchBox } from '../src/dashboard/search-box.ts'
import type { ErrorCode } from '../src/errors.ts'
import { assets, serveAssets } from './dashboard/assets.ts'
import { forms } from './dashboard/forms.ts'
import { live } from './dashboard/live.ts'
import { pages } from './dashboard/pages.ts'
import { answersOf } from './dashboard/query.ts'
import { isOfApi, toRelayError } from './errors.ts'
import type { OperatorOptions } from './options.ts'

const titles: Partial<Record<ErrorCode, string>> = {
  UNAUTHORIZED: 'Please sign in',
  FORBIDDEN: 'Not allowed',
  TOO_MANY: 'Too many attempts',
  NOT_FOUND: 'Not found',
  CANNOT_STORE: 'The database does not answer'
}

export const dashboard: FastifyPluginAsync<OperatorOptions> = async (app, options) => {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"]
      }
    },
    // Without it, a browser sends `Origin: null` with a form over plain http, and the guard refuses that.
    referrerPolicy: { policy: 'same-origin' },
    // Whoever terminates TLS decides whether the host must be reached by TLS only.
    strictTransportSecurity: false
  })
  await app.register(formbody, { bodyLimit: 64 * 1024 })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const { code, message, statusCode } = toRelayError(error)
    if (code === 'INTERNAL') request.log.error({ err: error }, 'page failed')
    if (code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Basic realm="flux-relay", charset="UTF-8"')
    reply.code(statusCode).header('cache-control', 'no-store').type('text/html; charset=utf-8')
    const again = code === 'BAD_REQUEST' ? searchIn(request) : undefined
    return reply.send(String(refusalPage(assets, titles[code] ?? 'That did not work', message, again)))
  })
  app.register(serveAssets)
  // People who mistype an address or follow an old link get a page. Programs do not accept HTML, so they get JSON.
  app.get('/*', async (request, reply) => {
    const { url, headers } = request
    if (isOfApi(url) || !headers.accept?.includes('text/html')) return reply.callNotFound()
    throw app.strayError(request, reply)
  })
  app.register(async (guarded) => {
    guarded.addHook('onRequest', options.guard)
    // A page shows what only operators may see, and is out of date a moment later.
    guarded.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'))
    guarded.register(pages, options)
    guarded.register(forms, options)
    guarded.register(live, options)
  })
}

/** The search box with its text, if the address has one; the other parameters are kept. */
function searchIn({ url, query }: FastifyRequest): Html | undefined {
  // A cursor belongs to the previous search.
  const { q, cursor: _, ...kept } = answersOf(query, Object.keys(query ?? {}), Number.POSITIVE_INFINITY)
  return q === undefined ? undefined : searchBox(url.split('?', 1)[0] ?? '/', q, kept)
}
