// `npm run bench footprint`: how soon the relay is ready, and how much memory it has.
// Idle, after a storm and saturated, beside Fastify alone, because most of the memory is Node's. It also measures what the
// Socket Mode connection for buttons costs: relays that have one beside relays of the same config without the app-level token.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../test/fixtures/process.ts'
import { about } from '../test/fixtures/relay.ts'
import { appToken, botToken, startSlackApi } from '../test/fixtures/slack-api.ts'
import { cpuSeconds, createFolder, kill, load, median, memoryOf, start, startRelay } from './servers.ts'

const starts = 7
/** Relays with a connection, and as many without. */
const pairs = 5
const settleMs = 10_000
const idleMs = 30_000
/** After five seconds with next to no work, a relay gives memory back (src/cli/memory.ts). */
const quietMs = 11_000
const folder = createFolder()

/** Resident memory in MB, and how much of it is anonymous. */
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
await weighConnections()
rmSync(folder, { recursive: true })

/** All relays run at once and start in turns, so that other work on the machine affects both kinds. */
async function weighConnections(): Promise<void> {
  const api = await startSlackApi({ pingMs: 5000, perSecond: 100, burst: 100 })
  const app = (tokens: string) => `
slackApps: { acme: { ${tokens}, operators: [U0ANNA1], apiUrl: "${api.apiUrl}" } }
destinations: { team: { slack: { app: acme, channel: C0123ABCD } } }
rules: [{ name: failures, send: team }]
`
  writeFileSync(join(folder, 'without.yaml'), app(`token: "${botToken}"`))
  writeFileSync(join(folder, 'with.yaml'), app(`token: "${botToken}", appToken: "${appToken}"`))
  await compileLate()
  const relays = { with: [] as Relay[], without: [] as Relay[] }
  for (let n = 0; n < pairs; n++) {
    const kinds = ['with', 'without'] as const
    for (const kind of n % 2 === 0 ? kinds : kinds.toReversed())
      relays[kind].push(await startRelay(folder, `${kind}-${n}.db`, { config: `${kind}.yaml` }))
  }
  await api.until(({ socket }) => socket.open().length === pairs)
  const more = (of: (relay: ChildProcess) => number) => {
    const [connected, not] = [relays.with, relays.without].map((all) => median(all.map(({ relay }) => of(relay))))
    return (connected ?? 0) - (not ?? 0)
  }

  await pause(settleMs)
  const before = new Map([...relays.with, ...relays.without].map(({ relay }) => [relay, cpuSeconds(relay)]))
  await pause(idleMs)
  const cpu = more((relay) => ((cpuSeconds(relay) - (before.get(relay) ?? 0)) / idleMs) * 100_000)
  const unused = more(memoryOf)
  for (const [n, { port }] of [...relays.with, ...relays.without].entries()) await post(port, `app-${n}`)
  await api.until(({ posted }) => posted.length === 2 * pairs + 1, 60_000)
  await pause(settleMs)
  say(
    `connected for buttons ${unused.toFixed(1)} MB and ${cpu.toFixed(2)} % CPU more, idle; ${more(memoryOf).toFixed(1)} MB more once each has posted`
  )
  for (const { relay } of [...relays.with, ...relays.without]) await kill(relay)
  await api.close()

  /** The image compiles everything ahead; here Node stores lazily loaded code in its cache only when a relay exits by itself. */
  async function compileLate(): Promise<void> {
    const { port, relay } = await startRelay(folder, 'late.db', { config: 'with.yaml' })
    await post(port, 'late')
    await api.until(({ posted }) => posted.length === 1, 60_000)
    // By then the Socket Mode connection is open as well.
    await pause(1000)
    const end = once(relay, 'exit')
    relay.kill('SIGTERM')
    await end
  }
}

async function post(port: number, name: string): Promise<void> {
  const [headers, body] = [{ 'content-type': 'application/json' }, JSON.stringify(about(name))]
  await fetch(`http://127.0.0.1:${port}/webhook`, { method: 'POST', headers, body })
}

type Relay = Awaited<ReturnType<typeof startRelay>>
