// The first page on a bad night: equal causes together, dependents below what they wait for, muted objects apart, and true
// counts.
import t from 'tap'
import type { WireEvent } from '../src/events/flux.ts'
import { createClock } from './fixtures/clock.ts'
import { fieldsOf, look, submit, textOf } from './fixtures/dashboard.ts'
import { about, fluxEvent, type Relay, startRelay } from './fixtures/relay.ts'

const config = `
cluster: prod
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  idle: { preview: true }
mute: [{ name: kafka migration, match: { namespace: kafka }, until: "2099-01-01T00:00:00Z" }]
rules:
  - { name: failures, match: { severity: error }, send: team }
`

function of(kind: string, namespace: string, name: string, changes: Partial<WireEvent>): WireEvent {
  const event = about(name, changes)
  return { ...event, involvedObject: { ...event.involvedObject, kind, namespace, uid: `${kind}/${namespace}/${name}` } }
}

function timedOut(namespace: string, name: string): WireEvent {
  const message = `Helm upgrade failed for release ${namespace}/${name} with chart ${name}@1.${name.length}.0: timed out waiting for the condition`
  return of('HelmRelease', namespace, name, { reason: 'UpgradeFailed', message })
}

/** A cause, three objects that fail alike, two dependents of the cause, one that waits, and two that are muted. */
async function badNight(relay: Relay): Promise<void> {
  const chart = (name: string) =>
    of('HelmChart', 'flux-system', name, {
      reason: 'NoSourceArtifact',
      message: "no artifact available for HelmRepository source 'charts'"
    })
  for (const event of [
    chart('early'),
    of('HelmRepository', 'flux-system', 'charts', { reason: 'Failed', message: 'no such host' }),
    chart('late'),
    timedOut('shop', 'cart'),
    timedOut('shop', 'till-2'),
    timedOut('pay', 'ledger'),
    of('Kustomization', 'data', 'etl', {
      severity: 'info',
      reason: 'DependencyNotReady',
      message: "dependency 'data/base' is not ready"
    }),
    timedOut('kafka', 'broker'),
    timedOut('kafka', 'topics')
  ]) {
    await relay.post(event)
  }
}

t.test(
  'a bad night fits in a few rows: causes with their dependents, equal causes together, muted objects apart',
  async (t) => {
    const relay = await startRelay(t, { config })
    await badNight(relay)
    const { html } = await look(relay, '/')
    const text = textOf(html)
    t.match(html, '<title>(6) failing · flux-relay</title>')
    t.match(html, /rel="icon" href="\/assets\/icon-red\.svg/)
    t.match(text, /6 failing · 1 waiting · 2 muted The oldest is/)
    t.match(html, /<h1><a href="#failing">6 failing<\/a>\s· <a href="#waiting">/, 'each part leads to what it is about')
    t.match(
      text,
      /flux-system\/charts HelmRepository · prod .* no such host .* 2 hang on it: flux-system 2 .*early.*late/
    )
    t.match(text, /3 HelmReleases prod .* UpgradeFailed at main@4f2c91d · shop 2, pay 1 .*shop\/cart.*pay\/ledger/)
    t.match(text, /Waiting 1 data\/etl/)
    t.match(
      text,
      /Muted 2 kafka migration ends on 2099-01-01 a mute of the config file 2 objects fail meanwhile kafka\/broker/
    )
    t.match(text, /namespace flux-system 3 kafka 2 shop 2/, 'how many there are where')
    t.notMatch(html.slice(html.indexOf('id="failing"'), html.indexOf('id="muted"')), 'kafka/broker')
  }
)

t.test('words and one click narrow down the list, and the counts stay true', async (t) => {
  const relay = await startRelay(t, { config })
  await badNight(relay)
  const [, chip = ''] =
    /<a class="chip" href="([^"]*namespace[^"]*shop[^"]*)"/.exec((await look(relay, '/')).html) ?? []
  const { html } = await look(relay, chip.replaceAll('&amp;', '&'))
  const ages = async (path: string) => {
    const [, oldest, newest] =
      /The oldest is (\S+) ?, for .* the newest (\S+) ?, for/.exec(textOf((await look(relay, path)).html)) ?? []
    return { oldest, newest }
  }
  t.same(await ages('/'), { oldest: 'flux-system/early', newest: 'data/etl' })
  t.same(await ages('/?q=namespace:shop'), await ages('/'), 'the oldest and the newest are of all, too')
  t.match(textOf(html), /6 failing · 1 waiting · 2 muted .* 2 of 9 match\. Show all .* 2 HelmReleases/)
  t.match(html, 'value="namespace:shop"')
  t.match(html, /aria-current="true">shop/)
  t.match(textOf((await look(relay, '/?q=name:TILL*+%22timed+out%22')).html), /1 of 9 match/)
  const refused = await look(relay, '/?q=clustr:prod')
  t.equal(refused.status, 400)
  t.match(textOf(refused.html), /there is no field "clustr"; did you mean "cluster"\?/)
})

/** The links of the numbers above the page. */
function leads(html: string): string[] {
  const [heading = ''] = /<h1>.*?<\/h1>/.exec(html) ?? []
  return [...heading.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href)
}

t.test('the numbers above the page equal those of its cards, and lead to them', async (t) => {
  const relay = await startRelay(t, { config })
  await relay.post(of('Kustomization', 'data', 'base', { reason: 'BuildFailed', message: 'no such file' }))
  for (const name of ['etl', 'api']) {
    const message = "dependency 'data/base' is not ready"
    await relay.post(of('Kustomization', 'data', name, { severity: 'info', reason: 'DependencyNotReady', message }))
  }
  await relay.post(timedOut('kafka', 'broker'))
  const { html } = await look(relay, '/')
  t.match(textOf(html), /1 failing · 2 waiting · 1 muted .* Failing 1 · 2 waiting data\/base .* 2 hang on it: data 2/)
  t.same(leads(html), ['#failing', '#failing', '#muted'])
  for (const href of leads(html)) t.match(html, `id="${href.slice(1)}"`)
  t.same(
    leads((await look(relay, '/?q=namespace:kafka')).html),
    ['/', '/', '#muted'],
    'what is not shown is on the whole page'
  )
})

t.test('of several lines, the one that says what is wrong is shown, found, and in the API', async (t) => {
  const relay = await startRelay(t, { config })
  const message =
    'Helm upgrade failed for release shop/till with chart till@1.2.0: post-upgrade hooks failed: 1 error occurred:\n\t* job till-migrate failed: BackoffLimitExceeded\n\n'
  await relay.post(of('HelmRelease', 'shop', 'till', { reason: 'UpgradeFailed', message }))
  const gist = 'upgrade to till 1.2.0: post-upgrade hook: job till-migrate failed: BackoffLimitExceeded'
  for (const path of [
    '/',
    '/?q=BackoffLimitExceeded',
    '/objects?q=till-migrate',
    '/events?kind=HelmRelease&namespace=shop&name=till&cluster=prod'
  ])
    t.match(textOf((await look(relay, path)).html), gist, path)
  const { objects } = JSON.parse((await relay.get('/api/objects')).body)
  t.match(objects, [{ failure: { gist, text: /1 error occurred:$/ } }])
  for (const [name, error] of Object.entries({ dns: 'no such zone', vpc: 'quota exceeded', bus: 'quota exceeded' }))
    await relay.post(
      of('Terraform', 'infra', name, { reason: 'TFExecPlanFailed', message: `exit status 1\n\nError: ${error}` })
    )
  const page = textOf((await look(relay, '/')).html)
  t.match(page, /2 Terraforms prod \d+ s quota exceeded/, 'each cause apart')
  t.match(page, /infra\/dns Terraform · prod \d+ s no such zone/)
  await relay.post(of('HelmRelease', 'shop', 'till', { reason: 'UpgradeFailed', message: 'another failure' }))
  t.match(JSON.parse((await relay.get('/api/objects?name=till')).body).objects, [
    { failure: { gist: 'another failure' } }
  ])
})

t.test('whoever acts on a search result returns to it', async (t) => {
  const relay = await startRelay(t, { config })
  await badNight(relay)
  const page = '/?q=kind%3AHelmRepository'
  const [, action = ''] = /action="(\/acknowledge\?[^"]*)"/.exec((await look(relay, page)).html) ?? []
  t.equal((await submit(relay, action.replaceAll('&amp;', '&'))).to, `${page}&done=acknowledged-1`)
  const [, all = ''] = /action="(\/acknowledge\/matching\?[^"]*)"/.exec((await look(relay, '/?q=shop')).html) ?? []
  t.match((await submit(relay, all.replaceAll('&amp;', '&'))).to, /^\/\?q=shop&done=acknowledged-/)
})

t.test('muted objects alone are neither green nor red', async (t) => {
  const relay = await startRelay(t, { config })
  await relay.post(timedOut('kafka', 'broker'))
  t.match(textOf((await look(relay, '/')).html), /1 muted Nothing else is known to fail\./)
  t.match((await look(relay, '/')).html, /class="hero grey"/)
})

t.test('one tap silences an object for an hour, and the page shows it as muted', async (t) => {
  const relay = await startRelay(t, { config })
  await relay.post({})
  const { html } = await look(relay, '/')
  const [, action = ''] = /action="(\/silences\?[^"]+)"/.exec(html) ?? []
  t.equal((await submit(relay, action.replaceAll('&amp;', '&'))).status, 200)
  t.match(textOf((await look(relay, '/')).html), /1 muted .* Muted 1 .* ends in 59 m|1 muted .* ends in 1 h/)
})

t.test(
  'however much fails, everything is counted, the page stays small, and the rest has a page of its own',
  async (t) => {
    const clock = createClock()
    const relay = await startRelay(t, { config: config.replace('severity: error', 'name: none'), clock })
    const words = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta', 'iota', 'kappa']
    for (let n = 0; n < 100; n++) {
      const message = `kustomize build failed: ${words[n % 10]} ${words[Math.floor(n / 10)]} is missing`
      await Promise.all(
        Array.from({ length: 13 }, (_, batch) =>
          relay.post(about(`x${n}-${batch}-payments-ledger-api`, { message, metadata: { cluster: 'prod-eu-west-1' } }))
        )
      )
    }
    const { html } = await look(relay, '/')
    t.match(textOf(html), /1,300 failing/)
    t.match(textOf(html), /780 more, of 60 causes/)
    t.ok(html.length < 200_000, String(html.length))
    const seen = new Set<string>()
    let next: string | undefined = '/objects?state=failing&q=kind:kustom*'
    for (let pages = 0; next !== undefined && pages < 40; pages++) {
      const { html } = await look(relay, next)
      for (const [, name = ''] of html.matchAll(/<b>apps\/(x[\d]+-[\d]+-payments-ledger-api)<\/b>/g)) seen.add(name)
      next = /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
    }
    t.equal(seen.size, 1300, 'each of them is found by paging')
  }
)

t.test('the objects page and the API find objects by the same words', async (t) => {
  const relay = await startRelay(t, { config })
  await badNight(relay)
  await relay.post(fluxEvent({ severity: 'info', reason: 'ReconciliationSucceeded', message: 'fine' }))
  for (const [q, names] of [
    ['namespace:shop', ['cart', 'till-2']],
    ['kind:helmrelease name:T*', ['till-2', 'topics']],
    ['"no such host"', ['charts']],
    ['reason:DependencyNotReady severity:warn', ['etl']],
    ['namespace:pay namespace:data', ['etl', 'ledger']],
    ['pay/ledger', ['ledger']],
    ['"HelmRelease shop/cart"', []],
    ['HelmRelease shop/cart', ['cart']],
    ['helmrelease/SHOP/till-2', ['till-2']],
    ['helmrelease/till', ['till-2']],
    ['nothing', []]
  ] as const) {
    const { body } = await relay.get(`/api/objects?${new URLSearchParams({ q, limit: '100' })}`)
    const found = JSON.parse(body).objects.map(({ object }: { object: { name: string } }) => object.name)
    t.same(found.sort(), names, q)
    const { html } = await look(relay, `/objects?${new URLSearchParams({ q })}`)
    t.equal(html.match(/<a class="object"/g)?.length ?? 0, names.length, q)
  }
  t.match(textOf((await look(relay, '/objects?state=healthy')).html), /healthy apps\/shop/)
  t.match(textOf((await look(relay, '/objects?q=name:nomatch')).html), /No objects match name:nomatch \. Clear/)
  t.equal((await relay.get('/api/objects?q=nme:x')).status, 400)
})

t.test('destinations show what they were sent today, those in trouble first', async (t) => {
  const relay = await startRelay(t, { config, clock: createClock() })
  t.match(textOf((await look(relay, '/')).html), /Destinations 2 team never used nothing sent yet · 50 a second/)
  await relay.post({})
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  await relay.logged(/message sent/)
  t.match(textOf((await look(relay, '/')).html), /team idle 1 message sent in 24 h, last just now/)
  relay.slack.behave('*', { status: 400, body: 'invalid_payload' })
  await relay.post(about('refused'))
  await relay.logged(/dead letters/)
  t.match(
    textOf((await look(relay, '/')).html),
    /team idle 1 message sent in 24 h/,
    'what it does not take is none of them'
  )
})

const owned = `
cluster: prod
destinations: { pay: { preview: true }, web: { preview: true }, platform: { preview: true } }
owners:
  - { match: { namespace: "pay*" }, send: pay }
  - { match: { metadata: { team: web } }, send: web }
  - { send: platform }
rules:
  - { name: failures, match: { severity: error }, send: owner }
`

t.test('however many destinations there are, pages stay small and each one can be reached', async (t) => {
  const named = (count: number) =>
    Array.from({ length: count }, (_, n) => `  team-${n}-of-the-platform: { preview: true }`).join('\n')
  const rules = 'rules: [{ name: all, match: { severity: warn }, send: team-7-of-the-platform }]'
  const relay = await startRelay(t, { config: `destinations:\n${named(3000)}\n${rules}` })
  await relay.post(about('shop'))
  for (const path of ['/', '/events', '/deliveries?state=sent', '/preview/team-7-of-the-platform'])
    t.ok((await look(relay, path)).html.length < 120_000, path)
  const { html } = await look(relay, '/')
  t.match(textOf(html), /Destinations 3,000 team-7-of-the-platform .* 2,988 more .* 2,788 more: flux-relay lanes/)
  t.match(textOf((await look(relay, '/events?destination=team-7-of-the-platform')).html), 'apps/shop')
  t.match(
    textOf((await look(relay, '/events?destination=team-7-of-the-platfrom')).html),
    /did you mean "team-7-of-the-platform"/
  )
  const chosen = await look(relay, '/preview?destination=team-2999-of-the-platform')
  t.equal(chosen.headers.get('location'), '/preview/team-2999-of-the-platform')

  const fewer = await startRelay(t, { config: `destinations:\n${named(40)}\n${rules}` })
  const preview = await look(fewer, '/preview/team-7-of-the-platform')
  t.match(fieldsOf(preview.html, '/preview'), { destination: 'team-7-of-the-platform' })
  t.equal(preview.html.match(/<option /g)?.length, 40)
})

t.test('the owner is one click away: who was notified, or what the table says for certain', async (t) => {
  const relay = await startRelay(t, { config: owned })
  const web = timedOut('shop', 'cart')
  for (const event of [
    timedOut('pay', 'ledger'),
    { ...web, metadata: { ...web.metadata, team: 'web' } },
    timedOut('shop', 'till'),
    timedOut('db', 'main')
  ]) {
    await relay.post(event)
  }
  const { html } = await look(relay, '/')
  t.match(textOf(html), /owner platform 2 pay 1 web 1/)
  const { html: one } = await look(relay, '/?q=owner:web')
  t.match(textOf(one), /1 of 4 match/)
  t.match(textOf(one), /shop\/cart/)
  const objects = textOf((await look(relay, '/objects?q=owner:pay')).html)
  t.match(objects, /pay\/ledger .* owner pay/)
  t.notMatch(objects, 'shop/cart')
  const { objects: listed } = (await (await fetch(`${relay.url}/api/objects?q=owner:platform`)).json()) as {
    objects: { object: { name: string }; owner: string }[]
  }
  t.strictSame(listed.map(({ object, owner }) => [object.name, owner]).sort(), [
    ['main', 'platform'],
    ['till', 'platform']
  ])
})

t.test('an owner that depends on what is not remembered is not guessed', async (t) => {
  const relay = await startRelay(t, { config: owned.replace('match: { severity: error }', 'match: { name: none }') })
  for (const namespace of ['pay', 'shop']) await relay.post(timedOut(namespace, 'x'))
  const { objects } = (await (await fetch(`${relay.url}/api/objects`)).json()) as {
    objects: { object: { namespace: string }; owner?: string }[]
  }
  t.strictSame(objects.map(({ object, owner }) => [object.namespace, owner]).sort(), [
    ['pay', 'pay'],
    ['shop', undefined]
  ])
})
