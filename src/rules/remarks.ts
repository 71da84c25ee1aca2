// Remarks: finds what an expression asks that is true of no event, and where it fails for events that lack a key. It reports only
// what is certain. Pure.
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Fault } from '../errors.ts'
import { severityNames } from '../events/severity.ts'
import { transitionNames } from '../objects.ts'
import { didYouMean } from '../spelling.ts'
import { children, isMetadataOf, parseExpression } from './expression.ts'

/** Fields whose texts can be checked, against what Flux or the config file names or against the form of names. */
export type Field = 'kind' | 'namespace' | 'name' | 'cluster' | 'source' | 'reason' | 'action'

/** Say why no event has that text in that field, or one like that pattern; undefined if one may. */
export interface WhyNever {
  is(field: Field, text: string): string | undefined
  isLike(field: Field, glob: string): string | undefined
}

export function remarksOn(source: string, path: Fault['path'], whyNever: WhyNever): Fault[] {
  const parsed = parseExpression(source)
  if (parsed === undefined) return []
  const { ast, constant } = parsed
  const said = (node: ASTNode | undefined, message: string): Fault[] => [
    { path, message, offset: node?.range.start ?? 0, isWarning: true }
  ]
  if (!all(ast).some(({ op }) => op === 'id'))
    return constantRemark(constant).flatMap((message) => said(undefined, message))
  return [
    ...comparisonsIn(ast).flatMap(({ field, text, node }) => {
      const why = whyNot(field, text, whyNever)
      return why === undefined ? [] : said(node, why)
    }),
    ...partsIn(ast).flatMap(({ field, glob, node }) => {
      const why = whyNever.isLike(field, glob)
      return why === undefined ? [] : said(node, why)
    }),
    ...all(ast).flatMap((node) => {
      const field = orderedIn(node)
      return field === undefined
        ? []
        : said(node, `compares letters, so that error comes before info; write ${field} in […]`)
    }),
    ...contradictionsIn(ast).flatMap(({ field, text, node }) =>
      said(node, `makes this true of no event: ${field} is to be "${text}" as well`)
    ),
    ...unguarded(ast).flatMap(({ key, node }) =>
      said(node, `fails, and the rule does not fire, for events without this key; begin with has(metadata.${key}) &&`)
    )
  ]
}

function constantRemark(constant: () => unknown): string[] {
  try {
    return constant() === true ? ['is true of every event; leave it out'] : ['is true of no event']
  } catch {
    // Compiling the expression reports what is wrong with it.
    return []
  }
}

function all(node: ASTNode): ASTNode[] {
  return [node, ...children(node).flatMap(all)]
}

interface Comparison {
  field: string
  text: string
  node: ASTNode
}

/** Finds `object.kind == "x"`, either way around, and `object.kind in ["x", "y"]`. */
function comparisonsIn(ast: ASTNode): Comparison[] {
  return all(ast).flatMap((node): Comparison[] => {
    if (node.op !== '==' && node.op !== '!=' && node.op !== 'in') return []
    const [left, right] = node.args
    const texts = (side: ASTNode) => (side.op === 'list' ? (side.args as ASTNode[]) : [side])
    const pairs = [
      { field: nameOf(left), values: texts(right) },
      { field: node.op === 'in' ? undefined : nameOf(right), values: [left] }
    ]
    return pairs.flatMap(({ field, values }) =>
      field === undefined
        ? []
        : values.flatMap((value) =>
            value.op === 'value' && typeof value.args === 'string' ? [{ field, text: value.args, node: value }] : []
          )
    )
  })
}

/** Finds `object.kind.startsWith("helm")`, as the glob that it asks for. */
function partsIn(ast: ASTNode): { field: Field; glob: string; node: ASTNode }[] {
  return all(ast).flatMap((node) => {
    if (node.op !== 'rcall') return []
    const [method, receiver, [value]] = node.args
    const field = fields[nameOf(receiver) ?? '']
    const text = value?.op === 'value' && typeof value.args === 'string' ? value.args : ''
    if (value === undefined || field === undefined || text === '' || /[*?]/.test(text)) return []
    const glob = { startsWith: `${text}*`, endsWith: `*${text}`, contains: `*${text}*` }[String(method)]
    return glob === undefined ? [] : [{ field, glob, node: value }]
  })
}

/** Returns the field of closed words that `node` compares by order: `event.severity > "info"` is never true of an error. */
function orderedIn(node: ASTNode): string | undefined {
  if (node.op !== '<' && node.op !== '<=' && node.op !== '>' && node.op !== '>=') return undefined
  return node.args.map(nameOf).find((field) => field !== undefined && Object.hasOwn(closed, field))
}

/** Finds comparisons beside one with another text that must hold as well: `object.kind == "A" && object.kind == "B"`. */
function contradictionsIn(ast: ASTNode): Comparison[] {
  return chainsIn(ast).flatMap((chain) => {
    const first = new Map<string, string>()
    return chain
      .filter(({ op }) => op === '==')
      .flatMap(comparisonsIn)
      .flatMap((comparison): Comparison[] => {
        const text = first.get(comparison.field)
        if (text === undefined) first.set(comparison.field, comparison.text)
        return text === undefined || text === comparison.text ? [] : [{ ...comparison, text }]
      })
  })
}

/** Returns, for each `&&` that is part of no other, everything that must hold together. */
function chainsIn(node: ASTNode): ASTNode[][] {
  const chain = conjunctsOf(node)
  const inner = (chain.length > 1 ? chain : children(node)).flatMap(chainsIn)
  return chain.length > 1 ? [chain, ...inner] : inner
}

function conjunctsOf(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjunctsOf) : [node]
}

/** Returns the variable or field that `node` names: `object.kind`, `transition`. */
function nameOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args
  if (node.op === '.' && node.args[0].op === 'id') return `${node.args[0].args}.${node.args[1]}`
  return undefined
}

const fields: Record<string, Field> = {
  'object.kind': 'kind',
  'object.namespace': 'namespace',
  'object.name': 'name',
  'object.cluster': 'cluster',
  'related.kind': 'kind',
  'related.namespace': 'namespace',
  'related.name': 'name',
  'event.source': 'source',
  'event.action': 'action',
  'event.reason': 'reason'
}

const closed: Record<string, readonly string[]> = { 'event.severity': severityNames, transition: transitionNames }

function whyNot(field: string, text: string, whyNever: WhyNever) {
  const known = closed[field]
  if (known !== undefined && !known.includes(text)) {
    return `${field} is never "${text}"; it is ${known.join(', ')}${didYouMean(text, known)}`
  }
  const own = Object.hasOwn(fields, field) ? fields[field] : undefined
  return own === undefined || text === '' ? undefined : whyNever.is(own, text)
}

interface Access {
  key: string
  node: ASTNode
}

/** Finds keys of `metadata` that are used for more than equality, in an expression that never asks whether they are there. */
function unguarded(ast: ASTNode): Access[] {
  const nodes = all(ast)
  const asked = new Set(nodes.flatMap(askedIn))
  const compared = new Set(
    nodes.flatMap((node) => {
      if (node.op === '==' || node.op === '!=') return node.args
      return node.op === 'in' ? [node.args[0]] : []
    })
  )
  return nodes.flatMap((node) => {
    const key = isMetadataOf(node) && !compared.has(node) ? keyOf(node) : undefined
    return key === undefined || asked.has(key) ? [] : [{ key, node }]
  })
}

/** Returns the keys whose presence `node` asks for: `has(metadata.team)`, `"team" in metadata`, `metadata.team != null`. */
function askedIn(node: ASTNode): string[] {
  if (node.op === 'call' && node.args[0] === 'has') return node.args[1].flatMap((field) => keyOf(field) ?? [])
  if (node.op === 'in') {
    const [left, right] = node.args
    const isOfAll =
      right.op === 'id' && right.args === 'metadata' && left.op === 'value' && typeof left.args === 'string'
    return isOfAll ? [String(left.args)] : []
  }
  if (node.op !== '==' && node.op !== '!=') return []
  return node.args.flatMap((side) => keyOf(side) ?? [])
}

function keyOf(node: ASTNode): string | undefined {
  if (!isMetadataOf(node)) return undefined
  const [, at] = node.args as [ASTNode, string | ASTNode]
  if (typeof at === 'string') return at
  return at.op === 'value' && typeof at.args === 'string' ? at.args : undefined
}
