// A PostgreSQL that cannot be opened: the start says where the relay looked, what the server said, and what to do.
import { join } from 'node:path'
import t from 'tap'
import { moveToPostgres } from '../src/store/migrate.ts'
import { openStore } from '../src/store/open.ts'
import { sayHint, sayPlace } from '../src/store/postgres/unopened.ts'
import { openDatabase } from '../src/store/sqlite/file.ts'
import { execute, startPostgres } from './fixtures/postgres.ts'
import { freePort } from './fixtures/process.ts'
import { tempFolder } from './fixtures/relay.ts'

const postgres = await startPostgres(t)

t.test('a database that cannot hold every message is refused before an event is accepted for it', async (t) => {
  const name = `latin_${Date.now()}`
  await execute(postgres.url, `create database ${name} encoding 'LATIN1' locale 'C' template template0`)
  t.teardown(() => execute(postgres.url, `drop database ${name} with (force)`))
  const url = Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href
  const refused = {
    code: 'BAD_DATABASE',
    message: /^the database is in LATIN1, .* create database relay encoding 'UTF8'/
  }
  await t.rejects(openStore(url), refused)
  const file = join(tempFolder(t), 'relay.db')
  openDatabase(file).close()
  await t.rejects(
    moveToPostgres(file, url, () => {}),
    refused
  )
})

t.test('a missing password is reported as such, without waiting', async (t) => {
  const url = Object.assign(new URL(postgres.url), { password: '' })
  const waiting = () => t.fail('it will not come by itself')
  const message = `cannot use the database at ${url.host}: it asks for a password, and there is none in DATABASE_URL (nor in PGPASSWORD)`
  await t.rejects(openStore(url.href, { waiting }), { code: 'BAD_DATABASE', message })
})

t.test('if nothing answers, that is reported with the address and what to check', async (t) => {
  const host = `127.0.0.1:${await freePort()}`
  const message = `cannot use the database at ${host}: ECONNREFUSED; is it up, and do host and port lead there?`
  await t.rejects(openStore(`postgres://relay:s3cret@${host}/relay`), { code: 'BAD_DATABASE', message })
})

t.test('an error of the server itself comes with what to do', async (t) => {
  const missing = Object.assign(new URL(postgres.url), { pathname: '/nowhere' })
  await t.rejects(openStore(missing.href), {
    message: `cannot use the database at ${missing.host}: database "nowhere" does not exist (3D000); make it: create database … encoding 'UTF8'`
  })
  t.match(sayHint('The server does not support SSL connections'), 'sslmode=disable')
  t.match(sayHint('SELF_SIGNED_CERT_IN_CHAIN'), 'sslrootcert')
  t.match(sayHint('CERT_HAS_EXPIRED'), 'renew it')
  t.match(sayHint('Connection terminated unexpectedly'), 'is that a PostgreSQL')
  t.match(sayHint('Connection terminated due to connection timeout'), 'NetworkPolicy')
  t.match(sayHint('canceling statement due to statement timeout (57014)'), 'statement_timeout')
  t.equal(sayHint('password authentication failed for user "relay" (28P01)'), '')
})

t.test('a search_path that leads nowhere is reported as such', async (t) => {
  const name = `lost_${Date.now()}`
  await execute(postgres.url, `create database ${name}`)
  t.teardown(() => execute(postgres.url, `drop database ${name} with (force)`))
  await execute(postgres.url, `alter database ${name} set search_path = nowhere`)
  const url = Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href
  await t.rejects(openStore(url), {
    code: 'BAD_DATABASE',
    message: /\(3F000\); search_path leads to no schema .* = public$/
  })
})

t.test('no part of an unencoded password is taken for an address', async (t) => {
  t.equal(sayPlace('postgres://relay:s3cret@a:5432,[::1]:5433/relay?sslmode=disable'), ' at a:5432,[::1]:5433')
  t.equal(sayPlace('postgres://db.example.com'), ' at db.example.com')
  const odd = ['re@la', 're/la', 're?la', 're#la', '12/la', '12?la', '@', '/@']
  for (const password of odd) t.equal(sayPlace(`postgres://relay:${password}@db/relay`), '', password)
  t.equal(sayPlace('postgres:///relay?host=/run/postgresql'), '')
})
