// Shadow: finds rules that cannot fire because a `final` rule above takes every event they match. Pure.
import type { Severity } from '../events/severity.ts'
import { globCovers, literalStart } from '../patterns.ts'
import { type RuleText, severitiesOf } from './schema.ts'

/** The demands of a rule on an event, by key: for each key of `wants` one pattern must match, for each of `refuses` none may. */
interface Demands {
  severities: ReadonlySet<Severity>
  wants: ReadonlyMap<string, readonly string[]>
  refuses: ReadonlyMap<string, readonly string[]>
}

/** A rule that cannot fire, and the final rule above that is the reason, both by their positions in the list. */
export interface Shadowed {
  rule: number
  by: number
}

/**
 * Maximum number of pairs of rules that are compared: 1,000 final rules are half of it and take a third of a second. Beyond it no
 * more are found, so that no file keeps a running relay busy for longer than two thirds of a second.
 */
const maxPairs = 1_000_000

/**
 * Finds the rules that cannot fire. Only what is certain is reported: every condition of the final rule is absent, or asks
 * for no more than the same condition of the other.
 */
export function findShadowed(rules: readonly RuleText[]): Shadowed[] {
  let pairs = 0
  const finals: { at: number; demands: Demands }[] = []
  const shadowed: Shadowed[] = []
  for (const [rule, text] of rules.entries()) {
    const narrow = demandsOf(text)
    pairs += finals.length
    if (pairs > maxPairs) break
    const by = finals.find(({ demands }) => covers(demands, narrow))
    if (by !== undefined) shadowed.push({ rule, by: by.at })
    // The final rule above also takes everything that a shadowed rule would take.
    else if (text.final) finals.push({ at: rule, demands: narrow })
  }
  return shadowed
}

/** Reports whether `wide` certainly matches every event that `narrow` matches. */
export function asksForAll(wide: RuleText, narrow: RuleText): boolean {
  return covers(demandsOf(wide), demandsOf(narrow))
}

function covers(wide: Demands, narrow: Demands): boolean {
  return (
    narrow.severities.isSubsetOf(wide.severities) &&
    wide.wants.entries().every(([key, patterns]) => asksAtMost(key, patterns, narrow.wants.get(key))) &&
    wide.refuses.entries().every(([key, patterns]) => patterns.every((pattern) => isRefused(key, pattern, narrow)))
  )
}

function asksAtMost(key: string, wide: readonly string[], narrow: readonly string[] | undefined): boolean {
  return narrow?.every((pattern) => wide.some((one) => includes(key, one, pattern))) ?? false
}

/** Reports whether `pattern` matches no event that `narrow` asks for. */
function isRefused(key: string, pattern: string, narrow: Demands): boolean {
  if (narrow.refuses.get(key)?.some((one) => includes(key, one, pattern))) return true
  const wanted = globs.test(key) ? narrow.wants.get(key) : undefined
  return wanted?.every((one) => literalStart(one) === one && !globCovers(pattern, one)) ?? false
}

function includes(key: string, wide: string, narrow: string): boolean {
  return globs.test(key) ? globCovers(wide, narrow) : wide === narrow
}

// Anything but globs, such as expressions, can only be compared for equality.
const globs = /^(kind|namespace|name|object|cluster|source|reason|action|related\..*|metadata\..*)$/s

function demandsOf({ match: { severity = 'error', not = {}, when, message, ...texts } = {} }: RuleText): Demands {
  const { severity: refused, message: refusedMessage, ...refusedTexts } = not
  const refusedSeverities = refused === undefined ? new Set<Severity>() : severitiesOf(refused)
  return {
    severities: severitiesOf(severity).difference(refusedSeverities),
    wants: withoutAny(mapOf({ ...flat(texts), when, 'message.include': message?.include })),
    refuses: mapOf({
      ...flat(refusedTexts),
      'message.exclude': message?.exclude,
      message: refusedMessage && JSON.stringify(refusedMessage)
    })
  }
}

/** Leaves out keys that ask for nothing, such as `namespace: "*"`: * also matches the empty text of a field that an event lacks. */
function withoutAny(wants: ReadonlyMap<string, string[]>): Map<string, string[]> {
  return new Map([...wants].filter(([key, patterns]) => !globs.test(key) || !patterns.some((one) => /^\*+$/.test(one))))
}

type Patterns = string | string[] | undefined

type Nested = Record<string, Patterns>

function flat({ metadata, related, ...texts }: { metadata?: Nested; related?: Nested } & Record<string, unknown>) {
  return { ...texts, ...keyed('metadata', metadata), ...keyed('related', related) } as Record<string, Patterns>
}

function keyed(group: string, patterns: Nested = {}): Nested {
  return Object.fromEntries(Object.entries(patterns).map(([key, value]) => [`${group}.${key}`, value]))
}

function mapOf(texts: Record<string, Patterns>): Map<string, string[]> {
  return new Map(
    Object.entries(texts).flatMap(([key, patterns]) => (patterns === undefined ? [] : [[key, [patterns].flat()]]))
  )
}
