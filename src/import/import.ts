// Import: turns Flux's Alerts and Providers into a config that does the same. Pure.
import { severityNames } from '../events/severity.ts'
import type { RuleText } from '../rules/schema.ts'
import { asksForAll } from '../rules/shadow.ts'
import { apiOf } from './app.ts'
import { faultOf, nameEach, type Posting, secretOf, type Target, targetsOf } from './destination.ts'
import { type Alert, collect, isSame, type Provider, type Remark, type Secret } from './flux.ts'
import type { Manifest } from './manifest.ts'
import { type Asked, askedSeverity, commonMetadata, rulesOf } from './rules.ts'
import { type EventSource, overlap, sourcesOf } from './sources.ts'

/** An Alert the relay takes over. */
export interface Takeover {
  alert: Alert
  target: Target
  sources: EventSource[]
  rules: RuleText[]
  /** The differences from the Alert. */
  remarks: Remark[]
}

export interface Import {
  takeovers: Takeover[]
  /** Those that the takeovers send to. */
  targets: Target[]
  /** The metadata of all events. */
  metadata: Record<string, string>
  /** Everything that was not carried over, or not as it was, in the order of the files. */
  remarks: Remark[]
}

/** An Alert, and by what it posts. */
interface Wired extends Posting {
  alert: Alert
  asked: Asked
}

/** `namespace` is for manifests without one. */
export function importFlux(manifests: readonly Manifest[], namespace: string): Import {
  const { alerts, providers, secrets, remarks } = collect(manifests, namespace)
  const wired = alerts.flatMap((alert): Wired[] => {
    const { fault, at, posting } = wire(alert, providers, secrets)
    if (posting !== undefined) {
      remarks.push(
        ...wiringRemarks(posting, apiOf(posting.provider, secretOf(posting.provider, secrets)) !== undefined)
      )
      return [posting]
    }
    const message = `Alert ${alert.namespace}/${alert.name} ${fault}; it is left out`
    remarks.push({ ...alert.at(['spec', at]), message })
    return []
  })

  const postings = wired.filter((entry, at) => wired.findIndex((other) => isSamePosting(other, entry)) === at)
  const targets = targetsOf(postings, secrets, remarks)
  const refs = wired.map(({ alert }) => alert)
  const names = nameEach(refs, '/', 100)
  const takenNames = new Set<string>()
  const all = wired.flatMap((entry, index): Takeover[] => {
    const { alert, asked } = entry
    const own: Remark[] = []
    const target = targets.find((other) => isSamePosting(other, entry))
    const sources = sourcesOf(alert, own)
    const name = { asked, name: names[index] ?? alert.name, destination: target?.name ?? '', taken: takenNames }
    const rules = rulesOf(alert, sources, name, own)
    remarks.push(...own)
    if (target !== undefined && rules.length > 0) return [{ alert, target, sources, rules, remarks: own }]
    remarks.push({
      ...alert.at(),
      message: `Alert ${alert.namespace}/${alert.name} lets nothing through; it is left out`
    })
    return []
  })
  const takeovers = withoutRepeated(all, remarks)
  const taken = takeovers.map(({ alert }) => alert)
  const metadata = commonMetadata(taken, remarks)
  return {
    takeovers,
    targets: targets.filter((target) => takeovers.some((takeover) => takeover.target === target)),
    metadata,
    remarks: inOrder(remarks, manifests)
  }
}

function isSamePosting(a: Posting, b: Posting): boolean {
  return a.provider === b.provider && a.channel === b.channel
}

/** What keeps `alert` from being taken over, and the field that says so; or by what it posts. */
function wire(
  alert: Alert,
  providers: readonly Provider[],
  secrets: readonly Secret[]
): { fault: string; at: string; posting?: undefined } | { fault?: undefined; at?: undefined; posting: Wired } {
  const { suspend, providerRef, channel, eventSeverity } = alert.spec
  if (suspend) return { fault: 'is suspended', at: 'suspend' }
  const severity = askedSeverity(eventSeverity)
  if (severity === undefined) {
    return { fault: `has an eventSeverity other than ${severityNames.join(', ')}`, at: 'eventSeverity' }
  }
  const { asked } = severity
  const namespace = providerRef.namespace ?? alert.namespace
  const { name } = providerRef
  const namesakes = providers.filter((other) => other.name === name)
  const own = namesakes.find((other) => isSame(other, { namespace, name }))
  const provider = own ?? (namesakes.length === 1 ? namesakes[0] : undefined)
  if (provider === undefined) {
    const where = namesakes.map((other) => other.namespace).join(', ')
    const others = where === '' ? '' : `, though one of its name is in each of ${where}`
    return {
      fault: `posts to Provider ${namespace}/${name}, which is in none of the files${others}`,
      at: 'providerRef'
    }
  }
  const secret = secretOf(provider, secrets)
  const posting = { alert, asked, provider, channel: channel ?? providerRef.channel ?? provider.spec.channel }
  const isLost = !posting.channel && apiOf(provider, secret) !== undefined
  const fault = faultOf(provider, secret) ?? (isLost ? 'posts with a token, and to no channel' : undefined)
  if (fault !== undefined) {
    return { fault: `posts to Provider ${provider.namespace}/${provider.name}, which ${fault}`, at: 'providerRef' }
  }
  return { posting }
}

/** Remarks where Flux would treat the wiring of an Alert differently. */
function wiringRemarks({ alert, provider }: Wired, isOfApp: boolean): Remark[] {
  const { providerRef, channel, eventSeverity } = alert.spec
  const remarks: Remark[] = []
  const remark = (path: string[], message: string) =>
    remarks.push({ ...alert.at(['spec', ...path]), message: `Alert ${alert.namespace}/${alert.name} ${message}` })
  const severity = askedSeverity(eventSeverity)?.remark
  if (severity !== undefined) remark(['eventSeverity'], severity)
  const ofAlert = channel ?? providerRef.channel
  if (ofAlert !== undefined) {
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

/**
 * Without the rules whose every event another rule posts to the same channel, too: where Flux posted it twice, once is
 * enough. What is posted twice only in part is said.
 */
function withoutRepeated(all: readonly Takeover[], remarks: Remark[]): Takeover[] {
  const entries = all.flatMap((takeover) => takeover.rules.map((rule) => ({ takeover, rule })))
  const dropped = new Set<RuleText>()
  for (const [at, { takeover, rule }] of entries.entries()) {
    const wider = entries.find(
      (other, otherAt) =>
        other.takeover !== takeover &&
        !dropped.has(other.rule) &&
        other.takeover.target === takeover.target &&
        (rule.mention === undefined || rule.mention === other.rule.mention) &&
        asksForAll(other.rule, rule) &&
        // The first of two equal ones stays.
        (otherAt < at || !asksForAll(rule, other.rule))
    )
    if (wider === undefined) continue
    dropped.add(rule)
    const { alert } = takeover
    const other = wider.takeover.alert
    const message = `Alert ${alert.namespace}/${alert.name} ${takeover.rules.length > 1 ? `(${rule.name}) ` : ''}posts nothing that ${other.namespace}/${other.name} does not post to the same channel; Flux posted it twice, the relay does once`
    remarks.push({ ...alert.at(), message })
  }
  const left = all.flatMap((takeover): Takeover[] => {
    const rules = takeover.rules.filter((rule) => !dropped.has(rule))
    return rules.length === 0 ? [] : [{ ...takeover, rules }]
  })
  for (const [at, takeover] of left.entries()) {
    const other = left
      .slice(0, at)
      .find((one) => one.target === takeover.target && overlap(one.sources, takeover.sources))
    if (other === undefined) continue
    const { alert } = takeover
    const message = `Alert ${alert.namespace}/${alert.name} is about objects that ${other.alert.namespace}/${other.alert.name} posts to the same channel, too: what both match is posted twice, as by Flux`
    remarks.push({ ...alert.at(), message })
  }
  return left
}

/** By file, in the order they were read, and by line. */
function inOrder(remarks: Remark[], manifests: readonly Manifest[]): Remark[] {
  const files = [...new Set(manifests.map(({ at }) => at().file))]
  return remarks.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line)
}
