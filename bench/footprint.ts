// `npm run bench footprint`: how soon the relay is ready, and how much memory it has.
// Idle, after a storm and saturated; beside Fastify alone, because most of it is Node's.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../test/fixtures/process.ts'
import { createFolder, kill, load, median, start, startRelay } from './servers.ts'

const starts = 7
/** After five seconds of which it needs next to none, a relay gives memory back (src/cli/memory.ts). */
const quietMs = 11_000
const folder = createFolder()

/** Resident memory in MB, and how much of that is no file's. */
function footprintOf({ pid }: ChildProcess): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (field: string) => Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024)
  return `${megabytes('VmRSS')} MB, ${megabytes('RssAnon')} MB of it not of files`
}

async function timeOf(begin: () => Promise<ChildProcess>): Promise<number> {
  const started = performance.now()
  const server = await begin()
  const took = performance.now() - started
  await kill(server)
  return took
}

const times = { relay: [] as number[], bare: [] as number[], node: [] as number[] }
for (let n = 0; n < starts; n++) {
  times.relay.push(await timeOf(async () => (await startRelay(folder, 'start.db')).relay))
  times.bare.push(await timeOf(async () => start('bench/bare.ts', { PORT: `${await freePort()}` })))
  const started = performance.now()
  await once(spawn(process.execPath, ['-e', '0']), 'exit')
  times.node.push(performance.now() - started)
}
const say = (text: string) => process.stdout.write(`${text}\n`)
say(
  `ready after        ${median(times.relay).toFixed(0)} ms (Fastify alone ${median(times.bare).toFixed(0)} ms, Node alone ${median(times.node).toFixed(0)} ms)`
)

const bare = await start('bench/bare.ts', { PORT: `${await freePort()}` })
const { port, relay } = await startRelay(folder, 'memory.db')
await pause(quietMs)
say(`idle               ${footprintOf(relay)} (Fastify alone ${footprintOf(bare)})`)
await load(port, 512, 3000, 333, 'storm')
say(`after a storm      ${footprintOf(relay)}`)
await pause(quietMs)
say(`quiet again        ${footprintOf(relay)}`)
await load(port, 64, 20_000, 0, 'flood')
say(`saturated for 20 s ${footprintOf(relay)}`)
await kill(bare)
await kill(relay)
rmSync(folder, { recursive: true })
