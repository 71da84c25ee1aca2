// Messages: tell people what happened, and Slack accepts them, whatever the event.
import t, { type Test } from 'tap'
import { normalise, type WireEvent } from '../src/events/flux.ts'
import type { ObjectMemory } from '../src/objects/memory.ts'
import { advance } from '../src/objects.ts'
import { causeFirst } from '../src/render/compose/emphasis.ts'
import { composeOne } from '../src/render/compose/message.ts'
import { createView } from '../src/render/compose/view.ts'
import { compileLinks } from '../src/render/links/links.ts'
import { type Payload, textsOf, withoutBlocks } from '../src/render/slack/payload.ts'
import { toText } from '../src/render/slack/terminal.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'
import { faultsOf } from './fixtures/slack.ts'

const commit = 'https://git.example/commit/{{ revision.sha }}'
const compare = 'https://git.example/compare/{{ previous.sha }}...{{ revision.sha }}'
const dashboard = 'https://flux.example/{{ object.kind | downcase }}/{{ object.namespace }}/{{ object.name }}'
const { links } = compileLinks([{ commit, compare, dashboard }])
const mention = '<!subteam^S012AB3CD>'
const sha = '8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c'
const newSha = '731f7eaddfb6af01cb2173e18f0f75b0ba780ef1'

/** An event about the Kustomization flux-system/apps on 2026-09-21. */
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

type Shown = Parameters<typeof createView>[3]
type Saying = Partial<Parameters<typeof createView>[2]> & Partial<Shown>

/** The message about the last of `events`, which are about one object. */
function messageOf(
  events: WireEvent[],
  { says, links = compileLinks([]).links, show, subject, ...saying }: Saying = {},
  posting?: Parameters<typeof composeOne>[1]
): Payload {
  const now = Date.UTC(2026, 8, 21, 15)
  let memory: ObjectMemory | undefined
  let message: Payload | undefined
  for (const wire of events) {
    const normal = normalise(wire, { source: 'default', cluster: undefined, defaultCluster: 'prod-eu' }, now)
    const advanced = advance(memory, normal, now)
    memory = advanced.memory
    const about = { mention: undefined, ...saying, says: says ?? advanced.transition }
    message = composeOne(createView(normal, advanced, about, { links, ...(show && { show }), subject }), posting)
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

// What angle brackets may contain: times, links to the two hosts above, and the mention.
const ours =
  /<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[^<>]* UTC>|<https:\/\/(git|flux)\.example\/[^<>|\s]*\|[^<>]*>|<!subteam\^S012AB3CD>/g

/** Everything in a message that Slack would refuse or take for an order. */
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

t.test('a failed Kustomization: which object and where, then what is wrong, then the facts', async (t) => {
  const payload = messageOf([event('14:13:20', 'error', 'HealthCheckFailed', 'Deployment/apps/web: <nil>')], { links })
  const expected = `
🔴 flux-system/apps failed in 'prod-eu'
Deployment apps/web: <nil>
Kustomization   HealthCheckFailed   main@8bd5de2   2026-09-21 14:13 UTC
📱 🔴 flux-system/apps failed in prod-eu: Deployment apps/web: &lt;nil&gt;`
  reads(t, payload, expected)
  const object = '<https://flux.example/kustomization/flux-system/apps|flux-system/apps>'
  const commit = `<https://git.example/commit/${sha}|main@8bd5de2>`
  const time = '<!date^1790000000^{date_short_pretty} {time}|2026-09-21 14:13 UTC>'
  t.strictSame(
    [...textsOf(payload)].map(({ text }) => text),
    [
      `:red_circle: *${object}* failed in \`prod-eu\`\n*Deployment apps/web: &lt;nil&gt;*`,
      `Kustomization   HealthCheckFailed   ${commit}   ${time}`
    ],
    'as Slack gets it'
  )
  t.notOk(payload.attachments, 'nothing stands where nobody reads it')
})

const helmFailure = `Helm upgrade failed for release apps/podinfo with chart podinfo@6.5.3: context deadline exceeded

Last Helm logs:

2026-09-21T14:08:20Z: beginning wait for 2 resources with timeout of 5m0s
2026-09-21T14:13:20Z: Deployment is not ready: apps/podinfo. 0 out of 1 expected pods are ready\n`
const release = (clock: string, severity: 'info' | 'error', reason: string, message: string, version: string) => ({
  ...event(clock, severity, reason, message),
  involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: 'podinfo' },
  metadata: { revision: version } as Record<string, string>,
  reportingController: 'helm-controller'
})
const upgraded = (clock: string, version: string) =>
  release(
    clock,
    'info',
    'UpgradeSucceeded',
    `Helm upgrade succeeded for release with chart podinfo@${version}`,
    version
  )

t.test('a failed HelmRelease: the intended chart, the last good one, and only what the log adds', async (t) => {
  const failure = release('14:13:20', 'error', 'UpgradeFailed', helmFailure, '6.5.3')
  const expected = `
🔴 apps/podinfo failed in 'prod-eu'
upgrade to podinfo 6.5.3: context deadline exceeded; Deployment podinfo: 0 of 1 pods ready
HelmRelease   UpgradeFailed   last good 6.5.2   2026-09-21 14:13 UTC
┃ beginning wait for 2 resources with timeout of 5m0s
┃ Deployment is not ready: apps/podinfo. 0 out of 1 expected pods are ready
📱 🔴 apps/podinfo failed in prod-eu: upgrade to podinfo 6.5.3: context deadline exceeded; Deployment podinfo: 0 of 1 pods ready`
  const payload = messageOf([upgraded('13:00:00', '6.5.2'), failure])
  reads(t, payload, expected)
  t.equal(payload.attachments?.[0]?.color, '#a30200', 'beside a red bar')
  t.match(JSON.stringify(payload.blocks), 'upgrade to podinfo 6.5.3: *context deadline exceeded*; Deployment')
})

const unhealthy = (names: string[], status = 'InProgress') =>
  `health check failed after 5m0.01s: timeout waiting for: [${names.map((name) => `Deployment/apps/${name} status: '${status}'`).join(', ')}]`

t.test('a health check of many: how many, at which commit, and which', async (t) => {
  const names = Array.from({ length: 14 }, (_, n) => `web-${n}`)
  const failed = {
    ...event('14:13:20', 'error', 'HealthCheckFailed', unhealthy(names)),
    metadata: { revision: `main@sha1:${newSha}` }
  }
  const finished = event('14:00:00', 'info', 'ReconciliationSucceeded', 'Reconciliation finished in 449ms')
  const payload = messageOf([finished, failed], { links, subject: 'Update podinfo 6.5.0 -> 6.5.1' })
  reads(
    t,
    payload,
    `
🔴 flux-system/apps failed in 'prod-eu'
14 objects not ready after 5 m, at main@731f7ea Update podinfo 6.5.0 -> 6.5.1 (compare)
Deployment apps: web-0, web-1, web-2, web-3, web-4, web-5 and 8 more
Kustomization   HealthCheckFailed   2026-09-21 14:13 UTC
📱 ${payload.text}`
  )
  t.match(payload.text.slice(0, 90), 'flux-system/apps failed in prod-eu: 14 objects not ready')
})

t.test('a warning is not called a failure', async (t) => {
  const payload = messageOf([event('14:13:20', 'warn', 'DependencyNotReady', "dependency 'apps/redis' is not ready")])
  const expected = `
⚠️ flux-system/apps waits in 'prod-eu'
dependency 'apps/redis' is not ready
Kustomization   DependencyNotReady   main@8bd5de2   2026-09-21 14:13 UTC
📱 ⚠️ flux-system/apps waits in prod-eu: dependency 'apps/redis' is not ready`
  reads(t, payload, expected)
})

const noFile = 'kustomization.yaml: no such file or directory'
const failing = ['14:00:00', '14:05:00', '14:10:00'].map((clock) => event(clock, 'error', 'BuildFailed', noFile))

t.test('a rollback is mentioned once', async (t) => {
  const failure = release('14:00:00', 'error', 'UpgradeFailed', helmFailure, '6.5.3')
  const back = 'Helm rollback to previous release apps/podinfo.v3 with chart podinfo@6.5.2 succeeded'
  const payload = messageOf([failure, release('14:01:00', 'info', 'RollbackSucceeded', back, '6.5.3')])
  t.match(toText(payload), /^⚠️ apps\/podinfo was rolled back in `prod-eu`\n/)
  t.match(toText(payload), /in `prod-eu`\nrolled back to podinfo 6\.5\.2\n/, 'to which')
  const bare = messageOf([failure, release('14:01:00', 'info', 'RollbackSucceeded', 'rolled back', '6.5.3')])
  t.notMatch(toText(bare), /\nrolled back/)
  t.match(payload.text, /^⚠️ apps\/podinfo was rolled back in prod-eu/)
})

t.test('another failure: what it was and what it is', async (t) => {
  const other = event('14:11:00', 'error', 'HealthCheckFailed', unhealthy(['web']))
  const expected = `
🟠 flux-system/apps fails for another reason in 'prod-eu' (11 m)
Deployment apps/web not ready after 5 m
Kustomization   BuildFailed → HealthCheckFailed   main@8bd5de2   2026-09-21 14:11 UTC
📱 🟠 flux-system/apps fails for another reason in prod-eu (11 m): Deployment apps/web not ready after 5 m`
  reads(t, messageOf([...failing, other]), expected)
  const nameless = messageOf([
    event('14:00:00', 'error', 'error', 'one'),
    event('14:01:00', 'error', 'BuildFailed', 'two')
  ])
  t.notMatch(toText(nameless), '→', 'an old Flux gave no reason: there is no arrow from nothing')
  const unnamed = messageOf([...failing, event('14:11:00', 'error', 'error', 'two')])
  t.notMatch(toText(unnamed), '→', 'nor to nothing')
})

t.test('a reminder: one line and the facts, and never a log', async (t) => {
  const expected = `
⏳ flux-system/apps still fails in 'prod-eu', for 10 m
Kustomization   BuildFailed: ${noFile}   3 times   next reminder in 8 h
📱 ⏳ flux-system/apps still fails in prod-eu, for 10 m: ${noFile}`
  reads(t, messageOf(failing, { nextReminderMs: 8 * 3_600_000 }), expected)
  const logged = ['14:00:00', '14:20:00'].map((clock) => release(clock, 'error', 'UpgradeFailed', helmFailure, '6.5.3'))
  t.notMatch(toText(messageOf(logged)), /┃|beginning wait/)
})

const finished = event('14:14:00', 'info', 'ReconciliationSucceeded', 'Reconciliation finished in 449ms')
const finishedNew = { ...finished, metadata: { revision: `main@sha1:${newSha}` } }

t.test('a recovery: after how long, from what, and by which commit, in two lines', async (t) => {
  const payload = messageOf([...failing, finishedNew], { links })
  const expected = `
✅ flux-system/apps works again in 'prod-eu' after 14 m
Kustomization   was BuildFailed, 3 times   fixed by main@731f7ea   2026-09-21 14:14 UTC
📱 ✅ flux-system/apps works again in prod-eu after 14 m, with main@731f7ea`
  reads(t, payload, expected)
  t.match(JSON.stringify(payload), `fixed by <https://git.example/commit/${newSha}|main@731f7ea>`)
  t.notMatch(toText(messageOf([...failing, finished])), 'fixed by', 'no commit is praised where none was made')
})

t.test('the end of a warning: one line, what came with it, and no failure', async (t) => {
  const waits = event('14:00:00', 'info', 'DependencyNotReady', 'Dependencies do not meet ready condition')
  const expected = `
✅ flux-system/apps no longer waits in 'prod-eu' (14 m)
at main@8bd5de2
📱 ✅ flux-system/apps no longer waits in prod-eu (14 m), at main@8bd5de2`
  reads(t, messageOf([waits, waits, finished]), expected)
  const drifted = release(
    '14:00:00',
    'info',
    'DriftDetected',
    'Cluster state has drifted:\nDeployment/apps/web changed',
    '6'
  )
  const corrected = { ...drifted, reason: 'DriftCorrected', timestamp: '2026-09-21T14:00:36Z' }
  const drift = messageOf([drifted, corrected])
  t.equal(toText(drift), '✅ drift of apps/podinfo is corrected in `prod-eu` (36 s)')
})

t.test('the end of an object: it is gone, not working', async (t) => {
  const uninstalled = 'Helm uninstall succeeded for release apps/podinfo.v3 with chart podinfo@6.5.3'
  const expected = `
🗑️ apps/podinfo was uninstalled in 'prod-eu'
HelmRelease   was UpgradeFailed, once   2026-09-21 14:14 UTC
📱 🗑️ apps/podinfo was uninstalled in prod-eu`
  const events = [
    release('14:00:00', 'error', 'UpgradeFailed', 'boom', '6.5.3'),
    release('14:14:00', 'info', 'UninstallSucceeded', uninstalled, '6.5.3')
  ]
  reads(t, messageOf(events), expected)
})

t.test('a recovery from successive failures claims of none that it lasted all the time', async (t) => {
  const others = [
    event('14:00:00', 'error', 'HealthCheckFailed', 'late'),
    event('14:08:00', 'error', 'PruneFailed', 'no'),
    event('14:13:00', 'error', 'BuildFailed', noFile)
  ]
  t.match(
    toText(messageOf([...others, finished])),
    /after 14 m\nKustomization {3}was first HealthCheckFailed, last BuildFailed, 3 times/
  )
})

t.test('a recovery names no commit if nobody knows which one failed', async (t) => {
  const failedBefore = { ...event('14:00:00', 'error', 'BuildFailed', noFile), metadata: null }
  t.notMatch(toText(messageOf([failedBefore, finished])), 'fixed by')
})

t.test('a remark about a failing object is not called its failure', async (t) => {
  const skipped = event('14:12:00', 'error', 'NamespaceCheckSkipped', 'skipped the check')
  const again = messageOf([...failing, skipped, skipped])
  t.equal(again.text, '⚠️ flux-system/apps has a warning in prod-eu: skipped the check')
  t.notMatch(toText(again), /still fails|times/)
})

t.test('an update: where it is now, what that commit is, and a comparison, in two lines', async (t) => {
  const events = [finished, { ...finishedNew, timestamp: '2026-09-21T14:24:00Z' }]
  const payload = messageOf(events, { links, subject: 'shop: new *checkout* (#412)' })
  const expected = `
🟢 flux-system/apps is at main@731f7ea shop: new ∗checkout∗ (#412) in 'prod-eu'
Kustomization   was main@8bd5de2 (compare)   2026-09-21 14:24 UTC
📱 🟢 flux-system/apps is at main@731f7ea "shop: new *checkout* (#412)" in prod-eu`
  reads(t, payload, expected)
  t.match(JSON.stringify(payload), `was main@8bd5de2 (<https://git.example/compare/${sha}...${newSha}|compare>)`)
})

t.test('news: what was done to which objects, in one line', async (t) => {
  const message = 'Deployment/apps/web configured\nService/apps/web created\nJob/apps/a deleted\nJob/apps/b deleted'
  const payload = messageOf([event('14:13:20', 'info', 'Progressing', message)])
  t.match(
    toText(payload),
    /^ℹ️ flux-system\/apps in `prod-eu`: .*2 deleted: Job apps\/a, apps\/b.*\nKustomization {3}Progressing {3}main@8bd5de2 /
  )
  const pushed = `pushed commit '5d7a0e3' to branch 'main'\n\nObjects:\n- Deployment/web\n  Changes:\n  - ghcr.io/acme/web:2.4.0 -> ghcr.io/acme/web:2.4.1`
  const update = messageOf([
    {
      ...event('14:13:20', 'info', 'Succeeded', pushed),
      involvedObject: { kind: 'ImageUpdateAutomation', namespace: 'flux-system', name: 'apps' },
      metadata: null
    }
  ])
  t.match(update.text, /^🟢 flux-system\/apps in prod-eu: web 2\.4\.0 → 2\.4\.1/)
})

t.test("the Alert's summary, the owner and the pages are among the facts", async (t) => {
  const { links } = compileLinks([
    {
      match: { namespace: 'flux-*' },
      pages: { Grafana: 'https://git.example/{{ object.name }}', Empty: 'https://git.example/{{ metadata.none }}' }
    },
    { pages: { Grafana: 'https://git.example/other', Runbook: 'https://git.example/runbook' } }
  ])
  const metadata = {
    summary: 'Shop of *production*',
    team: 'payments',
    runbook: 'https://flux.example/rb',
    env: '',
    other: 'x',
    bad: 'javascript:alert(1)'
  }
  const owned = { ...event('14:13:20', 'error', 'BuildFailed', noFile), metadata }
  const payload = messageOf([owned], { links, show: ['team', 'runbook', 'env', 'none', 'bad'] })
  t.match(
    toText(payload).split('\n').at(-1),
    /UTC {3}Shop of ∗production∗ {3}team payments {3}runbook {3}bad javascript:alert\(1\) {3}Grafana {3}Runbook$/
  )
  const json = JSON.stringify(payload)
  for (const said of [
    'team *payments*',
    '<https://flux.example/rb|runbook>',
    '<https://git.example/apps|Grafana>',
    '<https://git.example/runbook|Runbook>'
  ])
    t.match(json, said)
  t.strictSame(faultsIn(payload), [])
})

t.test('where people can reach the relay, every message links to its page', async (t) => {
  const publicUrl = 'https://flux.example'
  const lastOf = (payload: Payload) =>
    [...textsOf(payload)].map(({ text }) => text).findLast((text) => text.includes('why'))
  const waits = event('14:00:00', 'info', 'DependencyNotReady', 'x')
  t.match(
    lastOf(messageOf(failing.slice(0, 1), {}, { publicUrl, event: '123' })),
    / {3}<https:\/\/flux\.example\/events\/123\|why &amp; silence>$/
  )
  for (const events of [
    [...failing, finished],
    [waits, finished],
    [finished, finishedNew]
  ]) {
    t.match(lastOf(messageOf(events, {}, { publicUrl, event: '123' })), '<https://flux.example/events/123|why>')
  }
  t.notOk(lastOf(messageOf(failing.slice(0, 1), {}, { publicUrl, event: 'notice 7' })), 'not to one that is not there')
})

t.test('a lock screen says which object, where and why in its first ninety characters', async (t) => {
  const messages = [
    helmFailure,
    `Helm upgrade failed for release apps/podinfo with chart podinfo@6.5.3: cannot patch "web" with kind Ingress: admission webhook "validate.nginx.ingress.kubernetes.io" denied the request: host "x.example" and path "/" is already defined in ingress shop/old`,
    unhealthy(Array.from({ length: 40 }, (_, n) => `service-of-a-long-name-${n}`))
  ]
  const causes = ['context deadline exceeded', 'host "x.example" and path', '40 objects not ready']
  for (const [index, message] of messages.entries()) {
    const payload = messageOf([release('14:13:20', 'error', 'UpgradeFailed', message, '6.5.3')])
    const seen = payload.text.slice(0, 90)
    for (const said of ['apps/podinfo', 'prod-eu', causes[index] ?? '']) t.match(seen, said, payload.text)
  }
})

t.test(
  'the decisive words of a long cause are bold and first on a lock screen, never values or brackets',
  async (t) => {
    const quota =
      'Pod/shop/debug dry-run failed (Forbidden): pods "debug" is forbidden: exceeded quota: compute, requested: limits.memory=4Gi, used: limits.memory=14Gi, limited: limits.memory=16Gi'
    const grant =
      'ClusterRole/web dry-run failed (Forbidden): clusterroles.rbac.authorization.k8s.io "web" is forbidden: user "system:serviceaccount:shop:flux" (groups=["system:serviceaccounts"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    const certificate =
      'failed to fetch index: Get "https://charts.acme.dev/index.yaml": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-09-20T10:00:00Z is after 2026-09-19T23:59:59Z'
    const gateway =
      'VirtualService/shop/web dry-run failed (Forbidden): admission webhook "validation.istio.io" denied the request: configuration is invalid: 2 errors occurred:\n\t* gateway name "istio-system/gw" is not valid\n\t* domain name "*.acme..dev" invalid\n\n'
    const removed =
      'Helm upgrade failed for release shop/web with chart web@1.2.3: current release manifest contains removed kubernetes api(s) for this kubernetes version and it is therefore unable to build the kubernetes objects for performing the diff. error from kubernetes: unable to recognize "": no matches for kind "PodDisruptionBudget" in version "policy/v1beta1"'
    const pods =
      'Pod/shop/web dry-run failed (Forbidden): pods "web" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"])'
    const cases: [message: string, bold: string][] = [
      [
        quota,
        'exceeded quota: compute, requested: limits.memory=4Gi, used: limits.memory=14Gi, limited: limits.memory=16Gi'
      ],
      [quota.replace('limited: limits', 'limited: limits.cpu=16,limits'), 'exceeded quota: compute'],
      [grant, 'shop/flux is attempting to grant RBAC permissions not currently held'],
      [certificate, 'x509: certificate has expired'],
      [gateway, 'VirtualService shop/web: gateway name "istio-system/gw" is not valid'],
      [removed, 'no matches for kind "PodDisruptionBudget" in version "policy/v1beta1"'],
      [pods, 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false']
    ]
    for (const [message, bold] of cases) {
      const payload = messageOf([event('14:13:20', 'error', 'ReconciliationFailed', message)])
      const [section = ''] = [...textsOf(payload)].map(({ text }) => text)
      const [, found = ''] = /\n[^*]*\*([^*]*)\*/.exec(section) ?? []
      t.ok(found.startsWith(bold), `${bold} is bold: ${found}`)
      t.match(found, /^[^()]*(?:\([^()]*\)[^()]*)*$/, 'with whole brackets')
      const cause = payload.text.slice('🔴 flux-system/apps failed in prod-eu: '.length)
      t.ok(cause.slice(0, 120).includes(bold.slice(0, 60)), payload.text)
      t.notMatch(cause.replace(/\([^()]*\)/g, ''), /\)/, `no bracket is left over: ${cause}`)
    }
  }
)

t.test('words that are moved behind the cause do not interrupt its sentence', async (t) => {
  const gist =
    'decryption of db-creds: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access'
  t.equal(causeFirst(gist, 40), `${gist.slice(24)} (decryption of db-creds)`)
})

t.test('the decisive words come first without losing a word of the cause', async (t) => {
  const part = fc.constantFrom(
    'a',
    'failed',
    ': ',
    '; ',
    ', ',
    ' (',
    ')',
    '…',
    '"',
    'Deployment web',
    '. No',
    'x'.repeat(130),
    'denied by y'
  )
  const wordsIn = (text: string) =>
    text
      .split(/[\s:,;.()…]+/)
      .filter(Boolean)
      .sort()
  const property = fc.property(fc.array(part, { maxLength: 30 }), fc.integer({ min: -50, max: 90 }), (parts, seen) => {
    const gist = parts.join('').slice(0, 200)
    t.same(wordsIn(causeFirst(gist, seen)), wordsIn(gist))
  })
  fc.assert(property, { numRuns: 500 })
})

t.test('a mention is in the first line, where Slack notifies because of it', async (t) => {
  const payload = messageOf(failing.slice(0, 1), { mention })
  t.match(payload.blocks?.[0], { text: { text: /in `prod-eu` {2}<!subteam\^S012AB3CD>\n/ } })
  t.notMatch(payload.text, 'S012AB3CD', 'and not on the lock screen')
  t.strictSame(faultsIn(payload), [])
})

t.test("an event with nothing but Go's zero values is sent too", async (t) => {
  const expected = `
ℹ️ unnamed object in 'prod-eu'
2026-09-21 15:00 UTC
📱 ℹ️ unnamed object in prod-eu`
  reads(t, messageOf([{ involvedObject: {}, severity: '', timestamp: null, message: '', reason: '' }]), expected)
})

const hostile =
  '<!channel> <@U012> <https://evil|login> `x` ```y``` *b*! _i_ ~s~ \u001b[31mred\u001b[0m \u202egnp.exe &lt;'

t.test('a hostile event is shown as what it is: text', async (t) => {
  const { timestamp } = finished
  const involvedObject = { kind: hostile, namespace: hostile, name: hostile }
  const metadata = { revision: hostile, cluster: hostile, summary: hostile, other: hostile }
  const texts = { message: `${hostile}\n${hostile}`, reason: hostile, reportingController: hostile }
  const attack: WireEvent = { involvedObject, severity: 'error', timestamp, metadata, ...texts }
  const name = '<!channel> <@U012> <https://evil|login> ˋxˋ ˋˋˋyˋˋˋ ∗b∗! ＿i＿ ∼s∼ red gnp.exe &lt;'
  const code = `'<!channel> <@U012> <https://evil|login> ˋxˋ ˋˋˋyˋˋˋ *b*! _i_ ~s~ red gnp.exe &lt;'`
  const payload = messageOf([attack], { links, show: ['other'] })
  const [title, gist, facts] = toText(payload).replaceAll('`', "'").split('\n')
  t.equal(title, `🔴 ${name}/${name} failed in ${code}`)
  t.match(gist, '<!channel> <@U012> <https://evil|login> ˋxˋ ˋˋˋyˋˋˋ ∗b∗! ＿i＿ ∼s∼ red gnp.exe')
  t.notMatch(gist, /:(?!\u2060)[a-z_]+:/, 'nor is an emoji')
  t.match(facts, /^<!channel> .* {3}other <!channel> <@U012>/)
  t.strictSame(faultsIn(payload), [])
})

t.test('in a message of 39,000 characters the error is found, and shown alone', async (t) => {
  const applied = Array.from({ length: 900 }, (_, n) => `Deployment/team-${n % 40}/service-${n} configured`)
  const message = [...applied, 'Service/apps/web is invalid: field is immutable'].join('\n')
  t.ok(message.length > 33_000)
  const payload = messageOf([event('14:13:20', 'error', 'ApplyFailed', message)])
  t.ok(toText(payload).split('\n').length <= 9)
  t.match(payload.text, /Service apps\/web:? .*immutable|immutable/, 'and the reason is found')
  t.strictSame(faultsIn(payload), [])
})

t.test('metadata that nothing asks for is not shown', async (t) => {
  const keys = Array.from({ length: 60 }, (_, n) => [`key-${n}-${'k'.repeat(200)}`, 'v'.repeat(n * 10)] as const)
  const crowded = { ...finished, metadata: { ...finished.metadata, ...Object.fromEntries(keys) } }
  t.strictSame(messageOf([crowded]), messageOf([finished]))
})

const pieces = [...hostile.split(' '), ' ', '\n', '\r', '\u0000', '\u2028', '\ud83d', '🔥', '"\\', '日本'.repeat(200)]
const piece = fc.oneof(fc.constantFrom(...pieces), anyCharacters())
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

t.test('whatever Flux sends, Slack accepts the message and takes nothing in it for an order', async (t) => {
  t.doesNotThrow(() =>
    isTakenAlways(eventsWith(fc.constant(hostile)), {
      mention,
      nextReminderMs: 60_000,
      show: ['revision', 'cluster', 'no'],
      subject: `${hostile} :fire:`
    })
  )
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

t.test('an event that decides nothing is not called a continuing failure', async (t) => {
  const late = messageOf([finished, event('14:00:00', 'error', 'BuildFailed', noFile)])
  const skipped = event('14:13:20', 'warn', 'NamespaceCheckSkipped', 'skipped the check')
  for (const [what, payload] of Object.entries({ late, harmless: messageOf([skipped, skipped]) })) {
    t.notMatch(payload.text, /STILL FAILING/, what)
  }
})
