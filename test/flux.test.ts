// Flux events: are read in every form Flux sends, and otherwise refused with a reason.
import Fastify from 'fastify'
import t from 'tap'
import { FluxEventSchema, keepable, normalise, type Origin, readStored, type WireEvent } from '../src/events/flux.ts'
import { vocabulary } from '../src/events/vocabulary.ts'
import { advance } from '../src/objects.ts'
import { fixture, fixtureNames, type WireOverrides, wire } from './fixtures/events.ts'

const receivedAt = Date.parse('2026-03-04T05:06:10Z')
const origin: Origin = { source: 'default', cluster: undefined, defaultCluster: 'local' }
const seen = (overrides: WireOverrides, at: Partial<Origin> = {}) =>
  normalise(wire(overrides), { ...origin, ...at }, receivedAt)

// With the options of src/app.ts: ajv as Fastify sets it up, formats included.
const app = Fastify({
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false, keywords: ['patternErrorMessage'] } }
})
app.post('/', { schema: { body: FluxEventSchema } }, async () => 'accepted')
const post = async (payload: object): Promise<string> => {
  const reply = await app.inject({ method: 'POST', url: '/', payload })
  return reply.statusCode === 200 ? reply.body : reply.json().message
}

t.test('every event that a Flux controller sends is accepted and understood', async (t) => {
  for (const name of fixtureNames) {
    t.equal(await post(fixture(name)), 'accepted', name)
    t.doesNotThrow(() => normalise(fixture(name), origin, receivedAt), name)
  }
})

const { metadata: _, ...withoutMetadata } = wire()
const { reason: __, ...withoutReason } = wire()
const tolerated: readonly (readonly [string, object])[] = [
  ['fields of a later Event API', { ...wire(), apiVersion: 'event.toolkit.fluxcd.io/v1', related: { kind: 'Alert' } }],
  ['fields of a later ObjectReference', { ...wire(), involvedObject: { ...wire().involvedObject, generation: 3 } }],
  ['no metadata', withoutMetadata],
  ['null metadata', wire({ metadata: null })],
  ['empty metadata', wire({ metadata: {} })],
  ['odd metadata keys', wire({ metadata: { 'aa/bb': 'x', 'a.b-c/d_e': '', '': 'x', constructor: 'x' } })],
  ['an empty reason', wire({ reason: '' })],
  ['no reason', withoutReason],
  ['an empty message', wire({ message: '' })],
  ['a message of 39,000 characters', wire({ message: 'x'.repeat(39_000) })],
  ['a null timestamp', wire({ timestamp: null })],
  ['a timestamp with nanoseconds and an offset', wire({ timestamp: '2026-03-04T07:06:07.123456789+02:00' })],
  ['severity trace', wire({ severity: 'trace' })],
  ['severity info', wire({ severity: 'info' })],
  ['severity warn', wire({ severity: 'warn' })],
  ['severity warning', wire({ severity: 'warning' })],
  ['severity error', wire({ severity: 'error' })],
  ['an empty severity', wire({ severity: '' })]
]

for (const [what, payload] of tolerated) {
  t.test(`an event is accepted with ${what}`, async (t) => t.equal(await post(payload), 'accepted'))
}

const refused: readonly (readonly [string, object, RegExp])[] = [
  ['a numeric timestamp, as before Flux 0.1', { ...wire(), timestamp: 1587195448.07 }, /body\/timestamp .*string,null/],
  ['a timestamp that is no time', wire({ timestamp: 'yesterday' }), /body\/timestamp .*date-time/],
  ['a timestamp without a time of day', wire({ timestamp: '2026-03-04' }), /body\/timestamp .*date-time/],
  ['an unknown severity', { ...wire(), severity: 'fatal' }, /body\/severity/],
  ['a severity in capitals', { ...wire(), severity: 'Error' }, /body\/severity/],
  ['no severity', { ...wire(), severity: undefined }, /severity/],
  ['no message', { ...wire(), message: undefined }, /message/],
  ['a message that is a number', { ...wire(), message: 3 }, /body\/message must be string/],
  ['a reason that is a number', { ...wire(), reason: 3 }, /body\/reason must be string/],
  ['no object', { ...wire(), involvedObject: undefined }, /involvedObject/],
  ['a null object', { ...wire(), involvedObject: null }, /body\/involvedObject must be object/],
  ['a name longer than Kubernetes allows', wire({ involvedObject: { name: 'x'.repeat(254) } }), /name .*253 char/],
  ['metadata that is a list', { ...wire(), metadata: ['a'] }, /body\/metadata must be object,null/],
  ['metadata with a number in it', { ...wire(), metadata: { port: 80 } }, /body\/metadata\/port must be string/],
  ['a list for a body', [wire()], /body must be object/]
]

for (const [what, payload, because] of refused) {
  t.test(`an event is refused, naming the field, with ${what}`, async (t) => t.match(await post(payload), because))
}

t.test('a failing Kustomization is read as it was sent', async (t) => {
  t.strictSame(seen({}, { source: 'prod', cluster: 'prod-eu' }), {
    source: 'prod',
    object: { cluster: 'prod-eu', kind: 'Kustomization', namespace: 'team-a', name: 'apps' },
    uid: '5f0c1c5e-3c0b-4c55-9f0e-6d0f6a1c7b21',
    severity: 'error',
    reason: 'BuildFailed',
    message: 'kustomize build failed: accumulating resources: no such file or directory',
    at: Date.parse('2026-03-04T05:06:07Z'),
    metadata: { revision: 'main@sha1:4f1d2c3b4a5968778695a4b3c2d1e0f102132435' },
    revision: {
      text: 'main@sha1:4f1d2c3b4a5968778695a4b3c2d1e0f102132435',
      pointer: 'main',
      sha: '4f1d2c3b4a5968778695a4b3c2d1e0f102132435',
      short: 'main@4f1d2c3'
    },
    controller: 'kustomize-controller',
    action: '',
    isHeartbeat: false
  })
})

t.test("Go's zero event becomes an event about nothing, at the time of its arrival", async (t) => {
  t.strictSame(normalise(fixture('zero'), origin, receivedAt), {
    source: 'default',
    object: { cluster: 'local', kind: '', namespace: '', name: '' },
    uid: '',
    severity: 'info',
    reason: '',
    message: '',
    at: receivedAt,
    metadata: {},
    revision: undefined,
    controller: '',
    action: '',
    isHeartbeat: false
  })
})

t.test('every word for a severity becomes info, warn or error', async (t) => {
  const words = { '': 'info', trace: 'info', info: 'info', warn: 'warn', warning: 'warn', error: 'error' } as const
  for (const word of Object.keys(words) as (keyof typeof words)[]) {
    t.equal(seen({ severity: word }).severity, words[word], `"${word}"`)
  }
})

t.test('an event without a usable time happened when it arrived', async (t) => {
  t.equal(seen({ timestamp: null }).at, receivedAt)
  t.equal(seen({ timestamp: '2016-12-31T23:59:60Z' }).at, receivedAt, 'a leap second')
  t.equal(seen({ timestamp: '2026-03-04T07:06:07.5+02:00' }).at, Date.parse('2026-03-04T05:06:07.500Z'))
})

const group = 'kustomize.toolkit.fluxcd.io'
const annotation = 'event.toolkit.fluxcd.io'
const prefixes: readonly (readonly [string, Record<string, string>, Record<string, string>])[] = [
  [
    'keys come without a prefix, as notification-controller sends them',
    { revision: '1', team: 'a' },
    { revision: '1', team: 'a' }
  ],
  ['keys of a controller that posts directly lose theirs', { [`${group}/revision`]: '1' }, { revision: '1' }],
  [
    'keys of another Flux controller lose theirs',
    { 'helm.toolkit.fluxcd.io/app-version': '2' },
    { 'app-version': '2' }
  ],
  ['annotations lose theirs', { [`${annotation}/team`]: 'a' }, { team: 'a' }],
  [
    "a tenant's annotation cannot replace what the controller says",
    { [`${group}/revision`]: 'real', [`${annotation}/revision`]: 'fake' },
    { revision: 'real' }
  ],
  [
    "a tenant's annotation cannot replace what the Alert says",
    { team: 'platform', [`${annotation}/team`]: 'fake' },
    { team: 'platform' }
  ],
  [
    'keys of other groups stay whole',
    { 'aa/bb': '1', 'example.com/team': 'a' },
    { 'aa/bb': '1', 'example.com/team': 'a' }
  ],
  [
    'tokens, digests and checksums of the controllers are dropped',
    { token: '1', digest: '2', checksum: '3', x: '4' },
    { x: '4' }
  ],
  [
    'tokens, digests and checksums are dropped under a prefix too',
    { [`${group}/token`]: '1', [`${group}/digest`]: '2', [`${group}/checksum`]: '3', [`${annotation}/token`]: '4' },
    {}
  ]
]

for (const [what, sent, expected] of prefixes) {
  t.test(`metadata: ${what}`, async (t) => t.strictSame(seen({ metadata: sent }).metadata, expected))
}

t.test('metadata: keys of a controller outside the Flux project lose its own group', async (t) => {
  const terraform = { kind: 'Terraform', apiVersion: 'infra.contrib.fluxcd.io/v1alpha2' }
  const metadata = { 'infra.contrib.fluxcd.io/revision': 'main@sha1:4f1d2c3b4a' }
  t.strictSame(seen({ involvedObject: terraform, metadata }).metadata, { revision: 'main@sha1:4f1d2c3b4a' })
})

t.test('an event posted by a controller reads as if it had come through notification-controller', async (t) => {
  const { metadata, revision } = normalise(fixture('helmrelease-direct'), origin, receivedAt)
  t.strictSame(metadata, { 'app-version': '2.8.2', revision: '3.14.1', team: 'ledger-crew' })
  t.equal(revision?.text, '3.14.1')
})

t.test('the git commit counts if the artifact comes from a registry', async (t) => {
  const [revision, originRevision, commit] = ['latest@sha256:aaaaaaaa', 'main@sha1:bbbbbbbb', 'main@sha1:cccccccc']
  t.equal(seen({ metadata: { revision } }).revision?.text, revision)
  t.equal(seen({ metadata: { revision, originRevision } }).revision?.text, originRevision)
  t.equal(seen({ metadata: { revision, originRevision, commit } }).revision?.text, commit)
  t.equal(seen({ metadata: { revision, originRevision: '', commit: '' } }).revision?.text, revision)
  t.equal(seen({ metadata: null }).revision, undefined)
})

t.test("a tenant's annotation cannot rename the cluster of a source that has one", async (t) => {
  t.equal(seen({ metadata: { cluster: 'fake' } }, { cluster: 'prod-eu' }).object.cluster, 'prod-eu')
  t.equal(seen({ metadata: { [`${annotation}/cluster`]: 'fake' } }, { cluster: 'prod-eu' }).object.cluster, 'prod-eu')
})

t.test('the cluster named by an Alert counts if the source has none, and otherwise the default', async (t) => {
  t.equal(seen({ metadata: { cluster: 'staging' } }).object.cluster, 'staging')
  t.equal(seen({ metadata: { cluster: '' } }).object.cluster, 'local')
  t.equal(seen({ metadata: null }).object.cluster, 'local')
  t.equal(seen({ metadata: { cluster: 'x'.repeat(1000) } }).object.cluster.length, 253)
})

t.test('only a finished reconciliation with commit_status: update is a heartbeat', async (t) => {
  const finished = { severity: 'info', reason: 'ReconciliationSucceeded' } as const
  const beat = { commit_status: 'update' }
  t.ok(normalise(fixture('kustomization-heartbeat'), origin, receivedAt).isHeartbeat)
  t.ok(seen({ ...finished, metadata: { [`${group}/commit_status`]: 'update' } }).isHeartbeat)
  t.notOk(seen({ ...finished, metadata: { commit_status: 'pending' } }).isHeartbeat)
  for (const reason of ['Progressing', 'HealthCheckCanceled', 'DependencyNotReady', 'BuildFailed', '']) {
    t.notOk(seen({ severity: 'info', reason, metadata: beat }).isHeartbeat, `annotated, ${reason}`)
  }
  t.notOk(seen({ ...finished, severity: 'error', metadata: beat }).isHeartbeat, 'no error is one')
  const kinds = ['GitRepository', 'HelmRelease', 'ResourceSet', 'FluxInstance', 'Terraform', 'ImagePolicy']
  for (const kind of kinds) t.notOk(seen({ ...finished, involvedObject: { kind }, metadata: beat }).isHeartbeat, kind)
  t.ok(seen({ ...finished, involvedObject: { kind: 'CueExport' }, metadata: beat }).isHeartbeat, 'made after its model')
  t.notOk(normalise(fixture('kustomization-progressing'), origin, receivedAt).isHeartbeat)
})

const laterNames = fixtureNames.filter((name) => name.startsWith('v1-'))

t.test('the additions of Event v1 are read as sent, through notification-controller or directly', async (t) => {
  const { action, related } = normalise(fixture('v1-helmrelease-upgrade-failed'), origin, receivedAt)
  const chart = { cluster: 'local', kind: 'HelmChart', namespace: 'flux-system', name: 'payments-ledger' }
  t.strictSame({ action, related }, { action: 'upgrade', related: chart })
  t.strictSame(normalise(fixture('v1-helmrelease-direct'), { ...origin, cluster: 'prod' }, receivedAt).related, {
    ...chart,
    cluster: 'prod'
  })
  t.notOk(
    'related' in normalise(fixture('v1-gitrepository-new-artifact'), origin, receivedAt),
    'an event of one object'
  )
  const controllers = new Set(laterNames.map((name) => fixture(name).reportingController))
  t.equal(controllers.size, 7, 'there is one of each controller of Flux')
})

t.test('both forms of an event lead to the same state and the same memory of a failure', async (t) => {
  for (const name of laterNames) {
    const { action, relatedObject, ...earlier } = fixture(name)
    t.ok(action, name)
    const [one, other] = [fixture(name), earlier as WireEvent].map((form) => normalise(form, origin, receivedAt))
    if (one === undefined || other === undefined) throw new Error(name)
    t.strictSame({ ...one, action: '', related: undefined }, { ...other, related: undefined }, name)
    const begun = advance(undefined, other, receivedAt)
    const again = advance(begun.memory, one, receivedAt)
    t.equal(begun.transition === 'failed' ? again.transition : 'repeated', 'repeated', `${name}: ${begun.transition}`)
  }
})

t.test('no action decides a state', async (t) => {
  const actions = [...vocabulary.action, 'install', 'uninstall', '', 'Recovered', 'x'.repeat(5000), 7, null, {}]
  for (const name of fixtureNames) {
    const plain = fixture(name)
    const { transition } = advance(undefined, normalise(plain, origin, receivedAt), receivedAt)
    for (const action of actions) {
      const event = normalise({ ...plain, action }, origin, receivedAt)
      t.equal(advance(undefined, event, receivedAt).transition, transition, `${name} ${String(action).slice(0, 20)}`)
      t.ok(event.action.length <= 253)
    }
  }
})

const noReferences = [null, 'HelmChart/a/b', 3, [], {}, { kind: 'HelmChart' }, { kind: '', name: 'a' }, { name: 'a' }]
const strangeReferences = [
  { kind: 'HelmChart', name: 'a/b' },
  { kind: 'HelmChart', namespace: 3, name: 'a' },
  { kind: 'HelmChart', name: 'x'.repeat(254) },
  { kind: 'HelmChart', name: 'half a character: \ud83d' }
]

t.test('no event is refused for its related object, and a malformed reference counts as none', async (t) => {
  for (const relatedObject of [...noReferences, ...strangeReferences]) {
    t.equal(await post({ ...wire(), relatedObject }), 'accepted', JSON.stringify(relatedObject))
    t.equal(seen({ relatedObject }).related, undefined)
  }
  t.equal(await post({ ...wire(), action: 7 }), 'accepted')
  const near = seen({ relatedObject: { kind: 'GitRepository', name: 'fleet' } })
  t.strictSame(near.related, { cluster: 'local', kind: 'GitRepository', namespace: 'team-a', name: 'fleet' })
})

t.test('a stored event is read with its action and its related object', async (t) => {
  const sent = fixture('v1-helmrelease-direct')
  const event = normalise(sent, origin, receivedAt)
  const stored = { body: keepable(JSON.stringify(sent), sent), source: 'default', object: event.object, receivedAt }
  const { action, related } = readStored(stored) ?? {}
  t.strictSame({ action, related }, { action: event.action, related: event.related })
})
