// Flux manifests: reads Alerts, Providers and their Secrets of every version. Fields: fluxcd/notification-controller
// api/v1beta1 to v1beta3 (alert_types.go, provider_types.go); v1 removes some and adds none.
import { Ajv, type ValidateFunction } from 'ajv'
import { type Static, Type } from '../json-schema.ts'
import { encryptedIn, type Fields, segmentOf, unknownFields, withoutNulls } from './fields.ts'
import { type Manifest, type Place, refOf } from './manifest.ts'
import { hasTemplate, hasVariable, pathsOfTexts } from './placeholders.ts'
import { typeMeantBy } from './provider-types.ts'
import { secretIn, type Values } from './secret.ts'

const Reference = Type.Object({ name: Type.String({ minLength: 1 }) })

const AlertSpec = Type.Object({
  // Flux knows only the name; guides have the others, too.
  providerRef: Type.Object({
    ...Reference.properties,
    namespace: Type.Optional(Type.String()),
    channel: Type.Optional(Type.String())
  }),
  channel: Type.Optional(Type.String()),
  // Read by askedSeverity().
  eventSeverity: Type.Optional(Type.Unknown()),
  eventSources: Type.Array(
    Type.Object({
      kind: Type.String({ minLength: 1 }),
      name: Type.String({ minLength: 1 }),
      namespace: Type.Optional(Type.String()),
      // Flux does not compare it.
      apiVersion: Type.Optional(Type.Unknown()),
      matchLabels: Type.Optional(Type.Record(Type.String()))
    })
  ),
  inclusionList: Type.Optional(Type.Array(Type.String())),
  exclusionList: Type.Optional(Type.Array(Type.String())),
  eventMetadata: Type.Optional(Type.Record(Type.String())),
  summary: Type.Optional(Type.String()),
  suspend: Type.Optional(Type.Boolean())
})

const ProviderSpec = Type.Object({
  type: Type.String({ minLength: 1 }),
  address: Type.Optional(Type.String()),
  channel: Type.Optional(Type.String()),
  username: Type.Optional(Type.String()),
  secretRef: Type.Optional(Reference),
  proxy: Type.Optional(Type.String()),
  proxySecretRef: Type.Optional(Reference),
  certSecretRef: Type.Optional(Reference),
  suspend: Type.Optional(Type.Boolean()),
  // These do not affect what is posted, or where.
  interval: Type.Optional(Type.Unknown()),
  timeout: Type.Optional(Type.Unknown()),
  serviceAccountName: Type.Optional(Type.Unknown()),
  commitStatusExpr: Type.Optional(Type.Unknown())
})

/** Something that an operator should know of what was read. It contains no secret. */
export interface Remark extends Place {
  message: string
}

/** The name of a Kubernetes object. */
export interface Ref {
  namespace: string
  name: string
}

interface Found<Spec> extends Ref {
  spec: Spec
  apiVersion: string
  at: Manifest['at']
  /** The manifest that this was built from, if kustomize builds it in several namespaces. */
  of?: Manifest
}

export type Alert = Found<Static<typeof AlertSpec>>
export type Provider = Found<Static<typeof ProviderSpec>>
export interface Secret extends Found<Values> {
  /** True if its name ends in a hash in the cluster. */
  hasHash?: true
}

export interface FluxObjects {
  alerts: Alert[]
  providers: Provider[]
  secrets: Secret[]
  /** Providers that exist but cannot be read; a remark says why. */
  lost: Ref[]
  remarks: Remark[]
}

const group = 'notification.toolkit.fluxcd.io'
const ajv = new Ajv({ allErrors: true })
/** Most faults that one line names. */
const mostFaults = 5
const isAlertSpec = ajv.compile<Alert['spec']>(AlertSpec)
const isProviderSpec = ajv.compile<Provider['spec']>(ProviderSpec)

/** The namespace of Flux and of what is its own. */
const ofFlux = 'flux-system'

/** Picks Flux's objects out of `manifests`, and ignores other kinds. `given` is the namespace of those that name none. */
export function collect(manifests: readonly Manifest[], given: string | undefined): FluxObjects {
  const namespace = given ?? ofFlux
  const remarks = [
    ...versionRemarks(manifests),
    ...(given === undefined ? homeless(manifests) : []),
    ...hidden(manifests)
  ]
  const alerts: Alert[] = []
  const providers: Provider[] = []
  const secrets: Secret[] = []
  const lost: Ref[] = []
  for (const manifest of manifests) {
    const { apiVersion, kind } = manifest
    const isOfFlux = apiVersion.startsWith(`${group}/`)
    if (manifest.wasFlat) {
      const message = `the indentation of this ${kind} is lost, and was put back by the fields that there are: look it over`
      remarks.push({ ...manifest.at(), message })
    }
    if (isOfFlux && kind === 'Alert') add(alerts, find(manifest, isAlertSpec, AlertSpec, namespace, remarks))
    if (isOfFlux && kind === 'Provider') {
      const found = find(manifest, isProviderSpec, ProviderSpec, namespace, remarks)
      const { name, namespace: own = namespace } = refOf(manifest)
      if (found === undefined) lost.push({ name, namespace: own })
      else add(providers, withType(found, remarks))
    }
    const secret = secretIn(manifest)
    if (secret !== undefined) {
      const { namespace: own } = refOf(manifest)
      const { at, hasHash, of } = manifest
      const found = { ...secret, namespace: own ?? namespace, apiVersion, at }
      secrets.push({ ...found, ...(hasHash && { hasHash }), ...(of && { of }) })
    }
  }
  return { alerts, providers, secrets, lost, remarks }

  function add<Spec>(all: Found<Spec>[], found: (Found<Spec> & { kind: string }) | undefined): void {
    if (found === undefined) return
    const first = all.find((other) => isSame(other, found))
    if (first === undefined) return void all.push(found)
    const { file, line } = first.at()
    const message = `${found.kind} ${found.namespace}/${found.name} was read already, at ${file}:${line}; this one is left out. Import one cluster at a time`
    remarks.push({ ...found.at(), message })
  }
}

/** Makes one remark, on the first of all Alerts and Providers without a namespace. */
function homeless(manifests: readonly Manifest[]): Remark[] {
  const all = manifests.filter((manifest) => isOurs(manifest) && refOf(manifest).namespace === undefined)
  const [first] = all
  if (first === undefined) return []
  const others = all.length === 1 ? '' : `, nor ${all.length === 2 ? 'does' : 'do'} ${all.length - 1} more`
  const message = `${first.kind} ${refOf(first).name} names no namespace${others}: it is taken for one in ${ofFlux}. \`--namespace\` says another; what stands in several namespaces has to come from \`kubectl get -A\``
  return [{ ...first.at(['metadata']), message }]
}

/** Makes a remark on each manifest that has Alerts inside, or would be one if it were legible. */
function hidden(manifests: readonly Manifest[]): Remark[] {
  return manifests.flatMap(({ kind, value, at }) => {
    const inside = JSON.stringify([value['spec'], value['data']])
    // The values of this chart, from fluxcd-community/helm-charts, are Alerts and Providers without an apiVersion.
    const isOfChart = kind === 'HelmRelease' && inside.includes('"chart":"flux2-notification"')
    if (isOfChart || ((kind === 'HelmRelease' || kind === 'ConfigMap') && inside.includes(`${group}/`))) {
      const message = `this ${kind} has Alerts or Providers in it: import what \`kubectl get -A -o yaml\` shows of them`
      return [{ ...at(), message }]
    }
    if (kind === 'ResourceSet' && JSON.stringify(value['spec'] ?? {}).includes(group)) {
      const message =
        'this ResourceSet makes Alerts or Providers of its inputs: import what `kubectl get -o yaml` shows of them'
      return [{ ...at(), message }]
    }
    if (/^ENC\[/.test(kind)) {
      return [{ ...at(), message: 'this manifest is encrypted, its kind as well: decrypt it first (sops --decrypt)' }]
    }
    return []
  })
}

/** True for an Alert or a Provider of Flux's. */
export function isOurs({ apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>): boolean {
  return apiVersion.startsWith(`${group}/`) && (kind === 'Alert' || kind === 'Provider')
}

// The last Flux that served each version, which notification-controller 1.7 and 1.9 removed.
const lastServed = new Map([
  ['v1alpha1', '0.41'],
  ['v1beta1', '2.6'],
  ['v1beta2', '2.8']
])

/** Makes a remark on the first manifest of each version that no current Flux takes. */
function versionRemarks(manifests: readonly Manifest[]): Remark[] {
  const said = new Set<string>()
  return manifests.flatMap(({ apiVersion, kind, at }) => {
    const [, version = ''] = apiVersion.split('/')
    const last = lastServed.get(version)
    const isStrange = last !== undefined || version === 'v1'
    // Others, such as Crossplane, have a Provider as well.
    if (!isStrange || said.has(version) || !isOurs({ apiVersion, kind })) return []
    said.add(version)
    const refusing =
      last === undefined ? 'each Flux up to 2.9: it has a v1 of Receiver alone' : `every Flux after ${last}`
    const message = `${version} of ${kind} is read here, and refused by ${refusing}. Flux serves v1beta3, which \`import --flux\` prints`
    return [{ ...at(['apiVersion']), message }]
  })
}

/** Corrects the case of a Provider's type (`Slack` is meant as `slack`), with a remark. */
function withType<P extends Provider>(provider: P, remarks: Remark[]): P {
  const { type } = provider.spec
  const meant = typeMeantBy(type)
  if (meant === undefined) return provider
  const message = `Provider ${provider.namespace}/${provider.name} has the type "${type}", which Flux refuses; it is taken for ${meant}`
  remarks.push({ ...provider.at(['spec', 'type']), message })
  return { ...provider, spec: { ...provider.spec, type: meant } }
}

/** Reports whether kustomize builds both from one manifest, and they differ in their namespace alone. */
export function isTwin(a: Found<unknown> | undefined, b: Found<unknown> | undefined): boolean {
  return a?.of !== undefined && a.of === b?.of && JSON.stringify(a.spec) === JSON.stringify(b.spec)
}

export function isSame(a: Ref, b: Ref): boolean {
  return a.name === b.name && a.namespace === b.namespace
}

function find<Spec extends object>(
  manifest: Manifest,
  isSpec: ValidateFunction<Spec>,
  schema: { properties: object },
  defaultNamespace: string,
  remarks: Remark[]
): (Found<Spec> & { kind: string }) | undefined {
  const { kind, value, apiVersion } = manifest
  const spec = withoutNulls(value['spec'] ?? {})
  const { name, namespace = defaultNamespace } = refOf(manifest)
  if (name === '') {
    remarks.push({ ...manifest.at(['metadata']), message: `${kind} is left out: it has no name` })
    return undefined
  }
  const locked = kind === 'Alert' ? encryptedIn(spec, ['spec']) : undefined
  if (locked !== undefined) {
    const message = `Alert ${namespace}/${name} is encrypted: decrypt it first (sops --decrypt); it is left out`
    remarks.push({ ...manifest.at(locked), message })
    return undefined
  }
  const asWritten = leaveOutNameless(spec, `${kind} ${namespace}/${name}`, manifest.at, remarks)
  const at: Manifest['at'] = (path = []) => manifest.at(asWritten(path))
  if (!isSpec(spec)) {
    const faults = (isSpec.errors ?? []).map(({ instancePath, message }) => {
      const path = ['spec', ...instancePath.split('/').slice(1).map(segmentOf)]
      return { path, text: `${asWritten(path).join('.')} ${message}` }
    })
    const message = `${kind} ${namespace}/${name} is left out: ${faults
      .slice(0, mostFaults)
      .map(({ text }) => text)
      .join('; ')}`
    remarks.push({ ...at(faults[0]?.path), message })
    return undefined
  }
  for (const path of unknownFields(spec, schema as Fields, ['spec'])) {
    const field = asWritten(path).join('.')
    remarks.push({ ...at(path), message: `${kind} ${namespace}/${name}: ${field} is not known here, and is left out` })
  }
  const { metadata } = value
  // The URL of a webhook is not copied, so it does not matter how it is filled in.
  const all = {
    ...(metadata !== undefined && { metadata: { name, namespace } }),
    spec: { ...spec, address: undefined }
  }
  const unfilled = pathsOfTexts(all, [], hasVariable)
  const templates = pathsOfTexts(all, [], (text) => hasTemplate(text) && !hasVariable(text))
  for (const [paths, one, several] of [
    [
      unfilled,
      'has a variable that is yet to be filled in; write the value, or import what `kubectl get -o yaml` shows',
      'have variables that are yet to be filled in; write the value, or import what `kubectl get -o yaml` shows'
    ],
    [
      templates,
      'has a template, which Flux takes as it is written: if Helm fills it in, import what `helm template` prints',
      'have templates, which Flux takes as they are written: if Helm fills them in, import what `helm template` prints'
    ]
  ] as const) {
    const [first, ...others] = paths
    if (first === undefined) continue
    const fields = paths.map((path) => asWritten(path).join('.'))
    const isMatched =
      kind === 'Alert' && fields.some((path) => /^(metadata\.namespace|spec\.eventSources\.)/.test(path))
    const meanwhile = isMatched ? '; until then the rule has its default, or * there' : ''
    const message = `${kind} ${namespace}/${name}: ${fields.join(', ')} ${others.length === 0 ? one : several}${meanwhile}`
    remarks.push({ ...at(first), message })
  }
  return { kind, name, namespace, spec, apiVersion, at, ...(manifest.of && { of: manifest.of }) }
}

type Path = readonly (string | number)[]

/** Drops sources without a kind or a name, for which Flux refuses the Alert. Returns how a path in the rest is found in the file. */
function leaveOutNameless(
  spec: { eventSources?: unknown },
  what: string,
  at: Manifest['at'],
  remarks: Remark[]
): (path: Path) => Path {
  if (!Array.isArray(spec.eventSources)) return (path) => path
  const all: unknown[] = spec.eventSources
  const kept = [...all.keys()].filter((index) => {
    const { kind, name } = (all[index] ?? {}) as Record<string, unknown>
    const lacking = [!kind && 'kind', !name && 'name'].filter(Boolean)
    if (lacking.length === 0) return true
    const every = kind && !name ? ` (for every ${kind}, write \`name: '*'\`)` : ''
    const message = `${what}: this source has no ${lacking.join(' and no ')}${every}, and Flux refuses the Alert; the source is left out`
    remarks.push({ ...at(['spec', 'eventSources', index]), message })
    return false
  })
  spec.eventSources = kept.map((index) => all[index])
  return (path) =>
    path.map((segment, at) => (at === 2 && path[1] === 'eventSources' ? (kept[Number(segment)] ?? segment) : segment))
}
