// `npm run bench intake`: the price of durability.
// The relay as it is shipped, every 202 on disk, rules and rendering included, beside Fastify alone with the same schema. The
// two take turns in slices, because machines are noisy.
import { rmSync } from 'node:fs'
import { freePort } from '../test/fixtures/process.ts'
import { cpuSeconds, createFolder, type Load, load, median, start, startRelay } from './servers.ts'

const slices = 7
const sliceMs = 900
const folder = createFolder()
const barePort = await freePort()
const { port: relayPort, relay } = await startRelay(folder, 'relay.db')
const servers = {
  bare: { port: barePort, process: await start('bench/bare.ts', { PORT: `${barePort}` }) },
  relay: { port: relayPort, process: relay }
}
let run = 0

const rows: [string, Load & { cpu: number }, Load & { cpu: number }][] = []
// Measured first, with a warm-up at the same rate: a faster one would leave a backlog of a hundred thousand being sent.
for (const { port } of Object.values(servers)) await load(port, 512, 2500, 300, `warm-${run++}`)
const [slowBare, slowRelay] = await takeTurns((port) => load(port, 512, 1200, 300, `lone-${run++}`), 3)
rows.push(['300 events/s', slowBare, slowRelay])
let ratio = 0
for (const connections of [64, 256]) {
  const [bare, relay] = await takeTurns((port) => load(port, connections, sliceMs, 0, `app-${run++}`))
  rows.push([`${connections} connections`, bare, relay])
  if (connections === 64) ratio = relay.rate / bare.rate
}

process.stdout.write('                     events/s        p50        p99      p99.9   CPU per event\n')
for (const [name, bare, relay] of rows) {
  process.stdout.write(`${name}\n${line('  Fastify alone', bare)}${line('  the relay', relay)}`)
  process.stdout.write(
    `  ${(relay.rate / bare.rate).toFixed(2)} of the rate, ${(relay.cpu / bare.cpu).toFixed(2)} × the CPU\n`
  )
}
for (const { process: server } of Object.values(servers)) server.kill('SIGKILL')
rmSync(folder, { recursive: true })
process.stdout.write(`ratio ${ratio.toFixed(2)}\n`)

type Measured = Load & { cpu: number }

/** Medians of all slices, of Fastify and of the relay. */
async function takeTurns(measure: (port: number) => Promise<Load>, times = slices): Promise<[Measured, Measured]> {
  const results: Record<'bare' | 'relay', Measured[]> = { bare: [], relay: [] }
  for (let slice = 0; slice < times; slice++) {
    for (const name of ['bare', 'relay'] as const) {
      const { port, process: server } = servers[name]
      const before = cpuSeconds(server)
      const measured = await measure(port)
      if (measured.refused > 0) throw new Error(`${name} refused ${measured.refused} events`)
      results[name].push({ ...measured, cpu: (1e6 * (cpuSeconds(server) - before)) / measured.count })
    }
  }
  return [medians(results.bare), medians(results.relay)]
}

function medians(all: Measured[]): Measured {
  const of = (key: keyof Measured) => median(all.map((one) => one[key]))
  return {
    count: of('count'),
    refused: 0,
    rate: of('rate'),
    p50: of('p50'),
    p99: of('p99'),
    p999: of('p999'),
    cpu: of('cpu')
  }
}

function line(name: string, { rate, p50, p99, p999, cpu }: Measured): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`.padStart(11)
  return `${name.padEnd(18)}${Math.round(rate).toString().padStart(11)}${ms(p50)}${ms(p99)}${ms(p999)}${`${cpu.toFixed(0)} µs`.padStart(16)}\n`
}
