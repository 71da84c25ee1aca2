// Inside: finds the place of a part of a value in the file, however YAML wrote the value: in quotes, folded, as a block.
import type { Scalar } from 'yaml'

/**
 * The place in `text` of the character at `offset` of the value of `scalar`. White space may have become something else, but all other
 * characters are there in the same order. If they are not, the place is the start of the value.
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
    // Only white space may be somewhere else, or gone.
    else if (!/^\s*$/.test(is) || at >= text.length) return start
    at += length
  }
  return at
}

/** Other escapes stand for white space, or for what nobody types. */
const escapes: Record<string, string> = { '"': '"', '\\': '\\', '/': '/' }

/** The character that is written at `at`, and the number of characters that it takes. */
function writtenAt(text: string, at: number, type: Scalar['type'] | undefined): { is: string; length: number } {
  if (type === 'QUOTE_SINGLE' && text.startsWith("''", at)) return { is: "'", length: 2 }
  if (type !== 'QUOTE_DOUBLE' || text[at] !== '\\') return { is: text[at] ?? '', length: 1 }
  const [code, digits] =
    /^\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/.exec(text.slice(at, at + 10))?.filter(Boolean) ?? []
  if (code !== undefined) return { is: String.fromCodePoint(Number.parseInt(digits ?? '', 16)), length: code.length }
  return { is: escapes[text[at + 1] ?? ''] ?? ' ', length: 2 }
}
