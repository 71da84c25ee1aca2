// Acknowledgements: after one, nobody is reminded or pinged until the incident ends; the next incident is news again.
import { userInfo } from 'node:os'
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { decide } from '../src/decide.ts'
import { acknowledge } from '../src/objects/acknowledged.ts'
import type { ObjectMemory } from '../src/objects/memory.ts'
import { memoryText, readMemory } from '../src/objects/stored-memory.ts'
import { createClock } from './fixtures/clock.ts'
import { look, submit, textOf } from './fixtures/dashboard.ts'
import { event } from './fixtures/events.ts'
import { fc } from './fixtures/fc.ts'
import { run } from './fixtures/process.ts'
import { about, type Relay, startRelay } from './fixtures/relay.ts'

const text = `
destinations:
  team: { preview: true }
  feed: { preview: true }
rules:
  - { name: failures, match: { severity: error }, remindEvery: 10m, mention: "<!here>", send: team }
  - { name: all, match: { severity: info }, notify: every, mention: "<!here>", send: feed }
`
const { config } = loadConfig(text, 'config.yaml', {})
if (config === undefined) throw new Error('the config cannot be used')

const minute = 60_000
const ada = { by: 'ada', via: 'page' as const }
const one = { object: 'prod-eu/Kustomization/team-a/apps' }

const happening = fc.constantFrom('fails', 'fails otherwise', 'warns', 'works', 'acknowledged', 'taken back')
const history = fc.array(fc.tuple(happening, fc.integer({ min: 1, max: 3000 })), { maxLength: 40 })

t.test('an acknowledged incident never reminds or pings, and the next one does', async (t) => {
  let withheld = 0
  fc.assert(
    fc.property(history, (steps) => {
      let memory: ObjectMemory | undefined
      let now = Date.parse('2026-09-21T14:00:00Z')
      for (const [what, minutes] of steps) {
        now += minutes * minute
        if (what === 'acknowledged' || what === 'taken back') {
          const by = what === 'acknowledged' ? { ...ada, at: now } : undefined
          if (memory) memory = acknowledge(memory, [one], by).memory
          continue
        }
        const before = memory?.failure
        const arrival = { event: eventOf(what, now), body: '', identity: '', receivedAt: now }
        const { memory: after, notifications, trace } = decide(arrival, memory, config, now)
        const taken = after.failure?.acknowledged
        if (before !== undefined && after.failure?.since === before.since && taken !== before.acknowledged) return false
        if (before === undefined && taken !== undefined) return false
        if (taken !== undefined) {
          if (notifications.some(({ view }) => view.says === 'repeated' || view.mention !== undefined)) return false
          if (trace.acknowledged !== taken) return false
          withheld += trace.quiet.filter(({ because }) => because.startsWith('acknowledged by ada since ')).length
        }
        const begins = before === undefined && after.failure !== undefined
        if (begins && !notifications.every(({ view }) => view.says === 'failed' && view.mention === '<!here>'))
          return false
        if (begins && notifications.length === 0) return false
        memory = readMemory(memoryText(after))
      }
      return true
    }),
    { numRuns: 500 }
  )
  t.ok(withheld > 100, `${withheld} reminders were withheld, each with the reason`)
})

function eventOf(what: string, at: number) {
  if (what === 'works') return event({ severity: 'info', reason: 'ReconciliationSucceeded', message: 'Applied', at })
  if (what === 'warns')
    return event({ severity: 'warn', reason: 'DependencyNotReady', message: "dependency 'a/b' is not ready", at })
  const message = what === 'fails' ? 'no such file: base' : 'admission webhook denied the request'
  return event({ severity: 'error', reason: 'BuildFailed', message, at })
}

const relayConfig = `
destinations: { team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } } }
rules: [{ name: failures, match: { severity: error }, remindEvery: 10m, mention: "<!here>", send: team }]
`
const shop = { cluster: 'local', kind: 'Kustomization', namespace: 'apps', name: 'shop' }

async function ask(relay: Relay, method: string, path: string, content?: object, headers: Record<string, string> = {}) {
  const response = await fetch(relay.url + path, {
    method,
    headers: { ...(content && { 'content-type': 'application/json' }), ...headers },
    ...(content && { body: JSON.stringify(content) })
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

const as = (name: string) => ({ authorization: `Basic ${Buffer.from(`${name}:`).toString('base64')}` })

async function object(relay: Relay) {
  const { body } = await ask(relay, 'GET', '/api/objects?name=shop')
  return body.objects[0]
}

t.test(
  'an incident is acknowledged by the API; pages and command line show that until the incident ends',
  async (t) => {
    const clock = createClock()
    const relay = await startRelay(t, { config: relayConfig, clock })
    const say = (changes = {}) =>
      relay.post(about('shop', { timestamp: new Date(clock.now()).toISOString(), ...changes }))
    await say()
    const { object: ref } = await object(relay)
    t.equal((await ask(relay, 'POST', '/api/acknowledgements', { ...ref, name: 'nobody' })).status, 404)
    const done = await ask(relay, 'POST', '/api/acknowledgements', ref, as('ada'))
    t.match(done, { status: 200, body: { object: ref, acknowledged: { by: 'ada', via: 'api' } } })
    const again = await ask(relay, 'POST', '/api/acknowledgements', ref, as('bob'))
    t.match(again.body.acknowledged, { by: 'ada' }, 'whoever was first stays')
    t.match((await ask(relay, 'GET', '/api/acknowledgements')).body, { acknowledgements: [{ object: ref }] })

    clock.advance(60 * minute)
    const { body: repeated } = await say()
    t.match(repeated, { transition: 'repeated', notifications: [] })
    const { body: why } = await ask(relay, 'GET', `/api/events/${repeated.id}`)
    t.match(why.trace, {
      acknowledged: { by: 'ada' },
      quiet: [{ because: /^acknowledged by ada since .*: no reminder$/ }]
    })
    t.match((await run(['why', repeated.id], { RELAY_URL: relay.url })).out, /acknowledged by ada since/)
    for (const path of ['/', '/objects?state=failing', `/events/${repeated.id}`]) {
      t.match(textOf((await look(relay, path)).html), /acknowledged by ada ?, 1 h ago/, path)
    }

    const { body: changed } = await say({ message: 'admission webhook denied the request' })
    t.match(changed, { transition: 'changed', notifications: [{ destination: 'team' }] }, 'a change is said')
    await relay.app.idle()
    t.notMatch(JSON.stringify(relay.slack.accepted.at(-1)), /<!here>/, 'without a ping')
    t.match(JSON.stringify(relay.slack.accepted.at(-1)), /acknowledged by \*ada\*/)

    const { since } = (await object(relay)).failure
    await say({ severity: 'info', reason: 'ReconciliationSucceeded', message: 'Reconciliation finished in 1s' })
    t.match((await ask(relay, 'GET', '/api/acknowledgements')).body.acknowledgements, [])
    clock.advance(minute)
    await say()
    t.notOk((await object(relay)).failure.acknowledged, 'the next incident is another')
    t.equal(
      (await ask(relay, 'POST', '/api/acknowledgements', { ...ref, since })).status,
      404,
      'what is over stays over'
    )
  }
)

t.test(
  'one button acknowledges an incident and another undoes that; looking at the page changes nothing',
  async (t) => {
    const relay = await startRelay(t, { config: relayConfig })
    const { body } = await relay.post(about('shop'))
    const { html } = await look(relay, `/events/${body.id}`)
    const [, action = ''] = /action="(\/acknowledge\?[^"]*)"/.exec(html) ?? []
    const path = action.replaceAll('&amp;', '&')
    t.match(html, /href="\/silences\/new\?/, 'beside the silence')
    t.not((await look(relay, path)).status, 200)
    t.notOk((await object(relay)).failure.acknowledged)
    const after = await submit(relay, path, {}, as('ada'))
    t.match(after.to, `/events/${body.id}?done=acknowledged-1`)
    t.match(textOf(after.html), /Acknowledged\. No reminders.*acknowledged by ada/)
    const late = textOf((await submit(relay, path, {}, as('eve'))).html)
    t.match(late, /acknowledged already\..*acknowledged by ada/, 'from a page of before: it is not hers')
    t.notMatch(late, /Acknowledged\. No reminders/)
    const [, undo = ''] = /action="(\/unacknowledge\?[^"]*)"/.exec(after.html) ?? []
    const takeBack = () => submit(relay, undo.replaceAll('&amp;', '&'), {}, as('bob'))
    t.match(textOf((await takeBack()).html), /No longer acknowledged: reminders go on\./)
    t.match(textOf((await takeBack()).html), /It was not acknowledged any more\./)
    t.notOk((await object(relay)).failure.acknowledged)

    const { name, namespace } = shop
    const form = await look(relay, `/silences/new?namespace=${namespace}&name=${name}`)
    t.match(textOf(form.html), /Acknowledge it instead/)
    await submit(relay, '/acknowledge/matching', { namespace, name }, as('eve'))
    t.match((await object(relay)).failure.acknowledged, { by: 'eve', via: 'page' })
    t.equal((await submit(relay, '/acknowledge/matching', {})).status, 400, 'never everything by mistake')

    const page = textOf((await look(relay, '/acts')).html)
    t.match(
      page,
      /eve acknowledged Kustomization apps\/shop.*bob took back .*ada acknowledged Kustomization apps\/shop/
    )
  }
)

t.test(
  'if two objects share a name, the command line acknowledges the one given in the form that it lists',
  async (t) => {
    const relay = await startRelay(t, { config: `cluster: eu/prod\n${relayConfig}` })
    const env = { RELAY_URL: relay.url }
    const release = { kind: 'HelmRelease', namespace: 'apps', name: 'shop', uid: 'r', apiVersion: 'v2' }
    await relay.post(about('shop', { involvedObject: release, reason: 'UpgradeFailed' }))
    await relay.post(about('shop'))
    const both = await run(['ack', 'apps/shop'], env)
    const names = [...both.err.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name)
    t.match(both.err, /several fail, name one/)
    t.same(names.toSorted(), ['HelmRelease eu/prod/apps/shop', 'Kustomization eu/prod/apps/shop'])
    for (const name of names) {
      t.match(await run(['why', name], env), { code: 0, out: new RegExp(`${name}: failed`) })
      t.match(await run(['ack', name], env), { code: 0, out: new RegExp(`^${name}: acknowledged by`) })
    }
    for (const name of ['HelmRelease/apps/shop', 'HelmRelease apps/shop'])
      t.match(
        await run(['ack', name, '--undo'], env),
        { out: /^HelmRelease eu\/prod\/apps\/shop: (no longer|it was not)/ },
        name
      )
    t.match(await run(['ack', 'us/apps/shop'], env), {
      code: 2,
      err: /there is no cluster "us"; there is at least eu\/prod/
    })
  }
)

t.test('the command line acknowledges what fails, and lists who did what by which way', async (t) => {
  const relay = await startRelay(t, { config: relayConfig })
  const env = { RELAY_URL: relay.url }
  const { body } = await relay.post(about('shop'))
  t.match(await run(['ack', 'apps/other'], env), { code: 2, err: /does not fail/ })
  const { username } = userInfo()
  t.match(await run(['ack', body.id], env), { code: 0, out: new RegExp(`acknowledged by ${username}; no reminders`) })
  t.match((await run(['status'], env)).out, new RegExp(`acknowledged by ${username} for \\d+ \\w+; `))
  t.match(await run(['ack', 'apps/shop'], env), { code: 0, out: /acknowledged already, by/ })
  t.match(await run(['ack', 'apps/shop', '--undo'], env), { code: 0, out: /no longer acknowledged/ })
  const { acts } = JSON.parse((await run(['acts', '--json'], env)).out)
  t.match(acts, [
    { did: 'unacknowledge', name: username, via: 'cli' },
    { did: 'acknowledge', name: username, via: 'cli', about: { incidents: [{ object: { name: 'shop' } }] } }
  ])
  t.equal(acts.length, 2, 'what changed nothing is no act')
  t.match((await run(['acts', '--did', 'acknowledge'], env)).out, /acknowledged Kustomization apps\/shop/)
})
