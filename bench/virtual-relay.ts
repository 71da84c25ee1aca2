// Virtual relay: runs the whole relay and Slack's stand-in in virtual time, so that a day takes seconds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApp } from '../src/app.ts'
import type { WireEvent } from '../src/events/flux.ts'
import type { Payload } from '../src/render/slack/payload.ts'
import { createClock, type TestClock } from '../test/fixtures/clock.ts'
import { startSlack } from '../test/fixtures/slack.ts'

const stepMs = 100

/** A message with the time at which Slack accepted it. */
export interface Posted {
  at: number
  payload: Payload
  /** The whole request body. */
  body: string
}

export interface VirtualRelay {
  clock: TestClock
  /** Everything posted so far; the caller may empty it. */
  posted: Posted[]
  /** Throws if the answer is not 202. */
  post(event: WireEvent): Promise<void>
  pass(ms: number): Promise<void>
  /** The answer of the relay's API. */
  ask(path: string): Promise<unknown>
  close(): Promise<void>
}

/** Starts at `start`, in ms. `rest` is YAML that follows the only destination, `team`. */
export async function startVirtualRelay(rest: string, start?: number): Promise<VirtualRelay> {
  const unlimited = Number.POSITIVE_INFINITY
  const slack = await startSlack({ perSecond: unlimited, burst: unlimited, latencyMs: 0 })
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
  writeFileSync(
    join(folder, 'config.yaml'),
    `destinations: { team: { slack: { webhookUrl: "${slack.url()}" } } }\n${rest}`
  )
  const clock = createClock(start)
  const app = await buildApp({
    environment: {
      CONFIG_FILE: join(folder, 'config.yaml'),
      DATABASE_URL: `sqlite:${join(folder, 'relay.db')}`,
      HOST: '127.0.0.1',
      PORT: '0',
      ADMIN_OPEN_TO: 'loopback'
    },
    clock,
    logTo: { write() {} }
  })
  await app.ready()
  const posted: Posted[] = []
  let seen = 0

  async function note(): Promise<void> {
    await app.idle()
    for (const { text, body } of slack.accepted.slice(seen)) {
      seen += 1
      posted.push({ at: clock.now(), payload: body as Payload, body: text })
    }
  }

  return {
    clock,
    posted,
    async post(event) {
      const { statusCode, body } = await app.inject({ method: 'POST', url: '/webhook', payload: event })
      if (statusCode !== 202) throw new Error(`answered ${statusCode}: ${body}`)
      await note()
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(Math.min(stepMs, ms - passed))
        await note()
      }
    },
    async ask(path) {
      return (await app.inject({ url: path })).json()
    },
    async close() {
      await app.close()
      await slack.close()
      rmSync(folder, { recursive: true })
    }
  }
}
