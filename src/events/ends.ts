// Ends: cut a long text at its ends, without half a character.

/** At most so many UTF-16 units of the beginning. */
export function first(text: string, chars: number): string {
  if (text.length <= chars) return text
  return text.slice(0, isHighSurrogate(text.charCodeAt(chars - 1)) ? chars - 1 : chars)
}

/** At most so many UTF-16 units of the end. */
export function last(text: string, chars: number): string {
  if (text.length <= chars) return text
  const start = text.length - chars
  return text.slice(isHighSurrogate(text.charCodeAt(start - 1)) ? start + 1 : start)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
