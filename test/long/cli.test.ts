import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { parseMatch, sayMatch } from '../../src/cli/silence.ts'
import { readEnvironment } from '../../src/env.ts'
import { run } from '../fixtures/process.ts'
import { about, openConfig, startRelay, tempFolder } from '../fixtures/relay.ts'
import { runInTerminal } from '../fixtures/terminal.ts'

t.test('check reports every fault with its place, and its exit code says no', async (t) => {
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(
    file,
    'sources: { default: { tokens: [t] } }\ndestinations: { a: { preview: true } }\nrules:\n  - name: x\n    match: { severity: eror }\n    snd: a\n'
  )
  const { code, out } = await run(['check', file])
  t.equal(code, 1)
  t.match(out, /config\.yaml:5:24 error: "eror" is not one of info, warn, error; did you mean "error"\?/)
  t.match(out, /config\.yaml:6:5 error: unknown key "snd"; did you mean "send"\?\n {2}6 \| {5}snd: a\n {4}\| {5}\^/)
  const json = await run(['check', file, '--json'])
  t.match(JSON.parse(json.out), {
    ok: false,
    problems: [{ line: 1, isWarning: true }, { line: 5 }, { line: 6 }]
  })
})

t.test('check accepts a good file', async (t) => {
  const { code, out } = await run(['check', join(import.meta.dirname, '..', '..', 'config.example.yaml')])
  t.equal(code, 0)
  t.match(out, /is fine \(rules: 2, destinations: 1, sources: 1\)/)
})

t.test('nothing in a file or an answer can give orders to the terminal', async (t) => {
  const folder = tempFolder(t)
  const hostile = '\u001b[2J\u001b]0;x\u0007\u001b[8m\u009b31m\u202e\ra\u007f'
  const config = join(folder, 'config.yaml')
  const event = join(folder, `${hostile}.json`)
  const rule = `  - { name: 'y\u009b31m', match: { when: 'x.\u001b[31m' }, send: a }`
  const fine = 'sources: { default: { tokens: [t] } }\ndestinations: { a: { preview: true } }\nrules:\n'
  writeFileSync(config, `${fine}  - { name: x, match: {}, send: a }\n`)
  writeFileSync(join(folder, 'wrong.yaml'), `${fine}${rule}\n`)
  const involvedObject = { kind: hostile, namespace: hostile, name: hostile }
  const metadata = { cluster: hostile, [hostile]: hostile }
  writeFileSync(event, JSON.stringify({ ...about('x'), involvedObject, reason: hostile, message: hostile, metadata }))
  const server = Fastify()
  const answer = { id: hostile, code: hostile, message: hostile, warnings: [hostile], endsAt: hostile }
  server.all('/*', async (_request, reply) => reply.code(201).send(answer))
  const url = await server.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => server.close())
  const commands = [
    ['explain', config, event],
    ['explain', config, event, '--json'],
    ['check', join(folder, 'wrong.yaml')],
    ['check', join(folder, hostile)],
    ['send', url, event],
    ['why', '1', '--url', url],
    ['silence', 'add', '--match', 'namespace=a', '--for', '1h', '--url', url]
  ]
  const told = await Promise.all(commands.map((command) => run(command)))
  for (const [at, { out, err, code }] of told.entries()) {
    const command = String(commands[at])
    t.notMatch(out + err, /(?!\n)[\p{Cc}\p{Bidi_C}]/u, command)
    t.match(out + err, /31m/, command)
    t.ok(code !== null && code < 3, command)
  }
  t.doesNotThrow(() => JSON.parse(told[1]?.out ?? ''))
  const [, line = '', space = ''] = /\n {2}4 \| (.*)\n {4}\| ( *)\^/.exec(told[2]?.out ?? '') ?? []
  t.match(line.slice(space.length), /^\\u001b\[31m/, 'the caret is where it belongs')
})

t.test('explain says of every rule why it fires or not, and shows the message', async (t) => {
  const folder = tempFolder(t)
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    `cluster: prod
destinations: { team: { preview: true } }
rules:
  - { name: failures, match: { namespace: "ap*" }, send: team }
  - { name: databases, match: { namespace: db }, send: team }
  - { name: slow, match: { message: { include: [timeout] } }, send: team }`
  )
  const file = join(folder, 'event.json')
  writeFileSync(file, JSON.stringify(about('shop')))
  const first = await run(['explain', config, file])
  t.equal(first.code, 0)
  t.match(first.out, /Kustomization apps\/shop in cluster "prod": failed \(error, BuildFailed\), from source "default"/)
  t.match(
    first.out,
    / {2}✔ {2}failures\n {2}✘ {2}databases: namespace is apps, wanted db\n {2}✘ {2}slow: message is kustomize build/
  )
  t.match(first.out, /team is notified by failures \(failed\):\n {2}🔴 apps\/shop failed in `prod`/)
  t.notMatch(first.out, /https:/)
  const unnamed = join(folder, 'unnamed.yaml')
  writeFileSync(unnamed, readFileSync(config, 'utf8').replace('cluster: prod\n', ''))
  t.match(
    (await run(['explain', unnamed, file])).out,
    /^Kustomization apps\/shop: failed \(/m,
    'of no cluster, none is said'
  )
  const linked = await run(['explain', config, file, '--link'])
  t.match(linked.out, /https:\/\/app\.slack\.com\/block-kit-builder\/#%7B%22blocks%22/)
  const again = await run(['explain', config, file, '--object-state', 'failing'])
  t.match(again.out, /team is notified by failures \(changed\)/)
  const json = await run(['explain', config, file, '--json'])
  t.match(JSON.parse(json.out), { transition: 'failed', rules: [{ fired: true }, { fired: false }, { fired: false }] })
  writeFileSync(file, JSON.stringify({ ...about('shop'), severity: 'info', reason: 'Progressing' }))
  const quiet = await run(['explain', config, file])
  t.equal(quiet.code, 1)
  t.match(quiet.out, /severity is info, wanted error[\s\S]*Nobody is notified/)
  for (const encoding of ['utf8', 'utf16le'] as const) {
    writeFileSync(file, `\ufeff${JSON.stringify(about('shop'))}`, encoding)
    t.equal((await run(['explain', config, file])).code, 0, `as Windows writes it: ${encoding}`)
  }
  writeFileSync(file, '{"message": 5}')
  const bad = await run(['explain', config, file])
  t.equal(bad.code, 2)
  t.match(bad.err, /not a Flux event: event must have required property 'involvedObject'/)
})

t.test('explain and test list the known sources if an unknown one is named', async (t) => {
  const folder = tempFolder(t)
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const event = file('event.json', JSON.stringify(about('shop')))
  const rest = 'destinations: { team: { preview: true } }\nrules: [{ name: failures, send: team }]'
  const one = file('one.yaml', `sources: { prod-eu: { cluster: eu } }\n${rest}`)
  t.match(await run(['explain', one, event]), { code: 0, out: /from source "prod-eu"/ }, 'the only one')
  const two = file('two.yaml', `sources: { prod-eu: { cluster: eu }, prod-us: { cluster: us } }\n${rest}`)
  const unknown: [string[], RegExp][] = [
    [['explain', two, event], /^--source: there is no source "default"; there are prod-eu, prod-us\n$/],
    [['explain', two, event, '--source', 'prod-eux'], /there is no source "prod-eux"; did you mean "prod-eu"\?/],
    [['explain', two, event, '--source', 'nope', '--json'], /there is no source "nope"; there are/],
    [['explain', two, event, '--object-state', 'broken'], /Allowed choices are unknown, healthy, failing/]
  ]
  for (const [args, said] of unknown) t.match(await run(args), { code: 2, out: '', err: said }, args.join(' '))
  t.match(await run(['explain', two, event, '--source', 'prod-eu']), { code: 0, out: /from source "prod-eu"/ })

  const tests = file(
    'tests.yaml',
    'tests:\n  - { name: x, expect: team }\n  - { name: y, source: prod-eu, expect: [crew, { destination: team, rule: none }] }\n'
  )
  const { code, err } = await run(['test', two, tests])
  t.equal(code, 2)
  t.match(err, /tests\.yaml:2:\d+ error: there is no source "default"; there are prod-eu, prod-us/)
  t.match(err, /error: there is no destination "crew"; there is team\n/)
  t.match(err, /error: there is no rule "none"; there is failures\n/)
})

t.test('a test with a kind or a reason that Flux never sends runs, and says so', async (t) => {
  const folder = tempFolder(t)
  const config = join(folder, 'config.yaml')
  writeFileSync(config, 'destinations: { team: { preview: true } }\nrules: [{ name: failures, send: team }]')
  const tests = join(folder, 'tests.yaml')
  writeFileSync(tests, 'tests:\n  - { name: x, event: { kind: Helmrelease, reason: upgradeFailed }, expect: team }\n')
  const { code, out, err } = await run(['test', config, tests])
  t.equal(code, 0)
  t.match(out, /1 test, it passes/)
  t.match(err, /tests\.yaml:2:\d+ warning: .*did you mean "HelmRelease"[\s\S]*warning: .*did you mean "UpgradeFailed"/)
  t.match(JSON.parse((await run(['test', config, tests, '--json'])).out), {
    ok: true,
    problems: [{ isWarning: true }, {}]
  })
})

t.test('an old sample counts as failing now, with or without send --now', async (t) => {
  const relay = await startRelay(t)
  const file = join(tempFolder(t), 'event.json')
  const url = `${relay.url}/webhook`
  writeFileSync(file, JSON.stringify({ ...about('old'), timestamp: '2020-01-02T03:04:05Z' }))
  const statesOf = async () =>
    JSON.parse((await relay.get('/api/objects')).body).objects.map(({ state }: { state: string }) => state)
  await run(['send', url, file])
  t.strictSame(await statesOf(), ['failing'], 'nothing is a year late: the clock that it is from is wrong')
  const { code, out } = await run(['send', '--now', url, file])
  t.equal(code, 0, out)
  t.strictSame(await statesOf(), ['failing'])
  writeFileSync(file, 'no JSON')
  t.match(await run(['send', '--now', url, file]), { code: 1, out: /400 .*BAD_JSON/ })
})

t.test('send, interrupted in the middle of a folder, has said what was posted by then', async (t) => {
  const server = Fastify()
  t.teardown(() => server.close())
  let posts = 0
  server.post('/webhook', (_request, reply) => {
    posts += 1
    if (posts === 1) reply.code(202).send({ id: '1' })
  })
  const url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/webhook`
  const folder = tempFolder(t)
  for (const name of ['a', 'b']) writeFileSync(join(folder, `${name}.json`), JSON.stringify(about(name)))
  const { shown } = await runInTerminal(['send', url, folder], {
    whenShown: ({ shown, interrupt }) => {
      if (/a\.json: 202/.test(shown())) interrupt()
    }
  })
  t.match(shown, /a\.json: 202 \{"id":"1"\}/)
  t.notMatch(shown, /b\.json/)
})

t.test('send signs, posts a directory in order, and says what was answered', async (t) => {
  const relay = await startRelay(t, { config: `sources: { default: { hmacKeys: [k] } }\n${openConfig}` })
  const folder = join(tempFolder(t), 'events')
  mkdirSync(folder)
  for (const name of ['a', 'b']) writeFileSync(join(folder, `${name}.json`), JSON.stringify(about(name)))
  writeFileSync(join(folder, 'notes.txt'), 'no event')
  const url = `${relay.url}/webhook`
  const { code, out } = await run(['send', url, folder, '--hmac-key', 'k'])
  t.equal(code, 0)
  t.match(out, /a\.json: 202 .*"accepted"[\s\S]*b\.json: 202 .*"accepted"/)
  const help = await run(['send', '--help'], { FLUX_HMAC_KEY: 'secret-key' })
  t.match(help.out, /--hmac-key/)
  t.notMatch(help.out, /secret-key/)
  const signed = await run(['send', url, join(folder, 'b.json')], { FLUX_HMAC_KEY: 'k' })
  t.match(signed.out, /202/)
  const unsigned = await run(['send', url, join(folder, 'a.json')], { FLUX_HMAC_KEY: '' })
  t.equal(unsigned.code, 1)
  t.match(unsigned.out, /401 .*X-Signature is missing/)
})

t.test('dead letters of a running relay are listed and retried', async (t) => {
  const relay = await startRelay(t, { env: { ADMIN_TOKEN: 's3cret' } })
  relay.slack.behave('*', () => ({ status: 400, body: 'invalid_blocks' }))
  for (const [index, name] of ['shop', 'cart', 'till'].entries()) {
    await relay.post(about(name))
    await relay.logged(/message not delivered/, index + 1)
  }
  relay.slack.calm('*')
  const env = { RELAY_URL: `${relay.url}/`, ADMIN_TOKEN: 's3cret' }
  const listed = await run(['notifications', '--state', 'dead'], env)
  t.equal(listed.code, 0)
  const pasted = await run(['notifications', '--state', 'dead', '--url', `${relay.url}/?token=s3cret`])
  t.match(pasted, { code: 0, err: '' }, 'the address that a start logs')
  t.match(
    listed.out,
    /^ID +AGE +STATE +DESTINATION +RULE +ABOUT +WHY\n3 +\d+ s +dead +team +everything +failed Kustomiz/
  )
  t.match(listed.out, /apps\/shop +.*invalid_blocks\n$/)
  const some = await run(['notifications', '--json', '--limit', '2', '--namespace', 'apps'], env)
  t.match(JSON.parse(some.out), { notifications: [{ id: '3', state: 'dead' }, { id: '2' }], next: '2' })
  const none = await run(['notifications', '--namespace', 'elsewhere'], env)
  t.equal(none.out, 'None matches --namespace elsewhere.\n')
  const unknown: [string[], RegExp][] = [
    [['notifications', '--destination', 'nobody'], /answers 400: there is no destination "nobody"; there is team\n/],
    [['notifications', '--rule', 'everythign'], /no rule "everythign"; did you mean "everything"\?/],
    [['notifications', '--kind', 'kustomization'], /no kind "kustomization"; did you mean "Kustomization"\?/],
    [['retry', '--all', '--destination', 'tem'], /no destination "tem"; did you mean "team"\?/],
    [['notifications', '--state', 'sending'], /Allowed choices are pending, sent, muted, dead, discarded/]
  ]
  for (const [args, said] of unknown) t.match(await run(args, env), { code: 2, err: said, out: '' }, args.join(' '))

  const one = await run(['retry', '1', '99'], env)
  t.equal(one.code, 1)
  t.match(one.out, /^99: there is no such dead letter.*\nRetried: 1 to team\.\n$/)
  const all = await run(['retry', '--all', '--destination', 'team'], env)
  t.equal(all.code, 0)
  t.equal(all.out, 'Retried: 2 to team.\n')
  await relay.slack.until(({ accepted }) => accepted.length >= 1)

  const refused = await run(['notifications'], { ...env, ADMIN_TOKEN: 'wrong' })
  t.equal(refused.code, 2)
  t.match(refused.err, /answers 401: send ADMIN_TOKEN/)
  t.match((await run(['notifications', '--since', 'noon'], env)).err, /answers 400: since is not a time/)
  t.notMatch(refused.err, /s3cret/)
})

t.test('a blocked destination is tried now, and the outcome is shown', async (t) => {
  const relay = await startRelay(t)
  const env = { RELAY_URL: relay.url }
  relay.slack.behave('*', () => ({ status: 404, body: 'no_service' }))
  await relay.post(about('shop'))
  await relay.logged(/rejects all messages/)
  const still = await run(['unblock', 'team'], env)
  t.match(still, { code: 1, out: /^team: tried: it still answers 404 no_service; next try 20\S+Z\n$/ })
  relay.slack.calm('*')
  const works = await run(['unblock', 'team'], env)
  t.match(works, { code: 0, out: 'team: tried: nothing is waiting any more\n' })
  t.equal(relay.slack.accepted.length, 1)
  t.match(await run(['unblock', 'team'], env), { code: 0, out: 'team: nothing is waiting there\n' })
  const unknown = await run(['unblock', 'nobody'], env)
  t.match(unknown, { code: 2, out: '', err: /there is no such lane or destination; there are: team \(slack:\w+\)\n$/ })

  relay.slack.behave('*', [{ is: 'rate-limited', retryAfterSeconds: 60 }])
  await relay.post(about('cart'))
  await relay.logged(/message postponed/)
  const { code, out } = await run(['unblock', 'team', '--json'], env)
  t.match({ code, ...JSON.parse(out) }, { code: 1, isTried: false, backlog: 1, notBefore: String, after: null })
})

t.test('a destination with nothing but held failures is said at once to have nothing due', async (t) => {
  const relay = await startRelay(t, { config: openConfig.replace('send: team', 'for: 1h, send: team') })
  const env = { RELAY_URL: relay.url }
  t.match((await relay.post(about('shop'))).body, { notifications: [{ destination: 'team' }] })
  t.match((await run(['lanes'], env)).out, /team .* 1 +held, to see whether it lasts\n$/)
  const { code, out } = await run(['unblock', 'team'], env)
  t.equal(code, 0)
  t.equal(out, 'team: nothing is due there: 1 held, to see whether it lasts\n')
  t.equal(relay.slack.received.length, 0)
})

t.test('objects lists failing ones first, however many there are', async (t) => {
  const relay = await startRelay(t)
  for (const name of ['a', 'b']) await relay.post(about(name, { severity: 'info', reason: 'Succeeded', message: 'ok' }))
  for (const name of ['y', 'z']) await relay.post(about(name))
  const objects = (...args: string[]) => run(['objects', ...args], { RELAY_URL: relay.url })
  const first = await objects('--limit', '2')
  t.match(first.out, /failing .*apps\/[yz] [\s\S]*failing .*apps\/[yz] /)
  t.notMatch(first.out, /healthy/)
  t.match(first.err, /There are more; raise --limit \(now 2\)/)
  const all = await objects('--limit', '4', '--json')
  const listed = JSON.parse(all.out)
  t.same(
    listed.objects.map(({ state }: { state: string }) => state),
    ['failing', 'failing', 'healthy', 'healthy']
  )
  t.equal(listed.next, null)
  t.match(await objects('--name', 'none'), { out: 'None matches --name none.\n', err: '' })
})

t.test('a silence withholds what matches, until it is ended', async (t) => {
  const relay = await startRelay(t, { env: { ADMIN_TOKEN: 's3cret' } })
  const env = { RELAY_URL: relay.url, ADMIN_TOKEN: 's3cret' }
  const add = (...args: string[]) => run(['silence', 'add', ...args], env)
  const added = await add(
    '--match',
    'namespace=apps,db-*',
    'kind=Kustomization',
    '--for',
    '2h',
    '--comment',
    'db upgrade'
  )
  t.equal(added.err, '')
  t.match(added.out, /^Silence 1 until 20\d\d-.*Z\.\n$/)
  t.match(
    (await run(['silence', 'list'], env)).out,
    /1 +in 1 h 59 m +\S+ +namespace=apps,db-\*,kind=\S+ +db upgrade\n$/
  )

  const { body } = await relay.post(about('shop'))
  t.match(body, { notifications: [{ destination: 'team' }] })
  const muted = await run(['notifications', '--state', 'muted'], env)
  t.match(muted.out, /muted +team/)
  t.equal(relay.slack.accepted.length, 0)

  const over = await run(['silence', 'expire', '1', '7'], env)
  t.equal(over.code, 1)
  t.equal(over.out, 'Silence 1 is over.\nthere is no silence 7 in effect\n')
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(JSON.stringify(relay.slack.accepted[0]?.body), /db upgrade.*1 notification was withheld.*apps\/shop/)
  t.equal((await run(['silence', 'list'], env)).out, 'None.\n')
  t.match(
    (await run(['why', 'apps/shop'], env)).out,
    /It still fails, for \S+ \S+, at main@4f2c91d\. .*team by \S+: muted: .*db upgrade.*notification 1/s
  )

  const wrong: [string[], RegExp][] = [
    [
      ['--match', 'namespce=x', '--for', '2h'],
      /answers 400: match\.namespce: unknown key "namespce"; did you mean "namespace"/
    ],
    [['--match', 'message=(', '--for', '2h'], /answers 400: match\.message\.include\.0: /],
    [['--match', 'name=x'], /answers 400: a silence needs an end/],
    [['--match', 'name=x', '--for', 'soon'], /answers 400: for is not a duration/],
    [['--match', 'name=x', '--until', '2020-01-01T00:00:00Z'], /answers 400: a silence must end in the future/]
  ]
  for (const [args, said] of wrong) t.match((await add(...args)).err, said)
})

t.test('conditions of a silence may be in one text or in several, and impossible ones are reported', async (t) => {
  const relay = await startRelay(t, { env: { ADMIN_TOKEN: 's3cret' } })
  const env = { RELAY_URL: relay.url, ADMIN_TOKEN: 's3cret' }
  const add = (...match: string[]) => run(['silence', 'add', '--for', '1h', '--json', '--match', ...match], env)
  const team = { metadata: { team: ['a', 'b'] } }
  const taken: [string[], object][] = [
    [['namespace=db,kind=HelmRelease'], { namespace: ['db'], kind: ['HelmRelease'] }],
    [
      ['namespace=db,web,kind=HelmRelease,Kustomization'],
      { namespace: ['db', 'web'], kind: ['HelmRelease', 'Kustomization'] }
    ],
    [['namespace=db, kind=HelmRelease'], { namespace: ['db'], kind: ['HelmRelease'] }],
    [['namespace = db , kind = HelmRelease'], { namespace: ['db'], kind: ['HelmRelease'] }],
    [['namespace=db, when = event.reason == "A"'], { namespace: ['db'], when: ' event.reason == "A"' }],
    [['namespace=db', 'kind=HelmRelease'], { namespace: ['db'], kind: ['HelmRelease'] }],
    [['metadata.team=a,b,name=x'], { ...team, name: ['x'] }],
    [['metadata.team=a\\,b=c'], { metadata: { team: ['a,b=c'] } }],
    [
      ['message=timed out, again,kind=HelmRelease'],
      { message: { include: ['timed out, again'] }, kind: ['HelmRelease'] }
    ],
    [['severity=warn'], { severity: 'warn' }],
    [['related.kind=HelmChart,related.name=web'], { related: { kind: ['HelmChart'], name: ['web'] } }],
    [['severity=info,warn'], { severity: ['info', 'warn'] }],
    [
      ['kind=HelmRelease,when=event.reason in ["UpgradeFailed", "TestFailed"] && metadata.a == "b,name=c"'],
      { kind: ['HelmRelease'], when: 'event.reason in ["UpgradeFailed", "TestFailed"] && metadata.a == "b,name=c"' }
    ]
  ]
  for (const [texts, expected] of taken) t.strictSame(parseMatch(texts), expected, texts.join(' '))
  for (const [, expected] of taken)
    t.strictSame(parseMatch([sayMatch({ ...expected })]), expected, 'as it is listed, it can be given again')
  t.equal(sayMatch({ severity: ['warn'], metadata: { team: 'a' } }), 'severity=["warn"],metadata.team=a')
  const { out, err } = await add('namespace=db', '--match', 'kind=HelmRelease')
  t.strictSame(err, '')
  t.strictSame(JSON.parse(out).match, { namespace: ['db'], kind: ['HelmRelease'] })

  const unread: [string[], RegExp][] = [
    [['namespace'], /^"namespace" is not a condition; write key=value/],
    [['namespace=a', 'namespace=b'], /^namespace appears twice; for either of two values, write namespace=one,other$/],
    [['metadata.=x'], /^"metadata\.=" names no key; write key=value/],
    [['namespace=db', '__proto__=x'], /^"__proto__=" names no key/],
    [['metadata.__proto__=x'], /^"metadata\.__proto__=" names no key/]
  ]
  for (const [texts, error] of unread) t.match(parseMatch(texts), { error }, texts.join(' '))
  t.match(await add('namespace'), { code: 2, err: /"namespace" is not a condition/, out: '' })

  const post = async (texts: string[]) => {
    const headers = { 'content-type': 'application/json', authorization: `Basic ${btoa('anna:s3cret')}` }
    const body = JSON.stringify({ match: parseMatch(texts), for: '1h' })
    const response = await fetch(`${relay.url}/api/silences`, { method: 'POST', headers, body })
    return { status: response.status, said: (await response.json()) as { message?: string; warnings?: string[] } }
  }
  const refused: [string[], RegExp][] = [
    [['namespace=db,nmae=x'], /match\.nmae: unknown key "nmae"; did you mean "name"\?/],
    [['namespace=db,zone=x'], /unknown key "zone"; there are severity, kind, namespace, /],
    [['namespace='], /match\.namespace/],
    [['kind=x,severity=eror'], /did you mean "error"/]
  ]
  for (const [texts, message] of refused) {
    t.match(await post(texts), { status: 400, said: { message } }, texts.join(' '))
  }
  t.match(await add('namespace=db,nmae=x'), { code: 2, err: /answers 400: match\.nmae: unknown key "nmae"/, out: '' })

  const odd: [string[], RegExp][] = [
    [['kind=helmrelease'], /^match\.kind\.0: .*did you mean "HelmRelease"/],
    [['namespace=Team_A,kind=HelmRelease'], /^match\.namespace\.0: .*without "T"/],
    [['source=nowhere'], /^match\.source\.0: there is no source "nowhere" in this file; there is default$/],
    [['when=metadata.team.startsWith("a")'], /^match\.when: .*has\(metadata\.team\)/]
  ]
  for (const [texts, warning] of odd) {
    t.match(await post(texts), { status: 201, said: { warnings: [warning] } }, texts.join(' '))
  }
  t.match(await add('kind=helmrelease'), { code: 0, err: /^warning: match\.kind\.0: .*did you mean "HelmRelease"/ })
})

t.test('sources of a running relay are listed: when each last posted, and what was refused', async (t) => {
  const config = `sources: { default: {}, eu: { hmacKeys: [key], cluster: prod-eu } }${openConfig}`
  const relay = await startRelay(t, { config })
  await relay.post(about('shop', { metadata: { cluster: 'prod-us' } }))
  await relay.post('{}', { path: '/webhook/eu' })
  const env = { RELAY_URL: relay.url }
  const { code, out } = await run(['sources'], env)
  t.equal(code, 0)
  t.match(out, /^SOURCE +STATE +LAST EVENT +IN THE LAST HOUR +REFUSED +CLUSTERS\n/)
  t.match(out, /\ndefault +active +\d+ s ago +1 +none +prod-us\neu +never +never +0 +1 BAD_SIGNATURE +prod-eu\n\n/)
  t.match(out, /prod-eu\n\nunsigned: anyone who reaches the relay can post to default\n$/)
  const json = await run(['sources', '--json'], env)
  t.match(JSON.parse(json.out), { sources: [{ state: 'active' }, { state: 'never' }] })
})

t.test('white space around a setting, such as the line end of `echo`, is ignored', async (t) => {
  const app = Fastify()
  await readEnvironment(app, {
    HOST: ' ::\n',
    PORT: ' \n',
    LOG_LEVEL: 'debug\n',
    CONFIG_FILE: 'a b.yaml ',
    PUBLIC_URL: 'https://[::1]:8443/relay\n'
  })
  t.match(app.env, {
    HOST: '::',
    PORT: 8080,
    LOG_LEVEL: 'debug',
    CONFIG_FILE: 'a b.yaml',
    PUBLIC_URL: 'https://[::1]:8443/relay'
  })
})

t.test('an address whose password messages would show, or to which nothing can be appended, is refused', async (t) => {
  for (const PUBLIC_URL of ['https://me:pa55@a.dev', 'https://a.dev/?a=b', 'https://a.dev#a', 'https://:80']) {
    await t.rejects(
      readEnvironment(Fastify(), { PUBLIC_URL }),
      {
        code: 'BAD_CONFIG',
        message:
          /PUBLIC_URL has to be an address .*, without spaces, anything after its path, or a password, which every message would show$/
      },
      PUBLIC_URL
    )
  }
})
