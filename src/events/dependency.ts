// Dependencies: find the other objects that an event blames, if a controller names them in so many words. A path, an image or an
// address that looks like an object does not count.
import type { ObjectRef } from './flux.ts'
import { culprits } from './lists.ts'

export type Named = Pick<ObjectRef, 'kind' | 'namespace' | 'name'>

// Kubernetes names: RFC 1123 labels and subdomains.
const namespace = '([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)'
const name = '([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)'
const kind = '([A-Z][A-Za-z]{2,62})'
const sourceKind = '(GitRepository|OCIRepository|Bucket|HelmRepository|HelmChart|ExternalArtifact)'

/**
 * A sentence of a controller that names another object. `hint` is part of every such sentence: looking for it costs less than the
 * pattern. `named` builds the object from the groups; `object`, which the sentence is about, gives the parts that are left out.
 */
interface Sentence {
  hint: string
  pattern: RegExp
  named(groups: readonly (string | undefined)[], object: Pick<ObjectRef, 'kind' | 'namespace'>): Named
}

const ofOwnKind: Sentence['named'] = ([, namespace = '', name = ''], { kind }) => ({ kind, namespace, name })
const ofThatKind: Sentence['named'] = ([, kind = '', namespace, name = ''], object) => ({
  kind,
  namespace: namespace ?? object.namespace,
  name
})

const sentences: readonly Sentence[] = [
  // kustomize-, helm- and tofu-controller checkDependencies: dependsOn names objects of the same kind.
  {
    hint: 'dependency',
    pattern: new RegExp(String.raw`\bdependency '${namespace}/${name}' (?:is not ready|revision is not up to date)\b`),
    named: ofOwnKind
  },
  {
    hint: 'dependency',
    pattern: new RegExp(String.raw`(?:^|\bunable to get |: )'${namespace}/${name}' dependency(?::| does not exist\b)`),
    named: ofOwnKind
  },
  // flux-operator: dependency kustomize.toolkit.fluxcd.io/v1/Kustomization/apps/shop not ready: status InProgress
  {
    hint: 'dependency',
    pattern: new RegExp(
      String.raw`\bdependency [a-z0-9.-]{1,100}/v\d[a-z0-9]{0,20}/${kind}/${namespace}/${name} not (?:ready|found)\b`
    ),
    named: ofThatKind
  },
  {
    hint: 'failed to get ',
    pattern: new RegExp(String.raw`\bfailed to get (?:provider|inputs from) ${namespace}/${name}:`),
    named: ([, namespace = '', name = '']) => ({ kind: 'ResourceSetInputProvider', namespace, name })
  },
  // helm-controller: HelmChart 'flux-system/apps-shop' is not ready
  {
    hint: ' not ',
    pattern: new RegExp(String.raw`\b${sourceKind} '${namespace}/${name}' is not (?:ready|found)\b`),
    named: ofThatKind
  },
  // Source 'GitRepository/flux-system/fleet' not found; without the namespace if it is the object's own.
  {
    hint: ' not ',
    pattern: new RegExp(
      String.raw`\b[Ss]ource '${sourceKind}/(?:${namespace}/)?${name}' (?:is )?not (?:ready|found|accessible)\b`
    ),
    named: ofThatKind
  },
  {
    hint: ' not ',
    pattern: new RegExp(String.raw`(?:^|[\s(])${kind}/${namespace}/${name} (?:is )?not (?:ready|found)\b`),
    named: ofThatKind
  },
  // source-controller: no artifact available for HelmRepository source 'podinfo', which is in the chart's own namespace. In the
  // message of a HelmRelease, the name of that chart stands before it.
  {
    hint: ' source ',
    pattern: new RegExp(String.raw`\bno artifact available for ${sourceKind} source '()${name}'`),
    named: ([, kind = '', , name = ''], object) => ({ kind, namespace: object.namespace, name })
  }
]

// Charts and their hooks say what follows, not helm-controller (internal/reconcile/release.go).
const helmLogs = '\n\nLast Helm logs:\n'

/**
 * Finds the objects that `text`, a message of `object`, names as what it waits for or needs: at most one per sentence, in the order
 * of {@link sentences}, then those of a health check.
 */
export function blamedBy(object: ObjectRef, text: string): Named[] {
  const [message = ''] = text.split(helmLogs, 1)
  const found: Named[] = []
  for (const { hint, pattern, named } of sentences) {
    if (!message.includes(hint)) continue
    const groups = pattern.exec(message)
    if (groups !== null) found.push(named(groups, chartIn(found) ?? object))
  }
  return [...found, ...unhealthy(message)]
}

/** Returns the chart among the objects found, if there is one: the rest of the text is what the chart says. */
function chartIn(found: readonly Named[]): Named | undefined {
  return found.find(({ kind }) => kind === 'HelmChart')
}

// fluxcd/pkg ssa/manager_wait.go: health check failed after 5m: timeout waiting for: [HelmRelease/apps/shop status: 'Failed']
const healthEntry = new RegExp(
  String.raw`(?<=\[|, |can't determine status for )${kind}/${namespace}/${name}(?: status: '| \(unknown status\)|[,\]])`,
  'g'
)
// flux-operator adds a line for each of Flux's own objects below the list.
const healthLine = new RegExp(`^${kind}/${namespace}/${name} status: `, 'gm')

function unhealthy(message: string): Named[] {
  const list = culprits.exec(message)
  if (list === null) return []
  const rest = message.slice(list.index)
  return [...rest.matchAll(healthEntry), ...rest.matchAll(healthLine)].map(
    ([, kind = '', namespace = '', name = '']) => ({ kind, namespace, name })
  )
}
