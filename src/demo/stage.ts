// Stage: runs the real program on a database of its own, and posts a day to it over HTTP, in seconds.
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Agent, request } from 'undici'
import { buildApp } from '../app.ts'
import { bearer } from '../events/signature.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { FastClock } from './clock.ts'
import type { Moment } from './day.ts'

/** One message to the preview. */
export interface Shown {
  id: string
  /** In ISO 8601. */
  at: string
  payload: Payload
}

const exampleConfig = join(import.meta.dirname, '..', '..', 'config.example.yaml')

/** The destination that config.example.yaml sends everything to. */
const destination = 'local'

const settleTurns = 4

/**
 * Only this machine, because nobody else has business with it, unless HOST says otherwise. The image sets it, because a published port
 * of a container does not reach its loopback.
 */
const host = process.env['HOST'] || '127.0.0.1'
const isLoopback = /^(127\.|::1$|localhost$)/.test(host)

export type Stage = Awaited<ReturnType<typeof createStage>>

/** Starts a relay on `config.example.yaml`, an empty database and `clock`. */
export async function createStage(clock: FastClock, port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-demo-'))
  const given = process.env['ADMIN_TOKEN'] ?? ''
  // Whoever comes through a published port is not on this machine: the relay makes a token, and says it once.
  let made: string | undefined
  // Removed even if the demo ends before it has begun.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  let previews = 0
  const app = await buildApp({
    environment: {
      CONFIG_FILE: exampleConfig,
      DATABASE_URL: `sqlite:${join(folder, 'relay.db')}`,
      ADMIN_TOKEN: given,
      ...(given === '' && isLoopback && { ADMIN_OPEN_TO: 'loopback' })
    },
    clock,
    logTo: {
      write(line) {
        if (line.includes('"msg":"message previewed"')) previews += 1
        made ??= /"dashboard":"[^"]*\?token=([\w-]+)"/.exec(line)?.[1]
      }
    }
  })
  await listen(app, port)
  const token = given || (made ?? '')
  const url = `http://localhost:${(app.server.address() as AddressInfo).port}`
  const dispatcher = new Agent({ connections: 64 })
  const seen = new Set<string>()
  let shown = 0

  async function settle(): Promise<void> {
    for (let turns = 0; turns < settleTurns; turns++) {
      await turn()
      // The disk takes its time, and on this clock each millisecond of it would be ten seconds.
      await app.idle()
    }
  }

  async function post({ event }: Moment): Promise<void> {
    const headers = { 'content-type': 'application/json' }
    const { statusCode, body } = await request(`${url}/webhook`, {
      dispatcher,
      method: 'POST',
      headers,
      body: JSON.stringify(event)
    })
    await body.dump()
    if (statusCode !== 202) throw new Error(`the relay answered ${statusCode}`)
  }

  async function newMessages(): Promise<Shown[]> {
    if (previews === shown) return []
    shown = previews
    const headers = token === '' ? {} : { authorization: bearer(token) }
    const { body } = await request(`${url}/api/preview/${destination}?limit=50`, { dispatcher, headers })
    const { messages } = (await body.json()) as { messages: (Shown & { state: string })[] }
    const fresh = messages.filter(({ id, state }) => state === 'sent' && !seen.has(id)).reverse()
    for (const { id } of fresh) seen.add(id)
    return fresh
  }

  return {
    /** The address of the relay and its dashboard. */
    url,
    /** The token that lets a browser in, for the address of the first page; undefined if none is needed, or the reader knows it. */
    invitation: made,
    /** Posts what comes at about the same time, and lets the relay say what it has to say. Resolves to that, oldest first. */
    async play(scene: readonly Moment[]): Promise<Shown[]> {
      await clock.advanceTo(scene[0]?.at ?? 0, settle)
      const before = await newMessages()
      await clock.advanceTo(scene.at(-1)?.at ?? 0, settle)
      await Promise.all(scene.map(post))
      await settle()
      return [...before, ...(await newMessages())]
    },
    /** The id of the newest event that matches `query`, which is as in the API. */
    async newestOf(query: Record<string, string>): Promise<string | undefined> {
      const headers = token === '' ? {} : { authorization: bearer(token) }
      const address = `${url}/api/events?${new URLSearchParams({ ...query, limit: '1' })}`
      const { body } = await request(address, { dispatcher, headers })
      const { events } = (await body.json()) as { events: { id: string }[] }
      return events[0]?.id
    },
    /** Moves on to the present, and then with the real time. Resolves to what the relay said on the way. */
    async goLive(): Promise<Shown[]> {
      await clock.advanceTo(Date.now(), settle)
      clock.goLive()
      return newMessages()
    },
    /** Stops the relay. Its folder is removed when the process ends. */
    async close(): Promise<void> {
      await app.close()
      await dispatcher.close()
    }
  }
}

/** Listens on `port`, or on another one if that is taken. */
async function listen(app: FastifyInstance, port: number): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    await app.listen({ host, port: 0 })
  }
}
