// Notifications: are exactly these, in whole stories, event by event.

import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import type { WireEvent } from '../src/events/flux.ts'
import { muteNotice } from '../src/notices/delivery.ts'
import type { ObjectMemory } from '../src/objects/memory.ts'
import { objectKey, objectOf, sayObject } from '../src/objects/name.ts'
import { forget, markNotified, markWithheld, remember } from '../src/objects/notified.ts'
import { readMemory, stateOf } from '../src/objects/stored-memory.ts'
import { startRehearsal } from '../src/rehearsal/rehearsal.ts'
import { fold, type Waiting } from '../src/render/compose/digest-groups.ts'
import { saidIn } from '../src/render/compose/said.ts'
import { Found, standing } from '../src/store/withheld.ts'
import { fc } from './fixtures/fc.ts'
import { startReplay } from './fixtures/replay.ts'

const start = Date.parse('2026-09-21T00:00:00Z')
const minute = 60_000
const hour = 60 * minute
const shas = { good: '4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a', next: 'def5678e20c7ab8d964e15f3a4f2c91d0b7e84c6' }

const toAll = `
destinations: { team: { preview: true } }
rules: [{ name: failures, match: { severity: error }, send: team }]`

interface Story {
  at: number
  kind?: string
  name?: string
  severity?: 'info' | 'error'
  reason: string
  message?: string
  sha?: string
  isHeartbeat?: boolean
}

function wire({
  at,
  kind = 'Kustomization',
  name = 'shop',
  severity = 'info',
  reason,
  message = reason,
  sha = shas.good,
  isHeartbeat
}: Story): WireEvent {
  return {
    involvedObject: { kind, namespace: 'apps', name },
    severity,
    timestamp: new Date(start + at).toISOString().replace('.000', ''),
    message,
    reason,
    metadata: { revision: `main@sha1:${sha}`, ...(isHeartbeat && { commit_status: 'update' }) },
    reportingController: 'controller'
  }
}

const heartbeat = (at: number, changes: Partial<Story> = {}) =>
  wire({
    at,
    reason: 'ReconciliationSucceeded',
    message: `Reconciliation finished in ${at % 977}ms, next run in 10m0s`,
    isHeartbeat: true,
    ...changes
  })
const failure = (at: number, changes: Partial<Story> = {}) =>
  wire({
    at,
    severity: 'error',
    reason: 'HealthCheckFailed',
    message: `health check failed after ${at % 977}.5s: timeout waiting for: [Deployment/apps/shop status: 'InProgress']`,
    ...changes
  })

function textsOf(config: string, events: WireEvent[]): string[] {
  const replay = startReplay(config)
  for (const event of events) replay.receive(event)
  return replay.said.map(({ at, text }) => `${at} ${text}`)
}

t.test(
  'a failure is sent once, its heartbeats are silent, its recovery says how long it lasted and what ended it',
  async (t) => {
    const events = [
      heartbeat(0),
      failure(10 * minute),
      heartbeat(24 * minute, { sha: shas.next }),
      heartbeat(34 * minute, { sha: shas.next })
    ]
    t.same(textsOf(toAll, events), [
      '01 00:10:00 🔴 apps/shop failed in prod: Deployment shop not ready after 2 m 3 s',
      '01 00:24:00 ✅ apps/shop works again in prod after 14 m, with main@def5678'
    ])
  }
)

t.test('a Flux of 2021, whose only sign of recovery is a heartbeat with an older resourceVersion', async (t) => {
  const step = (
    time: string,
    kind: string,
    severity: 'info' | 'error',
    reason: string,
    message: string,
    metadata?: Record<string, string>
  ) =>
    ({
      involvedObject: {
        kind,
        namespace: 'flux-system',
        name: 'web',
        uid: 'u',
        apiVersion: 'v1beta2',
        resourceVersion: '1'
      },
      severity,
      timestamp: `2021-12-19T16:${time}Z`,
      message,
      reason,
      ...(metadata && { metadata }),
      reportingController: 'c'
    }) as WireEvent
  const tag = (name: string, sha: string) => `${name}/${sha.repeat(40)}`
  const beat = (time: string, took: string, revision: string) =>
    step(
      time,
      'Kustomization',
      'info',
      'ReconciliationSucceeded',
      `Reconciliation finished in ${took}, next run in 30s`,
      {
        commit_status: 'update',
        revision
      }
    )
  const said = textsOf(toAll, [
    beat('16:24', '94.0083ms', tag('master', '1')),
    step('16:36', 'GitRepository', 'info', 'info', `Fetched revision: ${tag('v1.8.0', '6')}`),
    step(
      '16:36',
      'Kustomization',
      'error',
      'ArtifactFailed',
      'kustomization path not found: stat /tmp/web637577731/kustomize: no such file or directory',
      { revision: tag('v1.8.0', '6') }
    ),
    step('24:24', 'GitRepository', 'info', 'info', `Fetched revision: ${tag('6.0.3', 'e')}`),
    beat('24:25', '132.9038ms', tag('6.0.3', 'e')),
    beat('24:29', '88.8099ms', tag('6.0.3', 'e'))
  ])
  t.same(said, [
    '01 00:00:12 🔴 flux-system/web failed in prod: path not found: kustomize',
    '01 00:08:01 ✅ flux-system/web works again in prod after 7 m 49 s, with 6.0.3@eeeeeee'
  ])
})

t.test('a day with one Kustomization failing for six hours among 200 healthy ones is three messages', async (t) => {
  const events: WireEvent[] = []
  for (let at = 0; at < 24 * hour; at += 10 * minute) {
    for (let n = 0; n < 200; n++) events.push(heartbeat(at + n * 1000, { name: `app-${n}` }))
  }
  for (let at = 2 * hour; at < 8 * hour; at += 5 * minute) events.push(failure(at))
  events.push(heartbeat(8 * hour + 5000))
  events.sort((a, b) => String(a.timestamp).localeCompare(String(b.timestamp)))
  t.equal(events.length, 28_873)
  t.same(
    textsOf(toAll, events).map((text) => text.slice(0, 50)),
    [
      '01 02:00:00 🔴 apps/shop failed in prod: Deploymen',
      '01 06:00:00 ⏳ apps/shop still fails in prod, for 4',
      '01 08:00:05 ✅ apps/shop works again in prod after '
    ]
  )
})

t.test('reminders come after 4, 8 and 16 hours and then once a day, and never with `remindEvery: never`', async (t) => {
  const events = Array.from({ length: 6 * 24 * 12 }, (_, n) => failure(n * 5 * minute))
  const at = textsOf(toAll, events).map((text) => text.slice(0, 11))
  t.same(
    at,
    [
      '01 00:00:00',
      '01 04:00:00',
      '01 12:00:00',
      '02 04:00:00',
      '03 04:00:00',
      '04 04:00:00',
      '05 04:00:00',
      '06 04:00:00'
    ].map((x) => x.slice(0, 11))
  )
  t.equal(textsOf(toAll.replace('send:', 'remindEvery: never, send:'), events).length, 1)
})

t.test('a reminder does not wait for a wrong time that the clock once had', async (t) => {
  const replay = startReplay(toAll)
  replay.receive(failure(0), 40 * 24 * hour)
  for (let at = 5 * minute; at <= 5 * hour; at += 5 * minute) replay.receive(failure(at))
  t.same(
    replay.said.map(({ says }) => says),
    ['failed', 'repeated']
  )
})

t.test('a helm release that tries 22 times in three seconds, each time in other words, is one message', async (t) => {
  const events = Array.from({ length: 22 }, (_, n) =>
    wire({
      at: Math.floor(n / 8) * 1000,
      kind: 'HelmRelease',
      severity: 'error',
      reason: 'UpgradeFailed',
      message: `Helm upgrade failed for release apps/shop.v${n + 3} with chart shop@6.7.1: timed out waiting for the condition after ${n}.${n}s\n\nLast Helm logs:\n\n2026-09-21T00:00:0${n % 3}.${n}23456789Z: beginning wait for ${n} resources with timeout of 5m0s`
    })
  )
  t.same(textsOf(toAll, events).length, 1)
})

t.test('a flapping object notifies at every turn and at no other time', async (t) => {
  const events = [0, 1, 2].flatMap((n) => [
    failure(n * hour),
    failure(n * hour + 5 * minute),
    heartbeat(n * hour + 10 * minute),
    heartbeat(n * hour + 20 * minute)
  ])
  t.same(
    textsOf(toAll, events).map((text) => text.slice(3, 26)),
    [0, 1, 2].flatMap((n) => [`0${n}:00:00 🔴 apps/shop f`, `0${n}:10:00 ✅ apps/shop wo`])
  )
})

t.test('failures that alternate are sent once each', async (t) => {
  const events = Array.from({ length: 20 }, (_, n) =>
    failure(n * 5 * minute, { reason: n % 2 ? 'BuildFailed' : 'HealthCheckFailed', message: n % 2 ? 'a' : 'b' })
  )
  t.same(
    textsOf(toAll, events).map((text) => text.slice(12, 40)),
    ['🔴 apps/shop failed in prod:', '🟠 apps/shop fails for anoth']
  )
})

const helm = (at: number, reason: string, changes: Partial<Story> = {}) =>
  wire({ at, kind: 'HelmRelease', reason, ...changes })

t.test('a rollback is not a recovery: the release is still not what was asked for', async (t) => {
  const failed = {
    severity: 'error',
    message: 'Helm upgrade failed for release apps/shop.v4 with chart shop@6.7.1: timed out'
  } as const
  const remediation = { message: 'Helm uninstall remediation for release apps/shop.v1 with chart shop@6.7.1 succeeded' }
  const events = [
    helm(0, 'UpgradeFailed', failed),
    helm(minute, 'RollbackSucceeded', {
      message: 'Helm rollback to previous release apps/shop.v3 with chart shop@6.7.0 succeeded'
    }),
    helm(2 * minute, 'UpgradeFailed', failed),
    helm(3 * minute, 'UninstallSucceeded', remediation),
    helm(4 * minute, 'UpgradeFailed', failed),
    helm(9 * minute, 'UpgradeSucceeded')
  ]
  t.same(
    textsOf(toAll, events).map((text) => text.slice(3, 36)),
    ['00:00:00 🔴 apps/shop failed in p', '00:09:00 ✅ apps/shop works again ']
  )
  t.same(
    textsOf(toAll.replace('severity: error', 'severity: warn'), events).map((text) => text.slice(3, 36)),
    [
      '00:00:00 🔴 apps/shop failed in p',
      '00:01:00 ⚠️ apps/shop was rolled ',
      '00:03:00 ⚠️ apps/shop has a warni',
      '00:09:00 ✅ apps/shop works again '
    ],
    'who wants warnings is notified of the remediation'
  )
})

t.test('a missing recovery is made up for by the next heartbeat', async (t) => {
  const events = [failure(0), heartbeat(hour)]
  t.equal(textsOf(toAll, events).length, 2)
})

t.test('corrected drift ends only its own kind of failure, and passed tests end everything before them', async (t) => {
  const ends = (failed: string, end: string) =>
    textsOf(toAll.replace('error', 'warn'), [helm(0, failed, { severity: 'error' }), helm(minute, end)]).length === 2
  t.ok(ends('TestFailed', 'TestSucceeded'))
  t.ok(ends('UpgradeFailed', 'TestSucceeded'))
  t.ok(ends('DriftDetected', 'DriftCorrected'))
  t.notOk(ends('InstallFailed', 'DriftCorrected'))
  t.ok(ends('TestFailed', 'UpgradeSucceeded'))
})

t.test('every kind recovers by what its controller emits, and by nothing else', async (t) => {
  const table: [string, string, boolean][] = [
    ['Kustomization', 'ReconciliationSucceeded', true],
    ['Kustomization', 'Progressing', false],
    ['Kustomization', 'HealthCheckCanceled', false],
    ['HelmRelease', 'InstallSucceeded', true],
    ['GitRepository', 'NewArtifact', true],
    ['GitRepository', 'Succeeded', true],
    ['HelmChart', 'ChartPullSucceeded', true],
    ['HelmChart', 'ChartPackageSucceeded', true],
    ['OCIRepository', 'ArtifactUpToDate', false],
    ['ImageRepository', 'Succeeded', true],
    ['ImagePolicy', 'Progressing', false],
    ['Terraform', 'TerraformAppliedSucceed', true],
    ['ResourceSet', 'ApplySucceeded', false],
    ['ResourceSet', 'ReconciliationSucceeded', true],
    ['ArtifactGenerator', 'Ready', true],
    ['FluxInstance', 'DependencyNotReady', false]
  ]
  for (const [kind, reason, recovers] of table) {
    const said = textsOf(toAll, [
      wire({ at: 0, kind, severity: 'error', reason: 'Broken' }),
      wire({ at: minute, kind, reason })
    ])
    t.equal(said.length, recovers ? 2 : 1, `${kind} ${reason}`)
  }
})

t.test('events out of order never move an object backwards', async (t) => {
  const replay = startReplay(toAll)
  replay.receive(heartbeat(10_000), 5000)
  replay.receive(failure(9000), 7000)
  t.match(
    replay.said,
    [{ says: 'informed', text: /reported late: it failed at 00:00:09, which was over by 00:00:10 UTC/ }],
    'a failure from before the last success'
  )
  replay.receive(failure(20_000))
  replay.receive(heartbeat(19_000), 2000)
  t.equal(replay.said.length, 2, 'a success from before the failure')
  replay.receive(heartbeat(21_000))
  t.equal(replay.said.length, 3)
  replay.receive(failure(20_500), 2000)
  t.equal(replay.said.length, 3, 'a failure of which both the beginning and the end are known')
})

t.test('a health check that waits for fewer objects is no new reason; one for another object is', async (t) => {
  const waits = (at: number, ...names: string[]) =>
    failure(at, {
      message: `health check failed after ${at / minute}m0.01s: timeout waiting for: [${names
        .map((name) => `Deployment/apps/${name} status: 'InProgress'`)
        .join(', ')}]`
    })
  const replay = startReplay(toAll)
  replay.receive(waits(minute, 'web', 'api', 'db'))
  replay.receive(waits(11 * minute, 'db', 'web'))
  replay.receive(waits(21 * minute, 'web'))
  replay.receive(waits(31 * minute, 'web', 'api'))
  t.same(
    replay.said.map(({ says }) => says),
    ['failed', 'changed'],
    'one that was ready meanwhile'
  )
  replay.receive(waits(41 * minute, 'web', 'api', 'db'))
  replay.receive(waits(51 * minute, 'cart'))
  replay.receive(
    failure(61 * minute, {
      message:
        "health check failed after 3s: failed early due to stalled resources: [Deployment/apps/cart status: 'Failed']"
    })
  )
  t.same(
    replay.said.map(({ says }) => says),
    ['failed', 'changed', 'changed', 'changed']
  )
})

t.test('a failure that is reported late does not claim to follow the revision that came after it', async (t) => {
  const { config } = loadConfig(`cluster: prod\n${toAll}`, 'late.yaml', {})
  if (config === undefined) throw new Error('this config is fine')
  const { receive } = startRehearsal(config)
  receive(heartbeat(10_000, { sha: shas.next }), start + 15_000)
  const { notifications } = receive(failure(9000), start + 16_000)
  t.match(notifications[0]?.view.revision?.text, 'main@4f2c91d')
  t.equal(notifications[0]?.view.previous, undefined)
})

t.test('a cluster whose clock was ahead does not freeze its objects', async (t) => {
  const replay = startReplay(toAll)
  replay.receive(failure(10 * hour), -10 * hour)
  replay.receive(heartbeat(5 * minute))
  t.same(
    replay.said.map(({ says }) => says),
    ['failed', 'recovered']
  )
})

t.test('a destination that was not notified of the failure is not notified of its end', async (t) => {
  const config = `
destinations: { errors: { preview: true }, deploys: { preview: true }, builds: { preview: true } }
rules:
  - { name: errors, match: { severity: error, not: { reason: BuildFailed } }, send: errors }
  - { name: builds, match: { reason: BuildFailed }, send: builds }
  - { name: deploys, match: { severity: [info] }, send: deploys }`
  const replay = startReplay(config)
  replay.receive(heartbeat(0))
  replay.receive(failure(minute, { reason: 'BuildFailed', message: 'x' }))
  replay.receive(heartbeat(2 * minute, { sha: shas.next }))
  t.same(
    replay.said.map(({ destination, says }) => `${destination} ${says}`),
    ['builds failed', 'builds recovered', 'deploys updated'],
    'to who wants news, the end of a failure is the update that it brings'
  )
})

t.test('a warning and its end notify whoever asked for warnings', async (t) => {
  const waiting = wire({ at: 0, reason: 'DependencyNotReady', message: "dependency 'apps/db' is not ready" })
  const events = [
    waiting,
    wire({ at: 5 * minute, reason: 'DependencyNotReady', message: "dependency 'apps/db' is not ready" }),
    heartbeat(10 * minute)
  ]
  t.same(textsOf(toAll, events), [])
  t.same(
    textsOf(toAll.replace('error', 'warn'), events).map((text) => text.slice(12, 50)),
    ['⚠️ apps/shop waits in prod: dependency', '✅ apps/shop no longer waits in prod (1']
  )
  t.same(
    textsOf(`severities: [{ reason: DependencyNotReady, severity: info }]${toAll.replace('error', 'warn')}`, events),
    [],
    'unless it is made none'
  )
})

t.test('a destination that gets everything is notified of a recovery once, not as news too', async (t) => {
  const config = toAll.replace('severity: error', 'severity: info')
  const replay = startReplay(config)
  for (const event of [heartbeat(0), failure(minute), heartbeat(2 * minute, { sha: shas.next })]) replay.receive(event)
  t.same(
    replay.said.map(({ says }) => says),
    ['failed', 'recovered']
  )
})

t.test('news notifies those who asked for it; heartbeats notify nobody, unless every event is asked for', async (t) => {
  const events = [
    heartbeat(0),
    wire({ at: minute, reason: 'Progressing', message: 'Deployment/apps/shop configured' }),
    heartbeat(2 * minute, { sha: shas.next }),
    heartbeat(12 * minute, { sha: shas.next })
  ]
  const info = toAll.replace('error', '[info]')
  t.same(
    textsOf(info, events).map((text) => text.slice(3, 29)),
    ['00:01:00 ℹ️ apps/shop in p', '00:02:00 🟢 apps/shop is a']
  )
  t.equal(textsOf(info.replace('send:', 'notify: every, send:'), events).length, 4)
})

t.test(
  'an object that falls quiet while failing is stale after a day, and a later success still ends the failure',
  async (t) => {
    const replay = startReplay(toAll)
    replay.receive(failure(0))
    const [memory] = [...replay.memory.values()]
    if (memory === undefined) throw new Error('nothing remembered')
    t.equal(stateOf(memory, start + 24 * hour), 'failing')
    t.equal(stateOf(memory, start + 24 * hour + 1), 'stale')
    t.equal(replay.said.length, 1, 'staleness is no message')
    replay.receive(heartbeat(30 * hour))
    t.match(replay.said[1]?.text, /✅ .* after 1 d 6 h/)
  }
)

t.test(
  'for any interleaving, each destination gets failed … recovered in turn, and in the end the truth',
  async (t) => {
    const config = `
destinations: { errors: { preview: true }, warnings: { preview: true }, all: { preview: true } }
rules:
  - { name: errors, match: { severity: error }, send: errors }
  - { name: warnings, match: { severity: warn }, send: warnings }
  - { name: all, match: { severity: info }, notify: every, send: all }`
    const step = fc.record({
      at: fc.integer({ min: 0, max: 40 }),
      delay: fc.integer({ min: 0, max: 5000 }),
      name: fc.constantFrom('a', 'b'),
      what: fc.constantFrom('error', 'other error', 'warning', 'heartbeat', 'news')
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const replay = startReplay(config)
        const ordered = steps
          .map((one) => ({ ...one, arrival: one.at * 1000 + one.delay }))
          .sort((x, y) => x.arrival - y.arrival)
        for (const { at, delay, name, what } of ordered) {
          const events: Record<typeof what, WireEvent> = {
            error: failure(at * 1000, { name }),
            'other error': failure(at * 1000, { name, reason: 'BuildFailed', message: 'x' }),
            warning: wire({ at: at * 1000, name, reason: 'DependencyNotReady' }),
            heartbeat: heartbeat(at * 1000, { name }),
            news: wire({ at: at * 1000, name, reason: 'Progressing' })
          }
          replay.receive(events[what], delay)
        }
        for (const destination of ['errors', 'warnings', 'all']) {
          for (const name of ['a', 'b']) {
            const own = replay.said.filter(
              (one) => one.destination === destination && one.text.includes(`apps/${name} `)
            )
            let isFailing = false
            for (const { says } of own) {
              if (says === 'failed' && isFailing) return false
              if ((says === 'changed' || says === 'recovered') && !isFailing) return false
              if (says === 'failed') isFailing = true
              if (says === 'recovered') isFailing = false
            }
            const memory = replay.memory.get(`prod/Kustomization/apps/${name}`)
            const isNotified =
              memory?.failure !== undefined && (destination !== 'errors' || memory.failure.severity === 'error')
            if (isNotified !== isFailing) return false
          }
        }
        return true
      }),
      { numRuns: 1000 }
    )
    t.pass()
  }
)

t.test('a recovery by a new revision is sent once to a destination that also gets updates', async (t) => {
  const config = `
destinations: { team: { preview: true }, releases: { preview: true } }
rules:
  - { name: failures, match: { severity: error }, send: team }
  - { name: deployments, match: { severity: [info] }, send: [team, releases] }`
  const replay = startReplay(config)
  for (const event of [heartbeat(0), failure(10 * minute), heartbeat(24 * minute, { sha: shas.next })]) {
    replay.receive(event)
  }
  t.same(
    replay.said.map(({ destination, says }) => `${destination} ${says}`),
    ['team failed', 'team recovered', 'releases updated']
  )
})

t.test('a failing object is stale once it has been silent for an hour and twice as long as ever before', async (t) => {
  const silentFor = (gaps: number[], ms: number) => {
    const replay = startReplay(toAll)
    let at = 0
    replay.receive(heartbeat(at))
    for (const gap of gaps) {
      at += gap
      replay.receive(failure(at))
    }
    const [memory] = [...replay.memory.values()]
    return memory && stateOf(memory, start + at + ms)
  }
  t.equal(silentFor([10 * minute, 10 * minute], hour), 'failing')
  t.equal(silentFor([10 * minute, 10 * minute], hour + 1), 'stale')
  t.equal(silentFor([5 * hour, minute], 10 * hour), 'failing', 'it was silent before')
  t.equal(silentFor([5 * hour, minute], 10 * hour + 1), 'stale')
  const replay = startReplay(toAll)
  for (const event of [heartbeat(0), failure(10 * minute), wire({ at: 70 * minute, reason: 'Progressing' })]) {
    replay.receive(event)
  }
  const [memory] = [...replay.memory.values()]
  t.equal(memory && stateOf(memory, start + 180 * minute), 'failing', 'any word of it is one, and ends nothing')
})

t.test('a memory from before failures recorded their beginning claims no more than it knows', async (t) => {
  const failed = { severity: 'error', reason: 'HealthCheckFailed', revision: 'r', since: start, count: 7 }
  const old = (prints: string[]) =>
    readMemory(
      JSON.stringify({
        failure: { ...failed, text: 'no such file', prints },
        ...{ since: start, decidedAt: start + hour, revision: 'r', notified: [] }
      })
    )
  t.match(old(['a']).failure, { text: 'no such file', began: { reason: 'HealthCheckFailed', text: 'no such file' } })
  t.match(old(['b', 'a']).failure, { text: '', began: { reason: '', text: 'no such file' } }, 'another reason has come')
  const memory: ObjectMemory = old(['b', 'a'])
  t.equal(stateOf(memory, start + 25 * hour), 'failing')
  t.equal(stateOf(memory, start + 25 * hour + 1), 'stale')
  const entry = { rule: 'failures', destination: 'team', at: start, reminders: 1 }
  const told = JSON.stringify({
    ...old([]),
    notified: undefined,
    told: [entry, { ...entry, rule: 'all', isHeld: true }]
  })
  t.same(
    readMemory(told).notified,
    [entry, { ...entry, rule: 'all', isWithheld: true }],
    'it says the same in other words'
  )
  t.same(Object.keys(readMemory(told)).includes('told'), false)
  t.same(readMemory(JSON.stringify({ since: 1, decidedAt: 1, revision: '', notified: [] })), {
    ...{ since: 1, decidedAt: 1, revision: '', notified: [] }
  })

  const { config } = loadConfig(`cluster: prod\n${toAll}`, 'x.yaml', {})
  if (config === undefined) throw new Error('the config of the test is not right')
  const notified = [{ rule: 'failures', destination: 'team', at: start + hour, reminders: 0 }]
  const after = (reason: string) =>
    startRehearsal(config, () => ({ ...memory, notified })).receive(failure(2 * hour, { reason }), start + 2 * hour)
  t.equal(after('HealthCheckFailed').transition, 'repeated', 'the same reason is no other failure')
  t.equal(after('BuildFailed').transition, 'changed')
})

/** An event of a history: what it says, when it happened, and when it arrived. */
const happening = fc.record({
  what: fc.constantFrom('error', 'error', 'error', 'warning', 'success', 'news', 'remark'),
  reason: fc.constantFrom('BuildFailed', 'HealthCheckFailed', 'PruneFailed'),
  text: fc.constantFrom('no such file', 'timed out', 'field is immutable'),
  sha: fc.constantFrom(shas.good, shas.next),
  at: fc.integer({ min: 0, max: 12 }),
  delay: fc.integer({ min: 0, max: 3 })
})
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

/** The failing events of an object's present failure in order of arrival, by the simplest possible rules. */
function failingOf(history: readonly Happening[]): Happening[] {
  let failing: Happening[] = []
  let decidedAt = 0
  for (const one of history) {
    const { what, at } = one
    if (what === 'success' && at >= decidedAt) [failing, decidedAt] = [[], at]
    if (what !== 'error' && what !== 'warning') continue
    const hasError = failing.some((other) => other.what === 'error')
    if (failing.length === 0 ? at < decidedAt : hasError && what === 'warning') continue
    const isOlder = at < (failing[0]?.at ?? 0)
    if (isOlder && (hasError || what === 'warning')) continue
    failing = [...failing, one]
    decidedAt = Math.max(decidedAt, at)
  }
  return failing
}

t.test('for any history, everything shown of an object is from its latest failing event', async (t) => {
  const { config } = loadConfig(
    `cluster: prod
destinations: { team: { preview: true } }
rules: [{ name: all, match: { severity: info }, notify: every, send: team }]`,
    'x.yaml',
    {}
  )
  if (config === undefined) throw new Error('the config of the test is not right')
  const eventOf = ({ what, reason, text, sha, at }: Happening) => {
    const time = (at + 1) * 1000
    switch (what) {
      case 'error':
        return failure(time, { reason, message: `${text}\nand more`, sha })
      case 'warning':
        return wire({ at: time, reason: 'DependencyNotReady', message: `waits: ${text}`, sha })
      case 'success':
        return heartbeat(time, { sha })
      case 'remark':
        return failure(time, { reason: 'NamespaceCheckSkipped', message: text, sha })
      default:
        return wire({ at: time, reason: 'Progressing', message: text, sha })
    }
  }
  const shownOf = ({ what, reason, text, sha }: Happening) =>
    what === 'error'
      ? { severity: 'error', reason, text, revision: `main@sha1:${sha}` }
      : { severity: 'warn', reason: 'DependencyNotReady', text: `waits: ${text}`, revision: `main@sha1:${sha}` }

  fc.assert(
    fc.property(fc.array(happening, { minLength: 1, maxLength: 14 }), (events) => {
      const history = events
        .map((one) => ({ ...one, came: one.at + one.delay }))
        .sort((one, other) => one.came - other.came)
      const { receive, memory } = startRehearsal(config)
      const waiting: Waiting[] = []
      for (const [n, one] of history.entries()) {
        const createdAt = start + (one.came + 1) * 1000
        const before = failingOf(history.slice(0, n))
        const decision = receive(eventOf(one), createdAt)
        const now = failingOf(history.slice(0, n + 1))
        for (const [index, { view }] of decision.notifications.entries()) {
          waiting.push({ id: `${n}.${index}`, event: `${n}`, createdAt, view })
          const about = latestOf(view.says === 'recovered' ? before : now)
          if (view.failure === undefined || about === undefined) continue
          const { reason, text } = shownOf(about)
          if (!isLike(view.failure, { reason, text })) return false
        }
      }
      const failing = failingOf(history)
      const latest = latestOf(failing)
      const known = memory.get('prod/Kustomization/apps/shop')
      const [first] = failing
      if (latest === undefined || first === undefined) return known?.failure === undefined
      const shown = shownOf(latest)
      const { reason, text } = shown
      const began = shownOf(first)
      const [item] = fold(waiting).flatMap(({ items }) => items)
      const found = new Found()
      found.add(
        waiting.map(({ view: { says, object } }, id) => ({
          ...{ id: id + 1, lane: '', object: 'shop', says, ref: JSON.stringify(object), ending: null }
        }))
      )
      const objects = found.rows().map((row) => standing(row, 'team', known, start))
      const withheld = { mute: 'm', destination: 'team', notifications: found.count, objects }
      return (
        isLike(known?.failure, {
          ...shown,
          began: { reason: began.reason, text: began.text },
          count: failing.length
        }) &&
        isLike(item?.view, { reason, severity: shown.severity }) &&
        item !== undefined &&
        saidIn(item.view).summary === text &&
        muteNotice(withheld, start).message.endsWith(`: ${reason}: ${text}`)
      )
    }),
    { numRuns: 1500 }
  )
  t.pass()
})

/** Errors win over warnings, then the newest, then the last to arrive. */
function latestOf(failing: readonly Happening[]): Happening | undefined {
  const errors = failing.filter(({ what }) => what === 'error')
  const counting = errors.length > 0 ? errors : failing
  const at = Math.max(...counting.map((one) => one.at))
  return counting.findLast((one) => one.at === at)
}

function isLike(actual: object | undefined, expected: object): boolean {
  if (actual === undefined) return false
  return Object.entries(expected).every(
    ([key, value]) => JSON.stringify(actual[key as keyof typeof actual]) === JSON.stringify(value)
  )
}

t.test('of two clusters with one name, each keeps who was notified of its own failure', async (t) => {
  const entry = { rule: 'r', destination: 'team', at: start, reminders: 0 }
  const failing = (since: number, notified: ObjectMemory['notified']): ObjectMemory => ({
    ...{ since, decidedAt: since, revision: '', notified },
    failure: {
      ...{ severity: 'error', reason: 'BuildFailed', revision: '', text: 'm', at: since, since, count: 1, prints: [] },
      began: { reason: 'BuildFailed', text: 'm' }
    }
  })
  const twins = (latest: ObjectMemory['notified'], other: ObjectMemory['notified']) => ({
    ...failing(start + minute, latest),
    others: [failing(start, other)]
  })
  const notifiedOf = ({ notified, others = [] }: ObjectMemory) => [notified, ...others.map((other) => other.notified)]
  const first = { rule: 'r', destination: 'team', since: start }
  const now = start + hour

  t.same(notifiedOf(forget(twins([entry], [entry]), first)), [[entry], []], 'a message that never arrived')
  t.same(notifiedOf(remember(twins([], []), first, now)), [[], [{ ...entry, at: now }]], 'and is retried')
  t.same(notifiedOf(remember(twins([], [entry]), first, now)), [[], [entry]], 'once')
  const withheld = { ...entry, isWithheld: true as const }
  t.same(
    notifiedOf(markNotified(twins([entry], [withheld]), 'team', now)),
    [[entry], [{ ...entry, at: now }]],
    'a mute that is over'
  )
})

t.test('the fate of a notification concerns its rule, its destination and its failure alone', async (t) => {
  const entry = { rule: 'r', destination: 'team', at: start, reminders: 1, heldUntil: start + 1 }
  const others = [
    { ...entry, rule: 'other' },
    { ...entry, destination: 'other' }
  ]
  const failing = { severity: 'error' as const, reason: 'a', revision: '', text: 'm', at: start, since: start }
  const memory: ObjectMemory = {
    ...{ since: start, decidedAt: start, revision: '', notified: [entry, ...others] },
    failure: { ...failing, began: failing, count: 1, prints: [] }
  }
  const [now, lost] = [start + hour, { rule: 'r', destination: 'team', since: start }]
  const { heldUntil: _, ...sent } = entry
  const again = { rule: 'r', destination: 'team', at: now, reminders: 0 }
  t.same(forget(memory, lost).notified, others)
  t.same(remember(forget(memory, lost), lost, now).notified, [...others, again])
  t.same(markWithheld(memory, lost).notified, [{ ...sent, isWithheld: true }, ...others])
  const withheld = { ...memory, notified: memory.notified.map((one) => ({ ...one, isWithheld: true as const })) }
  t.same(
    markNotified(withheld, 'team', now).notified.map(({ isWithheld = false, at }) => [isWithheld, at]),
    [
      [false, now],
      [false, now],
      [true, start]
    ]
  )
  for (const since of [start - hour, undefined]) {
    for (const change of [forget, markWithheld, (known: ObjectMemory, of: typeof lost) => remember(known, of, now)])
      t.same(change(memory, { ...lost, since } as typeof lost), memory, 'of an earlier failure')
  }
})

t.test('an object is found again by its key, even if the name of its cluster has slashes', async (t) => {
  const name = fc.constantFrom('', 'a', 'b')
  const cluster = fc.constantFrom('', 'prod', 'eu/prod', 'a/b/c')
  fc.assert(
    fc.property(fc.record({ cluster, kind: name, namespace: name, name }), (object) => {
      t.same(objectOf(objectKey(object)), object)
    })
  )
  const shop = { cluster: 'prod-eu', kind: 'Kustomization', namespace: 'apps', name: 'shop' }
  t.equal(sayObject(shop), 'Kustomization apps/shop in prod-eu')
  t.equal(sayObject({ ...shop, namespace: '', cluster: '' }), 'Kustomization shop')
})

t.test('a version that compares failures differently makes no failing object differ when it starts', async (t) => {
  const { config } = loadConfig(`cluster: prod\n${toAll}`, 'x.yaml', {})
  if (config === undefined) throw new Error('the config of the test is not right')
  const changes = { reason: 'ReconciliationFailed', message: 'Deployment/apps/shop dry-run failed: denied' }
  const before = startRehearsal(config)
  before.receive(failure(0, changes), start)
  const [memory] = [...before.memory.values()]
  if (memory?.failure === undefined) throw new Error('nothing has failed')
  const old = { ...memory, failure: { ...memory.failure, prints: ['0123456789abcdef', '1:0123456789abcdef'] } }
  const after = startRehearsal(config, () => readMemory(JSON.stringify(old)))
  const transition = (at: number, other: Partial<Story> = {}) =>
    after.receive(failure(at, { ...changes, ...other }), start + at).transition
  t.equal(transition(minute), 'repeated', 'it said nothing new')
  t.equal([...after.memory.values()][0]?.failure?.prints.length, 1, 'what cannot be compared is forgotten')
  t.equal(transition(2 * minute, { message: 'exceeded quota' }), 'changed', 'and what is new is new from then on')
  t.equal(
    startRehearsal(config, () => old).receive(failure(minute, { reason: 'BuildFailed' }), start + minute).transition,
    'changed'
  )
})
