// The way to PostgreSQL: nobody on it can read the password, unless the address explicitly allows that.

import { join } from 'node:path'
import t from 'tap'
import { moveToPostgres } from '../src/store/migrate.ts'
import { openStore } from '../src/store/open.ts'
import { checkUrl } from '../src/store/postgres/connections.ts'
import { openDatabase } from '../src/store/sqlite/file.ts'
import { verify } from '../src/store/verify/verify.ts'
import { tempFolder } from './fixtures/relay.ts'

/** The verdict on an address: refused, accepted with a warning, or accepted. */
function judge(url: string): 'refused' | 'warned' | 'taken' {
  try {
    return checkUrl(url).isReadable ? 'warned' : 'taken'
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === 'BAD_DATABASE' && /sslmode=verify-full/.test(message) && !/s3cret/.test(message)) return 'refused'
    throw error
  }
}

const far = 'postgres://relay:s3cret@db.example.com/relay'
const near = 'postgres://relay:s3cret@127.0.0.1/relay'

t.test('a network address without TLS is refused, and the refusal says what to write', async (t) => {
  const bare = [
    far,
    'postgresql://relay:s3cret@postgres:5432/relay',
    'postgres://relay@10.1.2.3/relay',
    'postgres://relay:s3cret@127.0.0.1.example.com/relay',
    'postgres://relay:s3cret@localhost.example.com/relay',
    'postgres://relay:s3cret@[2001:db8::1]/relay',
    'postgres:///relay?host=db.example.com&user=relay&password=s3cret',
    'postgres://relay:s3cret@127.0.0.1/relay?host=db.example.com',
    'postgres://relay:s3cret@127.0.0.1,db.example.com/relay',
    `${far}?ssl=0`,
    `${far}?application_name=sslmode=disable`,
    `${far}?application_name=x`
  ]
  for (const url of bare) t.equal(judge(url), 'refused', url)
})

t.test('an address with TLS, or on this machine, is accepted', async (t) => {
  const modes = ['verify-full', 'verify-ca', 'require', 'prefer', 'allow', 'no-verify']
  const urls = [
    ...modes.map((mode) => `${far}?sslmode=${mode}`),
    `${far}?ssl=true`,
    `${far}?sslmode=verify-full&application_name=x`,
    near,
    `${near}?sslmode=disable`,
    'postgres://relay:s3cret@localhost:5432/relay',
    'postgres://relay:s3cret@[::1]/relay',
    'postgres:///relay',
    'postgres:///relay?host=/run/postgresql',
    'postgres://relay:s3cret@%2Frun%2Fpostgresql/relay',
    'postgres://relay:s3cret@db.example.com/relay?host=127.0.0.1'
  ]
  for (const url of urls) t.equal(judge(url), 'taken', url)
})

t.test("an explicit plain-text connection causes a warning, even if the driver's variable asks for it", async (t) => {
  t.equal(judge(`${far}?sslmode=disable`), 'warned')
  t.equal(judge(`${far}?sslmode=require&sslmode=disable`), 'warned', 'the last counts, as with the driver')
  t.equal(judge(`${far}?sslmode=disable&sslmode=require`), 'taken')
  t.teardown(() => delete process.env['PGSSLMODE'])
  process.env['PGSSLMODE'] = 'disable'
  t.equal(judge(far), 'warned')
  process.env['PGSSLMODE'] = 'verify-full'
  t.equal(judge(far), 'taken')
})

t.test('a missing certificate file is reported as such', async (t) => {
  t.throws(() => checkUrl(`${far}?sslmode=verify-full&sslrootcert=/nowhere/ca.crt`), {
    code: 'BAD_DATABASE',
    message: 'DATABASE_URL names a file that cannot be read: ENOENT /nowhere/ca.crt'
  })
})

t.test('the same check applies to the relay, migrate and verify', async (t) => {
  const refused = { code: 'BAD_DATABASE', message: /sslmode=verify-full/ }
  await t.rejects(openStore(far), refused)
  await t.rejects(verify(far), refused)
  const file = join(tempFolder(t), 'relay.db')
  openDatabase(file).close()
  await t.rejects(
    moveToPostgres(file, far, () => {}),
    refused
  )
})
