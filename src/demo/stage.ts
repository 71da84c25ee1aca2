// Stage: runs the real program on a database of its own, posted to over HTTP, a day in seconds.
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Agent, request } from 'undici'
import { buildApp } from '../app.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { FastClock } from './clock.ts'
import type { Moment } from './day.ts'

/** One message to the preview. */
export interface Shown {
  id: string
  /** ISO 8601 */
  at: string
  payload: Payload
}

const exampleConfig = join(import.meta.dirname, '..', '..', 'config.example.yaml')

/** Where config.example.yaml sends everything. */
const destination = 'local'

const settleTurns = 4

/** This machine only, where nobody else has business with it; in a container, HOST is who it is published to. */
const host = process.env['HOST'] || '127.0.0.1'

export type Stage = Awaited<ReturnType<typeof createStage>>

/** Starts a relay on `config.example.yaml`, an empty database and `clock`. */
export async function createStage(clock: FastClock, port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-demo-'))
  let token = process.env['ADMIN_TOKEN'] ?? ''
  const isOpen = token === '' && host === '127.0.0.1'
  // Also where it ends before it has begun.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  let previews = 0
  let invitation: string | undefined
  const app = await buildApp({
    environment: {
      CONFIG_FILE: exampleConfig,
      DATABASE_URL: `sqlite:${join(folder, 'relay.db')}`,
      ADMIN_TOKEN: token,
      ...(isOpen && { ADMIN_OPEN_TO: 'loopback' })
    },
    clock,
    logTo: {
      write(line) {
        if (line.includes('"msg":"message previewed"')) previews += 1
        invitation ??= /\?token=([\w-]+)/.exec(line)?.[1]
      }
    }
  })
  await listen(app, port)
  token ||= invitation ?? ''
  const url = `http://localhost:${(app.server.address() as AddressInfo).port}`
  const dispatcher = new Agent({ connections: 64 })
  const seen = new Set<string>()
  let shown = 0

  async function settle(): Promise<void> {
    for (let turns = 0; turns < settleTurns; turns++) {
      await turn()
      // The disk takes its time, and here every millisecond of it would be ten seconds.
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
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
    const { body } = await request(`${url}/api/preview/${destination}?limit=50`, { dispatcher, headers })
    const { messages } = (await body.json()) as { messages: (Shown & { state: string })[] }
    const fresh = messages.filter(({ id, state }) => state === 'sent' && !seen.has(id)).reverse()
    for (const { id } of fresh) seen.add(id)
    return fresh
  }

  return {
    /** Of the relay and its dashboard. */
    url,
    /** The path of the dashboard, with what lets a browser in if it needs that. */
    home: invitation === undefined ? '/' : `/?token=${invitation}`,
    /** Posts what comes at about the same time and lets the relay say what it has to say; resolves to that, oldest first. */
    async play(scene: readonly Moment[]): Promise<Shown[]> {
      await clock.advanceTo(scene[0]?.at ?? 0, settle)
      const before = await newMessages()
      await clock.advanceTo(scene.at(-1)?.at ?? 0, settle)
      await Promise.all(scene.map(post))
      await settle()
      return [...before, ...(await newMessages())]
    },
    /** The id of the newest event that matches `query`, as the API has it. */
    async newestOf(query: Record<string, string>): Promise<string | undefined> {
      const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
      const address = `${url}/api/events?${new URLSearchParams({ ...query, limit: '1' })}`
      const { body } = await request(address, { dispatcher, headers })
      const { events } = (await body.json()) as { events: { id: string }[] }
      return events[0]?.id
    },
    /** Goes on to the present, and then as time does. */
    async goLive(): Promise<Shown[]> {
      await clock.advanceTo(Date.now(), settle)
      clock.goLive()
      return newMessages()
    },
    /** Stops the relay. What it kept goes with the process. */
    async close(): Promise<void> {
      await app.close()
      await dispatcher.close()
    }
  }
}

/** On another port, where that one is taken. */
async function listen(app: FastifyInstance, port: number): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    await app.listen({ host, port: 0 })
  }
}
