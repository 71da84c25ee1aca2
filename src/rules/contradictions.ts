// Contradictions: finds what an entry asks for and takes away again, with `not` or with a matcher beside it. Pure.
import type { Fault } from '../errors.ts'
import type { Severity } from '../events/severity.ts'
import { globCovers, isGlob } from '../patterns.ts'
import { askedOf, objectFields, placesOf } from './asked.ts'
import { type Matchers, severitiesOf } from './schema.ts'

/** Warns, at `path`, about what `wanted` asks for and `not` takes away. `usual`: the severity that is meant if none is written. */
export function contradictions(wanted: Matchers, not: Matchers, path: Fault['path'], usual: Severity): Fault[] {
  const never = (key: string[], what: string): Fault => ({
    path: [...path, 'not', ...key],
    message: `leaves nothing: it excludes every ${what} that the rest of this match asks for`,
    isWarning: true
  })
  const severities = severitiesOf(wanted.severity ?? usual)
  const isSevere = not.severity !== undefined && severities.isSubsetOf(severitiesOf(not.severity))
  return [
    ...(isSevere ? [never(['severity'], 'severity')] : []),
    ...askedOf(not).flatMap(({ key, patterns }, at) =>
      taken(key.join(' '), askedOf(wanted)[at]?.patterns, patterns, path, key, never)
    ),
    ...Object.entries(not.metadata ?? {}).flatMap(([key, refused]) =>
      taken(`value of ${key}`, wanted.metadata?.[key], refused, path, ['metadata', key], never)
    ),
    ...messageContradictions(wanted.message, not.message, path),
    ...strangers(wanted, path)
  ]
}

/** Warns about entries of `object` that the kinds, namespaces or names beside it exclude. */
function strangers(wanted: Matchers, path: Fault['path']): Fault[] {
  return placesOf(wanted.object, [...path, 'object']).flatMap(({ pattern, at }): Fault[] => {
    const parts = pattern.split('/')
    if (parts.length !== objectFields.length) return []
    const field = objectFields.find((each, index) => {
      const beside = wanted[each]
      return beside !== undefined && [beside].flat().every((other) => areApart(other, parts[index] ?? ''))
    })
    if (field === undefined) return []
    const message = `the \`${field}\` beside it leaves it out: all matchers of an entry must match`
    return [{ path: at, message, isWarning: true }]
  })
}

/** Reports whether no text can match both patterns. Two globs may have something in common even if neither is within the other. */
function areApart(one: string, other: string): boolean {
  return (!isGlob(one) || !isGlob(other)) && !globCovers(one, other) && !globCovers(other, one)
}

function taken(
  what: string,
  wanted: string | string[] | undefined,
  refused: string | string[] | undefined,
  path: Fault['path'],
  key: string[],
  never: (key: string[], what: string) => Fault
): Fault[] {
  if (refused === undefined) return []
  const isRefused = (pattern: string) => [refused].flat().some((wide) => globCovers(wide, pattern))
  const places = placesOf(wanted ?? '*', [...path, ...key])
  const lost = places.filter(({ pattern }) => isRefused(pattern))
  if (lost.length === places.length) return [never(key, what)]
  return lost.map(({ at }) => ({ path: at, message: '`not` excludes it again', isWarning: true }))
}

// RE2 patterns that are found in any text.
const everything = new Set(['', '.*', '^', '$', '^.*', '.*$', '(?s).*', '(?s)^.*$', '()'])

function messageContradictions(
  { include, exclude = [] }: NonNullable<Matchers['message']> = {},
  not: Matchers['message'],
  path: Fault['path']
): Fault[] {
  const said = (at: Fault['path'], message: string): Fault[] => [{ path: [...path, ...at], message, isWarning: true }]
  const isWithout = (patterns: readonly string[]) =>
    patterns.some((pattern) => everything.has(pattern)) || include?.every((pattern) => patterns.includes(pattern))
  if (exclude.length > 0 && isWithout(exclude)) {
    return said(['message', 'exclude'], 'leaves nothing: every message that is included is excluded again')
  }
  const isRefused = not?.exclude === undefined && not?.include !== undefined && isWithout(not.include)
  return isRefused ? said(['not', 'message'], 'leaves nothing: it excludes every message that is included') : []
}
