// Flux's side: writes the manifests that make Flux post to the relay what the imported Alerts were about.
import { Document } from 'yaml'
import { hmacVariable } from './destination.ts'
import type { Import } from './import.ts'
import { withoutCovered } from './sources.ts'

const group = 'notification.toolkit.fluxcd.io'

/** A Provider and an Alert for `namespace`, and how to make their Secret; `relayUrl` is where Flux finds the relay. */
export function feedOf({ takeovers, metadata }: Import, relayUrl: string, namespace: string): string {
  const sources = withoutCovered(takeovers.flatMap((takeover) => takeover.sources))
  const isForeign = sources.some((source) => source.namespace !== namespace)
  // Flux 2.10 brings v1; who has it shows it.
  const hasV1 = takeovers.some(({ alert }) => alert.apiVersion === `${group}/v1`)
  const common = { apiVersion: `${group}/${hasV1 ? 'v1' : 'v1beta3'}`, metadata: { name: 'flux-relay', namespace } }
  const provider = manifest('Provider', common, {
    type: 'generic-hmac',
    address: relayUrl,
    secretRef: { name: 'flux-relay' },
    // Five tries instead of four (facts: notification-controller's back-off, which the timeout cuts short).
    timeout: '60s'
  })
  provider.commentBefore = [
    ' Makes Flux post to the relay. The Secret with the key that both share has to be there (deploy/README.md):',
    `   kubectl -n ${namespace} create secret generic flux-relay --from-literal=token="$${hmacVariable}"`,
    ' When the relay posts, suspend the Alerts it replaces, or everything is posted twice:',
    ...takeovers.map(({ alert }) => `   flux suspend alert ${alert.name} -n ${alert.namespace}`)
  ].join('\n')
  const alert = manifest('Alert', common, {
    providerRef: { name: 'flux-relay' },
    eventSeverity: 'info',
    ...(Object.keys(metadata).length > 0 && { eventMetadata: metadata }),
    eventSources: sources.map(({ kind, name, namespace: where }) => ({ kind, name, namespace: where }))
  })
  alert.commentBefore = [
    ' info, although the rules may ask for errors only: the end of a failure is not an error.',
    ...strangeKinds(sources.map(({ kind }) => kind)),
    ...(isForeign ? [` It is about other namespaces than ${namespace}: not with --no-cross-namespace-refs.`] : [])
  ].join('\n')
  return `${provider.toString({ lineWidth: 0 })}---\n${alert.toString({ lineWidth: 0 })}`
}

// notification-controller config/crd/bases/notification.toolkit.fluxcd.io_alerts.yaml of 1.9.3.
const stockKinds = new Set([
  ...['Bucket', 'GitRepository', 'Kustomization', 'HelmRelease', 'HelmChart', 'HelmRepository', 'ImageRepository'],
  ...['ImagePolicy', 'ImageUpdateAutomation', 'OCIRepository', 'ArtifactGenerator', 'ExternalArtifact']
])

function strangeKinds(kinds: readonly string[]): string[] {
  const strange = [...new Set(kinds)].filter((kind) => !stockKinds.has(kind))
  if (strange.length === 0) return []
  return [
    ` ${strange.join(', ')}: only where the CRD of Alert was extended, as Flux Operator and tofu-controller have it done.`,
    ' Elsewhere the API server refuses the whole Alert: delete those lines.'
  ]
}

function manifest(
  kind: string,
  { apiVersion, metadata }: { apiVersion: string; metadata: object },
  spec: object
): Document {
  const made = new Document({ apiVersion, kind, metadata, spec })
  for (const path of [['metadata'], ['spec', 'secretRef'], ['spec', 'providerRef']]) {
    const node = made.getIn(path) as { flow?: boolean } | undefined
    if (node !== undefined) node.flow = true
  }
  return made
}
