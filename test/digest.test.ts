// Digests: name every object once, within Slack's limits.
import t from 'tap'
import { createPace } from '../src/deliver/pace.ts'
import { planNext } from '../src/deliver/plan.ts'
import { normalise, type WireEvent } from '../src/events/flux.ts'
import { deadNotice, laneNotice, muteNotice } from '../src/notices/delivery.ts'
import { claimNotice, quietNotice, skewNotice } from '../src/notices/sources.ts'
import type { ObjectMemory } from '../src/objects/memory.ts'
import { objectKey } from '../src/objects/name.ts'
import { advance, type Transition } from '../src/objects.ts'
import { composeDigest } from '../src/render/compose/digest.ts'
import { fold, type Waiting } from '../src/render/compose/digest-groups.ts'
import { sharedGist } from '../src/render/compose/digest-lines.ts'
import { createView } from '../src/render/compose/view.ts'
import { compileLinks } from '../src/render/links/links.ts'
import { messageRoom } from '../src/render/slack/limits.ts'
import { type Payload, textsOf } from '../src/render/slack/payload.ts'
import { toText } from '../src/render/slack/terminal.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'
import { faultsOf } from './fixtures/slack.ts'

const start = Date.parse('2026-09-21T14:00:00Z')
const sha = '4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a'
const { links } = compileLinks([
  { dashboard: 'https://flux.acme.dev/{{ object.kind }}/{{ object.namespace }}/{{ object.name }}' }
])
const { links: noLinks } = compileLinks([])

const hence = (minutes: number) => new Date(start + minutes * 60_000).toISOString()

/** What waits after these events have been accepted, one after the other. */
function waitingAfter(
  events: Partial<WireEvent>[],
  { withLinks = false, says, now }: { withLinks?: boolean; says?: Transition; now?: number } = {}
): Waiting[] {
  const memories = new Map<string, ObjectMemory>()
  return events.map((changes, index) => {
    const at = start + index * 1000
    const wire = {
      severity: 'error',
      timestamp: new Date(at).toISOString(),
      message: '',
      metadata: { revision: `main@sha1:${sha}` },
      ...changes
    } as WireEvent
    const event = normalise(wire, { source: 'default', cluster: undefined, defaultCluster: 'prod-eu' }, now ?? at)
    const key = objectKey(event.object)
    const advanced = advance(memories.get(key), event, now ?? at)
    memories.set(key, advanced.memory)
    const recipient = { says: says ?? advanced.transition, mention: undefined }
    const view = createView(event, advanced, recipient, { links: withLinks ? links : noLinks })
    return { id: `${index}`, event: `${index}`, createdAt: at, view }
  })
}

const object = (kind: string, path: string) => ({
  kind,
  namespace: path.split('/')[0] ?? '',
  name: path.split('/')[1] ?? ''
})
const failed = (kind: string, path: string, reason: string, message: string) => ({
  involvedObject: object(kind, path),
  reason,
  message
})
const beat = (path: string, revision = sha) => ({
  involvedObject: object('Kustomization', path),
  severity: 'info' as const,
  reason: 'ReconciliationSucceeded',
  message: `Reconciliation finished in ${path.length}ms, next run in 10m0s`,
  metadata: { commit_status: 'update', revision: `main@sha1:${revision}` }
})

function reads(payload: Payload): string {
  return `📱 ${payload.text}\n${toText(payload)}`.replaceAll('`', "'")
}

t.test('a storm reads like a story: failures and what they explain, then warnings, then recoveries', async (t) => {
  const timedOut = (path: string) =>
    failed(
      'HelmRelease',
      path,
      'UpgradeFailed',
      `Helm upgrade failed for release ${path}.v3 with chart base@6.7.1: timed out waiting for the condition`
    )
  const noArtifact = (path: string) =>
    failed('Kustomization', path, 'ArtifactFailed', "Source 'GitRepository/flux-system/fleet' is not ready")
  const waiting = waitingAfter([
    beat('apps/old'),
    failed('Kustomization', 'apps/shop', 'BuildFailed', 'no such file'),
    failed(
      'GitRepository',
      'flux-system/fleet',
      'GitOperationFailed',
      "unable to clone 'https://github.com/acme/fleet': connection refused"
    ),
    timedOut('apps/redis'),
    timedOut('infra/kafka'),
    timedOut('apps/mongo'),
    noArtifact('apps/api'),
    noArtifact('apps/web'),
    {
      ...failed('HelmRelease', 'apps/worker', 'DependencyNotReady', "dependency 'apps/redis' is not ready"),
      severity: 'info'
    },
    {
      ...failed('HelmRelease', 'apps/lone', 'DependencyNotReady', "dependency 'other/db' is not ready"),
      severity: 'info'
    },
    failed('Kustomization', 'apps/shop', 'BuildFailed', 'no such directory'),
    beat('apps/shop'),
    beat('apps/old', 'def5678e20c7ab8d964e15f3a4f2c91d0b7e84c6')
  ]).slice(1)
  const { ids, payload } = composeDigest(waiting, start)
  t.equal(
    reads(payload),
    `📱 ${payload.text}
🔴 6 failing, ⚠️ 2 waiting, ✅ 1 recovered, 🟢 1 updated in 'prod-eu'
🔴 flux-system/fleet: connection refused (github.com/acme/fleet) (GitRepository GitOperationFailed)
↳ because of it: Source 'GitRepository flux-system/fleet' is not ready (ArtifactFailed, 2)
Kustomization apps: api, web
🔴 upgrade to base 6.7.1: timed out waiting for the condition (UpgradeFailed, 3)
HelmRelease apps: redis, mongo
HelmRelease infra: kafka
↳ because of it: apps/worker: dependency 'apps/redis' is not ready (HelmRelease DependencyNotReady)
⚠️ apps/lone: dependency 'other/db' is not ready (HelmRelease DependencyNotReady)
✅ apps/shop works again after 10 s (Kustomization, was BuildFailed, failed ×2 meanwhile)
🟢 apps/old is at main@def5678 (Kustomization)
2026-09-21 14:00 UTC`
  )
  t.match(
    payload.text,
    '🔴 6 failing, ⚠️ 2 waiting, ✅ 1 recovered, 🟢 1 updated in prod-eu: flux-system/fleet: connection refused'
  )
  t.same([...ids].sort(), waiting.map(({ id }) => id).sort())
  t.equal(faultsOf(payload), undefined)
})

t.test('a name that only resembles another object is not blamed on it', async (t) => {
  const events = [
    failed('HelmRelease', 'apps/shop', 'UpgradeFailed', 'timed out'),
    failed('Kustomization', 'flux-system/eu', 'ArtifactFailed', 'stat /tmp/x/clusters/apps/shop: no such file'),
    failed('Kustomization', 'flux-system/us', 'ReconciliationFailed', 'image registry.acme.dev/apps/shop:9 is blocked'),
    failed('Kustomization', 'apps/web', 'ReconciliationFailed', "dependency 'apps/shop' is not ready"),
    {
      ...failed('HelmRelease', 'apps/cart', 'X', "dependency 'apps/shop' is not ready"),
      metadata: { cluster: 'other' }
    }
  ]
  const text = reads(composeDigest(waitingAfter(events), start).payload)
  t.notMatch(text, 'because of it', 'another kind or another cluster is another object')
  for (const said of ['apps/shop: no such file', 'registry.acme.dev/apps/shop:9 is blocked']) {
    t.match(text, said)
  }
})

t.test('what suffers from another object keeps its own reason and words, if there are not too many', async (t) => {
  const cause = failed('GitRepository', 'flux-system/fleet', 'GitOperationFailed', 'connection refused')
  const suffering = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      failed(
        'Kustomization',
        `apps/app-${n}`,
        `Reason${n}`,
        `Source 'GitRepository/flux-system/fleet' not found (${n}x)`
      )
    )
  const few = reads(composeDigest(waitingAfter([cause, ...suffering(3)]), start).payload)
  t.match(
    few,
    /↳ because of it: apps\/app-0: Source .* \(0x\) \(Kustomization Reason0\)\n↳ apps\/app-1: Source .* \(Kustomization Rea/
  )
  const many = reads(composeDigest(waitingAfter([cause, ...suffering(40)]), start).payload)
  t.match(many, /↳ because of it:\nKustomization apps: app-0, app-1, app-2/)
  t.notMatch(many, 'Reason0')
})

t.test('ends of warnings, and removed objects, are not recoveries', async (t) => {
  const release = object('HelmRelease', 'apps/old')
  const events = [
    {
      ...failed('Kustomization', 'apps/a', 'DependencyNotReady', "dependency 'apps/x' is not ready"),
      severity: 'info' as const
    },
    {
      ...failed('Kustomization', 'apps/b', 'DependencyNotReady', "dependency 'apps/y' is not ready"),
      severity: 'info' as const
    },
    failed('Kustomization', 'apps/c', 'BuildFailed', 'x'),
    failed('HelmRelease', 'apps/old', 'UpgradeFailed', 'x'),
    beat('apps/a'),
    beat('apps/b'),
    beat('apps/c'),
    {
      ...{ involvedObject: release, severity: 'info' as const, reason: 'UninstallSucceeded' },
      message: 'Helm uninstall succeeded for release apps/old.v3 with chart old@1.0.0'
    }
  ]
  const { payload, ids } = composeDigest(waitingAfter(events).slice(4), start)
  t.equal(ids.length, 4)
  t.equal(
    reads(payload),
    `📱 ✅ 1 recovered, ✅ 2 no longer waiting, 🗑️ 1 gone in prod-eu: apps/c; apps/a; apps/old
✅ 1 recovered, ✅ 2 no longer waiting, 🗑️ 1 gone in 'prod-eu'
✅ apps/c works again after 4 s (Kustomization, was BuildFailed)
✅ 2 no longer wait after 4 s
Kustomization apps: a, b
🗑️ apps/old was uninstalled (HelmRelease, was UpgradeFailed)
2026-09-21 14:00 UTC`
  )
})

t.test('neither a remark after a failure nor a late older event replaces what is said of the object', async (t) => {
  const broken = failed('HelmRelease', 'apps/shop', 'UpgradeFailed', 'timed out')
  const skipped = failed('HelmRelease', 'apps/shop', 'NamespaceCheckSkipped', 'skipped the check')
  const older = { ...broken, reason: 'ValuesError', message: 'no such key', timestamp: new Date(start).toISOString() }
  const waiting = waitingAfter([
    { ...broken, timestamp: new Date(start).toISOString() },
    broken,
    skipped,
    skipped,
    older
  ])
  const [group] = fold(waiting)
  t.match(group, { category: 'failing', items: [{ view: { reason: 'UpgradeFailed', message: 'timed out' } }] })
})

t.test('one push that touches forty objects is one message about its revision', async (t) => {
  const names = Array.from({ length: 38 }, (_, n) => `apps/app-${n}`)
  const waiting = waitingAfter([
    ...names.map((name) => beat(name, 'def5678e20c7ab8d964e15f3a4f2c91d0b7e84c6')),
    ...names.map((name) => beat(name)),
    failed('Kustomization', 'apps/bad', 'BuildFailed', 'x'),
    failed('Kustomization', 'apps/worse', 'HealthCheckFailed', 'y')
  ]).slice(38)
  const { payload } = composeDigest(waiting, start + 90_000)
  t.match(payload.text, '🔴 2 failing, 🟢 38 updated in prod-eu: apps/bad: x; apps/worse')
  const text = reads(payload)
  t.match(
    text,
    /🔴 2 failing, 🟢 38 updated in 'prod-eu', at main@4f2c91d\n🔴 apps\/bad: x .*\n🔴 apps\/worse: y .*\n🟢 38 updated: apps 38\n/
  )
})

t.test('names are links where links are configured', async (t) => {
  const { payload } = composeDigest(
    waitingAfter([failed('Kustomization', 'apps/a', 'X', 'm'), failed('Kustomization', 'apps/b', 'X', 'm')], {
      withLinks: true
    }),
    start
  )
  const all = [...textsOf(payload)].map(({ text }) => text).join('\n')
  t.match(all, '<https://flux.acme.dev/Kustomization/apps/a|a>, <https://flux.acme.dev/Kustomization/apps/b|b>')
})

t.test('a late message says how late it is', async (t) => {
  const waiting = waitingAfter([
    failed('Kustomization', 'apps/a', 'X', 'm'),
    failed('Kustomization', 'apps/b', 'Y', 'n')
  ])
  t.match(reads(composeDigest(waiting, start + 3 * 3_600_000).payload), /delayed 3 h/)
  t.notMatch(reads(composeDigest(waiting, start + 60_000).payload), /delayed/)
})

t.test('with several clusters, each line names its cluster', async (t) => {
  const events = ['eu', 'us'].map((cluster) => ({
    ...failed('Kustomization', 'apps/a', 'X', 'm'),
    metadata: { cluster }
  }))
  const text = reads(composeDigest(waitingAfter(events), start).payload)
  t.match(text, /'eu' Kustomization apps: a\n'us' Kustomization apps: a/)
})

t.test('failures that explain each other explain nothing, and no object gets lost', async (t) => {
  const waiting = waitingAfter([
    failed('Kustomization', 'apps/a', 'X', "dependency 'apps/b' is not ready"),
    failed('Kustomization', 'apps/b', 'X', "dependency 'apps/a' is not ready"),
    failed('Kustomization', 'apps/c', 'X', "dependency 'apps/c' is not ready")
  ])
  const all = fold(waiting).flatMap(({ items, dependents }) => [...items, ...dependents])
  t.same(all.map(({ view }) => view.object.name).sort(), ['a', 'b', 'c'])
})

t.test('no input breaks a limit, loses or repeats an object, or escapes from its text', async (t) => {
  const text = (maxLength: number) =>
    fc.oneof(
      anyCharacters({ maxLength }),
      fc.stringMatching(/^[a-z]{1,12}$/),
      fc.constantFrom('<!channel>', '&&&&&&&&', '`*_~', '<https://a.b|c>', '🙂'.repeat(60), 'x'.repeat(253))
    )
  const wire = fc.record({
    involvedObject: fc.record({
      kind: fc.oneof(fc.constantFrom('Kustomization', 'HelmRelease'), text(253)),
      namespace: text(60),
      name: text(253)
    }),
    severity: fc.constantFrom('error', 'info', 'warn'),
    reason: fc.oneof(
      fc.constantFrom('BuildFailed', 'DependencyNotReady', 'ReconciliationSucceeded', 'NewArtifact'),
      text(200)
    ),
    message: fc.oneof(text(3000), fc.constantFrom("dependency 'apps/db' is not ready", 'x')),
    metadata: fc.record({ revision: text(200), cluster: fc.constantFrom('a', 'b', '<!here>') })
  })
  fc.assert(
    fc.property(
      fc.array(wire, { minLength: 1, maxLength: 120 }),
      fc.boolean(),
      fc.boolean(),
      (events, withLinks, isFull) => {
        let rest = waitingAfter(events as Partial<WireEvent>[], { withLinks })
        const named: string[] = []
        for (let messages = 0; rest.length > 0; messages++) {
          const form = { isFull, ...(withLinks && { publicUrl: 'https://relay.example', nextWordMs: 300_000 }) }
          const { ids, payload } = composeDigest(rest, start, form)
          if (ids.length === 0 || messages > events.length) return false
          const texts = [...textsOf(payload)].map(({ text }) => text)
          const blocks = [...(payload.blocks ?? []), ...(payload.attachments ?? []).flatMap((part) => part.blocks)]
          const size = texts.reduce((sum, one) => sum + one.length, 0)
          if (faultsOf(payload) !== undefined || blocks.length > 45 || size > messageRoom.text) return false
          if (texts.some((one) => one.length > messageRoom.section)) return false
          if (Buffer.byteLength(JSON.stringify(payload)) > messageRoom.bytes) return false
          if (/<[!@#](?!date\^)/.test([payload.text, ...texts].join('\n'))) return false
          named.push(...ids)
          rest = rest.filter(({ id }) => !ids.includes(id))
        }
        return named.length === events.length && new Set(named).size === events.length
      }
    ),
    { numRuns: 150 }
  )
  t.pass()
})

t.test('a window full of the longest texts stays within every limit', async (t) => {
  const worlds: Record<string, (n: number) => Partial<WireEvent>> = {
    'long texts': (n) => failed('Kustomization', `team-${n}/app-${n}`, `Reason${n}`, `${n} ${'failed '.repeat(300)}`),
    'long names': (n) => failed('HelmRelease', `${'n'.repeat(200)}${n}/${'a'.repeat(240)}${n}`, 'UpgradeFailed', 'x'),
    'letters of three bytes': (n) =>
      failed('Kustomization', `队伍${n}/${'应用'.repeat(30)}${n}`, '失败', `${n}${'错误'.repeat(200)}`),
    'what is escaped five times as long': (n) =>
      failed('Kustomization', `&&${n}/${'&'.repeat(60)}${n}`, '&'.repeat(40), '&'.repeat(300)),
    quotes: (n) => failed('Kustomization', `a/${'"'.repeat(100)}${n}`, '"'.repeat(40), `${n}${'"\\'.repeat(200)}`)
  }
  for (const [name, make] of Object.entries(worlds)) {
    for (const withLinks of [false, true]) {
      const { ids, payload } = composeDigest(
        waitingAfter(
          Array.from({ length: 500 }, (_, n) => make(n)),
          { withLinks }
        ),
        start
      )
      const size = [...textsOf(payload)].reduce((sum, { text }) => sum + text.length, 0)
      const bytes = Buffer.byteLength(JSON.stringify(payload))
      t.equal(faultsOf(payload), undefined, name)
      t.ok(size <= messageRoom.text && bytes <= messageRoom.bytes, `${name}: ${size} characters, ${bytes} bytes`)
      t.ok(
        size > messageRoom.text * 0.7 || bytes > messageRoom.bytes * 0.7,
        `${name}: well filled with ${ids.length} objects`
      )
    }
  }
})

t.test('a thousand objects with one cause fit into two messages', async (t) => {
  const events = Array.from({ length: 1000 }, (_, n) =>
    failed('Kustomization', `team-${n % 10}/app-${n}`, 'BuildFailed', 'no such file')
  )
  let rest = waitingAfter(events)
  let messages = 0
  const named = new Set<string>()
  for (; rest.length > 0; messages++) {
    const { ids, payload } = composeDigest(rest.slice(0, 500), start)
    for (const name of JSON.stringify(payload).match(/app-\d+/g) ?? []) named.add(name)
    rest = rest.filter(({ id }) => !ids.includes(id))
  }
  t.equal(messages, 2)
  t.equal(named.size, 1000)
})

t.test('each notice of the relay keeps its own words in a digest, and none looks like all is well', async (t) => {
  const skew = { from: 'kustomize-controller-1', skewMs: 500_000, since: start }
  const quiet = { since: start, expectMs: 60_000, isOver: false }
  const gone = {
    block: { reason: 'no_service', since: start, probes: 1 },
    isOver: false,
    isGone: true,
    advice: 'x',
    waiting: 2,
    nextAt: start + 300_000
  } as const
  const notices = [
    quietNotice('dev', quiet, start + 120_000),
    skewNotice('dev', { ...skew, isOver: false }, start + 120_000),
    skewNotice('dev', { ...skew, isOver: true }, start + 180_000),
    claimNotice('dev', { cluster: 'prod-eu', speaker: 'prod', silentMs: 1000 }, start),
    claimNotice('dev', { cluster: 'prod-us', speaker: 'prod', silentMs: 1000 }, start),
    deadNotice('team', { count: 3, reasons: ['too old'] }, start),
    laneNotice({ kind: 'destination', name: 'ops' }, gone, start),
    deadNotice('ops', { count: 5, reasons: ['too old'] }, start),
    quietNotice('test', { ...quiet, expectMs: 90_000 }, start + 120_000)
  ]
  const waiting = notices.map((view, n) => ({ id: `${n}`, event: `${n}`, createdAt: start, view }))
  const { ids, payload } = composeDigest(waiting, start)
  t.equal(ids.length, waiting.length)
  const text = reads(payload)
  for (const said of [
    /source dev has been quiet for 2 m; one event is expected every 1 m$/m,
    /source dev has clocks that are right again, after 3 m/,
    /source dev claims cluster prod-eu/,
    /source dev claims cluster prod-us/,
    /destination team has 3 notifications that could not be delivered: too old/,
    /destination ops takes no messages: Slack answers 'no_service'/,
    /destination ops has 5 notifications that could not be delivered: too old/,
    /source test has been quiet for 2 m; one event is expected every 1 m 30 s/
  ])
    t.match(text, said)
  t.notMatch(text, /\bok\b|recovered and again/i)
  const two = planNext(
    { bucket: undefined, notBefore: 0 },
    waiting.slice(6, 8).map((entry) => ({ ...entry, destination: 'ops', group: undefined, heldUntil: 0, holds: 0 })),
    new Map(),
    { pace: createPace({ burst: 1 }) },
    start + 1000
  )
  t.match(JSON.stringify(two), /no_service.*5 notifications that could not be delivered/)
})

t.test('the end of a mute in a digest says what fails and what works again', async (t) => {
  const of = (name: string) => ({ cluster: 'prod-eu', kind: 'Kustomization', namespace: 'apps', name })
  const [failing] = waitingAfter([failed('Kustomization', 'apps/shop', 'BuildFailed', 'no such file')])
  const failure = {
    reason: 'BuildFailed',
    text: 'boom',
    severity: 'error',
    since: start,
    revision: '',
    count: 1
  } as const
  const objects = [
    { object: of('till'), says: 'failed', failure: { ...failure, at: start, began: failure, prints: [] } },
    { object: of('cart'), says: 'recovered', failure: undefined }
  ] as const
  const over = muteNotice({ mute: 'night', destination: 'team', notifications: 2, objects }, start)
  const waiting = [failing as Waiting, { id: '9', event: '9', createdAt: start, view: over }]
  const text = reads(composeDigest(waiting, start).payload)
  t.match(text, /Mute night is over. 2 notifications were withheld, 1 still fails/)
  t.match(text, /apps\/till has been failing .*boom/)
  t.match(text, /works again meanwhile: apps\/cart/)
  t.match(text, /1 with a warning in .?prod-eu/)

  const many = Array.from({ length: 40 }, (_, n) => ({ ...objects[0], object: of(`long-${'x'.repeat(200)}-${n}`) }))
  const long = muteNotice({ mute: 'night', destination: 'team', notifications: 40, objects: many }, start)
  const room = { maxText: 1500 }
  const { ids, payload } = composeDigest([{ id: '9', event: '9', createdAt: start, view: long }], start, room)
  t.same(ids, ['9'], 'where there is no room for the names, it is sent all the same')
  t.equal(faultsOf(payload), undefined)
})

t.test('a digest does not claim that a reason lasted longer than it did', async (t) => {
  const of = (path: string) => [
    failed('Kustomization', path, 'HealthCheckFailed', 'late'),
    failed('Kustomization', path, 'BuildFailed', 'no such file'),
    beat(path)
  ]
  const waiting = waitingAfter(of('apps/shop'))
  const ended = waiting.slice(-1)
  t.match(
    reads(composeDigest(waiting, start).payload),
    'works again after 2 s (Kustomization, was first HealthCheckFailed, last BuildFailed'
  )
  t.match(
    reads(composeDigest(ended, start).payload),
    'works again after 2 s (Kustomization, was first HealthCheckFailed, last BuildFailed)'
  )
})

const storm = (count: number, withLinks = false) =>
  waitingAfter(
    Array.from({ length: count }, (_, n) =>
      failed(
        'HelmChart',
        `flux-system/svc-${n}`,
        'SourceUnavailable',
        'failed to get source: HelmRepository "charts" not found'
      )
    ),
    { withLinks }
  )

/** The number of messages needed to say all that waits, and the first of them. */
function messagesFor(waiting: Waiting[], form?: Parameters<typeof composeDigest>[2]) {
  const payloads: Payload[] = []
  for (let rest = waiting; rest.length > 0; ) {
    const { ids, payload } = composeDigest(rest.slice(0, 500), start, form)
    payloads.push(payload)
    rest = rest.filter(({ id }) => !ids.includes(id))
  }
  return payloads
}

t.test('one cause: how many and where, the cause in bold, then the names, and what comes next', async (t) => {
  const waiting = storm(150)
  const first = waiting[0]
  if (first !== undefined) first.view.mention = '<!here>'
  const { payload } = composeDigest(waiting, start, { publicUrl: 'https://relay.example', nextWordMs: 300_000 })
  const [title = '', names = '', facts = ''] = [...textsOf(payload)].map(({ text }) => text)
  t.equal(
    title,
    ':red_circle: *150 failing* in `prod-eu`, all for one reason  <!here>\n*HelmRepository "charts" not found*'
  )
  t.match(names, /^HelmChart flux-system: svc-0, svc-1, .*svc-149$/)
  t.match(facts, / {3}<https:\/\/relay\.example\/events\?[^|]*\|all 150> {3}/)
  t.match(facts, 'cluster=prod-eu&amp;kind=HelmChart&amp;namespace=flux-system&amp;reason=SourceUnavailable')
  t.match(
    facts,
    /more may follow; next word in 5 m at most {3}.* {3}<https:\/\/relay\.example\/silences\/new\?.*\|silence>$/
  )
  t.match(
    payload.text,
    /^🔴 150 failing in prod-eu: HelmRepository "charts" not found \(HelmChart flux-system\/svc-0 and 149 more\)$/
  )
})

t.test('links never cost a message: names have them if they are few', async (t) => {
  for (const count of [2, 10, 11, 100, 1000]) {
    const [plain, linked] = [messagesFor(storm(count)), messagesFor(storm(count, true))]
    t.equal(linked.length, plain.length, `${count} objects`)
    t.equal(/<https/.test(JSON.stringify(linked)), count <= 10)
  }
})

t.test('names that would need another message are counted, and all are listed with `digest: full`', async (t) => {
  const waiting = waitingAfter(
    Array.from({ length: 400 }, (_, n) =>
      failed('HelmRelease', `team-${n % 40}/${'service-'.repeat(8)}${n}`, 'UpgradeFailed', 'timed out')
    )
  )
  const counted = messagesFor(waiting)
  t.equal(counted.length, 1)
  t.match(reads(counted[0] as Payload), /HelmRelease team-0 \(10\): .*\n_?and \d+ more/s)
  t.equal(faultsOf(counted[0]), undefined)
  const full = messagesFor(waiting, { isFull: true })
  t.ok(full.length > 1)
  const names = new Set(JSON.stringify(full).match(/service-\d+/g))
  t.equal(names.size, 400)
  t.match(reads(full[0] as Payload), 'more follow')
})

t.test('a heading counts what is named below it, and not what follows in the next message', async (t) => {
  const few = Array.from({ length: 3 }, (_, n) => failed('HelmRelease', `shop/other-${n}`, 'InstallFailed', 'no chart'))
  const many = Array.from({ length: 900 }, (_, n) =>
    failed('HelmRelease', `shop/${'service-'.repeat(3)}${n}`, 'UpgradeFailed', 'timed out')
  )
  for (const events of [
    [...few, ...many],
    [...many, ...few]
  ]) {
    const messages = messagesFor(waitingAfter(events), { isFull: true })
    t.ok(messages.length > 1)
    for (const message of messages) {
      const text = toText(message)
      const [title = ''] = text.split('\n')
      const names = new Set(text.match(/(?:service|other)-\d+/g)).size
      t.match(title, new RegExp(`^🔴 ${names} failing`))
      const heads = [...text.matchAll(/\(\w+Failed, (\d+)\)/g)].map(([, count]) => Number(count))
      const sum = heads.reduce((all, count) => all + count, 0)
      t.equal(sum, title.includes('all for one reason') ? 0 : names, 'the cause is said once')
    }
  }
})

t.test('reminders about several objects say that they still fail, and for how long', async (t) => {
  const broken = (name: string) => failed('Kustomization', `apps/${name}`, 'BuildFailed', 'no such file')
  const both = [
    broken('a'),
    broken('b'),
    { ...broken('a'), timestamp: hence(38) },
    { ...broken('b'), timestamp: hence(38) }
  ]
  const all = waitingAfter(both, { now: start + 40 * 60_000 }).slice(2)
  t.match(
    reads(composeDigest(all, start).payload),
    /^📱 🔴 2 still failing in prod-eu for 38 m: no such file .*\n🔴 2 still failing in 'prod-eu' for 38 m, all for one reason\n/
  )
  const mixed = waitingAfter([...both, { ...broken('new'), timestamp: hence(39) }], { now: start + 40 * 60_000 }).slice(
    2
  )
  t.match(
    reads(composeDigest(mixed, start).payload),
    /\n🔴 3 failing in 'prod-eu', all for one reason\n.*\nKustomization apps: a \(for 38 m\), b \(for 38 m\), new\n/
  )
  const other = { ...failed('Kustomization', 'apps/other', 'HealthCheckFailed', 'x'), timestamp: hence(39) }
  t.match(
    reads(composeDigest(waitingAfter([...both, other], { now: start + 40 * 60_000 }).slice(2), start).payload),
    /\n🔴 no such file \(BuildFailed, 2, for 38 m\)\nKustomization apps: a, b\n🔴 apps\/other: x \(Kustomization HealthCheckFailed\)\n/
  )
})

t.test('a text common to several objects names none of them', async (t) => {
  const names = ['payments/payments-api', 'shop/shop-web', 'data/etl']
  const worlds: [message: (path: string) => string, said: string | RegExp][] = [
    [(path) => `unable to build ${path}: boom`, 'unable to build …'],
    [(path) => `release ${path.split('/')[1]} is locked`, 'release … is locked'],
    [
      (path) => `HelmChart 'flux-system/${path.replace('/', '-')}' is not ready`,
      "HelmChart 'flux-system/…' is not ready"
    ],
    [(path) => `chart base@1.${path.length}.0 is gone`, 'chart … is gone'],
    [(path) => `dial tcp 10.0.${path.length}.1:80: i/o timeout`, /^i\/o timeout/]
  ]
  for (const [message, said] of worlds) {
    const items = waitingAfter(names.map((path) => failed('HelmRelease', path, 'X', message(path)))).map((entry) => ({
      ids: [entry.id],
      category: 'failing' as const,
      view: entry.view,
      failures: 1,
      turned: false,
      lasts: false
    }))
    const gist = sharedGist(items)
    t.match(gist, said)
    for (const path of names) t.notOk(gist.includes(path.split('/')[1] ?? ''), gist)
  }
})

t.test('a digest says the cause that objects share, however long their names are', async () => {
  const webhook = 'https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=30s'
  const message = (name: string) =>
    `Certificate/apps/${name}-tls dry-run failed (InternalError): Internal error occurred: failed calling webhook "webhook.cert-manager.io": failed to call webhook: Post "${webhook}": tls: failed to verify certificate: x509: certificate signed by unknown authority`
  const name = fc.stringMatching(/^[a-z]{2,30}$/)
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 6 }), (names) => {
      const waiting = waitingAfter(names.map((name) => failed('Kustomization', `apps/${name}`, 'X', message(name))))
      return composeDigest(waiting, start).payload.text.includes('x509: certificate signed by unknown authority')
    }),
    { numRuns: 200 }
  )
})

t.test('a digest says the host that the errors of several objects name', async (t) => {
  const charts = ['web', 'search', 'db'].map((name) =>
    failed(
      'HelmChart',
      `flux-system/${name}`,
      'ChartPullError',
      `chart pull error: failed to download chart for remote reference: failed to fetch https://charts.acme.dev/base-1.${name.length}.0.tgz : 503 Service Unavailable`
    )
  )
  t.match(composeDigest(waitingAfter(charts), start).payload.text, '503 Service Unavailable (charts.acme.dev/…) (')
})

t.test('recoveries say once how long the failure lasted, if that was the same for all', async (t) => {
  const down = waitingAfter([
    ...Array.from({ length: 69 }, (_, n) => failed('HelmRelease', `apps/app-${n}`, 'UpgradeFailed', 'timed out')),
    ...Array.from({ length: 69 }, (_, n) => ({
      involvedObject: object('HelmRelease', `apps/app-${n}`),
      severity: 'info' as const,
      reason: 'UpgradeSucceeded',
      message: 'Helm upgrade succeeded',
      timestamp: new Date(start + n * 1000 + 42 * 60_000).toISOString()
    }))
  ]).slice(69)
  const text = reads(composeDigest(down, start).payload)
  t.match(text, /^✅ 69 recovered in 'prod-eu' after 42 m\nHelmRelease apps: app-0, app-1, .*app-68\n.*UTC$/m)
  t.match(text, /^📱 ✅ 69 recovered in prod-eu after 42 m: apps\/app-0 and 68 more/)
})

t.test('a deployment is two lines: what was applied where, then counts by namespace', async (t) => {
  const before = 'def5678e20c7ab8d964e15f3a4f2c91d0b7e84c6'
  const names = Array.from({ length: 24 }, (_, n) => `${['payments', 'shop', 'search'][n % 3]}/app-${n}`)
  const push = waitingAfter([...names.map((name) => beat(name, before)), ...names.map((name) => beat(name))]).slice(24)
  for (const entry of push) entry.view.subject = 'Update podinfo 6.5.0 -> 6.5.1'
  const { payload, ids } = composeDigest(push, start, { publicUrl: 'https://relay.example' })
  t.equal(ids.length, 24)
  t.equal(
    reads(payload),
    `📱 🟢 main@4f2c91d applied in prod-eu: "Update podinfo 6.5.0 -&gt; 6.5.1", 24 objects
🟢 main@4f2c91d Update podinfo 6.5.0 -> 6.5.1 applied in 'prod-eu', 24 objects
payments 8, shop 8, search 8   took 23 s   all`
  )
  const full = reads(composeDigest(push, start, { isFull: true }).payload)
  t.match(full, 'Kustomization payments: app-0, app-3')
})

t.test('objects that report their health had nothing applied to them', async (t) => {
  const names = Array.from({ length: 12 }, (_, n) => `apps/app-${n}`)
  const beats = waitingAfter([...names.map((name) => beat(name)), ...names.map((name) => beat(name))]).slice(12)
  t.equal(
    reads(composeDigest(beats, start).payload),
    `📱 🟢 12 are well in prod-eu, at main@4f2c91d
🟢 12 are well in 'prod-eu', at main@4f2c91d
apps 12`
  )
  const beside = waitingAfter([
    ...names.map((name) => beat(name)),
    ...names.map((name) => beat(name)),
    failed('Kustomization', 'apps/bad', 'BuildFailed', 'x')
  ])
  t.match(
    reads(composeDigest(beside.slice(12), start).payload),
    /\n🔴 1 failing, 🟢 12 well in 'prod-eu', at .*\n.*\n🟢 12 are well: apps 12\n/
  )
})

t.test('upgrades of charts, each with its version, are two lines as well', async (t) => {
  const upgrade = (n: number) => ({
    ...failed('HelmRelease', `shop/app-${n}`, 'UpgradeSucceeded', 'Helm upgrade succeeded'),
    severity: 'info' as const,
    metadata: { revision: `1.${n}.0` }
  })
  const few = reads(composeDigest(waitingAfter([1, 2, 3].map(upgrade)), start).payload)
  t.match(
    few,
    /^🟢 3 updated in 'prod-eu'\nshop\/app-1 1\.1\.0, shop\/app-2 1\.2\.0, shop\/app-3 1\.3\.0 {3}took 2 s$/m
  )
  const many = reads(composeDigest(waitingAfter(Array.from({ length: 25 }, (_, n) => upgrade(n))), start).payload)
  t.match(many, /^🟢 25 updated in 'prod-eu'\nshop 25 {3}took 24 s$/m)
})

t.test('an applied push is a deployment even before its health is known', async (t) => {
  const applied = Array.from({ length: 24 }, (_, n) => ({
    involvedObject: object('Kustomization', `team-${n % 3}/app-${n}`),
    severity: 'info' as const,
    reason: 'Progressing',
    message: `Deployment/team-${n % 3}/app-${n} configured\nService/team-${n % 3}/app-${n} unchanged`
  }))
  const { payload } = composeDigest(waitingAfter(applied), start + 60_000)
  t.match(payload.text, new RegExp(`^🟢 main@${sha.slice(0, 7)} applied in prod-eu.*24 objects`))
  t.equal(toText(payload).trim().split('\n').length, 2)
})

t.test('an outage that each object met at another dependency is one line, which names none of these', async (t) => {
  const met = [
    ['shop', 'Deployment/shop/front'],
    ['cart', 'ConfigMap/pay/settings'],
    ['media', 'Deployment/media/api']
  ] as const
  const webhook =
    'dry-run failed (InternalError): Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": no endpoints available for service "kyverno-svc"'
  for (const some of [met, met.filter(([, object]) => object.startsWith('Deployment'))]) {
    const events = some.map(([name, object]) =>
      failed('Kustomization', `flux-system/${name}`, 'ReconciliationFailed', `${object} ${webhook}`)
    )
    const text = reads(composeDigest(waitingAfter(events), start + 60_000).payload)
    t.equal(text.split('no endpoints available').length, 3, 'once in the message, and once on the lock screen')
    t.notMatch(text, /front|settings|media\/api|Deployment|…:/)
  }
})

t.test('recoveries name the version or images that came with them; a commit belongs to many', async (t) => {
  const events = (name: string) => [
    {
      involvedObject: object('HelmRelease', `apps/${name}`),
      severity: 'info' as const,
      reason: 'UpgradeSucceeded',
      message: 'Helm upgrade succeeded',
      metadata: { revision: '1.0.0' }
    },
    { ...failed('HelmRelease', `apps/${name}`, 'ArtifactFailed', 'EOF'), metadata: {} },
    {
      involvedObject: object('HelmRelease', `apps/${name}`),
      severity: 'info' as const,
      reason: 'UpgradeSucceeded',
      message: 'Helm upgrade succeeded',
      metadata: { revision: '1.0.1' }
    }
  ]
  const recoveries = (names: string[]) =>
    names.map((name) => waitingAfter(events(name)).at(-1) as Waiting).map((one, n) => ({ ...one, id: `${n}` }))
  const own = { ...failed('Kustomization', 'apps/web', 'BuildFailed', 'x') }
  const with1 = [...waitingAfter([own]), ...recoveries(['shop'])].map((one, n) => ({ ...one, id: `${n}` }))
  t.match(reads(composeDigest(with1, start).payload), /apps\/shop works again .*was ArtifactFailed, at chart 1\.0\.1/)
  const many = reads(composeDigest(recoveries(['a', 'b', 'c', 'd', 'e', 'f']), start).payload)
  t.match(many, /a 1\.0\.1.*, b 1\.0\.1/)
})

t.test('of sixty causes, each line has the decisive words, as far as there is room', async (t) => {
  const claim =
    'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
  const web = 'Deployment/shop/a-deployment-of-a-name-that-is-long-enough-for-all-of-a-line-of-many/and-more'
  const known: [message: string, said: string][] = [
    [
      'kustomize build failed: error while running post render on files: replacement: unable to find field "spec.rules.0.host" in replacement target',
      'unable to find field "spec.rules.0.host" in replacement target'
    ],
    [
      `PersistentVolumeClaim/db/data dry-run failed (Forbidden): persistentvolumeclaims "data" is forbidden: ${claim}`,
      'PersistentVolumeClaim db/data: only dynamically provisioned pvc can be resized'
    ],
    [
      'Pod/shop/web dry-run failed (Forbidden): pods "web" is forbidden: exceeded quota: compute, requested: limits.memory=4Gi, used: limits.memory=14Gi, limited: limits.memory=16Gi',
      'exceeded quota: compute, requested: limits.memory=4Gi'
    ],
    [`${web}: ${web}: ${web}: the quota of the team is exceeded`, 'the quota of the team is exceeded']
  ]
  const others = Array.from(
    { length: 60 - known.length },
    (_, n) => `cause ${'abcdefgh'[n % 8]}${'ijklmnop'[Math.floor(n / 8)]} is wrong`
  )
  const events = [...known.map(([message]) => message), ...others].map((message, n) => ({
    involvedObject: { kind: 'Kustomization', namespace: 'apps', name: `k${n}x` },
    reason: 'ReconciliationFailed',
    message
  }))
  const shown = toText(composeDigest(waitingAfter(events), start).payload)
  for (const [, said] of known) t.match(shown, said)
})
