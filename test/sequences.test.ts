// Sequences: what controllers say of one object over hours, and what people read of it, message by message.
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { type ShortEvent, wireOf } from '../src/rehearsal/event.ts'
import { speak, startRehearsal } from '../src/rehearsal/rehearsal.ts'
import { fc } from './fixtures/fc.ts'

const { config } = loadConfig(
  `cluster: prod
sources: { default: { hmacKeys: ["a"] } }
destinations: { team: { preview: true } }
rules:
  - { name: failures, match: { severity: warn }, send: team }
  - { name: news, match: { severity: [info], not: { reason: [Progressing, DependencyNotReady] } }, send: team }
`,
  'config.yaml',
  {}
)
if (config === undefined) throw new Error('this config is fine')

const start = Date.UTC(2026, 0, 5, 9)

/** The notifications caused by each of `events`, which come ten minutes apart. */
function play(common: ShortEvent, events: readonly ShortEvent[]): string[][] {
  const { receive } = startRehearsal(config as NonNullable<typeof config>)
  return events.map((event, at) => {
    const now = start + at * 600_000
    const { notifications } = receive(wireOf({ ...common, ...event }, now), now)
    return notifications.map((notification) => speak(notification).text.replaceAll('\n', ' | '))
  })
}

const release = { kind: 'HelmRelease', namespace: 'apps', name: 'web' }
const helm = (what: string, version: string) => `Helm ${what} for release apps/web with chart web@${version}`
const upgraded = (version: string): ShortEvent => ({
  reason: 'UpgradeSucceeded',
  message: helm('upgrade succeeded', version),
  revision: version
})

const sequences: readonly {
  about: string
  of: ShortEvent
  events: readonly (readonly [event: ShortEvent, ...read: RegExp[]])[]
}[] = [
  {
    about: 'an upgrade given up for a newer one is a warning, and its end names the installed version',
    of: release,
    events: [
      [upgraded('1.0.0'), /apps\/web is at 1\.0\.0/],
      [
        {
          severity: 'error',
          reason: 'HealthCheckCanceled',
          message: `${helm('upgrade failed', '1.0.1')}: New reconciliation triggered by HelmChart/flux-system/apps-web`,
          revision: '1.0.1'
        },
        /^⚠️ apps\/web has a warning .*New reconciliation triggered by HelmChart flux-system\/apps-web/
      ],
      [upgraded('1.0.2'), /^✅ apps\/web is well again .*at chart 1\.0\.2/]
    ]
  },
  {
    about: 'a Kustomization whose health check is canceled goes on',
    of: {},
    events: [
      [{ heartbeat: true, revision: `main@sha1:${'a'.repeat(40)}` }],
      [
        {
          severity: 'info',
          reason: 'HealthCheckCanceled',
          message: 'Health checks canceled due to new reconciliation triggered by Secret/flux-system/settings'
        },
        /^ℹ️ /
      ],
      [{ heartbeat: true, revision: `main@sha1:${'a'.repeat(40)}` }]
    ]
  },
  {
    about: 'a release that waited for another names its version once it no longer waits',
    of: release,
    events: [
      [{ reason: 'DependencyNotReady', message: "dependency 'apps/db' is not ready" }, /apps\/web waits/],
      [
        { reason: 'InstallSucceeded', message: helm('install succeeded', '1.0.0'), revision: '1.0.0' },
        /no longer waits .*at chart 1\.0\.0$/
      ]
    ]
  },
  {
    about: 'an object that waited and then fails is reported as failed, because nobody has read so before',
    of: release,
    events: [
      [{ reason: 'DependencyNotReady', message: "dependency 'apps/db' is not ready" }, /^⚠️ .*apps\/web waits/],
      [
        { severity: 'error', reason: 'InstallFailed', message: `${helm('install failed', '1.0.0')}: timed out` },
        /^🔴 apps\/web failed in `prod` \| .*DependencyNotReady → InstallFailed/
      ],
      [
        { severity: 'error', reason: 'ArtifactFailed', message: 'failed to load chart: EOF' },
        /^🟠 apps\/web fails for another reason/
      ],
      [upgraded('1.0.0'), /works again/]
    ]
  },
  {
    about: 'a plan that waits for approval is named, and so are its outputs',
    of: { kind: 'Terraform', namespace: 'infra', name: 'dns' },
    events: [
      [
        {
          severity: 'info',
          reason: 'TerraformPlanSucceed',
          message: 'Planned.\nPlan generated: set approvePlan: "plan-main-a61e0c5d2f" to approve this plan.'
        },
        /set approvePlan: "plan-main-a61e0c5d2f"/
      ],
      [
        { severity: 'info', reason: 'OutputsWritingFailed', message: 'Outputs written.\n1 output(s): zone_id' },
        /Outputs written: 1 output\(s\): zone_id/
      ]
    ]
  },
  {
    about: 'a failure without a known revision ends with the present one',
    of: release,
    events: [
      [upgraded('1.0.0'), /is at 1\.0\.0/],
      [{ severity: 'error', reason: 'ArtifactFailed', message: 'failed to load chart: EOF' }, /^🔴/],
      [upgraded('1.0.1'), /works again .*was ArtifactFailed, once {3}at chart 1\.0\.1/]
    ]
  },
  {
    about: 'a source that works again names its commit',
    of: { kind: 'GitRepository', name: 'fleet' },
    events: [
      [{ severity: 'error', reason: 'GitOperationFailed', message: 'authentication required' }, /^🔴/],
      [
        { reason: 'Succeeded', message: "stored artifact for commit 'a'", revision: `main@sha1:${'b'.repeat(40)}` },
        /works again .*at main@bbbbbbb/
      ]
    ]
  },
  {
    about: 'images pushed at the end of a failure are named',
    of: { kind: 'ImageUpdateAutomation' },
    events: [
      [{ severity: 'error', reason: 'GitOperationFailed', message: 'failed to push to remote: EOF' }, /^🔴/],
      [
        {
          reason: 'Succeeded',
          message:
            "pushed commit '731f7ea' to branch 'main'\nUpdate\n- ghcr.io/acme/web:1.0.0 -> ghcr.io/acme/web:1.0.1"
        },
        /works again .*web 1\.0\.0 → 1\.0\.1 pushed to main \(731f7ea\)/
      ]
    ]
  },
  {
    about: 'a plan applied at the end of a failure says what it did',
    of: { kind: 'Terraform', namespace: 'infra', name: 'dns' },
    events: [
      [{ severity: 'error', reason: 'TFExecApplyFailed', message: 'error running Apply: Throttling' }, /^🔴/],
      [
        { severity: 'info', reason: 'TerraformAppliedSucceed', message: 'Applied successfully: 2 created' },
        /works again .*Applied successfully: 2 created/
      ]
    ]
  },
  {
    about: 'a resource set that is well again says just that',
    of: { kind: 'ResourceSet', namespace: 'apps', name: 'tenants' },
    events: [
      [
        {
          severity: 'error',
          reason: 'HealthCheckFailed',
          message:
            "timeout waiting for: [Kustomization/apps/a status: 'Failed', HelmRelease/apps/b status: 'InProgress']\nKustomization/apps/a status: Failed: kustomize build failed: no such file"
        },
        /^🔴 .*Kustomization a failed: kustomize build: no such file; 1 more not ready .*HelmRelease apps: b/
      ],
      [{ reason: 'ApplySucceeded', message: 'Kustomization/apps/a configured' }, /^ℹ️/],
      [{ reason: 'ReconciliationSucceeded', message: 'Reconciliation finished in 5s' }, /once {3}2026/]
    ]
  }
]

for (const { about, of, events } of sequences) {
  t.test(about, async (t) => {
    const read = play(
      of,
      events.map(([event]) => event)
    )
    for (const [at, [event, ...wanted]] of events.entries()) {
      t.equal(read[at]?.length, wanted.length, `${event.reason ?? 'heartbeat'}: ${read[at]?.join('\n')}`)
      for (const [n, pattern] of wanted.entries()) t.match(read[at]?.[n], pattern)
    }
  })
}

t.test('whatever ends a failure, the message about the end names the version that came with it', async () => {
  const failure = fc.constantFrom<ShortEvent>(
    { severity: 'error', reason: 'UpgradeFailed', message: helm('upgrade failed', '2.0.0'), revision: '2.0.0' },
    { severity: 'error', reason: 'ArtifactFailed', message: 'EOF' },
    { severity: 'error', reason: 'HealthCheckCanceled', message: helm('upgrade failed', '2.0.0'), revision: '2.0.0' },
    { reason: 'DependencyNotReady', message: "dependency 'apps/db' is not ready" },
    { reason: 'RollbackSucceeded', message: helm('rollback succeeded', '1.0.0'), revision: '1.0.0' }
  )
  const version = fc.constantFrom('1.0.0', '2.0.0', '3.1.4')
  fc.assert(
    fc.property(fc.array(failure, { minLength: 1, maxLength: 4 }), version, version, (failures, before, after) => {
      const read = play(release, [upgraded(before), ...failures, upgraded(after)])
      return read.at(-1)?.length === 1 && read.at(-1)?.[0]?.includes(after) === true
    })
  )
})
