// `npm run bench storm`: a thousand failing objects in three seconds, against a Slack that allows one message a second.
// Real processes: the relay as it is shipped, and a strict stand-in that refuses whatever Slack would. Then slow storms in
// virtual time.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { freePort, spawnRelay } from '../test/fixtures/process.ts'
import { type Slack, type SlackOptions, startSlack } from '../test/fixtures/slack.ts'
import { links, run as runTrickle, trickles } from './trickle.ts'

const objects = 1000
const postWithinMs = 3000
const dispatcher = new Agent({ connections: 32 })

interface Scenario {
  name: string
  slack?: SlackOptions
  burst?: number
  isDistinct?: boolean
  hasLinks?: boolean
  /** Makes the stand-in misbehave. */
  trouble?: (slack: Slack) => void
  /** Acknowledgements after which the relay is killed and started again. */
  killAt?: number
}

// Seeded, so that a run can be repeated.
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

const scenarios: Scenario[] = [
  { name: 'one cause' },
  { name: 'one cause, links', hasLinks: true },
  { name: 'one cause, burst 1', slack: { burst: 1 }, burst: 1 },
  { name: '1,000 different texts', isDistinct: true },
  { name: '30 % answered 500', trouble: (slack) => sometimes(slack, 0.3, { status: 500, body: 'rollup_error' }) },
  { name: '10 % reset', trouble: (slack) => sometimes(slack, 0.1, { is: 'reset' }) },
  { name: '60 s outage', trouble: (slack) => outage(slack, 60_000) },
  { name: 'kill -9 half way', killAt: 500 }
]

function sometimes(slack: Slack, share: number, behaviour: { status: number; body: string } | { is: 'reset' }): void {
  const random = dice(7)
  slack.behave('*', () => (random() < share ? behaviour : undefined))
}

function outage(slack: Slack, ms: number): void {
  slack.behave('*', () => ({ status: 503, body: 'down' }))
  setTimeout(() => slack.calm('*'), ms).unref()
}

const seconds = (ms = 0) => `${(ms / 1000).toFixed(2)} s`
const header = ['scenario', 'named', 'messages', '429', '400', 'first', 'last', 'optimum', 'twice']
const widths = [24, 8, 9, 5, 5, 9, 9, 9, 6]
const row = (cells: (string | number)[]) =>
  `${cells.map((cell, at) => String(cell).padEnd(widths[at] ?? 8)).join('')}\n`
process.stdout.write(row(header))
const only = process.argv[2]
for (const scenario of scenarios.filter(({ name }) => only === undefined || name.includes(only))) {
  process.stdout.write(row(await run(scenario)))
}
if (only === undefined) process.stdout.write(`${await loneLatency()}\n`)
process.stdout.write(row(['scenario', 'named', 'messages', 'pings', '', 'first', 'last']))
for (const trickle of trickles.filter(({ name }) => only === undefined || name.includes(only))) {
  const { named, messages, pings, first, last } = await runTrickle(trickle)
  const cells = [`${(named * 100).toFixed(1)} %`, messages, pings, '', seconds(first), seconds(last)]
  process.stdout.write(row([trickle.name, ...cells]))
}
await dispatcher.close()

async function run({
  name,
  slack: slackOptions,
  burst = 3,
  isDistinct = false,
  hasLinks = false,
  trouble,
  killAt
}: Scenario): Promise<(string | number)[]> {
  const slack = await startSlack({ perSecond: 1, burst: 4, ...slackOptions })
  const relay = await startRelay(slack, burst, hasLinks)
  trouble?.(slack)
  const started = Date.now()
  const acknowledged = new Set<number>()
  let kill: Promise<void> | undefined
  await Promise.all(
    Array.from({ length: objects }, async (_, n) => {
      await new Promise((resolve) => setTimeout(resolve, (n / objects) * postWithinMs))
      const answer = await post(relay.url, event(n, isDistinct)).catch(() => undefined)
      if (answer !== 202) return
      acknowledged.add(n)
      if (acknowledged.size === killAt) kill = relay.killAndRestart()
    })
  )
  await kill
  const named = () => new Set(slack.accepted.flatMap(({ text }) => text.match(/app-\d+/g) ?? []))
  const isDone = () => [...acknowledged].every((n) => named().has(`app-${n}`))
  await slack.until(isDone, 180_000).catch(() => {})
  const posts = slack.accepted.map(({ at }) => at - started)
  const count = (status: number) => slack.received.filter((one) => one.status === status).length
  const texts = slack.accepted.map(({ text }) => text)
  const perMessage = Math.max(...texts.map((text) => new Set(text.match(/app-\d+/g)).size))
  const fullMessages = Math.ceil(objects / perMessage)
  const optimum = Math.max(postWithinMs / 1000, fullMessages - (slackOptions?.burst ?? 4))
  const share = [...acknowledged].filter((n) => named().has(`app-${n}`)).length / acknowledged.size
  await relay.stop()
  await slack.close()
  return [
    name,
    `${(share * 100).toFixed(1)} %`,
    posts.length,
    count(429),
    count(400),
    seconds(posts[0]),
    seconds(posts.at(-1)),
    `${optimum.toFixed(0)} s`,
    texts.length - new Set(texts).size
  ]
}

/** Time from the post to the request at Slack, on a relay with nothing else to do. */
async function loneLatency(): Promise<string> {
  const slack = await startSlack({ perSecond: 100, burst: 100, latencyMs: 0 })
  const relay = await startRelay(slack, 100)
  const took: number[] = []
  for (let n = 0; n < 21; n++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const before = Date.now()
    await post(relay.url, event(n, true))
    await slack.until(({ received }) => received.length > n)
    took.push((slack.received[n]?.at ?? 0) - before)
  }
  took.sort((a, b) => a - b)
  await relay.stop()
  await slack.close()
  return `one event on an idle relay reaches Slack after ${took[10]} ms (median of 21; worst ${took[20]} ms)`
}

function event(n: number, isDistinct: boolean): string {
  const message = isDistinct
    ? `cannot apply Deployment/team-${n % 20}/app-${n}: spec.template.spec.containers[${n % 7}].image "registry/app-${n}" is not allowed`
    : 'kustomize build failed: accumulating resources: accumulation err=\'accumulating resources from "../base": no such file or directory\''
  return JSON.stringify({
    involvedObject: {
      kind: 'Kustomization',
      namespace: `team-${n % 20}`,
      name: `app-${n}`,
      uid: `uid-${n}`,
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1'
    },
    severity: 'error',
    timestamp: new Date().toISOString(),
    message: message.padEnd(500, ' .'),
    reason: isDistinct ? `ApplyFailed${n}` : 'BuildFailed',
    metadata: { revision: 'main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a' },
    reportingController: 'kustomize-controller',
    reportingInstance: 'kustomize-controller-7d6b5c4f9-x2x8p'
  })
}

async function post(url: string, body: string): Promise<number> {
  const { statusCode, body: answer } = await request(url, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body
  })
  await answer.dump()
  return statusCode
}

interface Relay {
  url: string
  killAndRestart(): Promise<void>
  stop(): Promise<void>
}

async function startRelay(slack: Slack, burst: number, hasLinks = false): Promise<Relay> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
  const rate = burst > 50 ? 50 : 1
  writeFileSync(
    join(folder, 'config.yaml'),
    `destinations: { team: { slack: { webhookUrl: "${slack.url()}" }, pace: { perSecond: ${rate}, burst: ${burst} } } }\n` +
      'rules: [{ name: failures, send: team }]\n' +
      (hasLinks ? links : '')
  )
  const port = await freePort()
  let process_ = await spawnRelay(folder, port)
  return {
    url: `http://127.0.0.1:${port}/webhook`,
    async killAndRestart() {
      process_.kill('SIGKILL')
      await once(process_, 'exit')
      process_ = await spawnRelay(folder, port)
    },
    async stop() {
      process_.kill('SIGTERM')
      await once(process_, 'exit')
      rmSync(folder, { recursive: true })
    }
  }
}
