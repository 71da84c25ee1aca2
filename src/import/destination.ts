// Imported destinations: turn a Provider into a destination: its address, and which of its fields the relay can use.
import type { Static } from 'typebox'
import { type DestinationSchema, webhookUrlFault } from '../deliver/destination.ts'
import type { Dialect } from '../render/receivers/dialect.ts'
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

/** What Flux posts by a Provider, or a guide has an Alert post by it: to one channel. */
export interface Posting {
  provider: Provider
  /** undefined: that of the webhook */
  channel: string | undefined
}

export interface Target extends Posting {
  name: string
  text: Static<typeof DestinationSchema>
  variable: Variable
  /** Remarks on the channel and the user name, where Flux fills in something. */
  others: Variable[]
}

/** Providers that post what the relay can post. Where the dialect is undefined, the relay goes by the URL. */
const dialects: Record<string, Dialect | undefined> = { slack: undefined, discord: 'discord', rocket: 'rocketchat' }

/** Why the relay cannot stand in for `provider`, if it cannot. */
export function faultOf({ spec }: Provider, secret: Secret | undefined): string | undefined {
  if (spec.type.startsWith('ENC['))
    return 'is encrypted: decrypt it first (sops --decrypt); its Secret can stay as it is'
  if (!(spec.type in dialects)) return `is of type "${spec.type}", which the relay does not post to`
  if (spec.suspend) return 'is suspended'
  const hasAddress = Boolean(spec.address) || (spec.secretRef !== undefined && secret === undefined)
  if (!hasAddress && !(secret && addressKeyOf(secret) !== undefined)) return 'has no address'
  return undefined
}

/** The key of the webhook's URL: Flux reads `address`; guides have others. */
function addressKeyOf({ spec }: Secret): string | undefined {
  const isOther = (key: string) => /^(address|url|webhook([-_]?url)?)$/i.test(key)
  return 'address' in spec ? 'address' : Object.keys(spec).find(isOther)
}

/** `postings` as destinations, one each. None of their Providers has a fault. */
export function targetsOf(postings: readonly Posting[], secrets: readonly Secret[], remarks: Remark[]): Target[] {
  const providers = [...new Set(postings.map(({ provider }) => provider))]
  const names = nameEach(providers, '-', 63)
  const taken = new Set<string>()
  const takenNames = new Set<string>()
  const variables = new Map<string, Variable>()
  const named = new Map(providers.map((provider, index) => [provider, names[index] ?? '']))
  for (const provider of providers) {
    const secret = secretOf(provider, secrets)
    remarks.push(...remarksOn(provider, secret, originOf(provider, secret)))
  }
  return postings.map(({ provider, channel }) => {
    const secret = secretOf(provider, secrets)
    // One webhook that is still to be made belongs to one channel.
    const origin = { ...originOf(provider, secret), channel }
    const isNone = origin.kind === 'none'
    const isOnly = postings.filter((other) => other.provider === provider).length === 1
    const own = isOnly || channel === provider.spec.channel ? '' : `-${channel ?? 'own'}`
    const name = distinct(destinationName(`${named.get(provider)}${own}`), takenNames, 63)
    const key = `${origin.kind} ${origin.namespace}/${origin.name}${isNone ? ` ${channel}` : ''}`
    const variable = variables.get(key) ?? {
      ...describe(origin),
      name: distinct(variableFor(isNone ? name : origin.name), taken, 250, '_')
    }
    variables.set(key, variable)
    const { username, type } = provider.spec
    // A webhook that is still to be made belongs to one channel and has its app's name.
    const sender = isNone ? {} : { ...(channel && { channel }), ...(username && { username }) }
    const filled = Object.entries(sender).map(([field, text]) => substituted(text, `the ${field} of ${provider.name}`))
    const texts = Object.fromEntries(Object.keys(sender).map((field, at) => [field, filled[at]?.text ?? '']))
    const dialect = dialects[type]
    const slack = { webhookUrl: `\${${variable.name}}`, ...texts, ...(dialect && { dialect }) }
    return { name, provider, channel, text: { slack }, variable, others: filled.flatMap(({ others }) => others) }
  })
}

/** Names stand in URLs and metrics (config/schema.ts). */
function destinationName(text: string): string {
  return (
    text
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/-{2,}/g, '-')
      .replace(/^[^A-Za-z0-9]+|-+$/g, '') || 'slack'
  )
}

/** A variable that Flux fills in (`${CHANNEL:=general}`) becomes one of the relay's, which has no default values. */
function substituted(text: string, what: string): { text: string; others: Variable[] } {
  const others: Variable[] = []
  const filled = text.replace(/\$\{([A-Za-z_]\w*)([^}]*)\}/g, (_, name: string, rest: string) => {
    const usual = /^:[=-](.*)$/.exec(rest)?.[1]
    others.push({
      name,
      command: undefined,
      what: usual === undefined ? what : `${what}; ${usual} where Flux has nothing else`
    })
    return `\${${name}}`
  })
  return { text: filled, others }
}

/** The variable that the relay and Flux's new Provider share their key by. */
export const hmacVariable = 'FLUX_HMAC_KEY'

export function secretOf({ spec, namespace }: Provider, secrets: readonly Secret[]): Secret | undefined {
  const name = spec.secretRef?.name
  if (name === undefined) return undefined
  const own = secrets.find((secret) => isSame(secret, { name, namespace }))
  const others = secrets.filter((secret) => secret.name === name)
  return own ?? (others.length === 1 ? others[0] : undefined)
}

interface Origin extends Ref {
  /** `none`: Flux posts with a bot token and there is no webhook. */
  kind: 'Secret' | 'Provider' | 'none'
  /** The key of the address in the Secret. */
  key: string
  channel: string | undefined
  /** undefined where the files do not say. */
  address: string | undefined
}

/** A Secret's `address` wins over that of the Provider (event_handlers.go getNotificationParams). */
function originOf({ spec, name, namespace }: Provider, secret: Secret | undefined): Origin {
  const found = secret && addressKeyOf(secret)
  const isInSecret =
    secret === undefined ? !spec.address : found === 'address' || (found !== undefined && !spec.address)
  const key = found ?? 'address'
  const address = isInSecret ? secret?.spec[key] : spec.address
  const { channel, secretRef } = spec
  const common = { key, channel, address }
  if (isSlackApi(address)) return { ...common, kind: 'none', name, namespace }
  if (isInSecret && secretRef) {
    return { ...common, kind: 'Secret', name: secretRef.name, namespace: secret?.namespace ?? namespace }
  }
  return { ...common, kind: 'Provider', name, namespace }
}

/** `https://slack.com/api/chat.postMessage`, which takes a bot's token instead of being secret itself. */
function isSlackApi(address = ''): boolean {
  if (!URL.canParse(address.trim())) return false
  const { hostname, pathname } = new URL(address.trim())
  return /(^|\.)slack(-gov)?\.com$/.test(hostname) && pathname.startsWith('/api/')
}

function describe({ kind, name, namespace, key, channel }: Origin): Omit<Variable, 'name'> {
  if (kind === 'none') {
    const where = channel ? `the channel ${channel}` : 'its channel'
    return { command: undefined, what: `a new incoming webhook for ${where}; Flux posted there with a bot token` }
  }
  if (kind === 'Secret') {
    const command = `kubectl -n ${namespace} get secret ${name} -o jsonpath='{.data.${key}}' | base64 -d`
    return { command, what: `the ${key} in Secret ${namespace}/${name}` }
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
      `posts with a bot token, but the relay posts to incoming webhooks: make one${spec.channel ? ` for the channel ${spec.channel}` : ''} at https://api.slack.com/apps (Incoming Webhooks)`
    )
    if (spec.username) remark('username', 'has a username: an incoming webhook goes by the name of its app')
  } else {
    const isLegible = origin.address !== undefined && !origin.address.includes('${')
    const fault = isLegible ? webhookUrlFault(origin.address?.trim() ?? '') : undefined
    if (fault !== undefined) remark('address', `has an address the relay refuses: it ${fault}`)
  }
  if (secret !== undefined && secret.namespace !== namespace) {
    const where = `${secret.namespace}/${secret.name}`
    remark(
      'secretRef',
      `names a Secret that Flux looks for in ${namespace}; the one in these files is ${where}, and the relay's variable is taken from there`
    )
  }
  if (secret !== undefined && origin.kind === 'Secret' && origin.key !== 'address') {
    const message = `Secret ${secret.namespace}/${secret.name}: Flux reads \`address\`, not \`${origin.key}\`, and never posted with this Secret; the relay's variable is taken from \`${origin.key}\``
    const path = ['stringData', 'data'].map((field) => [field, origin.key])
    const places = path.map((each) => secret.at(each))
    const [line] = places.toSorted((a, b) => b.line - a.line)
    remarks.push({ ...(line ?? secret.at()), message })
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
