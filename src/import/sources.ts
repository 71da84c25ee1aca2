// Imported event sources: turn an Alert's `eventSources` into lists of kinds, namespaces and names that the relay
// matches.
import { isGlob } from '../patterns.ts'
import type { Alert, Remark } from './flux.ts'

/** Objects an Alert is about; `name` may be `*`. */
export interface EventSource {
  kind: string
  namespace: string
  name: string
}

/** Every kind with every namespace with every name. */
export interface Scope {
  kinds: string[]
  namespaces: string[]
  /** undefined: every name */
  names: string[] | undefined
}

/** The sources of `alert` that ever match anything in Flux, with a remark on each that the relay takes otherwise. */
export function sourcesOf({ spec, namespace: own, at }: Alert, remarks: Remark[]): EventSource[] {
  return spec.eventSources.flatMap(({ kind, name, namespace, matchLabels }, index) => {
    const source = { kind, namespace: namespace || own, name }
    const path = ['spec', 'eventSources', index]
    // Kind and namespace are compared as they are written (event_handlers.go eventMatchesAlert).
    const wild = (['kind', 'namespace', 'name'] as const).find(
      (key) => isGlob(source[key]) && !(key === 'name' && name === '*')
    )
    if (wild !== undefined) {
      const message = `${wild} "${source[wild]}" matches nothing in Flux, which knows no wildcard there; the source is left out. The relay has wildcards: write it into the rule if you want it`
      remarks.push({ ...at([...path, wild]), message })
      return []
    }
    if (Object.keys(matchLabels ?? {}).length > 0) {
      const matched =
        name === '*'
          ? `every ${kind} in ${source.namespace}`
          : `${kind} ${source.namespace}/${name} whatever its labels`
      const message = `matchLabels cannot be carried over, events do not carry labels: the rule matches ${matched}. Annotate the objects with event.toolkit.fluxcd.io/<key> and match that as metadata`
      remarks.push({ ...at([...path, 'matchLabels']), message })
    }
    return [source]
  })
}

/** Whether some object is among both. */
export function overlap(some: readonly EventSource[], others: readonly EventSource[]): boolean {
  return some.some(({ kind, namespace, name }) =>
    others.some(
      (other) =>
        other.kind === kind &&
        other.namespace === namespace &&
        (name === '*' || other.name === '*' || other.name === name)
    )
  )
}

/** Without those that others include. */
export function withoutCovered(sources: readonly EventSource[]): EventSource[] {
  const all = new Map(sources.map((source) => [keyOf(source.kind, source.namespace, source.name), source]))
  return [...all.values()].filter(({ kind, namespace, name }) => name === '*' || !all.has(keyOf(kind, namespace, '*')))
}

/**
 * The fewest scopes found that together are `sources`. No object is in two of them: an Alert that becomes several rules
 * still sends everything once.
 */
export function scopesOf(sources: readonly EventSource[]): Scope[] {
  const single = withoutCovered(sources).map(({ kind, namespace, name }) => ({
    kinds: [kind],
    namespaces: [namespace],
    names: [name]
  }))
  const byName = merge(single, 'names')
  const byKind = merge(byName, 'kinds')
  return merge(byKind, 'namespaces').map(({ names, ...scope }) => ({
    ...scope,
    names: names.includes('*') ? undefined : names
  }))
}

type Lists = Record<'kinds' | 'namespaces' | 'names', string[]>

/** Puts those together that differ in nothing but `list`. */
function merge(scopes: Lists[], list: keyof Lists): Lists[] {
  const merged = new Map<string, Lists>()
  for (const scope of scopes) {
    const { kinds, namespaces, names }: Lists = { ...scope, [list]: [] }
    const key = JSON.stringify([kinds.toSorted(), namespaces.toSorted(), names.toSorted()])
    const known = merged.get(key)
    merged.set(key, known === undefined ? scope : { ...scope, [list]: [...known[list], ...scope[list]] })
  }
  return [...merged.values()]
}

function keyOf(...parts: string[]): string {
  return parts.join('\n')
}
