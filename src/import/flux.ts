// What the import reads of Flux: Alerts, Providers and their Secrets, of every version there has been. The fields are those of
// fluxcd/notification-controller api/v1beta1 to v1beta3 (alert_types.go, provider_types.go); v1 takes some away and adds none.
import { Ajv, type ValidateFunction } from 'ajv'
import { type Static, Type } from 'typebox'
import type { Manifest, Place } from './manifest.ts'

const Reference = Type.Object({ name: Type.String({ minLength: 1 }) })

const AlertSpec = Type.Object({
  providerRef: Reference,
  eventSeverity: Type.Optional(Type.Enum(['info', 'error'])),
  eventSources: Type.Array(
    Type.Object({
      kind: Type.String({ minLength: 1 }),
      name: Type.String({ minLength: 1 }),
      namespace: Type.Optional(Type.String()),
      matchLabels: Type.Optional(Type.Record(Type.String(), Type.String()))
    })
  ),
  inclusionList: Type.Optional(Type.Array(Type.String())),
  exclusionList: Type.Optional(Type.Array(Type.String())),
  eventMetadata: Type.Optional(Type.Record(Type.String(), Type.String())),
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
  // Of no meaning to where and what is posted.
  interval: Type.Optional(Type.Unknown()),
  timeout: Type.Optional(Type.Unknown()),
  serviceAccountName: Type.Optional(Type.Unknown()),
  commitStatusExpr: Type.Optional(Type.Unknown())
})

/** Something an operator should know of what was read. It holds no secret. */
export interface Remark extends Place {
  message: string
}

/** A Kubernetes object by its name. */
export interface Ref {
  namespace: string
  name: string
}

interface Found<Spec> extends Ref {
  spec: Spec
  apiVersion: string
  at: Manifest['at']
}

export type Alert = Found<Static<typeof AlertSpec>>
export type Provider = Found<Static<typeof ProviderSpec>>
/** The values are as they are in the cluster; undefined where they are encrypted. */
export type Secret = Found<Record<string, string | undefined>>

export interface FluxObjects {
  alerts: Alert[]
  providers: Provider[]
  secrets: Secret[]
  remarks: Remark[]
}

const group = 'notification.toolkit.fluxcd.io'
const ajv = new Ajv()
const isAlertSpec = ajv.compile<Alert['spec']>(AlertSpec)
const isProviderSpec = ajv.compile<Provider['spec']>(ProviderSpec)

/** Picks Flux's out of `manifests`; other kinds are nobody's business. `namespace` is of those that name none. */
export function collect(manifests: readonly Manifest[], namespace: string): FluxObjects {
  const remarks: Remark[] = []
  const alerts: Alert[] = []
  const providers: Provider[] = []
  const secrets: Secret[] = []
  for (const manifest of manifests) {
    const { apiVersion, kind } = manifest
    const isOfFlux = apiVersion.startsWith(`${group}/`)
    if (isOfFlux && kind === 'Alert') add(alerts, find(manifest, isAlertSpec, AlertSpec, namespace, remarks))
    if (isOfFlux && kind === 'Provider')
      add(providers, find(manifest, isProviderSpec, ProviderSpec, namespace, remarks))
    if (apiVersion === 'v1' && kind === 'Secret') {
      const { name, namespace: own } = metadataOf(manifest)
      secrets.push({ name, namespace: own ?? namespace, spec: plainData(manifest), apiVersion, at: manifest.at })
    }
  }
  return { alerts, providers, secrets, remarks }

  function add<Spec>(all: Found<Spec>[], found: (Found<Spec> & { kind: string }) | undefined): void {
    if (found === undefined) return
    const first = all.find((other) => isSame(other, found))
    if (first === undefined) {
      all.push(found)
      return
    }
    const { file, line } = first.at()
    const message = `${found.kind} ${found.namespace}/${found.name} was read already, at ${file}:${line}; this one is left out. Import one cluster at a time`
    remarks.push({ ...found.at(), message })
  }
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
  const { kind, value, apiVersion, at } = manifest
  const { spec = {} } = value
  const { name, namespace = defaultNamespace } = metadataOf(manifest)
  if (name === '') {
    remarks.push({ ...at(['metadata']), message: `${kind} is left out: it has no name` })
    return undefined
  }
  if (!isSpec(spec)) {
    const { instancePath = '', message } = isSpec.errors?.[0] ?? {}
    const path = ['spec', ...instancePath.split('/').slice(1).map(segmentOf)]
    remarks.push({ ...at(path), message: `${kind} ${namespace}/${name} is left out: ${path.join('.')} ${message}` })
    return undefined
  }
  for (const key of Object.keys(spec)) {
    if (key in schema.properties) continue
    remarks.push({ ...at(['spec', key]), message: `${kind} ${namespace}/${name}: spec.${key} is not known here` })
  }
  for (const path of placeholders(spec, ['spec'])) {
    // A webhook's URL is not copied, so it does not matter how it comes about.
    if (path.join('.') === 'spec.address') continue
    const message = `${kind} ${namespace}/${name}: ${path.join('.')} holds a variable that Flux fills in; write in what it stands for, or import what \`kubectl get -o yaml\` shows`
    remarks.push({ ...at(path), message })
  }
  return { kind, name, namespace, spec, apiVersion, at }
}

function metadataOf({ value }: Manifest): { name: string; namespace: string | undefined } {
  const { name, namespace } = (value['metadata'] ?? {}) as Record<string, unknown>
  return {
    name: typeof name === 'string' ? name : '',
    namespace: typeof namespace === 'string' ? namespace : undefined
  }
}

/** In a file of SOPS the keys are legible and the values are not. */
function plainData({ value: { data, stringData } }: Manifest): Secret['spec'] {
  const read = (texts: unknown, decode: (text: string) => string) =>
    Object.entries((texts ?? {}) as Record<string, unknown>).map(([key, text]) => {
      const isLegible = typeof text === 'string' && !text.startsWith('ENC[')
      return [key, isLegible ? decode(text) : undefined] as const
    })
  const decoded = read(data, (text) => Buffer.from(text, 'base64').toString())
  return Object.fromEntries([...decoded, ...read(stringData, (text) => text)])
}

/** Where Flux's `postBuild.substitute` has yet to put something. */
function placeholders(value: unknown, path: (string | number)[]): (string | number)[][] {
  if (typeof value === 'string') return /\$\{[A-Za-z_]/.test(value) ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    placeholders(inner, [...path, Array.isArray(value) ? Number(key) : key])
  )
}

function segmentOf(segment: string): string | number {
  return /^\d+$/.test(segment) ? Number(segment) : segment.replaceAll('~1', '/').replaceAll('~0', '~')
}
