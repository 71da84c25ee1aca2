// Patterns: compare text with globs for names and RE2 for messages. No input can make either slow.
import { RE2JS, RE2JSSyntaxException } from 're2js'
import { Type } from './json-schema.ts'

export const Patterns = Type.Unsafe<string | string[]>({
  type: ['string', 'array'],
  minLength: 1,
  items: { type: 'string', minLength: 1 },
  minItems: 1
})

/** One or several patterns; a text matches if one of them does. */
export interface TextTest {
  matches(text: string): boolean
  /** The patterns as written, for people. */
  wanted: string
}

/** Compiles globs: `*` is any run of characters, `?` is one; everything else is itself. Case counts, as it does in Kubernetes. */
export function compileGlobs(patterns: string | string[]): TextTest {
  const list = [patterns].flat()
  const exact = new Set(list.filter((pattern) => !isGlob(pattern)))
  const globs = list.filter(isGlob)
  return {
    matches: (text) => exact.has(text) || globs.some((glob) => globMatches(glob, text)),
    wanted: list.join(', ')
  }
}

export function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}

/**
 * Reports whether the glob `wide` matches every text that the glob `narrow` matches. A false may only mean that this is not proven.
 */
export function globCovers(wide: string, narrow: string): boolean {
  // `narrow` is read as a text in which a star is any run of characters, so only a star of `wide` can match it.
  return globMatches(wide, narrow, (taker, char) => char !== '*' && (taker === '?' || taker === char))
}

/** Returns the text with which everything begins that `glob` matches. */
export function literalStart(glob: string): string {
  return glob.split(/[*?]/, 1)[0] ?? ''
}

const isOne = (taker: string | undefined, char: string | undefined) => taker === '?' || taker === char

/** Returns the length of the character at `at`: what a person counts as one may be two units of JavaScript's. */
function charLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}

/** Matches greedily, with one step back to the last star: at most text × glob steps, whatever is written. */
function globMatches(glob: string, text: string, takes = isOne): boolean {
  let at = 0
  let star = -1
  let resume = 0
  let place = 0
  while (at < text.length) {
    if (place < glob.length && glob[place] === '*') {
      star = place++
      resume = at
    } else if (place < glob.length && takes(glob[place], text[at])) {
      at += glob[place] === '?' ? charLength(text, at) : 1
      place++
    } else if (star >= 0) {
      place = star + 1
      resume += charLength(text, resume)
      at = resume
    } else {
      return false
    }
  }
  while (glob[place] === '*') place++
  return place === glob.length
}

/**
 * Compiles `pattern` as Flux compiles its inclusion and exclusion lists: RE2 syntax, found anywhere in the text. An error comes
 * with its position, in characters from the start.
 */
export function compileRegex(pattern: string): { find(text: string): boolean } | { error: string; offset: number } {
  try {
    const compiled = RE2JS.compile(pattern)
    return { find: (text) => compiled.test(text) }
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    const [, kind = error.message, part = ''] = /^error parsing regexp: (.+?)(?:: `(.*)`)?$/s.exec(error.message) ?? []
    return { error: regexFault(kind, part), offset: Math.max(0, pattern.indexOf(part)) }
  }
}

/** Puts RE2's complaint about a regular expression into words. `part` is the part at fault. */
function regexFault(kind: string, part: string): string {
  if (/^\(\?<?[=!]/.test(part)) {
    const around = part.startsWith('(?<') ? 'behind' : 'ahead'
    return `RE2 has no look-${around} ("${part.slice(0, part.startsWith('(?<') ? 4 : 3)}"); use include and exclude, or \`not\``
  }
  if (/^\\[1-9k]/.test(part)) return `RE2 has no back-references ("${part}")`
  return regexFaults[kind]?.(part) ?? (part === '' ? kind : `${kind}: ${part}`)
}

const regexFaults: Record<string, (part: string) => string> = {
  'missing closing )': () => 'a "(" is never closed',
  'unexpected )': () => 'a ")" closes nothing',
  'missing closing ]': (part) => `"${part}" is never closed with "]"`,
  'missing argument to repetition operator': (part) => `"${part}" repeats nothing; for any text, write ".*"`,
  'invalid nested repetition operator': (part) => `"${part}" repeats a repetition`,
  'invalid repeat count': (part) => `"${part}" is not a count: from 0 to 1000, the smaller first`,
  'invalid escape sequence': (part) => `"${part}" means nothing in RE2`,
  'invalid character class range': (part) => `"${part}" is not a range of characters`,
  'invalid or unsupported Perl syntax': (part) => `RE2 does not know "${part}"`,
  'trailing backslash at end of expression': () => 'ends in a lone "\\"'
}
