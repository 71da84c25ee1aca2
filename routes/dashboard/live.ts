// GET /live: announces changes to open pages as server-sent events. The pages then reload their own content.
import { PassThrough } from 'node:stream'
import type { FastifyPluginAsync } from 'fastify'
import { every } from '../../src/clock.ts'
import type { OperatorOptions } from '../options.ts'

/** People who watch at a time. The pages of any others reload every half minute. */
const maxListeners = 32
/** Interval between looks for changes while somebody watches. */
const lookMs = 2000
/** Pages are stale after this long even if nothing happened, because they show how long ago things were. */
const longestMs = 30_000
/** Bytes that may wait for a client that does not read. */
const maxWaitingBytes = 4096

export const live: FastifyPluginAsync<OperatorOptions> = async (app, { config, refusal, standing, store, clock }) => {
  const listeners = new Set<PassThrough>()
  let stop: (() => void) | undefined
  let sentAt = 0
  let last: string | undefined

  /**
   * A mark that differs whenever a page may differ. It takes two reads at the end of an index and the silences; the rest is in
   * memory.
   */
  async function mark(): Promise<string> {
    const now = clock.now()
    const [newest, acts, silences] = await Promise.all([
      store.records.events({}, { limit: 1 }),
      store.records.acts({}, { limit: 1 }),
      store.silences(now)
    ])
    const ids = silences.map(({ id }) => id).join()
    const sources = standing().sources.map(({ state, refusals }) => state + refusals.map(({ code }) => code))
    const done = [newest.items[0]?.id, acts.items[0]?.id, store.pending, ids]
    return [...done, refusal()?.at, config().rules.all.length, ...sources].join(' ')
  }

  function broadcast(text: string): void {
    for (const listener of listeners) {
      if (listener.writableLength > maxWaitingBytes) listener.destroy()
      else listener.write(text)
    }
  }

  function start(): void {
    sentAt = clock.now()
    stop = every(clock, lookMs, look, (err) => app.log.error({ err }, 'cannot look for changes to the pages'))
  }

  async function look(): Promise<void> {
    const seen = await mark().catch(() => last)
    const isNews = (last !== undefined && seen !== last) || clock.now() - sentAt >= longestMs
    last = seen
    if (isNews) {
      broadcast('event: change\ndata: 1\n\n')
      sentAt = clock.now()
    }
    if (listeners.size > 0) return
    stop?.()
    stop = undefined
  }

  // No HEAD route: the client's leaving would go unnoticed, and its place would stay taken for good.
  app.get('/live', { exposeHeadRoute: false }, async (_request, reply) => {
    // After a 204 a browser does not reconnect.
    if (listeners.size >= maxListeners) return reply.code(204).send()
    const stream = new PassThrough()
    listeners.add(stream)
    stream.on('close', () => listeners.delete(stream))
    stream.on('error', () => {})
    stream.write('retry: 3000\n\n')
    if (stop === undefined) start()
    reply.header('x-accel-buffering', 'no')
    return reply.type('text/event-stream').send(stream)
  })

  // Open streams would keep the relay from stopping.
  app.addHook('preClose', async () => {
    stop?.()
    for (const listener of listeners) listener.end()
  })
}
