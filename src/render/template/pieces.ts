// Template output: keeps the operator's text as written, and escapes event values for the place where they land.
import { clean, oneLine } from '../../legible.ts'
import { cut, cutMiddle, escapeMrkdwn, link, words } from '../slack/mrkdwn.ts'

/** A value that a template prints. A filter may have given it a form of its own, such as code or a link. */
export class Said {
  readonly text: string
  /** Writes `text`, or less of it, as mrkdwn; absent for plain text. */
  readonly form: ((text: string) => string) | undefined
  /** True for a whole URL that the config made, not a part of one. */
  readonly isUrl: boolean

  constructor(text: string, form?: (text: string) => string, isUrl = false) {
    this.text = clean(text)
    this.form = form
    this.isUrl = isUrl
  }

  /** For Liquid's own filters and for captures, which work on the text and lose its form. */
  toString(): string {
    return this.text
  }
}

/** Returns the address of a page from the config's links: it prints a link to itself, or is the target of the `link` filter. */
export function saidUrl(url: string): Said {
  return new Said(url, (text) => link(url, words(oneLine(text))), true)
}

/** A part of the output: a string is the operator's, a {@link Said} is a value. */
export type Piece = string | Said

interface Fit {
  /** In UTF-16 units, as written. */
  max: number
  isOneLine?: boolean
}

/** Writes `pieces` as mrkdwn of at most `max` characters, with long values cut; undefined if that is not enough. */
export function toMrkdwn(pieces: readonly Piece[], { max, isOneLine = false }: Fit): string | undefined {
  return fitted(pieces, max, (all) => {
    const text = writeMrkdwn(all, isOneLine)
    return isOneLine ? oneLine(text) : text.trim()
  })
}

/** Writes `pieces` on one line, for a place without markup. */
export function toPlain(pieces: readonly Piece[], max: number): string | undefined {
  return fitted(pieces, max, (all) => oneLine(clean(all.map(String).join(''))))
}

/** Writes `pieces` as a URL: values are percent-encoded, so that each stays one part of it. */
export function toUrl(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (typeof piece === 'string' || piece.isUrl ? String(piece) : encodeURIComponent(piece.text)))
    .join('')
    .trim()
}

/** No value is cut to less than this. */
const minCut = 60

/** Writes `pieces` with as little as possible cut from the longest values. */
function fitted(
  pieces: readonly Piece[],
  max: number,
  write: (pieces: readonly Piece[]) => string
): string | undefined {
  const sizes = pieces.map((piece) => (typeof piece === 'string' ? 0 : escapeMrkdwn(piece.text).length))
  let level = Math.max(minCut, max)
  for (;;) {
    // Each cut is made from the whole value: after two cuts, nobody would know how much is missing.
    const text = write(pieces.map((piece, at) => shorter(piece, level, sizes[at] ?? 0)))
    const excess = text.length - max
    if (excess <= 0) return text
    if (level <= minCut) return undefined
    const kept = sizes.reduce((sum, size) => sum + Math.min(size, level), 0)
    level = Math.max(minCut, Math.min(level - 1, levelFor(sizes, kept - excess)))
  }
}

/** Returns how much the longest values may have, so that all together have no more than `budget`. */
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

// A tag in angle brackets may be the operator's own only if it is in one piece with its brackets: a value inside of them would
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
    // Markup does nothing inside of code, and a backtick would end the code.
    if (open !== '') return escapeMrkdwn(open === '`' ? oneLine(text) : text).replaceAll('`', 'ˋ')
    return (piece.form ?? words)(text)
  })
  // Of inline code around an empty value only two backticks are left, which Slack would show.
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

/** Turns `<https://x>` into `<https://x|https://x>`, because other receivers need a label. */
function labelled(tag: string): string {
  return tag.startsWith('<http') && !tag.includes('|') ? `<${tag.slice(1, -1)}|${tag.slice(1, -1)}>` : tag
}

/** Returns the fence or backtick that is open after `text`; `open` is the one that was open before it. */
function codeAfter(text: string, open: string): string {
  let now = open
  for (const [mark] of text.matchAll(/```|`|\n/g)) {
    if (now === '') now = mark === '\n' ? '' : mark
    // Inline code ends with its line.
    else if (mark === now || (now === '`' && mark === '\n')) now = ''
  }
  return now
}
