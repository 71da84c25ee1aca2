// Paths: knows which methods each path takes, so that a wrong method is answered 405 with `Allow`, not 404.
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyInstance {
    /** The methods that a route of this app takes at `url`, whatever follows its path; none where there is no route. */
    methodsAt: (url: string) => string[]
  }
}

/** Has to be called before the first route. A route that takes everything (`/*`) says nothing about a path. */
export function knowPaths(app: FastifyInstance): void {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set() }
    for (const name of [method].flat()) route.methods.add(name)
    routes.set(url, route)
  })
  app.decorate('methodsAt', (url) => {
    const path = pathOf(url)
    const matching = [...routes.values()].filter(({ pattern }) => pattern.test(path))
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].sort()
  })
}

/** A name in a path has at most 100 characters, as Fastify has it (`maxParamLength`). */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]{1,100}' : RegExp.escape(part)))
  return new RegExp(`^${parts.join('/')}$`)
}

/** As the router reads it: slashes that are double or at the end are one too many. */
function pathOf(url: string): string {
  const [path = ''] = url.replace(/^https?:\/\/[^/]*/, '').split(/[?#]/, 1)
  return path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')
}
