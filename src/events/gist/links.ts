// Links: splits an error chain at its colons.

const quotes = new Set(['"', "'", '`'])
/**
 * The colon after these words begins no new link. AWS: `… is not authorized to perform: ecr:GetAuthorizationToken on resource: *`
 */
const goesOn = ['authorized to perform', 'on resource']
const closing: Record<string, string> = { '(': ')', '[': ']', '{': '}' }

/** Fewest characters of a link, or of the end of a link, that is taken for a repetition of earlier text. */
export const shortestEcho = 12

/** Splits `line` at its colons, except for those in quotes, brackets and enumerations. */
export function linksOf(line: string): string[] {
  const joints = jointsOf(line)
  return [...joints, line.length]
    .map((end, n) => line.slice(n === 0 ? 0 : (joints[n - 1] ?? 0) + 1, end).trim())
    .filter((link, at, all) => link !== '' && !(at < all.length - 1 && /^err(?:or)?$/i.test(link)))
}

/** An enumeration is one statement: `Current Limit: 10, Current Usage: 10, Additional Required: ` */
const enumerated =
  /(?<![\w:])(?:(?:\w{1,40}: \d[\d.]{0,12}, ){1,12}\w{1,40}: (?=\d)|(?:[A-Z(][\w()]{0,40}(?: [A-Z(][\w()]{0,40}){0,3}: [^:,\n"']{1,60}, ){1,12}[A-Z(][\w()]{0,40}(?: [A-Z(][\w()]{0,40}){0,3}: )/g

/** Returns the positions of the colons that join links of `line`: not those in quotes, brackets and enumerations. */
export function jointsOf(line: string): number[] {
  const counted = line.includes(', ')
    ? Array.from(line.matchAll(enumerated), ({ 0: all, index }) => [index, index + all.length] as const)
    : []
  const joints: number[] = []
  const open: string[] = []
  const unclosed = new Set<string>()
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ''
    if (quotes.has(char) && !unclosed.has(char) && !isApostrophe(line, at)) {
      const end = endOfQuote(line, at)
      if (end < 0) unclosed.add(char)
      else at = end
    } else if (closing[char] !== undefined) {
      // A bracket that is never closed would hide every colon behind it.
      if (line.includes(closing[char], at)) open.push(closing[char])
    } else if (char === open.at(-1)) {
      open.pop()
    } else if (open.length === 0 && (char === '：' || (char === ':' && /\s/.test(line[at + 1] ?? '')))) {
      if (goesOn.some((words) => line.startsWith(words, at - words.length))) continue
      if (counted.some(([from, to]) => from < at && at < to)) continue
      joints.push(at)
    }
  }
  return joints
}

/** Reports whether the quote at `at` is an apostrophe, as in `couldn't`. */
function isApostrophe(line: string, at: number): boolean {
  return line[at] === "'" && /[A-Za-z0-9]/.test(line[at - 1] ?? '')
}

function endOfQuote(line: string, start: number): number {
  const quote = line[start] ?? ''
  for (let at = line.indexOf(quote, start + 1); at >= 0; at = line.indexOf(quote, at + 1)) {
    if (line[at - 1] === '\\') continue
    const isEnd = quote !== "'" || !/[A-Za-z0-9]/.test(line[at + 1] ?? '')
    if (isEnd) return at
  }
  return -1
}
