// Bearing: decides, by what each controller emits, what fails an object, what ends which failure, and what is only news.
import t from 'tap'
import { isConflict } from '../src/events/conflict.ts'
import type { WireEvent } from '../src/events/flux.ts'
import type { Transition } from '../src/objects.ts'
import { startReplay } from './fixtures/replay.ts'

const start = Date.parse('2026-09-21T00:00:00Z')
const all = `
destinations: { team: { preview: true } }
rules: [{ name: all, match: { severity: info }, notify: every, send: team }]`

interface Short {
  kind?: string
  severity?: 'info' | 'error'
  reason: string
  message?: string
  /** Seconds since the start. */
  at?: number
  metadata?: Record<string, string>
}

function wire({
  kind = 'Kustomization',
  severity = 'info',
  reason,
  message = 'x',
  at = 0,
  metadata
}: Short): WireEvent {
  return {
    involvedObject: { kind, namespace: 'apps', name: 'shop' },
    severity,
    timestamp: new Date(start + at * 1000).toISOString(),
    message,
    reason,
    metadata: { revision: `main@sha1:${'4'.repeat(40)}`, ...metadata }
  }
}

/** Transitions and texts of `events`, a minute apart, for a destination that is notified of everything. */
function story(events: Short[]) {
  const replay = startReplay(all)
  let now = 0
  for (const [n, event] of events.entries()) {
    const { at = n * 60 } = event
    now = Math.max(now, at)
    replay.receive(wire({ ...event, at }), (now - at) * 1000)
  }
  const [memory] = [...replay.memory.values()]
  return { said: replay.said, says: replay.said.map(({ says }) => says), memory }
}

const conflict =
  'Operation cannot be fulfilled on helmreleases.helm.toolkit.fluxcd.io "shop": the object has been modified; please apply your changes to the latest version and try again'

/** Kind, reason of a failure, a later event, and whether that event ends the failure. */
const ends: [kind: string, failed: string, event: Short, isEnd: boolean][] = [
  ['Kustomization', 'HealthCheckFailed', { reason: 'Progressing', message: 'Health check passed in 5.02s' }, true],
  ['Kustomization', 'BuildFailed', { reason: 'Progressing', message: 'Health check passed in 5.02s' }, false],
  ['Kustomization', 'HealthCheckFailed', { reason: 'Progressing', message: 'Deployment/apps/shop configured' }, false],
  [
    'Kustomization',
    'HealthCheckFailed',
    { reason: 'Progressing', message: 'x Health check passed', metadata: { commit_status: 'update' } },
    false
  ],
  ['ResourceSet', 'ReconciliationFailed', { reason: 'ApplySucceeded', message: 'HelmRelease/apps/a created' }, false],
  ['ResourceSet', 'ReconciliationFailed', { reason: 'ReconciliationSucceeded' }, true],
  ['ResourceSetInputProvider', 'ReconciliationFailed', { reason: 'SkippedDueToSchedule' }, false],
  ['FluxInstance', 'ReconciliationFailed', { reason: 'ReconciliationSucceeded', message: 'Flux v2.9.4 updated' }, true],
  ['HelmRelease', 'UpgradeFailed', { reason: 'TestSucceeded' }, true],
  ['HelmRelease', 'UpgradeFailed', { reason: 'RollbackSucceeded' }, false],
  ['OCIRepository', 'OCIArtifactPullFailed', { reason: 'VerificationSucceeded' }, false],
  ['GitRepository', 'GitOperationFailed', { reason: 'GarbageCollectionSucceeded' }, false],
  ['Terraform', 'TFExecPlanFailed', { reason: 'TerraformPlannedWithChanges' }, true],
  ['Terraform', 'TFExecApplyFailed', { reason: 'TerraformPlannedWithChanges' }, false],
  ['Terraform', 'TFExecApplyFailed', { reason: 'TerraformPlanSucceed' }, false],
  ['Terraform', 'TFExecApplyFailed', { reason: 'TerraformAppliedSucceed' }, true],
  ['Terraform', 'HealthChecksFailed', { reason: 'TerraformAppliedSucceed' }, false],
  ['Terraform', 'OutputsWritingFailed', { reason: 'TerraformAppliedSucceed' }, false],
  ['Terraform', 'OutputsWritingFailed', { reason: 'TerraformOutputsWritten' }, true],
  [
    'Terraform',
    'OutputsWritingFailed',
    { reason: 'OutputsWritingFailed', message: 'Outputs written.\n2 output(s): vpc_id, subnets' },
    true
  ],
  ['Terraform', 'TFExecApplyFailed', { reason: 'OutputsWritingFailed', message: 'Outputs written.' }, false],
  [
    'Terraform',
    'TFExecDestroyFailed',
    { reason: 'TerraformDestroySucceed', message: 'Destroy applied successfully' },
    true
  ],
  ['Terraform', 'DriftDetected', { reason: 'NoDrift' }, true],
  ['ArtifactGenerator', 'BuildFailed', { reason: 'Ready' }, true],
  ['Gadget', 'SyncFailed', { reason: 'SyncSucceeded' }, true],
  ['Gadget', 'SyncFailed', { reason: 'ApplySucceeded' }, false],
  ['Gadget', 'SyncFailed', { reason: 'ReconciliationSucceeded' }, true],
  ['Gadget', 'SyncFailed', { reason: 'Ready' }, true],
  ['Gadget', 'SyncFailed', { reason: 'DependencyReady' }, false],
  ['Gadget', 'DependencyNotReady', { reason: 'DependencyReady' }, true]
]

t.test('a failure ends with the event that says so, and not with any step before it', async (t) => {
  for (const [kind, failed, event, isEnd] of ends) {
    const { says, memory } = story([
      { kind, severity: 'error', reason: failed },
      { kind, ...event }
    ])
    t.equal(says[1] === 'recovered', isEnd, `${kind}: ${event.reason} after ${failed}`)
    t.equal(memory?.failure === undefined, isEnd)
  }
})

t.test('a kind is only a name, even "__proto__"', async (t) => {
  for (const kind of ['constructor', '__proto__', 'toString', '']) {
    const { says } = story([
      { kind, severity: 'error', reason: 'Broken' },
      { kind, reason: 'Ready' }
    ])
    t.same(says, ['failed', 'recovered'], kind)
  }
})

t.test('no metadata key that a tenant can set turns an event into a heartbeat', async (t) => {
  const metadata = { commit_status: 'update' }
  for (const reason of ['Progressing', 'BuildFailed', 'HealthCheckCanceled', 'anything', '']) {
    const { says } = story([
      { severity: 'error', reason: 'BuildFailed' },
      { reason, metadata }
    ])
    t.same(says, ['failed', 'informed'], reason)
  }
})

t.test('of two events within a second, the later arrival counts, whichever it is', async (t) => {
  for (const [kind, good] of [
    ['Kustomization', 'ReconciliationSucceeded'],
    ['HelmRelease', 'UpgradeSucceeded'],
    ['GitRepository', 'Succeeded'],
    ['ImageRepository', 'Succeeded'],
    ['ArtifactGenerator', 'Ready']
  ] as const) {
    const failed: Short = { kind, severity: 'error', reason: 'Broken', at: 5 }
    const works: Short = { kind, reason: good, at: 5 }
    t.equal(story([failed, works]).memory?.failure, undefined, `${kind} works`)
    t.equal(story([works, failed]).memory?.failure?.reason, 'Broken', `${kind} fails`)
    t.equal(story([{ ...failed, at: 6 }, works]).memory?.failure?.reason, 'Broken', 'an older success ends nothing')
  }
})

t.test('the same failure at five commits is one failure, with the newest revision', async (t) => {
  const shas = ['a', 'b', 'c', 'd', 'e'].map((letter) => `main@sha1:${letter.repeat(40)}`)
  const { says, memory } = story(
    shas.map((revision) => ({
      severity: 'error',
      reason: 'BuildFailed',
      message: `cannot build revision ${revision}: no such file`,
      metadata: { revision }
    }))
  )
  t.same(says, ['failed', 'repeated', 'repeated', 'repeated', 'repeated'])
  t.match(memory?.failure, { revision: shas[4], text: `cannot build revision ${shas[4]}: no such file`, count: 5 })
})

const remarks: [kind: string, reason: string, message: string][] = [
  ['HelmRelease', 'error', `reconciliation failed: ${conflict}`],
  ['HelmRelease', 'UpgradeFailed', conflict],
  ['HelmRelease', 'ReconciliationFailed', conflict.replace(/ on \S+/, ' on deployments.apps')],
  ['Kustomization', 'ReconciliationFailed', conflict.replace('helmreleases.helm', 'kustomizations.kustomize')],
  [
    'Kustomization',
    'ReconciliationFailed',
    `Deployment/apps/shop configured\n${conflict.replace(/ on \S+/, ' on deployments.apps')}`
  ],
  ['ResourceSet', 'ReconciliationFailed', conflict.replace(/ on \S+/, ' on resourcesets.fluxcd.controlplane.io')],
  ['GitRepository', 'error', 'the object has been modified; please apply your changes to the latest version'],
  [
    'Kustomization',
    'ReconciliationFailed',
    'Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: /registry/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: 1, UID in object meta: '
  ]
]

t.test('a write conflict neither fails a healthy object nor changes a failure', async (t) => {
  for (const [kind, reason, message] of remarks) {
    const good: Short = { kind, reason: kind === 'HelmRelease' ? 'UpgradeSucceeded' : 'ReconciliationSucceeded' }
    const { says, memory } = story([good, { kind, severity: 'error', reason, message }])
    t.equal(memory?.failure, undefined, message)
    t.equal(says.at(-1), 'informed')
    const failing = story([
      { kind, severity: 'error', reason: 'BuildFailed', message: 'boom' },
      { kind, severity: 'error', reason, message }
    ])
    t.match(failing.memory?.failure, { reason: 'BuildFailed', text: 'boom', count: 1 })
    t.notMatch(failing.said.at(-1)?.text, /FAIL/)
  }
})

t.test('an error is not a conflict because a conflict stands beside it, nor because of its name', async (t) => {
  const errors = [
    `[timed out waiting for the condition, ${conflict}]`,
    `upgrade failed: timed out; ${conflict}`,
    `2 errors occurred:\n\t* timed out\n\t* ${conflict}`,
    'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    'Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: /registry/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: 1, UID in object meta: ; Deployment/apps/shop invalid: spec.replicas',
    'the object has been modified by hand'
  ]
  for (const message of errors) {
    t.notOk(isConflict(message), message)
    t.match(story([{ severity: 'error', reason: 'ReconciliationFailed', message }]).memory?.failure, {
      severity: 'error'
    })
  }
  const upgrade = `Helm upgrade failed for release apps/shop.v3 with chart shop@1.0.0: ${conflict.replace(/ on \S+/, ' on deployments.apps')}`
  const { memory } = story([{ kind: 'HelmRelease', severity: 'error', reason: 'UpgradeFailed', message: upgrade }])
  t.match(memory?.failure, { severity: 'warn' }, 'the release is not what was asked for')
})

t.test('an object removed while it fails is gone: never Ready, and no longer failing', async (t) => {
  const uninstall = 'Helm uninstall succeeded for release apps/shop.v3 with chart shop@6.7.1'
  const removals: [Short, Short, RegExp][] = [
    [
      { kind: 'HelmRelease', severity: 'error', reason: 'UpgradeFailed' },
      { kind: 'HelmRelease', reason: 'UninstallSucceeded', message: uninstall },
      /^🗑️ apps\/shop was uninstalled in prod$/
    ],
    [
      { severity: 'error', reason: 'HealthCheckFailed' },
      { reason: 'HealthCheckFailed', message: 'Deployment/apps/shop deleted\nService/apps/shop deleted\n' },
      /^🗑️ apps\/shop was deleted in prod$/
    ],
    [
      { reason: 'DependencyNotReady', message: 'Dependencies do not meet ready condition' },
      { reason: 'DependencyNotReady', message: 'Deployment/apps/shop deleted' },
      /^🗑️ apps\/shop was deleted in prod$/
    ],
    // The name is its owners' choice; and what a failed upgrade leaves installed is another chart, so nothing was fixed.
    [
      { kind: 'HelmRelease', severity: 'error', reason: 'UpgradeFailed', metadata: { revision: '1.2.0' } },
      {
        kind: 'HelmRelease',
        reason: 'UninstallSucceeded',
        message: 'Helm uninstall succeeded for release auto-remediation/shop.v3 with chart remediation@1.1.0',
        metadata: { revision: '1.1.0' }
      },
      /^🗑️ apps\/shop was uninstalled in prod$/
    ]
  ]
  for (const [failed, removed, text] of removals) {
    const { said, memory } = story([failed, removed])
    t.match(said[1]?.text, text)
    t.notMatch(said[1]?.text, /works again/)
    t.match(memory, { failure: undefined, revision: '' })
  }
  const remediation = 'Helm uninstall remediation for release apps/shop.v1 with chart shop@6.7.1 succeeded'
  const kept = story([
    { kind: 'HelmRelease', severity: 'error', reason: 'InstallFailed' },
    { kind: 'HelmRelease', reason: 'UninstallSucceeded', message: remediation }
  ])
  t.match(kept.memory?.failure, { reason: 'InstallFailed' }, 'a remediation ends nothing')
  const late = story([
    { kind: 'HelmRelease', reason: 'UpgradeSucceeded', at: 0 },
    { kind: 'HelmRelease', reason: 'UninstallSucceeded', message: uninstall, at: 70 },
    { kind: 'HelmRelease', severity: 'error', reason: 'UpgradeFailed', at: 65 }
  ])
  t.match(
    late.said.at(-1)?.text,
    'failed at 00:01:05, which was over by 00:01:10 UTC',
    'nor does it become ready later'
  )
  const pruned = story([
    { severity: 'error', reason: 'HealthCheckFailed' },
    { reason: 'Progressing', message: 'ConfigMap/apps/old deleted' }
  ])
  t.match(pruned.memory?.failure, { reason: 'HealthCheckFailed' }, 'nor does pruning')
  const skipped = story([
    { severity: 'error', reason: 'HealthCheckFailed' },
    { reason: 'HealthCheckFailed', message: 'Deployment/apps/shop skipped' }
  ])
  t.match(skipped.memory?.failure, { reason: 'HealthCheckFailed' }, 'nor what deletes nothing')
  const failed = story([{ severity: 'error', reason: 'PruneFailed', message: 'Deployment/apps/shop deleted' }])
  t.same(failed.says, ['failed'], 'and an error is one, whatever was deleted')
})

const heartbeat = (at: number): Short => ({
  ...{ reason: 'ReconciliationSucceeded', message: 'Reconciliation finished in 1s, next run in 10m0s', at },
  metadata: { commit_status: 'update' }
})

t.test('an object that cannot be deleted fails until it is gone, whatever its heartbeats say meanwhile', async (t) => {
  const stuck = (at: number): Short => ({
    ...{ severity: 'error', reason: 'ReconciliationSucceeded', message: 'pruning for deleted resource failed', at }
  })
  const farewell: Short = {
    ...{
      reason: 'ReconciliationSucceeded',
      message: 'Deployment/apps/shop deleted\nService/apps/shop deleted',
      at: 900
    }
  }
  const { said, memory } = story([
    ...[heartbeat(0), stuck(600), heartbeat(600), heartbeat(601), stuck(610), heartbeat(610)],
    ...[farewell, heartbeat(900)]
  ])
  t.same(
    said.map(({ says }) => says),
    ['heartbeat', 'failed', 'heartbeat', 'heartbeat', 'repeated', 'heartbeat', 'recovered', 'heartbeat']
  )
  t.match(said[6]?.text, /^🗑️ apps\/shop was deleted in prod$/)
  t.equal(memory?.failure, undefined)
})

t.test('an object deleted while it is well is not said to be at a revision', async (t) => {
  const deleted: Short = { reason: 'ReconciliationSucceeded', message: 'Deployment/apps/shop deleted', at: 60 }
  const { said } = story([heartbeat(0), deleted, heartbeat(60)])
  t.match(said[1], { says: 'informed', text: /^ℹ️ apps\/shop in prod: .*deleted/ })
  t.equal(said[2]?.says, 'heartbeat', 'and is not updated by its last sign of life')
})

t.test('a release whose tests failed is well once they pass, and not with each retry', async (t) => {
  const at = (revision: string) => ({ kind: 'HelmRelease', metadata: { revision } })
  const upgraded = (revision: string): Short => ({ ...at(revision), reason: 'UpgradeSucceeded' })
  const untested = (revision: string): Short => ({ ...at(revision), severity: 'error', reason: 'TestFailed' })
  const rolledBack: Short = { ...at('1.0.0'), reason: 'RollbackSucceeded' }
  const before = [upgraded('1.0.0'), upgraded('1.0.1'), untested('1.0.1'), rolledBack]
  const retried = [upgraded('1.0.1'), untested('1.0.1'), rolledBack, upgraded('1.0.2'), untested('1.0.2')]
  const { said, memory } = story([...before, ...retried])
  t.same(
    said.slice(2).map(({ says }) => says),
    ['failed', 'informed', 'informed', 'repeated', 'repeated', 'informed', 'repeated']
  )
  t.match(memory, { failure: { reason: 'TestFailed', revision: '1.0.2', count: 3 } })
  const passed = story([...before, ...retried, upgraded('1.0.3'), { ...at('1.0.3'), reason: 'TestSucceeded' }])
  t.match(passed.said.at(-1)?.text, /^✅ apps\/shop works again in prod after \d+ m, with 1\.0\.3$/)
  t.equal(story([...before, upgraded('1.0.2'), upgraded('1.0.3')]).said.at(-1)?.says, 'recovered', 'no longer tested')
})

t.test('two errors of tofu-controller about one try are one failure', async (t) => {
  const tried = (at: number): Short[] => [
    ...[
      { kind: 'Terraform', severity: 'error', reason: 'TFExecPlanFailed', message: 'Plan error: locked', at } as const
    ],
    ...[{ kind: 'Terraform', severity: 'error', reason: 'ReconciliationFailed', message: 'x', at: at + 1 } as const]
  ]
  t.same(story([...tried(0), ...tried(60)]).says, ['failed', 'repeated', 'repeated', 'repeated'])
  t.same(story(tried(0).toReversed()).says, ['failed', 'repeated'], 'in whatever order')
  const [, other] = tried(300)
  t.same(
    story([...tried(0).slice(0, 1), other as Short]).says,
    ['failed', 'changed'],
    'another try may be another failure'
  )
})

t.test('a source that rebuilds its artifact at once has not failed', async (t) => {
  const broken: Short = { severity: 'error', reason: 'ArtifactVerificationFailed' }
  for (const kind of ['GitRepository', 'OCIRepository', 'Bucket', 'HelmRepository', 'HelmChart']) {
    const { said, memory } = story([
      { kind, reason: 'NewArtifact' },
      { kind, ...broken }
    ])
    t.match(said[1]?.text, /^⚠️ apps\/shop has a warning in prod/)
    t.equal(memory?.failure, undefined)
  }
})

t.test('the end of a warning is called what it is, and no failure is counted', async (t) => {
  const drift = { kind: 'HelmRelease', severity: 'error' as const, reason: 'DriftDetected' }
  const warnings: [Short, Short, string][] = [
    [
      { reason: 'DependencyNotReady' },
      { reason: 'ReconciliationSucceeded' },
      '✅ apps/shop no longer waits in prod (1 m), at main@4444444'
    ],
    [
      { reason: 'DependencyNotReady', metadata: { revision: `main@sha1:${'5'.repeat(40)}` } },
      { reason: 'ReconciliationSucceeded' },
      '✅ apps/shop no longer waits in prod (1 m), at main@4444444'
    ],
    [drift, { kind: 'HelmRelease', reason: 'DriftCorrected' }, '✅ drift of apps/shop is corrected in prod (1 m)'],
    [
      drift,
      { kind: 'HelmRelease', reason: 'UpgradeSucceeded' },
      '✅ apps/shop is well again in prod (1 m), at main@4444444'
    ],
    [
      { kind: 'HelmRelease', reason: 'RollbackSucceeded' },
      { kind: 'HelmRelease', reason: 'UpgradeSucceeded' },
      '✅ apps/shop is well again in prod (1 m), at main@4444444'
    ]
  ]
  for (const [warned, ended, text] of warnings) {
    const { said } = story([warned, ended])
    t.equal(said[1]?.text, text)
  }
  const error = story([
    { reason: 'DependencyNotReady' },
    { severity: 'error', reason: 'BuildFailed' },
    { reason: 'ReconciliationSucceeded' }
  ])
  t.match(error.said.at(-1)?.text, /^✅ .* works again/, 'what became an error has failed')
})

t.test('readers of deployments also read of a revision that became healthy only after a while', async (t) => {
  const rules =
    '[{ name: errors, match: { severity: error }, send: team }, { name: news, match: { severity: [info], not: { reason: Progressing } }, send: [feed, team] }]'
  const replay = startReplay(`destinations: { team: { preview: true }, feed: { preview: true } }\nrules: ${rules}`)
  const [before, after] = ['4', '5'].map((digit) => ({ revision: `main@sha1:${digit.repeat(40)}` }))
  const ready = (at: number, metadata = before) =>
    wire({ reason: 'ReconciliationSucceeded', at, metadata: { ...metadata, commit_status: 'update' } as never })
  replay.receive(ready(0))
  replay.receive(wire({ severity: 'error', reason: 'HealthCheckFailed', at: 60, metadata: after as never }))
  replay.receive(
    wire({ reason: 'Progressing', message: 'Health check passed in 3s', at: 120, metadata: after as never })
  )
  replay.receive(ready(121, after))
  replay.receive(ready(721, after))
  t.match(replay.said, [
    { destination: 'team', says: 'failed' },
    { destination: 'team', says: 'recovered', text: /works again in prod after 1 m, at main@5555555$/ },
    { destination: 'feed', says: 'updated', text: /is at main@5555555 in prod$/ }
  ])
  t.equal(replay.said.length, 3, 'and whoever read that with the end does not read it once more')
})

t.test('each destination is notified of an end once', async (t) => {
  const two =
    '[{ name: errors, match: { severity: error }, send: team }, { name: all, match: { severity: [info] }, send: team }]'
  const replay = startReplay(`destinations: { team: { preview: true } }\nrules: ${two}`)
  const passed = { reason: 'Progressing', message: 'Health check passed in 3s', at: 60 }
  replay.receive(wire({ severity: 'error', reason: 'HealthCheckFailed' }))
  replay.receive(wire(passed))
  replay.receive(wire({ reason: 'ReconciliationSucceeded', at: 61, metadata: { commit_status: 'update' } }))
  const said: Transition[] = replay.said.map(({ says }) => says as Transition)
  t.same(said, ['failed', 'recovered'])
})
