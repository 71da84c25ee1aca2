// `npm run bench million`: whether a relay with a million events behind it starts, takes and remembers as one with none.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createFolder, load, median, startRelay } from './servers.ts'

const rows = 1_000_000
const turns = 5

const folder = createFolder()

async function startOn(database: string): Promise<{ port: number; relay: ChildProcess; readyMs: number }> {
  const started = performance.now()
  const { port, relay } = await startRelay(folder, database)
  return { port, relay, readyMs: performance.now() - started }
}

async function stop(relay: ChildProcess): Promise<void> {
  relay.kill('SIGTERM')
  await once(relay, 'exit')
}

/** A month of a busy fleet: every event about one of 20,000 objects, sent once, long ago. */
function fill(database: string): void {
  const db = new DatabaseSync(join(folder, database))
  const numbers = `(with recursive n(n) as (select 1 union all select n + 1 from n where n < ${rows}) select n from n)`
  const body = JSON.stringify({ message: 'kustomize build failed: accumulating resources: no such file '.repeat(10) })
  const now = Date.now()
  db.exec('pragma synchronous = off; begin')
  db.exec(
    `insert into events (id, received_at, source, cluster, kind, namespace, name, severity, reason, transition, object, body, trace)
     select n, ${now} - (${rows} - n) * 2000, 'default', 'c' || (n % 200), 'Kustomization', 'n' || (n % 1000),
       'o' || (n % 20000), 'error', 'BuildFailed', 'failed', 'c' || (n % 200) || '/Kustomization/n' || (n % 1000) || '/o' || (n % 20000),
       '${body}', '{"verdicts":[],"quiet":[]}' from ${numbers};
     insert into notifications (id, event_id, rule, destination, lane, object, says, state, created_at, message_id)
     select n, n, 'failures', 'team', 'team', 'c/k/n/o' || (n % 20000), 'failed', 'sent', ${now} - (${rows} - n) * 2000, n / 50
     from ${numbers};
     insert into views select n, '{"says":"failed","object":{}}' from ${numbers};
     insert into messages (lane, destination, state, payload, newest_at, notifications, created_at, settled_at)
     select 'team', 'team', 'sent', '{"text":"sent"}', ${now}, 50, ${now}, ${now} from ${numbers} where n <= ${rows / 50}`
  )
  db.exec('commit')
  db.close()
}

/** Resident memory in MB. */
function memoryOf({ pid }: ChildProcess): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
}

// The tables are the relay's own to make.
await stop((await startOn('full.db')).relay)
fill('full.db')
const [full, empty] = [await startOn('full.db'), await startOn('empty.db')]
const rates = { full: [] as number[], empty: [] as number[] }
const idle = { full: memoryOf(full.relay), empty: memoryOf(empty.relay) }
for (let turn = 0; turn < turns; turn++) {
  for (const [name, { port }] of Object.entries({ full, empty })) {
    const { rate, refused } = await load(port, 64, 1500, 0, `app-${turn}`)
    if (refused > 0) throw new Error(`${refused} events were refused`)
    rates[name as 'full' | 'empty'].push(rate)
  }
}
const line = (what: string, ...cells: string[]) =>
  process.stdout.write(`${what.padEnd(16)}${cells.map((cell) => cell.padStart(18)).join('')}\n`)
line('', 'a million events', 'none')
line('ready after', `${full.readyMs.toFixed(0)} ms`, `${empty.readyMs.toFixed(0)} ms`)
line('memory', `${idle.full} MB`, `${idle.empty} MB`)
line('memory, loaded', `${memoryOf(full.relay)} MB`, `${memoryOf(empty.relay)} MB`)
const [fullRate, emptyRate] = [median(rates.full), median(rates.empty)]
line('events/s', fullRate.toFixed(0), emptyRate.toFixed(0))
process.stdout.write(`${(fullRate / emptyRate).toFixed(2)} of the rate\n`)
for (const { relay } of [full, empty]) relay.kill('SIGKILL')
rmSync(folder, { recursive: true })
