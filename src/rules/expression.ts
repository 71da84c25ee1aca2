// CEL, the expression language of `when:`, with Go's regular expressions and a closed set of variables.
import { type ASTNode, Environment, EvaluationError } from '@marcbachmann/cel-js'
import type { FluxEvent } from '../events/flux.ts'
import type { Revision } from '../events/revision.ts'
import type { Transition } from '../objects.ts'
import { compileRegex } from '../patterns.ts'
import { inWords, type as sayType, unknownField, type Vocabulary } from './expression-words.ts'

export interface Expression {
  /** Whether it is true of `subject`; an Error where CEL could not tell, as for a missing map key. */
  holds(subject: Subject): boolean | Error
}

/** What rules look at: the event, and what it did to its object. */
export interface Subject {
  event: FluxEvent
  transition: Transition
}

const fields = {
  event: ['severity', 'reason', 'message', 'controller', 'source'],
  object: ['cluster', 'kind', 'namespace', 'name'],
  revision: ['text', 'pointer', 'sha', 'short']
} as const
const regexes = new Map<string, (text: string) => boolean>()

const texts = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 'string'] as const))

// Limits: an expression is written by an operator, but a thousand nested parentheses should be an error, not a crash.
const environment = new Environment({ limits: { maxAstNodes: 1000, maxDepth: 50 } })
  .registerVariable({ name: 'event', schema: texts(fields.event) })
  .registerVariable({ name: 'object', schema: texts(fields.object) })
  .registerVariable({ name: 'revision', schema: texts(fields.revision) })
  .registerVariable('metadata', 'map<string, string>')
  .registerVariable('transition', 'string')
  .registerFunction('string.re2(string): bool', (text: string, pattern: string) => {
    const find = regexes.get(pattern)
    if (find === undefined) throw new EvaluationError('the pattern of matches() must be written out in the expression')
    return find(text)
  })

const vocabulary: Vocabulary = {
  variables: { ...fields, metadata: [], transition: [] },
  functions: environment.getDefinitions().functions.map(({ name }) => name)
}

/** Compiles and type-checks `source`. An error says where, in characters from its start. */
export function compileExpression(source: string): Expression | { error: string; offset: number } {
  try {
    const program = environment.parse(source)
    const fault = useRe2(program.ast) ?? lostField(program.ast)
    if (fault !== undefined) return fault
    const { valid, type, error } = program.check()
    if (!valid) return said(source, error)
    if (type !== 'bool' && type !== 'dyn') {
      return { error: `gives ${sayType(type ?? 'dyn')}; a condition must be true or false`, offset: 0 }
    }
    return {
      holds: (subject) => {
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
  const text = error?.summary ?? error?.message ?? 'not a valid expression'
  return { error: inWords(text, source, offset, vocabulary), offset }
}

/** `has(object.nme)` is false of every event, which the library takes for an answer. */
function lostField(node: ASTNode): { error: string; offset: number } | undefined {
  if (node.op === 'call' && node.args[0] === 'has') {
    const [field] = node.args[1]
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
 * The library runs `matches()` on JavaScript's regular expressions, where `(a+)+$` on 26 letters takes seconds; its own
 * overload cannot be replaced, so the calls are renamed to ours before the expression is checked.
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

function children(node: ASTNode): ASTNode[] {
  const args: unknown[] = Array.isArray(node.args) ? node.args.flat(2) : [node.args]
  return args.filter((arg): arg is ASTNode => typeof arg === 'object' && arg !== null && 'op' in arg)
}

const noRevision: Revision = { text: '', pointer: '', sha: '', short: '' }

function context({ event, transition }: Subject) {
  const { severity, reason, message, controller, source, object, metadata, revision } = event
  return {
    event: { severity, reason, message, controller, source },
    object,
    revision: revision ?? noRevision,
    metadata,
    transition
  }
}
