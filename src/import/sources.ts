// Imported event sources: turns an Alert's `eventSources` into what a rule matches, and what Flux has to post for it.
import { meantBy } from '../events/vocabulary.ts'
import { globCovers, isGlob } from '../patterns.ts'
import type { Alert, Remark } from './flux.ts'
import { filled } from './placeholders.ts'

/** Objects that an Alert is about; each part may be a glob. */
export interface EventSource {
  kind: string
  namespace: string
  name: string
  /** Flux posts only events of objects with these labels, which events do not carry. */
  labels?: Record<string, string>
  /** Differences between the relay and Flux. */
  remarks: Remark[]
}

/** The matchers of a rule that say which objects it is about. */
export type Scope =
  | { kind: string | string[]; namespace: string | string[]; name?: string | string[] }
  | { object: string[] }

const parts = ['kind', 'namespace', 'name'] as const

/** Returns the event sources of `alert`, with remarks. */
export function sourcesOf({ spec, namespace: own, at }: Alert): EventSource[] {
  return spec.eventSources.map(({ kind, name, namespace, matchLabels }, index) => {
    // A variable without a default may become anything.
    const of = (text: string) => filled(text, '*')
    const meant = isGlob(kind) ? undefined : meantBy('kind', kind)
    const remarks: Remark[] = []
    const source = { kind: meant ?? of(kind), namespace: of(namespace || own), name: of(name), remarks }
    const path = ['spec', 'eventSources', index]
    // Flux compares kind and namespace as they are written (event_handlers.go eventMatchesAlert).
    const written = { kind, namespace: namespace ?? '', name }
    const wild = parts.find((part) => isGlob(written[part]) && !(part === 'name' && name === '*'))
    if (wild !== undefined) {
      const message = `${wild} "${written[wild]}" matches nothing in Flux, which knows no wildcard there; the relay does, and the rule has it`
      remarks.push({ ...at([...path, wild]), message })
    }
    if (meant !== undefined) {
      const message = `kind "${kind}" matches nothing in Flux, which takes it as it is written; the rule has ${meant}`
      remarks.push({ ...at([...path, 'kind']), message })
    }
    if (Object.keys(matchLabels ?? {}).length === 0) return source
    const matched =
      name === '*' ? `every ${kind} in ${source.namespace}` : `${kind} ${source.namespace}/${name} whatever its labels`
    const message = `matchLabels: events do not carry labels, so the rule matches ${matched}. The Alert of \`import --flux\` selects by them, unless others are about the same objects`
    remarks.push({ ...at([...path, 'matchLabels']), message })
    return { ...source, ...(matchLabels && { labels: matchLabels }) }
  })
}

/** Reports whether Flux can post what `source` says: it knows no globs of kinds or namespaces. */
export function isKnownToFlux({ kind, namespace }: EventSource): boolean {
  return !isGlob(kind) && !isGlob(namespace)
}

/** Reports whether every object of `narrow` is one of `wide`. */
export function covers(wide: EventSource, narrow: EventSource): boolean {
  return parts.every((part) => globCovers(wide[part], narrow[part]))
}

/** Reports whether some object is among both. Two globs count as apart unless one is within the other. */
export function overlap(some: readonly EventSource[], others: readonly EventSource[]): boolean {
  return some.some((one) =>
    others.some((other) =>
      parts.every((part) => globCovers(one[part], other[part]) || globCovers(other[part], one[part]))
    )
  )
}

/** `sources` without those that others include, whatever their labels; of equal ones, the first stays. */
export function withoutCovered(sources: readonly EventSource[]): EventSource[] {
  return sources.filter(
    (source, at) =>
      !sources.some(
        (other, otherAt) => otherAt !== at && covers(other, source) && (otherAt < at || !covers(source, other))
      )
  )
}

/** The matchers for `sources`: lists of kinds, namespaces and names if the sources are all combinations of these, else each object. */
export function scopeOf(sources: readonly EventSource[]): Scope {
  const single = withoutCovered(sources)
  const [kinds, namespaces, names] = parts.map((part) => [...new Set(single.map((source) => source[part]))])
  const combinations = (kinds?.length ?? 0) * (namespaces?.length ?? 0) * (names?.length ?? 0)
  if (combinations > single.length) {
    return { object: single.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`) }
  }
  const isEvery = names?.length === 1 && names[0] === '*'
  return {
    kind: oneOrMany(kinds),
    namespace: oneOrMany(namespaces),
    ...(!isEvery && { name: oneOrMany(names) })
  }
}

function oneOrMany(texts: string[] = []): string | string[] {
  const [only, ...others] = texts
  return only !== undefined && others.length === 0 ? only : texts
}
