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
 * Builds `manifests` as the `kustomizations` that list them do, with the Secrets that these make: once for each namespace, and with
 * the values that Flux's Kustomizations give to their variables. A remark is made on every other change, and on a namespace that
 * cannot be known.
 */
export function overlay(manifests: readonly Manifest[], kustomizations: readonly Kustomization[]): Overlaid {
  const own = manifests.filter(isOurs)
  const files = [...new Set(own.map(({ at }) => at().file))]
  const concerned = new Set(files.flatMap((file) => above(file, kustomizations)))
  const all = kustomizations.filter((each) => concerned.has(each) || each.patches.some((path) => files.includes(path)))
  const patches = new Set(all.flatMap((each) => each.patches))
  const read = manifests.filter(({ at }) => !patches.has(at().file))
  const generated = all.flatMap((each) => each.secrets.map((secret) => ({ secret, from: each })))
  const placed = read.flatMap((manifest): Built[] => {
    const { file } = manifest.at()
    return builtIn(manifest, waysOf(file, kustomizations)).map(({ manifest, files }) => ({
      manifest,
      files: [file, ...files]
    }))
  })
  const { built, remarks } = substitute(placed)
  return {
    manifests: [
      ...built.map(({ manifest }) => manifest),
      ...generated.flatMap(({ secret, from }) =>
        builtIn(secret, waysAbove(from, kustomizations)).map(({ manifest }) => manifest)
      )
    ],
    remarks: [
      ...all.flatMap((each) => [...hashRemarks(each, own), ...remarksOn(each, { files, kustomizations })]),
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

/** One build of a manifest: into a namespace, if one is named, by the kustomizations in these files. */
interface Way {
  namespace: string | undefined
  files: string[]
}

function waysOf(file: string, kustomizations: readonly Kustomization[]): Way[] {
  return listing(file, kustomizations).flatMap((each) => waysAbove(each, kustomizations))
}

/** Follows the kustomizations above `from`. The outermost that names a namespace wins. */
function waysAbove(
  from: Kustomization,
  kustomizations: readonly Kustomization[],
  inner?: string,
  passed: readonly Kustomization[] = []
): Way[] {
  const namespace = from.namespace ?? inner
  const outer = listing(from.folder, kustomizations).filter((each) => !passed.includes(each))
  const way = [...passed, from]
  if (outer.length === 0) return [{ namespace, files: way.map(({ file }) => file) }]
  return outer.flatMap((each) => waysAbove(each, kustomizations, namespace, way))
}

/**
 * Puts a manifest into each namespace that kustomize builds it in, whatever namespace it has itself. If one of the builds names no
 * namespace, the manifest stays as it is.
 */
function builtIn(manifest: Manifest, ways: readonly Way[]): Built[] {
  const byNamespace = Map.groupBy(ways, ({ namespace }) => namespace)
  if (byNamespace.size === 0 || byNamespace.has(undefined)) {
    return [{ manifest, files: ways.flatMap(({ files }) => files) }]
  }
  const isOne = byNamespace.size === 1
  const metadata = typeof manifest.value['metadata'] === 'object' ? manifest.value['metadata'] : {}
  return [...byNamespace].map(([namespace, same]) => ({
    manifest: {
      ...manifest,
      ...(!isOne && { of: manifest }),
      value: { ...manifest.value, metadata: { ...metadata, namespace } }
    },
    files: same.flatMap(({ files }) => files)
  }))
}

function remarksOn(
  kustomization: Kustomization,
  { files, kustomizations }: { files: readonly string[]; kustomizations: readonly Kustomization[] }
): Remark[] {
  const { file, folder, changes, isComponent, lists, lineOf } = kustomization
  const users = listing(folder, kustomizations).length
  if (isComponent && users === 0) {
    const message =
      'this is a Component: each kustomization that uses it has its Alerts, in its own namespace. Import what `kubectl get -A -o yaml` shows'
    return [{ file, line: 1, message }]
  }
  const [first] = changes
  const changed = `kustomize changes what this lists (${changes.join(', ')}), and the import does not: import what \`kubectl kustomize ${word(folder)}\` prints`
  const namespaces = new Set(waysAbove(kustomization, kustomizations).map(({ namespace }) => namespace))
  const isUnclear = namespaces.size > 1 && namespaces.has(undefined) && lists.some((path) => files.includes(path))
  const shared =
    'several kustomizations build this, and not each of them in a namespace that is said here: import what `kubectl kustomize` prints of each, or what `kubectl get -A -o yaml` shows'
  return [
    ...(first === undefined ? [] : [{ file, line: lineOf(first), message: changed }]),
    ...(isUnclear ? [{ file, line: 1, message: shared }] : [])
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
