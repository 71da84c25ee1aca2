// Trickles: storms that come slowly, through the whole relay on a clock of its own, so that ten minutes take seconds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApp } from '../src/app.ts'
import { createClock } from '../test/fixtures/clock.ts'
import { fluxEvent } from '../test/fixtures/relay.ts'
import { startSlack } from '../test/fixtures/slack.ts'

/** A page for each object, as many have one. */
export const links =
  'links: [{ dashboard: "https://grafana.example.com/d/flux?var-object={{ object.namespace }}-{{ object.name }}" }]\n'

const minuteMs = 60_000
const stepMs = 100

/** An object that fails, or recovers. */
interface Came {
  /** ms since the first */
  at: number
  name: string
  cause: string
  isOver?: true
}

export interface Trickle {
  name: string
  came: Came[]
  /** The objects have failed before, and were all named. */
  isAfterFailure?: true
  hasLinks?: true
}

export interface Outcome {
  messages: number
  pings: number
  /** Of what came, in what was posted. */
  named: number
  /** ms since the first came */
  first: number
  last: number
}

const spread = (count: number, ms: number, { cause = 'no such repository', from = 0 } = {}): Came[] =>
  Array.from({ length: count }, (_, n) => ({
    at: from + Math.floor((n * ms) / count),
    name: `${cause.replaceAll(' ', '-')}-${n}`,
    cause
  }))

const causes = Array.from({ length: 10 }, (_, n) => `cause ${n}`)
const inOrder = (...parts: Came[][]) => parts.flat().sort((a, b) => a.at - b.at)
const recoveries = spread(25, 5000).map((entry): Came => ({ ...entry, isOver: true }))

export const trickles: Trickle[] = [
  { name: '150 over 10 min', came: spread(150, 10 * minuteMs) },
  { name: '150 over 5 min', came: spread(150, 5 * minuteMs) },
  { name: '150 over 1 min', came: spread(150, minuteMs) },
  { name: '150 over 10 min, links', came: spread(150, 10 * minuteMs), hasLinks: true },
  {
    name: 'ten causes in turn',
    came: inOrder(...causes.map((cause, n) => spread(15, 10 * minuteMs, { cause, from: n * 4000 })))
  },
  {
    name: 'ten causes, 1,500',
    came: inOrder(...causes.map((cause, n) => spread(150, 10 * minuteMs, { cause, from: n * 400 })))
  },
  { name: '25 recoveries in 5 s', came: recoveries, isAfterFailure: true }
]

export async function run({ came, isAfterFailure, hasLinks }: Trickle): Promise<Outcome> {
  const unlimited = Number.POSITIVE_INFINITY
  const slack = await startSlack({ perSecond: unlimited, burst: unlimited, latencyMs: 0 })
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
  writeFileSync(
    join(folder, 'config.yaml'),
    `destinations: { team: { slack: { webhookUrl: "${slack.url()}" } } }\n` +
      'rules: [{ name: failures, match: { severity: error }, mention: "<!here>", send: team }]\n' +
      (hasLinks ? links : '')
  )
  const clock = createClock()
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
  const posted: { at: number; text: string }[] = []
  let begin = clock.now()

  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(Math.min(stepMs, ms - passed))
      await note()
    }
  }
  async function note(): Promise<void> {
    await app.idle()
    for (const { text } of slack.accepted.slice(posted.length)) posted.push({ at: clock.now() - begin, text })
  }
  async function post({ name, cause, isOver }: Came): Promise<void> {
    const payload = fluxEvent({
      involvedObject: {
        kind: 'HelmChart',
        namespace: 'apps',
        name,
        uid: name,
        apiVersion: 'source.toolkit.fluxcd.io/v1'
      },
      timestamp: new Date(clock.now()).toISOString(),
      ...(isOver
        ? { severity: 'info', reason: 'ChartPullSucceeded', message: `pulled '${name}' chart` }
        : { reason: 'ChartPullError', message: `failed to get source: ${cause}` })
    })
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/webhook', payload })
    if (statusCode !== 202) throw new Error(`answered ${statusCode}: ${body}`)
    await note()
  }

  if (isAfterFailure) {
    for (const entry of came) await post({ at: entry.at, name: entry.name, cause: entry.cause })
    await pass(30 * minuteMs)
    posted.length = 0
    slack.accepted.length = 0
    begin = clock.now()
  }
  for (const entry of came) {
    await pass(begin + entry.at - clock.now())
    await post(entry)
  }
  await pass(6 * minuteMs)
  await app.close()
  await slack.close()
  rmSync(folder, { recursive: true })
  const all = posted.map(({ text }) => text).join('\n')
  return {
    messages: posted.length,
    pings: posted.filter(({ text }) => text.includes('<!here>')).length,
    named: came.filter(({ name }) => new RegExp(`${name}\\b`).test(all)).length / came.length,
    first: posted[0]?.at ?? 0,
    last: posted.at(-1)?.at ?? 0
  }
}
