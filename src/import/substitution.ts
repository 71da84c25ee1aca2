// Substitution: fills in the variables of manifests as the Kustomizations of Flux that apply them do. How Flux does it:
// fluxcd/pkg kustomize/kustomize_varsub.go and envsubst.
import { type Applier, appliersIn, type Built, isAppliedBy } from './applied.ts'
import { isOurs, type Remark } from './flux.ts'
import { recordOf } from './manifest.ts'

/** The values that one Kustomization gives to variables. */
interface Values {
  /** By the name of the variable; undefined if it has a value that cannot be read. */
  texts: Map<string, string | undefined>
  /** True if there are no other values, so that a variable that is not among them has its default. */
  isAll: boolean
}

/**
 * Fills in `built` with the values (`spec.postBuild`) of the nearest Kustomization of Flux's that applies each: those that stand in it,
 * and those of ConfigMaps among `built`. What several fill in differently stays as it is, with a remark. What only a Secret knows, or
 * something that is not among `built`, stays as well.
 */
export function substitute(built: readonly Built[]): { built: Built[]; remarks: Remark[] } {
  const appliers = appliersIn(built)
  const disagreeing = new Map<string, Applier[]>()
  const filled = built.map((each): Built => {
    const { values, disagreed } = substituted(each, { appliers, built }, [])
    if (disagreed.length > 0 && isOurs(each.manifest)) disagreeing.set(disagreed.map(placeOf).join(), disagreed)
    return values === undefined ? each : { ...each, manifest: { ...each.manifest, value: values } }
  })
  return { built: filled, remarks: [...disagreeing.values()].flatMap(remarksOn) }
}

/** Everything that is imported. */
interface All {
  appliers: readonly Applier[]
  built: readonly Built[]
}

/** Fills in one manifest. `passed` are Kustomizations that are being asked already: that of a cluster applies itself, too. */
function substituted(
  { manifest, files }: Built,
  imported: All,
  passed: readonly Applier[]
): { values?: Record<string, unknown>; disagreed: Applier[] } {
  if (isDisabled(manifest.value) || !JSON.stringify(manifest.value).includes('${')) return { disagreed: [] }
  const all = imported.appliers.filter(
    (each) => !passed.includes(each) && each.manifest !== manifest && isAppliedBy(each, files)
  )
  const nearest = all.filter(({ folder }) => !all.some((other) => isInside(other.folder, folder)))
  const ways = nearest.map((by) => ({
    by,
    value: fill(manifest.value, valuesOf(by, imported, [...passed, by])) as Record<string, unknown>
  }))
  const [first, ...others] = new Map(ways.map((way) => [JSON.stringify(way.value), way])).values()
  if (first === undefined) return { disagreed: [] }
  return others.length === 0 ? { values: first.value, disagreed: [] } : { disagreed: nearest }
}

function isInside(folder: string, other: string): boolean {
  return folder !== other && (other === '' || folder.startsWith(`${other}/`))
}

/** The values of `applier`; undefined if it fills in nothing, because Flux then leaves defaults alone, too. */
function valuesOf(applier: Applier, imported: All, passed: readonly Applier[]): Values | undefined {
  // A Kustomization may itself be applied by one with values, and pass them on.
  const own = substituted(applier, imported, passed).values ?? applier.manifest.value
  const { substitute, substituteFrom } = recordOf(recordOf(own['spec'])['postBuild'])
  const references = Array.isArray(substituteFrom) ? substituteFrom.map(recordOf) : []
  const pairs = Object.entries(recordOf(substitute))
  if (pairs.length + references.length === 0) return undefined
  const values: Values = { texts: new Map(), isAll: true }
  // A later reference wins over those before it, and what stands in the Kustomization itself over all of them.
  for (const { kind, name } of references) {
    const [found, ...others] = imported.built.filter(
      ({ manifest }) => manifest.kind === kind && isNamesake(manifest.value, name, own)
    )
    if (found === undefined || others.length > 0) {
      values.texts.clear()
      values.isAll = false
      continue
    }
    const { data, stringData } = found.manifest.value
    for (const [key, value] of Object.entries({ ...recordOf(data), ...recordOf(stringData) }))
      values.texts.set(key, kind === 'ConfigMap' ? legible(value) : undefined)
  }
  for (const [key, value] of pairs) values.texts.set(key, legible(value))
  return values
}

/** Reports whether `value` is called `name`, in the namespace of `kustomization` if both name one. */
function isNamesake(value: Record<string, unknown>, name: unknown, kustomization: Record<string, unknown>): boolean {
  const { name: own, namespace } = recordOf(value['metadata'])
  const { namespace: here } = recordOf(kustomization['metadata'])
  return own === name && (namespace === undefined || here === undefined || namespace === here)
}

/** A value as Flux puts it. Undefined if SOPS has encrypted it, or if something is yet to be filled in there. */
function legible(value: unknown): string | undefined {
  return typeof value === 'string' && !/^ENC\[|\$\{/.test(value) ? value.replaceAll('\n', '') : undefined
}

/** True if a label or an annotation of the manifest itself switches it off. */
function isDisabled(value: Record<string, unknown>): boolean {
  const { labels, annotations } = recordOf(value['metadata'])
  return [labels, annotations].some((of) => recordOf(of)['kustomize.toolkit.fluxcd.io/substitute'] === 'disabled')
}

function fill(value: unknown, values: Values | undefined): unknown {
  if (values === undefined) return value
  if (typeof value === 'string') return fillText(value, values)
  if (Array.isArray(value)) return value.map((each) => fill(each, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner, values)]))
}

/** Fills in `${cluster}`, `${cluster:=usual}`, `${cluster=usual}` and `${cluster:-usual}`. Anything else stays, `$${cluster}` too. */
function fillText(text: string, { texts, isAll }: Values): string | boolean {
  const filled = text.replace(/\$?\$\{(?:[^${}]|\$\{[^{}]*\})*\}/g, (variable) => {
    const [, name, usual] = /^\$\{([A-Za-z_]\w*)(?:(?::?=|:-)([^{}]*))?\}$/.exec(variable) ?? []
    if (name === undefined) return variable
    const value = texts.get(name)
    if (value === undefined && (texts.has(name) || !isAll)) return variable
    // An empty value counts as none. Without a default, Flux puts nothing, or refuses all of it: nobody wants either.
    return value || (usual ?? variable)
  })
  // Flux fills in the text of a manifest: `suspend: ${paused}` becomes a boolean.
  return filled !== text && /^(true|false)$/.test(filled) ? filled === 'true' : filled
}

function remarksOn([first, ...others]: readonly Applier[]): Remark[] {
  if (first === undefined) return []
  const where = first.folder === '' ? 'the same' : `what is below ${first.folder}`
  const message = `this Kustomization of Flux's and ${others.map(placeOf).join(', ')} fill in ${where} differently (postBuild), and the import cannot know which is meant: import one cluster's folder together with what it applies, or what \`kubectl get -A -o yaml\` shows`
  return [{ ...first.manifest.at(['spec', 'postBuild']), message }]
}

function placeOf({ manifest }: Applier): string {
  const { file, line } = manifest.at()
  return `${file}:${line}`
}
