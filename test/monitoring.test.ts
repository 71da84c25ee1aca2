// Monitoring: alerts, dashboard and documentation name only metrics, labels and values that /metrics has.
import { execFile, spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { Exposition } from './fixtures/exposition.ts'
import { selectorsIn } from './fixtures/promql.ts'
import { about, startRelay, tempFolder } from './fixtures/relay.ts'

const root = join(import.meta.dirname, '..')
const monitoring = join(root, 'deploy', 'components', 'monitoring')
const { spec } = parse(readFileSync(join(monitoring, 'rules.yaml'), 'utf8'))
const rules: { alert: string; expr: string; annotations: Record<string, string> }[] = spec.groups[0].rules
const dashboard = JSON.parse(readFileSync(join(monitoring, 'dashboard.json'), 'utf8'))
const page = readFileSync(join(root, 'docs', 'operations.md'), 'utf8')

const config = `
sources: { default: {}, eu: { hmacKeys: [key], cluster: eu, expectEvery: 30m } }
slackApps: { acme: { token: xoxb-1, appToken: xapp-1, apiUrl: "http://127.0.0.1:1/api" } }
destinations: { team: { slack: { webhookUrl: "$SLACK" } } }
templates: { short: { title: "{{ object.name }}" } }
rules: [{ name: failures, send: team }]`

const relay = await startRelay(t, { config })
await relay.post(about('shop'))
for (const second of [1, 2, 3]) await relay.post(about('shop', { timestamp: `2026-09-21T14:00:0${second}Z` }))
await relay.post('{}', { path: '/webhook/eu' })
await relay.logged(/message sent/)
const seen = new Exposition((await relay.get('/metrics')).body)

// Labels that Prometheus adds to each series, because of the ServiceMonitor.
const ofTarget = new Set(['namespace', 'pod', 'job', 'instance'])

/** What a query asks for but does not exist. */
function faultsOf(query: string): string[] {
  const plain = query.replaceAll(/\$__(rate_interval|range)/g, '5m').replaceAll(/\$(namespace|destination)/g, '.*')
  return selectorsIn(plain).flatMap(({ metric, matchers, grouping }) => {
    const series = seen.samples.filter(({ name }) => name === metric)
    if (series.length === 0) return [`there is no metric ${metric}`]
    const has = (label: string) => ofTarget.has(label) || series.some(({ labels }) => label in labels)
    const unknown = [...matchers.map(({ label }) => label), ...grouping].filter((label) => !has(label))
    const empty = matchers.filter(
      ({ label, value, isEqual }) =>
        isEqual && !ofTarget.has(label) && !series.some(({ labels }) => labels[label] === value)
    )
    return [
      ...unknown.map((label) => `${metric} has no label ${label}`),
      ...empty.map(({ label, value }) => `no ${metric} has ${label}="${value}"`)
    ]
  })
}

t.test('the check of queries would find a metric that does not exist', async (t) => {
  t.strictSame(faultsOf('sum by (destination) (rate(flux_relay_pending_total[5m]))'), [
    'there is no metric flux_relay_pending_total'
  ])
  t.strictSame(faultsOf('sum by (pod, source) (flux_relay_pending{destination="taem", lane=~"x"})'), [
    'flux_relay_pending has no label lane',
    'flux_relay_pending has no label source',
    'no flux_relay_pending has destination="taem"'
  ])
  t.throws(() => faultsOf('sum by (destination (flux_relay_pending)'), /not PromQL/)
})

for (const { alert, expr, annotations } of rules) {
  t.test(
    `${alert} selects existing metrics, says only what it knows, and has a section in the documentation`,
    async (t) => {
      t.strictSame(faultsOf(expr), [])
      const kept = new Set(['pod', 'namespace', ...selectorsIn(expr).flatMap(({ grouping }) => grouping)])
      for (const [, label = ''] of Object.values(annotations)
        .join()
        .matchAll(/\$labels\.(\w+)/g))
        t.ok(kept.has(label), label)
      t.equal(annotations['runbook_url']?.split('#')[1], alert.toLowerCase())
      t.match(page, `\n### ${alert}\n`)
    }
  )
}

t.test('every documented alert exists', async (t) => {
  const documented = [...page.matchAll(/^### (FluxRelay\w+)$/gm)].map(([, name]) => name)
  t.strictSame(
    documented,
    rules.map(({ alert }) => alert)
  )
})

t.test('every panel of the dashboard selects existing metrics', async (t) => {
  const targets = dashboard.panels.flatMap((panel: { title: string; targets?: object[] }) =>
    (panel.targets ?? []).map((target) => ({ title: panel.title, ...target }))
  )
  t.ok(targets.length > 20)
  for (const { title, expr, legendFormat } of targets) {
    t.strictSame(faultsOf(expr), [], title)
    const kept = new Set([
      'pod',
      ...selectorsIn(expr.replaceAll('$__rate_interval', '5m')).flatMap(({ grouping }) => grouping)
    ])
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) t.ok(kept.has(label), `${title}: ${label}`)
  }
  for (const { name, definition } of dashboard.templating.list) {
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition ?? '') ?? []
    if (definition !== undefined) t.strictSame(faultsOf(`${metric}{${label}=~".*"}`), [], name)
  }
  const ids = dashboard.panels.map(({ id }: { id: number }) => id)
  t.equal(new Set(ids).size, ids.length)
})

t.test('the table of metrics equals /metrics, label by label', async (t) => {
  const rows = [...page.matchAll(/^\| `(flux_relay_\w+)` \|([^|]*)\|/gm)]
  const documented = Object.fromEntries(rows.map(([, name = '', labels = '']) => [name, labels.match(/\w+/g) ?? []]))
  const actual = Object.fromEntries(
    [...seen.help.keys()]
      .filter((name) => name.startsWith('flux_relay_'))
      .map((name) => {
        const series = seen.samples.filter(
          (sample) => sample.name.replace(/_(bucket|sum|count)$/, '') === name || sample.name === name
        )
        const labels = new Set(series.flatMap((sample) => Object.keys(sample.labels)))
        labels.delete('le')
        return [name, [...labels]]
      })
  )
  t.same(Object.keys(documented).sort(), Object.keys(actual).sort())
  for (const [name, labels] of Object.entries(actual)) t.same(documented[name]?.sort(), labels.sort(), name)
  for (const [name, help] of seen.help) if (name.startsWith('flux_relay_')) t.ok(help.length > 20, name)
})

t.test('a notification is counted by the documented states, and by no others', async (t) => {
  const [, row = ''] = /^\| `flux_relay_notifications_total` \|[^|]*\|(.*)\|$/m.exec(page) ?? []
  const states = [...row.matchAll(/`(\w+)`/g)].map(([, state]) => state)
  const relay = await startRelay(t)
  const { body } = await relay.get('/metrics')
  const counted = [...body.matchAll(/^flux_relay_notifications_total\{destination="team",state="(\w+)"\}/gm)]
  t.same(counted.map(([, state]) => state).sort(), states.sort())
})

t.test('a backup taken as documented while the relay works is complete', async (t) => {
  const script = /exec deploy\/flux-relay -- node -e '\n(.*?)'\n/s.exec(page)?.[1] ?? ''
  const folder = tempFolder(t)
  const busy = await startRelay(t, { config, folder })
  const posts = Array.from({ length: 50 }, (_, n) => busy.post(about(`app-${n}`)))
  await posts[0]
  // Run asynchronously, unlike the other commands: the relay is in this process and has to go on.
  await promisify(execFile)(process.execPath, ['-e', script.replaceAll('/data/', `${folder}/`)])
  await Promise.all(posts)
  const restored = tempFolder(t)
  copyFileSync(join(folder, 'backup.db'), join(restored, 'relay.db'))
  const again = await startRelay(t, { config, folder: restored })
  t.equal((await again.get('/readyz')).status, 200)
  const { events } = JSON.parse((await again.get('/api/events?limit=100')).body)
  t.ok(events.length > 0, `${events.length} events`)
})

const hasPromtool = spawnSync('promtool', ['--version']).status === 0

t.test(
  'Prometheus accepts the rules, and each alert fires when it should',
  {
    skip: !hasPromtool && 'promtool is not here (Debian: apt-get install prometheus): NO ALERT WAS TRIED'
  },
  async (t) => {
    const folder = tempFolder(t)
    writeFileSync(join(folder, 'rules.yaml'), stringify(spec))
    copyFileSync(join(import.meta.dirname, 'fixtures', 'alerts.yaml'), join(folder, 'alerts.yaml'))
    for (const [what, file] of [
      ['check', 'rules.yaml'],
      ['test', 'alerts.yaml']
    ] as const) {
      const { status, stdout, stderr } = spawnSync('promtool', [what, 'rules', file], { cwd: folder, encoding: 'utf8' })
      t.equal(status, 0, `${stdout}${stderr}`)
    }
  }
)
