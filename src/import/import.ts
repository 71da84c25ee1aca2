// Import: turns Flux's Alerts and Providers into a config that does the same. Pure.
import { severityNames } from '../events/severity.ts'
import { apiOf } from './app.ts'
import { faultOf, hasOwnChannel, isAddress, type Posting, secretOf, type Target, targetsOf } from './destination.ts'
import { type Feed, feedsOf } from './feeds.ts'
import { type Alert, collect, type FluxObjects, isSame, isTwin, type Provider, type Remark } from './flux.ts'
import type { Manifest } from './manifest.ts'
import { hasPlaceholder } from './placeholders.ts'
import { type ImportedRule, rulesOf, type Takeover, withoutRepeated } from './repeated.ts'
import { type Asked, askedSeverity, demandsOf } from './rules.ts'
import { word } from './shell.ts'
import { sourcesOf } from './sources.ts'

export interface Import {
  takeovers: Takeover[]
  /** Alerts that need not post any more: those of the takeovers, and those that post nothing else. */
  replaced: Alert[]
  rules: ImportedRule[]
  /** The targets that the takeovers send to. */
  targets: Target[]
  /** The Alerts by which Flux has to post to the relay. */
  feeds: Feed[]
  /** Everything that was not carried over, or not as it was, in the order of the files. */
  remarks: Remark[]
}

/** An Alert, and the posting that it makes. */
interface Wired extends Posting {
  alert: Alert
  asked: Asked
  /** Differences from how Flux treats the wiring. */
  remarks: Remark[]
}

/** Imports Alerts. `namespace` is that of manifests without one; if it is undefined, they are taken for Flux's own, with a remark. */
export function importFlux(manifests: readonly Manifest[], namespace?: string): Import {
  const objects = collect(manifests, namespace)
  const { alerts, secrets, remarks } = objects
  const wired = alerts.flatMap((alert): Wired[] => {
    const { fault, at, posting } = wire(alert, objects)
    if (posting !== undefined) {
      const own = wiringRemarks(posting, apiOf(posting.provider, secretOf(posting.provider, secrets)) !== undefined)
      return [{ ...posting, provider: firstTwin(posting.provider, objects), remarks: own }]
    }
    const message = `Alert ${alert.namespace}/${alert.name} ${fault}; it is left out`
    remarks.push({ ...alert.at(['spec', at]), message })
    return []
  })

  const postings = wired.filter((entry, at) => wired.findIndex((other) => isSamePosting(other, entry)) === at)
  const targets = targetsOf(postings, secrets, remarks)
  const all = wired.flatMap((entry): Takeover[] => {
    const { alert, asked } = entry
    const own: Remark[] = []
    const target = targets.find((other) => isSamePosting(other, entry))
    const sources = sourcesOf(alert)
    const demands = demandsOf(alert, asked, own)
    remarks.push(...own)
    if (target !== undefined && demands !== undefined && sources.length > 0) {
      remarks.push(...entry.remarks)
      return [{ alert, target, sources, demands, remarks: own }]
    }
    const why = sources.length === 0 ? 'names no object' : 'lets nothing through'
    remarks.push({ ...alert.at(), message: `Alert ${alert.namespace}/${alert.name} ${why}; it is left out` })
    return []
  })
  const takeovers = withoutRepeated(all, remarks)
  remarks.push(...takeovers.flatMap(({ sources }) => sources.flatMap((source) => source.remarks)))
  return {
    takeovers,
    replaced: all.map(({ alert }) => alert),
    rules: rulesOf(takeovers, remarks),
    targets: targets.filter((target) => takeovers.some((takeover) => takeover.target === target)),
    feeds: feedsOf(takeovers, remarks),
    remarks: inOrder(saidOnce(remarks, [...alerts, ...objects.providers]), manifests)
  }
}

/** Finds the first Provider that kustomize builds from the same manifest, if its Secret is a twin, too: then both post to one address. */
function firstTwin(provider: Provider, { providers, secrets }: FluxObjects): Provider {
  const secret = secretOf(provider, secrets)
  const isSameAddress = (other: Provider) =>
    provider.spec.secretRef === undefined || isTwin(secretOf(other, secrets), secret)
  return providers.find((other) => isTwin(other, provider) && isSameAddress(other)) ?? provider
}

function isSamePosting(a: Posting, b: Posting): boolean {
  return a.provider === b.provider && a.channel === b.channel
}

/** Finds the posting that `alert` makes; or what keeps it from being taken over, and the field that says so. */
function wire(
  alert: Alert,
  { providers, secrets, lost }: FluxObjects
):
  | { fault: string; at: string; posting?: undefined }
  | { fault?: undefined; at?: undefined; posting: Omit<Wired, 'remarks'> } {
  const { suspend, providerRef, channel, eventSeverity } = alert.spec
  if (suspend) return { fault: 'is suspended', at: 'suspend' }
  const severity = askedSeverity(eventSeverity)
  if (severity === undefined) {
    const isOpen = typeof eventSeverity === 'string' && hasPlaceholder(eventSeverity)
    const which = isOpen ? 'that is yet to be filled in' : `other than ${severityNames.join(', ')}`
    return { fault: `has an eventSeverity ${which}`, at: 'eventSeverity' }
  }
  const { asked } = severity
  const namespace = providerRef.namespace ?? alert.namespace
  const { name } = providerRef
  const namesakes = providers.filter((other) => other.name === name)
  const own = namesakes.find((other) => isSame(other, { namespace, name }))
  const provider = own ?? (namesakes.length === 1 ? namesakes[0] : undefined)
  if (own === undefined && lost.some((other) => isSame(other, { namespace, name })))
    return { fault: `posts to Provider ${namespace}/${name}, which cannot be read`, at: 'providerRef' }
  if (provider === undefined) {
    // kustomize's namePrefix and nameSuffix do not change the names that an Alert refers to.
    const renamed = providers.find((other) => other.namespace === namespace && other.name.includes(name))
    if (renamed !== undefined) {
      return {
        fault: `posts to Provider ${namespace}/${name}, which is in none of the files; ${renamed.name} is, and Flux does not look for that`,
        at: 'providerRef'
      }
    }
    const where = namesakes.map((other) => other.namespace).join(', ')
    const others = where === '' ? '' : `, though one of its name is in each of ${where}`
    return {
      fault: `posts to Provider ${namespace}/${name}, which is in none of the files${others || `: add what \`kubectl -n ${word(namespace)} get providers.notification.toolkit.fluxcd.io ${word(name)} -o yaml\` shows`}`,
      at: 'providerRef'
    }
  }
  const secret = secretOf(provider, secrets)
  const written = channel ?? providerRef.channel ?? provider.spec.channel
  // The imported config is kept in Git, and some Alerts have a webhook's URL in place of a channel.
  const isOwn = isAddress(written) || hasOwnChannel(provider)
  const posting = { alert, asked, provider, channel: isOwn ? undefined : written }
  const isLost = !posting.channel && apiOf(provider, secret) !== undefined
  const fault = faultOf(provider, secret) ?? (isLost ? 'posts with a token, and to no channel' : undefined)
  if (fault !== undefined) {
    return { fault: `posts to Provider ${provider.namespace}/${provider.name}, which ${fault}`, at: 'providerRef' }
  }
  return { posting }
}

/** Makes remarks on what Flux would do otherwise with the wiring of an Alert. */
function wiringRemarks({ alert, provider }: Omit<Wired, 'remarks'>, isOfApp: boolean): Remark[] {
  const { providerRef, channel, eventSeverity } = alert.spec
  const remarks: Remark[] = []
  const remark = (path: string[], message: string) =>
    remarks.push({ ...alert.at(['spec', ...path]), message: `Alert ${alert.namespace}/${alert.name} ${message}` })
  const severity = askedSeverity(eventSeverity)?.remark
  if (severity !== undefined) remark(['eventSeverity'], severity)
  const ofAlert = channel ?? providerRef.channel
  if (isAddress(ofAlert)) {
    remark(['channel'], 'has an address as its channel, which may be a secret; it is left out')
  } else if (ofAlert !== undefined && hasOwnChannel(provider)) {
    remark(
      channel === undefined ? ['providerRef', 'channel'] : ['channel'],
      `has a channel, which Flux knows of Providers only, and refuses; a webhook of ${provider.spec.type} posts to its own, and it is left out`
    )
  } else if (ofAlert !== undefined) {
    remark(
      channel === undefined ? ['providerRef', 'channel'] : ['channel'],
      `has a channel, which Flux knows of Providers only, and refuses; the relay posts to ${ofAlert}${isOfApp ? '' : '. Legacy webhooks heed that; the webhook of a Slack app posts to its own channel, so make one for each'}`
    )
  }
  if (providerRef.namespace !== undefined) {
    remark(['providerRef', 'namespace'], 'names the namespace of its Provider, which Flux does not know, and refuses')
  }
  if (provider.namespace !== alert.namespace) {
    remark(
      ['providerRef'],
      `posts to Provider ${provider.name}, which Flux looks for in ${alert.namespace}, the Alert's namespace; the one in ${provider.namespace} is taken, as the relay has no such limit`
    )
  }
  return remarks
}

/** Merges remarks that differ only in the namespace that kustomize builds a manifest in. */
function saidOnce(remarks: readonly Remark[], objects: readonly (Alert | Provider)[]): Remark[] {
  const built = objects.filter(({ of }) => of !== undefined).map(({ namespace }) => namespace)
  const namespaces = [...new Set(built)].toSorted((a, b) => b.length - a.length)
  const anywhere = (message: string) =>
    namespaces.reduce((text, namespace) => text.replaceAll(`${namespace}/`, '*/'), message)
  const said = Map.groupBy(remarks, ({ file, line, message }) => JSON.stringify([file, line, anywhere(message)]))
  return [...said.values()].flatMap(([first, ...others]) => {
    if (first === undefined || others.length === 0 || namespaces.length === 0) return first ? [first, ...others] : []
    return [{ ...first, message: `${first.message} (so it is in ${others.length + 1} namespaces)` }]
  })
}

/** Sorts remarks by file, in the order in which these were read, and by line. */
function inOrder(remarks: Remark[], manifests: readonly Manifest[]): Remark[] {
  const files = [...new Set(manifests.map(({ at }) => at().file))]
  return remarks.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line)
}
