// Substitution: fills in the variables of manifests with what Flux's Kustomizations say that apply them. How Flux does it:
// fluxcd/pkg kustomize/kustomize_varsub.go and envsubst.
import { type Applier, appliersIn, type Built, isAppliedBy } from './applied.ts'
import { isOurs, type Remark } from './flux.ts'

/** What one Kustomization puts for variables. */
interface Values {
  /** Their texts by name. */
  known: Record<string, string>
  /** There are no others, so that a variable that is not among them has its default. */
  isAll: boolean
}

/**
 * `built` with the inline values (`spec.postBuild.substitute`) of the nearest Kustomization of Flux's that applies each. What
 * several fill in differently stays as it is, which is a remark, and so does what only a ConfigMap or a Secret knows.
 */
export function substitute(built: readonly Built[]): { built: Built[]; remarks: Remark[] } {
  const appliers = appliersIn(built)
  const disagreeing = new Map<string, Applier[]>()
  const filled = built.map((each): Built => {
    const { values, disagreed } = substituted(each, appliers, [])
    if (disagreed.length > 0 && isOurs(each.manifest)) disagreeing.set(disagreed.map(placeOf).join(), disagreed)
    return values === undefined ? each : { ...each, manifest: { ...each.manifest, value: values } }
  })
  return { built: filled, remarks: [...disagreeing.values()].flatMap(remarksOn) }
}

/** `passed` are being asked already: the Kustomization of a cluster applies itself, too. */
function substituted(
  { manifest, files }: Built,
  appliers: readonly Applier[],
  passed: readonly Applier[]
): { values?: Record<string, unknown>; disagreed: Applier[] } {
  if (isDisabled(manifest.value) || !JSON.stringify(manifest.value).includes('${')) return { disagreed: [] }
  const all = appliers.filter(
    (each) => !passed.includes(each) && each.manifest !== manifest && isAppliedBy(each, files)
  )
  const nearest = all.filter(({ folder }) => !all.some((other) => isInside(other.folder, folder)))
  const ways = nearest.map((by) => ({
    by,
    value: fill(manifest.value, valuesOf(by, appliers, [...passed, by])) as Record<string, unknown>
  }))
  const [first, ...others] = new Map(ways.map((way) => [JSON.stringify(way.value), way])).values()
  if (first === undefined) return { disagreed: [] }
  return others.length === 0 ? { values: first.value, disagreed: [] } : { disagreed: nearest }
}

function isInside(folder: string, other: string): boolean {
  return folder !== other && (other === '' || folder.startsWith(`${other}/`))
}

/** Undefined where it fills in nothing: Flux then leaves defaults alone, too. */
function valuesOf(applier: Applier, appliers: readonly Applier[], passed: readonly Applier[]): Values | undefined {
  // A Kustomization may itself be applied by one with values, and pass them on.
  const own = substituted(applier, appliers, passed).values ?? applier.manifest.value
  const { substitute, substituteFrom } = recordOf(recordOf(own['spec'])['postBuild'])
  const pairs = Object.entries(recordOf(substitute))
  const isFromElsewhere = Array.isArray(substituteFrom) && substituteFrom.length > 0
  if (pairs.length === 0) return undefined
  const known = pairs.flatMap(([name, value]) =>
    typeof value === 'string' && !value.includes('${') ? [[name, value.replaceAll('\n', '')]] : []
  )
  return { known: Object.fromEntries(known), isAll: known.length === pairs.length && !isFromElsewhere }
}

/** Either on the manifest itself. */
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

/** `${cluster}`, `${cluster:=usual}`, `${cluster=usual}` and `${cluster:-usual}`; whatever else there is stays, `$${cluster}` too. */
function fillText(text: string, { known, isAll }: Values): string | boolean {
  const filled = text.replace(/\$?\$\{(?:[^${}]|\$\{[^{}]*\})*\}/g, (variable) => {
    const [, name, usual] = /^\$\{([A-Za-z_]\w*)(?:(?::?=|:-)([^{}]*))?\}$/.exec(variable) ?? []
    if (name === undefined || (!isAll && !Object.hasOwn(known, name))) return variable
    // An empty value is none. Without a default Flux puts nothing, or refuses all of it: nobody wants either.
    return (Object.hasOwn(known, name) && known[name]) || (usual ?? variable)
  })
  // Flux fills in the text of a manifest: `suspend: ${paused}` becomes a boolean.
  return filled !== text && /^(true|false)$/.test(filled) ? filled === 'true' : filled
}

function remarksOn([first, ...others]: readonly Applier[]): Remark[] {
  if (first === undefined) return []
  const where = first.folder === '' ? 'the same' : `what is below ${first.folder}`
  const message = `this Kustomization of Flux's and ${others.map(placeOf).join(', ')} fill in ${where} differently (postBuild), and the import cannot know which is meant: import the folder of one cluster beside it, or what \`kubectl get -A -o yaml\` shows`
  return [{ ...first.manifest.at(['spec', 'postBuild']), message }]
}

function placeOf({ manifest }: Applier): string {
  const { file, line } = manifest.at()
  return `${file}:${line}`
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
