// Databases that are torn or damaged: what was acknowledged is not lost, and the relay says what is wrong.
import { once } from 'node:events'
import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { openDatabase } from '../../src/store/sqlite/file.ts'
import { verify } from '../../src/store/verify/verify.ts'
import { slackFor, start, startOn, unposted, usedDatabase } from '../fixtures/disk.ts'
import { run } from '../fixtures/process.ts'
import { tempFolder } from '../fixtures/relay.ts'

t.test('a log with a torn end keeps everything that was acknowledged', async (t) => {
  const slack = await slackFor(t)
  slack.behave('*', { status: 503, body: 'down' })
  const folder = tempFolder(t)
  const first = await start(t, folder, slack)
  const names = Array.from({ length: 50 }, (_, n) => `torn-${n}-x`)
  for (const name of names) t.equal((await first.post(name)).status, 202)
  first.relay.kill('SIGKILL')
  await once(first.relay, 'exit')
  const log = join(folder, 'relay.db-wal')
  // A frame of an unfinished transaction: the header of the last one, and half a page.
  const bytes = readFileSync(log)
  appendFileSync(log, bytes.subarray(32, 32 + 24 + 1000))
  slack.calm()
  const second = await start(t, folder, slack)
  await slack.until(() => unposted(slack, names).length === 0, 30_000).catch(() => {})
  t.same(unposted(slack, names), [])
  await second.stop()
})

t.test('damage of any page is found, and a relay that needs the page refuses to start', async (t) => {
  const file = await usedDatabase(t)
  const whole = readFileSync(file)
  const pageBytes = whole.readUInt16BE(16)
  const missed: number[] = []
  const answers = new Map<string, number>()
  for (let page = 1; page <= whole.length / pageBytes; page++) {
    const damaged = Buffer.from(whole)
    damaged.fill(0xa5, (page - 1) * pageBytes, page * pageBytes)
    writeFileSync(file, damaged)
    const isFound = await verify(`sqlite:${file}`).then(
      ({ damage, findings }) => damage.length > 0 || findings.some(({ rows }) => rows > 0),
      (error: Error) => /is not a SQLite database/.test(error.message)
    )
    if (!isFound) missed.push(page)
    // Not every page is needed at the start. A start takes its time, so only some pages are tried.
    if (![2, 12].includes(page)) continue
    answers.set(await startOn(t, dirname(file)), page)
    // The files that a killed relay leaves would replace the damaged page.
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  }
  t.same(missed, [])
  for (const [answer, page] of answers) {
    t.match(
      answer,
      /^started|^2: cannot (use|write to) the database: \S+ is (damaged|not a SQLite database)/,
      `page ${page}`
    )
  }
})

t.test('an invalid state in a row is found', async (t) => {
  const file = await usedDatabase(t)
  const found = async () => (await verify(`sqlite:${file}`)).findings.filter(({ rows }) => rows > 0)
  t.same(await found(), [])
  const db = openDatabase(file)
  db.exec("update messages set state = 'lost' where id = 1")
  db.close()
  t.match((await found())[0], { check: 'every state is one that there is', rows: 1, examples: ['1'] })
})

t.test('a truncated file is refused, and so is one that is not a database', async (t) => {
  const file = await usedDatabase(t)
  truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096)
  t.match(await startOn(t, dirname(file)), /^2: cannot use the database: \S+ is damaged: `flux-relay verify/)
  const { code, out } = await run(['verify', `sqlite:${file}`])
  t.equal(code, 1)
  t.match(out, /The database is damaged: stop the relay, keep the file/)

  writeFileSync(file, 'these are the notes of somebody\n'.repeat(1000))
  t.match(await startOn(t, dirname(file)), /^2: cannot use the database: \S+ is not a SQLite database/)
  t.equal(readFileSync(file, 'utf8').slice(0, 9), 'these are', 'and left as it is')
})

t.test('verify says what does not fit together', async (t) => {
  const file = await usedDatabase(t)
  const sound = await run(['verify', `sqlite:${file}`])
  t.equal(sound.code, 0)
  t.match(sound.out, /20 events\n.*20 notifications sent\n.*The database is sound\.\n$/s)
  const { DatabaseSync } = await import('node:sqlite')
  const db = new DatabaseSync(file)
  db.exec(`update notifications set state = 'pending' where id = 3; delete from events where id = 5`)
  db.close()
  const { code, out } = await run(['verify', `sqlite:${file}`])
  t.equal(code, 1)
  t.match(out, /1 against: every pending notification in a message is in an open one of its lane \(3\)/)
  t.match(out, /1 against: every notification has its event \(5\)/)
  for (const [unread, says] of [
    [`sqlite:${file}.missing`, /^there is no database .*missing\n$/],
    ['postgres://relay:p@127.0.0.1:1/relay', /^cannot read the database: ECONNREFUSED\n$/],
    ['mysql://relay', /^name a database as in DATABASE_URL: /]
  ] as const)
    t.match(await run(['verify', unread, '--json']), { code: 2, out: '', err: says }, 'nothing is known of it')
})
