// Owners: the first entry that matches an event receives it; an event may name a channel, and nothing else.
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { createChannels, maxChannels } from '../src/deliver/channels.ts'
import type { WireEvent } from '../src/events/flux.ts'
import { startRehearsal } from '../src/rehearsal/rehearsal.ts'
import { runTest } from '../src/rehearsal/run-test.ts'
import { compileOwners, ownerOf, sayEntry } from '../src/rules/owners.ts'
import type { OwnerText } from '../src/rules/owners-schema.ts'
import { compileFilter } from '../src/rules/rules.ts'
import { createClock } from './fixtures/clock.ts'
import { type EventOverrides, event, wire } from './fixtures/events.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'
import { type Relay, type RelayOptions, startRelay, tempFolder } from './fixtures/relay.ts'
import { advanceUntil } from './fixtures/requests.ts'
import { botToken, type SlackApi, startSlackApi } from './fixtures/slack-api.ts'

const destinations = `
slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}" } }
destinations:
  payments: { slack: { app: acme, channel: "#payments" } }
  search: { slack: { app: acme, channel: "#search" } }
  platform: { slack: { app: acme, channel: "#platform" } }
  feed: { slack: { app: acme, channel: "#feed" } }
`
const config = `${destinations}
owners:
  - { match: { namespace: "payments*" }, send: payments, mention: "<!subteam^S012PAYMT>" }
  - { match: { metadata: { team: search } }, send: [search, feed] }
  - { match: { metadata: { slack_channel: "*" } }, app: acme, channel: "{{ metadata.slack_channel }}", allow: ["team-*", "C0TEAM*"] }
  - { match: { metadata: { squad: "*" } }, app: acme, channel: "#squad-{{ metadata.squad }}", allow: "#squad-*" }
  - { match: { metadata: { tier: gold } }, send: search }
  - { match: { cluster: prod-eu, not: { kind: HelmRelease } }, send: platform, mention: "<!here>" }
rules:
  - { name: failures, match: { severity: warn }, mention: "<@U012AB3CD>", send: [owner, feed] }
`

function load(text: string) {
  const loaded = loadConfig(text, 'config.yaml', { SLACK_BOT_TOKEN: botToken }, { sends: false })
  if (loaded.config === undefined) throw new Error(JSON.stringify(loaded.problems))
  return loaded.config
}

const of = (namespace: string, metadata: Record<string, string> = {}, more: Partial<WireEvent> = {}) =>
  wire({
    involvedObject: { kind: 'Kustomization', namespace, name: 'apps' },
    metadata: { cluster: 'prod-eu', ...metadata },
    ...more
  })

const hour = 60 * 60_000
const day = 24 * hour

const here = '<!here>'
const person = '<@U012AB3CD>'
const rows: readonly (readonly [
  what: string,
  wire: WireEvent,
  to: Record<string, string | undefined>,
  entry: number | undefined
])[] = [
  [
    'by a glob, with the mention of its entry',
    of('payments-eu'),
    { payments: '<!subteam^S012PAYMT>', feed: person },
    1
  ],
  [
    'the first of two that match',
    of('payments', { team: 'search' }),
    { payments: '<!subteam^S012PAYMT>', feed: person },
    1
  ],
  [
    'several destinations, with the mention of the rule',
    of('shop', { team: 'search' }),
    { search: person, feed: person },
    2
  ],
  [
    'the channel that an event names',
    of('shop', { slack_channel: 'team-a' }),
    { 'acme:team-a:platform': person, feed: person },
    3
  ],
  [
    'that channel with a "#"',
    of('shop', { slack_channel: ' #team-a ' }),
    { 'acme:team-a:platform': person, feed: person },
    3
  ],
  [
    'that channel by its ID',
    of('shop', { slack_channel: 'C0TEAM123' }),
    { 'acme:C0TEAM123:platform': person, feed: person },
    3
  ],
  [
    'that channel, and instead of it the first entry after it that matches',
    of('orders', { slack_channel: 'team-a', tier: 'gold' }),
    { 'acme:team-a:search': person, feed: person },
    3
  ],
  [
    'a channel with a text around the value',
    of('shop', { squad: 'red' }),
    { 'acme:squad-red:platform': person, feed: person },
    4
  ],
  ['a channel that is not allowed', of('shop', { slack_channel: 'exec' }), { platform: here, feed: person }, 6],
  ['one that only seems to be', of('shop', { slack_channel: 'xteam-a' }), { platform: here, feed: person }, 6],
  ['no channel, but a mention', of('shop', { slack_channel: 'team-<!channel>' }), { platform: here, feed: person }, 6],
  [
    'no channel, but more of its name',
    of('shop', { slack_channel: 'team-a:payments' }),
    { platform: here, feed: person },
    6
  ],
  ['no channel, but a sentence', of('shop', { slack_channel: 'team-a and b' }), { platform: here, feed: person }, 6],
  ['an empty value', of('shop', { slack_channel: ' ' }), { platform: here, feed: person }, 6],
  [
    'a refused one and then an allowed one',
    of('shop', { slack_channel: 'exec', squad: 'red' }),
    { 'acme:squad-red:platform': person, feed: person },
    4
  ],
  [
    'a mention in the metadata changes nothing',
    of('shop', { mention: '<!channel>', owner: 'payments' }),
    { platform: here, feed: person },
    6
  ],
  ['none', of('shop', { cluster: 'dev' }), { feed: person }, undefined],
  [
    'none, by `not`',
    of('shop', {}, { involvedObject: { kind: 'HelmRelease', namespace: 'shop', name: 'a' } }),
    { feed: person },
    undefined
  ]
]

t.test('the first entry that matches is the owner', async (t) => {
  for (const [what, wire, to, entry] of rows) {
    const { receive } = startRehearsal(load(config))
    const { notifications, trace } = receive(wire, Date.now())
    t.strictSame(
      Object.fromEntries(notifications.map(({ destination, view }) => [destination, view.mention])),
      to,
      what
    )
    t.equal(trace.owner?.entry, entry, what)
    const isNone = trace.quiet.some(({ because }) => because === 'no entry of `owners` matches')
    t.equal(isNone, entry === undefined, what)
  }
})

t.test('a channel that an event named and did not get is in the trace', async (t) => {
  const { receive } = startRehearsal(load(config))
  const { trace } = receive(of('shop', { slack_channel: 'exec', squad: 'RED' }), Date.now())
  t.match(trace.owner, {
    entry: 6,
    match: 'cluster prod-eu, not.kind not HelmRelease',
    passed: [
      { entry: 3, app: 'acme', channel: 'exec', because: 'is not among team-*, C0TEAM*' },
      { entry: 4, app: 'acme', channel: 'squad-RED', because: 'is not the name or the ID of a channel' }
    ]
  })
})

t.test('the end of a failure goes where its beginning went, whoever owns the object by then', async (t) => {
  const { receive } = startRehearsal(load(config))
  const at = Date.parse('2026-03-04T05:06:07Z')
  const good = {
    severity: 'info' as const,
    reason: 'ReconciliationSucceeded',
    message: 'Applied revision: main@sha1:b'
  }
  receive(of('shop', { slack_channel: 'team-a' }), at)
  const timestamp = new Date(at + 60_000).toISOString()
  const end = receive(
    of('shop', { slack_channel: 'team-b', revision: 'main@sha1:b' }, { ...good, timestamp }),
    at + 60_000
  )
  t.same(
    end.notifications.map(({ destination, view }) => [destination, view.says]),
    [
      ['feed', 'recovered'],
      ['acme:team-a:platform', 'recovered']
    ]
  )
})

t.test('without `owners`, a destination may be named owner', async (t) => {
  const { receive } = startRehearsal(
    load('destinations: { owner: { preview: true } }\nrules: [{ name: all, send: owner }]')
  )
  t.match(receive(wire(), Date.now()).notifications, [{ destination: 'owner' }])
})

t.test('the index finds what reading the entries one by one would find', async () => {
  const word = fc.constantFrom('a', 'ab', 'abc', 'b', 'bc', '')
  const glob = fc.constantFrom('a', 'ab', 'abc', 'b', 'a*', 'ab*', '*c', '*', 'a?', '?', 'a*c')
  const patterns = fc.oneof(glob, fc.array(glob, { minLength: 1, maxLength: 3 }))
  const matchers = fc.record(
    {
      namespace: patterns,
      name: patterns,
      cluster: patterns,
      source: patterns,
      metadata: fc.dictionary(fc.constantFrom('team', 'constructor'), patterns, { maxKeys: 2 })
    },
    { requiredKeys: [] }
  )
  const entry = fc.record({ match: fc.oneof(matchers, fc.record({ not: matchers })) }, { requiredKeys: [] })
  const events = fc.record({
    source: word,
    object: fc.record({ namespace: word, name: word, cluster: word }),
    metadata: fc.dictionary(fc.constantFrom('team', 'constructor', 'other'), word, { maxKeys: 2 })
  })
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 12 }),
      fc.array(events, { minLength: 1, maxLength: 4 }),
      (entries, all) => {
        const texts = entries.map((each, at): OwnerText => ({ ...(each as OwnerText), send: `${at}` }))
        const { owners } = compileOwners(texts)
        const filters = texts.map(({ match = {} }) => compileFilter(match, [], []))
        for (const overrides of all) {
          const subject = { event: event(overrides as EventOverrides), transition: 'failed' as const }
          const right = filters.flatMap((matches, at) => (matches(subject) ? [at] : []))
          const found: number[] = []
          for (let next = owners.next(subject, 0); next !== undefined; next = owners.next(subject, next.entry)) {
            found.push(next.entry - 1)
          }
          if (String(found) !== String(right)) return false
          const [first] = right
          if (ownerOf(subject, owners, () => undefined)?.send[0] !== (first === undefined ? undefined : `${first}`))
            return false
        }
        return true
      }
    ),
    { numRuns: 2000 }
  )
})

t.test('no metadata leads to a mention, or to a destination that the file does not allow', async () => {
  const made = load(config)
  const value = fc.oneof(
    anyCharacters({ maxLength: 30 }),
    fc.constantFrom(
      '<!channel>',
      'team-a',
      'team-<!here>',
      'team-a&id',
      'team-a\u202eb',
      '#team-a:payments:',
      'team-a\n<@U012AB3CD>',
      'payments',
      '__proto__'
    ),
    fc.string({ maxLength: 20 }).map((text) => `team-${text}`)
  )
  const metadata = fc.dictionary(fc.constantFrom('slack_channel', 'squad', 'team', 'mention', 'owner'), value)
  const mentions = new Set([undefined, '<!subteam^S012PAYMT>', here, person])
  const allowed =
    /^(payments|search|platform|feed|acme:(team-|squad-|C0TEAM)[^\s!-,/:-@[-^`{-~\p{Cc}\p{Bidi_C}]*:(payments|search|platform|feed)?)$/u
  fc.assert(
    fc.property(metadata, (metadata) => {
      const { notifications } = startRehearsal(made).receive(of('shop', metadata), 0)
      return notifications.every(({ destination, view }) => mentions.has(view.mention) && allowed.test(destination))
    }),
    { numRuns: 2000 }
  )
})

t.test('a channel is made from values of the metadata, however their keys are written', async (t) => {
  const metadata = { team: ' pay ', 'acme.io/team': 'web', env: '#prod' }
  for (const [text, channel] of [
    ['{{ metadata.team }}', 'pay'],
    ['{{metadata["acme.io/team"]}}', 'web'],
    ["{{ metadata['acme.io/team'] }}", 'web'],
    ['{{ metadata.env }}', 'prod'],
    ['#alerts-{{ metadata.team }}-{{ metadata["acme.io/team"] }}-dev', 'alerts-pay-web-dev'],
    ['{{ metadata.team }}-{{ metadata.squad }}', undefined],
    ['{{ metadata.constructor }}', undefined]
  ] as const) {
    const { owners, faults } = compileOwners([{ app: 'acme', channel: text, allow: '*' }])
    t.same(faults, [], text)
    t.equal(owners.all[0]?.channel?.of(metadata), channel, text)
  }
  for (const [text, because] of [
    ['#alerts', /^names one channel for all events/],
    ['{{ event.team }}', /^only values of the metadata/],
    ['{% if metadata.team %}{{ metadata.team }}', /^only values of the metadata/]
  ] as const) {
    const { faults } = compileOwners([{ app: 'acme', channel: text, allow: '*' }])
    t.match(faults, [{ path: ['owners', 0, 'channel'], message: because }], text)
    t.equal(faults.length, 1)
  }
})

t.test('an entry is named by what it matches, in few words', async (t) => {
  const values = Array.from({ length: 100 }, (_, n) => `team-${n}`)
  const { owners } = compileOwners([{ match: { namespace: values }, send: 'a' }, { send: 'b' }])
  const [long, all] = owners.all.map(({ owned }) => sayEntry(owned))
  t.match(long, /^entry 1 of owners \(namespace team-0, team-1, .*…\)$/)
  t.ok((long ?? '').length < 230)
  t.equal(all, 'entry 2 of owners (everything)')
})

t.test('a test may name a channel with or without its fallback, and says who the owner was', async (t) => {
  const made = load(config)
  const step = (destination: string) => ({
    path: ['tests', 0],
    eventAt: () => of('shop', { slack_channel: 'team-a' }),
    source: 'default',
    times: [0],
    transition: undefined,
    expected: [destination, 'feed'].map((name) => ({ path: [], destination: name, texts: [] }))
  })
  const failures = (destination: string) => runTest({ name: 'x', steps: [step(destination)] } as never, made)
  t.same(failures('acme:team-a'), [])
  t.same(failures('acme:team-a:platform'), [])
  t.match(failures('payments'), [
    {
      message: 'payments is not notified',
      because: [
        'failures sends to the owner, who is acme:team-a:platform, by entry 3 of owners (metadata.slack_channel *)'
      ]
    },
    {}
  ])
})

const channels = (...names: string[]) => names.map((name, at) => ({ id: `C000000${at}A`, name, members: ['U0FLUX'] }))

const live = `
slackApps: { acme: { token: "\${SLACK_BOT_TOKEN}", apiUrl: "$API" } }
destinations:
  platform: { slack: { app: acme, channel: "#platform", style: messages }, pace: { perSecond: 50, burst: 100 } }
  ops: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
operator: ops
owners:
  - { match: { metadata: { slack_channel: "*" } }, app: acme, channel: "{{ metadata.slack_channel }}", allow: ["team-*"] }
  - { send: platform }
rules: [{ name: failures, send: owner }]
`

async function build(t: Parameters<typeof tempFolder>[0], names: string[], relay: RelayOptions = {}) {
  const api = await startSlackApi({ perSecond: 1000, burst: 1000, latencyMs: 0, channels: channels(...names) })
  t.teardown(() => api.close())
  const clock = createClock()
  const started = await startRelay(t, {
    clock,
    ...relay,
    config: (relay.config ?? live).replaceAll('$API', api.apiUrl),
    env: { SLACK_BOT_TOKEN: botToken }
  })
  return { api, relay: started, clock }
}

const fail = (relay: Relay, name: string, channel: string, more: Partial<WireEvent> = {}) =>
  relay.post({
    ...wire({
      involvedObject: { kind: 'Kustomization', namespace: 'apps', name },
      metadata: { slack_channel: channel }
    }),
    ...more
  })
const names = (api: SlackApi, channel: string) => api.seen(channel).map(({ text }) => /apps\/([\w-]+)/.exec(text)?.[1])

t.test('a channel that an event names gets the message; metrics do not name it', async (t) => {
  const { api, relay } = await build(t, ['platform', 'team-a', 'team-b'])
  await fail(relay, 'one', 'team-a')
  await fail(relay, 'two', '#team-b')
  await api.until(() => names(api, 'team-a').length === 1 && names(api, 'team-b').length === 1)
  await relay.logged(/message sent/, 2)
  const metrics = (await relay.get('/metrics')).body
  t.match(metrics, /flux_relay_notifications_total\{destination="acme:\*",state="sent"\} 2/)
  t.notMatch(metrics, /team-[ab]/)
  t.match(
    (await relay.get('/events/1')).body,
    /The owner is <b>acme:team-a:platform<\/b>, by <a href="\/rules#owner-1">/
  )
  t.match((await relay.get('/rules')).body, /id="owner-2"><p><code>everything<\/code> → platform/)
  t.match(JSON.parse((await relay.get('/api/events/1')).body), {
    trace: { owner: { entry: 1, send: ['acme:team-a:platform'] } }
  })
})

for (const [style, end] of [
  ['cards', /:white_check_mark:.*works again/],
  ['messages', /:red_circle:.*failed/]
] as const) {
  t.test(`a channel that an event names shows ${style} if the file says so about it, or nothing`, async (t) => {
    const declared = '  team-a: { slack: { app: acme, channel: "#team-a", style: messages } }\noperator:'
    const config = style === 'cards' ? live : live.replace('operator:', declared)
    const { api, relay, clock } = await build(t, ['platform', 'team-a'], { config })
    await fail(relay, 'one', 'team-a')
    await api.until(() => names(api, 'team-a').length === 1)
    await fail(relay, 'one', 'team-a', {
      severity: 'info',
      reason: 'ReconciliationSucceeded',
      message: 'Applied revision: main@sha1:b'
    })
    await advanceUntil(clock, 1000, () => api.posted.length === 2, 120)
    const first = () => JSON.stringify(api.posted[0]?.blocks)
    if (style === 'cards') await advanceUntil(clock, 1000, () => end.test(first()), 120)
    t.match(first(), end)
    t.equal(api.posted[1]?.threadTs, style === 'cards' ? api.posted[0]?.ts : undefined)
  })
}

t.test('what Slack refuses for a channel goes to the next entry, and the operator is notified once', async (t) => {
  const { api, relay, clock } = await build(t, ['platform'])
  await fail(relay, 'one', 'team-nowhere')
  await api.until(() => names(api, 'platform').length === 1)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(
    relay.slack.accepted[0]?.text,
    /destination acme:team-nowhere takes no messages: the answer is 200 channel_not_found/
  )
  t.match(JSON.stringify(relay.slack.accepted[0]), /What is for it goes to platform meanwhile/)
  await fail(relay, 'two', 'team-nowhere', { message: 'dry-run failed: Deployment/two is invalid' })
  await api.until(() => names(api, 'platform').length === 2)
  // The failure continues and ends where it was notified.
  await fail(relay, 'one', 'team-nowhere', {
    severity: 'info',
    reason: 'ReconciliationSucceeded',
    message: 'Applied revision: main@sha1:b'
  })
  await advanceUntil(clock, 1000, () => names(api, 'platform').length === 3, 120)
  t.same(names(api, 'platform'), ['one', 'two', 'one'])
  t.match(api.seen('platform')[2]?.text, /works again/)
  // By the next probe, the channel exists.
  api.channels.push({ id: 'C0000009A', name: 'team-nowhere', members: ['U0FLUX'] })
  clock.advance(6 * 60_000)
  await fail(relay, 'three', 'team-nowhere', { message: 'dry-run failed: Deployment/three is invalid' })
  await api.until(() => names(api, 'team-nowhere').length === 1)
  t.same(names(api, 'platform').length, 3)
})

t.test('a channel that one replica finds open again is used by the others too', async (t) => {
  const clock = createClock()
  const { destinations: declared } = load(`${destinations}rules: [{ name: failures, send: platform }]`)
  const channels = createChannels(() => declared, clock)
  const laneOfTeam = () => channels.destinations().get('acme:team-a:platform')?.lane
  const block = { reason: '200 channel_not_found', since: clock.now(), probes: 1 }
  channels.follow([{ lane: 'slack:acme:team-a', dueSince: null, block, notBefore: clock.now() + 60_000 }])
  t.equal(laneOfTeam(), 'slack:acme:platform')
  channels.follow([])
  t.equal(laneOfTeam(), 'slack:acme:team-a')
})

t.test(
  'an event that ends a failure goes to the owner that the failure had, whatever Slack refuses by then',
  async (t) => {
    const made = load(config.replace('severity: warn', 'severity: info'))
    const start = Date.parse('2026-03-04T05:06:07Z')
    const channels = createChannels(() => made.destinations, createClock(start))
    const team = 'acme:team-a:platform'
    const begun = startRehearsal(made)
    const first = begun.receive(of('shop', { slack_channel: 'team-a' }), start)
    t.ok(first.notifications.some(({ destination }) => destination === team))
    channels.learn(made.destinations.get(team)?.lane ?? '', { reason: '200 is_archived' }, start + day)
    const after = startRehearsal(
      { ...made, destinations: channels.destinations() },
      () => [...begun.memory.values()][0]
    )
    const good = {
      severity: 'info' as const,
      reason: 'ReconciliationSucceeded',
      message: 'Applied revision: main@sha1:b'
    }
    const metadata = { slack_channel: 'team-a', revision: `main@sha1:${'b'.repeat(40)}` }
    const timestamp = new Date(start + hour).toISOString()
    const { notifications, trace } = after.receive(of('shop', metadata, { ...good, timestamp }), start + hour)
    t.strictSame(
      notifications.map(({ destination, view }) => `${destination} ${view.says}`),
      ['feed recovered', `${team} recovered`]
    )
    t.equal(trace.owner?.passed, undefined)
  }
)

t.test('a channel that Slack refused is tried again, whatever the clock showed at the refusal', async (t) => {
  const declared = load(config).destinations
  for (const isRestarted of [false, true]) {
    const clock = createClock()
    let channels = createChannels(() => declared, clock)
    const lane = () => channels.destinations().get('acme:team-nowhere:platform')?.lane
    const own = lane() ?? ''
    const refuse = (until: number) => channels.learn(own, { reason: '200 channel_not_found' }, until)
    clock.step(40 * day)
    const until = clock.now() + 5 * 60_000
    refuse(until)
    t.not(lane(), own, 'another stands in for it')
    clock.step(-40 * day)
    if (isRestarted) {
      channels = createChannels(() => declared, clock)
      refuse(until)
    }
    clock.advance(4 * 60_000)
    const block = { reason: '200 channel_not_found', since: until, probes: 1 }
    channels.follow([{ lane: own, dueSince: null, block, notBefore: until }])
    t.not(lane(), own)
    clock.advance(isRestarted ? hour : 60_001)
    t.equal(lane(), own)
  }
})

t.test(
  'a day after too many channels were named there is room for others, however the clock was set meanwhile',
  async (t) => {
    const clock = createClock()
    const declared = load(config).destinations
    const channels = createChannels(() => declared, clock)
    const shut = (name: string) => channels.destinations().whyShut(`acme:team-${name}:platform`)
    clock.step(40 * day)
    for (let n = 0; n < maxChannels; n++) t.equal(shut(`${n}`), undefined)
    t.match(shut('one-more'), /one more than/)
    clock.step(-40 * day)
    clock.advance(day + 1)
    t.equal(shut('one-more'), undefined)
  }
)

t.test('a restarted relay knows which channels Slack refuses', async (t) => {
  const folder = tempFolder(t)
  const first = await build(t, ['platform'], { folder })
  await fail(first.relay, 'one', 'team-nowhere')
  await first.api.until(() => names(first.api, 'platform').length === 1)
  await first.relay.app.close()
  const { api, relay } = await build(t, ['platform'], { folder, clock: first.clock })
  await fail(relay, 'two', 'team-nowhere', { message: 'dry-run failed: Deployment/two is invalid' })
  await api.until(() => names(api, 'platform').length === 1)
  t.notOk(api.calls.some(({ args }) => args['channel'] === '#team-nowhere'))
})

t.test(
  'channels that are not allowed, or too many, fall through to the next entry; the operator is notified',
  async (t) => {
    const { api, relay } = await build(t, [
      'platform',
      ...Array.from({ length: maxChannels + 3 }, (_, n) => `team-${n}`)
    ])
    await fail(relay, 'no', 'exec')
    await relay.slack.until(({ accepted }) => accepted.length === 1)
    t.match(relay.slack.accepted[0]?.text, /acme:exec/)
    await fail(relay, 'again', 'exec')
    for (let n = 0; n < maxChannels + 3; n++) await fail(relay, `n${n}`, `team-${n}`)
    await api.until(() => api.posted.length >= 5)
    const { body } = await relay.get('/api/notifications?limit=200')
    const sent = (JSON.parse(body) as { notifications: { destination: string }[] }).notifications
    const lanes = new Set(sent.map(({ destination }) => destination).filter((name) => name.startsWith('acme:')))
    t.equal(lanes.size, maxChannels)
    t.equal(
      sent.filter(({ destination }) => destination === 'platform').length,
      5,
      'two that are not allowed, three that are too many'
    )
    t.equal(sent.filter(({ destination }) => destination === 'ops').length, 4, 'one notice for each channel')
  }
)
