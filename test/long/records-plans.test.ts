// Query plans: people's questions are answered from indexes, however much is stored: every statement is explained.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import t from 'tap'
import { objectKey } from '../../src/objects/name.ts'
import { openStore } from '../../src/store/open.ts'
import type { Sql } from '../../src/store/postgres/connections.ts'
import { askPostgres } from '../../src/store/postgres/records.ts'
import { unnamed } from '../../src/store/postgres/statements.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { keyOf } from '../../src/store/postgres/text.ts'
import { createReading } from '../../src/store/reading/reading.ts'
import type { Records } from '../../src/store/records.ts'
import { askSqlite } from '../../src/store/sqlite/records.ts'
import { execute, startPostgres } from '../fixtures/postgres.ts'
import { tempFolder } from '../fixtures/relay.ts'
import { at } from '../fixtures/store.ts'

const postgres = await startPostgres(t)

/** Every query, with filters that match much, little and nothing. */
async function askEverything(records: ReturnType<typeof createReading>): Promise<void> {
  const object = { cluster: 'c7', kind: 'k', namespace: 'n7', name: 'o7' }
  const filters: Parameters<Records['events']>[0][] = [
    {},
    object,
    { namespace: 'n7' },
    { namespace: 'n7', rule: 'r7' },
    { cluster: 'c7' },
    { name: 'o7' },
    { reason: 'none', state: 'sent' },
    { severity: 'error', transition: 'failed' },
    { rule: 'r7' },
    { destination: 'd7' },
    { destination: 'd7', state: 'dead' },
    { state: 'dead' },
    { state: 'pending' },
    { state: 'sent' },
    { since: 29_000 * 1000, until: 29_500 * 1000 },
    { rule: 'r7', since: 29_000 * 1000 },
    { search: { fields: { cluster: ['c7'], name: ['o*'], kind: ['K', 'x?'] }, words: ['deadline', 'a<b'] } },
    { search: { fields: { name: ['o7'] }, words: [] }, rule: 'r7' }
  ]
  for (const filter of filters) {
    for (const page of [{ limit: 100 }, { limit: 100, cursor: '15000' }, { limit: 100, order: 'asc' as const }]) {
      await records.events(filter, page)
    }
  }
  await records.event('7')
  await records.reportedBy('7')
  for (const [state, cursor] of [
    [undefined, '0:o5'],
    ['failing', '5:o5'],
    ['stale', '5:o5'],
    ['healthy', '0:o5']
  ] as const) {
    await records.objects({ state }, { limit: 100 }, at)
    await records.objects({ state }, { limit: 100, cursor }, at)
  }
  await records.objects(object, { limit: 1 }, at)
  await records.failures(at)
  for (const state of [undefined, 'pending', 'sent', 'dead', 'muted'] as const) {
    const more = [
      {},
      { rule: 'r7' },
      { destination: 'd7' },
      { lane: 'l7' },
      { namespace: 'n7' },
      { since: 29_000_000 },
      { search: { fields: { destination: ['d*'], name: ['o7'] }, words: ['build', 'n7/o7'] } }
    ]
    for (const filter of more) await records.notifications({ state, ...filter }, { limit: 100 })
  }
  await records.lanes()
  await records.laneHeads()
  await records.perMinute(29_000 * 1000, 30_000 * 1000)
  await records.latency(29_000 * 1000)
  await records.ruleHits(29_000 * 1000)
  await records.destinationTraffic(29_000 * 1000)
}

// Tables of a relay with a thousand rules, destinations and lanes; `n` counts from 1 to 30,000, one per second.
const rows = 30_000
const fill = (numbers: string) => [
  `insert into objects select 'o' || n, '{}', n, case when n % 100 = 0 then n end, '' from ${numbers}`,
  `insert into events (id, received_at, source, cluster, kind, namespace, name, severity, reason, transition, object, body, trace)
   select n, n * 1000, 's', 'c' || (n % 100), 'k', 'n' || (n % 1000), 'o' || (n % 1000), 'error', 'r', 'failed',
     'c' || (n % 100) || '/k/n' || (n % 1000) || '/o' || (n % 1000), '{"message":"${'kustomize build failed '.repeat(30)}"}',
     '{"verdicts":[],"quiet":[]}' from ${numbers}`,
  `insert into messages (lane, destination, state, payload, newest_at, notifications, created_at, settled_at)
   select 'l' || (n % 1000), 'd' || (n % 1000), case when n > 29900 then 'open' else 'sent' end, '{}', n, 1, n * 1000, n * 1000
   from ${numbers}`,
  `insert into notifications (event_id, rule, destination, lane, object, says, state, created_at, message_id)
   select n, 'r' || (n % 1000), 'd' || (n % 1000), 'l' || (n % 1000), 'o', 'failed',
     case when n % 50 = 0 then 'dead' when n > 29000 then 'pending' else 'sent' end, n * 1000,
     case when n <= 29000 or n > 29900 then n end from ${numbers}`,
  `insert into views select id, '{"says":"failed","object":{},"message":"m"}' from notifications`,
  `insert into attempts select n, n, 'ok' from ${numbers}`,
  `insert into lanes (key) select distinct lane from notifications`
]

const shapeOf = (sql: string) => sql.replaceAll(/\b\d+(, ?\d+)*\b/g, '0').replaceAll(/\s+/g, ' ')

t.test('no query reads a whole table of SQLite', async (t) => {
  const file = join(tempFolder(t), 'relay.db')
  await (await openStore(`sqlite:${file}`)).close()
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  const numbers = `(with recursive n(n) as (select 1 union all select n + 1 from n where n < ${rows}) select n from n)`
  for (const sql of fill(numbers)) db.exec(sql)
  const plans = new Map<string, string>()
  const query = (sql: string, ...values: (string | number)[]) => {
    const steps = db.prepare(`explain query plan ${sql}`).all(...values)
    plans.set(shapeOf(sql), steps.map(({ detail }) => String(detail)).join('\n'))
    return db.prepare(sql).all(...values) as Record<string, string | number>[]
  }
  await askEverything(createReading(askSqlite({ query } as Parameters<typeof askSqlite>[0]), objectKey))
  t.ok(plans.size > 30)
  // Lanes are few, and every query about them needs all of them.
  const tables =
    /SCAN (events|notifications|views|messages|objects|attempts|[envmo])\b(?! USING (COVERING )?INDEX (objects_failing|messages_open))/
  for (const [sql, plan] of plans) t.notMatch(plan, tables, sql)
})

t.test('no query reads a whole table of PostgreSQL', async (t) => {
  const url = await postgres.createDatabase()
  await (await openPostgres(url)).close()
  for (const sql of fill(`generate_series(1, ${rows}) n`)) await execute(url, sql)
  await execute(url, 'analyze')
  const client = new Client(url)
  await client.connect()
  t.teardown(() => client.end())
  const plans = new Map<string, string>()
  const sql: Sql = async (statement, values) => {
    const { text } = unnamed(statement, values)
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values as unknown[])
    plans.set(shapeOf(text), rows.map((row) => row['QUERY PLAN']).join('\n'))
    return client.query(text, values as unknown[])
  }
  await askEverything(createReading(askPostgres(sql), keyOf))
  t.ok(plans.size > 30)
  for (const [text, plan] of plans)
    t.notMatch(plan, /Seq Scan on (events|notifications|views|messages|objects|attempts)/, text)
})
