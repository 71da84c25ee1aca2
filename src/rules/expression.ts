// CEL, the expression language of `when:`, with Go's regular expressions and a closed set of variables.
import { type ASTNode, Environment, EvaluationError } from '@marcbachmann/cel-js'
import type { FluxEvent } from '../events/flux.ts'
import type { Revision } from '../events/revision.ts'
import type { Transition } from '../objects.ts'
import { compileRegex } from '../patterns.ts'

export interface Expression {
  /** Whether it is true of `subject`; an Error where CEL could not tell, as for a missing map key. */
  holds(subject: Subject): boolean | Error
}

/** What rules look at: the event, and what it did to its object. */
export interface Subject {
  event: FluxEvent
  transition: Transition
}

const revisionFields = { text: 'string', pointer: 'string', sha: 'string', short: 'string' } as const
const regexes = new Map<string, (text: string) => boolean>()

// Limits: an expression is written by an operator, but a thousand nested parentheses should be an error, not a crash.
const environment = new Environment({ limits: { maxAstNodes: 1000, maxDepth: 50 } })
  .registerVariable({
    name: 'event',
    schema: { severity: 'string', reason: 'string', message: 'string', controller: 'string', source: 'string' }
  })
  .registerVariable({
    name: 'object',
    schema: { cluster: 'string', kind: 'string', namespace: 'string', name: 'string' }
  })
  .registerVariable({ name: 'revision', schema: revisionFields })
  .registerVariable('metadata', 'map<string, string>')
  .registerVariable('transition', 'string')
  .registerFunction('string.re2(string): bool', (text: string, pattern: string) => {
    const find = regexes.get(pattern)
    if (find === undefined) throw new EvaluationError('the pattern of matches() must be written out in the expression')
    return find(text)
  })

/** Compiles and type-checks `source`. An error says where, in characters from its start. */
export function compileExpression(source: string): Expression | { error: string; offset: number } {
  try {
    const program = environment.parse(source)
    const fault = useRe2(program.ast)
    if (fault !== undefined) return fault
    const { valid, type, error } = program.check()
    if (!valid) return { error: error?.summary ?? 'not a valid expression', offset: error?.range?.start ?? 0 }
    if (type !== 'bool' && type !== 'dyn') {
      return { error: `gives a ${type}; a condition must be true or false`, offset: 0 }
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
    const { summary, message, range } = error as { summary?: string; message: string; range?: { start: number } }
    return { error: summary ?? message, offset: range?.start ?? 0 }
  }
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
