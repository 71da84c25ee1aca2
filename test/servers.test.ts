// Servers of PostgreSQL: the relay finds the one that accepts writes, and leaves one that no longer does.
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { openStore } from '../src/store/open.ts'
import { addressesIn } from '../src/store/postgres/servers.ts'
import { execute, startPostgres } from './fixtures/postgres.ts'
import { freePort } from './fixtures/process.ts'
import { about, type Relay, startRelay } from './fixtures/relay.ts'

// Before any test, because tap ends a file that has a teardown and, for a moment, no test.
const one = await startPostgres(t, { isOwn: true })
const other = await startPostgres(t, { isOwn: true })

t.test('an address of several servers becomes one for each, equal in everything but the host', async (t) => {
  const cases: [url: string, addresses: string[]][] = [
    [
      'postgres://u:p@a:5432,b/db?sslmode=disable',
      ['postgres://u:p@a:5432/db?sslmode=disable', 'postgres://u:p@b/db?sslmode=disable']
    ],
    ['postgresql://a,b,c/db', ['postgresql://a/db', 'postgresql://b/db', 'postgresql://c/db']],
    ['postgres://u:p,q@[::1]:5432,[::2]:5433/db', ['postgres://u:p,q@[::1]:5432/db', 'postgres://u:p,q@[::2]:5433/db']],
    ['postgres://u:p,q@a/db?application_name=x,y', ['postgres://u:p,q@a/db?application_name=x,y']],
    ['postgres:///db?host=/run/postgresql', ['postgres:///db?host=/run/postgresql']],
    // As the driver wants them, which would otherwise warn of its next version on standard error.
    ['postgres://a/db?sslmode=require&x=y', ['postgres://a/db?sslmode=verify-full&x=y']],
    ['postgres://a/db?uselibpqcompat=true&sslmode=require', ['postgres://a/db?uselibpqcompat=true&sslmode=require']]
  ]
  for (const [url, addresses] of cases) t.same(addressesIn(url), addresses, url)
})

/** The hosts and addresses of both servers, with a user that both know. */
async function admitBoth(): Promise<{ hosts: string[]; address(hosts: readonly string[]): string }> {
  const name = `both_${Date.now()}`
  for (const { url } of [one, other]) {
    await execute(url, `create role ${name} superuser login password 'both'`)
    await execute(url, `create database ${name}`)
  }
  return {
    hosts: [one, other].map(({ url }) => new URL(url).host),
    address: (hosts) => `postgres://${name}:both@${hosts.join()}/${name}`
  }
}

/** Posts as Flux does until it is accepted, or for too long. */
async function statusInTheEnd(relay: Relay, name: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    const { status } = await relay.post(about(name))
    if (status === 202 || tries === 100) return status
    await pause(50)
  }
}

const isOurs = process.env['TEST_DATABASE_URL'] === undefined
const skip = isOurs ? false : 'needs two servers of its own'

t.test('a server that does not answer is passed over', { skip }, async (t) => {
  const { hosts, address } = await admitBoth()
  const relay = await startRelay(t, { env: { DATABASE_URL: address([`127.0.0.1:${await freePort()}`, ...hosts]) } })
  t.equal(await statusInTheEnd(relay, 'app'), 202)
})

t.test('a standby is passed over, and a server that becomes one is left', { skip }, async (t) => {
  const { hosts, address } = await admitBoth()
  const url = address(hosts)
  const [first = '', second = ''] = hosts.map((host) => address([host]))
  async function set(server: string, mode: 'on' | 'off'): Promise<void> {
    await execute(server, `alter system set default_transaction_read_only = ${mode}`)
    await execute(server, 'select pg_reload_conf()')
    // It takes a moment until new connections have the setting, and then all have it.
    const shown = () => execute(server, 'show default_transaction_read_only')
    while ((await shown())[0]?.['default_transaction_read_only'] !== mode);
  }
  const namesIn = async (server: string) =>
    (await execute(server, 'select name from events order by id')).map(({ name }) => name)

  // Creates the tables on both.
  await (await openStore(first)).close()
  await set(first, 'on')
  const relay = await startRelay(t, { env: { DATABASE_URL: url } })
  t.equal(await statusInTheEnd(relay, 'to-second'), 202)
  t.same(await namesIn(second), ['to-second'])

  // Under the relay's open connections, as when a primary is demoted.
  await set(second, 'on')
  t.equal((await relay.post(about('refused'))).status, 503, 'what cannot be stored is not accepted')
  t.same(await namesIn(second), ['to-second'])

  await set(first, 'off')
  t.equal(await statusInTheEnd(relay, 'to-first'), 202, 'the server that takes writes by now is found')
  t.same(await namesIn(first), ['to-first'])
  t.same(await namesIn(second), ['to-second'])
  await set(second, 'off')
})
