// `for`: a rule notifies only of what lasts: at its time, once, and of nothing that passes by itself.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { startReplay } from '../src/rehearsal/replay.ts'
import { runTest } from '../src/rehearsal/run-test.ts'
import { loadTests } from '../src/rehearsal/tests-file.ts'
import { lastsUntil } from '../src/rules/lasting.ts'
import { build, cards, isGreen } from './fixtures/cards.ts'
import { createClock } from './fixtures/clock.ts'
import { run } from './fixtures/process.ts'
import { fluxEvent, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'

const destinations = 'destinations: { team: { preview: true }, other: { preview: true } }\n'

function load(text: string) {
  const { config, problems } = loadConfig(destinations + text, 'config.yaml', {})
  if (config === undefined) throw new Error(JSON.stringify(problems))
  return config
}

/** Everything in the steps that is not as expected. */
function failuresOf(rules: string, steps: string): string[] {
  const config = load(rules)
  const { tests, problems } = loadTests(`tests:\n  - name: story\n    steps:\n${steps}`, 'tests.yaml', {
    config,
    read: () => ''
  })
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return tests.flatMap((test) => runTest(test, config).map(({ message, because }) => [message, ...because].join(': ')))
}

const two = 'rules: [{ name: r, for: 2m, mention: "<!here>", remindEvery: 10m, send: team }]'
const fails = 'event: { reason: BuildFailed }'
const otherwise = 'event: { reason: HealthCheckFailed, message: web is not ready }'
const works = 'event: { severity: info, revision: main@sha1:4f2c91d }'
const nobody = 'expect: []'
const always = '{ days: [mon-sun], from: "00:00", to: "00:00", timeZone: UTC }'

const stories: readonly (readonly [what: string, rules: string, steps: string[]])[] = [
  [
    'a failure that passes by itself notifies nobody, nor does its end',
    two,
    [`${fails}, ${nobody}`, `after: 40s, ${works}, ${nobody}`]
  ],
  [
    'a failure that lasts is notified, and so is its end',
    two,
    [
      `${fails}, expect: [{ destination: team, says: failed }]`,
      `after: 2m, ${works}, expect: [{ destination: team, says: recovered }]`
    ]
  ],
  ['a failure that never ends is notified', two, [`${fails}, expect: [{ destination: team, says: failed }]`]],
  [
    'if a held failure changes, the change is notified, once',
    two,
    [
      `${fails}, ${nobody}`,
      `after: 1m, ${otherwise}, expect: [{ destination: team, says: failed, text: web is not ready }]`,
      `after: 1m, ${works}, expect: [{ destination: team, says: recovered }]`
    ]
  ],
  [
    'a later change is notified as a change',
    two,
    [
      `${fails}, expect: [{ destination: team, says: failed }]`,
      `after: 3m, ${otherwise}, expect: [{ destination: team, says: changed }]`
    ]
  ],
  [
    'a held failure that repeats is no news, and reminders count from its notification',
    two,
    [
      `${fails}, expect: [{ destination: team, says: failed }]`,
      `after: 1m, ${fails}, ${nobody}`,
      `after: 10m, ${fails}, ${nobody}`,
      `after: 1m, ${fails}, expect: [{ destination: team, says: repeated }]`
    ]
  ],
  [
    'of two rules, the one with the shorter `for` notifies, whichever comes first',
    'rules: [{ name: long, for: 5m, send: [team, other] }, { name: short, for: 1m, send: team }]',
    [
      `${fails}, expect: [{ destination: team, rule: short }, { destination: other, rule: long }]`,
      `after: 6m, ${otherwise}, expect: [{ destination: team, rule: short, says: changed }, { destination: other, rule: long, says: changed }]`,
      `after: 1m, ${works}, expect: [{ destination: team, rule: short }, { destination: other, rule: long }]`
    ]
  ],
  [
    'of two rules, the shorter one notifies; the longer one does not notify of what has not lasted long enough for it',
    'rules: [{ name: short, for: 1m, send: team }, { name: long, for: 5m, send: [team, other] }]',
    [
      `${fails}, expect: [{ destination: team, rule: short }]`,
      `after: 3m, ${works}, expect: [{ destination: team, rule: short }]`
    ]
  ],
  [
    'a rule without `for` notifies at once, and the one with it stays quiet',
    'rules: [{ name: slow, for: 5m, send: team }, { name: quick, match: { reason: "Build*" }, send: team }]',
    [
      `${fails}, expect: [{ destination: team, rule: quick }]`,
      `after: 10m, ${otherwise}, ${nobody}`,
      `after: 10m, ${works}, expect: [{ destination: team, rule: quick }]`
    ]
  ],
  [
    'a rule that matches only a later event may notify sooner, instead of the other',
    'rules: [{ name: slow, for: 5m, send: team }, { name: quick, match: { reason: "Health*" }, for: 1m, send: team }]',
    [
      `${fails}, ${nobody}`,
      `after: 2m, ${otherwise}, expect: [{ destination: team, rule: quick, says: failed }]`,
      `after: 30m, ${fails}, ${nobody}`
    ]
  ],
  [
    'one rule of two with the same `for` notifies',
    'rules: [{ name: one, for: 1m, send: team }, { name: two, for: 1m, send: team }]',
    [
      `${fails}, expect: [{ destination: team, rule: one }]`,
      `after: 2m, ${works}, expect: [{ destination: team, rule: one }]`
    ]
  ],
  [
    'also if only a later event matches the other one',
    'rules: [{ name: one, match: { reason: "Build*" }, for: 1m, send: team }, { name: two, match: { reason: "Health*" }, for: 1m, send: team }]',
    [
      `${fails}, expect: [{ destination: team, rule: one }]`,
      `after: 2m, ${otherwise}, ${nobody}`,
      `after: 2m, ${works}, expect: [{ destination: team, rule: one }]`
    ]
  ],
  [
    'news is not held, and an update that ends a held failure is notified',
    'rules: [{ name: r, match: { severity: info }, for: 2m, send: team }]',
    [
      'event: { severity: info, revision: main@sha1:aaaaaaa }, expect: [{ destination: team, says: updated }]',
      `${fails}, ${nobody}`,
      `after: 40s, ${works}, expect: [{ destination: team, says: updated }]`
    ]
  ],
  [
    'with `notify: every`, a failure that passes notifies nobody, and one that has lasted notifies with every event',
    'rules: [{ name: r, for: 2m, notify: every, send: team }]',
    [
      `${fails}, ${nobody}`,
      `after: 1m, ${fails}, ${nobody}`,
      `after: 30s, ${works}, ${nobody}`,
      `${fails}, expect: [{ destination: team, says: failed }]`,
      `after: 5m, ${fails}, expect: [{ destination: team, says: repeated }]`
    ]
  ],
  [
    'a warning that becomes an error has lasted since the warning',
    'rules: [{ name: r, match: { severity: error }, for: 5m, send: team }]',
    [
      'event: { severity: warn, reason: Slow }, expect: []',
      `after: 4m, ${fails}, ${nobody}`,
      `after: 30s, ${works}, ${nobody}`,
      'event: { severity: warn, reason: Slow }, expect: []',
      `after: 6m, ${fails}, expect: [{ destination: team, says: failed }]`,
      `after: 1s, ${works}, expect: [{ destination: team, says: recovered }]`
    ]
  ],
  [
    'a failure muted from its beginning is withheld; one held when the mute begins is withheld with its next event',
    `${two}\nmute: [{ name: works, match: { reason: "Health*" }, weekly: ${always} }]`,
    [
      `${otherwise}, ${nobody}`,
      `after: 5m, ${works}, ${nobody}`,
      `${fails}, ${nobody}`,
      `after: 1m, ${otherwise}, ${nobody}`
    ]
  ],
  [
    'a notification that a mute withheld does not keep another rule from notifying of what lasts',
    `rules: [{ name: slow, for: 5m, send: team }, { name: quick, match: { reason: "Build*" }, send: team }]
mute: [{ name: works, match: { reason: "Build*" }, weekly: ${always} }]`,
    [
      `${fails}, ${nobody}`,
      `after: 1m, ${otherwise}, expect: [{ destination: team, rule: slow, says: failed }]`,
      `after: 10m, ${works}, expect: [{ destination: team, rule: slow, says: recovered }]`
    ]
  ],
  [
    'a held failure goes to the owner that the object has by then',
    `owners: [{ match: { metadata: { team: a } }, send: team }, { send: other }]\nrules: [{ name: r, for: 2m, send: owner }]`,
    [
      'event: { reason: BuildFailed, metadata: { team: a } }, expect: []',
      'after: 1m, event: { reason: HealthCheckFailed, metadata: { team: b } }, expect: [{ destination: other, says: failed }]',
      `after: 5m, ${works}, expect: [{ destination: other, says: recovered }]`,
      'event: { reason: BuildFailed, metadata: { team: a } }, expect: [{ destination: team, says: failed }]',
      'after: 5m, event: { reason: HealthCheckFailed, metadata: { team: b } }, expect: [{ destination: other, says: failed }]'
    ]
  ],
  [
    'owners are notified of what lasts',
    `owners: [{ match: { namespace: "pay*" }, send: team }, { send: other }]\nrules: [{ name: r, for: 2m, send: owner }]`,
    [
      'event: { namespace: payments }, expect: [{ destination: team, says: failed }]',
      'after: 3m, event: { namespace: payments, severity: info }, expect: [{ destination: team, says: recovered }]',
      'event: { namespace: shop }, expect: []',
      'after: 30s, event: { namespace: shop, severity: info }, expect: []'
    ]
  ]
]

for (const [what, rules, steps] of stories) {
  t.test(what, async (t) => {
    t.strictSame(failuresOf(rules, steps.map((step) => `      - { ${step} }`).join('\n')), [])
  })
}

t.test('a test that expects a failure that passes by itself says why it does not come', async (t) => {
  const [failure] = failuresOf(two, `      - { ${fails}, expect: team }\n      - { after: 40s, ${works} }`)
  t.match(failure, /^team is not notified: r does not notify: passed by itself after 40 s$/)
})

t.test('a replay counts what passes by itself as lost, but not what lasts', async (t) => {
  const replay = startReplay(load(two), load(two.replace('for: 2m, ', '')))
  const start = Date.parse('2026-09-21T14:00:00Z')
  const events = [
    ...([
      ['a', 0, 'error'],
      ['b', 1, 'error'],
      ['a', 40, 'info'],
      ['b', 300, 'info'],
      ['c', 310, 'error']
    ] as const)
  ].map(([name, at, severity], id) => ({
    ...{ id: String(id), receivedAt: start + at * 1000, source: 'default', notifications: [] },
    body: JSON.stringify(
      fluxEvent({
        involvedObject: { kind: 'Kustomization', namespace: 'apps', name },
        ...(severity === 'info' && { severity, reason: 'ReconciliationSucceeded', message: 'done' }),
        timestamp: new Date(start + at * 1000).toISOString()
      })
    )
  }))
  for (const event of events) replay.add(event)
  const { changes } = replay.summary()
  t.match(changes, [{ destination: 'team', is: 'lost', count: 2 }])
  t.strictSame(
    changes[0]?.examples.map(({ object, was }) => `${object.name} ${was?.says}`),
    ['a failed', 'a recovered']
  )
  t.match(changes[0]?.examples[0]?.because, [/passed by itself after 40 s/])
})

const config = `
destinations: { team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } } }
rules: [{ name: sources, match: { severity: warn }, for: 2m, send: team }]
`
const recovered = { severity: 'info', reason: 'ReconciliationSucceeded', message: 'done' } as const

t.test('a failure that began in the future, by a clock that was set back, is held from now on', async (t) => {
  const { rules } = load(two)
  const [rule] = rules.all
  if (rule === undefined) throw new Error('there is a rule')
  const now = Date.parse('2026-09-21T14:00:00Z')
  const minute = 60_000
  t.equal(lastsUntil(rule, now + 60 * minute, undefined, now), now + 2 * minute)
  t.equal(lastsUntil(rule, now - minute, undefined, now), now + minute)
  t.equal(lastsUntil(rule, now - 2 * minute, undefined, now), undefined)
})

t.test('the relay says of each event whether it is held, passed, or lasted', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { config, clock })
  const env = { RELAY_URL: relay.url }
  const stamp = () => new Date(clock.now()).toISOString()
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1000) {
      clock.advance(Math.min(1000, left))
      await relay.app.idle()
    }
  }
  const first = await relay.post({ timestamp: stamp() })
  await pass(1000)
  t.match((await relay.get(`/events/${first.body.id}`)).body, /held until .*to see whether it lasts/)
  t.match((await run(['why', first.body.id], env)).out, /^team: held until .*, to see whether it lasts\./)
  t.match(JSON.parse((await relay.get('/api/objects?state=failing')).body), { objects: [{ notified: [] }] })
  t.match((await relay.get('/rules')).body, /only what lasts for 2 m/)
  await pass(39_000)
  const end = await relay.post({ ...recovered, timestamp: stamp() })
  t.match(end.body, { transition: 'recovered', notifications: [] })
  await pass(200_000)
  t.equal(relay.slack.accepted.length, 0)
  t.match(
    (await relay.get(`/events/${first.body.id}`)).body,
    /It passed by itself after 40 s: nobody was notified at team/
  )
  t.match((await relay.get(`/events/${end.body.id}`)).body, /passed by itself after 40 s/)
  t.match((await run(['why', first.body.id], env)).out, /^team: passed by itself after 40 s\./)
  t.match(JSON.parse((await relay.get(`/api/events/${first.body.id}`)).body), {
    notifications: [{ state: 'muted', reason: 'passed by itself after 40 s' }]
  })
  t.match((await relay.get('/metrics')).body, /passed_total\{rule="sources"\} 1/)

  await relay.post({ timestamp: stamp() })
  await pass(119_000)
  t.equal(relay.slack.accepted.length, 0)
  await pass(2000)
  t.equal(relay.slack.accepted.length, 1)
  t.match(JSON.parse((await relay.get('/api/objects?state=failing')).body), {
    objects: [{ notified: [{ destination: 'team' }] }]
  })
})

t.test(
  'a silence made while a failure is held counts when it has lasted, even for a relay started in between',
  async (t) => {
    const clock = createClock()
    const folder = tempFolder(t)
    const options = { config: config.replace('send: team', 'send: team, mention: "<!here>"'), clock, folder }
    const first = await startRelay(t, options)
    const stamp = () => new Date(clock.now()).toISOString()
    const wait = async (relay: Relay, ms: number) => {
      for (let left = ms; left > 0; left -= 1000) {
        clock.advance(Math.min(1000, left))
        await relay.app.idle()
      }
      await relay.get('/readyz')
      await relay.app.idle()
    }
    const held = await first.post({ timestamp: stamp() })
    await wait(first, 60_000)
    const asked = { match: { namespace: 'apps' }, for: '10m', comment: 'planned work' }
    const answer = await fetch(`${first.url}/api/silences`, {
      ...{ method: 'POST', body: JSON.stringify(asked), headers: { 'content-type': 'application/json' } }
    })
    t.equal(answer.status, 201)
    await first.app.close()
    clock.advance(120_000)
    const relay = await startRelay(t, options)
    await wait(relay, 5000)
    t.equal(relay.slack.accepted.length, 0)
    t.match((await run(['why', held.body.id], { RELAY_URL: relay.url })).out, /^team: withheld by planned work\./)
    t.match(JSON.parse((await relay.get(`/api/events/${held.body.id}`)).body), { notifications: [{ state: 'muted' }] })
    t.match((await relay.get(`/events/${held.body.id}`)).body, /Withheld from team by planned work\./)
    const metrics = (await relay.get('/metrics')).body
    t.match(metrics, /notifications_total\{destination="team",state="muted"\} 1/)
    t.match(metrics, /pending[^\n]*\{destination="team"\} 0/)
    clock.advance(600_000)
    await wait(relay, 10_000)
    await relay.slack.until(({ accepted }) => accepted.length === 1)
    t.match(
      JSON.stringify(relay.slack.accepted[0]?.body),
      /planned work\* is over. 1 notification was withheld.*has been failing/
    )
  }
)

t.test('a reload that removes `for` releases what is held', async (t) => {
  const clock = createClock()
  const folder = tempFolder(t)
  const relay = await startRelay(t, { config, clock, folder })
  await relay.post({ timestamp: new Date(clock.now()).toISOString() })
  await relay.app.idle()
  const file = config.replace('for: 2m, ', '').replace('$SLACK', relay.slack.url())
  writeFileSync(join(folder, 'config.yaml'), file)
  relay.app.reload()
  // Its rows reach the disk at some time; by the clock, far less has passed than it was to be held.
  for (let tries = 0; tries < 5000 && relay.slack.accepted.length === 0; tries++) {
    if (tries % 100 === 0) clock.advance(1000)
    await relay.get('/healthz')
    await relay.app.idle()
  }
  t.equal(relay.slack.accepted.length, 1)
})

t.test('explain says how long a failure has to last', async (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'config.yaml'), destinations + two)
  writeFileSync(join(folder, 'event.json'), JSON.stringify(fluxEvent()))
  const { out } = await run(['explain', join(folder, 'config.yaml'), join(folder, 'event.json')], {})
  t.match(out, /team is notified by r \(failed\) once it has lasted for 2 m:/)
})

t.test('a card is posted once its failure has lasted, and turns green; one that passes has no card', async (t) => {
  const { api, pass, fail, recover } = await build(t, { rule: 'for: 2m' })
  await fail('shop')
  await fail('till')
  await pass(60_000)
  await recover('till')
  t.equal(api.posted.length, 0)
  await pass(70_000)
  t.equal(cards(api).length, 1)
  await recover('shop')
  await pass(30_000)
  t.equal(cards(api).length, 1)
  t.ok(isGreen(cards(api)[0]))
})

t.test('the examples of docs/lasting.md are valid, and do what the page says', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'lasting.md'), 'utf8')
  const [rules = '', tests = ''] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block)
  const folder = tempFolder(t)
  const rest = 'sources: { default: { hmacKeys: ["${K}"] } }\ndestinations: { platform: { preview: true } }\n'
  writeFileSync(join(folder, 'config.yaml'), rest + rules)
  writeFileSync(join(folder, 'tests.yaml'), tests)
  t.match(await run(['test', join(folder, 'config.yaml'), join(folder, 'tests.yaml')]), { code: 0, out: /it passes/ })
  const event = join(import.meta.dirname, 'fixtures', 'events', 'ocirepository-pull-failed.json')
  const [, words = ''] = /`explain` says "(.*?)"/.exec(page) ?? []
  t.match((await run(['explain', join(folder, 'config.yaml'), event])).out, words)
})
