// `npm run bench cards [minutes]`: a thousand objects fail within three seconds in a channel with cards, and recover slowly.
// They recover over five minutes. The relay as it is shipped, in real time, against a stand-in that enforces all of Slack's
// limits.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { freePort, spawnRelay } from '../test/fixtures/process.ts'
import { botToken, type Posted, type SlackApi, startSlackApi } from '../test/fixtures/slack-api.ts'

const objects = 1000
const failWithinMs = 3000
const recoverWithinMs = Number(process.argv[2] ?? 5) * 60_000
const dispatcher = new Agent({ connections: 32 })

const api = await startSlackApi({ channels: [{ id: 'C0123ABCD', name: 'platform', members: ['U0FLUX'] }] })
const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
writeFileSync(
  join(folder, 'config.yaml'),
  `slackApps: { acme: { token: "${botToken}", apiUrl: "${api.apiUrl}" } }
destinations: { team: { slack: { app: acme, channel: C0123ABCD } } }
rules: [{ name: failures, match: { severity: error }, send: team }]
`
)
const port = await freePort()
const relay = await spawnRelay(folder, port)

const began = performance.now()
await spread(failWithinMs, (n) => post(n, false))
const named = await when(() => share(api.posted) === 1, 60_000)
await when(() => false, 15_000)
const atTurn = performance.now()
await spread(recoverWithinMs, (n) => post(n, true))
const over = performance.now()
const green = await when(() => channel(api).every((message) => !isRed(message)), 120_000)
const perMinute = minutesOf(api)
const lines = [
  ['named', named === undefined ? `${(share(api.posted) * 100).toFixed(1)} % after a minute` : seconds(named - began)],
  ['recovered over', seconds(over - atTurn)],
  ['updates a minute, at most', Math.max(0, ...perMinute)],
  ['last card green after the last recovery', green === undefined ? 'not in two minutes' : seconds(green - over)],
  ['posts in the channel', channel(api).length],
  ['replies in threads', api.posted.length - channel(api).length],
  ['429', api.limited]
]
for (const [name, value] of lines) process.stdout.write(`${String(name).padEnd(44)}${value}\n`)
relay.kill('SIGTERM')
await once(relay, 'exit')
rmSync(folder, { recursive: true })
await api.close()
await dispatcher.close()

/** Calls `come` for each object, spread evenly over `ms`. */
async function spread(ms: number, come: (n: number) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: objects }, async (_, n) => {
      await pause((n / objects) * ms)
      await come(n)
    })
  )
}

async function post(n: number, isOver: boolean): Promise<void> {
  const event = {
    involvedObject: {
      ...{ kind: 'Kustomization', namespace: `team-${n % 20}`, name: `app-${n}`, uid: `uid-${n}` },
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1'
    },
    severity: isOver ? 'info' : 'error',
    timestamp: new Date().toISOString(),
    message: isOver ? 'Reconciliation finished in 1s' : 'kustomize build failed: no such file or directory: ../base',
    reason: isOver ? 'ReconciliationSucceeded' : 'BuildFailed',
    metadata: { revision: 'main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a' },
    ...{ reportingController: 'kustomize-controller', reportingInstance: 'kustomize-controller-0' }
  }
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/webhook`, {
    ...{ dispatcher, method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) }
  })
  await body.dump()
  if (statusCode !== 202) throw new Error(`answered ${statusCode}`)
}

/** Time at which `isTrue` first held; undefined if that took longer than `withinMs`. */
async function when(isTrue: () => boolean, withinMs: number): Promise<number | undefined> {
  const until = performance.now() + withinMs
  while (performance.now() < until) {
    if (isTrue()) return performance.now()
    await pause(100)
  }
  return undefined
}

function share(posted: readonly Posted[]): number {
  const texts = posted.map(({ blocks }) => JSON.stringify(blocks)).join()
  return new Set(texts.match(/app-\d+/g)).size / objects
}

function channel({ posted }: SlackApi): Posted[] {
  return posted.filter(({ threadTs, isBroadcast }) => threadTs === undefined || isBroadcast)
}

function isRed({ blocks }: Posted): boolean {
  return /red_circle|orange_circle|hourglass/.test(JSON.stringify(blocks))
}

/** For each update, the updates in the minute that begins with it. */
function minutesOf({ calls }: SlackApi): number[] {
  const at = calls.filter(({ method }) => method === 'chat.update').map(({ request }) => request.at)
  return at.map((start) => at.filter((other) => other >= start && other < start + 60_000).length)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
