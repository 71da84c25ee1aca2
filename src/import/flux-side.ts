// Flux's side: writes the manifests that make Flux post to the relay what the imported Alerts were about.
import { Document } from 'yaml'
import { clean, oneLine } from '../legible.ts'
import { compileGlobs, isGlob } from '../patterns.ts'
import { distinct, hmacVariable } from './destination.ts'
import type { Feed } from './feeds.ts'
import type { Import } from './import.ts'
import { word } from './shell.ts'
import type { EventSource } from './sources.ts'

/** No released Flux serves v1 of these kinds, whatever a guide says. */
const apiVersion = 'notification.toolkit.fluxcd.io/v1beta3'

/** A Provider and Alerts for `namespace`, with the command that makes their Secret. `relayUrl` is where Flux finds the relay. */
export function feedOf({ replaced, feeds }: Import, relayUrl: string, namespace: string): string {
  const provider = manifest('Provider', 'flux-relay', namespace, {
    type: 'generic-hmac',
    address: relayUrl,
    secretRef: { name: 'flux-relay' },
    // Five tries instead of four: the timeout cuts notification-controller's back-off short.
    timeout: '60s'
  })
  provider.commentBefore = [
    ' Makes Flux post to the relay. The Secret with the key that both share has to be there (deploy/README.md):',
    `   kubectl -n ${word(namespace)} create secret generic flux-relay --from-literal=token="$${hmacVariable}"`,
    ' When the relay posts, suspend the Alerts it replaces, or everything is posted twice:',
    ...replaced.map(({ name, namespace: own }) => `   flux suspend alert ${word(name)} -n ${word(own)}`)
  ].join('\n')
  const taken = new Set<string>()
  const alerts = feeds.map((feed, at) => {
    const [{ name }] = feed.alerts as [Feed['alerts'][0]]
    const own = distinct(feeds.length === 1 ? 'flux-relay' : `flux-relay-${name}`, taken, 253)
    return alertOf(feed, own, namespace, at === 0)
  })
  return [provider, ...alerts].map((document) => document.toString({ lineWidth: 0 })).join('---\n')
}

function alertOf({ sources, metadata }: Feed, name: string, namespace: string, isFirst: boolean): Document {
  const posted = sources.filter((source) => !isGlob(source.namespace))
  const everywhere = sources.filter((source) => isGlob(source.namespace))
  // An Alert has to name at least one source.
  const named = posted.length > 0 ? posted : everywhere.map((source) => ({ ...source, namespace }))
  const alert = manifest('Alert', name, namespace, {
    providerRef: { name: 'flux-relay' },
    eventSeverity: 'info',
    ...(Object.keys(metadata).length > 0 && { eventMetadata: metadata }),
    eventSources: named.flatMap(eventSources)
  })
  const isForeign = named.some((source) => source.namespace !== namespace)
  const comments = [
    ...(isFirst ? ['info, although the rules may ask for errors only: the end of a failure is not an error.'] : []),
    ...strangeKinds(named.map(({ kind }) => kind)),
    ...new Set(
      everywhere.map(
        (source) =>
          `${source.kind} in namespaces like ${source.namespace}: Flux has no wildcard there; add a source for each namespace.`
      )
    ),
    ...(isForeign ? [`It is about other namespaces than ${namespace}: not with --no-cross-namespace-refs.`] : [])
  ]
  if (comments.length > 0) alert.commentBefore = comments.map((line) => ` ${oneLine(clean(line))}`).join('\n')
  return alert
}

/** A source as Flux takes it, which knows no globs: a kind that is a glob becomes each kind that it matches. */
function eventSources({ kind, namespace, name, labels }: EventSource): object[] {
  const { matches } = compileGlobs(kind)
  const kinds = isGlob(kind) ? [...stockKinds].filter(matches) : [kind]
  const rest = { name, namespace, ...(labels && { matchLabels: labels }) }
  return kinds.map((each) => ({ kind: each, ...rest }))
}

// notification-controller config/crd/bases/notification.toolkit.fluxcd.io_alerts.yaml of 1.9.3.
const stockKinds = new Set([
  ...['Bucket', 'GitRepository', 'Kustomization', 'HelmRelease', 'HelmChart', 'HelmRepository', 'ImageRepository'],
  ...['ImagePolicy', 'ImageUpdateAutomation', 'OCIRepository', 'ArtifactGenerator', 'ExternalArtifact']
])

function strangeKinds(kinds: readonly string[]): string[] {
  const strange = [...new Set(kinds)].filter((kind) => !stockKinds.has(kind) && !isGlob(kind))
  if (strange.length === 0) return []
  return [
    `${strange.join(', ')}: only where the CRD of Alert was extended, as Flux Operator and tofu-controller have it done.`,
    'Elsewhere the API server refuses the whole Alert: delete those lines.'
  ]
}

function manifest(kind: string, name: string, namespace: string, spec: object): Document {
  const made = new Document({ apiVersion, kind, metadata: { name, namespace }, spec })
  for (const path of [['metadata'], ['spec', 'secretRef'], ['spec', 'providerRef']]) {
    const node = made.getIn(path) as { flow?: boolean } | undefined
    if (node !== undefined) node.flow = true
  }
  return made
}
