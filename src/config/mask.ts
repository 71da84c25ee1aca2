// Mask: decides which parts of a file, and of messages about it, may be shown. Where secrets stand, nothing is quoted, under whatever
// key, and whether or not it is YAML. Elsewhere everything is, except secrets and what looks like one.
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Pair, type Scalar } from 'yaml'
import { createKnownSecrets, cutOut, pieceLength, type Range, starOut, suspectsIn } from '../secrecy.ts'
import { longestHarmless, plainKeys, type Vocabulary } from './vocabulary.ts'

export interface Mask {
  /** The file as it may be shown. Columns stay as they are. */
  text: string
  /** `message`, about a fault at `start`, as it may be shown. */
  message(message: string, start: number): string
}

export interface MaskOptions {
  text: string
  document: Document
  vocabulary: Vocabulary
  /** Fills in the references to secrets of a text. */
  fill: (text: string) => string
}

/** Reports whether a text is a word that may be shown. `isPlain` is true if no secret belongs there: for a key, or a plain key's value. */
type IsWord = (text: string, isPlain: boolean) => boolean

const word = /(?<=^|\s)(?<comment>#.*)|\$\{[^}\s]*\}|(?:[^\s"'{}[\],:]|:(?=\S))+/gm

const key = /([\w-]+)["']?\s*:/g

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

export function createMask({ text, document, vocabulary, fill }: MaskOptions): Mask {
  const names = namesIn(document, vocabulary)
  // A key that is there twice does not change how anything else is read.
  const isWhole = document.errors.every(({ code }) => code === 'DUPLICATE_KEY')
  const open = isWhole ? openInDocument(document, vocabulary, text.length) : openInText(text, vocabulary)
  const closed = complementOf(open, text.length)
  const isWord: IsWord = (text, isPlain) =>
    (isPlain ? vocabulary.isNearWord(text) : vocabulary.isWord(text)) || names.has(text)
  const mayShow: IsWord = (text, isPlain) => text.length <= longestHarmless || isWord(text, isPlain)
  const known = createKnownSecrets()
  const ofDocument = hiddenInDocument(document, mayShow, vocabulary)
  const hidden = isWhole ? ofDocument : hiddenInText(text, closed, isWord)
  // Messages quote what was made of the text, even if that is only a part of it.
  hidden.texts.push(...(isWhole ? [] : ofDocument.texts))
  for (const { is, mayBeSecret } of hidden.texts) if (mayBeSecret) known.add(is)
  for (const reference of hidden.references) known.add(fill(reference))

  const isQuoted = (words: string) => !mayShow(words, false) && hidden.texts.some(({ is }) => is.includes(words))

  function sayClosed(message: string): string {
    return (
      message
        .replace(/"([^"]*)"/g, (quoted, inside: string) => (isQuoted(inside) ? '"…"' : quoted))
        .replace(/([*&])([^\s"';,()]+)/g, (found, sign: string, inside: string) =>
          isQuoted(inside) ? `${sign}…` : found
        )
        // A tag that the library cannot resolve leaves nothing in the document to compare with.
        .replace(/(!+)([^\s"';,()]+)/g, (found, sign: string, inside: string) =>
          mayShow(inside, false) ? found : `${sign}…`
        )
        .replace(/\$\{[^}\s]*\}?/g, (reference) => (isQuoted(reference) ? '${…}' : reference))
    )
  }

  return {
    text: starOut(text, [...starsIn(text, closed, hidden), ...suspectsIn(text), ...known.in(text)]),
    message(message, start) {
      const said =
        closed.some(([from, to]) => from <= start && start < to) || start >= text.length ? sayClosed(message) : message
      const pages = [...said.matchAll(publicPages)].map(({ 0: page, index }): Range => [index, index + page.length])
      const suspects = suspectsIn(said).filter((range) => !pages.some((page) => isWithin(range, page)))
      return cutOut(said, [...suspects, ...known.in(said).filter((range) => !isProse(said, range))])
    }
  }
}

/** Pages that messages send people to. They are nobody's secrets. */
const publicPages =
  /https:\/\/(api\.slack\.com\/apps|slack(-gov)?\.com\/api|hooks\.slack\.com\/services\/T…\/B…\/…)(?![\w/.?#-])/g

/** Reports whether the words are our own: what is quoted stands in quotes, or is not a plain word. A short secret may be two words. */
function isProse(message: string, [start, end]: Range): boolean {
  const [before, words, after] = [message.slice(0, start), message.slice(start, end), message.slice(end)]
  const isPlain = words.length < pieceLength ? /^[a-z ]+$/.test(words) : /^[a-z]+$/.test(words)
  return isPlain && /(^|\s)$/.test(before) && /^([,;.:]?\s|$)/.test(after)
}

interface Hidden {
  ranges: Range[]
  texts: { is: string; mayBeSecret: boolean }[]
  /** Texts that contain references to secrets. */
  references: string[]
  /** Ranges that may be shown nevertheless. */
  shown: Range[]
}

/** The ranges to mask in the closed parts: hidden texts, and whatever is not text, such as a comment or an anchor. */
function starsIn(text: string, closed: readonly Range[], { ranges, shown }: Hidden): Range[] {
  const origins = [...text.matchAll(/https?:\/\/[\w.-]+(?![^\s"'/]*@)/gi)].map(
    ({ 0: found, index }): Range => [index, index + found.length]
  )
  const visible = [...shown, ...origins.filter((range) => ranges.some((hidden) => isWithin(range, hidden)))]
  const flags = new Uint8Array(text.length)
  for (const [start, end] of closed) {
    for (let at = start; at < end; at++) flags[at] = /[\s{}[\],:"'|>#*&-]/.test(text[at] ?? '') ? 0 : 1
  }
  for (const [start, end] of ranges) flags.fill(1, start, end)
  for (const [start, end] of visible) flags.fill(0, start, end)
  const stars: Range[] = []
  for (let at = 0; at < flags.length; at++) if (flags[at] === 1) stars.push([at, at + 1])
  return stars
}

function isWithin([start, end]: Range, [from, to]: Range): boolean {
  return from <= start && end <= to
}

/** The names of sources and destinations: whoever misspells one wants to read it. A text without a colon may be a secret. */
function namesIn({ contents }: Document, vocabulary: Vocabulary): Set<string> {
  const sections = isMap(contents) ? contents.items.filter(({ key }) => vocabulary.isNamed(textOf(key))) : []
  const keys = sections.flatMap(({ value }) =>
    isMap(value) ? value.items.filter(({ value }) => isNode(value)).map(({ key }) => textOf(key)) : []
  )
  return new Set(keys.filter((name) => namePattern.test(name) && suspectsIn(name).length === 0))
}

function textOf(node: unknown): string {
  return isScalar(node) ? String(node.value) : ''
}

/** The ranges from each key of an open section to the next key, without what stands there under a key that leads to secrets. */
function openInDocument(document: Document, vocabulary: Vocabulary, end: number): Range[] {
  const open = sectionsOpen(document, vocabulary, end)
  const astray = pairsAstray(document.contents, vocabulary).map(rangeOf)
  return open.flatMap(([from, to]) => {
    const inside = astray.filter((range) => isWithin(range, [from, to]))
    return complementOf(inside, to).flatMap(([start, end]): Range[] =>
      end <= from ? [] : [[Math.max(from, start), end]]
    )
  })
}

/** The outermost pairs in open sections whose key leads to secrets: they are of a section that lost its first line. */
function pairsAstray(node: unknown, vocabulary: Vocabulary, isOpen = false): Pair[] {
  if (isSeq(node)) return isOpen ? node.items.flatMap((item) => pairsAstray(item, vocabulary, isOpen)) : []
  if (!isMap(node)) return []
  return node.items.flatMap((pair) => {
    const key = textOf(pair.key)
    if (isOpen && vocabulary.isSecretive(key)) return [pair]
    return isOpen || vocabulary.isOpen(key) ? pairsAstray(pair.value, vocabulary, true) : []
  })
}

function rangeOf({ key, value }: Pair): Range {
  const [start = 0, end = start] = (isNode(key) ? key.range : undefined) ?? []
  return [start, Math.max(end, (isNode(value) ? value.range?.[2] : undefined) ?? end)]
}

function sectionsOpen({ contents }: Document, vocabulary: Vocabulary, end: number): Range[] {
  if (!isMap(contents) || contents.flow) return isMap(contents) ? openInFlow(contents.items, vocabulary) : []
  const starts = contents.items.map(({ key }) => (isNode(key) ? (key.range?.[0] ?? 0) : 0))
  return contents.items.flatMap(({ key }, at): Range[] =>
    vocabulary.isOpen(textOf(key)) ? [[starts[at] ?? 0, starts[at + 1] ?? end]] : []
  )
}

function openInFlow(pairs: readonly Pair[], vocabulary: Vocabulary): Range[] {
  return pairs.flatMap(({ key, value }): Range[] => {
    const start = isNode(key) ? key.range?.[0] : undefined
    const end = isNode(value) ? value.range?.[1] : undefined
    return start !== undefined && end !== undefined && vocabulary.isOpen(textOf(key)) ? [[start, end]] : []
  })
}

/** The open parts of a file that is not YAML, found by lines that begin with the name of a section. */
function openInText(text: string, vocabulary: Vocabulary): Range[] {
  const ranges: [number, number][] = []
  let isOpen = false
  for (const { 0: line, index } of text.matchAll(/.*(?:\n|$)/g)) {
    const [, section] = /^["']?([^\s"':#-][^\s"':]*)["']?\s*:(?:\s|$)/.exec(line) ?? []
    if (section !== undefined) isOpen = vocabulary.isOpen(section)
    else if (/^[^\s#-]/.test(line)) isOpen = false
    // The rest of a section that lost its first line seems to belong to the section above.
    else if ([...line.matchAll(key)].some(([, name = '']) => vocabulary.isSecretive(name))) isOpen = false
    if (isOpen) ranges.push([index, index + line.length])
  }
  return ranges
}

function complementOf(open: readonly Range[], length: number): Range[] {
  const closed: Range[] = []
  let from = 0
  for (const [start, end] of open) {
    if (from < start) closed.push([from, start])
    from = end
  }
  return from < length ? [...closed, [from, length]] : closed
}

/** All texts of the closed sections, sorted by whether they may be shown. */
function hiddenInDocument({ contents }: Document, mayShow: IsWord, vocabulary: Vocabulary): Hidden {
  const hidden: Hidden = { ranges: [], texts: [], references: [], shown: [] }
  const note = (node: Scalar, isPlain: boolean, isKey: boolean) => {
    const { range, source, value } = node
    const is = String(value ?? '')
    if (!range) return
    if (!isPlain && is.includes('${')) hidden.references.push(is)
    if (mayShow(is, isPlain || isKey)) return void hidden.shown.push([range[0], range[1]])
    hidden.ranges.push([range[0], range[1]])
    const mayBeSecret = !isPlain || suspectsIn(is).length > 0
    hidden.texts.push({ is, mayBeSecret }, { is: source ?? is, mayBeSecret })
  }
  // Messages name anchors, aliases and tags; whoever forgot the quotes meant something else by them.
  const noteNames = (node: unknown) => {
    if (!isNode(node)) return
    const written = isAlias(node) ? [node.source] : [node.anchor ?? '', (node.tag ?? '').replace(/^!+/, '')]
    for (const is of written)
      if (is !== '' && !is.startsWith('tag:yaml.org,')) hidden.texts.push({ is, mayBeSecret: true })
  }
  const walk = (node: unknown, isPlain: boolean, isKey = false): void => {
    noteNames(node)
    if (isScalar(node)) note(node, isPlain, isKey)
    else if (isSeq(node)) for (const item of node.items) walk(item, isPlain)
    else if (isMap(node)) for (const pair of node.items) walkPair(pair)
    else if (isAlias(node) && node.range) hidden.ranges.push([node.range[0], node.range[1]])
  }
  const walkPair = ({ key, value }: Pair) => {
    walk(key, false, true)
    walk(value, plainKeys.has(textOf(key)))
  }
  if (!isMap(contents)) walk(contents, false)
  else for (const pair of contents.items) if (!vocabulary.isOpen(textOf(pair.key))) walkPair(pair)
  for (const pair of pairsAstray(contents, vocabulary)) walkPair(pair)
  return hidden
}

/** The texts of a file that is not YAML: every word is one, even a short one, which may be a piece of a longer text. */
function hiddenInText(text: string, closed: readonly Range[], isWord: IsWord): Hidden {
  const hidden: Hidden = { ranges: [], texts: [], references: [], shown: [] }
  for (const [from, to] of closed) {
    for (const { 0: is, index, groups } of text.slice(from, to).matchAll(word)) {
      const range: Range = [from + index, from + index + is.length]
      if (is.includes('${')) hidden.references.push(is)
      const isKey = /^["']?\s*:(?:\s|$)/.test(text.slice(range[1], range[1] + 3))
      if (isWord(is, isKey)) hidden.shown.push(range)
      else {
        hidden.ranges.push(range)
        hidden.texts.push({ is, mayBeSecret: groups?.['comment'] === undefined })
      }
    }
  }
  return hidden
}
