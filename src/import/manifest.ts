// Manifests: parses the Kubernetes manifests of a text, Lists included, with the place of each field in the file.
import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { inOrder, type Problem, problemAt } from '../config/problem.ts'
import { aliasFaults, type WritingFault, writingFaults } from '../config/yaml-words.ts'
import { flatKind, indented, type Part, partsOf } from './indentation.ts'

/** A place in a file. `line` is from 1. */
export interface Place {
  file: string
  line: number
}

/** One object as `kubectl apply` would take it. Nothing else is known of its shape. */
export interface Manifest {
  apiVersion: string
  kind: string
  value: Record<string, unknown>
  /** True if its indentation was lost, and was put back. */
  wasFlat?: true
  /** True if kustomize makes it and adds a hash to its name. */
  hasHash?: true
  /** The manifest that this was built from, if kustomize builds it in other namespaces as well. */
  of?: Manifest
  /** The place of the field at `path`, or of the nearest one above it that exists. */
  at(path?: readonly (string | number)[]): Place
}

/**
 * Reads every manifest of `text`. `problems` are of YAML, not of Kubernetes; if there are any, there are no manifests. A document
 * whose lines all begin at the margin, as after copying from some pages, is read with its indentation put back.
 */
export function readManifests(text: string, file: string): { manifests: Manifest[]; problems: Problem[] } {
  const parts = partsOf(text)
  if (!parts.some((part) => flatKind(part.text) !== undefined)) return readText(text, file)
  const read = parts.map((part) => readPart(part, text, file))
  const problems = read.flatMap((each) => each.problems)
  return { manifests: problems.length > 0 ? [] : read.flatMap(({ manifests }) => manifests), problems }
}

/** Messages about manifests quote nothing that has to be masked: `discreet` sees to the lines. */
const asIs = (message: string) => message

function readPart(part: Part, whole: string, file: string): { manifests: Manifest[]; problems: Problem[] } {
  const kind = flatKind(part.text)
  // Keeps the line numbers of the file.
  const above = '\n'.repeat(part.line)
  if (kind === undefined) return readText(above + part.text, file)
  const restored = indented(part.text, kind)
  const read = restored === undefined ? undefined : readText(above + restored, file)
  if (read?.problems.length === 0) {
    return { problems: [], manifests: read.manifests.map((manifest) => ({ ...manifest, wasFlat: true })) }
  }
  // The indentation of other kinds is not checked.
  if (!['Alert', 'Provider', 'Secret'].includes(kind)) return { manifests: [], problems: [] }
  const lines = new LineCounter()
  for (const { index } of whole.matchAll(/^/gm)) lines.addNewLine(index)
  const at = part.text.split('\n').findIndex((line) => /^(metadata|spec):/.test(line)) + part.line
  const message = `the indentation of this ${kind} is lost: what belongs below this line begins at the margin. Copy it anew from where it came, or put two spaces before each line below it, and two more for each level`
  const problem = problemAt({ file, text: whole, lines, say: asIs }, lines.lineStarts[at] ?? 0, message)
  return { manifests: [], problems: [problem] }
}

function readText(text: string, file: string): { manifests: Manifest[]; problems: Problem[] } {
  const lines = new LineCounter()
  // YAML 1.1, as kubectl reads it: `suspend: yes` is true, and `<<` merges.
  const options = { version: '1.1', lineCounter: lines, prettyErrors: false, logLevel: 'error' } as const
  const documents = [...parseAllDocuments(text, options)]
  const faults = documents.flatMap((document) => {
    // Checked where there is an anchor, too: an alias may stand inside of what it repeats, which has no end.
    if (document.errors.length === 0 && !text.includes('&')) return []
    // An unknown tag means nothing here, and what stands behind it is read all the same.
    document.warnings = []
    return writingFaults(text, document, lines)
  })
  const refused = (all: WritingFault[]) => ({
    manifests: [],
    problems: inOrder(
      all.map(({ start, message }) => discreet(problemAt({ file, text, lines, say: asIs }, start, message), text))
    )
  })
  if (faults.length > 0) return refused(faults)
  const manifests: Manifest[] = []
  for (const document of documents) {
    try {
      // Aliases may repeat what they name, a hundred times in all.
      const value: unknown = document.toJS({ maxAliasCount: 100 })
      if (document.contents) manifests.push(...unfold(document.contents, value, file, lines))
    } catch (error) {
      return refused(aliasFaults(document, (error as Error).message))
    }
  }
  return { manifests, problems: [] }
}

/** The manifests in a node: those that it lists, if it is a List, as from `kubectl get -o yaml`. */
function unfold(node: Node, value: unknown, file: string, lines: LineCounter): Manifest[] {
  if (!isRecord(value)) return []
  const { apiVersion, kind, items } = value
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return []
  if (kind.endsWith('List') && Array.isArray(items)) {
    // The items of an AlertList need not say what they are.
    const own = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) }
    return items.flatMap((item, at) => {
      const inner = isMap(node) ? node.getIn(['items', at], true) : undefined
      return unfold(isNode(inner) ? inner : node, isRecord(item) ? { ...own, ...item } : item, file, lines)
    })
  }
  return [{ apiVersion, kind, value, at: (path = []) => ({ file, line: lineOf(node, path, lines) }) }]
}

function lineOf(root: Node, path: readonly (string | number)[], lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 || !isMap(root) ? root : root.getIn(path.slice(0, length - 1), true)
    const range = rangeIn(parent, path[length - 1])
    if (range) return lines.linePos(range[0]).line
  }
  return lines.linePos(root.range?.[0] ?? 0).line
}

/** The range of a key, and not of its value, which may begin a line below. */
function rangeIn(parent: unknown, key: string | number | undefined): Node['range'] {
  if (isSeq(parent) && typeof key === 'number') return (parent.items[key] as Node | undefined)?.range
  if (!isMap(parent)) return undefined
  const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key)
  return (pair?.key as Node | undefined)?.range
}

/** Hides the line at fault, and what is quoted of it, if they may be a secret. */
function discreet(problem: Problem, text: string): Problem {
  const mayBeSecret = /\bSecret\b/.test(text) || /https?:/.test(problem.excerpt)
  if (!mayBeSecret) return problem
  const message = problem.message
    .replace(/"([^"]*)"/g, (quoted, inside: string) => (text.includes(inside) ? '"…"' : quoted))
    .replace(/([!*&])[^\s"';,()]+/g, '$1…')
  // Behind spaces, because of a long line only what is near the fault is shown.
  const excerpt = `${' '.repeat(Math.max(0, problem.column - 60))}(not shown: it may be a secret)`
  return { ...problem, message, excerpt }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The name, empty if there is none, and the namespace that the manifest names itself. */
export function refOf({ value }: Manifest): { name: string; namespace: string | undefined } {
  const { name, namespace } = recordOf(value['metadata'])
  return { name: textOf(name) ?? '', namespace: textOf(namespace) }
}

/** `value` if it is an object, else an empty one. */
export function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** `value` if it is a text. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
