// `npm run bench growth [-- --only stored] [--events 10000000]`: the cost of one more event, rule, owner, lane or failure.
// For each of them, relays of several sizes take turns on one machine: the CPU of an event, the time to claim and compose the
// next message of a lane, the memory, and the CPU of a relay that has nothing to do.
import type { ChildProcess } from 'node:child_process'
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort } from '../test/fixtures/process.ts'
import { type Axis, createAxes, fillFile, fullestLane } from './axes.ts'
import { claimMs } from './claims.ts'
import { cpuSeconds, createFolder, kill, load, median, memoryOf, startRelay } from './servers.ts'

const turns = 5
const turnMs = 1000
const idleMs = 5000
const env = { MAX_PENDING: '1000000000' }

interface Row {
  size: number
  readyMs: number
  /** Memory in MB, before and after the load. */
  idle: number
  loaded: number
  /** CPU per event in µs, and CPU while idle in ms per second. */
  cpu: number
  idleCpu: number
  claim: number
}

const { values } = parseArgs({
  options: { only: { type: 'string' }, events: { type: 'string', default: '1000000' } }
})
const axes = createAxes(await freePort(), Number(values.events))
const chosen = axes.filter(({ name }) => values.only === undefined || values.only === name)
if (chosen.length === 0) {
  process.stderr.write(`--only is one of ${axes.map(({ name }) => name).join(', ')}\n`)
  process.exitCode = 2
}
for (const axis of chosen) print(axis, await measure(axis))

async function measure(axis: Axis): Promise<Row[]> {
  const folder = createFolder()
  const relays: { size: number; port: number; relay: ChildProcess; file: string; readyMs: number; idle: number }[] = []
  const ends: ChildProcess[] = []
  try {
    for (const size of axis.sizes) {
      const [config, database] = [`${size}.yaml`, `${size}.db`]
      const file = join(folder, database)
      writeFileSync(join(folder, config), axis.config(size))
      if (axis.fill !== undefined && size > 1) await seed(folder, config, database)
      if (size > 1) fillFile(file, axis, size)
      const started = performance.now()
      const { port, relay } = await startRelay(folder, database, { config, env })
      ends.push(relay)
      relays.push({ size, port, relay, file, readyMs: performance.now() - started, idle: memoryOf(relay) })
    }
    // Every lane is used once before the idle measurement.
    for (const { size, port } of relays) await load(port, 64, 2000, 0, 'warm', axis.namespaces(size))
    await pause(idleMs)
    const before = relays.map(({ relay }) => cpuSeconds(relay))
    await pause(idleMs)
    const idleCpu = relays.map(({ relay }, at) => (1e6 * (cpuSeconds(relay) - (before[at] ?? 0))) / idleMs)
    const cpu = relays.map((): number[] => [])
    for (let turn = 0; turn < turns; turn++) {
      for (const [at, { size, port, relay }] of relays.entries()) {
        const begun = cpuSeconds(relay)
        // One of many lanes is at work, but every one of many owners.
        const namespaces = axis.name === 'lanes' ? 1 : axis.namespaces(size)
        const { count, refused } = await load(port, 64, turnMs, 0, `app-${turn}`, namespaces)
        if (refused > 0) throw new Error(`${axis.name}: ${refused} events were refused`)
        cpu[at]?.push((1e6 * (cpuSeconds(relay) - begun)) / count)
      }
    }
    const loaded = relays.map(({ relay }) => memoryOf(relay))
    for (const { relay } of relays) await kill(relay)
    ends.length = 0
    const rows: Row[] = []
    for (const [at, { size, file, readyMs, idle }] of relays.entries()) {
      const claim = await claimMs(file, axis.waits && laneToClaim(file))
      const measured = { cpu: median(cpu[at] ?? []), idleCpu: idleCpu[at] ?? 0, loaded: loaded[at] ?? 0, claim }
      rows.push({ size, readyMs, idle, ...measured })
    }
    return rows
  } finally {
    for (const relay of ends) await kill(relay)
    rmSync(folder, { recursive: true })
  }
}

/** Has a relay write some hundred events, of which all others are copies. All sizes share this database. */
async function seed(folder: string, config: string, database: string): Promise<void> {
  const seeded = join(folder, 'seed.db')
  if (!existsSync(seeded)) {
    const { port, relay } = await startRelay(folder, 'seed.db', { config, env })
    await load(port, 512, 2000, 100, 'seed')
    await pause(2500)
    await kill(relay)
    // Moves the write-ahead log into the file that is copied.
    const db = new DatabaseSync(seeded)
    db.exec('pragma wal_checkpoint(truncate)')
    db.close()
  }
  copyFileSync(seeded, join(folder, database))
}

/** The fullest lane, with its backlog due at once. */
function laneToClaim(file: string): string {
  const db = new DatabaseSync(file)
  db.exec(
    `update notifications set message_id = null where state = 'pending'; delete from messages where state = 'open';
     update lanes set not_before = 0, block_reason = null, block_since = null`
  )
  db.close()
  return fullestLane(file)
}

function print({ name }: Axis, rows: readonly Row[]): void {
  const columns = ['CPU of an event', 'claim', 'ready', 'memory', 'loaded', 'idle CPU a second']
  process.stdout.write(`\n${name.padEnd(12)}${columns.map((column) => column.padStart(19)).join('')}\n`)
  for (const { size, cpu, claim, readyMs, idle, loaded, idleCpu } of rows) {
    const cells = [
      ...[`${cpu.toFixed(0)} µs`, `${claim.toFixed(1)} ms`, `${readyMs.toFixed(0)} ms`],
      ...[`${idle.toFixed(0)} MB`, `${loaded.toFixed(0)} MB`, `${idleCpu.toFixed(1)} ms`]
    ]
    process.stdout.write(`${size.toLocaleString('en').padEnd(12)}${cells.map((cell) => cell.padStart(19)).join('')}\n`)
  }
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined || first === last) return
  const tenfolds = Math.log10(last.size / first.size)
  const each = (value: (row: Row) => number) => (value(last) - value(first)) / (last.size - first.size)
  const grows = (value: (row: Row) => number) =>
    `${(100 * ((value(last) / value(first)) ** (1 / tenfolds) - 1)).toFixed(1)} %`
  const slopes = [
    `an event ${grows(({ cpu }) => cpu)} for ten times as many`,
    `a claim ${grows(({ claim }) => claim)}`,
    `each ${(each(({ loaded }) => loaded) * 1024).toFixed(2)} kB of memory`,
    `${(each(({ idleCpu }) => idleCpu) * 1000).toFixed(2)} µs a second while idle`
  ]
  process.stdout.write(`slope: ${slopes.join(', ')}\n`)
}
