// Event pages: fetch an event, its object, its cards, and what the object did around it.

import type { FastifyPluginAsync } from 'fastify'
import { eventPage } from '../../src/dashboard/event.ts'
import { objectName } from '../../src/dashboard/parts.ts'
import { RelayError } from '../../src/errors.ts'
import { type FluxEvent, readStored } from '../../src/events/flux.ts'
import type { Links } from '../../src/render/links/links.ts'
import type { EventRecord } from '../../src/store/records.ts'
import type { OperatorOptions } from '../options.ts'
import { found, originOf } from './query.ts'
import { sendPage } from './send-page.ts'
import { createStandingOf } from './standing.ts'

const dayMs = 24 * 60 * 60 * 1000
/** Events of the object that are read for the bar chart of a day, and to find the previous revision. */
const maxLately = 300
const maxBefore = 20

type WithId = { Params: { id: string } }

export const eventPages: FastifyPluginAsync<OperatorOptions> = async (app, options) => {
  const { config, store, permalink, clock } = options
  const { records } = store
  const standingOf = createStandingOf(options)

  app.get<WithId>('/events/:id', async (request, reply) => {
    const now = clock.now()
    const event = await found(records.event(request.params.id))
    const [objects, near, lately, before, cards] = await Promise.all([
      records.objects(event.object, { limit: 1 }, now),
      records.events(event.object, { limit: 8 }),
      records.events({ ...event.object, since: now - dayMs }, { limit: maxLately }),
      records.events(event.object, { limit: maxBefore, cursor: event.id }, { withBody: true }),
      records.cardsOf(event.id)
    ])
    const { links } = config()
    const [record] = objects.items
    const standing = record && (await standingOf(record, near, now))
    const flux = readStored(event)
    const body = eventPage({
      ...{ now, event, cards, standing, origin: originOf(request) },
      neighbours: near.items.length > 1 ? near.items : [],
      flux,
      links: flux ? pagesOf(links, flux) : {},
      compare: flux && compareOf(links, flux, before.items),
      lately: { events: lately.items, isCut: lately.next !== null }
    })
    return sendPage(request, reply, { title: objectName(event.object), place: '/events' }, body)
  })

  app.get<WithId>('/events/:id/body', async (request, reply) => {
    const { body } = await found(records.event(request.params.id))
    return reply.type('text/plain; charset=utf-8').send(body)
  })

  app.get<WithId>('/cards/:id/slack', async (request, reply) => {
    const link = await permalink(await found(records.card(request.params.id)))
    if ('url' in link) return reply.redirect(link.url)
    throw new RelayError('NOT_FOUND', `the message cannot be shown in Slack: ${link.because}`)
  })
}

function pagesOf(links: Links, event: FluxEvent): Record<string, string> {
  const { commit, dashboard, pages = [] } = links.of(event, '')
  const others = Object.fromEntries(pages.map(({ name, url }) => [name, url]))
  return { ...(commit && { commit }), ...(dashboard && { Dashboard: dashboard }), ...others }
}

/**
 * The link to the changes since the last revision applied before `event`. `before` are the object's earlier events, newest
 * first.
 */
function compareOf(links: Links, event: FluxEvent, before: readonly EventRecord[]) {
  const applied = before.find(({ transition }) => transition === 'updated' || transition === 'recovered')
  const previous = applied && readStored({ ...applied, body: applied.body ?? '' })?.revision?.text
  if (previous === undefined || previous === event.revision?.text) return undefined
  const { text, url } = links.of(event, previous).previous ?? {}
  return text !== undefined && url !== undefined ? { text, url } : undefined
}
