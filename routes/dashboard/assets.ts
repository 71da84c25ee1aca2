// Assets: serve the pages' stylesheet, script and icons, as read at the start, without a login.
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyPluginAsync } from 'fastify'
import type { Assets } from '../../src/dashboard/page.ts'

const types = {
  'style.css': 'text/css',
  'live.js': 'text/javascript',
  'icon.svg': 'image/svg+xml',
  'icon-red.svg': 'image/svg+xml',
  'icon-amber.svg': 'image/svg+xml'
} as const
type Name = keyof typeof types

const contents = new Map(
  (Object.keys(types) as Name[]).map((name) => [
    name,
    readFileSync(new URL(`../../src/dashboard/assets/${name}`, import.meta.url), 'utf8')
  ])
)

/** The address changes with the content, so browsers may keep the file for ever. */
function addressOf(name: Name): string {
  return `/assets/${name}?${hash('sha256', contents.get(name) ?? '', 'hex').slice(0, 10)}`
}

export const assets: Assets = {
  style: addressOf('style.css'),
  script: addressOf('live.js'),
  icon: addressOf('icon.svg'),
  redIcon: addressOf('icon-red.svg'),
  amberIcon: addressOf('icon-amber.svg')
}

export const serveAssets: FastifyPluginAsync = async (app) => {
  for (const [name, content] of contents) {
    const address = addressOf(name)
    app.get(`/assets/${name}`, async (request, reply) => {
      // While replicas are upgraded, one may be asked for a file that another's page names: a browser would keep the wrong
      // content for ever.
      const keeping = request.url === address ? 'public, max-age=31536000, immutable' : 'no-store'
      reply.type(`${types[name]}; charset=utf-8`).header('cache-control', keeping)
      return content
    })
  }
}
