// `npm run bench pages [postgres]`: what each page and each query costs with a million events and 10,000 failing objects.
// The whole program runs in this process, because CPU time is comparable even on a busy machine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { buildApp } from '../src/app.ts'
import { execute, startPostgres } from '../test/fixtures/postgres.ts'
import { openDatabaseClock } from './database.ts'
import { filling, rows } from './full-database.ts'
import { median } from './servers.ts'

const turns = 5
const lane = 'preview:team'

const object = 'cluster=c7&kind=Kustomization&namespace=n7&name=o7'
/** By what they ask for; each list is asked for something frequent, something rare and something absent. */
const pages = [
  ...['/', '/?q=cluster:c7', '/?q=deadline', '/?q=name:nothing-like-it'],
  ...['/objects', '/objects?state=failing', '/objects?state=stale', '/objects?state=healthy'],
  ...['/objects?q=name:o19*', '/objects?q=name:none', '/objects?state=failing&q=none', '/objects?state=healthy&q=none'],
  ...['/events', `/events?${object}`, '/events?cluster=c7', '/events?kind=HelmRelease', '/events?namespace=n7'],
  ...['/events?name=o7', '/events?name=none', '/events?reason=ReconciliationFailed', '/events?severity=info'],
  ...[
    '/events?transition=recovered',
    '/events?transition=updated',
    '/events?rule=rule-7',
    '/events?rule=rule-7&name=none'
  ],
  ...[
    '/events?destination=other',
    '/events?state=dead',
    '/events?state=muted',
    '/events?state=pending',
    '/events?state=sent'
  ],
  ...[
    '/events?state=discarded',
    '/events?since=1h',
    '/events?since=7d&name=none',
    '/events?q=immutable',
    '/events?q=no-such-word'
  ],
  ...['/events?q=name:o7*', '/events?q=name:none*', '/events?q=d2f1c0b7', '/events?cluster=c7&q=no-such-word'],
  ...['/events?namespace=n7&rule=rule-7', '/events?rule=rule-7&state=sent&q=nothing', `/events?${object}&since=7d`],
  ...[
    '/events?cursor=500000',
    '/events?cursor=500000&name=none',
    '/events?cursor=500000&rule=rule-7',
    '/events/500000',
    '/events/999999'
  ],
  ...[
    '/deliveries',
    '/deliveries?state=dead',
    '/deliveries?state=sent',
    '/deliveries?state=muted',
    '/deliveries?state=discarded'
  ],
  ...[
    '/deliveries?state=sent&name=none',
    '/deliveries?state=dead&rule=rule-0',
    '/deliveries?state=sent&q=none',
    '/deliveries?state=sent&cursor=500000'
  ],
  ...[
    '/deliveries/discard',
    '/deliveries/discard?destination=team',
    '/silences',
    '/silences/new?namespace=n7',
    '/silences/new?name=none'
  ],
  ...['/acts', '/acts?did=end', '/acts?since=1h', '/acts?cursor=10000', '/rules', '/rules/try', '/preview/team']
]
const queries = [
  ...[
    '/api/events',
    '/api/events?limit=500',
    '/api/events?name=none',
    '/api/events?q=no-such-word',
    `/api/events?${object}`
  ],
  ...[
    '/api/events?rule=rule-7&limit=500',
    '/api/events?cursor=500000&order=asc',
    '/api/events?since=7d&state=dead',
    '/api/events/500000'
  ],
  ...[
    '/api/objects',
    '/api/objects?state=failing',
    '/api/objects?state=failing&limit=500',
    '/api/objects?state=healthy&q=none'
  ],
  ...[
    `/api/objects?${object}`,
    '/api/notifications',
    '/api/notifications?limit=500',
    '/api/notifications?state=dead&limit=500'
  ],
  ...[
    '/api/notifications?name=none',
    '/api/notifications?state=pending&limit=500',
    '/api/notifications?destination=other&q=none'
  ],
  ...[
    '/api/lanes',
    '/api/sources',
    '/api/silences',
    '/api/acts',
    '/api/acts?limit=500',
    '/api/preview/team?limit=50',
    '/metrics'
  ]
]

const destinations = ['team', 'other'].map((name) => `  ${name}: { preview: true }`)
const rules = Array.from(
  { length: 40 },
  (_, n) => `  - { name: rule-${n}, match: { namespace: "n${n}*" }, send: team }`
)
const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
writeFileSync(
  join(folder, 'config.yaml'),
  `destinations:\n${destinations.join('\n')}\nmute:\n  - { name: nights, match: { namespace: "n99*" }, until: "2099-01-01T00:00:00Z" }\nrules:\n${rules.join('\n')}\n`
)

const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
const isPostgres = process.argv.includes('postgres')
const database = isPostgres
  ? (
      await startPostgres({ teardown: (end: () => unknown) => void undo.unshift(end) } as Parameters<
        typeof startPostgres
      >[0])
    ).url
  : `sqlite:${join(folder, 'relay.db')}`

const open = () =>
  buildApp({
    environment: {
      ...{
        CONFIG_FILE: join(folder, 'config.yaml'),
        DATABASE_URL: database,
        ADMIN_OPEN_TO: 'loopback',
        LOG_LEVEL: 'fatal'
      }
    }
  })

const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(0)
const say = (text: string) => process.stdout.write(`${text}\n`)

async function fill(): Promise<void> {
  if (isPostgres) {
    const statements = filling((count) => `generate_series(1::bigint, ${count}) n`, lane, Date.now())
    for (const sql of statements) await execute(database, sql)
    await execute(database, 'analyze')
    return
  }
  const db = new DatabaseSync(join(folder, 'relay.db'))
  const numbers = (count: number) =>
    `(with recursive n(n) as (select 1 union all select n + 1 from n where n < ${count}) select n from n)`
  db.exec('pragma synchronous = off; pragma cache_size = -200000; begin')
  for (const sql of filling(numbers, lane, Date.now())) db.exec(sql)
  db.exec('commit; pragma wal_checkpoint(truncate)')
  db.close()
}

interface Cost {
  path: string
  /** The first request, and the median of the others: ms of CPU in this process, and ms until the answer. */
  first: { cpu: number; wall: number }
  cpu: number
  wall: number
  /** PostgreSQL's CPU per request in ms, averaged over all. */
  database: number
  kilobytes: number
  status: number
}

async function costOf(app: Awaited<ReturnType<typeof open>>, path: string): Promise<Cost> {
  const times: { cpu: number; wall: number }[] = []
  const began = databaseSeconds()
  let [kilobytes, status] = [0, 0]
  for (let turn = 0; turn <= turns; turn++) {
    // Lets work begun by the previous request finish.
    await pause(2)
    const [cpu, wall] = [process.cpuUsage(), performance.now()]
    const response = await app.inject({ url: path, remoteAddress: '127.0.0.1' })
    const { user, system } = process.cpuUsage(cpu)
    times.push({ cpu: (user + system) / 1000, wall: performance.now() - wall })
    kilobytes = response.rawPayload.length / 1000
    status = response.statusCode
  }
  const [first = { cpu: 0, wall: 0 }, ...others] = times
  const database = (1000 * (databaseSeconds() - began)) / times.length
  return {
    ...{ path, first, database, kilobytes, status },
    ...{ cpu: median(others.map(({ cpu }) => cpu)), wall: median(others.map(({ wall }) => wall)) }
  }
}

// The relay creates the tables.
await (await open()).close()
const started = performance.now()
await fill()
say(
  `${rows.toLocaleString('en')} events in ${isPostgres ? 'PostgreSQL' : 'SQLite'}, written in ${seconds(started)} s; ms, the slowest first`
)
const databaseSeconds = isPostgres ? await openDatabaseClock(database) : () => 0
const app = await open()
await app.ready()
// By then the work of every start is done.
await pause(5000)
await costOf(app, '/')
const costs: Cost[] = []
for (const path of [...pages, ...queries]) costs.push(await costOf(app, path))
const line = (...cells: (string | number)[]) =>
  say(cells.map((cell, at) => (at === cells.length - 1 ? `  ${cell}` : String(cell).padStart(10))).join(''))
line('CPU', 'database', 'answer', 'first CPU', 'first', 'kB', 'status', 'what')
const sum = (cost: Cost) => cost.cpu + cost.database
for (const { path, first, cpu, database, wall, kilobytes, status } of costs.sort((a, b) => sum(b) - sum(a))) {
  line(
    cpu.toFixed(1),
    database.toFixed(0),
    wall.toFixed(1),
    first.cpu.toFixed(1),
    first.wall.toFixed(1),
    kilobytes.toFixed(0),
    status,
    path
  )
}
const over = costs.filter((cost) => sum(cost) > 100)
say(`${over.length} of ${costs.length} take more than 100 ms of CPU, the database's included`)
await app.close()
for (const end of undo) await end()
