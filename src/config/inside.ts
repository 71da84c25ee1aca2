// Inside: finds where a part of a value stands in the file, however YAML wrote it: in quotes, folded, as a block.
import type { Scalar } from 'yaml'

/**
 * Where in `text` the character at `offset` of the value of `scalar` stands. What white space has become is not known, but
 * all else is there in the same order. The start of the value where it is not.
 */
export function placeInside(text: string, scalar: Scalar, offset: number): number {
  const { value, type } = scalar
  const start = scalar.range?.[0] ?? 0
  const isBlock = type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED'
  if (typeof value !== 'string' || (offset === 0 && !isBlock)) return start
  // A block begins with its sign and perhaps a comment.
  let at = isBlock ? text.indexOf('\n', start) + 1 : start + (type?.startsWith('QUOTE') ? 1 : 0)
  let read = 0
  while (read < value.length) {
    if (/\s/.test(value[read] ?? '')) {
      if (read >= offset) return at
      read++
      continue
    }
    const { is, length } = writtenAt(text, at, type)
    const isSame = is !== '' && value.startsWith(is, read)
    if (isSame && read + is.length > offset) return at
    if (isSame) read += is.length
    // Only what is white space is somewhere else, or gone.
    else if (!/^\s*$/.test(is) || at >= text.length) return start
    at += length
  }
  return at
}

/** Any other is of white space, or of what nobody types. */
const escapes: Record<string, string> = { '"': '"', '\\': '\\', '/': '/' }

/** What is written at `at`, and in how many characters. */
function writtenAt(text: string, at: number, type: Scalar['type'] | undefined): { is: string; length: number } {
  if (type === 'QUOTE_SINGLE' && text.startsWith("''", at)) return { is: "'", length: 2 }
  if (type !== 'QUOTE_DOUBLE' || text[at] !== '\\') return { is: text[at] ?? '', length: 1 }
  const [code, digits] =
    /^\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/.exec(text.slice(at, at + 10))?.filter(Boolean) ?? []
  if (code !== undefined) return { is: String.fromCodePoint(Number.parseInt(digits ?? '', 16)), length: code.length }
  return { is: escapes[text[at + 1] ?? ''] ?? ' ', length: 2 }
}
