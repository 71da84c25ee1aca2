// Spelling: suggests what was probably meant.
import { distance } from 'fastest-levenshtein'

/** The one of `known` that is at most `furthest` letters from `word`, whatever their case. */
export function nearest(word: string, known: readonly string[], furthest: number): string | undefined {
  const [best] = known
    // At least this many letters differ.
    .filter(({ length }) => Math.abs(length - word.length) <= furthest)
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
  return best === undefined || best.far > furthest ? undefined : best.candidate
}

/** The one of `known` that is so near to `word` that it was probably meant. */
export function meantBy(word: string, known: readonly string[]): string | undefined {
  return nearest(word, known, Math.min(3, Math.ceil(word.length / 3)))
}

/** `; did you mean "x"?` where one of `known` is near to `word`, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const best = meantBy(word, known)
  return best === undefined ? '' : `; did you mean "${best}"?`
}

/** As {@link didYouMean}. */
export type Guess = (word: string, known: Iterable<string>) => string

// Each is compared with all that there is. Where more are wrong, all were renamed, and a person sees that by these.
const maxGuesses = 100

/** Guesses for the first hundred words alone: ten thousand names that are not among ten thousand others take half a minute. */
export function createGuess(): Guess {
  let left = maxGuesses
  return (word, known) => (left-- > 0 ? didYouMean(word, [...known]) : '')
}

// More than a person looks through.
const maxListed = 20

/**
 * `there is no source "egde"; did you mean "edge"?`, or else `; there are default, edge`: `known` is what there is, or, unless they
 * `areAll`, a part of it.
 */
export function unknownName(what: string, name: string, known: readonly string[], areAll = true): string {
  const more = known.length > maxListed ? ` and ${known.length - maxListed} more` : ''
  const least = areAll ? '' : 'at least '
  const all = `there ${known.length === 1 ? 'is' : 'are'} ${least}${known.slice(0, maxListed).join(', ')}${more}`
  const none = areAll ? 'there are none' : 'none is known yet'
  return `there is no ${what} ${quote(name)}${didYouMean(name, known) || `; ${known.length === 0 ? none : all}`}`
}

/** In quotes, without what a terminal takes for commands. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
