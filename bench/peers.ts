// `npm run bench peers`: the relay beside Fastify alone and Alertmanager.
// Each takes new failures, one per request, from `wrk` with 64 connections and its own kind of body (bench/peers.lua), in
// turns, restarted each time. Fastify alone answers and keeps nothing. The relay writes to disk before it answers, decides, and
// posts digests to a preview. Alertmanager (POST /api/v2/alerts with one alert of the same texts) keeps the alert in memory; it
// has one route with the default timings, grouped by alertname and namespace, to a webhook on a closed port of this machine, no
// cluster, and a quiet log. Needs `wrk` and `prometheus-alertmanager` (Debian) on the PATH, or at the path in ALERTMANAGER.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { endWithUs, freePort } from '../test/fixtures/process.ts'
import { cpuSeconds, createFolder, kill, median, memoryOf, start, startRelay } from './servers.ts'
import { type Posting, postTo } from './wrk.ts'

const rounds = 3
const connections = 64
/** Long enough for V8 to compile the hot code. */
const warmSeconds = 8
const seconds = 8

interface Peer {
  name: string
  /** True if an answer means that the event is on disk. */
  isDurable: boolean
  path: string
  body: Posting['body']
  begin(folder: string): Promise<{ port: number; server: ChildProcess }>
}

interface Result {
  rate: number
  /** Refused, or without an answer for ten seconds. */
  refused: number
  p99: number
  cpu: number
  memory: number
}

const alertmanager = process.env['ALERTMANAGER'] ?? 'prometheus-alertmanager'

const peers: Peer[] = [
  {
    ...{ name: 'Fastify alone', isDurable: false, path: '/webhook', body: 'flux' },
    async begin() {
      const port = await freePort()
      return { port, server: await start('bench/bare.ts', { PORT: `${port}` }) }
    }
  },
  {
    ...{ name: 'the relay', isDurable: true, path: '/webhook', body: 'flux' },
    async begin(folder) {
      const { port, relay: server } = await startRelay(folder, 'relay.db')
      return { port, server }
    }
  },
  { ...{ name: 'Alertmanager', isDurable: false, path: '/api/v2/alerts', body: 'alert' }, begin: startAlertmanager }
]

async function startAlertmanager(folder: string): Promise<{ port: number; server: ChildProcess }> {
  const [port, closed] = [await freePort(), await freePort()]
  const file = join(folder, 'alertmanager.yml')
  writeFileSync(
    file,
    `route: { receiver: nowhere, group_by: [alertname, namespace] }
receivers: [{ name: nowhere, webhook_configs: [{ url: "http://127.0.0.1:${closed}/" }] }]
`
  )
  const data = join(folder, 'alertmanager')
  mkdirSync(data)
  const options = [`--config.file=${file}`, `--storage.path=${data}`, `--web.listen-address=127.0.0.1:${port}`]
  const server = spawn(alertmanager, [...options, '--cluster.listen-address=', '--log.level=error'], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
  endWithUs(server)
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined)
    if (answer?.ok) return { port, server }
    await pause(100)
  }
  await kill(server)
  throw new Error('Alertmanager was not ready after ten seconds')
}

async function measure({ begin, path, body }: Peer): Promise<Result> {
  const folder = createFolder()
  const { port, server } = await begin(folder)
  try {
    const url = `http://127.0.0.1:${port}${path}`
    const posting = { connections, threads: 2, body }
    await postTo(url, { ...posting, seconds: warmSeconds, prefix: 'warm' })
    const before = cpuSeconds(server)
    const { count, seconds: took, p99, refused } = await postTo(url, { ...posting, seconds, prefix: 'app' })
    const cpu = (1e6 * (cpuSeconds(server) - before)) / count
    return { rate: (count - refused) / took, refused, p99, cpu, memory: memoryOf(server) }
  } finally {
    await kill(server)
    rmSync(folder, { recursive: true })
  }
}

const missing = [['wrk', '-v'] as const, [alertmanager, '--version'] as const]
  .filter(([program, option]) => spawnSync(program, [option]).error !== undefined)
  .map(([program]) => program)
if (missing.length > 0) process.stdout.write(`skipped: ${missing.join(' and ')} not found on the PATH\n`)
else await compare()

async function compare(): Promise<void> {
  const results = new Map<Peer, Result[]>(peers.map((peer) => [peer, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [peer, known] of results) known.push(await measure(peer))
  }
  const columns = ['events/s', 'of Fastify', '202 p99', 'CPU of an event', 'memory', 'on disk', 'refused']
  process.stdout.write(`${' '.repeat(14)}${columns.map((name) => name.padStart(17)).join('')}\n`)
  const of = (peer: Peer, key: keyof Result) => median((results.get(peer) ?? []).map((result) => result[key]))
  const [bare] = peers
  for (const peer of peers) {
    const rate = of(peer, 'rate')
    const cells = [
      ...[rate.toFixed(0), (rate / (bare ? of(bare, 'rate') : 1)).toFixed(2), `${of(peer, 'p99').toFixed(1)} ms`],
      ...[`${of(peer, 'cpu').toFixed(0)} µs`, `${of(peer, 'memory').toFixed(0)} MB`, peer.isDurable ? 'yes' : 'no'],
      of(peer, 'refused').toFixed(0)
    ]
    process.stdout.write(`${peer.name.padEnd(14)}${cells.map((cell) => cell.padStart(17)).join('')}\n`)
  }
}
