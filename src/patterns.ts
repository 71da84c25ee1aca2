// What a rule compares text with: globs for names, RE2 for messages. Neither can be made slow by what it is given.
import { RE2JS, RE2JSSyntaxException } from 're2js'
import { Type } from 'typebox'

export const Patterns = Type.Unsafe<string | string[]>({
  type: ['string', 'array'],
  minLength: 1,
  items: { type: 'string', minLength: 1 },
  minItems: 1
})

/** A text that holds when any of several patterns does. */
export interface TextTest {
  holds(text: string): boolean
  /** As written, for people. */
  wanted: string
}

/** Globs: `*` is any run of characters, `?` is one; everything else is itself. Case counts, as it does in Kubernetes. */
export function compileGlobs(patterns: string | string[]): TextTest {
  const list = [patterns].flat()
  const exact = new Set(list.filter((pattern) => !isGlob(pattern)))
  const globs = list.filter(isGlob)
  return {
    holds: (text) => exact.has(text) || globs.some((glob) => globMatches(glob, text)),
    wanted: list.join(', ')
  }
}

export function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}

/**
 * Greedy matching with one step back to the last star: at most text × glob steps, whatever is written.
 */
function globMatches(glob: string, text: string): boolean {
  let at = 0
  let star = -1
  let resume = 0
  let place = 0
  while (at < text.length) {
    if (place < glob.length && glob[place] === '*') {
      star = place++
      resume = at
    } else if (place < glob.length && (glob[place] === '?' || glob[place] === text[at])) {
      at++
      place++
    } else if (star >= 0) {
      place = star + 1
      at = ++resume
    } else {
      return false
    }
  }
  while (glob[place] === '*') place++
  return place === glob.length
}

/** Compiles `pattern` as Flux compiles its inclusion and exclusion lists: RE2 syntax, found anywhere in the text. */
export function compileRegex(pattern: string): { find(text: string): boolean } | { error: string } {
  try {
    const compiled = RE2JS.compile(pattern)
    return { find: (text) => compiled.test(text) }
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return { error: error.message }
    throw error
  }
}
