// Rules: decides which events match which rules. Pure: an event goes in, each rule's verdict comes out.
import { parseDuration } from '../duration.ts'
import type { Fault } from '../errors.ts'
import type { Named } from '../events/dependency.ts'
import type { ObjectRef } from '../events/flux.ts'
import type { Severity } from '../events/severity.ts'
import { compileGlobs, compileRegex, type TextTest } from '../patterns.ts'
import { compileExpression, type Subject } from './expression.ts'
import { compileGroup } from './group.ts'
import { asksForFailures } from './never.ts'
import { compileRollouts } from './rollout.ts'
import type { Condition, Rule, RuleSet, Verdict } from './rule.ts'
import { type Matchers, type MatchText, type RuleText, relatedFields, severitiesOf } from './schema.ts'

/** Stands for the owner of the event, by the `owners:` section, among the destinations of a rule. */
export const toOwner = 'owner'

/**
 * Compiles the `rules:` section. The faults are those that the schema cannot see: in expressions and regular expressions. Without
 * `hasOwners`, "owner" is a destination like any other.
 */
export function compileRules(
  texts: readonly RuleText[],
  { hasOwners = false } = {}
): { rules: RuleSet; faults: Fault[] } {
  const faults: Fault[] = []
  /** Rules below the first `final` one may not get all events of an object. */
  const firstFinal = texts.findIndex(({ final }) => final)
  const all = texts.map((text, index): Rule => {
    const conditions = compileMatch({ severity: 'error', ...text.match }, ['rules', index, 'match'], faults)
    return {
      name: text.name,
      send: [text.send].flat().filter((name) => !(hasOwners && name === toOwner)),
      isToOwner: hasOwners && [text.send].flat().includes(toOwner),
      mention: text.mention,
      template: text.template,
      notify: text.notify ?? 'changes',
      remindEveryMs:
        text.remindEvery === 'never' || !asksForFailures(text.match)
          ? undefined
          : parseDuration(text.remindEvery ?? '4h'),
      forMs: parseDuration(text.for ?? '0s'),
      group: text.group && compileGroup(text.name, text.group),
      rollouts:
        text.as === 'rollout'
          ? compileRollouts(text, firstFinal >= 0 && firstFinal < index ? undefined : aboutObjects(conditions))
          : undefined,
      isFinal: text.final ?? false,
      conditions
    }
  })
  const byName = new Map(all.map((rule) => [rule.name, rule]))
  return { rules: { all, byName, candidates: createCandidates(all) }, faults }
}

/** Compiles a `match:` that asks for no severity unless it says so. */
export function compileFilter(match: MatchText, path: Fault['path'], faults: Fault[]): (subject: Subject) => boolean {
  const conditions = compileMatch(match, path, faults)
  return (subject) => conditions.every(({ matches }) => matches(subject) === true)
}

/**
 * Matches an event against the rules in their order, up to the first `final` one that fires. Rules that name other kinds get no
 * verdict. If there are many rules, neither do those for other namespaces, nor those that did not fire after the first
 * {@link maxPassedOver}. `wantsAll` gives every rule a verdict, for `explain`.
 */
export function match(subject: Subject, rules: RuleSet, wantsAll = false): { fired: Rule[]; verdicts: Verdict[] } {
  const candidates = wantsAll ? rules.all : rules.candidates(subject)
  const fired: Rule[] = []
  const verdicts: Verdict[] = []
  for (const rule of candidates) {
    const last = fired.at(-1)
    if (last?.isFinal) {
      if (!wantsAll) break
      verdicts.push({
        rule: rule.name,
        fired: false,
        because: 'final',
        wanted: 'to be reached',
        got: `stopped by ${last.name}`
      })
      continue
    }
    const verdict = judge(rule, subject)
    if (verdict.fired) fired.push(rule)
    if (verdict.fired || wantsAll || verdict.isError || verdicts.length < maxPassedOver) verdicts.push(verdict)
  }
  return { fired, verdicts }
}

const ofObject = /^(not\.)?(kind|namespace|name|cluster)$/

/** Returns what `conditions` ask of an object; undefined if they ask for anything else but a severity. */
function aboutObjects(conditions: readonly Condition[]): ((object: ObjectRef) => boolean) | undefined {
  const asked = conditions.filter(({ key }) => key !== 'severity')
  if (!asked.every(({ key }) => ofObject.test(key))) return undefined
  return (object) => asked.every(({ matches }) => matches({ event: { object } } as Subject) === true)
}

function judge(rule: Rule, subject: Subject): Verdict {
  for (const { key, wanted, matches, found } of rule.conditions) {
    const matched = matches(subject)
    if (matched === true) continue
    const isError = matched instanceof Error
    const got = isError ? (matched.message.split('\n', 1)[0] ?? '') : found(subject)
    const verdict = {
      rule: rule.name,
      fired: false,
      because: key,
      wanted,
      got: got.slice(0, 200).toWellFormed()
    } as const
    return isError ? { ...verdict, isError } : verdict
  }
  return { rule: rule.name, fired: true }
}

/** Compiles the conditions of a `match:`, all of which must hold. */
export function compileMatch({ not, when, ...match }: MatchText, path: Fault['path'], faults: Fault[]): Condition[] {
  return [
    ...compileMatchers(match, path, '', faults),
    ...compileMatchers(not ?? {}, [...path, 'not'], 'not.', faults).map(opposite),
    ...(when === undefined ? [] : [compileWhen(when, [...path, 'when'], faults)])
  ]
}

function compileMatchers(match: Matchers, path: Fault['path'], prefix: string, faults: Fault[]): Condition[] {
  const conditions: Condition[] = []
  const text = (key: string, patterns: string | string[], of: (subject: Subject) => string) =>
    conditions.push(textCondition(prefix + key, compileGlobs(patterns), of))

  if (match.severity !== undefined) conditions.push(severityCondition(`${prefix}severity`, match.severity))
  if (match.kind !== undefined) text('kind', match.kind, ({ event }) => event.object.kind)
  if (match.namespace !== undefined) text('namespace', match.namespace, ({ event }) => event.object.namespace)
  if (match.name !== undefined) text('name', match.name, ({ event }) => event.object.name)
  if (match.object !== undefined) text('object', match.object, ({ event: { object } }) => objectName(object))
  if (match.cluster !== undefined) text('cluster', match.cluster, ({ event }) => event.object.cluster)
  if (match.source !== undefined) text('source', match.source, ({ event }) => event.source)
  if (match.reason !== undefined) text('reason', match.reason, ({ event }) => event.reason)
  if (match.action !== undefined) text('action', match.action, ({ event }) => event.action)
  for (const field of relatedFields) {
    const patterns = match.related?.[field]
    if (patterns !== undefined) text(`related.${field}`, patterns, ({ event }) => event.related?.[field] ?? '')
  }
  for (const [key, patterns] of Object.entries(match.metadata ?? {})) {
    // Own keys only, because every object has a `constructor`.
    text(`metadata.${key}`, patterns, ({ event }) =>
      Object.hasOwn(event.metadata, key) ? (event.metadata[key] ?? '') : ''
    )
  }
  if (match.message !== undefined) {
    conditions.push(messageCondition(`${prefix}message`, match.message, [...path, 'message'], faults))
  }
  return conditions
}

/** Returns `HelmRelease/db/redis`, as the matcher `object` has it. No part can have a slash. */
export function objectName({ kind, namespace, name }: Named): string {
  return `${kind}/${namespace}/${name}`
}

function textCondition(key: string, { matches, wanted }: TextTest, of: (subject: Subject) => string): Condition {
  return { key, wanted, matches: (subject) => matches(of(subject)), found: (subject) => of(subject) || '(nothing)' }
}

function severityCondition(key: string, severity: Severity | Severity[]): Condition {
  const exactly = Array.isArray(severity)
  const accepted = severitiesOf(severity)
  return {
    key,
    wanted: exactly ? `only ${severity.join(' or ')}` : severity === 'error' ? 'error' : `${severity} or worse`,
    matches: ({ event }) => accepted.has(event.severity),
    found: ({ event }) => event.severity
  }
}

/** Works as Flux's inclusionList and exclusionList: patterns are found anywhere in the message, and an exclusion wins. */
function messageCondition(
  key: string,
  { include, exclude }: { include?: string[]; exclude?: string[] },
  path: Fault['path'],
  faults: Fault[]
): Condition {
  const compile = (list: 'include' | 'exclude', patterns: string[] | undefined) =>
    patterns?.flatMap((pattern, at) => {
      const compiled = compileRegex(pattern)
      if (!('error' in compiled)) return [compiled]
      faults.push({ path: [...path, list, at], message: compiled.error, offset: compiled.offset })
      return []
    })
  const included = compile('include', include)
  const excluded = compile('exclude', exclude)
  const wanted = [include?.join(' or '), exclude && `not ${exclude.join(' or ')}`].filter(Boolean).join(', and ')
  return {
    key,
    wanted,
    matches: ({ event: { message } }) =>
      !excluded?.some(({ find }) => find(message)) && (included?.some(({ find }) => find(message)) ?? true),
    found: ({ event }) => event.message
  }
}

function compileWhen(source: string, path: Fault['path'], faults: Fault[]): Condition {
  const compiled = compileExpression(source)
  if ('error' in compiled) {
    faults.push({ path, message: compiled.error, offset: compiled.offset })
    return { key: 'when', wanted: source, matches: () => false, found: () => 'not a valid expression' }
  }
  return { key: 'when', wanted: source, matches: compiled.matches, found: () => 'false' }
}

function opposite({ key, wanted, matches, found }: Condition): Condition {
  return { key, wanted: `not ${wanted}`, matches: (subject) => matches(subject) === false, found }
}

/** Maximum number of reasons why rules did not fire that are kept with an event: more would weigh more than the event. */
export const maxPassedOver = 50

// Names come with events, so their number has no end.
const maxKinds = 200
const maxNamespaces = 2000

/**
 * Creates a function from an event to the rules that are not about other kinds and, if those are many, not about other namespaces.
 * It keeps what it found, so rules are narrowed once for each kind and namespace.
 */
function createCandidates(all: readonly Rule[]): (subject: Subject) => readonly Rule[] {
  const ofKind = remembering(maxKinds, (subject) => narrow(all, 'kind', subject))
  const ofNamespace = remembering(maxNamespaces, (subject) =>
    narrow(ofKind(kindOf(subject), subject), 'namespace', subject)
  )
  return (subject) => {
    const rules = ofKind(kindOf(subject), subject)
    if (rules.length <= maxPassedOver) return rules
    return ofNamespace(`${kindOf(subject)}\n${subject.event.object.namespace}`, subject)
  }
}

function kindOf({ event }: Subject): string {
  return event.object.kind
}

/** Returns `rules` without those whose condition on `key` alone keeps them from firing. */
function narrow(rules: readonly Rule[], key: 'kind' | 'namespace', subject: Subject): readonly Rule[] {
  return rules.filter(({ conditions }) =>
    conditions.every((condition) => condition.key !== key || condition.matches(subject) === true)
  )
}

function remembering(limit: number, find: (subject: Subject) => readonly Rule[]) {
  const known = new Map<string, readonly Rule[]>()
  return (name: string, subject: Subject): readonly Rule[] => {
    let rules = known.get(name)
    if (rules === undefined) {
      if (known.size >= limit) known.clear()
      rules = find(subject)
      known.set(name, rules)
    }
    return rules
  }
}
