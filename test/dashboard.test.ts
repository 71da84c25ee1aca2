// Dashboard over HTTP, without a script: shows what is, does what it offers, and refuses whoever may not.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { WireEvent } from '../src/events/flux.ts'
import { createClock } from './fixtures/clock.ts'
import { fieldsOf, look, submit, textOf } from './fixtures/dashboard.ts'
import { about, fluxEvent, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'

const config = `
cluster: prod
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  local: { preview: true, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, match: { severity: warn }, send: [team, local] }
  - { name: payments, match: { namespace: pay }, send: team }
`

const pages = [
  '/',
  '/objects',
  '/events',
  '/deliveries',
  '/silences',
  '/silences/new',
  '/rules',
  '/rules/try',
  '/preview/local'
]

t.test('every page works before anything has happened', async (t) => {
  const relay = await startRelay(t, { config })
  for (const path of pages) {
    const { status, headers, html } = await look(relay, path)
    t.equal(status, 200, path)
    t.match(headers.get('content-security-policy'), "default-src 'none'")
    t.equal(headers.get('cache-control'), 'no-store')
    t.notMatch(html, /<script(?![^>]* src="\/assets\/)|<style| style=| on[a-z]+="/, 'nothing that the policy forbids')
    t.notMatch(html, /undefined|\[object|NaN/)
  }
  t.match(textOf((await look(relay, '/')).html), 'Waiting for the first event No event has ever come.')
  for (const file of (await look(relay, '/')).html.matchAll(/"(\/assets\/[^"]+)"/g)) {
    const { status, headers } = await look(relay, file[1] ?? '')
    t.equal(status, 200)
    t.match(headers.get('cache-control'), 'immutable')
  }
})

t.test('the first page shows what fails: since when, how often, why', async (t) => {
  const end = Date.now()
  const clock = createClock(end - 30 * 60 * 60_000)
  const relay = await startRelay(t, { config, clock })
  const post = async (agoMs: number, event: WireEvent) => {
    clock.advance(end - agoMs - clock.now())
    await relay.post({ ...event, timestamp: new Date(clock.now()).toISOString() })
  }
  await post(30 * 60 * 60_000, about('old'))
  await post(125 * 60_000, fluxEvent())
  await post(60_000, fluxEvent())
  await post(0, about('fine', { severity: 'info', reason: 'ReconciliationSucceeded' }))
  const { html } = await look(relay, '/')
  const text = textOf(html)
  t.match(text, '1 failing')
  t.match(
    text,
    /apps\/shop Kustomization · prod 2 h 5 m kustomize build: shop: is a directory BuildFailed at main@4f2c91d · 2 times, last/
  )
  t.match(
    text,
    /No event for a day 1 They failed at their last event. What they do now is not known. apps\/old .* 1 d 6 h .* once, last event 2\d{3}-\S+ \S+ UTC/
  )
  t.notMatch(text, 'apps/fine')
  t.match(html, /<time datetime="[^"]+Z" title="[^"]+ UTC">2 h 5 m<\/time>/, 'the exact time is there, too')
  t.match(html, /aria-label="Events, last hour: 2, at most [1-4] in a minute"/)
})

t.test('text from an event stays text, however it is written', async (t) => {
  const relay = await startRelay(t, { config })
  const nasty = `<script>alert(1)</script> "' onload=x & <b>bold</b> \u202egnp.exe`
  const long = `${nasty}\n${'x'.repeat(39_000)}`
  const { body } = await relay.post(
    about(`<img src=x>${nasty}`.replaceAll('/', '').slice(0, 200), {
      message: long,
      reason: nasty,
      metadata: { team: nasty }
    })
  )
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const silence = { name: '<i>"x', comment: `"><script>alert(2)</script>`, for: '1h' }
  await submit(relay, '/silences', silence)
  const filtered = `/events?${new URLSearchParams({ name: '"><script>x</script>' })}`
  for (const path of [...pages, `/events/${body.id}`, '/deliveries?state=sent', '/preview/team', filtered]) {
    const { html, status } = await look(relay, path)
    t.equal(status, 200, path)
    t.notMatch(html, /<script>|<img|<i>"|<b>bold|\u202e/, path)
  }
  const { html } = await look(relay, `/events/${body.id}`)
  t.match(textOf(html), '<script>alert(1)</script> "\' onload=x & <b>bold</b> gnp.exe')
  t.match(html, 'x'.repeat(38_000), 'all of it')
  const raw = await look(relay, `/events/${body.id}/body`)
  t.match(raw.headers.get('content-type'), 'text/plain')
  t.equal(raw.headers.get('x-content-type-options'), 'nosniff')
  t.equal(JSON.parse(raw.html).message, long, 'the body as it came')
})

t.test('an event shows what each rule said, who was notified, and how that went', async (t) => {
  const relay = await startRelay(t, { config })
  relay.slack.behave('*', [{ status: 500, body: 'rollup_error' }])
  const { body } = await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  await relay.logged(/"message sent"|message sent/)
  const { html } = await look(relay, `/events/${body.id}`)
  const text = textOf(html)
  t.match(text, /✓ failures matched/)
  t.match(text, /payments no match: namespace wanted pay has apps/)
  t.match(text, /sent team by failures .* UTC 500 rollup_error .* UTC 200 ok/)
  t.match(
    text,
    /🔴 apps\/shop failed in prod kustomize build: .* Kustomization BuildFailed/,
    'the message as Slack shows it'
  )
  const again = await relay.post({ timestamp: '2026-09-21T14:03:00Z' })
  t.match(textOf((await look(relay, `/events/${again.body.id}`)).html), /Matched, not sent failures → team: /)
  t.ok(
    text.indexOf('team and local were notified.') < text.indexOf('BuildFailed'),
    'what is asked first is answered first'
  )
  t.match(
    text,
    /It still fails, for .*\. team and local were notified of it\. If it fails again, the next reminder is due in 3 h 59 m|next reminder is due in 4 h/
  )
  t.match(text, /✓ failures matched 1 did not match – payments no match/)
  t.match(html, /<details id="unmatched"><summary/)
  t.match(text, /Revision main@sha1:4f2c91d0/)
  t.match(
    text,
    /flux -n apps get kustomization shop flux -n apps logs --kind=Kustomization --name=shop kubectl -n apps describe kustomization\/shop curl -H "authorization: Bearer \$ADMIN_TOKEN" http:\/\/127\.0\.0\.1:\d+\/api\/events\/\d+/
  )
  const repeated = textOf((await look(relay, `/events/${again.body.id}`)).html)
  t.match(repeated, /Nobody was notified\. team and local: the same failure; next reminder in (3 h 59 m|4 h)/)
  t.match(repeated, /Newest events of this object Events, last day 2 .* repeated .* this one failed/)
  const odd = await relay.post(about('x;rm -rf ~', { message: 'odd' }))
  t.notMatch(
    textOf((await look(relay, `/events/${odd.body.id}`)).html),
    /(kubectl|flux) -n/,
    'nothing odd is pasted into a shell'
  )
  t.equal((await look(relay, '/events/99999')).status, 404)
  t.equal((await look(relay, '/events/none')).status, 400)
})

t.test('events can be filtered, and an object has its history', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  for (let n = 0; n < 60; n++) await relay.post(about(`app-${n}`))
  await relay.post(about('app-7', { reason: 'HealthCheckFailed', timestamp: '2026-09-21T14:01:00Z' }))
  clock.advance(25 * 60 * 60_000)
  const first = await look(relay, '/events')
  t.equal([...first.html.matchAll(/<a class="event"/g)].length, 50)
  const [, older = ''] = /href="([^"]+)" rel="next"/.exec(first.html) ?? []
  t.equal([...(await look(relay, older.replaceAll('&amp;', '&'))).html.matchAll(/<a class="event"/g)].length, 11)
  t.match(
    textOf((await look(relay, '/events?reason=HealthCheckFailed')).html),
    /Filter reason HealthCheckFailed .* changed apps\/app-7/
  )
  const [, history = ''] = /<a class="object" href="([^"]+name=app-7)"/.exec((await look(relay, '/')).html) ?? []
  const text = textOf((await look(relay, history.replaceAll('&amp;', '&'))).html)
  t.match(text, /apps\/app-7 stale for .* HealthCheckFailed/)
  t.match(
    textOf((await look(relay, '/events?namespace=none&state=dead')).html),
    'No events match namespace none, state dead'
  )
  for (const [path, says] of [
    ['/events?cursor=no', /cursor/],
    ['/objects?cursor=no', /cursor/],
    ['/objects?cluster=prod', /no filter "cluster"; there are q, state, cursor/],
    ['/events?source=edge', /no source "edge"/],
    ['/events?sorce=default', /no filter "sorce"; did you mean "source"/],
    ['/deliveries?kind=Kustomization', /no filter "kind"/],
    ['/deliveries/discard?rul=a', /no filter "rul"; did you mean "rule"/],
    ['/acts?by=ada', /no filter "by"/]
  ] as const) {
    const { status, html } = await look(relay, path)
    t.equal(status, 400, path)
    t.match(textOf(html), says, path)
  }
  t.match((await look(relay, '/events?source=default&done=retried-1')).html, /class="event"/)
})

t.test('dead letters are retried one by one or all at once, or discarded', async (t) => {
  const relay = await startRelay(t, { config })
  relay.slack.behave('*', { status: 400, body: 'invalid_payload' })
  for (const name of ['one', 'two', 'three']) {
    await relay.post(about(name))
    await relay.logged(/dead letters/, ['one', 'two', 'three'].indexOf(name) + 1)
  }
  t.match(textOf((await look(relay, '/')).html), /3 notifications could not be delivered ?\. Last event/)
  const path = '/deliveries?state=dead'
  const dead = await look(relay, path)
  t.match(textOf(dead.html), /dead apps\/three .* refused: invalid_payload|dead apps\/three/)
  const ids = [...dead.html.matchAll(/\/deliveries\/(\d+)\/retry/g)].map(([, id]) => id)
  t.equal(ids.length, 3)
  relay.slack.calm()

  const retry = `/deliveries/${ids[2]}/retry`
  const retried = await submit(relay, retry, fieldsOf(dead.html, retry))
  t.match(retried.to, '/deliveries?state=dead')
  t.match(textOf(retried.html), '1 notification waits to be sent again.')
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(relay.slack.accepted[0]?.text, 'apps/one')

  const discard = `/deliveries/${ids[1]}/discard`
  t.match(textOf((await submit(relay, discard, fieldsOf(dead.html, discard))).html), 'Discarded.')
  t.match(textOf((await submit(relay, discard, fieldsOf(dead.html, discard))).html), 'It was no longer a dead letter.')

  const all = await submit(relay, '/deliveries/retry-all', fieldsOf(dead.html, '/deliveries/retry-all'))
  t.match(textOf(all.html), '1 notification waits')
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.match(relay.slack.accepted[1]?.text, 'apps/three')
  t.match(textOf((await look(relay, '/deliveries?state=discarded')).html), /apps\/two .* discarded by an operator/)
})

t.test('dead letters of one kind are discarded at once, after a question that says how many', async (t) => {
  const relay = await startRelay(t, { config })
  const refuse = (body: string) => relay.slack.behave('*', { status: 400, body })
  for (const [n, name] of ['one', 'two', 'three'].entries()) {
    refuse(n === 0 ? 'invalid_payload' : 'invalid_blocks')
    await relay.post(about(name))
    await relay.logged(/dead letters/, n + 1)
  }
  const { html } = await look(relay, '/deliveries?state=dead')
  t.match(
    textOf(html),
    /By destination and answer 3 team .*invalid_blocks.* 2 Retry 2 Discard 2 … team .*invalid_payload.* 1/
  )
  const links = [...html.matchAll(/href="(\/deliveries\/discard\?[^"]+)"/g)].map(([, link = '']) => link)
  const [link = ''] = links
  const question = await look(relay, link.replaceAll('&amp;', '&'))
  t.match(textOf(question.html), /Discard 2 dead letters\? .* cannot be undone/)
  t.notMatch(textOf(question.html), 'apps/one')
  const cancel = /href="([^"]+)">Cancel/.exec(question.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const narrowed = await look(relay, cancel)
  t.match(textOf(narrowed.html), /Filter destination team, reason .*invalid_blocks/, 'a part of them says so')
  t.match(
    fieldsOf(narrowed.html, '/deliveries')['reason'],
    'invalid_blocks',
    'and stays so when something is searched for'
  )
  await relay.post(about('four'))
  await relay.logged(/dead letters/, 4)
  const done = await submit(relay, '/deliveries/discard-all', fieldsOf(question.html, '/deliveries/discard-all'))
  t.match(
    textOf(done.html),
    /2 discarded\. .* dead apps\/four .* dead apps\/one/,
    'nobody was asked about what came since'
  )
  t.notMatch(textOf(done.html), /dead apps\/(two|three)/)
  const again = await submit(relay, '/deliveries/discard-all', fieldsOf(question.html, '/deliveries/discard-all'))
  t.match(textOf(again.html), /It was no longer a dead letter\. .* dead apps\/four .* dead apps\/one/)
})

t.test(
  'a later page that has become empty does not claim that there is nothing, and an act there returns there',
  async (t) => {
    const relay = await startRelay(t, { config })
    relay.slack.behave('*', { status: 400, body: 'invalid_payload' })
    for (const [n, name] of ['one', 'two'].entries()) {
      await relay.post(about(name))
      await relay.logged(/dead letters/, n + 1)
    }
    const { body } = await relay.get('/api/notifications?state=dead&limit=1')
    const later = `/deliveries?state=dead&cursor=${JSON.parse(body).next}`
    const { html } = await look(relay, later)
    t.match(textOf(html), /dead apps\/one/)
    const [, discard = ''] = /action="(\/deliveries\/\d+\/discard)"/.exec(html) ?? []
    const done = await submit(relay, discard, fieldsOf(html, discard))
    t.match(done.to, later)
    t.match(textOf(done.html), /Discarded\. .* Nothing more\. To the first page/)
    t.match(done.html, '<a href="/deliveries?state=dead">To the first page')
    for (const path of [
      '/events?severity=error&cursor=1',
      '/objects?state=failing&cursor=1%3Ax',
      '/acts?via=page&cursor=1'
    ]) {
      const page = await look(relay, path)
      t.match(textOf(page.html), /Nothing more\. To the first page/, path)
      t.match(page.html, `<a href="${path.replace(/&cursor=.*/, '')}">To the first page`, path)
    }
  }
)

t.test('retrying and discarding all respects the search', async (t) => {
  const relay = await startRelay(t, { config })
  relay.slack.behave('*', { status: 400, body: 'invalid_payload' })
  for (const [n, name] of ['one', 'two'].entries()) {
    await relay.post(about(name))
    await relay.logged(/dead letters/, n + 1)
  }
  relay.slack.calm()
  const { html } = await look(relay, '/deliveries?state=dead&q=name:tw*')
  t.match(textOf(html), /1 Retry all that match|Retry all that match/)
  t.notMatch(textOf(html), 'apps/one')
  await submit(relay, '/deliveries/retry-all', fieldsOf(html, '/deliveries/retry-all'))
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(relay.slack.accepted[0]?.text, 'apps/two')
  t.match(textOf((await look(relay, '/deliveries?state=dead')).html), 'apps/one')
})

t.test('events are found by the same words, including those in their messages', async (t) => {
  const relay = await startRelay(t, { config })
  await relay.post(about('ledger', { message: 'upgrade failed: context Deadline exceeded <b> "quoted"' }))
  await relay.post(about('cart', { message: 'build failed' }))
  for (const [q, count] of [
    ['name:LEDG*', 1],
    ['"deadline exceeded"', 1],
    ['<b>', 1],
    ['kind:kustomization failed', 2],
    ['namespace:Apps name:cart name:ledger', 2],
    ['cluster:prod severity:error transition:failed', 2],
    ['apps/ledger', 1],
    ['prod/apps/', 2],
    ['kustomization/APPS/cart', 1],
    ['kustomization/ledger apps/cart', 0],
    ['"kustomization/led"', 1],
    ['apps_ledger/', 0],
    ['100%', 0],
    ['name:led_er', 0]
  ] as const) {
    const { html } = await look(relay, `/events?${new URLSearchParams({ q })}`)
    t.equal(html.match(/<a class="event"/g)?.length ?? 0, count, q)
  }
  t.match(textOf((await look(relay, '/events?q=name:nomatch')).html), /No events match name:nomatch \. Clear/)
  t.equal((await look(relay, '/events?q=rule:x')).status, 400)
  const { html } = await look(relay, '/deliveries?state=sent&q=apps/cart')
  t.match(textOf(html), /apps\/cart/)
  t.notMatch(textOf(html), /apps\/ledger/)
})

t.test('a destination that waits is tried with a click', async (t) => {
  const relay = await startRelay(t, { config })
  t.notMatch((await look(relay, '/')).html, /Try now/, 'nothing waits')
  relay.slack.behave('*', [{ status: 404, body: 'no_service' }])
  await relay.post(about('one'))
  await relay.logged(/rejects all messages/)
  const { html } = await look(relay, '/')
  t.match(textOf(html), /Nothing could be posted for .*: 404 no_service .* Try now/)
  const [, action = ''] = /action="(\/lanes\/[^"]+\/try)"/.exec(html) ?? []
  t.equal((await submit(relay, action, {}, { origin: 'https://elsewhere.example' })).status, 403)
  t.equal(relay.slack.received.length, 1)
  const tried = await submit(relay, action)
  t.match(textOf(tried.html), 'Trying it now.')
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.equal((await submit(relay, '/lanes/slack:nope/try')).status, 404)
})

t.test(
  'nobody counts as notified while the message waits, and a recipient of several rules is named once',
  async (t) => {
    const rules = config.replace('rules:', 'rules:\n  - { name: again, send: team }')
    const relay = await startRelay(t, { config: rules })
    relay.slack.behave('*', { status: 500, body: 'rollup_error' })
    const { body } = await relay.post({})
    await relay.logged(/rollup_error/)
    const text = textOf((await look(relay, `/events/${body.id}`)).html)
    t.match(text, /A message to team waits to be sent\. It still fails, for [^.]+\. local was notified of it\./)
    t.match(textOf((await look(relay, '/events')).html), / team pending, local sent /)
    relay.slack.behave('*', { status: 200, body: 'ok' })
    await relay.logged(/message sent/, 2)
    const after = textOf((await look(relay, `/events/${body.id}`)).html)
    t.match(after, /It still fails, for [^.]+\. team and local were notified of it\./)
  }
)

t.test('two clicks silence an object, and one ends the silence', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  const [, link = ''] = /href="(\/silences\/new[^"]+)"/.exec((await look(relay, '/')).html) ?? []
  const form = await look(relay, link.replaceAll('&amp;', '&'))
  const fields = fieldsOf(form.html, '/silences')
  t.match(fields, { kind: 'Kustomization', namespace: 'apps', name: 'shop', for: '1h' })
  const silences = await submit(relay, '/silences', fields)
  t.match(
    textOf(silences.html),
    /Silenced\. Undo .*silenced apps\/shop ends in .* made just now .* Matches 1 failing object apps\/shop/
  )
  t.match(textOf((await look(relay, '/')).html), /Muted now silenced apps\/shop/)
  clock.advance(5 * 60_000)
  const { body } = await relay.post({ reason: 'HealthCheckFailed', timestamp: '2026-09-21T14:05:00Z' })
  t.match(textOf((await look(relay, `/events/${body.id}`)).html), /muted team by failures/)

  const [, end = ''] = /action="(\/silences\/\d+\/end)"/.exec(silences.html) ?? []
  t.match(textOf((await submit(relay, end)).html), 'Ended. If it withheld anything, one message sums that up.')
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.match(textOf((await submit(relay, end)).html), 'It had already ended.')
  const again = await submit(relay, end.replace(/end$/, 'again'))
  t.match(textOf(again.html), /Silenced\. Undo .* ends in .* Matches 1 failing object/, 'the same once more')
  const undo = `/silences/${/silenced-(\d+)/.exec(again.to)?.[1]}/end`
  t.match(textOf((await submit(relay, undo)).html), 'No silences.')

  await submit(relay, '/silences', fields)
  const first = await look(relay, '/')
  const [, here = ''] = /action="(\/silences\/\d+\/end\?back=[^"]+)"/.exec(first.html) ?? []
  const after = await submit(relay, here)
  t.match(after.to, /^\/\?done=ended-/, 'and on the first page, beside what it withholds')
  t.notMatch(textOf(after.html), /Muted now silenced/)
})

t.test(
  'a silence says beforehand what it matches, is extended with one tap, and can be repeated after its end',
  async (t) => {
    const clock = createClock()
    const relay = await startRelay(t, { config, clock })
    for (const name of ['shop', 'cart']) await relay.post(about(name))
    t.match(textOf((await look(relay, '/silences/new?name=sh*&for=2h')).html), /Matches 1 of 2 failing objects/)
    t.match(textOf((await look(relay, '/silences/new?name=none')).html), /Matches 0 of 2 failing objects/)
    const { html } = await submit(relay, '/silences', { name: 'sh*', for: '1h', comment: 'rollout' })
    const [, extend = ''] = /action="(\/silences\/\d+\/extend\?ends=\d+)"/.exec(html) ?? []
    const extended = textOf((await submit(relay, extend)).html)
    t.match(extended, /It lasts an hour longer\. .* rollout ends in (2 h|1 h 59 m)/)
    clock.advance(3 * 60 * 60_000)
    const over = await look(relay, '/silences')
    t.match(textOf(over.html), /No silences\. Ended 1 rollout .* ended 1 h ago|No silences\. Ended 1 rollout/)
    t.match(over.html, /href="\/silences\/new\?name=sh\*&amp;comment=rollout"|href="\/silences\/new\?name=sh%2A/)
    t.match(textOf((await submit(relay, extend)).html), 'It had already ended.')
  }
)

t.test('a form that a double click posts twice is carried out once', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  await relay.post(about('shop'))
  const twice = (path: string, fields: Record<string, string> = {}) =>
    Promise.all([submit(relay, path, fields), submit(relay, path, fields)])
  const silences = async () => JSON.parse((await relay.get('/api/silences')).body).silences
  const [one, other] = await twice('/silences', { name: 'sh*', for: '1h' })
  t.equal(one.to, other.to)
  const [silence, ...others] = await silences()
  t.same(others, [])
  const lasts = Date.parse(silence.endsAt)
  const formIn = (html: string) => /action="(\/silences\/\d+\/extend\?ends=\d+)"/.exec(html)?.[1] ?? ''
  const [extended] = await twice(formIn(one.html))
  t.equal(Date.parse((await silences())[0].endsAt) - lasts, 3_600_000, 'an hour longer')
  await submit(relay, formIn(extended.html))
  t.equal(Date.parse((await silences())[0].endsAt) - lasts, 2 * 3_600_000, 'and one more for who presses again')
  await submit(relay, `/silences/${silence.id}/end`)
  await twice(`/silences/${silence.id}/again`)
  t.equal((await silences()).length, 1)
  clock.advance(60_000)
  await submit(relay, '/silences', { name: 'sh*', for: '1h' })
  t.equal((await silences()).length, 2, 'later it is another')
})

t.test('a silence may begin later: until then it withholds nothing, and it can be dropped', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  await relay.post({})
  const { html } = await submit(relay, '/silences', { name: 'shop', starts: '2h', for: '1h', comment: 'upgrade' })
  t.match(textOf(html), /upgrade begins in 2 h , ends 2026-09-21 17:00:00 UTC .* Drop/)
  const lasting = await submit(relay, '/silences', { name: 'shop', starts: '1d', for: 'recovered', comment: 'flaky' })
  t.match(textOf(lasting.html), /flaky begins in 1 d , ends when it recovers, at the latest in 31 d /)
  t.notMatch(textOf((await look(relay, '/')).html), '1 muted')
  clock.advance(2 * 60 * 60_000 + 1)
  t.match(textOf((await look(relay, '/')).html), /1 muted|Muted now upgrade/)
})

t.test('a silence may last as long as something fails, made with one tap or with the form', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  await relay.post(about('shop'))
  const tap = async (path: string) => {
    const actions = [...(await look(relay, path)).html.matchAll(/action="(\/silences\?[^"]+for=recovered)"/g)]
    t.equal(actions.length, 1, path)
    return actions[0]?.[1]?.replaceAll('&amp;', '&') ?? ''
  }
  const history = '/events?cluster=prod&kind=Kustomization&namespace=apps&name=shop'
  for (const path of ['/', '/objects?state=failing', '/events/1', history]) await tap(path)
  const { html } = await submit(relay, await tap('/'))
  t.match(textOf(html), /Silenced\. Undo .* ends when it recovers, at the latest in 30 d .* End now Matches 1 failing/)
  t.notMatch(html, '+1 h', 'an hour more of what has no hour')
  t.match(
    textOf((await look(relay, '/')).html),
    /Muted 1 silenced apps\/shop ends when it recovers, .* Muted now silenced apps\/shop ends when/
  )
  t.match(
    textOf((await look(relay, '/events/1')).html),
    /Withheld by silenced apps\/shop , which ends when it recovers/
  )
  await relay.post(about('shop', { severity: 'info', reason: 'ReconciliationSucceeded', message: 'Applied revision' }))
  clock.advance(5001)
  await relay.logged(/what it was about has recovered/)
  t.match(textOf((await look(relay, '/silences')).html), 'No silences.')
  t.notMatch((await look(relay, history)).html, 'for=recovered', 'what works does not recover')

  await relay.post(about('cart'))
  const form = await submit(relay, '/silences', { name: 'ca*', for: 'recovered', comment: 'by hand' })
  t.match(textOf(form.html), /by hand ends when it recovers/)
})

t.test('mutes of the config file say what they match, and when they come next', async (t) => {
  const weekly = `
mute:
  - { name: nights, match: { namespace: db }, weekly: { days: [tue], from: "20:00", to: "07:00", timeZone: UTC } }
rules:`
  const relay = await startRelay(t, { config: config.replace('\nrules:', weekly), clock: createClock() })
  t.match(
    textOf((await look(relay, '/silences')).html),
    /nights next in .* namespace db Not now; it begins 2026-09-22 20:00:00 UTC/
  )
})

t.test('a silence that no event can match says so, and what was meant', async (t) => {
  const relay = await startRelay(t, { config })
  await submit(relay, '/silences', { kind: 'helmrelease', name: 'shop', for: '1h' })
  const { html } = await submit(relay, '/silences', { namespace: 'apps', for: '1h' })
  t.match(textOf(html), /kind: Flux has no kind .*helmrelease.*did you mean .*HelmRelease/)
  t.equal(html.match(/class="trouble"/g)?.length, 1, 'and nothing of the other')
})

t.test('a silence with too little or too much in it is asked for again', async (t) => {
  const relay = await startRelay(t, { config })
  for (const [fields, fault] of [
    [{ for: '1h' }, 'a silence needs a matcher'],
    [{ name: 'x', for: 'long' }, 'for is not a duration'],
    [{ name: 'x', for: '900d' }, 'within 366 days'],
    [{ name: 'x', for: 'recovered' }, 'nothing that it matches fails now'],
    [{ name: 'x', for: '1h', comment: 'y'.repeat(400) }, '300 characters']
  ] as const) {
    const { status, html } = await submit(relay, '/silences', fields)
    t.equal(status, 400)
    t.match(textOf(html), fault)
    t.match(fieldsOf(html, '/silences'), 'name' in fields ? { name: 'x' } : {}, 'what was written is not lost')
  }
  t.match(textOf((await look(relay, '/silences')).html), 'No silences.')
})

t.test('a rule says what it waits for, and what it combines', async (t) => {
  const rules = `
  - { name: lasting, match: { severity: error }, for: 2m, send: team }
  - { name: pushes, match: { severity: info }, as: rollout, settle: 3m, send: team }
  - { name: news, match: { severity: [info] }, send: team }
`
  const relay = await startRelay(t, { config: `${config.slice(0, config.indexOf('rules:'))}rules:${rules}` })
  const text = textOf((await look(relay, '/rules')).html)
  t.match(text, /lasting .* only what lasts for 2 m/)
  t.match(text, /pushes .* each rollout as one, settled after 3 m/)
  t.match(text, /news severity: only info team changes only · no reminders/, 'which are about failures')
})

t.test('unused rules stand out', async (t) => {
  const relay = await startRelay(t, { config, clock: createClock() })
  await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  await relay.app['idle']()
  const text = textOf((await look(relay, '/rules')).html)
  t.match(
    text,
    /1\. failures severity: warn or worse team , local changes only · reminds after 4 h, then up to a day apart 1 event 2 messages last just now/
  )
  t.match(text, /2\. payments severity: error namespace: pay team .* none in 7 d/)
})

t.test('an event can be tried: the page shows what would happen, and nothing happens', async (t) => {
  const relay = await startRelay(t, { config })
  const { html, status } = await submit(relay, '/rules/try', { event: JSON.stringify(fluxEvent()), source: 'default' })
  t.equal(status, 200)
  t.match(
    textOf(html),
    /failed apps\/shop .* team and local would be notified\. ✓ failures matched – payments no match/
  )
  t.match(html, '&quot;BuildFailed&quot;', 'what was pasted is not lost')
  t.match(textOf((await look(relay, '/events')).html), 'No events.')
  await submit(relay, '/silences', { name: 'shop', for: '1h', comment: 'rollout' })
  const muted = await submit(relay, '/rules/try', { event: JSON.stringify(fluxEvent()), source: 'default' })
  t.match(textOf(muted.html), /Nobody would be notified\. failures → team: muted by "rollout" until/)
  for (const [event, fault] of [
    ['{', 'This is not valid JSON'],
    ['{}', 'This is not a Flux event']
  ] as const) {
    const refused = await submit(relay, '/rules/try', { event, source: 'default' })
    t.equal(refused.status, 400)
    t.match(textOf(refused.html), fault)
  }
  t.match(textOf((await submit(relay, '/rules/try', { event: '{}', source: 'nope' })).html), 'there is no source')
  t.equal(relay.slack.received.length, 0)
})

t.test('a config file that cannot be used is reported, without its contents', async (t) => {
  const folder = tempFolder(t)
  const relay = await startRelay(t, { config, folder, clock: createClock() })
  t.notMatch((await look(relay, '/')).html, 'cannot be used')
  const file = join(folder, 'config.yaml')
  writeFileSync(
    file,
    `sources: { default: { hmacKeys: s3cret-key } }\nrules: []\ndestinations: { x: { preview: tru } }`
  )
  relay.app.reload()
  const { html } = await look(relay, '/')
  t.match(
    textOf(html),
    /The config file was refused.* The config file cannot be used Read just now .*config\.yaml:1:\d+ must be a list/
  )
  t.notMatch(html, 's3cret')
  rmSync(file)
  relay.app.reload()
  t.match(textOf((await look(relay, '/')).html), 'it does not exist; set CONFIG_FILE to where yours is')
})

t.test('nobody gets in without the token, and no other site can act for a signed-in user', async (t) => {
  const relay = await startRelay(t, { config, env: { ADMIN_TOKEN: 'open-sesame' } })
  const basic = `Basic ${Buffer.from('anyone:open-sesame').toString('base64')}`
  for (const path of [...pages, '/live', '/events/1/body']) {
    const { status, headers, html } = await look(relay, path)
    t.equal(status, 401, path)
    t.match(headers.get('www-authenticate'), 'Basic')
    t.match(html, '<h1>Please sign in</h1>')
  }
  for (const authorization of [basic, 'Bearer open-sesame']) {
    t.equal((await look(relay, '/', { authorization })).status, 200)
  }
  const silence = { name: 'x', for: '1h' }
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
    t.equal((await submit(relay, '/silences', silence, { authorization: basic, ...headers })).status, 403)
  }
  t.equal((await submit(relay, '/silences', silence)).status, 401)
  t.match(textOf((await look(relay, '/silences', { authorization: basic })).html), 'No silences.')
})

t.test(
  'a preview of an unknown destination lists the known ones, and does not claim that it was deleted',
  async (t) => {
    const relay = await startRelay(t, { config })
    const { status, html } = await look(relay, '/preview/taem')
    t.equal(status, 404)
    t.match(textOf(html), /there is no destination "taem"; did you mean "team"\?/)
  }
)

t.test('an unknown address is answered with a page to people, and as everywhere else to programs', async (t) => {
  const relay = await startRelay(t, { config })
  const person = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
  for (const [path, status, says] of [
    ['/event', 404, /Not found .*the pages begin at \/.* Back to Now/],
    ['/rules/', 200, /Rules/],
    ['/Rules', 404, /Not found/],
    ['/silences/1/end', 405, /nothing is shown at this address: it takes what a button of a page sends Back to Now/],
    ['/deliveries/retry-all', 405, /what a button of a page sends/],
    ['/apis', 404, /Not found/]
  ] as const) {
    const page = await look(relay, path, person)
    t.equal(page.status, status, path)
    t.match(page.headers.get('content-security-policy'), /default-src 'none'/, path)
    t.match(textOf(page.html), says, path)
    t.equal(page.headers.get('allow'), status === 405 ? 'POST' : null, path)
    if (status === 200) continue
    const program = await relay.get(path, { accept: '*/*' })
    t.match(program, { status, body: /^\{"code":/ }, path)
  }
  for (const path of ['/api/event', '/api', '/webhook'])
    t.match((await relay.get(path, person)).body, /^\{"code":/, path)
  t.match(relay.log.join(''), 'no route takes this request')
})

t.test('a form returns to a page of ours, with words of ours', async (t) => {
  const relay = await startRelay(t, { config })
  for (const back of ['https://evil.example/', '//evil.example', '/\\evil.example', '/rules']) {
    const { to } = await submit(relay, '/deliveries/1/retry', { back })
    t.match(to, /^\/deliveries\?state=dead&done=retried-0$/, back)
  }
  for (const done of ['<b>owned</b>', 'constructor-1', 'retried-x', 'All is lost']) {
    t.notMatch((await look(relay, `/?${new URLSearchParams({ done })}`)).html, 'class="done"', done)
  }
})

t.test('open pages learn that something changed, but only a limited number of them', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  const pass = async () => {
    clock.advance(2000)
    // The relay looks while this is answered.
    await look(relay, '/')
  }
  // A HEAD request watches nothing and keeps nobody out.
  const heads = await Promise.all(Array.from({ length: 33 }, () => fetch(`${relay.url}/live`, { method: 'HEAD' })))
  t.match(
    heads.map(({ status }) => status),
    Array(33).fill(405)
  )
  t.equal(heads[0]?.headers.get('allow'), 'GET')
  const controller = new AbortController()
  const streams = await Promise.all(
    Array.from({ length: 32 }, () => fetch(`${relay.url}/live`, { signal: controller.signal }))
  )
  t.match(streams[0]?.headers.get('content-type'), 'text/event-stream')
  t.equal((await look(relay, '/live')).status, 204, 'a browser does not ask again')
  const seen = listen(streams[0] as Response)
  // The first look only learns the present state.
  await pass()
  await relay.post(fluxEvent())
  await pass()
  t.match(await seen(/event: change/), 'retry:')
  controller.abort()
  for (let tries = 0; tries < 50 && (await probe(relay)) === 204; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.equal(await probe(relay), 200, 'who leaves makes room')
})

t.test('open pages learn at once what another operator did, so that it is not done again', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  await relay.post(fluxEvent())
  await relay.logged(/"message sent|message previewed/, 2)
  const pass = async () => {
    clock.advance(2000)
    for (let looks = 0; looks < 3; looks++) await look(relay, '/')
  }
  const stream = await fetch(`${relay.url}/live`)
  for (let looks = 0; looks < 2; looks++) await pass()
  const [, action = ''] = /action="(\/acknowledge\?[^"]+)"/.exec((await look(relay, '/')).html) ?? []
  await submit(relay, action.replaceAll('&amp;', '&'))
  await pass()
  await relay.app.close()
  t.equal((await stream.text()).match(/event: change/g)?.length, 1)
})

/** Returns a function that resolves to everything received once it matches. */
function listen(response: Response): (pattern: RegExp) => Promise<string> {
  let text = ''
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  return async (pattern) => {
    while (!pattern.test(text)) text += new TextDecoder().decode((await reader.read()).value)
    return text
  }
}

async function probe(relay: Relay): Promise<number> {
  const response = await fetch(`${relay.url}/live`)
  await response.body?.cancel()
  return response.status
}
