// An Alert as rules: one, or several where its sources are not all combinations of some kinds, namespaces and names.
import { compileRegex } from '../patterns.ts'
import { mentionPattern, type RuleText } from '../rules/schema.ts'
import type { Alert, Remark } from './flux.ts'
import { distinct } from './names.ts'
import { type Asked, severityMatch } from './severity.ts'
import { type EventSource, type Scope, scopesOf } from './sources.ts'

const longestName = 100

/** The rules for `alert`, which sends to `destination`; none where Flux would never send anything for it. `taken` are the names in use. */
export function rulesOf(
  alert: Alert,
  sources: readonly EventSource[],
  { asked, name, destination, taken }: { asked: Asked; name: string; destination: string; taken: Set<string> },
  remarks: Remark[]
): RuleText[] {
  const message = messageMatch(alert, remarks)
  if (message === 'nothing') return []
  const mention = mentionIn(alert)
  return scopesOf(sources).map((scope) => ({
    name: distinct(name, taken, longestName, ' '),
    match: {
      ...scopeMatch(scope),
      ...severityMatch(asked, scope.kinds),
      ...(message && { message })
    },
    ...(mention !== undefined && { mention }),
    send: destination
  }))
}

/** A summary that is nothing but a mention is how Flux is made to notify someone (fluxcd/notification-controller#418). */
export function mentionIn({ spec: { summary } }: Alert): string | undefined {
  const text = summary?.trim() ?? ''
  return new RegExp(mentionPattern).test(text) ? text : undefined
}

function scopeMatch({ kinds, namespaces, names }: Scope) {
  return {
    kind: oneOrMany(kinds),
    namespace: oneOrMany(namespaces),
    ...(names !== undefined && { name: oneOrMany(names) })
  }
}

/** Where Flux has yet to put something (`${NAMESPACE}`), it may be anything. */
function oneOrMany(names: string[]): string | string[] {
  const texts = [...new Set(names.map((name) => name.replace(/\$\{[^}]*\}/g, '*')))]
  const [only, ...others] = texts
  return only !== undefined && others.length === 0 ? only : texts
}

/** Flux passes over patterns that it cannot compile; an inclusion list of nothing else lets nothing through. */
function messageMatch(alert: Alert, remarks: Remark[]): NonNullable<RuleText['match']>['message'] | 'nothing' {
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
