// Shadowed rules: are found where a `final` rule above takes every event that they match. Pure.
import type { Severity } from '../events/severity.ts'
import { globCovers, literalStart } from '../patterns.ts'
import { type RuleText, severitiesOf } from './schema.ts'

/** What a rule asks of an event, key by key. Of each key one pattern has to hold, or, of `refuses`, none may. */
interface Demands {
  severities: ReadonlySet<Severity>
  wants: ReadonlyMap<string, readonly string[]>
  refuses: ReadonlyMap<string, readonly string[]>
}

/** A rule that cannot fire, and the final one above that is why. Both are places in the list. */
export interface Shadowed {
  rule: number
  by: number
}

/**
 * Finds the rules that cannot fire. Only what is certain is reported: every condition of the final rule is absent, or asks
 * for no more than the same condition of the other.
 */
export function findShadowed(rules: readonly RuleText[]): Shadowed[] {
  const demands = rules.map(demandsOf)
  const finals = rules.flatMap(({ final }, at) => (final ? [at] : []))
  const uses = countUses(finals.map((at) => demands[at]))
  const filed = new Map<string, number[]>()
  const shadowed: Shadowed[] = []
  for (const [rule, narrow] of demands.entries()) {
    const by = placesOf(narrow)
      .flatMap((place) => filed.get(place) ?? [])
      .find((at) => covers(demands[at], narrow))
    if (by !== undefined) shadowed.push({ rule, by })
    // What a shadowed rule would take is taken by the one above it as well.
    else if (rules[rule]?.final) {
      for (const place of filedUnder(narrow, uses))
        filed
          .set(place, filed.get(place) ?? [])
          .get(place)
          ?.push(rule)
    }
  }
  return shadowed
}

/** Whether `wide` certainly matches every event that `narrow` does. */
export function asksForAll(wide: RuleText, narrow: RuleText): boolean {
  return covers(demandsOf(wide), demandsOf(narrow))
}

function covers(wide: Demands | undefined, narrow: Demands): boolean {
  return (
    wide !== undefined &&
    narrow.severities.isSubsetOf(wide.severities) &&
    entriesOf(wide.wants).every(([key, patterns]) => asksAtMost(key, patterns, narrow.wants.get(key))) &&
    entriesOf(wide.refuses).every(([key, patterns]) => patterns.every((pattern) => isRefused(key, pattern, narrow)))
  )
}

function asksAtMost(key: string, wide: readonly string[], narrow: readonly string[] | undefined): boolean {
  return narrow?.every((pattern) => wide.some((one) => includes(key, one, pattern))) ?? false
}

/** Whether no event that `narrow` asks for is one that `pattern` holds of. */
function isRefused(key: string, pattern: string, narrow: Demands): boolean {
  if (narrow.refuses.get(key)?.some((one) => includes(key, one, pattern))) return true
  const wanted = globs.test(key) ? narrow.wants.get(key) : undefined
  return wanted?.every((one) => literalStart(one) === one && !globCovers(pattern, one)) ?? false
}

function includes(key: string, wide: string, narrow: string): boolean {
  return globs.test(key) ? globCovers(wide, narrow) : wide === narrow
}

// Of anything but globs, such as expressions, it is only known whether they are the same.
const globs = /^(kind|namespace|name|cluster|source|reason|metadata\..*)$/s

function demandsOf({ match: { severity = 'error', not = {}, when, message, ...texts } = {} }: RuleText): Demands {
  const { severity: refused, message: refusedMessage, ...refusedTexts } = not
  const refusedSeverities = refused === undefined ? new Set<Severity>() : severitiesOf(refused)
  return {
    severities: severitiesOf(severity).difference(refusedSeverities),
    wants: mapOf({ ...flat(texts), when, 'message.include': message?.include }),
    refuses: mapOf({
      ...flat(refusedTexts),
      'message.exclude': message?.exclude,
      message: refusedMessage && JSON.stringify(refusedMessage)
    })
  }
}

type Patterns = string | string[] | undefined

function flat({ metadata = {}, ...texts }: { metadata?: Record<string, Patterns> } & Record<string, unknown>) {
  const keyed = Object.entries(metadata).map(([key, patterns]) => [`metadata.${key}`, patterns])
  return { ...texts, ...Object.fromEntries(keyed) } as Record<string, Patterns>
}

function mapOf(texts: Record<string, Patterns>): Map<string, string[]> {
  return new Map(
    Object.entries(texts).flatMap(([key, patterns]) => (patterns === undefined ? [] : [[key, [patterns].flat()]]))
  )
}

const entriesOf = <T>(map: ReadonlyMap<string, T>) => [...map]

// So that a thousand final rules are not each held against a thousand others: a final rule is filed under what the
// patterns of one of its conditions begin with, and can only cover a rule whose patterns of that key begin so, too.

const anywhere = ''

function filedUnder({ wants }: Demands, uses: ReadonlyMap<string, number>): string[] {
  const choices = entriesOf(wants).map((entry) => {
    const places = startsOf(entry)
    return { places, most: Math.max(...places.map((place) => uses.get(place) ?? 0)) }
  })
  const [best] = choices.sort((a, b) => a.most - b.most)
  return best?.places ?? [anywhere]
}

function placesOf({ wants }: Demands): string[] {
  return [
    anywhere,
    ...entriesOf(wants).flatMap(([key, [pattern = '']]) => {
      const start = globs.test(key) ? literalStart(pattern) : pattern
      const beginnings = globs.test(key)
        ? Array.from({ length: start.length + 1 }, (_, end) => start.slice(0, end))
        : [start]
      return beginnings.map((beginning) => `${key} ${beginning}`)
    })
  ]
}

function startsOf([key, patterns]: [key: string, patterns: readonly string[]]): string[] {
  const starts = patterns.map((pattern) => `${key} ${globs.test(key) ? literalStart(pattern) : pattern}`)
  return [...new Set(starts)]
}

function countUses(finals: readonly (Demands | undefined)[]): Map<string, number> {
  const uses = new Map<string, number>()
  for (const demands of finals) {
    for (const place of entriesOf(demands?.wants ?? new Map<string, string[]>()).flatMap(startsOf)) {
      uses.set(place, (uses.get(place) ?? 0) + 1)
    }
  }
  return uses
}
