// Sent pages: answer a request with a page, with what was just done above it.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Html, type PageOptions, page } from '../../src/dashboard/page.ts'
import { assets } from './assets.ts'
import { doneOf } from './query.ts'

export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  shown: Omit<PageOptions, 'assets' | 'done'>,
  body: Html
): FastifyReply {
  reply.type('text/html; charset=utf-8')
  return reply.send(String(page({ ...shown, assets, done: doneOf(request.query) }, body)))
}
