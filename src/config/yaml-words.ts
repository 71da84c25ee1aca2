// YAML words: puts syntax errors in words, at the place of the mistake.
import {
  type Document,
  type ErrorCode,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  type LineCounter,
  type Node,
  visit,
  type YAMLError
} from 'yaml'
import { hashed } from './mistaken.ts'

/** A mistake in the writing of a file. `start` is its place, in characters from the start of the file. */
export interface WritingFault {
  start: number
  message: string
}

// One mistake can make hundreds, because what follows it is misread.
const maxFaults = 50

/** Everything that keeps `text`, parsed as `document`, from having a value. */
export function writingFaults(text: string, document: Document, lines: LineCounter): WritingFault[] {
  // The library only warns of an unknown tag, and reads what follows as if the tag were not there.
  const errors = [...withoutRest(document.errors), ...document.warnings]
    .slice(0, maxFaults)
    .filter((error) => !isEmptyEnd(error, text))
  const said = withoutUnfinished(
    withReferences(
      errors.map((error) => inWords(error, { text, document, lines })),
      text
    ),
    text
  )
  // Without any anchor, something that looks like an alias is noticed when the value is made.
  return withoutEchoes([...said, ...(said.length > 0 || text.includes('&') ? lostAliases(document) : [])])
}

/** Drops the errors behind the end of the whole value. They are of single tokens, and an earlier mistake may have ended the value. */
function withoutRest(errors: readonly YAMLError[]): readonly YAMLError[] {
  const rest = errors.findIndex(({ message }) => message.includes(' in YAML stream'))
  return rest < 0 ? errors : errors.slice(0, Math.max(1, rest))
}

/** True if nothing follows the line that begins another document, such as in manifests that were put together. */
function isEmptyEnd({ code, pos }: YAMLError, text: string): boolean {
  return code === 'MULTIPLE_DOCS' && /^(?:(?:---|\.\.\.)?[ \t]*(?:#.*)?(?:\r?\n|$))+$/.test(text.slice(pos[0]))
}

/**
 * Reports references without quotes that stand as a value in { } or [ ], instead of the faults that come of them: their brace begins
 * a map there, and what follows is misread.
 */
function withReferences(faults: WritingFault[], text: string): WritingFault[] {
  if (!faults.some(({ start }) => text.startsWith('${', start - 1))) return faults
  const bare = [...text.matchAll(/(?<=[:,[{][ \t]*)\$\{[^\s{}'"]+\}(?=\s*[,}\]])/g)]
    .map(({ index }) => index)
    .filter((start) => !/(?:^|\s)#.*$/.test(text.slice(0, start)))
  return [
    ...faults.filter(({ start }) => start < (bare[0] ?? text.length)),
    ...bare.map((start) => ({ start, message: 'a reference in { } or [ ] needs quotes: "${VARIABLE}"' }))
  ]
}

/** Lines that are no YAML because something has yet to make parts of the file. */
const unfinished: [line: RegExp, message: string][] = [
  [
    /^(?:<{7}|={7}|>{7})(?:\s|$)/,
    'a merge conflict of Git begins here: keep one of the two sides, and remove such lines'
  ],
  [
    /^\s*\{(?:\{-?\s*(?:if|range|with|end|include|template|define|\/\*)\b|%)/,
    'a line of a template: give the relay the file that the template makes'
  ]
]

/** `faults` up to the first in such a line, which is reported as what it is. */
function withoutUnfinished(faults: WritingFault[], text: string): WritingFault[] {
  for (const [at, { start }] of faults.entries()) {
    const from = text.lastIndexOf('\n', start - 1) + 1
    const [line = ''] = text.slice(from).split('\n', 1)
    const message = unfinished.find(([pattern]) => pattern.test(line))?.[1]
    if (message !== undefined) return [...faults.slice(0, at), { start: from + line.search(/\S/), message }]
  }
  return faults
}

/** The mistake behind what the library `said` of the aliases of `document`. */
export function aliasFaults(document: Document, said: string): WritingFault[] {
  const lost = lostAliases(document)
  if (said.startsWith('Unresolved alias') || (said.startsWith('Merge') && lost.length > 0)) return lost
  if (said.startsWith('Merge')) return [{ start: wrongMerge(document), message: '<< takes a map, as in <<: *common' }]
  const fault = said.startsWith('Excessive alias count') ? 'repeat too much' : 'cannot be followed'
  return [{ start: firstAlias(document), message: `the aliases (*name) in this file ${fault}` }]
}

interface Place {
  text: string
  document: Document
  lines: LineCounter
}

type Words = (message: string, start: number, place: Place) => string | WritingFault

const words: Partial<Record<ErrorCode, Words>> = {
  BAD_ALIAS: () => 'a * alone is read as a YAML alias; put it in quotes: "*"',
  BAD_DIRECTIVE: () => 'a line that begins with % is read as a YAML directive; put the text in quotes',
  BAD_DQ_ESCAPE: (message) =>
    `${message.replace('Invalid escape sequence ', '')} means nothing in double quotes; use single quotes, or write the \\ twice`,
  BAD_INDENT: (message, start, { document, text }) => {
    const [, kind, end] = /^Flow (map|sequence) in block collection.*(.)$/.exec(message) ?? []
    if (kind === undefined) return misplaced
    const opening = kind === 'map' ? '{' : '['
    const at = openingBefore(document, start)
    const [line = ''] = text.slice(at).split('\n', 1)
    const why = /[:,[]\s+#\S/.test(line) ? `: ${hashed}` : ''
    return { start: at, message: `this ${opening} is never closed with ${end}${why}` }
  },
  BAD_SCALAR_START: (message) => `a text that begins with ${message.at(-1)} needs quotes`,
  BLOCK_IN_FLOW: () => 'this is not allowed inside [ ] or { }; is a bracket never closed?',
  BLOCK_AS_IMPLICIT_KEY: (message, start, { text }) =>
    message.startsWith('Nested mappings') ? secondColon(text, start) : 'there is a list where a key should be',
  DUPLICATE_KEY: (_, start, { document, lines }) => {
    const { key, first } = firstOfKey(document, start)
    return `the key "${key}" appears twice; first at line ${lines.linePos(first).line}`
  },
  MISSING_CHAR: (message, start, { document }) => {
    if (message.startsWith('Missing closing')) {
      return { start: quotedBefore(document, start) ?? start, message: 'this quote is never closed' }
    }
    if (message.startsWith('Comments')) return 'a comment needs a space before its #'
    if (message.startsWith('Sequence item')) return misplaced
    return noKey
  },
  MULTILINE_IMPLICIT_KEY: (_, start, { text, document }) =>
    document.errors.some(({ code, pos }) => code === 'BLOCK_AS_IMPLICIT_KEY' && pos[0] === start)
      ? secondColon(text, start)
      : noKey,
  MULTIPLE_DOCS: () => 'a second document begins here; a config file is one',
  NON_STRING_KEY: (_, start, { text }) =>
    text.startsWith('{{', start - 1) ? 'a text that begins with {{ needs quotes' : 'a key must be a text',
  RESOURCE_EXHAUSTION: () => 'lists and maps stand inside of each other here, more deeply than can be read',
  TAB_AS_INDENT: () => 'is indented with a tab; YAML takes spaces only',
  // Quoted from the file: the library's message spells the tag out, sometimes with what follows it.
  TAG_RESOLVE_FAILED: (_, start, { text }) =>
    `${/^!\S+?(?=[\s,[\]{}]|$)/.exec(text.slice(start))?.[0] ?? 'this'} is read as a YAML tag; put the text in quotes`,
  UNEXPECTED_TOKEN: (message, start, { document, lines }) => {
    const [, token] = /^Unexpected .* token.*: "(.+)"$/.exec(message) ?? []
    if (token !== undefined && /^[}\]]$/.test(token)) return `this ${token} closes nothing`
    // The library's message would quote the text.
    if (token !== undefined) return misplaced
    if (message.endsWith(' at node end') && quotedBefore(document, start) === undefined) return behind
    const opening = quotedBefore(document, start)
    if (opening === undefined) return `this is not allowed here: ${message.replace(/: .*/s, '')}`
    const { line } = lines.linePos(opening)
    return `the text in quotes ends before this, and began at line ${line}; is a quote missing, or one too many?`
  }
}

const behind = 'this is not allowed behind a value; put the whole text in quotes'
const tooDeep = 'is indented deeper than the key above it, and so continues its value'
const misplaced = 'is indented unlike the lines above it'
const noKey = 'a key needs a colon and a space after it ("key: value"), a list item a dash and a space ("- item")'

/** The fault of a value that begins at `start` and has a colon: in its line, or in the next one, which is indented too deeply. */
function secondColon(text: string, start: number): string | WritingFault {
  const [line = ''] = text.slice(start).split(/\r?\n/, 1)
  if (/:(\s|$)/.test(line)) return 'a second ": " on one line; put the text in quotes'
  if (/(^|\n)[ \t]*-[\w"'][^\n]*$/.test(text.slice(0, start))) return noKey
  const next = start + line.length
  return { start: next + Math.max(0, text.slice(next).search(/\S/)), message: tooDeep }
}

function inWords({ code, message, pos }: YAMLError, place: Place): WritingFault {
  const said = words[code]?.(message, pos[0], place) ?? message
  return typeof said === 'string' ? { start: pos[0], message: said } : said
}

/**
 * Drops faults that repeat another. One mistake makes the library stumble several times over the same place, and everything behind
 * something that is never closed is misread.
 */
function withoutEchoes(all: WritingFault[]): WritingFault[] {
  const open = all.findIndex(({ message }) => message.includes('is never closed'))
  const faults = open < 0 ? all : all.slice(0, open + 1)
  return faults.filter(({ start, message }, at) => {
    const isEcho = (other: WritingFault) =>
      other.start === start || (other.message === message && (message === noKey || message === behind))
    return !faults.slice(0, at).some(isEcho)
  })
}

function lostAliases(document: Document): WritingFault[] {
  const anchors = new Set<string>()
  const faults: WritingFault[] = []
  visit(document, {
    Node: (_, node, path) => {
      if (isAlias(node)) {
        if (path.some((outer) => isNode(outer) && !isAlias(outer) && outer.anchor === node.source)) {
          faults.push({
            start: startOf(node),
            message: `*${node.source} stands inside of &${node.source}, which it repeats`
          })
        }
        if (anchors.has(node.source) || node.source === '') return
        const message = `*${node.source} is read as a YAML alias, but there is no &${node.source} above; a glob needs quotes: "*${node.source}"`
        faults.push({ start: startOf(node), message })
      } else if (node.anchor !== undefined) anchors.add(node.anchor)
    }
  })
  return faults
}

function firstAlias(document: Document): number {
  let start = 0
  visit(document, {
    Alias: (_, node) => {
      start = startOf(node)
      return visit.BREAK
    }
  })
  return start
}

/** The place of the first `<<` that merges something else than a map. */
function wrongMerge(document: Document): number {
  let start = 0
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || key.value !== '<<' || isMap(value) || isAlias(value)) return undefined
      start = startOf(key)
      return visit.BREAK
    }
  })
  return start
}

function firstOfKey(document: Document, start: number): { key: string; first: number } {
  let found = { key: '', first: start }
  visit(document, {
    Map: (_, map) => {
      const keys = map.items.flatMap(({ key }) => (isScalar(key) ? [key] : []))
      const second = keys.find((key) => startOf(key) === start)
      if (second === undefined) return undefined
      const first = keys.find(({ value }) => value === second.value)
      found = { key: String(second.value), first: first ? startOf(first) : start }
      return visit.BREAK
    }
  })
  return found
}

/** The start of the last text in quotes that begins before `end`. */
function quotedBefore(document: Document, end: number): number | undefined {
  return lastBefore(document, end, (node) => isScalar(node) && (node.type?.startsWith('QUOTE') ?? false))
}

function openingBefore(document: Document, end: number): number {
  return lastBefore(document, end, (node) => isCollection(node) && node.flow === true) ?? end
}

function lastBefore(document: Document, end: number, isOne: (node: Node) => boolean): number | undefined {
  let start: number | undefined
  visit(document, {
    Node: (_, node) => {
      if (!isPair(node) && isOne(node) && startOf(node) < end) start = Math.max(start ?? 0, startOf(node))
    }
  })
  return start
}

function startOf({ range }: Pick<Node, 'range'>): number {
  return range?.[0] ?? 0
}
