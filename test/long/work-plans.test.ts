// Plans of work: the relay's own work takes no longer when much is stored, or waits. Every statement in the tests of the store
// is explained, except those of people's queries (records-plans.test.ts).
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { openStore } from '../../src/store/open.ts'
import { tempFolder } from '../fixtures/relay.ts'

/** Together these tests make every statement of the store. */
const files = [
  'acts-store',
  'card-store',
  'clicks',
  'long/gathering-store',
  'lasting',
  'records',
  'long/rollout-sources',
  'rollout-store',
  'store'
]
const tests = join(import.meta.dirname, '..')

/** Statements for a start, or for an operator's act. */
const rare = [
  // Counts of what waits, by destination or lane.
  /^select destination, count\(\*\) as n from \(/,
  /^select count\(\*\) as n from \( select id, destination, lane, message_id/,
  /^select (distinct )?(destination, )?lane from \(/,
  // A new config file drops or moves a destination: reads only what waits there.
  /^select id, message_id from \(.* where \+destination = \? and lane = \? limit \d+$/,
  /^update notifications set lane = \?1 where id in/,
  // The clock was set back.
  /^select id, event_id, .* \(held_until <= \?2 or created_at > \?2 \+ \d+ or held_at > /,
  // The newest, by its id.
  /^select received_at as at from events order by id desc limit 1$/
]

/** Whole tables that grow, and indexes that have everything ever stored under one key. */
const unbounded =
  /SCAN (?!messages USING (COVERING )?INDEX messages_open|json_each|busy|held|CONSTANT|\(|sources|silences|announcements|pragma|sqlite_schema|gatherings)|INDEX (notifications_(to|rule|state)|events_(namespace|cluster)|messages_destination)\b|notifications_waiting \(lane=\?\)/

t.test("the relay's own work finds what it needs by keys", async (t) => {
  const folder = tempFolder(t)
  const noted = join(folder, 'statements')
  for (const file of files) {
    const args = ['--import', join(tests, 'fixtures', 'statements.mjs'), join(tests, `${file}.test.ts`)]
    const env = { ...process.env, STATEMENTS: noted, TAP: '1' }
    const { status, stdout } = spawnSync(process.execPath, args, { env, encoding: 'utf8', maxBuffer: 2 ** 28 })
    t.equal(status, 0, status === 0 ? file : stdout)
  }
  const database = join(folder, 'relay.db')
  await (await openStore(`sqlite:${database}`)).close()
  const db = new DatabaseSync(database)
  t.teardown(() => db.close())
  const found = readFileSync(noted, 'utf8').trim().split('\n')
  const asked = new Map(
    found
      .map((line): { by: string; sql: string } => JSON.parse(line))
      .filter(({ by, sql }) => !['', 'records.ts', 'schema.ts'].includes(by) && !/^\s*(pragma|explain)/i.test(sql))
      .map(({ by, sql }) => [sql.replaceAll(/\s+/g, ' ').trim(), by])
  )
  t.ok(asked.size > 120, `${asked.size} statements`)
  for (const [sql, by] of asked) {
    if (rare.some((known) => known.test(sql))) continue
    const steps = db.prepare(`explain query plan ${sql}`).all()
    t.notMatch(steps.map(({ detail }) => String(detail)).join('\n'), unbounded, `${by}: ${sql}`)
  }
})
