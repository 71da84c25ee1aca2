// Imported destinations: turns a Provider into a destination: its address, and those of its fields that the relay can use.

import { type DestinationSchema, webhookUrlFault } from '../deliver/destination.ts'
import type { Static } from '../json-schema.ts'
import { clean, oneLine } from '../legible.ts'
import { type Dialect, heedsChannel } from '../render/receivers/dialect.ts'
import { channelFault, type SlackAppText } from '../slack-api/app.ts'
import { type ApiOfProvider, apiOf, appFaultOf, appNameFor, appText, channelFor } from './app.ts'
import { isSame, type Provider, type Ref, type Remark, type Secret } from './flux.ts'
import { purposeOf } from './provider-types.ts'
import { word } from './shell.ts'

/** An environment variable that the config file refers to. */
export interface Variable {
  name: string
  /** The shell command that prints its value; undefined if there is no such value yet. */
  command: string | undefined
  /** What its value is, in words. */
  what: string
}

/** A Provider, and the one channel that Flux posts to by it, or that an Alert names as guides have it. */
export interface Posting {
  provider: Provider
  /** Undefined for the channel of the webhook. */
  channel: string | undefined
}

export interface Target extends Posting {
  name: string
  text: Static<typeof DestinationSchema>
  /** The app of `slackApps` that the channel is of, if Flux posts with a token. */
  app?: { name: string; text: SlackAppText }
  variable: Variable
  /** Variables that Flux fills in, in the channel and the user name. */
  others: Variable[]
}

/** Types of Provider whose posts the relay can make. If the dialect is undefined, the relay goes by the URL. */
const dialects = new Map<string, Dialect | undefined>([
  ['slack', undefined],
  ['discord', 'discord'],
  ['rocket', 'rocketchat']
])

/** Why the relay cannot stand in for `provider`; undefined if it can. */
export function faultOf(provider: Provider, secret: Secret | undefined): string | undefined {
  const { spec } = provider
  if ([spec.type, spec.channel, spec.username].some((text) => text?.startsWith('ENC[')))
    return 'is encrypted: decrypt it first (sops --decrypt); its Secret can stay as it is'
  if (!dialects.has(spec.type)) return typeFault(spec.type)
  if (spec.suspend) return 'is suspended'
  if (isAddress(spec.secretRef?.name)) return 'has an address where the name of the Secret with it belongs'
  if (apiOf(provider, secret) !== undefined) return appFaultOf(provider, secret)
  const hasAddress = Boolean(spec.address) || (spec.secretRef !== undefined && secret === undefined)
  if (!hasAddress && !(secret && addressKeyOf(secret) !== undefined)) return 'has no address'
  return undefined
}

function typeFault(type: string): string {
  const purpose = purposeOf(type)
  return purpose === undefined
    ? `is of type "${type}", which neither Flux nor the relay knows`
    : `is of type "${type}", which ${purpose}: that stays with Flux`
}

/** The key of a Secret that has the webhook's URL. Flux reads `address`; guides have others. */
function addressKeyOf({ spec }: Secret): string | undefined {
  const isOther = (key: string) => /^(address|url|webhook([-_]?url)?)$/i.test(key)
  return 'address' in spec ? 'address' : Object.keys(spec).find(isOther)
}

/** Turns `postings` into destinations, one each. None of their Providers may have a fault. */
export function targetsOf(postings: readonly Posting[], secrets: readonly Secret[], remarks: Remark[]): Target[] {
  const providers = [...new Set(postings.map(({ provider }) => provider))]
  const names = nameEach(providers, '-', 63)
  const taken = new Set<string>()
  const takenNames = new Set<string>()
  const takenApps = new Set<string>()
  const variables = new Map<string, Variable>()
  const origins = [
    ...new Map(
      postings
        .map(({ provider }) => originOf(provider, secretOf(provider, secrets)))
        .map((origin) => [keyOf(origin), origin])
    ).values()
  ]
  const originNames = nameEach(origins, '-', 200)
  const ownName = new Map(origins.map((origin, at) => [keyOf(origin), originNames[at]]))
  const apps = new Map<string, NonNullable<Target['app']>>()
  const named = new Map(providers.map((provider, index) => [provider, names[index] ?? '']))
  for (const provider of providers) {
    const secret = secretOf(provider, secrets)
    remarks.push(...remarksOn(provider, secret, originOf(provider, secret)))
  }
  return postings.map(({ provider, channel }) => {
    const secret = secretOf(provider, secrets)
    const origin = originOf(provider, secret)
    const isOnly = postings.filter((other) => other.provider === provider).length === 1
    const own = isOnly || channel === provider.spec.channel ? '' : `-${channel ?? 'own'}`
    const name = distinct(destinationName(`${named.get(provider)}${own}`), takenNames, 63)
    const key = keyOf(origin)
    const variable = variables.get(key) ?? {
      ...describe(origin),
      name: distinct(
        variableFor(ownName.get(key) ?? origin.name, origin.api === undefined ? 'URL' : 'TOKEN'),
        taken,
        250,
        '_'
      )
    }
    variables.set(key, variable)
    const { type } = provider.spec
    const username = isAddress(provider.spec.username) ? undefined : provider.spec.username
    // An app posts under its own name.
    const sender = { ...(channel && { channel }), ...(username && origin.api === undefined && { username }) }
    const filled = Object.entries(sender).map(([field, text]) => substituted(text, `the ${field} of ${provider.name}`))
    const texts: { channel?: string } = Object.fromEntries(
      Object.keys(sender).map((field, at) => [field, filled[at]?.text ?? ''])
    )
    const target = { name, provider, channel, variable, others: filled.flatMap(({ others }) => others) }
    if (origin.api !== undefined) {
      const of = `${key} ${origin.api.apiUrl}`
      const app = apps.get(of) ?? {
        name: distinct(destinationName(appNameFor(origin.name)), takenApps, 63),
        text: appText(variable.name, origin.api)
      }
      apps.set(of, app)
      const to = channelFor(texts.channel ?? '')
      const fault = to === '' || to.includes('${') ? undefined : channelFault(to)
      if (fault !== undefined) {
        const message = `Provider ${provider.namespace}/${provider.name} has a channel the relay refuses: ${fault}`
        remarks.push({ ...provider.at(['spec', 'channel']), message })
      }
      return { ...target, app, text: { slack: { app: app.name, channel: to } } }
    }
    const dialect = dialects.get(type)
    return { ...target, text: { slack: { webhookUrl: `\${${variable.name}}`, ...texts, ...(dialect && { dialect }) } } }
  })
}

/** Reports whether posts of `provider` cannot name a channel, because its webhook is bound to one. */
export function hasOwnChannel({ spec }: Provider): boolean {
  const dialect = dialects.get(spec.type)
  return dialect !== undefined && !heedsChannel(dialect)
}

function keyOf({ kind, namespace, name, key }: Origin): string {
  return `${kind} ${namespace}/${name} ${key}`
}

export function isAddress(text = ''): boolean {
  return /^\s*[a-z]+:\/\//i.test(text)
}

/** Makes a name of `text`: names stand in URLs and metrics (config/schema.ts). */
function destinationName(text: string): string {
  return (
    text
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/-{2,}/g, '-')
      .replace(/^[^A-Za-z0-9]+|-+$/g, '') || 'slack'
  )
}

/** Puts in the defaults of what Flux fills in (`${CHANNEL:=general}`). What has none stays, as a variable of the relay. */
function substituted(text: string, what: string): { text: string; others: Variable[] } {
  const others: Variable[] = []
  const filled = text.replace(/\$\{([A-Za-z_]\w*)([^}]*)\}/g, (_, name: string, rest: string) => {
    const usual = /^:?[=-](.+)$/.exec(rest)?.[1]
    if (usual !== undefined) return usual
    others.push({ name, command: undefined, what })
    return `\${${name}}`
  })
  return { text: filled, others }
}

/** The variable of the key that the relay shares with Flux's new Provider. */
export const hmacVariable = 'FLUX_HMAC_KEY'

export function secretOf({ spec, namespace }: Provider, secrets: readonly Secret[]): Secret | undefined {
  const name = spec.secretRef?.name
  if (name === undefined) return undefined
  const own = secrets.find((secret) => isSame(secret, { name, namespace }))
  const others = secrets.filter((secret) => secret.name === name)
  return own ?? (others.length === 1 ? others[0] : undefined)
}

interface Origin extends Ref {
  kind: 'Secret' | 'Provider'
  /** The key in the Secret that has the address, or the token. */
  key: string
  /** Undefined if the files do not say. */
  address: string | undefined
  /** Set if Flux posts with a token, which then is what the Secret has. */
  api?: ApiOfProvider
  /** True if the name of the Secret ends in a hash in the cluster. */
  hasHash: boolean
}

/** Where a Provider has its address or token from. A Secret's `address` wins over its own (event_handlers.go getNotificationParams). */
function originOf(provider: Provider, secret: Secret | undefined): Origin {
  const { spec, name, namespace } = provider
  const { secretRef } = spec
  const api = apiOf(provider, secret)
  const hasHash = secret?.hasHash === true
  const own = secret?.namespace ?? namespace
  const inSecret = { kind: 'Secret', name: secretRef?.name ?? name, namespace: own, hasHash } as const
  if (api !== undefined) return { ...inSecret, key: 'token', address: undefined, api }
  const found = secret && addressKeyOf(secret)
  const isInSecret =
    secret === undefined ? !spec.address : found === 'address' || (found !== undefined && !spec.address)
  const key = found ?? 'address'
  const address = isInSecret ? secret?.spec[key] : spec.address
  if (isInSecret && secretRef) return { ...inSecret, key, address }
  return { kind: 'Provider', name, namespace, key, address, hasHash: false }
}

function describe({ kind, name, namespace, key, api, hasHash }: Origin): Omit<Variable, 'name'> {
  if (kind === 'Secret') {
    const command = `kubectl -n ${word(namespace)} get secret ${word(name)} -o jsonpath='{.data.${key}}' | base64 -d`
    const what = oneLine(clean(`the ${api === undefined ? key : 'bot token'} in Secret ${namespace}/${name}`))
    return hasHash ? { command: undefined, what: `${what}-<hash>` } : { command, what }
  }
  const command = `kubectl -n ${word(namespace)} get providers.notification.toolkit.fluxcd.io ${word(name)} -o jsonpath='{.spec.address}'`
  return { command, what: oneLine(clean(`the address of Provider ${namespace}/${name}`)) }
}

function remarksOn(provider: Provider, secret: Secret | undefined, origin: Origin): Remark[] {
  const { spec, name, namespace, at } = provider
  const remarks: Remark[] = []
  const remark = (field: string, message: string) =>
    remarks.push({ ...at(['spec', field]), message: `Provider ${namespace}/${name} ${message}` })
  for (const field of ['channel', 'username'] as const)
    if (isAddress(spec[field])) remark(field, `has an address as its ${field}, which may be a secret; it is left out`)
  if (spec.channel && !isAddress(spec.channel) && hasOwnChannel(provider))
    remark('channel', `has a channel, and a webhook of ${spec.type} posts to its own; it is left out`)
  if (origin.api !== undefined) {
    if (spec.username) remark('username', 'has a username: an app posts under its own name')
  } else {
    const isLegible = origin.address !== undefined && !/^ENC\[|\$\{|\{\{/.test(origin.address)
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
  if (secret !== undefined && origin.kind === 'Secret' && origin.api === undefined && origin.key !== 'address') {
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

/**
 * Names each of `refs`: by its own name if no other has the same, else with its namespace before it; with a number if that is still not
 * enough. At most `longest` characters.
 */
export function nameEach(refs: readonly Ref[], separator: string, longest: number): string[] {
  const taken = new Set<string>()
  return refs.map((ref) => {
    const isAlone = refs.every((other) => other.name !== ref.name || isSame(other, ref))
    const full = isAlone ? ref.name : `${ref.namespace}${separator}${ref.name}`
    return distinct(full, taken, longest)
  })
}

/** `name`, with a number if it is among `taken` already. The result joins `taken`. */
export function distinct(name: string, taken: Set<string>, longest: number, separator = '-'): string {
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : `${separator}${number}`
    const candidate = name.slice(0, longest - suffix.length) + suffix
    if (taken.has(candidate)) continue
    taken.add(candidate)
    return candidate
  }
}

/** The name of an environment variable for a URL or a token: `slack-url` → `SLACK_URL`, `slack` → `SLACK_URL`. */
function variableFor(name: string, what: 'URL' | 'TOKEN' = 'URL'): string {
  const words = name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')
  const isSaid = words === what || words.endsWith(`_${what}`)
  return `${/^[A-Z]/.test(words) ? '' : 'SLACK_'}${words}${isSaid ? '' : `_${what}`}`
}
