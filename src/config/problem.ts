// Problems: shows a fault of a config file as file:line:col, the line, a caret, and what was probably meant.
import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap
} from 'yaml'
import type { Fault } from '../errors.ts'
import { columnsOf, visible } from '../legible.ts'

export interface Problem {
  file: string
  /** From 1. */
  line: number
  /** From 1. */
  column: number
  message: string
  /** The line that the problem is in. */
  excerpt: string
  isWarning: boolean
}

/** The text in which a fault was found. */
export interface Source {
  file: string
  /** The text as it may be shown. */
  readonly text: string
  /** `message`, about a fault at `start`, as it may be shown. */
  say(message: string, start: number): string
  document: Document
  lines: LineCounter
  /** The place of the character at `offset` of a value. */
  inside(scalar: Scalar, offset: number): number
}

/** Finds the place of a fault in the file. A path that is not there, such as that of a missing key, has the place of its nearest parent. */
export function locate(
  source: Source,
  { path, message, offset, beside, isWarning = false }: Fault,
  atKey = false
): Problem {
  const also =
    beside === undefined ? '' : ` at line ${source.lines.linePos(startOf(source, beside, undefined, false)).line}`
  return problemAt(source, startOf(source, path, offset, atKey), message + also, isWarning)
}

/** A problem at an offset from the start of the file. */
export function problemAt(
  { file, text, say, lines }: Omit<Source, 'document' | 'inside'>,
  start: number,
  message: string,
  isWarning = false
): Problem {
  const { line, col } = lines.linePos(start)
  // An empty file has no line at all.
  const at = { line: Math.max(1, line), column: Math.max(1, col) }
  const from = lines.lineStarts[at.line - 1] ?? 0
  const excerpt = text.slice(from, lines.lineStarts[at.line] ?? text.length).replace(/\r?\n$/, '')
  return { file, ...at, message: say(message, start), excerpt, isWarning }
}

/**
 * Writes a problem for people:
 * ```
 * config.yaml:14:9 error: "eror" is not one of info, warn, error; did you mean "error"?
 *   14 |       severity: eror
 *      |                 ^
 * ```
 */
export function formatProblem({ file, line, column, message, excerpt, isWarning }: Problem): string {
  // A long line is shown from a little before the place.
  const from = Math.max(0, column - 60)
  const number = String(line)
  const before = excerpt.slice(from, column - 1)
  // The column may be past the end of the line.
  const caretAt = columnsOf(visible(before)) + column - 1 - from - before.length
  return [
    `${file}:${line}:${column} ${isWarning ? 'warning' : 'error'}: ${message}`,
    `  ${number} | ${visible(excerpt.slice(from, from + 120))}`,
    `  ${' '.repeat(number.length)} | ${' '.repeat(caretAt)}^`
  ].join('\n')
}

/** Sorts problems as they are in the file. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
}

function startOf({ document, inside }: Source, path: Fault['path'], offset: Fault['offset'], atKey: boolean): number {
  for (let length = path.length; length > 0; length--) {
    const keyNode = keyAt(document, path.slice(0, length))
    const node = nodeAt(document, path.slice(0, length))
    // A fault of a whole entry is at its name, not at the first thing inside it.
    const isAboutKey = length === path.length && (atKey || isCollection(node))
    if (isAboutKey && keyNode?.range) return keyNode.range[0]
    if (isNode(node) && node.range) {
      const isExact = length === path.length && isScalar(node) && offset !== undefined
      return isExact ? inside(node, offset) : node.range[0]
    }
    if (keyNode?.range) return keyNode.range[0]
  }
  return document.contents?.range?.[0] ?? 0
}

function keyAt(document: Document, path: Fault['path']): Node | undefined {
  const parent = nodeAt(document, path.slice(0, -1))
  return isMap(parent) ? (pairsOf(parent).get(path.at(-1))?.key as Node | undefined) : undefined
}

function nodeAt({ contents }: Document, path: Fault['path']): unknown {
  return path.reduce<unknown>((node, key) => {
    if (isMap(node)) return pairsOf(node).get(key)?.value
    return isSeq(node) ? node.items[Number(key)] : undefined
  }, contents)
}

const pairs = new WeakMap<YAMLMap, ReadonlyMap<unknown, Pair>>()

/** The pairs of a map by key. The library searches all pairs for a key, which takes seconds for a fleet's sources with a fault each. */
function pairsOf(map: YAMLMap): ReadonlyMap<unknown, Pair> {
  const known = pairs.get(map)
  if (known !== undefined) return known
  const found = new Map<unknown, Pair>()
  for (const pair of map.items) if (isScalar(pair.key) && !found.has(pair.key.value)) found.set(pair.key.value, pair)
  pairs.set(map, found)
  return found
}
