// Applied: finds what Flux's own Kustomizations apply, and where they change it on its way into the cluster.
import type { Remark } from './flux.ts'
import type { Manifest } from './manifest.ts'

/** A manifest, and the files that it is built from: its own, and those of the kustomizations above it. */
export interface Built {
  manifest: Manifest
  files: readonly string[]
}

/** A Kustomization of Flux's. */
export interface Applier extends Built {
  /** The folder that it applies, from the root of its repository: `clusters/prod`. Empty for all of it. */
  folder: string
  spec: Record<string, unknown>
}

/** Finds the Kustomizations of Flux's among `built`. */
export function appliersIn(built: readonly Built[]): Applier[] {
  return built.flatMap(({ manifest, files }) => {
    const { apiVersion, kind, value } = manifest
    if (kind !== 'Kustomization' || !apiVersion.startsWith('kustomize.toolkit.fluxcd.io/')) return []
    const spec = (value['spec'] ?? {}) as Record<string, unknown>
    const { path } = spec
    return [{ manifest, files, spec, folder: typeof path === 'string' ? path.replace(/^(\.?\/)+|\/+$/g, '') : '' }]
  })
}

/** Reports whether `files` are in the folder of `applier`. Where its repository begins in their paths is not known here. */
export function isAppliedBy({ folder }: Applier, files: readonly string[]): boolean {
  return files.some((file) => folder === '' || `/${file}`.includes(`/${folder}/`))
}

/** Makes a remark on each of `appliers` that changes some of `built` when it applies them. */
export function appliedRemarks(appliers: readonly Applier[], built: readonly Built[]): Remark[] {
  return appliers.flatMap((applier) => {
    const { folder } = applier
    const { targetNamespace, namePrefix, nameSuffix, patches } = applier.spec
    const below = built.filter(({ files }) => isAppliedBy(applier, files))
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
    return [{ ...applier.manifest.at(['spec', changes[0] ?? '']), message }]
  })
}

function namespaceOf({ value }: Manifest): unknown {
  return (value['metadata'] as { namespace?: unknown } | undefined)?.namespace
}
