// `npm run bench fleet [-- --minutes 10 --clusters 10000]`: ten thousand clusters of 200 objects on one relay with SQLite.
// 3,300 heartbeats a second, with the failures, pushes and the storm of such a fleet. Each cluster is a source with a key of
// its own; its signed events come over 256 connections, as from a gateway before the relay. All objects are known beforehand.
// Prometheus scrapes every half minute. A tenth and a third of the clusters run first, for two minutes each, to show the slope.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { request } from 'undici'
import { endWithUs } from '../test/fixtures/process.ts'
import { copyRows } from './copies.ts'
import { clusterName, heartbeat, keyOf, objectsOfCluster } from './fleet-events.ts'
import type { Minute } from './fleet-load.ts'
import { cpuSeconds, createFolder, kill, memoryOf, startRelay } from './servers.ts'

const connections = 256
const shortMinutes = 2
const scrapeEveryMs = 30_000

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, clusters: { type: 'string', default: '10000' } }
})
const [minutes, most] = [Number(values.minutes), Number(values.clusters)]

interface Measured extends Minute {
  /** In MB. */
  memory: number
  database: number
  /** CPU as a share of one core, and per event in µs. */
  share: number
  cpu: number
}

const columns = [
  'events/s',
  '202 median',
  'p99',
  'longest',
  'refused',
  'memory',
  'database',
  'of a core',
  'of an event'
]
const shown = new Map<number, Measured[]>()
for (const [clusters, lasts] of [
  [Math.round(most / 10), Math.min(shortMinutes, minutes)],
  [Math.round(most * 0.3), Math.min(shortMinutes, minutes)],
  [most, minutes]
] as const) {
  shown.set(clusters, await live(clusters, lasts))
}
printSlope()

async function live(clusters: number, minutes: number): Promise<Measured[]> {
  const folder = createFolder()
  writeFileSync(join(folder, 'config.yaml'), configOf(clusters))
  const ends: ChildProcess[] = []
  try {
    const file = await know(folder, clusters)
    const { port, relay } = await startRelay(folder, 'relay.db')
    ends.push(relay)
    process.stdout.write(`\n${clusters.toLocaleString('en')} clusters, ready with ${memoryOf(relay).toFixed(0)} MB\n`)
    process.stdout.write(`minute${columns.map((name) => name.padStart(12)).join('')}\n`)
    const args = [port, clusters, connections, minutes * 60_000].map(String)
    const load = spawn(process.execPath, [join(import.meta.dirname, 'fleet-load.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    endWithUs(load)
    ends.push(load)
    const scraping = setInterval(() => scrape(port).catch(() => {}), scrapeEveryMs)
    const measured: Measured[] = []
    let [at, cpu] = [performance.now(), cpuSeconds(relay)]
    for await (const line of createInterface(load.stdout)) {
      const minute = JSON.parse(line) as Minute
      const [now, used] = [performance.now(), cpuSeconds(relay)]
      const seconds = (now - at) / 1000
      const row = {
        ...{ ...minute, memory: memoryOf(relay), database: sizeOf(file) },
        ...{ share: (used - cpu) / seconds, cpu: (1e6 * (used - cpu)) / minute.count }
      }
      ;[at, cpu] = [now, used]
      // What is answered after the last minute is only a remainder.
      if (seconds < 30) continue
      measured.push(row)
      print(measured.length, row, seconds)
    }
    clearInterval(scraping)
    ends.pop()
    return measured
  } finally {
    for (const end of ends) await kill(end)
    rmSync(folder, { recursive: true })
  }
}

/** Scrapes as Prometheus does. Rejects if the relay is stopped meanwhile. */
async function scrape(port: number): Promise<void> {
  const { body } = await request(`http://127.0.0.1:${port}/metrics`)
  await body.dump({ limit: 100_000_000 })
}

function configOf(clusters: number): string {
  const sources = Array.from(
    { length: clusters },
    (_, n) => `  ${clusterName(n)}: { hmacKeys: ["${keyOf(n)}"], cluster: ${clusterName(n)} }\n`
  ).join('')
  return `sources:\n${sources}destinations: { team: { preview: true }, feed: { preview: true } }
rules:
  - { name: failures, match: { severity: error }, send: team }
  - { name: rollouts, match: { severity: info, kind: [Kustomization, HelmRelease] }, as: rollout, send: feed }
`
}

/** Creates a database that remembers all objects: one cluster's come from a relay, the others are copies. Returns its file. */
async function know(folder: string, clusters: number): Promise<string> {
  const file = join(folder, 'relay.db')
  const { port, relay } = await startRelay(folder, 'relay.db')
  for (let n = 0; n < objectsOfCluster; n++) {
    const body = heartbeat(n, Date.now(), n)
    const signature = `sha256=${createHmac('sha256', keyOf(0)).update(body).digest('hex')}`
    const { statusCode, body: answer } = await request(`http://127.0.0.1:${port}/webhook/${clusterName(0)}`, {
      ...{ method: 'POST', body },
      headers: { 'content-type': 'application/json', 'x-signature': signature }
    })
    if (statusCode !== 202) throw new Error(`answered ${statusCode}: ${await answer.text()}`)
    await answer.dump()
  }
  const end = once(relay, 'exit')
  relay.kill('SIGTERM')
  await end
  const db = new DatabaseSync(file)
  db.exec('pragma synchronous = off; begin')
  copyRows(db, 'objects', clusters - 1, {
    key: `'c' || n || substr(seed.key, instr(seed.key, '/'))`,
    source: `'c' || n`
  })
  db.exec('commit; pragma wal_checkpoint(truncate)')
  db.close()
  return file
}

/** Size in MB, with the write-ahead log. */
function sizeOf(file: string): number {
  const sizes = [file, `${file}-wal`].map((name) => statSync(name, { throwIfNoEntry: false })?.size ?? 0)
  return sizes.reduce((sum, size) => sum + size, 0) / 1_000_000
}

function print(minute: number, row: Measured, seconds: number): void {
  const { count, refused, p50, p99, worst, memory, database, share, cpu } = row
  const times = [p50, p99, worst].map((ms) => `${ms.toFixed(1)} ms`)
  const cells = [
    ...[`${(count / seconds).toFixed(0)}`, ...times, `${refused}`],
    ...[`${memory.toFixed(0)} MB`, `${database.toFixed(0)} MB`, `${(100 * share).toFixed(0)} %`, `${cpu.toFixed(0)} µs`]
  ]
  process.stdout.write(`${`${minute}`.padStart(6)}${cells.map((cell) => cell.padStart(12)).join('')}\n`)
}

function printSlope(): void {
  const all = [...shown]
  const [few, many] = [all[0], all.at(-1)]
  if (few === undefined || many === undefined) return
  const last = (rows: readonly Measured[], key: keyof Measured) => rows.at(-1)?.[key] ?? 0
  const each = (key: keyof Measured) => (last(many[1], key) - last(few[1], key)) / (many[0] - few[0])
  const slopes = [
    `${(each('memory') * 1000).toFixed(1)} kB of memory`,
    `${(each('database') * 1000).toFixed(0)} kB of database`,
    `${(each('share') * 100).toFixed(4)} % of a core`
  ]
  process.stdout.write(`\neach cluster more: ${slopes.join(', ')}\n`)
}
