// Virtual relay: runs the whole relay, and Slack's stand-in, on a clock of its own, so that a day takes seconds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApp } from '../src/app.ts'
import type { WireEvent } from '../src/events/flux.ts'
import type { Payload } from '../src/render/slack/payload.ts'
import { createClock, type TestClock } from '../test/fixtures/clock.ts'
import { startSlack } from '../test/fixtures/slack.ts'

const stepMs = 100

/** A message as Slack took it, and when. */
export interface Posted {
  at: number
  payload: Payload
  /** The whole body. */
  body: string
}

export interface VirtualRelay {
  clock: TestClock
  /** Everything that was posted so far; emptied by whoever wants to forget it. */
  posted: Posted[]
  /** Throws where it is not answered 202. */
  post(event: WireEvent): Promise<void>
  pass(ms: number): Promise<void>
  /** What its API answers. */
  ask(path: string): Promise<unknown>
  close(): Promise<void>
}

/** Starts at `start`, in ms. `rest`: YAML after the one destination, which is `team`. */
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
