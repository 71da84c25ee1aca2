// Repeated: finds what several Alerts post to one channel. Flux posts it once for each; the relay posts it once where it can.
import type { RuleText } from '../rules/schema.ts'
import { asksForAll } from '../rules/shadow.ts'
import { distinct, nameEach, type Target } from './destination.ts'
import type { Alert, Remark } from './flux.ts'
import { filled } from './placeholders.ts'
import { type Demands, metadataOf, ruleOf } from './rules.ts'
import { covers, type EventSource, isKnownToFlux, overlap } from './sources.ts'

/** An Alert that the relay takes over. */
export interface Takeover {
  alert: Alert
  target: Target
  sources: EventSource[]
  demands: Demands
  /** Differences between the relay and the Alert, apart from its sources. */
  remarks: Remark[]
}

/** A rule, and the Alerts that it stands for. */
export interface ImportedRule {
  rule: RuleText
  takeovers: Takeover[]
}

const longestName = 100

/** `all` without the sources whose every event another Alert posts to the same channel, too. */
export function withoutRepeated(all: readonly Takeover[], remarks: Remark[]): Takeover[] {
  const entries = all.flatMap((takeover) => takeover.sources.map((source) => ({ takeover, source })))
  const dropped = new Map<EventSource, Takeover>()
  for (const [at, { takeover, source }] of entries.entries()) {
    const { mention } = takeover.demands
    const wider = entries.find(
      (other, otherAt) =>
        other.takeover !== takeover &&
        other.takeover.target === takeover.target &&
        (mention === undefined || mention === other.takeover.demands.mention) &&
        !dropped.has(other.source) &&
        postsAll(other, { takeover, source }) &&
        // The first of two equal ones stays.
        (otherAt < at || !postsAll({ takeover, source }, other))
    )
    if (wider !== undefined) dropped.set(source, wider.takeover)
  }
  return all.flatMap((takeover): Takeover[] => {
    const { alert } = takeover
    const gone = takeover.sources.filter((source) => dropped.has(source))
    if (gone.length === 0) return [takeover]
    const sources = takeover.sources.filter((source) => !dropped.has(source))
    const others = [...new Set(gone.map((source) => dropped.get(source)?.alert ?? alert))]
    const what = sources.length === 0 ? 'nothing' : `nothing about ${gone.map(objectOf).join(', ')}`
    const kept = others.map(metadataOf)
    const lost = Object.entries(metadataOf(alert)).flatMap(([key, value]) =>
      kept.every((metadata) => metadata[key] === value) ? [] : [key]
    )
    const without = lost.length === 0 ? '' : `, and without the ${lost.join(', ')} of this one`
    const message = `Alert ${nameOf(alert)} posts ${what} that ${others.map(nameOf).join(' and ')} does not post to the same channel; the relay posts it once${without}`
    remarks.push({ ...alert.at(), message })
    return sources.length === 0 ? [] : [{ ...takeover, sources }]
  })
}

interface Entry {
  takeover: Takeover
  source: EventSource
}

function postsAll(wide: Entry, narrow: Entry): boolean {
  const { labels } = wide.source
  const isOfAll = labels === undefined || JSON.stringify(labels) === JSON.stringify(narrow.source.labels)
  return (
    isOfAll &&
    // Flux posts nothing for a source that it does not know: without `narrow`, the new Alert would lack its objects.
    (isKnownToFlux(wide.source) || !isKnownToFlux(narrow.source)) &&
    covers(wide.source, narrow.source) &&
    asksForAll(ruleFor(wide), ruleFor(narrow, wide.source))
  )
}

function ruleFor({ takeover, source }: Entry, of = source): RuleText {
  return ruleOf(takeover.demands, [of], { name: '', send: '' })
}

/** Makes rules of Alerts. Those that differ only in their objects become one rule. */
export function rulesOf(takeovers: readonly Takeover[], remarks: Remark[]): ImportedRule[] {
  const names = nameEach(
    takeovers.map(({ alert, target }) => ({ namespace: alert.namespace, name: filledName(alert) || target.name })),
    '/',
    longestName
  )
  const groups = Map.groupBy(takeovers, ({ target, demands }) => JSON.stringify([target.name, demands]))
  const taken = new Set<string>()
  const rules = [...groups.values()].map((group): ImportedRule => {
    const [first = '', ...others] = group.map((takeover) => names[takeovers.indexOf(takeover)] ?? '')
    const name = others.length === 0 ? first : commonName(group)
    const sources = group.flatMap(({ sources }) => sources)
    const [{ target, demands }] = group as [Takeover]
    const rule = ruleOf(demands, sources, { name: distinct(name, taken, longestName, ' '), send: target.name })
    return { rule, takeovers: group }
  })
  remarks.push(...doubled(rules))
  return rules
}

/** The name of an Alert without its variables: `${CLUSTER}-alerts` → `alerts`. */
function filledName({ name }: Alert): string {
  return filled(name, '').replace(/^[-_.]+|[-_.]+$/g, '')
}

/** The words that all names begin with, or else the name of the destination. */
function commonName(group: readonly Takeover[]): string {
  const [first = [], ...others] = group.map(({ alert }) => filledName(alert).split(/[-_.]/))
  const length = first.findIndex((word, at) => others.some((words) => words[at] !== word))
  const common = (length < 0 ? first : first.slice(0, length)).join('-')
  if (common.length > 2) return common
  const [{ target, demands }] = group as [Takeover]
  return demands.asked === 'error' ? `${target.name} failures` : target.name
}

function doubled(rules: readonly ImportedRule[]): Remark[] {
  const all = rules.flatMap(({ takeovers }, of) => takeovers.map((takeover) => ({ takeover, of })))
  return all.flatMap(({ takeover, of }, at) => {
    const { alert, target, sources } = takeover
    const other = all
      .slice(0, at)
      .find((one) => one.takeover.target === target && overlap(one.takeover.sources, sources))
    if (other === undefined) return []
    // This does not say that Flux posts it twice, too: Flux knows fewer wildcards, and may match nothing by one of them.
    const how = other.of === of ? 'once' : 'twice, once by each rule'
    const message = `Alert ${nameOf(alert)} is about objects that ${nameOf(other.takeover.alert)} posts to the same channel, too: what both match is posted ${how}`
    return [{ ...alert.at(), message }]
  })
}

function nameOf({ namespace, name }: Alert): string {
  return `${namespace}/${name}`
}

function objectOf({ kind, namespace, name }: EventSource): string {
  return `${kind}/${namespace}/${name}`
}
