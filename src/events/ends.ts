// Ends: cuts a long text to its beginning or end, without half a character.

/** The beginning of `text`, at most `chars` UTF-16 units. */
export function first(text: string, chars: number): string {
  if (text.length <= chars) return text
  return text.slice(0, isHighSurrogate(text.charCodeAt(chars - 1)) ? chars - 1 : chars)
}

/** The end of `text`, at most `chars` UTF-16 units. */
export function last(text: string, chars: number): string {
  if (text.length <= chars) return text
  const start = text.length - chars
  return text.slice(isHighSurrogate(text.charCodeAt(start - 1)) ? start + 1 : start)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
