// Messages: say to people what happened, and Slack takes them, whatever the event.
import t, { type Test } from 'tap'
import { normalise, type WireEvent } from '../src/events/flux.ts'
import { advance, type ObjectMemory } from '../src/objects.ts'
import { composeOne } from '../src/render/compose/message.ts'
import { createView } from '../src/render/compose/view.ts'
import { compileLinks } from '../src/render/links/links.ts'
import { type Payload, textsOf, withoutBlocks } from '../src/render/slack/payload.ts'
import { toText } from '../src/render/slack/terminal.ts'
import { fc } from './fixtures/fc.ts'
import { faultsOf } from './fixtures/slack.ts'

const commit = 'https://git.example/commit/{{ revision.sha }}'
const compare = 'https://git.example/compare/{{ previous.sha }}...{{ revision.sha }}'
const dashboard = 'https://flux.example/{{ object.kind | downcase }}/{{ object.namespace }}/{{ object.name }}'
const { links } = compileLinks([{ commit, compare, dashboard }])
const mention = '<!subteam^S012AB3CD>'
const sha = '8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c'
const newSha = '731f7eaddfb6af01cb2173e18f0f75b0ba780ef1'

/** An event of the Kustomization flux-system/apps at 2026-09-21. */
function event(clock: string, severity: WireEvent['severity'], reason: string, message: string): WireEvent {
  return {
    involvedObject: { kind: 'Kustomization', namespace: 'flux-system', name: 'apps' },
    severity,
    timestamp: `2026-09-21T${clock}Z`,
    reason,
    message,
    metadata: { 'kustomize.toolkit.fluxcd.io/revision': `main@sha1:${sha}` },
    reportingController: 'kustomize-controller'
  }
}

type Saying = Partial<Parameters<typeof createView>[2]> & { links?: typeof links }

/** The message about the last of `events`, which are about one object. */
function messageOf(events: WireEvent[], { says, links = compileLinks([]).links, ...saying }: Saying = {}): Payload {
  const now = Date.UTC(2026, 8, 21, 15)
  let memory: ObjectMemory | undefined
  let message: Payload | undefined
  for (const wire of events) {
    const normal = normalise(wire, { source: 'default', cluster: undefined, defaultCluster: 'prod-eu' }, now)
    const advanced = advance(memory, normal, now)
    memory = advanced.memory
    const about = { mention: undefined, ...saying, says: says ?? advanced.transition }
    message = composeOne(createView(normal, advanced, about, links))
  }
  if (message === undefined) throw new Error('no events')
  return message
}

/** `expected` is the message and its line on the lock screen; ' stands for a backtick. */
function reads(t: Test, payload: Payload, expected: string) {
  const shown = `${toText(payload)}\n📱 ${payload.text}`.replaceAll('`', "'").replace(/ +$/gm, '')
  t.equal(shown, expected.trim())
  t.strictSame(faultsIn(payload), [], 'Slack takes it')
}

// What may stand in angle brackets: times, links to the two hosts above, and the mention.
const ours =
  /<!date\^-?\d+\^\{date_short_pretty\} \{time_secs\}\|[^<>]* UTC>|<https:\/\/(git|flux)\.example\/[^<>|\s]*\|[^<>]*>|<!subteam\^S012AB3CD>/g

/** Everything that would make Slack refuse the message, or take something in it for an order. */
function faultsIn(payload: Payload): string[] {
  const texts = [...textsOf(payload)].map(({ text }) => text)
  const json = JSON.stringify(payload)
  const foreign = [payload.text, ...texts].filter((text) => /[<>]/.test(text.replace(ours, '')))
  const plain = withoutBlocks(payload)
  const faults: [fault: string, isSo: boolean][] = [
    [`refused: ${faultsOf(payload)}`, faultsOf(payload) !== undefined],
    [`refused without blocks: ${faultsOf(plain)}`, faultsOf(plain) !== undefined],
    ['blocks in the form without blocks', 'blocks' in plain || 'attachments' in plain],
    ['without blocks a text is missing', !texts.every((text) => plain.text.includes(text))],
    [`not ours: ${foreign}`, foreign.length > 0],
    ['over 15 kB', Buffer.byteLength(json) > 15_000],
    ['lock screen over 300 characters', payload.text.length > 300],
    ['lock screen of several lines', /[\n\r\u2028\u2029]/.test(payload.text)],
    ['a text that is not verbatim', json.split('"verbatim":true').length !== json.split('"type":"mrkdwn"').length],
    ['a text that is not mrkdwn', json.split('"type":"mrkdwn"').length - 1 !== texts.length],
    ['unfurls', payload.unfurl_links !== false || payload.unfurl_media !== false]
  ]
  return faults.filter(([, isSo]) => isSo).map(([fault]) => fault)
}

t.test('a failed Kustomization: state, object and reason first, then where and when, then the error', async (t) => {
  const payload = messageOf([event('14:13:20', 'error', 'HealthCheckFailed', 'Deployment/apps/web: <nil>')], { links })
  const expected = `
🔴 Failed  Kustomization flux-system/apps  'HealthCheckFailed'
'prod-eu'   kustomize-controller   main@8bd5de2   2026-09-21 14:13:20 UTC
┃ Deployment/apps/web: <nil>
📱 FAILED Kustomization flux-system/apps (prod-eu): HealthCheckFailed - Deployment/apps/web: &lt;nil&gt;`
  reads(t, payload, expected)
  const object = '<https://flux.example/kustomization/flux-system/apps|Kustomization flux-system/apps>'
  const where = `\`prod-eu\`   kustomize-controller   <https://git.example/commit/${sha}|main@8bd5de2>`
  const time = '<!date^1790000000^{date_short_pretty} {time_secs}|2026-09-21 14:13:20 UTC>'
  t.strictSame(
    [...textsOf(payload)].map(({ text }) => text),
    [
      `:red_circle: *Failed*  *${object}*  \`HealthCheckFailed\``,
      `${where}   ${time}`,
      '```Deployment/apps/web: &lt;nil&gt;```'
    ],
    'as Slack gets it'
  )
  t.equal(payload.attachments?.[0]?.color, '#a30200', 'beside a red bar')
})

t.test('a failed HelmRelease: with the chart’s version and the Helm log', async (t) => {
  const message = `Helm upgrade failed: context deadline exceeded

Last Helm logs:

2026-09-21T14:08:20Z: beginning wait for 2 resources with timeout of 5m0s
2026-09-21T14:13:20Z: Deployment is not ready: apps/podinfo. 0 out of 1 expected pods are ready\n`
  const release: WireEvent = {
    ...event('14:13:20', 'error', 'UpgradeFailed', message),
    involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'podinfo' },
    metadata: { revision: '6.5.3' },
    reportingController: 'helm-controller'
  }
  const expected = `
🔴 Failed  HelmRelease apps/podinfo  'UpgradeFailed'
'prod-eu'   helm-controller   chart '6.5.3'   2026-09-21 14:13:20 UTC
┃ Helm upgrade failed: context deadline exceeded
┃
┃ Last Helm logs:
┃
┃ 2026-09-21T14:08:20Z: beginning wait for 2 resources with timeout of 5m0s
┃ 2026-09-21T14:13:20Z: Deployment is not ready: apps/podinfo. 0 out of 1 expected pods are ready
📱 FAILED HelmRelease apps/podinfo (prod-eu): UpgradeFailed - Helm upgrade failed: context deadline exceeded`
  reads(t, messageOf([release]), expected)
})

t.test('a warning: amber, and not called a failure', async (t) => {
  const payload = messageOf([
    event('14:13:20', 'warn', 'DependencyNotReady', 'Dependencies do not meet ready condition')
  ])
  const expected = `
⚠️ Warning  Kustomization flux-system/apps  'DependencyNotReady'
'prod-eu'   kustomize-controller   'main@8bd5de2'   2026-09-21 14:13:20 UTC
┃ Dependencies do not meet ready condition
📱 WARNING Kustomization flux-system/apps (prod-eu): DependencyNotReady - Dependencies do not meet ready condition`
  reads(t, payload, expected)
  t.equal(payload.attachments?.[0]?.color, '#daa038')
})

const noFile = 'kustomization.yaml: no such file or directory'
const failing = ['14:00:00', '14:05:00', '14:10:00'].map((clock) => event(clock, 'error', 'BuildFailed', noFile))

t.test('another failure: what it was and what it is', async (t) => {
  const other = event('14:11:00', 'error', 'HealthCheckFailed', 'timeout waiting for: [Deployment/apps/web]')
  const expected = `
🔴 New error  Kustomization flux-system/apps  ~BuildFailed~ → 'HealthCheckFailed'
'prod-eu'   kustomize-controller   'main@8bd5de2'   2026-09-21 14:11:00 UTC
┃ timeout waiting for: [Deployment/apps/web]
📱 NEW ERROR Kustomization flux-system/apps (prod-eu): HealthCheckFailed - timeout waiting for: [Deployment/apps/web]`
  reads(t, messageOf([...failing, other]), expected)
  const nameless = messageOf([
    event('14:00:00', 'error', 'error', 'one'),
    event('14:01:00', 'error', 'BuildFailed', 'two')
  ])
  t.notMatch(toText(nameless), '~', 'an old Flux gave no reason: none is struck out')
  const unnamed = messageOf([...failing, event('14:11:00', 'error', 'error', 'two')])
  t.notMatch(toText(unnamed), /→ *\n/, 'nor is there an arrow to nothing')
})

t.test('a reminder: for how long, how often, and when the next one comes', async (t) => {
  const expected = `
⏳ Still failing for 10 m  Kustomization flux-system/apps  'BuildFailed'
'prod-eu'   kustomize-controller   'main@8bd5de2'   2026-09-21 14:10:00 UTC
┃ kustomization.yaml: no such file or directory
┃ 3 times since 2026-09-21 14:00:00 UTC   next reminder in 8 h
📱 STILL FAILING Kustomization flux-system/apps (prod-eu) for 10 m, 3 times: BuildFailed - ${noFile}`
  reads(t, messageOf(failing, { nextReminderMs: 8 * 3_600_000 }), expected)
})

const finished = event('14:14:00', 'info', 'ReconciliationSucceeded', 'Reconciliation finished in 449ms')
const finishedNew = { ...finished, metadata: { revision: `main@sha1:${newSha}` } }

t.test('a recovery: from what, after how long, and by which commit', async (t) => {
  const payload = messageOf([...failing, finishedNew], { links })
  const expected = `
✅ ~Failed~ → Ready  Kustomization flux-system/apps
'prod-eu'   kustomize-controller   main@731f7ea   2026-09-21 14:14:00 UTC
┃ was 'BuildFailed' for 14 m   3 failures   fixed by main@731f7ea
📱 RECOVERED Kustomization flux-system/apps (prod-eu) after 14 m, 3 failures, by main@731f7ea`
  reads(t, payload, expected)
  t.match(JSON.stringify(payload), `fixed by <https://git.example/commit/${newSha}|main@731f7ea>`)
  t.notMatch(toText(messageOf([...failing, finished])), 'fixed by', 'no commit is praised where none was made')
  t.equal(payload.attachments?.[0]?.color, '#2eb886')
})

t.test('the end of a warning: that it is over, and no failure', async (t) => {
  const waits = event('14:00:00', 'info', 'DependencyNotReady', 'Dependencies do not meet ready condition')
  const expected = `
✅ No longer waits  Kustomization flux-system/apps
'prod-eu'   kustomize-controller   'main@8bd5de2'   2026-09-21 14:14:00 UTC
┃ was 'DependencyNotReady' for 14 m
📱 NO LONGER WAITS Kustomization flux-system/apps (prod-eu) after 14 m`
  reads(t, messageOf([waits, waits, finished]), expected)
})

t.test('the end of an object: that it is gone, and not that it is Ready', async (t) => {
  const release = (severity: 'info' | 'error', reason: string, message: string): WireEvent => ({
    ...event(severity === 'error' ? '14:00:00' : '14:14:00', severity, reason, message),
    involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'podinfo' },
    metadata: { revision: '6.5.3' },
    reportingController: 'helm-controller'
  })
  const expected = `
🗑️ Gone: uninstalled  HelmRelease apps/podinfo
'prod-eu'   helm-controller   chart '6.5.3'   2026-09-21 14:14:00 UTC
┃ was 'UpgradeFailed' for 14 m   1 failure
📱 GONE, UNINSTALLED HelmRelease apps/podinfo (prod-eu) after 14 m, 1 failure`
  const uninstalled = 'Helm uninstall succeeded for release apps/podinfo.v3 with chart podinfo@6.5.3'
  reads(
    t,
    messageOf([release('error', 'UpgradeFailed', 'boom'), release('info', 'UninstallSucceeded', uninstalled)]),
    expected
  )
})

t.test('a recovery from one failure after another says of none that it lasted all the while', async (t) => {
  const others = [
    event('14:00:00', 'error', 'HealthCheckFailed', 'late'),
    event('14:08:00', 'error', 'PruneFailed', 'no'),
    event('14:13:00', 'error', 'BuildFailed', noFile)
  ]
  const text = toText(messageOf([...others, finished])).replaceAll('`', "'")
  t.match(text, "was failing for 14 m (first 'HealthCheckFailed', last 'BuildFailed')   3 failures")
})

t.test('a recovery names no commit where nobody knows which one failed', async (t) => {
  const failedBefore = { ...event('14:00:00', 'error', 'BuildFailed', noFile), metadata: null }
  t.notMatch(toText(messageOf([failedBefore, finished])), 'fixed by')
})

t.test('a remark on a failing object is not called its failure', async (t) => {
  const skipped = event('14:12:00', 'error', 'NamespaceCheckSkipped', 'skipped the check')
  const again = messageOf([...failing, skipped, skipped])
  t.match(again.text, /^WARNING .*: NamespaceCheckSkipped - skipped the check$/)
  t.notMatch(toText(again), /Still failing|times since/)
})

t.test('an update: from which revision to which, and the two compared', async (t) => {
  const payload = messageOf([finished, { ...finishedNew, timestamp: '2026-09-21T14:24:00Z' }], { links })
  const expected = `
🟢 Updated  Kustomization flux-system/apps
'Reconciliation finished in 449ms'
'prod-eu'   kustomize-controller   main@8bd5de2 → main@731f7ea   2026-09-21 14:24:00 UTC
📱 UPDATED Kustomization flux-system/apps (prod-eu) to main@731f7ea: Reconciliation finished in 449ms`
  reads(t, payload, expected)
  const change = `<https://git.example/compare/${sha}...${newSha}|main@8bd5de2> → <https://git.example/commit/${newSha}|`
  t.match(JSON.stringify(payload), change)
})

t.test('news: a list of applied objects is counted, not listed', async (t) => {
  const message = 'Deployment/apps/web configured\nService/apps/web created\nJob/apps/a deleted\nJob/apps/b deleted'
  const expected = `
ℹ️ Info  Kustomization flux-system/apps  'Progressing'
'1 configured, 1 created, 2 deleted'
'prod-eu'   kustomize-controller   'main@8bd5de2'   2026-09-21 14:13:20 UTC
📱 INFO Kustomization flux-system/apps (prod-eu): Progressing - 1 configured, 1 created, 2 deleted`
  reads(t, messageOf([event('14:13:20', 'info', 'Progressing', message)]), expected)
})

t.test('a mention stands in the first line, where Slack notifies because of it', async (t) => {
  const payload = messageOf(failing.slice(0, 1), { mention })
  t.match(payload.blocks?.[0], { text: { text: /`BuildFailed` <!subteam\^S012AB3CD>$/ } })
  t.notMatch(payload.text, 'S012AB3CD', 'and not on the lock screen')
  t.strictSame(faultsIn(payload), [])
})

t.test('an event of nothing but Go’s zero values is sent, too', async (t) => {
  const expected = `
ℹ️ Info  unnamed object
'prod-eu'   2026-09-21 15:00:00 UTC
📱 INFO unnamed object (prod-eu)`
  reads(t, messageOf([{ involvedObject: {}, severity: '', timestamp: null, message: '', reason: '' }]), expected)
})

const hostile =
  '<!channel> <@U012> <https://evil|login> `x` ```y``` *b*! _i_ ~s~ \u001b[31mred\u001b[0m \u202egnp.exe &lt;'

t.test('a hostile event is shown as what it is: text', async (t) => {
  const { timestamp } = finished
  const involvedObject = { kind: hostile, namespace: hostile, name: hostile }
  const metadata = { revision: hostile, cluster: hostile, summary: hostile }
  const texts = { message: `${hostile}\n${hostile}`, reason: hostile, reportingController: hostile }
  const attack: WireEvent = { involvedObject, severity: 'error', timestamp, metadata, ...texts }
  const name = '<!channel> <@U012> <https://evil|login> ˋxˋ ˋˋˋyˋˋˋ ∗b∗! ＿i＿ ∼s∼ red gnp.exe &lt;'
  const code = `'<!channel> <@U012> <https://evil|login> ˋxˋ ˋˋˋyˋˋˋ *b*! _i_ ~s~ red gnp.exe &lt;'`
  const error = `<!channel> <@U012> <https://evil|login> 'x' ˋˋˋyˋˋˋ *b*! _i_ ~s~ red gnp.exe &lt;`
  const payload = messageOf([attack], { links })
  const expected = `
🔴 Failed  ${name} ${name}/${name}  ${code}
${code}   ${name}   ${code}   2026-09-21 14:14:00 UTC
┃ ${error}
┃ ${error}
📱 ${payload.text.replaceAll('`', "'")}`
  reads(t, payload, expected)
})

t.test('of a message of 39,000 characters both ends are shown, and how much is missing', async (t) => {
  const applied = Array.from({ length: 900 }, (_, n) => `Deployment/team-${n % 40}/service-${n} configured`)
  const message = ['apply failed: <nil>', ...applied, 'Service/apps/web is invalid: field is immutable'].join('\n')
  t.ok(message.length > 33_000)
  const payload = messageOf([event('14:13:20', 'error', 'ApplyFailed', message)])
  const lines = toText(payload).split('\n')
  t.equal(lines[2], '┃ apply failed: <nil>')
  t.match(lines.filter((line) => line.includes('…')).join('\n'), /^┃ … \(\+\d{5} characters\) …$/)
  t.equal(lines.at(-1), '┃ Service/apps/web is invalid: field is immutable')
  t.match(payload.text, /ApplyFailed - Service\/apps\/web is invalid: field is immutable$/, 'and the reason is found')
  t.strictSame(faultsIn(payload), [])
})

t.test('metadata that nothing asks for is not shown', async (t) => {
  const keys = Array.from({ length: 60 }, (_, n) => [`key-${n}-${'k'.repeat(200)}`, 'v'.repeat(n * 10)] as const)
  const crowded = { ...finished, metadata: { ...finished.metadata, ...Object.fromEntries(keys) } }
  t.strictSame(messageOf([crowded]), messageOf([finished]))
})

const pieces = [...hostile.split(' '), ' ', '\n', '\r', '\u0000', '\u2028', '\ud83d', '🔥', '"\\', '日本'.repeat(200)]
const piece = fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary' }))
const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''))

function eventsWith(revision: fc.Arbitrary<string>): fc.Arbitrary<WireEvent[]> {
  const wire = fc.record<WireEvent>({
    involvedObject: fc.record({ kind: text, namespace: text, name: text }),
    severity: fc.constantFrom('trace', 'info', 'warn', 'error', ''),
    timestamp: fc.constantFrom(null, '2026-09-21T14:13:20Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'),
    message: fc.tuple(text, fc.constantFrom(1, 40)).map(([part, times]) => part.repeat(times)),
    reason: fc.oneof(text, fc.constantFrom('error', 'BuildFailed', 'ReconciliationSucceeded', 'NamespaceCheckSkipped')),
    metadata: fc.oneof(fc.constant(null), fc.record({ revision, cluster: text })),
    reportingController: text
  })
  return fc.array(wire, { minLength: 1, maxLength: 3 })
}

function isTakenAlways(events: fc.Arbitrary<WireEvent[]>, saying: Saying) {
  const property = fc.property(events, (events) => {
    for (const says of ['failed', 'changed', 'repeated', 'recovered', 'updated', 'informed', 'heartbeat'] as const) {
      const faults = faultsIn(messageOf(events, { says, ...saying }))
      if (faults.length > 0) throw new Error(`${says}: ${faults.join('; ')}`)
    }
  })
  fc.assert(property, { numRuns: 300 })
}

t.test('whatever Flux sends, Slack takes the message and nothing in it is an order to Slack', async (t) => {
  t.doesNotThrow(() => isTakenAlways(eventsWith(fc.constant(hostile)), { mention, nextReminderMs: 60_000 }))
  t.doesNotThrow(() => isTakenAlways(eventsWith(text), { links }), 'with links and changes of revision')
  const before = { ...finished, metadata: { revision: 'v'.repeat(4000) } }
  t.strictSame(faultsIn(messageOf([before, finished])), [], 'a long previous revision')
  for (const character of '%<&é日🔥') {
    const name = character.repeat(253 / character.length)
    const involvedObject = { kind: name, namespace: name, name }
    const long = { ...finished, involvedObject, reason: name.repeat(4), reportingController: name }
    const revised = { ...long, metadata: { cluster: name, revision: name.repeat(9) } }
    t.strictSame(faultsIn(messageOf([finished, revised], { links, says: 'failed' })), [], `long names of ${character}`)
  }
})

t.test('an event that decides nothing is not called a failure that goes on', async (t) => {
  const late = messageOf([finished, event('14:00:00', 'error', 'BuildFailed', noFile)])
  const skipped = event('14:13:20', 'warn', 'NamespaceCheckSkipped', 'skipped the check')
  for (const [what, payload] of Object.entries({ late, harmless: messageOf([skipped, skipped]) })) {
    t.notMatch(payload.text, /STILL FAILING/, what)
  }
})
