// Applied: finds where a Kustomization of Flux's changes manifests on their way into the cluster.
import type { Remark } from './flux.ts'
import type { Manifest } from './manifest.ts'

/** A manifest, and the files that say that it is built: its own, and those of the kustomizations above it. */
export interface Built {
  manifest: Manifest
  files: readonly string[]
}

/** A remark on each Kustomization of Flux's among `all` that applies some of `built` otherwise than they are written. */
export function appliedRemarks(all: readonly Manifest[], built: readonly Built[]): Remark[] {
  return all.flatMap(({ apiVersion, kind, value, at }) => {
    if (kind !== 'Kustomization' || !apiVersion.startsWith('kustomize.toolkit.fluxcd.io/')) return []
    const { path, targetNamespace, namePrefix, nameSuffix, patches } = (value['spec'] ?? {}) as Record<string, unknown>
    const folder = typeof path === 'string' ? path.replace(/^(\.?\/)+|\/+$/g, '') : ''
    // Where the repository begins is not known here.
    const below = built.filter(({ files }) => files.some((file) => folder === '' || `/${file}`.includes(`/${folder}/`)))
    const isElsewhere = below.some(({ manifest }) => namespaceOf(manifest) !== targetNamespace)
    const changes = Object.entries({
      targetNamespace: typeof targetNamespace === 'string' && isElsewhere,
      namePrefix: Boolean(namePrefix),
      nameSuffix: Boolean(nameSuffix),
      patches: /\b(Alert|Provider)\b/.test(JSON.stringify(patches ?? []))
    }).flatMap(([field, isOne]) => (isOne ? [field] : []))
    if (below.length === 0 || changes.length === 0) return []
    const where = folder === '' ? '' : ` below ${folder}`
    const message = `this Kustomization of Flux's changes what is${where} (${changes.join(', ')}), and the import does not: import what \`kubectl get -A -o yaml\` shows`
    return [{ ...at(['spec', changes[0] ?? '']), message }]
  })
}

function namespaceOf({ value }: Manifest): unknown {
  return (value['metadata'] as { namespace?: unknown } | undefined)?.namespace
}
