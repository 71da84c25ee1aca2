// Imported rules: turns what Alerts ask of events into a rule, and what they add to events into what their feeds have in common.
import { type Severity, severityNames } from '../events/severity.ts'
import { compileRegex, globCovers, isGlob } from '../patterns.ts'
import { mentionPattern, type RuleText } from '../rules/schema.ts'
import type { Alert, Remark } from './flux.ts'
import { filled } from './placeholders.ts'
import { type EventSource, scopeOf } from './sources.ts'

type Match = NonNullable<RuleText['match']>

/** The severities that an Alert asks for: `info` and `error` as Flux means them, `warn` and lists as guides do, which Flux refuses. */
export type Asked = Severity | Severity[]

/** What an Alert asks of events, beside the objects that they are about. */
export interface Demands {
  asked: Asked
  message: Match['message']
  mention: string | undefined
}

/** What `alert` asks for, with a remark on each invalid pattern; undefined if it lets nothing through. */
export function demandsOf(alert: Alert, asked: Asked, remarks: Remark[]): Demands | undefined {
  const message = messageMatch(alert, remarks)
  const mention = mentionIn(alert)
  const [among] =
    mention === undefined ? (new RegExp(mentionPattern.slice(1, -1)).exec(summaryOf(alert) ?? '') ?? []) : []
  if (among !== undefined) {
    const path = alert.spec.summary ? ['spec', 'summary'] : ['spec', 'eventMetadata', 'summary']
    const text = `summary of Alert ${alert.namespace}/${alert.name} pings nobody: for that, write \`mention: "${among}"\` into the rule`
    remarks.push({ ...alert.at(path), message: text })
  }
  return message === 'nothing' ? undefined : { asked, message, mention }
}

/** The rule that sends what meets `demands`, about the objects of `sources`. */
export function ruleOf(
  { asked, message, mention }: Demands,
  sources: readonly EventSource[],
  { name, send }: Pick<RuleText, 'name' | 'send'>
): RuleText {
  const kinds = sources.map(({ kind }) => kind)
  return {
    name,
    match: { ...scopeOf(sources), ...severityMatch(asked, kinds), ...(message && { message }) },
    ...(mention !== undefined && { mention }),
    send
  }
}

/** The mention that is the whole summary of `alert`: this is how Flux is made to notify someone (fluxcd/notification-controller#418). */
export function mentionIn(alert: Alert): string | undefined {
  const text = summaryOf(alert)?.trim() ?? ''
  return new RegExp(mentionPattern).test(text) ? text : undefined
}

/** The summary of an Alert. It wins over metadata of that name (event_handlers.go combineEventMetadata), which is all that v1 has of it. */
function summaryOf({ spec: { summary, eventMetadata } }: Alert): string | undefined {
  return summary || eventMetadata?.['summary']
}

/** The matcher of messages. Flux passes over patterns that it cannot compile; an inclusion list of nothing else lets nothing through. */
function messageMatch(alert: Alert, remarks: Remark[]): Match['message'] | 'nothing' {
  const { inclusionList = [], exclusionList = [] } = alert.spec
  const valid = (list: 'inclusionList' | 'exclusionList', patterns: string[]) =>
    patterns.filter((pattern, index) => {
      const compiled = compileRegex(pattern)
      if (!('error' in compiled)) return true
      const message = `${list} of Alert ${alert.namespace}/${alert.name}: not a pattern, Flux passes over it too: ${compiled.error}`
      remarks.push({ ...alert.at(['spec', list, index]), message })
      return false
    })
  const include = valid('inclusionList', inclusionList)
  const exclude = valid('exclusionList', exclusionList)
  if (inclusionList.length > 0 && include.every((pattern) => exclude.includes(pattern))) return 'nothing'
  if (include.length + exclude.length === 0) return undefined
  return { ...(include.length > 0 && { include }), ...(exclude.length > 0 && { exclude }) }
}

/** The severities that `eventSeverity` asks for, with a remark; undefined if it has no possible meaning. */
export function askedSeverity(value: unknown): { asked: Asked; remark: string | undefined } | undefined {
  if (value === undefined) {
    return {
      asked: 'info',
      remark:
        'has no eventSeverity. Flux takes that for info, which is everything, and so does the rule; some guides say that it means error: for failures alone, write `severity: warn` into the rule'
    }
  }
  const given = typeof value === 'string' ? filled(value) : value
  const texts = typeof given === 'string' ? given.split(/[\s,]+/).filter(Boolean) : given
  if (!Array.isArray(texts) || texts.length === 0) return undefined
  const named = texts.map(severityNamed)
  const severities = [...new Set(named)].flatMap((severity) => severity ?? [])
  if (named.includes(undefined)) return undefined
  const [only] = severities
  if (typeof given !== 'string' || texts.length > 1 || only === undefined) {
    const all = severities.join(' and ')
    return {
      asked: severities,
      remark: `has a list as its eventSeverity, which Flux refuses: it takes info or error. The rule asks for ${all} only${meaning(severities)}`
    }
  }
  if (only === 'warn') {
    return {
      asked: only,
      remark: `has the eventSeverity ${given}, which Flux refuses: it takes info or error. The rule asks for warn and worse${meaning([only])}`
    }
  }
  return {
    asked: only,
    remark: given === only ? undefined : `has the eventSeverity ${given}, which Flux refuses; it is taken for ${only}`
  }
}

function severityNamed(text: unknown): Severity | undefined {
  if (typeof text !== 'string') return undefined
  const lower = text.trim().toLowerCase()
  return severityNames.find((name) => name === (lower === 'warning' ? 'warn' : lower))
}

function meaning(severities: readonly Severity[]): string {
  return severities.includes('warn')
    ? ': `warn` is what passes by itself, such as waiting for a dependency, drift, a rollback'
    : ''
}

/**
 * The matchers by which a rule for `kinds` asks for a severity. For `info` and `error`, it fires for every event that Flux calls so and
 * for no other. In the relay some of Flux's errors and some of its infos are `warn` (events/severity.ts), so the errors of Flux are the
 * relay's warnings and errors, without those that Flux calls info.
 */
export function severityMatch(asked: Asked, kinds: readonly string[]): Match {
  if (asked !== 'error') return { severity: asked }
  // A kind that is a glob may be any.
  const isAmong = (kind: string) => kinds.some((other) => globCovers(other, kind))
  const ofHelm = isAmong('HelmRelease') ? ['RollbackSucceeded', 'UninstallSucceeded'] : []
  // Objects that wait for a dependency say so as info, but those of the image controllers as an error.
  const saysInfo = kinds.some((kind) => !kind.startsWith('Image'))
  const saysError = kinds.some((kind) => kind.startsWith('Image') || (isGlob(kind) && globCovers(kind, 'ImagePolicy')))
  const reasons = [...(saysInfo && !saysError ? ['DependencyNotReady'] : []), ...ofHelm]
  return {
    severity: 'warn',
    ...(reasons.length > 0 && { not: { reason: reasons } }),
    ...(saysInfo && saysError && { when: 'event.reason != "DependencyNotReady" || object.kind.startsWith("Image")' })
  }
}

/** The metadata that every one of `alerts` adds, with a remark on each key that only some add. A summary is the key `summary`. */
export function commonMetadata(alerts: readonly Alert[], remarks: Remark[]): Record<string, string> {
  const [first, ...others] = alerts.map(metadataOf)
  const isCommon = (key: string, value: string) => others.every((metadata) => metadata[key] === value)
  const common = Object.fromEntries(Object.entries(first ?? {}).filter(([key, value]) => isCommon(key, value)))
  for (const alert of alerts) {
    for (const key of Object.keys(metadataOf(alert))) {
      if (key in common) continue
      const path = key === 'summary' && alert.spec.summary ? ['spec', 'summary'] : ['spec', 'eventMetadata', key]
      const message = `${key} of Alert ${alert.namespace}/${alert.name} is not carried over: others are about the same objects, one Alert posts those to the relay, and not all agree on it`
      remarks.push({ ...alert.at(path), message })
    }
  }
  return common
}

/** The metadata that an Alert adds to events, without a mention, which became the rule's. */
export function metadataOf(alert: Alert): Record<string, string> {
  const { summary: _, ...eventMetadata } = alert.spec.eventMetadata ?? {}
  const summary = mentionIn(alert) === undefined ? summaryOf(alert) : undefined
  return { ...eventMetadata, ...(summary && { summary }) }
}
