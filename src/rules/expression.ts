// Expressions: evaluates `when:` in CEL, with Go's regular expressions and a closed set of variables.
import { type ASTNode, Environment, EvaluationError } from '@marcbachmann/cel-js'
import type { FluxEvent } from '../events/flux.ts'
import type { Revision } from '../events/revision.ts'
import type { Transition } from '../objects.ts'
import { compileRegex } from '../patterns.ts'
import { inWords, type as sayType, unknownField, type Vocabulary } from './cel-words.ts'

export interface Expression {
  /** Reports whether it is true of `subject`; an Error if CEL could not decide, as for the first letters of a missing key. */
  matches(subject: Subject): boolean | Error
}

/** The subject of a rule: an event, and what it did to its object. */
export interface Subject {
  event: FluxEvent
  transition: Transition
}

const fields = {
  event: ['severity', 'reason', 'message', 'controller', 'source', 'action'],
  object: ['cluster', 'kind', 'namespace', 'name'],
  related: ['kind', 'namespace', 'name'],
  revision: ['text', 'pointer', 'sha', 'short']
} as const
const regexes = new Map<string, (text: string) => boolean>()

const texts = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 'string'] as const))

// An operator writes the expression, but a thousand nested parentheses should be an error, not a crash.
const environment = new Environment({ limits: { maxAstNodes: 1000, maxDepth: 50 } })
  .registerVariable({ name: 'event', schema: texts(fields.event) })
  .registerVariable({ name: 'object', schema: texts(fields.object) })
  .registerVariable({ name: 'related', schema: texts(fields.related) })
  .registerVariable({ name: 'revision', schema: texts(fields.revision) })
  .registerVariable('metadata', 'map<string, string>')
  .registerVariable('transition', 'string')
  .registerFunction('string.re2(string): bool', (text: string, pattern: string) => {
    const find = regexes.get(pattern)
    if (find === undefined) throw new EvaluationError('the pattern of matches() must be written out in the expression')
    return find(text)
  })

const functions = environment.getDefinitions().functions
const alone = new Set(functions.flatMap(({ name, receiverType }) => (receiverType === null ? [name] : [])))

const vocabulary: Vocabulary = {
  variables: { ...fields, metadata: [], transition: [] },
  functions: functions.map(({ name }) => name),
  ofTexts: functions.flatMap(({ name, receiverType }) => (receiverType === 'string' && !alone.has(name) ? [name] : []))
}

/** Compiles and type-checks `source`. An error comes with its position, in characters from the start. */
export function compileExpression(source: string): Expression | { error: string; offset: number } {
  try {
    const program = environment.parse(source)
    const fault = useRe2(program.ast) ?? lostField(program.ast)
    if (fault !== undefined) return fault
    allowMissingKeys(program.ast)
    const { valid, type, error } = program.check()
    if (!valid) return said(source, error)
    if (type !== 'bool' && type !== 'dyn') {
      return { error: `gives ${sayType(type ?? 'dyn')}; a condition must be true or false`, offset: 0 }
    }
    return {
      matches: (subject) => {
        try {
          const value: unknown = program(context(subject))
          return typeof value === 'boolean' ? value : new Error('the condition is neither true nor false')
        } catch (error) {
          return error instanceof Error ? error : new Error(String(error))
        }
      }
    }
  } catch (error) {
    return said(source, error as LibraryError)
  }
}

type LibraryError = { summary?: string; message: string; range?: { start: number } } | undefined

function said(source: string, error: LibraryError): { error: string; offset: number } {
  const offset = error?.range?.start ?? 0
  // The author wrote matches(): re2() is a name of ours.
  const text = (error?.summary ?? error?.message ?? 'not a valid expression').replace(/\bre2\(/, 'matches(')
  return { error: inWords(text, source, offset, vocabulary), offset }
}

/**
 * Finds a field in has() that no event has: the library takes `has(object.nme)` for a question, and answers false for every event.
 */
function lostField(node: ASTNode): { error: string; offset: number } | undefined {
  if (node.op === 'call' && node.args[0] === 'has') {
    let [field] = node.args[1]
    // has(object.labels.team) is never true, because there are no labels.
    while (field?.op === '.' && field.args[0].op === '.') field = field.args[0]
    if (field?.op === '.' && field.args[0].op === 'id') {
      const [variable, name] = [String(field.args[0].args), String(field.args[1])]
      const known = vocabulary.variables[variable]
      if (known !== undefined && known.length > 0 && !known.includes(name)) {
        return { error: unknownField(variable, name, vocabulary), offset: field.range.start + variable.length + 1 }
      }
    }
  }
  for (const child of children(node)) {
    const fault = lostField(child)
    if (fault !== undefined) return fault
  }
  return undefined
}

/**
 * Renames calls of `matches()` to our re2() before the expression is checked, because the overload of the library cannot be
 * replaced and runs on JavaScript's regular expressions, where `(a+)+$` on 26 letters takes seconds.
 */
function useRe2(node: ASTNode): { error: string; offset: number } | undefined {
  if (node.op === 'rcall' && node.args[0] === 'matches') {
    const [pattern] = node.args[2]
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string') {
      const offset = (pattern ?? node).range.start
      return { error: 'the pattern of matches() must be written out as a string', offset }
    }
    const compiled = compileRegex(pattern.args)
    if ('error' in compiled) return { error: compiled.error, offset: pattern.range.start }
    regexes.set(pattern.args, compiled.find)
    node.args[0] = 're2'
  }
  for (const child of children(node)) {
    const fault = useRe2(child)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Returns the syntax tree of `source`, and its value if it names no variable; undefined if it is not an expression. */
export function parseExpression(source: string): { ast: ASTNode; constant: () => unknown } | undefined {
  try {
    const program = environment.parse(source)
    return { ast: program.ast, constant: () => program({}) }
  } catch {
    return undefined
  }
}

export function children(node: ASTNode): ASTNode[] {
  const args: unknown[] = Array.isArray(node.args) ? node.args.flat(2) : [node.args]
  return args.filter((arg): arg is ASTNode => typeof arg === 'object' && arg !== null && 'op' in arg)
}

/** Reports whether `node` is a key of `metadata`. In a comparison, a key that an event lacks is null, and no error. */
export function isMetadataOf(node: ASTNode): boolean {
  return (node.op === '.' || node.op === '[]') && node.args[0].op === 'id' && node.args[0].args === 'metadata'
}

/**
 * Makes `metadata.team != "sandbox"` true of an object without that key. The library has an error for it, with which the whole
 * condition fails, so the steps of such a key are replaced where it is compared. Anywhere else the error is right: a null has no
 * first letters. The type check lets a comparison with null itself through.
 */
function allowMissingKeys(node: ASTNode): void {
  if (node.op === '==' || node.op === '!=' || node.op === 'in') {
    const [left, right] = node.args
    if (isMetadataOf(left)) orNull(left as AccessNode, right)
    if (isMetadataOf(right) && node.op !== 'in') orNull(right as AccessNode, left)
  }
  for (const child of children(node)) allowMissingKeys(child)
}

type AccessNode = Extract<ASTNode, { op: '.' | '[]' }>

/** The library's own steps for a node, which its types do not show. */
interface Steps {
  meta: { check: (checker: { dynType: unknown }, node: ASTNode, context: unknown) => unknown }
  setMeta(step: 'check' | 'evaluate', run: (runner: never, node: ASTNode, context: never) => unknown): void
}

interface Runner {
  run(node: ASTNode, context: unknown): unknown
}

function orNull(node: AccessNode, other: ASTNode): void {
  const steps = node as unknown as Steps
  steps.setMeta('evaluate', (runner: Runner, _, context) => {
    const [of, at] = node.args
    const metadata = runner.run(of, context) as Record<string, string>
    const key = typeof at === 'string' ? at : runner.run(at, context)
    return typeof key === 'string' && Object.hasOwn(metadata, key) ? metadata[key] : null
  })
  if (other.op !== 'value' || other.args !== null) return
  const { check } = steps.meta
  steps.setMeta('check', (checker: { dynType: unknown }, _, context) => {
    check(checker, node, context)
    return checker.dynType
  })
}

const noObject = { kind: '', namespace: '', name: '' }
const noRevision: Revision = { text: '', pointer: '', sha: '', short: '' }

function context({ event, transition }: Subject) {
  const { severity, reason, message, controller, source, action, object, related, metadata, revision } = event
  return {
    event: { severity, reason, message, controller, source, action },
    object,
    related: related ?? noObject,
    revision: revision ?? noRevision,
    metadata,
    transition
  }
}
