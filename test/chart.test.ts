// Chart: its values and its pages agree with deploy/ and with each other; test/long/helm.test.ts renders it.
import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { HelmRelease } from '@kubernetes-models/flux-cd/helm.toolkit.fluxcd.io/v2/HelmRelease'
import { OCIRepository } from '@kubernetes-models/flux-cd/source.toolkit.fluxcd.io/v1/OCIRepository'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../src/config/config.ts'
import { faultsOf, type Manifest } from './fixtures/manifests.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const values = parse(read('deploy/chart/values.yaml'))
const schema = JSON.parse(read('deploy/chart/values.schema.json'))
const fitsSchema = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema)

/** The paths of all maps and values in it, as far as the schema names them. */
function pathsOf(value: unknown, options: { properties?: Record<string, object> }, path = ''): string[] {
  const { properties } = options
  if (properties === undefined || typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, child]) => pathsOf(child, properties[key] ?? {}, `${path}/${key}`))
}

function optionsOf(schema: { properties?: Record<string, object> }, path = ''): string[] {
  const { properties } = schema
  if (properties === undefined) return [path]
  return Object.entries(properties).flatMap(([key, child]) => optionsOf(child, `${path}/${key}`))
}

t.test('values.yaml has exactly the values of the schema', async (t) => {
  t.ok(fitsSchema(values), JSON.stringify(fitsSchema.errors))
  const ofParents = ['/enabled', '/global']
  t.strictSame(
    pathsOf(values, schema).sort(),
    optionsOf(schema)
      .filter((path) => !ofParents.includes(path) && !path.startsWith('/resources/claims'))
      .sort()
  )
})

t.test('every value is used by a template', async (t) => {
  const folder = join(root, 'deploy', 'chart', 'templates')
  const templates = readdirSync(folder).map((name) => read(`deploy/chart/templates/${name}`))
  const used = templates.join('\n')
  for (const path of optionsOf(schema).map((each) => each.slice(1).split('/'))) {
    const [first = '', second = ''] = path
    if (['enabled', 'global'].includes(first)) continue
    const whole = new RegExp(`\\.Values\\.${first}\\b(?!\\.)`)
    t.ok(used.includes(`.Values.${path.join('.')}`) || whole.test(used), path.join('.'))
    if (first === 'image') t.ok(used.includes(`.${second}`), path.join('.'))
  }
})

t.test('a misspelt, mistyped or impossible value is refused', async (t) => {
  for (const wrong of [
    { imgae: {} },
    { image: { repository: '' } },
    { image: { repository: 'a/b', digest: 'sha256:abc' } },
    { config: { cluster: 'a map' } },
    { config: '' },
    { secret: '' },
    { secret: { name: 'flux-relay' } },
    { postgres: { enabled: 'true' } },
    { postgres: { replicas: 0 } },
    { persistence: { size: '1 GB' } },
    { alert: { kinds: [] } },
    { alert: { namespaces: ['*'] } },
    { podLabels: { 'app.kubernetes.io/name': 'mine' } },
    { podAnnotations: { a: 1 } },
    { env: [{ value: 'no name' }] },
    { fullnameOverride: 'Relay' },
    // Half a byte, and 512 bytes: Kubernetes accepts both, but no pod starts.
    ...['512m', '512', 512, '0.5'].map((memory) => ({ resources: { limits: { memory } } })),
    { resources: { requests: { memory: '192m' } } },
    // Kubernetes accepts each of them as a selector of nothing.
    { flux: { namespace: 'flux.system' } },
    { monitoring: { namespace: 'a'.repeat(64) } },
    { alert: { namespaces: ['apps', 'team.a'] } }
  ]) {
    t.notOk(fitsSchema({ ...values, ...wrong }), JSON.stringify(wrong))
  }
  for (const memory of ['512Mi', '0.5Gi', '536870912', 536_870_912, '500M', null])
    t.ok(fitsSchema({ ...values, resources: { limits: { memory, cpu: '100m' } } }), `${memory}`)
})

t.test('the chart repeats nothing of deploy/ unless a link or a comparison keeps it the same', async (t) => {
  t.equal(values.config, read('deploy/base/config.yaml'))
  for (const name of ['rules.yaml', 'dashboard.json']) {
    const link = join(root, 'deploy', 'chart', 'files', name)
    t.ok(lstatSync(link).isSymbolicLink(), name)
    t.equal(realpathSync(link), realpathSync(join(root, 'deploy', 'components', 'monitoring', name)))
  }
  const { version, description } = JSON.parse(read('package.json'))
  t.match(parse(read('deploy/chart/Chart.yaml')), { name: 'flux-relay', version, appVersion: version, description })
})

const environment = { FLUX_HMAC_KEY: 'key', SLACK_PLATFORM_URL: 'https://hooks.slack.com/services/T/B/x' }

t.test("the manifests on the chart's page are what Flux accepts", async (t) => {
  const page = read('deploy/chart/README.md')
  const [source, release] = yamlOf(page) as [OCIRepository & Manifest, HelmRelease & Manifest]
  // Flux accepts any values; the chart's schema judges them below.
  const withoutValues = { ...release, spec: { ...release.spec, values: {} } } as unknown as Manifest
  for (const manifest of [source, withoutValues]) {
    t.strictSame(faultsOf(manifest), [], manifest.kind)
    t.equal(manifest.metadata.namespace, 'flux-system')
  }
  const { version } = JSON.parse(read('package.json'))
  t.match(source.spec, { ref: { tag: version }, layerSelector: { operation: 'copy' } })
  t.strictSame(release.spec?.chartRef, { kind: source.kind, name: source.metadata.name })
  t.match(release.metadata, { annotations: { 'kustomize.toolkit.fluxcd.io/substitute': 'disabled' } })
  t.equal(release.metadata.name, 'flux-relay', 'the release has this name, and so has everything in it')
  const theirs = release.spec?.values as { config: string; alert: object }
  t.ok(
    fitsSchema({ ...values, ...theirs, alert: { ...values.alert, ...theirs.alert } }),
    JSON.stringify(fitsSchema.errors)
  )
  t.strictSame(loadConfig(theirs.config, 'config.yaml', environment).problems, [])
  t.match(page, `--version ${version} `)
  const named = [...page.matchAll(/^\| ((?:`[\w.]+`(?:, )?)+) \|/gm)].flatMap(([, names = '']) =>
    names.match(/[\w.]+/g)
  )
  t.ok(named.length > 8)
  for (const name of named) {
    const [first = '', ...rest] = name?.startsWith('.') ? ['networkPolicy', name.slice(1)] : (name ?? '').split('.')
    t.ok(rest.length === 0 ? first in values : rest[0] !== undefined && rest[0] in values[first], name ?? '')
  }
})

t.test('Flux can follow pushed manifests instead of a checkout', async (t) => {
  const source = yamlOf(read('deploy/README.md')).find(({ kind }) => kind === OCIRepository.name)
  t.strictSame(source && faultsOf(source), [])
  const { version } = JSON.parse(read('package.json'))
  t.match(source, { metadata: { name: 'flux-relay' }, spec: { ref: { tag: version } } })
  const path = /`path: \.\/(\w+)`/.exec(read('deploy/README.md'))?.[1] ?? ''
  const { jobs } = parse(read('.github/workflows/release.yaml'))
  const push = jobs.artifacts.steps.find(({ run = '' }) => run.includes('flux push artifact')).run
  const pushed = / --path (\w+) /.exec(push)?.[1] ?? ''
  t.ok(lstatSync(join(root, pushed, path, 'kustomization.yaml')).isFile(), 'what is pushed has that path')
})

function yamlOf(page: string): Manifest[] {
  return [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = '']) =>
    parseAllDocuments(text).map((document) => document.toJS())
  )
}
