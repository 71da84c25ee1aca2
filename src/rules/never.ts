// Never: finds matchers that no event can meet: names that nothing has. Pure.
import type { Fault } from '../errors.ts'
import { type Severity, severityNames } from '../events/severity.ts'
import { appliedKinds, meantBy, vocabulary } from '../events/vocabulary.ts'
import { compileGlobs, isGlob } from '../patterns.ts'
import { createGuess, type Guess, quote } from '../spelling.ts'
import { askedOf, objectFields, placesOf } from './asked.ts'
import { contradictions } from './contradictions.ts'
import { type Field, remarksOn } from './remarks.ts'
import { type Matchers, type MatchText, severitiesOf } from './schema.ts'

/** The names that events may have, as far as they are known. */
export interface Known {
  /** Names of all sources; undefined if they are not known. */
  sources: ReadonlySet<string> | undefined
  /** All possible clusters; undefined if events may name any. */
  clusters: ReadonlySet<string> | undefined
  /** Guesses which known name was meant by an unknown one. */
  guess: Guess
}

/** For configurations of which nothing is known: an event may contain anything. */
export const nothingKnown: Known = { sources: undefined, clusters: undefined, guess: () => '' }

/** Returns what `sources` say about names. A source with a cluster of its own fixes the cluster; otherwise the event names it. */
export function knownFrom(sources: ReadonlyMap<string, { cluster: string | undefined }>): Known {
  // An empty cluster comes from a variable that is not set.
  const clusters = [...sources.values()].map(({ cluster }) => cluster || undefined)
  const isKnown = clusters.every((cluster) => cluster !== undefined)
  return { sources: new Set(sources.keys()), clusters: isKnown ? new Set(clusters) : undefined, guess: createGuess() }
}

/**
 * Warns, at `path`, about what of `match` no event can meet; a variable that nobody fills in is an error. `usual`: the severity
 * that is meant if none is written.
 */
export function neverFaults(match: MatchText, path: Fault['path'], known: Known, usual: Severity = 'info'): Fault[] {
  const { not = {}, when, ...wanted } = match
  return [
    ...matcherFaults(wanted, path, known),
    ...matcherFaults(not, [...path, 'not'], known),
    ...contradictions(wanted, not, path, usual),
    ...(when === undefined
      ? []
      : remarksOn(when, [...path, 'when'], {
          is: (field, text) => whyNeverIs(field, text, known),
          isLike: (field, glob) => whyNever(field, glob, known)
        }))
  ]
}

/** Warns about patterns of `match` that no event can meet; for entries that have only patterns. */
export function matcherFaults(
  match: Pick<Matchers, Field | 'object' | 'related' | 'metadata' | 'message'>,
  path: Fault['path'],
  known: Known
) {
  return [
    ...askedOf(match).flatMap(({ field, key, patterns }) =>
      placesOf(patterns, [...path, ...key]).flatMap(({ pattern, at }): Fault[] => {
        const variable = field === 'cluster' ? undefined : /\$\{\w*\}?/.exec(pattern)?.[0]
        if (variable !== undefined) {
          return [{ path: at, message: `${variable} is not filled in here; write the ${field} itself` }]
        }
        const message =
          oneText(field, pattern, !at.includes(field, -1)) ??
          (key[0] === 'kind' ? whyNotSent(pattern) : undefined) ??
          whyNever(field, pattern, known)
        return message === undefined ? [] : [{ path: at, message, isWarning: true }]
      })
    ),
    ...Object.entries(match.metadata ?? {}).flatMap(([key, patterns]) => lostKey(key, patterns, [...path, 'metadata'])),
    ...(['include', 'exclude'] as const).flatMap((list) =>
      (match.message?.[list] ?? []).flatMap((pattern, at): Fault[] =>
        /[\r\n]$/.test(pattern)
          ? [{ path: [...path, 'message', list, at], message: endsInLineEnd, isWarning: true }]
          : []
      )
    )
  ]
}

const endsInLineEnd = 'ends in a line end, which must then be found as well; is that meant? In YAML, `|-` leaves it out'

/** Says that several names were written as one text: no name in Kubernetes has a comma or a space. */
function oneText(field: Field | 'object', text: string, isListed: boolean): string | undefined {
  if (isListed || field === 'cluster' || field === 'source' || !/[\s,]/.test(text)) return undefined
  const [, before = '', inside = text, after = ''] = /^([^{}]*)\{([^{}]*)\}([^{}]*)$/.exec(text) ?? []
  const names = inside.split(/[\s,]+-?|^-/).flatMap((name) => (name === '' ? [] : [before + name + after]))
  return `is one text; a list is [${names.join(', ')}]`
}

/** Says why no event has in `field` what the glob `pattern` asks for, and what was meant. */
function whyNever(field: Field | 'object', pattern: string, known: Known): string | undefined {
  const { sources, clusters, guess } = known
  switch (field) {
    case 'object':
      return whyNoObject(pattern, known)
    case 'source':
      return sources && notAmong('source', 'in this file', { pattern, names: sources, guess })
    case 'cluster':
      return (
        clusters &&
        notAmong('cluster', 'of any source, and each source names its own', { pattern, names: clusters, guess })
      )
    case 'kind':
      return misspelt(field, pattern) ?? misshapen(field, pattern)
    case 'reason':
    case 'action':
      return misspelt(field, pattern)
    default:
      return misshapen(field, pattern)
  }
}

/** Says why no event has the text with which an expression compares `field`; * is not a wildcard there. */
function whyNeverIs(field: Field, text: string, known: Known): string | undefined {
  if (field === 'reason' || field === 'action' || field === 'cluster' || !isGlob(text))
    return whyNever(field, text, known)
  return `no ${field} is ${quote(text)}: an expression has no wildcards; write startsWith() or endsWith()`
}

function whyNoObject(pattern: string, known: Known): string | undefined {
  const parts = pattern.split('/')
  if (parts.length > objectFields.length || (parts.length < objectFields.length && !pattern.includes('*'))) {
    return `no object is like ${quote(pattern)}: they are Kind/namespace/name`
  }
  // A star may stand for several parts.
  if (parts.length < objectFields.length) return undefined
  const whys = objectFields.map((field, at) => whyNever(field, parts[at] ?? '', known))
  return whys.find((why) => why !== undefined) ?? whyNotSent(parts[0] ?? '')
}

/** Says that no event is about objects of `kind`. An event may be related to any object, but it is about one of Flux's own. */
function whyNotSent(kind: string): string | undefined {
  if (!appliedKinds.has(kind)) return undefined
  return `Flux sends no event about a ${kind}, but about the Kustomization or HelmRelease that applies it`
}

function notAmong(
  what: string,
  where: string,
  { pattern, names, guess }: { pattern: string; names: ReadonlySet<string>; guess: Guess }
): string | undefined {
  const { matches } = compileGlobs(pattern)
  if (isGlob(pattern) ? names.values().some(matches) : names.has(pattern)) return undefined
  const listed = names.size > 20 ? '' : `; there ${names.size === 1 ? 'is' : 'are'} ${[...names].join(', ')}`
  return `there is no ${what} ${quote(pattern)} ${where}${guess(pattern, names) || listed}`
}

function misspelt(field: keyof typeof vocabulary, pattern: string): string | undefined {
  if (pattern.startsWith('!')) return negated(field, pattern)
  if (!isGlob(pattern)) {
    const meant = meantBy(field, pattern)
    return meant && `Flux has no ${field} ${quote(pattern)}, and case counts; did you mean "${meant}"?`
  }
  const names = vocabulary[field]
  if (names.some(compileGlobs(pattern).matches)) return undefined
  const { matches } = compileGlobs(pattern.toLowerCase())
  const meant = names.filter((name) => matches(name.toLowerCase()))
  if (meant.length > 0) {
    return `Flux has no ${field} like ${quote(pattern)}: case counts, but there is ${meant.slice(0, 3).join(', ')}`
  }
  const core = pattern.replace(/^\*+|\*+$/g, '')
  const guess = isGlob(core) ? undefined : meantBy(field, core)
  return guess && `Flux has no ${field} like ${quote(pattern)}; did you mean "${pattern.replace(core, guess)}"?`
}

function negated(field: string, pattern: string): string {
  return `no ${field} is like ${quote(pattern)}; to leave it out, write it under \`not\``
}

// RFC 1123, as Kubernetes applies it to namespaces (labels) and names (subdomains); a kind in lower case is an RFC 1035 label.
const shapes = {
  kind: { strange: /[^A-Za-z0-9-]/u, longest: 63, are: 'letters and digits' },
  namespace: { strange: /[^a-z0-9-]/u, longest: 63, are: 'small letters, digits and -' },
  name: { strange: /[^a-z0-9.-]/u, longest: 253, are: 'small letters, digits, - and .' }
} as const

function misshapen(field: keyof typeof shapes, pattern: string): string | undefined {
  const { strange, longest, are } = shapes[field]
  const literal = pattern.replace(/[*?]/g, '')
  const [char] = strange.exec(literal) ?? []
  const never = `no ${field} is like ${quote(pattern)}`
  if (pattern.startsWith('!')) return negated(field, pattern)
  if (/\.\*|[\\^$|()[\]]/.test(pattern) && (char !== undefined || /-\.\*/.test(pattern))) {
    return `${never}: this is a glob, not a regular expression; * is any run of characters`
  }
  if (char !== undefined) {
    const plain = field === 'kind' ? pattern : pattern.toLowerCase().replace(/[_\s]/g, '-')
    const isOne = plain !== pattern && !strange.test(plain.replace(/[*?]/g, ''))
    const guess = isOne ? `; did you mean "${plain}"?` : ''
    return `${never}: they are ${are}, without ${quote(char)}${guess}`
  }
  if (literal.length > longest) return `${never}: the longest has ${longest} characters`
  const [edge] = /^[-.]|[-.]$|\.[-.]|-\./.exec(pattern) ?? []
  return edge === undefined ? undefined : `${never}: none begins or ends with "${edge.charAt(0)}"`
}

// The relay takes the prefix off, and drops what is internal to a controller (events/flux.ts).
const lostKeys = /^[^/]+\.toolkit\.fluxcd\.io\/(.*)$|^(token|digest|checksum)$/s

function lostKey(key: string, patterns: string | string[], path: Fault['path']): Fault[] {
  const message = compileGlobs(patterns).matches('') ? undefined : whyNoKey(key)
  return message === undefined ? [] : [{ path: [...path, key], message, isWarning: true }]
}

/** Says why the metadata of no event has `key`; undefined if it may. */
export function whyNoKey(key: string): string | undefined {
  const [found, name] = lostKeys.exec(key) ?? []
  if (found === undefined) return undefined
  return name === undefined ? 'no event keeps this key' : `events come without the prefix; write "${name}"`
}

// Reasons of Flux that are good news, by their names. After a rollback or a removal something is still wrong, and the relay calls
// them `warn` (events/severity.ts).
const good = /^(?!Rollback|Uninstall).*(Succeed(ed)?|Passed|Completed)$|^(Progressing|NewArtifact|ArtifactUpToDate)$/

/** Warns about a rule that asks for good news but does not match `info`, as no rule without a severity does. */
export function goodNewsFaults({ reason, severity }: MatchText, path: Fault['path']): Fault[] {
  const places = placesOf(reason, [...path, 'reason'])
  if (places.length === 0 || severitiesOf(severity ?? 'error').has('info')) return []
  if (!places.every(({ pattern }) => !isGlob(pattern) && good.test(pattern))) return []
  const asked = severity === undefined ? 'without a severity, a rule matches `error`' : 'this rule does not match that'
  const message = `Flux says ${places[0]?.pattern} with severity info, and ${asked}: write \`severity: info\``
  return [{ path: [...path, 'reason'], message, isWarning: true }]
}

/**
 * Reports whether a rule that asks for `severity`, without those that `not` refuses, ever notifies of a failure: none is `info`.
 */
export function asksForFailures({ severity, not }: MatchText = {}): boolean {
  const refused = not?.severity === undefined ? new Set<Severity>() : severitiesOf(not.severity)
  const left = severitiesOf(severity ?? 'error').difference(refused)
  return left.size === 0 || severityNames.some((name) => name !== 'info' && left.has(name))
}
