// Log: never shows a secret or a webhook URL, whichever way it got there.
import { Writable } from 'node:stream'
import t from 'tap'
import { secretsIn } from '../src/env-secrets.ts'
import { createLog, linesTo } from '../src/log.ts'

const webhook = 'https://hooks.slack.com/services/T000/B000/XXXXsecretXXXX'
// As they come from files and the environment: some with a line end, some with characters that JSON escapes.
const secrets = [webhook, 'hmac-key-1\n', 'pass"word\\1', 'abcdef']

type Say = (log: ReturnType<typeof createLog>) => void

function linesOf(say: Say): string {
  let lines = ''
  const log = createLog([], () => secrets, { write: (line: string) => (lines += line) })
  log.level = 'trace'
  say(log)
  return lines
}

function failed(message: string): Error {
  return Object.assign(new Error(message), { code: 'UND_ERR_SOCKET', options: { url: message } })
}

function inStack(text: string): Error {
  const error = new Error('other side closed')
  error.stack = `Error: other side closed\n    at ${text}:1:2\n    at post (${text})`
  return error
}

const ways: [way: string, say: (text: string) => Say][] = [
  ['the message', (text) => (log) => log.info(`posting to ${text} failed`)],
  ['a field', (text) => (log) => log.warn({ url: text }, 'posting')],
  ['a field’s name', (text) => (log) => log.warn({ [text]: 1 }, 'posting')],
  ['nested objects and lists', (text) => (log) => log.debug({ request: { to: [{ url: text }, `<${text}|x>`] } }, 'x')],
  ['a child’s bindings', (text) => (log) => log.child({ lane: text }).error('posting')],
  ['an error’s message', (text) => (log) => log.error(failed(`connect ECONNREFUSED ${text}`), 'posting')],
  ['an error’s stack', (text) => (log) => log.error({ err: inStack(text) }, 'posting')],
  ['an error’s cause', (text) => (log) => log.error(new Error('fetch failed', { cause: failed(text) }))],
  ['errors of an error', (text) => (log) => log.fatal(new AggregateError([failed(text), failed(text)], 'all failed'))],
  ['a text of several lines', (text) => (log) => log.trace(`one\n${text}\n${text}\nfour`)]
]

for (const [way, say] of ways) {
  t.test(`no secret gets through in ${way}`, async (t) => {
    for (const secret of secrets.map((value) => value.trim())) {
      const lines = linesOf(say(secret))
      t.notMatch(lines, secret.slice(-5), secret)
      t.notMatch(lines, JSON.stringify(secret).slice(1, -1), `${secret}, as JSON writes it`)
      t.match(lines, '[redacted]', 'and what was there is marked')
      for (const line of lines.trim().split('\n')) t.doesNotThrow(() => JSON.parse(line), 'the line is still JSON')
    }
  })
}

t.test('webhook URLs of others are not our secrets, but are kept out all the same', async (t) => {
  const urls = [
    'https://hooks.slack.com/services/T1/B1/abcSECRET',
    'https://hooks.slack.com/services/T1/B1/abcSECRET?x=1',
    'https://hooks.slack-gov.com/services/T1/B1/abcSECRET',
    'https://hooks.slack.com/triggers/T1/123/abcSECRET',
    'https://hooks.slack.com/workflows/T1/A1/123/abcSECRET',
    'http://127.0.0.1:8080/services/T1/B1/abcSECRET'
  ]
  for (const url of urls) {
    for (const [way, say] of ways) t.notMatch(linesOf(say(url)), 'SECRET', `${url} in ${way}`)
  }
  const lines = linesOf((log) => log.info({ url: urls[0] }, 'posting'))
  t.match(lines, '"url":"https://hooks.slack.com/services/[redacted]"', 'whose it was can still be seen')
})

t.test('whatever is not secret stays', async (t) => {
  const fields = { url: 'https://git.example.com/services', commit: 'abcde', at: 1, team: ['a', 'b'] }
  t.match(JSON.parse(linesOf((log) => log.info(fields, 'Ünïcödé & "quotes"'))), {
    ...fields,
    msg: 'Ünïcödé & "quotes"'
  })
})

t.test('secrets added by a reload are kept out from then on', async (t) => {
  let lines = ''
  let known: string[] = []
  const log = createLog([], () => known, { write: (line: string) => (lines += line) })
  known = ['brand-new']
  log.info({ key: 'brand-new' }, 'reloaded')
  t.notMatch(lines, 'brand-new')
})

t.test('a secret that a reload replaced is still kept out, because answers to it may still arrive', async (t) => {
  let lines = ''
  let known = ['the-old-one']
  const log = createLog([], () => known, { write: (line: string) => (lines += line) })
  log.info('started')
  known = ['the-new-one']
  log.info({ keys: ['the-old-one', 'the-new-one'] }, 'reloaded')
  t.notMatch(lines, /the-(old|new)-one/)
})

t.test('a webhook is kept out even if only a part or another form of it appears', async (t) => {
  const path = new URL(webhook).pathname
  const forms: [form: string, say: Say][] = [
    ['its path alone', (log) => log.error({ request: { origin: 'https://hooks.slack.com', path } })],
    ['in capitals', (log) => log.error(webhook.toUpperCase())],
    ['percent-encoded', (log) => log.error(`/preview?url=${encodeURIComponent(webhook)}`)]
  ]
  for (const [form, say] of forms) {
    t.notMatch(linesOf(say), /XXXXsecretXXXX/i, form)
  }
})

t.test('secrets in the environment are kept out', async (t) => {
  const environment = { ADMIN_TOKEN: 'admin-SECRET', DATABASE_URL: 'postgres://relay:p%40ss-SECRET@db:5432/relay' }
  let lines = ''
  const log = createLog(secretsIn(environment), () => [], { write: (line: string) => (lines += line) })
  log.error({ token: 'admin-SECRET', url: environment.DATABASE_URL }, 'no connection with p@ss-SECRET')
  t.notMatch(lines, 'SECRET')
  t.match(lines, 'postgres://relay:')
})

t.test('passwords in the addresses of proxies and databases are kept out, however they are written', async (t) => {
  const environments: Record<string, string>[] = [
    { HTTPS_PROXY: 'http://relay:pa%24%24-SECRET@proxy:3128' },
    { https_proxy: 'relay:pa$$-SECRET@proxy:3128' },
    { DATABASE_URL: 'postgres:///relay?host=db&user=relay&password=pa%24%24-SECRET&sslmode=require' },
    { DATABASE_URL: 'postgres:host=db user=relay password=pa$$-SECRET' },
    { DATABASE_URL: 'postgres://relay@db/relay', PGPASSWORD: 'pa$$-SECRET' },
    { DATABASE_URL: 'postgres://relay@corp:pa$$-SECRET@db/relay' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://relay:pa%24%24-SECRET@collector:4318' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://relay:pa%24%24-SECRET@collector:4318/v1/traces' },
    { OTEL_EXPORTER_OTLP_HEADERS: 'x-scope=all,authorization=Bearer%20pa$$-SECRET' }
  ]
  for (const environment of environments) {
    let lines = ''
    const log = createLog(secretsIn(environment), () => [], { write: (line: string) => (lines += line) })
    log.error({ environment, err: new Error('no way to pa$$-SECRET') })
    t.notMatch(lines, 'SECRET', JSON.stringify(environment))
  }
})

t.test('an address without a password has no secret, and similar texts stay as they are', async (t) => {
  const environments: Record<string, string>[] = [
    { DATABASE_URL: 'postgres://relay@db/relay' },
    { DATABASE_URL: 'postgres://relay@db:5432/relay?host=/var/run/postgresql' },
    { DATABASE_URL: 'sqlite:data/relay.db' },
    { HTTPS_PROXY: 'http://relay@proxy:3128' }
  ]
  for (const environment of environments) t.same(secretsIn(environment), [], JSON.stringify(environment))
})

t.test('a key is kept out whatever it is made of', async (t) => {
  const cases: [what: string, secrets: string[], said: unknown][] = [
    ['quotes, and a line end in its file', ['pa"SECRET\n'], 'pa"SECRET'],
    ['quotes, in JSON inside of JSON', ['pa"SECRET'], JSON.stringify(['pa"SECRET'])],
    ['the start of another key', ['key', 'key-SECRET'], 'key-SECRET']
  ]
  for (const [what, keys, said] of cases) {
    let lines = ''
    createLog([], () => keys, { write: (line: string) => (lines += line) }).error({ said }, 'refused')
    t.notMatch(lines, 'SECRET', what)
  }
})

t.test('a log reader that stalls does not take endless memory, and learns what it missed', async (t) => {
  let read = ''
  let isStill = true
  let goOn = () => {}
  const pipe = new Writable({
    decodeStrings: false,
    write(text, _, done) {
      read += text
      if (isStill) goOn = done
      else done()
    }
  })
  const output = linesTo(pipe)
  const line = `${'x'.repeat(1023)}\n`
  const written = 32 * 1024
  for (let count = 0; count < written; count++) {
    output.write(line)
    output.flush()
  }
  t.ok(pipe.writableLength < 9 * 1024 * 1024)
  isStill = false
  goOn()
  await new Promise(setImmediate)
  t.equal(pipe.writableLength, 0)
  output.write('the next\n')
  output.flush()
  const kept = read.split(line).length - 1
  t.match(read, `"msg":"nobody read the log: ${written - kept} lines were left out"}\nthe next\n`)
  t.ok(read.endsWith('the next\n'))
})

t.test('a line has no character that a terminal obeys, and still says the same', async (t) => {
  const hostile = 'a\u001b[2J\u007f\u009b31m\u202eb\u2066c\r\n\t\ufeff\u00e9\u0416'
  const [line = '', ...others] = linesOf((log) => log.info({ name: hostile, [hostile]: 1 }, hostile)).split('\n')
  t.strictSame(others, [''])
  t.notMatch(line, /[\p{Cc}\p{Bidi_C}\ufeff]/u)
  t.match(JSON.parse(line), { name: hostile, msg: hostile, [hostile]: 1 })
})
