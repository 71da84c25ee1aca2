// A Provider as a destination of the relay: where its address comes from, and what of it the relay can use.
import type { Static } from 'typebox'
import { type DestinationSchema, webhookUrlFault } from '../deliver/destination.ts'
import type { Dialect } from '../render/dialect.ts'
import { isSame, type Provider, type Ref, type Remark, type Secret } from './flux.ts'
import { distinct, nameEach, variableFor } from './names.ts'

/** An environment variable the config file refers to. */
export interface Variable {
  name: string
  /** The shell command that prints its value; undefined where there is no such value yet. */
  command: string | undefined
  /** What it is, in words. */
  what: string
}

export interface Target {
  name: string
  provider: Provider
  text: Static<typeof DestinationSchema>
  variable: Variable
}

/** Providers that post what the relay can post. Where the dialect is undefined, the relay goes by the URL. */
const dialects: Record<string, Dialect | undefined> = { slack: undefined, discord: 'discord', rocket: 'rocketchat' }

/** Why the relay cannot stand in for `provider`, if it cannot. */
export function faultOf({ spec }: Provider, secret: Secret | undefined): string | undefined {
  if (!(spec.type in dialects)) return `is of type "${spec.type}", which the relay does not post to`
  if (spec.suspend) return 'is suspended'
  const hasAddress = Boolean(spec.address) || (spec.secretRef !== undefined && secret === undefined)
  if (!hasAddress && !(secret && 'address' in secret.spec)) return 'has no address'
  return undefined
}

/** `providers` as destinations. None of them has a fault. */
export function targetsOf(providers: readonly Provider[], secrets: readonly Secret[], remarks: Remark[]): Target[] {
  const names = nameEach(providers, '-', 63)
  const taken = new Set<string>()
  const variables = new Map<string, Variable>()
  return providers.map((provider, index) => {
    const secret = secretOf(provider, secrets)
    const origin = originOf(provider, secret)
    const key = `${origin.kind} ${origin.namespace}/${origin.name}`
    const variable = variables.get(key) ?? {
      ...describe(origin),
      name: distinct(variableFor(origin.name), taken, 250, '_')
    }
    variables.set(key, variable)
    remarks.push(...remarksOn(provider, secret, origin))
    const { channel, username, type } = provider.spec
    // A webhook that is still to be made belongs to one channel and has its app's name.
    const sender = origin.kind === 'none' ? {} : { ...(channel && { channel }), ...(username && { username }) }
    const dialect = dialects[type]
    const slack = { webhookUrl: `\${${variable.name}}`, ...sender, ...(dialect && { dialect }) }
    return { name: names[index] ?? '', provider, text: { slack }, variable }
  })
}

/** The variable that the relay and Flux's new Provider share their key by. */
export const hmacVariable = 'FLUX_HMAC_KEY'

export function secretOf({ spec, namespace }: Provider, secrets: readonly Secret[]): Secret | undefined {
  const name = spec.secretRef?.name
  return name === undefined ? undefined : secrets.find((secret) => isSame(secret, { name, namespace }))
}

interface Origin extends Ref {
  /** `none`: Flux posts with a bot token and there is no webhook. */
  kind: 'Secret' | 'Provider' | 'none'
  channel: string | undefined
  /** undefined where the files do not tell. */
  address: string | undefined
}

/** A Secret's `address` wins over that of the Provider (event_handlers.go getNotificationParams). */
function originOf({ spec, name, namespace }: Provider, secret: Secret | undefined): Origin {
  const isInSecret = secret === undefined ? !spec.address : 'address' in secret.spec
  const address = isInSecret ? secret?.spec['address'] : spec.address
  const { channel, secretRef } = spec
  if (isSlackApi(address)) return { kind: 'none', name, namespace, channel, address }
  if (isInSecret && secretRef) return { kind: 'Secret', name: secretRef.name, namespace, channel, address }
  return { kind: 'Provider', name, namespace, channel, address }
}

/** `https://slack.com/api/chat.postMessage`, which takes a bot's token instead of being secret itself. */
function isSlackApi(address = ''): boolean {
  if (!URL.canParse(address.trim())) return false
  const { hostname, pathname } = new URL(address.trim())
  return /(^|\.)slack(-gov)?\.com$/.test(hostname) && pathname.startsWith('/api/')
}

function describe({ kind, name, namespace, channel }: Origin): Omit<Variable, 'name'> {
  if (kind === 'none') {
    const where = channel ? `the channel ${channel}` : 'its channel'
    return { command: undefined, what: `a new incoming webhook for ${where}; Flux posted there with a bot token` }
  }
  if (kind === 'Secret') {
    const command = `kubectl -n ${namespace} get secret ${name} -o jsonpath='{.data.address}' | base64 -d`
    return { command, what: `the address in Secret ${namespace}/${name}` }
  }
  const command = `kubectl -n ${namespace} get providers.notification.toolkit.fluxcd.io ${name} -o jsonpath='{.spec.address}'`
  return { command, what: `the address of Provider ${namespace}/${name}` }
}

function remarksOn({ spec, name, namespace, at }: Provider, secret: Secret | undefined, origin: Origin): Remark[] {
  const remarks: Remark[] = []
  const remark = (field: string, message: string) =>
    remarks.push({ ...at(['spec', field]), message: `Provider ${namespace}/${name} ${message}` })
  if (origin.kind === 'none') {
    remark(
      'address',
      `posts with a bot token, and the relay posts to incoming webhooks: make one${spec.channel ? ` for the channel ${spec.channel}` : ''} at https://api.slack.com/apps (Incoming Webhooks)`
    )
    if (spec.username) remark('username', 'has a username: an incoming webhook goes by the name of its app')
  } else {
    const isLegible = origin.address !== undefined && !origin.address.includes('${')
    const fault = isLegible ? webhookUrlFault(origin.address?.trim() ?? '') : undefined
    if (fault !== undefined) remark('address', `has an address the relay refuses: it ${fault}`)
  }
  const proxy = (['proxySecretRef', 'proxy'] as const).find((field) => spec[field] !== undefined)
  if (proxy !== undefined || (secret && 'proxy' in secret.spec)) {
    remark(proxy ?? 'secretRef', 'goes through a proxy: set HTTPS_PROXY for the relay')
  }
  if (spec.certSecretRef) {
    remark(
      'certSecretRef',
      'has certificates of its own: an authority is set by NODE_EXTRA_CA_CERTS for the relay; a client certificate cannot be'
    )
  }
  if (secret && 'headers' in secret.spec)
    remark('secretRef', 'has headers in its Secret, which the relay does not send')
  return remarks
}
