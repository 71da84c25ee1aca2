// `npm run bench replicas`: one, two and four relays on one PostgreSQL beside one on SQLite.
// All are real processes that wait for the disk: how many events they take, how soon Slack has a message, and what the database
// costs.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { startPostgres } from '../test/fixtures/postgres.ts'
import { freePort, spawnRelay } from '../test/fixtures/process.ts'
import { type Slack, startSlack } from '../test/fixtures/slack.ts'
import { openDatabaseClock, processSeconds } from './database.ts'
import { inLetters, median } from './servers.ts'

const rounds = 3
const senders = 64
const loadMs = 3000
const lanes = 60
const loneEvents = 300
/** Slower than the pace of the lanes, so that no message waits for another. */
const loneEveryMs = 30

interface Result {
  rate: number
  p50: number
  p99: number
  /** The database's share of the CPU time of all processes under load. */
  share: number
}

const ends: (() => unknown)[] = []
const postgres = await startPostgres({ teardown: (end) => void ends.push(end) }, { isDurable: true })
const databaseSeconds = await openDatabaseClock(postgres.url)
const slack = await startSlack({ perSecond: 1, burst: 4, latencyMs: 0 })
const dispatcher = new Agent({ connections: senders })
let names = 0

const settings: [name: string, replicas: number, isPostgres: boolean][] = [
  ['SQLite, 1 relay', 1, false],
  ['PostgreSQL, 1 relay', 1, true],
  ['PostgreSQL, 2 relays', 2, true],
  ['PostgreSQL, 4 relays', 4, true]
]
const results = new Map<string, Result[]>()
for (let round = 0; round < rounds; round++) {
  for (const [name, replicas, isPostgres] of settings) {
    results.set(name, [...(results.get(name) ?? []), await measure(replicas, isPostgres)])
  }
}
const of = (name: string, value: (result: Result) => number) => median((results.get(name) ?? []).map(value))
const base = of('SQLite, 1 relay', ({ rate }) => rate)
process.stdout.write('                        events/s   ratio   202 to Slack p50    p99   database\n')
for (const [name] of settings) {
  const rate = of(name, (result) => result.rate)
  const cells = [
    name.padEnd(22),
    Math.round(rate).toString().padStart(10),
    (rate / base).toFixed(2).padStart(8),
    `${of(name, ({ p50 }) => p50).toFixed(0)} ms`.padStart(19),
    `${of(name, ({ p99 }) => p99).toFixed(0)} ms`.padStart(7),
    `${Math.round(100 * of(name, ({ share }) => share))} %`.padStart(11)
  ]
  process.stdout.write(`${cells.join('')}\n`)
}
await dispatcher.close()
await slack.close()
for (const end of ends) await end()

async function measure(replicas: number, isPostgres: boolean): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
  writeFileSync(join(folder, 'config.yaml'), configFor(slack))
  const database = isPostgres ? await postgres.createDatabase() : undefined
  const ports = await Promise.all(Array.from({ length: replicas }, freePort))
  const relays = await Promise.all(ports.map((port) => spawnRelay(folder, port, database)))
  for (const relay of relays) relay.stdout?.resume()
  const { p50, p99 } = await measureLatency(ports)
  const relayBefore = secondsOf(relays)
  const databaseBefore = databaseSeconds()
  const rate = await measureRate(ports)
  const inDatabase = databaseSeconds() - databaseBefore
  const share = inDatabase / (inDatabase + secondsOf(relays) - relayBefore)
  await Promise.all(relays.map(stop))
  rmSync(folder, { recursive: true })
  return { rate, p50, p99, share }
}

/** One lane per namespace. */
function configFor(slack: Slack): string {
  const all = Array.from({ length: lanes }, (_, n) => n)
  const destinations = all.map((n) => `  lane-${n}: { slack: { webhookUrl: "${slack.url(`/services/T/B/${n}`)}" } }`)
  const rules = all.map((n) => `  - { name: lane-${n}, match: { namespace: team-${n} }, send: lane-${n} }`)
  return `destinations:\n${destinations.join('\n')}\nrules:\n${rules.join('\n')}\n`
}

async function post(port: number, name: string, namespace: string, missing = name): Promise<void> {
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    dispatcher,
    body: JSON.stringify({
      involvedObject: { kind: 'Kustomization', namespace, name, uid: name },
      severity: 'error',
      timestamp: new Date().toISOString(),
      message: `kustomize build failed: accumulating resources: cannot read ${missing}`,
      reason: 'BuildFailed',
      reportingController: 'kustomize-controller'
    })
  })
  await body.dump()
  if (statusCode !== 202) throw new Error(`the relay answered ${statusCode}`)
}

/** Time from one replica's 202 to the stand-in, whichever replica posts the message. */
async function measureLatency(ports: number[]): Promise<{ p50: number; p99: number }> {
  const acknowledged = new Map<string, number>()
  const seen = slack.received.length
  for (let n = 0; n < loneEvents; n++) {
    const name = `lone-${names++}`
    // Each event has its own reason; otherwise they would be gathered into one message.
    await post(ports[n % ports.length] ?? 0, name, `team-${n % lanes}`, inLetters(n))
    acknowledged.set(name, Date.now())
    await pause(loneEveryMs)
  }
  const posted = () => new Set(slack.received.slice(seen).flatMap(({ text }) => text.match(/lone-\d+/g) ?? []))
  await slack.until(() => posted().size >= loneEvents, 30_000)
  const waits: number[] = []
  for (const [name, since] of acknowledged) {
    const message = slack.received.slice(seen).find(({ text }) => text.includes(name))
    waits.push(Math.max(0, (message?.at ?? 0) - since))
  }
  waits.sort((a, b) => a - b)
  return { p50: waits[Math.floor(waits.length / 2)] ?? 0, p99: waits[Math.floor(waits.length * 0.99)] ?? 0 }
}

async function measureRate(ports: number[]): Promise<number> {
  const started = performance.now()
  let accepted = 0
  const load = Array.from({ length: senders }, async (_, sender) => {
    while (performance.now() - started < loadMs) {
      await post(ports[sender % ports.length] ?? 0, `app-${names++}`, `team-${sender % lanes}`)
      accepted += 1
    }
  })
  await Promise.all(load)
  return accepted / ((performance.now() - started) / 1000)
}

async function stop(relay: ChildProcess): Promise<void> {
  relay.kill('SIGKILL')
  await once(relay, 'exit')
}

function secondsOf(relays: readonly ChildProcess[]): number {
  return relays.reduce((sum, { pid }) => sum + processSeconds(`${pid}`), 0)
}
