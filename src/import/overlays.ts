// Overlays: follows which kustomization lists which manifest, and does to it what kustomize would, or remarks on it.
import { appliedRemarks, appliersIn, type Built } from './applied.ts'
import { isOurs, type Remark } from './flux.ts'
import type { Kustomization } from './kustomization.ts'
import type { Manifest } from './manifest.ts'
import { word } from './shell.ts'
import { substitute } from './substitution.ts'

export interface Overlaid {
  manifests: Manifest[]
  remarks: Remark[]
}

/**
 * Builds `manifests` as the `kustomizations` that list them do, with the Secrets that these make: in their namespace, and with the
 * values that Flux's Kustomizations give to their variables. There is a remark on every other change, and on what is built more than
 * once.
 */
export function overlay(manifests: readonly Manifest[], kustomizations: readonly Kustomization[]): Overlaid {
  const own = manifests.filter(isOurs)
  const files = [...new Set(own.map(({ at }) => at().file))]
  const concerned = new Set(files.flatMap((file) => above(file, kustomizations)))
  const all = kustomizations.filter((each) => concerned.has(each) || each.patches.some((path) => files.includes(path)))
  const patches = new Set(all.flatMap((each) => each.patches))
  const read = manifests.filter(({ at }) => !patches.has(at().file))
  const generated = all.flatMap((each) => each.secrets.map((secret) => ({ secret, from: each })))
  const placed = read.map((manifest): Built => {
    const { file } = manifest.at()
    return {
      manifest: inNamespace(manifest, namespacesOf(file, kustomizations)),
      files: [file, ...above(file, kustomizations).map((each) => each.file)]
    }
  })
  const { built, remarks } = substitute(placed)
  return {
    manifests: [
      ...built.map(({ manifest }) => manifest),
      ...generated.map(({ secret, from }) => inNamespace(secret, namespacesAbove(from, kustomizations)))
    ],
    remarks: [
      ...all.flatMap((each) => [...hashRemarks(each, own), ...remarksOn(each, kustomizations)]),
      ...appliedRemarks(
        appliersIn(built),
        built.filter(({ manifest }) => isOurs(manifest))
      ),
      ...remarks
    ]
  }
}

function listing(path: string, kustomizations: readonly Kustomization[]): Kustomization[] {
  return kustomizations.filter(({ lists }) => lists.includes(path))
}

/** The kustomizations that build what stands in `file`, directly or through others. */
function above(file: string, kustomizations: readonly Kustomization[]): Kustomization[] {
  const found = new Set(listing(file, kustomizations))
  for (const each of found) {
    for (const other of listing(each.folder, kustomizations)) found.add(other)
  }
  return [...found]
}

/** The namespaces that `file` is built in. The outermost kustomization that names one wins; undefined if none does. */
function namespacesOf(file: string, kustomizations: readonly Kustomization[]): (string | undefined)[] {
  return [...new Set(listing(file, kustomizations).flatMap((each) => namespacesAbove(each, kustomizations)))]
}

function namespacesAbove(
  from: Kustomization,
  kustomizations: readonly Kustomization[],
  inner?: string,
  passed: readonly Kustomization[] = []
): (string | undefined)[] {
  const namespace = from.namespace ?? inner
  const outer = listing(from.folder, kustomizations).filter((each) => !passed.includes(each))
  if (outer.length === 0) return [namespace]
  const way = [...passed, from]
  return [...new Set(outer.flatMap((each) => namespacesAbove(each, kustomizations, namespace, way)))]
}

/** Puts a manifest into its namespace, whatever it says itself, as kustomize does. One that is built in several stays as it is. */
function inNamespace(manifest: Manifest, namespaces: readonly (string | undefined)[]): Manifest {
  const [namespace, ...others] = namespaces
  if (namespace === undefined || others.length > 0) return manifest
  const metadata = typeof manifest.value['metadata'] === 'object' ? manifest.value['metadata'] : {}
  return { ...manifest, value: { ...manifest.value, metadata: { ...metadata, namespace } } }
}

function remarksOn(kustomization: Kustomization, kustomizations: readonly Kustomization[]): Remark[] {
  const { file, folder, changes, isComponent, lineOf } = kustomization
  const users = listing(folder, kustomizations).length
  if (isComponent && users === 0) {
    const message =
      'this is a Component: each kustomization that uses it has its Alerts, in its own namespace. Import what `kubectl get -A -o yaml` shows'
    return [{ file, line: 1, message }]
  }
  const [first] = changes
  const changed = `kustomize changes what this lists (${changes.join(', ')}), and the import does not: import what \`kubectl kustomize ${word(folder)}\` prints`
  const namespaces = namespacesAbove(kustomization, kustomizations).length
  const shared = `${users} kustomizations use this, not all in one namespace: import what \`kubectl kustomize\` prints of each, or what \`kubectl get -A -o yaml\` shows`
  return [
    ...(first === undefined ? [] : [{ file, line: lineOf(first), message: changed }]),
    ...(namespaces > 1 ? [{ file, line: 1, message: shared }] : [])
  ]
}

/** kustomize knows nothing of Providers: their `secretRef` keeps the name without its hash, which is worth a remark. */
function hashRemarks({ secrets, file, lineOf, isConfigured }: Kustomization, own: readonly Manifest[]): Remark[] {
  const named = own.flatMap(({ value }) => {
    const { secretRef } = (value['spec'] ?? {}) as { secretRef?: { name?: unknown } }
    return typeof secretRef?.name === 'string' ? [secretRef.name] : []
  })
  return secrets.flatMap(({ hasHash, value }) => {
    const { name } = value['metadata'] as { name: string }
    if (!hasHash || isConfigured || !named.includes(name)) return []
    const message = `the name of Secret ${name} gets a hash at its end, and the \`secretRef\` of a Provider does not: Flux finds the Secret only with \`disableNameSuffixHash: true\``
    return [{ file, line: lineOf('secretGenerator'), message }]
  })
}
