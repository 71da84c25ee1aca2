// flux-operator: its page points it and the controllers it installs at the relay, and says where its audit events go.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { loadConfig } from '../src/config/config.ts'
import { runTest } from '../src/rehearsal/run-test.ts'
import { loadTests } from '../src/rehearsal/tests-file.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs', 'direct-mode.md'), 'utf8')
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => parse(text))

t.test('the FluxInstance has exactly the patch that the page shows for gotk-components.yaml', async (t) => {
  const [beside] = blocks.filter(({ patches }) => patches !== undefined)
  const [instance] = blocks.filter(({ kind }) => kind === 'FluxInstance')
  t.match(instance, { apiVersion: 'fluxcd.controlplane.io/v1', metadata: { namespace: 'flux-system' } })
  const { patches } = instance.spec.kustomize
  const operationsOf = (patches: { target: object; patch: string }[]) =>
    patches.map(({ target, patch }) => ({ target, patch: parse(patch) }))
  t.strictSame(operationsOf(patches), operationsOf(beside.patches))
  // The operator refuses a patch whose target has a namespace.
  for (const { target } of patches) t.notOk('namespace' in target)
})

t.test('the operator posts to the same address as its controllers, and is admitted', async (t) => {
  const [{ extraEnvs }] = blocks.filter(({ extraEnvs }) => extraEnvs !== undefined)
  const [{ name, value }] = extraEnvs
  t.equal(name, 'NOTIFICATION_CONTROLLER_ADDRESS')
  t.ok(page.includes(`--events-addr=${value}\n`))
  const policy = parse(readFileSync(join(root, 'deploy', 'components', 'direct', 'network.yaml'), 'utf8'))
  const admitted = policy.spec.ingress[0].from.map(({ podSelector }: { podSelector: object }) => podSelector)
  t.ok(
    admitted.some(
      ({ matchLabels }: { matchLabels?: object }) =>
        JSON.stringify(matchLabels) === '{"app.kubernetes.io/name":"flux-operator"}'
    )
  )
})

t.test('one rule decides where audit events of the web UI go, or some of them', async (t) => {
  const [{ rules }] = blocks.filter(({ rules }) => rules !== undefined)
  const [, narrower = ''] = /`match: (\{.*\})`/.exec(page) ?? []
  const tests = (actions: Record<string, boolean>) => ({
    tests: Object.entries(actions).map(([action, isNotified]) => ({
      name: action,
      event: {
        kind: 'Kustomization',
        severity: 'info',
        reason: 'WebAction',
        message: `User 'ada@example.com' performed action '${action}' for 'Kustomization/apps/shop' on the web UI`,
        metadata: { 'event.toolkit.fluxcd.io/action': action, 'event.toolkit.fluxcd.io/username': 'ada@example.com' }
      },
      expect: isNotified ? ['audit'] : []
    }))
  })
  const failuresOf = (match: object, expected: Record<string, boolean>) => {
    const text = JSON.stringify({
      sources: { default: { tokens: ['t'] } },
      destinations: { audit: { preview: true } },
      rules: rules.map((rule: object) => ({ ...rule, match }))
    })
    const { config, problems } = loadConfig(text, 'config.yaml', {})
    if (config === undefined) throw new Error(JSON.stringify(problems))
    const loaded = loadTests(JSON.stringify(tests(expected)), 'tests.yaml', { config, read: () => '' })
    return [...loaded.problems, ...loaded.tests.flatMap((test) => runTest(test, config))]
  }
  t.strictSame(failuresOf(rules[0].match, { suspend: true, reconcile: true, delete: true }), [])
  t.strictSame(failuresOf(parse(narrower), { suspend: true, reconcile: false, delete: true }), [])
})
