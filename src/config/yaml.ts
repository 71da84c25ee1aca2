// YAML file: parses a text into its value and the place of everything in it, or into what keeps it from being read. Sections
// without a mistake are read nevertheless, so that they are checked in the same run.
import {
  type Document,
  type ErrorCode,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  YAMLParseError
} from 'yaml'
import { placeInside } from './inside.ts'
import { createMask, type Mask } from './mask.ts'
import { inOrder, type Problem, problemAt, type Source } from './problem.ts'
import type { Vocabulary } from './vocabulary.ts'
import { aliasFaults, type WritingFault, writingFaults } from './yaml-words.ts'

// A thousand rules may share one `match: *common`. Anchors inside of anchors multiply, and exceed this within a few lines.
const maxAliasCount = 10_000

/** What is known of a file that cannot be read as a whole: why not, and the sections that can be. */
export interface Refused {
  problems: Problem[]
  /** `lost` has the names of sections with a mistake in them, or behind one. Undefined if nothing is legible. */
  rest: { source: Source; value: Record<string, unknown>; lost: string[] } | undefined
}

/**
 * Parses a file. `file` is only for the places of problems. `vocabulary` says what of the file they may quote; `fill` fills in the
 * references to secrets in a text.
 */
export function readYaml(
  text: string,
  file: string,
  vocabulary: Vocabulary,
  fill: (text: string) => string = (text) => text
): { source: Source; value: unknown } | Refused {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The library would compare each key with each before it: fifty million pairs in a fleet's file.
    uniqueKeys: false,
    stringKeys: true,
    merge: true,
    logLevel: 'error'
  })
  const repeated = repeatedKeys(document)
  if (repeated.length > 0) document.errors = [...document.errors, ...repeated].sort((a, b) => a.pos[0] - b.pos[0])
  // Made only if there is something to say.
  let mask: Mask | undefined
  const masked = () => (mask ??= createMask({ text, document, vocabulary, fill }))
  const source: Source = {
    file,
    get text() {
      return masked().text
    },
    say: (message, start) => masked().message(message, start),
    document,
    lines,
    inside: (scalar, offset) => placeInside(text, scalar, offset)
  }
  const refused = (faults: WritingFault[]): Refused => {
    const sound = soundSections(
      { text, document },
      faults.map(({ start }) => start),
      maxAliasCount
    )
    return {
      problems: inOrder(faults.map(({ start, message }) => problemAt(source, start, message))),
      rest: sound && { source, ...sound }
    }
  }
  const faults = writingFaults(text, document, lines)
  if (faults.length > 0) return refused(faults)
  try {
    return { source, value: document.toJS({ maxAliasCount }) }
  } catch (error) {
    const { message } = error as Error
    const { problems, rest } = refused(aliasFaults(document, message))
    // If aliases multiply, so would the faults of what they repeat.
    return { problems, rest: /^(?:Unresolved alias|Merge)/.test(message) ? rest : undefined }
  }
}

function repeatedKeys(document: Document): YAMLParseError[] {
  const errors: YAMLParseError[] = []
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        const start = key.range?.[0] ?? 0
        if (seen.has(key.value))
          errors.push(new YAMLParseError([start, start + 1], 'DUPLICATE_KEY', 'Map keys must be unique'))
        seen.add(key.value)
      }
    }
  })
  return errors
}

// These mistakes are about their own place. Behind any other, what follows may be misread.
const local: ReadonlySet<ErrorCode> = new Set([
  'DUPLICATE_KEY',
  'BAD_DQ_ESCAPE',
  'TAG_RESOLVE_FAILED',
  'BAD_SCALAR_START'
])

/**
 * The sections of `document` without a mistake in them or before them, and the names of the others. `starts` are the places of the
 * mistakes, in characters from the start of the file.
 */
function soundSections(
  { text, document }: { text: string; document: Document },
  starts: readonly number[],
  maxAliasCount: number
): { value: Record<string, unknown>; lost: string[] } | undefined {
  const { contents, errors, warnings } = document
  if (!isMap(contents)) return undefined
  const end = Math.min(
    ...errors.filter(({ code }) => !local.has(code)).flatMap(({ pos }) => pos),
    ...lasting(errors, starts)
  )
  const places = [...starts, ...[...errors, ...warnings].map(({ pos }) => pos[0])]
  const sections = contents.items.flatMap(({ key, value }) => {
    if (!isScalar(key) || typeof key.value !== 'string') return []
    const from = key.range?.[0] ?? 0
    const to = (isNode(value) ? value.range?.[1] : undefined) ?? key.range?.[1] ?? from
    // A mistake right behind an empty value may have been meant to be in it.
    const isCutOff = (place: number) => endsEmpty(value) && /^\s*$/.test(text.slice(to, place))
    const isSound = to <= end && !places.some((place) => from <= place && (place <= to || isCutOff(place)))
    return [{ name: key.value, value: isSound && isNode(value) ? read(value, document, maxAliasCount) : undefined }]
  })
  const lost = new Set(sections.flatMap(({ name, value }) => (value === undefined ? [name] : [])))
  const kept = sections.filter(({ name }) => !lost.has(name)).map(({ name, value }) => [name, value?.is] as const)
  return { value: Object.fromEntries(kept), lost: [...lost] }
}

/** True if the last thing in `node` is empty. */
function endsEmpty(node: unknown): boolean {
  if (isMap(node)) return endsEmpty(node.items.at(-1)?.value)
  if (isSeq(node)) return endsEmpty(node.items.at(-1))
  return !isNode(node) || (isScalar(node) && node.value === null)
}

/** The places from which on everything may be misread. Something that is never closed begins before the library notices. */
function lasting(errors: Document['errors'], starts: readonly number[]): number[] {
  return errors.every(({ code }) => local.has(code)) ? [] : [...starts]
}

function read(node: Node, document: Document, maxAliasCount: number): { is: unknown } | undefined {
  try {
    return { is: node.toJS(document, { maxAliasCount }) }
  } catch {
    return undefined
  }
}
