// Pages over HTTP, with names that are very long, equal, or missing: what they say is about the right object.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createClock } from './fixtures/clock.ts'
import { fieldsOf, look, submit, textOf } from './fixtures/dashboard.ts'
import { about, startRelay, tempFolder } from './fixtures/relay.ts'

const config = `
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, match: { severity: warn }, send: team }
`

t.test('an act on an object with the longest possible names returns to its page', async (t) => {
  const relay = await startRelay(t, { config })
  const [name, namespace, cluster] = ['n'.repeat(253), 's'.repeat(253), 'é'.repeat(253)]
  const event = about(name, { metadata: { cluster } })
  await relay.post({ ...event, involvedObject: { ...event.involvedObject, namespace } })
  const history = `/events?${new URLSearchParams({ cluster, kind: 'Kustomization', namespace, name })}`
  const { html } = await look(relay, history)
  const [, action = ''] = /action="(\/acknowledge\?[^"]+)"/.exec(html) ?? []
  const { status, html: after, to } = await submit(relay, action.replaceAll('&amp;', '&'))
  t.equal(status, 200)
  t.match(to, history)
  t.match(textOf(after), 'Acknowledged. No reminders')
})

t.test('acknowledging a search result returns to the search', async (t) => {
  const relay = await startRelay(t, { config })
  for (const name of ['shop', 'cart']) await relay.post(about(name))
  const { html } = await look(relay, '/objects?q=name%3Acart')
  const [, action = ''] = /action="(\/acknowledge\?[^"]+)"/.exec(html) ?? []
  const { html: after, to } = await submit(relay, action.replaceAll('&amp;', '&'))
  t.match(to, '/objects?q=name%3Acart&done=')
  t.notMatch(textOf(after), 'apps/shop')
})

t.test('the history of an object says who knows of its failure, and what withholds it now', async (t) => {
  const relay = await startRelay(t, { config, clock: createClock() })
  for (const [n, name] of ['cart', 'shop'].entries()) {
    await relay.post(about(name))
    if (n > 0) continue
    await relay.slack.until(({ accepted }) => accepted.length === 1)
    await submit(relay, '/silences', { name: 'shop', for: '1h', comment: 'planned work' })
  }
  const history = (name: string) => `/events?kind=Kustomization&namespace=apps&name=${name}`
  t.match(
    textOf((await look(relay, history('cart'))).html),
    /It still fails, .* team was notified of it\..* reminder is due/
  )
  t.match(
    textOf((await look(relay, history('shop'))).html),
    /Nobody was notified of it\. Withheld by planned work , which ends in 1 h \. .* team muted/
  )
})

t.test('a failure is shown with its commit, wherever it is named', async (t) => {
  const relay = await startRelay(t, { config, clock: createClock() })
  const at = (digit: string) => ({ message: 'boom', metadata: { revision: `main@sha1:${digit.repeat(40)}` } })
  await relay.post(about('shop', { severity: 'info', reason: 'ReconciliationSucceeded', ...at('0') }))
  for (const name of ['shop', 'cart']) await relay.post(about(name, { ...at('1'), timestamp: '2026-09-21T13:59:59Z' }))
  const { body } = await relay.post(about('shop', { ...at('2'), timestamp: '2026-09-21T14:00:00Z' }))
  const read = async (path: string) => textOf((await look(relay, path)).html)
  t.match(await read(`/events?kind=Kustomization&namespace=apps&name=shop`), /still fails, for .* , at main@2222222 \./)
  t.match(await read(`/events/${body.id}`), /still fails, for .* , at main@2222222 \./)
  t.match(await read('/objects?q=name:shop'), /fails at main@2222222 · last applied main@sha1:0/)
  t.match(await read('/?q=name:cart'), /BuildFailed at main@1111111 · once/)
  t.match(await read('/'), /2 Kustomizations .* BuildFailed · apps 2/, 'those of one cause may fail at several')
  await relay.post(about('cart', { ...at('2'), timestamp: '2026-09-21T14:00:00Z' }))
  t.match(await read('/'), /2 Kustomizations .* BuildFailed at main@2222222 · apps 2/)
  t.match(await read('/?q=main%402222222'), '2 of 2 match')
  t.match(await read(`/?q=${'2'.repeat(40)}`), '2 of 2 match')
  t.match(await read('/?q=main%401111111'), '0 of 2 match')
  t.match(await read('/objects?q=0000000'), /apps\/shop .* last applied main@sha1:0/, 'nor that which was applied last')
  const found = async (q: string) => (await look(relay, `/events?q=${q}`)).html.match(/class="event"/g)?.length
  for (const [q, events] of [
    ['main%402222222', 2],
    ['MAIN%401111111', 2],
    ['main%400000000', 1],
    ['dev%402222222', undefined]
  ] as const)
    t.equal(await found(q), events, `${q}, as messages say it`)
  await relay.post(about('odd', { metadata: {}, message: 'boom' }))
  t.match(await read('/?q=name:odd'), /BuildFailed · once/)
})

t.test('acknowledging an incident that is over by then says so on the same page', async (t) => {
  const relay = await startRelay(t, { config, clock: createClock() })
  for (const name of ['shop', 'cart']) await relay.post(about(name))
  const back = '/objects?q=name%3Ashop'
  const [, action = ''] = /action="(\/acknowledge\?[^"]+)"/.exec((await look(relay, back)).html) ?? []
  const timestamp = '2026-09-21T14:00:00Z'
  await relay.post(about('shop', { severity: 'info', reason: 'ReconciliationSucceeded', timestamp }))
  for (const [path, says] of [
    [action, /Nothing of that fails, or all of it is acknowledged already/],
    [action.replace('/acknowledge', '/unacknowledge'), /It was not acknowledged any more/]
  ] as const) {
    const { status, html, to } = await submit(relay, path.replaceAll('&amp;', '&'))
    t.equal(status, 200, path)
    t.match(to, back)
    t.match(textOf(html), says)
  }
})

t.test('a browser keeps for ever only files that a page of this version loads', async (t) => {
  const relay = await startRelay(t, { config })
  const addresses = [...new Set((await look(relay, '/')).html.match(/\/assets\/[^"]+/g))]
  t.equal(addresses.length, 3)
  for (const address of addresses) {
    t.match((await look(relay, address)).headers.get('cache-control'), 'immutable', address)
    // As a page of another version, from another replica, names it.
    const other = `${address.split('?', 1)[0]}?0123456789`
    t.equal((await look(relay, other)).headers.get('cache-control'), 'no-store', other)
  }
})

t.test('screen readers are told what a button is for, without its surroundings', async (t) => {
  const relay = await startRelay(t, { config })
  relay.slack.behave('*', { status: 400, body: 'invalid_payload' })
  const { body } = await relay.post(about('shop'))
  await relay.logged(/dead letters/)
  const names = async (path: string) =>
    [...(await look(relay, path)).html.matchAll(/aria-label="((?:Retry|Discard)[^"]*)"/g)].map(([, name]) => name)
  t.same(await names('/deliveries?state=dead'), ['Retry: apps/shop to team', 'Discard: apps/shop to team'])
  t.same(await names(`/events/${body.id}`), ['Retry: to team'])
})

t.test('a refused search can be corrected on the spot', async (t) => {
  const relay = await startRelay(t, { config })
  for (const path of ['/', '/events', '/objects', '/deliveries']) {
    const { status, html } = await look(
      relay,
      `${path}?q=ns%3Aapps+%22a+%3Cb%3E%22${path === '/deliveries' ? '&state=dead' : ''}`
    )
    t.equal(status, 400, path)
    t.match(textOf(html), /there is no field "ns"; there are cluster, kind, namespace/, path)
    const asked = { q: 'ns:apps "a <b>"', ...(path === '/deliveries' && { state: 'dead' }) }
    t.same(fieldsOf(html, path), asked, path)
  }
  t.notMatch((await look(relay, '/events?sevrity=warn')).html, 'type="search"')
})

t.test('an unknown name is reported in the list, with the filter to correct it', async (t) => {
  const relay = await startRelay(t, { config: `${config}cluster: prod\n` })
  await relay.post(about('shop', { metadata: { cluster: 'staging' } }))
  for (const path of ['/events?', '/deliveries?state=sent&']) {
    const { status, html } = await look(relay, `${path}cluster=stagin&namespace=apps`)
    t.equal(status, 400, path)
    t.match(textOf(html), /There is no cluster "stagin"; did you mean "staging"\?/, path)
    t.match(html, /<details class="card filter" id="filter" open>/, path)
    t.match(html, /name="cluster" value="stagin".*name="namespace" value="apps"/, path)
    t.notMatch(html, 'data-live', 'what is refused does not change by itself')
    t.match(
      textOf((await look(relay, `${path}cluster=elsewhere`)).html),
      /There is no cluster "elsewhere"; there are at least prod, staging\./
    )
  }
  t.equal((await look(relay, '/deliveries?cluster=prod')).status, 200)
})

t.test('discarding what somebody else has already dealt with says so', async (t) => {
  const relay = await startRelay(t, { config })
  const text = textOf((await look(relay, '/deliveries/discard?destination=team')).html)
  t.match(text, /Nothing to discard Those of destination team \. There are none, or no longer/)
  t.notMatch(text, 'cannot be undone')
})

t.test('silences with the same comment each say what they themselves withhold', async (t) => {
  const relay = await startRelay(t, { config })
  for (const cluster of ['prod-eu', 'prod-us']) await relay.post(about('shop', { metadata: { cluster } }))
  const asked = { kind: 'Kustomization', namespace: 'apps', name: 'shop', for: '1h' }
  await submit(relay, '/silences', { ...asked, cluster: 'prod-eu' })
  await submit(relay, '/silences', { ...asked, cluster: 'prod-us' })
  const says = textOf((await look(relay, '/silences')).html)
  t.equal(says.match(/Matches 1 failing object /g)?.length, 2)
  t.notMatch(says, 'Matches 2')
})

t.test('an object without a cluster is not confused with one of the same name in a cluster', async (t) => {
  const relay = await startRelay(t, { config })
  const failure = { message: 'HTTP 503 from the registry' }
  await relay.post(about('shop', failure))
  await relay.post(
    about('shop', { ...failure, message: 'something else in prod-eu', metadata: { cluster: 'prod-eu' } })
  )
  await relay.post(about('cart', { ...failure, metadata: { cluster: 'prod-eu' } }))
  const { html } = await look(relay, '/')
  t.match(textOf(html), /2 Kustomizations (prod-eu, no cluster|no cluster, prod-eu)/)
  const [history] = /\/events\?kind=[^"]+name=shop/.exec(html) ?? []
  const says = textOf((await look(relay, history?.replaceAll('&amp;', '&') ?? '')).html)
  t.match(says, 'HTTP 503')
  t.notMatch(says, 'something else in prod-eu')
})

t.test('an object without a namespace is not confused with one of the same name in a namespace', async (t) => {
  const relay = await startRelay(t, { config })
  await relay.post(about('shop'))
  const event = about('shop', { message: 'of no namespace' })
  await relay.post({ ...event, involvedObject: { ...event.involvedObject, namespace: '' } })
  const [, path = ''] = /<a class="object" href="(\/events\?[^"]+)"><b>shop</.exec((await look(relay, '/')).html) ?? []
  const { html } = await look(relay, path.replaceAll('&amp;', '&'))
  t.match(textOf(html), / shop · flux-relay .* failing for .* It still fails/, 'as the name of a tab, too')
  t.equal(html.match(/class="event"/g)?.length, 1)
})

t.test('a link to a rule leads to it, whatever it is called', async (t) => {
  const names = ['rules', 'owners', 'live', 'main', 'owner-1', 'a b/ü?#']
  const relay = await startRelay(t, {
    config: `
destinations: { team: { preview: true } }
owners: [{ send: team }]
rules: [${names.map((name) => `{ name: '${name}', send: owner }`).join(', ')}]
`
  })
  const { body } = await relay.post({})
  const { html } = await look(relay, `/events/${body.id}`)
  const links = [...html.matchAll(/href="\/rules#([^"]+)">([^<]+)</g)].filter(([, , name = '']) => names.includes(name))
  t.same(
    links.map(([, , name]) => name),
    names
  )
  const rules = (await look(relay, '/rules')).html
  for (const [, id = '', name = ''] of links) {
    t.equal(rules.split(` id="${id}"`).length, 2, name)
    t.match(rules, `<tr id="${id}">`, name)
  }
})

t.test('of many ended silences the last are shown, and that there were more', async (t) => {
  const relay = await startRelay(t, { config, clock: createClock() })
  const end = async (name: string) => {
    const { to } = await submit(relay, '/silences', { name, for: '1h' })
    await submit(relay, `/silences/${/silenced-(\d+)/.exec(to)?.[1]}/end`)
  }
  for (let n = 0; n < 20; n++) await end(`n${n}`)
  t.match(textOf((await look(relay, '/silences')).html), /Ended 20 /)
  await end('last')
  const text = textOf((await look(relay, '/silences')).html)
  t.match(text, /Ended the last 20 .*name last/)
  t.notMatch(text, 'name n0 ')
})

t.test('a filtered list does not say that there is nothing', async (t) => {
  const relay = await startRelay(t, { config })
  await relay.post(about('shop'))
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(textOf((await look(relay, '/deliveries?state=dead')).html), 'There are no dead letters.')
  const says = textOf((await look(relay, '/deliveries?state=sent&name=cart&q=boom')).html)
  t.match(says, 'Of those that are sent, none match name cart, boom . Clear')
  t.notMatch(says, 'Nothing has been sent yet')
})

t.test('after the clock was set back, nothing seems to have just happened', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  await relay.post(about('shop', { timestamp: '2026-09-21T14:00:00Z' }))
  clock.step(-2 * 60 * 60 * 1000)
  for (const path of ['/', '/objects', '/events', '/events?kind=Kustomization&namespace=apps&name=shop']) {
    const says = textOf((await look(relay, path)).html)
    t.match(says, '2026-09-21 14:00:00 UTC', path)
    t.notMatch(says.replace(/ Sources .*/, ''), /apps\/shop .*(just now|\b0 s\b)/, path)
  }
  t.match(textOf((await look(relay, '/')).html), 'apps/shop Kustomization an unknown time')
})

t.test('behind a proxy that changes the host, a refused act says what to set there', async (t) => {
  const relay = await startRelay(t, { config, env: { ADMIN_TOKEN: 'a-token-that-is-long-enough' } })
  const authorization = 'Bearer a-token-that-is-long-enough'
  const origin = 'http://relay.acme.dev'
  const { status, html } = await submit(relay, '/silences', { name: 'x', for: '1h' }, { authorization, origin })
  t.equal(status, 403)
  t.match(textOf(html), 'nginx: proxy_set_header Host $http_host')
})

t.test('a silence that cannot be stored is asked for again with what was typed', async (t) => {
  const folder = tempFolder(t)
  const relay = await startRelay(t, { config, folder })
  rmSync(join(folder, 'relay.db'))
  const { status, html } = await submit(relay, '/silences', { name: 'shop', for: '8h', comment: 'the registry moves' })
  t.equal(status, 503)
  t.match(textOf(html), 'cannot write to the database')
  t.match(fieldsOf(html, '/silences'), { name: 'shop', for: '8h', comment: 'the registry moves' })
})

t.test('a silence that withheld nothing promises no summary', async (t) => {
  const relay = await startRelay(t, { config })
  const { to } = await submit(relay, '/silences', { name: 'shop', starts: '1d', for: '1h' })
  const [, id] = /silenced-(\d+)/.exec(to) ?? []
  const says = textOf((await submit(relay, `/silences/${id}/end`)).html)
  t.match(says, 'Ended.')
  t.notMatch(says, 'A summary of what it withheld is being sent')
})

t.test('an event of any length that Flux may post can be tried', async (t) => {
  const relay = await startRelay(t, { config })
  const event = JSON.stringify(about('shop', { message: 'Deployment/app configured\n'.repeat(20_000) }))
  const { status, html } = await submit(relay, '/rules/try', { event })
  t.equal(status, 200)
  t.match(textOf(html), 'team would be notified.')
})
