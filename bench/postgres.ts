// `npm run bench postgres [-- --against FOLDER]`: what an event costs in PostgreSQL, alone and among others.
// New failures, taken by real relays; `--against` measures a checkout of another version in turns. The figures are CPU time,
// which says more than rates on a machine that does other things as well.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { request } from 'undici'
import { startPostgres } from '../test/fixtures/postgres.ts'
import { freePort } from '../test/fixtures/process.ts'
import { startSlack } from '../test/fixtures/slack.ts'
import { listenIn, openDatabaseClock, processSeconds } from './database.ts'
import { inLetters, load, median, start } from './servers.ts'

const { values: options } = parseArgs({ options: { against: { type: 'string' }, rounds: { type: 'string' } } })
const rounds = Number(options.rounds ?? 3)
const loadMs = 3000
const connections = [1, 8, 64]
const lanes = 60
const loneEvents = 200
/** Slower than the pace of the lanes, so that no message waits for another. */
const loneEveryMs = 30
const heardEvents = 20
/** Long enough for everything that follows from an event. */
const heardEveryMs = 400

interface Cost {
  /** Events per second. */
  rate: number
  /** CPU of the database and of the relay per event, in µs. */
  database: number
  relay: number
}

const ends: (() => unknown)[] = []
const postgres = await startPostgres({ teardown: (end) => void ends.push(end) }, { isDurable: true })
const databaseSeconds = await openDatabaseClock(postgres.url)
const slack = await startSlack({ perSecond: 1, burst: 4, latencyMs: 0 })
let names = 0

const main = 'src/main.js'
const settings: [name: string, main: string, isPostgres: boolean][] = [
  ['PostgreSQL', main, true],
  ['SQLite', main, false]
]
if (options.against !== undefined) settings.unshift(['before', join(options.against, main), true])
const costs = new Map<string, Cost[]>()
for (let round = 0; round < rounds; round++) {
  for (const [name, file, isPostgres] of settings) await measure(name, file, isPostgres)
}
process.stdout.write('                              events/s   beside SQLite   database   relay   (µs of an event)\n')
for (const way of ['alone, to Slack', ...connections.map(wayOf)]) {
  for (const [name] of settings) {
    const of = (value: (cost: Cost) => number, setting = name) =>
      median((costs.get(`${setting} ${way}`) ?? []).map(value))
    const cells = [
      `${way}, ${name}`.padEnd(36),
      of(({ rate }) => rate).toFixed(0),
      (of(({ rate }) => rate) / of(({ rate }) => rate, 'SQLite')).toFixed(2).padStart(12),
      of(({ database }) => database)
        .toFixed(0)
        .padStart(12),
      of(({ relay }) => relay)
        .toFixed(0)
        .padStart(9)
    ]
    process.stdout.write(`${cells.join(' ')}\n`)
  }
}
for (const [name, file, isPostgres] of settings) if (isPostgres) await listen(name, file)
await slack.close()
for (const end of ends) await end()

function wayOf(count: number): string {
  return count === 1 ? '1 connection' : `${count} connections`
}

async function measure(name: string, file: string, isPostgres: boolean): Promise<void> {
  const { port, relay, end } = await startRelay(file, isPostgres ? await postgres.createDatabase() : undefined)
  const cost = async (way: string, work: () => Promise<{ count: number; rate: number }>) => {
    const before = [databaseSeconds(), processSeconds(`${relay.pid}`)]
    const { count, rate } = await work()
    const [database = 0, own = 0] = [databaseSeconds(), processSeconds(`${relay.pid}`)].map(
      (seconds, at) => ((seconds - (before[at] ?? 0)) * 1e6) / count
    )
    const key = `${name} ${way}`
    costs.set(key, [...(costs.get(key) ?? []), { rate, database, relay: own }])
  }
  await cost('alone, to Slack', () => postAlone(port, loneEvents, loneEveryMs))
  for (const count of connections)
    await cost(wayOf(count), () => load(port, count, loadMs, 0, `${inLetters(names++)}-${count}`))
  await end()
}

/** Counts what a relay asks of the database for a lone event, until Slack has it and that is recorded. */
async function listen(name: string, file: string): Promise<void> {
  const way = await listenIn(await postgres.createDatabase())
  const { port, end } = await startRelay(file, way.url)
  await postAlone(port, heardEvents, heardEveryMs)
  const before = { ...way.asked }
  await postAlone(port, heardEvents, heardEveryMs)
  const [statements, roundTrips] = (['statements', 'roundTrips'] as const).map((what) =>
    ((way.asked[what] - before[what]) / heardEvents).toFixed(1)
  )
  process.stdout.write(`an event alone, ${name}: ${statements} statements, ${roundTrips} round trips\n`)
  await end()
  way.close()
}

/** Starts a relay with a lane for some of the namespaces, and a preview for the rest. */
async function startRelay(
  file: string,
  database: string | undefined
): Promise<{ port: number; relay: ChildProcess; end(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
  const all = Array.from({ length: lanes }, (_, n) => n)
  const destinations = all.map((n) => `  lane-${n}: { slack: { webhookUrl: "${slack.url(`/services/T/B/${n}`)}" } }`)
  const rules = all.map((n) => `  - { name: lane-${n}, match: { namespace: team-${n} }, send: lane-${n} }`)
  const rest = '  - { name: rest, match: { namespace: apps }, send: rest }'
  const config = ['destinations:', '  rest: { preview: true }', ...destinations, 'rules:', ...rules, rest]
  writeFileSync(join(folder, 'config.yaml'), config.join('\n'))
  const port = await freePort()
  const relay = await start(file, {
    PORT: `${port}`,
    CONFIG_FILE: join(folder, 'config.yaml'),
    DATABASE_URL: database ?? `sqlite:${join(folder, 'relay.db')}`
  })
  return {
    port,
    relay,
    async end() {
      relay.kill('SIGKILL')
      await once(relay, 'exit')
      rmSync(folder, { recursive: true })
    }
  }
}

/** Each event has its own reason; otherwise they would be gathered into one message. */
async function postAlone(port: number, count: number, everyMs: number): Promise<{ count: number; rate: number }> {
  const seen = slack.received.length
  const started = performance.now()
  for (let n = 0; n < count; n++) {
    const name = `lone-${names++}`
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        involvedObject: { kind: 'Kustomization', namespace: `team-${n % lanes}`, name, uid: name },
        severity: 'error',
        timestamp: new Date().toISOString(),
        message: `kustomize build failed: accumulating resources: cannot read ${inLetters(names)}`,
        reason: 'BuildFailed',
        reportingController: 'kustomize-controller'
      })
    })
    await body.dump()
    if (statusCode !== 202) throw new Error(`the relay answered ${statusCode}`)
    await pause(everyMs)
  }
  const posted = () => new Set(slack.received.slice(seen).flatMap(({ text }) => text.match(/lone-\d+/g) ?? []))
  await slack.until(() => posted().size >= count, 30_000)
  await pause(everyMs)
  return { count, rate: (count * 1000) / (performance.now() - started) }
}
