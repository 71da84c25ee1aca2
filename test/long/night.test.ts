// A bad night: one command answers each question of whoever is on call, against a real relay.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fieldsOf, look, submit, textOf } from '../fixtures/dashboard.ts'
import { run, runUnread } from '../fixtures/process.ts'
import { about, fluxEvent, type Relay, startRelay, tempFolder } from '../fixtures/relay.ts'
import { runInTerminal } from '../fixtures/terminal.ts'

const config = `
sources: { default: {}, eu: { cluster: prod-eu }, us: { cluster: prod-us } }
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  payments: { slack: { webhookUrl: "$HOST/services/T00000000/B00000001/payments" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: payments, match: { namespace: payments }, send: payments }
  - { name: failures, match: { severity: warn }, send: team }
`

const eu = { path: '/webhook/eu' }
const payments = { ...fluxEvent().involvedObject, kind: 'HelmRelease', namespace: 'payments', name: 'ledger', uid: 'l' }
const upgradeFailed = { involvedObject: payments, reason: 'UpgradeFailed', message: 'context deadline exceeded' }

const missing = 'failed to get source: HelmRepository "charts" not found'

/** Three charts without a source, a release that fails to come up, and one that waits. */
async function badNight(t: Test): Promise<{ relay: Relay; env: Record<string, string> }> {
  const relay = await startRelay(t, { config })
  for (const name of ['cart', 'till', 'shop']) {
    const { involvedObject } = about(name)
    const chart = { ...involvedObject, kind: 'HelmChart', namespace: 'flux-system' }
    await relay.post({ involvedObject: chart, reason: 'SourceUnavailable', message: missing }, eu)
  }
  await relay.post(upgradeFailed, eu)
  await relay.post(
    about('waiter', {
      severity: 'info',
      reason: 'DependencyNotReady',
      message: "Dependencies do not meet ready condition: dependency 'apps/shop' is not ready"
    }),
    eu
  )
  return { relay, env: { RELAY_URL: relay.url } }
}

t.test('what fails, since when, who was notified, and why; similar failures in one line', async (t) => {
  const { env } = await badNight(t)
  const { code, out, err } = await run(['status'], env)
  t.strictSame({ code, err }, { code: 1, err: '' })
  const [headline = '', , header, ...rows] = out.trimEnd().split('\n')
  t.match(headline, /^5 failing \(4 errors, 1 warning\) · /)
  t.match(headline, /nothing has come from us yet/)
  t.match(headline, /1 source active, the last event \d+ [sm] ago/)
  t.match(header, /^SINCE +CLUSTER +OBJECT +NOTIFIED +WHY$/)
  t.equal(rows.length, 3)
  t.match(rows[0], /^\d+ [sm] +prod-eu +3 × HelmChart \(cart, till, …\) +team +HelmRepository "charts" not found$/)
  t.match(rows[1], /prod-eu +HelmRelease payments\/ledger +payments, team +context deadline exceeded$/)
  t.match(rows[2], /prod-eu +Kustomization apps\/waiter +team +.*apps\/shop/, 'what only waits comes last')
  const json = JSON.parse((await run(['status', '--json'], env)).out)
  t.match(json, { isWell: false, isComplete: true, failing: { length: 5 }, deadLetters: [], silences: [] })
})

t.test('muted failures are counted separately, with what mutes them, and remind nobody', async (t) => {
  const { env } = await badNight(t)
  const silenced = await run(
    ['silence', 'add', '--match', 'namespace=payments', '--for', '2h', '--comment', 'db upgrade'],
    env
  )
  t.equal(silenced.code, 0, silenced.err)
  const { out } = await run(['status'], env)
  t.match(out, /^4 failing \(3 errors, 1 warning\) · 1 muted · /)
  t.match(
    out.trimEnd().split('\n').at(-1),
    /HelmRelease payments\/ledger +\S+, \S+ +muted by db upgrade; context deadline/
  )
  t.match(
    (await run(['why', 'payments/ledger'], env)).out,
    /\nIt still fails, for \d+ [sm], at main@4f2c91d\. Withheld by db upgrade, which ends in 1 h 5\d m\.\n/
  )
  t.match(
    (await run(['why', 'flux-system/cart'], env)).out,
    /\nIt still fails, for \d+ [sm], at main@4f2c91d\. Notified of it: team\. If it fails again, the next reminder is due in \d+ h( \d+ m)?\.\n/
  )
})

t.test('all is well if every source posts and nothing fails; a source that never posted is mentioned', async (t) => {
  const relay = await startRelay(t)
  const env = { RELAY_URL: relay.url }
  t.match(await run(['status'], env), {
    code: 1,
    out: 'Nothing is known to fail · nothing has come from default yet\n'
  })
  await relay.post({ severity: 'info', reason: 'ReconciliationSucceeded', message: 'done' })
  t.match(await run(['status'], env), {
    code: 0,
    out: /^All is well · (\d waiting · )?1 source active, the last event \d+ [sm] ago\n$/
  })
})

t.test('a destination that accepts nothing, what it answers, and what waits there', async (t) => {
  const { relay, env } = await badNight(t)
  relay.slack.behave('*', () => ({ status: 404, body: 'no_service' }))
  await relay.post(about('another'), eu)
  await relay.logged(/rejects all messages/)
  t.match((await run(['status'], env)).out, /team blocked \(404 no_service\), \d waiting/)
  const { code, out } = await run(['lanes'], env)
  t.equal(code, 0)
  t.match(out, /^DESTINATIONS +LANE +STATE +WAITING +OLDEST +WHY\n/)
  t.match(out, /\nteam +slack:\S+ +blocked +\d +\d+ [sm] +answers 404 no_service since \d+ [sm]; next try in /)
  t.match(out, /\npayments +slack:\S+ +open +0\n/)
  t.match(JSON.parse((await run(['lanes', '--json'], env)).out), { lanes: { length: 2 } })
})

t.test('who was notified of an event, what Slack answered, and why others were not notified', async (t) => {
  const { relay, env } = await badNight(t)
  await relay.slack.until(({ accepted }) => accepted.some(({ text }) => text.includes('ledger')))
  await relay.app['idle']()
  const { code, out } = await run(['why', '4'], env)
  t.equal(code, 0)
  t.match(
    out,
    /^payments(, team)?: notified(; team: waiting)?\.\nIt still fails, for \d+ [sm], at main@4f2c91d\. .* in \d+ h.*\.\n\nEvent 4, \d+ [sm] ago \(20\S+Z\), from source eu\n/
  )
  t.match(
    out,
    /\nHelmRelease prod-eu\/payments\/ledger: failed \(error, UpgradeFailed\)\n {2}context deadline exceeded\n/
  )
  t.match(out, /\n• {2}payments by payments: sent \(notification \d+\)\n {5}\d+ [sm] ago: 200 ok\n/)
  t.match(out, /\n✔ {2}payments\n✔ {2}failures$/m)
  const chart = await run(['why', 'flux-system/cart'], env)
  t.match(chart.out, /\n✘ {2}payments: namespace is flux-system, wanted payments\n/)

  const { body } = await relay.post({ ...upgradeFailed, metadata: { attempt: '2' } }, eu)
  t.match(await run(['why', body.id], env), { code: 1, out: /^Nobody was notified: .*\.\n/ })
  t.match(
    await run(['why', 'ledger'], env),
    { code: 1, out: new RegExp(`Event ${body.id}, `) },
    'the newest of an object'
  )
  const unknown: [string, RegExp][] = [
    ['99', /^there is no event 99; the newest is 6, about HelmRelease prod-eu\/payments\/ledger\n$/],
    ['payments/lodger', /^there is no event about payments\/lodger; the newest is 6/]
  ]
  for (const [which, said] of unknown) t.match(await run(['why', which], env), { code: 2, out: '', err: said })
})

t.test(
  'events and objects, by any of their fields; an unknown name is an error that lists the known ones',
  async (t) => {
    const { env } = await badNight(t)
    const events = await run(['events', '--kind', 'HelmChart', '--limit', '2'], env)
    t.match(
      events.out,
      /^ID +AGE +DID +CLUSTER +OBJECT +REASON +NOTIFIED +MESSAGE\n3 +\d+ [sm] +failed +prod-eu +HelmChart flux-system\/shop +SourceUnavailable +team +HelmRepository "charts" not found\n/
    )
    t.match(events, { code: 0, err: 'There are more; raise --limit (now 2).\n' })
    t.equal((await run(['events', '--destination', 'payments'], env)).out.split('\n').length, 3)
    const objects = await run(['objects', '--state', 'failing', '--namespace', 'payments'], env)
    t.match(
      objects.out,
      /^STATE +SINCE +CLUSTER +OBJECT +NOTIFIED +WHY\nfailing +\d+ [sm] +prod-eu +HelmRelease payments\/ledger +\S+, \S+ +context deadline/
    )
    t.match(await run(['objects', '--state', 'healthy'], env), { code: 0, out: 'None matches --state healthy.\n' })
    const unknown: [string[], RegExp][] = [
      [['events', '--destination', 'paymets'], /there is no destination "paymets"; did you mean "payments"\?/],
      [['events', '--source', 'asia'], /there is no source "asia"; there are default, eu, us/],
      [['events', '--rule', 'none'], /there is no rule "none"; there are payments, failures/],
      [['events', '--kind', 'helmchart'], /there is no kind "helmchart"; did you mean "HelmChart"\?/],
      [
        ['events', '--transition', 'broke'],
        /Allowed choices are failed, changed, repeated, recovered, updated, informed, heartbeat\./
      ],
      [['objects', '--cluster', 'prod-eux'], /there is no cluster "prod-eux"; did you mean "prod-eu"\?/],
      [['discard', '--all', '--destination', 'nobody'], /there is no destination "nobody"; there are team, payments/],
      [['unblock', 'nobody'], /there is no such lane or destination; there are: /]
    ]
    for (const [args, said] of unknown) t.match(await run(args, env), { code: 2, out: '', err: said }, args.join(' '))
  }
)

t.test('dead letters are discarded by id, or all that match after a question', async (t) => {
  const relay = await startRelay(t)
  const env = { RELAY_URL: relay.url }
  relay.slack.behave('*', () => ({ status: 400, body: 'invalid_blocks' }))
  for (const [index, name] of ['shop', 'cart', 'till', 'bank'].entries()) {
    await relay.post(about(name))
    await relay.logged(/message not delivered/, index + 1)
  }
  t.match((await run(['status'], env)).out, /4 dead letters/)
  const one = await run(['discard', '1', '99'], env)
  t.match(one, { code: 1, out: /^99: there is no such dead letter.*\nDiscarded: 1 dead letter\.\n$/ })
  const asked = await run(['discard', '--all'], env)
  t.match(asked, { code: 1, out: '', err: '3 dead letters would be discarded; nothing was. Confirm with --yes.\n' })
  const answer = (text: string) => {
    let isAnswered = false
    return runInTerminal(['discard', '--all', '--name', 'cart'], {
      env,
      whenShown: ({ shown, type }) => {
        if (isAnswered || !shown().includes('[y/N]')) return
        isAnswered = true
        type(text)
      }
    })
  }
  t.match(await answer('\n'), { code: 1, shown: /Discard 1 dead letter\? They are not sent again\. \[y\/N\]/ })
  for (const [key, typed] of Object.entries({ 'Ctrl-C': '\x03', 'Ctrl-D': '\x04' })) {
    const { code, shown } = await answer(typed)
    t.equal(code, 1, key)
    t.match(shown, /\[y\/N\] .*\n1 dead letter would be discarded; nothing was\. Confirm with --yes\.\n$/, key)
  }
  t.match(await answer('y\n'), { code: 0, shown: /Discarded: 1 dead letter\./ })
  t.match(await run(['discard', '--all', '--yes'], env), { code: 0, out: 'Discarded: 2 dead letters.\n' })
  t.match(await run(['discard', '--all', '--yes'], env), { code: 0, out: 'Nothing was discarded.\n' })
  t.match((await run(['discard'], env)).err, /give the ids of dead letters, or --all/)
})

t.test(
  'on a terminal of 100 columns every table keeps the reasons and has colours; elsewhere there are none',
  async (t) => {
    const { env } = await badNight(t)
    const whys: [string[], RegExp][] = [
      [['status'], /HelmRepository "charts" not found/],
      [['objects'], /HelmRepository "charts" not f/],
      [['events'], /HelmRepository "charts" not f/],
      [['notifications'], /(failed to get source: Helm|HelmRepository "charts")/]
    ]
    for (const [args, why] of whys) {
      const { shown } = await runInTerminal(args, { env })
      t.match(shown, why, args.join())
      t.match(shown, /\x1b\[3[123]m/, 'colour')
      const lines = shown
        .replace(/\x1b\[\d+m/g, '')
        .trimEnd()
        .split('\n')
      // The headline of `status` is a sentence.
      const tooLong = lines.slice(args[0] === 'status' ? 2 : 0).filter((line) => line.length > 100)
      t.strictSame(tooLong, [])
      t.notMatch((await runInTerminal(args, { env: { ...env, NO_COLOR: '1' } })).shown, /\x1b\[3/, 'NO_COLOR')
      t.notMatch((await run(args, env)).out, /\x1b/, 'a pipe')
    }
  }
)

t.test('status --watch ends once nobody reads it any more', async (t) => {
  const { env } = await badNight(t)
  t.equal(await runUnread(['status', '--watch'], env), 0)
})

t.test('status --watch shows changes, even through an outage of the relay, until Ctrl-C', async (t) => {
  const { relay, env } = await badNight(t)
  const steps = [
    async () =>
      void (await relay.post(
        {
          ...upgradeFailed,
          severity: 'info',
          reason: 'UpgradeSucceeded',
          message: 'Helm upgrade succeeded for release payments/ledger.v2 with chart ledger@2.0.0'
        },
        eu
      )),
    async () => void (await relay.app.close()),
    async () => {}
  ]
  const marks = [/5 failing/, /4 failing/, /no answer from/]
  let at = 0
  const { shown } = await runInTerminal(['status', '--watch'], {
    env,
    whenShown: ({ shown, interrupt }) => {
      if (at >= marks.length || !marks[at]?.test(shown())) return
      void steps[at]?.()
      at += 1
      if (at === marks.length) interrupt()
    }
  })
  t.equal(at, marks.length, shown)
  t.match(shown, /\x1b\[H\x1b\[J/, 'in the same place')
})

/** The addresses of our own pages that `html` links to, without fragments. */
function linksIn(html: string): string[] {
  return [...html.matchAll(/<a\b[^>]* href="(\/[^"#]*)/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'))
}

t.test('each of ten questions is answered two clicks from the first page, and by one command', async (t) => {
  const { relay, env } = await badNight(t)
  await relay.slack.until(({ accepted }) => accepted.some(({ text }) => text.includes('ledger')))
  await relay.app['idle']()
  relay.slack.behave('/services/T000/B000/secret', () => ({ status: 404, body: 'no_service' }))
  await relay.post(about('another'), eu)
  await relay.logged(/rejects all messages/)
  await run(['silence', 'add', '--match', 'kind=HelmChart', '--for', '2h', '--comment', 'charts move'], env)
  const event = join(tempFolder(t), 'event.json')
  writeFileSync(event, JSON.stringify(fluxEvent({ involvedObject: payments })))
  const file = join(tempFolder(t), 'config.yaml')
  writeFileSync(
    file,
    config
      .replaceAll('$SLACK', '$HOST/services/T00000000/B00000001/team')
      .replaceAll('$HOST', 'https://hooks.slack.com')
  )

  const clicks = new Map([['/', 0]])
  for (const [path, depth] of clicks) {
    const { html } = await look(relay, path)
    if (depth < 2) for (const link of linksIn(html)) if (!clicks.has(link)) clicks.set(link, depth + 1)
  }
  const ledger = '/events?cluster=prod-eu&kind=HelmRelease&namespace=payments&name=ledger'
  const standing = '/events/4'
  const questions: {
    asks: string
    on: string
    form?: Record<string, string>
    says: RegExp
    run: string[]
    prints: RegExp
  }[] = [
    {
      asks: 'what is the oldest failure',
      on: '/',
      says: /The oldest is payments\/ledger , for \d+ [sm]/,
      run: ['status'],
      prints: /WHY\n\d+ [sm] +prod-eu +HelmRelease payments\/ledger/
    },
    {
      asks: 'who was notified of it',
      on: standing,
      says: /payments(, team| and team)? (was|were) notified/,
      run: ['why', 'payments/ledger'],
      prints: /^payments(, team)?: notified/
    },
    {
      asks: 'why not team X',
      on: '/events/1',
      says: /payments no match: namespace wanted payments has flux-system/,
      run: ['why', '1'],
      prints: /✘ {2}payments: namespace is flux-system, wanted payments/
    },
    {
      asks: 'what is muted, and by whom',
      on: '/',
      says: /Muted 3 charts move ends in 1 h 5\d m a silence by \S+.*, made .* 3 objects fail meanwhile/,
      run: ['silence', 'list'],
      prints: /^ID +STARTS +ENDS +BY +MATCH +COMMENT\n1 +in 1 h 5\d m +\S.* +charts move\n$/
    },
    {
      asks: 'which webhook is broken, and since when',
      on: '/',
      says: /team blocked Nothing could be posted for \d+ [sm] : 404 no_service/,
      run: ['lanes'],
      prints: /\nteam +slack:\S+ +blocked .* answers 404 no_service since \d+ [sm]/
    },
    {
      asks: 'what did a commit do',
      on: '/events',
      form: { q: '4f2c91d0' },
      says: /failed apps\/another .* failed payments\/ledger .* failed flux-system\/cart/,
      run: ['events', '--search', '4f2c91d0'],
      prints: /HelmRelease payments\/ledger[\s\S]*HelmChart flux-system\/cart/
    },
    {
      asks: 'when is the next reminder',
      on: standing,
      says: /the next reminder is due in 3 h 5\d m/,
      run: ['why', 'payments/ledger'],
      prints: /the next reminder is due in 3 h 5\d m/
    },
    {
      asks: 'how often did it fail this week',
      on: ledger,
      says: /1 failure began in the last 7 d/,
      run: ['events', '--name', 'ledger', '--transition', 'failed', '--since', '7d'],
      prints: /^ID .*\n4 +\d+ [sm] +failed [^\n]*\n$/
    },
    {
      asks: 'what would this event do',
      on: '/rules/try',
      form: { source: 'eu', event: JSON.stringify(fluxEvent({ involvedObject: payments })) },
      says: /payments and team would be notified\./,
      run: ['explain', file, event, '--source', 'eu'],
      prints: /✔ +payments/
    },
    {
      asks: 'what did Slack answer',
      on: standing,
      says: /sent payments by payments .*200 ok/,
      run: ['why', 'payments/ledger'],
      prints: /payments by payments: sent .*\n +\d+ [sm] ago: 200 ok/
    }
  ]
  for (const { asks, on, form, says, run: args, prints } of questions) {
    t.ok(clicks.has(on), `${asks}: ${on} is two clicks away`)
    const { html } = await look(relay, on)
    if (form !== undefined)
      t.ok(Object.keys(fieldsOf(html, on)).includes('q') || html.includes('<textarea name="event"'), asks)
    const answer =
      form === undefined
        ? html
        : 'q' in form
          ? (await look(relay, `${on}?${new URLSearchParams(form)}`)).html
          : (await submit(relay, on, form)).html
    t.match(textOf(answer), says, asks)
    t.match((await run(args, env)).out, prints, `${asks}: ${args.join(' ')}`)
  }
})
