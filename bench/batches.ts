// `npm run bench batches`: what committing several events at once saves.
// The more arrive at once, the more events share a commit.
import { rmSync } from 'node:fs'
import { cpuSeconds, createFolder, load, startRelay } from './servers.ts'

const rounds = 3
const sliceMs = 1500
const connections = [1, 4, 16, 64, 256]

const folder = createFolder()
const { port, relay } = await startRelay(folder, 'relay.db')

/** Counts of events and commits so far. */
async function committed(): Promise<{ events: number; commits: number }> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const read = (what: string) => Number(new RegExp(`^flux_relay_commit_events_${what} (\\S+)$`, 'm').exec(text)?.[1])
  return { events: read('sum'), commits: read('count') }
}

await load(port, 64, 1500, 0, 'warm')
const columns = ['connections', 'in a commit', 'events/s', 'p50', 'p99', 'p99.9', 'CPU of an event']
process.stdout.write(`${columns.map((name) => name.padStart(13)).join('')}\n`)
// Rows take turns, so that a busy moment of the machine does not hit one row alone; the best of each counts.
const best = new Map<number, { rate: number; cells: string[] }>()
for (let round = 0; round < rounds; round++) {
  for (const count of connections) {
    const [before, cpuBefore] = [await committed(), cpuSeconds(relay)]
    const measured = await load(port, count, sliceMs, 0, `app-${round}-${count}`)
    const [after, cpu] = [await committed(), cpuSeconds(relay) - cpuBefore]
    if (measured.refused > 0) throw new Error(`${measured.refused} events were refused`)
    if (measured.rate < (best.get(count)?.rate ?? 0)) continue
    const inCommit = (after.events - before.events) / (after.commits - before.commits)
    const times = [measured.p50, measured.p99, measured.p999].map((ms) => `${ms.toFixed(1)} ms`)
    const cells = [`${inCommit.toFixed(1)}`, `${measured.rate.toFixed(0)}`, ...times]
    best.set(count, { rate: measured.rate, cells: [...cells, `${((1e6 * cpu) / measured.count).toFixed(0)} µs`] })
  }
}
for (const [count, { cells }] of best) {
  process.stdout.write(`${[`${count}`, ...cells].map((cell) => cell.padStart(13)).join('')}\n`)
}
relay.kill('SIGKILL')
rmSync(folder, { recursive: true })
