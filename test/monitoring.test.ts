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

t.test('an alert rounds a count that Prometheus extrapolates, such as 1.007 dead letters', async (t) => {
  const counting = rules.filter(({ expr }) => expr.includes('increase('))
  t.ok(counting.length > 2)
  for (const { alert, annotations } of counting)
    t.notMatch(Object.values(annotations).join(), /\$value (?!\| printf "%\.0f")/, alert)
})

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

interface Panel {
  id: number
  title: string
  targets?: { expr: string; legendFormat: string }[]
  fieldConfig: {
    defaults: { unit: string }
    overrides: { matcher: { options: string }; properties: { id: string; value: string }[] }[]
  }
}

/** Returns the unit of the result of a query. */
function unitOf(expr: string): string {
  if (/histogram_quantile|_seconds\{|_timestamp_seconds/.test(expr)) return 's'
  if (/_bytes\{/.test(expr)) return 'bytes'
  return /\brate\(/.test(expr) && !/ \/ /.test(expr) ? 'ops' : 'short'
}

t.test('every line of the dashboard has the unit of what it shows', async (t) => {
  for (const { title, targets = [], fieldConfig } of dashboard.panels as Panel[]) {
    for (const { expr, legendFormat } of targets) {
      const own = fieldConfig.overrides.find(({ matcher }) => matcher.options === legendFormat)
      const unit = own?.properties.find(({ id }) => id === 'unit')?.value ?? fieldConfig.defaults.unit
      // The start of the process, in seconds, is only a condition.
      t.equal(unit, unitOf(expr.replaceAll('process_start_time_seconds', '')), `${title}: ${legendFormat}`)
    }
  }
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

t.test(
  'the dashboard adds up relays of several namespaces, counts replicas once, and includes dead letters of a start',
  { skip: !hasPromtool && 'promtool is not here (Debian: apt-get install prometheus): NO PANEL WAS TRIED' },
  async (t) => {
    const [f, g] = ['namespace="f", job="r"', 'namespace="g", job="r"']
    const series: [string, string][] = [
      ...['a', 'b'].map((pod): [string, string] => [
        `flux_relay_pending{${f}, pod="${pod}", destination="team"}`,
        '30x200'
      ]),
      [`flux_relay_pending{${g}, pod="c", destination="team"}`, '4x200'],
      [`flux_relay_source_last_event_timestamp_seconds{${f}, pod="a", source="eu"}`, '600x200'],
      [`flux_relay_source_last_event_timestamp_seconds{${f}, pod="b", source="eu"}`, '6000x200'],
      [`flux_relay_source_last_event_timestamp_seconds{${g}, pod="c", source="eu"}`, '60x200'],
      // One relay has run for long, and the other was started with two dead letters.
      [`flux_relay_notifications_total{${f}, instance="a", destination="team", state="dead"}`, '7x100 10x100'],
      [`process_start_time_seconds{${f}, instance="a"}`, '-100000x200'],
      [`flux_relay_notifications_total{${g}, instance="c", state="dead"}`, '_x150 2x50'],
      [`process_start_time_seconds{${g}, instance="c"}`, '_x150 9000x50']
    ]
    const expected: [id: number, line: number, labels: string, value: number][] = [
      [5, 0, '{}', 34],
      [16, 0, '{destination="team"}', 34],
      [11, 0, '{source="eu"}', 180 * 60 - 60],
      [7, 0, '{}', 5]
    ]
    const exprOf = (id: number, line: number) =>
      (dashboard.panels as Panel[])
        .find((panel) => panel.id === id)
        ?.targets?.[line]?.expr.replaceAll(/\$(namespace|destination)/g, '.*')
    const test = {
      interval: '1m',
      input_series: series.map(([series, values]) => ({ series, values })),
      promql_expr_test: expected.map(([id, line, labels, value]) => ({
        expr: `round(${exprOf(id, line)})`,
        eval_time: '180m',
        exp_samples: [{ labels, value }]
      }))
    }
    const folder = tempFolder(t)
    writeFileSync(join(folder, 'panels.yaml'), stringify({ tests: [test] }))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'panels.yaml'], {
      cwd: folder,
      encoding: 'utf8'
    })
    t.equal(status, 0, `${stdout}${stderr}`)
  }
)
