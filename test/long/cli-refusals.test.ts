// Refusals at the command line: what cannot be done is explained in a sentence, with what to do, no secret, and the exit code.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createListener } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { whyUnanswered } from '../../src/cli/unanswered.ts'
import { run } from '../fixtures/process.ts'
import { tempFolder } from '../fixtures/relay.ts'

t.test('wrong use, and what cannot run here, is explained in a sentence, with exit code 2', async (t) => {
  const cases: [string[], Record<string, string>, RegExp][] = [
    [['chek'], {}, /unknown command 'chek'[\s\S]*check/],
    [['check'], {}, /missing required argument 'config'/],
    [['check', '/nowhere.yaml'], {}, /nowhere\.yaml does not exist/],
    [
      ['serve'],
      { CONFIG_FILE: '/nowhere.yaml' },
      /^cannot read CONFIG_FILE \/nowhere\.yaml: it does not exist; set CONFIG_FILE to where yours is\n$/
    ],
    [
      ['serve', '--example'],
      { PORT: 'eighty' },
      /the environment has errors: PORT has to be a number from 0 to 65535\n$/
    ],
    [['serve', '--example'], { LOG_LEVEL: 'Info' }, /LOG_LEVEL has to be one of fatal, error, warn, info/],
    [
      ['serve', '--example'],
      { PUBLIC_URL: 'relay.acme.dev' },
      /PUBLIC_URL has to be an address that begins with https:/
    ],
    [
      ['serve', '--example'],
      { ADMIN_TOKEN: '"t0ken"', PORT: "'0'" },
      /take out the quotes around PORT, ADMIN_TOKEN\n$/
    ],
    [
      ['serve'],
      { CONFIG_FILE: tempFolder(t) },
      /^cannot read CONFIG_FILE \/.*: it is a directory: name the file in it\n$/
    ],
    [
      ['serve'],
      { CONFIG_FILE: `${import.meta.filename}/config.yaml` },
      /: it is not there: a part of its path is a file, not a folder\n$/
    ],
    [['retry'], {}, /give the ids of dead letters, or --all/],
    [['notifications', '--url', 'http://127.0.0.1:1'], {}, /^no answer from http:\/\/127\.0\.0\.1:1: ECONNREFUSED\n$/],
    [['serve', '--example'], { DATABASE_URL: 'mysql://x' }, /DATABASE_URL has to be sqlite:<path> or postgres/]
  ]
  for (const [args, env, text] of cases) {
    const { code, err } = await run(args, env)
    t.equal(code, 2, args.join(' '))
    t.match(err, text)
    t.notMatch(err, /\n {4}at /, 'no stack')
  }
})

t.test('a file that a relay would not read cannot be tried either', async (t) => {
  const folder = tempFolder(t)
  const large = join(folder, 'large.yaml')
  writeFileSync(large, `#${' '.repeat(8 * 1024 * 1024)}`)
  const says = /large\.yaml has more than 8 MiB: is it another file\?/
  for (const call of [
    ['check', large],
    ['explain', large, 'x'],
    ['test', large, 'x'],
    ['replay', '--config', large]
  ])
    t.match(await run(call), { code: 2, err: says }, call.join(' '))
  t.match((await run(['check', folder])).err, /is a directory: name the file in it/)
  t.match((await run(['check', join(folder, 'none.yaml')])).err, /none\.yaml does not exist/)
})

t.test('help is about an existing command; a wrong call refers to the help of its own command', async (t) => {
  const helps = [['help', 'check'], ['help', 'silence', 'add'], ['silence', 'help', 'add'], ['help', 'help'], ['help']]
  for (const call of helps) {
    const usage = `Usage: flux-relay ${call.filter((word) => word !== 'help').join(' ')}`
    t.match(await run(call), { code: 0, out: new RegExp(`^${usage}`), err: /^$/ }, call.join(' '))
  }
  const wrong: [string[], RegExp][] = [
    [['help', 'nope'], /^error: unknown command 'nope'\n\(--help lists the commands\)\n$/],
    [['help', 'chek'], /^error: unknown command 'chek'\n\(Did you mean check\?\)/],
    [['chek', '--help'], /^error: unknown command 'chek'\n\(Did you mean check\?\)/],
    [['silence', 'ad', '-h'], /^error: unknown command 'ad'\n\(Did you mean add\?\)/],
    [['help', 'silence', 'nope'], /^error: unknown command 'nope'/],
    [['silence', 'help', 'nope'], /^error: unknown command 'nope'/],
    [['check'], /'config'\n\(flux-relay check --help lists what it takes\)\n$/],
    [['check', '--dril', 'a.yaml'], /--drill\?\)\n\(flux-relay check --help lists what it takes\)\n$/],
    [['silence', 'add', '--for', '2h'], /\(flux-relay silence add --help lists what it takes\)\n$/]
  ]
  for (const [call, says] of wrong) t.match(await run(call), { code: 2, out: /^$/, err: says }, call.join(' '))
})

t.test('a relay that cannot listen says where, why and what to write instead', async (t) => {
  const env = { DATABASE_URL: `sqlite:${join(tempFolder(t), 'relay.db')}` }
  const other = createListener().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const cases: [Record<string, string>, RegExp][] = [
    [{ HOST: '127.0.0.1', PORT: String(port) }, new RegExp(`on port ${port} .* another with PORT=${port + 1}\n$`)],
    [{ HOST: '[::1]' }, /^HOST=\[::1\]: brackets belong into URLs; write HOST=::1\n$/],
    [{ HOST: '192.0.2.1' }, /^HOST=192\.0\.2\.1 is not an address of this machine .*: 0\.0\.0\.0 is all/],
    [{ HOST: 'http://0.0.0.0' }, /^HOST=http:\/\/0\.0\.0\.0 is not an address of this machine/],
    [{ HOST: '192.0.2.77' }, /^HOST=192\.0\.2\.77 is not an address of this machine/]
  ]
  for (const [wrong, says] of cases) {
    const { code, err } = await run(['serve', '--example'], { ...env, PORT: '0', ...wrong })
    t.equal(code, 2, JSON.stringify(wrong))
    t.match(err, says)
  }
})

t.test('whatever ends a start repeats no password of the environment', async (t) => {
  const env = { DATABASE_URL: `sqlite:${join(tempFolder(t), 'relay.db')}`, PORT: '0' }
  for (const address of ['http://relay:pa$$-SECRET@a collector', 'otel-collector:4317']) {
    const refused = await run(['serve', '--example'], { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: address })
    t.equal(refused.code, 2)
    t.equal(
      refused.err,
      'OTEL_EXPORTER_OTLP_ENDPOINT is not an address such as http://otel-collector.monitoring:4318\n'
    )
  }
  const thrown = await run(['serve', '--example'], { ...env, HOST: 'pa$$-SECRET', PGPASSWORD: 'pa$$-SECRET' })
  t.equal(thrown.code, 2)
  t.match(thrown.err, /\[redacted\]/)
  t.notMatch(thrown.err, 'SECRET')
  const shown = await run(['serve', '--example'], { ...env, PUBLIC_URL: 'https://ops:pa$$-SECRET@relay.acme.dev' })
  t.equal(shown.code, 2)
  t.match(shown.err, /PUBLIC_URL has to be .* or a password, which every message would show/)
  t.notMatch(shown.err, 'SECRET')
})

t.test("a password in the relay's address is not repeated when something else answers there", async (t) => {
  const server = createServer((_, response) => response.setHeader('content-type', 'application/json').end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const { code, err } = await run([
    'replay',
    '--config',
    'config.example.yaml',
    '--url',
    `http://ops:pa$$-SECRET@${place}`
  ])
  t.equal(code, 2)
  t.match(err, `http://${place} answers 200: is that a flux-relay?`)
  t.notMatch(err, 'SECRET')
})

t.test('a redirect is not followed, as the token would go along; the message says where it leads', async (t) => {
  let to = ''
  const elsewhere = createServer((_, response) => response.writeHead(301, { location: to }).end())
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  t.teardown(() => elsewhere.close())
  const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`
  const cases: [location: string, says: string][] = [
    [
      'https://relay.acme.dev/api/objects?token=SECRET',
      'it redirects to https://relay.acme.dev: if that is the relay, give that address as --url or in the variable RELAY_URL'
    ],
    ['/login?next=SECRET', 'it redirects to another page: is that a flux-relay?'],
    ['http://[', 'it redirects to another page: is that a flux-relay?']
  ]
  for (const [location, says] of cases) {
    to = location
    t.match(await run(['objects'], { RELAY_URL: url }), { code: 2, out: '', err: `${url} answers 301: ${says}\n` })
  }
})

t.test('the name and the password in the address of a relay are used if no token is given', async (t) => {
  const asked: string[] = []
  const relay = createServer(({ headers }, response) => {
    asked.push(Buffer.from(headers.authorization?.slice(6) ?? '', 'base64').toString())
    response.setHeader('content-type', 'application/json').end('{"sources":[]}')
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  t.teardown(() => relay.close())
  const place = `127.0.0.1:${(relay.address() as AddressInfo).port}`
  await run(['sources'], { RELAY_URL: `http://ann%20b:pa%25%3Ass@${place}/` })
  await run(['sources', '--token', 'other'], { RELAY_URL: `http://ann:pass@${place}` })
  await run(['sources'], { RELAY_URL: `http://${place}/?token=in-query` })
  t.same(asked.slice(0, 2), ['ann b:pa%:ss', 'ann:other'])
  t.match(asked[2], /:in-query$/)
})

t.test('another program that answers with JSON is not taken for a relay, and nothing counts as done', async (t) => {
  const calls = [
    ...['status', 'events', 'objects', 'lanes', 'sources', 'acts', 'notifications'].map((name) => [name]),
    ...[
      ['why', '1'],
      ['ack', '1'],
      ['unblock', 'a'],
      ['retry', '1'],
      ['retry', '--all'],
      ['discard', '1']
    ],
    ...[
      ['silence', 'list'],
      ['silence', 'add', '--match', 'name=x', '--for', '1h'],
      ['silence', 'expire', '1']
    ]
  ]
  let says = ''
  const other = createServer((_, response) => response.setHeader('content-type', 'application/json').end(says))
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  const refused = async (call: string[]) => {
    const said = await run(call, { RELAY_URL: `http://127.0.0.1:${port}` })
    t.match(said, { code: 2, out: '', err: /answers 200: is that a flux-relay\?\n$/ }, `${call.join(' ')}: ${says}`)
  }
  for (says of ['null', '[]']) await Promise.all(calls.slice(0, 2).map(refused))
  says = '{"status":"ok"}'
  for (const call of calls) await refused(call)
})

t.test('an answer that is missing or cut off is explained in a sentence', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('{"objects": [', () => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const call of [['objects'], ['status'], ['why', '1'], ['silence', 'list']])
    t.match(
      await run(call, { RELAY_URL: url }),
      {
        code: 2,
        out: '',
        err: /^no answer from http:\/\/[\d.:]+: the connection ended before the answer did \(.+\)\n$/
      },
      call.join(' ')
    )
  const late = await new Promise((resolve) => {
    const signal = AbortSignal.timeout(0)
    signal.addEventListener('abort', () => resolve(signal.reason))
  })
  t.equal(whyUnanswered(late, 15_000), 'nothing came within 15 s')
})

t.test(
  'output that cannot be written is reported, and is not a success',
  { skip: !existsSync('/dev/full') },
  async (t) => {
    const main = join(import.meta.dirname, '..', '..', 'src', 'main.js')
    const full = openSync('/dev/full', 'w')
    t.teardown(() => closeSync(full))
    for (const call of [['template'], ['check', 'config.example.yaml'], ['completion', 'bash'], ['--help']]) {
      const { status, stderr } = spawnSync(process.execPath, [main, ...call], {
        cwd: join(import.meta.dirname, '..', '..'),
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8'
      })
      t.match({ status, stderr }, { status: 2, stderr: 'the output could not be written: ENOSPC\n' }, call.join(' '))
    }
  }
)
