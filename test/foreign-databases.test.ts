// Foreign databases: those of other programs or versions are not changed, and the relay says what they are.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { openStore } from '../src/store/open.ts'
import { verify } from '../src/store/verify/verify.ts'
import { execute, startPostgres } from './fixtures/postgres.ts'
import { tempFolder } from './fixtures/relay.ts'

function made(t: Test, sql: string): string {
  const file = join(tempFolder(t), 'relay.db')
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
  return file
}

function versionOf(version: number): string {
  const files = Array.from({ length: version }, (_, n) => new URL(`../src/store/sqlite/${n + 1}.sql`, import.meta.url))
  return `${files.map((file) => readFileSync(file, 'utf8')).join(';\n')}; pragma user_version = ${version}`
}

t.test('a file of another program is refused and stays as it is', async (t) => {
  const others = {
    'with tables of its own': 'create table dashboards (id integer primary key)',
    'with a table that has the name of one of ours': 'create table events (id integer primary key)',
    'of a version that we have, too': 'create table users (id integer primary key); pragma user_version = 5',
    'of our latest version': 'create table users (id integer primary key); pragma user_version = 9',
    'of a version beyond ours': 'create table lanes (id integer primary key); pragma user_version = 77'
  }
  for (const [what, sql] of Object.entries(others)) {
    const file = made(t, sql)
    const before = readFileSync(file)
    const refused = {
      code: 'BAD_DATABASE',
      message: /^cannot use the database: \S+ belongs to another program; is the path/
    }
    await t.rejects(openStore(`sqlite:${file}`), refused, what)
    await t.rejects(verify(`sqlite:${file}`), refused, what)
    t.ok(readFileSync(file).equals(before), `${what}: nothing is changed`)
  }
})

t.test("an empty file, or a relay's of any version, is accepted", async (t) => {
  const own = [
    '',
    'create table gone (id integer primary key autoincrement); drop table gone',
    versionOf(1),
    versionOf(9)
  ]
  for (const sql of own) {
    const store = await openStore(`sqlite:${made(t, sql)}`)
    await t.resolves(store.ping())
    await store.close()
  }
})

t.test('a database that lacks something is not said to be damaged', async (t) => {
  const missing = {
    code: 'BAD_DATABASE',
    message: /; it is of an earlier version, or no relay has used it: start this/
  }
  for (const sql of ['', versionOf(1), versionOf(5)]) await t.rejects(verify(`sqlite:${made(t, sql)}`), missing)
  const { url } = await startPostgres(t)
  await t.rejects(verify(url), missing)
  await execute(url, 'create table events (id bigint)')
  await t.rejects(openStore(url), {
    message: /relation "events" already exists \(42P07\); another program has its tables there: make a database/
  })
})
