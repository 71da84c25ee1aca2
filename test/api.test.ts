// API: serves operators and scripts; the real app on a real port.
import t from 'tap'
import type { ObjectRef } from '../src/events/flux.ts'
import type { EventDetail, EventRecord, NotificationRecord, ObjectRecord } from '../src/store/records.ts'
import { createClock } from './fixtures/clock.ts'
import { about, fluxEvent, openConfig, type Relay, startRelay, tempFolder } from './fixtures/relay.ts'

const hour = 3_600_000

async function get(relay: Relay, path: string) {
  const { status, body } = await relay.get(path)
  return { status, body: JSON.parse(body) }
}

async function send(relay: Relay, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(relay.url + path, { method: 'POST', headers })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

/** Posts failures of `names` to a Slack that refuses them for good; resolves once they are dead letters. */
async function bury(relay: Relay, ...names: string[]): Promise<void> {
  relay.slack.behave('*', () => ({ status: 400, body: 'invalid_blocks' }))
  for (const [index, name] of names.entries()) {
    await relay.post(about(name))
    await relay.logged(/message not delivered/, index + 1)
  }
  relay.slack.calm('*')
}

t.test('events are listed with their notifications, and with the raw body on request', async (t) => {
  const relay = await startRelay(t, { clock: createClock() })
  const raw = `{ "later": 1.0, ${JSON.stringify(fluxEvent()).slice(1)}`
  await relay.post(raw)
  await relay.logged(/message sent/)
  const { status, body } = await get(relay, '/api/events?body=true')
  t.equal(status, 200)
  t.same(body, {
    events: [
      {
        id: '1',
        receivedAt: '2026-09-21T14:00:00.000Z',
        source: 'default',
        object: { cluster: '', kind: 'Kustomization', namespace: 'apps', name: 'shop' },
        severity: 'error',
        reason: 'BuildFailed',
        transition: 'failed',
        message: fluxEvent().message,
        gist: 'kustomize build: shop: is a directory',
        notifications: [{ id: '1', rule: 'everything', destination: 'team', state: 'sent' }],
        body: raw
      }
    ],
    next: null
  })
  t.notOk('body' in (await get(relay, '/api/events')).body.events[0])
})

t.test('a list goes on where its page ended', async (t) => {
  const relay = await startRelay(t, { clock: createClock() })
  for (const name of ['a', 'b', 'c']) await relay.post(about(name))
  const first = (await get(relay, '/api/events?limit=2')).body
  t.match(first.events, [{ object: { name: 'c' } }, { object: { name: 'b' } }])
  const second = (await get(relay, `/api/events?limit=2&cursor=${first.next}`)).body
  t.match(second, { events: [{ object: { name: 'a' } }], next: null })
  const oldest = (await get(relay, '/api/events?order=asc&limit=1')).body
  t.match(oldest.events, [{ object: { name: 'a' } }])
})

t.test('a time may be a date, milliseconds, or an age', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  await relay.post(about('early'))
  clock.advance(2 * hour)
  await relay.post(about('late'))
  const names = async (query: string) =>
    (await get(relay, `/api/events?${query}`)).body.events.map(
      (event: { object: { name: string } }) => event.object.name
    )
  t.same(await names('since=1h'), ['late'])
  t.same(await names('since=2h'), ['late', 'early'])
  t.same(await names('since=2026-09-21T15:00:00Z'), ['late'])
  t.same(await names('since=2026-09-21T17:00:00+02:00'), ['late'], 'a plus that is not encoded')
  t.same(await names('since=2026-09-21+13:30:00-02:00'), ['late'], 'nor one for the blank')
  t.same(await names(`until=${clock.now()}`), ['early'])
})

t.test('one event shows why each rule fired or not, and what Slack answered', async (t) => {
  const rules = `${openConfig}  - { name: databases, match: { namespace: db }, send: team }\n`
  const relay = await startRelay(t, { config: rules, clock: createClock() })
  await bury(relay, 'shop')
  const { body } = await get(relay, '/api/events/1')
  t.match(body, {
    id: '1',
    trace: {
      verdicts: [
        { rule: 'everything', fired: true },
        { rule: 'databases', fired: false, because: 'namespace', wanted: 'db', got: 'apps' }
      ]
    },
    notifications: [
      {
        state: 'dead',
        reason: /invalid_blocks/,
        message: {
          state: 'dead',
          payload: { text: /apps\/shop/, blocks: Array },
          attempts: [{ at: '2026-09-21T14:00:00.000Z', answer: '400 invalid_blocks' }, { answer: '400 invalid_blocks' }]
        }
      }
    ]
  })
  t.match(await get(relay, '/api/events/99'), { status: 404, body: { code: 'NOT_FOUND' } })
})

t.test('the list of failures shows since when, how often and who was notified', async (t) => {
  const relay = await startRelay(t, { clock: createClock() })
  await relay.post(about('shop'))
  await relay.post(about('fine', { severity: 'info', reason: 'ReconciliationSucceeded' }))
  const { body } = await get(relay, '/api/objects?state=failing')
  t.match(body, {
    objects: [
      {
        object: { name: 'shop' },
        state: 'failing',
        failure: {
          ...{ since: '2026-09-21T13:59:58.000Z', count: 1, reason: 'BuildFailed', text: /kustomize build/ },
          revision: 'main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a'
        },
        revision: '',
        notified: [{ rule: 'everything', destination: 'team', at: '2026-09-21T14:00:00.000Z' }]
      }
    ],
    next: null
  })
  t.equal((await get(relay, '/api/objects')).body.objects.length, 2)
})

t.test('reason and text of a failure are those of its latest event', async (t) => {
  const relay = await startRelay(t, { clock: createClock() })
  await relay.post(about('shop'))
  await relay.post(about('shop', { reason: 'HealthCheckFailed', message: 'health check failed: timed out' }))
  const { body } = await get(relay, '/api/objects?state=failing')
  t.match(body.objects, [
    { failure: { count: 2, reason: 'HealthCheckFailed', text: 'health check failed: timed out' } }
  ])
})

t.test('a retried dead letter is sent at once, and the recovery after it', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  await bury(relay, 'shop')
  const { body } = await get(relay, '/api/notifications?state=dead')
  t.match(body.notifications, [
    { id: '1', event: '1', destination: 'team', reason: /./, object: { name: 'shop' }, summary: /kustomize build/ }
  ])
  t.match(await send(relay, '/api/notifications/1/retry'), { status: 200, body: { id: '1', destination: 'team' } })
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(relay.slack.accepted[0]?.text, /apps\/shop failed/)
  t.match(await send(relay, '/api/notifications/1/retry'), { status: 404 })
  const fixed = { severity: 'info', reason: 'ReconciliationSucceeded', timestamp: '2026-09-21T14:00:00Z' } as const
  await relay.post(about('shop', fixed))
  await relay.app.idle()
  clock.advance(5000)
  await relay.slack.until(({ accepted }) => accepted.length === 2)
  t.match(relay.slack.accepted[1]?.text, /works again/)
})

t.test('all dead letters that match are retried, batch by batch', async (t) => {
  const relay = await startRelay(t, { clock: createClock() })
  await bury(relay, 'a', 'b', 'c')
  const first = await send(relay, '/api/notifications/retry?limit=2&destination=team')
  t.match(first.body, { retried: [{ id: '1' }, { id: '2' }], next: '2' })
  const second = await send(relay, `/api/notifications/retry?limit=2&destination=team&cursor=${first.body.next}`)
  t.match(second.body, { retried: [{ id: '3' }], next: null })
  t.match((await send(relay, '/api/notifications/retry?namespace=nowhere')).body, { retried: [], next: null })
})

t.test('a dead letter that nobody wants can be discarded', async (t) => {
  const relay = await startRelay(t, { clock: createClock() })
  await bury(relay, 'shop')
  t.match(await send(relay, '/api/notifications/1/discard'), { status: 200, body: { id: '1', state: 'discarded' } })
  t.same((await get(relay, '/api/notifications?state=dead')).body.notifications, [])
  t.match(await send(relay, '/api/notifications/1/discard'), { status: 404 })
})

t.test('lanes show what waits and why, and no webhook address', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  relay.slack.behave('*', [{ status: 404, body: 'no_service' }])
  await relay.post(about('shop'))
  await relay.logged(/rejects all messages/)
  const { body } = await get(relay, '/api/lanes')
  t.match(body.lanes, [
    {
      lane: /^slack:[0-9a-f]{16}$/,
      destinations: ['team'],
      backlog: 1,
      oldest: '2026-09-21T14:00:00.000Z',
      block: { reason: /no_service/, since: '2026-09-21T14:00:00.000Z', probes: 1 },
      notBefore: '2026-09-21T14:05:00.000Z',
      tokens: 99
    }
  ])
  t.notMatch(JSON.stringify(body), /services/)
})

t.test('sources show when each last posted, what came of it, and what was refused', async (t) => {
  const clock = createClock()
  const config = `sources: { default: { expectEvery: 30m }, eu: { hmacKeys: [key], cluster: prod-eu } }${openConfig}`
  const relay = await startRelay(t, { clock, config })
  await relay.post(about('shop', { metadata: { cluster: 'prod-us' } }))
  await relay.post(about('shop', { metadata: { cluster: 'prod-us' } }))
  await relay.post('{', { path: '/webhook/eu' })
  await relay.post('{')
  const at = '2026-09-21T14:00:00.000Z'
  const { status, body } = await get(relay, '/api/sources')
  t.equal(status, 200)
  t.same(body, {
    sources: [
      {
        ...{ source: 'default', state: 'active', lastEventAt: at, quietAfterSeconds: 1800, isExpected: true },
        ...{
          isUnsigned: true,
          cluster: null,
          clusters: [{ cluster: 'prod-us', lastEventAt: at, isQuiet: false }],
          hasMoreClusters: false
        },
        ...{ events: 2, refused: [{ code: 'BAD_JSON', requests: 1, lastAt: at }], refusedElsewhereAt: null }
      },
      {
        ...{ source: 'eu', state: 'never', lastEventAt: null, quietAfterSeconds: 3600, isExpected: false },
        ...{ isUnsigned: false, cluster: 'prod-eu', clusters: [], hasMoreClusters: false },
        ...{ events: 0, refused: [{ code: 'BAD_SIGNATURE', requests: 1, lastAt: at }], refusedElsewhereAt: null }
      }
    ],
    ...{ countedSince: at, listeningSince: at, isShared: false }
  })
})

t.test('nothing is said about sources if the database has not answered for a minute', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  clock.advance(10_000)
  await get(relay, '/api/events')
  clock.advance(9_999)
  t.equal((await get(relay, '/api/sources')).status, 200)
  // Only one look falls due, and none after it.
  clock.advance(24 * hour)
  const { status, body } = await get(relay, '/api/sources')
  t.match({ status, body }, { status: 503, body: { code: 'CANNOT_STORE', message: /it is not known when sources/ } })
})

t.test('a wrong query is answered with the field and its possible values', async (t) => {
  const relay = await startRelay(t)
  const cases: [string, RegExp][] = [
    ['/api/events?limit=0', /limit must be a number from 1 to 500/],
    ['/api/events?limit=501', /limit must be a number from 1 to 500/],
    ['/api/events?cursor=abc', /cursor is not a cursor of this list/],
    ['/api/events?since=yesterday', /since is not a time such as/],
    ['/api/events?severity=fatal', /severity .*info, warn, error/],
    [
      '/api/events?kin=HelmRelease',
      /there is no kin in the querystring; there are cluster, kind, .*did you mean "kind"/
    ],
    ['/api/events?kind=a&kind=b', /^kind is given more than once$/],
    ['/api/events?kind=', /^kind is empty$/],
    ['/api/events/abc', /id is not a number/],
    ['/api/objects?state=failed', /state .*healthy, failing, stale/],
    ['/api/objects?state=failing&cursor=abc', /cursor/],
    ['/api/notifications?state=lost', /state .*pending, sent, muted, dead, discarded/],
    ['/api/objects?cursor=abc', /cursor is not a cursor of this list/],
    ...['silences', 'lanes', 'sources', 'apps', 'acknowledgements', 'events/1'].map((list): [string, RegExp] => [
      `/api/${list}?cluster=prod`,
      /there is no cluster in the querystring; (it takes none|there is)/
    ]),
    ['/api/preview/team?limit=201', /limit must be a number from 1 to 200/],
    ['/api/events?since=2026-13-01', /since is not a time such as/],
    ['/api/events?since=2026-02-30', /2026-02-30 is on a day that does not exist/],
    ['/api/acts?since=1h1h1h1h1h', /since is not a time such as/],
    ...['events?since', 'events?until', 'notifications?since', 'acts?since'].map((asked): [string, RegExp] => [
      `/api/${asked}=1796141397`,
      /1796141397 is in seconds: milliseconds are 1796141397000/
    ]),
    ['/api/events?since=1h&until=2h', /until, \S+Z, is not after since, \S+Z/],
    ...['events', 'notifications', 'acts'].map((list): [string, RegExp] => [
      `/api/${list}?since=2096-01-01T00:00`,
      /since, 2096-01-01T00:00:00.000Z, is ahead: it is \S+Z here; a time without a zone is in UTC/
    ])
  ]
  for (const [path, message] of cases)
    t.match(await get(relay, path), { status: 400, body: { code: 'BAD_REQUEST', message } }, path)
  const nowhere = { status: 404, body: { code: 'NOT_FOUND', message: /no such path; \/api\/openapi\.json lists/ } }
  for (const path of ['/api', '/api/event', '/api/lanes/team']) t.match(await get(relay, path), nowhere, path)
})

t.test('an unknown name is answered with the known ones, and a name that has gone is still found', async (t) => {
  const folder = tempFolder(t)
  const before = await startRelay(t, { folder })
  await before.post(about('shop'))
  await before.logged(/message sent/)
  await before.app.close()
  const config = openConfig.replaceAll('team', 'crew').replace('everything', 'all of it')
  const relay = await startRelay(t, { folder, config: `${config}cluster: prod\nsources: { edge: {} }\n` })
  const unknown: [string, RegExp][] = [
    ['events?destination=nobody', /^there is no destination "nobody"; there is crew$/],
    ['events?rule=al+of+it', /^there is no rule "al of it"; did you mean "all of it"\?$/],
    ['events?source=egde', /^there is no source "egde"; did you mean "edge"\?$/],
    ['events?cluster=prdo', /^there is no cluster "prdo"; did you mean "prod"\?$/],
    ['objects?cluster=staging', /^there is no cluster "staging"; there is at least prod$/],
    ['notifications?cluster=staging', /there is at least prod/i],
    ['events?kind=Kustomizaton', /did you mean "Kustomization"/],
    ['events?reason=buildfailed', /did you mean "BuildFailed"/],
    ['events?transition=failing', /transition .*failed, changed, repeated, recovered, updated, informed, heartbeat/],
    ['objects?kind=helmrelease', /did you mean "HelmRelease"/],
    ['notifications?destination=crwe', /did you mean "crew"/],
    ['notifications?rule=nothing', /there is all of it/],
    ['notifications?lane=slack:0', /there is slack:/]
  ]
  for (const [path, message] of unknown) {
    t.match(await get(relay, `/api/${path}`), { status: 400, body: { code: 'BAD_REQUEST', message } }, path)
  }
  const retried = await send(relay, '/api/notifications/retry?destination=nobody')
  t.match(retried, { status: 400, body: { message: /there is crew/ } })
  for (const path of [
    'events?destination=team',
    'events?rule=everything',
    'events?source=default',
    'notifications?destination=team',
    'notifications?rule=everything'
  ]) {
    const { status, body } = await get(relay, `/api/${path}`)
    t.equal(status, 200, path)
    t.equal((body.events ?? body.notifications).length, 1, 'what has gone from the file is found')
  }
  for (const path of [
    'events?destination=crew',
    'events?kind=Database',
    'events?source=edge&kind=Bucket',
    'events?cluster=prod&kind=Bucket',
    'notifications?destination=team&state=dead',
    'objects?kind=HelmRelease'
  ]) {
    t.equal((await get(relay, `/api/${path}`)).status, 200, `${path}: there is none now`)
  }
  const pages: [string, RegExp][] = [
    ['/events?state=lost', /there is no state .*lost.*; there are pending, sent, muted, dead, discarded/],
    ['/events?severity=fatal', /there are info, warn, error/],
    ['/events?transition=fail', /there is no transition/],
    ['/events?since=yesterday', /since is not a duration/],
    ['/events?destination=nobody', /there is crew/],
    ['/events?cluster=staging', /there is at least prod/i],
    ['/deliveries?destination=nobody', /there is crew/],
    ['/deliveries?state=sending', /did you mean .*pending/]
  ]
  for (const [path, said] of pages) t.match(await relay.get(path), { status: 400, body: said }, path)
  t.equal((await relay.get('/deliveries?destination=team&state=sent')).status, 200)
})

// The compiler keeps these complete.
const notification = { id: 1, rule: 1, destination: 1, state: 1 }
const object: Record<keyof ObjectRef, 1> = { cluster: 1, kind: 1, namespace: 1, name: 1 }
const event: Record<keyof Omit<EventRecord, 'body'>, unknown> = {
  ...{ id: 1, receivedAt: 1, source: 1, object, severity: 1, reason: 1, transition: 1, message: 1 },
  notifications: [notification]
}
const post: Record<keyof NonNullable<EventDetail['notifications'][number]['message']>, unknown> = {
  ...{ id: 1, state: 1, failures: 1, payload: 'any', attempts: [{ at: 1, answer: 1 }] }
}
const detail: Record<keyof EventDetail, unknown> = {
  ...{ ...event, body: 1 },
  trace: {
    verdicts: [
      { rule: 1, fired: 1 },
      { rule: 1, fired: 1, because: 1, wanted: 1, got: 1 }
    ],
    quiet: []
  },
  notifications: [{ ...notification, reason: 1, message: post }]
}
const notificationRecord: Record<keyof NotificationRecord, unknown> = {
  ...{
    id: 1,
    event: 1,
    rule: 1,
    destination: 1,
    lane: 1,
    state: 1,
    reason: 1,
    says: 1,
    object,
    summary: 1,
    createdAt: 1
  }
}
const objectRecord: Record<keyof ObjectRecord, unknown> = {
  ...{ object, state: 1, since: 1, revision: 1, seenAt: 1, notified: [] },
  failure: { since: 1, count: 1, severity: 1, reason: 1, revision: 1, text: 1 }
}

const gist = { gist: 1 }
const standing = {
  ...objectRecord,
  failure: { ...(objectRecord.failure as object), ...gist },
  nextReminderAt: 1
}

/** The names of all fields in a value, without their contents. */
function shapeOf(value: unknown, name = ''): unknown {
  if (name === 'payload') return 'any'
  if (Array.isArray(value)) return value.map((item) => shapeOf(item))
  if (value === null || typeof value !== 'object') return 1
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item, key)]))
}

t.test('no field is lost in a reply', async (t) => {
  const config = `${openConfig}  - { name: databases, match: { namespace: db }, send: team }\n`
  const relay = await startRelay(t, { config, clock: createClock() })
  await bury(relay, 'shop')
  const answers: [string, unknown][] = [
    ['/api/events', { events: [{ ...event, ...gist }], next: 1 }],
    ['/api/objects', { objects: [standing], next: 1 }],
    ['/api/notifications', { notifications: [notificationRecord], next: 1 }]
  ]
  for (const [path, shape] of answers) t.same(shapeOf((await get(relay, path)).body), shape, path)
  const { body } = await get(relay, '/api/events/1')
  t.same(shapeOf(body), {
    ...{ ...detail, ...gist, standing },
    notifications: [
      {
        ...notification,
        reason: 1,
        message: {
          ...post,
          attempts: [
            { at: 1, answer: 1 },
            { at: 1, answer: 1 }
          ]
        }
      }
    ]
  })
})

t.test('the API describes itself, every reply included', async (t) => {
  const relay = await startRelay(t)
  const { body } = await get(relay, '/api/openapi.json')
  t.equal(body.openapi, '3.1.0')
  t.same(Object.keys(body.paths).sort(), [
    '/api/acknowledgements',
    '/api/acts',
    '/api/apps',
    '/api/events',
    '/api/events/{id}',
    '/api/lanes',
    '/api/lanes/{lane}/try',
    '/api/notifications',
    '/api/notifications/retry',
    '/api/notifications/{id}/discard',
    '/api/notifications/{id}/retry',
    '/api/objects',
    '/api/preview/{destination}',
    '/api/silences',
    '/api/silences/{id}',
    '/api/sources'
  ])
  for (const [path, methods] of Object.entries<Record<string, Record<string, never>>>(body.paths)) {
    for (const operation of Object.values(methods)) {
      t.ok(operation['summary'], path)
      const [reply] = Object.values(operation['responses'] ?? {})
      t.match(reply, { content: { 'application/json': { schema: { type: 'object' } } } }, path)
    }
  }
  for (const [path, methods] of Object.entries<Record<string, Record<string, never>>>(body.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const refusals = Object.entries<Record<string, never>>(operation['responses'] ?? {}).filter(
        ([code]) => code >= '400'
      )
      const statuses = refusals.map(([code]) => Number(code))
      const always = [400, 401, 403, 405, 429, 431, 500, 503]
      const mayBeOver = path === '/api/acknowledgements' && method !== 'get'
      const expected = [
        ...always,
        ...(path.includes('{') || mayBeOver ? [404] : []),
        ...(method === 'get' ? [] : [413, 415])
      ]
      t.same(statuses, expected.sort(), `${method} ${path}`)
      for (const [, reply] of refusals) {
        t.match(reply, {
          description: /./,
          content: { 'application/json': { schema: { required: ['code', 'message'] } } }
        })
      }
    }
  }
  const { parameters } = body.paths['/api/events'].get
  t.ok(parameters.some((parameter: { name: string; required?: boolean }) => parameter.name === 'since'))
})

t.test('a query that is too long for HTTP is answered as the document says', async (t) => {
  const relay = await startRelay(t)
  const { status, body } = await get(relay, `/api/acts?cursor=${'9'.repeat(20_000)}`)
  t.match({ status, body }, { status: 431, body: { code: 'BAD_REQUEST', message: 'the headers are too large' } })
  const { paths } = (await get(relay, '/api/openapi.json')).body
  t.ok(paths['/api/acts'].get.responses[431])
})

t.test('nobody without the token sees or changes anything', async (t) => {
  const relay = await startRelay(t, { env: { ADMIN_TOKEN: 'secret' } })
  const paths = [
    '/api/events',
    '/api/events/1',
    '/api/objects',
    '/api/notifications',
    '/api/lanes',
    '/api/sources',
    '/api/openapi.json'
  ]
  for (const path of paths) t.equal((await get(relay, path)).status, 401, path)
  for (const path of ['/api/notifications/1/retry', '/api/notifications/retry', '/api/notifications/1/discard']) {
    t.equal((await send(relay, path)).status, 401, path)
  }
  const { status } = await relay.get('/api/events', { authorization: 'Bearer secret' })
  t.equal(status, 200)
})

t.test('a page of another site changes nothing, whatever credentials the browser has', async (t) => {
  for (const ADMIN_TOKEN of ['', 'secret']) {
    const relay = await startRelay(t, { env: { ADMIN_TOKEN } })
    const authorization = `Basic ${Buffer.from(`any:${ADMIN_TOKEN}`).toString('base64')}`
    const status = async (headers: Record<string, string>) =>
      (await send(relay, '/api/notifications/retry', { authorization, ...headers })).status
    t.equal(await status({ 'sec-fetch-site': 'cross-site' }), 403)
    t.equal(await status({ 'sec-fetch-site': 'same-site' }), 403)
    t.equal(await status({ 'sec-fetch-site': 'none' }), 200, 'typed by a person')
    t.equal(await status({ origin: 'https://elsewhere.example' }), 403)
    t.equal(
      await status({ 'sec-fetch-site': 'cross-site', origin: relay.url }),
      403,
      'what a browser says of it counts'
    )
    t.equal(await status({ origin: 'null' }), 403)
    t.equal(await status({ origin: relay.url }), 200)
    t.equal(await status({ 'sec-fetch-site': 'same-origin', origin: 'https://relay.example' }), 200, 'behind a proxy')
    t.equal(await status({}), 200, 'a program')
    const read = await relay.get('/api/events', { authorization, 'sec-fetch-site': 'cross-site' })
    t.equal(read.status, 200, 'a link from elsewhere may be followed')
  }
})

t.test('a refusal names the field, and the form that it must have', async (t) => {
  const relay = await startRelay(t)
  const end = await fetch(`${relay.url}/api/silences/x`, { method: 'DELETE' })
  t.equal(end.status, 400)
  t.notMatch(await end.text(), /\bor 15/, 'a comma in a form is no list')
  const post = async (type: string, body: string) => {
    const answer = await fetch(`${relay.url}/api/silences`, { method: 'POST', headers: { 'content-type': type }, body })
    return answer.json()
  }
  for (const type of ['application/xml', 'text/plain']) t.match(await post(type, '{}'), { code: 'WRONG_TYPE' }, type)
  // Only errors of the webhook mention Flux and its Providers.
  t.same(await post('application/json', '[]'), { code: 'BAD_REQUEST', message: 'body must be object' })
  t.match(await post('application/json', '{}'), { code: 'BAD_REQUEST', message: /^body must have .*'match'$/ })
})

t.test(
  'a cursor from another order of objects is refused, because the rest of the list would look empty',
  async (t) => {
    const relay = await startRelay(t)
    for (const name of ['shop', 'blog', 'cart']) await relay.post(about(name))
    const next = async (query: string) => (await get(relay, `/api/objects?limit=1${query}`)).body.next
    const [byName, byFailure] = [await next(''), await next('&state=failing')]
    const ask = (query: string, cursor: string) =>
      get(relay, `/api/objects?${query}cursor=${encodeURIComponent(cursor)}`)
    const refused = { status: 400, body: { code: 'BAD_REQUEST', message: /cursor is from another list/ } }
    t.match(await ask('state=failing&', byName), refused)
    t.match(await ask('state=stale&', byName), refused)
    t.match(await ask('', byFailure), refused)
    t.match(await ask('state=healthy&', byFailure), refused)
    t.equal((await ask('', byName)).body.objects.length, 2)
    t.equal((await ask('state=failing&', byFailure)).body.objects.length, 2)
  }
)

t.test('a request for an unknown path is told where to look', async (t) => {
  const relay = await startRelay(t)
  const tooLong = 'a'.repeat(101)
  const cases: [string, RegExp][] = [
    ['/event', /nothing is at this path: the pages begin at \/, and \/api\/openapi\.json lists/],
    [`/api/preview/${tooLong}`, /the name in this path is longer than any may be/]
  ]
  for (const [path, message] of cases)
    t.match(await get(relay, path), { status: 404, body: { code: 'NOT_FOUND', message } }, path)
})
