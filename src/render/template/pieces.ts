// Template output: keeps the operator's text as written, and escapes event values for where they land.
import { clean, oneLine } from '../../legible.ts'
import { cut, cutMiddle, escapeMrkdwn, link, words } from '../slack/mrkdwn.ts'

/** A value. A filter may have given it a form of its own, such as code or a link. */
export class Said {
  readonly text: string
  /** `text`, or less of it, as mrkdwn; absent for what is only text. */
  readonly form: ((text: string) => string) | undefined
  /** A whole URL that the config made, not a part of one. */
  readonly isUrl: boolean

  constructor(text: string, form?: (text: string) => string, isUrl = false) {
    this.text = clean(text)
    this.form = form
    this.isUrl = isUrl
  }

  /** For Liquid's own filters, and what is captured: they work on the text, and its form is lost. */
  toString(): string {
    return this.text
  }
}

/** The address of a page, from the config's links: a link to itself, or the target of the `link` filter. */
export function saidUrl(url: string): Said {
  return new Said(url, (text) => link(url, words(oneLine(text))), true)
}

/** Strings are the operator's. */
export type Piece = string | Said

interface Fit {
  /** In UTF-16 units, as written. */
  max: number
  isOneLine?: boolean
}

/** `pieces` as mrkdwn of at most `max` characters, long values cut; undefined where that is not enough. */
export function toMrkdwn(pieces: readonly Piece[], { max, isOneLine = false }: Fit): string | undefined {
  return fitted(pieces, max, (all) => {
    const text = writeMrkdwn(all, isOneLine)
    return isOneLine ? oneLine(text) : text.trim()
  })
}

/** `pieces` as text for where there is no markup, on one line. */
export function toPlain(pieces: readonly Piece[], max: number): string | undefined {
  return fitted(pieces, max, (all) => oneLine(clean(all.map(String).join(''))))
}

/** `pieces` as a URL: values are percent-encoded, so that they stay one part of it. */
export function toUrl(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (typeof piece === 'string' || piece.isUrl ? String(piece) : encodeURIComponent(piece.text)))
    .join('')
    .trim()
}

/** A value is cut to no less than this. */
const minCut = 60

/** Written with as little as possible cut from the longest values. */
function fitted(
  pieces: readonly Piece[],
  max: number,
  write: (pieces: readonly Piece[]) => string
): string | undefined {
  const sizes = pieces.map((piece) => (typeof piece === 'string' ? 0 : escapeMrkdwn(piece.text).length))
  let level = Math.max(minCut, max)
  for (;;) {
    // Always from the whole value: of one that was cut twice, nobody would know how much is missing.
    const text = write(pieces.map((piece, at) => shorter(piece, level, sizes[at] ?? 0)))
    const excess = text.length - max
    if (excess <= 0) return text
    if (level <= minCut) return undefined
    const kept = sizes.reduce((sum, size) => sum + Math.min(size, level), 0)
    level = Math.max(minCut, Math.min(level - 1, levelFor(sizes, kept - excess)))
  }
}

/** What the longest may have, so that all together have no more than `budget`. */
function levelFor(sizes: readonly number[], budget: number): number {
  const ascending = sizes.toSorted((a, b) => a - b)
  let left = budget
  for (const [index, size] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index))
    if (size > share) return share
    left -= size
  }
  return Number.POSITIVE_INFINITY
}

function shorter(piece: Piece, room: number, size: number): Piece {
  if (typeof piece === 'string' || room >= size) return piece
  const { text, form, isUrl } = piece
  return new Said(text.includes('\n') ? cutMiddle(text, room) : cut(text, room), form, isUrl)
}

// What stands in angle brackets may be the operator's own, in one piece with its brackets: a value inside of them would
// decide who is called, or where a link leads.
const ownTag = /<(?:@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!here|!channel|https?:\/\/[^<>|\s]+(?:\|[^<>|\n]+)?)>/g

function writeMrkdwn(pieces: readonly Piece[], isOneLine: boolean): string {
  let open = ''
  const texts = pieces.map((piece) => {
    if (typeof piece === 'string') {
      open = codeAfter(piece, open)
      return ownText(piece)
    }
    const text = isOneLine ? oneLine(piece.text) : piece.text
    // Markup inside of code is no code's business, and a backtick would end it.
    if (open !== '') return escapeMrkdwn(open === '`' ? oneLine(text) : text).replaceAll('`', 'ˋ')
    return (piece.form ?? words)(text)
  })
  // Around an empty value nothing is left of inline code but two backticks, which Slack would show.
  return texts.join('').replace(/(?<!`)``(?!`)/g, '')
}

function ownText(text: string): string {
  const tags = text.match(ownTag) ?? []
  const between = text
    .split(ownTag)
    .map((part) => escapeMrkdwn(part.replace(/&(amp|lt|gt);/g, (entity) => named[entity] ?? '')))
  return between.map((part, index) => part + labelled(tags[index] ?? '')).join('')
}

const named: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' }

/** `<https://x>` as `<https://x|https://x>`: other receivers need something to call it. */
function labelled(tag: string): string {
  return tag.startsWith('<http') && !tag.includes('|') ? `<${tag.slice(1, -1)}|${tag.slice(1, -1)}>` : tag
}

/** The fence or backtick that is open after `text`, where `open` was before it. */
function codeAfter(text: string, open: string): string {
  let now = open
  for (const [mark] of text.matchAll(/```|`|\n/g)) {
    if (now === '') now = mark === '\n' ? '' : mark
    // Inline code ends with its line.
    else if (mark === now || (now === '`' && mark === '\n')) now = ''
  }
  return now
}
